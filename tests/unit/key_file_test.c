/*
 * key_file_test.c - private key files: those of OpenSSH, openssl and
 * puttygen (tests/vectors/keys), our own, and damaged ones.
 */
#include "common/key/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "tests/unit/unit.h"

#define PASSPHRASE "sesame"

/* Files, the public key that they hold (NULL: only that it is read), the
 * comment inside, and whether they are encrypted. */
static const struct vector {
	const char *file;
	const char *public;
	const char *comment;
	bool is_encrypted;
} vectors[] = {
	{ "ed25519", "ed25519", "ed25519@vector", false },
	{ "ecdsa256", "ecdsa256", "ecdsa 256 vector", false },
	{ "ecdsa384", "ecdsa384", "c384", false },
	{ "ecdsa521", "ecdsa521", "c521", false },
	{ "rsa1024", "rsa1024", "rsa vector", false },
	{ "dsa", "dsa", "dsa vector", false },
	{ "mldsa44_ed25519", "mldsa44_ed25519", "hybrid vector", false },
	{ "ed25519_3des-cbc", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes128-cbc", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes192-cbc", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes256-cbc", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes128-ctr", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes192-ctr", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes256-ctr", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes128-gcm@openssh.com", "ed25519", "ed25519@vector", true },
	{ "ed25519_aes256-gcm@openssh.com", "ed25519", "ed25519@vector", true },
	{ "ed25519_chacha20-poly1305@openssh.com", "ed25519", "ed25519@vector",
	    true },
	{ "ecdsa256.PEM", "ecdsa256", "", false },
	{ "ecdsa256.PKCS8", "ecdsa256", "", false },
	{ "ecdsa256.enc.PEM", "ecdsa256", "", true },
	{ "ecdsa256.enc.PKCS8", "ecdsa256", "", true },
	{ "ecdsa384.PEM", "ecdsa384", "", false },
	{ "ecdsa384.PKCS8", "ecdsa384", "", false },
	{ "ecdsa384.enc.PEM", "ecdsa384", "", true },
	{ "ecdsa384.enc.PKCS8", "ecdsa384", "", true },
	{ "ecdsa521.PEM", "ecdsa521", "", false },
	{ "ecdsa521.PKCS8", "ecdsa521", "", false },
	{ "ecdsa521.enc.PEM", "ecdsa521", "", true },
	{ "ecdsa521.enc.PKCS8", "ecdsa521", "", true },
	{ "rsa1024.PEM", "rsa1024", "", false },
	{ "rsa1024.PKCS8", "rsa1024", "", false },
	{ "rsa1024.enc.PEM", "rsa1024", "", true },
	{ "rsa1024.enc.PKCS8", "rsa1024", "", true },
	{ "rsa_openssl_aes256.PEM", "rsa1024", "", true },
	{ "rsa_openssl_des3.PEM", "rsa1024", "", true },
	{ "dsa.PEM", "dsa", "", false },
	{ "dsa.PKCS8", "dsa", "", false },
	{ "dsa.enc.PEM", "dsa", "", true },
	{ "dsa.enc.PKCS8", "dsa", "", true },
	{ "ed25519_openssl.PKCS8", NULL, "", false },
	{ "ec_openssl.PKCS8", NULL, "", false },
	{ "ec_openssl_compressed.PEM", NULL, "", false },
	{ "ec_openssl_explicit.PEM", NULL, "", false },
	{ "rsa_putty", "rsa1024", NULL, false },
	{ "ed25519_putty_plain", "ed25519", "putty@vector", false },
	{ "ed25519_putty", "ed25519", "putty@vector", true },
};

static struct span
vector_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "keys/%s", name);
	return unit_vector_file(path);
}

static struct key *
public_vector(const char *name)
{
	char path[128];
	struct span line;
	struct key *k;

	snprintf(path, sizeof(path), "keys/%s.pub", name);
	line = unit_vector_file(path);
	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	return k;
}

static bool
is_openssh(struct span text)
{
	return memmem(text.ptr, text.len, "OPENSSH", 7) != NULL;
}

/* Every byte of the format that we parse; of those that OpenSSL parses,
 * some. */
static size_t
step(struct span text)
{
	return is_openssh(text) ? 1 : 5;
}

