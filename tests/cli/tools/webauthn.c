/*
 * webauthn.c - what a browser with a security key would sign, for tests.
 *
 *   webauthn key                      prints a new key's public line and, on
 *                                     the next line, its secret
 *   webauthn sign SECRET NAMESPACE    an SSHSIG (surface notes s10) over
 *                                     standard input, by
 *                                     webauthn-sk-ecdsa-sha2-nistp256
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"

#define APPLICATION "example.org"
#define ORIGIN      "https://example.org"
#define TYPE        "sk-ecdsa-sha2-nistp256@openssh.com"
#define ALGORITHM   "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
#define FLAGS       5
#define COUNTER     42

static void
fail(const char *what)
{
	fprintf(stderr, "webauthn: %s\n", what);
	exit(1);
}

static struct key *
public_of(EVP_PKEY *pkey)
{
	uint8_t point[65];
	size_t len = 0;
	struct key *k = NULL;

	if (EVP_PKEY_get_octet_string_param(
		pkey, "pub", point, sizeof(point), &len) != 1 ||
	    key_sk_make(TYPE, span_of(point, len), APPLICATION, 1,
		span_text("handle"), &k) != 0)
		fail("no key");
	return k;
}

/* The secret is the whole key as DER, in hexadecimal. */
static int
make_key(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("prime256v1");
	uint8_t *der = NULL;
	int len = i2d_PrivateKey(pkey, &der);
	struct buf hex = BUF_INIT;

	if (len <= 0)
		fail("no key");
	hex_write(&hex, span_of(der, (size_t)len));
	printf("%s\n%s\n", key_public_line(public_of(pkey), "webauthn"),
	    buf_text(&hex));
	return 0;
}

static EVP_PKEY *
read_secret(const char *text)
{
	struct buf der = BUF_INIT;
	const uint8_t *p;
	EVP_PKEY *pkey;

	if (hex_read(&der, text) != 0)
		fail("no secret");
	p = der.data;
	pkey = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)der.len);
	if (pkey == NULL)
		fail("no secret");
	return pkey;
}

static void
write_hash(struct buf *out, enum digest_algorithm d, struct span data)
{
	uint8_t hash[DIGEST_MAX];

	if (digest_of(d, data, hash) != 0)
		fail("no digest");
	write_bytes(out, hash, digest_size(d));
}

static void
write_number(struct buf *out, const BIGNUM *n)
{
	uint8_t bytes[64];

	write_mpint(out, span_of(bytes, (size_t)BN_bn2bin(n, bytes)));
}

static void
write_ecdsa(struct buf *out, EVP_PKEY *pkey, struct span covered)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *p = der;
	size_t len = sizeof(der), mark;
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1 ||
	    EVP_DigestSign(ctx, der, &len, covered.ptr, covered.len) != 1 ||
	    (sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL)
		fail("no signature");
	mark = write_string_begin(out);
	write_number(out, ECDSA_SIG_get0_r(sig));
	write_number(out, ECDSA_SIG_get0_s(sig));
	write_string_end(out, mark);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* WebAuthn level 2 s5.8.1.1: the client data, around data as challenge. */
static void
write_client_data(struct buf *out, struct span data)
{
	struct buf challenge = BUF_INIT;

	base64_write(&challenge, data, 0);
	for (size_t i = 0; i < challenge.len; i++) {
		uint8_t *c = &challenge.data[i];

		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	}
	while (challenge.len > 0 && challenge.data[challenge.len - 1] == '=')
		buf_truncate(&challenge, challenge.len - 1);
	buf_printf(out,
	    "{\"type\":\"webauthn.get\",\"challenge\":\"%s\","
	    "\"origin\":\"" ORIGIN "\",\"crossOrigin\":false}",
	    buf_text(&challenge));
	buf_release(&challenge);
}

static void
write_signature(struct buf *out, EVP_PKEY *pkey, struct span data)
{
	struct buf client = BUF_INIT, covered = BUF_INIT;

	write_client_data(&client, data);
	write_hash(&covered, DIGEST_SHA256, span_text(APPLICATION));
	write_byte(&covered, FLAGS);
	write_uint32(&covered, COUNTER);
	write_hash(&covered, DIGEST_SHA256, buf_span(&client));
	write_text(out, ALGORITHM);
	write_ecdsa(out, pkey, buf_span(&covered));
	write_byte(out, FLAGS);
	write_uint32(out, COUNTER);
	write_text(out, ORIGIN);
	write_string(out, buf_span(&client));
	write_text(out, "");
	buf_release(&client);
	buf_release(&covered);
}

static int
sign(const char *secret, const char *name_space)
{
	EVP_PKEY *pkey = read_secret(secret);
	struct buf message = BUF_INIT, hash = BUF_INIT, data = BUF_INIT;
	struct buf signature = BUF_INIT, blob = BUF_INIT, text = BUF_INIT;

	if (file_read_fd(0, 1 << 20, &message, NULL) != 0)
		fail("no message");
	write_hash(&hash, DIGEST_SHA512, buf_span(&message));
	write_span(&data, span_text("SSHSIG"));
	write_text(&data, name_space);
	write_text(&data, "");
	write_text(&data, "sha512");
	write_string(&data, buf_span(&hash));
	write_signature(&signature, pkey, buf_span(&data));
	write_span(&blob, span_text("SSHSIG"));
	write_uint32(&blob, 1);
	write_string(&blob, key_blob(public_of(pkey)));
	write_text(&blob, name_space);
	write_text(&blob, "");
	write_text(&blob, "sha512");
	write_string(&blob, buf_span(&signature));
	base64_write(&text, buf_span(&blob), 70);
	printf("-----BEGIN SSH SIGNATURE-----\n%s-----END SSH SIGNATURE-----\n",
	    buf_text(&text));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "key") == 0)
		return make_key();
	if (argc == 4 && strcmp(argv[1], "sign") == 0)
		return sign(argv[2], argv[3]);
	fprintf(stderr, "usage: webauthn key | sign SECRET NAMESPACE\n");
	return 2;
}
