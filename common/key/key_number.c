/*
 * key_number.c - big numbers between SSH's mpints and OpenSSL's keys.
 * RFC 4251 s5.
 */
#include "common/key/key_impl.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "common/base/error.h"
#include "common/base/secret.h"

#define NUMBER_BYTES_MAX (RSA_BITS_MAX / 8)

BIGNUM *
number_of(struct span magnitude)
{
	return BN_bin2bn(magnitude.ptr, (int)magnitude.len, NULL);
}

BIGNUM *
number_of_secret(struct span magnitude)
{
	BIGNUM *n = BN_secure_new();

	if (n == NULL)
		return NULL;
	if (BN_bin2bn(magnitude.ptr, (int)magnitude.len, n) == NULL) {
		BN_clear_free(n);
		return NULL;
	}
	BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

void
write_number(struct buf *b, const BIGNUM *n)
{
	uint8_t bytes[NUMBER_BYTES_MAX];
	int len;

	if (n == NULL || BN_num_bytes(n) > NUMBER_BYTES_MAX) {
		b->error = b->error != 0 ? b->error : ERR_KEY_FORMAT;
		return;
	}
	len = BN_bn2bin(n, bytes);
	write_mpint(b, span_of(bytes, (size_t)len));
	secret_wipe(bytes, (size_t)len);
}

void
write_number_of(struct buf *b, EVP_PKEY *pkey, const char *name)
{
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1)
		n = NULL;
	write_number(b, n);
	BN_clear_free(n);
}

EVP_PKEY *
pkey_from_numbers(const char *type, int selection,
    const struct named_number *numbers, const char *group, struct span point)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;
	int ok = build != NULL && ctx != NULL;

	for (; ok && numbers != NULL && numbers->name != NULL; numbers++)
		ok = numbers->value != NULL &&
		     OSSL_PARAM_BLD_push_BN(
			 build, numbers->name, numbers->value) == 1;
	if (ok && group != NULL)
		ok = OSSL_PARAM_BLD_push_utf8_string(
			 build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
		     OSSL_PARAM_BLD_push_octet_string(build,
			 OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len) == 1;
	if (ok && (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}
