/*
 * key_sk_test.c - keys in security keys: blobs, private fields, signatures.
 * Keys, signatures and certificates made by OpenSSH; WebAuthn level 2 s6.3.3
 * by a device of our own.
 */
#include "common/key/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/key/certificate.h"
#include "common/key/key_file.h"
#include "tests/unit/unit.h"

#define MUTATIONS 2000

static const struct vector {
	const char *name, *type, *sha256, *md5, *comment;
	bool is_ed25519;
} vectors[] = {
	{ "sk_ed25519", "sk-ssh-ed25519@openssh.com",
	    "SHA256:9Q4L4OgMsVARnw7XsNVKpfmZVDzGzoVMLX0iXfpXRHg",
	    "MD5:51:60:fa:ce:d1:6d:a6:ef:f3:cd:25:62:e3:4a:9d:7a",
	    "ed25519 sk vector", true },
	{ "sk_ecdsa", "sk-ecdsa-sha2-nistp256@openssh.com",
	    "SHA256:hxR0YO/yQ9RbeiCZUfeBeq/2l/e53kcQJNaZ+gukpQw",
	    "MD5:48:24:bc:6f:37:ac:9f:44:75:c6:13:8f:44:4f:a1:c3",
	    "ecdsa sk vector", false },
};

static struct span
file_of(const char *name, const char *suffix)
{
	char path[96];

	snprintf(path, sizeof(path), "keys/%s%s", name, suffix);
	return unit_vector_file(path);
}

static struct key *
public_key(const char *name)
{
	struct span line = file_of(name, ".pub");
	struct key *k;

	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	return k;
}

static struct key *
private_key(const char *name)
{
	struct error e = { 0 };
	struct key *k;

	CHECK_INT(key_private_parse(file_of(name, ""), NULL, &k, NULL, &e), 0);
	return k;
}

/* ---- what OpenSSH made ---- */

TEST(public_keys_of_openssh_are_read)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name);
		char *text = key_fingerprint(k, DIGEST_SHA256);

		CHECK_TEXT(key_type_name(k), vectors[i].type);
		CHECK_TEXT(text, vectors[i].sha256);
		free(text);
		text = key_fingerprint(k, DIGEST_MD5);
		CHECK_TEXT(text, vectors[i].md5);
		free(text);
		CHECK(key_is_security_key(k));
		CHECK(!key_has_private(k));
		CHECK_INT(key_bits(k), 256);
		CHECK_TEXT(key_application(k), "ssh:vector");
		CHECK_INT(key_sk_flags(k), 0);
		CHECK_INT(key_sk_handle(k).len, 0);
		key_unref(k);
	}
}

TEST(private_keys_of_openssh_are_read_and_written_alike)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = private_key(vectors[i].name), *again;
		struct key *public = public_key(vectors[i].name);
		struct buf fields = BUF_SECRET_INIT, other = BUF_SECRET_INIT;
		struct reader rd;

		CHECK(key_equal(k, public));
		CHECK(key_has_private(k));
		CHECK_TEXT(key_comment(k), vectors[i].comment);
		CHECK_INT(key_sk_flags(k), KEY_SK_TOUCHED);
		CHECK(key_sk_handle(k).len > 0);
		CHECK_INT(key_write_private(k, &fields), 0);
		rd = reader_of(buf_span(&fields));
		CHECK_INT(key_read_private(&rd, &again), 0);
		CHECK_INT(read_end(&rd), 0);
		CHECK_INT(key_write_private(again, &other), 0);
		CHECK_SPAN(buf_span(&other), buf_span(&fields));
		key_unref(k);
		key_unref(again);
		key_unref(public);
		buf_release(&fields);
		buf_release(&other);
	}
}

TEST(a_key_file_is_in_the_own_format_whatever_is_asked_for)
{
	const enum key_format formats[] = { KEY_FORMAT_OPENSSH, KEY_FORMAT_PEM,
		KEY_FORMAT_PKCS8 };
	struct key *k = private_key("sk_ecdsa"), *again;

	for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
		struct key_file_options o = { formats[i], "secret", NULL, 1 };
		struct buf text = BUF_INIT;
		struct error e = { 0 };

		CHECK_INT(key_private_format(k, &o, &text, &e), 0);
		CHECK(text_starts_with(
		    buf_text(&text), "-----BEGIN OPENSSH PRIVATE KEY-----\n"));
		CHECK_INT(key_private_parse(
			      buf_span(&text), "secret", &again, NULL, &e),
		    0);
		CHECK(key_equal(k, again));
		CHECK_SPAN(key_sk_handle(again), key_sk_handle(k));
		key_unref(again);
		buf_release(&text);
	}
	key_unref(k);
}

