/*
 * agreement.c - X25519, ECDH and Diffie-Hellman over OpenSSL.
 * RFC 7748, RFC 8731, RFC 5656 s4, RFC 4253 s8, RFC 3526, RFC 2409.
 *
 * Curves go through EVP; their parameters are made once a process and copied
 * into each key. Finite-field groups use the big numbers underneath: EVP
 * would look for a named group and check the peer's value by a second
 * exponentiation, which safe primes do not need.
 */
#include "common/crypto/agreement.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "common/base/error.h"
#include "common/base/secret.h"

enum {
	EC_FIELD_MAX = 66, /* bytes of a coordinate on P-521 */
	EC_POINT_MAX = 1 + 2 * EC_FIELD_MAX,
	EC_UNCOMPRESSED = 0x04, /* SEC 1 s2.3.3 */
	DH_PRIME_BITS_MIN = 1024,
	DH_PRIME_BITS_MAX = 16384, /* read_mpint's limit */
	/* Private exponents: twice the strength, and never less than what a
	 * 256-bit cipher would want. */
	DH_EXPONENT_BITS_MIN = 512,
	DH_PEER_BITS_SET_MIN = 4
};

/* What OpenSSL noted about a failure must not turn up with a later one. */
static int
failed(int code)
{
	ERR_clear_error();
	return code;
}

/* secret[*len] = the value agreed upon by own and peer. */
static int
derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *secret, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	int r = 0;

	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1)
		r = failed(ERR_CRYPTO);
	/* 0: the point was checked to be on the curve when it was decoded,
	 * and the cofactor of the NIST curves is 1. */
	else if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1 ||
		 EVP_PKEY_derive(ctx, secret, len) != 1)
		r = failed(ERR_KEX);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* ---- X25519 ---- */

struct x25519 {
	EVP_PKEY *key;
};

int
x25519_new(const uint8_t private_value[static X25519_SIZE], struct x25519 **ret,
    uint8_t ret_public[static X25519_SIZE])
{
	uint8_t public_value[X25519_SIZE];
	size_t len = sizeof(public_value);
	struct x25519 *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return ERR_MEMORY;
	x->key = EVP_PKEY_new_raw_private_key_ex(
	    NULL, "X25519", NULL, private_value, X25519_SIZE);
	if (x->key == NULL ||
	    EVP_PKEY_get_raw_public_key(x->key, public_value, &len) != 1 ||
	    len != X25519_SIZE) {
		x25519_free(x);
		return failed(ERR_CRYPTO);
	}
	memcpy(ret_public, public_value, X25519_SIZE);
	*ret = x;
	return 0;
}

int
x25519_agree(struct x25519 *x, const uint8_t peer[static X25519_SIZE],
    uint8_t ret_secret[static X25519_SIZE])
{
	static const uint8_t zero[X25519_SIZE];
	uint8_t secret[X25519_SIZE];
	size_t len = sizeof(secret);
	EVP_PKEY *peer_key;
	int r;

	peer_key = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "X25519", NULL, peer, X25519_SIZE);
	if (peer_key == NULL)
		return failed(ERR_CRYPTO);
	r = derive(x->key, peer_key, secret, &len);
	EVP_PKEY_free(peer_key);
	if (r == 0 && len != X25519_SIZE)
		r = ERR_CRYPTO;
	/* RFC 8731 s3: MUST abort on the all-zero value. OpenSSL does so too,
	 * but nothing promises it. */
	if (r == 0 && secret_equal(secret, zero, X25519_SIZE))
		r = ERR_KEX;
	if (r == 0)
		memcpy(ret_secret, secret, X25519_SIZE);
	secret_wipe(secret, sizeof(secret));
	return r;
}

void
x25519_free(struct x25519 *x)
{
	if (x == NULL)
		return;
	EVP_PKEY_free(x->key);
	free(x);
}

/* ---- ECDH on the NIST curves ---- */

struct ecdh {
	EVP_PKEY *key;
	enum curve curve;
};

/* clang-format off */
static const struct {
	const char *name;
	size_t field;           /* bytes of a coordinate */
} curves[] = {
	[CURVE_NISTP256] = { "P-256", 32 },
	[CURVE_NISTP384] = { "P-384", 48 },
	[CURVE_NISTP521] = { "P-521", 66 },
};
/* clang-format on */

/* Keys without a value, just the curve's parameters: what takes longest in
 * making a key is building its group. NULL where that failed. */
static EVP_PKEY *curve_parameters[ARRAY_COUNT(curves)];

