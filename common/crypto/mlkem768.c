/*
 * mlkem768.c - ML-KEM-768. FIPS 203, for OpenSSL before 3.5;
 * mlkem768_openssl.c takes its place with a newer one.
 *
 * Polynomials are arrays of 256 int16_t, so that the compiler makes vector
 * instructions of the loops. Coefficients are kept in [-q, q] or wider where
 * said, and products are Montgomery's: of a and b comes a*b/2^16 mod q. All
 * loops run the same way for every secret; only the public matrix is sampled
 * with rejection.
 */
#include "common/crypto/mlkem768.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/opensslv.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/declassify.h"
#include "common/crypto/keccak.h"

#if OPENSSL_VERSION_NUMBER < 0x30500000L

/* s8, ML-KEM-768: k = 3, eta1 = eta2 = 2, du = 10, dv = 4. */
enum {
	N = 256,
	Q = 3329,
	K = 3,
	ETA = 2,
	Q_INVERSE = -3327,    /* q^-1 mod 2^16, signed */
	TO_MONTGOMERY = 1353, /* 2^32 mod q */
	INVERSE_SCALE = 1441, /* 2^32 / 128 mod q */
	SYMBYTES = 32,
	PRF_BYTES = 64 * ETA,
	POLY_BYTES = 384, /* ByteEncode_12 */
	U_BYTES = 320,    /* ByteEncode_10 */
	V_BYTES = 128,    /* ByteEncode_4 */
	VEC_BYTES = K * POLY_BYTES
};

_Static_assert(VEC_BYTES + SYMBYTES == MLKEM768_PUBLIC_SIZE, "ek");
_Static_assert(K *U_BYTES + V_BYTES == MLKEM768_CIPHERTEXT_SIZE, "c");
_Static_assert(
    VEC_BYTES + MLKEM768_PUBLIC_SIZE + 2 * SYMBYTES == MLKEM768_SECRET_SIZE,
    "dk");

struct poly {
	_Alignas(32) int16_t c[N];
};

struct vec {
	struct poly p[K];
};

/* 17^BitRev7(i) * 2^16 mod q (sA), centred. */
static const int16_t zetas[128] = { -1044, -758, -359, -1517, 1493, 1422, 287,
	202, -171, 622, 1577, 182, 962, -1202, -1474, 1468, 573, -1325, 264,
	383, -829, 1458, -1602, -130, -681, 1017, 732, 608, -1542, 411, -205,
	-1571, 1223, 652, -552, 1015, -1293, 1491, -282, -1544, 516, -8, -320,
	-666, -1618, -1162, 126, 1469, -853, -90, -271, 830, 107, -1421, -247,
	-951, -398, 961, -1508, -725, 448, -1065, 677, -1275, -1103, 430, 555,
	843, -1251, 871, 1550, 105, 422, 587, 177, -235, -291, -460, 1574, 1653,
	-246, 778, 1159, -147, -777, 1483, -602, 1119, -1590, 644, -872, 349,
	418, 329, -156, -75, 817, 1097, 603, 610, 1322, -1285, -1465, 384,
	-1215, -136, 1218, -1335, -874, 220, -1187, -1659, -1185, -1530, -1278,
	794, -1510, -854, -870, 478, -108, -308, 996, 991, 958, -1460, 1522,
	1628 };

/* ---- arithmetic mod q ---- */

static inline int16_t
high(int16_t a, int16_t b)
{
	return (int16_t)((int32_t)a * b >> 16);
}

/* a*b/2^16 mod q, in (-q, q) for |a*b| < q*2^15. */
static inline int16_t
multiply(int16_t a, int16_t b)
{
	int16_t low = (int16_t)((uint16_t)a * (uint32_t)(uint16_t)b);
	int16_t m = (int16_t)((uint16_t)low * (uint32_t)(uint16_t)Q_INVERSE);

	return (int16_t)(high(a, b) - high(m, Q));
}

/* To [-q/2, q/2], for any a; 20159 is 2^26/q. */
static inline int16_t
reduce(int16_t a)
{
	int16_t quotient = (int16_t)((high(a, 20159) + (1 << 9)) >> 10);

	return (int16_t)(a - quotient * Q);
}

/* From (-q, q) to [0, q). */
static inline uint16_t
canonical(int16_t a)
{
	return (uint16_t)(a + ((a >> 15) & Q));
}