TEST(without_its_device_a_key_does_not_sign)
{
	struct key *k = private_key("sk_ed25519");
	struct buf s = BUF_INIT;

	CHECK_INT(key_sign(k, signature_find(span_text(key_type_name(k))),
		      span_text("data"), &s),
	    ERR_KEY_TYPE);
	CHECK_INT(s.len, 0);
	key_unref(k);
}

/* The signature in an SSHSIG and the bytes that it is over (surface s10). */
static void
open_sshsig(const char *name, struct buf *blob, struct span *ret_signature,
    struct buf *ret_data)
{
	struct span text = file_of(name, ".sshsig"), line, hash_name;
	struct buf base64 = BUF_INIT;
	uint8_t hash[DIGEST_MAX];
	struct reader rd;

	while (line_next(&text, &line))
		if (line.len > 0 && line.ptr[0] != '-')
			write_span(&base64, line);
	CHECK_INT(base64_read(blob, buf_span(&base64)), 0);
	buf_release(&base64);
	rd = reader_of(buf_span(blob));
	write_span(ret_data, read_bytes(&rd, 6));
	CHECK_INT(read_uint32(&rd), 1);
	read_string(&rd);
	write_string(ret_data, read_string(&rd));
	write_string(ret_data, read_string(&rd));
	hash_name = read_string(&rd);
	CHECK(span_is(hash_name, "sha512"));
	write_string(ret_data, hash_name);
	CHECK_INT(
	    digest_of(DIGEST_SHA512, span_text("what is signed"), hash), 0);
	write_string(ret_data, span_of(hash, 64));
	*ret_signature = read_string(&rd);
	CHECK_INT(read_end(&rd), 0);
}

TEST(signatures_of_openssh_verify_with_their_facts)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name);
		struct buf blob = BUF_INIT, data = BUF_INIT;
		struct signature_facts facts = { 0 };
		struct span signature;

		open_sshsig(vectors[i].name, &blob, &signature, &data);
		CHECK_INT(key_verify_facts(
			      k, NULL, buf_span(&data), signature, &facts),
		    0);
		CHECK(facts.is_security_key);
		CHECK_INT(facts.flags, KEY_SK_TOUCHED);
		CHECK_INT(facts.counter, 0x12345678);
		data.data[0] ^= 1;
		CHECK_INT(key_verify(k, NULL, buf_span(&data), signature),
		    ERR_SIGNATURE);
		buf_release(&blob);
		buf_release(&data);
		key_unref(k);
	}
}

TEST(every_byte_of_a_signature_counts)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name);
		struct buf blob = BUF_INIT, data = BUF_INIT;
		struct span signature;
		uint8_t *copy;

		open_sshsig(vectors[i].name, &blob, &signature, &data);
		copy = malloc(signature.len);
		for (size_t at = 0; at < signature.len; at++) {
			CHECK(key_verify(k, NULL, buf_span(&data),
				  span_of(signature.ptr, at)) != 0);
			memcpy(copy, signature.ptr, signature.len);
			for (int bit = 0; bit < 8; bit++) {
				copy[at] ^= (uint8_t)(1 << bit);
				CHECK(key_verify(k, NULL, buf_span(&data),
					  span_of(copy, signature.len)) != 0);
				copy[at] ^= (uint8_t)(1 << bit);
			}
		}
		free(copy);
		buf_release(&blob);
		buf_release(&data);
		key_unref(k);
	}
}

TEST(certificates_of_and_by_security_keys_are_read)
{
	static const struct {
		const char *name, *type, *key, *ca;
	} rows[] = {
		{ "user_sk_ed25519_by_ed25519-cert", "ED25519-SK-CERT",
		    "sk_ed25519", "ed25519" },
		{ "user_sk_ecdsa_by_ed25519-cert", "ECDSA-SK-CERT", "sk_ecdsa",
		    "ed25519" },
		{ "user_ed25519_by_sk_ecdsa-cert", "ED25519-CERT", "ed25519",
		    "sk_ecdsa" },
	};
	struct certificate_use use = { CERTIFICATE_USER, 1600000000, "user",
		NULL };

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct key *c = public_key(rows[i].name);
		struct key *k = public_key(rows[i].key);
		struct key *ca = public_key(rows[i].ca);
		struct certificate_rights rights;
		struct error e = { 0 };

		CHECK_TEXT(key_row(c)->short_name, rows[i].type);
		CHECK_SPAN(key_plain_blob(c), key_blob(k));
		CHECK(key_equal(key_certificate(c)->ca, ca));
		CHECK_INT(certificate_check(key_certificate(c), &use, &e), 0);
		CHECK_INT(
		    certificate_rights_read(key_certificate(c), &rights, &e),
		    0);
		CHECK_INT(rights.touch_not_required, i < 2);
		certificate_rights_release(&rights);
		key_unref(c);
		key_unref(k);
		key_unref(ca);
	}
}

