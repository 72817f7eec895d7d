/*
 * random.h - randomness: OpenSSL's generator, and a seeded one for tests.
 *
 * Engines draw from a struct random_source that they are given, so that a
 * simulated run is repeated from its seed.
 */
#ifndef COMMON_CRYPTO_RANDOM_H
#define COMMON_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

struct random_source {
	int (*fill)(void *context, uint8_t *out, size_t len);
	void *context;
};

/* OpenSSL's private generator. ERR_RANDOM. */
extern const struct random_source random_system;

int random_fill(
    const struct random_source *s, void *out, size_t len) MUST_CHECK;

/*
 * A fast generator for padding and cookies: AES-CTR or ChaCha keyed once from
 * the system's, buffered in user space, no system call per packet. Not for
 * long-term keys. After a fork it is keyed anew.
 */
extern const struct random_source random_fast;

/* To be called in a child that was not made by libc's fork(). */
void random_forked(void);

/* Deterministic, for tests only: the same seed, the same bytes. */
struct random_seeded {
	uint64_t state[4];
};
void random_seeded_init(struct random_seeded *s, uint64_t seed);
struct random_source random_seeded_source(struct random_seeded *s);

#endif
