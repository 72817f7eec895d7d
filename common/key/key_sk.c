/*
 * key_sk.c - keys in security keys (FIDO): what they have beside the
 * numbers of an ECDSA or Ed25519 key.
 * Format: surface notes s9.
 *
 *     public:   ..., string application
 *     private:  the public fields, byte flags, string key handle,
 *               string reserved
 *
 * The private half holds no secret by itself: the handle is of use to the
 * device alone.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/key/key_impl.h"

#define APPLICATION_MAX 1024
#define HANDLE_MAX      (16 * 1024)
#define RESERVED_MAX    (16 * 1024)

/* ---- fields ---- */

void
key_sk_free(struct key_sk *sk)
{
	if (sk == NULL)
		return;
	free(sk->application);
	buf_release(&sk->handle);
	buf_release(&sk->reserved);
	free(sk);
}

static int
new_sk(struct span application, struct key_sk **ret)
{
	struct key_sk *sk = calloc(1, sizeof(*sk));

	if (sk != NULL)
		sk->application = span_dup_text(application);
	if (sk == NULL || sk->application == NULL) {
		free(sk);
		return ERR_MEMORY;
	}
	*ret = sk;
	return 0;
}

int
key_read_public(const struct key_type_row *row, struct reader *r,
    EVP_PKEY **ret_pkey, struct key_sk **ret_sk)
{
	const struct key_ops *ops = key_ops_of(row->type);
	struct key_sk *sk = NULL;
	struct span application;
	EVP_PKEY *pkey;
	int error;

	if ((error = ops->read_public(row, r, &pkey)) != 0)
		return error;
	if (ops->is_security_key) {
		application = read_text(r);
		if ((error = read_error(r)) == 0 &&
		    application.len > APPLICATION_MAX)
			error = ERR_LIMIT;
		if (error == 0)
			error = new_sk(application, &sk);
	}
	if (error != 0) {
		EVP_PKEY_free(pkey);
		return error;
	}
	*ret_pkey = pkey;
	*ret_sk = sk;
	return 0;
}

void
key_write_public(const struct key_type_row *row, EVP_PKEY *pkey,
    const struct key_sk *sk, struct buf *out)
{
	key_ops_of(row->type)->write_public(row, pkey, out);
	if (sk != NULL)
		write_text(out, sk->application);
}

int
key_sk_read_private(struct reader *r, struct key_sk *sk)
{
	struct span handle, reserved;
	int error;

	sk->flags = read_byte(r);
	handle = read_string_max(r, HANDLE_MAX);
	reserved = read_string_max(r, RESERVED_MAX);
	if ((error = read_error(r)) != 0)
		return error;
	write_span(&sk->handle, handle);
	write_span(&sk->reserved, reserved);
	if ((error = buf_error(&sk->handle)) != 0)
		return error;
	return buf_error(&sk->reserved);
}

void
key_sk_write_private(const struct key_sk *sk, struct buf *out)
{
	write_byte(out, sk->flags);
	write_string(out, buf_span(&sk->handle));
	write_string(out, buf_span(&sk->reserved));
}

int
key_sk_make(const char *type_name, struct span public_key,
    const char *application, uint8_t flags, struct span handle,
    struct key **ret)
{
	const struct key_type_row *row = key_type_find(span_text(type_name));
	struct buf fields = BUF_INIT;
	struct reader rd;
	int r;

	if (row == NULL || row->plain != NULL ||
	    !key_ops_of(row->type)->is_security_key)
		return ERR_KEY_TYPE;
	write_text(&fields, row->name);
	if (row->type == KEY_ECDSA_SK)
		write_text(&fields, "nistp256");
	write_string(&fields, public_key);
	write_text(&fields, application);
	write_byte(&fields, flags);
	write_string(&fields, handle);
	write_text(&fields, "");
	if ((r = buf_error(&fields)) == 0) {
		rd = reader_of(buf_span(&fields));
		r = key_read_private(&rd, ret);
	}
	buf_release(&fields);
	return r;
}

/* ---- the types: the numbers are those of the types without device ---- */

static unsigned
sk_bits(const EVP_PKEY *pkey)
{
	return 256;
}

static int
sk_check(const struct key_type_row *row, EVP_PKEY *pkey)
{
	return ERR_KEY_TYPE; /* OpenSSL's files hold none of these */
}

static int
ecdsa_sk_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	return key_ops_ecdsa.read_public(row, r, ret);
}

static void
ecdsa_sk_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	key_ops_ecdsa.write_public(row, pkey, out);
}

static int
ecdsa_sk_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	return key_ops_ecdsa.verify(pkey, a, data, raw);
}

static int
ed25519_sk_read_public(
    const struct key_type_row *row, struct reader *r, EVP_PKEY **ret)
{
	return key_ops_ed25519.read_public(row, r, ret);
}

static void
ed25519_sk_write_public(
    const struct key_type_row *row, EVP_PKEY *pkey, struct buf *out)
{
	key_ops_ed25519.write_public(row, pkey, out);
}

static int
ed25519_sk_verify(EVP_PKEY *pkey, const struct signature_algorithm *a,
    struct span data, struct span raw)
{
	return key_ops_ed25519.verify(pkey, a, data, raw);
}

const struct key_ops key_ops_ecdsa_sk = {
	.is_security_key = true,
	.bits = sk_bits,
	.check = sk_check,
	.read_public = ecdsa_sk_read_public,
	.write_public = ecdsa_sk_write_public,
	.verify = ecdsa_sk_verify,
};

const struct key_ops key_ops_ed25519_sk = {
	.is_security_key = true,
	.bits = sk_bits,
	.check = sk_check,
	.read_public = ed25519_sk_read_public,
	.write_public = ed25519_sk_write_public,
	.verify = ed25519_sk_verify,
};
