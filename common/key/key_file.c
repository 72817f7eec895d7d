/*
 * key_file.c - files of keys: which format it is, loading, saving.
 */
#include "common/key/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/key/key_file_impl.h"

#define BOX_EDGE "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"

int
key_private_parse(struct span text, const char *passphrase, struct key **ret,
    struct key **ret_public, struct error *e)
{
	struct key *k;
	int r;

	if (openssh_key_recognise(text))
		return openssh_key_parse(text, passphrase, ret, ret_public, e);
	if (!pem_key_recognise(text))
		return error_set(e, ERR_KEY_FORMAT, "not a private key file");
	if ((r = pem_key_parse(text, passphrase, &k, e)) != 0)
		return r;
	if (ret_public != NULL &&
	    (r = key_from_blob(key_blob(k), ret_public)) != 0) {
		key_unref(k);
		return error_set(e, r, "%s", error_text(r));
	}
	*ret = k;
	return 0;
}

/* Ed25519 has no form in PKCS#1 or SEC 1, a security key and a hybrid one have
 * none in any of OpenSSL's: our own format is then meant. */
static bool
has_form(const struct key *k, enum key_format format)
{
	return !key_is_security_key(k) &&
	       key_row(k)->type != KEY_MLDSA44_ED25519 &&
	       (format == KEY_FORMAT_PKCS8 || key_row(k)->type != KEY_ED25519);
}

int
key_private_format(const struct key *k, const struct key_file_options *o,
    struct buf *out, struct error *e)
{
	if (o->format == KEY_FORMAT_OPENSSH || !has_form(k, o->format))
		return openssh_key_format(k, o, out, e);
	return pem_key_format(k, o, out, e);
}

/* ---- private keys ---- */

/* Only files that belong to us are ours to complain about. */
static int
check_permissions(int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set_errno(e, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		return error_set(e, ERR_SYSTEM, "%s", strerror(EISDIR));
	if (st.st_uid == getuid() && (st.st_mode & 077) != 0)
		return error_set(e, ERR_PERMISSION,
		    "bad permissions: mode %04o lets others at it "
		    "(chmod 600 helps)",
		    (unsigned)(st.st_mode & 0777));
	return 0;
}

static int
read_private_file(const char *path, struct buf *text, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0) {
		r = errno == ENOENT   ? ERR_NOT_FOUND
		    : errno == EACCES ? ERR_PERMISSION
				      : ERR_SYSTEM;
		r = error_set(e, r, "%s", strerror(errno));
		return r;
	}
	if ((r = check_permissions(fd, e)) == 0)
		r = file_read_fd(fd, KEY_FILE_MAX, text, e);
	close(fd);
	return r;
}

/* The .pub beside (of a certificate, the key in it), or NULL. */
static struct key *
load_beside(const char *path)
{
	char *name = text_format("%s.pub", path);
	struct key *k = NULL, *plain = NULL;

	if (name != NULL && key_public_load(name, &k, NULL) != 0)
		k = NULL;
	free(name);
	if (k == NULL || key_certificate(k) == NULL)
		return k;
	if (key_from_blob(key_plain_blob(k), &plain) == 0)
		IGNORE_RESULT(key_set_comment(plain, key_comment(k)));
	key_unref(k);
	return plain;
}

int
key_private_load(const char *path, const char *passphrase, struct key **ret,
    struct key **ret_public, struct error *e)
{
	struct buf text = BUF_SECRET_INIT;
	struct key *public = NULL, *beside = NULL, *k = NULL;
	int r;

	if ((r = read_private_file(path, &text, e)) != 0 ||
	    ((r = key_private_parse(
		  buf_span(&text), passphrase, &k, &public, e)) != 0 &&
		r != ERR_PASSPHRASE))
		goto out;
	if (public == NULL || k == NULL || key_comment(k)[0] == '\0')
		beside = load_beside(path);
	if (public == NULL) {
		public = beside;
		beside = NULL;
	} else if (beside != NULL && key_equal(public, beside)) {
		/* The file itself has no comment, or cannot be read. */
		IGNORE_RESULT(key_set_comment(public, key_comment(beside)));
		if (k != NULL)
			IGNORE_RESULT(key_set_comment(k, key_comment(beside)));
	}
	if (ret_public != NULL) {
		*ret_public = public;
		public = NULL;
	}
	if (r == 0) {
		*ret = k;
		k = NULL;
	}
out:
	key_unref(k);
	key_unref(public);
	key_unref(beside);
	buf_release(&text);
	return r;
}

char *
key_file_permissions_box(const char *path, unsigned mode)
{
	return text_format(BOX_EDGE
	    "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\n" BOX_EDGE
	    "Permissions %04o for '%s' are too open.\n"
	    "It is required that your private key files are NOT accessible "
	    "by others.\n"
	    "This private key will be ignored.\n"
	    "Nobody else may read it: chmod 600 %s\n",
	    mode & 0777, path, path);
}

int
key_private_save(const struct key *k, const char *path,
    const struct key_file_options *o, struct error *e)
{
	struct buf text = BUF_SECRET_INIT;
	int r;

	if ((r = key_private_format(k, o, &text, e)) == 0)
		r = file_write_atomic(path, buf_span(&text), 0600, false, e);
	buf_release(&text);
	return r;
}

/* ---- public keys ---- */

static int
set_comment(struct key *k, struct span comment)
{
	char *text = span_dup_text(comment);
	int r = text == NULL ? ERR_MEMORY : key_set_comment(k, text);

	free(text);
	return r;
}

int
key_public_load(const char *path, struct key **ret, struct error *e)
{
	struct buf text = BUF_INIT;
	struct span rest, line, comment;
	struct key *k = NULL;
	int r;

	if ((r = file_read(path, KEY_FILE_MAX, &text, e)) != 0) {
		buf_release(&text);
		return r;
	}
	rest = buf_span(&text);
	r = ERR_KEY_FORMAT;
	while (r != 0 && line_next(&rest, &line))
		r = key_find_in_line(line, &k, &comment);
	if (r == 0 && (r = set_comment(k, comment)) == 0) {
		*ret = k;
	} else {
		key_unref(k);
		error_set(e, r, "%s: not a public key file", path);
	}
	buf_release(&text);
	return r;
}

/* 0644 as far as the umask allows; file_write_atomic() sets just the mode
 * that it is given. */
static mode_t
public_mode(void)
{
	mode_t mask = umask(077);

	umask(mask);
	return 0644 & ~mask;
}

int
key_public_save(const struct key *k, const char *path, struct error *e)
{
	char *line = key_public_line(k, key_comment(k));
	char *text = line == NULL ? NULL : text_format("%s\n", line);
	int r;

	if (text == NULL)
		r = error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	else if (key_certificate(k) != NULL)
		r = file_write_atomic(
		    path, span_text(text), public_mode(), false, e);
	else
		r = file_write_derived(path, span_text(text), public_mode(), e);
	free(text);
	free(line);
	return r;
}