static void
curve_prepare(enum curve c)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM params[2];

	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, (char *)curves[c].name, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
	    EVP_PKEY_paramgen(ctx, &curve_parameters[c]) != 1)
		ERR_clear_error();
	EVP_PKEY_CTX_free(ctx);
}

static void
curve_prepare_nistp256(void)
{
	curve_prepare(CURVE_NISTP256);
}

static void
curve_prepare_nistp384(void)
{
	curve_prepare(CURVE_NISTP384);
}

static void
curve_prepare_nistp521(void)
{
	curve_prepare(CURVE_NISTP521);
}

/* One curve at a time: most processes use one, and most none. */
static EVP_PKEY *
curve_get(enum curve c)
{
	static pthread_once_t once[ARRAY_COUNT(curves)] = { PTHREAD_ONCE_INIT,
		PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT };
	static void (*const prepare[])(void) = { curve_prepare_nistp256,
		curve_prepare_nistp384, curve_prepare_nistp521 };

	if (pthread_once(&once[c], prepare[c]) != 0)
		return NULL;
	return curve_parameters[c];
}

int
ecdh_new(enum curve c, struct ecdh **ret, struct buf *ret_public)
{
	EVP_PKEY *parameters = curve_get(c);
	EVP_PKEY_CTX *ctx = NULL;
	struct ecdh *x = NULL;
	uint8_t point[EC_POINT_MAX];
	size_t len;
	int r = ERR_CRYPTO;

	if (parameters == NULL)
		return ERR_CRYPTO;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		return ERR_MEMORY;
	x->curve = c;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_keygen(ctx, &x->key) != 1)
		goto out;
	if (EVP_PKEY_get_octet_string_param(x->key, OSSL_PKEY_PARAM_PUB_KEY,
		point, sizeof(point), &len) != 1)
		goto out;
	if (len != 1 + 2 * curves[c].field || point[0] != EC_UNCOMPRESSED)
		goto out;
	write_bytes(ret_public, point, len);
	if ((r = buf_error(ret_public)) != 0)
		goto out;
	*ret = x;
	x = NULL;
out:
	EVP_PKEY_CTX_free(ctx);
	ecdh_free(x);
	return r == 0 ? 0 : failed(r);
}

static EVP_PKEY *
key_from_private(enum curve c, const BIGNUM *number)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(
		build, OSSL_PKEY_PARAM_GROUP_NAME, curves[c].name, 0) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) ==
		1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int
ecdh_from_private(enum curve c, struct span private_value, struct ecdh **ret)
{
	struct ecdh *x = calloc(1, sizeof(*x));
	BIGNUM *number;

	if (x == NULL)
		return ERR_MEMORY;
	x->curve = c;
	number = BN_bin2bn(private_value.ptr, (int)private_value.len, NULL);
	if (number != NULL)
		x->key = key_from_private(c, number);
	BN_clear_free(number);
	if (x->key == NULL) {
		ecdh_free(x);
		return failed(ERR_CRYPTO);
	}
	*ret = x;
	return 0;
}

/* ERR_KEX unless the bytes are a point of the curve. */
static int
peer_point(enum curve c, struct span point, EVP_PKEY **ret)
{
	EVP_PKEY *key;

	/* RFC 5656 s4: compressed points MAY be taken; nobody sends them, and
	 * one form is less to check. The point at infinity is one byte. */
	if (point.len != 1 + 2 * curves[c].field ||
	    point.ptr[0] != EC_UNCOMPRESSED)
		return ERR_KEX;
	if ((key = EVP_PKEY_new()) == NULL)
		return failed(ERR_MEMORY);
	if (EVP_PKEY_copy_parameters(key, curve_get(c)) != 1) {
		EVP_PKEY_free(key);
		return failed(ERR_CRYPTO);
	}
	/* RFC 5656 s4: MUST validate; decoding checks the curve's equation. */
	if (EVP_PKEY_set1_encoded_public_key(key, point.ptr, point.len) != 1) {
		EVP_PKEY_free(key);
		return failed(ERR_KEX);
	}
	*ret = key;
	return 0;
}

int
ecdh_agree(struct ecdh *x, struct span peer, struct buf *ret_secret)
{
	uint8_t secret[EC_FIELD_MAX];
	size_t len = sizeof(secret);
	EVP_PKEY *peer_key;
	int r;

	if ((r = peer_point(x->curve, peer, &peer_key)) != 0)
		return r;
	r = derive(x->key, peer_key, secret, &len);
	EVP_PKEY_free(peer_key);
	if (r == 0) {
		write_bytes(ret_secret, secret, len);
		r = buf_error(ret_secret);
	}
	secret_wipe(secret, sizeof(secret));
	return r;
}

