/*
 * bcrypt_pbkdf.h - the password KDF of openssh-key-v1 files: PBKDF2's frame
 * around a bcrypt-derived hash with SHA-512, output interleaved.
 * Holds secrets: wiped before return.
 */
#ifndef COMMON_CRYPTO_BCRYPT_PBKDF_H
#define COMMON_CRYPTO_BCRYPT_PBKDF_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

/* ERR_ARGUMENT for no rounds, empty password or salt, or a key longer than
 * 1024 bytes. A round takes a few milliseconds for each 32 bytes of key: a
 * caller that takes rounds from a file limits them. */
int bcrypt_pbkdf(struct span password, struct span salt, uint32_t rounds,
    uint8_t *key, size_t key_len) MUST_CHECK;

#endif
