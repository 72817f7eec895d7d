/*
 * mldsa44.c - ML-DSA-44. FIPS 204, for OpenSSL before 3.5;
 * mldsa44_openssl.c takes its place with a newer one.
 *
 * What rejection tells: signing throws candidates away until one has bounds
 * that say nothing of the key. How many there were, which bound failed, and
 * their challenges (hashes of what is as good as random) may be known, as the
 * standard's design has it; which coefficient failed, and by how much, is not
 * told. Those few values are declassified below.
 */
#include "common/crypto/mldsa44.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/opensslv.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/declassify.h"
#include "common/crypto/keccak.h"
#include "common/crypto/mldsa44_ring.h"

size_t
mldsa44_front(struct span context, uint8_t front[static MLDSA44_FRONT_MAX])
{
	front[0] = 0; /* not hashed before */
	front[1] = (uint8_t)context.len;
	if (context.len > 0)
		memcpy(front + 2, context.ptr, context.len);
	return 2 + context.len;
}

#if OPENSSL_VERSION_NUMBER < 0x30500000L

enum {
	N = MLDSA_N,
	Q = MLDSA_Q,
	K = MLDSA_K,
	SEED = 32,
	HASH = 64,     /* of public keys and messages */
	CHALLENGE = 32 /* lambda / 4 */
};

_Static_assert(SEED + K * MLDSA_T1_BYTES == MLDSA44_PUBLIC_SIZE, "pk");
_Static_assert(2 * SEED + HASH + K * (2 * MLDSA_ETA_BYTES + MLDSA_T0_BYTES) ==
		   MLDSA44_SECRET_SIZE,
    "sk");
_Static_assert(
    CHALLENGE + K * MLDSA_Z_BYTES + MLDSA_HINT_BYTES == MLDSA44_SIGNATURE_SIZE,
    "sigma");

struct matrix {
	struct mldsa_vec row[K];
};

/* ---- hashing ---- */

/* H(a ‖ b ‖ c). */
static void
hash(struct span a, struct span b, struct span c, uint8_t *out, size_t len)
{
	struct keccak k;

	shake_start(&k, SHAKE256_RATE);
	shake_absorb(&k, a);
	shake_absorb(&k, b);
	shake_absorb(&k, c);
	shake_finish(&k);
	shake_squeeze(&k, out, len);
	secret_wipe(&k, sizeof(k));
}

static void
start_indexed(struct keccak *k, size_t rate, struct span seed, unsigned index)
{
	const uint8_t bytes[2] = { (uint8_t)index, (uint8_t)(index >> 8) };

	shake_start(k, rate);
	shake_absorb(k, seed);
	shake_absorb(k, span_of(bytes, sizeof(bytes)));
	shake_finish(k);
}

/* ---- sampling, s7.3 ---- */

/* Algorithm 30. rho, and so all in here, is public. Without a branch, since
 * the bits are as random as can be. */
static void
sample_uniform(struct mldsa_poly *out, const uint8_t *rho, unsigned index)
{
	uint8_t block[SHAKE128_RATE];
	int32_t c[N + 1]; /* one to spare */
	struct keccak k;
	int count = 0;

	start_indexed(&k, SHAKE128_RATE, span_of(rho, SEED), index);
	while (count < N) {
		shake_squeeze(&k, block, sizeof(block));
		for (size_t i = 0; i + 3 <= sizeof(block); i += 3) {
			int32_t v = block[i] | block[i + 1] << 8 |
				    (block[i + 2] & 127) << 16;

			c[count] = v;
			count += (v < Q) & (count < N);
		}
	}
	memcpy(out->c, c, sizeof(out->c));
}

/* Algorithm 32. */
static void
expand_matrix(struct matrix *a, const uint8_t *rho)
{
	for (unsigned i = 0; i < K; i++)
		for (unsigned j = 0; j < K; j++)
			sample_uniform(&a->row[i].p[j], rho, i << 8 | j);
}

/* Algorithm 31, with eta = 2. A half byte of 15 is passed over: where those
 * were says nothing of the others. */
