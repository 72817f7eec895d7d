/*
 * sntrup761_ring.c - polynomials modulo x^761 - x - 1, and a sort.
 * NTRU Prime, round 3 specification, s3; Bernstein, Yang: "Fast constant-time
 * gcd computation and modular inversion" (division steps); Batcher's merge
 * exchange (Knuth, TAOCP 3, 5.2.2 M).
 *
 * Built so that compilers vectorise it: a product is a matrix of overlapping
 * rows times a vector, the inverse mod q works on int16_t by Montgomery's
 * products, the inverse mod 3 on single bits, 64 at once.
 */
#include "common/crypto/sntrup761_ring.h"

#include <string.h>

#include "common/base/secret.h"
#include "common/crypto/declassify.h"
#include "common/crypto/wide.h"

enum {
	P = RING_P,
	Q = RING_Q,
	PADDED = RING_PADDED,
	STEPS = 2 * P - 1,   /* division steps to an inverse */
	THIRD = -1530,       /* 1/3 mod q */
	Q_INVERSE = 15631,   /* q^-1 mod 2^16 */
	TO_MONTGOMERY = -433 /* 2^32 mod q, centred */
};

/* ---- numbers mod q and mod 3 ---- */

/* To [-HALF, HALF], for |a| < 5,300,000 (checked for all): 228 is 2^20/q, 14618
 * 2^26/q. */
static inline int32_t
reduce(int32_t a)
{
	a -= Q * (a * 228 >> 20);
	return a - Q * ((a * 14618 + (1 << 25)) >> 26);
}

/* To -1, 0, 1, for |a| < 9,000: 10923 is 2^15/3. */
static inline int32_t
reduce3(int32_t a)
{
	return a - 3 * ((a * 10923 + (1 << 14)) >> 15);
}

static inline int16_t
high(int16_t a, int16_t b)
{
	return (int16_t)((int32_t)a * b >> 16);
}

static inline int16_t
low(int16_t a, int16_t b)
{
	return (int16_t)((uint32_t)(uint16_t)a * (uint16_t)b);
}

/* A factor with what Montgomery's product makes of it beforehand. */
struct factor {
	int16_t c;
	int16_t c_q; /* c/q mod 2^16 */
};

static inline struct factor
factor_of(int16_t c)
{
	return (struct factor){ c, low(c, Q_INVERSE) };
}

/* a*c/2^16 mod q; below 0.54 q in size for |a| < 5000. */
static inline int16_t
multiply(int16_t a, struct factor f)
{
	return (int16_t)(high(a, f.c) - high(low(a, f.c_q), Q));
}

/* 1/a as a^(q-2); a in [-HALF, HALF]. */
static int32_t
reciprocal(int32_t a)
{
	int32_t power = 1;

	for (unsigned e = Q - 2; e != 0; e >>= 1) {
		if ((e & 1) != 0)
			power = reduce(power * a);
		a = reduce(a * a);
	}
	return power;
}

/* ---- products ---- */

/*
 * x^P = x + 1, so that the coefficient k of f*g is the sum over i of
 * g[i]*row[k-i], where row[m] is f[m] for m > 0, and f[m+P] + f[m+P-1] for
 * m < 0; row[0] takes f[P-1] in too, which is wrong for k = 0 alone. With g
 * backwards that is an inner product for each k, along a row that moves by
 * one: what the multiply-add instructions of 16 bits are made for.
 */
struct rows {
	_Alignas(32) int16_t row[2 * PADDED];   /* row[m] at m + P - 1 */
	_Alignas(32) int16_t backwards[PADDED]; /* g */
	_Alignas(32) int32_t sums[PADDED];
};

static ALWAYS_INLINE void
sums_loop(int32_t *restrict sums, const int16_t *restrict row,
    const int16_t *restrict g)
{
	for (int k = 0; k < P; k++) {
		int32_t sum = 0;

		for (int j = 0; j < PADDED; j++)
			sum += (int32_t)row[k + j] * g[j];
		sums[k] = sum;
	}
}

WIDE(sums,
    (int32_t *restrict sums_, const int16_t *restrict row,
	const int16_t *restrict g),
    (sums_, row, g))

