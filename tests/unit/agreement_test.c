/*
 * agreement_test.c - X25519, ECDH and Diffie-Hellman.
 * RFC 7748 s6.1, RFC 5903 s8.1, RFC 4253 s8, Wycheproof.
 */
#include "common/crypto/agreement.h"

#include <string.h>

#include <openssl/bn.h>

#include "common/base/error.h"
#include "tests/unit/json.h"
#include "tests/unit/unit.h"

/* ---- X25519 ---- */

static int
x25519_of(struct span private_value, struct span peer, uint8_t secret[32])
{
	uint8_t public_value[X25519_SIZE];
	struct x25519 *x;
	int r;

	CHECK_INT(private_value.len, X25519_SIZE);
	CHECK_INT(peer.len, X25519_SIZE);
	CHECK_INT(x25519_new(private_value.ptr, &x, public_value), 0);
	r = x25519_agree(x, peer.ptr, secret);
	x25519_free(x);
	return r;
}

TEST(x25519_agrees_as_in_rfc_7748)
{
	struct span alice = unit_hex("77076d0a7318a57d3c16c17251b26645"
				     "df4c2f87ebc0992ab177fba51db92c2a");
	struct span bob = unit_hex("5dab087e624a8a4b79e17f8b83800ee6"
				   "6f3bb1292618b6fd1c2f8b27ff88e0eb");
	struct span shared = unit_hex("4a5d9d5ba4ce2de1728e3bf480350f25"
				      "e07e21c947d19e3376f09b3c1e161742");
	uint8_t a[X25519_SIZE], b[X25519_SIZE], secret[X25519_SIZE];
	struct x25519 *x, *y;

	CHECK_INT(x25519_new(alice.ptr, &x, a), 0);
	CHECK_SPAN(
	    span_of(a, 32), unit_hex("8520f0098930a754748b7ddcb43ef75a"
				     "0dbf3a0d26381af4eba4a98eaa9b4e6a"));
	CHECK_INT(x25519_new(bob.ptr, &y, b), 0);
	CHECK_SPAN(
	    span_of(b, 32), unit_hex("de9edb7d7b7dc1b4d35b61c2ece43537"
				     "3f8343c85b78674dadfc7e146f882b4f"));
	CHECK_INT(x25519_agree(x, b, secret), 0);
	CHECK_SPAN(span_of(secret, 32), shared);
	CHECK_INT(x25519_agree(y, a, secret), 0);
	CHECK_SPAN(span_of(secret, 32), shared);
	x25519_free(x);
	x25519_free(y);
}

TEST(x25519_refuses_points_of_low_order)
{
	/* clang-format off */
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	/* clang-format on */
	struct span own = unit_hex("77076d0a7318a57d3c16c17251b26645"
				   "df4c2f87ebc0992ab177fba51db92c2a");
	uint8_t secret[X25519_SIZE];

	for (size_t i = 0; i < ARRAY_COUNT(points); i++)
		CHECK_INT(x25519_of(own, unit_hex(points[i]), secret), ERR_KEX);
}

TEST(x25519_meets_wycheproof)
{
	const struct json *file =
	    json_official("wycheproof/x25519_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int zero = 0;
	int good = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t)) {
			static const uint8_t zeros[X25519_SIZE];
			struct span shared = json_hex(t, "shared");
			uint8_t secret[X25519_SIZE];
			int r = x25519_of(json_hex(t, "private"),
			    json_hex(t, "public"), secret);

			if (span_equal(shared, span_of(zeros, 32))) {
				CHECK_INT(r, ERR_KEX);
				zero++;
				continue;
			}
			CHECK_INT(r, 0);
			CHECK_SPAN(span_of(secret, 32), shared);
			good++;
		}
	}
	CHECK(zero >= 12);
	CHECK_INT(zero + good, 518);
}

/* ---- ECDH ---- */

