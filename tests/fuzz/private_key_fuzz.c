/*
 * private_key_fuzz.c - private key files: openssh-key-v1, PKCS#1, SEC1,
 * PKCS#8, plain and encrypted.
 *
 * A file that costs more than a few rounds of bcrypt is left out: its time
 * is bounded by key_openssh.c, but not so small that a fuzzer gets anywhere.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key_file.h"
#include "tests/fuzz/fuzz.h"

#define PASSPHRASE "passphrase"
#define ROUNDS_MAX 2

/* The rounds of an openssh-key-v1 file; 0 where it is none. */
static uint32_t
rounds_of(struct span text)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	static const char magic[] = "openssh-key-v1";
	const uint8_t *from =
	    memmem(text.ptr, text.len, begin, sizeof begin - 1);
	struct buf blob = BUF_INIT;
	struct reader r, options;
	const uint8_t *to;
	uint32_t rounds = 0;

	if (from == NULL)
		return 0;
	from += sizeof begin - 1;
	to = memchr(from, '-', (size_t)(text.ptr + text.len - from));
	if (to == NULL)
		to = text.ptr + text.len;
	if (base64_read(&blob, span_of(from, (size_t)(to - from))) == 0) {
		r = reader_of(buf_span(&blob));
		(void)read_bytes(&r, sizeof magic);
		(void)read_string(&r);
		if (span_is(read_string(&r), "bcrypt")) {
			options = reader_of(read_string(&r));
			(void)read_string(&options);
			rounds = read_uint32(&options);
		}
	}
	buf_release(&blob);
	return rounds;
}

/* PBKDF2 of PKCS#8 has counts too; a big integer looks like this. */
static bool
is_costly(struct span text)
{
	static const char pkcs8[] = "BEGIN ENCRYPTED PRIVATE KEY";

	return rounds_of(text) > ROUNDS_MAX ||
	       memmem(text.ptr, text.len, pkcs8, sizeof pkcs8 - 1) != NULL;
}

/* A key that was read is written and read again as the same. */
static void
check_again(const struct key *k, enum key_format format)
{
	struct key_file_options options = { .format = format };
	struct buf text = BUF_SECRET_INIT;
	struct key *again = NULL;
	struct error e = { 0 };

	REQUIRE(key_has_private(k));
	if (key_private_format(k, &options, &text, &e) == 0) {
		REQUIRE(key_private_parse(
			    buf_span(&text), NULL, &again, NULL, &e) == 0);
		REQUIRE(key_equal(k, again) && key_has_private(again));
		if (format == KEY_FORMAT_OPENSSH)
			REQUIRE(
			    strcmp(key_comment(k), key_comment(again)) == 0);
	} else {
		/* ed25519 has no PKCS#1, and only that may fail. */
		REQUIRE(format != KEY_FORMAT_OPENSSH);
	}
	key_unref(again);
	buf_release(&text);
}

static void
run(struct span text, const char *passphrase)
{
	struct key *key = NULL, *public_key = NULL;
	struct error e = { 0 };
	int r = key_private_parse(text, passphrase, &key, &public_key, &e);

	REQUIRE(r <= 0 && (r == 0) == (key != NULL));
	if (r != 0)
		REQUIRE(fuzz_is_printable(span_text(e.text), false));
	if (r == 0) {
		check_again(key, KEY_FORMAT_OPENSSH);
		check_again(key, KEY_FORMAT_PEM);
		check_again(key, KEY_FORMAT_PKCS8);
		if (public_key != NULL)
			REQUIRE(key_equal(key, public_key));
	}
	key_unref(key);
	key_unref(public_key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);

	if (size == 0)
		return 0;
	run(text, NULL);
	if (!is_costly(text))
		run(text, PASSPHRASE);
	return 0;
}

void
fuzz_seeds(void)
{
	static const char *const files[] = { "keys/dsa", "keys/dsa.PEM",
		"keys/dsa.PKCS8", "keys/ecdsa256", "keys/ecdsa256.PEM",
		"keys/ecdsa256.PKCS8", "keys/ecdsa521", "keys/ed25519",
		"keys/ed25519_openssl.PKCS8", "keys/rsa1024",
		"keys/rsa1024.PEM", "keys/rsa1024.PKCS8",
		"keys/rsa1024.enc.PEM", "keys/dsa.enc.PEM",
		"keys/mldsa44_ed25519", "keys/ec_openssl_compressed.PEM",
		"keys/ec_openssl_explicit.PEM", "keys/ecdsa256.enc.PKCS8" };
	struct key *key = NULL;
	struct error e = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		fuzz_seed_vector(files[i], span_of(NULL, 0));
	REQUIRE(key_generate("ed25519", 0, &key, &e) == 0);
	for (int i = 0; i < 3; i++) {
		static const char *const ciphers[] = { "aes256-ctr",
			"aes128-gcm@openssh.com",
			"chacha20-poly1305@openssh.com" };
		struct key_file_options options = { .passphrase = PASSPHRASE,
			.cipher = ciphers[i],
			.rounds = 1 };
		struct buf text = BUF_SECRET_INIT;

		REQUIRE(key_private_format(key, &options, &text, &e) == 0);
		fuzz_seed(ciphers[i], buf_span(&text));
		buf_release(&text);
	}
	key_unref(key);
}
