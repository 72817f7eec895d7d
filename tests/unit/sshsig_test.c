/*
 * sshsig_test.c - signatures of files.
 */
#include "common/key/sshsig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "common/key/key_impl.h"
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
certify(const struct key *subject, const struct key *ca)
{
	const struct strings nobody = STRINGS_INIT;
	const struct certificate_request q = {
		.kind = CERTIFICATE_USER,
		.key_id = "id",
		.principals = &nobody,
		.valid_before = CERTIFICATE_FOREVER,
	};
	struct key *k;

	CHECK_INT(certificate_sign(subject, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &k),
	    0);
	return k;
}

/* The hash of a message that is nothing but a number. */
static struct span
hashed(enum digest_algorithm a, uint8_t number, uint8_t *room)
{
	CHECK_INT(digest_of(a, span_of(&number, 1), room), 0);
	return span_of(room, digest_size(a));
}

static void
check_round_trip(const struct key *signer, const struct key *named,
    enum digest_algorithm hash)
{
	uint8_t room[DIGEST_MAX];
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	struct sshsig s;

	CHECK_INT(sshsig_sign(signer, named, "a space", hash,
		      hashed(hash, 1, room), &text),
	    0);
	CHECK_INT(sshsig_parse(buf_span(&text), &s, &e), 0);
	CHECK(key_equal(s.key, named));
	CHECK_TEXT(s.namespace, "a space");
	CHECK_INT(s.hash, hash);
	CHECK_INT(sshsig_verify(&s, "a space", hashed(hash, 1, room), &e), 0);
	CHECK_INT(sshsig_verify(&s, "a space", hashed(hash, 2, room), &e),
	    ERR_SIGNATURE);
	CHECK_INT(sshsig_verify(&s, "another", hashed(hash, 1, room), &e),
	    ERR_ARGUMENT);
	CHECK_TEXT(
	    e.text, "Couldn't verify signature: namespace does not match");
	sshsig_release(&s);
	buf_release(&text);
}

TEST(keys_of_every_type_sign_and_verify_with_both_hashes)
{
	static const char *const types[] = { "ed25519", "rsa",
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
		"ecdsa-sha2-nistp521", "mldsa44-ed25519" };

	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		struct key *k = generate(types[i]);
		struct key *c = certify(k, k);

		check_round_trip(k, k, DIGEST_SHA256);
		check_round_trip(k, k, DIGEST_SHA512);
		check_round_trip(k, c, DIGEST_SHA512);
		key_unref(k);
		key_unref(c);
	}
}

/* A key and a signature of an earlier build: both forms stay. */
TEST(a_kept_hybrid_signature_stays_good)
{
	struct span text = unit_vector_file("mldsa44_ed25519.sshsig");
	struct span line = unit_vector_file("keys/mldsa44_ed25519.pub");
	uint8_t hashed_message[DIGEST_MAX];
	struct error e = { 0 };
	struct sshsig s;
	struct key *k;

	while (line.ptr[line.len - 1] == '\n')
		line.len--;
	CHECK_INT(key_from_line(line, &k, NULL), 0);
	CHECK_INT(sshsig_parse(text, &s, &e), 0);
	CHECK(key_equal(s.key, k));
	CHECK_INT(
	    digest_of(DIGEST_SHA512, span_text("a message\n"), hashed_message),
	    0);
	CHECK_INT(
	    sshsig_verify(&s, "file", span_of(hashed_message, 64), &e), 0);
	sshsig_release(&s);
	key_unref(k);
}

TEST(only_the_key_itself_or_its_certificate_goes_along)
{
	struct key *k = generate("ed25519"), *other = generate("ed25519");
	uint8_t room[DIGEST_MAX];
	struct buf text = BUF_INIT;
	struct span h = hashed(DIGEST_SHA512, 1, room);

	CHECK_INT(
	    sshsig_sign(k, other, "x", DIGEST_SHA512, h, &text), ERR_KEY_TYPE);
	CHECK_INT(sshsig_sign(k, k, "x", DIGEST_SHA1, span_of(room, 20), &text),
	    ERR_ARGUMENT);
	CHECK_INT(text.len, 0);
	key_unref(k);
	key_unref(other);
}

TEST(hashes_have_two_names)
{
	enum digest_algorithm a;
	struct error e = { 0 };

	CHECK_INT(sshsig_find_hash("sha256", &a, &e), 0);
	CHECK_INT(a, DIGEST_SHA256);
	CHECK_INT(sshsig_find_hash("sha512", &a, &e), 0);
	CHECK_INT(a, DIGEST_SHA512);
	CHECK_INT(sshsig_find_hash("SHA256", &a, &e), ERR_UNSUPPORTED);
	CHECK_INT(sshsig_find_hash("sha1", &a, &e), ERR_UNSUPPORTED);
	CHECK_INT(sshsig_find_hash("", &a, &e), ERR_UNSUPPORTED);
}

TEST(a_file_is_hashed_piece_by_piece)
{
	uint8_t out[DIGEST_MAX], want[DIGEST_MAX];
	size_t size = 3 * 1024 * 1024 + 17;
	uint8_t *data = calloc(size, 1);
	struct error e = { 0 };
	char *path = text_format("%s/data", unit_scratch());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(data != NULL && fd >= 0);
	CHECK_INT(write(fd, data, size), size);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(sshsig_hash_fd(fd, DIGEST_SHA512, out, &e), 0);
	CHECK_INT(digest_of(DIGEST_SHA512, span_of(data, size), want), 0);
	CHECK_SPAN(span_of(out, 64), span_of(want, 64));
	close(fd);
	CHECK_INT(sshsig_hash_fd(fd, DIGEST_SHA512, out, &e), ERR_SYSTEM);
	free(path);
	free(data);
}

