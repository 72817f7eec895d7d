/*
 * add_keys.c - ssh-add: adding keys from files, with their certificates.
 * Messages: surface notes s6.
 *
 * Holds secrets: keys and passphrases, wiped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/add.h"
#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "common/key/key_file.h"

/* A certificate goes this long after its end: the clocks of this machine and
 * of the one where it is shown differ. */
#define GRACE_S 300

/* The passphrase that was typed last: it is tried for the files that
 * follow. NULL: none. */
struct typed {
	char *passphrase;
};

/* ---- loading ---- */

/* The contents of standard input, or of the file by the loader. */
struct source {
	const char *path;
	bool is_input;
	struct buf text; /* of the input */
};

static int
load_by(const struct source *s, const char *passphrase, struct key **ret,
    struct error *e)
{
	*e = (struct error){ 0 };
	if (s->is_input)
		return key_private_parse(
		    buf_span(&s->text), passphrase, ret, NULL, e);
	return key_private_load(s->path, passphrase, ret, NULL, e);
}

static int
cannot_load(const struct source *s, int r, const struct error *e)
{
	struct stat st;
	char *box;

	if (r == ERR_NOT_FOUND)
		return complain("%s: %s", s->path, strerror(ENOENT));
	if (r == ERR_PERMISSION && stat(s->path, &st) == 0 &&
	    st.st_uid == getuid() && (st.st_mode & 077) != 0) {
		box = key_file_permissions_box(s->path, st.st_mode);
		fputs(box == NULL ? "" : box, stderr);
		free(box);
		return EXIT_FAILED;
	}
	return complain(
	    "Error loading key \"%s\": %s", s->path, error_message(e, r));
}

/* Asks until the passphrase fits, or is empty, or nobody answers. */
static int
load_by_asking(const struct add_options *o, const struct source *s,
    struct typed *typed, struct key **ret, struct error *e)
{
	const char *confirm =
	    o->constraints.confirm ? " (will confirm each use)" : "";
	const char *form = "Enter passphrase for ";
	int r = ERR_PASSPHRASE;

	while (r == ERR_PASSPHRASE) {
		char *question =
		    text_format("%s%s%s: ", form, s->path, confirm);
		char *answer = question == NULL ? NULL : add_ask(question);

		free(question);
		if (answer == NULL || answer[0] == '\0') {
			secret_free_text(answer);
			return ERR_CANCELLED;
		}
		secret_free_text(typed->passphrase);
		typed->passphrase = answer;
		r = load_by(s, answer, ret, e);
		form = "Bad passphrase, try again for ";
	}
	return r;
}

static int
load(const struct add_options *o, const struct source *s, struct typed *typed,
    struct key **ret)
{
	struct error e = { 0 };
	int r = load_by(s, "", ret, &e);

	if (r == ERR_PASSPHRASE && typed->passphrase != NULL)
		r = load_by(s, typed->passphrase, ret, &e);
	if (r == ERR_PASSPHRASE)
		r = load_by_asking(o, s, typed, ret, &e);
	if (r == ERR_CANCELLED)
		return EXIT_FAILED; /* said, or a person's wish */
	return r == 0 ? 0 : cannot_load(s, r, &e);
}

static int
read_input(struct source *s)
{
	struct error e = { 0 };
	int r = file_read_fd(STDIN_FILENO, KEY_FILE_MAX, &s->text, &e);

	if (r != 0)
		return complain("%s: %s", s->path, error_message(&e, r));
	return 0;
}

/* ---- adding ---- */