void
ecdh_free(struct ecdh *x)
{
	if (x == NULL)
		return;
	EVP_PKEY_free(x->key);
	free(x);
}

/* ---- finite fields ---- */

struct dh {
	BIGNUM *prime;
	BIGNUM *exponent; /* secret */
	BIGNUM *public_value;
	BN_MONT_CTX *mont;
	BN_CTX *ctx; /* secure: holds intermediate values */
};

#define FIXED_GROUP(bits_)                                                     \
	static uint8_t prime_##bits_[(bits_) / 8];                             \
	static const struct dh_group group_##bits_ = {                         \
		{ prime_##bits_, sizeof(prime_##bits_) }, { two, 1 }, (bits_)  \
	}

static const uint8_t two[1] = { 2 };

FIXED_GROUP(1024);
FIXED_GROUP(2048);
FIXED_GROUP(3072);
FIXED_GROUP(4096);
FIXED_GROUP(6144);
FIXED_GROUP(8192);

/* clang-format off */
static const struct {
	unsigned number;                 /* as in the names of the methods */
	BIGNUM *(*prime)(BIGNUM *);
	uint8_t *bytes;
	const struct dh_group *group;
} fixed_groups[] = {
	/* RFC 4253 s8.1: "group1" is Oakley's second group. */
	{  1, BN_get_rfc2409_prime_1024, prime_1024, &group_1024 },
	{ 14, BN_get_rfc3526_prime_2048, prime_2048, &group_2048 },
	{ 15, BN_get_rfc3526_prime_3072, prime_3072, &group_3072 },
	{ 16, BN_get_rfc3526_prime_4096, prime_4096, &group_4096 },
	{ 17, BN_get_rfc3526_prime_6144, prime_6144, &group_6144 },
	{ 18, BN_get_rfc3526_prime_8192, prime_8192, &group_8192 },
};
/* clang-format on */

static bool fixed_groups_ready;

/* The primes come out of OpenSSL, which has them as constants. */
static void
fixed_groups_prepare(void)
{
	bool ok = true;

	for (size_t i = 0; i < ARRAY_COUNT(fixed_groups); i++) {
		int len = (int)fixed_groups[i].group->prime.len;
		BIGNUM *prime = fixed_groups[i].prime(NULL);

		ok = ok && prime != NULL &&
		     BN_bn2binpad(prime, fixed_groups[i].bytes, len) == len;
		BN_free(prime);
	}
	fixed_groups_ready = ok;
}

const struct dh_group *
dh_group_by_number(unsigned number)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, fixed_groups_prepare) != 0 ||
	    !fixed_groups_ready)
		return NULL;
	for (size_t i = 0; i < ARRAY_COUNT(fixed_groups); i++)
		if (fixed_groups[i].number == number)
			return fixed_groups[i].group;
	return NULL;
}

/* Is 1 < v < prime - 1? */
static bool
in_range(const struct dh *x, const BIGNUM *v)
{
	BIGNUM *top = BN_dup(x->prime);
	bool ok;

	ok = top != NULL && BN_sub_word(top, 1) == 1 && !BN_is_zero(v) &&
	     !BN_is_one(v) && !BN_is_negative(v) && BN_cmp(v, top) < 0;
	BN_free(top);
	return ok;
}

/* The group's numbers, checked: they may be a server's (RFC 4419 s3). */
static int
group_read(struct dh *x, const struct dh_group *group, BIGNUM *generator)
{
	int bits;

	if (group->prime.len > DH_PRIME_BITS_MAX / 8 ||
	    group->generator.len > group->prime.len)
		return ERR_KEX;
	if (BN_bin2bn(group->prime.ptr, (int)group->prime.len, x->prime) ==
		NULL ||
	    BN_bin2bn(group->generator.ptr, (int)group->generator.len,
		generator) == NULL)
		return ERR_MEMORY;
	bits = BN_num_bits(x->prime);
	if (bits < DH_PRIME_BITS_MIN || !BN_is_odd(x->prime) ||
	    !in_range(x, generator))
		return ERR_KEX;
	if (BN_MONT_CTX_set(x->mont, x->prime, x->ctx) != 1)
		return ERR_CRYPTO;
	return 0;
}

/* A private exponent 1 < x < (p-1)/2 of the length that the strength asks
 * for (RFC 4419 s6.2). */
