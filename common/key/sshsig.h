/*
 * sshsig.h - signatures of files: made, armoured, taken apart, verified.
 * Format: surface notes s10 (SSHSIG).
 *
 * A signature is over the hash of the file, the name of the hash and a
 * namespace, which says what the signature is for ("file", "git"), so that
 * one made for one purpose counts for no other. It names the key that made
 * it: whether that key counts is for allowed_signers.h to say.
 *
 * Hostile input: the armoured text.
 */
#ifndef COMMON_KEY_SSHSIG_H
#define COMMON_KEY_SSHSIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"

/* Of the armoured text. */
#define SSHSIG_TEXT_MAX ((size_t)1024 * 1024)

struct sshsig {
	struct key *key; /* a certificate where one was sent along */
	char *namespace;
	enum digest_algorithm hash; /* of the file: SHA-256 or SHA-512 */
	struct buf signature;       /* the signature blob */
};

/* "sha256" or "sha512", exactly. ERR_UNSUPPORTED. */
int sshsig_find_hash(
    const char *name, enum digest_algorithm *ret, struct error *e) MUST_CHECK;

/* The hash of all that fd has to give; out holds digest_size() bytes. Read
 * piece by piece: files may be of any size. ERR_SYSTEM, ERR_CRYPTO. */
int sshsig_hash_fd(int fd, enum digest_algorithm hash, uint8_t *out,
    struct error *e) MUST_CHECK;

/*
 * Appends the armoured signature over the hash of a file. signer has a private
 * half; named is its public key or a certificate for it, and goes along. RSA
 * signs by rsa-sha2-512. ERR_KEY_TYPE, and what key_sign() gives.
 */
int sshsig_sign(const struct key *signer, const struct key *named,
    const char *namespace, enum digest_algorithm hash, struct span hashed,
    struct buf *out) MUST_CHECK;

/* Takes armoured text apart; what follows its last line is ignored.
 * ERR_FORMAT, ERR_UNSUPPORTED (version, hash), codes of key_from_blob(). */
int sshsig_parse(
    struct span text, struct sshsig *ret, struct error *e) MUST_CHECK;
void sshsig_release(struct sshsig *s);

/*
 * Was it made by its key, in this namespace, over a file of this hash? An RSA
 * signature by SHA-1 is none. ERR_SIGNATURE, ERR_SIGNATURE_ALGORITHM;
 * ERR_ARGUMENT for another namespace. The key is not judged.
 */
int sshsig_verify(const struct sshsig *s, const char *namespace,
    struct span hashed, struct error *e) MUST_CHECK;

#endif
