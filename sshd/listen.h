/*
 * listen.h - the sockets that sshd listens on.
 */
#ifndef SSHD_LISTEN_H
#define SSHD_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "sshd/options.h"

#define LISTEN_MAX 64

struct listen_sockets {
	int fd[LISTEN_MAX];
	size_t count;
	bool were_passed; /* by a service manager */
};

/*
 * Opens a socket for every address of ListenAddress and Port; or takes those
 * that a service manager passed. Each failure is logged; ERR_NOT_FOUND when
 * nothing could be opened.
 */
int listen_open(
    struct listen_sockets *l, const struct sshd_options *o) MUST_CHECK;
void listen_close(struct listen_sockets *l);

/* For a program that is executed anew in this process: passes it the sockets
 * that were passed to us, in the same way. The others it can open again. */
void listen_pass_on(const struct listen_sockets *l);

#endif
