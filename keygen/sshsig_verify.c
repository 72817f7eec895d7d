/*
 * sshsig_verify.c - ssh-keygen -Y verify, check-novalidate, find-principals,
 * match-principals. Surface notes s5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/key/allowed_signers.h"
#include "common/key/certificate.h"
#include "common/key/revocation.h"
#include "common/key/sshsig.h"
#include "keygen/sshsig.h"

enum {
	EXIT_NO_MATCH = 210 /* match-principals alone */
};

static int
load_signature(const char *path, struct sshsig *ret)
{
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	int r = file_read(path, SSHSIG_TEXT_MAX, &text, &e);

	if (r != 0)
		complain(0, "Couldn't read signature file: %s",
		    r == ERR_NOT_FOUND ? "No such file or directory"
				       : error_message(&e, r));
	else if ((r = sshsig_parse(buf_span(&text), ret, &e)) != 0)
		complain(0, "%s", error_message(&e, r));
	buf_release(&text);
	return r;
}

static int
load_signers(const char *path, struct buf *text)
{
	struct error e = { 0 };
	int r = file_read(path, ALLOWED_SIGNERS_MAX, text, &e);

	if (r != 0)
		complain(0, "Unable to open allowed keys file \"%s\": %s", path,
		    r == ERR_NOT_FOUND ? "No such file or directory"
				       : error_message(&e, r));
	return r;
}

/* ---- going through the lines ---- */

struct signers {
	const char *path;
	struct span rest;
	unsigned long line;
};

/* The next line that is in order; those that are not are told. */
static bool
signers_next(struct signers *f, struct allowed_signer *ret)
{
	struct span line;

	while (line_next(&f->rest, &line)) {
		struct error e = { 0 };
		int r;

		f->line++;
		if ((r = allowed_signer_parse(line, ret, &e)) == 0)
			return true;
		if (r != ERR_NOT_FOUND)
			complain(0, "%s:%lu: %s", f->path, f->line,
			    error_message(&e, r));
	}
	return false;
}

/* Tells why a line about this key does not let it count. */
static void
tell(const struct signers *f, int r, const struct error *e)
{
	if (r != 0 && r != ERR_NOT_FOUND)
		complain(
		    0, "%s:%lu: %s", f->path, f->line, error_message(e, r));
}

static void
print_escaped(const char *text)
{
	struct buf b = BUF_INIT;
	char *shown;

	text_escape(&b, span_text(text), true);
	shown = buf_take_text(&b);
	printf("%s\n", shown != NULL ? shown : "?");
	free(shown);
}

/* ---- verify, check-novalidate ---- */

static bool
is_allowed(const struct options *o, const struct sshsig_wishes *w,
    const struct sshsig *s)
{
	struct signers f = { .path = o->file };
	struct buf text = BUF_INIT;
	struct allowed_signer a;
	bool allowed = false;

	if (load_signers(o->file, &text) != 0) {
		buf_release(&text);
		return false;
	}
	f.rest = buf_span(&text);
	while (!allowed && signers_next(&f, &a)) {
		struct error e = { 0 };
		int r = allowed_signer_check(
		    &a, s->key, o->key_id, w->verify_time, NULL, &e);

		if (r == 0)
			r = allowed_signer_check_namespace(
			    &a, o->principals, &e);
		tell(&f, r, &e);
		allowed = r == 0;
		allowed_signer_release(&a);
	}
	if (!allowed)
		complain(0, "No line of %s lets this key sign for \"%s\"",
		    o->file, o->key_id);
	buf_release(&text);
	return allowed;
}

static bool
is_good_key(const struct options *o, const struct key *k)
{
	struct error e = { 0 };
	bool is_revoked;

	if (o->record_name == NULL)
		return true;
	if (revocation_check(o->record_name, k, &is_revoked, &e) != 0) {
		complain(0, "%s; no key counts", error_message(&e, e.code));
		return false;
	}
	if (is_revoked)
		complain(0, "The key is revoked by %s", o->record_name);
	return !is_revoked;
}

