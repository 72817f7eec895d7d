/*
 * agent_protocol_test.c - constraints and private keys as the agent protocol
 * has them.
 */
#include "common/agent/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "common/key/key_file.h"
#include "tests/unit/unit.h"

static struct key *
generate(const char *type)
{
	struct key *k;

	CHECK_INT(
	    key_generate(type, strcmp(type, "rsa") == 0 ? 1024 : 0, &k, NULL),
	    0);
	return k;
}

static struct key *
certify(struct key *k, struct key *ca)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { .kind = CERTIFICATE_USER,
		.key_id = "id",
		.principals = &principals,
		.valid_before = CERTIFICATE_FOREVER };
	struct key *certificate;

	CHECK_INT(certificate_sign(k, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &certificate),
	    0);
	return certificate;
}

static char *
text(const char *from)
{
	return strdup(from);
}

static void
set_hop(struct agent_hop *hop, const char *user, const char *name,
    struct key *k, bool is_ca)
{
	hop->user = user == NULL ? NULL : text(user);
	hop->name = name == NULL ? NULL : text(name);
	if (k == NULL)
		return;
	hop->keys = calloc(1, sizeof(*hop->keys));
	hop->keys[0] = (struct agent_host_key){ key_ref(k), is_ca };
	hop->key_count = 1;
}

/* Everything there is at once: "perseus" from here, user at "cetus" from it. */
static void
fill(struct agent_constraints *c, struct key *host, struct key *ca,
    struct key *certificate)
{
	*c = AGENT_CONSTRAINTS_NONE;
	c->lifetime_s = 77;
	c->confirm = true;
	c->sk_provider = text("/usr/lib/sk.so");
	c->destination_count = 2;
	c->destinations = calloc(2, sizeof(*c->destinations));
	set_hop(&c->destinations[0].to, NULL, "perseus", host, false);
	set_hop(&c->destinations[1].from, NULL, "perseus", host, false);
	set_hop(&c->destinations[1].to, "user", "cetus", ca, true);
	c->certificates_only = true;
	c->certificate_count = 1;
	c->certificates = calloc(1, sizeof(*c->certificates));
	c->certificates[0] = key_ref(certificate);
}

TEST(constraints_come_back_as_written)
{
	struct key *host = generate("ed25519"), *ca = generate("ecdsa");
	struct key *certificate = certify(host, ca);
	struct agent_constraints c, back;
	struct buf wire = BUF_INIT, again = BUF_INIT;
	struct reader r;

	fill(&c, host, ca, certificate);
	CHECK(agent_constraints_any(&c));
	agent_write_constraints(&wire, &c);
	CHECK_INT(buf_error(&wire), 0);
	r = reader_of(buf_span(&wire));
	CHECK_INT(agent_read_constraints(&r, &back), 0);
	CHECK_INT(back.lifetime_s, 77);
	CHECK(back.confirm && back.certificates_only);
	CHECK_TEXT(back.sk_provider, "/usr/lib/sk.so");
	CHECK_INT(back.destination_count, 2);
	CHECK(back.destinations[0].from.name == NULL);
	CHECK_TEXT(back.destinations[0].to.name, "perseus");
	CHECK(back.destinations[0].to.user == NULL);
	CHECK_TEXT(back.destinations[1].from.name, "perseus");
	CHECK_TEXT(back.destinations[1].to.user, "user");
	CHECK(back.destinations[1].to.keys[0].is_ca);
	CHECK(key_equal(back.destinations[1].to.keys[0].key, ca));
	CHECK_INT(back.certificate_count, 1);
	CHECK(key_equal(back.certificates[0], certificate));
	agent_write_constraints(&again, &back);
	CHECK_SPAN(buf_span(&again), buf_span(&wire));
	agent_constraints_release(&back);
	agent_constraints_release(&c);
	CHECK(!agent_constraints_any(&c));
	key_unref(host);
	key_unref(ca);
	key_unref(certificate);
	buf_release(&wire);
	buf_release(&again);
}

static int
read_hex(const char *hex)
{
	struct reader r = reader_of(unit_hex(hex));
	struct agent_constraints c;
	int error = agent_read_constraints(&r, &c);

	agent_constraints_release(&c);
	return error;
}

TEST(odd_constraints_are_refused)
{
	CHECK_INT(read_hex(""), 0);
	CHECK_INT(read_hex("02"), 0);
	CHECK_INT(read_hex("01 00000005 02"), 0);
	CHECK_INT(read_hex("01 00000005 01 00000006"), ERR_FORMAT);
	CHECK_INT(read_hex("02 02"), ERR_FORMAT);
	CHECK_INT(read_hex("01 00000000"), ERR_FORMAT);
	CHECK_INT(read_hex("01 000000"), ERR_FORMAT);
	CHECK_INT(read_hex("03 00000001"), ERR_UNSUPPORTED);
	CHECK_INT(read_hex("00"), ERR_UNSUPPORTED);
	/* An extension that nobody knows, and one cut off. */
	CHECK_INT(read_hex("ff 00000003 782d79"), ERR_UNSUPPORTED);
	CHECK_INT(read_hex("ff 00000003 782d"), ERR_FORMAT);
}

/* One destination constraint, written by hand. */
static int
read_hops(const char *from_user, const char *from, struct key *from_key,
    const char *to, struct key *to_key)
{
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE, back;
	struct buf wire = BUF_INIT;
	struct reader r;
	int error;

	c.destination_count = 1;
	c.destinations = calloc(1, sizeof(*c.destinations));
	set_hop(&c.destinations[0].from, from_user, from, from_key, false);
	set_hop(&c.destinations[0].to, "user", to, to_key, false);
	agent_write_constraints(&wire, &c);
	r = reader_of(buf_span(&wire));
	error = agent_read_constraints(&r, &back);
	agent_constraints_release(&back);
	agent_constraints_release(&c);
	buf_release(&wire);
	return error;
}