static void
poly_reduce(struct poly *p)
{
	for (int i = 0; i < N; i++)
		p->c[i] = reduce(p->c[i]);
}

static void
poly_add(struct poly *restrict p, const struct poly *restrict q)
{
	for (int i = 0; i < N; i++)
		p->c[i] = (int16_t)(p->c[i] + q->c[i]);
}

/* ---- the number-theoretic transform, s4.3 ---- */

/* Both halves of a block: lo, hi = lo + z*hi, lo - z*hi. */
static inline void
butterflies(int16_t *restrict lo, int16_t *restrict hi, int len, int16_t zeta)
{
	for (int j = 0; j < len; j++) {
		int16_t t = multiply(zeta, hi[j]);

		hi[j] = (int16_t)(lo[j] - t);
		lo[j] = (int16_t)(lo[j] + t);
	}
}

/* Algorithm 9. Each of the seven layers adds less than q to the size of a
 * coefficient, so one reduction at the end is enough. */
static void
ntt(struct poly *p)
{
	int k = 1;

	for (int len = 128; len >= 2; len /= 2)
		for (int start = 0; start < N; start += 2 * len)
			butterflies(
			    p->c + start, p->c + start + len, len, zetas[k++]);
	poly_reduce(p);
}

static inline void
inverse_butterflies(
    int16_t *restrict lo, int16_t *restrict hi, int len, int16_t zeta)
{
	for (int j = 0; j < len; j++) {
		int16_t t = lo[j];

		lo[j] = reduce((int16_t)(t + hi[j]));
		hi[j] = multiply(zeta, (int16_t)(hi[j] - t));
	}
}

/* Algorithm 10, and a factor of 2^16 that undoes the one product before. */
static void
inverse_ntt(struct poly *p)
{
	int k = 127;

	for (int len = 2; len <= 128; len *= 2)
		for (int start = 0; start < N; start += 2 * len)
			inverse_butterflies(
			    p->c + start, p->c + start + len, len, zetas[k--]);
	for (int i = 0; i < N; i++)
		p->c[i] = multiply(p->c[i], INVERSE_SCALE);
}

/* Algorithm 11, added to sum: the product in the NTT's domain, over 2^16. */
static void
multiply_add(struct poly *restrict sum, const struct poly *restrict f,
    const struct poly *restrict g)
{
	for (int i = 0; i < N / 2; i++) {
		int16_t z = zetas[64 + i / 2];
		int16_t gamma = (int16_t)((i & 1) != 0 ? -z : z);
		const int16_t *a = f->c + 2 * i;
		const int16_t *b = g->c + 2 * i;
		int16_t *c = sum->c + 2 * i;

		c[0] = (int16_t)(c[0] + multiply(a[0], b[0]) +
				 multiply(multiply(a[1], b[1]), gamma));
		c[1] = (int16_t)(c[1] + multiply(a[0], b[1]) +
				 multiply(a[1], b[0]));
	}
}

/* sum over i of f[i]*g[i], over 2^16. Six terms below q in size. */
static void
inner_product(
    struct poly *restrict out, const struct vec *f, const struct vec *g)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < K; i++)
		multiply_add(out, &f->p[i], &g->p[i]);
	poly_reduce(out);
}

static void
vec_ntt(struct vec *v)
{
	for (int i = 0; i < K; i++)
		ntt(&v->p[i]);
}

/* ---- sampling, s4.2.2 ---- */

/* Three bytes to two 12-bit candidates; what is below q stays. Without a
 * branch, since the bits are as random as can be. Returns the new count. */
static int
take_candidates(int16_t *c, int count, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 3 <= len && count < N; i += 3) {
		int16_t d1 = (int16_t)(bytes[i] | (bytes[i + 1] & 15) << 8);
		int16_t d2 = (int16_t)(bytes[i + 1] >> 4 | bytes[i + 2] << 4);

		c[count] = d1;
		count += d1 < Q;
		c[count] = d2; /* c has one to spare */
		count += d2 < Q && count < N;
	}
	return count;
}

/* Algorithm 7. rho, and so all in here, is public. */
static void
sample_ntt(struct poly *out, const uint8_t rho[static SYMBYTES], int i, int j)
{
	const uint8_t index[2] = { (uint8_t)j, (uint8_t)i };
	uint8_t block[SHAKE128_RATE];
	int16_t c[N + 1];
	struct keccak k;
	int count = 0;

	shake_start(&k, SHAKE128_RATE);
	shake_absorb(&k, span_of(rho, SYMBYTES));
	shake_absorb(&k, span_of(index, sizeof(index)));
	shake_finish(&k);
	while (count < N) {
		shake_squeeze(&k, block, sizeof(block));
		count = take_candidates(c, count, block, sizeof(block));
	}
	memcpy(out->c, c, sizeof(out->c));
}