TEST(ecdh_agrees_as_in_rfc_5903)
{
	struct span own = unit_hex("C88F01F510D9AC3F70A292DAA2316DE5"
				   "44E9AAB8AFE84049C62A9C57862D1433");
	struct span peer = unit_hex("04D12DFB5289C8D4F81208B70270398C34"
				    "2296970A0BCCB74C736FC7554494BF63"
				    "56FBF3CA366CC23E8157854C13C58D6A"
				    "AC23F046ADA30F8353E74F33039872AB");
	struct buf secret = BUF_SECRET_INIT;
	struct ecdh *x;

	CHECK_INT(ecdh_from_private(CURVE_NISTP256, own, &x), 0);
	CHECK_INT(ecdh_agree(x, peer, &secret), 0);
	CHECK_SPAN(
	    buf_span(&secret), unit_hex("D6840F6B42F6EDAFD13116E0E1256520"
					"2FEF8E9ECE7DCE03812464D04B9442DE"));
	ecdh_free(x);
	buf_release(&secret);
}

/* clang-format off */
static const struct {
	enum curve curve;
	size_t field;
} curves[] = {
	{ CURVE_NISTP256, 32 },
	{ CURVE_NISTP384, 48 },
	{ CURVE_NISTP521, 66 },
};
/* clang-format on */

TEST(ecdh_both_ends_agree_on_every_curve)
{
	for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct buf s = BUF_INIT, t = BUF_INIT;
		struct ecdh *x, *y;

		CHECK_INT(ecdh_new(curves[i].curve, &x, &a), 0);
		CHECK_INT(ecdh_new(curves[i].curve, &y, &b), 0);
		CHECK_INT(a.len, 1 + 2 * curves[i].field);
		CHECK(!span_equal(buf_span(&a), buf_span(&b)));
		CHECK_INT(ecdh_agree(x, buf_span(&b), &s), 0);
		CHECK_INT(ecdh_agree(y, buf_span(&a), &t), 0);
		CHECK_INT(s.len, curves[i].field);
		CHECK_SPAN(buf_span(&s), buf_span(&t));
		ecdh_free(x);
		ecdh_free(y);
		buf_release(&a);
		buf_release(&b);
		buf_release(&s);
		buf_release(&t);
	}
}

TEST(ecdh_refuses_what_is_no_uncompressed_point_of_the_curve)
{
	for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
		struct buf own = BUF_INIT, secret = BUF_INIT;
		uint8_t point[133];
		struct ecdh *x;
		size_t n;

		CHECK_INT(ecdh_new(curves[i].curve, &x, &own), 0);
		n = own.len;
		memcpy(point, own.data, n);
		for (size_t len = 0; len < n; len++)
			CHECK_INT(ecdh_agree(x, span_of(point, len), &secret),
			    ERR_KEX);
		point[n - 1] ^= 1; /* not on the curve */
		CHECK_INT(ecdh_agree(x, span_of(point, n), &secret), ERR_KEX);
		point[n - 1] ^= 1;
		point[0] = 6; /* hybrid form, RFC 5480: not taken */
		CHECK_INT(ecdh_agree(x, span_of(point, n), &secret), ERR_KEX);
		point[0] = 2;
		CHECK_INT(
		    ecdh_agree(x, span_of(point, 1 + curves[i].field), &secret),
		    ERR_KEX);
		memset(point, 0, sizeof(point));
		CHECK_INT(ecdh_agree(x, span_of(point, 1), &secret), ERR_KEX);
		point[0] = 4;
		CHECK_INT(ecdh_agree(x, span_of(point, n), &secret), ERR_KEX);
		CHECK_INT(secret.len, 0);
		ecdh_free(x);
		buf_release(&own);
	}
}

/* The private numbers come with leading zeros, or one too many. */
TEST(ecdh_meets_wycheproof)
{
	const struct json *file =
	    json_official("wycheproof/ecdh_secp256r1_ecpoint_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int refused = 0;
	int good = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t)) {
			struct buf secret = BUF_INIT;
			struct ecdh *x;
			int r;

			CHECK_INT(ecdh_from_private(CURVE_NISTP256,
				      json_hex(t, "private"), &x),
			    0);
			r = ecdh_agree(x, json_hex(t, "public"), &secret);
			ecdh_free(x);
			if (strcmp(json_text(t, "result"), "valid") == 0) {
				CHECK_INT(r, 0);
				CHECK_SPAN(
				    buf_span(&secret), json_hex(t, "shared"));
				good++;
			} else {
				CHECK_INT(r, ERR_KEX);
				refused++;
			}
			buf_release(&secret);
		}
	}
	CHECK_INT(good, 330);
	CHECK_INT(refused, 25);
}