static void
multiply_rows(struct rows *w, const struct ring *f, const struct ring *g)
{
	int32_t wrong = 0;

	memset(w, 0, sizeof(*w));
	for (int m = 1; m < P; m++) {
		w->row[P - 1 + m] = f->c[m];
		w->row[m - 1] = (int16_t)(f->c[m] + f->c[m - 1]);
	}
	w->row[P - 1] = (int16_t)(f->c[0] + f->c[P - 1]);
	for (int i = 0; i < P; i++) {
		w->backwards[P - 1 - i] = g->c[i];
		wrong += (int32_t)f->c[P - 1 - i] * g->c[i];
	}
	sums(w->sums, w->row, w->backwards);
	w->sums[0] -= wrong;
}

void
ring_product(struct ring *out, const struct ring *f, const struct ring *g)
{
	struct rows w;

	multiply_rows(&w, f, g);
	for (int i = 0; i < PADDED; i++)
		out->c[i] = (int16_t)reduce(w.sums[i]);
	secret_wipe(&w, sizeof(w));
}

void
ring_product3(struct ring *out, const struct ring *f, const struct ring *g)
{
	struct rows w;

	multiply_rows(&w, f, g);
	for (int i = 0; i < PADDED; i++)
		out->c[i] = (int16_t)reduce3(w.sums[i]);
	secret_wipe(&w, sizeof(w));
}

void
ring_thrice_mod3(struct ring *out, const struct ring *a)
{
	for (int i = 0; i < PADDED; i++)
		out->c[i] = (int16_t)reduce3(reduce(3 * a->c[i]));
}

void
ring_round(struct ring *a)
{
	for (int i = 0; i < PADDED; i++)
		a->c[i] = (int16_t)(a->c[i] - reduce3(a->c[i]));
}

/* ---- inverses ---- */

/*
 * Division steps: f = x^P - x - 1 and g, both backwards; in each step the
 * two may change places, then g loses its lowest coefficient by subtraction
 * of a multiple of f, and is divided by x. v and r follow f and g, so that v
 * is the inverse in the end, but for its order and a factor. Nothing is
 * shorter for any g.
 */

/* All-ones where the two change places: delta > 0 and g0 not 0. */
static int32_t
swap_mask(int32_t *delta, int32_t g0)
{
	int32_t mask = (-*delta >> 31) & ((g0 | -g0) >> 31);

	mask = (int32_t)secret_mask((uint32_t)mask);
	*delta = ((*delta ^ mask) - mask) + 1;
	return mask;
}

/* One of the four, with room in front for v's move by one place and behind
 * for g's. */
enum {
	LEAD = 16,
	ROW = LEAD + PADDED + 16
};

struct division {
	_Alignas(32) int16_t f[ROW];
	_Alignas(32) int16_t g[ROW];
	_Alignas(32) int16_t v[ROW];
	_Alignas(32) int16_t r[ROW];
};

/*
 * One step from a to b: f' is f or g, g' is (f'0*g - g'0*f)/x, and so v', r'
 * with x*v. The products come with a factor of 2^-16 each, the same one for
 * g and r; it goes away with f0 at the end. Below 1.1 q in size.
 */
static ALWAYS_INLINE void
divide_loop(struct division *restrict b, const struct division *restrict a,
    int16_t mask, struct factor f0, struct factor g0, int fg_end, int vr_end)
{
	for (int i = LEAD; i < fg_end; i++) {
		int16_t f = a->f[i + 1];
		int16_t g = a->g[i + 1];
		int16_t t = (int16_t)((f ^ g) & mask);

		f ^= t;
		g ^= t;
		b->g[i] = (int16_t)(multiply(g, f0) - multiply(f, g0));
	}
	for (int i = LEAD; i < fg_end; i++)
		b->f[i] = (int16_t)(a->f[i] ^ ((a->f[i] ^ a->g[i]) & mask));
	for (int i = LEAD; i < vr_end; i++) {
		int16_t v = a->v[i - 1];
		int16_t r = a->r[i];
		int16_t t = (int16_t)((v ^ r) & mask);

		v ^= t;
		r ^= t;
		b->v[i] = v;
		b->r[i] = (int16_t)(multiply(r, f0) - multiply(v, g0));
	}
}

