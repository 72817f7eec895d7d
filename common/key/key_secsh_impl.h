/*
 * key_secsh_impl.h - private keys of SSH Communications' programs. Private to
 * this folder.
 */
#ifndef COMMON_KEY_KEY_SECSH_IMPL_H
#define COMMON_KEY_KEY_SECSH_IMPL_H

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

/* From the bytes between BEGIN and END; see key_import_rfc4716(). */
int secsh_private_parse(struct span blob, const char *passphrase,
    struct key **ret, struct error *e) MUST_CHECK;

#endif
