/*
 * generate.c - new keys: one for a person, or all of a host.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "keygen/keygen.h"

#define TYPE_DEFAULT "ed25519"

/* Types with a host key of their own, in the order in which -A makes them. */
static const struct host_key_type {
	const char *type;
	const char *in_path;
} host_key_types[] = {
	{ "rsa", "rsa" },
	{ "ecdsa", "ecdsa" },
	{ "ed25519", "ed25519" },
	{ "mldsa44-ed25519", "mldsa44_ed25519" },
};

static bool
is_dsa(const char *type)
{
	return strcasecmp(type, "dsa") == 0 || strcmp(type, "ssh-dss") == 0;
}

static int
make_key(const struct options *o, const char *type, struct key **ret)
{
	char *comment =
	    o->comment != NULL ? strdup(o->comment) : default_comment();
	struct error e = { 0 };
	struct key *k = NULL;
	int r;

	struct progress *progress;

	if (comment == NULL)
		return EXIT_FATAL;
	if (is_dsa(type))
		r = complain(EXIT_USAGE,
		    "DSA keys are read and used where that is allowed, but not "
		    "made: their 1024 bits and SHA-1 are too weak, and hardly "
		    "any server takes them. Use -t ed25519, or -t rsa for old "
		    "servers.");
	else if (is_security_key_type(type))
		r = security_key_generate(o, type, &k);
	else {
		progress = progress_begin(o);
		r = key_generate(type, o->bits, &k, &e);
		progress_end(progress);
		if (r != 0)
			r = complain(EXIT_USAGE, "%s", error_message(&e, r));
	}
	if (r == 0 && key_set_comment(k, comment) != 0)
		r = complain(EXIT_FATAL, "out of memory");
	free(comment);
	if (r == 0)
		*ret = k;
	else
		key_unref(k);
	return r;
}

/* The folder of the default path is made; one that was named is not. */
static void
make_folder(const struct options *o, const char *path)
{
	char *folder;

	if (o->file != NULL || (folder = path_directory(path)) == NULL)
		return;
	if (mkdir(folder, 0700) == 0) {
		if (!o->is_quiet)
			printf("Created directory '%s'.\n", folder);
	} else if (errno != EEXIST) {
		complain(0, "Could not create directory '%s': %s", folder,
		    strerror(errno));
	}
	free(folder);
}

static void
announce(const char *path, const struct key *k)
{
	char *fingerprint = key_fingerprint(k, DIGEST_SHA256);
	char *art = key_randomart(k, DIGEST_SHA256);

	printf("Your identification has been saved in %s\n", path);
	printf("Your public key has been saved in %s.pub\n", path);
	if (fingerprint != NULL && art != NULL)
		printf("The key fingerprint is:\n%s %s\n"
		       "The key's randomart image is:\n%s\n",
		    fingerprint, key_comment(k), art);
	free(fingerprint);
	free(art);
}

static char *
choose_passphrase(const struct options *o, const char *path)
{
	char *question, *answer;

	if (o->new_passphrase != NULL)
		return strdup(o->new_passphrase);
	question = text_format(
	    "Enter passphrase for \"%s\" (empty for no passphrase): ", path);
	if (question == NULL)
		return NULL;
	answer = ask_new_passphrase(question);
	free(question);
	return answer;
}

int
keygen_generate(const struct options *o)
{
	const char *type = o->type == NULL ? TYPE_DEFAULT : o->type;
	char *path = NULL, *passphrase = NULL;
	struct key *k = NULL;
	int status;

	if (o->extra.count > 0 && !is_security_key_type(type))
		return complain(EXIT_USAGE,
		    "ssh-keygen: -O %s says nothing here: it goes with "
		    "-t ecdsa-sk and ed25519-sk",
		    o->extra.item[0]);
	if (!o->is_quiet) {
		printf("Generating public/private %s key pair.\n", type);
		fflush(stdout);
	}
	if ((status = make_key(o, type, &k)) != 0)
		return status;
	status = EXIT_USAGE;
	path = ask_path(o, "Enter file in which to save the key", type);
	if (path == NULL)
		goto out;
	make_folder(o, path);
	if (!may_overwrite(path) ||
	    (passphrase = choose_passphrase(o, path)) == NULL)
		goto out;
	if ((status = save_private(o, path, k, passphrase)) == 0 &&
	    (status = save_public(path, k)) == 0 && !o->is_quiet)
		announce(path, k);
out:
	secret_free_text(passphrase);
	free(path);
	key_unref(k);
	return status;
}

/* 0: made, or there already; else the exit status. */
static int
make_host_key(
    const struct options *o, const struct host_key_type *t, bool *is_first)
{
	char *path = text_format("%s%s/ssh_host_%s_key",
	    o->file == NULL ? "" : o->file, SHEETBEND_SYSCONFDIR, t->in_path);
	struct key *k = NULL;
	struct stat st;
	int status;

	if (path == NULL)
		return complain(EXIT_FATAL, "out of memory");
	if (stat(path, &st) == 0 && st.st_size > 0) {
		free(path);
		return 0;
	}
	if (*is_first)
		printf("ssh-keygen: generating new host keys: ");
	*is_first = false;
	if ((status = make_key(o, t->type, &k)) == 0) {
		printf("%s ", key_row(k)->short_name);
		fflush(stdout);
		if ((status = save_private(o, path, k, "")) == 0)
			status = save_public(path, k);
	}
	key_unref(k);
	free(path);
	return status;
}

int
keygen_host_keys(const struct options *o)
{
	bool is_first = true;
	int status = 0;

	for (size_t i = 0; i < ARRAY_COUNT(host_key_types); i++) {
		int s = make_host_key(o, &host_key_types[i], &is_first);

		status = status == 0 ? s : status;
	}
	if (!is_first)
		printf("\n");
	return status;
}
