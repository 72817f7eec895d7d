/*
 * parent.h - the program that runs us, where that is our sftp or scp: what it
 * asks for by its socket (common/ipc/direct.h).
 *
 * The socket must lead to our parent process; else the variable is ignored.
 * One for the process, as standard input is.
 */
#ifndef SSH_PARENT_H
#define SSH_PARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/event/loop.h"
#include "common/ipc/direct.h"

/* First of all: takes the variable out of the environment, so that programs
 * that we start know nothing of it. */
void parent_take_environment(void);

/* This is the socket; it is taken. */
void parent_attach(int fd);

/* Is there such a program? It may ask for more sessions, which must then stay
 * possible. */
bool parent_is_there(void);

/* Once the session is under way: what it asks for is done from now on.
 * ERR_MEMORY. */
int parent_start(struct loop *loop) MUST_CHECK;

/* The other side may be gone, or not care: then nothing is told. */
void parent_tell(enum direct_kind kind, uint32_t number, uint8_t word);

/* The file that it shares by this number; -1: none. The descriptor stays
 * here, until parent_forget_file(). */
int parent_file(uint32_t number);
void parent_forget_file(uint32_t number);

#endif
