/*
 * listener.h - accepts connections and hands them to session processes.
 *
 * Never reads a byte that a peer sent. Holds: the listening sockets, the
 * host keys on their way to session processes, limits and penalties.
 */
#ifndef SSHD_LISTENER_H
#define SSHD_LISTENER_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "sshd/host_keys.h"
#include "sshd/listen.h"
#include "sshd/options.h"

struct listener_config {
	const struct sshd_config *config;
	const struct host_keys *host_keys;
	struct listen_sockets *sockets;
	bool log_to_stderr;
	bool single; /* -d: one connection, then the end */
	/* Called once, when connections are accepted. */
	void (*ready)(void *context);
	void *context;
};

enum listener_end {
	LISTENER_STOPPED, /* a signal, or -d is over: see ret_status */
	LISTENER_RESTART, /* SIGHUP */
	LISTENER_FAILED
};

/* Runs until the end; the sockets are closed then. */
enum listener_end listener_run(
    const struct listener_config *config, int *ret_status);

#endif
