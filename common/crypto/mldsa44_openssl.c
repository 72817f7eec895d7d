/*
 * mldsa44_openssl.c - ML-DSA-44 by OpenSSL 3.5 and newer. FIPS 204.
 *
 * With older ones mldsa44.c does it.
 */
#include "common/crypto/mldsa44.h"

#include <stdbool.h>
#include <stddef.h>

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER >= 0x30500000L

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/base/error.h"

#define NAME "ML-DSA-44"

/* What OpenSSL noted about a failure must not turn up with a later one. */
static int
failed(int code)
{
	ERR_clear_error();
	return code;
}

static OSSL_PARAM
bytes_param(const char *name, const uint8_t *bytes, size_t len)
{
	return OSSL_PARAM_construct_octet_string(
	    name, (void *)(uintptr_t)bytes, len);
}

static bool
get_bytes(EVP_PKEY *key, const char *name, uint8_t *out, size_t size)
{
	size_t len;

	return EVP_PKEY_get_octet_string_param(key, name, out, size, &len) ==
		   1 &&
	       len == size;
}

int
mldsa44_keygen(uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    uint8_t secret_key[static MLDSA44_SECRET_SIZE],
    const uint8_t seed[static MLDSA44_SEED_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, NAME, NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = { bytes_param(OSSL_PKEY_PARAM_ML_DSA_SEED, seed,
				    MLDSA44_SEED_SIZE),
		OSSL_PARAM_construct_end() };
	int r = 0;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1 ||
	    !get_bytes(key, OSSL_PKEY_PARAM_PUB_KEY, public_key,
		MLDSA44_PUBLIC_SIZE) ||
	    !get_bytes(
		key, OSSL_PKEY_PARAM_PRIV_KEY, secret_key, MLDSA44_SECRET_SIZE))
		r = failed(ERR_CRYPTO);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* The message is taken as it is: what stands in front of it is ours. */
static bool
init(EVP_PKEY_CTX *ctx, EVP_SIGNATURE *algorithm, const uint8_t *random)
{
	int encoding = 0;
	OSSL_PARAM params[3];

	params[0] = OSSL_PARAM_construct_int(
	    OSSL_SIGNATURE_PARAM_MESSAGE_ENCODING, &encoding);
	params[1] = random == NULL
			? OSSL_PARAM_construct_end()
			: bytes_param(OSSL_SIGNATURE_PARAM_TEST_ENTROPY, random,
			      MLDSA44_RANDOM_SIZE);
	params[2] = OSSL_PARAM_construct_end();
	return random != NULL
		   ? EVP_PKEY_sign_message_init(ctx, algorithm, params) == 1
		   : EVP_PKEY_verify_message_init(ctx, algorithm, params) == 1;
}

/* front ‖ message. */
static int
join(struct span front, struct span message, struct buf *out)
{
	write_span(out, front);
	write_span(out, message);
	return buf_error(out);
}

int
mldsa44_sign(uint8_t signature[static MLDSA44_SIGNATURE_SIZE],
    const uint8_t secret_key[static MLDSA44_SECRET_SIZE], struct span front,
    struct span message, const uint8_t random[static MLDSA44_RANDOM_SIZE])
{
	EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(NULL, NAME, NULL);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(
	    NULL, NAME, NULL, secret_key, MLDSA44_SECRET_SIZE);
	EVP_PKEY_CTX *ctx =
	    key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t len = MLDSA44_SIGNATURE_SIZE;
	struct buf whole = BUF_SECRET_INIT;
	int r = join(front, message, &whole);

	if (r == 0 && (ctx == NULL || algorithm == NULL ||
			  !init(ctx, algorithm, random) ||
			  EVP_PKEY_sign(ctx, signature, &len, whole.data,
			      whole.len) != 1))
		r = failed(ERR_CRYPTO);
	buf_release(&whole);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_SIGNATURE_free(algorithm);
	return r;
}

int
mldsa44_verify(const uint8_t public_key[static MLDSA44_PUBLIC_SIZE],
    struct span front, struct span message,
    const uint8_t signature[static MLDSA44_SIGNATURE_SIZE])
{
	EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(NULL, NAME, NULL);
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(
	    NULL, NAME, NULL, public_key, MLDSA44_PUBLIC_SIZE);
	EVP_PKEY_CTX *ctx =
	    key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	struct buf whole = BUF_INIT;
	int r = join(front, message, &whole);

	if (r == 0 &&
	    (ctx == NULL || algorithm == NULL || !init(ctx, algorithm, NULL) ||
		EVP_PKEY_verify(ctx, signature, MLDSA44_SIGNATURE_SIZE,
		    whole.data, whole.len) != 1))
		r = failed(ERR_SIGNATURE);
	buf_release(&whole);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_SIGNATURE_free(algorithm);
	return r;
}

#endif
