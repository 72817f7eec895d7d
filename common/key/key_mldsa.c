/*
 * key_mldsa.c - hybrid keys: ML-DSA-44 and Ed25519 together, so that a
 * signature stays good while either of the two does.
 * FIPS 204; surface notes s8 (a composite signature: the prefix, the label and
 * the form of what is signed).
 *
 *     public:    string ML-DSA-44 key (1312) ‖ Ed25519 key (32)
 *     private:   string public, string ML-DSA-44 seed (32) ‖ Ed25519 seed (32)
 *     signature: ML-DSA-44 signature (2420) ‖ Ed25519 signature (64)
 *
 * Both sign M' = prefix ‖ label ‖ byte 0 (no context) ‖ SHA-512(data);
 * ML-DSA-44 with the label as its context.
 *
 * OpenSSL 3.0 knows no ML-DSA: the EVP_PKEY of such a key is its Ed25519 half,
 * and the other half hangs on it as application data, so that it is counted
 * and freed with it. The secret is in locked memory.
 */
#include "common/key/key_impl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/mldsa44.h"
#include "common/crypto/random.h"

#define PREFIX "CompositeAlgorithmSignatures2025"
#define LABEL  "COMPSIG-MLDSA44-Ed25519-SHA512"

enum {
	ED_KEY = 32,
	ED_SIGNATURE = 64,
	PUBLIC_SIZE = MLDSA44_PUBLIC_SIZE + ED_KEY,
	SEEDS_SIZE = MLDSA44_SEED_SIZE + ED_KEY,
	SIGNATURE_SIZE = MLDSA44_SIGNATURE_SIZE + ED_SIGNATURE,
	BODY_SIZE = sizeof(PREFIX) - 1 + sizeof(LABEL) - 1 + 1 + 64
};

struct secret_half {
	uint8_t seed[MLDSA44_SEED_SIZE];
	uint8_t key[MLDSA44_SECRET_SIZE]; /* as it comes of the seed */
};

struct mldsa_half {
	uint8_t public_key[MLDSA44_PUBLIC_SIZE];
	struct secret_half *secret; /* NULL: a public key */
};

/* ---- the half that hangs on the other ---- */

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void
free_half(struct mldsa_half *h)
{
	if (h == NULL)
		return;
	secret_free(h->secret, sizeof(*h->secret));
	free(h);
}

static void
on_free(
    void *parent, void *half, CRYPTO_EX_DATA *data, int index, long l, void *p)
{
	free_half(half);
}

static void
make_slot(void)
{
	slot = CRYPTO_get_ex_new_index(
	    CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, on_free);
}

/* Takes both, also on failure. */
static int
join(EVP_PKEY *pkey, struct mldsa_half *h, EVP_PKEY **ret)
{
	if (pkey == NULL || CRYPTO_THREAD_run_once(&once, make_slot) != 1 ||
	    slot < 0 || EVP_PKEY_set_ex_data(pkey, slot, h) != 1) {
		free_half(h);
		EVP_PKEY_free(pkey);
		return ERR_CRYPTO;
	}
	*ret = pkey;
	return 0;
}

static struct mldsa_half *
half_of(const EVP_PKEY *pkey)
{
	return EVP_PKEY_get_ex_data(pkey, slot);
}

/* ---- keys ---- */

static unsigned
hybrid_bits(const EVP_PKEY *pkey)
{
	return 256;
}

/* OpenSSL has no such keys: none that it read is one. */
static int
hybrid_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	return ERR_KEY_TYPE;
}

/* A private key of its two seeds. */
static int
from_seeds(const uint8_t seeds[static SEEDS_SIZE], EVP_PKEY **ret)
{
	struct mldsa_half *h = calloc(1, sizeof(*h));
	int r;

	if (h == NULL ||
	    (h->secret = secret_alloc(sizeof(*h->secret))) == NULL) {
		free(h);
		return ERR_MEMORY;
	}
	memcpy(h->secret->seed, seeds, MLDSA44_SEED_SIZE);
	r = mldsa44_keygen(h->public_key, h->secret->key, seeds);
	if (r != 0) {
		free_half(h);
		return r;
	}
	return join(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
			seeds + MLDSA44_SEED_SIZE, ED_KEY),
	    h, ret);
}

static int
hybrid_generate(const struct key_type_row *row, unsigned bits, EVP_PKEY **ret)
{
	uint8_t seeds[SEEDS_SIZE];
	int r = random_fill(&random_system, seeds, sizeof(seeds));

	if (r == 0)
		r = from_seeds(seeds, ret);
	secret_wipe(seeds, sizeof(seeds));
	return r;
}

static int
hybrid_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span key = read_string(r);
	struct mldsa_half *h;
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (key.len != PUBLIC_SIZE)
		return ERR_KEY_SIZE;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return ERR_MEMORY;
	memcpy(h->public_key, key.ptr, MLDSA44_PUBLIC_SIZE);
	return join(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
			key.ptr + MLDSA44_PUBLIC_SIZE, ED_KEY),
	    h, ret);
}

