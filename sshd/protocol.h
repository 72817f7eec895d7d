/*
 * protocol.h - the transport's configuration from sshd's options, the same
 * before and after authentication.
 */
#ifndef SSHD_PROTOCOL_H
#define SSHD_PROTOCOL_H

#include "common/base/attributes.h"
#include "common/transport/transport.h"
#include "sshd/host_keys.h"
#include "sshd/options.h"

/* Owns the text that the transport borrows. */
struct protocol {
	char *ident;
	char *host_key_algorithms;
	struct transport_config config;
};

/* keys: the public halves; only algorithms there is a key for are offered.
 * moduli: for group exchange, or NULL. Both are borrowed. */
int protocol_init(struct protocol *p, const struct sshd_options *o,
    const struct host_keys *keys, const struct moduli *moduli) MUST_CHECK;
void protocol_release(struct protocol *p);

#endif
