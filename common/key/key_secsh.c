/*
 * key_secsh.c - private keys as the programs of SSH Communications write
 * them, for people who come from there. Reading only.
 *
 *     uint32 0x3f6ff9eb, uint32 length of all of this
 *     string key type, string cipher ("none" or "3des-cbc")
 *     string { uint32 length of the fields, fields, padding }
 *
 *     RSA: e, d, n, u, p, q; DSA: uint32 0, p, g, q, y, x
 *     A number is uint32 count of bits, then the bytes.
 *
 * 3des-cbc: IV zero, key MD5(pass) then MD5(pass, MD5(pass)), cut at 24 bytes.
 * Nothing authenticates it: a wrong passphrase shows as nonsense.
 */
#include "common/key/key_secsh_impl.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/bn.h>

#include "common/base/secret.h"
#include "common/crypto/cipher.h"
#include "common/crypto/digest.h"
#include "common/key/key_impl.h"

#define MAGIC       0x3f6ff9ebu
#define RSA_TYPE    "if-modn{sign{rsa"
#define DSA_TYPE    "dl-modp{sign{dsa"
#define NUMBER_BITS RSA_BITS_MAX
#define MD5_SIZE    16
#define KEY_SIZE    24
#define BLOCK_SIZE  8

static int
damaged(struct error *e, const char *what)
{
	return error_set(
	    e, ERR_KEY_FORMAT, "damaged SSH2 private key: %s", what);
}

/* ---- encryption ---- */

static int
derive_key(const char *passphrase, uint8_t out[static 2 * MD5_SIZE])
{
	struct buf b = BUF_SECRET_INIT;
	int r;

	write_span(&b, span_text(passphrase));
	if ((r = digest_of(DIGEST_MD5, buf_span(&b), out)) == 0) {
		write_bytes(&b, out, MD5_SIZE);
		r = digest_of(DIGEST_MD5, buf_span(&b), out + MD5_SIZE);
	}
	if (r == 0)
		r = buf_error(&b);
	buf_release(&b);
	return r;
}

static int
decrypt(const char *passphrase, struct buf *b)
{
	static const uint8_t iv[BLOCK_SIZE];
	uint8_t key[2 * MD5_SIZE];
	struct cipher *c = NULL;
	int r;

	if (b->len == 0 || b->len % BLOCK_SIZE != 0)
		return ERR_KEY_FORMAT;
	_Static_assert(sizeof(key) >= KEY_SIZE, "two digests are a key");
	if ((r = derive_key(passphrase, key)) == 0 &&
	    (r = cipher_new(cipher_find(span_text("3des-cbc")), CIPHER_DECRYPT,
		 key, iv, &c)) == 0)
		r = cipher_crypt(c, b->data, b->len);
	cipher_free(c);
	secret_wipe(key, sizeof(key));
	return r;
}

/* ---- fields ---- */

static struct span
read_number(struct reader *rd)
{
	uint32_t bits = read_uint32(rd);
	struct span n;

	if (bits > NUMBER_BITS) {
		rd->error = rd->error != 0 ? rd->error : ERR_LIMIT;
		return span_of(NULL, 0);
	}
	n = read_bytes(rd, (bits + 7) / 8);
	while (n.len > 0 && n.ptr[0] == 0)
		n = span_of(n.ptr + 1, n.len - 1);
	return n;
}

/* The file has the inverse of the one prime or the other, as its writer
 * likes; ours is that of q modulo p. */
static int
write_coefficient(struct span p_bytes, struct span q_bytes, struct buf *out)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *p = number_of_secret(p_bytes), *q = number_of_secret(q_bytes);
	BIGNUM *u = BN_secure_new();
	int r = ERR_MEMORY;

	if (ctx != NULL && p != NULL && q != NULL && u != NULL) {
		if (!BN_is_odd(p) || BN_mod_inverse(u, q, p, ctx) == NULL)
			r = ERR_KEY_FORMAT;
		else
			r = 0;
	}
	if (r == 0)
		write_number(out, u);
	BN_clear_free(p);
	BN_clear_free(q);
	BN_clear_free(u);
	BN_CTX_free(ctx);
	return r;
}

