/*
 * mldsa44_ring.h - the ring Z_q[X]/(X^256 + 1) of ML-DSA-44: arithmetic,
 * rounding, polynomials as bytes. FIPS 204 s7.1, s7.4, s7.5.
 *
 * May hold secrets: the owner wipes. Constant time but for mldsa44_unpack_hint
 * and mldsa44_use_hint, which work on what is public.
 * Coefficients are in (-q, q) unless said otherwise.
 */
#ifndef COMMON_CRYPTO_MLDSA44_RING_H
#define COMMON_CRYPTO_MLDSA44_RING_H

#include <stdbool.h>
#include <stdint.h>

/* s4, ML-DSA-44: k = l = 4, so that one size of vector is enough. */
enum {
	MLDSA_N = 256,
	MLDSA_Q = 8380417,
	MLDSA_D = 13,
	MLDSA_K = 4,
	MLDSA_ETA = 2,
	MLDSA_TAU = 39,
	MLDSA_BETA = MLDSA_TAU * MLDSA_ETA,
	MLDSA_GAMMA1 = 1 << 17,
	MLDSA_GAMMA2 = (MLDSA_Q - 1) / 88,
	MLDSA_OMEGA = 80,

	MLDSA_T1_BYTES = 320, /* 10 bits a coefficient */
	MLDSA_T0_BYTES = 416, /* 13 */
	MLDSA_ETA_BYTES = 96, /* 3 */
	MLDSA_Z_BYTES = 576,  /* 18 */
	MLDSA_W1_BYTES = 192, /* 6 */
	MLDSA_HINT_BYTES = MLDSA_OMEGA + MLDSA_K
};

struct mldsa_poly {
	_Alignas(32) int32_t c[MLDSA_N];
};

struct mldsa_vec {
	struct mldsa_poly p[MLDSA_K];
};

/* ---- arithmetic ---- */

/* To [-6283008, 6283008], for coefficients up to 2^31 - 2^22. */
void mldsa_reduce(struct mldsa_poly *p);
/* From (-q, q) to [0, q). */
void mldsa_canonical(struct mldsa_poly *p);
void mldsa_add(struct mldsa_poly *p, const struct mldsa_poly *q);
void mldsa_subtract(struct mldsa_poly *p, const struct mldsa_poly *q);

/* Algorithm 41; the result is below 9q in size. */
void mldsa_ntt(struct mldsa_poly *p);
/* Algorithm 42, and a factor of 2^32 that undoes the one product before. */
void mldsa_inverse_ntt(struct mldsa_poly *p);
/* In the NTT's domain, over 2^32. */
void mldsa_multiply(struct mldsa_poly *out, const struct mldsa_poly *f,
    const struct mldsa_poly *g);
void mldsa_inner_product(struct mldsa_poly *out, const struct mldsa_vec *f,
    const struct mldsa_vec *g);

/* Is any coefficient, centred, of this size or more? */
bool mldsa_exceeds(const struct mldsa_poly *p, int32_t bound);

/* ---- rounding, s7.4; of canonical coefficients ---- */

void mldsa_power2round(const struct mldsa_poly *p, struct mldsa_poly *high,
    struct mldsa_poly *low);
void mldsa_decompose(const struct mldsa_poly *p, struct mldsa_poly *high,
    struct mldsa_poly *low);
/* 1 where the high bits of a and of b differ; returns how many do. */
int mldsa_make_hint(struct mldsa_poly *hint, const struct mldsa_poly *a,
    const struct mldsa_poly *b);
void mldsa_use_hint(struct mldsa_poly *high, const struct mldsa_poly *p,
    const struct mldsa_poly *hint);

/* ---- bytes, s7.1 ---- */

/* SimpleBitPack: coefficients below 2^bits. */
void mldsa_pack(uint8_t *out, const struct mldsa_poly *p, int bits);
void mldsa_unpack(struct mldsa_poly *p, const uint8_t *in, int bits);
/* BitPack: top less each coefficient. */
void mldsa_pack_below(
    uint8_t *out, const struct mldsa_poly *p, int bits, int32_t top);
void mldsa_unpack_below(
    struct mldsa_poly *p, const uint8_t *in, int bits, int32_t top);

/* HintBitPack, for a hint of a signature that is given out. */
void mldsa_pack_hint(
    uint8_t out[static MLDSA_HINT_BYTES], const struct mldsa_vec *hint);
/* HintBitUnpack: false where it is not in the one form that is allowed. */
bool mldsa_unpack_hint(
    struct mldsa_vec *hint, const uint8_t in[static MLDSA_HINT_BYTES]);

#endif
