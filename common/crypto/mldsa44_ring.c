/*
 * mldsa44_ring.c - polynomials of ML-DSA-44.
 *
 * Coefficients are int32_t in arrays, so that the compiler makes vector
 * instructions of the loops; products are Montgomery's: of a and b comes
 * a*b/2^32 mod q.
 */
#include "common/crypto/mldsa44_ring.h"

#include <stddef.h>
#include <string.h>

#include "common/crypto/wide.h"

enum {
	N = MLDSA_N,
	Q = MLDSA_Q,
	Q_INVERSE = 58728449,  /* q^-1 mod 2^32 */
	INVERSE_SCALE = 41978, /* 2^64 / 256 mod q */
	HIGH_COUNT = (MLDSA_Q - 1) / (2 * MLDSA_GAMMA2)
};

/* 1753^BitRev8(i) * 2^32 mod q (sB), centred; the first is not used. */
static const int32_t zetas[N] = { 0, 25847, -2608894, -518909, 237124, -777960,
	-876248, 466468, 1826347, 2353451, -359251, -2091905, 3119733, -2884855,
	3111497, 2680103, 2725464, 1024112, -1079900, 3585928, -549488,
	-1119584, 2619752, -2108549, -2118186, -3859737, -1399561, -3277672,
	1757237, -19422, 4010497, 280005, 2706023, 95776, 3077325, 3530437,
	-1661693, -3592148, -2537516, 3915439, -3861115, -3043716, 3574422,
	-2867647, 3539968, -300467, 2348700, -539299, -1699267, -1643818,
	3505694, -3821735, 3507263, -2140649, -1600420, 3699596, 811944, 531354,
	954230, 3881043, 3900724, -2556880, 2071892, -2797779, -3930395,
	-1528703, -3677745, -3041255, -1452451, 3475950, 2176455, -1585221,
	-1257611, 1939314, -4083598, -1000202, -3190144, -3157330, -3632928,
	126922, 3412210, -983419, 2147896, 2715295, -2967645, -3693493, -411027,
	-2477047, -671102, -1228525, -22981, -1308169, -381987, 1349076,
	1852771, -1430430, -3343383, 264944, 508951, 3097992, 44288, -1100098,
	904516, 3958618, -3724342, -8578, 1653064, -3249728, 2389356, -210977,
	759969, -1316856, 189548, -3553272, 3159746, -1851402, -2409325,
	-177440, 1315589, 1341330, 1285669, -1584928, -812732, -1439742,
	-3019102, -3881060, -3628969, 3839961, 2091667, 3407706, 2316500,
	3817976, -3342478, 2244091, -2446433, -3562462, 266997, 2434439,
	-1235728, 3513181, -3520352, -3759364, -1197226, -3193378, 900702,
	1859098, 909542, 819034, 495491, -1613174, -43260, -522500, -655327,
	-3122442, 2031748, 3207046, -3556995, -525098, -768622, -3595838,
	342297, 286988, -2437823, 4108315, 3437287, -3342277, 1735879, 203044,
	2842341, 2691481, -2590150, 1265009, 4055324, 1247620, 2486353, 1595974,
	-3767016, 1250494, 2635921, -3548272, -2994039, 1869119, 1903435,
	-1050970, -1333058, 1237275, -3318210, -1430225, -451100, 1312455,
	3306115, -1962642, -1279661, 1917081, -2546312, -1374803, 1500165,
	777191, 2235880, 3406031, -542412, -2831860, -1671176, -1846953,
	-2584293, -3724270, 594136, -3776993, -2013608, 2432395, 2454455,
	-164721, 1957272, 3369112, 185531, -1207385, -3183426, 162844, 1616392,
	3014001, 810149, 1652634, -3694233, -1799107, -3038916, 3523897,
	3866901, 269760, 2213111, -975884, 1717735, 472078, -426683, 1723600,
	-1803090, 1910376, -1667432, -1104333, -260646, -3833893, -2939036,
	-2235985, -420899, -2286327, 183443, -976891, 1612842, -3545687,
	-554416, 3919660, -48306, -1362209, 3937738, 1400424, -846154,
	1976782 };

/* ---- arithmetic mod q ---- */

/* a*b/2^32 mod q, in (-q, q) for |a*b| < q*2^31. */
static ALWAYS_INLINE int32_t
multiply(int32_t a, int32_t b)
{
	int64_t product = (int64_t)a * b;
	int32_t m = (int32_t)((uint32_t)product * (uint32_t)Q_INVERSE);

	return (int32_t)((product - (int64_t)m * Q) >> 32);
}

/* From (-q, q) to [0, q). */
static ALWAYS_INLINE int32_t
canonical(int32_t a)
{
	return a + ((a >> 31) & Q);
}

static ALWAYS_INLINE void
reduce_loop(struct mldsa_poly *p)
{
	for (int i = 0; i < N; i++) {
		int32_t quotient = (p->c[i] + (1 << 22)) >> 23;

		p->c[i] -= quotient * Q;
	}
}
WIDE(reduce, (struct mldsa_poly * p), (p))

