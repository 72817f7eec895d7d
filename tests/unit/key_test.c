/*
 * key_test.c - keys: blobs, private fields, signatures, fingerprints.
 * RFC 8032 s7.1; keys and fingerprints made by OpenSSH.
 */
#include "common/key/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "tests/unit/unit.h"

static const struct vector {
	const char *name;
	const char *sha256;
	const char *md5;
	const char *comment;
} vectors[] = {
	{ "ed25519", "SHA256:Pd01EfOONytFHKblcEEdOeG3DGZy8H2lm7PpQiQ/th0",
	    "MD5:25:23:b4:f7:6f:2b:fc:39:cd:9d:88:e9:97:7e:5e:33",
	    "ed25519@vector" },
	{ "ecdsa256", "SHA256:rkShuRZvffU7BrP0DcopG7myRkk/Q4wuwdMbFyp72Jc",
	    "MD5:eb:62:5a:c5:b9:eb:41:3d:47:22:67:31:c3:b3:be:d7",
	    "ecdsa 256 vector" },
	{ "ecdsa384", "SHA256:YmnZAHOKhMzRJvUgiDlhkvJfXocR4UuyWrLEaEAxIVA",
	    "MD5:b5:96:2a:06:c0:17:24:27:4b:95:d6:2a:4c:a5:bc:3b", "c384" },
	{ "ecdsa521", "SHA256:Eq4RVMgwAeRzJf8RjE3wt/viBiWr4CLgOR8D4TeYc7w",
	    "MD5:3c:35:fd:3f:33:f7:3d:59:82:12:db:76:11:be:35:65", "c521" },
	{ "rsa1024", "SHA256:dRKJ/+7S1alKeMz7wJk1nVgafZSJtx0XEU0RR5fIRlA",
	    "MD5:b1:74:dd:60:9f:ff:a5:76:31:98:07:46:f8:3c:cd:b1",
	    "rsa vector" },
	{ "dsa", "SHA256:utORoPUf1K5vDohbak7ETShuopEsIYVitrt2DucAW4o",
	    "MD5:07:1d:ed:20:22:33:84:76:de:82:5c:5e:3f:af:40:84",
	    "dsa vector" },
	{ "mldsa44_ed25519",
	    "SHA256:jkNclXL0/peGfylLgFiPOy2DG0xzJmblwkbUb3mCaLc",
	    "MD5:51:c0:61:bf:c1:8c:e5:e1:b3:71:c4:36:b6:fb:27:b3",
	    "hybrid vector" },
};

static struct span
public_line(const char *name)
{
	char path[64];
	struct span line;

	snprintf(path, sizeof(path), "keys/%s.pub", name);
	line = unit_vector_file(path);
	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	return line;
}

static struct key *
public_key(const char *name)
{
	struct key *k;

	CHECK_INT(key_from_line(public_line(name), &k, NULL), 0);
	return k;
}

static struct key *
generate(const char *type, unsigned bits)
{
	struct key *k;

	CHECK_INT(key_generate(type, bits, &k, NULL), 0);
	return k;
}

TEST(public_lines_of_openssh_are_read_and_written_alike)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct span line = public_line(vectors[i].name), comment;
		char *text, *again;
		struct key *k;

		CHECK_INT(key_from_line(line, &k, &comment), 0);
		CHECK(span_is(comment, vectors[i].comment));
		CHECK(!key_has_private(k));
		text = span_dup_text(line);
		again = key_public_line(k, vectors[i].comment);
		CHECK_TEXT(again, text);
		free(text);
		free(again);
		key_unref(k);
	}
}

TEST(fingerprints_are_those_of_openssh)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name);
		char *sha256 = key_fingerprint(k, DIGEST_SHA256);
		char *md5 = key_fingerprint(k, DIGEST_MD5);

		CHECK_TEXT(sha256, vectors[i].sha256);
		CHECK_TEXT(md5, vectors[i].md5);
		free(sha256);
		free(md5);
		key_unref(k);
	}
}

