/*
 * helper_test.c - the client of the helpers: their answers, which may be
 * anything, and helpers that are none.
 */
#include "common/agent/helper_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

#define MUTATIONS 2000

static const char ed25519_sk[] = "sk-ssh-ed25519@openssh.com";
static const uint8_t point[32] = { 1 };

static struct security_key_request
request(void)
{
	return (struct security_key_request){ .provider = "/no/such",
		.type = ed25519_sk,
		.application = "ssh:test",
		.flags = KEY_SK_TOUCHED };
}

static void
write_enrolled(struct buf *b)
{
	write_string(b, span_of(point, sizeof(point)));
	write_byte(b, KEY_SK_TOUCHED | KEY_SK_RESIDENT);
	write_text(b, "handle");
	write_text(b, "certificate");
	write_text(b, "signature");
	write_text(b, "authdata");
}

static void
write_residents(struct buf *b)
{
	write_uint32(b, 2);
	for (int i = 0; i < 2; i++) {
		write_text(b, ed25519_sk);
		write_string(b, span_of(point, sizeof(point)));
		write_text(b, "ssh:one");
		write_byte(b, KEY_SK_TOUCHED);
		write_text(b, "handle");
		write_text(b, "me");
	}
}

static void
write_token_keys(struct buf *b)
{
	struct key *k;

	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	write_uint32(b, 1);
	write_string(b, key_blob(k));
	write_text(b, "a \033[1mlabel");
	key_unref(k);
}

/* ---- answers ---- */

TEST(a_new_key_is_read)
{
	struct security_key_attestation a = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct security_key_request q = request();
	struct buf b = BUF_INIT;
	struct error e = { 0 };
	struct key *k;

	write_enrolled(&b);
	CHECK_INT(security_key_read_enrolled(buf_span(&b), &q, &k, &a, &e), 0);
	CHECK_TEXT(key_type_name(k), ed25519_sk);
	CHECK_TEXT(key_application(k), "ssh:test");
	CHECK_INT(key_sk_flags(k), KEY_SK_TOUCHED | KEY_SK_RESIDENT);
	CHECK(span_is(key_sk_handle(k), "handle"));
	CHECK(span_is(buf_span(&a.certificate), "certificate"));
	CHECK(span_is(buf_span(&a.authenticator_data), "authdata"));
	key_unref(k);
	security_key_attestation_release(&a);
	buf_release(&b);
}

TEST(labels_of_tokens_are_made_fit_for_terminals)
{
	struct buf b = BUF_INIT;
	struct error e = { 0 };
	struct key **keys;
	size_t count;

	write_token_keys(&b);
	CHECK_INT(token_read_keys(buf_span(&b), &keys, &count, &e), 0);
	CHECK_INT(count, 1);
	CHECK_TEXT(key_comment(keys[0]), "a \\033[1mlabel");
	key_unref(keys[0]);
	free(keys);
	buf_release(&b);
}

TEST(reasons_are_passed_on_and_made_fit_for_terminals)
{
	struct buf b = BUF_INIT;
	struct error e = { 0 };

	write_uint32(&b, (uint32_t)-ERR_NOT_FOUND);
	write_text(&b, "no \033 device");
	CHECK_INT(helper_read_failure(buf_span(&b), &e), ERR_NOT_FOUND);
	CHECK_TEXT(e.text, "no \\033 device");
	buf_clear(&b);
	write_uint32(&b, 4711);
	write_text(&b, "x");
	CHECK_INT(helper_read_failure(buf_span(&b), &e), ERR_FORMAT);
	buf_clear(&b);
	write_uint32(&b, 0);
	write_text(&b, "x");
	CHECK_INT(helper_read_failure(buf_span(&b), &e), ERR_FORMAT);
	buf_release(&b);
}

TEST(more_keys_than_allowed_are_refused)
{
	struct security_key_resident *residents;
	struct buf b = BUF_INIT;
	struct error e = { 0 };
	struct key **keys;
	size_t count;

	write_uint32(&b, HELPER_KEYS_MAX + 1);
	CHECK_INT(token_read_keys(buf_span(&b), &keys, &count, &e), ERR_FORMAT);
	CHECK_INT(
	    security_key_read_residents(buf_span(&b), &residents, &count, &e),
	    ERR_FORMAT);
	buf_release(&b);
}

