/*
 * auth_impl.h - the state of the policy of authentication, for the files
 * auth*.c: auth.c (what next, passwords, answers), auth_publickey.c.
 */
#ifndef SSH_AUTH_IMPL_H
#define SSH_AUTH_IMPL_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/userauth/userauth_client.h"
#include "ssh/auth.h"
#include "ssh/report.h"

enum method {
	METHOD_NONE,
	METHOD_HOSTBASED,
	METHOD_PUBLICKEY,
	METHOD_KEYBOARD_INTERACTIVE,
	METHOD_PASSWORD,
	METHODS_COUNT
};

struct auth {
	struct auth_config c;
	struct userauth_client *u;
	enum method method;        /* of the request that is outstanding */
	struct identity *identity; /* METHOD_PUBLICKEY */
	char *methods;             /* what can continue; NULL: not told yet */
	struct strings hostbased_offered; /* host keys, as public lines */
	int password_attempts;
	int kbdint_attempts;
	bool kbdint_prompted; /* in this attempt */
	bool kbdint_is_over;
	enum report_answer password_answer;
	enum report_answer kbdint_answer;
};

/* May the person be asked? */
bool auth_can_ask(const struct auth *a);

/* ---- auth_publickey.c ---- */

/* Offers the next key. 1: a request is on its way; 0: there is none left; or
 * a negative code. */
int publickey_try(struct auth *a) MUST_CHECK;

/* The server would take the key that was probed; as publickey_try. */
int publickey_on_ok(struct auth *a) MUST_CHECK;

/* RSA keys need the server's list of algorithms (RFC 8308): where it has
 * not come with NEWKEYS, it comes with the answer to "none". */
bool publickey_needs_ext_info(const struct auth *a);

/* The answer to a user's first request may have come with another list of
 * signature algorithms. */
void publickey_reconsider(struct auth *a);

#endif
