/*
 * public_key_fuzz.c - public keys as blobs and as lines, and signatures.
 *
 * Input: a byte; 0: a blob, 1: private fields, 2: a line, 3: the signature
 * blob over "data" by a fixed key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/key/key.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

static void
check_key(struct key *k)
{
	struct key *again = NULL;
	char *line = key_public_line(k, "comment here"), *text;
	struct span comment;

	REQUIRE(key_row(k) != NULL && key_bits(k) != 0);
	REQUIRE(key_from_blob(key_blob(k), &again) == 0);
	REQUIRE(key_equal(k, again));
	REQUIRE(span_equal(key_blob(k), key_blob(again)));
	key_unref(again);
	again = NULL;
	REQUIRE(line != NULL && fuzz_is_printable(span_text(line), false));
	REQUIRE(key_from_line(span_text(line), &again, &comment) == 0);
	REQUIRE(key_equal(k, again) && span_is(comment, "comment here"));
	key_unref(again);
	free(line);
	text = key_fingerprint(k, DIGEST_SHA256);
	REQUIRE(text != NULL && strncmp(text, "SHA256:", 7) == 0);
	free(text);
	text = key_randomart(k, DIGEST_SHA256);
	REQUIRE(text != NULL && fuzz_is_printable(span_text(text), true));
	free(text);
}

static void
run_line(struct span line)
{
	struct key *key = NULL;
	struct span comment;

	if (key_from_line(line, &key, &comment) == 0) {
		check_key(key);
		REQUIRE(comment.len <= line.len);
	}
	key_unref(key);
	key = NULL;
	if (key_find_in_line(line, &key, NULL) == 0)
		check_key(key);
	key_unref(key);
}

static void
run_private(struct span fields)
{
	struct reader r = reader_of(fields);
	struct buf again = BUF_SECRET_INIT;
	struct key *key = NULL;

	if (key_read_private(&r, &key) == 0) {
		REQUIRE(key_has_private(key));
		check_key(key);
		REQUIRE(key_write_private(key, &again) == 0);
		REQUIRE(again.len <= fields.len);
	}
	key_unref(key);
	buf_release(&again);
}

static void
run_signature(struct span signature)
{
	struct key *k = engine_host_key();
	struct buf honest = BUF_INIT;
	int r = key_verify(k, NULL, span_text("data"), signature);

	/* ed25519 has one signature for each message, and no other encoding
	 * of it is taken. */
	REQUIRE(key_sign(k, signature_find(span_text("ssh-ed25519")),
		    span_text("data"), &honest) == 0);
	REQUIRE((r == 0) == span_equal(signature, buf_span(&honest)));
	buf_release(&honest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct key *key = NULL;

	switch (fuzz_byte(&r) % 4) {
	case 0:
		if (key_from_blob(read_rest(&r), &key) == 0)
			check_key(key);
		key_unref(key);
		break;
	case 1:
		run_private(read_rest(&r));
		break;
	case 2:
		run_line(read_rest(&r));
		break;
	default:
		run_signature(read_rest(&r));
		break;
	}
	return 0;
}

static void
seed_key(const char *type, unsigned bits)
{
	struct buf seed = BUF_INIT;
	struct key *key = NULL;
	struct error e = { 0 };
	char name[64];
	char *line;

	REQUIRE(key_generate(type, bits, &key, &e) == 0);
	write_byte(&seed, 0);
	write_span(&seed, key_blob(key));
	snprintf(name, sizeof name, "%s-%u-blob", type, bits);
	fuzz_seed(name, buf_span(&seed));
	buf_clear(&seed);
	write_byte(&seed, 1);
	REQUIRE(key_write_private(key, &seed) == 0);
	snprintf(name, sizeof name, "%s-%u-private", type, bits);
	fuzz_seed(name, buf_span(&seed));
	buf_clear(&seed);
	write_byte(&seed, 2);
	REQUIRE((line = key_public_line(key, "me@here")) != NULL);
	write_span(&seed, span_text("no-pty,from=\"10.*\" "));
	write_span(&seed, span_text(line));
	snprintf(name, sizeof name, "%s-%u-line", type, bits);
	fuzz_seed(name, buf_span(&seed));
	free(line);
	key_unref(key);
	buf_release(&seed);
}

void
fuzz_seeds(void)
{
	struct buf seed = BUF_INIT;

	seed_key("ed25519", 0);
	seed_key("ecdsa", 256);
	seed_key("ecdsa", 384);
	seed_key("ecdsa", 521);
	seed_key("rsa", 1024);
	write_byte(&seed, 3);
	REQUIRE(key_sign(engine_host_key(),
		    signature_find(span_text("ssh-ed25519")), span_text("data"),
		    &seed) == 0);
	fuzz_seed("signature", buf_span(&seed));
	buf_release(&seed);
}