WIDE(divide,
    (struct division *restrict b, const struct division *restrict a,
	int16_t mask, struct factor f0, struct factor g0, int fg_end,
	int vr_end),
    (b, a, mask, f0, g0, fg_end, vr_end))

/* Where a row ends that has n coefficients of interest: whole vectors. */
static int
row_end(int n)
{
	return LEAD + (n < PADDED ? (n + 15) / 16 * 16 : PADDED);
}

static void
division_init(struct division *d, const struct ring *g)
{
	memset(d, 0, sizeof(*d));
	d->f[LEAD] = 1;
	d->f[LEAD + P - 1] = -1;
	d->f[LEAD + P] = -1;
	for (int i = 0; i < P; i++)
		d->g[LEAD + i] = g->c[P - 1 - i];
	d->r[LEAD] = THIRD;
}

void
ring_inverse_thrice(struct ring *out, const struct ring *f)
{
	struct division d[2];
	int32_t delta = 1;
	struct factor scale;

	division_init(&d[0], f);
	memset(&d[1], 0, sizeof(d[1]));
	for (int i = 0; i < STEPS; i++) {
		const struct division *from = &d[i & 1];
		int32_t f0 = reduce(from->f[LEAD]);
		int32_t g0 = reduce(from->g[LEAD]);
		int32_t mask = swap_mask(&delta, g0);
		int32_t t = (f0 ^ g0) & mask;

		/* The steps that are left reach no further into f and g than
		 * their number; v and r grow by one in each step. */
		divide(&d[~i & 1], from, (int16_t)mask,
		    factor_of((int16_t)(f0 ^ t)), factor_of((int16_t)(g0 ^ t)),
		    row_end(STEPS - i), row_end(i + 2));
	}
	_Static_assert(STEPS % 2 == 1, "the last step went to d[1]");
	/* Times 2^16, for the product's 2^-16: TO_MONTGOMERY gives that. */
	scale = factor_of(
	    (int16_t)reduce(multiply((int16_t)reciprocal(reduce(d[1].f[LEAD])),
		factor_of(TO_MONTGOMERY))));
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < P; i++)
		out->c[i] =
		    (int16_t)reduce(multiply(d[1].v[LEAD + P - 1 - i], scale));
	secret_wipe(d, sizeof(d));
}

/* ---- the same mod 3, on bits ---- */

enum {
	WORDS = PADDED / 64
};

/* Coefficient i is bit i of plus less bit i of minus; never both. */
struct bits {
	uint64_t plus[WORDS];
	uint64_t minus[WORDS];
};

struct division3 {
	struct bits f, g, v, r;
};

static void
bits_set(struct bits *b, int i, int value)
{
	b->plus[i / 64] |= (uint64_t)(value & ~(value >> 1) & 1) << i % 64;
	b->minus[i / 64] |= (uint64_t)(value >> 1 & 1) << i % 64;
}

static int
bits_get(const struct bits *b, int i)
{
	return (int)(b->plus[i / 64] >> i % 64 & 1) -
	       (int)(b->minus[i / 64] >> i % 64 & 1);
}

static inline void
swap_words(uint64_t *restrict a, uint64_t *restrict b, uint64_t mask)
{
	for (int i = 0; i < WORDS; i++) {
		uint64_t t = (a[i] ^ b[i]) & mask;

		a[i] ^= t;
		b[i] ^= t;
	}
}

static inline void
swap_bits(struct bits *restrict a, struct bits *restrict b, uint64_t mask)
{
	swap_words(a->plus, b->plus, mask);
	swap_words(a->minus, b->minus, mask);
}

/* a += s*b; plus, minus: all-ones where s is 1, -1. */
static inline void
add_multiple(struct bits *restrict a, const struct bits *restrict b,
    uint64_t plus, uint64_t minus)
{
	for (int i = 0; i < WORDS; i++) {
		uint64_t ap = a->plus[i], am = a->minus[i];
		uint64_t bp = (b->plus[i] & plus) | (b->minus[i] & minus);
		uint64_t bm = (b->minus[i] & plus) | (b->plus[i] & minus);

		/* 1 is 1 + 0, 0 + 1, or -1 + -1. */
		a->plus[i] = ((ap ^ bp) & ~(am | bm)) | (am & bm);
		a->minus[i] = ((am ^ bm) & ~(ap | bp)) | (ap & bp);
	}
}

