/*
 * key_convert_pem.c - public keys in PEM, by OpenSSL.
 * RFC 7468 s13, RFC 5280 s4.1.2.7, RFC 8017 A.1.1.
 */
#include "common/key/key_convert.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>

#include "common/key/key_impl.h"

/* Types whose whole public half OpenSSL knows. */
static bool
has_form(const struct key *k)
{
	switch (key_row(k)->type) {
	case KEY_RSA:
	case KEY_DSA:
	case KEY_ECDSA:
	case KEY_ED25519:
		return true;
	default:
		return false;
	}
}

int
key_export_pem(const struct key *k, enum key_format format, struct buf *out,
    struct error *e)
{
	bool own_form = format == KEY_FORMAT_PEM && key_row(k)->type == KEY_RSA;
	OSSL_ENCODER_CTX *ctx = NULL;
	unsigned char *text = NULL;
	size_t len = 0;
	bool ok;

	if (has_form(k))
		ctx = OSSL_ENCODER_CTX_new_for_pkey(k->pkey,
		    EVP_PKEY_PUBLIC_KEY, "PEM",
		    own_form ? "type-specific" : "SubjectPublicKeyInfo", NULL);
	ok = ctx != NULL && OSSL_ENCODER_CTX_get_num_encoders(ctx) > 0 &&
	     OSSL_ENCODER_to_data(ctx, &text, &len) == 1;
	if (ok)
		write_bytes(out, text, len);
	OPENSSL_free(text);
	OSSL_ENCODER_CTX_free(ctx);
	if (!ok) {
		ERR_clear_error();
		return error_set(e, ERR_KEY_TYPE,
		    "keys of type %s have no form in PEM",
		    key_row(k)->short_name);
	}
	return buf_error(out);
}

static EVP_PKEY *
decode(struct span text)
{
	const unsigned char *at = text.ptr;
	size_t len = text.len;
	EVP_PKEY *pkey = NULL;
	OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(
	    &pkey, "PEM", NULL, NULL, EVP_PKEY_PUBLIC_KEY, NULL, NULL);

	if (ctx == NULL || OSSL_DECODER_from_data(ctx, &at, &len) != 1)
		pkey = NULL;
	OSSL_DECODER_CTX_free(ctx);
	ERR_clear_error();
	return pkey;
}

/* Taking the key through our own public fields checks it as any other. */
static int
check_key(EVP_PKEY *pkey, struct key **ret)
{
	const struct key_type_row *row = key_row_of_pkey(pkey);
	struct buf blob = BUF_INIT;
	int r;

	if (row == NULL)
		return ERR_KEY_TYPE;
	write_text(&blob, row->name);
	key_ops_of(row->type)->write_public(row, pkey, &blob);
	if ((r = buf_error(&blob)) == 0)
		r = key_from_blob(buf_span(&blob), ret);
	buf_release(&blob);
	return r;
}

int
key_import_pem(struct span text, struct key **ret, struct error *e)
{
	EVP_PKEY *pkey;
	int r;

	if (text.len > KEY_FILE_MAX)
		return error_set(e, ERR_LIMIT, "the file is too large");
	if ((pkey = decode(text)) == NULL)
		return error_set(
		    e, ERR_KEY_FORMAT, "not a recognised public key format");
	r = check_key(pkey, ret);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return r == 0 ? 0 : error_set(e, r, "%s", error_text(r));
}
