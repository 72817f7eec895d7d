/*
 * krl.c - ssh-keygen -k and -Q: key revocation lists.
 * Surface notes s5.
 */
#include "common/key/krl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/key/certificate.h"
#include "common/key/revocation.h"
#include "keygen/keygen.h"
#include "keygen/krl_specification.h"

#define KEYS_FILE_MAX ((size_t)256 * 1024 * 1024)
#define LIST_MODE     0644

static const char *
shown_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "(standard input)" : path;
}

static int
read_input(const char *path, struct buf *out, struct error *e)
{
	return strcmp(path, "-") == 0
		   ? file_read_fd(STDIN_FILENO, KEYS_FILE_MAX, out, e)
		   : file_read(path, KEYS_FILE_MAX, out, e);
}

/* ---- -k ---- */

static int
set_version(const struct options *o, struct krl *l)
{
	char *end;

	if (o->serial == NULL)
		return 0;
	/* Twenty digits may exceed 64 bits; strtoull then stays at the most,
	 * which only 18446744073709551615 itself is. */
	l->version = strtoull(o->serial, &end, 0);
	if (o->serial[0] < '0' || o->serial[0] > '9' || *end != '\0' ||
	    (l->version == UINT64_MAX &&
		strcmp(o->serial, "18446744073709551615") != 0))
		return complain(EXIT_FATAL,
		    "Invalid version number \"%s\" of a key revocation list",
		    o->serial);
	return 0;
}

/* -s: a public key, a private key with its public half beside it, or "none"
 * for whichever CA. */
static int
load_ca(const char *path, struct krl_specification *s)
{
	char *beside;
	struct error e = { 0 };
	int r;

	if (path == NULL)
		return 0;
	s->has_ca = true;
	if (strcasecmp(path, "none") == 0)
		return 0;
	beside = text_format("%s.pub", path);
	if ((r = key_public_load(path, &s->ca, &e)) != 0 && beside != NULL &&
	    key_public_load(beside, &s->ca, NULL) == 0)
		r = 0;
	free(beside);
	if (r != 0)
		return complain(EXIT_FATAL, "Cannot load CA public key %s: %s",
		    path,
		    r == ERR_NOT_FOUND ? "No such file or directory"
				       : error_message(&e, r));
	return 0;
}

static int
read_list(const char *path, struct krl *l)
{
	struct buf file = BUF_INIT;
	struct error e = { 0 };
	int r, status = 0;

	if ((r = file_read(path, REVOCATION_FILE_MAX, &file, &e)) != 0)
		status = complain(EXIT_FATAL, "Unable to load KRL %s: %s", path,
		    r == ERR_NOT_FOUND ? "No such file or directory"
				       : error_message(&e, r));
	else if ((r = krl_read(l, buf_span(&file), &e)) != 0)
		status = complain(EXIT_FATAL, "Invalid KRL file %s: %s", path,
		    error_message(&e, r));
	buf_release(&file);
	return status;
}

static int
revoke_from(
    const struct options *o, struct krl_specification *s, const char *path)
{
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	int r, status = 0;

	s->name = shown_name(path);
	if (!o->is_quiet)
		printf("Revoking from %s\n", s->name);
	if ((r = read_input(path, &text, &e)) != 0 ||
	    (r = krl_specification_read(s, buf_span(&text), &e)) != 0)
		status = complain(EXIT_FATAL, "%s", error_message(&e, r));
	buf_release(&text);
	return status;
}

static int
write_list(const char *path, struct krl *l)
{
	struct buf file = BUF_INIT;
	struct error e = { 0 };
	int r, status = 0;

	if ((r = krl_write(l, time_wall_s(), &file)) != 0)
		status = complain(
		    EXIT_FATAL, "Couldn't generate KRL: %s", error_text(r));
	else if ((r = file_write_atomic(
		      path, buf_span(&file), LIST_MODE, false, &e)) != 0)
		status = complain(
		    EXIT_FATAL, "write %s: %s", path, error_message(&e, r));
	buf_release(&file);
	return status;
}

