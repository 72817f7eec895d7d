/*
 * key.h - public and private keys: types, blobs, signatures, fingerprints.
 * RFC 4253 s6.6, RFC 5656, RFC 8332, RFC 8709.
 *
 * A key is immutable once made and counted (key_ref). A key with its private
 * half holds a secret; a file of it is secret too.
 * A certificate is a key of a certificate type: its blob is the whole
 * certificate, its signature by the CA was verified when it was read, and it
 * never has a private half (the plain key signs for it). What it says is in
 * certificate.h.
 */
#ifndef COMMON_KEY_KEY_H
#define COMMON_KEY_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"

struct certificate;
struct key;

enum key_type {
	KEY_NONE,
	KEY_RSA,
	KEY_DSA,
	KEY_ECDSA, /* the curve is the key's: nistp256, 384, 521 */
	KEY_ED25519,
	KEY_ECDSA_SK, /* security keys: the private half is in a device */
	KEY_ED25519_SK,
	KEY_MLDSA44_ED25519 /* ML-DSA-44 and Ed25519 together */
};

/* Flags of security keys and of their signatures (surface s9). */
enum {
	KEY_SK_TOUCHED = 0x01,  /* a person was there: demanded, or so it was */
	KEY_SK_VERIFIED = 0x04, /* by PIN or finger */
	KEY_SK_FORCE = 0x10,    /* when making one: replace what is there */
	KEY_SK_RESIDENT = 0x20  /* the device remembers the key itself */
};

/* One row per public key type name on the wire. */
struct key_type_row {
	const char *name;       /* "ssh-ed25519", "ecdsa-sha2-nistp256", ... */
	const char *short_name; /* "ED25519": what -l and messages print */
	enum key_type type;
	unsigned bits;     /* fixed size, or 0 */
	bool off;          /* accepted only where explicitly allowed */
	const char *plain; /* of a certificate type: the name of the type of
			    * the key in it; NULL for plain keys */
};

/* Plain types in the order of `ssh -Q key-plain` (which leaves out those that
 * are off), then the certificate types in the same order; NULL at the end. */
const struct key_type_row *key_type_row(size_t index);
const struct key_type_row *key_type_find(struct span name);

/* The certificate type for keys of a plain type, or NULL. */
const struct key_type_row *key_type_of_certificate(
    const struct key_type_row *plain);

/* One row per signature algorithm name. */
struct signature_algorithm {
	const char *name;     /* "rsa-sha2-512", "ssh-ed25519", ... */
	const char *key_type; /* name of the key type that it needs */
	enum digest_algorithm digest;
	bool off; /* not offered by default (SHA-1, DSA) */
	/* The name inside the signature: the same, but for certificates,
	 * where the plain key signs by the plain algorithm. */
	const char *plain;
};

/* Does the algorithm go with certificates? */
bool signature_is_of_certificate(const struct signature_algorithm *a);

/* Rows in the order of `ssh -Q key-sig` = preference order: those of
 * certificates, then the plain ones (`ssh -Q sig`). */
const struct signature_algorithm *signature_row(size_t index);
const struct signature_algorithm *signature_find(struct span name);

/* The default lists (comma-separated, borrowed, static): host key, user key
 * and hostbased algorithms have the same one; surface s8. */
const char *signature_default_list(void);

/*
 * The first algorithm of list (names, comma-separated, most wanted first) that
 * this key can sign with; NULL if none. Without a list (NULL) it is that of the
 * default list, or, for a type that is not in there, its own, unless that is
 * off.
 */
const struct signature_algorithm *key_choose_signature(
    const struct key *k, struct span list);

/* ---- life ---- */

/* type as `ssh-keygen -t`: "rsa", "ecdsa", "ed25519", "mldsa44-ed25519", a full
 * type name, or a signature algorithm ("rsa-sha2-512").
 * bits 0: the default (rsa 3072, ecdsa 256). ERR_KEY_TYPE, ERR_KEY_SIZE. */
int key_generate(const char *type, unsigned bits, struct key **ret,
    struct error *e) MUST_CHECK;
struct key *key_ref(struct key *k);
void key_unref(struct key *k); /* NULL is accepted */

/* ---- facts ---- */

const struct key_type_row *key_row(const struct key *k);
const char *key_type_name(const struct key *k); /* as on the wire */
unsigned key_bits(const struct key *k);
bool key_has_private(const struct key *k);
const char *key_comment(const struct key *k); /* "" if none; borrowed */
int key_set_comment(struct key *k, const char *comment) MUST_CHECK;

/* Same public key? (Comments and private halves do not count.) A certificate
 * only equals itself. */
bool key_equal(const struct key *a, const struct key *b);

/* What a certificate says; NULL for a plain key. Borrowed. */
const struct certificate *key_certificate(const struct key *k);

/* ---- wire ---- */

/* The public key blob; borrowed, lives as long as the key. */
struct span key_blob(const struct key *k);

