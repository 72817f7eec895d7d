/*
 * known_hosts.c - which host keys we know.
 */
#include "common/hosts/known_hosts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/key/certificate.h"

/* ---- lookup ---- */

struct lookup {
	struct span name;
	struct known_hosts *found;
};

/* Takes key, also on failure. */
static int
add_item(struct known_hosts *found, const struct known_hosts_line *l,
    struct key *key)
{
	struct known_host *grown, *item;

	grown = realloc(found->item, (found->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		key_unref(key);
		return ERR_MEMORY;
	}
	found->item = grown;
	item = &grown[found->count];
	*item = (struct known_host){
		.key = key,
		.marker = l->marker,
		.file = strdup(l->path),
		.line = l->number,
		.names = span_dup_text(l->names),
		.is_hashed = l->is_hashed,
	};
	if (item->file == NULL || item->names == NULL) {
		free(item->file);
		free(item->names);
		key_unref(key);
		return ERR_MEMORY;
	}
	found->count++;
	return 0;
}

static int
on_lookup_line(void *context, const struct known_hosts_line *line)
{
	struct lookup *l = context;
	struct key *key;
	int r;

	if (!known_hosts_line_matches(line, l->name))
		return 0;
	r = known_hosts_line_key(line, &key, NULL);
	if (r == 0)
		return add_item(l->found, line, key);
	if (r != ERR_MEMORY) {
		l->found->bad_lines++;
		r = 0;
	}
	return r;
}

void
known_hosts_release(struct known_hosts *k)
{
	for (size_t i = 0; i < k->count; i++) {
		key_unref(k->item[i].key);
		free(k->item[i].file);
		free(k->item[i].names);
	}
	free(k->item);
	*k = (struct known_hosts){ 0 };
}

int
known_hosts_lookup(const char *path, const char *name,
    struct known_hosts *found, struct error *e)
{
	struct lookup l = { span_text(name), found };
	int r;

	r = known_hosts_walk(path, on_lookup_line, &l, e);
	if (r == ERR_MEMORY)
		error_set(e, r, "%s", error_text(r));
	return r;
}

int
known_hosts_lookup_text(struct span text, const char *path, const char *name,
    struct known_hosts *found)
{
	struct lookup l = { span_text(name), found };

