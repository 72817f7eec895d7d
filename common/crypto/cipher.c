/*
 * cipher.c - symmetric ciphers over OpenSSL's EVP.
 * RFC 4253 s6.3, RFC 4344 s4, RFC 5647.
 *
 * Algorithms are fetched once a process, contexts made once a key; a packet
 * costs no allocation. AES-GCM's nonce is kept here (4 fixed bytes and a
 * 64-bit invocation counter, RFC 5647 s7.1), so that it can be exported and
 * does not depend on OpenSSL's TLS-flavoured counters.
 */
#include "common/crypto/cipher.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/chacha_poly.h"

#define KEY_MAX     64
#define IV_MAX      16
#define GCM_IV      12
#define GCM_TAG     16
#define LENGTH_SIZE 4

struct row {
	struct cipher_algorithm public;
	const char *evp_name;
};

struct cipher {
	const struct row *row;
	enum cipher_direction direction;
	EVP_CIPHER_CTX *evp; /* all but chacha20-poly1305 and none */
	struct chacha_poly *chacha;
	uint8_t key[KEY_MAX]; /* for export */
	uint8_t iv[IV_MAX];   /* GCM: of the next packet */
};

/* In the order of `ssh -Q cipher`; what configuration cannot name, last. */
/* clang-format off */
static const struct row table[] = {
	/* name               block key iv tag bits flags */
	{{ "3des-cbc",          8, 24,  8,  0, 112, CIPHER_CBC | CIPHER_OFF },
	    "DES-EDE3-CBC" },
	{{ "aes128-cbc",       16, 16, 16,  0, 128, CIPHER_CBC | CIPHER_OFF },
	    "AES-128-CBC" },
	{{ "aes192-cbc",       16, 24, 16,  0, 192, CIPHER_CBC | CIPHER_OFF },
	    "AES-192-CBC" },
	{{ "aes256-cbc",       16, 32, 16,  0, 256, CIPHER_CBC | CIPHER_OFF },
	    "AES-256-CBC" },
	{{ "aes128-ctr",       16, 16, 16,  0, 128, 0 }, "AES-128-CTR" },
	{{ "aes192-ctr",       16, 24, 16,  0, 192, 0 }, "AES-192-CTR" },
	{{ "aes256-ctr",       16, 32, 16,  0, 256, 0 }, "AES-256-CTR" },
	{{ "aes128-gcm@openssh.com", 16, 16, GCM_IV, GCM_TAG, 128, CIPHER_AEAD },
	    "AES-128-GCM" },
	{{ "aes256-gcm@openssh.com", 16, 32, GCM_IV, GCM_TAG, 256, CIPHER_AEAD },
	    "AES-256-GCM" },
	{{ "chacha20-poly1305@openssh.com", 8, CHACHA_POLY_KEY, 0,
	    CHACHA_POLY_TAG, 256, CIPHER_AEAD | CIPHER_LENGTH_HIDDEN }, NULL },
	{{ "none",              8,  0,  0,  0,   0,
	    CIPHER_OFF | CIPHER_INTERNAL }, NULL },
};
/* clang-format on */

/* Kept for the life of the process; a race would only fetch twice. */
static EVP_CIPHER *fetched[ARRAY_COUNT(table)];

static EVP_CIPHER *
fetch(const struct row *row)
{
	EVP_CIPHER **slot = &fetched[row - table];

	if (*slot == NULL)
		*slot = EVP_CIPHER_fetch(NULL, row->evp_name, NULL);
	return *slot;
}

static bool
is_gcm(const struct cipher *c)
{
	return c->evp != NULL && c->row->public.tag_size > 0;
}

/* Sets key and iv; padding is off, since packets are whole blocks. */
static int
start_evp(struct cipher *c)
{
	EVP_CIPHER *evp = fetch(c->row);
	int encrypt = c->direction == CIPHER_ENCRYPT;

	if (evp == NULL || (c->evp = EVP_CIPHER_CTX_new()) == NULL)
		return ERR_CRYPTO;
	if (EVP_CipherInit_ex2(c->evp, evp, c->key, c->iv, encrypt, NULL) != 1)
		return ERR_CRYPTO;
	if (!is_gcm(c) && EVP_CIPHER_CTX_set_padding(c->evp, 0) != 1)
		return ERR_CRYPTO;
	return 0;
}

