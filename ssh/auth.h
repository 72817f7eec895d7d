/*
 * auth.h - the client's policy of authentication: which method and which key
 * next, what to ask the person, when to give up.
 * RFC 4252 (the mechanism is common/userauth).
 *
 * The first request leaves with SERVICE_REQUEST, without asking which methods
 * there are: signed at once with the one obvious key (the one that the host
 * took last time, or the only one), as a probe with several. Without any key:
 * "none", which only tells the methods.
 * Prompts block.
 */
#ifndef SSH_AUTH_H
#define SSH_AUTH_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/transport/transport.h"
#include "ssh/identities.h"
#include "ssh/options.h"

struct auth;

struct auth_config {
	const struct ssh_options *o;
	struct transport *t;
	struct identities *identities;
	const char *user;
	const char *host;       /* for prompts */
	const char *remembered; /* fingerprint of a key, or NULL */
	int socket_fd;          /* to the server; -1: by a proxy */
	bool is_untrusted;      /* nothing secret may be typed */
	bool is_quiet;          /* no banner */
};

/* All in c is borrowed. Sends the first request. */
int auth_new(
    const struct auth_config *c, struct auth **ret, struct error *e) MUST_CHECK;
void auth_free(struct auth *a);

enum {
	AUTH_CONTINUES,
	AUTH_SUCCEEDED
};

/*
 * Feeds a packet of types 6 and 50..79. AUTH_ or a negative code;
 * ERR_AUTH_FAILED: nothing is left to try (auth_report() says why).
 */
int auth_packet(
    struct auth *a, const struct packet *p, struct error *e) MUST_CHECK;

/* The method that succeeded ("publickey"). */
const char *auth_method(const struct auth *a);
/* The identity that succeeded, or NULL. */
const struct identity *auth_identity(const struct auth *a);

/* `U@H: Permission denied (publickey).` and the three lines of report.h. */
void auth_report(const struct auth *a);
/* The three lines, where the server ended it in the middle. */
void auth_report_cut_off(const struct auth *a);

#endif
