/*
 * monitor_state.h - the monitor's state, for the files of the monitor only.
 *
 *   monitor.c          the table, its dispatcher, log lines, SIGN, END
 *   monitor_user.c     USER: the account and the rules about it
 *   monitor_methods.c  the methods, the verdict on each, DONE
 *   monitor_keys.c     KEY_PROBE, KEY_AUTH
 *   monitor_certificates.c  certificates of trusted CAs, revoked keys
 *   monitor_hostbased.c  HOSTBASED: users whom their host names
 *   monitor_proofs.c   PROVE: proofs of host keys
 *   monitor_session.c  what the user's session may ask
 */
#ifndef SSHD_MONITOR_STATE_H
#define SSHD_MONITOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/text.h"
#include "common/port/port.h"
#include "common/userauth/methods.h"
#include "sshd/account.h"
#include "sshd/authorized_keys.h"
#include "sshd/monitor.h"

enum monitor_phase {
	MONITOR_KEX = 1,
	MONITOR_START = 2,
	MONITOR_AUTH = 4,
	MONITOR_ASKED = 8,
	MONITOR_GRANTED = 16,
	MONITOR_ENDING = 32, /* MaxAuthTries is reached */
	MONITOR_DONE = 64,
	MONITOR_SESSION = 128
};

#define MONITOR_TERMINALS_MAX 1024

struct key;

struct monitor_terminal {
	bool open;
	struct port_pty pty;
};

struct monitor {
	const struct sshd_config *config;
	const struct peer *peer;
	struct host_keys *host_keys;
	const struct monitor_world *world;
	uint64_t deadline_us; /* of the login; UINT64_MAX: none */
	enum monitor_phase phase;
	unsigned used[PRIVSEP_REQUEST_COUNT];
	int exit_status;

	/* the key exchange */
	struct buf session_id;     /* the first exchange hash */
	struct span host_key_blob; /* of the key that signed it; borrowed */

	/* the user; NULL before USER */
	char *user;    /* the account's name */
	char *spelled; /* as the peer wrote it, which signatures cover:
			* "user" or "user:style" */
	struct account *account;
	bool valid; /* exists, and the rules let it in */
	bool has_options;
	struct sshd_options options;
	char host[256]; /* the peer's name, or its address */
	struct auth_methods *methods;
	uint64_t delay_us; /* least time of a failure */

	/* progress */
	uint64_t request_began_us;
	bool after_user; /* the last request was USER */
	unsigned attempts;
	unsigned failures;
	bool has_key_options;
	struct key_options key_options;
	struct strings used_keys; /* base64: each key counts once, with and
				   * without a certificate */
	struct buf auth_info;     /* lines of SSH_USER_AUTH */
	bool must_change_password;
	/* The last key that a probe found good, so that its signature does
	 * not have the file read again. */
	struct buf known_blob;
	struct key_options known_options;

	struct buf transport; /* secret; from DONE to START */
	pid_t session_pid;
	struct monitor_terminal *terminals;
	size_t terminal_count;
};

/* What a method came to, for monitor_finish(). */
struct monitor_attempt {
	const char *method; /* as in AuthenticationMethods */
	bool ok;
	bool is_probe;      /* success grants nothing */
	const char *detail; /* key type and fingerprint; NULL none */
	char *info;         /* line for SSH_USER_AUTH; taken */
	const struct key_options *key_options; /* of the key; NULL: none */
};

typedef int monitor_handler(
    struct monitor *m, struct ipc *ipc, struct reader *r);

#define ROW(name, states, most, handler) monitor_handler handler;
#include "sshd/privsep.def"
#undef ROW

/*
 * The one place where an attempt becomes a verdict: rules about root, the
 * list of methods, failures and their delay, the log line, the answer.
 */
int monitor_finish(struct monitor *m, struct ipc *ipc,
    const struct monitor_attempt *a) MUST_CHECK;

/*
 * Was the certificate signed by a CA of TrustedUserCAKeys, for the user, and
 * does it hold here and now? Why not is logged. ret: what it allows.
 */
bool monitor_ca_is_trusted(
    const struct monitor *m, const struct key *k, struct key_options *ret);

/* Is the key, or its CA's, in a file of RevokedKeys? Also when one of them
 * cannot be read. detail says which key, for the log. */
bool monitor_key_is_revoked(
    const struct monitor *m, const struct key *k, const char *detail);

/* AuthorizedKeysCommand or AuthorizedPrincipalsCommand for a key: appends
 * what it printed. False (said in the log): it counts for nothing. */
bool monitor_run_command(const struct monitor *m, const char *keyword,
    const char *command, const char *run_as, const struct key *k,
    struct buf *out);

/* %h, %u, %U in a path of the keyword; relative paths are under the home
 * directory. has_wildcards: it is a pattern, in which names stand for
 * themselves. Fresh text, or NULL (said in the log). */
char *monitor_expand_path(const struct monitor *m, const char *keyword,
    const char *pattern, bool has_wildcards);

/* "authenticating user U ", "invalid user U ", or "" before USER. Returns
 * buf. */
const char *monitor_who(const struct monitor *m, char *buf, size_t size);

#endif
