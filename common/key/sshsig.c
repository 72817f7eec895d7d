/*
 * sshsig.c - signatures of files. Surface notes s10.
 *
 *     "SSHSIG"                     what is signed:
 *     uint32  version: 1             "SSHSIG"
 *     string  public key             string  namespace
 *     string  namespace              string  reserved
 *     string  reserved               string  hash algorithm
 *     string  hash algorithm         string  hash of the file
 *     string  signature
 *
 * in base64 between BEGIN and END lines.
 */
#include "common/key/sshsig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"

#define MAGIC      "SSHSIG"
#define VERSION    1
#define BEGIN_LINE "-----BEGIN SSH SIGNATURE-----"
#define END_LINE   "-----END SSH SIGNATURE-----"
#define COLUMNS    70
#define CHUNK      ((size_t)256 * 1024)
/* By the key, or by an agent that holds a certificate of it. */
#define RSA_SIGNS_BY "rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com"

/* Names as in a signature; others count for nothing. */
static const struct {
	const char *name;
	enum digest_algorithm hash;
} hashes[] = { { "sha512", DIGEST_SHA512 }, { "sha256", DIGEST_SHA256 } };

/* ---- hashes ---- */

static int
find_hash(struct span name, enum digest_algorithm *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(hashes); i++)
		if (span_is(name, hashes[i].name)) {
			*ret = hashes[i].hash;
			return 0;
		}
	return ERR_UNSUPPORTED;
}

static const char *
name_of_hash(enum digest_algorithm hash)
{
	for (size_t i = 0; i < ARRAY_COUNT(hashes); i++)
		if (hashes[i].hash == hash)
			return hashes[i].name;
	return NULL;
}

int
sshsig_find_hash(const char *name, enum digest_algorithm *ret, struct error *e)
{
	if (find_hash(span_text(name), ret) != 0)
		return error_set(e, ERR_UNSUPPORTED,
		    "unsupported hash algorithm \"%s\" (sha256 and sha512 are "
		    "known)",
		    name);
	return 0;
}

static int
hash_all(int fd, struct digest *d, uint8_t *room, struct error *e)
{
	for (;;) {
		ssize_t n = read(fd, room, CHUNK);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(e, "reading");
		if (digest_update(d, span_of(room, (size_t)n)) != 0)
			return error_set(
			    e, ERR_CRYPTO, "%s", error_text(ERR_CRYPTO));
	}
}

int
sshsig_hash_fd(
    int fd, enum digest_algorithm hash, uint8_t *out, struct error *e)
{
	struct digest *d = digest_new(hash);
	uint8_t *room = malloc(CHUNK);
	int r = ERR_MEMORY;

	if (d == NULL || room == NULL)
		error_set(e, r, "%s", error_text(r));
	else if ((r = hash_all(fd, d, room, e)) == 0 &&
		 (r = digest_final(d, out)) != 0)
		error_set(e, r, "%s", error_text(r));
	digest_free(d);
	free(room);
	return r;
}

/* ---- signing ---- */

/* What is signed. */
static int
compose(const char *namespace, enum digest_algorithm hash, struct span hashed,
    struct buf *out)
{
	const char *name = name_of_hash(hash);

	if (name == NULL || hashed.len != digest_size(hash))
		return ERR_ARGUMENT;
	write_bytes(out, MAGIC, strlen(MAGIC));
	write_text(out, namespace);
	write_text(out, ""); /* reserved */
	write_text(out, name);
	write_string(out, hashed);
	return buf_error(out);
}

/* Not the default list's: it is about logging in, and leaves types out that
 * can sign. What is off (SHA-1) signs nothing. */
static const struct signature_algorithm *
choose_algorithm(const struct key *signer)
{
	const struct signature_algorithm *a =
	    key_row(signer)->type == KEY_RSA
		? key_choose_signature(signer, span_text(RSA_SIGNS_BY))
		: key_choose_signature(
		      signer, span_text(key_type_name(signer)));

	return a != NULL && !a->off ? a : NULL;
}

static void
armour(struct span blob, struct buf *out)
{
	buf_printf(out, "%s\n", BEGIN_LINE);
	base64_write(out, blob, COLUMNS);
	buf_printf(out, "%s\n", END_LINE);
}

int
sshsig_sign(const struct key *signer, const struct key *named,
    const char *namespace, enum digest_algorithm hash, struct span hashed,
    struct buf *out)
{
	const struct signature_algorithm *a = choose_algorithm(signer);
	struct buf body = BUF_INIT, signature = BUF_INIT, blob = BUF_INIT;
	int r;

