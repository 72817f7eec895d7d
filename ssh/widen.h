/*
 * widen.h - further channels for the program that runs us: our sftp and scp
 * spread large files over several where the server's window for one is small.
 */
#ifndef SSH_WIDEN_H
#define SSH_WIDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/channel/channel.h"
#include "common/event/loop.h"

/* Once the session is under way: what a further channel is for, and where.
 * command: borrowed. */
void widen_start(struct loop *loop, struct connection *connection,
    const char *command, bool is_subsystem);

/* One more session channel for the same, joined with this stream socket, which
 * is taken. parent_tell() says what became of it. */
void widen_add(int fd, uint32_t number);

#endif