/* The signature over standard input. */
static bool
is_good_signature(const char *namespace, const struct sshsig *s)
{
	uint8_t hashed[DIGEST_MAX];
	struct error e = { 0 };
	int r;

	if ((r = sshsig_hash_fd(STDIN_FILENO, s->hash, hashed, &e)) == 0)
		r = sshsig_verify(
		    s, namespace, span_of(hashed, digest_size(s->hash)), &e);
	if (r != 0)
		complain(0, "%s", error_message(&e, r));
	return r == 0;
}

static void
announce(const struct options *o, const struct sshsig *s, const char *who)
{
	char *fingerprint =
	    key_fingerprint(s->key, o->has_hash ? o->hash : DIGEST_SHA256);
	char *namespace = text_escaped(span_text(o->principals));
	char *shown = who != NULL ? text_escaped(span_text(who)) : NULL;

	if (fingerprint != NULL && namespace != NULL)
		printf("Good \"%s\" signature%s%s with %s key %s\n", namespace,
		    shown != NULL ? " for " : "", shown != NULL ? shown : "",
		    key_row(s->key)->short_name, fingerprint);
	free(fingerprint);
	free(namespace);
	free(shown);
}

static void
print_public(const struct key *k)
{
	char *line = key_public_line(k, NULL);

	printf("%s\n", line != NULL ? line : "?");
	free(line);
}

static int
judge(const struct options *o, const struct sshsig_wishes *w, const char *who)
{
	struct sshsig s = { 0 };
	bool good = false;

	if (load_signature(o->ca_key, &s) == 0)
		good = is_good_signature(o->principals, &s) &&
		       is_good_key(o, s.key) &&
		       (who == NULL || is_allowed(o, w, &s));
	if (good && !o->is_quiet)
		announce(o, &s, who);
	if (good && w->print_public)
		print_public(s.key);
	if (!good && !o->is_quiet)
		printf("Could not verify signature.\n");
	sshsig_release(&s);
	return good ? 0 : EXIT_FATAL;
}

int
sshsig_operation_verify(const struct options *o, const struct sshsig_wishes *w)
{
	return judge(o, w, o->key_id);
}

int
sshsig_operation_check(const struct options *o, const struct sshsig_wishes *w)
{
	return judge(o, w, NULL);
}

/* ---- find-principals, match-principals ---- */

int
sshsig_operation_find(const struct options *o, const struct sshsig_wishes *w)
{
	struct strings found = STRINGS_INIT;
	struct signers f = { .path = o->file };
	struct buf text = BUF_INIT;
	struct allowed_signer a;
	struct sshsig s = { 0 };
	int status = 0;

	if (load_signature(o->ca_key, &s) != 0)
		return EXIT_FATAL;
	if (load_signers(o->file, &text) == 0)
		f.rest = buf_span(&text);
	while (signers_next(&f, &a)) {
		struct error e = { 0 };

		tell(&f,
		    allowed_signer_check(
			&a, s.key, NULL, w->verify_time, &found, &e),
		    &e);
		allowed_signer_release(&a);
	}
	for (size_t i = 0; i < found.count; i++)
		print_escaped(found.item[i]);
	if (found.count == 0)
		status = complain(EXIT_FATAL, "No principal matched.");
	buf_release(&text);
	sshsig_release(&s);
	strings_release(&found);
	return status;
}

int
sshsig_operation_match(const struct options *o, const struct sshsig_wishes *w)
{
	struct signers f = { .path = o->file };
	struct buf text = BUF_INIT;
	struct allowed_signer a;
	bool any = false;

	if (load_signers(o->file, &text) != 0) {
		buf_release(&text);
		return EXIT_FATAL;
	}
	f.rest = buf_span(&text);
	while (signers_next(&f, &a)) {
		if (allowed_signer_names(&a, o->key_id)) {
			print_escaped(a.principals);
			any = true;
		}
		allowed_signer_release(&a);
	}
	buf_release(&text);
	return any ? 0 : complain(EXIT_NO_MATCH, "No principal matched.");
}
