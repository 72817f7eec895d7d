/*
 * key_convert_test.c - keys in the formats of other programs, as OpenSSH,
 * openssl and puttygen wrote them (tests/vectors/keys), and damaged ones.
 */
#include "common/key/key_convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "tests/unit/unit.h"

#define MUTATIONS 2000

static struct span
vector_file(const char *name, const char *suffix)
{
	char path[128];

	snprintf(path, sizeof(path), "keys/%s%s", name, suffix);
	return unit_vector_file(path);
}

static struct key *
public_vector(const char *name)
{
	struct span line = vector_file(name, ".pub");
	struct key *k;

	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	return k;
}

static void
check_import(struct span text, const char *passphrase, const char *public,
    bool is_private)
{
	struct key *k = NULL, *want = public_vector(public);
	struct error e = { 0 };

	if (key_import_rfc4716(text, passphrase, &k, &e) != 0)
		FAIL("%s: %s", public, e.text);
	CHECK(key_equal(k, want));
	CHECK(key_has_private(k) == is_private);
	key_unref(k);
	key_unref(want);
}

/* The text with its line ends replaced. */
static void
with_line_ends(struct span text, const char *ends, struct buf *out)
{
	struct span line;

	while (line_next(&text, &line)) {
		write_span(out, line);
		write_span(out, span_text(ends));
	}
}

TEST(public_files_of_openssh_are_read)
{
	static const char *const names[] = { "rsa1024", "dsa", "ecdsa256",
		"ecdsa521", "ed25519" };
	static const char *const ends[] = { "\n", "\r", "\r\n" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		for (size_t j = 0; j < ARRAY_COUNT(ends); j++) {
			struct buf text = BUF_INIT;

			with_line_ends(
			    vector_file(names[i], ".rfc4716"), ends[j], &text);
			check_import(buf_span(&text), NULL, names[i], false);
			buf_release(&text);
		}
}

TEST(private_files_of_ssh_communications_are_read)
{
	static const char *const names[] = { "rsa1024", "dsa" };
	struct error e = { 0 };
	struct key *k;

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct span locked = vector_file(names[i], "_sshcom_encrypted");

		check_import(
		    vector_file(names[i], "_sshcom"), NULL, names[i], true);
		check_import(locked, "sesame", names[i], true);
		CHECK_INT(
		    key_import_rfc4716(locked, NULL, &k, &e), ERR_PASSPHRASE);
		CHECK_INT(key_import_rfc4716(locked, "Sesame", &k, &e),
		    ERR_PASSPHRASE);
	}
}

TEST(public_pem_files_are_read_and_written_alike)
{
	static const struct {
		const char *name, *suffix;
		enum key_format format;
	} rows[] = {
		{ "rsa1024", ".spki", KEY_FORMAT_PKCS8 },
		{ "rsa1024", ".pkcs1", KEY_FORMAT_PEM },
		{ "dsa", ".spki", KEY_FORMAT_PKCS8 },
		{ "ecdsa256", ".spki", KEY_FORMAT_PKCS8 },
		{ "ecdsa256", ".spki", KEY_FORMAT_PEM },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct span file = vector_file(rows[i].name, rows[i].suffix);
		struct key *k = NULL, *want = public_vector(rows[i].name);
		struct buf out = BUF_INIT;
		struct error e = { 0 };

		if (key_import_pem(file, &k, &e) != 0)
			FAIL("%s: %s", rows[i].name, e.text);
		CHECK(key_equal(k, want));
		CHECK_INT(key_export_pem(k, rows[i].format, &out, &e), 0);
		CHECK(span_equal(buf_span(&out), file));
		buf_release(&out);
		key_unref(k);
		key_unref(want);
	}
}

TEST(ed25519_keys_of_openssl_are_read)
{
	struct span file = vector_file("ed25519_openssl", ".spki");
	struct buf out = BUF_INIT;
	struct error e = { 0 };
	struct key *k;

	CHECK_INT(key_import_pem(file, &k, &e), 0);
	CHECK_TEXT(key_type_name(k), "ssh-ed25519");
	CHECK_INT(key_export_pem(k, KEY_FORMAT_PKCS8, &out, &e), 0);
	CHECK(span_equal(buf_span(&out), file));
	buf_release(&out);
	key_unref(k);
}

