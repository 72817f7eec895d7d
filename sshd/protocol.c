/*
 * protocol.c - identification and algorithm lists.
 */
#include "sshd/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

static char *
make_ident(const struct sshd_options *o)
{
	const char *addendum =
	    o->version_addendum != NULL ? o->version_addendum : "";

	return text_format("SSH-2.0-Sheetbend_" SHEETBEND_VERSION "%s%.200s",
	    addendum[0] != '\0' ? " " : "", addendum);
}

int
protocol_init(struct protocol *p, const struct sshd_options *o,
    const struct host_keys *keys, const struct moduli *moduli)
{
	memset(p, 0, sizeof(*p));
	p->ident = make_ident(o);
	p->host_key_algorithms =
	    host_keys_algorithms(keys, o->host_key_algorithms);
	if (p->ident == NULL || p->host_key_algorithms == NULL) {
		protocol_release(p);
		return ERR_MEMORY;
	}
	p->config = (struct transport_config){
		.role = TRANSPORT_SERVER,
		.ident = p->ident,
		.kex_algorithms = o->kex_algorithms,
		.host_key_algorithms = p->host_key_algorithms,
		.ciphers = o->ciphers,
		.macs = o->macs,
		.compression = o->compression == COMPRESSION_NO
				   ? "none"
				   : "none,zlib@openssh.com",
		.server_sig_algs = o->pubkey_accepted_algorithms,
		.rekey_bytes = o->rekey_limit.bytes,
		.rekey_interval_us = (uint64_t)o->rekey_limit.seconds * 1000000,
		.moduli = moduli,
	};
	return 0;
}

void
protocol_release(struct protocol *p)
{
	free(p->ident);
	free(p->host_key_algorithms);
	memset(p, 0, sizeof(*p));
}
