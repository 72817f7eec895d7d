/*
 * key_file.h - files of keys: openssh-key-v1, PEM (PKCS#1, SEC1, PKCS#8,
 * plain and encrypted), public key files.
 * Format: surface notes s10; RFC 7468, RFC 5208, RFC 5915, RFC 8017.
 *
 * Holds secrets: buffers are wiped; a decrypted key lives in locked memory.
 */
#ifndef COMMON_KEY_KEY_FILE_H
#define COMMON_KEY_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

#define KEY_FILE_MAX (1024 * 1024)

enum key_format {
	KEY_FORMAT_OPENSSH,
	KEY_FORMAT_PEM, /* PKCS#1 or SEC1, as fits the type */
	KEY_FORMAT_PKCS8
};

struct key_file_options {
	enum key_format format;
	const char *passphrase; /* NULL or "": not encrypted */
	const char *cipher;     /* openssh format; NULL: aes256-ctr */
	uint32_t rounds;        /* bcrypt; 0: 24 */
};

/*
 * A private key from the bytes of a file. passphrase NULL means "none known":
 * ERR_PASSPHRASE for an encrypted key, and for a wrong one.
 * ret_public (may be NULL) gets the public half where it can be read without
 * the passphrase, also when the result is ERR_PASSPHRASE.
 */
int key_private_parse(struct span text, const char *passphrase,
    struct key **ret, struct key **ret_public, struct error *e) MUST_CHECK;

/* The bytes of a private key file; the comment is the key's. */
int key_private_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e) MUST_CHECK;

/*
 * Loads a private key file. One that belongs to us and that others can read is
 * refused: ERR_PERMISSION, with a message that says the chmod that helps
 * (e->text is one line; the box of surface s5 is the caller's, see
 * key_file_permissions_box). The comment is the one of the .pub beside it where
 * the format has none, and so is the public half. e->text is the reason alone,
 * without the path, so that callers write `Load key "PATH": REASON`.
 */
int key_private_load(const char *path, const char *passphrase, struct key **ret,
    struct key **ret_public, struct error *e) MUST_CHECK;

/* "@@@@ WARNING: UNPROTECTED PRIVATE KEY FILE! @@@ ..." as OpenSSH prints
 * it, several lines, and the chmod that helps; fresh text. */
char *key_file_permissions_box(const char *path, unsigned mode);

/* Writes path with mode 0600 beside and renamed. */
int key_private_save(const struct key *k, const char *path,
    const struct key_file_options *o, struct error *e) MUST_CHECK;

/* The first key of a file with public key lines (a .pub, authorized_keys). */
int key_public_load(
    const char *path, struct key **ret, struct error *e) MUST_CHECK;
/* "type base64 comment\n", mode 0644 less the umask. */
int key_public_save(
    const struct key *k, const char *path, struct error *e) MUST_CHECK;

#endif
