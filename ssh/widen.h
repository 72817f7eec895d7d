/*
 * widen.h - further channels for the program that runs us: our sftp and scp
 * spread large files over several where the server's window for one is small.
 *
 * They pass a Unix socket of packets, named by SHEETBEND_WIDEN in the
 * environment. Each packet from them is one byte, the request's number, with a
 * stream socket beside it: one more session channel for the same subsystem or
 * command is joined with it. The answer is two bytes, the number and 'y', or
 * 'n' where the server has no more.
 * The socket must lead to our parent process; else the variable is ignored.
 */
#ifndef SSH_WIDEN_H
#define SSH_WIDEN_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"

/* First of all: takes the variable out of the environment, so that programs
 * that we start know nothing of it. */
void widen_take_environment(void);

/* May further channels be asked for? Then more sessions must stay possible. */
bool widen_is_possible(void);

/* Once the session is under way. command: borrowed. Without a socket nothing
 * happens. ERR_MEMORY. */
int widen_start(struct loop *loop, struct connection *connection,
    const char *command, bool is_subsystem) MUST_CHECK;

#endif
