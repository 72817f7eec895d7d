/*
 * pkcs11_helper_keys.c - the public keys on tokens, and those in X.509
 * certificates.
 * PKCS#11 2.40 s2.1 (RSA), s2.3 (EC); 3.0 s2.3.5 (Edwards); RFC 5480 s2.1.1.1.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "agent/pkcs11_helper.h"
#include "common/agent/helper.h"
#include "common/agent/helper_protocol.h"
#include "common/base/text.h"

/* ---- objects ---- */

int
object_read(struct module *m, const struct token *t, CK_OBJECT_HANDLE object,
    CK_ULONG attribute, struct buf *out)
{
	CK_ATTRIBUTE a = { attribute, NULL, 0 };
	uint8_t *room;

	if (m->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK ||
	    a.len == CK_UNAVAILABLE_INFORMATION)
		return ERR_NOT_FOUND;
	if (a.len > HELPER_FIELD_MAX)
		return ERR_LIMIT;
	if ((room = buf_reserve(out, a.len + 1)) == NULL)
		return ERR_MEMORY;
	a.value = room;
	if (a.len > 0 &&
	    m->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK)
		return ERR_NOT_FOUND;
	if (a.len > HELPER_FIELD_MAX)
		return ERR_FORMAT;
	buf_extend(out, a.len);
	return 0;
}

/* Up to max objects with these attributes. */
static size_t
find(struct module *m, const struct token *t, CK_ATTRIBUTE *attributes,
    size_t count, CK_OBJECT_HANDLE *ret, size_t max)
{
	CK_ULONG found = 0;
	size_t n = 0;

	if (m->f->C_FindObjectsInit(t->session, attributes, count) != CKR_OK)
		return 0;
	while (n < max &&
	       m->f->C_FindObjects(t->session, ret + n, max - n, &found) ==
		   CKR_OK &&
	       found > 0 && found <= max - n)
		n += found;
	IGNORE_RESULT((int)m->f->C_FindObjectsFinal(t->session));
	return n;
}

int
object_find(struct module *m, const struct token *t, CK_ATTRIBUTE *attributes,
    size_t count, CK_OBJECT_HANDLE *ret)
{
	return find(m, t, attributes, count, ret, 1) == 1 ? 0 : ERR_NOT_FOUND;
}

/* ---- blobs ---- */

static const struct {
	const char *type, *name, *group;
	uint8_t oid[12]; /* DER, as CKA_EC_PARAMS has it */
	size_t oid_len;
} curves[] = {
	{ "ecdsa-sha2-nistp256", "nistp256", "prime256v1",
	    { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 }, 10 },
	{ "ecdsa-sha2-nistp384", "nistp384", "secp384r1",
	    { 6, 5, 0x2b, 0x81, 4, 0, 0x22 }, 7 },
	{ "ecdsa-sha2-nistp521", "nistp521", "secp521r1",
	    { 6, 5, 0x2b, 0x81, 4, 0, 0x23 }, 7 },
};

static int
read_rsa(struct module *m, const struct token *t, CK_OBJECT_HANDLE object,
    struct buf *blob)
{
	struct buf n = BUF_INIT, e = BUF_INIT;
	int r;

	if ((r = object_read(m, t, object, CKA_MODULUS, &n)) == 0 &&
	    (r = object_read(m, t, object, CKA_PUBLIC_EXPONENT, &e)) == 0) {
		write_text(blob, "ssh-rsa");
		write_mpint(blob, buf_span(&e));
		write_mpint(blob, buf_span(&n));
	}
	buf_release(&n);
	buf_release(&e);
	return r;
}

/* CKA_EC_POINT is a DER OCTET STRING; older modules give the bare point. */
static struct span
unwrap_point(struct span s)
{
	size_t header = s.len > 2 && s.ptr[1] == 0x81 ? 3 : 2;

	if (s.len > header && s.ptr[0] == 4 &&
	    s.ptr[header - 1] == s.len - header)
		return span_of(s.ptr + header, s.len - header);
	return s;
}

static int
read_ec(struct module *m, const struct token *t, CK_OBJECT_HANDLE object,
    struct buf *blob)
{
	struct buf params = BUF_INIT, point = BUF_INIT;
	int r;

