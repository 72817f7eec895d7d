/*
 * sntrup761_test.c - sntrup761 against the submission's known answers.
 */
#include "common/crypto/sntrup761.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/crypto/digest.h"
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
