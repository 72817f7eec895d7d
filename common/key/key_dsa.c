/*
 * key_dsa.c - DSA keys of 1024 bits, for peers that have nothing else; new
 * ones are not made.
 * RFC 4253 s6.6, FIPS 186-2.
 *
 *     public:   mpint p, mpint q, mpint g, mpint y
 *     private:  the same, mpint x
 *     signature: r ‖ s, 20 bytes each
 */
#include "common/key/key_impl.h"

#include <openssl/core_names.h>
#include <openssl/dsa.h>

#include "common/base/error.h"

#define P_BITS    1024
#define Q_BITS    160
#define HALF_SIZE 20

struct dsa_numbers {
	BIGNUM *p, *q, *g, *y, *x; /* x NULL: public */
};

static void
release_numbers(struct dsa_numbers *k)
{
	BN_free(k->p);
	BN_free(k->q);
	BN_free(k->g);
	BN_free(k->y);
	BN_clear_free(k->x);
}

static unsigned
dsa_bits(const EVP_PKEY *pkey)
{
	return (unsigned)EVP_PKEY_get_bits(pkey);
}

/* FIPS 186-2: p of 1024, q of 160 bits; 1 < g, y < p. */
static int
check_sizes(const struct dsa_numbers *k)
{
	if (BN_num_bits(k->p) != P_BITS || BN_num_bits(k->q) != Q_BITS)
		return ERR_KEY_SIZE;
	if (!BN_is_odd(k->p) || !BN_is_odd(k->q) || BN_num_bits(k->g) < 2 ||
	    BN_cmp(k->g, k->p) >= 0 || BN_num_bits(k->y) < 2 ||
	    BN_cmp(k->y, k->p) >= 0)
		return ERR_KEY_FORMAT;
	if (k->x != NULL && (BN_is_zero(k->x) || BN_cmp(k->x, k->q) >= 0))
		return ERR_KEY_FORMAT;
	return 0;
}

static int
dsa_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	struct dsa_numbers k = { 0 };
	int r = ERR_KEY_FORMAT;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_P, &k.p) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_Q, &k.q) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_G, &k.g) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, &k.y) == 1)
		r = check_sizes(&k);
	release_numbers(&k);
	return r;
}

static int
read_numbers(struct reader *r, bool private, struct dsa_numbers *ret)
{
	struct span p = read_mpint(r), q = read_mpint(r), g = read_mpint(r);
	struct span y = read_mpint(r);
	struct span x = private ? read_mpint(r) : span_of(NULL, 0);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	ret->p = number_of(p);
	ret->q = number_of(q);
	ret->g = number_of(g);
	ret->y = number_of(y);
	ret->x = private ? number_of_secret(x) : NULL;
	if (ret->p == NULL || ret->q == NULL || ret->g == NULL ||
	    ret->y == NULL || (private && ret->x == NULL))
		return ERR_MEMORY;
	return check_sizes(ret);
}

static EVP_PKEY *
make_pkey(const struct dsa_numbers *k)
{
	const struct named_number numbers[] = {
		{ OSSL_PKEY_PARAM_FFC_P, k->p },
		{ OSSL_PKEY_PARAM_FFC_Q, k->q },
		{ OSSL_PKEY_PARAM_FFC_G, k->g },
		{ OSSL_PKEY_PARAM_PUB_KEY, k->y },
		{ k->x == NULL ? NULL : OSSL_PKEY_PARAM_PRIV_KEY, k->x },
		{ NULL, NULL },
	};

	return pkey_from_numbers("DSA",
	    k->x == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, numbers,
	    NULL, span_of(NULL, 0));
}

/* g has order q, and g to the x is y. */
static bool
is_pair(const struct dsa_numbers *k)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *t = BN_new();
	bool ok = ctx != NULL && t != NULL &&
		  BN_mod_exp(t, k->g, k->q, k->p, ctx) == 1 && BN_is_one(t) &&
		  BN_mod_exp(t, k->g, k->x, k->p, ctx) == 1 &&
		  BN_cmp(t, k->y) == 0;

	BN_free(t);
	BN_CTX_free(ctx);
	return ok;
}

static int
read_key(struct reader *r, bool private, EVP_PKEY **ret)
{
	struct dsa_numbers k = { 0 };
	int error;

	if ((error = read_numbers(r, private, &k)) == 0) {
		if (private && !is_pair(&k))
			error = ERR_KEY_FORMAT;
		else if ((*ret = make_pkey(&k)) == NULL)
			error = ERR_KEY_FORMAT;
	}
	release_numbers(&k);
	return error;
}

static int
dsa_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	return read_key(r, false, ret);
}

static int
dsa_read_private(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	return read_key(r, true, ret);
}

static void
dsa_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	write_number_of(out, pkey, OSSL_PKEY_PARAM_FFC_P);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_FFC_Q);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_FFC_G);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_PUB_KEY);
}

static int
dsa_write_private(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	dsa_write_public(row, pkey, out);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
	return buf_error(out);
}

static int
dsa_sign(EVP_PKEY *pkey, const struct signature_algorithm *a, struct span data,
    struct buf *raw)
{
	struct buf der = BUF_INIT;
	uint8_t halves[2 * HALF_SIZE];
	const uint8_t *p;
	DSA_SIG *sig = NULL;
	const BIGNUM *rn, *sn;
	int r;

	if ((r = pkey_sign_digest(pkey, a->digest, data, &der)) != 0)
		goto out;
	p = der.data;
	r = ERR_CRYPTO;
	if ((sig = d2i_DSA_SIG(NULL, &p, (long)der.len)) == NULL)
		goto out;
	DSA_SIG_get0(sig, &rn, &sn);
	if (BN_bn2binpad(rn, halves, HALF_SIZE) != HALF_SIZE ||
	    BN_bn2binpad(sn, halves + HALF_SIZE, HALF_SIZE) != HALF_SIZE)
		goto out;
	write_bytes(raw, halves, sizeof(halves));
	r = buf_error(raw);
out:
	DSA_SIG_free(sig);
	buf_release(&der);
	return r;
}

static int
dsa_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	uint8_t der[2 * (HALF_SIZE + 1) + 16], *p = der;
	DSA_SIG *sig;
	BIGNUM *r, *s;
	int len;

	if (raw.len != 2 * HALF_SIZE)
		return ERR_SIGNATURE;
	sig = DSA_SIG_new();
	r = number_of(span_of(raw.ptr, HALF_SIZE));
	s = number_of(span_of(raw.ptr + HALF_SIZE, HALF_SIZE));
	if (sig == NULL || r == NULL || s == NULL ||
	    DSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		DSA_SIG_free(sig);
		return ERR_MEMORY;
	}
	len = i2d_DSA_SIG(sig, &p);
	DSA_SIG_free(sig);
	if (len <= 0)
		return ERR_CRYPTO;
	return pkey_verify_digest(
	    pkey, a->digest, data, span_of(der, (size_t)len));
}

const struct key_ops key_ops_dsa = {
	.generate = NULL,
	.bits = dsa_bits,
	.check = dsa_check,
	.read_public = dsa_read_public,
	.write_public = dsa_write_public,
	.read_private = dsa_read_private,
	.write_private = dsa_write_private,
	.sign = dsa_sign,
	.verify = dsa_verify,
};
