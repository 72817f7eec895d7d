/*
 * allowed_signers_test.c - lines that say whose signatures count.
 */
#include "common/key/allowed_signers.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "tests/unit/unit.h"

#define T1980 315532800
#define T1985 473385600
#define T1990 631152000

static struct key *
generate(void)
{
	struct key *k;

	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	return k;
}

static char *
line_with(const char *front, const struct key *k)
{
	char *line = key_public_line(k, "a comment");
	char *whole = text_format("%s%s", front, line);

	CHECK(line != NULL && whole != NULL);
	free(line);
	return whole;
}

static int
parse(const char *front, const struct key *k, struct allowed_signer *ret,
    struct error *e)
{
	char *line = line_with(front, k);
	int r = allowed_signer_parse(span_text(line), ret, e);

	free(line);
	return r;
}

TEST(lines_are_read)
{
	struct key *k = generate();
	struct error e = { 0 };
	struct allowed_signer s;

	setenv("TZ", "UTC", 1);
	CHECK_INT(parse("a@b,*@c ", k, &s, &e), 0);
	CHECK_TEXT(s.principals, "a@b,*@c");
	CHECK(!s.is_ca && s.namespaces == NULL && s.valid_after == 0 &&
	      s.valid_before == UINT64_MAX && key_equal(s.key, k));
	allowed_signer_release(&s);
	CHECK_INT(parse(" \t\"a b,c\"  Cert-Authority,"
			"NAMESPACES=\"git,f*\",valid-after=\"19800101\","
			"valid-before=\"199001010000Z\" \t",
		      k, &s, &e),
	    0);
	CHECK_TEXT(s.principals, "a b,c");
	CHECK_TEXT(s.namespaces, "git,f*");
	CHECK(s.is_ca);
	CHECK_INT(s.valid_after, T1980);
	CHECK_INT(s.valid_before, T1990);
	allowed_signer_release(&s);
	key_unref(k);
}

TEST(empty_lines_and_comments_are_passed_over)
{
	struct allowed_signer s;

	CHECK_INT(allowed_signer_parse(span_text(""), &s, NULL), ERR_NOT_FOUND);
	CHECK_INT(
	    allowed_signer_parse(span_text(" \t"), &s, NULL), ERR_NOT_FOUND);
	CHECK_INT(
	    allowed_signer_parse(span_text(" # x"), &s, NULL), ERR_NOT_FOUND);
}

TEST(bad_lines_are_told)
{
	static const struct {
		const char *front, *said;
	} cases[] = {
		{ "a octopus ", "bad options: unknown key option" },
		{ "a cert-authorityx ", "bad options: unknown key option" },
		{ "a cert-authority, ", "bad options: unknown key option" },
		{ "a cert-authority\"x\" ", "bad options: unknown key option" },
		{ "a namespaces ", "bad options: unknown key option" },
		{ "a namespaces=x ", "bad options: missing start quote" },
		{ "a namespaces=\"x ", "bad options: missing end quote" },
		{ "a namespaces=\"x\",namespaces=\"x\" ",
		    "bad options: multiple \"namespaces\" clauses" },
		{ "a valid-after=\"x\" ",
		    "bad options: invalid \"valid-after\" time" },
		{ "a valid-before=\"0\" ",
		    "bad options: invalid \"valid-before\" time" },
		{ "a valid-before=\"20200101\",valid-before=\"20200101\" ",
		    "bad options: multiple \"valid-before\" clauses" },
		{ "a valid-after=\"20200101\",valid-before=\"20190101\" ",
		    "bad options: \"valid-before\" time is before "
		    "\"valid-after\"" },
		{ "\"a ", "missing end quote of the principals" },
		{ "\"\" ", "missing principals" },
		{ "\"a\"x ", "no blank behind the principals" },
		{ "a ssh-foo ", "bad options: unknown key option" },
		{ "a cert-authority x ",
		    "invalid key: unknown or unsuitable key type" },
	};
	struct key *k = generate();

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct error e = { 0 };
		struct allowed_signer s;

		CHECK_INT(parse(cases[i].front, k, &s, &e), ERR_FORMAT);
		CHECK_TEXT(e.text, cases[i].said);
	}
	key_unref(k);
}