TEST(randomart_is_that_of_openssh)
{
	struct key *k = public_key("rsa1024");
	char *art = key_randomart(k, DIGEST_SHA256);

	CHECK_TEXT(art, "+---[RSA 1024]----+\n"
			"|         ..o=EoO^|\n"
			"|        . .. =.B=|\n"
			"|         .o o..o*|\n"
			"|         ..o  *.+|\n"
			"|        S  . = +.|\n"
			"|          = = o..|\n"
			"|         . % ..  |\n"
			"|          + =.   |\n"
			"|           =+.   |\n"
			"+----[SHA256]-----+");
	free(art);
	key_unref(k);
	k = public_key("ecdsa521");
	art = key_randomart(k, DIGEST_MD5);
	CHECK_TEXT(art, "+---[ECDSA 521]---+\n"
			"|                 |\n"
			"|           .  . E|\n"
			"|          o .. o.|\n"
			"|       . ... .o..|\n"
			"|        S  + ..+.|\n"
			"|         .o + +..|\n"
			"|           o . ==|\n"
			"|               oB|\n"
			"|                +|\n"
			"+------[MD5]------+");
	free(art);
	key_unref(k);
}

/* ---- blobs ---- */

TEST(blobs_cut_short_or_too_long_are_refused)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name), *other;
		struct span blob = key_blob(k);
		struct buf longer = BUF_INIT;

		for (size_t n = 0; n < blob.len; n++) {
			/* A copy of that size, so that a byte read beyond
			 * it is seen by the sanitizers. */
			uint8_t *cut = malloc(n + 1);

			memcpy(cut, blob.ptr, n);
			CHECK(key_from_blob(span_of(cut, n), &other) != 0);
			free(cut);
		}
		write_span(&longer, blob);
		write_byte(&longer, 0);
		CHECK_INT(
		    key_from_blob(buf_span(&longer), &other), ERR_KEY_FORMAT);
		buf_release(&longer);
		key_unref(k);
	}
}

TEST(blobs_with_a_changed_byte_do_no_harm)
{
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		struct key *k = public_key(vectors[i].name), *other;
		struct buf b = BUF_INIT;

		write_span(&b, key_blob(k));
		for (size_t at = 0; at < b.len; at++) {
			b.data[at] ^= 0xff;
			if (key_from_blob(buf_span(&b), &other) == 0) {
				CHECK(!key_equal(k, other));
				CHECK_SPAN(key_blob(other), buf_span(&b));
				key_unref(other);
			}
			b.data[at] ^= 0xff;
		}
		buf_release(&b);
		key_unref(k);
	}
}

TEST(ecdsa_points_off_the_curve_and_compressed_are_refused)
{
	struct key *k = public_key("ecdsa256"), *other;
	struct buf b = BUF_INIT;

	write_span(&b, key_blob(k));
	b.data[b.len - 1] ^= 1;
	CHECK_INT(key_from_blob(buf_span(&b), &other), ERR_KEY_FORMAT);
	buf_clear(&b);
	write_text(&b, "ecdsa-sha2-nistp256");
	write_text(&b, "nistp256");
	write_string(&b, unit_hex("03 6b17d1f2e12c4247f8bce6e563a440f2"
				  "77037d812deb33a0f4a13945d898c296"));
	CHECK_INT(key_from_blob(buf_span(&b), &other), ERR_KEY_FORMAT);
	buf_clear(&b);
	write_text(&b, "ecdsa-sha2-nistp256");
	write_text(&b, "nistp384");
	write_string(&b, span_of("\0", 1));
	CHECK_INT(key_from_blob(buf_span(&b), &other), ERR_KEY_FORMAT);
	buf_release(&b);
	key_unref(k);
}

static int
read_rsa(size_t bits, uint32_t e)
{
	static uint8_t n[4096];
	struct buf b = BUF_INIT;
	uint8_t e_bytes[4] = { (uint8_t)(e >> 24), (uint8_t)(e >> 16),
		(uint8_t)(e >> 8), (uint8_t)e };
	struct key *k = NULL;
	int r;

	memset(n, 0xff, sizeof(n));
	n[0] = (uint8_t)(0xff >> (7 - (bits - 1) % 8));
	write_text(&b, "ssh-rsa");
	write_mpint(&b, span_of(e_bytes, 4));
	write_mpint(&b, span_of(n, (bits + 7) / 8));
	r = key_from_blob(buf_span(&b), &k);
	key_unref(k);
	buf_release(&b);
	return r;
}

TEST(rsa_sizes_have_bounds)
{
	CHECK_INT(read_rsa(1023, 65537), ERR_KEY_SIZE);
	CHECK_INT(read_rsa(1024, 65537), 0);
	CHECK_INT(read_rsa(16384, 65537), 0);
	CHECK(read_rsa(16385, 65537) != 0);
	CHECK_INT(read_rsa(2048, 1), ERR_KEY_FORMAT);
	CHECK_INT(read_rsa(2048, 4), ERR_KEY_FORMAT);
	CHECK_INT(read_rsa(2048, 3), 0);
}