TEST(files_of_other_programs_are_read)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct key *k = NULL, *public = NULL, *want;
		struct buf s = BUF_INIT;
		struct error e = { 0 };

		if (key_private_parse(
			vector_file(v->file), PASSPHRASE, &k, &public, &e) != 0)
			FAIL("%s: %s", v->file, e.text);
		CHECK(key_has_private(k));
		CHECK(key_equal(k, public) && !key_has_private(public));
		if (v->comment != NULL)
			CHECK_TEXT(key_comment(k), v->comment);
		if (v->public != NULL) {
			want = public_vector(v->public);
			CHECK(key_equal(k, want));
			key_unref(want);
		}
		if (key_row(k)->type != KEY_DSA) {
			CHECK_INT(key_sign(k,
				      key_choose_signature(k, span_of(NULL, 0)),
				      span_text("x"), &s),
			    0);
			CHECK_INT(key_verify(public, NULL, span_text("x"),
				      buf_span(&s)),
			    0);
		}
		buf_release(&s);
		key_unref(k);
		key_unref(public);
	}
}

TEST(encrypted_files_need_their_passphrase)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		static const char *const wrong[] = { NULL, "", "Sesame" };
		struct span text = vector_file(v->file);

		for (size_t j = 0; j < ARRAY_COUNT(wrong); j++) {
			struct key *k = NULL, *public = NULL, *want;
			int r = key_private_parse(
			    text, wrong[j], &k, &public, NULL);

			CHECK_INT(r, v->is_encrypted ? ERR_PASSPHRASE : 0);
			CHECK((k != NULL) == !v->is_encrypted);
			/* The public half is in the clear in OpenSSH's. */
			CHECK((public != NULL) ==
			      (!v->is_encrypted || is_openssh(text)));
			if (public != NULL && v->public != NULL) {
				want = public_vector(v->public);
				CHECK(key_equal(public, want));
				key_unref(want);
			}
			key_unref(k);
			key_unref(public);
		}
	}
}

/* ---- our own files ---- */

static void
check_round_trip(
    const struct key *k, const struct key_file_options *o, bool keeps_comment)
{
	struct buf text = BUF_SECRET_INIT;
	struct key *copy = NULL, *nothing = NULL;
	struct error e = { 0 };

	if (key_private_format(k, o, &text, &e) != 0)
		FAIL("%s: %s", key_type_name(k), e.text);
	if (key_private_parse(
		buf_span(&text), o->passphrase, &copy, NULL, &e) != 0)
		FAIL("%s: %s", key_type_name(k), e.text);
	CHECK(key_equal(k, copy) && key_has_private(copy));
	CHECK_TEXT(key_comment(copy), keeps_comment ? key_comment(k) : "");
	if (o->passphrase != NULL && *o->passphrase != '\0')
		CHECK_INT(key_private_parse(
			      buf_span(&text), "wrong", &nothing, NULL, NULL),
		    ERR_PASSPHRASE);
	key_unref(copy);
	buf_release(&text);
}

static struct key *
make_key(const char *type, unsigned bits)
{
	struct key *k;

	CHECK_INT(key_generate(type, bits, &k, NULL), 0);
	CHECK_INT(key_set_comment(k, "a comment"), 0);
	return k;
}

TEST(keys_of_every_type_are_written_and_read_in_every_format)
{
	static const struct {
		const char *type;
		unsigned bits;
	} kinds[] = { { "ed25519", 0 }, { "ecdsa", 256 }, { "ecdsa", 384 },
		{ "ecdsa", 521 }, { "rsa", 1024 } };
	static const enum key_format formats[] = { KEY_FORMAT_OPENSSH,
		KEY_FORMAT_PEM, KEY_FORMAT_PKCS8 };

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct key *k = make_key(kinds[i].type, kinds[i].bits);

		for (size_t j = 0; j < ARRAY_COUNT(formats); j++) {
			struct key_file_options o = { formats[j], NULL, NULL,
				1 };
			bool keeps = formats[j] == KEY_FORMAT_OPENSSH ||
				     (formats[j] == KEY_FORMAT_PEM &&
					 key_row(k)->type == KEY_ED25519);

			check_round_trip(k, &o, keeps);
			o.passphrase = "";
			check_round_trip(k, &o, keeps);
			o.passphrase = "open \xc3\xa4";
			check_round_trip(k, &o, keeps);
		}
		key_unref(k);
	}
}

