/*
 * sntrup761_test.c - sntrup761 against the submission's known answers.
 */
#include "common/crypto/sntrup761.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/crypto/keccak.h"
#include "common/crypto/sntrup761_ring.h"
#include "tests/unit/unit.h"

/* ---- the generator of the KEM submissions: AES-256 in counter mode ---- */

enum {
	SEED = 48,
	WORD = 4
};

struct drbg {
	EVP_CIPHER_CTX *aes;
	uint8_t key[32];
	uint8_t v[16];
};

static void
drbg_block(struct drbg *d, uint8_t out[static 16])
{
	int len;

	for (int i = 15; i >= 0 && ++d->v[i] == 0; i--)
		;
	CHECK_INT(EVP_EncryptUpdate(d->aes, out, &len, d->v, 16), 1);
}

static void
drbg_set_key(struct drbg *d)
{
	CHECK_INT(
	    EVP_EncryptInit_ex(d->aes, EVP_aes_256_ecb(), NULL, d->key, NULL),
	    1);
	EVP_CIPHER_CTX_set_padding(d->aes, 0);
}

static void
drbg_update(struct drbg *d, const uint8_t *data)
{
	uint8_t next[SEED];

	for (int i = 0; i < SEED; i += 16)
		drbg_block(d, next + i);
	for (int i = 0; data != NULL && i < SEED; i++)
		next[i] ^= data[i];
	memcpy(d->key, next, 32);
	memcpy(d->v, next + 32, 16);
	drbg_set_key(d);
}

static void
drbg_init(struct drbg *d, const uint8_t seed[static SEED])
{
	memset(d->key, 0, sizeof(d->key));
	memset(d->v, 0, sizeof(d->v));
	if (d->aes == NULL)
		d->aes = EVP_CIPHER_CTX_new();
	drbg_set_key(d);
	drbg_update(d, seed);
}

/* One call of the generator; what is left of the last block is lost. */
static void
drbg_draw(struct drbg *d, uint8_t *out, size_t len)
{
	uint8_t block[16];

	for (size_t i = 0; i < len; i += 16) {
		drbg_block(d, block);
		memcpy(out + i, block, len - i < 16 ? len - i : 16);
	}
	drbg_update(d, NULL);
}

/* The reference calls the generator for each coefficient, and for the bytes
 * at the end in one go; we ask for all of them at once. */
static int
drbg_fill(void *context, uint8_t *out, size_t len)
{
	size_t tail = len % (WORD * RING_P);

	for (size_t i = 0; i + tail < len; i += WORD)
		drbg_draw(context, out + i, WORD);
	if (tail != 0)
		drbg_draw(context, out + len - tail, tail);
	return 0;
}

static void
put_hex(struct digest *d, const char *name, const uint8_t *bytes, size_t len)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "%s = ", name);
	for (size_t i = 0; i < len; i++)
		buf_printf(&line, "%02X", bytes[i]);
	buf_printf(&line, "\n");
	CHECK_INT(digest_update(d, buf_span(&line)), 0);
	buf_release(&line);
}

static void
put_text(struct digest *d, const char *text)
{
	CHECK_INT(digest_update(d, span_text(text)), 0);
}

struct exchange {
	uint8_t public_key[SNTRUP761_PUBLIC_SIZE];
	uint8_t secret_key[SNTRUP761_SECRET_SIZE];
	uint8_t ciphertext[SNTRUP761_CIPHERTEXT_SIZE];
	uint8_t shared[SNTRUP761_SHARED_SIZE];
	uint8_t other[SNTRUP761_SHARED_SIZE];
};

static void
make_exchange(struct exchange *x, const struct random_source *random)
{
	CHECK_INT(sntrup761_keygen(x->public_key, x->secret_key, random), 0);
	CHECK_INT(
	    sntrup761_encaps(x->ciphertext, x->shared, x->public_key, random),
	    0);
	CHECK_INT(sntrup761_decaps(x->other, x->ciphertext, x->secret_key), 0);
	CHECK_SPAN(span_of(x->other, sizeof(x->other)),
	    span_of(x->shared, sizeof(x->shared)));
}