/* RFC 5647 s7.1: the last 8 bytes count invocations, modulo 2^64. */
static void
gcm_count(uint8_t iv[static GCM_IV])
{
	for (int i = GCM_IV - 1; i >= 4; i--) {
		if (++iv[i] != 0)
			break;
	}
}

static int
gcm_seal(struct cipher *c, const uint8_t *aad, size_t aad_len, uint8_t *data,
    size_t len, uint8_t *tag)
{
	int n;

	if (EVP_EncryptInit_ex2(c->evp, NULL, NULL, c->iv, NULL) != 1 ||
	    (aad_len > 0 &&
		EVP_EncryptUpdate(c->evp, NULL, &n, aad, (int)aad_len) != 1) ||
	    EVP_EncryptUpdate(c->evp, data, &n, data, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(c->evp, tag, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag) !=
		1)
		return ERR_CRYPTO;
	gcm_count(c->iv);
	return 0;
}

static int
gcm_open(struct cipher *c, const uint8_t *aad, size_t aad_len, uint8_t *data,
    size_t len, const uint8_t *tag)
{
	uint8_t want[GCM_TAG];
	int n;

	memcpy(want, tag, sizeof(want));
	if (EVP_DecryptInit_ex2(c->evp, NULL, NULL, c->iv, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, want) !=
		1 ||
	    (aad_len > 0 &&
		EVP_DecryptUpdate(c->evp, NULL, &n, aad, (int)aad_len) != 1) ||
	    EVP_DecryptUpdate(c->evp, data, &n, data, (int)len) != 1)
		return ERR_CRYPTO;
	/* One pass decrypts and authenticates: what was made before the tag
	 * was known to be wrong must not be seen by anybody. */
	if (EVP_DecryptFinal_ex(c->evp, want, &n) != 1) {
		secret_wipe(data, len);
		return ERR_MAC;
	}
	gcm_count(c->iv);
	return 0;
}

const struct cipher_algorithm *
cipher_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (span_is(name, table[i].public.name))
			return &table[i].public;
	}
	return NULL;
}

const struct cipher_algorithm *
cipher_row(size_t index)
{
	return index < ARRAY_COUNT(table) ? &table[index].public : NULL;
}

bool
cipher_cpu_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("pclmul");
#elif defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
	return true;
#else
	return false;
#endif
}

