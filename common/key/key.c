/*
 * key.c - keys: making, counting, facts, blobs.
 * RFC 4253 s6.6.
 */
#include "common/key/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/key/key_impl.h"

#define RSA_BITS_DEFAULT   3072
#define ECDSA_BITS_DEFAULT 256

static void
free_key(struct key *k)
{
	if (k->signer.free != NULL)
		k->signer.free(k->signer.context);
	EVP_PKEY_free(k->pkey);
	key_sk_free(k->sk);
	buf_release(&k->blob);
	buf_release(&k->plain);
	certificate_free(k->certificate);
	free(k->comment);
	free(k);
}

/* Takes pkey and sk; the blob is still empty. */
static struct key *
new_key(const struct key_type_row *row, EVP_PKEY *pkey, struct key_sk *sk,
    bool has_private)
{
	struct key *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		key_sk_free(sk);
		return NULL;
	}
	k->refs = 1;
	k->row = row;
	k->ops = key_ops_of(row->type);
	k->pkey = pkey;
	k->sk = sk;
	k->has_private = has_private;
	return k;
}

/* Takes pkey and sk. */
static int
from_parts(const struct key_type_row *row, EVP_PKEY *pkey, struct key_sk *sk,
    bool has_private, struct key **ret)
{
	struct key *k = new_key(row, pkey, sk, has_private);
	int r;

	if (k == NULL)
		return ERR_MEMORY;
	write_text(&k->blob, row->name);
	key_write_public(row, pkey, sk, &k->blob);
	if ((r = buf_error(&k->blob)) != 0) {
		free_key(k);
		return r;
	}
	*ret = k;
	return 0;
}

int
key_from_pkey(const struct key_type_row *row, EVP_PKEY *pkey, bool has_private,
    struct key **ret)
{
	return from_parts(row, pkey, NULL, has_private, ret);
}

/* ---- new keys ---- */

static const struct key_type_row *
find_row(enum key_type type, unsigned bits)
{
	const struct key_type_row *row;

	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++) {
		if (row->type == type && row->plain == NULL &&
		    (row->bits == 0 || row->bits == bits))
			return row;
	}
	return NULL;
}

static int
choose_rsa(unsigned bits, const struct key_type_row **ret, unsigned *ret_bits,
    struct error *e)
{
	if (bits == 0)
		bits = RSA_BITS_DEFAULT;
	if (bits < RSA_BITS_MIN)
		return error_set(e, ERR_KEY_SIZE,
		    "Invalid RSA key length: minimum is %d bits", RSA_BITS_MIN);
	if (bits > RSA_BITS_MAX)
		return error_set(e, ERR_KEY_SIZE,
		    "Invalid RSA key length: maximum is %d bits", RSA_BITS_MAX);
	*ret = find_row(KEY_RSA, bits);
	*ret_bits = bits;
	return 0;
}

static int
choose_ecdsa(unsigned bits, const struct key_type_row **ret, struct error *e)
{
	if (bits == 0)
		bits = ECDSA_BITS_DEFAULT;
	if ((*ret = find_row(KEY_ECDSA, bits)) == NULL)
		return error_set(e, ERR_KEY_SIZE,
		    "Invalid ECDSA key length: valid lengths are "
		    "256, 384 or 521 bits");
	return 0;
}

/* The row and size for what a person asked for. */
static int
choose_type(const char *type, unsigned bits, const struct key_type_row **ret,
    unsigned *ret_bits, struct error *e)
{
	const struct signature_algorithm *a = signature_find(span_text(type));
	const struct key_type_row *row = key_type_find(span_text(type));

	*ret_bits = bits;
	if (row != NULL && row->plain != NULL)
		row = NULL; /* certificates are signed, not generated */
	if (row == NULL && a != NULL && !signature_is_of_certificate(a))
		row = key_type_find(span_text(a->key_type));
	if (strcmp(type, "rsa") == 0 || (row != NULL && row->type == KEY_RSA))
		return choose_rsa(bits, ret, ret_bits, e);
	if (strcmp(type, "ecdsa") == 0)
		return choose_ecdsa(bits, ret, e);
	if (strcmp(type, "ed25519") == 0)
		row = find_row(KEY_ED25519, 256);
	if (strcmp(type, "mldsa44-ed25519") == 0)
		row = find_row(KEY_MLDSA44_ED25519, 256);
	if (row == NULL || key_ops_of(row->type)->generate == NULL)
		return error_set(e, ERR_KEY_TYPE, "unknown key type %s", type);
	if (row->type == KEY_ECDSA && bits != 0 && bits != row->bits)
		return error_set(e, ERR_KEY_SIZE,
		    "Invalid ECDSA key length: %s keys have %u bits", row->name,
		    row->bits);
	*ret = row;
	return 0;
}

int
key_generate(const char *type, unsigned bits, struct key **ret, struct error *e)
{
	const struct key_type_row *row;
	EVP_PKEY *pkey;
	int r;

	if ((r = choose_type(type, bits, &row, &bits, e)) != 0)
		return r;
	if ((r = key_ops_of(row->type)->generate(row, bits, &pkey)) != 0 ||
	    (r = key_from_pkey(row, pkey, true, ret)) != 0) {
		ERR_clear_error();
		return error_set(e, r, "cannot make a key: %s", error_text(r));
	}
	return 0;
}

struct key *
key_ref(struct key *k)
{
	k->refs++;
	return k;
}

void
key_unref(struct key *k)
{
	if (k != NULL && --k->refs == 0)
		free_key(k);
}

/* ---- facts ---- */

const struct key_type_row *
key_row(const struct key *k)
{
	return k->row;
}

