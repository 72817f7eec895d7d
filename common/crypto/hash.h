/*
 * hash.h - running hash states that are copied by assignment.
 * FIPS 180-4, RFC 1321.
 *
 * For HMAC with a prepared key a state is copied for each message; here that is
 * a copy of at most 216 bytes without an allocation. Callers that hash once
 * use digest.h.
 */
#ifndef COMMON_CRYPTO_HASH_H
#define COMMON_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "common/base/buf.h"
#include "common/crypto/digest.h"

struct hash {
	enum digest_algorithm algorithm;
	union {
		MD5_CTX md5;
		SHA_CTX sha1;
		SHA256_CTX sha256;
		SHA512_CTX sha512; /* SHA-384 too */
	} state;
};

/* These cannot fail. out holds digest_size() bytes. */
void hash_init(struct hash *h, enum digest_algorithm a);
void hash_update(struct hash *h, const void *data, size_t len);
void hash_final(struct hash *h, uint8_t *out);

/* Two hash states that have taken in the key (RFC 2104 s4). A secret. */
struct hmac_key {
	struct hash inner;
	struct hash outer;
};

void hmac_key_init(
    struct hmac_key *k, enum digest_algorithm a, struct span key);

/* HMAC(key, a ‖ b). */
void hmac_key_compute(
    const struct hmac_key *k, struct span a, struct span b, uint8_t *out);

/*
 * HMAC-SHA1 of at most HMAC_SHA1_SHORT_MAX bytes with a key of 20: four
 * compressions and nothing else. For hashed names of hosts, of which files
 * hold many.
 */
#define HMAC_SHA1_SHORT_MAX 55
void hmac_sha1_short(
    const uint8_t key[static 20], struct span data, uint8_t out[static 20]);

#endif
