/*
 * chacha_poly.h - chacha20-poly1305@openssh.com, one packet at a time.
 *
 * Key material of 64 bytes: the first 32 (K_2) encrypt the payload from
 * block 1 on and make the Poly1305 key (block 0); the last 32 (K_1) encrypt
 * the 4 length bytes. Nonce: the sequence number, 64 bits, big-endian. The
 * tag is over encrypted length ‖ ciphertext.
 * Holds secrets: wiped on free.
 */
#ifndef COMMON_CRYPTO_CHACHA_POLY_H
#define COMMON_CRYPTO_CHACHA_POLY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

#define CHACHA_POLY_KEY 64
#define CHACHA_POLY_TAG 16

struct chacha_poly;

int chacha_poly_new(const uint8_t key[static CHACHA_POLY_KEY],
    struct chacha_poly **ret) MUST_CHECK;
void chacha_poly_free(struct chacha_poly *c);

/* The first head_len bytes (0 or 4) of packet are the length; in place. */
int chacha_poly_seal(struct chacha_poly *c, uint32_t seqnr, uint8_t *packet,
    size_t head_len, size_t len,
    uint8_t tag[static CHACHA_POLY_TAG]) MUST_CHECK;
/* ERR_MAC: nothing was changed. The length bytes stay encrypted. */
int chacha_poly_open(struct chacha_poly *c, uint32_t seqnr, uint8_t *packet,
    size_t head_len, size_t len,
    const uint8_t tag[static CHACHA_POLY_TAG]) MUST_CHECK;
int chacha_poly_length(struct chacha_poly *c, uint32_t seqnr,
    const uint8_t bytes[static 4], uint8_t ret_bytes[static 4]) MUST_CHECK;

#endif
