/*
 * helper.h - keys that live in devices, used by way of helper processes:
 * ssh-sk-helper loads the library of a security key (FIDO), ssh-pkcs11-helper
 * that of a token (PKCS#11). A library that crashes or misbehaves takes only
 * its helper along, and never sees our keys.
 *
 * The helper is $SSH_SK_HELPER or $SSH_PKCS11_HELPER, else the program beside
 * ours, else the one that was installed. It gets a socket as its standard
 * input and output, and an environment without what is meant for us or for
 * the dynamic linker.
 *
 * Calls block: for the device, and for the person who touches it or types a
 * PIN. Different objects may be used by different threads at the same time;
 * one object (and the keys of one provider) by one thread at a time.
 * Answers of a helper are hostile bytes: each is bounded, and a signature is
 * verified before it is handed on.
 * Holds secrets: PINs, wiped.
 */
#ifndef COMMON_AGENT_HELPER_H
#define COMMON_AGENT_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"

#define HELPER_PROVIDER_MAX 4096 /* bytes of a provider's path */
#define HELPER_PIN_MAX      256
#define HELPER_KEYS_MAX     1024 /* keys of one provider */

/* How a person is asked and told. Each function may be NULL. */
struct helper_person {
	/* A PIN: fresh text for secret_free_text(). NULL: nobody is asked;
	 * what needs a PIN fails with ERR_PERMISSION. */
	int (*ask_pin)(
	    void *context, const char *question, char **ret, struct error *e);
	/* The device waits for a touch; text is a line for the person. end
	 * follows each begin, whatever happened. */
	void (*touch_begin)(void *context, const char *text);
	void (*touch_end)(void *context);
	void *context;
};

/* By port/prompt.h: the terminal, or the ask-pass program. For one thread of
 * the process. */
extern const struct helper_person helper_person_prompt;

/* ---- security keys ---- */

/*
 * A provider: the path of a library with the interface of OpenSSH's sk-api, or
 * "internal": libfido2, opened by the helper when it is wanted. NULL:
 * $SSH_SK_PROVIDER, else "internal".
 */

/*
 * Makes k, a private key of a security key type from a file or a message
 * (key_is_security_key), sign by the provider. Both texts are copied; person
 * (may be NULL) is too, its context must outlive the key. A key that demands
 * verification asks for the PIN at each signature.
 */
int security_key_attach(struct key *k, const char *provider,
    const struct helper_person *person) MUST_CHECK;

/* What a new key is to be like. */
struct security_key_request {
	const char *provider;
	const char *type;        /* key type name, "sk-ssh-ed25519@..." */
	const char *application; /* "ssh:..." */
	const char *user;        /* NULL: none */
	const char *device;      /* NULL: any */
	uint8_t flags;           /* KEY_SK_* */
	const char *pin;         /* NULL: none */
	struct span challenge;   /* for the attestation */
};

/* What the device says about the new key; owned by the caller. */
struct security_key_attestation {
	struct buf certificate, signature, authenticator_data;
};

void security_key_attestation_release(struct security_key_attestation *a);

/*
 * Makes a key in the device. The result can be written but not sign before
 * security_key_attach(). ERR_PASSPHRASE: a PIN is needed, or it was wrong;
 * ERR_EXISTS: a resident key for this application and user is there;
 * ERR_NOT_FOUND: no device; ERR_UNSUPPORTED, ERR_CANCELLED.
 * attestation may be NULL.
 */
int security_key_enroll(const struct security_key_request *q, struct key **ret,
    struct security_key_attestation *attestation, struct error *e) MUST_CHECK;

struct security_key_resident {
	struct key *key; /* private fields; application and handle in it */
	struct buf user_id;
};

/* The keys that the device holds for applications "ssh:..."; *ret is the
 * caller's (security_key_residents_free). Codes as above. */
int security_key_load_residents(const char *provider, const char *device,
    const char *pin, struct security_key_resident **ret, size_t *ret_count,
    struct error *e) MUST_CHECK;
void security_key_residents_free(
    struct security_key_resident *keys, size_t count);

/* ---- PKCS#11 ---- */

struct token_provider;

/*
 * Loads the module at path in a helper of its own, which lives as long as the
 * provider and its keys. pin: used to log in to all its tokens that want it,
 * ERR_PASSPHRASE if none takes it; NULL or "": person (copied; may be NULL) is
 * asked when a signature needs it. ERR_NOT_FOUND, ERR_UNSUPPORTED (no module),
 * ERR_CLOSED (the helper died), ERR_LIMIT.
 */
int token_open(const char *path, const char *pin,
    const struct helper_person *person, struct token_provider **ret,
    struct error *e) MUST_CHECK;

/* Keys that are still referred to keep the helper running. NULL is
 * accepted. */
void token_close(struct token_provider *p);

/*
 * Plain keys that sign by the token; borrowed (key_ref to keep one). The
 * comment is the token's label for the key. Keys without a usable type are
 * left out.
 */
size_t token_key_count(const struct token_provider *p);
struct key *token_key(const struct token_provider *p, size_t index);

/* The path as it was given. */
const char *token_path(const struct token_provider *p);

#endif
