/*
 * convert.c - ssh-keygen -e and -i: keys in the formats of other programs.
 * surface notes s5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/key/key_convert.h"
#include "keygen/keygen.h"

static void
print(const struct buf *text)
{
	fwrite(text->data, 1, text->len, stdout);
}

/* ---- -e ---- */

/* The comment of the key, or where it comes from; fresh text. */
static char *
comment_of(const struct key *k)
{
	char *here, *text;

	if (key_comment(k)[0] != '\0')
		return strdup(key_comment(k));
	if ((here = default_comment()) == NULL)
		return NULL;
	text = text_format("%u-bit %s, converted by %s", key_bits(k),
	    key_row(k)->short_name, here);
	free(here);
	return text;
}

static int
export_key(const struct options *o, const struct key *k)
{
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	char *comment = NULL;
	int r, status = 0;

	if (o->has_format && o->format != KEY_FORMAT_OPENSSH) {
		r = key_export_pem(k, o->format, &text, &e);
	} else {
		comment = comment_of(k);
		r = comment == NULL ? ERR_MEMORY
				    : key_export_rfc4716(k, comment, &text);
	}
	if (r == 0)
		print(&text);
	else
		status = complain(EXIT_FATAL, "%s", error_message(&e, r));
	free(comment);
	buf_release(&text);
	return status;
}

int
keygen_export(const struct options *o)
{
	char *path = ask_path(o, "Enter file in which the key is", "ed25519");
	struct key *k = NULL;
	int status = EXIT_FATAL;

	if (path == NULL)
		return EXIT_USAGE;
	if (load_either(o, path, &k) == 0)
		status = export_key(o, k);
	key_unref(k);
	free(path);
	return status;
}

/* ---- -i ---- */

static int
parse(const struct options *o, struct span text, const char *passphrase,
    struct key **ret, struct error *e)
{
	int r;

	if (!o->has_format || o->format == KEY_FORMAT_OPENSSH)
		return key_import_rfc4716(text, passphrase, ret, e);
	r = key_private_parse(text, passphrase, ret, NULL, e);
	/* Not a private key: a public one then. */
	if (r == ERR_KEY_FORMAT && !text_is_private(text))
		r = key_import_pem(text, ret, e);
	return r;
}

/* As the private key files of old, which everything reads. */
static int
print_private(const struct key *k)
{
	const struct key_file_options fo = { .format = KEY_FORMAT_PEM };
	struct buf text = BUF_SECRET_INIT;
	struct error e = { 0 };
	int status = 0;
	int r = key_private_format(k, &fo, &text, &e);

	if (r == 0)
		print(&text);
	else
		status = complain(EXIT_FATAL, "%s", error_message(&e, r));
	buf_release(&text);
	return status;
}

/* The comment is left out: scripts compare the two fields. */
static int
print_public(const struct key *k)
{
	char *line = key_public_line(k, NULL);

	if (line == NULL)
		return complain(EXIT_FATAL, "out of memory");
	printf("%s\n", line);
	free(line);
	return 0;
}

static int
import_text(const struct options *o, const char *path, struct span text)
{
	char *passphrase = NULL;
	struct error e = { 0 };
	struct key *k = NULL;
	int r = parse(o, text, o->passphrase, &k, &e);
	int status;

	if (r == ERR_PASSPHRASE && o->passphrase == NULL) {
		if ((passphrase = ask_passphrase("Enter passphrase: ")) == NULL)
			return EXIT_FATAL;
		r = parse(o, text, passphrase, &k, &e);
		secret_free_text(passphrase);
	}
	if (r != 0)
		return complain(
		    EXIT_FATAL, "%s: %s", path, error_message(&e, r));
	status = key_has_private(k) ? print_private(k) : print_public(k);
	key_unref(k);
	return status;
}

int
keygen_import(const struct options *o)
{
	char *path = ask_path(o, "Enter file in which the key is", "ed25519");
	struct buf text = BUF_SECRET_INIT;
	int status;

	if (path == NULL)
		return EXIT_USAGE;
	if ((status = read_file_or_stdin(path, KEY_FILE_MAX, &text)) == 0)
		status = import_text(o, path, buf_span(&text));
	buf_release(&text);
	free(path);
	return status;
}
