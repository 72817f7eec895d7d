/*
 * add_remove.c - ssh-add: removing keys (-d, -D).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/add.h"
#include "common/base/file.h"
#include "common/key/key_file.h"

static int
remove_key(struct agent *a, const struct add_options *o, const char *path,
    const struct key *k, const char *comment)
{
	struct error e = { 0 };
	int r = agent_remove(a, key_blob(k), &e);

	if (r != 0)
		return complain("Could not remove identity \"%s\": %s", path,
		    error_message(&e, r));
	return tell(o, "Identity removed: %s %s (%s)", path,
	    key_row(k)->short_name, comment);
}

/* ---- from a file ---- */

static int
remove_certificate(struct agent *a, const struct add_options *o,
    const char *path, const struct key *k, const char *comment)
{
	char *beside = add_certificate_path(path);
	struct error e = { 0 };
	struct key *certificate;
	int r, status;

	if (beside == NULL)
		return complain("out of memory");
	r = key_public_load(beside, &certificate, &e);
	if (r == ERR_NOT_FOUND) {
		status = 0;
	} else if (r != 0) {
		status = complain("Failed to load certificate \"%s\": %s",
		    beside, error_message(&e, r));
	} else {
		if (!span_equal(key_plain_blob(certificate), key_plain_blob(k)))
			status = complain(
			    "Certificate %s does not match private key %s",
			    beside, path);
		else
			status = remove_key(a, o, beside, certificate, comment);
		key_unref(certificate);
	}
	free(beside);
	return status;
}

/* ---- from standard input ---- */

/* Removes the keys of the lines; other lines are said to be none. */
static int
remove_lines(struct agent *a, const struct add_options *o, struct span text)
{
	struct span line;
	unsigned long number = 0;
	int status = 0, count = 0;

	while (line_next(&text, &line)) {
		struct span rest;
		struct key *k;
		char *comment;

		number++;
		while (line.len > 0 &&
		       (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
			line.ptr++;
			line.len--;
		}
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (key_from_line(line, &k, &rest) != 0) {
			status =
			    complain("(stdin):%lu: not a public key", number);
			continue;
		}
		comment = text_escaped(rest);
		if (remove_key(a, o, "(stdin)", k,
			comment == NULL ? "" : comment) != 0)
			status = EXIT_FAILED;
		else
			count++;
		free(comment);
		key_unref(k);
	}
	return count == 0 ? EXIT_FAILED : status;
}

static int
remove_input(struct agent *a, const struct add_options *o)
{
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	int r, status;

	if ((r = file_read_fd(STDIN_FILENO, KEY_FILE_MAX, &text, &e)) != 0)
		status = complain("(stdin): %s", error_message(&e, r));
	else
		status = remove_lines(a, o, buf_span(&text));
	buf_release(&text);
	return status;
}

static int
remove_file(struct agent *a, const struct add_options *o, const char *path)
{
	const char *comment;
	struct error e = { 0 };
	struct key *k;
	int r, status = 0;

	if (strcmp(path, "-") == 0)
		return remove_input(a, o);
	if ((r = add_load_public(path, &k, &e)) != 0)
		return complain("Bad key file %s: %s", path,
		    r == ERR_NOT_FOUND ? strerror(ENOENT)
				       : error_message(&e, r));
	comment = key_comment(k)[0] != '\0' ? key_comment(k) : path;
	if (!o->certificates_only || key_certificate(k) != NULL)
		status = remove_key(a, o, path, k, comment);
	if (!o->keys_only && key_certificate(k) == NULL &&
	    remove_certificate(a, o, path, k, comment) != 0)
		status = EXIT_FAILED;
	key_unref(k);
	return status;
}

int
add_remove(struct agent *a, const struct add_options *o)
{
	return add_each_file(a, o, remove_file);
}

int
add_remove_all(struct agent *a, const struct add_options *o)
{
	struct error e = { 0 };

	if (agent_remove_all(a, &e) != 0)
		return complain("Failed to remove all identities.");
	return tell(o, "All identities removed.");
}
