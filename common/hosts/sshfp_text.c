/*
 * sshfp_text.c - SSHFP records of host keys as lines of a DNS zone.
 */
#include "common/hosts/sshfp_text.h"

#include <strings.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"

/* Fingerprint types: RFC 4255 s3.1.2, RFC 6594 s4. */
static const struct hash_row {
	unsigned flag;
	unsigned number;
	enum digest_algorithm digest;
	const char *name;
} hash_rows[] = {
	{ SSHFP_SHA1, 1, DIGEST_SHA1, "sha1" },
	{ SSHFP_SHA256, 2, DIGEST_SHA256, "sha256" },
};

/* Algorithms: RFC 4255 s3.1.1, RFC 6594 s5, RFC 7479; 0: none. */
unsigned
sshfp_algorithm(const struct key *k)
{
	switch (key_row(k)->type) {
	case KEY_RSA:
		return 1;
	case KEY_DSA:
		return 2;
	case KEY_ECDSA:
		return 3;
	case KEY_ED25519:
		return 4;
	default:
		return 0;
	}
}

bool
sshfp_hash_find(const char *name, unsigned *ret_hashes)
{
	for (size_t i = 0; i < ARRAY_COUNT(hash_rows); i++) {
		if (strcasecmp(name, hash_rows[i].name) == 0) {
			*ret_hashes = hash_rows[i].flag;
			return true;
		}
	}
	return false;
}

int
sshfp_write(const struct key *k, const char *name, unsigned hashes,
    bool is_generic, struct buf *out)
{
	unsigned algorithm = sshfp_algorithm(k);
	uint8_t digest[DIGEST_MAX];
	int r;

	if (algorithm == 0 || key_certificate(k) != NULL)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < ARRAY_COUNT(hash_rows); i++) {
		const struct hash_row *h = &hash_rows[i];
		size_t size = digest_size(h->digest);

		if ((hashes & h->flag) == 0)
			continue;
		if ((r = digest_of(h->digest, key_blob(k), digest)) != 0)
			return r;
		if (is_generic)
			buf_printf(out, "%s IN TYPE44 \\# %zu %02x %02x ", name,
			    2 + size, algorithm, h->number);
		else
			buf_printf(out, "%s IN SSHFP %u %u ", name, algorithm,
			    h->number);
		hex_write(out, span_of(digest, size));
		write_byte(out, '\n');
	}
	return buf_error(out);
}
