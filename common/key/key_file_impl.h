/*
 * key_file_impl.h - the formats of private key files, one function pair
 * each. Private to this folder.
 */
#ifndef COMMON_KEY_KEY_FILE_IMPL_H
#define COMMON_KEY_KEY_FILE_IMPL_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/key/key_file.h"

/* bcrypt rounds beyond this would take minutes: ERR_LIMIT. */
#define BCRYPT_ROUNDS_MAX     65536
#define BCRYPT_ROUNDS_DEFAULT 24

/* Is this text in the format? (By its first line.) */
bool openssh_key_recognise(struct span text);

/* As key_private_parse and key_private_format. */
int openssh_key_parse(struct span text, const char *passphrase,
    struct key **ret, struct key **ret_public, struct error *e) MUST_CHECK;
int openssh_key_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e) MUST_CHECK;

bool pem_key_recognise(struct span text);
int pem_key_parse(struct span text, const char *passphrase, struct key **ret,
    struct error *e) MUST_CHECK;
int pem_key_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e) MUST_CHECK;

#endif
