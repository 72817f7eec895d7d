/*
 * session_run.h - starting the process of a command or a shell.
 */
#ifndef SSHD_SESSION_RUN_H
#define SSHD_SESSION_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/text.h"

/* All text is borrowed. */
struct run_plan {
	const char *shell;
	const char *command; /* NULL: a login shell */
	const struct strings *env;
	const char *home;
	int stdin_fd, stdout_fd, stderr_fd;
	int tty_fd; /* becomes the controlling terminal; -1 */
	/* Shown first, to a terminal or on stderr; NULL or "" for nothing. */
	const char *last_login;
	bool show_motd;
	const char *refusal; /* shown, then the end with this status */
	int refusal_status;
	const char *rc;         /* run by sh first; NULL */
	const char *tell_first; /* any other text; NULL */
};

/* The process, which leads its own session and process group. ERR_SYSTEM. */
int session_run(const struct run_plan *plan, pid_t *ret_pid) MUST_CHECK;

#endif