TEST(sntrup761_gives_the_submissions_known_answers)
{
	struct digest *digest = digest_new(DIGEST_SHA512);
	struct drbg outer = { 0 }, inner = { 0 };
	struct random_source random = { drbg_fill, &inner };
	uint8_t out[DIGEST_MAX];
	uint8_t seed[SEED];
	struct exchange x;
	char count[32];

	for (int i = 0; i < SEED; i++)
		seed[i] = (uint8_t)i;
	drbg_init(&outer, seed);
	put_text(digest, "# kem/sntrup761\n\n");
	for (int i = 0; i < 100; i++) {
		drbg_draw(&outer, seed, sizeof(seed));
		drbg_init(&inner, seed);
		make_exchange(&x, &random);
		snprintf(count, sizeof(count), "count = %d\n", i);
		put_text(digest, count);
		put_hex(digest, "seed", seed, sizeof(seed));
		put_hex(digest, "pk", x.public_key, sizeof(x.public_key));
		put_hex(digest, "sk", x.secret_key, sizeof(x.secret_key));
		put_hex(digest, "ct", x.ciphertext, sizeof(x.ciphertext));
		put_hex(digest, "ss", x.shared, sizeof(x.shared));
		put_text(digest, "\n");
	}
	CHECK_INT(digest_final(digest, out), 0);
	digest_free(digest);
	EVP_CIPHER_CTX_free(outer.aes);
	EVP_CIPHER_CTX_free(inner.aes);
	CHECK_SPAN(span_of(out, 64),
	    unit_hex("1a687f42261c47fe4421b35c5d9faf035433fcb2101458680c66c8d5"
		     "4caafec5fb767ea7725d6681ab100912ef06c38d88862a5d2d86786a"
		     "f2989b7dad33813a"));
}

/* ---- a thousand cases, and what is not in the submission's file ---- */

static int
shake_fill(void *context, uint8_t *out, size_t len)
{
	shake_squeeze(context, out, len);
	return 0;
}

/*
 * The digest was taken from this code when it gave the known answers above.
 * Each case: a key pair, an encapsulation, and a decapsulation of a changed
 * ciphertext; randomness is SHAKE128 of nothing.
 */
TEST(sntrup761_keeps_its_results_over_a_thousand_cases)
{
	struct digest *digest = digest_new(DIGEST_SHA256);
	struct keccak shake;
	struct random_source random = { shake_fill, &shake };
	uint8_t out[DIGEST_MAX];
	struct exchange x;

	shake_start(&shake, SHAKE128_RATE);
	shake_finish(&shake);
	for (int i = 0; i < 1000; i++) {
		make_exchange(&x, &random);
		x.ciphertext[i] ^= (uint8_t)(1 << i % 8);
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
		CHECK(memcmp(x.other, x.shared, sizeof(x.shared)) != 0);
		CHECK_INT(digest_update(digest, span_of(&x, sizeof(x))), 0);
	}
	CHECK_INT(digest_final(digest, out), 0);
	digest_free(digest);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("4ad3b31a067f9b6e85647e30c208fba4"
				       "0a28c851bdff6873d8043afd3d33f5a7"));
}

TEST(sntrup761_rejects_every_changed_byte_by_another_secret)
{
	uint8_t before[SNTRUP761_SHARED_SIZE] = { 0 };
	struct random_seeded seeded;
	struct random_source random;
	struct exchange x;

	random_seeded_init(&seeded, 1);
	random = random_seeded_source(&seeded);
	make_exchange(&x, &random);
	for (size_t i = 0; i < sizeof(x.ciphertext); i += 3) {
		x.ciphertext[i] ^= 1;
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
		CHECK(memcmp(x.other, x.shared, sizeof(x.shared)) != 0);
		CHECK(memcmp(x.other, before, sizeof(before)) != 0);
		memcpy(before, x.other, sizeof(before));
		/* The same wrong one gives the same secret. */
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
		CHECK_SPAN(span_of(x.other, 32), span_of(before, 32));
		x.ciphertext[i] ^= 1;
	}
}

