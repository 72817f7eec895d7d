/*
 * show.c - public keys and fingerprints of what there is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "keygen/keygen.h"

#define FILE_MAX ((size_t)256 * 1024 * 1024)

static int
print_public(const struct key *k)
{
	char *line = key_public_line(k, key_comment(k));

	if (line == NULL)
		return complain(EXIT_FATAL, "out of memory");
	printf("%s\n", line);
	free(line);
	return 0;
}

/* A .pub beside the key that holds another one misleads whoever looks. */
static void
check_beside(const char *path, const struct key *k)
{
	char *name = text_format("%s.pub", path);
	struct key *beside = NULL;

	if (name != NULL && key_public_load(name, &beside, NULL) == 0 &&
	    !span_equal(key_plain_blob(beside), key_blob(k)))
		complain(0,
		    "Warning: %s holds another key than %s; "
		    "`ssh-keygen -y -f %s > %s` puts that right",
		    name, path, path, name);
	key_unref(beside);
	free(name);
}

int
keygen_show_public(const struct options *o)
{
	char *path = ask_path(o, "Enter file in which the key is", "ed25519");
	char *question = NULL;
	struct key *k = NULL;
	int status = EXIT_FATAL;

	if (path == NULL)
		return EXIT_USAGE;
	question = text_format("Enter passphrase for \"%s\": ", path);
	if (question != NULL &&
	    load_private(o, path, question, &k, NULL) == 0) {
		status = print_public(k);
		check_beside(path, k);
	}
	key_unref(k);
	free(question);
	free(path);
	return status;
}

/* ---- fingerprints ---- */

/* How -l and -B write the fingerprint of a key; fresh text. */
typedef char *key_words(const struct key *k, enum digest_algorithm a);

struct listing {
	const struct options *o;
	key_words *words;
	enum digest_algorithm hash;
};

static void
print_fingerprint(
    const struct listing *l, const struct key *k, struct span comment)
{
	char *fingerprint = l->words(k, l->hash);
	char *art = key_randomart(k, l->o->hash);
	char *shown = NULL;
	struct buf b = BUF_INIT;

	text_escape(
	    &b, comment.len > 0 ? comment : span_text("no comment"), true);
	shown = buf_take_text(&b);
	if (fingerprint != NULL && art != NULL && shown != NULL) {
		printf("%u %s %s (%s)\n", key_bits(k), fingerprint, shown,
		    key_row(k)->short_name);
		if (l->o->verbosity > 0)
			printf("%s\n", art);
	}
	free(fingerprint);
	free(art);
	free(shown);
}

/* Old formats hide the public half and have no comment: the .pub beside
 * helps out. */
static int
fingerprint_private(const struct listing *l, const char *path, struct span text)
{
	struct key *k = NULL, *public = NULL, *beside = NULL;
	char *name = text_format("%s.pub", path);
	const char *comment = "";
	struct error e = { 0 };
	int r, status = 0;

	r = key_private_parse(text, l->o->passphrase, &k, &public, &e);
	if (name == NULL || key_public_load(name, &beside, NULL) != 0)
		beside = NULL;
	if (public == NULL && beside != NULL)
	public = key_ref(beside);
	if (public == NULL) {
		status =
		    complain(EXIT_FATAL, "%s: %s", path, error_message(&e, r));
		goto out;
	}
	if (k != NULL)
		comment = key_comment(k);
	if (comment[0] == '\0' && beside != NULL)
		comment = key_comment(beside);
	print_fingerprint(l, public, span_text(comment));
out:
	free(name);
	key_unref(k);
	key_unref(public);
	key_unref(beside);
	return status;
}

/* Public keys, authorized_keys, known_hosts: every line with a key. */
static int
fingerprint_lines(const struct listing *l, const char *path, struct span text)
{
	struct span line, comment;
	bool found = false;
	struct key *k;

	while (line_next(&text, &line)) {
		if (key_find_in_line(line, &k, &comment) != 0)
			continue;
		print_fingerprint(l, k, comment);
		key_unref(k);
		found = true;
	}
	if (!found)
		return complain(
		    EXIT_FATAL, "%s is not a public key file.", path);
	return 0;
}

static int
list_keys(const struct listing *l)
{
	char *path =
	    ask_path(l->o, "Enter file in which the key is", "ed25519");
	struct buf text = BUF_SECRET_INIT;
	int status;

	if (path == NULL)
		return EXIT_USAGE;
	if ((status = read_file_or_stdin(path, FILE_MAX, &text)) != 0)
		;
	else if (text_is_private(buf_span(&text)))
		status = fingerprint_private(l, path, buf_span(&text));
	else
		status = fingerprint_lines(l,
		    strcmp(path, "-") == 0 ? "(stdin)" : path, buf_span(&text));
	buf_release(&text);
	free(path);
	return status;
}

int
keygen_show_fingerprints(const struct options *o)
{
	const struct listing l = { o, key_fingerprint, o->hash };

	return list_keys(&l);
}

int
keygen_show_bubblebabble(const struct options *o)
{
	const struct listing l = { o, key_bubblebabble, DIGEST_SHA1 };

	return list_keys(&l);
}
