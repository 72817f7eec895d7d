/*
 * client_link.h - what carries a client's bytes: the program that is the way
 * to the server (ssh, or an sftp-server itself), started with pipes, and the
 * turns in which they are read and written.
 *
 * Pipes are enlarged. Signals: SIGINT while waiting is left to the program's
 * own handler; a turn ends early then. SIGPIPE must be ignored.
 * Programs only: starts processes, blocks.
 */
#ifndef SFTP_CLIENT_LINK_H
#define SFTP_CLIENT_LINK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "sftp/client.h"

struct client_link;

struct client_link_config {
	char *const *argv; /* program and its arguments, NULL in the end */
	/* Bytes a second in each direction together; 0: no limit. */
	uint64_t bytes_per_second;
	/* The terminal's ^C does not end the program: it interrupts what we
	 * do over it. */
	bool survives_interrupt;
	/* The program may be our ssh: then it is asked for further channels
	 * on its connection, and local files are shared with it. */
	bool is_own_ssh;
};

/* Starts the program. ERR_SYSTEM where it cannot be. */
int client_link_start(const struct client_link_config *config,
    struct client_link **ret, struct error *e) MUST_CHECK;

/* Closes the pipes and waits for the program; its wait status, or -1. */
int client_link_stop(struct client_link *l);

/* Borrowed; lives as long as the link. */
struct client *client_link_client(struct client_link *l);
pid_t client_link_pid(const struct client_link *l);
/* What ended the connection; its code is 0 while it stands. Borrowed. */
const struct error *client_link_error(const struct client_link *l);

/*
 * One turn over several links (a NULL entry is skipped): waits at most
 * timeout_ms (-1: for ever), then reads and writes what goes. 0, or the
 * error of the first link that ended now: ERR_CLOSED where the other side
 * closed. Its client is then over.
 */
int client_link_turn(struct client_link *const *links, size_t count,
    int timeout_ms, struct error *e) MUST_CHECK;

/* Turns until the server's version and limits are here; ERR_CANCELLED when
 * *stop (may be NULL) was set meanwhile. */
int client_link_wait_ready(struct client_link *l,
    const volatile sig_atomic_t *stop, struct error *e) MUST_CHECK;

/*
 * A further channel that came up since: its client, which belongs to the
 * link (not ready yet), or NULL. wanted: so many in all, where the way can
 * give them.
 */
struct client *client_link_widen(struct client_link *l, unsigned wanted);

/* The further channels that there are, by index from 0 on; NULL: the end. */
struct client *client_link_lane(struct client_link *l, size_t index);

#endif
