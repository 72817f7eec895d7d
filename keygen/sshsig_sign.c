/*
 * sshsig_sign.c - ssh-keygen -Y sign: files, or standard input.
 * Surface notes s5.
 *
 * -f names the key: a private key, its public half or a certificate, which
 * then goes along. An agent that has the key signs; else the private key file
 * beside does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/agent/client.h"
#include "common/base/file.h"
#include "common/key/sshsig.h"
#include "keygen/sshsig.h"

#define SIGNATURE_MODE 0666 /* less the umask */

struct signing {
	const struct options *options;
	enum digest_algorithm hash;
	struct key *named;  /* what goes along */
	struct key *signer; /* with a private half */
	struct agent *agent;
};

/* ---- the key ---- */

/* The public key of -f: a public key file, the public half of a private one,
 * or the .pub beside it. */
static int
load_named(const char *path, struct key **ret, struct error *e)
{
	char *beside = text_format("%s.pub", path);
	struct buf text = BUF_SECRET_INIT;
	struct key *private = NULL, *public = NULL;
	int r = key_public_load(path, ret, e);

	if (r != 0 && file_read(path, KEY_FILE_MAX, &text, NULL) == 0) {
		if (key_private_parse(
			buf_span(&text), NULL, &private, &public, NULL) == 0)
			key_unref(private);
		if (public != NULL) {
			*ret = public;
			r = 0;
		}
	}
	if (r != 0 && beside != NULL && key_public_load(beside, ret, NULL) == 0)
		r = 0;
	buf_release(&text);
	free(beside);
	return r;
}

/* The key in the agent by its certificate, or by itself. */
static int
find_in_agent(struct signing *s, struct error *e)
{
	const struct span wanted[] = { key_blob(s->named),
		key_plain_blob(s->named) };
	struct agent_identities list = { 0 };
	int r;

	if ((r = agent_connect(NULL, &s->agent, e)) != 0)
		return r;
	if ((r = agent_list(s->agent, &list, e)) != 0)
		return r;
	r = ERR_NOT_FOUND;
	for (size_t i = 0; i < ARRAY_COUNT(wanted) && r != 0; i++)
		for (size_t j = 0; j < list.count && r != 0; j++)
			if (span_equal(wanted[i], buf_span(&list.item[j].blob)))
				r = agent_key(s->agent, wanted[i], &s->signer);
	agent_identities_release(&list);
	return r;
}

/* "id.pub" and "id-cert.pub" are of "id". */
static char *
name_of_private(const char *path)
{
	static const char *const endings[] = { "-cert.pub", ".pub" };

	for (size_t i = 0; i < ARRAY_COUNT(endings); i++)
		if (text_ends_with(path, endings[i]))
			return span_dup_text(
			    span_of(path, strlen(path) - strlen(endings[i])));
	return strdup(path);
}

static int
load_signer(struct signing *s)
{
	const struct options *o = s->options;
	char *path = name_of_private(o->file);
	char *question =
	    path != NULL ? text_format("Enter passphrase for \"%s\": ", path)
			 : NULL;
	int status = 0;

	if (question == NULL)
		status = complain(EXIT_FATAL, "out of memory");
	else if (access(path, F_OK) != 0)
		status = complain(EXIT_FATAL,
		    "No private key found for public key \"%s\": it is not in "
		    "an agent, and there is no file %s",
		    o->file, path);
	else if (load_private(o, path, question, &s->signer, NULL) != 0)
		status = EXIT_FATAL;
	else if (s->named == NULL)
		s->named = key_ref(s->signer);
	else if (!span_equal(
		     key_plain_blob(s->named), key_plain_blob(s->signer)))
		status = complain(EXIT_FATAL,
		    "The private key %s is not that of the public key %s", path,
		    o->file);
	free(question);
	free(path);
	return status;
}

