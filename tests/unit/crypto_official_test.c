/*
 * crypto_official_test.c - the official (Wycheproof) vectors of what the
 * crypto and key modules take from OpenSSL: they show that our use of it
 * loses none of its checks. Skipped where the vectors are not there.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/crypto/cipher.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"
#include "tests/unit/json.h"
#include "tests/unit/unit.h"

/* Calls f for each test of each group; the number of tests. */
static int
for_each(const char *file,
    void (*f)(const struct json *group, const struct json *test))
{
	const struct json *root = json_official(file), *group, *test;
	int count = 0;

	for (group = json_first(json_get(root, "testGroups")); group != NULL;
	     group = json_next(group)) {
		for (test = json_first(json_get(group, "tests")); test != NULL;
		     test = json_next(test)) {
			f(group, test);
			count++;
		}
	}
	return count;
}

static bool
is_valid(const struct json *test)
{
	return strcmp(json_text(test, "result"), "valid") == 0;
}

static void
check_hmac(enum digest_algorithm a, const struct json *test)
{
	struct span tag = json_hex(test, "tag");
	uint8_t out[DIGEST_MAX];
	bool same;

	CHECK_INT(
	    hmac_of(a, json_hex(test, "key"), json_hex(test, "msg"), out), 0);
	same = tag.len <= digest_size(a) && memcmp(out, tag.ptr, tag.len) == 0;
	CHECK(same == is_valid(test));
}

static void
on_hmac_sha256(const struct json *group, const struct json *test)
{
	check_hmac(DIGEST_SHA256, test);
}

static void
on_hmac_sha512(const struct json *group, const struct json *test)
{
	check_hmac(DIGEST_SHA512, test);
}

TEST(hmac_gives_the_official_answers)
{
	CHECK(for_each("wycheproof/hmac_sha256_test.json.gz", on_hmac_sha256) >
	      100);
	CHECK(for_each("wycheproof/hmac_sha512_test.json.gz", on_hmac_sha512) >
	      100);
}

static int gcm_used;

/* Ours has no authenticated text here, an iv of 96 bits, a tag of 128. */
static void
on_gcm(const struct json *group, const struct json *test)
{
	struct span key = json_hex(test, "key"), ct = json_hex(test, "ct");
	struct span msg = json_hex(test, "msg"), tag = json_hex(test, "tag");
	const struct cipher_algorithm *a;
	uint8_t data[1024];
	struct cipher *c;
	int r;

	if (json_hex(test, "aad").len != 0 || tag.len != 16 ||
	    json_hex(test, "iv").len != 12 || key.len == 24)
		return;
	gcm_used++;
	CHECK(ct.len <= sizeof(data));
	a = cipher_find(span_text(key.len == 16 ? "aes128-gcm@openssh.com"
						: "aes256-gcm@openssh.com"));
	CHECK_INT(cipher_new(
		      a, CIPHER_DECRYPT, key.ptr, json_hex(test, "iv").ptr, &c),
	    0);
	if (ct.len > 0)
		memcpy(data, ct.ptr, ct.len);
	r = cipher_open_data(c, data, ct.len, tag.ptr);
	CHECK_INT(r, is_valid(test) ? 0 : ERR_MAC);
	if (r == 0)
		CHECK_SPAN(span_of(data, ct.len), msg);
	cipher_free(c);
}

TEST(gcm_gives_the_official_answers)
{
	for_each("wycheproof/aes_gcm_test.json.gz", on_gcm);
	CHECK(gcm_used > 20);
}

/* ---- signatures: a raw key and signature put into SSH's forms ---- */

static void
on_ed25519(const struct json *group, const struct json *test)
{
	struct buf blob = BUF_INIT, signature = BUF_INIT;
	struct key *k;
	int r;

	write_text(&blob, "ssh-ed25519");
	write_string(&blob, json_hex(json_get(group, "publicKey"), "pk"));
	CHECK_INT(key_from_blob(buf_span(&blob), &k), 0);
	write_text(&signature, "ssh-ed25519");
	write_string(&signature, json_hex(test, "sig"));
	r = key_verify(k, NULL, json_hex(test, "msg"), buf_span(&signature));
	CHECK((r == 0) == is_valid(test));
	key_unref(k);
	buf_release(&blob);
	buf_release(&signature);
}

TEST(ed25519_gives_the_official_answers)
{
	CHECK(for_each("wycheproof/ed25519_test.json.gz", on_ed25519) > 100);
}

/* One INTEGER of a DER signature; false where it is no strict DER or does
 * not fit an mpint: such vectors have no form in SSH. */
static bool
der_integer(struct span *der, struct span *ret)
{
	size_t len;

	if (der->len < 2 || der->ptr[0] != 2 || der->ptr[1] >= 0x80)
		return false;
	len = der->ptr[1];
	if (len == 0 || len > der->len - 2)
		return false;
	*ret = span_of(der->ptr + 2, len);
	*der = span_of(der->ptr + 2 + len, der->len - 2 - len);
	return true;
}

static bool
der_signature(struct span der, struct span *r, struct span *s)
{
	size_t header = der.len > 2 && der.ptr[1] == 0x81 ? 3 : 2;

	if (der.len <= header || der.ptr[0] != 0x30 ||
	    der.ptr[header - 1] != der.len - header ||
	    (header == 3 && der.len - header < 0x80))
		return false;
	der = span_of(der.ptr + header, der.len - header);
	return der_integer(&der, r) && der_integer(&der, s) && der.len == 0;
}

static int ecdsa_used;

static void
check_ecdsa(const char *type, const char *curve, const struct json *group,
    const struct json *test)
{
	struct buf blob = BUF_INIT, signature = BUF_INIT;
	struct span r, s;
	struct key *k;
	size_t mark;
	int result;

	if (!der_signature(json_hex(test, "sig"), &r, &s)) {
		CHECK(!is_valid(test));
		return;
	}
	ecdsa_used++;
	write_text(&blob, type);
	write_text(&blob, curve);
	write_string(
	    &blob, json_hex(json_get(group, "publicKey"), "uncompressed"));
	CHECK_INT(key_from_blob(buf_span(&blob), &k), 0);
	write_text(&signature, type);
	mark = write_string_begin(&signature);
	/* A DER INTEGER and an mpint have the same bytes. */
	write_string(&signature, r);
	write_string(&signature, s);
	write_string_end(&signature, mark);
	result =
	    key_verify(k, NULL, json_hex(test, "msg"), buf_span(&signature));
	/* "acceptable" is none of SSH's business: strict DER alone. */
	CHECK((result == 0) == is_valid(test));
	key_unref(k);
	buf_release(&blob);
	buf_release(&signature);
}

static void
on_p256(const struct json *group, const struct json *test)
{
	check_ecdsa("ecdsa-sha2-nistp256", "nistp256", group, test);
}

static void
on_p384(const struct json *group, const struct json *test)
{
	check_ecdsa("ecdsa-sha2-nistp384", "nistp384", group, test);
}

static void
on_p521(const struct json *group, const struct json *test)
{
	check_ecdsa("ecdsa-sha2-nistp521", "nistp521", group, test);
}

TEST(ecdsa_gives_the_official_answers)
{
	for_each("wycheproof/ecdsa_secp256r1_sha256_test.json.gz", on_p256);
	for_each("wycheproof/ecdsa_secp384r1_sha384_test.json.gz", on_p384);
	for_each("wycheproof/ecdsa_secp521r1_sha512_test.json.gz", on_p521);
	CHECK(ecdsa_used > 300);
}
