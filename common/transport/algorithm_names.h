/*
 * algorithm_names.h - the names of all algorithms as lists: what this build
 * knows, what it offers by default, in order of preference.
 * RFC 9142; the order is that of OpenSSH, but AES-GCM goes first where the
 * CPU has instructions for it.
 */
#ifndef COMMON_TRANSPORT_ALGORITHM_NAMES_H
#define COMMON_TRANSPORT_ALGORITHM_NAMES_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/config/config.h"

struct algorithm_names {
	struct config_algorithms family[CONFIG_FAMILIES];
	char *owned[2 * CONFIG_FAMILIES];
};

/* server: the defaults of sshd, without finite-field Diffie-Hellman. */
int algorithm_names_load(bool server, struct algorithm_names *ret) MUST_CHECK;
void algorithm_names_release(struct algorithm_names *a);

#endif
