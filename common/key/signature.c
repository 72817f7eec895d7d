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
	/* Threads may ask at the same time; two fetch the same then. */
	static EVP_MD *_Atomic fetched[DIGEST_SHA512 + 1];

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

/* Signatures of WebAuthn come from a browser; we only verify them. */
static bool
can_sign(const struct signature_algorithm *a)
{
	return !text_starts_with(a->name, "webauthn-");
}

const struct signature_algorithm *
key_choose_signature(const struct key *k, struct span list)
{
	const struct signature_algorithm *own =
	    list.ptr == NULL ? signature_find(span_text(k->row->name)) : NULL;
	struct span name;

	if (list.ptr == NULL)
		list = span_text(signature_default_list());
	while (list_next(&list, &name)) {
		const struct signature_algorithm *a = signature_find(name);

		if (a != NULL && can_sign(a) &&
		    strcmp(a->key_type, k->row->name) == 0)
			return a;
	}
	return own != NULL && !own->off ? own : NULL;
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
	if (k->signer.free != NULL)
		k->signer.free(k->signer.context);
	k->signer = *signer;
	k->has_private = true;
}

bool
key_signs_elsewhere(const struct key *k)
{
	return k->signer.sign != NULL;
}

int
key_sign(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *ret_signature)
{
	struct buf raw = BUF_INIT;
	int r;

	if (!k->has_private || !can_sign(a) || !fits_plain(k->row, a))
		return ERR_KEY_TYPE;
	if (k->signer.sign != NULL)
		return k->signer.sign(
		    k->signer.context, k, a, data, ret_signature);
	if (k->sk != NULL)
		return ERR_KEY_TYPE; /* the device is not at hand */
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

/* Is it an algorithm that is wanted, and one for the key? */
static int
choose_to_verify(
    const struct key *k, struct span name, const struct signature_algorithm **a)
{
	const char *needed = k->row->name;

	if (*a == NULL) {
		*a = signature_find(name);
		if (*a == NULL || (*a)->off || signature_is_of_certificate(*a))
			return ERR_SIGNATURE_ALGORITHM;
		needed = k->row->plain != NULL ? k->row->plain : k->row->name;
	} else if (!span_is(name, (*a)->plain)) {
		return ERR_SIGNATURE_ALGORITHM;
	}
	return strcmp((*a)->key_type, needed) == 0 ? 0 : ERR_KEY_TYPE;
}

static int
verify_security_key(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span raw, struct reader *rd,
    struct signature_facts *facts)
{
	struct buf covered = BUF_INIT;
	int r = key_sk_signed(k->sk, a, rd, data, facts, &covered);

	if (r == 0)
		r = k->ops->verify(k->pkey, a, buf_span(&covered), raw);
	buf_release(&covered);
	return r;
}

int
key_verify_facts(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span signature, struct signature_facts *ret)
{
	struct reader rd = reader_of(signature);
	struct span name = read_string(&rd);
	struct span raw = read_string(&rd);
	struct signature_facts facts = { 0 };
	int r;

	if (read_error(&rd) != 0 || (k->sk == NULL && read_end(&rd) != 0))
		return ERR_FORMAT;
	if ((r = choose_to_verify(k, name, &a)) != 0)
		return r;
	if (k->sk != NULL)
		r = verify_security_key(k, a, data, raw, &rd, &facts);
	else
		r = k->ops->verify(k->pkey, a, data, raw);
	if (r != 0)
		ERR_clear_error();
	else
		*ret = facts;
	return r;
}

int
key_verify(const struct key *k, const struct signature_algorithm *a,
    struct span data, struct span signature)
{
	struct signature_facts facts;

	return key_verify_facts(k, a, data, signature, &facts);
}
