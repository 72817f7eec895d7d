/*
 * change.c - a new passphrase, format or comment for a private key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "keygen/keygen.h"

int
keygen_change_passphrase(const struct options *o)
{
	char *path = ask_path(o, "Enter file in which the key is", "ed25519");
	char *passphrase = NULL;
	struct key *k = NULL;
	int status = EXIT_FATAL;

	if (path == NULL)
		return EXIT_USAGE;
	if (load_private(o, path, "Enter old passphrase: ", &k, NULL) != 0)
		goto out;
	if (key_comment(k)[0] != '\0')
		printf("Key has comment '%s'\n", key_comment(k));
	if ((status = security_key_change(o, k)) != 0)
		goto out;
	passphrase =
	    o->new_passphrase != NULL
		? strdup(o->new_passphrase)
		: ask_new_passphrase(
		      "Enter new passphrase (empty for no passphrase): ");
	status = EXIT_USAGE;
	if (passphrase != NULL &&
	    (status = save_private(o, path, k, passphrase)) == 0)
		printf("Your identification has been saved with the new "
		       "passphrase.\n");
out:
	secret_free_text(passphrase);
	key_unref(k);
	free(path);
	return status;
}

/* The new comment; fresh text, NULL at the end of input. */
static char *
choose_comment(const struct options *o, const struct key *k)
{
	if (key_comment(k)[0] != '\0')
		printf("Old comment: %s\n", key_comment(k));
	else
		printf("No existing comment\n");
	return o->comment != NULL ? strdup(o->comment)
				  : ask_line("New comment: ");
}

/* Private and public file with the new comment. */
static int
apply_comment(const struct options *o, const char *path, struct key *k,
    const char *passphrase, const char *comment)
{
	int status;

	if (strcmp(comment, key_comment(k)) == 0) {
		printf("No change to comment\n");
		return 0;
	}
	if (key_set_comment(k, comment) != 0)
		return complain(EXIT_FATAL, "out of memory");
	if ((status = save_private(o, path, k, passphrase)) != 0 ||
	    (status = save_public(path, k)) != 0)
		return status;
	printf("Comment '%s' applied\n", comment);
	return 0;
}

int
keygen_change_comment(const struct options *o)
{
	char *path = NULL, *passphrase = NULL, *comment = NULL;
	struct key *k = NULL;
	int status = EXIT_USAGE;

	if (o->has_format && o->format != KEY_FORMAT_OPENSSH)
		return complain(EXIT_USAGE,
		    "Comments are only kept by OpenSSH's own format: "
		    "leave out -m.");
	path = ask_path(o, "Enter file in which the key is", "ed25519");
	if (path == NULL)
		return EXIT_USAGE;
	if (load_private(o, path, "Enter passphrase: ", &k, &passphrase) != 0)
		status = EXIT_FATAL;
	else if ((comment = choose_comment(o, k)) != NULL)
		status = apply_comment(o, path, k, passphrase, comment);
	secret_free_text(passphrase);
	free(comment);
	key_unref(k);
	free(path);
	return status;
}