static int
check(const char *front, const struct key *listed, const struct key *k,
    const char *who, uint64_t now, struct error *e)
{
	struct allowed_signer s;
	int r;

	setenv("TZ", "UTC", 1);
	CHECK_INT(parse(front, listed, &s, NULL), 0);
	error_clear(e);
	r = allowed_signer_check(&s, k, who, now, NULL, e);
	allowed_signer_release(&s);
	return r;
}

TEST(a_plain_line_is_for_its_key_and_its_principals)
{
	struct key *k = generate(), *other = generate();
	struct error e = { 0 };

	CHECK_INT(check("a,*@b ", k, k, "a", 1, &e), 0);
	CHECK_INT(check("a,*@b ", k, k, "x@b", 1, &e), 0);
	CHECK_INT(check("a,*@b ", k, k, "b", 1, &e), ERR_NOT_FOUND);
	CHECK_INT(check("a,*@b ", k, k, "A", 1, &e), ERR_NOT_FOUND);
	CHECK_INT(check("!a,* ", k, k, "a", 1, &e), ERR_NOT_FOUND);
	CHECK_INT(check("a ", k, other, "a", 1, &e), ERR_NOT_FOUND);
	CHECK_INT(check("a cert-authority ", k, k, "a", 1, &e), ERR_NOT_FOUND);
	key_unref(k);
	key_unref(other);
}