int
cipher_new(const struct cipher_algorithm *a, enum cipher_direction d,
    const uint8_t *key, const uint8_t *iv, struct cipher **ret)
{
	struct cipher *c = calloc(1, sizeof(*c));
	int r = 0;

	if (c == NULL)
		return ERR_MEMORY;
	c->row = (const struct row *)(const void *)a; /* its first member */
	c->direction = d;
	if (a->key_size > 0)
		memcpy(c->key, key, a->key_size);
	if (a->iv_size > 0)
		memcpy(c->iv, iv, a->iv_size);
	if (a->flags & CIPHER_LENGTH_HIDDEN)
		r = chacha_poly_new(c->key, &c->chacha);
	else if (!(a->flags & CIPHER_INTERNAL))
		r = start_evp(c);
	if (r != 0) {
		cipher_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void
cipher_free(struct cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->evp);
	chacha_poly_free(c->chacha);
	secret_wipe(c, sizeof(*c));
	free(c);
}

const struct cipher_algorithm *
cipher_algorithm(const struct cipher *c)
{
	return &c->row->public;
}

int
cipher_crypt(struct cipher *c, uint8_t *data, size_t len)
{
	int n;

	if (c->evp == NULL)
		return c->chacha == NULL ? 0 : ERR_ARGUMENT;
	if (len > INT_MAX || len % c->row->public.block_size != 0 || is_gcm(c))
		return ERR_ARGUMENT;
	if (EVP_CipherUpdate(c->evp, data, &n, data, (int)len) != 1)
		return ERR_CRYPTO;
	return 0;
}

static int
seal(struct cipher *c, uint32_t seqnr, uint8_t *packet, size_t head_len,
    size_t len, uint8_t *tag)
{
	if (len > INT_MAX || c->direction != CIPHER_ENCRYPT)
		return ERR_ARGUMENT;
	if (c->chacha != NULL)
		return chacha_poly_seal(
		    c->chacha, seqnr, packet, head_len, len, tag);
	if (!is_gcm(c))
		return ERR_ARGUMENT;
	return gcm_seal(c, packet, head_len, packet + head_len, len, tag);
}

static int
open(struct cipher *c, uint32_t seqnr, uint8_t *packet, size_t head_len,
    size_t len, const uint8_t *tag)
{
	if (len > INT_MAX || c->direction != CIPHER_DECRYPT)
		return ERR_ARGUMENT;
	if (c->chacha != NULL)
		return chacha_poly_open(
		    c->chacha, seqnr, packet, head_len, len, tag);
	if (!is_gcm(c))
		return ERR_ARGUMENT;
	return gcm_open(c, packet, head_len, packet + head_len, len, tag);
}

int
cipher_seal(
    struct cipher *c, uint32_t seqnr, uint8_t *packet, size_t payload_len)
{
	return seal(c, seqnr, packet, LENGTH_SIZE, payload_len,
	    packet + LENGTH_SIZE + payload_len);
}

int
cipher_open(
    struct cipher *c, uint32_t seqnr, uint8_t *packet, size_t payload_len)
{
	return open(c, seqnr, packet, LENGTH_SIZE, payload_len,
	    packet + LENGTH_SIZE + payload_len);
}

int
cipher_seal_data(struct cipher *c, uint8_t *data, size_t len, uint8_t *ret_tag)
{
	return seal(c, 0, data, 0, len, ret_tag);
}

int
cipher_open_data(
    struct cipher *c, uint8_t *data, size_t len, const uint8_t *tag)
{
	return open(c, 0, data, 0, len, tag);
}

int
cipher_open_length(struct cipher *c, uint32_t seqnr,
    const uint8_t bytes[static 4], uint32_t *ret_length)
{
	uint8_t clear[4];
	int r;

	if (c->chacha == NULL)
		return ERR_ARGUMENT;
	if ((r = chacha_poly_length(c->chacha, seqnr, bytes, clear)) != 0)
		return r;
	*ret_length = (uint32_t)clear[0] << 24 | (uint32_t)clear[1] << 16 |
		      (uint32_t)clear[2] << 8 | clear[3];
	return 0;
}

/* string name, string key, string iv of what comes next */
int
cipher_export(const struct cipher *c, struct buf *out)
{
	const struct cipher_algorithm *a = &c->row->public;
	uint8_t iv[IV_MAX];

	memcpy(iv, c->iv, sizeof(iv));
	/* CTR: the counter; CBC: the last block of ciphertext. */
	if (c->evp != NULL && !is_gcm(c) &&
	    EVP_CIPHER_CTX_get_updated_iv(c->evp, iv, a->iv_size) != 1)
		return ERR_CRYPTO;
	write_text(out, a->name);
	write_string(out, span_of(c->key, a->key_size));
	write_string(out, span_of(iv, a->iv_size));
	return buf_error(out);
}

int
cipher_import(struct reader *r, enum cipher_direction d, struct cipher **ret)
{
	const struct cipher_algorithm *a;
	struct span name = read_string(r);
	struct span key = read_string(r);
	struct span iv = read_string(r);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if ((a = cipher_find(name)) == NULL || key.len != a->key_size ||
	    iv.len != a->iv_size)
		return ERR_FORMAT;
	return cipher_new(a, d, key.ptr, iv.ptr, ret);
}
