/*
 * key_ecdsa.c - ECDSA keys on the NIST curves.
 * RFC 5656 s3, SEC 1 s2.3.3.
 *
 *     public:   string curve, string point (uncompressed)
 *     private:  string curve, string point, mpint d
 *     signature: mpint r, mpint s
 */
#include "common/key/key_impl.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "common/base/error.h"

#define COORDINATE_MAX 66
#define POINT_MAX      (1 + 2 * COORDINATE_MAX)

static const struct curve_row {
	unsigned bits;
	const char *name; /* RFC 5656 s10.1 */
	const char *evp_name;
} curves[] = {
	{ 256, "nistp256", "prime256v1" },
	{ 384, "nistp384", "secp384r1" },
	{ 521, "nistp521", "secp521r1" },
};

static const struct curve_row *
curve_of(const struct key_type_row *row)
{
	for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
		if (curves[i].bits == row->bits)
			return &curves[i];
	}
	return NULL;
}

static size_t
coordinate_size(const struct key_type_row *row)
{
	return (row->bits + 7) / 8;
}

static unsigned
ecdsa_bits(const EVP_PKEY *pkey)
{
	return (unsigned)EVP_PKEY_get_bits(pkey);
}

static int
ecdsa_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	char group[64];
	size_t len;

	/* A file with explicit parameters has no name and is refused. */
	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1 ||
	    strcmp(group, curve_of(row)->evp_name) != 0)
		return ERR_KEY_TYPE;
	return 0;
}

static int
ecdsa_generate(const struct key_type_row *row, unsigned bits, EVP_PKEY **ret)
{
	EVP_PKEY *pkey = EVP_EC_gen(curve_of(row)->evp_name);

	if (pkey == NULL)
		return ERR_CRYPTO;
	*ret = pkey;
	return 0;
}

/* curve and point, checked in form. */
static int
read_point(
    const struct key_type_row *row, struct reader *r, struct span *ret_point)
{
	struct span curve = read_string(r);
	struct span point = read_string(r);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (!span_is(curve, curve_of(row)->name))
		return ERR_KEY_FORMAT;
	if (point.len != 1 + 2 * coordinate_size(row) || point.ptr[0] != 4)
		return ERR_KEY_FORMAT;
	*ret_point = point;
	return 0;
}

static int
ecdsa_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span point;
	int error;

	if ((error = read_point(row, r, &point)) != 0)
		return error;
	/* OpenSSL refuses a point that is not on the curve; infinity has no
	 * encoding of this length. */
	*ret = pkey_from_numbers(
	    "EC", EVP_PKEY_PUBLIC_KEY, NULL, curve_of(row)->evp_name, point);
	return *ret == NULL ? ERR_KEY_FORMAT : 0;
}

/* From the coordinates, since OpenSSL encodes a point in the form (perhaps
 * compressed) in which it read it. */
static int
encode_point(const struct key_type_row *row, EVP_PKEY *pkey,
    uint8_t point[static POINT_MAX])
{
	int size = (int)coordinate_size(row);
	BIGNUM *x = NULL, *y = NULL;
	int r = ERR_KEY_FORMAT;

	point[0] = 4;
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, point + 1, size) == size &&
	    BN_bn2binpad(y, point + 1 + size, size) == size)
		r = 0;
	BN_free(x);
	BN_free(y);
	return r;
}

static void
ecdsa_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	uint8_t point[POINT_MAX];
	int r;

	if ((r = encode_point(row, pkey, point)) != 0) {
		out->error = out->error != 0 ? out->error : r;
		return;
	}
	write_text(out, curve_of(row)->name);
	write_string(out, span_of(point, 1 + 2 * coordinate_size(row)));
}

/* 0 < d < order, and d times the generator is the point. */
static bool
is_pair(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_private_check(ctx) == 1 &&
		  EVP_PKEY_pairwise_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int
ecdsa_read_private(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct named_number numbers[2] = { { NULL, NULL }, { NULL, NULL } };
	struct span point, d_bytes;
	EVP_PKEY *pkey = NULL;
	BIGNUM *d;
	int error;

	if ((error = read_point(row, r, &point)) != 0)
		return error;
	d_bytes = read_mpint(r);
	if ((error = read_error(r)) != 0)
		return error;
	if ((d = number_of_secret(d_bytes)) == NULL)
		return ERR_MEMORY;
	numbers[0] = (struct named_number){ OSSL_PKEY_PARAM_PRIV_KEY, d };
	pkey = pkey_from_numbers(
	    "EC", EVP_PKEY_KEYPAIR, numbers, curve_of(row)->evp_name, point);
	BN_clear_free(d);
	if (pkey == NULL || !is_pair(pkey)) {
		EVP_PKEY_free(pkey);
		return ERR_KEY_FORMAT;
	}
	*ret = pkey;
	return 0;
}

static int
ecdsa_write_private(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	ecdsa_write_public(row, pkey, out);
	write_number_of(out, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
	return buf_error(out);
}

static int
ecdsa_sign(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct buf *raw)
{
	struct buf der = BUF_INIT;
	ECDSA_SIG *sig = NULL;
	const uint8_t *p;
	int r;

	if ((r = pkey_sign_digest(pkey, a->digest, data, &der)) != 0)
		goto out;
	p = der.data;
	r = ERR_CRYPTO;
	if ((sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len)) == NULL)
		goto out;
	write_number(raw, ECDSA_SIG_get0_r(sig));
	write_number(raw, ECDSA_SIG_get0_s(sig));
	r = buf_error(raw);
out:
	ECDSA_SIG_free(sig);
	buf_release(&der);
	return r;
}

static int
ecdsa_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	struct reader rd = reader_of(raw);
	struct span r_bytes = read_mpint(&rd);
	struct span s_bytes = read_mpint(&rd);
	/* Two integers of at most 67 bytes with their headers. */
	uint8_t der[2 * (COORDINATE_MAX + 1) + 16], *p = der;
	ECDSA_SIG *sig = NULL;
	BIGNUM *r = NULL, *s = NULL;
	int len, error;

	if ((error = read_end(&rd)) != 0)
		return error;
	if (r_bytes.len > COORDINATE_MAX || s_bytes.len > COORDINATE_MAX)
		return ERR_SIGNATURE;
	sig = ECDSA_SIG_new();
	r = number_of(r_bytes);
	s = number_of(s_bytes);
	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return ERR_MEMORY;
	}
	len = i2d_ECDSA_SIG(sig, &p);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return ERR_CRYPTO;
	return pkey_verify_digest(
	    pkey, a->digest, data, span_of(der, (size_t)len));
}

const struct key_ops key_ops_ecdsa = {
	.generate = ecdsa_generate,
	.bits = ecdsa_bits,
	.check = ecdsa_check,
	.read_public = ecdsa_read_public,
	.write_public = ecdsa_write_public,
	.read_private = ecdsa_read_private,
	.write_private = ecdsa_write_private,
	.sign = ecdsa_sign,
	.verify = ecdsa_verify,
};
