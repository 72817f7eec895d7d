/*
 * identities.c - the person's keys.
 */
#include "ssh/identities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/key/key_file.h"
#include "common/port/prompt.h"

/* surface s2, IdentityFile. */
static const char *const default_files[] = {
	"~/.ssh/id_rsa",
	"~/.ssh/id_ecdsa",
	"~/.ssh/id_ecdsa_sk",
	"~/.ssh/id_ed25519",
	"~/.ssh/id_ed25519_sk",
	"~/.ssh/id_mldsa44_ed25519",
};

static void
identity_release(struct identity *id)
{
	free(id->path);
	key_unref(id->public);
	key_unref(id->private);
}

void
identities_release(struct identities *list)
{
	for (size_t i = 0; i < list->count; i++)
		identity_release(&list->item[i]);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

const struct key *
identity_key(const struct identity *id)
{
	return id->private != NULL ? id->private : id->public;
}

/* ---- reading files ---- */

/* The public half beside a private key that does not show its own. */
static struct key *
public_beside(const char *path)
{
	char *name = text_format("%s.pub", path);
	struct key *k = NULL;

	if (name != NULL && key_public_load(name, &k, NULL) != 0)
		k = NULL;
	free(name);
	return k;
}

static void
warn_permissions(const char *path)
{
	struct stat st;
	char *box;

	if (stat(path, &st) == 0 &&
	    (box = key_file_permissions_box(path, st.st_mode & 0777)) != NULL) {
		struct span rest = span_text(box), line;

		while (line_next(&rest, &line))
			log_error(
			    "%.*s", (int)line.len, (const char *)line.ptr);
		free(box);
	}
	log_error("Load key \"%s\": bad permissions", path);
}

/* A name of a public key: the private one is the name without ".pub". */
static bool
strip_public_suffix(struct identity *id)
{
	if (!text_ends_with(id->path, ".pub") ||
	    key_public_load(id->path, &id->public, NULL) != 0)
		return false;
	id->path[strlen(id->path) - strlen(".pub")] = '\0';
	return true;
}

static void
note_failure(const struct identity *id, int code, const struct error *e)
{
	switch (code) {
	case ERR_NOT_FOUND:
		log_debug1("identity file %s: not there", id->path);
		break;
	case ERR_PERMISSION:
		if (access(id->path, R_OK) == 0)
			warn_permissions(id->path);
		else
			log_info(
			    "Load key \"%s\": %s", id->path, strerror(EACCES));
		break;
	default:
		log_info(
		    "Load key \"%s\": %s", id->path, error_message(e, code));
	}
}

/* False: nothing of it can be used. */
static bool
identity_load(struct identity *id)
{
	bool is_public = strip_public_suffix(id);
	struct key *public = NULL;
	struct error e = { 0 };
	int r = key_private_load(id->path, NULL, &id->private, &public, &e);

	if (r != 0)
		id->private = NULL;
	if (public != NULL && id->public == NULL)
		id->public = public;
	else
		key_unref(public);
	if (r == ERR_PASSPHRASE) {
		id->is_encrypted = true;
		if (id->public == NULL)
			id->public = public_beside(id->path);
		r = 0;
	}
	if (r != 0 && !is_public)
		note_failure(id, r, &e);
	if (r == 0)
		log_debug1("identity file %s type %s%s", id->path,
		    identity_key(id) != NULL ? key_type_name(identity_key(id))
					     : "unknown",
		    id->is_encrypted ? " (encrypted)" : "");
	return r == 0;
}

static bool
is_listed(const struct identities *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i].path, path) == 0)
			return true;
	return false;
}

static int
add_file(struct identities *list, const char *text, bool is_explicit,
    const struct ssh_tokens *tokens, struct error *e)
{
	struct identity id = { .is_explicit = is_explicit };
	struct identity *grown;
	int r;

	r = ssh_option_expand(
	    SSH_OPTION_identity_file, text, tokens, &id.path, e);
	if (r != 0)
		return r;
	if (is_listed(list, id.path) || !identity_load(&id)) {
		identity_release(&id);
		return 0;
	}
	grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		identity_release(&id);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	list->item = grown;
	list->item[list->count++] = id;
	return 0;
}

int
identities_load(const struct ssh_options *o, const struct ssh_tokens *tokens,
    struct identities *ret, struct error *e)
{
	const struct strings *files = &o->identity_file;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (!ssh_options_is_set(o, SSH_OPTION_identity_file)) {
		for (size_t i = 0; r == 0 && i < ARRAY_COUNT(default_files);
		     i++)
			r = add_file(ret, default_files[i], false, tokens, e);
		return r;
	}
	for (size_t i = 0; r == 0 && i < files->count; i++)
		if (strcmp(files->item[i], "none") != 0)
			r = add_file(ret, files->item[i], true, tokens, e);
	return r;
}

struct identity *
identities_find(const struct identities *list, const char *fingerprint)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct key *k = identity_key(&list->item[i]);
		char *print =
		    k != NULL ? key_fingerprint(k, DIGEST_SHA256) : NULL;
		bool is_it = print != NULL && strcmp(print, fingerprint) == 0;

		free(print);
		if (is_it)
			return &list->item[i];
	}
	return NULL;
}

int
identity_unlock(struct identity *id, int prompts, struct error *e)
{
	char *question =
	    text_format("Enter passphrase for key '%s': ", id->path);
	int r = ERR_CANCELLED;

	if (question == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	for (int i = 0; i < prompts; i++) {
		char *passphrase;

		if ((r = prompt_secret(question, &passphrase, e)) != 0)
			break;
		if (*passphrase == '\0') {
			secret_free_text(passphrase);
			r = error_set(e, ERR_CANCELLED, "no passphrase given");
			break;
		}
		r = key_private_load(
		    id->path, passphrase, &id->private, NULL, e);
		secret_free_text(passphrase);
		if (r != ERR_PASSPHRASE)
			break;
		log_debug2("bad passphrase given, try again...");
	}
	free(question);
	if (r != 0)
		id->private = NULL;
	return r;
}
