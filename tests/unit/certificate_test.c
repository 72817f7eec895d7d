/*
 * certificate_test.c - certificates: those that OpenSSH made, and our own.
 */
#include "common/key/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key_file.h"
#include "tests/unit/unit.h"

#define T2020 1577836800
#define T2040 2208988800

static struct key *
load(const char *name)
{
	char path[96];
	struct span line;
	struct key *k;

	snprintf(path, sizeof(path), "keys/%s.pub", name);
	line = unit_vector_file(path);
	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	return k;
}

static struct key *
generate(const char *type)
{
	struct key *k;

	CHECK_INT(
	    key_generate(type, strcmp(type, "rsa") == 0 ? 1024 : 0, &k, NULL),
	    0);
	return k;
}

static int
check(const struct key *k, enum certificate_kind kind, uint64_t now,
    const char *name, struct error *e)
{
	struct certificate_use use = { kind, now, name, NULL };

	return certificate_check(key_certificate(k), &use, e);
}

/* ---- reading ---- */

TEST(certificates_of_openssh_are_read)
{
	static const struct {
		const char *name, *key, *ca, *type, *algorithm, *key_id;
		enum certificate_kind kind;
		uint64_t serial;
	} cases[] = {
		{ "user_ed25519_by_ed25519-cert", "ed25519", "ed25519",
		    "ED25519-CERT", "ssh-ed25519", "user all", CERTIFICATE_USER,
		    42 },
		{ "user_ecdsa256_by_ed25519-cert", "ecdsa256", "ed25519",
		    "ECDSA-CERT", "ssh-ed25519", "id ecdsa256",
		    CERTIFICATE_USER, 7 },
		{ "user_ecdsa384_by_ed25519-cert", "ecdsa384", "ed25519",
		    "ECDSA-CERT", "ssh-ed25519", "id ecdsa384",
		    CERTIFICATE_USER, 7 },
		{ "user_ecdsa521_by_ed25519-cert", "ecdsa521", "ed25519",
		    "ECDSA-CERT", "ssh-ed25519", "id ecdsa521",
		    CERTIFICATE_USER, 7 },
		{ "user_rsa1024_by_ed25519-cert", "rsa1024", "ed25519",
		    "RSA-CERT", "ssh-ed25519", "id rsa1024", CERTIFICATE_USER,
		    7 },
		{ "user_dsa_by_ed25519-cert", "dsa", "ed25519", "DSA-CERT",
		    "ssh-ed25519", "id dsa", CERTIFICATE_USER, 7 },
		{ "host_ed25519_by_rsa512-cert", "ed25519", "rsa1024",
		    "ED25519-CERT", "rsa-sha2-512", "host", CERTIFICATE_HOST,
		    UINT64_MAX },
		{ "host_rsa1024_by_rsa256-cert", "rsa1024", "rsa1024",
		    "RSA-CERT", "rsa-sha2-256", "host", CERTIFICATE_HOST, 0 },
		{ "user_ed25519_by_ecdsa521-cert", "ed25519", "ecdsa521",
		    "ED25519-CERT", "ecdsa-sha2-nistp521", "ec521",
		    CERTIFICATE_USER, 0 },
		{ "user_ecdsa256_bare-cert", "ecdsa256", "ecdsa256",
		    "ECDSA-CERT", "ecdsa-sha2-nistp256", "bare",
		    CERTIFICATE_USER, 0 },
		{ "user_ed25519_by_sha1-cert", "ed25519", "rsa1024",
		    "ED25519-CERT", "ssh-rsa", "sha1", CERTIFICATE_USER, 0 },
		{ "user_ed25519_by_dsa-cert", "ed25519", "dsa", "ED25519-CERT",
		    "ssh-dss", "dsa", CERTIFICATE_USER, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct key *k = load(cases[i].name),
			   *plain = load(cases[i].key);
		struct key *ca = load(cases[i].ca);
		const struct certificate *c = key_certificate(k);
		char *one = key_fingerprint(k, DIGEST_SHA256);
		char *two = key_fingerprint(plain, DIGEST_SHA256);

		CHECK(c != NULL);
		CHECK_TEXT(key_row(k)->short_name, cases[i].type);
		CHECK_SPAN(key_plain_blob(k), key_blob(plain));
		CHECK_SPAN(key_plain_blob(plain), key_blob(plain));
		CHECK(!key_equal(k, plain));
		CHECK_TEXT(one, two);
		CHECK_INT(key_bits(k), key_bits(plain));
		CHECK(key_equal(c->ca, ca));
		CHECK_TEXT(c->ca_algorithm->name, cases[i].algorithm);
		CHECK_TEXT(c->key_id, cases[i].key_id);
		CHECK_INT(c->kind, cases[i].kind);
		CHECK(c->serial == cases[i].serial);
		CHECK(key_certificate(plain) == NULL);
		CHECK(!key_has_private(k));
		free(one);
		free(two);
		key_unref(k);
		key_unref(plain);
		key_unref(ca);
	}
}

TEST(options_principals_and_validity_are_read)
{
	struct key *k = load("user_ed25519_by_ed25519-cert");
	const struct certificate *c = key_certificate(k);
	struct span rest = buf_span(&c->critical), name, data;

	CHECK_INT(c->principals.count, 2);
	CHECK_TEXT(c->principals.item[0], "alice");
	CHECK_TEXT(c->principals.item[1], "bob");
	CHECK_INT(c->valid_after, T2020);
	CHECK_INT(c->valid_before, T2040);
	CHECK(certificate_option_next(&rest, &name, &data));
	CHECK(span_is(name, "foo@example.com"));
	CHECK_SPAN(data, unit_hex("00000003626172"));
	CHECK(certificate_option_next(&rest, &name, &data));
	CHECK(span_is(name, "force-command"));
	CHECK(certificate_option_next(&rest, &name, &data));
	CHECK(span_is(name, "source-address"));
	CHECK(!certificate_option_next(&rest, &name, &data));
	key_unref(k);
	k = load("host_rsa1024_by_rsa256-cert");
	CHECK_INT(key_certificate(k)->valid_after, 0);
	CHECK_INT(key_certificate(k)->principals.count, 0);
	key_unref(k);
	k = load("user_dsa_by_ed25519-cert");
	CHECK(key_certificate(k)->valid_before == CERTIFICATE_FOREVER);
	key_unref(k);
}

TEST(every_shorter_and_longer_certificate_is_refused)
{
	struct key *k = load("user_ed25519_by_ed25519-cert"), *other;
	struct span blob = key_blob(k);
	struct buf longer = BUF_INIT;

	for (size_t i = 0; i < blob.len; i++)
		CHECK(key_from_blob(span_of(blob.ptr, i), &other) != 0);
	write_span(&longer, blob);
	write_byte(&longer, 0);
	CHECK_INT(key_from_blob(buf_span(&longer), &other), ERR_KEY_FORMAT);
	buf_release(&longer);
	key_unref(k);
}

static void
refuse_changes(const char *name)
{
	struct key *k = load(name), *other;
	struct buf copy = BUF_INIT;

	write_span(&copy, key_blob(k));
	for (size_t i = 0; i < copy.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			copy.data[i] ^= (uint8_t)(1u << bit);
			if (key_from_blob(buf_span(&copy), &other) == 0)
				FAIL("%s: byte %zu may be changed", name, i);
			copy.data[i] ^= (uint8_t)(1u << bit);
		}
	}
	buf_release(&copy);
	key_unref(k);
}