/* The blob of the key inside a certificate; of a plain key, its blob. */
struct span key_plain_blob(const struct key *k);

/* Everything about the blob is checked: type, sizes, points on the curve, the
 * signature of a certificate; ERR_KEY_TYPE, ERR_KEY_SIZE, ERR_KEY_FORMAT,
 * ERR_SIGNATURE, ERR_SIGNATURE_ALGORITHM. RSA below 1024 or above 16384 bits
 * is refused. */
int key_from_blob(struct span blob, struct key **ret) MUST_CHECK;

/* Private fields as in openssh-key-v1 and the agent: type, fields (no
 * comment). read checks that both halves belong together. */
int key_write_private(const struct key *k, struct buf *out) MUST_CHECK;
int key_read_private(struct reader *r, struct key **ret) MUST_CHECK;

/* ---- security keys ---- */

bool key_is_security_key(const struct key *k);

/* The application ("ssh:..."), which is public; NULL for other types. */
const char *key_application(const struct key *k);

/* Of a private half: flags, and what the device knows its key by; 0 and empty
 * where it is not there. */
uint8_t key_sk_flags(const struct key *k);
struct span key_sk_handle(const struct key *k);

/* Demands touch or verification (or no longer) of later signatures. */
void key_sk_set_flags(struct key *k, uint8_t flags);

/*
 * The private half of what a device made. public_key: the bytes of an Ed25519
 * key, or an uncompressed point. ERR_KEY_TYPE, ERR_KEY_FORMAT, ERR_LIMIT.
 */
int key_sk_make(const char *type_name, struct span public_key,
    const char *application, uint8_t flags, struct span handle,
    struct key **ret) MUST_CHECK;

/* ---- signatures ---- */

/*
 * Signs for a key whose private half is elsewhere: in an agent, a token, a
 * security key, another process. sign appends the whole signature blob and
 * may block; free (may be NULL) is called once, when the key goes.
 */
struct key_signer {
	int (*sign)(void *context, const struct key *k,
	    const struct signature_algorithm *a, struct span data,
	    struct buf *ret_signature);
	void (*free)(void *context);
	void *context;
};

/* From now on the key has a private half (key_has_private) that can sign and
 * that cannot be written (key_write_private: ERR_KEY_TYPE). For a key without
 * one; a certificate too, where the signer wants to be asked with it. The
 * private half of a security key needs a signer to sign, and can be written
 * with one too. */
void key_set_signer(struct key *k, const struct key_signer *signer);
bool key_signs_elsewhere(const struct key *k); /* has a signer */

/* Appends the signature blob (string algorithm, string signature).
 * ERR_KEY_TYPE if the key has no private half or the algorithm is another
 * type's. The algorithm may be that of a certificate of the key. */
int key_sign(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *ret_signature) MUST_CHECK;

/*
 * algorithm: the name that was agreed upon; a blob of another one is
 * ERR_SIGNATURE_ALGORITHM. NULL: any algorithm that is not off and fits the
 * key. Codes: ERR_SIGNATURE, ERR_FORMAT.
 */
int key_verify(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span signature) MUST_CHECK;

/* What else a signature says. */
struct signature_facts {
	bool is_security_key;
	uint8_t flags;    /* KEY_SK_TOUCHED, KEY_SK_VERIFIED, ... */
	uint32_t counter; /* of signatures by the device */
};

/* As key_verify; *ret is written on success. Touch and verification are not
 * judged: that is for the caller to do, by the flags. */
int key_verify_facts(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span signature,
    struct signature_facts *ret) MUST_CHECK;

/* ---- for people ---- */

/* "SHA256:..." (base64 without padding) or "MD5:aa:bb:..."; fresh text. A
 * certificate has the fingerprint of the key in it. */
char *key_fingerprint(const struct key *k, enum digest_algorithm a);

/* The picture of `ssh-keygen -lv`: lines with \n; fresh text. */
char *key_randomart(const struct key *k, enum digest_algorithm a);

/* The digest in words that can be said ("xenil-...-xoxox"); fresh text. */
char *key_bubblebabble(const struct key *k, enum digest_algorithm a);

/* "type base64 comment" (comment left out if empty or NULL). */
char *key_public_line(const struct key *k, const char *comment);

/* Bytes of an address-book line: "type base64 [comment]". The rest after
 * the key, without leading blanks, goes to ret_comment (may be NULL;
 * borrowed from line). */
int key_from_line(
    struct span line, struct key **ret, struct span *ret_comment) MUST_CHECK;

/* As key_from_line for a line with up to two fields in front of the key:
 * options of authorized_keys, marker and names of known_hosts. ret_comment is
 * what stands in front where nothing follows. ERR_KEY_FORMAT for comments
 * and empty lines. */
int key_find_in_line(
    struct span line, struct key **ret, struct span *ret_comment) MUST_CHECK;

#endif