static int
make(const struct options *o, struct krl_specification *s)
{
	int status = 0;

	if (o->is_update && access(o->file, F_OK) != 0)
		return complain(
		    EXIT_FATAL, "KRL \"%s\" does not exist", o->file);
	if (o->is_update)
		status = read_list(o->file, s->list);
	if (status == 0)
		status = set_version(o, s->list);
	if (status == 0)
		status = load_ca(o->ca_key, s);
	if (status == 0 && o->comment != NULL &&
	    krl_set_comment(s->list, o->comment) != 0)
		status = complain(EXIT_FATAL, "out of memory");
	for (int i = 0; i < o->argument_count && status == 0; i++)
		status = revoke_from(o, s, o->arguments[i]);
	return status != 0 ? status : write_list(o->file, s->list);
}

int
keygen_krl_make(const struct options *o)
{
	struct krl_specification s = { 0 };
	int status;

	if (o->file == NULL)
		return complain(
		    EXIT_FATAL, "KRL generation requires an output file");
	if ((s.list = krl_new()) == NULL)
		return complain(EXIT_FATAL, "out of memory");
	status = make(o, &s);
	krl_free(s.list);
	key_unref(s.ca);
	return status;
}

/* ---- -Q -l ---- */

static void
print_time(const char *what, uint64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	if (s > INT64_MAX || localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &tm) == 0)
		text_copy(text, sizeof(text), "an unknown time");
	printf("# %s %s\n", what, text);
}

/* What follows the colon of "hash: SHA256:". */
static char *
base64_of(struct span hash)
{
	struct buf b = BUF_INIT;

	base64_write(&b, hash, 0);
	while (b.len > 0 && b.data[b.len - 1] == '=')
		buf_truncate(&b, b.len - 1);
	return buf_take_text(&b);
}

/* A key as "type fingerprint"; of what is no key that we know, the hash. */
static char *
describe_key(struct span blob, bool type_first)
{
	struct reader rd = reader_of(blob);
	char *type = text_escaped(read_string(&rd));
	uint8_t hash[DIGEST_MAX];
	char *print = NULL, *shown = NULL;

	if (digest_of(DIGEST_SHA256, blob, hash) == 0)
		print = base64_of(span_of(hash, KRL_SHA256_SIZE));
	if (type != NULL && print != NULL)
		shown = text_format(
		    type_first ? "%1$s SHA256:%2$s" : "SHA256:%2$s # %1$s",
		    type, print);
	free(type);
	free(print);
	return shown;
}

static void
print_entries(const struct krl *l)
{
	for (size_t i = 0; i < l->keys.count; i++) {
		char *shown = describe_key(krl_item(&l->keys, i), false);

		printf("hash: %s\n", shown != NULL ? shown : "?");
		free(shown);
	}
	for (size_t i = 0; i < l->sha256.count; i++) {
		char *hash = base64_of(krl_item(&l->sha256, i));

		printf("hash: SHA256:%s\n", hash != NULL ? hash : "?");
		free(hash);
	}
	/* No specification can name these; they are shown as comments. */
	for (size_t i = 0; i < l->sha1.count; i++) {
		struct buf hex = BUF_INIT;
		char *text;

		hex_write(&hex, krl_item(&l->sha1, i));
		text = buf_take_text(&hex);
		printf("# hash SHA1:%s\n", text != NULL ? text : "?");
		free(text);
	}
}

static void
print_ca(const struct krl_ca *ca)
{
	char *shown;

	if (ca->blob.len == 0) {
		printf("\n# Wildcard CA\n");
	} else {
		shown = describe_key(buf_span(&ca->blob), true);
		printf("\n# CA key %s\n", shown != NULL ? shown : "?");
		free(shown);
	}
	for (size_t i = 0; i < ca->range_count; i++) {
		printf("serial: %" PRIu64, ca->range[i].first);
		if (ca->range[i].last != ca->range[i].first)
			printf("-%" PRIu64, ca->range[i].last);
		printf("\n");
	}
	for (size_t i = 0; i < ca->key_ids.count; i++) {
		shown = text_escaped(krl_item(&ca->key_ids, i));
		printf("id: %s\n", shown != NULL ? shown : "?");
		free(shown);
	}
}

