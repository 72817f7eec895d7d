/*
 * helper_fuzz.c - answers of the helpers of security keys and tokens, whose
 * provider library may do anything.
 *
 * Input: a byte; 0: FAILED, 1: a new key, 2: keys that a device remembers, 3:
 * keys of a token, 4: a signature by a key that no one has.
 */
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper_impl.h"
#include "common/base/error.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

static void
run_failure(struct span body)
{
	struct error e = { 0 };
	int r = helper_read_failure(body, &e);

	REQUIRE(r < 0 && r > -ERROR_INDEX_COUNT);
	REQUIRE(e.text[0] != '\0' && strlen(e.text) < sizeof(e.text));
	for (const char *p = e.text; *p != '\0'; p++)
		REQUIRE((unsigned char)*p >= ' ');
}

static void
run_enrolled(struct span body)
{
	static const char *const types[] = { "sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com" };
	struct security_key_attestation a = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct security_key_request q = { .application = "ssh:" };
	struct error e = { 0 };
	struct key *k = NULL;

	q.type = types[body.len % 2];
	if (security_key_read_enrolled(body, &q, &k, &a, &e) == 0) {
		REQUIRE(key_is_security_key(k) && key_has_private(k));
		REQUIRE(strcmp(key_type_name(k), q.type) == 0);
		REQUIRE(strcmp(key_application(k), "ssh:") == 0);
	} else {
		REQUIRE(e.text[0] != '\0');
	}
	key_unref(k);
	security_key_attestation_release(&a);
}

static void
run_residents(struct span body)
{
	struct security_key_resident *keys = NULL;
	struct error e = { 0 };
	size_t count = 0;

	if (security_key_read_residents(body, &keys, &count, &e) == 0) {
		REQUIRE(count <= HELPER_KEYS_MAX);
		for (size_t i = 0; i < count; i++)
			REQUIRE(key_is_security_key(keys[i].key));
	}
	security_key_residents_free(keys, count);
}

static void
run_token_keys(struct span body)
{
	struct key **keys = NULL;
	struct error e = { 0 };
	size_t count = 0;

	if (token_read_keys(body, &keys, &count, &e) == 0)
		REQUIRE(count <= HELPER_KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		REQUIRE(key_certificate(keys[i]) == NULL);
		REQUIRE(
		    fuzz_is_printable(span_text(key_comment(keys[i])), false));
		key_unref(keys[i]);
	}
	free(keys);
}

/* Nobody has the private half of this one. */
static void
run_signature(struct span body)
{
	struct error e = { 0 };
	struct buf out = BUF_INIT;
	struct key *k = NULL;

	REQUIRE(key_sk_make("sk-ssh-ed25519@openssh.com",
		    span_of("\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3"
			    "\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25"
			    "\xaf\x02\x1a\x68\xf7\x07\x51\x1a",
			32),
		    "ssh:", 1, span_text("handle"), &k) == 0);
	REQUIRE(helper_read_signature(body, k,
		    signature_find(span_text("sk-ssh-ed25519@openssh.com")),
		    span_text("data"), &out, &e) != 0);
	REQUIRE(out.len == 0 && e.text[0] != '\0');
	key_unref(k);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));

	switch (fuzz_byte(&r) % 5) {
	case 0:
		run_failure(read_rest(&r));
		break;
	case 1:
		run_enrolled(read_rest(&r));
		break;
	case 2:
		run_residents(read_rest(&r));
		break;
	case 3:
		run_token_keys(read_rest(&r));
		break;
	default:
		run_signature(read_rest(&r));
		break;
	}
	return 0;
}

static void
seed_enrolled(struct buf *b, struct span public_key)
{
	buf_clear(b);
	write_byte(b, 1);
	write_string(b, public_key);
	write_byte(b, 1);
	write_text(b, "handle");
	write_text(b, "certificate");
	write_text(b, "signature");
	write_text(b, "authdata");
	fuzz_seed("enrolled", buf_span(b));
}

static void
seed_residents(struct buf *b, struct span public_key)
{
	buf_clear(b);
	write_byte(b, 2);
	write_uint32(b, 2);
	for (int i = 0; i < 2; i++) {
		write_text(b, "sk-ssh-ed25519@openssh.com");
		write_string(b, public_key);
		write_text(b, "ssh:x");
		write_byte(b, 0x21);
		write_text(b, "handle");
		write_text(b, "user");
	}
	fuzz_seed("residents", buf_span(b));
}

static void
seed_token_keys(struct buf *b)
{
	struct key *k = engine_host_key();

	buf_clear(b);
	write_byte(b, 3);
	write_uint32(b, 1);
	write_string(b, key_blob(k));
	write_text(b, "a label");
	fuzz_seed("token_keys", buf_span(b));
}

static void
seed_signature(struct buf *b, struct span bytes)
{
	size_t mark;

	buf_clear(b);
	write_byte(b, 4);
	mark = write_string_begin(b);
	write_text(b, "sk-ssh-ed25519@openssh.com");
	write_string(b, bytes);
	write_byte(b, 1);
	write_uint32(b, 7);
	write_string_end(b, mark);
	fuzz_seed("signature", buf_span(b));
}

void
fuzz_seeds(void)
{
	static const uint8_t bytes[64] = { 1 };
	struct buf b = BUF_INIT;

	write_byte(&b, 0);
	write_uint32(&b, 3);
	write_text(&b, "a reason");
	fuzz_seed("failed", buf_span(&b));
	seed_enrolled(&b, span_of(bytes, 32));
	seed_residents(&b, span_of(bytes, 32));
	seed_token_keys(&b);
	seed_signature(&b, span_of(bytes, 64));
	buf_release(&b);
}
