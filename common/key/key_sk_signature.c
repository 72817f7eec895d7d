/*
 * key_sk_signature.c - what a signature of a security key covers.
 * Format: surface notes s9; WebAuthn level 2 s5.8.1.1, s6.1, s6.3.3.
 *
 *     string type, string signature, byte flags, uint32 counter
 *
 * covers
 *
 *     SHA256(application), byte flags, uint32 counter, SHA256(data)
 *
 * A browser does not sign what it is given but text of its own around it, and
 * perhaps extensions; such a signature goes on with
 *
 *     string origin, string client data, string extensions
 *
 * and covers
 *
 *     SHA256(application), byte flags, uint32 counter, extensions,
 *     SHA256(client data)
 *
 * where the client data starts with
 *
 *     {"type":"webauthn.get","challenge":"BASE64URL(data)","origin":"ORIGIN"
 */
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/key/key_impl.h"

/* Flags of authenticator data (WebAuthn s6.1). */
#define HAS_CREDENTIAL_DATA 0x40
#define HAS_EXTENSIONS      0x80

static int
write_hash(struct buf *out, struct span data)
{
	uint8_t hash[DIGEST_MAX];
	int r = digest_of(DIGEST_SHA256, data, hash);

	if (r == 0)
		write_bytes(out, hash, digest_size(DIGEST_SHA256));
	return r;
}

/* RFC 4648 s5, without padding. */
static void
write_base64url(struct buf *out, struct span data)
{
	size_t start = out->len;

	base64_write(out, data, 0);
	while (out->len > start && out->data[out->len - 1] == '=')
		buf_truncate(out, out->len - 1);
	for (size_t i = start; i < out->len; i++) {
		if (out->data[i] == '+')
			out->data[i] = '-';
		else if (out->data[i] == '/')
			out->data[i] = '_';
	}
}

/*
 * WebAuthn s5.8.1.1 fixes the order and the escaping of these members, so that
 * a comparison of bytes does for a parser of JSON. An origin with a quote
 * could go on with members of its own.
 */
static int
check_client_data(struct span client_data, struct span origin, struct span data)
{
	static const char start[] =
	    "{\"type\":\"webauthn.get\",\"challenge\":\"";
	struct buf wanted = BUF_INIT;
	int r;

	if (memchr(origin.ptr, '"', origin.len) != NULL)
		return ERR_FORMAT;
	write_span(&wanted, span_text(start));
	write_base64url(&wanted, data);
	write_span(&wanted, span_text("\",\"origin\":\""));
	write_span(&wanted, origin);
	write_span(&wanted, span_text("\""));
	r = buf_error(&wanted);
	if (r == 0 &&
	    (client_data.len < wanted.len ||
		memcmp(client_data.ptr, wanted.data, wanted.len) != 0))
		r = ERR_SIGNATURE;
	buf_release(&wanted);
	return r;
}

static int
write_webauthn(
    struct reader *rd, struct span data, uint8_t flags, struct buf *out)
{
	struct span origin = read_text(rd);
	struct span client_data = read_string(rd);
	struct span extensions = read_string(rd);
	int r;

	if (read_end(rd) != 0 || origin.len == 0)
		return ERR_FORMAT;
	if ((flags & HAS_CREDENTIAL_DATA) ||
	    ((flags & HAS_EXTENSIONS) != 0) != (extensions.len > 0))
		return ERR_FORMAT;
	if ((r = check_client_data(client_data, origin, data)) != 0)
		return r;
	write_span(out, extensions);
	return write_hash(out, client_data);
}

int
key_sk_signed(const struct key_sk *sk, const struct signature_algorithm *a,
    struct reader *rd, struct span data, struct signature_facts *ret,
    struct buf *out)
{
	uint8_t flags = read_byte(rd);
	uint32_t counter = read_uint32(rd);
	int r;

	if (read_error(rd) != 0)
		return ERR_FORMAT;
	if ((r = write_hash(out, span_text(sk->application))) != 0)
		return r;
	write_byte(out, flags);
	write_uint32(out, counter);
	if (text_starts_with(a->plain, "webauthn-"))
		r = write_webauthn(rd, data, flags, out);
	else if (read_end(rd) != 0)
		r = ERR_FORMAT;
	else
		r = write_hash(out, data);
	if (r == 0)
		r = buf_error(out);
	ret->is_security_key = true;
	ret->flags = flags;
	ret->counter = counter;
	return r;
}
