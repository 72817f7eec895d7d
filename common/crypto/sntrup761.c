/*
 * sntrup761.c - Streamlined NTRU Prime 761.
 * NTRU Prime, round 3 specification, s3 and s4.
 *
 * A secret key is f, 1/g mod 3, the public key, 191 random bytes for implicit
 * rejection, and the hash of the public key. Hashes are SHA-512, cut to 32
 * bytes, behind one byte that says what for (s4.5).
 */
#include "common/crypto/sntrup761.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "common/crypto/sntrup761_ring.h"

enum {
	P = RING_P,
	WORDS_BYTES = 4 * P, /* randomness for one polynomial */
	HASH = 32,
	/* Where the parts of a secret key begin. */
	AT_INVERSE = RING_SMALL_BYTES,
	AT_PUBLIC = 2 * RING_SMALL_BYTES,
	AT_REJECT = AT_PUBLIC + RING_Q_BYTES,
	AT_CACHE = AT_REJECT + RING_SMALL_BYTES,
	/* Prefixes of hashes. */
	HASH_SESSION_REJECTED = 0,
	HASH_SESSION = 1,
	HASH_CONFIRM = 2,
	HASH_INPUT = 3,
	HASH_PUBLIC = 4
};

_Static_assert(AT_CACHE + HASH == SNTRUP761_SECRET_SIZE, "secret key");
_Static_assert(RING_Q_BYTES == SNTRUP761_PUBLIC_SIZE, "public key");
_Static_assert(
    RING_ROUNDED_BYTES + HASH == SNTRUP761_CIPHERTEXT_SIZE, "ciphertext");

/* The first half of SHA-512(prefix || a || b). */
static int
hash(uint8_t out[static HASH], uint8_t prefix, struct span a, struct span b)
{
	uint8_t data[1 + HASH + SNTRUP761_PUBLIC_SIZE];
	uint8_t whole[DIGEST_MAX];
	int r;

	if (a.len + b.len >= sizeof(data))
		return ERR_BUG;
	data[0] = prefix;
	memcpy(data + 1, a.ptr, a.len);
	memcpy(data + 1 + a.len, b.ptr, b.len);
	r = digest_of(DIGEST_SHA512, span_of(data, 1 + a.len + b.len), whole);
	if (r == 0)
		memcpy(out, whole, HASH);
	secret_wipe(data, sizeof(data));
	secret_wipe(whole, sizeof(whole));
	return r;
}

/* ---- random polynomials, s4.2 and s4.3 ---- */

static uint32_t
load_word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Each coefficient -1, 0, 1. */
static void
small_random(struct ring *out, const uint8_t bytes[static WORDS_BYTES])
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < P; i++) {
		uint32_t word = load_word(bytes + 4 * i) & 0x3fffffff;

		out->c[i] = (int16_t)((int)(word * 3 >> 30) - 1);
	}
}

/* WEIGHT coefficients 1 or -1, the others 0: their order comes from sorting
 * random numbers that carry them in the two lowest bits. */
static void
short_random(struct ring *out, const uint8_t bytes[static WORDS_BYTES])
{
	uint32_t words[P];

	for (int i = 0; i < P; i++) {
		words[i] = load_word(bytes + 4 * i);
		if (i < RING_WEIGHT)
			words[i] &= ~(uint32_t)1;
		else
			words[i] = (words[i] & ~(uint32_t)3) | 1;
	}
	ring_sort(words);
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < P; i++)
		out->c[i] = (int16_t)((int)(words[i] & 3) - 1);
	secret_wipe(words, sizeof(words));
}

/* ---- Streamlined NTRU Prime Core, s3.3 ---- */

/* What a key pair is drawn from, in the order in which it is used. */
struct keygen_bytes {
	uint8_t g[WORDS_BYTES];
	uint8_t f[WORDS_BYTES];
	uint8_t reject[RING_SMALL_BYTES];
};

_Static_assert(
    sizeof(struct keygen_bytes) == 2 * WORDS_BYTES + RING_SMALL_BYTES,
    "no padding");

