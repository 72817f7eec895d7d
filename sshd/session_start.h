/*
 * session_start.h - what the monitor tells the process of the user's
 * session when authentication is done (PRIVSEP_START).
 *
 * Holds a secret: the transport's state; wiped on release.
 */
#ifndef SSHD_SESSION_START_H
#define SSHD_SESSION_START_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "sshd/authorized_keys.h"
#include "sshd/peer.h"

struct session_start {
	char *user;
	char *home;
	char *shell;
	uid_t uid;
	gid_t gid;
	gid_t *gids; /* all groups */
	size_t gid_count;
	struct peer peer;
	char *host;             /* name of the peer, or its address */
	struct key_options key; /* limits of the key; none for a password */
	char *auth_info;        /* lines for SSH_USER_AUTH; "" for none */
	char *nologin;          /* what to say instead of a session, or "" */
	bool must_change_password;
	struct buf transport; /* secret */
};

void session_start_init(struct session_start *s);
void session_start_release(struct session_start *s);

void session_start_write(struct buf *out, const struct session_start *s);
int session_start_read(struct span body, struct session_start *ret) MUST_CHECK;

#endif