const char *
key_type_name(const struct key *k)
{
	return k->row->name;
}

unsigned
key_bits(const struct key *k)
{
	return k->ops->bits(k->pkey);
}

bool
key_has_private(const struct key *k)
{
	return k->has_private;
}

const char *
key_comment(const struct key *k)
{
	return k->comment == NULL ? "" : k->comment;
}

int
key_set_comment(struct key *k, const char *comment)
{
	char *copy = strdup(comment);

	if (copy == NULL)
		return ERR_MEMORY;
	free(k->comment);
	k->comment = copy;
	return 0;
}

bool
key_equal(const struct key *a, const struct key *b)
{
	return span_equal(key_blob(a), key_blob(b));
}

const struct certificate *
key_certificate(const struct key *k)
{
	return k->certificate;
}

/* ---- wire ---- */

struct span
key_blob(const struct key *k)
{
	return buf_span(&k->blob);
}

struct span
key_plain_blob(const struct key *k)
{
	return buf_span(k->certificate != NULL ? &k->plain : &k->blob);
}

int
as_key_error(int r)
{
	switch (r) {
	case ERR_TRUNCATED:
	case ERR_TRAILING:
	case ERR_FORMAT:
	case ERR_LIMIT:
		return ERR_KEY_FORMAT;
	default:
		return r;
	}
}

static int
read_plain(const struct key_type_row *row, struct reader *rd,
    EVP_PKEY **ret_pkey, struct key_sk **ret_sk)
{
	EVP_PKEY *pkey;
	struct key_sk *sk;
	int r;

	if ((r = key_read_public(row, rd, &pkey, &sk)) != 0)
		return as_key_error(r);
	if ((r = read_end(rd)) != 0) {
		EVP_PKEY_free(pkey);
		key_sk_free(sk);
		return as_key_error(r);
	}
	*ret_pkey = pkey;
	*ret_sk = sk;
	return 0;
}

int
key_from_blob(struct span blob, struct key **ret)
{
	struct reader rd = reader_of(blob);
	struct span name = read_string(&rd);
	const struct key_type_row *row;
	struct certificate *certificate = NULL;
	struct key_sk *sk;
	EVP_PKEY *pkey;
	struct key *k;
	int r;

	if (read_error(&rd) != 0)
		return ERR_KEY_FORMAT;
	if ((row = key_type_find(name)) == NULL)
		return ERR_KEY_TYPE;
	if (row->plain != NULL)
		r = certificate_read(row, blob, &pkey, &sk, &certificate);
	else
		r = read_plain(row, &rd, &pkey, &sk);
	if (r != 0) {
		ERR_clear_error();
		return r;
	}
	if ((k = new_key(row, pkey, sk, false)) == NULL) {
		certificate_free(certificate);
		return ERR_MEMORY;
	}
	k->certificate = certificate;
	/* Every field has one encoding only, so the bytes need no rewriting. */
	write_span(&k->blob, blob);
	if (certificate != NULL) {
		write_text(&k->plain, row->plain);
		key_write_public(
		    key_type_find(span_text(row->plain)), pkey, sk, &k->plain);
	}
	if ((r = buf_error(&k->blob)) != 0 || (r = buf_error(&k->plain)) != 0) {
		free_key(k);
		return r;
	}
	*ret = k;
	return 0;
}

int
key_write_private(const struct key *k, struct buf *out)
{
	if (!k->has_private || (k->signer.sign != NULL && k->sk == NULL))
		return ERR_KEY_TYPE;
	write_text(out, k->row->name);
	if (k->sk == NULL)
		return k->ops->write_private(k->row, k->pkey, out);
	key_write_public(k->row, k->pkey, k->sk, out);
	key_sk_write_private(k->sk, out);
	return buf_error(out);
}

static int
read_security_key(
    const struct key_type_row *row, struct reader *r, struct key **ret)
{
	EVP_PKEY *pkey;
	struct key_sk *sk;
	int error;

	if ((error = key_read_public(row, r, &pkey, &sk)) != 0)
		return error;
	if ((error = key_sk_read_private(r, sk)) != 0) {
		EVP_PKEY_free(pkey);
		key_sk_free(sk);
		return error;
	}
	return from_parts(row, pkey, sk, true, ret);
}

int
key_read_private(struct reader *r, struct key **ret)
{
	struct span name = read_string(r);
	const struct key_type_row *row;
	const struct key_ops *ops;
	EVP_PKEY *pkey = NULL;
	int error;

	if (read_error(r) != 0)
		return ERR_KEY_FORMAT;
	if ((row = key_type_find(name)) == NULL || row->plain != NULL)
		return ERR_KEY_TYPE;
	ops = key_ops_of(row->type);
	if (ops->is_security_key)
		error = read_security_key(row, r, ret);
	else if ((error = ops->read_private(row, r, &pkey)) == 0)
		return key_from_pkey(row, pkey, true, ret);
	if (error != 0)
		ERR_clear_error();
	return as_key_error(error);
}

/* ---- security keys ---- */

bool
key_is_security_key(const struct key *k)
{
	return k->sk != NULL;
}

const char *
key_application(const struct key *k)
{
	return k->sk != NULL ? k->sk->application : NULL;
}

uint8_t
key_sk_flags(const struct key *k)
{
	return k->sk != NULL ? k->sk->flags : 0;
}

struct span
key_sk_handle(const struct key *k)
{
	return k->sk != NULL ? buf_span(&k->sk->handle) : span_of(NULL, 0);
}

void
key_sk_set_flags(struct key *k, uint8_t flags)
{
	if (k->sk != NULL)
		k->sk->flags = flags;
}
