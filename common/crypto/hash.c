/*
 * hash.c - running hash states, HMAC with a prepared key.
 * FIPS 180-4, RFC 1321, RFC 2104.
 *
 * The only file that uses libcrypto's SHA256_Update() and its relatives,
 * which 3.0 marks as deprecated. Copying an EVP_MD_CTX allocates (the
 * provider duplicates its own state), so an HMAC per packet by EVP costs two
 * allocations and several hundred nanoseconds; here it is two assignments.
 * The compression functions underneath are the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "common/crypto/hash.h"

#include <string.h>

#include "common/base/secret.h"

#define BLOCK_MAX 128

static size_t
block_size(enum digest_algorithm a)
{
	return a == DIGEST_SHA384 || a == DIGEST_SHA512 ? 128 : 64;
}

void
hash_init(struct hash *h, enum digest_algorithm a)
{
	h->algorithm = a;
	switch (a) {
	case DIGEST_MD5:
		MD5_Init(&h->state.md5);
		break;
	case DIGEST_SHA1:
		SHA1_Init(&h->state.sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Init(&h->state.sha256);
		break;
	case DIGEST_SHA384:
		SHA384_Init(&h->state.sha512);
		break;
	case DIGEST_SHA512:
		SHA512_Init(&h->state.sha512);
		break;
	}
}

void
hash_update(struct hash *h, const void *data, size_t len)
{
	switch (h->algorithm) {
	case DIGEST_MD5:
		MD5_Update(&h->state.md5, data, len);
		break;
	case DIGEST_SHA1:
		SHA1_Update(&h->state.sha1, data, len);
		break;
	case DIGEST_SHA256:
		SHA256_Update(&h->state.sha256, data, len);
		break;
	case DIGEST_SHA384:
		SHA384_Update(&h->state.sha512, data, len);
		break;
	case DIGEST_SHA512:
		SHA512_Update(&h->state.sha512, data, len);
		break;
	}
}

void
hash_final(struct hash *h, uint8_t *out)
{
	switch (h->algorithm) {
	case DIGEST_MD5:
		MD5_Final(out, &h->state.md5);
		break;
	case DIGEST_SHA1:
		SHA1_Final(out, &h->state.sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Final(out, &h->state.sha256);
		break;
	case DIGEST_SHA384:
		SHA384_Final(out, &h->state.sha512);
		break;
	case DIGEST_SHA512:
		SHA512_Final(out, &h->state.sha512);
		break;
	}
}

void
hmac_key_init(struct hmac_key *k, enum digest_algorithm a, struct span key)
{
	uint8_t block[BLOCK_MAX] = { 0 };
	size_t size = block_size(a);

	/* RFC 2104 s2: longer keys are hashed first. */
	if (key.len > size) {
		hash_init(&k->inner, a);
		hash_update(&k->inner, key.ptr, key.len);
		hash_final(&k->inner, block);
	} else if (key.len > 0) {
		memcpy(block, key.ptr, key.len);
	}
	for (size_t i = 0; i < size; i++)
		block[i] ^= 0x36;
	hash_init(&k->inner, a);
	hash_update(&k->inner, block, size);
	for (size_t i = 0; i < size; i++)
		block[i] ^= 0x36 ^ 0x5c;
	hash_init(&k->outer, a);
	hash_update(&k->outer, block, size);
	secret_wipe(block, sizeof(block));
}

void
hmac_key_compute(
    const struct hmac_key *k, struct span a, struct span b, uint8_t *out)
{
	struct hash h = k->inner;
	uint8_t inner[DIGEST_MAX];

	if (a.len > 0)
		hash_update(&h, a.ptr, a.len);
	if (b.len > 0)
		hash_update(&h, b.ptr, b.len);
	hash_final(&h, inner);
	h = k->outer;
	hash_update(&h, inner, digest_size(k->inner.algorithm));
	hash_final(&h, out);
}

/* The last block of a message of 64 bytes and these (RFC 3174 s4). */
static void
pad_block(uint8_t block[static 64], const void *data, size_t len)
{
	unsigned bits = (unsigned)(64 + len) * 8;

	memcpy(block, data, len);
	block[len] = 0x80;
	memset(block + len + 1, 0, 62 - (len + 1));
	block[62] = (uint8_t)(bits >> 8);
	block[63] = (uint8_t)bits;
}

static void
put_state(uint8_t out[static 20], const SHA_CTX *c)
{
	const SHA_LONG words[5] = { c->h0, c->h1, c->h2, c->h3, c->h4 };

	for (int i = 0; i < 5; i++) {
		out[4 * i] = (uint8_t)(words[i] >> 24);
		out[4 * i + 1] = (uint8_t)(words[i] >> 16);
		out[4 * i + 2] = (uint8_t)(words[i] >> 8);
		out[4 * i + 3] = (uint8_t)words[i];
	}
}

/* H(key ^ pad, what is in `last`). */
static void
keyed_pass(const uint8_t key[static 20], uint8_t pad,
    const uint8_t last[static 64], uint8_t out[static 20])
{
	uint8_t block[64];
	SHA_CTX c;

	memset(block, pad, sizeof(block));
	for (int i = 0; i < 20; i++)
		block[i] ^= key[i];
	SHA1_Init(&c);
	SHA1_Transform(&c, block);
	SHA1_Transform(&c, last);
	put_state(out, &c);
}

void
hmac_sha1_short(
    const uint8_t key[static 20], struct span data, uint8_t out[static 20])
{
	uint8_t last[64], inner[20];

	pad_block(last, data.ptr, data.len);
	keyed_pass(key, 0x36, last, inner);
	pad_block(last, inner, sizeof(inner));
	keyed_pass(key, 0x5c, last, out);
}
