/*
 * methods.h - AuthenticationMethods: which methods remain, after which
 * successes. RFC 4252 s5.1 (partial success); sshd_config(5).
 *
 * Pure: no I/O, no clock.
 */
#ifndef COMMON_USERAUTH_METHODS_H
#define COMMON_USERAUTH_METHODS_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"

/*
 * Lists that must each be completed in order, e.g. "publickey,password". A
 * step is `method` or `method:device`. "any" (a single list with only that
 * word) means: each enabled method alone suffices.
 */
struct auth_methods;

/* words: as configured; enabled: comma list of methods that are on. Lists
 * with a method that is off are dropped; ERR_CONFIG when none is left. */
int auth_methods_new(const struct strings *words, const char *enabled,
    struct auth_methods **ret, struct error *e) MUST_CHECK;
void auth_methods_free(struct auth_methods *m);

/* May this method be tried now? device NULL: none. */
bool auth_methods_allows(
    const struct auth_methods *m, const char *method, const char *device);

/* method succeeded: removes it from the front of every list that begins
 * with it. True when a list is empty now: authenticated. */
bool auth_methods_succeeded(
    struct auth_methods *m, const char *method, const char *device);

/* Comma list for USERAUTH_FAILURE; borrowed until the next change. */
const char *auth_methods_continue(const struct auth_methods *m);

#endif
