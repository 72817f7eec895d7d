/*
 * umac.h - UMAC, a message authentication code by universal hashing.
 * RFC 4418, with AES-128 and tags of 8 or 16 bytes.
 *
 * A context is prepared once for a key and then serves any number of
 * messages, each with a nonce never used before; nothing is allocated per
 * message. Not for several threads at once.
 * Holds secrets: wiped on free.
 */
#ifndef COMMON_CRYPTO_UMAC_H
#define COMMON_CRYPTO_UMAC_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

#define UMAC_KEY_SIZE 16

struct umac;

/* tag_size: 8 or 16, ERR_ARGUMENT else. ERR_MEMORY, ERR_CRYPTO. */
int umac_new(const uint8_t key[static UMAC_KEY_SIZE], size_t tag_size,
    struct umac **ret) MUST_CHECK;

/*
 * out gets tag_size bytes: the tag of data under the nonce, which is taken
 * as 8 bytes, big-endian. data is at most 16 MiB (RFC 4418 s5.1 allows more
 * by a second hash layer that no SSH packet reaches): ERR_LIMIT. ERR_CRYPTO.
 */
int umac_compute(struct umac *u, uint64_t nonce, const uint8_t *data,
    size_t len, uint8_t *out) MUST_CHECK;

/* NULL is fine. */
void umac_free(struct umac *u);

#endif