static void
check_comment(const char *comment)
{
	struct key *k = public_vector("ed25519"), *again;
	struct buf out = BUF_INIT;
	struct span rest, line;
	struct error e = { 0 };

	CHECK_INT(key_export_rfc4716(k, comment, &out), 0);
	rest = buf_span(&out);
	while (line_next(&rest, &line))
		CHECK(line.len <= 72);
	CHECK_INT(key_import_rfc4716(buf_span(&out), NULL, &again, &e), 0);
	CHECK(key_equal(k, again));
	CHECK_TEXT(key_comment(again), comment == NULL ? "" : comment);
	key_unref(k);
	key_unref(again);
	buf_release(&out);
}

TEST(comments_survive_and_long_lines_are_continued)
{
	char text[901];

	check_comment(NULL);
	check_comment("me@here");
	check_comment("a \"quoted\" one: with a colon");
	for (size_t len = 55; len < 150; len++) {
		memset(text, 'c', len);
		text[len] = '\0';
		check_comment(text);
	}
	memset(text, 'x', 900);
	text[900] = '\0';
	check_comment(text);
}

TEST(other_headers_and_text_around_are_ignored)
{
	struct key *k = public_vector("ed25519"), *again;
	struct buf text = BUF_INIT;
	struct error e = { 0 };

	buf_printf(&text, "Dear reader,\n\n---- BEGIN SSH2 PUBLIC KEY ----\n"
			  "Subject: me\nx-own: long \\\ncontinued \\\ntwice\n"
			  "COMMENT: plain\n");
	base64_write(&text, key_blob(k), 40);
	buf_printf(&text, "---- END SSH2 PUBLIC KEY ----\nregards\n");
	CHECK_INT(key_import_rfc4716(buf_span(&text), NULL, &again, &e), 0);
	CHECK(key_equal(k, again));
	CHECK_TEXT(key_comment(again), "plain");
	key_unref(k);
	key_unref(again);
	buf_release(&text);
}

static void
check_refused(const char *text, const char *sentence)
{
	struct error e = { 0 };
	struct key *k;

	CHECK(key_import_rfc4716(span_text(text), NULL, &k, &e) < 0);
	CHECK_TEXT(e.text, sentence);
}

TEST(what_is_no_key_is_refused_with_a_reason)
{
	struct error e = { 0 };
	struct key *k;

	check_refused("", "not an SSH2 key file: no line \"---- BEGIN SSH2 "
			  "... KEY ----\"");
	check_refused("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n",
	    "the END line of the file is missing");
	check_refused("---- BEGIN SSH2 PUBLIC KEY ----\nA*AA\n"
		      "---- END SSH2 PUBLIC KEY ----\n",
	    "what is between BEGIN and END is not base64");
	check_refused("---- BEGIN SSH2 POTATO ----\nAAAA\n",
	    "neither a public nor a private SSH2 key");
	check_refused("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n"
		      "---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
	    "damaged SSH2 private key: it does not begin as one");
	CHECK_INT(key_import_pem(span_text("no"), &k, &e), ERR_KEY_FORMAT);
}

/* ---- damaged files ---- */

