/*
 * key_pem.c - private key files in PEM: PKCS#1, SEC 1, PKCS#8, the DSA form
 * of OpenSSL, plain and encrypted; all of it by OpenSSL.
 * RFC 7468, RFC 8017 A.1.2, RFC 5915, RFC 5958.
 *
 * OpenSSL is always given a passphrase function, so that it never asks by
 * itself.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/key/key_file_impl.h"
#include "common/key/key_impl.h"

/* PBKDF2 rounds for PKCS#8; OpenSSL's own 2048 are few by now. */
#define PKCS8_ROUNDS 100000

/* What the passphrase function was given, and whether it was called. */
struct answer {
	const char *passphrase;
	bool was_asked;
};

static int
on_passphrase(char *room, int size, int for_writing, void *context)
{
	struct answer *a = context;
	size_t len;

	a->was_asked = true;
	if (a->passphrase == NULL || *a->passphrase == '\0')
		return -1;
	len = strlen(a->passphrase);
	if (len > (size_t)size)
		return -1;
	memcpy(room, a->passphrase, len);
	return (int)len;
}

bool
pem_key_recognise(struct span text)
{
	static const char begin[] = "-----BEGIN ";
	static const char private[] = "PRIVATE KEY-----";
	const uint8_t *at, *eol;

	at = memmem(text.ptr, text.len, begin, sizeof(begin) - 1);
	if (at == NULL)
		return false;
	text.len -= (size_t)(at - text.ptr);
	eol = memchr(at, '\n', text.len);
	if (eol != NULL)
		text.len = (size_t)(eol - at);
	return memmem(at, text.len, private, sizeof(private) - 1) != NULL;
}

/*
 * OpenSSL believes a PKCS#1 file's numbers. Taking the key through our own
 * private fields checks that they belong together.
 */
static int
check_key(EVP_PKEY *pkey, struct key **ret)
{
	const struct key_type_row *row = key_row_of_pkey(pkey);
	struct buf fields = BUF_SECRET_INIT;
	struct reader rd;
	int r;

	if (row == NULL)
		return ERR_KEY_TYPE;
	write_text(&fields, row->name);
	r = key_ops_of(row->type)->write_private(row, pkey, &fields);
	if (r == 0) {
		rd = reader_of(buf_span(&fields));
		r = key_read_private(&rd, ret);
	}
	buf_release(&fields);
	return r;
}

/*
 * A file encrypted the old way names its cipher, and OpenSSL finds that
 * among names which crypto_library_start() leaves out.
 */
static void
add_cipher_names(void)
{
	const EVP_CIPHER *ciphers[] = {
		EVP_des_ede3_cbc(),
		EVP_aes_128_cbc(),
		EVP_aes_192_cbc(),
		EVP_aes_256_cbc(),
#ifndef OPENSSL_NO_CAMELLIA
		EVP_camellia_128_cbc(),
		EVP_camellia_192_cbc(),
		EVP_camellia_256_cbc(),
#endif
	};

	/* Without its name such a file is refused, which is then told. */
	for (size_t i = 0; i < ARRAY_COUNT(ciphers); i++)
		IGNORE_RESULT(EVP_add_cipher(ciphers[i]) != 1);
}

int
pem_key_parse(
    struct span text, const char *passphrase, struct key **ret, struct error *e)
{
	struct answer answer = { passphrase, false };
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	EVP_PKEY *pkey = NULL;
	int r;

	if (bio == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	add_cipher_names();
	pkey = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &answer);
	if (pkey != NULL)
		r = check_key(pkey, ret);
	else
		r = answer.was_asked ? ERR_PASSPHRASE : ERR_KEY_FORMAT;
	if (r == ERR_KEY_FORMAT)
		error_set(e, r, "damaged private key file");
	else if (r != 0)
		error_set(e, r, "%s", error_text(r));
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

/* "BEGIN RSA PRIVATE KEY" and its like, with OpenSSL's old encryption. */
static bool
write_traditional(
    BIO *bio, EVP_PKEY *pkey, const EVP_CIPHER *cipher, const char *pass)
{
	return PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher,
		   (const unsigned char *)pass,
		   pass == NULL ? 0 : (int)strlen(pass), NULL, NULL) == 1;
}

static bool
write_pkcs8(BIO *bio, EVP_PKEY *pkey, const char *pass)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	X509_SIG *sealed = NULL;
	bool ok;

	if (info == NULL)
		return false;
	if (pass == NULL) {
		ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
	} else {
		sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), pass,
		    (int)strlen(pass), NULL, 0, PKCS8_ROUNDS, info);
		ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
	}
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(info);
	return ok;
}

int
pem_key_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e)
{
	const char *pass = o->passphrase;
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long len;
	bool ok;

	if (pass != NULL && *pass == '\0')
		pass = NULL;
	if (bio == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	if (o->format == KEY_FORMAT_PKCS8)
		ok = write_pkcs8(bio, k->pkey, pass);
	else
		ok = write_traditional(bio, k->pkey,
		    pass == NULL ? NULL : EVP_aes_128_cbc(), pass);
	if (ok && (len = BIO_get_mem_data(bio, &text)) > 0)
		write_bytes(out, text, (size_t)len);
	BIO_free(bio);
	if (!ok) {
		ERR_clear_error();
		return error_set(e, ERR_CRYPTO,
		    "cannot write the key in this format%s",
		    pass != NULL && strlen(pass) < 4
			? " (its passphrase is too short)"
			: "");
	}
	return buf_error(out);
}
