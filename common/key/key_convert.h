/*
 * key_convert.h - keys in the formats of other programs: public keys as
 * RFC 4716 and PEM, private keys as SSH Communications' programs write them.
 * RFC 4716; RFC 7468 s13 (BEGIN PUBLIC KEY), RFC 8017 A.1.1 (BEGIN RSA PUBLIC
 * KEY). The private format is not published by its owner; what is known of it
 * stands in key_secsh.c.
 *
 * Text may be hostile: at most KEY_FILE_MAX bytes are looked at, lines may end
 * in LF, CR or both. Every error has a sentence in e, without a path.
 */
#ifndef COMMON_KEY_KEY_CONVERT_H
#define COMMON_KEY_KEY_CONVERT_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"
#include "common/key/key_file.h"

/* ---- RFC 4716 ---- */

/* Appends the public half of k (a certificate whole), the comment in quotes;
 * NULL: without. Lines have at most 72 bytes (RFC 4716 s3). */
int key_export_rfc4716(
    const struct key *k, const char *comment, struct buf *out) MUST_CHECK;

/*
 * The key of the first "---- BEGIN SSH2 ..." of the text: a public key, or a
 * private key of SSH Communications. Its Comment header becomes the comment.
 * passphrase NULL: none known, ERR_PASSPHRASE where one is needed, and for a
 * wrong one. ERR_KEY_FORMAT, ERR_KEY_TYPE, ERR_UNSUPPORTED (another cipher
 * than 3des-cbc).
 */
int key_import_rfc4716(struct span text, const char *passphrase,
    struct key **ret, struct error *e) MUST_CHECK;

/* ---- PEM ---- */

/* Appends the public half of k (of a certificate that of the key in it):
 * KEY_FORMAT_PKCS8 writes PUBLIC KEY, KEY_FORMAT_PEM writes RSA PUBLIC KEY
 * for RSA and PUBLIC KEY for others. */
int key_export_pem(const struct key *k, enum key_format format, struct buf *out,
    struct error *e) MUST_CHECK;

/* The public key of PUBLIC KEY or RSA PUBLIC KEY. ERR_KEY_FORMAT,
 * ERR_KEY_TYPE, ERR_KEY_SIZE. */
int key_import_pem(
    struct span text, struct key **ret, struct error *e) MUST_CHECK;

#endif