/* A, or its transpose: row i of what is wanted. */
static void
sample_row(
    struct vec *row, const uint8_t rho[static SYMBYTES], int i, bool transposed)
{
	for (int j = 0; j < K; j++)
		sample_ntt(
		    &row->p[j], rho, transposed ? j : i, transposed ? i : j);
}

/* PRF_2 and algorithm 8: of each four bits the sum of two less the sum of
 * the other two. */
static void
sample_noise(struct poly *out, const uint8_t seed[static SYMBYTES], uint8_t n)
{
	uint8_t bytes[PRF_BYTES];

	shake256(span_of(seed, SYMBYTES), span_of(&n, 1), bytes, PRF_BYTES);
	for (int i = 0; i < PRF_BYTES; i++) {
		int sums = (bytes[i] & 0x55) + (bytes[i] >> 1 & 0x55);

		out->c[2 * i] = (int16_t)((sums & 3) - (sums >> 2 & 3));
		out->c[2 * i + 1] =
		    (int16_t)((sums >> 4 & 3) - (sums >> 6 & 3));
	}
	secret_wipe(bytes, sizeof(bytes));
}

static void
vec_noise(struct vec *v, const uint8_t seed[static SYMBYTES], uint8_t n)
{
	for (int i = 0; i < K; i++)
		sample_noise(&v->p[i], seed, (uint8_t)(n + i));
}

/* ---- bytes, s4.2.1 ---- */

/* ByteEncode_12. */
static void
vec_encode(uint8_t *out, const struct vec *v)
{
	for (int i = 0; i < K; i++)
		for (int j = 0; j < N; j += 2) {
			unsigned a = canonical(v->p[i].c[j]);
			unsigned b = canonical(v->p[i].c[j + 1]);

			*out++ = (uint8_t)a;
			*out++ = (uint8_t)(a >> 8 | b << 4);
			*out++ = (uint8_t)(b >> 4);
		}
}

/* ByteDecode_12; true if all are below q (s7.2, modulus check). */
static bool
vec_decode(struct vec *v, const uint8_t *in)
{
	int32_t below = -1; /* stays negative while all are */

	for (int i = 0; i < K; i++)
		for (int j = 0; j < N; j += 2, in += 3) {
			int32_t a = in[0] | (in[1] & 15) << 8;
			int32_t b = in[1] >> 4 | in[2] << 4;

			v->p[i].c[j] = (int16_t)a;
			v->p[i].c[j + 1] = (int16_t)b;
			below &= (a - Q) & (b - Q);
		}
	return below < 0;
}

/* ByteEncode_d(Compress_d(p)): round(2^d/q * x) mod 2^d, by a product
 * instead of a division. 161271 is 2^29/q, 315 is 2^20/q, rounded up: right
 * for every x in [0, q). */
static void
poly_compress10(uint8_t *out, const struct poly *p)
{
	for (int i = 0; i < N; i += 4) {
		uint64_t bits = 0;

		for (int j = 0; j < 4; j++) {
			uint64_t x = canonical(p->c[i + j]);

			x = ((x << 10) + Q / 2) * 161271 >> 29 & 1023;
			bits |= x << 10 * j;
		}
		for (int j = 0; j < 5; j++)
			*out++ = (uint8_t)(bits >> 8 * j);
	}
}

static uint32_t
compress4(int16_t c)
{
	return ((((uint32_t)canonical(c) << 4) + Q / 2) * 315 >> 20) & 15;
}

static void
poly_compress4(uint8_t *out, const struct poly *p)
{
	for (int i = 0; i < N; i += 2)
		*out++ =
		    (uint8_t)(compress4(p->c[i]) | compress4(p->c[i + 1]) << 4);
}

/* Decompress_d(ByteDecode_d). */
static void
poly_decompress10(struct poly *p, const uint8_t *in)
{
	for (int i = 0; i < N; i += 4, in += 5) {
		uint64_t bits = 0;

		for (int j = 0; j < 5; j++)
			bits |= (uint64_t)in[j] << 8 * j;
		for (int j = 0; j < 4; j++) {
			uint32_t y = (uint32_t)(bits >> 10 * j) & 1023;

			p->c[i + j] = (int16_t)((y * Q + 512) >> 10);
		}
	}
}

