/*
 * sk_helper.h - ssh-sk-helper: what its files share.
 *
 * A provider is a library with the interface of common/agent/sk_api.h, or the
 * one that is built in: libfido2, opened when it is first used.
 */
#ifndef AGENT_SK_HELPER_H
#define AGENT_SK_HELPER_H

#include "common/agent/sk_api.h"
#include "common/base/attributes.h"
#include "common/base/error.h"

struct sk_provider {
	sk_enroll_function *enroll;
	sk_sign_function *sign;
	sk_load_resident_keys_function *load_resident_keys;
};

/* name: "internal", or the path of a library. It stays loaded. ERR_NOT_FOUND,
 * ERR_UNSUPPORTED. */
int sk_provider_open(
    const char *name, struct sk_provider *ret, struct error *e) MUST_CHECK;

/* Opens libfido2: ERR_UNSUPPORTED where it is not installed. */
int sk_fido_open(struct sk_provider *ret, struct error *e) MUST_CHECK;

void sk_enroll_response_free(struct sk_enroll_response *r);
void sk_sign_response_free(struct sk_sign_response *r);
void sk_resident_keys_free(struct sk_resident_key **keys, size_t count);

#endif
