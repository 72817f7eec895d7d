/*
 * kex_method.h - key exchange methods as maps from blobs to blobs: no
 * packets, no descriptors, no clock.
 * RFC 4253 s8, RFC 4419, RFC 5656 s4, RFC 8731, RFC 9142,
 * draft-ietf-sshm-mlkem-hybrid-kex, draft-ietf-sshm-ntruprime-ssh.
 *
 * The client's half: kex_client_new gives the init blob (Q_C, e, C_INIT);
 * kex_client_finish takes the reply blob (Q_S, f, S_REPLY) and gives the
 * shared secret. The server's half is one call. The shared secret is already
 * in the encoding that goes into the exchange hash and the key derivation:
 * an mpint or a string with its length in front, as the method demands.
 * Likewise kex_hash_blob() writes a public blob as the hash wants it (string
 * or mpint).
 * Holds secrets: wiped on free.
 */
#ifndef COMMON_TRANSPORT_KEX_METHOD_H
#define COMMON_TRANSPORT_KEX_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/crypto/agreement.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"

enum {
	KEX_OFF = 1,            /* known, not offered by default */
	KEX_GROUP_EXCHANGE = 2, /* RFC 4419: a group is agreed upon first */
	KEX_MPINT = 4,          /* public values travel and hash as mpint */
	KEX_POST_QUANTUM = 8,
	KEX_SERVER_OFF = 16 /* off by default in servers only */
};

struct kex_algorithm {
	const char *name;
	enum digest_algorithm digest;
	unsigned flags;
	/* private to kex_method.c: */
	unsigned kind;
	unsigned parameter;
};

const struct kex_algorithm *kex_find(struct span name);
/* Rows in the order of `ssh -Q kex` = the order of preference. */
const struct kex_algorithm *kex_row(size_t index);

struct kex_client;

/*
 * group: for KEX_GROUP_EXCHANGE the group agreed upon, else NULL. need_bits:
 * security of the negotiated cipher, for the length of DH exponents.
 * ret_init is appended to: raw magnitude for KEX_MPINT, the blob else.
 */
int kex_client_new(const struct kex_algorithm *a, const struct dh_group *group,
    unsigned need_bits, const struct random_source *random,
    struct kex_client **ret, struct buf *ret_init) MUST_CHECK;

/* ERR_KEX for any reply that is not acceptable (size, point, range). */
int kex_client_finish(
    struct kex_client *k, struct span reply, struct buf *ret_secret) MUST_CHECK;
void kex_client_free(struct kex_client *k);

int kex_server_reply(const struct kex_algorithm *a,
    const struct dh_group *group, unsigned need_bits,
    const struct random_source *random, struct span init, struct buf *ret_reply,
    struct buf *ret_secret) MUST_CHECK;

/* Appends a public value as string, or as mpint for KEX_MPINT. */
void kex_write_public(
    const struct kex_algorithm *a, struct buf *out, struct span value);

/* For the debug line `bits set: N/BITS`: of a client's DH value; 0 else. */
unsigned kex_client_bits_set(const struct kex_client *k);

/* ---- groups for group exchange (moduli file) ---- */

struct moduli; /* parsed lines: safe primes of type 2, tested */

/* text: a whole moduli file; bad lines are skipped (count in ret_bad, which
 * may be NULL). */
int moduli_parse(
    struct span text, struct moduli **ret, size_t *ret_bad) MUST_CHECK;
void moduli_free(struct moduli *m);

/*
 * RFC 4419 s3: a group of at least `wanted` bits, near it, within min..max;
 * chosen at random among those of the best size. m NULL or nothing fitting:
 * the built-in groups 14, 16, 18 (by size); NULL when even they do not fit.
 */
const struct dh_group *moduli_choose(const struct moduli *m,
    const struct random_source *random, unsigned min, unsigned wanted,
    unsigned max);

/* Client: bits to ask for by security_bits of the cipher: 128: 3072,
 * 192: 7680, 256: 8192. */
unsigned kex_group_bits(unsigned security_bits);

#endif
