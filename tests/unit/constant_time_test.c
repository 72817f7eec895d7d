/*
 * constant_time_test.c - does a secret decide a branch or an index?
 *
 * Built by scripts/check-constant-time and run under valgrind, which reports
 * every jump and every address that depends on undefined memory: secrets are
 * marked as such, results are marked as defined again before they are looked
 * at. A report fails the test by valgrind's exit status.
 */
#include "common/crypto/bcrypt_pbkdf.h"
#include "common/crypto/mldsa44.h"
#include "common/crypto/mlkem768.h"
#include "common/crypto/sntrup761.h"
#include "common/crypto/umac.h"

#include <string.h>

#include <openssl/opensslv.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/declassify.h"
#include "tests/unit/unit.h"

#ifndef SHEETBEND_CHECK_CONSTANT_TIME

TEST(constant_time_is_checked_by_a_script_of_its_own)
{
	SKIP("scripts/check-constant-time runs this one under valgrind");
}

#else

#include <valgrind/memcheck.h>

static void
poison(void *ptr, size_t len)
{
	VALGRIND_MAKE_MEM_UNDEFINED(ptr, len);
}

/* ---- the detector detects ---- */

static volatile int sink;

static unsigned
reports(void)
{
	return (unsigned)VALGRIND_COUNT_ERRORS;
}

TEST(detector_reports_a_branch_by_a_secret)
{
	volatile uint8_t secret = 1;
	unsigned before = reports();

	poison((void *)&secret, 1);
	if (secret != 0)
		sink = 1;
	CHECK(reports() > before);
}

TEST(detector_reports_an_index_by_a_secret)
{
	static volatile int table[256];
	volatile uint8_t secret = 1;
	unsigned before = reports();

	poison((void *)&secret, 1);
	sink = table[secret];
	CHECK(reports() > before);
}

/* A comparison that stops early, as secret_equal must not. */
TEST(detector_reports_memcmp_of_a_secret)
{
	uint8_t a[16] = { 1 }, b[16] = { 1 };
	volatile int i;
	unsigned before = reports();

	poison(a, sizeof(a));
	for (i = 0; i < 16 && a[i] == b[i]; i++)
		;
	CHECK(reports() > before);
}

TEST(detector_is_content_with_arithmetic_and_with_declassified_values)
{
	volatile uint32_t secret = 5;
	uint32_t result;
	unsigned before = reports();

	poison((void *)&secret, sizeof(secret));
	result = secret_select(0 - (secret & 1), 7, 9);
	declassify(&result, sizeof(result));
	CHECK_INT(result, 7);
	CHECK_INT(reports(), before);
}

TEST(detector_runs_in_valgrind)
{
	CHECK(RUNNING_ON_VALGRIND);
}

/* ---- what must not be reported ---- */

static void
check_same(const uint8_t *a, const uint8_t *b, size_t len, bool same)
{
	declassify(a, len);
	declassify(b, len);
	CHECK_INT(memcmp(a, b, len) == 0, same);
}

TEST(constant_time_secret_equal)
{
	uint8_t a[33], b[33];

	for (size_t i = 0; i <= sizeof(a); i++) {
		bool equal;

		memset(a, 7, sizeof(a));
		memset(b, 7, sizeof(b));
		if (i < sizeof(a))
			b[i] ^= 1;
		poison(a, sizeof(a));
		poison(b, sizeof(b));
		equal = secret_equal(a, b, sizeof(a));
		declassify(&equal, sizeof(equal));
		CHECK_INT(equal, i == sizeof(a));
	}
}

/* Ours, that is; a newer OpenSSL's is OpenSSL's to check. */
#if OPENSSL_VERSION_NUMBER < 0x30500000L
TEST(constant_time_mlkem768)
{
	uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];
	uint8_t public_key[MLKEM768_PUBLIC_SIZE];
	uint8_t secret_key[MLKEM768_SECRET_SIZE];
	uint8_t ciphertext[MLKEM768_CIPHERTEXT_SIZE];
	uint8_t m[MLKEM768_ENCAPS_SEED_SIZE];
	uint8_t shared[32], again[32];

	memset(seed, 3, sizeof(seed));
	poison(seed, sizeof(seed));
	CHECK_INT(mlkem768_keygen(public_key, secret_key, seed), 0);
	declassify(public_key, sizeof(public_key));
	memset(m, 5, sizeof(m));
	poison(m, sizeof(m));
	CHECK_INT(mlkem768_encaps(ciphertext, shared, public_key, m), 0);
	declassify(ciphertext, sizeof(ciphertext));
	/* Of a secret key the copy of the public one and its hash are known;
	 * the vector and the bytes for rejection are not. */
	declassify(secret_key + 1152, MLKEM768_PUBLIC_SIZE + 32);
	poison(secret_key, 1152);
	poison(secret_key + MLKEM768_SECRET_SIZE - 32, 32);
	CHECK_INT(mlkem768_decaps(again, ciphertext, secret_key), 0);
	check_same(shared, again, sizeof(shared), true);
	ciphertext[17] ^= 1;
	CHECK_INT(mlkem768_decaps(again, ciphertext, secret_key), 0);
	check_same(shared, again, sizeof(shared), false);
}