void
mldsa_reduce(struct mldsa_poly *p)
{
	reduce(p);
}

void
mldsa_canonical(struct mldsa_poly *p)
{
	for (int i = 0; i < N; i++)
		p->c[i] = canonical(p->c[i]);
}

void
mldsa_add(struct mldsa_poly *restrict p, const struct mldsa_poly *restrict q)
{
	for (int i = 0; i < N; i++)
		p->c[i] += q->c[i];
}

void
mldsa_subtract(
    struct mldsa_poly *restrict p, const struct mldsa_poly *restrict q)
{
	for (int i = 0; i < N; i++)
		p->c[i] -= q->c[i];
}

/* ---- the number-theoretic transform, s7.5 ---- */

/* Both halves of a block: lo, hi = lo + z*hi, lo - z*hi. */
static ALWAYS_INLINE void
butterflies(int32_t *restrict lo, int32_t *restrict hi, int len, int32_t zeta)
{
	for (int j = 0; j < len; j++) {
		int32_t t = multiply(zeta, hi[j]);

		hi[j] = lo[j] - t;
		lo[j] = lo[j] + t;
	}
}

/* Each of the eight layers adds less than q to the size of a coefficient. */
static ALWAYS_INLINE void
ntt_loop(int32_t *c)
{
	int k = 1;

	for (int len = 128; len >= 1; len /= 2)
		for (int start = 0; start < N; start += 2 * len)
			butterflies(
			    c + start, c + start + len, len, zetas[k++]);
}
WIDE(ntt, (int32_t * c), (c))

void
mldsa_ntt(struct mldsa_poly *p)
{
	ntt(p->c);
}

static ALWAYS_INLINE void
inverse_butterflies(
    int32_t *restrict lo, int32_t *restrict hi, int len, int32_t zeta)
{
	for (int j = 0; j < len; j++) {
		int32_t t = lo[j];

		lo[j] = t + hi[j];
		hi[j] = multiply(zeta, t - hi[j]);
	}
}

/* Sums double from layer to layer: 256 times what is below q stays within
 * 32 bits. */
static ALWAYS_INLINE void
inverse_ntt_loop(int32_t *c)
{
	int k = N - 1;

	for (int len = 1; len <= 128; len *= 2)
		for (int start = 0; start < N; start += 2 * len)
			inverse_butterflies(
			    c + start, c + start + len, len, -zetas[k--]);
	for (int i = 0; i < N; i++)
		c[i] = multiply(c[i], INVERSE_SCALE);
}
WIDE(inverse_ntt, (int32_t * c), (c))

void
mldsa_inverse_ntt(struct mldsa_poly *p)
{
	inverse_ntt(p->c);
}

static ALWAYS_INLINE void
product_loop(int32_t *restrict out, const int32_t *f, const int32_t *g)
{
	for (int i = 0; i < N; i++)
		out[i] = multiply(f[i], g[i]);
}
WIDE(product, (int32_t * out, const int32_t *f, const int32_t *g), (out, f, g))

void
mldsa_multiply(struct mldsa_poly *out, const struct mldsa_poly *f,
    const struct mldsa_poly *g)
{
	product(out->c, f->c, g->c);
}

static ALWAYS_INLINE void
inner_product_loop(
    int32_t *restrict out, const struct mldsa_vec *f, const struct mldsa_vec *g)
{
	for (int i = 0; i < N; i++) {
		int32_t sum = 0;

		for (int j = 0; j < MLDSA_K; j++)
			sum += multiply(f->p[j].c[i], g->p[j].c[i]);
		out[i] = sum;
	}
}
WIDE(inner_product,
    (int32_t * out, const struct mldsa_vec *f, const struct mldsa_vec *g),
    (out, f, g))

void
mldsa_inner_product(struct mldsa_poly *out, const struct mldsa_vec *f,
    const struct mldsa_vec *g)
{
	inner_product(out->c, f, g);
	mldsa_reduce(out);
}

/* One that is in (-q, q) need not be centred: those that are not are taken
 * nearer to 0 by q. */
bool
mldsa_exceeds(const struct mldsa_poly *p, int32_t bound)
{
	int32_t below = -1; /* stays negative while all are */

	for (int i = 0; i < N; i++) {
		int32_t a = canonical(p->c[i]);
		int32_t high = ((Q - 1) / 2 - a) >> 31; /* all ones: a > q/2 */
		int32_t size = (a & ~high) | ((Q - a) & high);

		below &= size - bound;
	}
	return below >= 0;
}

/* ---- rounding, s7.4 ---- */

/* Algorithm 35: low is in (-2^12, 2^12]. */
void
mldsa_power2round(
    const struct mldsa_poly *p, struct mldsa_poly *high, struct mldsa_poly *low)
{
	for (int i = 0; i < N; i++) {
		int32_t a = p->c[i];
		int32_t a1 = (a + (1 << (MLDSA_D - 1)) - 1) >> MLDSA_D;

		high->c[i] = a1;
		low->c[i] = a - (a1 << MLDSA_D);
	}
}

