/*
 * keccak.h - SHA-3 and SHAKE. FIPS 202.
 *
 * Ours, though OpenSSL has them: what ML-KEM needs is an output squeezed
 * piece by piece, which OpenSSL offers from 3.3 on, and some forty hashes of
 * a block or two each, which EVP makes many times slower than the permutation
 * itself. Nothing is allocated. Constant time in data, not in lengths.
 * May hold secrets: the owner wipes.
 */
#ifndef COMMON_CRYPTO_KECCAK_H
#define COMMON_CRYPTO_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

enum {
	SHAKE128_RATE = 168, /* bytes per permutation */
	SHAKE256_RATE = 136
};

struct keccak {
	uint64_t lane[25];
	size_t rate; /* bytes */
	size_t used; /* bytes of the block absorbed or squeezed */
};

/*
 * SHAKE: start, then absorb any number of times, then finish, then squeeze
 * any number of times. rate: SHAKE128_RATE or SHAKE256_RATE.
 */
void shake_start(struct keccak *k, size_t rate);
void shake_absorb(struct keccak *k, struct span data);
void shake_finish(struct keccak *k);
void shake_squeeze(struct keccak *k, uint8_t *out, size_t len);

/* Each of the concatenation of two pieces; b may be empty. */
void sha3_256(struct span a, struct span b, uint8_t out[static 32]);
void sha3_512(struct span a, struct span b, uint8_t out[static 64]);
void shake256(struct span a, struct span b, uint8_t *out, size_t len);

#endif