TEST(destinations_must_be_complete)
{
	struct key *k = generate("ed25519");

	CHECK_INT(read_hops(NULL, NULL, NULL, "to", k), 0);
	CHECK_INT(read_hops(NULL, "from", k, "to", k), 0);
	CHECK_INT(read_hops("user", "from", k, "to", k), ERR_FORMAT);
	CHECK_INT(read_hops(NULL, "from", NULL, "to", k), ERR_FORMAT);
	CHECK_INT(read_hops(NULL, NULL, k, "to", k), ERR_FORMAT);
	CHECK_INT(read_hops(NULL, NULL, NULL, "to", NULL), ERR_FORMAT);
	CHECK_INT(read_hops(NULL, NULL, NULL, NULL, k), ERR_FORMAT);
	key_unref(k);
}

TEST(every_cut_of_constraints_is_refused)
{
	struct key *host = generate("ed25519"), *ca = generate("ecdsa");
	struct key *certificate = certify(host, ca);
	struct agent_constraints c, back;
	struct buf wire = BUF_INIT;
	size_t whole = 0;

	fill(&c, host, ca, certificate);
	agent_write_constraints(&wire, &c);
	for (size_t n = 0; n <= wire.len; n++) {
		struct reader r = reader_of(span_of(wire.data, n));

		/* A cut between two constraints leaves what is whole. */
		if (agent_read_constraints(&r, &back) == 0)
			whole++;
		agent_constraints_release(&back);
	}
	CHECK_INT(whole, 6);
	agent_constraints_release(&c);
	key_unref(host);
	key_unref(ca);
	key_unref(certificate);
	buf_release(&wire);
}

static void
check_key(const char *type, bool with_certificate)
{
	struct key *k = generate(type), *ca = generate("ed25519");
	struct key *certificate = with_certificate ? certify(k, ca) : NULL;
	struct key *back = NULL, *back_certificate = NULL;
	struct buf wire = BUF_SECRET_INIT, one = BUF_SECRET_INIT;
	struct buf two = BUF_SECRET_INIT;
	struct reader r;

	CHECK_INT(agent_write_key(&wire, k, certificate), 0);
	write_text(&wire, "comment");
	r = reader_of(buf_span(&wire));
	CHECK_INT(agent_read_key(&r, &back, &back_certificate), 0);
	CHECK(span_is(read_string(&r), "comment"));
	CHECK_INT(read_end(&r), 0);
	CHECK(key_equal(back, k) && key_has_private(back));
	CHECK_INT(key_write_private(k, &one), 0);
	CHECK_INT(key_write_private(back, &two), 0);
	CHECK_SPAN(buf_span(&two), buf_span(&one));
	if (with_certificate)
		CHECK(key_equal(back_certificate, certificate));
	else
		CHECK(back_certificate == NULL);
	/* Neither may a byte of the key be missing. */
	for (size_t n = 0; n < wire.len - 4 - strlen("comment"); n++) {
		struct key *none = NULL;

		r = reader_of(span_of(wire.data, n));
		CHECK(agent_read_key(&r, &none, &none) != 0);
	}
	key_unref(k);
	key_unref(ca);
	key_unref(certificate);
	key_unref(back);
	key_unref(back_certificate);
	buf_release(&wire);
	buf_release(&one);
	buf_release(&two);
}

TEST(keys_come_back_as_written)
{
	check_key("ed25519", false);
	check_key("ecdsa", false);
	check_key("rsa", false);
}

TEST(keys_with_certificates_come_back_as_written)
{
	check_key("ed25519", true);
	check_key("ecdsa", true);
	check_key("ecdsa-sha2-nistp384", true);
	check_key("ecdsa-sha2-nistp521", true);
	check_key("rsa", true);
}

TEST(a_certificate_of_another_key_is_refused)
{
	struct key *k = generate("ed25519"), *other = generate("ed25519");
	struct key *certificate = certify(other, k);
	struct key *back, *back_certificate;
	struct buf wire = BUF_SECRET_INIT, private = BUF_SECRET_INIT;
	struct reader r;

	CHECK_INT(agent_write_key(&wire, k, certificate), ERR_KEY_TYPE);
	CHECK_INT(agent_write_key(&wire, k, other), ERR_KEY_TYPE);
	CHECK_INT(wire.len, 0);
	CHECK_INT(key_write_private(k, &private), 0);
	write_text(&wire, key_type_name(certificate));
	write_string(&wire, key_blob(certificate));
	write_bytes(&wire, private.data + 4 + strlen("ssh-ed25519"),
	    private.len - 4 - strlen("ssh-ed25519"));
	r = reader_of(buf_span(&wire));
	CHECK_INT(agent_read_key(&r, &back, &back_certificate), ERR_KEY_FORMAT);
	key_unref(k);
	key_unref(other);
	key_unref(certificate);
	buf_release(&wire);
	buf_release(&private);
}

TEST(flags_name_the_digest_of_rsa)
{
	CHECK_INT(agent_sign_flags(signature_find(span_text("rsa-sha2-256"))),
	    AGENT_RSA_SHA2_256);
	CHECK_INT(agent_sign_flags(signature_find(
		      span_text("rsa-sha2-512-cert-v01@openssh.com"))),
	    AGENT_RSA_SHA2_512);
	CHECK_INT(agent_sign_flags(signature_find(span_text("ssh-rsa"))), 0);
	CHECK_INT(
	    agent_sign_flags(signature_find(span_text("ssh-ed25519"))), 0);
}
