/*
 * sntrup761_code.c - polynomials of sntrup761 as bytes.
 * NTRU Prime, round 3 specification, s3.4 (Encode and Decode) and s4.4.
 *
 * Encode puts two neighbours r0 mod m0, r1 mod m1 together as r0 + m0*r1 mod
 * m0*m1, sends low bytes off while the modulus is 2^14 or more, and goes on
 * with half as many. All moduli of a level are the same but the last one. It
 * works on secrets too, when a ciphertext is made again to be compared;
 * decoding is of public bytes only, but takes no division either.
 */
#include "common/crypto/sntrup761_ring.h"

#include <string.h>

#include "common/base/secret.h"

enum {
	LIMIT = 16384,
	LEVELS = 10 /* 761 -> 381 -> ... -> 1 */
};

/* A byte of the value, and what is left of the modulus: ceil(m/256). */
static inline uint32_t
modulus_after_byte(uint32_t m)
{
	return (m + 255) >> 8;
}

/* r[n], each below m; r is used up. */
static void
encode(uint8_t *out, uint16_t *r, int n, uint32_t m)
{
	uint32_t last = m; /* modulus of r[n-1] */

	while (n > 1) {
		uint32_t next = 0;

		for (int i = 0; i < n / 2; i++) {
			uint32_t m1 = 2 * i + 1 == n - 1 ? last : m;
			uint32_t v = r[2 * i] + r[2 * i + 1] * m;

			for (next = m * m1; next >= LIMIT;
			     next = modulus_after_byte(next)) {
				*out++ = (uint8_t)v;
				v >>= 8;
			}
			r[i] = (uint16_t)v;
		}
		if (n % 2 != 0)
			r[n / 2] = r[n - 1];
		else
			last = next;
		for (next = m * m; next >= LIMIT;)
			next = modulus_after_byte(next);
		m = next;
		n = (n + 1) / 2;
	}
	for (; last > 1; last = modulus_after_byte(last)) {
		*out++ = (uint8_t)r[0];
		r[0] >>= 8;
	}
}

/* v/m and v%m for m < 2^14, by a product with 2^32/m and one correction. */
static uint32_t
divide(uint32_t v, uint32_t m, uint32_t inverse, uint32_t *ret_remainder)
{
	uint32_t quotient = (uint32_t)((uint64_t)v * inverse >> 32);
	uint32_t rest = v - quotient * m;
	uint32_t more = ((m - 1 - rest) >> 31); /* rest >= m */

	*ret_remainder = rest - (m & -more);
	return quotient + more;
}

/* What decoding notes of a level on the way down. */
struct level {
	int n;
	uint32_t m;
	uint32_t last;
	uint32_t bottom[RING_P / 2]; /* of each pair: the bytes sent off */
	uint8_t shift[RING_P / 2];   /* and their number of bits */
};

/* Reads the bytes of one level's pairs; *m, *last become the next level's. */
static const uint8_t *
read_level(struct level *l, const uint8_t *in, uint32_t *m, uint32_t *last)
{
	uint32_t next = 0;

	for (int i = 0; i < l->n / 2; i++) {
		uint32_t m1 = 2 * i + 1 == l->n - 1 ? l->last : l->m;
		unsigned shift = 0;
		uint32_t v = 0;

		for (next = l->m * m1; next >= LIMIT;
		     next = modulus_after_byte(next)) {
			v |= (uint32_t)*in++ << shift;
			shift += 8;
		}
		l->bottom[i] = v;
		l->shift[i] = (uint8_t)shift;
	}
	if (l->n % 2 == 0)
		*last = next;
	for (next = l->m * l->m; next >= LIMIT;)
		next = modulus_after_byte(next);
	*m = next;
	return in;
}

/* From a level's values r[(n+1)/2] to those of the one above, r[n]. */
static void
split_level(const struct level *l, uint16_t *r)
{
	uint32_t inverse = UINT32_MAX / l->m;
	uint32_t inverse_last = UINT32_MAX / l->last;

	if (l->n % 2 != 0)
		r[l->n - 1] = r[l->n / 2];
	for (int i = l->n / 2 - 1; i >= 0; i--) {
		bool is_last = 2 * i + 1 == l->n - 1;
		uint32_t v = l->bottom[i] + ((uint32_t)r[i] << l->shift[i]);
		uint32_t r0, r1;

		v = divide(v, l->m, inverse, &r0);
		/* Bytes that no encoder writes may be too large. */
		divide(v, is_last ? l->last : l->m,
		    is_last ? inverse_last : inverse, &r1);
		r[2 * i] = (uint16_t)r0;
		r[2 * i + 1] = (uint16_t)r1;
	}
}

static void
decode(uint16_t *r, const uint8_t *in, int n, uint32_t m)
{
	struct level levels[LEVELS];
	uint32_t last = m;
	uint32_t top = 0;
	int depth = 0;

	for (; n > 1; n = (n + 1) / 2) {
		struct level *l = &levels[depth++];

		l->n = n;
		l->m = m;
		l->last = last;
		in = read_level(l, in, &m, &last);
	}
	m = last;
	for (unsigned shift = 0; last > 1; last = modulus_after_byte(last)) {
		top |= (uint32_t)*in++ << shift;
		shift += 8;
	}
	divide(top, m, UINT32_MAX / m, &top);
	r[0] = (uint16_t)top;
	while (depth > 0)
		split_level(&levels[--depth], r);
}

void
ring_q_encode(uint8_t out[static RING_Q_BYTES], const struct ring *a)
{
	uint16_t r[RING_P];

	for (int i = 0; i < RING_P; i++)
		r[i] = (uint16_t)(a->c[i] + RING_HALF);
	encode(out, r, RING_P, RING_Q);
	secret_wipe(r, sizeof(r));
}

void
ring_q_decode(struct ring *out, const uint8_t in[static RING_Q_BYTES])
{
	uint16_t r[RING_P];

	decode(r, in, RING_P, RING_Q);
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < RING_P; i++)
		out->c[i] = (int16_t)(r[i] - RING_HALF);
}

/* Multiples of three: (c + HALF)/3, by a product with 2^15/3. */
void
ring_rounded_encode(
    uint8_t out[static RING_ROUNDED_BYTES], const struct ring *a)
{
	uint16_t r[RING_P];

	for (int i = 0; i < RING_P; i++)
		r[i] = (uint16_t)((a->c[i] + RING_HALF) * 10923 >> 15);
	encode(out, r, RING_P, RING_ROUNDED);
	secret_wipe(r, sizeof(r));
}

void
ring_rounded_decode(
    struct ring *out, const uint8_t in[static RING_ROUNDED_BYTES])
{
	uint16_t r[RING_P];

	decode(r, in, RING_P, RING_ROUNDED);
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < RING_P; i++)
		out->c[i] = (int16_t)(r[i] * 3 - RING_HALF);
}

void
ring_small_encode(uint8_t out[static RING_SMALL_BYTES], const struct ring *a)
{
	for (int i = 0; i < RING_SMALL_BYTES; i++) {
		unsigned byte = 0;

		for (int j = 0; j < 4 && 4 * i + j < RING_P; j++)
			byte |= (unsigned)(a->c[4 * i + j] + 1) << 2 * j;
		out[i] = (uint8_t)byte;
	}
}

void
ring_small_decode(struct ring *out, const uint8_t in[static RING_SMALL_BYTES])
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < RING_P; i++)
		out->c[i] = (int16_t)((in[i / 4] >> 2 * (i % 4) & 3) - 1);
}
