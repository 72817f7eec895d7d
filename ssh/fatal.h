/*
 * fatal.h - the ways out of ssh: what must be put right (the terminal, a
 * proxy process) is put right on every one of them.
 */
#ifndef SSH_FATAL_H
#define SSH_FATAL_H

#include "common/base/attributes.h"

/* The status for every error of our own. */
#define EXIT_ERROR 255

/* fn is called, last registered first, before the process ends. */
void at_leave(void (*fn)(void));

/* Ends the process, without the clean-up of libraries (it costs time and
 * changes nothing that outlives us). */
NORETURN void leave(int status);

/* Logs at level fatal and leaves with EXIT_ERROR. */
NORETURN void fatal(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