	if ((r = object_read(m, t, object, CKA_EC_PARAMS, &params)) != 0 ||
	    (r = object_read(m, t, object, CKA_EC_POINT, &point)) != 0)
		goto out;
	r = ERR_KEY_TYPE;
	for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
		if (!span_equal(buf_span(&params),
			span_of(curves[i].oid, curves[i].oid_len)))
			continue;
		write_text(blob, curves[i].type);
		write_text(blob, curves[i].name);
		write_string(blob, unwrap_point(buf_span(&point)));
		r = 0;
	}
out:
	buf_release(&params);
	buf_release(&point);
	return r;
}

/* The curve by its OID, or by its name. */
static bool
is_ed25519(struct span params)
{
	static const uint8_t oid[] = { 6, 3, 0x2b, 0x65, 0x70 };
	static const char name[] = "\x13\x0c"
				   "edwards25519";

	return span_equal(params, span_of(oid, sizeof(oid))) ||
	       span_equal(params, span_of(name, sizeof(name) - 1));
}

static int
read_edwards(struct module *m, const struct token *t, CK_OBJECT_HANDLE object,
    struct buf *blob)
{
	struct buf params = BUF_INIT, point = BUF_INIT;
	int r;

	if ((r = object_read(m, t, object, CKA_EC_PARAMS, &params)) == 0 &&
	    (r = object_read(m, t, object, CKA_EC_POINT, &point)) == 0) {
		if (is_ed25519(buf_span(&params))) {
			write_text(blob, "ssh-ed25519");
			write_string(blob, unwrap_point(buf_span(&point)));
		} else {
			r = ERR_KEY_TYPE;
		}
	}
	buf_release(&params);
	buf_release(&point);
	return r;
}

static int
read_public_key(struct module *m, const struct token *t,
    CK_OBJECT_HANDLE object, struct buf *blob)
{
	struct buf type = BUF_INIT;
	CK_ULONG value = CK_UNAVAILABLE_INFORMATION;
	int r = object_read(m, t, object, CKA_KEY_TYPE, &type);

	if (r == 0 && type.len == sizeof(value))
		memcpy(&value, type.data, sizeof(value));
	buf_release(&type);
	switch (value) {
	case CKK_RSA:
		return read_rsa(m, t, object, blob);
	case CKK_EC:
		return read_ec(m, t, object, blob);
	case CKK_EC_EDWARDS:
		return read_edwards(m, t, object, blob);
	default:
		return r != 0 ? r : ERR_KEY_TYPE;
	}
}

/* ---- certificates ---- */

static void
write_number(struct buf *out, EVP_PKEY *pkey, const char *name)
{
	BIGNUM *n = NULL;
	uint8_t *bytes = NULL;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 &&
	    (bytes = malloc((size_t)BN_num_bytes(n) + 1)) != NULL)
		write_mpint(out, span_of(bytes, (size_t)BN_bn2bin(n, bytes)));
	free(bytes);
	BN_free(n);
}

static int
write_ec(struct buf *blob, EVP_PKEY *pkey)
{
	char group[64] = "";
	uint8_t point[256];
	size_t len = 0;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(
		pkey, "pub", point, sizeof(point), &len) != 1)
		return ERR_KEY_TYPE;
	for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
		if (strcmp(curves[i].group, group) != 0)
			continue;
		write_text(blob, curves[i].type);
		write_text(blob, curves[i].name);
		write_string(blob, span_of(point, len));
		return 0;
	}
	return ERR_KEY_TYPE;
}

static int
write_pkey(struct buf *blob, EVP_PKEY *pkey)
{
	uint8_t raw[32];
	size_t len = sizeof(raw);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		write_text(blob, "ssh-rsa");
		write_number(blob, pkey, "e");
		write_number(blob, pkey, "n");
		return 0;
	case EVP_PKEY_EC:
		return write_ec(blob, pkey);
	case EVP_PKEY_ED25519:
		if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1)
			return ERR_KEY_FORMAT;
		write_text(blob, "ssh-ed25519");
		write_string(blob, span_of(raw, len));
		return 0;
	default:
		return ERR_KEY_TYPE;
	}
}

