/*
 * preauth.h - the process that talks to a peer nobody knows yet.
 *
 * Runs as the user sshd in an empty root, without privileges to gain, under
 * a system call filter, with two descriptors: the network and the monitor. It
 * holds no key and no password file; what it finds out goes to the monitor
 * as requests (privsep.def), which does not believe it.
 */
#ifndef SSHD_PREAUTH_H
#define SSHD_PREAUTH_H

#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/transport/kex_method.h"
#include "sshd/options.h"

struct preauth_setup {
	int monitor_fd; /* taken */
	const struct sshd_config *config;
	const struct moduli *moduli; /* NULL: none */
	const char *chroot_dir;      /* NULL: not root, no chroot */
	uid_t uid;
	gid_t gid;
};

NORETURN void preauth_main(const struct preauth_setup *setup);

#endif