static int
get_public(EVP_PKEY *pkey, uint8_t out[static PUBLIC_SIZE])
{
	size_t len = ED_KEY;

	memcpy(out, half_of(pkey)->public_key, MLDSA44_PUBLIC_SIZE);
	return EVP_PKEY_get_raw_public_key(
		   pkey, out + MLDSA44_PUBLIC_SIZE, &len) == 1
		   ? 0
		   : ERR_KEY_FORMAT;
}

static void
hybrid_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	uint8_t key[PUBLIC_SIZE];

	if (get_public(pkey, key) != 0) {
		out->error = out->error != 0 ? out->error : ERR_KEY_FORMAT;
		return;
	}
	write_string(out, span_of(key, sizeof(key)));
}

/* The public half must be that of the seeds. */
static int
hybrid_read_private(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span key = read_string(r);
	struct span seeds = read_string(r);
	uint8_t derived[PUBLIC_SIZE];
	EVP_PKEY *pkey;
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (key.len != PUBLIC_SIZE || seeds.len != SEEDS_SIZE)
		return ERR_KEY_SIZE;
	if ((error = from_seeds(seeds.ptr, &pkey)) != 0)
		return error;
	if (get_public(pkey, derived) != 0 ||
	    memcmp(derived, key.ptr, PUBLIC_SIZE) != 0) {
		EVP_PKEY_free(pkey);
		return ERR_KEY_FORMAT;
	}
	*ret = pkey;
	return 0;
}

static int
hybrid_write_private(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	const struct mldsa_half *h = half_of(pkey);
	uint8_t seeds[SEEDS_SIZE];
	size_t len = ED_KEY;
	int r = ERR_KEY_FORMAT;

	if (h->secret != NULL && EVP_PKEY_get_raw_private_key(pkey,
				     seeds + MLDSA44_SEED_SIZE, &len) == 1) {
		memcpy(seeds, h->secret->seed, MLDSA44_SEED_SIZE);
		hybrid_write_public(row, pkey, out);
		write_string(out, span_of(seeds, sizeof(seeds)));
		r = buf_error(out);
	}
	secret_wipe(seeds, sizeof(seeds));
	return r;
}

/* ---- signatures ---- */

/* What both halves sign. */
static int
compose(struct span data, uint8_t body[static BODY_SIZE])
{
	uint8_t *p = body;

	memcpy(p, PREFIX, sizeof(PREFIX) - 1);
	p += sizeof(PREFIX) - 1;
	memcpy(p, LABEL, sizeof(LABEL) - 1);
	p += sizeof(LABEL) - 1;
	*p++ = 0;
	return digest_of(DIGEST_SHA512, data, p);
}

static int
sign_mldsa(const EVP_PKEY *pkey, struct span body, uint8_t *out)
{
	const struct mldsa_half *h = half_of(pkey);
	uint8_t front[MLDSA44_FRONT_MAX], random[MLDSA44_RANDOM_SIZE];
	size_t n = mldsa44_front(span_text(LABEL), front);
	int r;

	if (h->secret == NULL)
		return ERR_KEY_TYPE;
	if ((r = random_fill(&random_system, random, sizeof(random))) == 0)
		r = mldsa44_sign(
		    out, h->secret->key, span_of(front, n), body, random);
	secret_wipe(random, sizeof(random));
	return r;
}

static int
hybrid_sign(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct buf *raw)
{
	uint8_t body[BODY_SIZE], out[SIGNATURE_SIZE];
	EVP_MD_CTX *ctx;
	size_t len = ED_SIGNATURE;
	int r;

	if ((r = compose(data, body)) != 0 ||
	    (r = sign_mldsa(pkey, span_of(body, BODY_SIZE), out)) != 0)
		return r;
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return ERR_MEMORY;
	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, out + MLDSA44_SIGNATURE_SIZE, &len, body,
		BODY_SIZE) == 1) {
		write_bytes(raw, out, sizeof(out));
		r = buf_error(raw);
	} else {
		r = ERR_CRYPTO;
	}
	EVP_MD_CTX_free(ctx);
	return r;
}

/* Both must be good. */
static int
hybrid_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	uint8_t body[BODY_SIZE], front[MLDSA44_FRONT_MAX];
	size_t n = mldsa44_front(span_text(LABEL), front);
	EVP_MD_CTX *ctx;
	int r;

	if (raw.len != SIGNATURE_SIZE)
		return ERR_SIGNATURE;
	if ((r = compose(data, body)) != 0 ||
	    (r = mldsa44_verify(half_of(pkey)->public_key, span_of(front, n),
		 span_of(body, BODY_SIZE), raw.ptr)) != 0)
		return r;
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return ERR_MEMORY;
	if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestVerify(ctx, raw.ptr + MLDSA44_SIGNATURE_SIZE,
		ED_SIGNATURE, body, BODY_SIZE) != 1)
		r = ERR_SIGNATURE;
	EVP_MD_CTX_free(ctx);
	return r;
}

const struct key_ops key_ops_mldsa44_ed25519 = {
	.generate = hybrid_generate,
	.bits = hybrid_bits,
	.check = hybrid_check,
	.read_public = hybrid_read_public,
	.write_public = hybrid_write_public,
	.read_private = hybrid_read_private,
	.write_private = hybrid_write_private,
	.sign = hybrid_sign,
	.verify = hybrid_verify,
};
