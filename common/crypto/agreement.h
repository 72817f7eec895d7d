/*
 * agreement.h - key agreement over OpenSSL: X25519, ECDH on the NIST curves,
 * finite-field Diffie-Hellman.
 * RFC 7748, RFC 8731, RFC 5656 s4, RFC 4253 s8, RFC 4419.
 * Holds secrets: private values are wiped with their object.
 */
#ifndef COMMON_CRYPTO_AGREEMENT_H
#define COMMON_CRYPTO_AGREEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define X25519_SIZE 32

struct x25519; /* an ephemeral key pair */
/* private_value: 32 random bytes. */
int x25519_new(const uint8_t private_value[static X25519_SIZE],
    struct x25519 **ret, uint8_t ret_public[static X25519_SIZE]) MUST_CHECK;
/* ERR_KEX for a peer value that gives the all-zero secret (RFC 8731 s3). */
int x25519_agree(struct x25519 *x, const uint8_t peer[static X25519_SIZE],
    uint8_t ret_secret[static X25519_SIZE]) MUST_CHECK;
void x25519_free(struct x25519 *x);

enum curve {
	CURVE_NISTP256,
	CURVE_NISTP384,
	CURVE_NISTP521
};

struct ecdh;
/* ret_public: uncompressed point, appended. */
int ecdh_new(
    enum curve c, struct ecdh **ret, struct buf *ret_public) MUST_CHECK;
/* Of a known private number, big-endian; for known answers. */
int ecdh_from_private(
    enum curve c, struct span private_value, struct ecdh **ret) MUST_CHECK;
/* ERR_KEX for a point not on the curve, or at infinity. ret_secret: the x
 * coordinate as an unsigned big-endian number (leading zeros kept). */
int ecdh_agree(
    struct ecdh *x, struct span peer, struct buf *ret_secret) MUST_CHECK;
void ecdh_free(struct ecdh *x);

/* A group: prime and generator as unsigned big-endian numbers. */
struct dh_group {
	struct span prime;
	struct span generator;
	unsigned bits;
};

/* RFC 2409, RFC 3526 groups 1, 14, 15, 16, 17, 18 by number; NULL else. */
const struct dh_group *dh_group_by_number(unsigned number);

struct dh;
/* need_bits: the security wanted; the private exponent is twice as long.
 * ret_public: the magnitude of e or f, appended. */
int dh_new(const struct dh_group *group, unsigned need_bits, struct dh **ret,
    struct buf *ret_public) MUST_CHECK;
/* ERR_KEX unless 1 < peer < p-1 and the peer's value has more than a few
 * bits set (RFC 4253 s8). */
int dh_agree(struct dh *x, struct span peer, struct buf *ret_secret) MUST_CHECK;
/* Bits set in our public value, for the debug line `bits set: N/BITS`. */
unsigned dh_public_bits_set(const struct dh *x);
void dh_free(struct dh *x);

#endif
