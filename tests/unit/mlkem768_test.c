/*
 * mlkem768_test.c - ML-KEM-768 and Keccak against published vectors.
 * FIPS 203, FIPS 202.
 */
#include "common/crypto/mlkem768.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/crypto/keccak.h"
#include "tests/unit/json.h"
#include "tests/unit/unit.h"

static struct span
text(const char *s)
{
	return span_of(s, strlen(s));
}

static bool
is_768(const struct json *group)
{
	return strcmp(json_text(group, "parameterSet"), "ML-KEM-768") == 0;
}

static void
check_keygen(const uint8_t *seed, struct span ek, struct span dk)
{
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];

	CHECK_INT(mlkem768_keygen(public_key, secret_key, seed), 0);
	CHECK_SPAN(span_of(public_key, sizeof(public_key)), ek);
	CHECK_SPAN(span_of(secret_key, sizeof(secret_key)), dk);
}

static void
check_encaps(struct span ek, struct span m, struct span c, struct span shared)
{
	uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE];
	uint8_t secret[MLKEM768_SHARED_SIZE];

	CHECK_INT(ek.len, MLKEM768_PUBLIC_SIZE);
	CHECK_INT(mlkem768_encaps(ciphertext, secret, ek.ptr, m.ptr), 0);
	CHECK_SPAN(span_of(ciphertext, sizeof(ciphertext)), c);
	CHECK_SPAN(span_of(secret, sizeof(secret)), shared);
}

static void
check_decaps(struct span dk, struct span c, struct span shared)
{
	uint8_t secret[MLKEM768_SHARED_SIZE];

	CHECK_INT(dk.len, MLKEM768_SECRET_SIZE);
	CHECK_INT(c.len, MLKEM768_CIPHERTEXT_SIZE);
	CHECK_INT(mlkem768_decaps(secret, c.ptr, dk.ptr), 0);
	CHECK_SPAN(span_of(secret, sizeof(secret)), shared);
}

/* ---- Keccak ---- */

TEST(sha3_gives_the_published_hashes_of_abc_and_of_nothing)
{
	uint8_t out[64];

	sha3_256(text("abc"), text(""), out);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("3a985da74fe225b2045c172d6bd390bd"
				       "855f086e3e9d525b46bfe24511431532"));
	sha3_256(text(""), text(""), out);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("a7ffc6f8bf1ed76651c14756a061d662"
				       "f580ff4de43b49fa82d80a4b80f8434a"));
	sha3_512(text("a"), text("bc"), out);
	CHECK_SPAN(span_of(out, 64),
	    unit_hex("b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d02"
		     "40d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a5"
		     "6592f8274eec53f0"));
	shake256(text(""), text(""), out, 32);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("46b9dd2b0ba88d13233b3feb743eeb24"
				       "3fcd52ea62b81b82b50c27646ed5762f"));
}

TEST(shake_does_not_depend_on_how_data_is_cut)
{
	uint8_t data[400], whole[500], pieces[500];
	struct keccak k;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	shake_start(&k, SHAKE128_RATE);
	shake_absorb(&k, span_of(data, sizeof(data)));
	shake_finish(&k);
	shake_squeeze(&k, whole, sizeof(whole));
	for (size_t step = 1; step < 180; step += 13) {
		shake_start(&k, SHAKE128_RATE);
		for (size_t i = 0; i < sizeof(data); i += step)
			shake_absorb(
			    &k, span_of(data + i, i + step < sizeof(data)
						      ? step
						      : sizeof(data) - i));
		shake_finish(&k);
		for (size_t i = 0; i < sizeof(pieces); i += step)
			shake_squeeze(&k, pieces + i,
			    i + step < sizeof(pieces) ? step
						      : sizeof(pieces) - i);
		CHECK_SPAN(span_of(pieces, sizeof(pieces)),
		    span_of(whole, sizeof(whole)));
	}
}

/* ---- the vectors in the repository ---- */