static void
sample_small(struct mldsa_poly *out, const uint8_t *seed, unsigned index)
{
	uint8_t block[SHAKE256_RATE];
	int32_t c[N + 1];
	struct keccak k;
	int count = 0;

	start_indexed(&k, SHAKE256_RATE, span_of(seed, HASH), index);
	while (count < N) {
		shake_squeeze(&k, block, sizeof(block));
		for (size_t i = 0; i < 2 * sizeof(block); i++) {
			uint32_t v = block[i / 2] >> (i % 2 * 4) & 15;
			uint32_t fits = (v - 15) >> 31;

			declassify(&fits, sizeof(fits));
			v -= 5 * (v * 13 >> 6); /* v mod 5 */
			c[count] = MLDSA_ETA - (int32_t)v;
			count += (int)fits & (count < N);
		}
	}
	memcpy(out->c, c, sizeof(out->c));
	secret_wipe(c, sizeof(c));
	secret_wipe(block, sizeof(block));
	secret_wipe(&k, sizeof(k));
}

/* Algorithm 34. */
static void
expand_mask(struct mldsa_vec *y, const uint8_t *seed, unsigned index)
{
	uint8_t bytes[MLDSA_Z_BYTES];
	struct keccak k;

	for (unsigned i = 0; i < K; i++) {
		start_indexed(
		    &k, SHAKE256_RATE, span_of(seed, HASH), index + i);
		shake_squeeze(&k, bytes, sizeof(bytes));
		mldsa_unpack_below(&y->p[i], bytes, 18, MLDSA_GAMMA1);
	}
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(&k, sizeof(k));
}

/* Algorithm 29. The challenge is public. */
static void
sample_in_ball(struct mldsa_poly *c, const uint8_t challenge[static CHALLENGE])
{
	struct keccak k;
	uint8_t signs[8], j;
	uint64_t bits = 0;

	shake_start(&k, SHAKE256_RATE);
	shake_absorb(&k, span_of(challenge, CHALLENGE));
	shake_finish(&k);
	shake_squeeze(&k, signs, sizeof(signs));
	for (int i = 0; i < 8; i++)
		bits |= (uint64_t)signs[i] << 8 * i;
	memset(c, 0, sizeof(*c));
	for (int i = N - MLDSA_TAU; i < N; i++) {
		do
			shake_squeeze(&k, &j, 1);
		while (j > i);
		c->c[i] = c->c[j];
		c->c[j] = 1 - 2 * (int32_t)(bits & 1);
		bits >>= 1;
	}
}

/* ---- vectors ---- */

static void
vec_ntt(struct mldsa_vec *v)
{
	for (int i = 0; i < K; i++)
		mldsa_ntt(&v->p[i]);
}

/* A*v, back from the NTT's domain, in (-q, q). */
static void
multiply_matrix(
    struct mldsa_vec *out, const struct matrix *a, const struct mldsa_vec *v)
{
	for (int i = 0; i < K; i++) {
		mldsa_inner_product(&out->p[i], &a->row[i], v);
		mldsa_inverse_ntt(&out->p[i]);
	}
}

/* c*v, back from the NTT's domain. */
static void
multiply_challenge(struct mldsa_vec *out, const struct mldsa_poly *c,
    const struct mldsa_vec *v)
{
	for (int i = 0; i < K; i++) {
		mldsa_multiply(&out->p[i], c, &v->p[i]);
		mldsa_inverse_ntt(&out->p[i]);
	}
}

static void
vec_add(struct mldsa_vec *v, const struct mldsa_vec *w)
{
	for (int i = 0; i < K; i++) {
		mldsa_add(&v->p[i], &w->p[i]);
		mldsa_reduce(&v->p[i]);
	}
}

static void
vec_subtract(struct mldsa_vec *v, const struct mldsa_vec *w)
{
	for (int i = 0; i < K; i++) {
		mldsa_subtract(&v->p[i], &w->p[i]);
		mldsa_reduce(&v->p[i]);
	}
}

