/*
 * sntrup761_ring.h - arithmetic beneath sntrup761: polynomials modulo
 * x^761 - x - 1 over the integers mod 4591 and mod 3, their bytes, and the
 * sort that makes short ones.
 * NTRU Prime, round 3 specification, s3 and s4.
 *
 * Everything here takes the same time for any coefficients; what a function
 * leaves on the stack it wipes.
 */
#ifndef COMMON_CRYPTO_SNTRUP761_RING_H
#define COMMON_CRYPTO_SNTRUP761_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_P = 761,
	RING_Q = 4591,
	RING_WEIGHT = 286, /* coefficients of a short one that are not 0 */
	RING_HALF = (RING_Q - 1) / 2,
	RING_ROUNDED = (RING_Q + 2) / 3,
	RING_PADDED = 768, /* P up to whole vectors */

	RING_SMALL_BYTES = 191,   /* two bits a coefficient */
	RING_Q_BYTES = 1158,      /* coefficients mod q */
	RING_ROUNDED_BYTES = 1007 /* multiples of three mod q */
};

/* c[P] and after are 0. Mod q: in [-HALF, HALF]; small, mod 3: -1, 0, 1. */
struct ring {
	_Alignas(32) int16_t c[RING_PADDED];
};

/* f mod q, g small. */
void ring_product(struct ring *out, const struct ring *f, const struct ring *g);

/* Both small, the product mod 3. */
void ring_product3(
    struct ring *out, const struct ring *f, const struct ring *g);

/* 1/(3f) mod q, for f small and not zero (it is a field). */
void ring_inverse_thrice(struct ring *out, const struct ring *f);

/* 1/g mod 3; false where there is none (it is no field); out is then of no
 * use. */
bool ring_inverse3(struct ring *out, const struct ring *g);

/* 3a mod q, and of that the remainders mod 3. */
void ring_thrice_mod3(struct ring *out, const struct ring *a);

/* Each coefficient to the nearest multiple of three. */
void ring_round(struct ring *a);

/* Sorts P numbers, ascending. */
void ring_sort(uint32_t x[static RING_P]);

void ring_small_encode(
    uint8_t out[static RING_SMALL_BYTES], const struct ring *a);
void ring_small_decode(
    struct ring *out, const uint8_t in[static RING_SMALL_BYTES]);
void ring_q_encode(uint8_t out[static RING_Q_BYTES], const struct ring *a);
void ring_q_decode(struct ring *out, const uint8_t in[static RING_Q_BYTES]);
void ring_rounded_encode(
    uint8_t out[static RING_ROUNDED_BYTES], const struct ring *a);
void ring_rounded_decode(
    struct ring *out, const uint8_t in[static RING_ROUNDED_BYTES]);

#endif
