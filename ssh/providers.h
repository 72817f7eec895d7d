/*
 * providers.h - keys that live in devices: those of PKCS11Provider, and files
 * whose private half is in a security key (SecurityKeyProvider).
 */
#ifndef SSH_PROVIDERS_H
#define SSH_PROVIDERS_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/key/key.h"
#include "ssh/identities.h"
#include "ssh/options.h"

/*
 * Adds the keys of PKCS11Provider to the list. A provider that cannot be used
 * is logged and left out. ERR_MEMORY.
 */
int providers_add_tokens(const struct ssh_options *o, struct identities *list,
    struct error *e) MUST_CHECK;

/* SecurityKeyProvider, its $NAME resolved; NULL: the default. Borrowed. */
const char *providers_security_key(const struct ssh_options *o);

/* To be called before k signs: makes that of a security key able to. Others
 * are left alone. */
int providers_prepare(const struct ssh_options *o, struct key *k) MUST_CHECK;

/* Does a signature by k ask a person for a touch or a PIN? Then it is not to
 * be made before the server has said that it wants the key. */
bool providers_ask_person(const struct key *k);

#endif