static void
vec_canonical(struct mldsa_vec *v)
{
	for (int i = 0; i < K; i++)
		mldsa_canonical(&v->p[i]);
}

static void
vec_decompose(
    const struct mldsa_vec *v, struct mldsa_vec *high, struct mldsa_vec *low)
{
	for (int i = 0; i < K; i++)
		mldsa_decompose(&v->p[i], &high->p[i], &low->p[i]);
}

static bool
vec_exceeds(const struct mldsa_vec *v, int32_t bound)
{
	bool exceeds = false;

	for (int i = 0; i < K; i++)
		exceeds |= mldsa_exceeds(&v->p[i], bound);
	return exceeds;
}

/* ---- keys ---- */

/* The vectors of algorithm 24, skEncode. */
static void
encode_secret(uint8_t *out, const struct mldsa_vec *s1,
    const struct mldsa_vec *s2, const struct mldsa_vec *t0)
{
	for (int i = 0; i < K; i++, out += MLDSA_ETA_BYTES)
		mldsa_pack_below(out, &s1->p[i], 3, MLDSA_ETA);
	for (int i = 0; i < K; i++, out += MLDSA_ETA_BYTES)
		mldsa_pack_below(out, &s2->p[i], 3, MLDSA_ETA);
	for (int i = 0; i < K; i++, out += MLDSA_T0_BYTES)
		mldsa_pack_below(out, &t0->p[i], 13, 1 << (MLDSA_D - 1));
}

int
mldsa44_keygen(uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    uint8_t secret_key[static MLDSA44_SECRET_SIZE],
    const uint8_t seed[static MLDSA44_SEED_SIZE])
{
	static const uint8_t parameters[2] = { K, K };
	uint8_t seeds[2 * SEED + HASH]; /* rho, rho', K */
	struct mldsa_vec s1, s2, t, t0, s1_ntt;
	struct matrix a;

	hash(span_of(seed, SEED), span_of(parameters, 2), span_of(NULL, 0),
	    seeds, sizeof(seeds));
	/* rho is published as the start of the public key; it tells nothing
	 * of the seed, of which it is a hash. */
	declassify(seeds, SEED);
	expand_matrix(&a, seeds);
	for (unsigned i = 0; i < K; i++) {
		sample_small(&s1.p[i], seeds + SEED, i);
		sample_small(&s2.p[i], seeds + SEED, i + K);
	}
	s1_ntt = s1;
	vec_ntt(&s1_ntt);
	multiply_matrix(&t, &a, &s1_ntt);
	vec_add(&t, &s2);
	vec_canonical(&t);
	memcpy(public_key, seeds, SEED);
	for (int i = 0; i < K; i++) {
		mldsa_power2round(&t.p[i], &t.p[i], &t0.p[i]);
		mldsa_pack(public_key + SEED + i * MLDSA_T1_BYTES, &t.p[i], 10);
	}
	memcpy(secret_key, seeds, SEED);
	memcpy(secret_key + SEED, seeds + SEED + HASH, SEED);
	hash(span_of(public_key, MLDSA44_PUBLIC_SIZE), span_of(NULL, 0),
	    span_of(NULL, 0), secret_key + 2 * SEED, HASH);
	encode_secret(secret_key + 2 * SEED + HASH, &s1, &s2, &t0);
	secret_wipe(seeds, sizeof(seeds));
	secret_wipe(&s1, sizeof(s1));
	secret_wipe(&s2, sizeof(s2));
	secret_wipe(&s1_ntt, sizeof(s1_ntt));
	secret_wipe(&t, sizeof(t));
	secret_wipe(&t0, sizeof(t0));
	return 0;
}

/* ---- signing ---- */

/* A secret key, taken apart: the vectors are in the NTT's domain. */
struct signer {
	struct matrix a;
	struct mldsa_vec s1, s2, t0;
	uint8_t message[HASH]; /* mu */
	uint8_t mask_seed[HASH];
};

/* Of one try. */
struct candidate {
	struct mldsa_vec y, z, w, high, low, product, hint;
	struct mldsa_poly c;
	uint8_t challenge[CHALLENGE];
};

