/*
 * key_openssh.c - private key files in the format openssh-key-v1.
 *
 *     "openssh-key-v1" NUL
 *     string cipher, string kdf, string kdf options
 *     uint32 number of keys (1)
 *     string public key blob
 *     string encrypted, then the tag of an AEAD cipher
 *
 *     kdf options of bcrypt: string salt, uint32 rounds; of none: empty
 *     encrypted: uint32 check, uint32 the same, private fields, string
 *     comment, bytes 1, 2, 3 ... up to a whole block
 *
 * in base64 between BEGIN and END lines.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/crypto/bcrypt_pbkdf.h"
#include "common/crypto/cipher.h"
#include "common/crypto/random.h"
#include "common/key/key_file_impl.h"

#define BEGIN_LINE "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END_LINE   "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC      "openssh-key-v1"
#define MAGIC_SIZE sizeof(MAGIC) /* the NUL is part of it */
#define COLUMNS    70
#define SALT_SIZE  16
#define KEY_IV_MAX (64 + 16)

/* The outer fields; borrowed from the decoded file. */
struct envelope {
	const struct cipher_algorithm *cipher;
	bool is_encrypted;
	struct span salt;
	uint32_t rounds;
	struct span public_blob;
	struct span encrypted;
	struct span tag;
};

static int
damaged(struct error *e, const char *what)
{
	return error_set(
	    e, ERR_KEY_FORMAT, "damaged private key file: %s", what);
}

/* ---- armour ---- */

static struct span
skip_space(struct span s)
{
	while (s.len > 0 &&
	       (s.ptr[0] == ' ' || (s.ptr[0] >= 9 && s.ptr[0] <= 13))) {
		s.ptr++;
		s.len--;
	}
	return s;
}

bool
openssh_key_recognise(struct span text)
{
	size_t n = strlen(BEGIN_LINE);

	text = skip_space(text);
	return text.len >= n && memcmp(text.ptr, BEGIN_LINE, n) == 0;
}

static int
unarmour(struct span text, struct buf *out, struct error *e)
{
	const uint8_t *end;

	text = skip_space(text);
	text.ptr += strlen(BEGIN_LINE);
	text.len -= strlen(BEGIN_LINE);
	end = memmem(text.ptr, text.len, END_LINE, strlen(END_LINE));
	if (end == NULL)
		return damaged(e, "its END line is missing");
	text.len = (size_t)(end - text.ptr);
	if (base64_read(out, text) != 0)
		return damaged(e, "not base64");
	return 0;
}

/* ---- the envelope ---- */

static int
read_kdf(
    struct span kdf, struct span options, struct envelope *v, struct error *e)
{
	struct reader rd = reader_of(options);

	if (span_is(kdf, "none")) {
		if (v->is_encrypted || options.len != 0)
			return damaged(e, "its kdf and cipher contradict");
		return 0;
	}
	if (!span_is(kdf, "bcrypt"))
		return error_set(e, ERR_UNSUPPORTED,
		    "private key file encrypted with an unknown kdf");
	if (!v->is_encrypted)
		return damaged(e, "its kdf and cipher contradict");
	v->salt = read_string(&rd);
	v->rounds = read_uint32(&rd);
	if (read_end(&rd) != 0 || v->salt.len == 0 || v->rounds == 0)
		return damaged(e, "its kdf options");
	if (v->rounds > BCRYPT_ROUNDS_MAX)
		return error_set(e, ERR_LIMIT,
		    "private key file asks for %u bcrypt rounds, more than %d",
		    v->rounds, BCRYPT_ROUNDS_MAX);
	return 0;
}

static int
read_envelope(struct span file, struct envelope *v, struct error *e)
{
	struct reader rd = reader_of(file);
	struct span magic = read_bytes(&rd, MAGIC_SIZE);
	struct span cipher = read_string(&rd);
	struct span kdf = read_string(&rd);
	struct span kdf_options = read_string(&rd);
	uint32_t count = read_uint32(&rd);
	int r;

	*v = (struct envelope){ 0 };
	v->public_blob = read_string(&rd);
	v->encrypted = read_string(&rd);
	v->tag = read_rest(&rd);
	if (read_error(&rd) != 0)
		return damaged(e, "it ends too early");
	if (memcmp(magic.ptr, MAGIC, MAGIC_SIZE) != 0)
		return damaged(e, "it begins wrongly");
	if (count != 1)
		return damaged(e, "it does not hold exactly one key");
	if ((v->cipher = cipher_find(cipher)) == NULL)
		return error_set(e, ERR_UNSUPPORTED,
		    "private key file encrypted with an unknown cipher");
	v->is_encrypted = v->cipher->key_size > 0;
	if ((r = read_kdf(kdf, kdf_options, v, e)) != 0)
		return r;
	if (v->tag.len != v->cipher->tag_size || v->encrypted.len == 0 ||
	    v->encrypted.len % v->cipher->block_size != 0)
		return damaged(e, "its length");
	return 0;
}