static inline void
shift_up(uint64_t *w)
{
	uint64_t carry = 0;

	for (int i = 0; i < WORDS; i++) {
		uint64_t next = w[i] >> 63;

		w[i] = w[i] << 1 | carry;
		carry = next;
	}
}

static inline void
shift_down(uint64_t *w)
{
	for (int i = 0; i < WORDS - 1; i++)
		w[i] = w[i] >> 1 | w[i + 1] << 63;
	w[WORDS - 1] >>= 1;
}

static ALWAYS_INLINE void
steps3_loop(struct division3 *d, int32_t *delta)
{
	for (int i = 0; i < STEPS; i++) {
		uint64_t same, opposite;
		uint64_t mask;

		shift_up(d->v.plus);
		shift_up(d->v.minus);
		mask = (uint64_t)(int64_t)swap_mask(delta, bits_get(&d->g, 0));
		swap_bits(&d->f, &d->g, mask);
		swap_bits(&d->v, &d->r, mask);
		/* g - (g0/f0)*f; f0 is 1 or -1. */
		same = (d->f.plus[0] & d->g.plus[0]) |
		       (d->f.minus[0] & d->g.minus[0]);
		opposite = (d->f.plus[0] & d->g.minus[0]) |
			   (d->f.minus[0] & d->g.plus[0]);
		same = -(same & 1);
		opposite = -(opposite & 1);
		add_multiple(&d->g, &d->f, opposite, same);
		add_multiple(&d->r, &d->v, opposite, same);
		shift_down(d->g.plus);
		shift_down(d->g.minus);
	}
}

WIDE(steps3, (struct division3 * d, int32_t *delta), (d, delta))

bool
ring_inverse3(struct ring *out, const struct ring *g)
{
	struct division3 d;
	int32_t delta = 1;
	int f0;

	memset(&d, 0, sizeof(d));
	bits_set(&d.f, 0, 1);
	bits_set(&d.f, P - 1, -1);
	bits_set(&d.f, P, -1);
	for (int i = 0; i < P; i++)
		bits_set(&d.g, i, g->c[P - 1 - i]);
	bits_set(&d.r, 0, 1);
	steps3(&d, &delta);
	f0 = bits_get(&d.f, 0);
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < P; i++)
		out->c[i] = (int16_t)(f0 * bits_get(&d.v, P - 1 - i));
	secret_wipe(&d, sizeof(d));
	/* Whether there is an inverse is known from what follows: a candidate
	 * without one is thrown away, and has nothing to do with the next. */
	declassify(&delta, sizeof(delta));
	return delta == 0;
}

/* ---- sorting ---- */

/* Puts each pair a[i], b[i] in order. */
static ALWAYS_INLINE void
exchange(uint32_t *restrict a, uint32_t *restrict b, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t x = a[i], y = b[i];
		uint32_t borrow = (~y & x) | (~(y ^ x) & (y - x));
		uint32_t t = (x ^ y) & (uint32_t)((int32_t)borrow >> 31);

		a[i] = x ^ t;
		b[i] = y ^ t;
	}
}

/* One pass of merge exchange: all i below n - d with i & p equal to r. */
static ALWAYS_INLINE void
exchange_pass(uint32_t *x, int p, int r, int d)
{
	for (int i = r; i < P - d; i += 2 * p) {
		int n = P - d - i < p ? P - d - i : p;

		exchange(x + i, x + i + d, n);
	}
}

static ALWAYS_INLINE void
sort_loop(uint32_t *x)
{
	for (int p = 512; p > 0; p /= 2) {
		exchange_pass(x, p, 0, p);
		for (int q = 512; q > p; q /= 2)
			exchange_pass(x, p, p, q - p);
	}
}

WIDE(sort, (uint32_t * x), (x))

void
ring_sort(uint32_t x[static RING_P])
{
	sort(x);
}
