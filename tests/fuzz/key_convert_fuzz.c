/*
 * key_convert_fuzz.c - keys in the formats of other programs.
 *
 * Input: a byte; 0: RFC 4716 and private keys of SSH Communications, 1: public
 * keys in PEM; then the file.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/key/key_convert.h"
#include "tests/fuzz/fuzz.h"

#define PASSPHRASE "sesame"

/* What was read is written and read again as the same. */
static void
check_rfc4716(const struct key *k)
{
	struct buf text = BUF_INIT;
	struct key *again = NULL;
	struct error e = { 0 };

	REQUIRE(key_export_rfc4716(k, key_comment(k), &text) == 0);
	REQUIRE(key_import_rfc4716(buf_span(&text), NULL, &again, &e) == 0);
	REQUIRE(key_equal(k, again) && !key_has_private(again));
	key_unref(again);
	buf_release(&text);
}

static void
check_pem(const struct key *k, enum key_format format)
{
	struct buf text = BUF_INIT;
	struct key *again = NULL;
	struct error e = { 0 };

	REQUIRE(key_export_pem(k, format, &text, &e) == 0);
	REQUIRE(key_import_pem(buf_span(&text), &again, &e) == 0);
	REQUIRE(key_equal(k, again));
	key_unref(again);
	buf_release(&text);
}

static void
run_rfc4716(struct span text, const char *passphrase)
{
	struct key *key = NULL;
	struct error e = { 0 };
	int r = key_import_rfc4716(text, passphrase, &key, &e);

	REQUIRE(r <= 0 && (r == 0) == (key != NULL));
	if (r == 0)
		check_rfc4716(key);
	else
		REQUIRE(e.text[0] != '\0' &&
			fuzz_is_printable(span_text(e.text), false));
	key_unref(key);
}

static void
run_pem(struct span text)
{
	struct key *key = NULL;
	struct error e = { 0 };
	int r = key_import_pem(text, &key, &e);

	REQUIRE(r <= 0 && (r == 0) == (key != NULL));
	if (r == 0) {
		REQUIRE(!key_has_private(key));
		check_pem(key, KEY_FORMAT_PKCS8);
		check_pem(key, KEY_FORMAT_PEM);
	}
	key_unref(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));

	if (fuzz_byte(&r) % 2 == 0) {
		struct span text = read_rest(&r);

		run_rfc4716(text, NULL);
		run_rfc4716(text, PASSPHRASE);
	} else {
		run_pem(read_rest(&r));
	}
	return 0;
}

void
fuzz_seeds(void)
{
	static const char *const secsh[] = { "keys/rsa1024.rfc4716",
		"keys/dsa.rfc4716", "keys/ecdsa256.rfc4716",
		"keys/ecdsa521.rfc4716", "keys/ed25519.rfc4716",
		"keys/rsa1024_sshcom", "keys/rsa1024_sshcom_encrypted",
		"keys/dsa_sshcom", "keys/dsa_sshcom_encrypted" };
	static const char *const pem[] = { "keys/rsa1024.spki",
		"keys/rsa1024.pkcs1", "keys/dsa.spki", "keys/ecdsa256.spki",
		"keys/ed25519_openssl.spki" };

	for (size_t i = 0; i < ARRAY_COUNT(secsh); i++)
		fuzz_seed_vector(secsh[i], span_of("\0", 1));
	for (size_t i = 0; i < ARRAY_COUNT(pem); i++)
		fuzz_seed_vector(pem[i], span_of("\1", 1));
}