TEST(no_byte_of_a_certificate_may_be_changed)
{
	refuse_changes("user_ed25519_by_ed25519-cert");
	refuse_changes("host_ed25519_by_rsa512-cert");
	refuse_changes("user_ecdsa256_bare-cert");
}

/* ---- judging ---- */

TEST(time_kind_and_name_are_judged)
{
	struct key *k = load("user_ed25519_by_ed25519-cert");
	struct error e = { 0 };

	CHECK_INT(check(k, CERTIFICATE_USER, T2020, "alice", &e), 0);
	CHECK_INT(check(k, CERTIFICATE_USER, T2040 - 1, "bob", &e), 0);
	CHECK_INT(check(k, CERTIFICATE_USER, T2020, NULL, &e), 0);
	CHECK_INT(
	    check(k, CERTIFICATE_USER, T2020 - 1, "bob", &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "Certificate invalid: not yet valid");
	CHECK_INT(check(k, CERTIFICATE_USER, T2040, "bob", &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "Certificate invalid: expired");
	CHECK_INT(
	    check(k, CERTIFICATE_USER, T2020, "carol", &e), ERR_PERMISSION);
	CHECK_TEXT(
	    e.text, "Certificate invalid: name is not a listed principal");
	CHECK_INT(
	    check(k, CERTIFICATE_USER, T2020, "Alice", &e), ERR_PERMISSION);
	CHECK_INT(
	    check(k, CERTIFICATE_HOST, T2020, "alice", &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "Certificate invalid: not a host certificate");
	key_unref(k);
}

TEST(host_principals_may_hold_wildcards_and_user_principals_not)
{
	struct key *k = load("host_ed25519_by_rsa512-cert");
	struct key *ca = generate("ed25519"), *user;
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { .kind = CERTIFICATE_USER,
		.key_id = "x",
		.principals = &principals,
		.valid_before = CERTIFICATE_FOREVER };

	CHECK_INT(
	    check(k, CERTIFICATE_HOST, T2020, "host.example.com", NULL), 0);
	CHECK_INT(check(k, CERTIFICATE_HOST, T2020, "a.example.org", NULL), 0);
	CHECK_INT(check(k, CERTIFICATE_HOST, T2020, "b.example.com", NULL),
	    ERR_PERMISSION);
	CHECK_INT(check(k, CERTIFICATE_HOST, T2020, "example.org", NULL),
	    ERR_PERMISSION);
	CHECK_INT(strings_add(&principals, "*"), 0);
	CHECK_INT(certificate_sign(ca, &q, ca,
		      signature_find(span_text("ssh-ed25519")), &user),
	    0);
	CHECK_INT(
	    check(user, CERTIFICATE_USER, 1, "root", NULL), ERR_PERMISSION);
	CHECK_INT(check(user, CERTIFICATE_USER, 1, "*", NULL), 0);
	strings_release(&principals);
	key_unref(user);
	key_unref(ca);
	key_unref(k);
}

TEST(a_certificate_without_principals_is_nobodys)
{
	struct key *k = load("user_ecdsa256_bare-cert");
	struct error e = { 0 };

	CHECK_INT(check(k, CERTIFICATE_USER, 1, "root", &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "Certificate lacks principal list");
	key_unref(k);
}

TEST(weak_algorithms_of_a_ca_count_only_where_listed)
{
	struct key *k = load("user_ed25519_by_sha1-cert");
	struct certificate_use use = { CERTIFICATE_USER, 1, "user", NULL };
	struct error e = { 0 };

	CHECK_INT(
	    certificate_check(key_certificate(k), &use, &e), ERR_PERMISSION);
	CHECK_TEXT(
	    e.text, "Certificate signed with disallowed algorithm ssh-rsa");
	use.ca_algorithms = "ssh-ed25519,rsa-sha2-512";
	CHECK_INT(
	    certificate_check(key_certificate(k), &use, &e), ERR_PERMISSION);
	use.ca_algorithms = "ssh-ed25519,ssh-rsa";
	CHECK_INT(certificate_check(key_certificate(k), &use, &e), 0);
	key_unref(k);
}

/* ---- making ---- */

static struct key *
sign(const struct key *subject, const struct key *ca,
    const struct certificate_option *critical, size_t criticals,
    const struct certificate_option *extensions, size_t count)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { CERTIFICATE_USER, 5, "an id",
		&principals, 100, 200, critical, criticals, extensions, count };
	struct key *k;

	CHECK_INT(strings_add(&principals, "user"), 0);
	CHECK_INT(certificate_sign(subject, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &k),
	    0);
	strings_release(&principals);
	return k;
}

TEST(what_was_signed_is_read_for_every_type)
{
	static const char *const types[] = { "ed25519", "ecdsa", "rsa" };

	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		for (size_t j = 0; j < ARRAY_COUNT(types); j++) {
			struct key *subject = generate(types[i]);
			struct key *ca = generate(types[j]), *again;
			struct key *k = sign(subject, ca, NULL, 0, NULL, 0);
			const struct certificate *c = key_certificate(k);

			CHECK_SPAN(key_plain_blob(k), key_blob(subject));
			CHECK(key_equal(c->ca, ca));
			CHECK_INT(c->serial, 5);
			CHECK_TEXT(c->key_id, "an id");
			CHECK_INT(
			    check(k, CERTIFICATE_USER, 100, "user", NULL), 0);
			CHECK_INT(key_from_blob(key_blob(k), &again), 0);
			CHECK(key_equal(k, again));
			key_unref(again);
			key_unref(subject);
			key_unref(ca);
			key_unref(k);
		}
	}
}

TEST(options_are_written_in_order_and_read_as_rights)
{
	static const struct certificate_option critical[] = {
		{ "verify-required", NULL },
		{ "force-command", "ls -l" },
		{ "source-address", "10.0.0.0/8" },
	};
	static const struct certificate_option extensions[] = {
		{ "unknown@example.com", "x" },
		{ "permit-pty", NULL },
		{ "no-touch-required", NULL },
	};
	struct key *ca = generate("ed25519");
	struct key *k = sign(ca, ca, critical, 3, extensions, 3);
	struct certificate_rights rights;
	struct span rest = buf_span(&key_certificate(k)->critical), name, data;

	CHECK(certificate_option_next(&rest, &name, &data));
	CHECK(span_is(name, "force-command"));
	CHECK_INT(
	    certificate_rights_read(key_certificate(k), &rights, NULL), 0);
	CHECK_TEXT(rights.force_command, "ls -l");
	CHECK_TEXT(rights.source_address, "10.0.0.0/8");
	CHECK(rights.verify_required && rights.pty);
	CHECK(rights.touch_not_required);
	CHECK(!rights.user_rc && !rights.agent_forwarding);
	CHECK(!rights.x11_forwarding && !rights.port_forwarding);
	certificate_rights_release(&rights);
	key_unref(k);
	key_unref(ca);
}

TEST(critical_options_that_nobody_knows_are_refused)
{
	struct key *k = load("user_ed25519_by_ed25519-cert");
	struct certificate_rights rights;
	struct error e = { 0 };

	CHECK_INT(certificate_rights_read(key_certificate(k), &rights, &e),
	    ERR_PERMISSION);
	CHECK_TEXT(e.text,
	    "Certificate critical option \"foo@example.com\" is not "
	    "supported");
	key_unref(k);
}

static int
rights_with(const char *name, const char *value)
{
	struct certificate_option o = { name, value };
	struct key *ca = generate("ed25519");
	struct key *k = sign(ca, ca, &o, 1, NULL, 0);
	struct certificate_rights rights;
	int r = certificate_rights_read(key_certificate(k), &rights, NULL);

	if (r == 0)
		certificate_rights_release(&rights);
	key_unref(k);
	key_unref(ca);
	return r;
}

TEST(damaged_critical_options_are_refused)
{
	CHECK_INT(rights_with("force-command", "true"), 0);
	CHECK_INT(rights_with("force-command", NULL), ERR_PERMISSION);
	CHECK_INT(rights_with("source-address", "10.0.0.0/40"), ERR_PERMISSION);
	CHECK_INT(
	    rights_with("source-address", "*.example.com"), ERR_PERMISSION);
	CHECK_INT(rights_with("verify-required", NULL), 0);
	CHECK_INT(rights_with("verify-required", "x"), ERR_PERMISSION);
	CHECK_INT(rights_with("Force-command", "x"), ERR_PERMISSION);
}

TEST(what_cannot_be_signed_is_refused)
{
	static const struct certificate_option twice[] = {
		{ "permit-pty", NULL }, { "permit-pty", NULL }
	};
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-ed25519"));
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { .kind = CERTIFICATE_USER,
		.key_id = "x",
		.principals = &principals };
	struct key *ca = generate("ed25519"), *certificate, *k;
	struct key *public = load("ed25519");

	CHECK_INT(certificate_sign(ca, &q, ca, a, &certificate), 0);
	/* No chains: neither made nor read. */
	CHECK_INT(certificate_sign(ca, &q, certificate, a, &k), ERR_KEY_TYPE);
	CHECK_INT(certificate_sign(ca, &q, public, a, &k), ERR_KEY_TYPE);
	CHECK_INT(certificate_sign(ca, &q, ca,
		      signature_find(span_text("rsa-sha2-512")), &k),
	    ERR_KEY_TYPE);
	q.extensions = twice;
	q.extension_count = 2;
	CHECK_INT(certificate_sign(ca, &q, ca, a, &k), ERR_ARGUMENT);
	q.extension_count = 0;
	for (int i = 0; i <= CERTIFICATE_PRINCIPALS_MAX; i++)
		CHECK_INT(strings_add(&principals, "p"), 0);
	CHECK_INT(certificate_sign(ca, &q, ca, a, &k), ERR_LIMIT);
	strings_release(&principals);
	key_unref(public);
	key_unref(certificate);
	key_unref(ca);
}

TEST(a_ca_that_is_a_certificate_is_refused)
{
	struct key *k = load("user_ed25519_by_ed25519-cert"), *other;
	struct key *ca = generate("ed25519");
	struct strings none = STRINGS_INIT;
	struct buf b = BUF_INIT, s = BUF_INIT;

	write_text(&b, "ssh-ed25519-cert-v01@openssh.com");
	write_text(&b, "nonce");
	write_string(&b, span_of(key_blob(ca).ptr + 19, 32));
	write_uint64(&b, 0);
	write_uint32(&b, CERTIFICATE_USER);
	for (int i = 0; i < 2; i++)
		write_text(&b, "");
	write_uint64(&b, 0);
	write_uint64(&b, UINT64_MAX);
	for (int i = 0; i < 3; i++)
		write_text(&b, "");
	write_string(&b, key_blob(k));
	CHECK_INT(key_sign(ca, signature_find(span_text("ssh-ed25519")),
		      buf_span(&b), &s),
	    0);
	write_string(&b, buf_span(&s));
	CHECK_INT(key_from_blob(buf_span(&b), &other), ERR_KEY_TYPE);
	strings_release(&none);
	buf_release(&b);
	buf_release(&s);
	key_unref(ca);
	key_unref(k);
}

/* ---- signatures with certificates ---- */

TEST(a_plain_key_signs_for_its_certificate)
{
	static const char *const types[] = { "ed25519", "ecdsa", "rsa" };

	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		struct key *plain = generate(types[i]);
		struct key *ca = generate("ed25519");
		struct key *k = sign(plain, ca, NULL, 0, NULL, 0);
		const struct signature_algorithm *a =
		    key_choose_signature(k, span_of(NULL, 0));
		struct span data = span_text("data"), name;
		struct buf s = BUF_INIT;
		struct reader rd;

		CHECK(a != NULL && signature_is_of_certificate(a));
		CHECK_INT(key_sign(k, a, data, &s), ERR_KEY_TYPE);
		CHECK_INT(key_sign(plain, a, data, &s), 0);
		rd = reader_of(buf_span(&s));
		name = read_string(&rd);
		CHECK(span_is(name, a->plain));
		CHECK_INT(key_verify(k, a, data, buf_span(&s)), 0);
		CHECK_INT(key_verify(k, NULL, data, buf_span(&s)), 0);
		CHECK_INT(
		    key_verify(plain, a, data, buf_span(&s)), ERR_KEY_TYPE);
		CHECK_INT(
		    key_verify(k, signature_find(name), data, buf_span(&s)),
		    ERR_KEY_TYPE);
		buf_release(&s);
		key_unref(k);
		key_unref(plain);
		key_unref(ca);
	}
}
