/*
 * pkcs11_helper.h - ssh-pkcs11-helper: what its files share: a module, its
 * tokens, and the keys on them.
 *
 * Holds secrets: PINs, for keys that want one at each signature.
 * What the module returns is bounded: HELPER_FIELD_MAX bytes an attribute.
 */
#ifndef AGENT_PKCS11_HELPER_H
#define AGENT_PKCS11_HELPER_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/pkcs11_helper_cryptoki.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

#define TOKENS_MAX 64

/* A slot with a token in it. */
struct token {
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	char label[33];
	bool wants_login;
	bool has_keypad; /* the PIN is typed there */
	bool is_logged_in;
	char *pin;        /* for keys that always ask; NULL: none */
	bool pin_is_kept; /* else it is for the next signature only */
};

struct token_object {
	struct token *token;
	struct key *key;
	struct buf id; /* CKA_ID, by which the private half is found */
	char *label;
};

struct module {
	void *library;
	CK_FUNCTION_LIST *f;
	struct token tokens[TOKENS_MAX];
	size_t token_count;
	struct token_object *objects;
	size_t object_count;
};

/* ---- the module and its tokens (pkcs11_helper_module.c) ---- */

/*
 * Loads the library and opens a session with each token; pin "" or NULL:
 * nobody logs in. ERR_NOT_FOUND, ERR_UNSUPPORTED; ERR_PASSPHRASE where tokens
 * want a PIN and none took this one.
 */
int module_open(struct module *m, const char *path, const char *pin,
    struct error *e) MUST_CHECK;
void module_close(struct module *m);

/* Logs in with a PIN; ERR_PASSPHRASE, ERR_PERMISSION (locked). keep: for all
 * later signatures, not only the next one. */
int token_login(struct module *m, struct token *t, const char *pin, bool keep,
    struct error *e) MUST_CHECK;

/* After the token was pulled out and put back. */
int token_reopen(struct module *m, struct token *t, struct error *e) MUST_CHECK;
void token_forget_pin(struct token *t);

/* ---- objects (pkcs11_helper_keys.c) ---- */

/* Appends an attribute's bytes; ERR_NOT_FOUND where the object has none. */
int object_read(struct module *m, const struct token *t,
    CK_OBJECT_HANDLE object, CK_ULONG attribute, struct buf *out) MUST_CHECK;

/* The first object with these attributes; ERR_NOT_FOUND. */
int object_find(struct module *m, const struct token *t,
    CK_ATTRIBUTE *attributes, size_t count, CK_OBJECT_HANDLE *ret) MUST_CHECK;

/* Lists the public keys, and those of certificates, of all tokens. */
int module_list_keys(struct module *m, struct error *e) MUST_CHECK;
void module_forget_keys(struct module *m);

/* ---- signing (pkcs11_helper_sign.c) ---- */

/* Appends a signature blob; HELPER_ANSWER_NEED_PIN where its token wants one
 * first. */
int object_sign(struct module *m, struct token_object *o,
    const struct signature_algorithm *a, struct span data, struct buf *out,
    struct error *e) MUST_CHECK;

#endif