/* Algorithm 25, skDecode. */
static void
decode_secret(struct signer *s, const uint8_t *sk)
{
	expand_matrix(&s->a, sk);
	sk += 2 * SEED + HASH;
	for (int i = 0; i < K; i++, sk += MLDSA_ETA_BYTES)
		mldsa_unpack_below(&s->s1.p[i], sk, 3, MLDSA_ETA);
	for (int i = 0; i < K; i++, sk += MLDSA_ETA_BYTES)
		mldsa_unpack_below(&s->s2.p[i], sk, 3, MLDSA_ETA);
	for (int i = 0; i < K; i++, sk += MLDSA_T0_BYTES)
		mldsa_unpack_below(&s->t0.p[i], sk, 13, 1 << (MLDSA_D - 1));
	vec_ntt(&s->s1);
	vec_ntt(&s->s2);
	vec_ntt(&s->t0);
}

/* Both sides: H(mu ‖ w1Encode(w1)). */
static void
hash_commitment(const uint8_t message[static HASH],
    const struct mldsa_vec *high, uint8_t out[static CHALLENGE])
{
	uint8_t bytes[K * MLDSA_W1_BYTES];

	for (int i = 0; i < K; i++)
		mldsa_pack(bytes + i * MLDSA_W1_BYTES, &high->p[i], 6);
	hash(span_of(message, HASH), span_of(bytes, sizeof(bytes)),
	    span_of(NULL, 0), out, CHALLENGE);
}

/* Says whether a bound failed, which may be known. */
static bool
is_out(const struct mldsa_vec *v, int32_t bound)
{
	bool out = vec_exceeds(v, bound);

	declassify(&out, sizeof(out));
	return out;
}

/* The hint, which makes up for the part of t that verifiers do not have.
 * False: too much of it, or more than it can make up for. */
static bool
make_hint(struct candidate *t, const struct signer *s)
{
	int count = 0;

	multiply_challenge(&t->product, &t->c, &s->t0);
	if (is_out(&t->product, MLDSA_GAMMA2))
		return false;
	/* w - c*s2 is in t->w; the hint compares it with what verifiers will
	 * come to, w - c*s2 + c*t0. */
	t->low = t->w;
	vec_add(&t->low, &t->product);
	vec_canonical(&t->low);
	vec_canonical(&t->w);
	for (int i = 0; i < K; i++)
		count +=
		    mldsa_make_hint(&t->hint.p[i], &t->w.p[i], &t->low.p[i]);
	declassify(&count, sizeof(count));
	return count <= MLDSA_OMEGA;
}

/* Algorithm 7, the body of its loop. False: thrown away. */
static bool
try_once(struct candidate *t, const struct signer *s, unsigned index)
{
	expand_mask(&t->y, s->mask_seed, index);
	t->z = t->y;
	vec_ntt(&t->z);
	multiply_matrix(&t->w, &s->a, &t->z);
	vec_canonical(&t->w);
	vec_decompose(&t->w, &t->high, &t->low);
	hash_commitment(s->message, &t->high, t->challenge);
	declassify(t->challenge, sizeof(t->challenge));
	sample_in_ball(&t->c, t->challenge);
	mldsa_ntt(&t->c);
	multiply_challenge(&t->z, &t->c, &s->s1);
	vec_add(&t->z, &t->y);
	if (is_out(&t->z, MLDSA_GAMMA1 - MLDSA_BETA))
		return false;
	multiply_challenge(&t->product, &t->c, &s->s2);
	vec_subtract(&t->w, &t->product);
	t->product = t->w;
	vec_canonical(&t->product);
	vec_decompose(&t->product, &t->high, &t->low);
	if (is_out(&t->low, MLDSA_GAMMA2 - MLDSA_BETA))
		return false;
	return make_hint(t, s);
}

/* From [-6283008, 6283008] to (-q/2, q/2]. */
static void
centre(struct mldsa_poly *p)
{
	mldsa_canonical(p);
	for (int i = 0; i < N; i++)
		p->c[i] -= (((Q - 1) / 2 - p->c[i]) >> 31) & Q;
}

