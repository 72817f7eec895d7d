/*
 * known_hosts.c - ssh-keygen -F, -H and -R: finding, hashing and removing the
 * hosts of a known_hosts file.
 * surface notes s5.
 *
 * A file in which a line is damaged is not changed at all: what a person
 * meant by that line nobody can know. Lines with markers stay as they are:
 * they say more than that a host has a key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "common/hosts/known_hosts_file.h"
#include "keygen/keygen.h"

struct search {
	const struct options *o;
	const char *path;
	char *name; /* to look up; owned */
	unsigned long found;
	unsigned long changes; /* lines that would be written anew */
	bool is_invalid;
};

/* ---- the file ---- */

/* -f, or the account's; fresh text, NULL after saying why. */
static char *
file_path(const struct options *o)
{
	char *path, *folder;
	struct stat st;

	if (o->file != NULL) {
		path = strdup(o->file);
	} else {
		/* The folder of the keys is that of known_hosts. */
		if ((folder = default_path("ed25519")) == NULL)
			return NULL;
		*strrchr(folder, '/') = '\0';
		path = text_format("%s/known_hosts", folder);
		free(folder);
	}
	if (path == NULL) {
		complain(0, "out of memory");
	} else if (stat(path, &st) != 0) {
		complain(0, "Cannot stat %s: %s", path, strerror(errno));
		free(path);
		path = NULL;
	}
	return path;
}

/* "[host]:port" goes as it is, in lower case. */
static int
begin_search(const struct options *o, const char *path, struct search *s)
{
	*s = (struct search){ .o = o, .path = path };
	if (o->host == NULL)
		return 0;
	if ((s->name = known_hosts_name(o->host, 0)) == NULL)
		return complain(EXIT_FATAL, "out of memory");
	return 0;
}

static int
walk(struct search *s, known_hosts_visitor *visit)
{
	struct error e = { 0 };
	int r = known_hosts_walk(s->path, visit, s, &e);

	if (r != 0)
		return complain(EXIT_FATAL, "%s", error_message(&e, r));
	return 0;
}

static void
print_found(const struct search *s, const struct known_hosts_line *l)
{
	static const char *const marks[] = {
		[KNOWN_HOST_PLAIN] = "",
		[KNOWN_HOST_CA] = "CA",
		[KNOWN_HOST_REVOKED] = "REVOKED",
	};

	if (!s->o->is_quiet)
		printf("# Host %s found: line %lu %s\n", s->o->host, l->number,
		    marks[l->marker]);
}

static bool
concerns(const struct search *s, const struct known_hosts_line *l)
{
	return l->kind == KNOWN_HOSTS_ENTRY &&
	       known_hosts_line_matches(l, span_text(s->name));
}

static bool
has_pattern(struct span names)
{
	struct span name;

	while (list_next(&names, &name))
		if (known_hosts_is_pattern(name))
			return true;
	return false;
}

/* Each of the names hashed, on a line of its own. */
static int
write_hashed(const struct known_hosts_line *l, struct buf *out)
{
	struct span rest = l->names, name;

	while (list_next(&rest, &name)) {
		char *text = span_dup_text(name), *lower = NULL, *hash = NULL;

		/* A lookup is in lower case. */
		if (text != NULL && (lower = text_lower(text)) != NULL)
			hash = known_hosts_hash(lower);
		free(text);
		free(lower);
		if (hash == NULL)
			return ERR_MEMORY;
		buf_printf(out, "%s ", hash);
		write_span(out, l->key);
		write_byte(out, '\n');
		free(hash);
	}
	return buf_error(out);
}

/* ---- -F ---- */

static int
show_fingerprint(const struct search *s, const struct known_hosts_line *l)
{
	struct span comment = span_of(NULL, 0);
	char *fingerprint, *art;
	struct buf shown = BUF_INIT;
	struct key *k;

	if (known_hosts_line_key(l, &k, &comment) != 0) {
		complain(0, "%s:%lu: not a key that is known here", l->path,
		    l->number);
		return 0;
	}
	fingerprint = key_fingerprint(k, s->o->hash);
	art = key_randomart(k, s->o->hash);
	text_escape(&shown, comment, true);
	if (fingerprint != NULL && art != NULL && buf_error(&shown) == 0) {
		printf("%s %s %s%s%.*s\n", s->o->host, key_row(k)->short_name,
		    fingerprint, shown.len > 0 ? " " : "", (int)shown.len,
		    shown.len > 0 ? (const char *)shown.data : "");
		if (s->o->verbosity > 0)
			printf("%s\n", art);
	}
	buf_release(&shown);
	free(fingerprint);
	free(art);
	key_unref(k);
	return 0;
}

static int
on_find(void *context, const struct known_hosts_line *l)
{
	struct search *s = context;
	struct buf hashed = BUF_INIT;
	int r = 0;

	if (!concerns(s, l))
		return 0;
	s->found++;
	print_found(s, l);
	if (s->o->with_fingerprint)
		return show_fingerprint(s, l);
	if (s->o->is_hashed && !l->is_hashed && l->marker == KNOWN_HOST_PLAIN &&
	    !has_pattern(l->names)) {
		r = write_hashed(l, &hashed);
		fwrite(hashed.data, 1, hashed.len, stdout);
		buf_release(&hashed);
	} else {
		fwrite(l->text.ptr, 1, l->text.len, stdout);
		putchar('\n');
	}
	return r;
}

