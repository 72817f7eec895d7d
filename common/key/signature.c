/*
 * signature.c - signature blobs: string algorithm, string signature.
 * RFC 4253 s6.6, RFC 5656 s3.1.2, RFC 8332 s3, RFC 8709 s6.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key_impl.h"

/* The largest DER signature: RSA of the greatest size. */
#define DER_MAX (RSA_BITS_MAX / 8)

static const EVP_MD *
evp_digest(enum digest_algorithm a)
{
	static EVP_MD *fetched[DIGEST_SHA512 + 1];

	if (fetched[a] == NULL)
		fetched[a] = EVP_MD_fetch(NULL, digest_name(a), NULL);
	return fetched[a];
}

/* RSA puts the name of the digest into what it signs; the other types only
 * use the bytes. */
static bool
set_digest(EVP_PKEY_CTX *ctx, EVP_PKEY *pkey, enum digest_algorithm digest)
{
	const EVP_MD *md = evp_digest(digest);

	if (md == NULL || EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return false;
	return EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
}

int
pkey_sign_digest(EVP_PKEY *pkey, enum digest_algorithm digest, struct span data,
    struct buf *der)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	uint8_t hash[DIGEST_MAX];
	uint8_t *room = buf_reserve(der, DER_MAX);
	size_t len = DER_MAX;
	int r;

	if ((r = digest_of(digest, data, hash)) != 0)
		goto out;
	r = ERR_MEMORY;
	if (ctx == NULL || room == NULL)
		goto out;
	r = ERR_CRYPTO;
	if (EVP_PKEY_sign_init(ctx) != 1 || !set_digest(ctx, pkey, digest) ||
	    EVP_PKEY_sign(ctx, room, &len, hash, digest_size(digest)) != 1)
		goto out;
	buf_extend(der, len);
	r = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

int
pkey_verify_digest(EVP_PKEY *pkey, enum digest_algorithm digest,
    struct span data, struct span der)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	uint8_t hash[DIGEST_MAX];
	int r;

	if ((r = digest_of(digest, data, hash)) != 0)
		goto out;
	r = ERR_MEMORY;
	if (ctx == NULL)
		goto out;
	r = ERR_CRYPTO;
	if (EVP_PKEY_verify_init(ctx) != 1 || !set_digest(ctx, pkey, digest))
		goto out;
	r = EVP_PKEY_verify(ctx, der.ptr, der.len, hash, digest_size(digest)) ==
		    1
		? 0
		: ERR_SIGNATURE;
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

const struct signature_algorithm *
key_choose_signature(const struct key *k, struct span list)
{
	struct span name;

	if (list.ptr == NULL)
		list = span_text(signature_default_list());
	while (list_next(&list, &name)) {
		const struct signature_algorithm *a = signature_find(name);

		if (a != NULL && strcmp(a->key_type, k->row->name) == 0)
			return a;
	}
	return NULL;
}

/* Can a plain key of this type make signatures of the algorithm? */
static bool
fits_plain(const struct key_type_row *row, const struct signature_algorithm *a)
{
	const struct key_type_row *needs =
	    key_type_find(span_text(a->key_type));

	return strcmp(row->name, needs->name) == 0 ||
	       (needs->plain != NULL && strcmp(row->name, needs->plain) == 0);
}

void
key_set_signer(struct key *k, const struct key_signer *signer)
{
	k->signer = *signer;
	k->has_private = true;
}

int
key_sign(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *ret_signature)
{
	struct buf raw = BUF_INIT;
	int r;

	if (!k->has_private || !fits_plain(k->row, a))
		return ERR_KEY_TYPE;
	if (k->signer.sign != NULL)
		return k->signer.sign(
		    k->signer.context, k, a, data, ret_signature);
	if ((r = k->ops->sign(k->pkey, a, data, &raw)) == 0) {
		write_text(ret_signature, a->plain);
		write_string(ret_signature, buf_span(&raw));
		r = buf_error(ret_signature);
	}
	buf_release(&raw);
	if (r != 0)
		ERR_clear_error();
	return r;
}

int
key_verify(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span signature)
{
	struct reader rd = reader_of(signature);
	struct span name = read_string(&rd);
	struct span raw = read_string(&rd);
	const char *needed = k->row->name;
	int r;

	if ((r = read_end(&rd)) != 0)
		return ERR_FORMAT;
	if (a == NULL) {
		if ((a = signature_find(name)) == NULL || a->off ||
		    signature_is_of_certificate(a))
			return ERR_SIGNATURE_ALGORITHM;
		needed = k->row->plain != NULL ? k->row->plain : k->row->name;
	} else if (!span_is(name, a->plain)) {
		return ERR_SIGNATURE_ALGORITHM;
	}
	if (strcmp(a->key_type, needed) != 0)
		return ERR_KEY_TYPE;
	r = k->ops->verify(k->pkey, a, data, raw);
	if (r != 0)
		ERR_clear_error();
	return r;
}
