/*
 * krl_specification.h - text that says what a key revocation list shall hold.
 * Surface notes s5, -k.
 *
 *     serial: N or N-M     certificates of the CA
 *     id: TEXT             the same
 *     key: PUBLIC KEY      of a certificate, the key in it
 *     PUBLIC KEY           a certificate is revoked itself
 *     sha1: PUBLIC KEY     its hash alone is kept
 *     sha256: PUBLIC KEY
 *     hash: SHA256:BASE64  a fingerprint
 *
 * '#' begins a comment.
 */
#ifndef KEYGEN_KRL_SPECIFICATION_H
#define KEYGEN_KRL_SPECIFICATION_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/krl.h"

struct krl_specification {
	struct krl *list;
	bool has_ca;
	struct key *ca;   /* of serial and id; NULL: whichever */
	const char *name; /* of the text, for messages */
};

/* Adds all lines to the list. Errors name the line. */
int krl_specification_read(const struct krl_specification *s, struct span text,
    struct error *e) MUST_CHECK;

#endif
