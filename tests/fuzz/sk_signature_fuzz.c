/*
 * sk_signature_fuzz.c - signatures of security keys and of browsers, by keys
 * that nobody has.
 *
 * Input: a byte that chooses the key and the algorithm, then the signature
 * blob.
 */
#include "common/base/error.h"
#include "common/key/key.h"
#include "tests/fuzz/fuzz.h"

static const struct {
	const char *type, *algorithm;
} rows[] = {
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com",
	    "sk-ecdsa-sha2-nistp256@openssh.com" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com",
	    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", NULL },
};

/* RFC 8032 s7.1 test 1; the generator of P-256 (SEC 2 s2.4.2). */
static const uint8_t ed25519_point[] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1,
	0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
	0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
	0x51, 0x1a };
static const uint8_t p256_point[] = { 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
	0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
	0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
	0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
	0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
	0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	size_t i = fuzz_byte(&r) % 4;
	struct signature_facts facts = { 0 };
	struct key *k = NULL;
	int code;

	REQUIRE(key_sk_make(rows[i].type,
		    i == 0 ? span_of(ed25519_point, sizeof(ed25519_point))
			   : span_of(p256_point, sizeof(p256_point)),
		    "ssh:", 1, span_text("handle"), &k) == 0);
	code = key_verify_facts(k,
	    rows[i].algorithm != NULL
		? signature_find(span_text(rows[i].algorithm))
		: NULL,
	    span_text("data"), read_rest(&r), &facts);
	/* The private half of the generator is 1: whoever finds that may sign,
	 * but not without these. */
	if (code == 0)
		REQUIRE(i != 0 && facts.is_security_key);
	else
		REQUIRE(!facts.is_security_key);
	key_unref(k);
	return 0;
}

void
fuzz_seeds(void)
{
	static const uint8_t bytes[64] = { 1 };
	struct buf b = BUF_INIT;
	size_t mark;

	write_byte(&b, 0);
	write_text(&b, rows[0].algorithm);
	write_string(&b, span_of(bytes, sizeof(bytes)));
	write_byte(&b, 1);
	write_uint32(&b, 7);
	fuzz_seed("ed25519", buf_span(&b));
	for (uint8_t i = 1; i < 3; i++) {
		buf_clear(&b);
		write_byte(&b, i);
		write_text(&b, rows[i].algorithm);
		mark = write_string_begin(&b);
		write_mpint(&b, span_of(bytes, 32));
		write_mpint(&b, span_of(bytes, 32));
		write_string_end(&b, mark);
		write_byte(&b, 5);
		write_uint32(&b, 7);
		if (i == 2) {
			write_text(&b, "https://example.org");
			write_text(&b,
			    "{\"type\":\"webauthn.get\",\"challenge\":"
			    "\"ZGF0YQ\",\"origin\":\"https://example.org\"}");
			write_text(&b, "");
		}
		fuzz_seed(i == 1 ? "ecdsa" : "webauthn", buf_span(&b));
	}
	buf_release(&b);
}
