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
#include "common/key/certificate.h"
#include "common/key/key_file.h"
#include "common/port/prompt.h"
#include "ssh/providers.h"

/* surface s2, IdentityFile. */
static const char *const default_files[] = {
	"~/.ssh/id_rsa",
	"~/.ssh/id_ecdsa",
	"~/.ssh/id_ecdsa_sk",
	"~/.ssh/id_ed25519",
	"~/.ssh/id_ed25519_sk",
	"~/.ssh/id_mldsa44_ed25519",
};

void
identity_release(struct identity *id)
{
	free(id->path);
	key_unref(id->public);
	key_unref(id->private);
	key_unref(id->certificate);
	free(id->certificate_path);
	buf_release(&id->agent_blob);
	free(id->agent_comment);
	free(id->load_text);
}

void
identities_release(struct identities *list)
{
	for (size_t i = 0; i < list->count; i++)
		identity_release(&list->item[i]);
	free(list->item);
	for (size_t i = 0; i < list->certificate_count; i++) {
		key_unref(list->certificates[i].key);
		free(list->certificates[i].path);
	}
	free(list->certificates);
	agent_close(list->agent);
	memset(list, 0, sizeof(*list));
}

const struct key *
identity_key(const struct identity *id)
{
	if (id->certificate != NULL)
		return id->certificate;
	return id->private != NULL ? id->private : id->public;
}

const char *
identity_name(const struct identity *id)
{
	if (id->certificate_path != NULL)
		return id->certificate_path;
	if (id->path != NULL)
		return id->path;
	return *id->agent_comment != '\0' ? id->agent_comment : "(no comment)";
}

const struct key *
identity_plain_key(const struct identity *id)
{
	return id->private != NULL ? id->private : id->public;
}

bool
identity_can_sign(const struct identity *id)
{
	return id->agent_blob.len > 0 || id->private != NULL ||
	       id->is_encrypted;
}

bool
identity_is_whole(const struct identity *id)
{
	if (id->certificate != NULL)
		return span_equal(
		    key_plain_blob(id->certificate), key_blob(id->private));
	return id->public == NULL || key_equal(id->public, id->private);
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
	if (k != NULL && key_certificate(k) != NULL) {
		key_unref(k);
		k = NULL;
	}
	return k;
}

/* The user certificate in a file, or NULL. Most .pub files hold plain keys:
 * those cost no decoding. */
static struct key *
load_certificate(const char *path)
{
	static const char mark[] = "-cert-v01@openssh.com ";
	struct buf text = BUF_INIT;
	struct key *k = NULL;
	struct span rest, line;

	if (path == NULL || file_read(path, KEY_FILE_MAX, &text, NULL) != 0) {
		buf_release(&text);
		return NULL;
	}
	rest = buf_span(&text);
	if (rest.len > 0 &&
	    memmem(rest.ptr, rest.len, mark, sizeof(mark) - 1) != NULL &&
	    line_next(&rest, &line) && key_from_line(line, &k, NULL) != 0)
		k = NULL;
	buf_release(&text);
	if (k != NULL && (key_certificate(k) == NULL ||
			     key_certificate(k)->kind != CERTIFICATE_USER)) {
		log_debug1("%s: ignoring certificate: not a user's", path);
		key_unref(k);
		k = NULL;
	}
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
	/* A certificate is looked for later. */
	if (key_certificate(id->public) != NULL) {
		key_unref(id->public);
		id->public = NULL;
	}
	id->path[strlen(id->path) - strlen(".pub")] = '\0';
	return true;
}

void
identity_log_failure(const struct identity *id)
{
	switch (id->load_code) {
	case 0:
		break;
	case ERR_NOT_FOUND:
		if (id->is_explicit)
			log_error("no such identity: %s: %s", id->path,
			    strerror(ENOENT));
		else
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
		log_info("Load key \"%s\": %s", id->path,
		    id->load_text != NULL ? id->load_text
					  : error_text(id->load_code));
	}
}

/* Whatever can be known of a key from its file and the one beside it; its
 * private half may be with the agent. */
static void
identity_load(struct identity *id)
{
	struct key *public = NULL;
	struct error e = { 0 };
	int r;

	(void)strip_public_suffix(id);
	r = key_private_load(id->path, NULL, &id->private, &public, &e);
	if (r != 0)
		id->private = NULL;
	if (public != NULL && id->public == NULL)
		id->public = public;
	else
		key_unref(public);
	if (r != 0 && id->public == NULL)
		id->public = public_beside(id->path);
	id->is_encrypted = r == ERR_PASSPHRASE;
	if (r != 0 && r != ERR_PASSPHRASE) {
		id->load_code = r;
		id->load_text = strdup(error_message(&e, r));
	}
}

static void
log_loaded(const struct identity *id)
{
	log_debug1("identity file %s type %s%s", id->path,
	    identity_key(id) != NULL ? key_type_name(identity_key(id))
				     : "unknown",
	    id->is_encrypted ? " (encrypted)" : "");
}

static bool
is_listed(const struct identities *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i].path, path) == 0)
			return true;
	return false;
}

