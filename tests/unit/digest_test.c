/*
 * digest_test.c - hash functions and HMAC against FIPS 180-4 examples,
 * RFC 1321, RFC 2202, RFC 4231.
 */
#include "common/crypto/digest.h"

#include <string.h>

#include "common/base/error.h"
#include "common/crypto/hash.h"
#include "tests/unit/unit.h"

static void
check_digest(enum digest_algorithm a, const char *text, const char *want)
{
	uint8_t out[DIGEST_MAX];

	CHECK_INT(digest_of(a, span_text(text), out), 0);
	CHECK_SPAN(span_of(out, digest_size(a)), unit_hex(want));
}

TEST(digests_of_abc_are_those_of_the_standards)
{
	check_digest(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
	check_digest(
	    DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_digest(DIGEST_SHA256, "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_digest(DIGEST_SHA384, "abc",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7");
	check_digest(DIGEST_SHA512, "abc",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(digest_of_nothing_is_known)
{
	check_digest(DIGEST_SHA256, "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(digest_in_pieces_is_the_digest_of_the_whole)
{
	static const enum digest_algorithm all[] = { DIGEST_MD5, DIGEST_SHA1,
		DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
	uint8_t data[300], whole[DIGEST_MAX], pieces[DIGEST_MAX];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		struct digest *d = digest_new(all[i]);

		CHECK(d != NULL);
		for (size_t at = 0, n = 0; at < sizeof(data); at += n) {
			n = at % 13 + 1;
			n = n > sizeof(data) - at ? sizeof(data) - at : n;
			CHECK_INT(digest_update(d, span_of(data + at, n)), 0);
		}
		CHECK_INT(digest_final(d, pieces), 0);
		digest_free(d);
		CHECK_INT(
		    digest_of(all[i], span_of(data, sizeof(data)), whole), 0);
		CHECK_SPAN(span_of(pieces, digest_size(all[i])),
		    span_of(whole, digest_size(all[i])));
	}
}

TEST(digest_names_are_found_in_either_case)
{
	enum digest_algorithm a;

	CHECK_INT(digest_find("sha256", &a), 0);
	CHECK_INT(a, DIGEST_SHA256);
	CHECK_TEXT(digest_name(a), "SHA256");
	CHECK_INT(digest_find("MD5", &a), 0);
	CHECK_INT(a, DIGEST_MD5);
	CHECK_INT(digest_find("sha3", &a), ERR_NOT_FOUND);
	CHECK_INT(digest_find("", &a), ERR_NOT_FOUND);
}

static void
check_hmac(enum digest_algorithm a, struct span key, const char *data,
    const char *want)
{
	uint8_t out[DIGEST_MAX];

	CHECK_INT(hmac_of(a, key, span_text(data), out), 0);
	CHECK_SPAN(span_of(out, digest_size(a)), unit_hex(want));
}

TEST(hmac_gives_the_answers_of_rfc_4231)
{
	uint8_t key[131];

	memset(key, 0x0b, 20);
	check_hmac(DIGEST_SHA256, span_of(key, 20), "Hi There",
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac(DIGEST_SHA512, span_of(key, 20), "Hi There",
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
	check_hmac(DIGEST_SHA256, span_text("Jefe"),
	    "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	check_hmac(DIGEST_SHA512, span_text("Jefe"),
	    "what do ya want for nothing?",
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
	memset(key, 0xaa, sizeof(key));
	check_hmac(DIGEST_SHA256, span_of(key, sizeof(key)),
	    "Test Using Larger Than Block-Size Key - Hash Key First",
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_gives_the_answers_of_rfc_2202)
{
	uint8_t key[20];

	memset(key, 0x0b, sizeof(key));
	check_hmac(DIGEST_SHA1, span_of(key, 20), "Hi There",
	    "b617318655057264e28bc0b6fb378c8ef146be00");
	check_hmac(DIGEST_MD5, span_of(key, 16), "Hi There",
	    "9294727a3638bb1c13f48ef8158bfc9d");
	check_hmac(DIGEST_SHA1, span_text("Jefe"),
	    "what do ya want for nothing?",
	    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	check_hmac(DIGEST_MD5, span_text("Jefe"),
	    "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738");
}

TEST(hmac_with_a_prepared_key_may_be_used_again)
{
	struct hmac_key k;
	uint8_t first[DIGEST_MAX], again[DIGEST_MAX];

	hmac_key_init(&k, DIGEST_SHA256, span_text("Jefe"));
	hmac_key_compute(&k, span_text("what do ya "),
	    span_text("want for nothing?"), first);
	hmac_key_compute(&k, span_text(""),
	    span_text("what do ya want for nothing?"), again);
	CHECK_SPAN(span_of(first, 32), span_of(again, 32));
}

/* RFC 2202 case 3 has a key of 20 bytes; others against the general form. */
TEST(short_hmac_sha1_is_hmac_sha1)
{
	uint8_t key[20], data[HMAC_SHA1_SHORT_MAX], got[20], want[20];

	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, 50);
	hmac_sha1_short(key, span_of(data, 50), got);
	CHECK_SPAN(span_of(got, 20),
	    unit_hex("125d7342b9ac11cd91a39af48aa17b4f63f175d3"));
	for (size_t n = 0; n <= sizeof(data); n++) {
		for (size_t i = 0; i < 20; i++)
			key[i] = (uint8_t)(n * 7 + i);
		hmac_sha1_short(key, span_of(data, n), got);
		CHECK_INT(hmac_of(DIGEST_SHA1, span_of(key, 20),
			      span_of(data, n), want),
		    0);
		CHECK_SPAN(span_of(got, 20), span_of(want, 20));
	}
}