/* ---- damage ---- */

static unsigned
next_number(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 8;
}

/* Whatever comes of it is no crash; what is still read can be written. */
TEST(changed_private_fields_are_errors)
{
	unsigned state = 1, refused = 0;

	for (int i = 0; i < MUTATIONS; i++) {
		struct key *k = private_key(vectors[i % 2].name), *other;
		struct buf b = BUF_SECRET_INIT, again = BUF_SECRET_INIT;
		struct reader rd;

		CHECK_INT(key_write_private(k, &b), 0);
		for (unsigned n = next_number(&state) % 4 + 1; n > 0; n--)
			b.data[next_number(&state) % b.len] ^=
			    (uint8_t)(1 << next_number(&state) % 8);
		if (next_number(&state) % 4 == 0)
			buf_truncate(&b, next_number(&state) % b.len);
		rd = reader_of(buf_span(&b));
		if (key_read_private(&rd, &other) == 0) {
			CHECK_INT(key_write_private(other, &again), 0);
			CHECK_SPAN(
			    buf_span(&again), span_of(b.data, b.len - rd.len));
			key_unref(other);
		} else {
			refused++;
		}
		buf_release(&b);
		buf_release(&again);
		key_unref(k);
	}
	CHECK(refused > MUTATIONS / 4);
}

TEST(fields_have_limits)
{
	const char *type = "sk-ssh-ed25519@openssh.com";
	struct span point = span_of("01234567890123456789012345678901", 32);
	struct buf large = BUF_INIT;
	struct key *k;

	memset(buf_reserve(&large, 20000), 'a', 20000);
	buf_extend(&large, 20000);
	CHECK_INT(
	    key_sk_make(type, point, "ssh:", 1, span_text("handle"), &k), 0);
	CHECK_TEXT(key_application(k), "ssh:");
	CHECK_INT(key_sk_flags(k), 1);
	CHECK(span_is(key_sk_handle(k), "handle"));
	key_unref(k);
	CHECK_INT(key_sk_make(type, point, "ssh:", 1, buf_span(&large), &k),
	    ERR_KEY_FORMAT);
	CHECK_INT(key_sk_make(type, point, buf_text(&large), 1,
		      span_text("handle"), &k),
	    ERR_KEY_FORMAT);
	CHECK(key_sk_make(type, span_of(point.ptr, 31), "ssh:", 1,
		  span_text("handle"), &k) != 0);
	CHECK_INT(key_sk_make(
		      "ssh-ed25519", point, "ssh:", 1, span_text("handle"), &k),
	    ERR_KEY_TYPE);
	CHECK_INT(key_sk_make("sk-ssh-ed25519-cert-v01@openssh.com", point,
		      "ssh:", 1, span_text("handle"), &k),
	    ERR_KEY_TYPE);
	buf_release(&large);
}

/* ---- WebAuthn ---- */

struct browser {
	EVP_PKEY *pkey;
	struct key *key;
	const char *origin, *client_data_start, *extensions;
	uint8_t flags;
};

static void
browser_open(struct browser *b)
{
	uint8_t point[65];
	size_t len;

	*b = (struct browser){ .pkey = EVP_EC_gen("prime256v1"),
		.origin = "https://example.org",
		.client_data_start =
		    "{\"type\":\"webauthn.get\",\"challenge\":\"",
		.extensions = "",
		.flags = 5 };
	CHECK(EVP_PKEY_get_octet_string_param(
		  b->pkey, "pub", point, sizeof(point), &len) == 1);
	CHECK_INT(key_sk_make("sk-ecdsa-sha2-nistp256@openssh.com",
		      span_of(point, len), "example.org", 1,
		      span_text("handle"), &b->key),
	    0);
}

static void
browser_close(struct browser *b)
{
	EVP_PKEY_free(b->pkey);
	key_unref(b->key);
}

static void
write_sha256(struct buf *out, struct span data)
{
	uint8_t hash[DIGEST_MAX];

	CHECK_INT(digest_of(DIGEST_SHA256, data, hash), 0);
	write_bytes(out, hash, 32);
}

static void
write_number(struct buf *out, const BIGNUM *n)
{
	uint8_t bytes[64];

	write_mpint(out, span_of(bytes, (size_t)BN_bn2bin(n, bytes)));
}