TEST(unknown_types_are_told_apart_from_damage)
{
	struct buf b = BUF_INIT;
	struct key *k;

	write_text(&b, "ssh-ed448");
	CHECK_INT(key_from_blob(buf_span(&b), &k), ERR_KEY_TYPE);
	buf_release(&b);
	CHECK_INT(
	    key_from_line(span_text("ssh-foo AAAA"), &k, NULL), ERR_KEY_TYPE);
	CHECK_INT(
	    key_from_line(span_text("ssh-rsa"), &k, NULL), ERR_KEY_FORMAT);
	CHECK_INT(
	    key_from_line(span_text("ssh-rsa !!!"), &k, NULL), ERR_KEY_FORMAT);
	CHECK_INT(key_from_line(span_text(""), &k, NULL), ERR_KEY_FORMAT);
}

TEST(name_outside_must_be_the_name_inside)
{
	struct span line = public_line("ecdsa256");
	char *text = span_dup_text(line);
	struct key *k;

	memcpy(text, "ecdsa-sha2-nistp384", 19);
	CHECK_INT(key_from_line(span_text(text), &k, NULL), ERR_KEY_FORMAT);
	free(text);
}

TEST(keys_are_found_behind_options_and_host_names)
{
	static const char *const before[] = { "", "host.example,192.0.2.1 ",
		"@cert-authority *.example ", "no-pty,command=\"echo \\\" a\" ",
		"  \t" };
	struct span line = public_line("ed25519");

	for (size_t i = 0; i < ARRAY_COUNT(before); i++) {
		struct buf b = BUF_INIT;
		struct span comment;
		struct key *k;

		buf_printf(&b, "%s", before[i]);
		write_span(&b, line);
		CHECK_INT(key_find_in_line(buf_span(&b), &k, &comment), 0);
		CHECK(span_is(comment, "ed25519@vector"));
		key_unref(k);
		buf_truncate(&b, b.len - strlen(" ed25519@vector"));
		CHECK_INT(key_find_in_line(buf_span(&b), &k, &comment), 0);
		if (before[i][0] == 'h')
			CHECK(span_is(comment, "host.example,192.0.2.1"));
		key_unref(k);
		buf_release(&b);
	}
}

/* ---- private fields ---- */

static struct key *
ed25519_of(const char *seed, const char *public)
{
	struct buf b = BUF_SECRET_INIT, secret = BUF_SECRET_INIT;
	struct reader rd;
	struct key *k;

	write_text(&b, "ssh-ed25519");
	write_string(&b, unit_hex(public));
	write_span(&secret, unit_hex(seed));
	write_span(&secret, unit_hex(public));
	write_string(&b, buf_span(&secret));
	rd = reader_of(buf_span(&b));
	CHECK_INT(key_read_private(&rd, &k), 0);
	CHECK_INT(read_end(&rd), 0);
	buf_release(&b);
	buf_release(&secret);
	return k;
}

TEST(ed25519_gives_the_signatures_of_rfc_8032)
{
	static const struct {
		const char *seed, *public, *message, *signature;
	} cases[] = {
		{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031c"
		  "ae7f60",
		    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68"
		    "f707511a",
		    "",
		    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065"
		    "224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
		    "655141438e7a100b" },
		{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4f"
		  "b8a6fb",
		    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f1"
		    "2af4660c",
		    "72",
		    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223"
		    "ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
		    "b00d291612bb0c00" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct key *k = ed25519_of(cases[i].seed, cases[i].public);
		struct buf signature = BUF_INIT, want = BUF_INIT;

		write_text(&want, "ssh-ed25519");
		write_string(&want, unit_hex(cases[i].signature));
		CHECK_INT(key_sign(k, signature_find(span_text("ssh-ed25519")),
			      unit_hex(cases[i].message), &signature),
		    0);
		CHECK_SPAN(buf_span(&signature), buf_span(&want));
		CHECK_INT(key_verify(k, NULL, unit_hex(cases[i].message),
			      buf_span(&signature)),
		    0);
		buf_release(&signature);
		buf_release(&want);
		key_unref(k);
	}
}

static const struct {
	const char *type;
	unsigned bits;
} kinds[] = { { "ed25519", 0 }, { "ecdsa", 0 }, { "ecdsa", 384 },
	{ "ecdsa", 521 }, { "rsa", 1024 } };

TEST(private_fields_are_read_back)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct key *k = generate(kinds[i].type, kinds[i].bits), *copy;
		struct buf b = BUF_SECRET_INIT, again = BUF_SECRET_INIT;
		struct reader rd;

		CHECK_INT(key_write_private(k, &b), 0);
		rd = reader_of(buf_span(&b));
		CHECK_INT(key_read_private(&rd, &copy), 0);
		CHECK_INT(read_end(&rd), 0);
		CHECK(key_has_private(copy) && key_equal(k, copy));
		CHECK_INT(key_write_private(copy, &again), 0);
		CHECK_SPAN(buf_span(&again), buf_span(&b));
		buf_release(&b);
		buf_release(&again);
		key_unref(copy);
		key_unref(k);
	}
}

