/*
 * pkcs11_helper_sign.c - signatures by tokens.
 * PKCS#11 2.40 s2.1.6 (RSA), s2.3.6 (ECDSA: r and s of equal length), 3.0
 * s2.3.14 (EdDSA); RFC 8017 s9.2 (what RSA signs).
 */
#include <string.h>

#include "agent/pkcs11_helper.h"
#include "common/agent/helper_protocol.h"
#include "common/crypto/digest.h"

#define SIGNATURE_MAX 2048 /* RSA of 16384 bits */

/* ---- what is signed ---- */

/* DER in front of the digest: RFC 8017 s9.2 note 1. */
static const struct {
	enum digest_algorithm digest;
	uint8_t prefix[19];
	size_t len;
} digest_infos[] = {
	{ DIGEST_SHA1,
	    { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a,
		0x05, 0x00, 0x04, 0x14 },
	    15 },
	{ DIGEST_SHA256,
	    { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 },
	    19 },
	{ DIGEST_SHA512,
	    { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40 },
	    19 },
};

static int
write_digest(struct buf *out, enum digest_algorithm d, struct span data)
{
	uint8_t hash[DIGEST_MAX];
	int r = digest_of(d, data, hash);

	if (r == 0)
		write_bytes(out, hash, digest_size(d));
	return r;
}

static int
compose(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *out, CK_MECHANISM *ret)
{
	memset(ret, 0, sizeof(*ret));
	switch (key_row(k)->type) {
	case KEY_RSA:
		ret->mechanism = CKM_RSA_PKCS;
		for (size_t i = 0; i < ARRAY_COUNT(digest_infos); i++)
			if (digest_infos[i].digest == a->digest)
				write_bytes(out, digest_infos[i].prefix,
				    digest_infos[i].len);
		return write_digest(out, a->digest, data);
	case KEY_ECDSA:
		ret->mechanism = CKM_ECDSA;
		return write_digest(out, a->digest, data);
	case KEY_ED25519:
		ret->mechanism = CKM_EDDSA;
		write_span(out, data);
		return 0;
	default:
		return ERR_KEY_TYPE;
	}
}

static int
write_signature(const struct key *k, const struct signature_algorithm *a,
    struct span raw, struct buf *out)
{
	size_t whole = write_string_begin(out), mark;

	if (key_row(k)->type == KEY_ECDSA && (raw.len % 2 != 0 || raw.len == 0))
		return ERR_FORMAT;
	write_text(out, a->plain);
	mark = write_string_begin(out);
	if (key_row(k)->type == KEY_ECDSA) {
		write_mpint(out, span_of(raw.ptr, raw.len / 2));
		write_mpint(out, span_of(raw.ptr + raw.len / 2, raw.len / 2));
	} else {
		write_span(out, raw);
	}
	write_string_end(out, mark);
	write_string_end(out, whole);
	return buf_error(out);
}

/* ---- the private half ---- */

static int
find_private(struct module *m, struct token_object *o, CK_OBJECT_HANDLE *ret)
{
	CK_ULONG private = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &private, sizeof(private) },
		{ CKA_ID, o->id.data, o->id.len } };

	return object_find(m, o->token, wanted, o->id.len > 0 ? 2 : 1, ret);
}

/* Does the key want the PIN at each signature? */
static bool
always_asks(struct module *m, const struct token *t, CK_OBJECT_HANDLE key)
{
	struct buf flag = BUF_INIT;
	bool yes =
	    object_read(m, t, key, CKA_ALWAYS_AUTHENTICATE, &flag) == 0 &&
	    flag.len == 1 && flag.data[0] != 0;

	buf_release(&flag);
	return yes;
}

static bool
is_gone(CK_RV rv)
{
	return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED ||
	       rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT;
}

static CK_RV
sign_now(struct module *m, struct token *t, CK_OBJECT_HANDLE key,
    CK_MECHANISM *mechanism, struct buf *data, bool asks,
    uint8_t signature[static SIGNATURE_MAX], CK_ULONG *len)
{
	CK_RV rv = m->f->C_SignInit(t->session, mechanism, key);

	if (rv == CKR_OK && asks)
		rv = m->f->C_Login(t->session, CKU_CONTEXT_SPECIFIC,
		    (CK_BYTE *)t->pin, t->pin != NULL ? strlen(t->pin) : 0);
	if (rv == CKR_OK)
		rv = m->f->C_Sign(
		    t->session, data->data, data->len, signature, len);
	return rv;
}

static int
need_pin(const struct token *t, struct buf *out)
{
	write_text(out, t->label);
	return HELPER_ANSWER_NEED_PIN;
}

/* A token with a keypad asks itself. */
static int
login_by_keypad(struct module *m, struct token *t, struct error *e)
{
	if (!t->wants_login || t->is_logged_in || !t->has_keypad)
		return 0;
	return token_login(m, t, "", false, e);
}

/* 0 with the private half in ret_key, or why not (yet). */
static int
prepare(struct module *m, struct token_object *o, CK_OBJECT_HANDLE *ret_key,
    bool *ret_asks, struct buf *out, struct error *e)
{
	struct token *t = o->token;
	int r;

	if ((r = login_by_keypad(m, t, e)) != 0)
		return r;
	/* Before logging in most tokens do not show it at all. */
	if (find_private(m, o, ret_key) != 0) {
		if (t->wants_login && !t->is_logged_in)
			return need_pin(t, out);
		return error_set(e, ERR_NOT_FOUND,
		    "token '%s': the private key is not there", t->label);
	}
	*ret_asks = always_asks(m, t, *ret_key);
	if (t->wants_login && !t->has_keypad &&
	    (!t->is_logged_in || (*ret_asks && t->pin == NULL)))
		return need_pin(t, out);
	return 0;
}

static int
sign_once(struct module *m, struct token_object *o,
    const struct signature_algorithm *a, struct span data, struct buf *out,
    bool *ret_gone, struct error *e)
{
	uint8_t signature[SIGNATURE_MAX];
	CK_ULONG len = sizeof(signature);
	struct token *t = o->token;
	struct buf composed = BUF_INIT;
	CK_MECHANISM mechanism;
	CK_OBJECT_HANDLE key;
	bool asks = false;
	CK_RV rv;
	int r;

	if ((r = prepare(m, o, &key, &asks, out, e)) != 0 ||
	    (r = compose(o->key, a, data, &composed, &mechanism)) != 0)
		goto out;
	rv = sign_now(m, t, key, &mechanism, &composed, asks, signature, &len);
	*ret_gone = is_gone(rv);
	if (rv == CKR_USER_NOT_LOGGED_IN && t->wants_login) {
		t->is_logged_in = false;
		r = need_pin(t, out);
	} else if (rv != CKR_OK || len > sizeof(signature)) {
		r = error_set(e, ERR_CANCELLED,
		    "token '%s': signing failed: 0x%lx", t->label, rv);
	} else {
		r = write_signature(o->key, a, span_of(signature, len), out);
	}
out:
	buf_release(&composed);
	return r;
}

int
object_sign(struct module *m, struct token_object *o,
    const struct signature_algorithm *a, struct span data, struct buf *out,
    struct error *e)
{
	bool is_gone_now = false;
	int r = sign_once(m, o, a, data, out, &is_gone_now, e);

	if (is_gone_now && token_reopen(m, o->token, e) == 0) {
		buf_clear(out);
		r = sign_once(m, o, a, data, out, &is_gone_now, e);
	}
	if (r == 0 && !o->token->pin_is_kept)
		token_forget_pin(o->token);
	return r;
}
