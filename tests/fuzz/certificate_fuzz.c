/*
 * certificate_fuzz.c - what a certificate says, behind a good signature: any
 * bytes, signed by a CA that signs everything.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/key/certificate.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

/* The fields behind the public key, up to the CA, are the input's. */
static void
compose(struct span fields, struct buf *out)
{
	struct key *ca = engine_host_key();
	struct reader plain = reader_of(key_blob(ca));
	struct buf signature = BUF_INIT;

	read_string(&plain);
	write_text(out, "ssh-ed25519-cert-v01@openssh.com");
	write_text(out, "nonce");
	write_span(out, read_rest(&plain));
	write_span(out, fields);
	write_string(out, key_blob(ca));
	REQUIRE(key_sign(ca, signature_find(span_text("ssh-ed25519")),
		    buf_span(out), &signature) == 0);
	write_string(out, buf_span(&signature));
	buf_release(&signature);
}

static void
walk_options(const struct buf *options)
{
	struct span rest = buf_span(options), name, data;
	size_t total = 0;

	while (certificate_option_next(&rest, &name, &data))
		total += 8 + name.len + data.len;
	REQUIRE(rest.len == 0 && total == options->len);
}

static void
check_certificate(const struct key *k)
{
	const struct certificate *c = key_certificate(k);
	struct certificate_use use = { c->kind, 1700000000, "root", NULL };
	struct certificate_rights rights;
	struct error e = { 0 };
	struct key *again = NULL;

	REQUIRE(c->kind == CERTIFICATE_USER || c->kind == CERTIFICATE_HOST);
	REQUIRE(c->principals.count <= CERTIFICATE_PRINCIPALS_MAX);
	walk_options(&c->critical);
	walk_options(&c->extensions);
	if (certificate_check(c, &use, &e) == 0)
		REQUIRE(c->principals.count > 0 &&
			c->valid_after <= use.now_s &&
			use.now_s < c->valid_before);
	else
		REQUIRE(e.text[0] != '\0');
	if (certificate_rights_read(c, &rights, &e) == 0)
		certificate_rights_release(&rights);
	else
		REQUIRE(fuzz_is_printable(span_text(e.text), false));
	REQUIRE(span_equal(key_plain_blob(k), key_blob(engine_host_key())));
	REQUIRE(key_from_blob(key_blob(k), &again) == 0);
	REQUIRE(key_equal(k, again));
	key_unref(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf blob = BUF_INIT;
	struct key *k = NULL;

	compose(span_of(data, size), &blob);
	if (key_from_blob(buf_span(&blob), &k) == 0)
		check_certificate(k);
	key_unref(k);
	buf_release(&blob);
	return 0;
}

/* A certificate's fields, between the public key and the CA's. */
static void
seed(const char *name, const struct certificate_option *critical, size_t count,
    const char *principal, enum certificate_kind kind)
{
	static const struct certificate_option extensions[] = {
		{ "permit-pty", NULL }, { "x@example.com", "value" }
	};
	struct key *ca = engine_host_key(), *k = NULL;
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { kind, 7, "an id", &principals,
		1600000000, CERTIFICATE_FOREVER, critical, count, extensions,
		ARRAY_COUNT(extensions) };
	struct reader r;
	size_t tail = 4 + key_blob(ca).len + 4 + 4 + 11 + 4 + 64;

	REQUIRE(strings_add(&principals, principal) == 0);
	REQUIRE(certificate_sign(ca, &q, ca,
		    signature_find(span_text("ssh-ed25519")), &k) == 0);
	r = reader_of(key_blob(k));
	for (int i = 0; i < 3; i++)
		read_string(&r);
	fuzz_seed(name, read_bytes(&r, r.len - tail));
	key_unref(k);
	strings_release(&principals);
}

void
fuzz_seeds(void)
{
	static const struct certificate_option critical[] = {
		{ "force-command", "true" },
		{ "source-address", "10.0.0.0/8,::1" },
		{ "verify-required", NULL },
	};

	seed("user", critical, ARRAY_COUNT(critical), "root", CERTIFICATE_USER);
	seed("host", NULL, 0, "*.example.com", CERTIFICATE_HOST);
}
