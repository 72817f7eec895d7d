/*
 * template.h - the listener's end of the process that session processes are
 * forked from.
 *
 * A template is executed afresh, reads its configuration from a sealed
 * memory file, warms up the crypto library, and then forks a session
 * process whenever the listener asks for one; as a child of the listener's
 * (session_main.c is its own end). It never has a connection, a host key, or
 * anything from a peer. After TEMPLATE_USES session processes the next
 * template is executed, with another address layout; with SpareSessions 0
 * after each.
 */
#ifndef SSHD_TEMPLATE_H
#define SSHD_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/event/loop.h"
#include "sshd/options.h"

#define TEMPLATE_USES 16

struct templates;

struct template_config {
	struct loop *loop;
	const struct sshd_config *config;
	bool log_to_stderr; /* descriptor 2 is the log; else syslog */
	/* What was asked for as id runs as pid; 0: it could not be started.
	 * Never called from inside templates_fork(). */
	void (*forked)(void *context, uint32_t id, pid_t pid);
	void *context;
};

/* Remembers this program's own file, before it can be replaced. */
int template_remember_program(void) MUST_CHECK;

/* NULL where memory or the memory file fails. The first template is
 * executed when it is needed. */
struct templates *templates_new(const struct template_config *c) MUST_CHECK;
/* They end, once they have answered. */
void templates_free(struct templates *t);

/*
 * Asks for a session process that holds fd, which stays the caller's; what
 * is written to its other end waits there until the process reads it.
 * ERR_SYSTEM, ERR_MEMORY.
 */
int templates_fork(struct templates *t, uint32_t id, int fd) MUST_CHECK;

/* Executes the template now, if there is none. */
int templates_start(struct templates *t) MUST_CHECK;

/* What is asked for from here on comes from a template executed anew. */
void templates_renew(struct templates *t);

/* There are session processes whose pid is not known yet. */
bool templates_owe(const struct templates *t);

/* ---- the other end: what a template starts with ---- */

#define TEMPLATE_IPC_FD     3
#define TEMPLATE_STARTUP_FD 4
/* Longest configuration: CONFIG_MAX_BYTES and a little. */
#define TEMPLATE_STARTUP_MAX ((size_t)65 * 1024 * 1024)
/* Longest message between listener, template and session process. */
#define LISTENER_MESSAGE_MAX (1024u * 1024)

#endif