TEST(constant_time_mldsa44)
{
	uint8_t seed[MLDSA44_SEED_SIZE], random[MLDSA44_RANDOM_SIZE];
	uint8_t public_key[MLDSA44_PUBLIC_SIZE];
	uint8_t secret_key[MLDSA44_SECRET_SIZE];
	uint8_t signature[MLDSA44_SIGNATURE_SIZE], message[100];

	for (unsigned i = 0; i < 8; i++) {
		memset(seed, (int)i, sizeof(seed));
		memset(random, 2, sizeof(random));
		memset(message, 5, sizeof(message));
		poison(seed, sizeof(seed));
		poison(random, sizeof(random));
		poison(message, sizeof(message));
		CHECK_INT(mldsa44_keygen(public_key, secret_key, seed), 0);
		declassify(public_key, sizeof(public_key));
		/* The public seed of the matrix begins the secret key. */
		poison(secret_key, sizeof(secret_key));
		declassify(secret_key, 32);
		CHECK_INT(mldsa44_sign(signature, secret_key, span_of(NULL, 0),
			      span_of(message, sizeof(message)), random),
		    0);
		declassify(signature, sizeof(signature));
		declassify(message, sizeof(message));
		CHECK_INT(mldsa44_verify(public_key, span_of(NULL, 0),
			      span_of(message, sizeof(message)), signature),
		    0);
	}
}

#endif

static int
poisoned_fill(void *context, uint8_t *out, size_t len)
{
	uint32_t *state = context;

	for (size_t i = 0; i < len; i++) {
		*state = *state * 1664525 + 1013904223;
		out[i] = (uint8_t)(*state >> 24);
	}
	poison(out, len);
	return 0;
}

TEST(constant_time_sntrup761)
{
	uint32_t state = 1;
	struct random_source random = { poisoned_fill, &state };
	uint8_t public_key[SNTRUP761_PUBLIC_SIZE];
	uint8_t secret_key[SNTRUP761_SECRET_SIZE];
	uint8_t ciphertext[SNTRUP761_CIPHERTEXT_SIZE];
	uint8_t shared[32], again[32];

	CHECK_INT(sntrup761_keygen(public_key, secret_key, &random), 0);
	declassify(public_key, sizeof(public_key));
	CHECK_INT(sntrup761_encaps(ciphertext, shared, public_key, &random), 0);
	declassify(ciphertext, sizeof(ciphertext));
	/* f, 1/g, then the public key; rejection; the public key's hash. */
	declassify(secret_key + 382, SNTRUP761_PUBLIC_SIZE);
	declassify(secret_key + SNTRUP761_SECRET_SIZE - 32, 32);
	CHECK_INT(sntrup761_decaps(again, ciphertext, secret_key), 0);
	check_same(shared, again, sizeof(shared), true);
	ciphertext[17] ^= 1;
	CHECK_INT(sntrup761_decaps(again, ciphertext, secret_key), 0);
	check_same(shared, again, sizeof(shared), false);
}

/* The key, and the message too: it may be plaintext. */
TEST(constant_time_umac)
{
	uint8_t key[UMAC_KEY_SIZE], tag[16], message[3000];

	for (size_t size = 8; size <= 16; size += 8) {
		struct umac *u;

		memset(key, 1, sizeof(key));
		memset(message, 2, sizeof(message));
		poison(key, sizeof(key));
		poison(message, sizeof(message));
		CHECK_INT(umac_new(key, size, &u), 0);
		for (size_t len = 0; len <= sizeof(message); len += 600)
			for (uint64_t nonce = 0; nonce < 3; nonce++)
				CHECK_INT(
				    umac_compute(u, nonce, message, len, tag),
				    0);
		umac_free(u);
	}
}

/* Blowfish's boxes apart, which are looked up by secrets by design. */
TEST(constant_time_bcrypt_pbkdf_but_for_its_boxes)
{
	uint8_t password[12], key[48];

	memcpy(password, "hunter2hunte", sizeof(password));
	poison(password, sizeof(password));
	CHECK_INT(bcrypt_pbkdf(span_of(password, sizeof(password)),
		      span_of("salt", 4), 1, key, sizeof(key)),
	    0);
}

#endif