/* Goes on to the next candidate for g: takes the first one's bytes away and
 * draws as many behind the last. */
static int
next_candidate(struct keygen_bytes *b, const struct random_source *random)
{
	uint8_t *bytes = (uint8_t *)b;
	size_t keep = sizeof(*b) - WORDS_BYTES;

	memmove(bytes, bytes + WORDS_BYTES, keep);
	return random_fill(random, bytes + keep, WORDS_BYTES);
}

/* f, 1/g mod 3, and h = g/(3f) mod q. */
static int
core_keygen(struct ring *f, struct ring *inverse, struct ring *h,
    struct keygen_bytes *bytes, const struct random_source *random)
{
	struct ring g;
	int r = 0;

	small_random(&g, bytes->g);
	while (r == 0 && !ring_inverse3(inverse, &g)) {
		r = next_candidate(bytes, random);
		small_random(&g, bytes->g);
	}
	if (r == 0) {
		struct ring third;

		short_random(f, bytes->f);
		ring_inverse_thrice(&third, f);
		ring_product(h, &third, &g);
		secret_wipe(&third, sizeof(third));
	}
	secret_wipe(&g, sizeof(g));
	return r;
}

/* Round(h*r). */
static void
core_encrypt(uint8_t *out, const struct ring *r, const uint8_t *public_key)
{
	struct ring h, c;

	ring_q_decode(&h, public_key);
	ring_product(&c, &h, r);
	ring_round(&c);
	ring_rounded_encode(out, &c);
	secret_wipe(&c, sizeof(c));
}

/* All-ones unless r has the right weight. */
static int32_t
weight_mask(const struct ring *r)
{
	int32_t weight = 0;

	for (int i = 0; i < P; i++)
		weight += r->c[i] & 1;
	weight -= RING_WEIGHT;
	return (int32_t)secret_mask((uint32_t)((weight | -weight) >> 31));
}

/* (1/g)*(3f*c mod q mod 3); if that has the wrong weight, the polynomial of
 * WEIGHT ones, then zeros. */
static void
core_decrypt(
    struct ring *r, const uint8_t *ciphertext, const uint8_t *secret_key)
{
	struct ring f, inverse, c, product;
	int32_t mask;

	ring_small_decode(&f, secret_key);
	ring_small_decode(&inverse, secret_key + AT_INVERSE);
	ring_rounded_decode(&c, ciphertext);
	ring_product(&product, &c, &f);
	ring_thrice_mod3(&product, &product);
	ring_product3(r, &product, &inverse);
	mask = weight_mask(r);
	for (int i = 0; i < P; i++) {
		int32_t other = i < RING_WEIGHT;

		r->c[i] = (int16_t)(r->c[i] ^ ((r->c[i] ^ other) & mask));
	}
	secret_wipe(&f, sizeof(f));
	secret_wipe(&inverse, sizeof(inverse));
	secret_wipe(&product, sizeof(product));
}

/* ---- the KEM, s4.6 to s4.8 ---- */

/* Encrypts r and appends the hash that confirms it; input: r as bytes. */
static int
hide(uint8_t *ciphertext, uint8_t input[static RING_SMALL_BYTES],
    const struct ring *r, const uint8_t *public_key,
    const uint8_t cache[static HASH])
{
	uint8_t inner[HASH];
	int e;

	ring_small_encode(input, r);
	core_encrypt(ciphertext, r, public_key);
	if ((e = hash(inner, HASH_INPUT, span_of(input, RING_SMALL_BYTES),
		 span_of(cache, 0))) == 0)
		e = hash(ciphertext + RING_ROUNDED_BYTES, HASH_CONFIRM,
		    span_of(inner, HASH), span_of(cache, HASH));
	secret_wipe(inner, sizeof(inner));
	return e;
}

