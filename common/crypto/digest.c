/*
 * digest.c - hash functions and HMAC for callers that hash once.
 * FIPS 180-4, RFC 1321, RFC 2104.
 */
#include "common/crypto/digest.h"

#include <stdlib.h>
#include <strings.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/hash.h"

struct digest {
	struct hash hash;
};

/* clang-format off */
static const struct {
	const char *name;
	size_t size;
} table[] = {
	[DIGEST_MD5]    = { "MD5",    16 },
	[DIGEST_SHA1]   = { "SHA1",   20 },
	[DIGEST_SHA256] = { "SHA256", 32 },
	[DIGEST_SHA384] = { "SHA384", 48 },
	[DIGEST_SHA512] = { "SHA512", 64 },
};
/* clang-format on */

size_t
digest_size(enum digest_algorithm a)
{
	return table[a].size;
}

const char *
digest_name(enum digest_algorithm a)
{
	return table[a].name;
}

int
digest_find(const char *name, enum digest_algorithm *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (strcasecmp(name, table[i].name) == 0) {
			*ret = (enum digest_algorithm)i;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

int
digest_of(enum digest_algorithm a, struct span data, uint8_t *out)
{
	struct hash h;

	hash_init(&h, a);
	if (data.len > 0)
		hash_update(&h, data.ptr, data.len);
	hash_final(&h, out);
	secret_wipe(&h, sizeof(h));
	return 0;
}

struct digest *
digest_new(enum digest_algorithm a)
{
	struct digest *d = malloc(sizeof(*d));

	if (d != NULL)
		hash_init(&d->hash, a);
	return d;
}

int
digest_update(struct digest *d, struct span data)
{
	if (data.len > 0)
		hash_update(&d->hash, data.ptr, data.len);
	return 0;
}

int
digest_final(struct digest *d, uint8_t *out)
{
	hash_final(&d->hash, out);
	return 0;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	secret_wipe(d, sizeof(*d));
	free(d);
}

int
hmac_of(
    enum digest_algorithm a, struct span key, struct span data, uint8_t *out)
{
	struct hmac_key k;

	hmac_key_init(&k, a, key);
	hmac_key_compute(&k, data, span_of(NULL, 0), out);
	secret_wipe(&k, sizeof(k));
	return 0;
}