TEST(mlkem768_meets_the_kept_vectors)
{
	const struct json *file = json_parse(unit_vector_file("mlkem768.json"));
	const struct json *t;

	for (t = json_first(json_get(file, "keygen")); t; t = json_next(t)) {
		uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];

		memcpy(seed, json_hex(t, "d").ptr, 32);
		memcpy(seed + 32, json_hex(t, "z").ptr, 32);
		check_keygen(seed, json_hex(t, "ek"), json_hex(t, "dk"));
	}
	for (t = json_first(json_get(file, "encaps")); t; t = json_next(t))
		check_encaps(json_hex(t, "ek"), json_hex(t, "m"),
		    json_hex(t, "c"), json_hex(t, "k"));
	for (t = json_first(json_get(file, "decaps")); t; t = json_next(t))
		check_decaps(
		    json_hex(t, "dk"), json_hex(t, "c"), json_hex(t, "k"));
}

/*
 * The accumulated vectors of C2SP's CCTV: all inputs come from SHAKE128 of
 * nothing, all results go into another. Half of the decapsulations are of
 * random bytes, which implicit rejection answers.
 */
TEST(mlkem768_accumulates_ten_thousand_cases_to_the_published_digest)
{
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];
	uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE];
	uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];
	uint8_t shared[MLKEM768_SHARED_SIZE], again[MLKEM768_SHARED_SIZE];
	struct keccak in, out;
	uint8_t digest[32];

	shake_start(&in, SHAKE128_RATE);
	shake_finish(&in);
	shake_start(&out, SHAKE128_RATE);
	for (int i = 0; i < 10000; i++) {
		shake_squeeze(&in, seed, sizeof(seed));
		CHECK_INT(mlkem768_keygen(public_key, secret_key, seed), 0);
		shake_absorb(&out, span_of(public_key, sizeof(public_key)));
		shake_squeeze(&in, seed, MLKEM768_ENCAPS_SEED_SIZE);
		CHECK_INT(
		    mlkem768_encaps(ciphertext, shared, public_key, seed), 0);
		shake_absorb(&out, span_of(ciphertext, sizeof(ciphertext)));
		shake_absorb(&out, span_of(shared, sizeof(shared)));
		CHECK_INT(mlkem768_decaps(again, ciphertext, secret_key), 0);
		CHECK_SPAN(span_of(again, sizeof(again)),
		    span_of(shared, sizeof(shared)));
		shake_squeeze(&in, ciphertext, sizeof(ciphertext));
		CHECK_INT(mlkem768_decaps(shared, ciphertext, secret_key), 0);
		shake_absorb(&out, span_of(shared, sizeof(shared)));
	}
	shake_finish(&out);
	shake_squeeze(&out, digest, sizeof(digest));
	CHECK_SPAN(span_of(digest, sizeof(digest)),
	    unit_hex("8a518cc63da366322a8e7a818c7a0d63"
		     "483cb3528d34a4cf42f35d5ad73f22fc"));
}

/* ---- what is refused, what is rejected without saying so ---- */

static void
make_pair(uint8_t *public_key, uint8_t *secret_key)
{
	uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];

	memset(seed, 42, sizeof(seed));
	CHECK_INT(mlkem768_keygen(public_key, secret_key, seed), 0);
}

TEST(mlkem768_refuses_a_public_key_with_a_coefficient_of_q_or_more)
{
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];
	uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE];
	uint8_t shared[MLKEM768_SHARED_SIZE] = { 0 };
	const uint8_t m[MLKEM768_ENCAPS_SEED_SIZE] = { 1 };

	for (size_t i = 0; i + 3 <= MLKEM768_PUBLIC_SIZE - 32; i += 3 * 31) {
		make_pair(public_key, secret_key);
		public_key[i] = 0x01; /* 3329 */
		public_key[i + 1] = (uint8_t)((public_key[i + 1] & 0xf0) | 13);
		CHECK_INT(mlkem768_encaps(ciphertext, shared, public_key, m),
		    ERR_KEX);
		public_key[i] = 0x00; /* 3328 */
		CHECK_INT(
		    mlkem768_encaps(ciphertext, shared, public_key, m), 0);
		public_key[i + 1] |= 0xf0;
		public_key[i + 2] = 0xff; /* 4095 */
		CHECK_INT(mlkem768_encaps(ciphertext, shared, public_key, m),
		    ERR_KEX);
	}
}