	return known_hosts_walk_text(text, path, on_lookup_line, &l);
}

enum known_hosts_verdict
known_hosts_check(const struct known_hosts *found, const struct key *k,
    const struct known_host **ret_line)
{
	enum known_hosts_verdict verdict = KNOWN_HOSTS_NEW;
	const struct known_host *line = NULL;

	for (size_t i = 0; i < found->count; i++) {
		const struct known_host *h = &found->item[i];
		bool equal = key_equal(h->key, k);
		enum known_hosts_verdict v;

		if (h->marker == KNOWN_HOST_CA ||
		    (h->marker == KNOWN_HOST_REVOKED && !equal))
			continue;
		/* A key of the same type that differs weighs more than one
		 * of another type; the very key more than both. */
		if (h->marker == KNOWN_HOST_REVOKED)
			v = KNOWN_HOSTS_REVOKED;
		else if (equal)
			v = KNOWN_HOSTS_OK;
		else if (key_row(h->key) == key_row(k))
			v = KNOWN_HOSTS_CHANGED;
		else
			v = KNOWN_HOSTS_NEW_TYPE;
		if (line == NULL || v == KNOWN_HOSTS_REVOKED ||
		    (v == KNOWN_HOSTS_OK && verdict != KNOWN_HOSTS_REVOKED) ||
		    (v == KNOWN_HOSTS_CHANGED &&
			verdict == KNOWN_HOSTS_NEW_TYPE)) {
			verdict = v;
			line = h;
		}
	}
	if (ret_line != NULL)
		*ret_line = line;
	return verdict;
}

enum known_hosts_verdict
known_hosts_check_authority(const struct known_hosts *found,
    const struct key *certificate, const struct known_host **ret_line)
{
	const struct key *ca = key_certificate(certificate)->ca;
	enum known_hosts_verdict verdict = KNOWN_HOSTS_NEW;

	for (size_t i = 0; i < found->count; i++) {
		const struct known_host *h = &found->item[i];
		bool is_ca = key_equal(h->key, ca);

		if (h->marker == KNOWN_HOST_REVOKED &&
		    (is_ca || span_equal(key_blob(h->key),
				  key_plain_blob(certificate)))) {
			*ret_line = h;
			return KNOWN_HOSTS_REVOKED;
		}
		if (h->marker == KNOWN_HOST_CA && is_ca &&
		    verdict == KNOWN_HOSTS_NEW) {
			*ret_line = h;
			verdict = KNOWN_HOSTS_OK;
		}
	}
	return verdict;
}

/* ---- other names of a key ---- */

struct name_search {
	struct buf key_text; /* "type base64" */
	struct strings *names;
};

static int
on_name_line(void *context, const struct known_hosts_line *line)
{
	struct name_search *s = context;
	char *names, *text;

	/* A key has one text; lines with odd blanks are not found, which
	 * costs a hint, nothing more. */
	if (line->kind != KNOWN_HOSTS_ENTRY ||
	    line->marker != KNOWN_HOST_PLAIN ||
	    line->key.len < s->key_text.len ||
	    memcmp(line->key.ptr, s->key_text.data, s->key_text.len) != 0)
		return 0;
	if (line->is_hashed)
		return strings_take(
		    s->names, text_format("%s:%lu: [hashed name]", line->path,
				  line->number));
	if ((names = text_escaped(line->names)) == NULL)
		return ERR_MEMORY;
	text = text_format("%s:%lu: %s", line->path, line->number, names);
	free(names);
	return strings_take(s->names, text);
}

int
known_hosts_names_of_key(
    const char *path, const struct key *k, struct strings *ret_names)
{
	struct name_search s = { BUF_INIT, ret_names };
	char *text = key_public_line(k, NULL);
	int r = ERR_MEMORY;

	if (text != NULL) {
		write_span(&s.key_text, span_text(text));
		if ((r = buf_error(&s.key_text)) == 0)
			r = known_hosts_walk(path, on_name_line, &s, NULL);
	}
	buf_release(&s.key_text);
	free(text);
	return r;
}

/* ---- adding ---- */

static int
make_directory_of(const char *path, struct error *e)
{
	char *directory = path_directory(path);
	int r;

	if (directory == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	r = path_make_directory(directory, 0700, e);
	free(directory);
	return r;
}

/* Does the file end in the middle of a line? */
static bool
lacks_newline(int fd, off_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int
append_line(const char *path, const char *line, struct error *e)
{
	struct buf b = BUF_INIT;
	struct stat st;
	int fd, r;

	fd = known_hosts_open(path, O_RDWR | O_APPEND | O_CREAT);
	if (fd < 0)
		return error_set_errno(e, "%s", path);
	if (fstat(fd, &st) != 0) {
		r = error_set_errno(e, "%s", path);
		goto out;
	}
	/* One write at the end, so that several clients may add at once. */
	buf_printf(
	    &b, "%s%s\n", lacks_newline(fd, st.st_size) ? "\n" : "", line);
	if ((r = buf_error(&b)) == 0 &&
	    (r = fd_write_all(fd, b.data, b.len)) != 0) {
		r = error_set_errno(e, "%s", path);
		/* A full disk must not leave half a line. */
		IGNORE_RESULT(ftruncate(fd, st.st_size));
	}
out:
	buf_release(&b);
	close(fd);
	return r;
}

int
known_hosts_add(const char *path, const char *name, const struct key *k,
    bool hash, struct error *e)
{
	char *names = hash ? known_hosts_hash(name) : strdup(name);
	char *key = key_public_line(k, NULL);
	char *line = NULL;
	int r;

	if (names != NULL && key != NULL)
		line = text_format("%s %s", names, key);
	if (line == NULL)
		r = error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	else if ((r = make_directory_of(path, e)) == 0)
		r = append_line(path, line, e);
	free(line);
	free(key);
	free(names);
	return r;
}

/* ---- order of algorithms ---- */

enum rank {
	RANK_CERTIFICATE, /* where a CA is known */
	RANK_KNOWN,
	RANK_OTHER,
	RANK_COUNT
};

static enum rank
rank_of(const struct known_hosts *found, struct span algorithm)
{
	const struct signature_algorithm *a = signature_find(algorithm);
	enum rank rank = RANK_OTHER;

	for (size_t i = 0; a != NULL && i < found->count; i++) {
		const struct known_host *h = &found->item[i];

		if (h->marker == KNOWN_HOST_CA &&
		    signature_is_of_certificate(a))
			return RANK_CERTIFICATE;
		if (h->marker == KNOWN_HOST_PLAIN &&
		    strcmp(key_type_name(h->key), a->key_type) == 0)
			rank = RANK_KNOWN;
	}
	return rank;
}

char *
known_hosts_order_algorithms(const struct known_hosts *found, const char *list)
{
	struct buf b = BUF_INIT;

	for (int rank = 0; rank < RANK_COUNT; rank++) {
		struct span rest = span_text(list), name;

		while (list_next(&rest, &name)) {
			if ((int)rank_of(found, name) != rank)
				continue;
			if (b.len > 0)
				write_byte(&b, ',');
			write_span(&b, name);
		}
	}
	return buf_take_text(&b);
}