/* ---- Diffie-Hellman ---- */

TEST(dh_groups_are_safe_primes_of_their_size)
{
	static const struct {
		unsigned number;
		unsigned bits;
	} groups[] = { { 1, 1024 }, { 14, 2048 }, { 15, 3072 }, { 16, 4096 },
		{ 17, 6144 }, { 18, 8192 } };

	for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
		const struct dh_group *g = dh_group_by_number(groups[i].number);

		CHECK(g != NULL);
		CHECK_INT(g->bits, groups[i].bits);
		CHECK_INT(g->prime.len, groups[i].bits / 8);
		CHECK_SPAN(g->generator, unit_hex("02"));
		CHECK_SPAN(span_of(g->prime.ptr, 16),
		    unit_hex("FFFFFFFFFFFFFFFFC90FDAA22168C234"));
		CHECK_SPAN(span_of(g->prime.ptr + g->prime.len - 8, 8),
		    unit_hex("FFFFFFFFFFFFFFFF"));
	}
	CHECK(dh_group_by_number(2) == NULL);
	CHECK(dh_group_by_number(0) == NULL);
}

TEST(dh_both_ends_agree)
{
	static const unsigned numbers[] = { 1, 14, 16 };

	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
		const struct dh_group *g = dh_group_by_number(numbers[i]);
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct buf s = BUF_INIT, t = BUF_INIT;
		struct dh *x, *y;

		CHECK_INT(dh_new(g, 128, &x, &a), 0);
		CHECK_INT(dh_new(g, 256, &y, &b), 0);
		CHECK(a.len <= g->prime.len);
		CHECK_INT(dh_agree(x, buf_span(&b), &s), 0);
		CHECK_INT(dh_agree(y, buf_span(&a), &t), 0);
		CHECK_SPAN(buf_span(&s), buf_span(&t));
		/* Far from all or none of the bits. */
		CHECK(dh_public_bits_set(x) > g->bits / 4);
		CHECK(dh_public_bits_set(x) < g->bits * 3 / 4);
		dh_free(x);
		dh_free(y);
		buf_release(&a);
		buf_release(&b);
		buf_release(&s);
		buf_release(&t);
	}
}

TEST(dh_refuses_values_that_give_the_secret_away)
{
	const struct dh_group *g = dh_group_by_number(14);
	struct buf own = BUF_INIT, secret = BUF_INIT;
	uint8_t value[257];
	struct dh *x;

	CHECK_INT(dh_new(g, 128, &x, &own), 0);
	CHECK_INT(dh_agree(x, span_of(value, 0), &secret), ERR_KEX);
	memset(value, 0, sizeof(value));
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX); /* 0 */
	value[255] = 1;
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX); /* 1 */
	value[255] = 7; /* three bits set */
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX);
	value[255] = 15;
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), 0);
	memcpy(value, g->prime.ptr, 256);
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX); /* p */
	value[255] -= 1;
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX);
	value[255] -= 1; /* p - 2 is fine */
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), 0);
	memset(value, 0xff, sizeof(value));
	CHECK_INT(dh_agree(x, span_of(value, 256), &secret), ERR_KEX);
	CHECK_INT(dh_agree(x, span_of(value, 257), &secret), ERR_KEX);
	dh_free(x);
	buf_release(&own);
	buf_release(&secret);
}

TEST(dh_refuses_groups_that_are_none)
{
	const struct dh_group *good = dh_group_by_number(14);
	uint8_t prime[256];
	uint8_t generator[256] = { 0 };
	struct dh_group g = { { prime, 256 }, { generator, 1 }, 2048 };
	struct buf out = BUF_INIT;
	struct dh *x;

	memcpy(prime, good->prime.ptr, 256);
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX); /* g = 0 */
	generator[0] = 1;
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX);
	generator[0] = 2;
	prime[255] ^= 1; /* even */
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX);
	prime[255] ^= 1;
	memcpy(generator, prime, 256); /* g = p - 1 */
	generator[255] ^= 1;
	g.generator.len = 256;
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX);
	g.generator.len = 1;
	g.prime = span_of(prime, 127); /* too short */
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX);
	g.prime.len = 0;
	CHECK_INT(dh_new(&g, 128, &x, &out), ERR_KEX);
	CHECK_INT(out.len, 0);
}
