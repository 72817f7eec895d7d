/*
 * mldsa44_test.c - ML-DSA-44: published vectors, the official sets, what is
 * refused.
 */
#include "common/crypto/mldsa44.h"

#include <string.h>

#include "common/base/error.h"
#include "common/crypto/keccak.h"
#include "tests/unit/json.h"
#include "tests/unit/unit.h"

static const struct span nothing = { NULL, 0 };
static const uint8_t zeros[MLDSA44_RANDOM_SIZE];

static bool
is_44(const struct json *group)
{
	return strcmp(json_text(group, "parameterSet"), "ML-DSA-44") == 0;
}

static int
verify(struct span pk, struct span front, struct span message, struct span sig)
{
	CHECK_INT(pk.len, MLDSA44_PUBLIC_SIZE);
	if (sig.len != MLDSA44_SIGNATURE_SIZE)
		return ERR_SIGNATURE;
	return mldsa44_verify(pk.ptr, front, message, sig.ptr);
}

static void
check_sign(const uint8_t *sk, struct span front, struct span message,
    const uint8_t *random, struct span want)
{
	uint8_t sig[MLDSA44_SIGNATURE_SIZE];

	CHECK_INT(mldsa44_sign(sig, sk, front, message, random), 0);
	CHECK_SPAN(span_of(sig, sizeof(sig)), want);
}

/* ---- what the repository holds ---- */

/* Seeds, messages, contexts and randomness come from SHAKE128 of nothing, all
 * results go into another. The code that made the digest meets the official
 * sets below. */
TEST(mldsa44_accumulates_a_thousand_cases_to_one_digest)
{
	uint8_t pk[MLDSA44_PUBLIC_SIZE], sk[MLDSA44_SECRET_SIZE];
	uint8_t sig[MLDSA44_SIGNATURE_SIZE], front[MLDSA44_FRONT_MAX];
	uint8_t in_bytes[32 + 32 + 64], digest[32];
	struct keccak in, out;

	shake_start(&in, SHAKE128_RATE);
	shake_finish(&in);
	shake_start(&out, SHAKE128_RATE);
	for (unsigned i = 0; i < 1000; i++) {
		size_t n;

		shake_squeeze(&in, in_bytes, sizeof(in_bytes));
		n = mldsa44_front(span_of(in_bytes, i % 64), front);
		CHECK_INT(mldsa44_keygen(pk, sk, in_bytes), 0);
		CHECK_INT(mldsa44_sign(sig, sk, span_of(front, n),
			      span_of(in_bytes + 64, 64), in_bytes + 32),
		    0);
		CHECK_INT(mldsa44_verify(pk, span_of(front, n),
			      span_of(in_bytes + 64, 64), sig),
		    0);
		shake_absorb(&out, span_of(pk, sizeof(pk)));
		shake_absorb(&out, span_of(sk, sizeof(sk)));
		shake_absorb(&out, span_of(sig, sizeof(sig)));
	}
	shake_finish(&out);
	shake_squeeze(&out, digest, sizeof(digest));
	CHECK_SPAN(span_of(digest, sizeof(digest)),
	    unit_hex("724366a3eb251fd8f459f7294666e9f6"
		     "f8bcd1f28248c216b5fc9bf4277195b3"));
}