/* Reads one of the three kinds of answers; true: it was sound. */
static bool
read_answer(int kind, struct span body, struct error *e)
{
	struct security_key_request q = request();
	struct security_key_resident *residents = NULL;
	struct key *k = NULL, **keys = NULL;
	size_t count = 0;
	int r;

	switch (kind) {
	case 0:
		r = security_key_read_enrolled(body, &q, &k, NULL, e);
		key_unref(r == 0 ? k : NULL);
		return r == 0;
	case 1:
		r = security_key_read_residents(body, &residents, &count, e);
		security_key_residents_free(residents, count);
		return r == 0;
	default:
		r = token_read_keys(body, &keys, &count, e);
		while (count > 0)
			key_unref(keys[--count]);
		free(keys);
		return r == 0;
	}
}

TEST(damaged_answers_are_errors)
{
	static void (*const write[])(struct buf *) = { write_enrolled,
		write_residents, write_token_keys };
	unsigned state = 3, refused = 0;

	for (int i = 0; i < 3; i++) {
		struct buf b = BUF_INIT;
		struct error e = { 0 };

		write[i](&b);
		CHECK(read_answer(i, buf_span(&b), &e));
		for (size_t len = 0; len < b.len; len++) {
			error_clear(&e);
			CHECK(!read_answer(i, span_of(b.data, len), &e));
			CHECK(e.text[0] != '\0');
		}
		for (int n = 0; n < MUTATIONS; n++) {
			size_t at;

			state = state * 1103515245u + 12345u;
			at = (state >> 8) % b.len;
			b.data[at] ^= (uint8_t)(1 << (state >> 28) % 8);
			error_clear(&e);
			if (!read_answer(i, buf_span(&b), &e)) {
				CHECK(e.text[0] != '\0');
				refused++;
			}
			b.data[at] ^= (uint8_t)(1 << (state >> 28) % 8);
		}
		buf_release(&b);
	}
	CHECK(refused > MUTATIONS / 2);
}

TEST(a_signature_that_does_not_fit_is_not_passed_on)
{
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-ed25519"));
	struct buf signature = BUF_INIT, body = BUF_INIT, out = BUF_INIT;
	struct error e = { 0 };
	struct key *k;

	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	CHECK_INT(key_sign(k, a, span_text("data"), &signature), 0);
	write_string(&body, buf_span(&signature));
	CHECK_INT(helper_read_signature(
		      buf_span(&body), k, a, span_text("data"), &out, &e),
	    0);
	CHECK_SPAN(buf_span(&out), buf_span(&signature));
	buf_clear(&out);
	CHECK_INT(helper_read_signature(
		      buf_span(&body), k, a, span_text("other"), &out, &e),
	    ERR_SIGNATURE);
	CHECK_INT(out.len, 0);
	key_unref(k);
	buf_release(&signature);
	buf_release(&body);
	buf_release(&out);
}

/* ---- programs that are no helpers ---- */

static int
enroll_by(const char *program, struct error *e)
{
	struct security_key_request q = request();
	struct key *k;

	setenv("SSH_SK_HELPER", program, 1);
	return security_key_enroll(&q, &k, NULL, e);
}

TEST(programs_that_are_no_helpers_are_told_apart)
{
	struct error e = { 0 };

	CHECK_INT(enroll_by("/no/such/program", &e), ERR_NOT_FOUND);
	CHECK(strstr(e.text, "/no/such/program") != NULL);
	CHECK_INT(enroll_by("/bin/true", &e), ERR_CLOSED);
	CHECK(strstr(e.text, "ended without an answer") != NULL);
	/* Its answer is our request. */
	CHECK_INT(enroll_by("/bin/cat", &e), ERR_UNEXPECTED);
}

TEST(only_private_halves_of_security_keys_are_attached)
{
	struct key *plain, *sk, *public;

	CHECK_INT(key_generate("ed25519", 0, &plain, NULL), 0);
	CHECK_INT(key_sk_make(ed25519_sk, span_of(point, sizeof(point)),
		      "ssh:", 1, span_text("handle"), &sk),
	    0);
	CHECK_INT(key_from_blob(key_blob(sk), &public), 0);
	CHECK_INT(security_key_attach(plain, NULL, NULL), ERR_KEY_TYPE);
	CHECK_INT(security_key_attach(public, NULL, NULL), ERR_KEY_TYPE);
	CHECK(!key_signs_elsewhere(sk));
	CHECK_INT(security_key_attach(sk, "/no/such", NULL), 0);
	CHECK(key_signs_elsewhere(sk));
	/* A second provider takes the place of the first. */
	CHECK_INT(security_key_attach(sk, "/no/other", NULL), 0);
	key_unref(plain);
	key_unref(sk);
	key_unref(public);
}