TEST(private_fields_cut_short_are_refused)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct key *k = generate(kinds[i].type, kinds[i].bits), *other;
		struct buf b = BUF_SECRET_INIT;

		CHECK_INT(key_write_private(k, &b), 0);
		for (size_t n = 0; n < b.len; n++) {
			uint8_t *cut = malloc(n + 1);
			struct reader rd;

			memcpy(cut, b.data, n);
			rd = reader_of(span_of(cut, n));
			CHECK(key_read_private(&rd, &other) != 0);
			free(cut);
		}
		buf_release(&b);
		key_unref(k);
	}
}

/* Wherever a bit is wrong, the halves no longer fit. */
TEST(private_fields_that_do_not_fit_are_refused)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct key *k = generate(kinds[i].type, kinds[i].bits), *other;
		struct buf b = BUF_SECRET_INIT;

		CHECK_INT(key_write_private(k, &b), 0);
		for (size_t at = 0; at < b.len; at++) {
			struct reader rd = reader_of(buf_span(&b));

			b.data[at] ^= (uint8_t)(1 << (at % 8));
			CHECK(key_read_private(&rd, &other) != 0);
			b.data[at] ^= (uint8_t)(1 << (at % 8));
		}
		buf_release(&b);
		key_unref(k);
	}
}

/* ---- signatures ---- */

static void
check_signatures(struct key *k, const struct signature_algorithm *a)
{
	struct span data = span_text("what is signed");
	struct buf s = BUF_INIT;
	struct key *public;

	CHECK_INT(key_from_blob(key_blob(k), &public), 0);
	CHECK_INT(key_sign(k, a, data, &s), 0);
	CHECK_INT(key_verify(public, a, data, buf_span(&s)), 0);
	CHECK_INT(key_verify(public, NULL, data, buf_span(&s)),
	    a->off ? ERR_SIGNATURE_ALGORITHM : 0);
	CHECK_INT(
	    key_verify(public, a, span_text("what is Signed"), buf_span(&s)),
	    ERR_SIGNATURE);
	for (size_t at = 0; at < s.len; at++) {
		uint8_t *cut = malloc(at + 1);

		memcpy(cut, s.data, at);
		CHECK(key_verify(public, a, data, span_of(cut, at)) != 0);
		free(cut);
		s.data[at] ^= 0x10;
		CHECK(key_verify(public, a, data, buf_span(&s)) != 0);
		s.data[at] ^= 0x10;
	}
	CHECK_INT(key_sign(public, a, data, &s), ERR_KEY_TYPE);
	key_unref(public);
	buf_release(&s);
}

TEST(signatures_verify_and_changed_ones_do_not)
{
	const struct signature_algorithm *a;

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct key *k = generate(kinds[i].type, kinds[i].bits);

		for (size_t j = 0; (a = signature_row(j)) != NULL; j++) {
			struct buf s = BUF_INIT;

			if (signature_is_of_certificate(a))
				continue;
			if (strcmp(a->key_type, key_type_name(k)) == 0)
				check_signatures(k, a);
			else
				CHECK_INT(key_sign(k, a, span_text("x"), &s),
				    ERR_KEY_TYPE);
			buf_release(&s);
		}
		key_unref(k);
	}
}