TEST(mlkem768_rejects_every_changed_byte_of_a_ciphertext_by_another_secret)
{
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];
	uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE];
	uint8_t shared[MLKEM768_SHARED_SIZE], other[MLKEM768_SHARED_SIZE];
	uint8_t expected[MLKEM768_SHARED_SIZE];
	const uint8_t m[MLKEM768_ENCAPS_SEED_SIZE] = { 1, 2, 3 };

	make_pair(public_key, secret_key);
	CHECK_INT(mlkem768_encaps(ciphertext, shared, public_key, m), 0);
	for (size_t i = 0; i < sizeof(ciphertext); i += 7) {
		ciphertext[i] ^= (uint8_t)(1 << i % 8);
		CHECK_INT(mlkem768_decaps(other, ciphertext, secret_key), 0);
		CHECK(memcmp(other, shared, sizeof(shared)) != 0);
		/* J(z || c) */
		shake256(span_of(secret_key + MLKEM768_SECRET_SIZE - 32, 32),
		    span_of(ciphertext, sizeof(ciphertext)), expected, 32);
		CHECK_SPAN(span_of(other, 32), span_of(expected, 32));
		ciphertext[i] ^= (uint8_t)(1 << i % 8);
	}
	CHECK_INT(mlkem768_decaps(other, ciphertext, secret_key), 0);
	CHECK_SPAN(span_of(other, 32), span_of(shared, 32));
}

TEST(mlkem768_refuses_a_secret_key_whose_hash_does_not_fit)
{
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];
	uint8_t shared[MLKEM768_SHARED_SIZE];
	const uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE] = { 0 };

	make_pair(public_key, secret_key);
	CHECK_INT(mlkem768_decaps(shared, ciphertext, secret_key), 0);
	secret_key[MLKEM768_SECRET_SIZE - 64] ^= 1; /* H(ek) */
	CHECK_INT(mlkem768_decaps(shared, ciphertext, secret_key), ERR_KEX);
	secret_key[MLKEM768_SECRET_SIZE - 64] ^= 1;
	secret_key[1152] ^= 1; /* ek */
	CHECK_INT(mlkem768_decaps(shared, ciphertext, secret_key), ERR_KEX);
}

/* ---- the official sets ---- */

TEST(mlkem768_meets_acvp_keygen)
{
	const struct json *prompt =
	    json_official("acvp/ML-KEM-keyGen-FIPS203/prompt.json.gz");
	const struct json *expected =
	    json_official("acvp/ML-KEM-keyGen-FIPS203/expectedResults.json.gz");
	const struct json *g = json_first(json_get(prompt, "testGroups"));
	const struct json *h = json_first(json_get(expected, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g), h = json_next(h)) {
		const struct json *t = json_first(json_get(g, "tests"));
		const struct json *e = json_first(json_get(h, "tests"));

		for (; is_768(g) && t != NULL;
		     t = json_next(t), e = json_next(e), count++) {
			uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];

			CHECK_INT(json_int(t, "tcId"), json_int(e, "tcId"));
			memcpy(seed, json_hex(t, "d").ptr, 32);
			memcpy(seed + 32, json_hex(t, "z").ptr, 32);
			check_keygen(
			    seed, json_hex(e, "ek"), json_hex(e, "dk"));
		}
	}
	CHECK_INT(count, 25);
}

