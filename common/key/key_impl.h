/*
 * key_impl.h - what the files of common/key share about a key. Private to
 * this folder.
 *
 * A key type is a row of the public table and a struct key_ops; the rest of
 * the folder does not branch on types.
 */
#ifndef COMMON_KEY_KEY_IMPL_H
#define COMMON_KEY_KEY_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "common/key/key.h"

#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX 16384

/*
 * Functions of one key type. Fields are those after the type name. read
 * functions take no more than their fields; *ret is written on success only.
 */
struct key_ops {
	/* The public fields are followed by those of a security key
	 * (key_sk.c), and there are no private ones before them: generate,
	 * read_private, write_private and sign are NULL. */
	bool is_security_key;
	/* NULL: no new keys of this type are made. bits was checked. */
	int (*generate)(
	    const struct key_type_row *row, unsigned bits, EVP_PKEY **ret);
	unsigned (*bits)(const EVP_PKEY *pkey);
	/* Is this OpenSSL key one of ours (sizes, curve)? */
	int (*check)(const struct key_type_row *row, EVP_PKEY *pkey);
	int (*read_public)(
	    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret);
	void (*write_public)(
	    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out);
	int (*read_private)(
	    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret);
	int (*write_private)(
	    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out);
	/* raw: the contents of the signature blob's second string. */
	int (*sign)(EVP_PKEY *pkey, const struct signature_algorithm *a,
	    struct span data, struct buf *raw);
	int (*verify)(EVP_PKEY *pkey, const struct signature_algorithm *a,
	    struct span data, struct span raw);
};

/* What a key of a security key type has beside its numbers. */
struct key_sk {
	char *application;
	uint8_t flags; /* these are of the private half */
	struct buf handle;
	struct buf reserved;
};

struct key {
	unsigned refs;
	const struct key_type_row *row;
	const struct key_ops *ops;
	EVP_PKEY *pkey;
	struct key_sk *sk;        /* NULL: of another type */
	bool has_private;         /* in pkey or sk, or by the signer */
	struct key_signer signer; /* sign NULL: none */
	struct buf blob;
	struct certificate *certificate; /* NULL: a plain key */
	struct buf plain;                /* of a certificate: the key's blob */
	char *comment;                   /* NULL: none */
};

extern const struct key_ops key_ops_rsa;
extern const struct key_ops key_ops_dsa;
extern const struct key_ops key_ops_ecdsa;
extern const struct key_ops key_ops_ed25519;
extern const struct key_ops key_ops_ecdsa_sk;
extern const struct key_ops key_ops_ed25519_sk;
extern const struct key_ops key_ops_mldsa44_ed25519;

const struct key_ops *key_ops_of(enum key_type type);

/* A damaged field of a key is a damaged key, whatever the reader calls it. */
int as_key_error(int r);

/*
 * Reads the fields of a certificate behind its type name, from the whole
 * blob, and verifies its signature. Both results are the caller's.
 */
int certificate_read(const struct key_type_row *row, struct span blob,
    EVP_PKEY **ret_pkey, struct key_sk **ret_sk,
    struct certificate **ret) MUST_CHECK;
void certificate_free(struct certificate *c);

/* ---- security keys (key_sk.c, key_sk_signature.c) ---- */

void key_sk_free(struct key_sk *sk); /* NULL is accepted */

/*
 * The public fields: those of ops, and the application of a security key; *sk
 * is NULL for other types. Both results are the caller's.
 */
int key_read_public(const struct key_type_row *row, struct reader *r,
    EVP_PKEY **ret_pkey, struct key_sk **ret_sk) MUST_CHECK;
void key_write_public(const struct key_type_row *row, EVP_PKEY *pkey,
    const struct key_sk *sk, struct buf *out);

/* The private fields of a security key, behind its public ones. */
int key_sk_read_private(struct reader *r, struct key_sk *sk) MUST_CHECK;
void key_sk_write_private(const struct key_sk *sk, struct buf *out);

/*
 * What a security key signed for data: reads the fields of the signature
 * behind its second string, and appends the bytes that it covers to out.
 */
int key_sk_signed(const struct key_sk *sk, const struct signature_algorithm *a,
    struct reader *rd, struct span data, struct signature_facts *ret,
    struct buf *out) MUST_CHECK;

/* A key around pkey, which is taken (freed on failure too). */
int key_from_pkey(const struct key_type_row *row, EVP_PKEY *pkey,
    bool has_private, struct key **ret) MUST_CHECK;

/* The row for a key that OpenSSL read; NULL if it is none of ours. */
const struct key_type_row *key_row_of_pkey(EVP_PKEY *pkey);

/* ---- numbers (key_number.c) ---- */

/* Fresh numbers; the secret one is wiped by BN_clear_free and by the library
 * wherever it copies it. NULL without memory. */
BIGNUM *number_of(struct span magnitude);
BIGNUM *number_of_secret(struct span magnitude);

/* Appends a number as mpint; NULL makes b fail. */
void write_number(struct buf *b, const BIGNUM *n);

/* Appends the named parameter as mpint; b fails where there is none. */
void write_number_of(struct buf *b, EVP_PKEY *pkey, const char *name);

/* A pkey from named numbers (name NULL ends the array) and, for curves, the
 * group name and the encoded point. NULL where OpenSSL refuses them. */
struct named_number {
	const char *name;
	const BIGNUM *value;
};
EVP_PKEY *pkey_from_numbers(const char *type, int selection,
    const struct named_number *numbers, const char *group, struct span point);

/* ---- signatures over a digest (signature.c) ---- */

/* EVP_PKEY_sign / _verify of the digest of data; der: what OpenSSL makes. */
int pkey_sign_digest(EVP_PKEY *pkey, enum digest_algorithm digest,
    struct span data, struct buf *der) MUST_CHECK;
int pkey_verify_digest(EVP_PKEY *pkey, enum digest_algorithm digest,
    struct span data, struct span der) MUST_CHECK;

#endif
