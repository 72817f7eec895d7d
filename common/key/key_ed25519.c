/*
 * key_ed25519.c - Ed25519 keys.
 * RFC 8032, RFC 8709.
 *
 *     public:   string key (32)
 *     private:  string key (32), string seed ‖ key (64)
 *     signature: 64 bytes
 */
#include "common/key/key_impl.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"

#define KEY_SIZE       32
#define SECRET_SIZE    64
#define SIGNATURE_SIZE 64

static unsigned
ed25519_bits(const EVP_PKEY *pkey)
{
	return 256;
}

static int
ed25519_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	return 0;
}

static int
ed25519_generate(const struct key_type_row *row, unsigned bits, EVP_PKEY **ret)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (pkey == NULL)
		return ERR_CRYPTO;
	*ret = pkey;
	return 0;
}

static int
ed25519_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span key = read_string(r);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (key.len != KEY_SIZE)
		return ERR_KEY_SIZE;
	*ret = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, key.ptr, key.len);
	return *ret == NULL ? ERR_KEY_FORMAT : 0;
}

static void
ed25519_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	uint8_t key[KEY_SIZE];
	size_t len = sizeof(key);

	if (EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1) {
		out->error = out->error != 0 ? out->error : ERR_KEY_FORMAT;
		return;
	}
	write_string(out, span_of(key, sizeof(key)));
}

static int
ed25519_read_private(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	struct span key = read_string(r);
	struct span secret = read_string(r);
	uint8_t derived[KEY_SIZE];
	size_t len = sizeof(derived);
	EVP_PKEY *pkey;
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (key.len != KEY_SIZE || secret.len != SECRET_SIZE)
		return ERR_KEY_SIZE;
	pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, secret.ptr, KEY_SIZE);
	if (pkey == NULL)
		return ERR_KEY_FORMAT;
	/* A seed that signs under another public key gives itself away
	 * (two signatures with one nonce and two challenges). All three
	 * are public halves: how long comparing takes tells nothing. */
	if (EVP_PKEY_get_raw_public_key(pkey, derived, &len) != 1 ||
	    memcmp(derived, key.ptr, KEY_SIZE) != 0 ||
	    memcmp(derived, secret.ptr + KEY_SIZE, KEY_SIZE) != 0) {
		EVP_PKEY_free(pkey);
		return ERR_KEY_FORMAT;
	}
	*ret = pkey;
	return 0;
}

static int
ed25519_write_private(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	uint8_t secret[SECRET_SIZE];
	size_t seed_len = KEY_SIZE, key_len = KEY_SIZE;
	int r = ERR_KEY_FORMAT;

	if (EVP_PKEY_get_raw_private_key(pkey, secret, &seed_len) == 1 &&
	    EVP_PKEY_get_raw_public_key(pkey, secret + KEY_SIZE, &key_len) ==
		1) {
		write_string(out, span_of(secret + KEY_SIZE, KEY_SIZE));
		write_string(out, span_of(secret, sizeof(secret)));
		r = buf_error(out);
	}
	secret_wipe(secret, sizeof(secret));
	return r;
}

static int
ed25519_sign(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct buf *raw)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[SIGNATURE_SIZE];
	size_t len = sizeof(out);
	int r = ERR_CRYPTO;

	if (ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, out, &len, data.ptr, data.len) == 1) {
		write_bytes(raw, out, len);
		r = buf_error(raw);
	}
	EVP_MD_CTX_free(ctx);
	return r;
}

static int
ed25519_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	EVP_MD_CTX *ctx;
	int r = ERR_SIGNATURE;

	if (raw.len != SIGNATURE_SIZE)
		return ERR_SIGNATURE;
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return ERR_MEMORY;
	if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, raw.ptr, raw.len, data.ptr, data.len) == 1)
		r = 0;
	EVP_MD_CTX_free(ctx);
	return r;
}

const struct key_ops key_ops_ed25519 = {
	.generate = ed25519_generate,
	.bits = ed25519_bits,
	.check = ed25519_check,
	.read_public = ed25519_read_public,
	.write_public = ed25519_write_public,
	.read_private = ed25519_read_private,
	.write_private = ed25519_write_private,
	.sign = ed25519_sign,
	.verify = ed25519_verify,
};
