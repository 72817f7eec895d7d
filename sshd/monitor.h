/*
 * monitor.h - the process that decides. It takes requests of the process
 * that reads the network, one at a time, and answers them.
 *
 * It believes nothing it is told but what it can check itself: the user
 * named first is the user; a signature is verified here, over data composed
 * here; passwords are compared here; rules about who may log in are applied
 * here. privsep.def says which request is allowed when; anything else ends
 * the connection.
 *
 *   KEX -> START -> AUTH <-> ASKED -> GRANTED -> (done) -> SESSION
 *                   AUTH -> ENDING (MaxAuthTries)
 *
 * Holds secrets: host keys, the transport's state on its way.
 */
#ifndef SSHD_MONITOR_H
#define SSHD_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/ipc/ipc.h"
#include "sshd/host_keys.h"
#include "sshd/options.h"
#include "sshd/peer.h"
#include "sshd/privsep.h"

struct monitor;

/* What reaches out of the process and costs time: replaced in tests. */
struct monitor_world {
	/* As port_password_check; name NULL: an unknown user. */
	int (*check_password)(const char *name, const char *password,
	    bool permit_empty, bool *ret_ok, bool *ret_expired);
	uint64_t (*now_us)(void);
	void (*wait_us)(uint64_t us);
};
extern const struct monitor_world monitor_real_world;

/* config, peer and host_keys are borrowed. NULL without memory. */
struct monitor *monitor_new(const struct sshd_config *config,
    const struct peer *peer, struct host_keys *host_keys,
    const struct monitor_world *world) MUST_CHECK;
void monitor_free(struct monitor *m);

/*
 * Handles one message; replies are composed in ipc (sent by the caller).
 * 0: go on; MONITOR_OVER: the sender has ended (with END, or DONE);
 * a negative code: it did what it must not do, the connection ends.
 */
#define MONITOR_OVER 1
int monitor_dispatch(struct monitor *m, struct ipc *ipc, uint8_t type,
    struct span body) MUST_CHECK;

/* When the login must be done (LoginGraceTime), by the monotonic clock: what
 * runs meanwhile is ended then. UINT64_MAX, the default: never. */
void monitor_set_deadline(struct monitor *m, uint64_t deadline_us);

/* Is the user authenticated and the transport here (after DONE)? */
bool monitor_is_authenticated(const struct monitor *m);

/* What the user's session needs, as PRIVSEP_START carries it; the
 * transport's state is wiped here afterwards. Requests of a session are
 * accepted from now on. */
int monitor_write_start(struct monitor *m, struct buf *out) MUST_CHECK;

/* The session's process, for login records. */
void monitor_set_session_pid(struct monitor *m, int pid);

/* Login records of terminals that are still open are closed. */
void monitor_close_terminals(struct monitor *m);

/* Forgets what only authentication needed, to be small. */
void monitor_trim(struct monitor *m);

/* Logs that LoginGraceTime is over. */
void monitor_log_timeout(const struct monitor *m);

/* Options in force: of the user once one was named. */
const struct sshd_options *monitor_options(const struct monitor *m);

/* The login name, or "" before one was named. */
const char *monitor_user(const struct monitor *m);

/* The exit status that tells the listener how it went. */
int monitor_exit_status(const struct monitor *m);

#endif
