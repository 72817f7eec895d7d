/*
 * chacha_poly.c - chacha20-poly1305@openssh.com.
 *
 * Both ciphers keep their key in their context; per packet only the nonce
 * is set. Poly1305 has one key a packet, and its context is given it without
 * being fetched or allocated again.
 */
#include "common/crypto/chacha_poly.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/base/secret.h"

#define HALF  32
#define BLOCK 64

struct chacha_poly {
	EVP_CIPHER_CTX *payload; /* K_2 */
	EVP_CIPHER_CTX *length;  /* K_1 */
	EVP_MAC_CTX *poly;
};

/* Fetched once a process and kept (a race would only fetch twice). */
static EVP_CIPHER *chacha20;
static EVP_MAC *poly1305;

static int
fetch(void)
{
	if (chacha20 == NULL)
		chacha20 = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
	if (poly1305 == NULL)
		poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	return chacha20 == NULL || poly1305 == NULL ? ERR_CRYPTO : 0;
}

/* OpenSSL's iv: 64-bit counter, little-endian, then the 64-bit nonce. */
static int
set_nonce(EVP_CIPHER_CTX *ctx, uint32_t seqnr)
{
	uint8_t iv[16] = { 0 };

	iv[12] = (uint8_t)(seqnr >> 24);
	iv[13] = (uint8_t)(seqnr >> 16);
	iv[14] = (uint8_t)(seqnr >> 8);
	iv[15] = (uint8_t)seqnr;
	return EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 ? 0
								   : ERR_CRYPTO;
}

static int
crypt(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t len)
{
	int n;

	return EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 ? 0
								  : ERR_CRYPTO;
}

/* Sets the payload's nonce and uses up block 0, whose first half is the key
 * of Poly1305. */
static int
begin_packet(struct chacha_poly *c, uint32_t seqnr)
{
	static const uint8_t zeros[BLOCK];
	uint8_t block[BLOCK];
	int r;

	if ((r = set_nonce(c->payload, seqnr)) != 0 ||
	    (r = crypt(c->payload, block, zeros, BLOCK)) != 0)
		return r;
	r = EVP_MAC_init(c->poly, block, HALF, NULL) == 1 ? 0 : ERR_CRYPTO;
	secret_wipe(block, sizeof(block));
	return r;
}

static int
authenticate(
    struct chacha_poly *c, const uint8_t *data, size_t len, uint8_t *tag)
{
	size_t n;

	if (EVP_MAC_update(c->poly, data, len) != 1 ||
	    EVP_MAC_final(c->poly, tag, &n, CHACHA_POLY_TAG) != 1)
		return ERR_CRYPTO;
	return 0;
}

static EVP_CIPHER_CTX *
new_context(const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL &&
	    EVP_EncryptInit_ex2(ctx, chacha20, key, NULL, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

int
chacha_poly_new(
    const uint8_t key[static CHACHA_POLY_KEY], struct chacha_poly **ret)
{
	struct chacha_poly *c;
	int r;

	if ((r = fetch()) != 0)
		return r;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return ERR_MEMORY;
	c->payload = new_context(key);
	c->length = new_context(key + HALF);
	c->poly = EVP_MAC_CTX_new(poly1305);
	if (c->payload == NULL || c->length == NULL || c->poly == NULL) {
		chacha_poly_free(c);
		return ERR_CRYPTO;
	}
	*ret = c;
	return 0;
}

void
chacha_poly_free(struct chacha_poly *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->payload);
	EVP_CIPHER_CTX_free(c->length);
	EVP_MAC_CTX_free(c->poly);
	free(c);
}

int
chacha_poly_seal(struct chacha_poly *c, uint32_t seqnr, uint8_t *packet,
    size_t head_len, size_t len, uint8_t tag[static CHACHA_POLY_TAG])
{
	int r;

	if (head_len > 0) {
		if ((r = set_nonce(c->length, seqnr)) != 0 ||
		    (r = crypt(c->length, packet, packet, head_len)) != 0)
			return r;
	}
	if ((r = begin_packet(c, seqnr)) != 0 ||
	    (r = crypt(
		 c->payload, packet + head_len, packet + head_len, len)) != 0)
		return r;
	return authenticate(c, packet, head_len + len, tag);
}

int
chacha_poly_open(struct chacha_poly *c, uint32_t seqnr, uint8_t *packet,
    size_t head_len, size_t len, const uint8_t tag[static CHACHA_POLY_TAG])
{
	uint8_t expected[CHACHA_POLY_TAG];
	int r;

	if ((r = begin_packet(c, seqnr)) != 0 ||
	    (r = authenticate(c, packet, head_len + len, expected)) != 0)
		return r;
	if (!secret_equal(expected, tag, sizeof(expected)))
		return ERR_MAC;
	return crypt(c->payload, packet + head_len, packet + head_len, len);
}

int
chacha_poly_length(struct chacha_poly *c, uint32_t seqnr,
    const uint8_t bytes[static 4], uint8_t ret_bytes[static 4])
{
	int r;

	if ((r = set_nonce(c->length, seqnr)) != 0)
		return r;
	return crypt(c->length, ret_bytes, bytes, 4);
}