int
keygen_find_host(const struct options *o)
{
	char *path = file_path(o);
	struct search s;
	int status;

	if (path == NULL)
		return EXIT_FATAL;
	if ((status = begin_search(o, path, &s)) == 0 &&
	    (status = walk(&s, on_find)) == 0)
		status = s.found > 0 ? 0 : EXIT_USAGE;
	free(s.name);
	free(path);
	return status;
}

/* ---- rewriting, common to -H and -R ---- */

/* Up to the next blank; the rest stays. */
static struct span
take_word(struct span *rest)
{
	size_t n = 0;
	struct span word;

	while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
		n++;
	word = span_of(rest->ptr, n);
	while (n < rest->len && (rest->ptr[n] == ' ' || rest->ptr[n] == '\t'))
		n++;
	*rest = span_of(rest->ptr + n, rest->len - n);
	return word;
}

/*
 * Is there a type and a blob of that type? Its numbers are not looked at: that
 * would take seconds for a large file, and a type that is unknown here may be
 * known elsewhere.
 */
static bool
has_key(const struct known_hosts_line *l)
{
	struct span rest = l->key;
	struct span type = take_word(&rest), text = take_word(&rest);
	struct buf blob = BUF_INIT;
	struct reader rd;
	bool ok = false;

	if (base64_read(&blob, text) == 0) {
		rd = reader_of(buf_span(&blob));
		ok = span_equal(read_string(&rd), type) &&
		     read_error(&rd) == 0 && type.len > 0;
	}
	buf_release(&blob);
	return ok;
}

static int
on_check(void *context, const struct known_hosts_line *l)
{
	struct search *s = context;

	if (l->kind == KNOWN_HOSTS_COMMENT ||
	    (l->kind == KNOWN_HOSTS_ENTRY && has_key(l)))
		return 0;
	complain(0, "%s:%lu: invalid line", s->path, l->number);
	s->is_invalid = true;
	return 0;
}

static int
refuse_invalid(const struct search *s)
{
	if (!s->is_invalid)
		return 0;
	complain(0, "%s is not a valid known_hosts file.", s->path);
	return complain(EXIT_USAGE,
	    "Not replacing existing known_hosts file because of errors");
}

static int
rewrite(struct search *s, known_hosts_editor *edit)
{
	struct known_hosts_rewrite w = {
		.edit = edit, .context = s, .keep_old = true
	};
	struct error e = { 0 };
	bool changed = false;
	int r = known_hosts_rewrite(s->path, &w, &changed, &e);

	if (r != 0)
		return complain(EXIT_FATAL, "%s", error_message(&e, r));
	printf("%s updated.\n", s->path);
	if (changed)
		printf("Original contents retained as %s.old\n", s->path);
	return 0;
}

/* ---- -H ---- */

static int
on_hash(void *context, const struct known_hosts_line *l, struct buf *out)
{
	struct search *s = context;
	int r;

	if (l->kind != KNOWN_HOSTS_ENTRY || l->is_hashed ||
	    l->marker != KNOWN_HOST_PLAIN)
		return KNOWN_HOSTS_KEEP;
	if (has_pattern(l->names)) {
		complain(0, "%s:%lu: ignoring host name with wildcard: %.*s",
		    s->path, l->number, (int)l->names.len,
		    (const char *)l->names.ptr);
		return KNOWN_HOSTS_KEEP;
	}
	s->changes++;
	if ((r = write_hashed(l, out)) != 0)
		return r;
	return KNOWN_HOSTS_REPLACE;
}

int
keygen_hash_hosts(const struct options *o)
{
	char *path = file_path(o);
	struct search s;
	int status;

	if (path == NULL)
		return EXIT_FATAL;
	if ((status = begin_search(o, path, &s)) == 0 &&
	    (status = walk(&s, on_check)) == 0 &&
	    (status = refuse_invalid(&s)) == 0 &&
	    (status = rewrite(&s, on_hash)) == 0 && s.changes > 0) {
		complain(0, "WARNING: %s.old contains unhashed entries", path);
		complain(0, "Delete this file to ensure privacy of hostnames");
	}
	free(s.name);
	free(path);
	return status;
}

/* ---- -R ---- */

static bool
is_to_go(const struct search *s, const struct known_hosts_line *l)
{
	return l->marker == KNOWN_HOST_PLAIN && concerns(s, l);
}

static int
on_check_remove(void *context, const struct known_hosts_line *l)
{
	struct search *s = context;

	if (is_to_go(s, l)) {
		s->found++;
		if (!s->o->is_quiet)
			printf("# Host %s found: line %lu\n", s->o->host,
			    l->number);
	}
	return on_check(context, l);
}

static int
on_remove(void *context, const struct known_hosts_line *l, struct buf *out)
{
	return is_to_go(context, l) ? KNOWN_HOSTS_REPLACE : KNOWN_HOSTS_KEEP;
}

int
keygen_remove_host(const struct options *o)
{
	char *path = file_path(o);
	struct search s;
	int status;

	if (path == NULL)
		return EXIT_FATAL;
	if ((status = begin_search(o, path, &s)) == 0 &&
	    (status = walk(&s, on_check_remove)) == 0 &&
	    (status = refuse_invalid(&s)) == 0) {
		if (s.found == 0)
			complain(0, "Host %s not found in %s", o->host, path);
		else
			status = rewrite(&s, on_remove);
	}
	free(s.name);
	free(path);
	return status;
}