static int
session_key(uint8_t shared[static HASH], uint8_t prefix,
    const uint8_t input[static RING_SMALL_BYTES], const uint8_t *ciphertext)
{
	uint8_t inner[HASH];
	int e;

	if ((e = hash(inner, HASH_INPUT, span_of(input, RING_SMALL_BYTES),
		 span_of(ciphertext, 0))) == 0)
		e = hash(shared, prefix, span_of(inner, HASH),
		    span_of(ciphertext, SNTRUP761_CIPHERTEXT_SIZE));
	secret_wipe(inner, sizeof(inner));
	return e;
}

int
sntrup761_keygen(uint8_t public_key[static SNTRUP761_PUBLIC_SIZE],
    uint8_t secret_key[static SNTRUP761_SECRET_SIZE],
    const struct random_source *random)
{
	struct keygen_bytes bytes;
	struct ring f, inverse, h;
	int e;

	if ((e = random_fill(random, &bytes, sizeof(bytes))) != 0)
		return e;
	if ((e = core_keygen(&f, &inverse, &h, &bytes, random)) != 0)
		goto out;
	ring_q_encode(public_key, &h);
	ring_small_encode(secret_key, &f);
	ring_small_encode(secret_key + AT_INVERSE, &inverse);
	memcpy(secret_key + AT_PUBLIC, public_key, RING_Q_BYTES);
	memcpy(secret_key + AT_REJECT, bytes.reject, RING_SMALL_BYTES);
	e = hash(secret_key + AT_CACHE, HASH_PUBLIC,
	    span_of(public_key, RING_Q_BYTES), span_of(public_key, 0));
out:
	secret_wipe(&bytes, sizeof(bytes));
	secret_wipe(&f, sizeof(f));
	secret_wipe(&inverse, sizeof(inverse));
	return e;
}

int
sntrup761_encaps(uint8_t ciphertext[static SNTRUP761_CIPHERTEXT_SIZE],
    uint8_t shared[static SNTRUP761_SHARED_SIZE],
    const uint8_t public_key[static SNTRUP761_PUBLIC_SIZE],
    const struct random_source *random)
{
	uint8_t bytes[WORDS_BYTES];
	uint8_t input[RING_SMALL_BYTES];
	uint8_t cache[HASH];
	struct ring r;
	int e;

	if ((e = random_fill(random, bytes, sizeof(bytes))) != 0)
		return e;
	short_random(&r, bytes);
	if ((e = hash(cache, HASH_PUBLIC, span_of(public_key, RING_Q_BYTES),
		 span_of(public_key, 0))) == 0 &&
	    (e = hide(ciphertext, input, &r, public_key, cache)) == 0)
		e = session_key(shared, HASH_SESSION, input, ciphertext);
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(input, sizeof(input));
	secret_wipe(&r, sizeof(r));
	return e;
}

/* All-ones where the n bytes differ. */
static uint32_t
different_mask(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t different = 0;

	for (size_t i = 0; i < n; i++)
		different |= (uint32_t)(a[i] ^ b[i]);
	return secret_mask(((different - 1) >> 31) - 1);
}

int
sntrup761_decaps(uint8_t shared[static SNTRUP761_SHARED_SIZE],
    const uint8_t ciphertext[static SNTRUP761_CIPHERTEXT_SIZE],
    const uint8_t secret_key[static SNTRUP761_SECRET_SIZE])
{
	const uint8_t *reject = secret_key + AT_REJECT;
	uint8_t again[SNTRUP761_CIPHERTEXT_SIZE];
	uint8_t input[RING_SMALL_BYTES];
	struct ring r;
	uint32_t mask;
	int e;

	core_decrypt(&r, ciphertext, secret_key);
	if ((e = hide(again, input, &r, secret_key + AT_PUBLIC,
		 secret_key + AT_CACHE)) != 0)
		goto out;
	mask = different_mask(again, ciphertext, sizeof(again));
	for (int i = 0; i < RING_SMALL_BYTES; i++)
		input[i] ^= (uint8_t)((input[i] ^ reject[i]) & mask);
	e = session_key(
	    shared, (uint8_t)(HASH_SESSION & ~mask), input, ciphertext);
out:
	secret_wipe(again, sizeof(again));
	secret_wipe(input, sizeof(input));
	secret_wipe(&r, sizeof(r));
	return e;
}