/* ---- encryption ---- */

/* A cipher keyed from the passphrase; key and iv are one stretch of bytes. */
static int
make_cipher(const struct envelope *v, const char *passphrase,
    enum cipher_direction d, struct cipher **ret)
{
	const struct cipher_algorithm *a = v->cipher;
	uint8_t derived[KEY_IV_MAX];
	int r;

	r = bcrypt_pbkdf(span_text(passphrase), v->salt, v->rounds, derived,
	    (size_t)a->key_size + a->iv_size);
	if (r == 0)
		r = cipher_new(a, d, derived, derived + a->key_size, ret);
	secret_wipe(derived, sizeof(derived));
	return r;
}

static int
decrypt(const struct envelope *v, const char *passphrase, struct buf *plain)
{
	struct cipher *c;
	int r;

	write_span(plain, v->encrypted);
	if ((r = buf_error(plain)) != 0 || !v->is_encrypted)
		return r;
	if ((r = make_cipher(v, passphrase, CIPHER_DECRYPT, &c)) != 0)
		return r;
	if (v->cipher->flags & CIPHER_AEAD)
		r = cipher_open_data(c, plain->data, plain->len, v->tag.ptr);
	else
		r = cipher_crypt(c, plain->data, plain->len);
	cipher_free(c);
	return r == ERR_MAC ? ERR_PASSPHRASE : r;
}

static int
encrypt(const struct envelope *v, const char *passphrase, struct buf *plain,
    uint8_t *ret_tag)
{
	struct cipher *c;
	int r;

	if ((r = make_cipher(v, passphrase, CIPHER_ENCRYPT, &c)) != 0)
		return r;
	if (v->cipher->flags & CIPHER_AEAD)
		r = cipher_seal_data(c, plain->data, plain->len, ret_tag);
	else
		r = cipher_crypt(c, plain->data, plain->len);
	cipher_free(c);
	return r;
}

/* ---- the private part ---- */

/* 1, 2, 3 ...; PuTTY pads to more than a block where there is no cipher. */
static bool
is_padding(struct span s)
{
	if (s.len > UINT8_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != i + 1)
			return false;
	}
	return true;
}

static int
set_comment(struct key *k, struct span comment)
{
	char *text = span_dup_text(comment);
	int r;

	if (text == NULL)
		return ERR_MEMORY;
	r = key_set_comment(k, text);
	free(text);
	return r;
}

static int
read_private(const struct envelope *v, struct span plain, struct key **ret,
    struct error *e)
{
	struct reader rd = reader_of(plain);
	uint32_t check = read_uint32(&rd);
	uint32_t again = read_uint32(&rd);
	struct span comment, padding;
	struct key *k;
	int r;

	if (check != again)
		return v->is_encrypted ? error_set(e, ERR_PASSPHRASE, "%s",
					     error_text(ERR_PASSPHRASE))
				       : damaged(e, "its check numbers differ");
	if ((r = key_read_private(&rd, &k)) != 0)
		return error_set(e, r, "private key file: %s", error_text(r));
	comment = read_text(&rd);
	padding = read_rest(&rd);
	if (read_error(&rd) != 0)
		r = damaged(e, "its comment");
	else if (!is_padding(padding))
		r = damaged(e, "its padding");
	else if (!span_equal(key_blob(k), v->public_blob))
		r = damaged(e, "public and private half differ");
	else
		r = set_comment(k, comment);
	if (r != 0) {
		key_unref(k);
		return r;
	}
	*ret = k;
	return 0;
}

/* Decrypts and reads; an encrypted key needs a passphrase that is not "". */
static int
open_private(const struct envelope *v, const char *passphrase, struct key **ret,
    struct error *e)
{
	struct buf plain = BUF_SECRET_INIT;
	int r = ERR_PASSPHRASE;

	if (!v->is_encrypted || (passphrase != NULL && *passphrase != '\0'))
		r = decrypt(v, passphrase, &plain);
	if (r == 0)
		r = read_private(v, buf_span(&plain), ret, e);
	else
		r = error_set(e, r, "%s", error_text(r));
	buf_release(&plain);
	return r;
}