TEST(rsa_signatures_without_leading_zeros_verify)
{
	struct key *k = generate("rsa", 1024);
	const struct signature_algorithm *a =
	    signature_find(span_text("rsa-sha2-256"));
	bool seen = false;

	/* One in 256 begins with a zero byte. */
	for (uint32_t i = 0; i < 20000 && !seen; i++) {
		struct span data = span_of(&i, sizeof(i)), raw;
		struct buf s = BUF_INIT, shorter = BUF_INIT;
		struct reader rd;

		CHECK_INT(key_sign(k, a, data, &s), 0);
		rd = reader_of(buf_span(&s));
		read_string(&rd);
		raw = read_string(&rd);
		if (raw.ptr[0] == 0) {
			seen = true;
			write_text(&shorter, a->name);
			write_string(
			    &shorter, span_of(raw.ptr + 1, raw.len - 1));
			CHECK_INT(
			    key_verify(k, a, data, buf_span(&shorter)), 0);
		}
		buf_release(&s);
		buf_release(&shorter);
	}
	CHECK(seen);
	key_unref(k);
}

TEST(signature_of_another_algorithm_than_agreed_is_refused)
{
	const struct signature_algorithm *sha512 =
	    signature_find(span_text("rsa-sha2-512"));
	const struct signature_algorithm *sha256 =
	    signature_find(span_text("rsa-sha2-256"));
	struct key *k = generate("rsa", 1024);
	struct buf s = BUF_INIT;

	CHECK_INT(key_sign(k, sha256, span_text("x"), &s), 0);
	CHECK_INT(key_verify(k, sha512, span_text("x"), buf_span(&s)),
	    ERR_SIGNATURE_ALGORITHM);
	buf_release(&s);
	key_unref(k);
}

TEST(first_fitting_signature_algorithm_is_chosen)
{
	struct key *rsa = public_key("rsa1024");
	struct key *ec = public_key("ecdsa384");
	struct key *dsa = public_key("dsa");

	CHECK_TEXT(
	    key_choose_signature(rsa, span_of(NULL, 0))->name, "rsa-sha2-512");
	CHECK_TEXT(key_choose_signature(ec, span_of(NULL, 0))->name,
	    "ecdsa-sha2-nistp384");
	CHECK(key_choose_signature(dsa, span_of(NULL, 0)) == NULL);
	CHECK_TEXT(key_choose_signature(
		       rsa, span_text("x,ssh-ed25519,ssh-rsa,rsa-sha2-256"))
		       ->name,
	    "ssh-rsa");
	CHECK(key_choose_signature(rsa, span_text("ssh-ed25519")) == NULL);
	CHECK(key_choose_signature(rsa, span_text("")) == NULL);
	key_unref(rsa);
	key_unref(ec);
	key_unref(dsa);
}

/* ---- the rest ---- */

TEST(tables_agree_with_each_other)
{
	const struct signature_algorithm *a;
	const struct key_type_row *row;
	struct buf names = BUF_INIT;

	for (size_t i = 0; (a = signature_row(i)) != NULL; i++) {
		CHECK(key_type_find(span_text(a->key_type)) != NULL);
		CHECK(signature_find(span_text(a->name)) == a);
		CHECK(!signature_is_of_certificate(
		    signature_find(span_text(a->plain))));
		if (!a->off && !key_type_find(span_text(a->key_type))->off)
			buf_printf(
			    &names, "%s%s", names.len > 0 ? "," : "", a->name);
	}
	CHECK_TEXT(buf_text(&names), signature_default_list());
	buf_release(&names);
	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++) {
		CHECK(key_type_find(span_text(row->name)) == row);
		if (row->plain == NULL)
			CHECK(key_type_of_certificate(row) != NULL);
		else
			CHECK(key_type_of_certificate(
				  key_type_find(span_text(row->plain))) == row);
	}
}

TEST(keys_of_every_full_type_name_are_made)
{
	const struct key_type_row *row;
	struct key *k;

	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++) {
		if (row->plain != NULL)
			CHECK_INT(
			    key_generate(row->name, 0, &k, NULL), ERR_KEY_TYPE);
		if (row->off || row->plain != NULL)
			continue;
		/* A device makes those. */
		if (row->type == KEY_ECDSA_SK || row->type == KEY_ED25519_SK) {
			CHECK_INT(
			    key_generate(row->name, 0, &k, NULL), ERR_KEY_TYPE);
			continue;
		}
		CHECK_INT(key_generate(row->name,
			      row->type == KEY_RSA ? 1024 : 0, &k, NULL),
		    0);
		CHECK_TEXT(key_type_name(k), row->name);
		CHECK(key_row(k) == row);
		CHECK_INT(key_bits(k), row->bits != 0 ? row->bits : 1024);
		key_unref(k);
	}
}