static void
poly_decompress4(struct poly *p, const uint8_t *in)
{
	for (int i = 0; i < N; i += 2, in++) {
		p->c[i] = (int16_t)(((*in & 15) * Q + 8) >> 4);
		p->c[i + 1] = (int16_t)(((*in >> 4) * Q + 8) >> 4);
	}
}

/* Decompress_1: a bit to 0 or (q+1)/2, without a branch. */
static void
poly_of_message(struct poly *p, const uint8_t m[static SYMBYTES])
{
	for (int i = 0; i < N; i++) {
		uint32_t bit = m[i / 8] >> (i % 8) & 1;

		p->c[i] = (int16_t)(secret_mask(-bit) & ((Q + 1) / 2));
	}
}

/* ByteEncode_1(Compress_1). */
static void
poly_to_message(uint8_t m[static SYMBYTES], const struct poly *p)
{
	memset(m, 0, SYMBYTES);
	for (int i = 0; i < N; i++) {
		uint32_t x = canonical(p->c[i]);

		x = ((x << 1) + Q / 2) * 315 >> 20 & 1;
		m[i / 8] = (uint8_t)(m[i / 8] | x << i % 8);
	}
}

/* ---- K-PKE, s5 ---- */

/* Algorithm 13. out_public: ek; out_secret: dk of K-PKE. */
static void
pke_keygen(
    uint8_t *out_public, uint8_t *out_secret, const uint8_t d[static SYMBYTES])
{
	static const uint8_t parameter[1] = { K };
	uint8_t seeds[2 * SYMBYTES];
	const uint8_t *rho = seeds;
	const uint8_t *sigma = seeds + SYMBYTES;
	struct vec row, s, e, t;

	sha3_512(span_of(d, SYMBYTES), span_of(parameter, 1), seeds);
	/* rho is published as the end of ek; it tells nothing of d, of which
	 * it is a hash. */
	declassify(rho, SYMBYTES);
	vec_noise(&s, sigma, 0);
	vec_noise(&e, sigma, K);
	vec_ntt(&s);
	vec_ntt(&e);
	for (int i = 0; i < K; i++) {
		sample_row(&row, rho, i, false);
		inner_product(&t.p[i], &row, &s);
		for (int j = 0; j < N; j++)
			t.p[i].c[j] = multiply(t.p[i].c[j], TO_MONTGOMERY);
		poly_add(&t.p[i], &e.p[i]);
		poly_reduce(&t.p[i]);
	}
	vec_encode(out_public, &t);
	memcpy(out_public + VEC_BYTES, rho, SYMBYTES);
	vec_encode(out_secret, &s);
	secret_wipe(&s, sizeof(s));
	secret_wipe(&e, sizeof(e));
	secret_wipe(seeds, sizeof(seeds));
}

/* Algorithm 14. t: the vector of ek, decoded. */
static void
pke_encrypt(uint8_t *out, const struct vec *t, const uint8_t *rho,
    const uint8_t m[static SYMBYTES], const uint8_t r[static SYMBYTES])
{
	struct vec row, y;
	struct poly u, noise;

	vec_noise(&y, r, 0);
	vec_ntt(&y);
	for (int i = 0; i < K; i++) {
		sample_row(&row, rho, i, true);
		inner_product(&u, &row, &y);
		inverse_ntt(&u);
		sample_noise(&noise, r, (uint8_t)(K + i));
		poly_add(&u, &noise);
		poly_reduce(&u);
		poly_compress10(out + i * U_BYTES, &u);
	}
	inner_product(&u, t, &y);
	inverse_ntt(&u);
	sample_noise(&noise, r, 2 * K);
	poly_add(&u, &noise);
	poly_of_message(&noise, m);
	poly_add(&u, &noise);
	poly_reduce(&u);
	poly_compress4(out + K * U_BYTES, &u);
	secret_wipe(&y, sizeof(y));
	secret_wipe(&u, sizeof(u));
	secret_wipe(&noise, sizeof(noise));
}