static int
exponent_choose(struct dh *x, unsigned need_bits)
{
	int bits = DH_EXPONENT_BITS_MIN;

	if (need_bits > DH_EXPONENT_BITS_MIN / 2)
		bits = need_bits > DH_PRIME_BITS_MAX / 2 ? DH_PRIME_BITS_MAX
							 : (int)need_bits * 2;
	if (bits > BN_num_bits(x->prime) - 2)
		bits = BN_num_bits(x->prime) - 2;
	/* The top bit is set, so that the length tells nothing. */
	if (BN_priv_rand(
		x->exponent, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1)
		return ERR_RANDOM;
	BN_set_flags(x->exponent, BN_FLG_CONSTTIME);
	return 0;
}

static int
write_number(struct buf *out, const BIGNUM *v, size_t len)
{
	uint8_t *to = buf_reserve(out, len);

	if (to == NULL)
		return buf_error(out);
	if (BN_bn2binpad(v, to, (int)len) != (int)len)
		return ERR_CRYPTO;
	buf_extend(out, len);
	return 0;
}

int
dh_new(const struct dh_group *group, unsigned need_bits, struct dh **ret,
    struct buf *ret_public)
{
	BIGNUM *generator = BN_new();
	struct dh *x = calloc(1, sizeof(*x));
	int r = ERR_MEMORY;

	if (x == NULL || generator == NULL)
		goto out;
	x->prime = BN_new();
	x->exponent = BN_secure_new();
	x->public_value = BN_new();
	x->mont = BN_MONT_CTX_new();
	x->ctx = BN_CTX_secure_new();
	if (x->prime == NULL || x->exponent == NULL ||
	    x->public_value == NULL || x->mont == NULL || x->ctx == NULL)
		goto out;
	if ((r = group_read(x, group, generator)) != 0 ||
	    (r = exponent_choose(x, need_bits)) != 0)
		goto out;
	r = ERR_CRYPTO;
	if (BN_mod_exp_mont_consttime(x->public_value, generator, x->exponent,
		x->prime, x->ctx, x->mont) != 1)
		goto out;
	r = ERR_KEX; /* only by a generator of a tiny subgroup */
	if (!in_range(x, x->public_value))
		goto out;
	if ((r = write_number(ret_public, x->public_value,
		 (size_t)BN_num_bytes(x->public_value))) != 0)
		goto out;
	*ret = x;
	x = NULL;
out:
	BN_free(generator);
	dh_free(x);
	return r == 0 ? 0 : failed(r);
}

static unsigned
bits_set(struct span number)
{
	unsigned n = 0;

	for (size_t i = 0; i < number.len; i++)
		n += (unsigned)__builtin_popcount(number.ptr[i]);
	return n;
}

int
dh_agree(struct dh *x, struct span peer, struct buf *ret_secret)
{
	BIGNUM *value = NULL;
	BIGNUM *secret = NULL;
	int r = ERR_KEX;

	if (peer.len > (size_t)BN_num_bytes(x->prime) ||
	    bits_set(peer) < DH_PEER_BITS_SET_MIN)
		return ERR_KEX;
	value = BN_bin2bn(peer.ptr, (int)peer.len, NULL);
	secret = BN_secure_new();
	if (value == NULL || secret == NULL) {
		r = ERR_MEMORY;
		goto out;
	}
	/* RFC 4253 s8: values outside [1, p-1] MUST NOT be accepted; 1 and
	 * p-1 themselves give away the secret. */
	if (!in_range(x, value))
		goto out;
	r = ERR_CRYPTO;
	if (BN_mod_exp_mont_consttime(
		secret, value, x->exponent, x->prime, x->ctx, x->mont) != 1)
		goto out;
	r = write_number(ret_secret, secret, (size_t)BN_num_bytes(x->prime));
out:
	BN_free(value);
	BN_clear_free(secret);
	return r == 0 ? 0 : failed(r);
}

unsigned
dh_public_bits_set(const struct dh *x)
{
	uint8_t bytes[DH_PRIME_BITS_MAX / 8];
	int len = BN_num_bytes(x->public_value);

	if (BN_bn2binpad(x->public_value, bytes, len) != len)
		return 0;
	return bits_set(span_of(bytes, (size_t)len));
}

void
dh_free(struct dh *x)
{
	if (x == NULL)
		return;
	BN_free(x->prime);
	BN_clear_free(x->exponent);
	BN_free(x->public_value);
	BN_MONT_CTX_free(x->mont);
	BN_CTX_free(x->ctx);
	free(x);
}