int
openssh_key_parse(struct span text, const char *passphrase, struct key **ret,
    struct key **ret_public, struct error *e)
{
	struct buf file = BUF_SECRET_INIT;
	struct key *public = NULL;
	struct envelope v;
	int r;

	if ((r = unarmour(text, &file, e)) != 0 ||
	    (r = read_envelope(buf_span(&file), &v, e)) != 0)
		goto out;
	if ((r = key_from_blob(v.public_blob, &public)) != 0) {
		r = error_set(e, r, "private key file: %s", error_text(r));
		goto out;
	}
	r = open_private(&v, passphrase, ret, e);
	if (ret_public != NULL && (r == 0 || r == ERR_PASSPHRASE)) {
		*ret_public = public;
		public = NULL;
	}
out:
	key_unref(public);
	buf_release(&file);
	return r;
}

/* ---- writing ---- */

static int
choose_encryption(const struct key_file_options *o, struct envelope *v,
    uint8_t salt[static SALT_SIZE], struct error *e)
{
	const char *name = o->cipher == NULL ? "aes256-ctr" : o->cipher;
	int r;

	v->is_encrypted = o->passphrase != NULL && *o->passphrase != '\0';
	if (!v->is_encrypted)
		name = "none";
	v->cipher = cipher_find(span_text(name));
	if (v->cipher == NULL || (v->is_encrypted && v->cipher->key_size == 0))
		return error_set(
		    e, ERR_ARGUMENT, "Unknown cipher type '%s'", name);
	if (!v->is_encrypted)
		return 0;
	v->rounds = o->rounds == 0 ? BCRYPT_ROUNDS_DEFAULT : o->rounds;
	if (v->rounds > BCRYPT_ROUNDS_MAX)
		return error_set(e, ERR_LIMIT,
		    "%u bcrypt rounds are more than %d", v->rounds,
		    BCRYPT_ROUNDS_MAX);
	if ((r = random_fill(&random_system, salt, SALT_SIZE)) != 0)
		return error_set(e, r, "%s", error_text(r));
	v->salt = span_of(salt, SALT_SIZE);
	return 0;
}

static int
write_private(const struct key *k, size_t block_size, struct buf *plain)
{
	uint32_t check;
	int r;

	if ((r = random_fill(&random_system, &check, sizeof(check))) != 0)
		return r;
	write_uint32(plain, check);
	write_uint32(plain, check);
	if ((r = key_write_private(k, plain)) != 0)
		return r;
	write_text(plain, key_comment(k));
	for (uint8_t i = 1; plain->len % block_size != 0; i++)
		write_byte(plain, i);
	return buf_error(plain);
}

static void
write_envelope(const struct envelope *v, struct buf *file)
{
	size_t mark;

	write_bytes(file, MAGIC, MAGIC_SIZE);
	write_text(file, v->cipher->name);
	write_text(file, v->is_encrypted ? "bcrypt" : "none");
	mark = write_string_begin(file);
	if (v->is_encrypted) {
		write_string(file, v->salt);
		write_uint32(file, v->rounds);
	}
	write_string_end(file, mark);
	write_uint32(file, 1);
	write_string(file, v->public_blob);
	write_string(file, v->encrypted);
	write_span(file, v->tag);
}

int
openssh_key_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e)
{
	struct buf plain = BUF_SECRET_INIT, file = BUF_SECRET_INIT;
	uint8_t salt[SALT_SIZE], tag[16];
	struct envelope v = { 0 };
	int r;

	if ((r = choose_encryption(o, &v, salt, e)) != 0)
		goto out;
	if ((r = write_private(k, v.cipher->block_size, &plain)) == 0 &&
	    v.is_encrypted)
		r = encrypt(&v, o->passphrase, &plain, tag);
	if (r != 0) {
		error_set(e, r, "cannot write the key: %s", error_text(r));
		goto out;
	}
	v.public_blob = key_blob(k);
	v.encrypted = buf_span(&plain);
	v.tag = span_of(tag, v.cipher->tag_size);
	write_envelope(&v, &file);
	buf_printf(out, "%s\n", BEGIN_LINE);
	base64_write(out, buf_span(&file), COLUMNS);
	buf_printf(out, "%s\n", END_LINE);
	r = buf_error(&file) != 0 ? buf_error(&file) : buf_error(out);
out:
	buf_release(&plain);
	buf_release(&file);
	return r;
}
