/*
 * fatal.c - the ways out of ssh.
 */
#include "ssh/fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/log.h"

#define LEAVE_FUNCTIONS_MAX 8

static void (*leave_functions[LEAVE_FUNCTIONS_MAX])(void);
static unsigned leave_count;

void
at_leave(void (*fn)(void))
{
	if (leave_count == LEAVE_FUNCTIONS_MAX)
		bug("too many functions for the way out");
	leave_functions[leave_count++] = fn;
}

void
leave(int status)
{
	while (leave_count > 0)
		leave_functions[--leave_count]();
	fflush(stdout);
	_exit(status);
}

void
fatal(const char *format, ...)
{
	va_list args;

	/* The line must not be drawn on a terminal in raw mode. */
	while (leave_count > 0)
		leave_functions[--leave_count]();
	va_start(args, format);
	log_va(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	leave(EXIT_ERROR);
}
