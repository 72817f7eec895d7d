/*
 * serve.h - one connection, from start to end: the processes that it takes
 * and the monitor's loop between them.
 *
 *   this process            the monitor
 *   +-- authentication child   forked and confined at once
 *   +-- user's session         forked at once, waits until it is needed
 *
 * Both are forked before the host keys come into this process, so neither
 * ever had them in its memory.
 */
#ifndef SSHD_SERVE_H
#define SSHD_SERVE_H

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "sshd/host_keys.h"
#include "sshd/options.h"
#include "sshd/preauth.h"

/* Where the rest comes from, once the children are there. */
struct serve_source {
	/* Fills in the host keys, both halves. */
	int (*host_keys)(void *context, struct host_keys *ret_keys);
	/* Waits for the connection; descriptors are the caller's. The same
	 * number twice for a socket. ERR_CLOSED: there will be none. */
	int (*connection)(void *context, int *ret_fd_in, int *ret_fd_out);
	/* The user is authenticated. */
	void (*authenticated)(void *context);
	void *context;
};

/* The account and the empty directory of the confined child; nothing to
 * check when this process is not root. The sentence in e. */
int serve_check_confinement(struct error *e) MUST_CHECK;

/* What connections of one configuration have in common: the crypto library
 * warmed up, the child's account, groups for the group exchange. */
struct serve_setup {
	struct preauth_setup child;
	struct moduli *moduli;
};
int serve_prepare(const struct sshd_config *config, struct serve_setup *ret,
    struct error *e) MUST_CHECK;

/* Serves; returns the exit status of enum session_exit. */
int serve(const struct serve_setup *setup, const struct serve_source *source);

#endif
