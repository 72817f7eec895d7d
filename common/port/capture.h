/*
 * capture.h - runs a program to its end and takes what it prints.
 *
 * For helpers that a configuration names: no shell, standard input is
 * /dev/null, no descriptor of ours but standard error reaches it, signals are
 * as at the start of a process, and it dies with us. What it prints is bounded
 * in size and in time, and is as trustworthy as the program.
 */
#ifndef COMMON_PORT_CAPTURE_H
#define COMMON_PORT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"

struct capture {
	char *const *argv; /* argv[0] is the path; NULL at the end */
	char *const *env;  /* NULL at the end; NULL: ours */
	/* The account to run as, where this process is root. NULL: as we
	 * are. */
	const char *user;
	uid_t uid;
	gid_t gid;
	/* A process group of its own: all of it is killed when the time or
	 * the room is over. Else the terminal's signals reach it. */
	bool own_group;
	uint64_t deadline_us; /* monotonic; UINT64_MAX: none */
	size_t output_max;
	/* Takes each line of standard error (cut to 1,024 bytes; at most 100
	 * lines); NULL: it is ours. */
	void (*on_error_line)(void *context, struct span line);
	void *context;
};

/*
 * Appends standard output to out. 0: the program has ended, ret_status is
 * that of waitpid(2). ERR_TIMEOUT, ERR_LIMIT (it was killed), ERR_SYSTEM, each
 * with a sentence; out is then as it was.
 */
int capture_run(const struct capture *c, struct buf *out, int *ret_status,
    struct error *e) MUST_CHECK;

/* ERR_SYSTEM with "exited with status N" or "was killed by signal N" for the
 * end of a program that is no success; 0 for success. */
int capture_check_status(int status, struct error *e) MUST_CHECK;

#endif
