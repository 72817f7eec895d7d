/*
 * sshfp_text.h - SSHFP records of host keys as lines of a DNS zone.
 * RFC 4255 s3, RFC 6594, RFC 7479; the generic form: RFC 3597 s5.
 */
#ifndef COMMON_HOSTS_SSHFP_TEXT_H
#define COMMON_HOSTS_SSHFP_TEXT_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/key/key.h"

enum {
	SSHFP_SHA1 = 1,
	SSHFP_SHA256 = 2,
	SSHFP_ALL = SSHFP_SHA1 | SSHFP_SHA256
};

/* "sha1", "sha256"; false for other names. */
bool sshfp_hash_find(const char *name, unsigned *ret_hashes);

/* The number of the key's algorithm in the registry, of a certificate that of
 * the key in it; 0: it has none. */
unsigned sshfp_algorithm(const struct key *k);

/*
 * Appends one line for each of hashes: "NAME IN SSHFP algorithm type hex", or
 * "NAME IN TYPE44 \# length hex" (is_generic). ERR_UNSUPPORTED for keys that
 * have no number in the registry, and for certificates.
 */
int sshfp_write(const struct key *k, const char *name, unsigned hashes,
    bool is_generic, struct buf *out) MUST_CHECK;

#endif