TEST(unknown_types_and_bad_sizes_are_said_clearly)
{
	struct error e = { 0 };
	struct key *k;

	CHECK_INT(key_generate("foo", 0, &k, &e), ERR_KEY_TYPE);
	CHECK_TEXT(e.text, "unknown key type foo");
	CHECK_INT(key_generate("ssh-dss", 0, &k, &e), ERR_KEY_TYPE);
	CHECK_INT(key_generate("rsa", 1023, &k, &e), ERR_KEY_SIZE);
	CHECK_TEXT(e.text, "Invalid RSA key length: minimum is 1024 bits");
	CHECK_INT(key_generate("ssh-rsa", 16385, &k, &e), ERR_KEY_SIZE);
	CHECK_TEXT(e.text, "Invalid RSA key length: maximum is 16384 bits");
	CHECK_INT(key_generate("ecdsa", 255, &k, &e), ERR_KEY_SIZE);
	CHECK_TEXT(e.text, "Invalid ECDSA key length: valid lengths are "
			   "256, 384 or 521 bits");
	CHECK_INT(
	    key_generate("ecdsa-sha2-nistp384", 256, &k, &e), ERR_KEY_SIZE);
}

TEST(comments_belong_to_the_key_and_do_not_count)
{
	struct key *a = public_key("ed25519"), *b = public_key("ed25519");

	CHECK_TEXT(key_comment(a), "");
	CHECK_INT(key_set_comment(a, "one"), 0);
	CHECK_INT(key_set_comment(a, "two"), 0);
	CHECK_TEXT(key_comment(a), "two");
	CHECK(key_equal(a, b));
	key_unref(key_ref(a));
	key_unref(a);
	key_unref(b);
	key_unref(NULL);
}

static int
sign_elsewhere(void *context, const struct key *k,
    const struct signature_algorithm *a, struct span data,
    struct buf *ret_signature)
{
	(void)k;
	return key_sign(context, a, data, ret_signature);
}

static void
free_elsewhere(void *context)
{
	key_unref(context);
}

TEST(a_signer_stands_for_a_private_half)
{
	struct error e;
	struct key *private, *k;
	struct buf out = BUF_INIT;
	struct span data = span_text("data");
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-ed25519"));

	CHECK_INT(key_generate("ed25519", 0, &private, &e), 0);
	CHECK_INT(key_from_blob(key_blob(private), &k), 0);
	CHECK_INT(key_sign(k, a, data, &out), ERR_KEY_TYPE);
	key_set_signer(
	    k, &(struct key_signer){ sign_elsewhere, free_elsewhere, private });
	CHECK(key_has_private(k));
	CHECK_INT(key_sign(k, a, data, &out), 0);
	CHECK_INT(key_verify(k, a, data, buf_span(&out)), 0);
	buf_release(&out);
	CHECK_INT(key_write_private(k, &out), ERR_KEY_TYPE);
	buf_release(&out);
	key_unref(k);
}

/* ---- hybrid keys ---- */

#define HYBRID "ssh-mldsa44-ed25519@openssh.com"

TEST(hybrid_keys_have_the_sizes_and_names_of_both_halves)
{
	struct key *k = generate("mldsa44-ed25519", 0);
	struct reader rd = reader_of(key_blob(k));
	struct buf private = BUF_SECRET_INIT, signature = BUF_INIT;
	const struct signature_algorithm *a =
	    key_choose_signature(k, span_of(NULL, 0));

	CHECK_TEXT(key_type_name(k), HYBRID);
	CHECK_TEXT(key_row(k)->short_name, "MLDSA44-ED25519");
	CHECK(span_is(read_string(&rd), HYBRID));
	CHECK_INT(read_string(&rd).len, 1312 + 32);
	CHECK_INT(read_end(&rd), 0);
	CHECK_INT(key_write_private(k, &private), 0);
	rd = reader_of(buf_span(&private));
	CHECK(span_is(read_string(&rd), HYBRID));
	CHECK_INT(read_string(&rd).len, 1312 + 32);
	CHECK_INT(read_string(&rd).len, 64);
	CHECK_INT(read_end(&rd), 0);
	CHECK(a != NULL);
	CHECK_TEXT(a->name, HYBRID);
	CHECK_INT(key_sign(k, a, span_text("data"), &signature), 0);
	rd = reader_of(buf_span(&signature));
	CHECK(span_is(read_string(&rd), HYBRID));
	CHECK_INT(read_string(&rd).len, 2420 + 64);
	CHECK_INT(read_end(&rd), 0);
	buf_release(&private);
	buf_release(&signature);
	key_unref(k);
}