static uint32_t
chance(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* One to four changes: a bit, a byte, a piece left out, a piece twice, the
 * end cut off. */
static void
mutate(struct span text, uint32_t seed, struct buf *out)
{
	uint32_t state = seed;

	buf_clear(out);
	write_span(out, text);
	for (uint32_t n = 1 + chance(&state) % 4; n > 0 && out->len > 8; n--) {
		size_t at = chance(&state) % (out->len - 4);
		uint8_t piece[64];
		size_t len = 1 + chance(&state) % sizeof(piece);

		if (len > out->len - at)
			len = out->len - at;
		switch (chance(&state) % 5) {
		case 0:
			out->data[at] ^= (uint8_t)(1 << chance(&state) % 8);
			break;
		case 1:
			out->data[at] = (uint8_t)chance(&state);
			break;
		case 2:
			memmove(out->data + at, out->data + at + len,
			    out->len - at - len);
			buf_truncate(out, out->len - len);
			break;
		case 3:
			memcpy(piece, out->data + at, len);
			write_bytes(out, piece, len);
			break;
		default:
			buf_truncate(out, at + 1);
			break;
		}
	}
	CHECK_INT(buf_error(out), 0);
}

typedef int parser(struct span text, struct key **ret, struct error *e);

static int
parse_rfc4716(struct span text, struct key **ret, struct error *e)
{
	return key_import_rfc4716(text, "sesame", ret, e);
}

static int
parse_private(struct span text, struct key **ret, struct error *e)
{
	return key_private_parse(text, "sesame", ret, NULL, e);
}

static int
parse_public(struct span text, struct key **ret, struct error *e)
{
	int r = key_find_in_line(text, ret, NULL);

	return r == 0 ? 0 : error_set(e, r, "%s", error_text(r));
}

/* Damaged files give a key or a sentence, never anything else. */
static void
check_mutated(parser *parse, const char *const *names, size_t count)
{
	struct buf text = BUF_INIT;

	for (uint32_t i = 0; i < MUTATIONS; i++) {
		struct error e = { 0 };
		struct key *k = NULL;
		int r;

		mutate(vector_file(names[i % count], ""), i + 1, &text);
		r = parse(buf_span(&text), &k, &e);
		if (r == 0)
			CHECK(k != NULL && key_blob(k).len > 0);
		else if (r > 0 || k != NULL || e.text[0] == '\0')
			FAIL("%s, mutation %u: %d \"%s\"", names[i % count], i,
			    r, e.text);
		key_unref(k);
	}
	buf_release(&text);
}

TEST(damaged_rfc4716_files_are_refused)
{
	static const char *const names[] = { "rsa1024.rfc4716", "dsa.rfc4716",
		"ecdsa256.rfc4716", "ed25519.rfc4716" };

	check_mutated(parse_rfc4716, names, ARRAY_COUNT(names));
}

TEST(damaged_secsh_files_are_refused)
{
	static const char *const names[] = { "rsa1024_sshcom", "dsa_sshcom",
		"rsa1024_sshcom_encrypted", "dsa_sshcom_encrypted" };

	check_mutated(parse_rfc4716, names, ARRAY_COUNT(names));
}

TEST(damaged_public_pem_files_are_refused)
{
	static const char *const names[] = { "rsa1024.spki", "rsa1024.pkcs1",
		"dsa.spki", "ecdsa256.spki", "ed25519_openssl.spki" };

	check_mutated(key_import_pem, names, ARRAY_COUNT(names));
}

TEST(damaged_private_pem_files_are_refused)
{
	static const char *const names[] = { "rsa1024.PEM", "dsa.PEM",
		"ecdsa256.PEM", "rsa1024.enc.PEM", "ecdsa521.enc.PEM" };

	check_mutated(parse_private, names, ARRAY_COUNT(names));
}

TEST(damaged_pkcs8_files_are_refused)
{
	static const char *const names[] = { "rsa1024.PKCS8", "dsa.PKCS8",
		"ecdsa256.PKCS8", "ecdsa521.PKCS8", "ed25519_openssl.PKCS8" };

	check_mutated(parse_private, names, ARRAY_COUNT(names));
}

TEST(damaged_openssh_files_are_refused)
{
	static const char *const names[] = { "rsa1024", "dsa", "ecdsa256",
		"ecdsa521", "ed25519" };

	check_mutated(parse_private, names, ARRAY_COUNT(names));
}

TEST(damaged_public_lines_are_refused)
{
	static const char *const names[] = { "rsa1024.pub", "dsa.pub",
		"ecdsa256.pub", "ecdsa521.pub", "ed25519.pub",
		"user_ed25519_by_ed25519-cert.pub" };

	check_mutated(parse_public, names, ARRAY_COUNT(names));
}
