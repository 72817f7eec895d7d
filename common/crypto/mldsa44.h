/*
 * mldsa44.h - ML-DSA-44, signatures. FIPS 204.
 *
 * Ours where OpenSSL has none (before 3.5), OpenSSL's else. Constant time: no
 * secret decides a branch or an index, but for what the standard's rejection
 * tells anyway (how often a candidate was thrown away, and the challenges of
 * those); checked under valgrind with the secrets poisoned. Randomness comes
 * in as bytes, so that the functions are the standard's internal,
 * deterministic ones (s6) and vectors apply.
 */
#ifndef COMMON_CRYPTO_MLDSA44_H
#define COMMON_CRYPTO_MLDSA44_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define MLDSA44_SEED_SIZE      32
#define MLDSA44_RANDOM_SIZE    32
#define MLDSA44_PUBLIC_SIZE    1312
#define MLDSA44_SECRET_SIZE    2560
#define MLDSA44_SIGNATURE_SIZE 2420
#define MLDSA44_CONTEXT_MAX    255
#define MLDSA44_FRONT_MAX      (2 + MLDSA44_CONTEXT_MAX)

/*
 * What stands in front of a message that is signed with a context (s5.2; not
 * hashed before): returns its size. context: MLDSA44_CONTEXT_MAX bytes at
 * most.
 */
size_t mldsa44_front(
    struct span context, uint8_t front[static MLDSA44_FRONT_MAX]);

/* Algorithm 6. ERR_CRYPTO only from a library. */
int mldsa44_keygen(uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    uint8_t secret_key[static MLDSA44_SECRET_SIZE],
    const uint8_t seed[static MLDSA44_SEED_SIZE]) MUST_CHECK;

/* Algorithm 7 for the message `front ‖ message`. random may be all zeros: the
 * signature is then deterministic. ERR_CRYPTO only from a library. */
int mldsa44_sign(uint8_t signature[static MLDSA44_SIGNATURE_SIZE],
    const uint8_t secret_key[static MLDSA44_SECRET_SIZE], struct span front,
    struct span message,
    const uint8_t random[static MLDSA44_RANDOM_SIZE]) MUST_CHECK;

/* Algorithm 8. ERR_SIGNATURE. */
int mldsa44_verify(const uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    struct span front, struct span message,
    const uint8_t signature[static MLDSA44_SIGNATURE_SIZE]) MUST_CHECK;

#endif
