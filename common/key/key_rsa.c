/*
 * key_rsa.c - RSA keys: PKCS#1 v1.5 signatures.
 * RFC 4253 s6.6, RFC 8332, RFC 8017 s8.2.
 *
 *     public:   mpint e, mpint n
 *     private:  mpint n, mpint e, mpint d, mpint iqmp, mpint p, mpint q
 *     signature: the number s, as long as the modulus
 */
#include "common/key/key_impl.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "common/base/error.h"

static unsigned
rsa_bits(const EVP_PKEY *pkey)
{
	return (unsigned)EVP_PKEY_get_bits(pkey);
}

static int
check_sizes(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return ERR_KEY_SIZE;
	if (!BN_is_odd(n) || !BN_is_odd(e) || BN_num_bits(e) < 2 ||
	    BN_cmp(e, n) >= 0)
		return ERR_KEY_FORMAT;
	return 0;
}

static int
rsa_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	BIGNUM *n = NULL, *e = NULL;
	int r = ERR_KEY_FORMAT;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
		r = check_sizes(n, e);
	BN_free(n);
	BN_free(e);
	return r;
}

static int
rsa_generate(const struct key_type_row *row, unsigned bits, EVP_PKEY **ret)
{
	EVP_PKEY *pkey = EVP_RSA_gen(bits);

	if (pkey == NULL)
		return ERR_CRYPTO;
	*ret = pkey;
	return 0;
}

static int
rsa_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span e_bytes = read_mpint(r);
	struct span n_bytes = read_mpint(r);
	BIGNUM *n = NULL, *e = NULL;
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	n = number_of(n_bytes);
	e = number_of(e_bytes);
	if (n == NULL || e == NULL) {
		error = ERR_MEMORY;
	} else if ((error = check_sizes(n, e)) == 0) {
		const struct named_number numbers[] = {
			{ OSSL_PKEY_PARAM_RSA_N, n },
			{ OSSL_PKEY_PARAM_RSA_E, e },
			{ NULL, NULL },
		};

		*ret = pkey_from_numbers("RSA", EVP_PKEY_PUBLIC_KEY, numbers,
		    NULL, span_of(NULL, 0));
		error = *ret == NULL ? ERR_KEY_FORMAT : 0;
	}
	BN_free(n);
	BN_free(e);
	return error;
}

static void
rsa_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	write_number_of(out, pkey, OSSL_PKEY_PARAM_RSA_E);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_RSA_N);
}

/* The numbers of a private key; those of CRT are worked out here. */
struct rsa_numbers {
	BIGNUM *n, *e, *d, *iqmp, *p, *q, *dmp1, *dmq1;
};

static void
release_numbers(struct rsa_numbers *k)
{
	BN_free(k->n);
	BN_free(k->e);
	BN_clear_free(k->d);
	BN_clear_free(k->iqmp);
	BN_clear_free(k->p);
	BN_clear_free(k->q);
	BN_clear_free(k->dmp1);
	BN_clear_free(k->dmq1);
}

/* d mod (prime-1), checked to be the inverse of e there. */
static int
reduce_exponent(const struct rsa_numbers *k, const BIGNUM *prime,
    BIGNUM *ret_exponent, BN_CTX *ctx)
{
	BIGNUM *less = BN_secure_new();
	BIGNUM *product = BN_secure_new();
	int r = ERR_MEMORY;

	if (less == NULL || product == NULL || BN_copy(less, prime) == NULL)
		goto out;
	BN_set_flags(less, BN_FLG_CONSTTIME);
	r = ERR_KEY_FORMAT;
	if (BN_sub_word(less, 1) != 1 || BN_is_zero(less) ||
	    BN_mod(ret_exponent, k->d, less, ctx) != 1 ||
	    BN_mod_mul(product, ret_exponent, k->e, less, ctx) != 1)
		goto out;
	if (BN_is_one(product))
		r = 0;
out:
	BN_clear_free(less);
	BN_clear_free(product);
	return r;
}

/*
 * Do the halves belong together? p q = n, e d = 1 modulo p-1 and q-1, and
 * q iqmp = 1 modulo p. A wrong coefficient would make signatures that give
 * the factors away. (That p and q are prime is believed.)
 */