/*
 * Algorithm 36. low is in (-gamma2, gamma2], so that the high part is the
 * quotient of a + gamma2 - 1 by 2*gamma2 = 2^11 * 93, rounded down; of what is
 * in reach here a product and a shift make that. Where it would be 44, it is
 * 0, and low is one less than counted from q.
 */
static ALWAYS_INLINE void
decompose(int32_t a, int32_t *high, int32_t *low)
{
	int32_t a1 = ((a + MLDSA_GAMMA2 - 1) >> 11) * 11276 >> 20;
	int32_t wraps = (HIGH_COUNT - 1 - a1) >> 31;

	*low = a - a1 * (2 * MLDSA_GAMMA2) + wraps;
	*high = a1 & ~wraps;
}

void
mldsa_decompose(
    const struct mldsa_poly *p, struct mldsa_poly *high, struct mldsa_poly *low)
{
	for (int i = 0; i < N; i++)
		decompose(p->c[i], &high->c[i], &low->c[i]);
}

int
mldsa_make_hint(struct mldsa_poly *hint, const struct mldsa_poly *a,
    const struct mldsa_poly *b)
{
	int count = 0;

	for (int i = 0; i < N; i++) {
		int32_t high_a, high_b, low;
		uint32_t difference;

		decompose(a->c[i], &high_a, &low);
		decompose(b->c[i], &high_b, &low);
		difference = (uint32_t)(high_a ^ high_b);
		hint->c[i] = (int32_t)((difference | -difference) >> 31);
		count += hint->c[i];
	}
	return count;
}

/* Algorithm 40. */
void
mldsa_use_hint(struct mldsa_poly *high, const struct mldsa_poly *p,
    const struct mldsa_poly *hint)
{
	for (int i = 0; i < N; i++) {
		int32_t a1, a0;

		decompose(p->c[i], &a1, &a0);
		if (hint->c[i] != 0)
			a1 = (a1 + (a0 > 0 ? 1 : HIGH_COUNT - 1)) % HIGH_COUNT;
		high->c[i] = a1;
	}
}

/* ---- bytes, s7.1 ---- */

void
mldsa_pack_below(
    uint8_t *out, const struct mldsa_poly *p, int bits, int32_t top)
{
	uint64_t held = 0;
	int count = 0;

	for (int i = 0; i < N; i++) {
		held |= (uint64_t)(uint32_t)(top - p->c[i]) << count;
		for (count += bits; count >= 8; count -= 8) {
			*out++ = (uint8_t)held;
			held >>= 8;
		}
	}
}

void
mldsa_pack(uint8_t *out, const struct mldsa_poly *p, int bits)
{
	uint64_t held = 0;
	int count = 0;

	for (int i = 0; i < N; i++) {
		held |= (uint64_t)(uint32_t)p->c[i] << count;
		for (count += bits; count >= 8; count -= 8) {
			*out++ = (uint8_t)held;
			held >>= 8;
		}
	}
}

void
mldsa_unpack(struct mldsa_poly *p, const uint8_t *in, int bits)
{
	uint64_t held = 0;
	int count = 0;

	for (int i = 0; i < N; i++) {
		for (; count < bits; count += 8)
			held |= (uint64_t)*in++ << count;
		p->c[i] = (int32_t)(held & ((1U << bits) - 1));
		held >>= bits;
		count -= bits;
	}
}

void
mldsa_unpack_below(
    struct mldsa_poly *p, const uint8_t *in, int bits, int32_t top)
{
	mldsa_unpack(p, in, bits);
	for (int i = 0; i < N; i++)
		p->c[i] = top - p->c[i];
}

/* Algorithm 20: the places of all ones, then where each polynomial's end. */
void
mldsa_pack_hint(
    uint8_t out[static MLDSA_HINT_BYTES], const struct mldsa_vec *hint)
{
	size_t n = 0;

	memset(out, 0, MLDSA_HINT_BYTES);
	for (int i = 0; i < MLDSA_K; i++) {
		for (int j = 0; j < N; j++)
			if (hint->p[i].c[j] != 0)
				out[n++] = (uint8_t)j;
		out[MLDSA_OMEGA + i] = (uint8_t)n;
	}
}

/* Algorithm 21. */
bool
mldsa_unpack_hint(
    struct mldsa_vec *hint, const uint8_t in[static MLDSA_HINT_BYTES])
{
	size_t n = 0;

	memset(hint, 0, sizeof(*hint));
	for (int i = 0; i < MLDSA_K; i++) {
		size_t first = n, end = in[MLDSA_OMEGA + i];

		if (end < n || end > MLDSA_OMEGA)
			return false;
		for (; n < end; n++) {
			if (n > first && in[n - 1] >= in[n])
				return false;
			hint->p[i].c[in[n]] = 1;
		}
	}
	for (; n < MLDSA_OMEGA; n++)
		if (in[n] != 0)
			return false;
	return true;
}