	if (a == NULL ||
	    !span_equal(key_plain_blob(signer), key_plain_blob(named)))
		return ERR_KEY_TYPE;
	if ((r = compose(namespace, hash, hashed, &body)) != 0 ||
	    (r = key_sign(signer, a, buf_span(&body), &signature)) != 0)
		goto out;
	write_bytes(&blob, MAGIC, strlen(MAGIC));
	write_uint32(&blob, VERSION);
	write_string(&blob, key_blob(named));
	write_text(&blob, namespace);
	write_text(&blob, ""); /* reserved */
	write_text(&blob, name_of_hash(hash));
	write_string(&blob, buf_span(&signature));
	armour(buf_span(&blob), out);
	if ((r = buf_error(&blob)) == 0)
		r = buf_error(out);
out:
	buf_release(&body);
	buf_release(&signature);
	buf_release(&blob);
	return r;
}

/* ---- taking apart ---- */

static int
damaged(struct error *e, const char *what)
{
	return error_set(e, ERR_FORMAT, "Couldn't parse signature: %s", what);
}

static struct span
skip_space(struct span s)
{
	while (
	    s.len > 0 && (s.ptr[0] == ' ' || (s.ptr[0] >= 9 && s.ptr[0] <= 13)))
		s = span_of(s.ptr + 1, s.len - 1);
	return s;
}

static int
unarmour(struct span text, struct buf *out, struct error *e)
{
	size_t n = strlen(BEGIN_LINE);
	const uint8_t *end;

	text = skip_space(text);
	if (text.len < n || memcmp(text.ptr, BEGIN_LINE, n) != 0)
		return damaged(e, "missing header");
	text = span_of(text.ptr + n, text.len - n);
	end = memmem(text.ptr, text.len, END_LINE, strlen(END_LINE));
	if (end == NULL)
		return damaged(e, "missing footer");
	if (base64_read(out, span_of(text.ptr, (size_t)(end - text.ptr))) != 0)
		return damaged(e, "not base64");
	return 0;
}

/* The fields in front of the key were read. */
static int
read_rest_of(struct reader *rd, struct sshsig *s, struct error *e)
{
	struct span key = read_string(rd);
	struct span namespace = read_text(rd);
	struct span hash, signature;
	int r;

	read_string(rd); /* reserved */
	hash = read_string(rd);
	signature = read_string(rd);
	if (read_end(rd) != 0)
		return damaged(e, "it is cut, or has something behind it");
	if (find_hash(hash, &s->hash) != 0)
		return error_set(e, ERR_UNSUPPORTED,
		    "Couldn't parse signature: unsupported hash algorithm "
		    "(sha256 and sha512 are known)");
	if ((r = key_from_blob(key, &s->key)) != 0)
		return error_set(e, r, "Couldn't parse signature: its key: %s",
		    error_text(r));
	s->namespace = span_dup_text(namespace);
	write_span(&s->signature, signature);
	r = s->namespace == NULL ? ERR_MEMORY : buf_error(&s->signature);
	return r == 0 ? 0 : error_set(e, r, "%s", error_text(r));
}

int
sshsig_parse(struct span text, struct sshsig *ret, struct error *e)
{
	struct sshsig s = { .signature = BUF_INIT };
	struct buf blob = BUF_INIT;
	struct reader rd;
	uint32_t version;
	int r;

	if ((r = unarmour(text, &blob, e)) != 0)
		goto out;
	rd = reader_of(buf_span(&blob));
	if (!span_is(read_bytes(&rd, strlen(MAGIC)), MAGIC))
		r = damaged(e, "its first bytes are others");
	else if ((version = read_uint32(&rd)) != VERSION)
		r = error_set(e, ERR_UNSUPPORTED,
		    "Couldn't parse signature: unsupported version %lu",
		    (unsigned long)version);
	else
		r = read_rest_of(&rd, &s, e);
out:
	buf_release(&blob);
	if (r == 0)
		*ret = s;
	else
		sshsig_release(&s);
	return r;
}

void
sshsig_release(struct sshsig *s)
{
	key_unref(s->key);
	free(s->namespace);
	buf_release(&s->signature);
	memset(s, 0, sizeof(*s));
}

/* ---- verifying ---- */

int
sshsig_verify(const struct sshsig *s, const char *namespace, struct span hashed,
    struct error *e)
{
	struct buf body = BUF_INIT;
	int r;

	if (strcmp(s->namespace, namespace) != 0)
		return error_set(e, ERR_ARGUMENT,
		    "Couldn't verify signature: namespace does not match");
	if ((r = compose(namespace, s->hash, hashed, &body)) == 0)
		r = key_verify(
		    s->key, NULL, buf_span(&body), buf_span(&s->signature));
	buf_release(&body);
	if (r != 0)
		return error_set(
		    e, r, "Signature verification failed: %s", error_text(r));
	return 0;
}
