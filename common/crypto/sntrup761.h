/*
 * sntrup761.h - Streamlined NTRU Prime 761, key encapsulation.
 * NTRU Prime, round 3 specification.
 *
 * Constant time as mlkem768.h. Randomness is drawn in one piece per
 * operation, not per coefficient; the order of the bytes is that of the
 * submission's reference, so that its known answers apply.
 */
#ifndef COMMON_CRYPTO_SNTRUP761_H
#define COMMON_CRYPTO_SNTRUP761_H

#include <stdint.h>

#include "common/base/attributes.h"
#include "common/crypto/random.h"

#define SNTRUP761_PUBLIC_SIZE     1158
#define SNTRUP761_SECRET_SIZE     1763
#define SNTRUP761_CIPHERTEXT_SIZE 1039
#define SNTRUP761_SHARED_SIZE     32

/* Codes: ERR_RANDOM, ERR_CRYPTO. */
int sntrup761_keygen(uint8_t public_key[static SNTRUP761_PUBLIC_SIZE],
    uint8_t secret_key[static SNTRUP761_SECRET_SIZE],
    const struct random_source *random) MUST_CHECK;
int sntrup761_encaps(uint8_t ciphertext[static SNTRUP761_CIPHERTEXT_SIZE],
    uint8_t shared[static SNTRUP761_SHARED_SIZE],
    const uint8_t public_key[static SNTRUP761_PUBLIC_SIZE],
    const struct random_source *random) MUST_CHECK;
/* Implicit rejection: a wrong ciphertext gives another secret. */
int sntrup761_decaps(uint8_t shared[static SNTRUP761_SHARED_SIZE],
    const uint8_t ciphertext[static SNTRUP761_CIPHERTEXT_SIZE],
    const uint8_t secret_key[static SNTRUP761_SECRET_SIZE]) MUST_CHECK;

#endif