static int
complete_numbers(struct rsa_numbers *k)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *t = BN_secure_new();
	int r = ERR_MEMORY;

	k->dmp1 = BN_secure_new();
	k->dmq1 = BN_secure_new();
	if (ctx == NULL || t == NULL || k->dmp1 == NULL || k->dmq1 == NULL)
		goto out;
	r = ERR_KEY_FORMAT;
	if (BN_num_bits(k->p) < 2 || BN_num_bits(k->q) < 2 ||
	    BN_cmp(k->p, k->n) >= 0 || BN_cmp(k->q, k->n) >= 0 ||
	    BN_cmp(k->d, k->n) >= 0 || BN_cmp(k->iqmp, k->p) >= 0)
		goto out;
	if (BN_mul(t, k->p, k->q, ctx) != 1 || BN_cmp(t, k->n) != 0)
		goto out;
	if (BN_mod_mul(t, k->q, k->iqmp, k->p, ctx) != 1 || !BN_is_one(t))
		goto out;
	if ((r = reduce_exponent(k, k->p, k->dmp1, ctx)) != 0)
		goto out;
	r = reduce_exponent(k, k->q, k->dmq1, ctx);
out:
	BN_clear_free(t);
	BN_CTX_free(ctx);
	return r;
}

static int
rsa_read_private(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span n = read_mpint(r), e = read_mpint(r), d = read_mpint(r);
	struct span iqmp = read_mpint(r), p = read_mpint(r), q = read_mpint(r);
	struct rsa_numbers k = { 0 };
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	k.n = number_of(n);
	k.e = number_of(e);
	k.d = number_of_secret(d);
	k.iqmp = number_of_secret(iqmp);
	k.p = number_of_secret(p);
	k.q = number_of_secret(q);
	error = ERR_MEMORY;
	if (k.n == NULL || k.e == NULL || k.d == NULL || k.iqmp == NULL ||
	    k.p == NULL || k.q == NULL)
		goto out;
	if ((error = check_sizes(k.n, k.e)) != 0 ||
	    (error = complete_numbers(&k)) != 0)
		goto out;
	const struct named_number numbers[] = {
		{ OSSL_PKEY_PARAM_RSA_N, k.n },
		{ OSSL_PKEY_PARAM_RSA_E, k.e },
		{ OSSL_PKEY_PARAM_RSA_D, k.d },
		{ OSSL_PKEY_PARAM_RSA_FACTOR1, k.p },
		{ OSSL_PKEY_PARAM_RSA_FACTOR2, k.q },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT1, k.dmp1 },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT2, k.dmq1 },
		{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k.iqmp },
		{ NULL, NULL },
	};
	*ret = pkey_from_numbers(
	    "RSA", EVP_PKEY_KEYPAIR, numbers, NULL, span_of(NULL, 0));
	error = *ret == NULL ? ERR_KEY_FORMAT : 0;
out:
	release_numbers(&k);
	return error;
}

static int
rsa_write_private(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	static const char *const order[] = { OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2 };

	for (size_t i = 0; i < ARRAY_COUNT(order); i++)
		write_number_of(out, pkey, order[i]);
	return buf_error(out);
}

static int
rsa_sign(EVP_PKEY *pkey, const struct signature_algorithm *a, struct span data,
    struct buf *raw)
{
	return pkey_sign_digest(pkey, a->digest, data, raw);
}

static int
rsa_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	uint8_t padded[RSA_BITS_MAX / 8];
	size_t size = (size_t)EVP_PKEY_get_size(pkey);

	/* RFC 4253 s6.6: s is an integer "without lengths or padding", so
	 * some signers leave leading zero bytes out. */
	if (raw.len == 0 || raw.len > size || size > sizeof(padded))
		return ERR_SIGNATURE;
	memset(padded, 0, size - raw.len);
	memcpy(padded + size - raw.len, raw.ptr, raw.len);
	return pkey_verify_digest(pkey, a->digest, data, span_of(padded, size));
}

const struct key_ops key_ops_rsa = {
	.generate = rsa_generate,
	.bits = rsa_bits,
	.check = rsa_check,
	.read_public = rsa_read_public,
	.write_public = rsa_write_public,
	.read_private = rsa_read_private,
	.write_private = rsa_write_private,
	.sign = rsa_sign,
	.verify = rsa_verify,
};