TEST(sntrup761_takes_any_bytes_for_keys_and_ciphertexts)
{
	static const uint8_t fills[] = { 0x00, 0xff, 0x55, 0x80 };
	struct random_seeded seeded;
	struct random_source random;
	struct exchange x;

	random_seeded_init(&seeded, 2);
	random = random_seeded_source(&seeded);
	make_exchange(&x, &random);
	for (size_t i = 0; i < ARRAY_COUNT(fills); i++) {
		memset(x.ciphertext, fills[i], sizeof(x.ciphertext));
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
		memset(x.public_key, fills[i], sizeof(x.public_key));
		CHECK_INT(sntrup761_encaps(
			      x.ciphertext, x.shared, x.public_key, &random),
		    0);
		memset(x.secret_key, fills[i], sizeof(x.secret_key));
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
	}
	for (int i = 0; i < 100; i++) {
		CHECK_INT(
		    random_fill(&random, x.ciphertext, sizeof(x.ciphertext)),
		    0);
		CHECK_INT(
		    random_fill(&random, x.public_key, sizeof(x.public_key)),
		    0);
		CHECK_INT(
		    sntrup761_decaps(x.other, x.ciphertext, x.secret_key), 0);
		CHECK_INT(sntrup761_encaps(
			      x.ciphertext, x.shared, x.public_key, &random),
		    0);
	}
}

static int
count_draws(void *context, uint8_t *out, size_t len)
{
	int *calls = context;

	memset(out, ++*calls * 37, len);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(out[i] + i * i);
	return 0;
}

static int
fail_to_draw(void *context, uint8_t *out, size_t len)
{
	return ERR_RANDOM;
}

TEST(sntrup761_draws_once_per_operation_and_reports_failure)
{
	int calls = 0;
	struct random_source counting = { count_draws, &calls };
	struct random_source failing = { fail_to_draw, NULL };
	struct exchange x;

	CHECK_INT(sntrup761_keygen(x.public_key, x.secret_key, &counting), 0);
	CHECK_INT(calls, 1);
	CHECK_INT(
	    sntrup761_encaps(x.ciphertext, x.shared, x.public_key, &counting),
	    0);
	CHECK_INT(calls, 2);
	CHECK_INT(
	    sntrup761_keygen(x.public_key, x.secret_key, &failing), ERR_RANDOM);
	CHECK_INT(
	    sntrup761_encaps(x.ciphertext, x.shared, x.public_key, &failing),
	    ERR_RANDOM);
}

/* The first candidate for g is 0, which has no inverse: the key pair is that
 * of the stream behind it. */
struct stream {
	uint8_t bytes[16384];
	size_t at;
};

static int
stream_fill(void *context, uint8_t *out, size_t len)
{
	struct stream *s = context;

	CHECK(s->at + len <= sizeof(s->bytes));
	memcpy(out, s->bytes + s->at, len);
	s->at += len;
	return 0;
}

TEST(sntrup761_goes_on_to_the_next_g_where_one_has_no_inverse)
{
	static struct stream with, without;
	struct random_source a = { stream_fill, &with };
	struct random_source b = { stream_fill, &without };
	struct exchange x, y;

	for (size_t i = 0; i < sizeof(without.bytes); i++)
		without.bytes[i] = (uint8_t)(i * i * 31 + i / 7);
	/* Words of 2^29: a coefficient of 0. */
	for (size_t i = 3; i < 4 * RING_P; i += 4)
		with.bytes[i] = 0x20;
	memcpy(with.bytes + 4 * RING_P, without.bytes,
	    sizeof(with.bytes) - 4 * RING_P);
	CHECK_INT(sntrup761_keygen(x.public_key, x.secret_key, &a), 0);
	CHECK_INT(sntrup761_keygen(y.public_key, y.secret_key, &b), 0);
	CHECK_INT(with.at, without.at + 4 * RING_P);
	CHECK_SPAN(span_of(x.secret_key, sizeof(x.secret_key)),
	    span_of(y.secret_key, sizeof(y.secret_key)));
}

/* ---- the arithmetic beneath ---- */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