static int
read_certificate(struct module *m, const struct token *t,
    CK_OBJECT_HANDLE object, struct buf *blob)
{
	struct buf der = BUF_INIT;
	X509 *x509 = NULL;
	const uint8_t *p;
	int r = object_read(m, t, object, CKA_VALUE, &der);

	if (r == 0) {
		p = der.data;
		x509 = d2i_X509(NULL, &p, (long)der.len);
		r = x509 != NULL && X509_get0_pubkey(x509) != NULL
			? write_pkey(blob, X509_get0_pubkey(x509))
			: ERR_FORMAT;
	}
	X509_free(x509);
	ERR_clear_error();
	buf_release(&der);
	return r;
}

/* ---- the list ---- */

static void
object_release(struct token_object *o)
{
	key_unref(o->key);
	buf_release(&o->id);
	free(o->label);
}

void
module_forget_keys(struct module *m)
{
	for (size_t i = 0; i < m->object_count; i++)
		object_release(&m->objects[i]);
	free(m->objects);
	m->objects = NULL;
	m->object_count = 0;
}

/* The public key and the certificate of it are one. */
static bool
is_listed(const struct module *m, const struct key *k)
{
	for (size_t i = 0; i < m->object_count; i++)
		if (key_equal(m->objects[i].key, k))
			return true;
	return false;
}

/* Takes o. */
static int
append(struct module *m, struct token_object *o)
{
	struct token_object *grown = NULL;

	if (m->object_count < HELPER_KEYS_MAX && !is_listed(m, o->key))
		grown =
		    realloc(m->objects, (m->object_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		object_release(o);
		return 0;
	}
	m->objects = grown;
	m->objects[m->object_count++] = *o;
	return 0;
}

typedef int object_reader(struct module *m, const struct token *t,
    CK_OBJECT_HANDLE object, struct buf *blob);

/* What is damaged, or of a type that SSH does not know, is left out. */
static int
add_object(struct module *m, struct token *t, CK_OBJECT_HANDLE object,
    object_reader *reader)
{
	struct token_object o = { .token = t };
	struct buf blob = BUF_INIT, label = BUF_INIT;

	IGNORE_RESULT(object_read(m, t, object, CKA_ID, &o.id));
	IGNORE_RESULT(object_read(m, t, object, CKA_LABEL, &label));
	if (reader(m, t, object, &blob) != 0 || buf_error(&blob) != 0 ||
	    key_from_blob(buf_span(&blob), &o.key) != 0)
		o.key = NULL;
	o.label = text_escaped(buf_span(&label));
	buf_release(&blob);
	buf_release(&label);
	if (o.key == NULL || o.label == NULL) {
		object_release(&o);
		return 0;
	}
	return append(m, &o);
}

static int
list_objects(struct module *m, struct token *t, CK_ATTRIBUTE *attributes,
    size_t count, object_reader *reader)
{
	CK_OBJECT_HANDLE *handles = calloc(HELPER_KEYS_MAX, sizeof(*handles));
	size_t n;
	int r = 0;

	if (handles == NULL)
		return ERR_MEMORY;
	n = find(m, t, attributes, count, handles, HELPER_KEYS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_object(m, t, handles[i], reader);
	free(handles);
	return r;
}

int
module_list_keys(struct module *m, struct error *e)
{
	CK_ULONG public = CKO_PUBLIC_KEY, certificate = CKO_CERTIFICATE;
	CK_ULONG x509 = CKC_X_509;
	CK_ATTRIBUTE keys[] = { { CKA_CLASS, &public, sizeof(public) } };
	CK_ATTRIBUTE certificates[] = { { CKA_CLASS, &certificate,
					    sizeof(certificate) },
		{ CKA_CERTIFICATE_TYPE, &x509, sizeof(x509) } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->token_count; i++) {
		struct token *t = &m->tokens[i];

		r = list_objects(m, t, keys, 1, read_public_key);
		if (r == 0)
			r = list_objects(
			    m, t, certificates, 2, read_certificate);
	}
	return r == 0 ? 0 : error_set(e, r, "%s", error_text(r));
}