static int
convert_rsa(struct reader *rd, struct buf *out)
{
	struct span e = read_number(rd), d = read_number(rd);
	struct span n = read_number(rd), u = read_number(rd);
	struct span p = read_number(rd), q = read_number(rd);
	int r = read_end(rd);

	if (r != 0)
		return r;
	write_text(out, "ssh-rsa");
	write_mpint(out, n);
	write_mpint(out, e);
	write_mpint(out, d);
	(void)u;
	/* The larger prime goes first, as is the custom. */
	if (p.len < q.len ||
	    (p.len == q.len && memcmp(p.ptr, q.ptr, p.len) < 0)) {
		struct span t = p;

		p = q;
		q = t;
	}
	if ((r = write_coefficient(p, q, out)) != 0)
		return r;
	write_mpint(out, p);
	write_mpint(out, q);
	return buf_error(out);
}

static int
convert_dsa(struct reader *rd, struct buf *out)
{
	uint32_t is_predefined = read_uint32(rd);
	struct span p = read_number(rd), g = read_number(rd);
	struct span q = read_number(rd), y = read_number(rd);
	struct span x = read_number(rd);
	int r = read_end(rd);

	if (r != 0)
		return r;
	if (is_predefined != 0)
		return ERR_UNSUPPORTED;
	write_text(out, "ssh-dss");
	write_mpint(out, p);
	write_mpint(out, q);
	write_mpint(out, g);
	write_mpint(out, y);
	write_mpint(out, x);
	return buf_error(out);
}

static bool
begins(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.len >= n && memcmp(s.ptr, text, n) == 0;
}

/* The fields as our own, and those as a key. */
static int
read_fields(struct span type, struct span fields, struct key **ret)
{
	struct reader rd = reader_of(fields), own;
	struct buf converted = BUF_SECRET_INIT;
	int r;

	if (begins(type, RSA_TYPE))
		r = convert_rsa(&rd, &converted);
	else if (begins(type, DSA_TYPE))
		r = convert_dsa(&rd, &converted);
	else
		r = ERR_KEY_TYPE;
	if (r == 0) {
		own = reader_of(buf_span(&converted));
		r = key_read_private(&own, ret);
	}
	buf_release(&converted);
	return as_key_error(r);
}

/* ---- the whole ---- */

static int
open_body(struct span type, struct span body, bool is_encrypted,
    const char *passphrase, struct key **ret, struct error *e)
{
	struct buf clear = BUF_SECRET_INIT;
	struct reader rd;
	struct span fields;
	int r;

	write_span(&clear, body);
	r = buf_error(&clear);
	if (r == 0 && is_encrypted)
		r = decrypt(passphrase, &clear);
	if (r == 0) {
		rd = reader_of(buf_span(&clear));
		fields = read_string(&rd);
		r = read_error(&rd);
	}
	if (r == 0)
		r = read_fields(type, fields, ret);
	buf_release(&clear);
	if (r == 0)
		return 0;
	if (is_encrypted && r != ERR_KEY_TYPE && r != ERR_MEMORY)
		r = ERR_PASSPHRASE;
	if (r == ERR_PASSPHRASE || r == ERR_KEY_TYPE || r == ERR_MEMORY ||
	    r == ERR_KEY_SIZE)
		return error_set(e, r, "%s", error_text(r));
	return damaged(e, "its numbers");
}

int
secsh_private_parse(
    struct span blob, const char *passphrase, struct key **ret, struct error *e)
{
	struct reader rd = reader_of(blob);
	uint32_t magic = read_uint32(&rd), size = read_uint32(&rd);
	struct span type = read_string(&rd), cipher = read_string(&rd);
	struct span body = read_string(&rd);
	bool is_encrypted = !span_is(cipher, "none");

	if (magic != MAGIC)
		return damaged(e, "it does not begin as one");
	if (read_end(&rd) != 0 || size != blob.len)
		return damaged(e, "its length");
	if (is_encrypted && !span_is(cipher, "3des-cbc"))
		return error_set(e, ERR_UNSUPPORTED,
		    "SSH2 private key encrypted with an unknown cipher");
	if (is_encrypted && (passphrase == NULL || passphrase[0] == '\0'))
		return error_set(
		    e, ERR_PASSPHRASE, "%s", error_text(ERR_PASSPHRASE));
	return open_body(type, body, is_encrypted, passphrase, ret, e);
}