static int
find_signer(struct signing *s)
{
	const struct options *o = s->options;
	struct error e = { 0 };
	int r;

	if ((r = load_named(o->file, &s->named, &e)) != 0) {
		s->named = NULL;
		/* An old format may hide its public half. */
		if (r == ERR_NOT_FOUND || o->in_agent)
			return complain(EXIT_FATAL,
			    "Couldn't load public key %s: %s", o->file,
			    r == ERR_NOT_FOUND ? "No such file or directory"
					       : error_message(&e, r));
		return load_signer(s);
	}
	r = find_in_agent(s, &e);
	if (r == 0)
		return 0;
	if (o->in_agent)
		return complain(EXIT_FATAL, "%s%s%s",
		    s->agent == NULL ? "Couldn't get agent socket"
				     : "Couldn't find key in agent",
		    e.text[0] != '\0' ? ": " : "", e.text);
	return load_signer(s);
}

/* ---- signing ---- */

static int
sign_fd(const struct signing *s, int fd, const char *name, struct buf *out)
{
	uint8_t hashed[DIGEST_MAX];
	struct error e = { 0 };
	int r;

	if ((r = sshsig_hash_fd(fd, s->hash, hashed, &e)) == 0)
		r = sshsig_sign(s->signer, s->named, s->options->principals,
		    s->hash, span_of(hashed, digest_size(s->hash)), out);
	if (r != 0)
		return complain(EXIT_FATAL, "Signing %s failed: %s", name,
		    r == ERR_PERMISSION ? "the agent refused"
					: error_message(&e, r));
	return 0;
}

static int
write_signature(const struct signing *s, const char *path, struct span text)
{
	struct error e = { 0 };
	int r;

	/* No is an answer, not a failure. */
	if (!may_overwrite(path))
		return 0;
	if ((r = file_write_atomic(path, text, SIGNATURE_MODE, false, &e)) != 0)
		return complain(EXIT_FATAL, "Cannot write signature to %s: %s",
		    path, error_message(&e, r));
	if (!s->options->is_quiet)
		complain(0, "Write signature to %s", path);
	return 0;
}

static int
sign_file(const struct signing *s, const char *path)
{
	char *to = text_format("%s.sig", path);
	struct buf text = BUF_INIT;
	int status, fd;

	if (!s->options->is_quiet)
		complain(0, "Signing file %s", path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		status = complain(EXIT_FATAL, "Cannot open %s for signing: %s",
		    path, strerror(errno));
	else if (to == NULL)
		status = complain(EXIT_FATAL, "out of memory");
	else if ((status = sign_fd(s, fd, path, &text)) == 0)
		status = write_signature(s, to, buf_span(&text));
	if (fd >= 0)
		close(fd);
	buf_release(&text);
	free(to);
	return status;
}

static int
sign_input(const struct signing *s)
{
	struct buf text = BUF_INIT;
	int status;

	if (!s->options->is_quiet)
		complain(0, "Signing data on standard input");
	status = sign_fd(s, STDIN_FILENO, "(stdin)", &text);
	if (status == 0 && fwrite(text.data, 1, text.len, stdout) != text.len)
		status = complain(EXIT_FATAL, "cannot write the signature");
	buf_release(&text);
	return status;
}

int
sshsig_operation_sign(const struct options *o, const struct sshsig_wishes *w)
{
	struct signing s = { .options = o, .hash = DIGEST_SHA512 };
	struct error e = { 0 };
	int status;

	if (w->hash != NULL && sshsig_find_hash(w->hash, &s.hash, &e) != 0)
		return complain(EXIT_FATAL, "-O hashalg: %s", e.text);
	status = find_signer(&s);
	if (status == 0 && o->argument_count == 0)
		status = sign_input(&s);
	for (int i = 0; i < o->argument_count && status == 0; i++)
		status = strcmp(o->arguments[i], "-") == 0
			     ? sign_input(&s)
			     : sign_file(&s, o->arguments[i]);
	key_unref(s.signer);
	key_unref(s.named);
	agent_close(s.agent);
	return status;
}