static void
print_list(const struct krl *l)
{
	char *comment;

	printf("# KRL version %" PRIu64 "\n", l->version);
	print_time("Generated at", l->date);
	if (l->comment != NULL) {
		comment = text_escaped(span_text(l->comment));
		printf("# Comment: %s\n", comment != NULL ? comment : "?");
		free(comment);
	}
	printf("\n");
	print_entries(l);
	for (size_t i = 0; i < l->ca_count; i++)
		print_ca(&l->ca[i]);
}

/* ---- -Q ---- */

static int
judge(const char *path, const struct key *k, struct span comment,
    const struct krl *l, bool *any)
{
	char *shown = text_escaped(comment);
	bool is_revoked = true;
	int r;

	if ((r = krl_check(l, k, &is_revoked)) != 0)
		complain(0, "%s: %s", shown_name(path), error_text(r));
	printf("%s%s%s%s: %s\n", shown_name(path), comment.len > 0 ? " (" : "",
	    shown != NULL ? shown : "?", comment.len > 0 ? ")" : "",
	    is_revoked ? "REVOKED" : "ok");
	free(shown);
	*any |= is_revoked;
	return r == 0 ? 0 : EXIT_FATAL;
}

/* Every line with a key; comments and empty ones are passed over, and a line
 * that is neither could hide a key: it is an error. */
static int
judge_lines(const char *path, struct span text, const struct krl *l, bool *any)
{
	struct span line, comment;
	size_t found = 0;
	int status = 0;
	struct key *k;

	for (size_t n = 1; status == 0 && line_next(&text, &line); n++) {
		size_t blanks = 0;
		int r;

		while (blanks < line.len &&
		       (line.ptr[blanks] == ' ' || line.ptr[blanks] == '\t'))
			blanks++;
		if (blanks == line.len || line.ptr[blanks] == '#')
			continue;
		if ((r = key_find_in_line(line, &k, &comment)) != 0)
			return complain(EXIT_FATAL,
			    "Cannot load public key %s, line %zu: %s",
			    shown_name(path), n, error_text(r));
		status = judge(path, k, comment, l, any);
		key_unref(k);
		found++;
	}
	if (status == 0 && found == 0)
		return complain(EXIT_FATAL,
		    "Cannot load public key %s: there is no key in it",
		    shown_name(path));
	return status;
}

/* A private key is judged by its public half, which needs no passphrase. */
static int
judge_private(
    const char *path, struct span text, const struct krl *l, bool *any)
{
	struct key *k = NULL, *public = NULL;
	struct error e = { 0 };
	int r, status;

	r = key_private_parse(text, NULL, &k, &public, &e);
	if (public == NULL && r == 0)
	public = key_ref(k);
	if (public == NULL)
		status = complain(EXIT_FATAL, "Cannot load public key %s: %s",
		    shown_name(path), error_message(&e, r));
	else
		status = judge(path, public,
		    span_text(r == 0 ? key_comment(k) : ""), l, any);
	if (r == 0)
		key_unref(k);
	key_unref(public);
	return status;
}

static int
judge_file(const char *path, const struct krl *l, bool *any)
{
	static const char mark[] = "PRIVATE KEY-----";
	struct buf text = BUF_SECRET_INIT;
	struct error e = { 0 };
	int r, status;

	if ((r = read_input(path, &text, &e)) != 0)
		status =
		    complain(EXIT_FATAL, "Cannot load public key %s: %s", path,
			r == ERR_NOT_FOUND ? "No such file or directory"
					   : error_message(&e, r));
	else if (text.len > 0 &&
		 memmem(text.data, text.len, mark, sizeof(mark) - 1) != NULL)
		status = judge_private(path, buf_span(&text), l, any);
	else
		status = judge_lines(path, buf_span(&text), l, any);
	buf_release(&text);
	return status;
}

int
keygen_krl_query(const struct options *o)
{
	struct krl *l = krl_new();
	bool any = false;
	int status;

	if (l == NULL)
		return complain(EXIT_FATAL, "out of memory");
	if (o->file == NULL)
		status =
		    complain(EXIT_FATAL, "KRL checking requires an input file");
	else
		status = read_list(o->file, l);
	if (status == 0 && o->with_fingerprint)
		print_list(l);
	for (int i = 0; i < o->argument_count && status == 0; i++)
		status = judge_file(o->arguments[i], l, &any);
	krl_free(l);
	return status != 0 ? status : any ? 1 : 0;
}
