/*
 * revocation.h - files of keys that no longer count (RevokedKeys,
 * RevokedHostKeys): public keys, one a line, or a key revocation list (krl.h).
 *
 * Whoever cannot read such a file cannot know that a key is good: every
 * error means that no key may be used.
 */
#ifndef COMMON_KEY_REVOCATION_H
#define COMMON_KEY_REVOCATION_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/key/key.h"

#define REVOCATION_FILE_MAX ((size_t)64 * 1024 * 1024)

/*
 * Is k revoked by the file? In text, a certificate is where it is listed,
 * where its key is, or where its CA's key is; a certificate that is listed
 * revokes its key. Errors: ERR_NOT_FOUND and others of file_read(); of
 * krl_file_check(); ERR_FORMAT: a line that is neither key nor comment.
 */
int revocation_check(const char *path, const struct key *k,
    bool *ret_is_revoked, struct error *e) MUST_CHECK;

/* The same for a file that was read already; path is for messages. */
int revocation_check_bytes(struct span file, const char *path,
    const struct key *k, bool *ret_is_revoked, struct error *e) MUST_CHECK;

#endif