/* ---- damage ---- */

static void
sample(struct buf *text)
{
	struct key *k = generate("ed25519"), *c = certify(k, k);
	uint8_t room[DIGEST_MAX];

	CHECK_INT(sshsig_sign(k, c, "space", DIGEST_SHA256,
		      hashed(DIGEST_SHA256, 1, room), text),
	    0);
	key_unref(k);
	key_unref(c);
}

TEST(what_surrounds_the_armour_does_not_matter_behind_it)
{
	struct buf text = BUF_INIT, other = BUF_INIT;
	struct error e = { 0 };
	struct sshsig s;

	sample(&text);
	buf_printf(&other, "\r\n");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			write_byte(&other, '\r');
		write_byte(&other, text.data[i]);
	}
	buf_printf(&other, "something else");
	CHECK_INT(sshsig_parse(buf_span(&other), &s, &e), 0);
	sshsig_release(&s);
	buf_clear(&other);
	buf_printf(&other, "something else\n");
	write_span(&other, buf_span(&text));
	CHECK_INT(sshsig_parse(buf_span(&other), &s, &e), ERR_FORMAT);
	CHECK_TEXT(e.text, "Couldn't parse signature: missing header");
	buf_release(&other);
	buf_release(&text);
}

TEST(every_cut_of_a_signature_is_an_error)
{
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	struct sshsig s;

	sample(&text);
	for (size_t n = 0; n + 2 < text.len; n++) {
		CHECK(sshsig_parse(span_of(text.data, n), &s, &e) != 0);
		CHECK(e.text[0] != '\0');
	}
	buf_release(&text);
}

/* The blob between the lines, armoured. */
static void
wrap(struct span blob, struct buf *text)
{
	buf_clear(text);
	buf_printf(text, "-----BEGIN SSH SIGNATURE-----\n");
	base64_write(text, blob, 70);
	buf_printf(text, "-----END SSH SIGNATURE-----\n");
}

TEST(two_thousand_mutations_are_no_good_signature)
{
	struct buf text = BUF_INIT, blob = BUF_INIT, copy = BUF_INIT;
	uint8_t room[DIGEST_MAX];
	struct random_seeded seed;
	struct random_source random;
	struct error e = { 0 };
	int parsed = 0;

	random_seeded_init(&seed, 5);
	random = random_seeded_source(&seed);
	sample(&text);
	CHECK_INT(
	    base64_read(&blob, span_of(text.data + 30, text.len - 58)), 0);
	for (int i = 0; i < 2000; i++) {
		struct sshsig s;
		uint32_t at[2];

		buf_clear(&copy);
		write_span(&copy, buf_span(&blob));
		CHECK_INT(random_fill(&random, at, sizeof(at)), 0);
		copy.data[at[0] % copy.len] ^= (uint8_t)(1 + at[1] % 255);
		wrap(buf_span(&copy), &text);
		if (sshsig_parse(buf_span(&text), &s, &e) != 0)
			continue;
		parsed++;
		CHECK(sshsig_verify(&s, "space", hashed(DIGEST_SHA256, 1, room),
			  &e) != 0);
		sshsig_release(&s);
	}
	CHECK(parsed > 50);
	buf_release(&text);
	buf_release(&blob);
	buf_release(&copy);
}

TEST(other_versions_hashes_and_first_bytes_are_refused)
{
	static const struct {
		const char *magic;
		uint32_t version;
		const char *hash;
		int code;
	} cases[] = {
		{ "SSHSIG", 1, "sha512", ERR_KEY_FORMAT }, /* no key */
		{ "SSHSIH", 1, "sha512", ERR_FORMAT },
		{ "SSHSIG", 2, "sha512", ERR_UNSUPPORTED },
		{ "SSHSIG", 1, "sha1", ERR_UNSUPPORTED },
		{ "SSHSIG", 1, "SHA512", ERR_UNSUPPORTED },
		{ "SSHSIG", 1, "", ERR_UNSUPPORTED },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct buf blob = BUF_INIT, text = BUF_INIT;
		struct error e = { 0 };
		struct sshsig s;

		write_bytes(&blob, cases[i].magic, 6);
		write_uint32(&blob, cases[i].version);
		write_text(&blob, "");
		write_text(&blob, "space");
		write_text(&blob, "");
		write_text(&blob, cases[i].hash);
		write_text(&blob, "signature");
		wrap(buf_span(&blob), &text);
		CHECK_INT(sshsig_parse(buf_span(&text), &s, &e), cases[i].code);
		buf_release(&blob);
		buf_release(&text);
	}
}

/* SHA-1 is what RSA keys used to sign by: not here. */
TEST(rsa_by_sha1_is_no_signature)
{
	struct key *k = generate("rsa");
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-rsa"));
	struct buf body = BUF_INIT;
	uint8_t room[DIGEST_MAX];
	struct error e = { 0 };
	struct span h = hashed(DIGEST_SHA512, 1, room);
	struct sshsig s = { k, strdup("x"), DIGEST_SHA512, BUF_INIT };

	write_bytes(&body, "SSHSIG", 6);
	write_text(&body, "x");
	write_text(&body, "");
	write_text(&body, "sha512");
	write_string(&body, h);
	CHECK_INT(key_sign(k, a, buf_span(&body), &s.signature), 0);
	CHECK_INT(sshsig_verify(&s, "x", h, &e), ERR_SIGNATURE_ALGORITHM);
	buf_clear(&s.signature);
	a = signature_find(span_text("rsa-sha2-256"));
	CHECK_INT(key_sign(k, a, buf_span(&body), &s.signature), 0);
	CHECK_INT(sshsig_verify(&s, "x", h, &e), 0);
	sshsig_release(&s);
	buf_release(&body);
}