/* The default list has neither, so a list must name it. */
TEST(hybrid_keys_are_not_in_the_default_list)
{
	struct key *k = generate(HYBRID, 0);

	CHECK(strstr(signature_default_list(), "mldsa") == NULL);
	CHECK(key_choose_signature(k, span_text(signature_default_list())) ==
	      NULL);
	CHECK(key_choose_signature(k, span_text("ssh-rsa," HYBRID)) != NULL);
	key_unref(k);
}

TEST(hybrid_signatures_need_both_halves)
{
	struct key *k = generate("mldsa44-ed25519", 0);
	struct key *other = generate("mldsa44-ed25519", 0), *mixed, *public;
	const struct signature_algorithm *a = signature_find(span_text(HYBRID));
	struct buf one = BUF_INIT, two = BUF_INIT, blob = BUF_INIT;
	struct span data = span_text("data");
	size_t front = 4 + strlen(HYBRID) + 4;

	CHECK_INT(key_from_blob(key_blob(k), &public), 0);
	CHECK_INT(key_sign(k, a, data, &one), 0);
	CHECK_INT(key_sign(other, a, data, &two), 0);
	CHECK_INT(key_verify(public, a, data, buf_span(&one)), 0);
	CHECK_INT(key_verify(public, NULL, data, buf_span(&one)), 0);
	CHECK_INT(key_verify(public, a, span_text("Data"), buf_span(&one)),
	    ERR_SIGNATURE);
	CHECK_INT(key_verify(other, a, data, buf_span(&one)), ERR_SIGNATURE);
	CHECK_INT(key_sign(public, a, data, &one), ERR_KEY_TYPE);
	/* A key with one half of each: neither signature is good, and only
	 * both halves together are. */
	write_span(&blob, key_blob(k));
	memcpy(
	    blob.data + front + 1312, key_blob(other).ptr + front + 1312, 32);
	CHECK_INT(key_from_blob(buf_span(&blob), &mixed), 0);
	CHECK_INT(key_verify(mixed, a, data, buf_span(&one)), ERR_SIGNATURE);
	CHECK_INT(key_verify(mixed, a, data, buf_span(&two)), ERR_SIGNATURE);
	memcpy(one.data + front + 2420, two.data + front + 2420, 64);
	CHECK_INT(key_verify(mixed, a, data, buf_span(&one)), 0);
	CHECK_INT(key_verify(k, a, data, buf_span(&one)), ERR_SIGNATURE);
	buf_release(&one);
	buf_release(&two);
	buf_release(&blob);
	key_unref(k);
	key_unref(other);
	key_unref(mixed);
	key_unref(public);
}

/* Signing is hedged: two signatures differ, and both are good. */
TEST(hybrid_private_fields_survive_and_must_fit)
{
	struct key *k = generate("mldsa44-ed25519", 0), *again;
	struct buf fields = BUF_SECRET_INIT, a = BUF_INIT, b = BUF_INIT;
	const struct signature_algorithm *s = signature_find(span_text(HYBRID));
	struct reader rd;

	CHECK_INT(key_write_private(k, &fields), 0);
	rd = reader_of(buf_span(&fields));
	CHECK_INT(key_read_private(&rd, &again), 0);
	CHECK(key_equal(k, again));
	CHECK_INT(key_sign(k, s, span_text("x"), &a), 0);
	CHECK_INT(key_sign(again, s, span_text("x"), &b), 0);
	CHECK(!span_equal(buf_span(&a), buf_span(&b)));
	CHECK_INT(key_verify(k, s, span_text("x"), buf_span(&b)), 0);
	key_unref(again);
	for (size_t i = 4 + strlen(HYBRID); i < fields.len; i += 97) {
		fields.data[i] ^= 1;
		rd = reader_of(buf_span(&fields));
		CHECK(key_read_private(&rd, &again) != 0);
		fields.data[i] ^= 1;
	}
	buf_release(&fields);
	buf_release(&a);
	buf_release(&b);
	key_unref(k);
}