/* Algorithm 26, sigEncode. */
static void
encode_signature(uint8_t *out, struct candidate *t)
{
	memcpy(out, t->challenge, CHALLENGE);
	out += CHALLENGE;
	for (int i = 0; i < K; i++, out += MLDSA_Z_BYTES) {
		centre(&t->z.p[i]);
		mldsa_pack_below(out, &t->z.p[i], 18, MLDSA_GAMMA1);
	}
	/* It is given out now. */
	declassify(&t->hint, sizeof(t->hint));
	mldsa_pack_hint(out, &t->hint);
}

int
mldsa44_sign(uint8_t signature[static MLDSA44_SIGNATURE_SIZE],
    const uint8_t secret_key[static MLDSA44_SECRET_SIZE], struct span front,
    struct span message, const uint8_t random[static MLDSA44_RANDOM_SIZE])
{
	struct signer s;
	struct candidate t;
	unsigned index = 0;

	decode_secret(&s, secret_key);
	hash(span_of(secret_key + 2 * SEED, HASH), front, message, s.message,
	    HASH);
	hash(span_of(secret_key + SEED, SEED),
	    span_of(random, MLDSA44_RANDOM_SIZE), span_of(s.message, HASH),
	    s.mask_seed, HASH);
	/* Four or five times on average; thousands are as likely as guessing
	 * the key. */
	while (!try_once(&t, &s, index))
		index += K;
	encode_signature(signature, &t);
	secret_wipe(&s, sizeof(s));
	secret_wipe(&t, sizeof(t));
	return 0;
}

/* ---- verifying: nothing here is secret ---- */

/* A*z - c*t1*2^d. */
static void
recover(struct mldsa_vec *w, const uint8_t *public_key,
    const struct mldsa_poly *c, const struct mldsa_vec *z)
{
	struct matrix a;
	struct mldsa_poly t1, product;

	expand_matrix(&a, public_key);
	for (int i = 0; i < K; i++) {
		mldsa_unpack(&t1, public_key + SEED + i * MLDSA_T1_BYTES, 10);
		for (int j = 0; j < N; j++)
			t1.c[j] *= 1 << MLDSA_D;
		mldsa_ntt(&t1);
		mldsa_multiply(&product, c, &t1);
		mldsa_inner_product(&w->p[i], &a.row[i], z);
		mldsa_subtract(&w->p[i], &product);
		mldsa_reduce(&w->p[i]);
		mldsa_inverse_ntt(&w->p[i]);
		mldsa_canonical(&w->p[i]);
	}
}

int
mldsa44_verify(const uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    struct span front, struct span message,
    const uint8_t signature[static MLDSA44_SIGNATURE_SIZE])
{
	const uint8_t *in = signature + CHALLENGE;
	uint8_t key_hash[HASH], message_hash[HASH], challenge[CHALLENGE];
	struct mldsa_vec z, w, hint;
	struct mldsa_poly c;

	for (int i = 0; i < K; i++, in += MLDSA_Z_BYTES)
		mldsa_unpack_below(&z.p[i], in, 18, MLDSA_GAMMA1);
	if (!mldsa_unpack_hint(&hint, in) ||
	    vec_exceeds(&z, MLDSA_GAMMA1 - MLDSA_BETA))
		return ERR_SIGNATURE;
	hash(span_of(public_key, MLDSA44_PUBLIC_SIZE), span_of(NULL, 0),
	    span_of(NULL, 0), key_hash, HASH);
	hash(span_of(key_hash, HASH), front, message, message_hash, HASH);
	sample_in_ball(&c, signature);
	mldsa_ntt(&c);
	vec_ntt(&z);
	recover(&w, public_key, &c, &z);
	for (int i = 0; i < K; i++)
		mldsa_use_hint(&w.p[i], &w.p[i], &hint.p[i]);
	hash_commitment(message_hash, &w, challenge);
	return memcmp(challenge, signature, CHALLENGE) == 0 ? 0 : ERR_SIGNATURE;
}

#endif
