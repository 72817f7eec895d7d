/*
 * sshsig_fuzz.c - signatures of files, as text or as what is in it.
 *
 * Input: a byte; odd: the rest is the text, even: it is the bytes between the
 * lines.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/sshsig.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define BEGIN_LINE "-----BEGIN SSH SIGNATURE-----\n"
#define END_LINE   "-----END SSH SIGNATURE-----\n"

static void
hash_nothing(enum digest_algorithm a, uint8_t *out)
{
	REQUIRE(digest_of(a, span_of(out, 0), out) == 0);
}

static void
check(struct span text)
{
	uint8_t hashed[DIGEST_MAX];
	struct error e = { 0 };
	struct sshsig s;
	int r = sshsig_parse(text, &s, &e);

	REQUIRE((r == 0) == (e.text[0] == '\0'));
	if (r != 0)
		return;
	REQUIRE(s.key != NULL && s.namespace != NULL);
	REQUIRE(s.hash == DIGEST_SHA256 || s.hash == DIGEST_SHA512);
	hash_nothing(s.hash, hashed);
	r = sshsig_verify(
	    &s, s.namespace, span_of(hashed, digest_size(s.hash)), &e);
	/* Whoever made a good one here has the key. */
	if (r == 0)
		REQUIRE(span_equal(
		    key_plain_blob(s.key), key_blob(engine_host_key())));
	sshsig_release(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_of(data, size);
	struct buf text = BUF_INIT;

	if (size == 0)
		return 0;
	input = span_of(data + 1, size - 1);
	if (data[0] % 2 != 0) {
		check(input);
		return 0;
	}
	write_bytes(&text, BEGIN_LINE, strlen(BEGIN_LINE));
	base64_write(&text, input, 70);
	write_bytes(&text, END_LINE, strlen(END_LINE));
	check(buf_span(&text));
	buf_release(&text);
	return 0;
}

void
fuzz_seeds(void)
{
	uint8_t hashed[DIGEST_MAX];
	struct buf text = BUF_INIT, seed = BUF_INIT;
	size_t front = strlen(BEGIN_LINE), back = strlen(END_LINE);

	hash_nothing(DIGEST_SHA256, hashed);
	write_byte(&text, 1);
	REQUIRE(sshsig_sign(engine_host_key(), engine_host_key(), "file",
		    DIGEST_SHA256, span_of(hashed, 32), &text) == 0);
	fuzz_seed("text", buf_span(&text));
	write_byte(&seed, 0);
	REQUIRE(base64_read(&seed, span_of(text.data + 1 + front,
				       text.len - 1 - front - back)) == 0);
	fuzz_seed("bytes", buf_span(&seed));
	buf_release(&text);
	buf_release(&seed);
}