TEST(mlkem768_meets_acvp_encapsulation_and_decapsulation)
{
	const struct json *prompt =
	    json_official("acvp/ML-KEM-encapDecap-FIPS203/prompt.json.gz");
	const struct json *expected = json_official(
	    "acvp/ML-KEM-encapDecap-FIPS203/expectedResults.json.gz");
	const struct json *g = json_first(json_get(prompt, "testGroups"));
	const struct json *h = json_first(json_get(expected, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g), h = json_next(h)) {
		const struct json *t = json_first(json_get(g, "tests"));
		const struct json *e = json_first(json_get(h, "tests"));
		bool encaps = json_text(g, "function")[0] == 'e';

		for (; is_768(g) && t != NULL;
		     t = json_next(t), e = json_next(e), count++) {
			CHECK_INT(json_int(t, "tcId"), json_int(e, "tcId"));
			if (encaps)
				check_encaps(json_hex(t, "ek"),
				    json_hex(t, "m"), json_hex(e, "c"),
				    json_hex(e, "k"));
			else
				check_decaps(json_hex(g, "dk"),
				    json_hex(t, "c"), json_hex(e, "k"));
		}
	}
	CHECK_INT(count, 35);
}

TEST(mlkem768_meets_wycheproof_keygen)
{
	const struct json *file =
	    json_official("wycheproof/mlkem_768_keygen_seed_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t), count++)
			check_keygen(json_hex(t, "seed").ptr, json_hex(t, "ek"),
			    json_hex(t, "dk"));
	}
	CHECK_INT(count, 100);
}

TEST(mlkem768_meets_wycheproof_encapsulation)
{
	const struct json *file =
	    json_official("wycheproof/mlkem_768_encaps_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int refused = 0;
	int good = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t)) {
			uint8_t c[MLKEM768_CIPHERTEXT_SIZE], k[32];
			struct span ek = json_hex(t, "ek");
			struct span m = json_hex(t, "m");

			if (strcmp(json_text(t, "result"), "valid") == 0) {
				check_encaps(
				    ek, m, json_hex(t, "c"), json_hex(t, "K"));
				good++;
				continue;
			}
			/* Other lengths cannot be said in our interface. */
			if (ek.len != MLKEM768_PUBLIC_SIZE || m.len != 32)
				continue;
			CHECK_INT(
			    mlkem768_encaps(c, k, ek.ptr, m.ptr), ERR_KEX);
			refused++;
		}
	}
	CHECK_INT(good, 133);
	CHECK(refused >= 12);
}

TEST(mlkem768_meets_wycheproof_decapsulation)
{
	const struct json *file =
	    json_official("wycheproof/mlkem_768_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int count = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t)) {
			uint8_t ek[MLKEM768_PUBLIC_SIZE];
			uint8_t dk[MLKEM768_SECRET_SIZE];

			if (strcmp(json_text(t, "result"), "valid") != 0)
				continue;
			CHECK_INT(
			    mlkem768_keygen(ek, dk, json_hex(t, "seed").ptr),
			    0);
			CHECK_SPAN(span_of(ek, sizeof(ek)), json_hex(t, "ek"));
			check_decaps(span_of(dk, sizeof(dk)), json_hex(t, "c"),
			    json_hex(t, "K"));
			count++;
		}
	}
	CHECK_INT(count, 153);
}

TEST(mlkem768_meets_wycheproof_expanded_decapsulation)
{
	const struct json *file = json_official(
	    "wycheproof/mlkem_768_semi_expanded_decaps_test.json.gz");
	const struct json *g = json_first(json_get(file, "testGroups"));
	int refused = 0;
	int good = 0;

	for (; g != NULL; g = json_next(g)) {
		const struct json *t = json_first(json_get(g, "tests"));

		for (; t != NULL; t = json_next(t)) {
			uint8_t k[MLKEM768_SHARED_SIZE];
			struct span dk = json_hex(t, "dk");
			struct span c = json_hex(t, "c");

			if (strcmp(json_text(t, "result"), "valid") == 0) {
				check_decaps(dk, c, json_hex(t, "K"));
				good++;
				continue;
			}
			if (dk.len != MLKEM768_SECRET_SIZE ||
			    c.len != MLKEM768_CIPHERTEXT_SIZE)
				continue;
			CHECK_INT(mlkem768_decaps(k, c.ptr, dk.ptr), ERR_KEX);
			refused++;
		}
	}
	CHECK_INT(good, 3);
	CHECK_INT(refused, 2);
}