/* Algorithm 15. */
static void
pke_decrypt(uint8_t m[static SYMBYTES], const uint8_t *c, const uint8_t *dk)
{
	struct vec s, u;
	struct poly v, w;

	for (int i = 0; i < K; i++)
		poly_decompress10(&u.p[i], c + i * U_BYTES);
	poly_decompress4(&v, c + K * U_BYTES);
	/* Not checked: a key of ours, or one whose hash was. */
	IGNORE_RESULT(vec_decode(&s, dk));
	vec_ntt(&u);
	inner_product(&w, &s, &u);
	inverse_ntt(&w);
	for (int i = 0; i < N; i++)
		v.c[i] = reduce((int16_t)(v.c[i] - w.c[i]));
	poly_to_message(m, &v);
	secret_wipe(&s, sizeof(s));
	secret_wipe(&v, sizeof(v));
	secret_wipe(&w, sizeof(w));
}

/* ---- ML-KEM, s6 and s7 ---- */

int
mlkem768_keygen(uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    uint8_t secret_key[static MLKEM768_SECRET_SIZE],
    const uint8_t seed[static MLKEM768_KEYGEN_SEED_SIZE])
{
	uint8_t *p = secret_key;

	pke_keygen(public_key, p, seed);
	p += VEC_BYTES;
	memcpy(p, public_key, MLKEM768_PUBLIC_SIZE);
	p += MLKEM768_PUBLIC_SIZE;
	sha3_256(
	    span_of(public_key, MLKEM768_PUBLIC_SIZE), span_of(NULL, 0), p);
	p += SYMBYTES;
	memcpy(p, seed + SYMBYTES, SYMBYTES);
	return 0;
}

int
mlkem768_encaps(uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    const uint8_t seed[static MLKEM768_ENCAPS_SEED_SIZE])
{
	uint8_t key_hash[SYMBYTES];
	uint8_t keys[2 * SYMBYTES]; /* K, r */
	struct vec t;

	if (!vec_decode(&t, public_key))
		return ERR_KEX;
	sha3_256(span_of(public_key, MLKEM768_PUBLIC_SIZE), span_of(NULL, 0),
	    key_hash);
	sha3_512(span_of(seed, SYMBYTES), span_of(key_hash, SYMBYTES), keys);
	pke_encrypt(
	    ciphertext, &t, public_key + VEC_BYTES, seed, keys + SYMBYTES);
	memcpy(shared, keys, SYMBYTES);
	secret_wipe(keys, sizeof(keys));
	return 0;
}

/* 0xff where the n bytes are equal, 0 else. */
static uint8_t
equal_mask(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t different = 0;

	for (size_t i = 0; i < n; i++)
		different |= (uint32_t)(a[i] ^ b[i]);
	return (uint8_t)secret_mask((different - 1) >> 8);
}

int
mlkem768_decaps(uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    const uint8_t secret_key[static MLKEM768_SECRET_SIZE])
{
	const uint8_t *public_key = secret_key + VEC_BYTES;
	const uint8_t *key_hash = public_key + MLKEM768_PUBLIC_SIZE;
	const uint8_t *z = key_hash + SYMBYTES;
	uint8_t m[SYMBYTES], hash[SYMBYTES], rejected[SYMBYTES];
	uint8_t keys[2 * SYMBYTES]; /* K', r' */
	uint8_t again[MLKEM768_CIPHERTEXT_SIZE];
	struct vec t;
	uint8_t mask;

	sha3_256(
	    span_of(public_key, MLKEM768_PUBLIC_SIZE), span_of(NULL, 0), hash);
	if (memcmp(hash, key_hash, SYMBYTES) != 0) /* both public */
		return ERR_KEX;
	IGNORE_RESULT(vec_decode(&t, public_key)); /* ours: checked once */
	pke_decrypt(m, ciphertext, secret_key);
	sha3_512(span_of(m, SYMBYTES), span_of(key_hash, SYMBYTES), keys);
	shake256(span_of(z, SYMBYTES),
	    span_of(ciphertext, MLKEM768_CIPHERTEXT_SIZE), rejected, SYMBYTES);
	pke_encrypt(again, &t, public_key + VEC_BYTES, m, keys + SYMBYTES);
	mask = equal_mask(again, ciphertext, MLKEM768_CIPHERTEXT_SIZE);
	for (int i = 0; i < SYMBYTES; i++)
		shared[i] = (uint8_t)((keys[i] & mask) | (rejected[i] & ~mask));
	secret_wipe(m, sizeof(m));
	secret_wipe(keys, sizeof(keys));
	secret_wipe(rejected, sizeof(rejected));
	secret_wipe(again, sizeof(again));
	return 0;
}

#endif