TEST(files_are_encrypted_with_every_cipher)
{
	struct key *k = make_key("ed25519", 0);
	const struct cipher_algorithm *a;

	for (size_t i = 0; (a = cipher_row(i)) != NULL; i++) {
		struct key_file_options o = { KEY_FORMAT_OPENSSH, PASSPHRASE,
			a->name, 1 };
		struct buf text = BUF_SECRET_INIT;
		struct error e = { 0 };

		if (a->flags & CIPHER_INTERNAL) {
			CHECK_INT(
			    key_private_format(k, &o, &text, &e), ERR_ARGUMENT);
			continue;
		}
		check_round_trip(k, &o, true);
	}
	key_unref(k);
}

TEST(comments_of_every_length_are_padded_to_blocks)
{
	struct key *k = make_key("ed25519", 0);
	char comment[40];

	for (size_t n = 0; n < sizeof(comment); n++) {
		struct key_file_options o = { KEY_FORMAT_OPENSSH, PASSPHRASE,
			"aes256-cbc", 1 };

		memset(comment, 'c', n);
		comment[n] = '\0';
		CHECK_INT(key_set_comment(k, comment), 0);
		check_round_trip(k, &o, true);
		o.passphrase = NULL;
		check_round_trip(k, &o, true);
	}
	key_unref(k);
}

/* ---- damage ---- */

/* Cut anywhere, a file is no key; the END line's last dashes hold nothing. */
TEST(files_cut_short_are_refused)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct span text = vector_file(vectors[i].file);
		size_t whole = text.len;

		while (whole > 0 && text.ptr[whole - 1] == '\n')
			whole--;
		for (size_t n = 0; n < whole; n += step(text)) {
			uint8_t *cut = malloc(n + 1);
			struct key *k = NULL, *public = NULL;

			memcpy(cut, text.ptr, n);
			CHECK(key_private_parse(span_of(cut, n), NULL, &k,
				  &public, NULL) != 0);
			key_unref(public);
			free(cut);
		}
	}
}

TEST(files_with_a_changed_byte_are_the_same_key_or_none)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct span text = vector_file(vectors[i].file);
		struct key *want = NULL;
		struct buf b = BUF_INIT;

		/* DSA in PKCS#8 has nothing but the secret number: another
		 * one is another key. */
		if (vectors[i].public != NULL &&
		    strcmp(vectors[i].file, "dsa.PKCS8") != 0)
			want = public_vector(vectors[i].public);
		write_span(&b, text);
		for (size_t at = 0; at < b.len; at += step(text)) {
			struct key *k = NULL, *public = NULL;
			uint8_t was = b.data[at];

			b.data[at] = was == 'A' ? 'B' : 'A';
			if (key_private_parse(
				buf_span(&b), NULL, &k, &public, NULL) == 0 &&
			    want != NULL)
				CHECK(key_equal(k, want));
			key_unref(k);
			key_unref(public);
			b.data[at] = was;
		}
		buf_release(&b);
		key_unref(want);
	}
}

/* With the passphrase: the encrypted part, which begins behind some 170
 * characters (changing the rounds would only take time). */
TEST(encrypted_files_with_a_changed_byte_are_the_same_key_or_none)
{
	static const char *const files[] = { "ed25519_aes256-ctr",
		"ed25519_aes256-gcm@openssh.com" };

	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		struct span text = vector_file(files[i]);
		struct key *want = public_vector("ed25519");
		struct buf b = BUF_INIT;

		write_span(&b, text);
		for (size_t at = 210; at < b.len; at += 7) {
			struct key *k = NULL;
			uint8_t was = b.data[at];

			b.data[at] = was == 'A' ? 'C' : 'A';
			if (key_private_parse(
				buf_span(&b), PASSPHRASE, &k, NULL, NULL) == 0)
				CHECK(key_equal(k, want));
			key_unref(k);
			b.data[at] = was;
		}
		buf_release(&b);
		key_unref(want);
	}
}

TEST(what_is_no_private_key_is_said_so)
{
	static const char *const texts[] = { "", "x", "ssh-rsa AAAA",
		"-----BEGIN OPENSSH PRIVATE KEY-----",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n!\n"
		"-----END OPENSSH PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
		"-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n"
		"-----END CERTIFICATE-----\n" };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		struct error e = { 0 };
		struct key *k;

		CHECK_INT(
		    key_private_parse(span_text(texts[i]), NULL, &k, NULL, &e),
		    ERR_KEY_FORMAT);
		CHECK(e.text[0] != '\0');
	}
}

TEST(rounds_that_would_take_hours_are_refused)
{
	struct key_file_options o = { KEY_FORMAT_OPENSSH, PASSPHRASE, NULL,
		1000000 };
	struct key *k = make_key("ed25519", 0);
	struct buf text = BUF_SECRET_INIT;
	struct error e = { 0 };

	CHECK_INT(key_private_format(k, &o, &text, &e), ERR_LIMIT);
	key_unref(k);
	buf_release(&text);
}