TEST(a_line_counts_in_its_time)
{
	static const char front[] = "a valid-after=\"19800101\","
				    "valid-before=\"19900101\" ";
	struct key *k = generate();
	struct error e = { 0 };

	CHECK_INT(check(front, k, k, "a", T1980 - 1, &e), ERR_PERMISSION);
	CHECK_TEXT(e.text,
	    "key is not yet valid: verify time 1979-12-31T23:59:59 < "
	    "valid-after 1980-01-01T00:00:00");
	CHECK_INT(check(front, k, k, "a", T1980, &e), 0);
	CHECK_INT(check(front, k, k, "a", T1990, &e), 0);
	CHECK_INT(check(front, k, k, "a", T1990 + 1, &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "key has expired: verify time 1990-01-01T00:00:01 > "
			   "valid-before 1990-01-01T00:00:00");
	key_unref(k);
}

TEST(namespaces_are_patterns)
{
	struct key *k = generate();
	struct allowed_signer s;
	struct error e = { 0 };

	CHECK_INT(parse("a namespaces=\"git,f*,!foo\" ", k, &s, &e), 0);
	CHECK_INT(allowed_signer_check_namespace(&s, "git", &e), 0);
	CHECK_INT(allowed_signer_check_namespace(&s, "file", &e), 0);
	CHECK_INT(
	    allowed_signer_check_namespace(&s, "foo", &e), ERR_PERMISSION);
	CHECK_INT(
	    allowed_signer_check_namespace(&s, "mail", &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "key is not permitted for use in signature "
			   "namespace \"mail\"");
	allowed_signer_release(&s);
	CHECK_INT(parse("a ", k, &s, &e), 0);
	CHECK_INT(allowed_signer_check_namespace(&s, "anything", &e), 0);
	allowed_signer_release(&s);
	key_unref(k);
}

static struct key *
certify(const struct key *subject, const struct key *ca,
    enum certificate_kind kind, const char *names)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = {
		.kind = kind,
		.key_id = "id",
		.principals = &principals,
		.valid_after = T1985,
		.valid_before = T1990,
	};
	struct key *k;

	if (names[0] != '\0')
		CHECK_INT(strings_split(&principals, names, ','), 0);
	CHECK_INT(certificate_sign(subject, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &k),
	    0);
	strings_release(&principals);
	return k;
}

TEST(a_ca_line_is_for_good_certificates_of_that_ca)
{
	static const char front[] = "*@b cert-authority,"
				    "valid-after=\"19800101\" ";
	struct key *k = generate(), *ca = generate(), *other = generate();
	struct key *good = certify(k, ca, CERTIFICATE_USER, "x@b,y");
	struct key *bare = certify(k, ca, CERTIFICATE_USER, "");
	struct key *host = certify(k, ca, CERTIFICATE_HOST, "x@b");
	struct key *elsewhere = certify(k, other, CERTIFICATE_USER, "x@b");
	struct error e = { 0 };

	CHECK_INT(check(front, ca, good, "x@b", T1985, &e), 0);
	/* in the line, not in the certificate; and the reverse */
	CHECK_INT(check(front, ca, good, "z@b", T1985, &e), ERR_PERMISSION);
	CHECK_INT(check(front, ca, good, "y", T1985, &e), ERR_NOT_FOUND);
	CHECK_INT(check(front, ca, good, "x@b", T1985 - 1, &e), ERR_PERMISSION);
	CHECK_INT(check(front, ca, good, "x@b", T1990, &e), ERR_PERMISSION);
	CHECK_INT(check(front, ca, bare, "x@b", T1985, &e), ERR_PERMISSION);
	CHECK_TEXT(e.text, "Certificate lacks principal list");
	CHECK_INT(check(front, ca, bare, NULL, T1985, &e), ERR_PERMISSION);
	CHECK_INT(check(front, ca, host, "x@b", T1985, &e), ERR_PERMISSION);
	CHECK_INT(check(front, ca, elsewhere, "x@b", T1985, &e), ERR_NOT_FOUND);
	CHECK_INT(check(front, ca, k, "x@b", T1985, &e), ERR_NOT_FOUND);
	/* the CA without the mark; the certificate itself listed */
	CHECK_INT(check("*@b ", ca, good, "x@b", T1985, &e), ERR_NOT_FOUND);
	CHECK_INT(check("*@b ", k, good, "x@b", T1985, &e), ERR_NOT_FOUND);
	CHECK_INT(check("*@b ", good, good, "x@b", 1, &e), 0);
	key_unref(k);
	key_unref(ca);
	key_unref(other);
	key_unref(good);
	key_unref(bare);
	key_unref(host);
	key_unref(elsewhere);
}

TEST(those_who_are_meant_are_collected_once_each)
{
	struct key *k = generate(), *ca = generate();
	struct key *c = certify(k, ca, CERTIFICATE_USER, "x@b,y,z@b");
	struct strings who = STRINGS_INIT;
	struct allowed_signer s;
	char *all;

	CHECK_INT(parse("*@b cert-authority ", ca, &s, NULL), 0);
	CHECK_INT(allowed_signer_check(&s, c, NULL, T1985, &who, NULL), 0);
	CHECK_INT(allowed_signer_check(&s, c, NULL, T1985, &who, NULL), 0);
	allowed_signer_release(&s);
	CHECK_INT(parse("me,!you,*@b ", k, &s, NULL), 0);
	CHECK_INT(allowed_signer_check(&s, k, NULL, T1985, &who, NULL), 0);
	allowed_signer_release(&s);
	CHECK_INT(parse("other cert-authority ", ca, &s, NULL), 0);
	CHECK_INT(allowed_signer_check(&s, c, NULL, T1985, &who, NULL),
	    ERR_PERMISSION);
	allowed_signer_release(&s);
	all = strings_join(&who, " ");
	CHECK_TEXT(all, "x@b z@b me *@b");
	free(all);
	strings_release(&who);
	key_unref(k);
	key_unref(ca);
	key_unref(c);
}

TEST(two_thousand_mutated_lines_are_an_error_or_a_line)
{
	struct key *k = generate();
	char *line = line_with("a@b,*@c cert-authority,namespaces=\"git,f*\","
			       "valid-after=\"19800101\","
			       "valid-before=\"199001010000Z\" ",
	    k);
	size_t len = strlen(line);
	struct random_seeded seed;
	struct random_source random;
	int refused = 0;

	random_seeded_init(&seed, 9);
	random = random_seeded_source(&seed);
	for (int i = 0; i < 2000; i++) {
		char *copy = strdup(line);
		struct error e = { 0 };
		struct allowed_signer s;
		uint32_t at[3];
		int r;

		CHECK(copy != NULL);
		CHECK_INT(random_fill(&random, at, sizeof(at)), 0);
		copy[at[0] % len] = (char)at[1];
		r = allowed_signer_parse(
		    span_of(copy, len - (at[2] % 4 == 0 ? at[2] / 4 % len : 0)),
		    &s, &e);
		CHECK((r != 0 && r != ERR_NOT_FOUND) == (e.text[0] != '\0'));
		if (r == 0) {
			CHECK(s.key != NULL && s.principals != NULL);
			IGNORE_RESULT(allowed_signer_names(&s, "a@b"));
			allowed_signer_release(&s);
		}
		refused += r != 0;
		free(copy);
	}
	CHECK(refused > 300);
	free(line);
	key_unref(k);
}
