/*
 * mlkem768_openssl.c - ML-KEM-768 by OpenSSL 3.5 and newer. FIPS 203.
 *
 * With older ones mlkem768.c does it. OpenSSL checks keys as s7.2 and s7.3
 * demand when it takes them in, and rejects ciphertexts implicitly.
 */
#include "common/crypto/mlkem768.h"

#include <stdbool.h>
#include <stddef.h>

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER >= 0x30500000L

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/base/error.h"

#define NAME "ML-KEM-768"

/* What OpenSSL noted about a failure must not turn up with a later one. */
static int
failed(int code)
{
	ERR_clear_error();
	return code;
}

/* One parameter of bytes, and the end of the list. */
static void
set_bytes(OSSL_PARAM params[static 2], const char *name, const uint8_t *bytes,
    size_t len)
{
	params[0] = OSSL_PARAM_construct_octet_string(
	    name, (void *)(uintptr_t)bytes, len);
	params[1] = OSSL_PARAM_construct_end();
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
mlkem768_keygen(uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    uint8_t secret_key[static MLKEM768_SECRET_SIZE],
    const uint8_t seed[static MLKEM768_KEYGEN_SEED_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, NAME, NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[2];
	int r = 0;

	set_bytes(params, OSSL_PKEY_PARAM_ML_KEM_SEED, seed,
	    MLKEM768_KEYGEN_SEED_SIZE);
	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1 ||
	    !get_bytes(key, OSSL_PKEY_PARAM_PUB_KEY, public_key,
		MLKEM768_PUBLIC_SIZE) ||
	    !get_bytes(key, OSSL_PKEY_PARAM_PRIV_KEY, secret_key,
		MLKEM768_SECRET_SIZE))
		r = failed(ERR_CRYPTO);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

int
mlkem768_encaps(uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t public_key[static MLKEM768_PUBLIC_SIZE],
    const uint8_t seed[static MLKEM768_ENCAPS_SEED_SIZE])
{
	size_t ciphertext_len = MLKEM768_CIPHERTEXT_SIZE;
	size_t shared_len = MLKEM768_SHARED_SIZE;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	OSSL_PARAM params[2];
	int r = 0;

	key = EVP_PKEY_new_raw_public_key_ex(
	    NULL, NAME, NULL, public_key, MLKEM768_PUBLIC_SIZE);
	if (key == NULL)
		return failed(ERR_KEX);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	set_bytes(params, OSSL_KEM_PARAM_IKME, seed, MLKEM768_ENCAPS_SEED_SIZE);
	if (ctx == NULL || EVP_PKEY_encapsulate_init(ctx, params) != 1 ||
	    EVP_PKEY_encapsulate(
		ctx, ciphertext, &ciphertext_len, shared, &shared_len) != 1)
		r = failed(ERR_CRYPTO);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r;
}

int
mlkem768_decaps(uint8_t shared[static MLKEM768_SHARED_SIZE],
    const uint8_t ciphertext[static MLKEM768_CIPHERTEXT_SIZE],
    const uint8_t secret_key[static MLKEM768_SECRET_SIZE])
{
	size_t shared_len = MLKEM768_SHARED_SIZE;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	int r = 0;

	key = EVP_PKEY_new_raw_private_key_ex(
	    NULL, NAME, NULL, secret_key, MLKEM768_SECRET_SIZE);
	if (key == NULL)
		return failed(ERR_KEX);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx == NULL || EVP_PKEY_decapsulate_init(ctx, NULL) != 1 ||
	    EVP_PKEY_decapsulate(ctx, shared, &shared_len, ciphertext,
		MLKEM768_CIPHERTEXT_SIZE) != 1)
		r = failed(ERR_CRYPTO);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r;
}

#endif
