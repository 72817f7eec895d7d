/*
 * pkcs11_helper_module.c - loading a PKCS#11 module; its tokens, logging in.
 * PKCS#11 2.40 s5.4 to s5.6.
 */
#include "agent/pkcs11_helper.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/text.h"

/* ---- the library ---- */

static int
load(struct module *m, const char *path, struct error *e)
{
	CK_C_GetFunctionList *get_list;
	void *found;
	CK_RV rv;

	if ((m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return error_set(e, ERR_NOT_FOUND,
		    "provider \"%s\" cannot be loaded: %s", path, dlerror());
	found = dlsym(m->library, "C_GetFunctionList");
	memcpy(&get_list, &found, sizeof(get_list));
	if (found == NULL)
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\" is not a PKCS11 library", path);
	if ((rv = get_list(&m->f)) != CKR_OK || m->f == NULL) {
		m->f = NULL;
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\": C_GetFunctionList failed: 0x%lx", path,
		    rv);
	}
	rv = m->f->C_Initialize(NULL);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		m->f = NULL;
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\": C_Initialize failed: 0x%lx", path, rv);
	}
	return 0;
}

/* ---- tokens ---- */

/* Labels are padded with blanks. */
static void
take_label(struct token *t, const CK_TOKEN_INFO *info)
{
	size_t len = sizeof(info->label);

	while (len > 0 && info->label[len - 1] == ' ')
		len--;
	memcpy(t->label, info->label, len);
	t->label[len] = '\0';
}

static bool
open_session(struct module *m, struct token *t)
{
	return m->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL,
		   &t->session) == CKR_OK;
}

/* A token that is empty, or that cannot be used, is none. */
static void
add_token(struct module *m, CK_SLOT_ID slot)
{
	struct token *t = &m->tokens[m->token_count];
	CK_TOKEN_INFO info;

	memset(&info, 0, sizeof(info));
	if (m->f->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    (info.flags & CKF_TOKEN_INITIALIZED) == 0)
		return;
	memset(t, 0, sizeof(*t));
	t->slot = slot;
	take_label(t, &info);
	t->wants_login = (info.flags & CKF_LOGIN_REQUIRED) != 0;
	t->has_keypad = (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	if (open_session(m, t))
		m->token_count++;
}

static int
find_tokens(struct module *m, const char *path, struct error *e)
{
	CK_SLOT_ID slots[TOKENS_MAX];
	CK_ULONG count = 0;
	CK_RV rv = m->f->C_GetSlotList(1, NULL, &count);

	if (count > TOKENS_MAX)
		return error_set(e, ERR_LIMIT,
		    "provider \"%s\" has more than %d tokens", path,
		    TOKENS_MAX);
	if (rv == CKR_OK && count > 0)
		rv = m->f->C_GetSlotList(1, slots, &count);
	if (rv != CKR_OK || count > TOKENS_MAX)
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\": C_GetSlotList failed: 0x%lx", path, rv);
	for (CK_ULONG i = 0; i < count; i++)
		add_token(m, slots[i]);
	return 0;
}

int
token_reopen(struct module *m, struct token *t, struct error *e)
{
	IGNORE_RESULT((int)m->f->C_CloseSession(t->session));
	t->is_logged_in = false;
	if (!open_session(m, t))
		return error_set(
		    e, ERR_NOT_FOUND, "token '%s' is not there", t->label);
	return 0;
}

/* ---- logging in ---- */

void
token_forget_pin(struct token *t)
{
	secret_free_text(t->pin);
	t->pin = NULL;
}

static int
explain_login(CK_RV rv, const struct token *t, struct error *e)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return error_set(e, ERR_PASSPHRASE,
		    "token '%s': the PIN is wrong", t->label);
	case CKR_PIN_LOCKED:
		return error_set(e, ERR_PERMISSION,
		    "token '%s': the PIN is locked after too many wrong ones",
		    t->label);
	default:
		return error_set(e, ERR_PERMISSION,
		    "token '%s': logging in failed: 0x%lx", t->label, rv);
	}
}

int
token_login(struct module *m, struct token *t, const char *pin, bool keep,
    struct error *e)
{
	/* The prototype of the standard is not const; nothing writes. */
	CK_BYTE *bytes = (CK_BYTE *)(uintptr_t)pin;
	CK_RV rv;

	if (t->has_keypad)
		rv = m->f->C_Login(t->session, CKU_USER, NULL, 0);
	else
		rv = m->f->C_Login(t->session, CKU_USER, bytes, strlen(pin));
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return explain_login(rv, t, e);
	t->is_logged_in = true;
	token_forget_pin(t);
	t->pin_is_kept = keep;
	if (!t->has_keypad && (t->pin = strdup(pin)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

/* One PIN for all: it is enough that one token takes it. */
static int
login_everywhere(struct module *m, const char *pin, struct error *e)
{
	size_t wanting = 0, taken = 0;
	int r = 0;

	for (size_t i = 0; i < m->token_count; i++) {
		struct token *t = &m->tokens[i];

		if (!t->wants_login)
			continue;
		wanting++;
		if ((r = token_login(m, t, pin, true, e)) == 0)
			taken++;
	}
	return wanting > 0 && taken == 0 ? r : 0;
}

int
module_open(
    struct module *m, const char *path, const char *pin, struct error *e)
{
	int r;

	memset(m, 0, sizeof(*m));
	if ((r = load(m, path, e)) == 0 && (r = find_tokens(m, path, e)) == 0 &&
	    pin != NULL && *pin != '\0')
		r = login_everywhere(m, pin, e);
	if (r != 0)
		module_close(m);
	return r;
}

void
module_close(struct module *m)
{
	module_forget_keys(m);
	for (size_t i = 0; i < m->token_count; i++)
		token_forget_pin(&m->tokens[i]);
	if (m->f != NULL)
		m->f->C_Finalize(NULL);
	/* The library stays: some leave threads behind. */
	memset(m, 0, sizeof(*m));
}