/* ---- on disk ---- */

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", unit_scratch(), name);
	return path;
}

TEST(saved_files_have_their_modes_and_load_again)
{
	const struct key_file_options o = { KEY_FORMAT_OPENSSH, NULL, NULL, 0 };
	struct key *k = make_key("ed25519", 0), *copy, *public;
	struct stat st;

	CHECK_INT(key_private_save(k, path_of("key"), &o, NULL), 0);
	CHECK_INT(stat(path_of("key"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(
	    key_private_load(path_of("key"), NULL, &copy, &public, NULL), 0);
	CHECK(key_equal(k, copy) && key_equal(k, public));
	key_unref(copy);
	key_unref(public);
	CHECK_INT(key_public_save(k, path_of("key.pub"), NULL), 0);
	CHECK_INT(stat(path_of("key.pub"), &st), 0);
	CHECK_INT(st.st_mode & 0177, 0044 & st.st_mode);
	CHECK_INT(key_public_load(path_of("key.pub"), &public, NULL), 0);
	CHECK(key_equal(k, public));
	CHECK_TEXT(key_comment(public), "a comment");
	key_unref(public);
	key_unref(k);
}

TEST(public_file_beside_gives_comment_and_public_half)
{
	const struct key_file_options o = { KEY_FORMAT_PEM, PASSPHRASE, NULL,
		0 };
	struct key *k = make_key("ecdsa", 0), *copy = NULL, *public = NULL;

	CHECK_INT(key_private_save(k, path_of("key"), &o, NULL), 0);
	CHECK_INT(key_public_save(k, path_of("key.pub"), NULL), 0);
	CHECK_INT(key_private_load(path_of("key"), NULL, &copy, &public, NULL),
	    ERR_PASSPHRASE);
	CHECK(public != NULL && key_equal(k, public));
	key_unref(public);
	CHECK_INT(
	    key_private_load(path_of("key"), PASSPHRASE, &copy, NULL, NULL), 0);
	CHECK_TEXT(key_comment(copy), "a comment");
	key_unref(copy);
	key_unref(k);
}

TEST(private_files_that_others_can_read_are_refused)
{
	static const mode_t bad[] = { 0644, 0640, 0620, 0601 };
	const struct key_file_options o = { KEY_FORMAT_OPENSSH, NULL, NULL, 0 };
	struct key *k = make_key("ed25519", 0), *copy;
	struct error e = { 0 };

	CHECK_INT(key_private_save(k, path_of("key"), &o, NULL), 0);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		CHECK_INT(chmod(path_of("key"), bad[i]), 0);
		CHECK_INT(
		    key_private_load(path_of("key"), NULL, &copy, NULL, &e),
		    ERR_PERMISSION);
		CHECK(strstr(e.text, "chmod 600") != NULL);
	}
	CHECK_INT(chmod(path_of("key"), 0400), 0);
	CHECK_INT(key_private_load(path_of("key"), NULL, &copy, NULL, NULL), 0);
	key_unref(copy);
	key_unref(k);
}

TEST(permissions_box_is_that_of_openssh_and_says_what_helps)
{
	char *box = key_file_permissions_box("/x/key", 0100644);

	CHECK_TEXT(box,
	    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
	    "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\n"
	    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
	    "Permissions 0644 for '/x/key' are too open.\n"
	    "It is required that your private key files are NOT accessible "
	    "by others.\n"
	    "This private key will be ignored.\n"
	    "Nobody else may read it: chmod 600 /x/key\n");
	free(box);
}

TEST(missing_files_and_directories_are_told_apart)
{
	struct error e = { 0 };
	struct key *k;

	CHECK_INT(key_private_load(path_of("none"), NULL, &k, NULL, &e),
	    ERR_NOT_FOUND);
	CHECK(key_private_load("/dev", NULL, &k, NULL, &e) != 0);
	CHECK_INT(key_public_load(path_of("none"), &k, &e), ERR_NOT_FOUND);
	CHECK_INT(
	    file_write_atomic(path_of("bad.pub"),
		span_text("# nothing\n\nssh-rsa AAAA\n"), 0644, false, NULL),
	    0);
	CHECK_INT(key_public_load(path_of("bad.pub"), &k, &e), ERR_KEY_FORMAT);
	CHECK(strstr(e.text, "bad.pub") != NULL);
}