TEST(ring_sort_sorts)
{
	static uint32_t x[RING_P], y[RING_P];
	struct random_seeded seeded;
	struct random_source random;

	random_seeded_init(&seeded, 3);
	random = random_seeded_source(&seeded);
	for (int round = 0; round < 100; round++) {
		CHECK_INT(random_fill(&random, x, sizeof(x)), 0);
		for (int i = 0; i < RING_P; i++) {
			if (round % 4 == 1)
				x[i] &= 7;
			if (round % 4 == 2)
				x[i] = i % 2 ? 0xffffffff : (uint32_t)-i;
			if (round % 4 == 3)
				x[i] = (uint32_t)(RING_P - i);
		}
		memcpy(y, x, sizeof(x));
		qsort(y, RING_P, sizeof(y[0]), compare);
		ring_sort(x);
		CHECK(memcmp(x, y, sizeof(x)) == 0);
	}
}

/* The product as school has it. */
static void
multiply(
    const struct ring *f, const struct ring *g, int modulus, struct ring *out)
{
	static long long c[2 * RING_P];

	memset(c, 0, sizeof(c));
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < RING_P; i++)
		for (int j = 0; j < RING_P; j++)
			c[i + j] += f->c[i] * g->c[j];
	for (int i = 2 * RING_P - 2; i >= RING_P; i--) {
		c[i - RING_P] += c[i];
		c[i - RING_P + 1] += c[i];
	}
	for (int i = 0; i < RING_P; i++) {
		long long v = c[i] % modulus;

		if (v > modulus / 2)
			v -= modulus;
		if (v < -(modulus / 2))
			v += modulus;
		out->c[i] = (int16_t)v;
	}
}

static void
fill_ring(struct ring *r, const struct random_source *random, int modulus)
{
	uint16_t words[RING_P];

	CHECK_INT(random_fill(random, words, sizeof(words)), 0);
	memset(r, 0, sizeof(*r));
	for (int i = 0; i < RING_P; i++)
		r->c[i] = (int16_t)(words[i] % modulus - modulus / 2);
}

static void
check_one(const struct ring *r)
{
	for (int i = 0; i < RING_PADDED; i++)
		CHECK_INT(r->c[i], i == 0);
}

TEST(ring_products_and_inverses_are_those_of_school)
{
	struct ring f, g, small, expected, got, three = { { 3 } };
	struct random_seeded seeded;
	struct random_source random;

	random_seeded_init(&seeded, 4);
	random = random_seeded_source(&seeded);
	for (int round = 0; round < 20; round++) {
		fill_ring(&f, &random, RING_Q);
		fill_ring(&g, &random, 3);
		fill_ring(&small, &random, 3);
		if (round == 0) /* the largest sums */
			for (int i = 0; i < RING_P; i++) {
				f.c[i] = RING_HALF;
				g.c[i] = small.c[i] = 1;
			}
		multiply(&f, &g, RING_Q, &expected);
		ring_product(&got, &f, &g);
		CHECK(memcmp(&got, &expected, sizeof(got)) == 0);
		multiply(&small, &g, 3, &expected);
		ring_product3(&got, &small, &g);
		CHECK(memcmp(&got, &expected, sizeof(got)) == 0);
		ring_inverse_thrice(&got, &small);
		multiply(&got, &small, RING_Q, &expected);
		multiply(&expected, &three, RING_Q, &got);
		check_one(&got);
		if (ring_inverse3(&got, &g)) {
			multiply(&got, &g, 3, &expected);
			check_one(&expected);
		}
	}
	memset(&g, 0, sizeof(g));
	CHECK(!ring_inverse3(&got, &g));
}

TEST(ring_codes_give_back_what_went_in)
{
	struct ring a, b;
	struct random_seeded seeded;
	struct random_source random;
	uint8_t bytes[RING_Q_BYTES];

	random_seeded_init(&seeded, 5);
	random = random_seeded_source(&seeded);
	for (int round = 0; round < 50; round++) {
		fill_ring(&a, &random, RING_Q);
		ring_q_encode(bytes, &a);
		ring_q_decode(&b, bytes);
		CHECK(memcmp(&a, &b, sizeof(a)) == 0);
		ring_round(&a);
		ring_rounded_encode(bytes, &a);
		ring_rounded_decode(&b, bytes);
		CHECK(memcmp(&a, &b, sizeof(a)) == 0);
		fill_ring(&a, &random, 3);
		ring_small_encode(bytes, &a);
		ring_small_decode(&b, bytes);
		CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	}
}
