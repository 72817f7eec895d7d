/*
 * digest.h - hash functions and HMAC over OpenSSL.
 * FIPS 180-4; RFC 2104. MD5 is there for fingerprints only.
 */
#ifndef COMMON_CRYPTO_DIGEST_H
#define COMMON_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define DIGEST_MAX 64

enum digest_algorithm {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512
};

size_t digest_size(enum digest_algorithm a);
const char *digest_name(enum digest_algorithm a); /* "SHA256" */
int digest_find(const char *name, enum digest_algorithm *ret) MUST_CHECK;

/* out holds digest_size(a) bytes. ERR_CRYPTO. */
int digest_of(
    enum digest_algorithm a, struct span data, uint8_t *out) MUST_CHECK;

struct digest;
struct digest *digest_new(enum digest_algorithm a) MUST_CHECK;
int digest_update(struct digest *d, struct span data) MUST_CHECK;
int digest_final(struct digest *d, uint8_t *out) MUST_CHECK; /* once */
void digest_free(struct digest *d);

int hmac_of(enum digest_algorithm a, struct span key, struct span data,
    uint8_t *out) MUST_CHECK;

#endif