TEST(mldsa44_refuses_every_changed_byte)
{
	const uint8_t seed[MLDSA44_SEED_SIZE] = { 9 };
	uint8_t pk[MLDSA44_PUBLIC_SIZE], sk[MLDSA44_SECRET_SIZE];
	uint8_t sig[MLDSA44_SIGNATURE_SIZE];
	struct span message = span_text("a message");

	CHECK_INT(mldsa44_keygen(pk, sk, seed), 0);
	CHECK_INT(mldsa44_sign(sig, sk, nothing, message, zeros), 0);
	CHECK_INT(mldsa44_verify(pk, nothing, message, sig), 0);
	CHECK_INT(
	    mldsa44_verify(pk, span_text("a "), span_text("message"), sig), 0);
	CHECK_INT(mldsa44_verify(pk, nothing, span_text("b message"), sig),
	    ERR_SIGNATURE);
	for (size_t i = 0; i < sizeof(sig); i++) {
		sig[i] ^= (uint8_t)(1 << i % 8);
		CHECK_INT(
		    mldsa44_verify(pk, nothing, message, sig), ERR_SIGNATURE);
		sig[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < sizeof(pk); i++) {
		pk[i] ^= (uint8_t)(1 << i % 8);
		CHECK_INT(
		    mldsa44_verify(pk, nothing, message, sig), ERR_SIGNATURE);
		pk[i] ^= (uint8_t)(1 << i % 8);
	}
}

/* ---- the official sets ---- */

TEST(mldsa44_meets_acvp_keygen)
{
	const struct json *prompt =
	    json_official("acvp/ML-DSA-keyGen-FIPS204/prompt.json.gz");
	const struct json *expected =
	    json_official("acvp/ML-DSA-keyGen-FIPS204/expectedResults.json.gz");
	const struct json *g = json_first(json_get(prompt, "testGroups"));
	const struct json *h = json_first(json_get(expected, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g), h = json_next(h)) {
		const struct json *t = json_first(json_get(g, "tests"));
		const struct json *e = json_first(json_get(h, "tests"));

		for (; is_44(g) && t != NULL;
		     t = json_next(t), e = json_next(e), count++) {
			uint8_t pk[MLDSA44_PUBLIC_SIZE];
			uint8_t sk[MLDSA44_SECRET_SIZE];

			CHECK_INT(json_int(t, "tcId"), json_int(e, "tcId"));
			CHECK_INT(
			    mldsa44_keygen(pk, sk, json_hex(t, "seed").ptr), 0);
			CHECK_SPAN(span_of(pk, sizeof(pk)), json_hex(e, "pk"));
			CHECK_SPAN(span_of(sk, sizeof(sk)), json_hex(e, "sk"));
		}
	}
	CHECK_INT(count, 25);
}

TEST(mldsa44_meets_acvp_signing)
{
	const struct json *prompt =
	    json_official("acvp/ML-DSA-sigGen-FIPS204/prompt.json.gz");
	const struct json *expected =
	    json_official("acvp/ML-DSA-sigGen-FIPS204/expectedResults.json.gz");
	const struct json *g = json_first(json_get(prompt, "testGroups"));
	const struct json *h = json_first(json_get(expected, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g), h = json_next(h)) {
		const struct json *t = json_first(json_get(g, "tests"));
		const struct json *e = json_first(json_get(h, "tests"));

		for (; is_44(g) && t != NULL;
		     t = json_next(t), e = json_next(e), count++)
			check_sign(json_hex(t, "sk").ptr, nothing,
			    json_hex(t, "message"),
			    json_bool(g, "deterministic")
				? zeros
				: json_hex(t, "rnd").ptr,
			    json_hex(e, "signature"));
	}
	CHECK_INT(count, 20);
}

TEST(mldsa44_meets_acvp_verification)
{
	const struct json *prompt =
	    json_official("acvp/ML-DSA-sigVer-FIPS204/prompt.json.gz");
	const struct json *expected =
	    json_official("acvp/ML-DSA-sigVer-FIPS204/expectedResults.json.gz");
	const struct json *g = json_first(json_get(prompt, "testGroups"));
	const struct json *h = json_first(json_get(expected, "testGroups"));
	int good = 0, bad = 0;

	for (; g != NULL; g = json_next(g), h = json_next(h)) {
		const struct json *t = json_first(json_get(g, "tests"));
		const struct json *e = json_first(json_get(h, "tests"));

		for (; is_44(g) && t != NULL;
		     t = json_next(t), e = json_next(e)) {
			bool passes = json_bool(e, "testPassed");

			CHECK_INT(verify(json_hex(g, "pk"), nothing,
				      json_hex(t, "message"),
				      json_hex(t, "signature")),
			    passes ? 0 : ERR_SIGNATURE);
			good += passes;
			bad += !passes;
		}
	}
	CHECK_INT(good + bad, 15);
	CHECK(good > 0 && bad > 0);
}

/* The context of a test; false where it is too long to be one. */
static bool
front_of(const struct json *t, uint8_t *front, struct span *ret)
{
	struct span context = nothing;

	if (json_find(t, "ctx") != NULL)
		context = json_hex(t, "ctx");
	if (context.len > MLDSA44_CONTEXT_MAX)
		return false;
	*ret = span_of(front, mldsa44_front(context, front));
	return true;
}

TEST(mldsa44_meets_wycheproof_signing)
{
	const struct json *file =
	    json_official("wycheproof/mldsa_44_sign_seed_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));
		uint8_t pk[MLDSA44_PUBLIC_SIZE], sk[MLDSA44_SECRET_SIZE];
		struct span seed = json_hex(g, "privateSeed");

		if (seed.len != MLDSA44_SEED_SIZE)
			continue; /* cannot be said in our interface */
		CHECK_INT(mldsa44_keygen(pk, sk, seed.ptr), 0);
		CHECK_SPAN(span_of(pk, sizeof(pk)), json_hex(g, "publicKey"));
		for (; t != NULL; t = json_next(t)) {
			uint8_t buffer[MLDSA44_FRONT_MAX];
			struct span front;

			/* Some give the hash of the message alone. */
			if (json_find(t, "msg") == NULL ||
			    !front_of(t, buffer, &front))
				continue;
			CHECK_TEXT(json_text(t, "result"), "valid");
			check_sign(sk, front, json_hex(t, "msg"),
			    json_find(t, "rnd") != NULL ? json_hex(t, "rnd").ptr
							: zeros,
			    json_hex(t, "sig"));
			count++;
		}
	}
	CHECK_INT(count, 74);
}

TEST(mldsa44_meets_wycheproof_verification)
{
	const struct json *file =
	    json_official("wycheproof/mldsa_44_verify_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int good = 0, bad = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));
		struct span pk = json_hex(g, "publicKey");

		if (pk.len != MLDSA44_PUBLIC_SIZE)
			continue; /* cannot be said in our interface */
		for (; t != NULL; t = json_next(t)) {
			bool valid =
			    strcmp(json_text(t, "result"), "valid") == 0;
			uint8_t buffer[MLDSA44_FRONT_MAX];
			struct span front;

			if (!front_of(t, buffer, &front))
				continue;
			CHECK_INT(verify(pk, front, json_hex(t, "msg"),
				      json_hex(t, "sig")),
			    valid ? 0 : ERR_SIGNATURE);
			good += valid;
			bad += !valid;
		}
	}
	CHECK_INT(good, 77);
	CHECK(bad > 90);
}
