/*
 * negative.h - a peer that is wrong on purpose: cases, what must come of
 * them, and the daemon or client they are tried on.
 */
#ifndef TESTS_NEGATIVE_NEGATIVE_H
#define TESTS_NEGATIVE_NEGATIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "tests/negative/wire.h"

struct options {
	const char *sshd, *ssh;
	const char *pattern; /* part of the names to run; NULL: all */
	bool verbose;
};
extern struct options options;

/* ---- counting ---- */

/* Shall this case run? */
bool case_wanted(const char *name);
void case_passed(const char *name);
void case_skipped(const char *name, const char *why);
void case_failed(const char *name, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- scratch ---- */

const char *scratch_path(const char *name); /* one of four buffers */
bool scratch_write(const char *name, struct span contents);
const char *user_name(void);

/* A listening socket on a free port of the loopback. */
int listen_loopback(unsigned *ret_port);
int connect_loopback(unsigned port);

/* ---- daemon.c ---- */

struct daemon {
	pid_t pid;
	unsigned port;
	struct key *host_key, *user_key;
};
bool daemon_start(struct daemon *d);
void daemon_stop(struct daemon *d);
/* Does it let an honest client in, and run a command? */
bool daemon_serves(struct daemon *d);
/* Of the listener. */
unsigned daemon_descriptors(const struct daemon *d);
unsigned daemon_children(const struct daemon *d);
/* The last lines of its log. */
void daemon_show_log(void);

/* ---- the cases ---- */

void server_cases(struct daemon *d);
void client_cases(void);

#endif