void
add_tell_constraints(
    const struct add_options *o, const struct agent_constraints *c)
{
	uint32_t s = c->lifetime_s;

	if (s != 0)
		tell(o, "Lifetime set to %02u:%02u:%02u", (unsigned)(s / 3600),
		    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	if (c->confirm)
		tell(o, "The user must confirm each use of the key");
}

const char *
add_security_provider(const struct add_options *o)
{
	return o->sk_provider != NULL && o->sk_provider[0] != '\0'
		   ? o->sk_provider
		   : "internal";
}

/* The constraints of a key of the options: security keys bring theirs. */
static struct agent_constraints
constraints_for(const struct add_options *o, const struct key *k)
{
	struct agent_constraints c = o->constraints; /* borrowed parts */

	if (key_is_security_key(k))
		c.sk_provider = (char *)add_security_provider(o);
	return c;
}

static int
add_plain(struct agent *a, const struct add_options *o, const char *path,
    const struct key *k, const char *comment)
{
	struct agent_constraints c = constraints_for(o, k);
	struct error e = { 0 };
	int r = agent_add(a, k, NULL, comment, &c, &e);

	if (r != 0)
		return complain("Could not add identity \"%s\": %s", path,
		    error_message(&e, r));
	tell(o, "Identity added: %s (%s)", path, comment);
	add_tell_constraints(o, &c);
	return 0;
}

/* Shortens the lifetime to the certificate's. false: it is over. */
static bool
limit_lifetime(
    const struct certificate *certificate, struct agent_constraints *c)
{
	uint64_t end = certificate->valid_before, now = time_wall_s();

	if (end == CERTIFICATE_FOREVER || end > UINT64_MAX - GRACE_S)
		return true;
	end += GRACE_S;
	if (end <= now)
		return false;
	if (end - now < UINT32_MAX &&
	    (c->lifetime_s == 0 || c->lifetime_s > end - now))
		c->lifetime_s = (uint32_t)(end - now);
	return true;
}

static int
add_with_certificate(struct agent *a, const struct add_options *o,
    const char *path, const struct key *k, const struct key *certificate,
    const char *comment)
{
	struct agent_constraints c = constraints_for(o, k);
	struct error e = { 0 };
	int r;

	if (!o->no_expiry &&
	    !limit_lifetime(key_certificate(certificate), &c)) {
		complain("Certificate %s has expired; it is not added (-N adds "
			 "it)",
		    path);
		return 0;
	}
	r = agent_add(a, k, certificate, comment, &c, &e);
	if (r != 0)
		return complain("Could not add certificate \"%s\": %s", path,
		    error_message(&e, r));
	tell(o, "Certificate added: %s (%s)", path,
	    key_certificate(certificate)->key_id);
	add_tell_constraints(o, &c);
	return 0;
}

static int
add_certificate(struct agent *a, const struct add_options *o,
    const char *key_path, const char *path, const struct key *k,
    const char *comment)
{
	struct error e = { 0 };
	struct key *certificate;
	int r = key_public_load(path, &certificate, &e);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r != 0)
		return complain("Failed to load certificate \"%s\": %s", path,
		    error_message(&e, r));
	if (key_certificate(certificate) == NULL ||
	    !span_equal(key_plain_blob(certificate), key_blob(k)))
		r = complain("Certificate %s does not match private key %s",
		    path, key_path);
	else
		r = add_with_certificate(a, o, path, k, certificate, comment);
	key_unref(certificate);
	return r;
}

/* The certificate beside a key, if there is one. */
static int
add_beside(struct agent *a, const struct add_options *o, const char *key_path,
    const struct key *k, const char *comment)
{
	char *path = add_certificate_path(key_path);
	int status;

	if (path == NULL)
		return complain("out of memory");
	status = add_certificate(a, o, key_path, path, k, comment);
	free(path);
	return status;
}

static int
add_loaded(struct agent *a, const struct add_options *o, const struct source *s,
    const struct key *k)
{
	const char *comment = key_comment(k);
	int status = 0;

	if (comment[0] == '\0')
		comment = s->path;
	if (!o->certificates_only)
		status = add_plain(a, o, s->path, k, comment);
	if (status != 0 || o->keys_only || s->is_input)
		return status;
	return add_beside(a, o, s->path, k, comment);
}

static struct typed typed; /* of this run of the program */

static int
add_file(struct agent *a, const struct add_options *o, const char *path)
{
	struct source s = { .path = path, .text = BUF_SECRET_INIT };
	struct key *k;
	int status = 0;

	if (strcmp(path, "-") == 0) {
		s.path = "(stdin)";
		s.is_input = true;
		status = read_input(&s);
	}
	if (status == 0 && (status = load(o, &s, &typed, &k)) == 0) {
		status = add_loaded(a, o, &s, k);
		key_unref(k);
	}
	buf_release(&s.text);
	return status;
}

int
add_keys(struct agent *a, const struct add_options *o)
{
	int status = add_each_file(a, o, add_file);

	secret_free_text(typed.passphrase);
	typed.passphrase = NULL;
	return status;
}