int
identities_append(struct identities *list, struct identity *id, struct error *e)
{
	struct identity *grown =
	    realloc(list->item, (list->count + 1) * sizeof(*grown));

	if (grown == NULL) {
		identity_release(id);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	list->item = grown;
	list->item[list->count++] = *id;
	return 0;
}

/* ---- certificates ---- */

static bool
is_certificate_of(const struct key *certificate, const struct identity *id)
{
	const struct key *k = identity_plain_key(id);

	return k == NULL ||
	       span_equal(key_plain_blob(certificate), key_blob(k));
}

/* The certificate in the file named like the key with suffix behind. */
static struct key *
certificate_beside(const struct identity *id, const char *suffix)
{
	char *path = text_format("%s%s", id->path, suffix);
	struct key *k = load_certificate(path);

	if (k != NULL && !is_certificate_of(k, id)) {
		log_info("%s: certificate is for another key", path);
		key_unref(k);
		k = NULL;
	}
	free(path);
	return k;
}

/* The same key once more, with a certificate (taken) in front. */
static int
append_with(struct identities *list, const struct identity *of,
    struct key *certificate, struct error *e)
{
	struct identity id = {
		.path = strdup(of->path),
		.is_explicit = of->is_explicit,
		.is_encrypted = of->is_encrypted,
		.public = of->public != NULL ? key_ref(of->public) : NULL,
		.private = of->private != NULL ? key_ref(of->private) : NULL,
		.certificate = certificate,
	};

	if (id.path == NULL) {
		identity_release(&id);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	return identities_append(list, &id, e);
}

static int
add_named_certificate(struct identities *list, const char *text,
    const struct ssh_tokens *tokens, struct error *e)
{
	struct named_certificate c = { NULL, NULL }, *grown;
	int r;

	r = ssh_option_expand(
	    SSH_OPTION_certificate_file, text, tokens, &c.path, e);
	if (r != 0)
		return r;
	c.key = load_certificate(c.path);
	log_debug1("certificate file %s type %s", c.path,
	    c.key != NULL ? key_type_name(c.key) : "unknown");
	if (c.key == NULL) {
		free(c.path);
		return 0;
	}
	grown = realloc(
	    list->certificates, (list->certificate_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		key_unref(c.key);
		free(c.path);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	list->certificates = grown;
	list->certificates[list->certificate_count++] = c;
	return 0;
}

/* ---- the list ---- */

static int
add_file(struct identities *list, const char *text, bool is_explicit,
    bool has_certificate_files, const struct ssh_tokens *tokens,
    struct error *e)
{
	struct identity id = { .is_explicit = is_explicit };
	struct key *certificate = NULL;
	int r;

	r = ssh_option_expand(
	    SSH_OPTION_identity_file, text, tokens, &id.path, e);
	if (r != 0)
		return r;
	if (is_listed(list, id.path)) {
		identity_release(&id);
		return 0;
	}
	identity_load(&id);
	/* One in the place of the public key is offered instead of it. */
	id.certificate = certificate_beside(&id, ".pub");
	/* What is wrong is told when its turn comes, if it does; a default
	 * file that is not there is no key. */
	if (identity_key(&id) == NULL && !id.is_encrypted && !is_explicit &&
	    id.load_code == ERR_NOT_FOUND) {
		identity_log_failure(&id);
		identity_release(&id);
		return 0;
	}
	log_loaded(&id);
	if (!has_certificate_files && id.certificate == NULL)
		certificate = certificate_beside(&id, "-cert.pub");
	r = identities_append(list, &id, e);
	if (r == 0 && certificate != NULL)
		return append_with(
		    list, &list->item[list->count - 1], certificate, e);
	key_unref(certificate);
	return r;
}

int
identities_load(const struct ssh_options *o, const struct ssh_tokens *tokens,
    struct identities *ret, struct error *e)
{
	static const struct strings none = STRINGS_INIT;
	const struct strings *files = &o->identity_file;
	bool named = o->certificate_file.count > 0;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	/* Those that only files hold come behind them. */
	r = providers_add_tokens(o, ret, e);
	if (!ssh_options_is_set(o, SSH_OPTION_identity_file)) {
		for (size_t i = 0; r == 0 && i < ARRAY_COUNT(default_files);
		     i++)
			r = add_file(
			    ret, default_files[i], false, named, tokens, e);
		files = &none;
	}
	for (size_t i = 0; r == 0 && i < files->count; i++)
		if (strcmp(files->item[i], "none") != 0)
			r = add_file(
			    ret, files->item[i], true, named, tokens, e);
	files = &o->certificate_file;
	for (size_t i = 0; r == 0 && i < files->count; i++)
		r = add_named_certificate(ret, files->item[i], tokens, e);
	return r;
}

size_t
identities_usable(const struct identities *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++)
		n += identity_can_sign(&list->item[i]);
	return n;
}

char *
identity_mark(const struct identity *id)
{
	const struct key *k = identity_key(id);
	char *print = k != NULL ? key_fingerprint(k, DIGEST_SHA256) : NULL;
	char *mark;

	if (print == NULL || id->certificate == NULL)
		return print;
	mark = text_format("%s-cert", print);
	free(print);
	return mark;
}

struct identity *
identities_find(const struct identities *list, const char *mark)
{
	for (size_t i = 0; i < list->count; i++) {
		char *its = identity_mark(&list->item[i]);
		bool is_it = its != NULL && strcmp(its, mark) == 0;

		free(its);
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

void
identities_share(struct identities *list, const struct identity *id)
{
	for (size_t i = 0; i < list->count; i++) {
		struct identity *other = &list->item[i];

		if (other->private == NULL && id->private != NULL &&
		    other->path != NULL && strcmp(other->path, id->path) == 0)
			other->private = key_ref(id->private);
	}
}
