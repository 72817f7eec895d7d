/*
 * cipher.h - symmetric ciphers of the packet layer and of private key files,
 * over OpenSSL's EVP, fetched once a process and allocated once a context.
 * RFC 4253 s6.3, RFC 4344 (ctr), RFC 5647 (gcm), and
 * chacha20-poly1305@openssh.com (two 256-bit keys, see the surface notes).
 * Holds secrets: contexts wipe their keys.
 */
#ifndef COMMON_CRYPTO_CIPHER_H
#define COMMON_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

enum {
	CIPHER_AEAD = 1, /* seals and opens; has tag_size bytes of tag */
	CIPHER_LENGTH_HIDDEN = 2, /* the packet length is encrypted by its own
				   * key: cipher_open_length() reads it */
	CIPHER_CBC = 4,
	CIPHER_OFF = 8,      /* known, not offered by default */
	CIPHER_INTERNAL = 16 /* "none": never negotiated by configuration */
};

struct cipher_algorithm {
	const char *name;    /* as registered, e.g. "aes128-ctr" */
	uint16_t block_size; /* for padding: 8 or 16 */
	uint16_t key_size;
	uint16_t iv_size;       /* 0: none is derived */
	uint16_t tag_size;      /* 0 unless CIPHER_AEAD */
	uint16_t security_bits; /* for the size of Diffie-Hellman groups */
	unsigned flags;
};

enum cipher_direction {
	CIPHER_ENCRYPT,
	CIPHER_DECRYPT
};

/* NULL where the name is unknown. "none" is found. */
const struct cipher_algorithm *cipher_find(struct span name);

/* All rows in the order of `ssh -Q cipher`; NULL ends it. */
const struct cipher_algorithm *cipher_row(size_t index);

/* Does this CPU have AES instructions (so that AES-GCM goes first)? */
bool cipher_cpu_has_aes(void);

struct cipher;

/* key and iv have the sizes of the row. ERR_CRYPTO, ERR_MEMORY. */
int cipher_new(const struct cipher_algorithm *a, enum cipher_direction d,
    const uint8_t *key, const uint8_t *iv, struct cipher **ret) MUST_CHECK;
void cipher_free(struct cipher *c);
const struct cipher_algorithm *cipher_algorithm(const struct cipher *c);

/* Not AEAD: data of whole blocks, in place. */
int cipher_crypt(struct cipher *c, uint8_t *data, size_t len) MUST_CHECK;

/*
 * AEAD. packet begins with the 4 length bytes, payload_len bytes follow,
 * then tag_size bytes of room (seal) or tag (open). In place. For a hidden
 * length, seal encrypts the 4 bytes too, and open leaves them as they are.
 * seqnr is the packet's sequence number (chacha20-poly1305's nonce; aes-gcm
 * counts by itself, RFC 5647 s7.1).
 * open: ERR_MAC if the tag does not fit; the payload is then as it was or
 * wiped, never plaintext.
 */
int cipher_seal(struct cipher *c, uint32_t seqnr, uint8_t *packet,
    size_t payload_len) MUST_CHECK;
int cipher_open(struct cipher *c, uint32_t seqnr, uint8_t *packet,
    size_t payload_len) MUST_CHECK;

/* AEAD outside of packets (private key files): no length bytes, nothing but
 * data is authenticated; the tag lies apart. Number 0 of a fresh context. */
int cipher_seal_data(
    struct cipher *c, uint8_t *data, size_t len, uint8_t *ret_tag) MUST_CHECK;
int cipher_open_data(
    struct cipher *c, uint8_t *data, size_t len, const uint8_t *tag) MUST_CHECK;

/* CIPHER_LENGTH_HIDDEN: the length field of the next packet. */
int cipher_open_length(struct cipher *c, uint32_t seqnr,
    const uint8_t bytes[static 4], uint32_t *ret_length) MUST_CHECK;

/* Key and running state (counter, iv) as bytes, to go on in another process:
 * cipher_import(cipher_export()) continues the very same stream. */
int cipher_export(const struct cipher *c, struct buf *out) MUST_CHECK;
int cipher_import(
    struct reader *r, enum cipher_direction d, struct cipher **ret) MUST_CHECK;

#endif
