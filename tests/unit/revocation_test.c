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
	    revocation_check_bytes(buf_span(&text), "F", k, &revoked, &e), 0);
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

	CHECK_INT(revocation_check_bytes(
		      span_text("\n# x\n"), "F", k, &revoked, NULL),
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
	    revocation_check_bytes(span_text("\nfoo\n"), "F", k, &revoked, &e),
	    ERR_FORMAT);
	CHECK_TEXT(e.text, "F, line 2: not a public key");
	CHECK_INT(revocation_check_bytes(
		      span_text("ssh-ed25519 !!\n"), "F", k, &revoked, &e),
	    ERR_FORMAT);
	CHECK_INT(revocation_check_bytes(
		      span_text("SSHKRL\nxx"), "F", k, &revoked, &e),
	    ERR_FORMAT);
	CHECK_TEXT(e.text, "F: damaged key revocation list: its header is cut");
	key_unref(k);
}

/* A key behind the one that was found counts too: who cut the file may have
 * meant more. */
TEST(a_damaged_line_behind_the_key_is_an_error)
{
	static const char *const damaged[] = { "foo", "ssh-ed25519 AAAA",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII", "ssh-rsa AAAAB3Nz",
		"ssh-ed25519-cert-v01@openssh.com AAAA" };
	struct key *k = load("ed25519");

	for (size_t i = 0; i < ARRAY_COUNT(damaged); i++) {
		struct buf text = BUF_INIT;
		bool revoked;

		write_span(&text, line_of("ed25519"));
		buf_printf(&text, "%s\n", damaged[i]);
		CHECK(revocation_check_bytes(
			  buf_span(&text), "F", k, &revoked, NULL) != 0);
		buf_release(&text);
	}
	key_unref(k);
}
