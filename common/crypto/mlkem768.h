/*
 * mlkem768.h - ML-KEM-768, key encapsulation. FIPS 203.
 *
 * Ours where OpenSSL has none (before 3.5), OpenSSL's else. Constant time:
 * no secret decides a branch or an index; checked under valgrind with the
 * secrets poisoned. Randomness comes in as bytes, so that the functions are
 * the standard's internal, deterministic ones (s6) and vectors apply.
 */
#ifndef COMMON_CRYPTO_MLKEM768_H
#define COMMON_CRYPTO_MLKEM768_H

#include <stdint.h>

#include "common/base/attributes.h"

#define MLKEM768_PUBLIC_SIZE      1184
#define MLKEM768_SECRET_SIZE      2400
#define MLKEM768_CIPHERTEXT_SIZE  1088
#define MLKEM768_SHARED_SIZE      32
#define MLKEM768_KEYGEN_SEED_SIZE 64 /* d ‖ z */
#define MLKEM768_ENCAPS_SEED_SIZE 32 /* m */

/* Algorithm 16. ERR_CRYPTO only from a library. */
int mlkem768_keygen(uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    uint8_t secret_key[static MLKEM768_SECRET_SIZE],
    const uint8_t seed[static MLKEM768_KEYGEN_SEED_SIZE]) MUST_CHECK;

/* Algorithms 17 and 20. ERR_KEX for a public key that fails the modulus
 * check of s7.2. */
int mlkem768_encaps(uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    const uint8_t seed[static MLKEM768_ENCAPS_SEED_SIZE]) MUST_CHECK;

/* Algorithms 18 and 21, with implicit rejection: a wrong ciphertext gives
 * another secret, not an error. ERR_KEX where the hash check of s7.3 on the
 * secret key fails. */
int mlkem768_decaps(uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    const uint8_t secret_key[static MLKEM768_SECRET_SIZE]) MUST_CHECK;

#endif
