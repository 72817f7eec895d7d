/*
 * revocation_test.c - files of revoked keys.
 */
#include "common/key/revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "tests/unit/unit.h"

static struct span
line_of(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "keys/%s.pub", name);
	return unit_vector_file(path);
}

static struct key *
load(const char *name)
{
	struct span line = line_of(name);
	struct key *k;

	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	return k;
}

/* Is key `name` revoked by a list of these? */
static bool
is_revoked(const char *name, const char *first, const char *second)
{
	struct buf text = BUF_INIT;
	struct key *k = load(name);
	struct error e = { 0 };
	bool revoked;

	buf_printf(&text, "# a comment\n\n");
	write_span(&text, line_of(first));
	if (second != NULL)
		write_span(&text, line_of(second));
	CHECK_INT(
	    revocation_check_text(buf_span(&text), "F", k, &revoked, &e), 0);
	buf_release(&text);
	key_unref(k);
	return revoked;
}

TEST(listed_keys_are_revoked_and_others_are_not)
{
	CHECK(is_revoked("ed25519", "ed25519", NULL));
	CHECK(is_revoked("ed25519", "rsa1024", "ed25519"));
	CHECK(!is_revoked("ed25519", "rsa1024", "ecdsa256"));
}

TEST(certificates_are_revoked_by_key_ca_or_themselves)
{
	CHECK(is_revoked("host_ed25519_by_rsa512-cert",
	    "host_ed25519_by_rsa512-cert", NULL));
	CHECK(is_revoked("host_ed25519_by_rsa512-cert", "ed25519", NULL));
	CHECK(is_revoked("host_ed25519_by_rsa512-cert", "rsa1024", NULL));
	CHECK(!is_revoked("host_ed25519_by_rsa512-cert", "ecdsa256", NULL));
}

TEST(a_listed_certificate_revokes_its_key)
{
	CHECK(is_revoked("ecdsa256", "user_ecdsa256_by_ed25519-cert", NULL));
	CHECK(!is_revoked("ed25519", "user_ecdsa256_by_ed25519-cert", NULL));
}

TEST(an_empty_list_revokes_nothing)
{
	struct key *k = load("ed25519");
	bool revoked = true;

	CHECK_INT(
	    revocation_check_text(span_text("\n# x\n"), "F", k, &revoked, NULL),
	    0);
	CHECK(!revoked);
	key_unref(k);
}

TEST(what_cannot_be_read_is_an_error)
{
	struct key *k = load("ed25519");
	struct error e = { 0 };
	bool revoked;

	CHECK_INT(
	    revocation_check("/nonexistent", k, &revoked, &e), ERR_NOT_FOUND);
	CHECK_INT(
	    revocation_check_text(span_text("\nfoo\n"), "F", k, &revoked, &e),
	    ERR_FORMAT);
	CHECK_TEXT(e.text, "F, line 2: not a public key");
	CHECK_INT(revocation_check_text(
		      span_text("ssh-ed25519 !!\n"), "F", k, &revoked, &e),
	    ERR_FORMAT);
	CHECK_INT(revocation_check_text(
		      span_text("SSHKRL\nxx"), "F", k, &revoked, &e),
	    ERR_UNSUPPORTED);
	key_unref(k);
}