static void
browser_sign_bytes(const struct browser *b, struct span data, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *p = der;
	size_t len = sizeof(der), mark;
	ECDSA_SIG *sig;

	CHECK(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, b->pkey) == 1);
	CHECK(EVP_DigestSign(ctx, der, &len, data.ptr, data.len) == 1);
	CHECK((sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) != NULL);
	mark = write_string_begin(out);
	write_number(out, ECDSA_SIG_get0_r(sig));
	write_number(out, ECDSA_SIG_get0_s(sig));
	write_string_end(out, mark);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* A signature over data, of which challenge is the base64url. */
static void
browser_sign(const struct browser *b, const char *challenge, struct buf *out)
{
	struct buf client = BUF_INIT, covered = BUF_INIT;

	buf_printf(&client, "%s%s\",\"origin\":\"%s\",\"crossOrigin\":false}",
	    b->client_data_start, challenge, b->origin);
	write_sha256(&covered, span_text(key_application(b->key)));
	write_byte(&covered, b->flags);
	write_uint32(&covered, 77);
	write_span(&covered, span_text(b->extensions));
	write_sha256(&covered, buf_span(&client));
	write_text(out, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com");
	browser_sign_bytes(b, buf_span(&covered), out);
	write_byte(out, b->flags);
	write_uint32(out, 77);
	write_text(out, b->origin);
	write_string(out, buf_span(&client));
	write_text(out, b->extensions);
	buf_release(&client);
	buf_release(&covered);
}

static int
browser_check(const struct browser *b, const char *challenge,
    struct signature_facts *facts)
{
	const struct signature_algorithm *a = signature_find(
	    span_text("webauthn-sk-ecdsa-sha2-nistp256@openssh.com"));
	struct buf s = BUF_INIT;
	int r;

	browser_sign(b, challenge, &s);
	r = key_verify_facts(
	    b->key, a, span_text("\xff\xfe\xfd message?"), buf_span(&s), facts);
	buf_release(&s);
	return r;
}

#define CHALLENGE "__79IG1lc3NhZ2U_"

TEST(signatures_of_browsers_verify)
{
	struct signature_facts facts = { 0 };
	struct browser b;

	browser_open(&b);
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), 0);
	CHECK(facts.is_security_key);
	CHECK_INT(facts.flags, KEY_SK_TOUCHED | KEY_SK_VERIFIED);
	CHECK_INT(facts.counter, 77);
	b.flags = 0x85;
	b.extensions = "\xa1\x61x\x01";
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), 0);
	browser_close(&b);
}

TEST(signatures_of_browsers_for_something_else_do_not)
{
	struct signature_facts facts;
	struct browser b;

	browser_open(&b);
	CHECK_INT(browser_check(&b, "AAAA", &facts), ERR_SIGNATURE);
	CHECK_INT(browser_check(&b, CHALLENGE "=", &facts), ERR_SIGNATURE);
	b.client_data_start = "{\"type\":\"webauthn.create\",\"challenge\":\"";
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), ERR_SIGNATURE);
	browser_close(&b);
	browser_open(&b);
	b.origin = "https://a\",\"x\":\"";
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), ERR_FORMAT);
	b.origin = "https://example.org";
	b.flags = 0x45; /* credential data have no place here */
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), ERR_FORMAT);
	b.flags = 0x85; /* extensions that are not there */
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), ERR_FORMAT);
	b.flags = 5;
	b.extensions = "x";
	CHECK_INT(browser_check(&b, CHALLENGE, &facts), ERR_FORMAT);
	browser_close(&b);
}

TEST(changed_signatures_of_browsers_are_errors)
{
	unsigned state = 7;
	struct browser b;
	struct buf s = BUF_INIT;

	browser_open(&b);
	browser_sign(&b, CHALLENGE, &s);
	CHECK_INT(key_verify(b.key, NULL, span_text("\xff\xfe\xfd message?"),
		      buf_span(&s)),
	    0);
	for (int i = 0; i < MUTATIONS; i++) {
		size_t at = next_number(&state) % s.len;
		uint8_t bit = (uint8_t)(1 << next_number(&state) % 8);
		size_t len = i % 3 == 0 ? next_number(&state) % s.len : s.len;

		s.data[at] ^= bit;
		CHECK(
		    key_verify(b.key, NULL, span_text("\xff\xfe\xfd message?"),
			span_of(s.data, len)) != 0);
		s.data[at] ^= bit;
	}
	buf_release(&s);
	browser_close(&b);
}

TEST(nothing_here_signs_as_a_browser)
{
	struct key *k = public_key("sk_ecdsa");

	CHECK(key_choose_signature(k,
		  span_text("webauthn-sk-ecdsa-sha2-nistp256@openssh.com")) ==
	      NULL);
	CHECK_TEXT(key_choose_signature(k, span_of(NULL, 0))->name,
	    "sk-ecdsa-sha2-nistp256@openssh.com");
	key_unref(k);
}
