/*
 * known_hosts.c - which host keys we know.
 *
 * A file is read in large pieces, and lines are judged where they lie in the
 * piece. (Mapping the file would save one copy of some milliseconds for
 * 200,000 lines, but a file that an editor truncates meanwhile would then
 * kill us.) A hashed name costs four SHA-1 compressions and two base64
 * strings of 28 characters; nothing is allocated for a line that does not
 * match.
 */
#include "common/hosts/known_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"

#define HASH_PREFIX  "|1|"
#define HASH_SIZE    20
#define HASH_BASE64  28 /* 20 bytes with one '=' */
#define PIECE        (256 * 1024)
#define LINE_MAX_LEN (1024 * 1024)

/* A line's fields, borrowed. */
struct fields {
	enum known_host_marker marker;
	struct span names;
	struct span key; /* type, base64, comment */
};

/* ---- lines ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span
take_field(struct span *s)
{
	size_t n = 0;
	struct span field;

	while (n < s->len && !is_blank(s->ptr[n]))
		n++;
	field = span_of(s->ptr, n);
	while (n < s->len && is_blank(s->ptr[n]))
		n++;
	*s = span_of(s->ptr + n, s->len - n);
	return field;
}

/* False for comments, empty lines, unknown markers, lines without a key. */
static bool
split_line(struct span line, struct fields *f)
{
	while (line.len > 0 && is_blank(line.ptr[0]))
		line = span_of(line.ptr + 1, line.len - 1);
	if (line.len == 0 || line.ptr[0] == '#')
		return false;
	f->marker = KNOWN_HOST_PLAIN;
	if (line.ptr[0] == '@') {
		struct span marker = take_field(&line);

		if (span_is(marker, "@cert-authority"))
			f->marker = KNOWN_HOST_CA;
		else if (span_is(marker, "@revoked"))
			f->marker = KNOWN_HOST_REVOKED;
		else
			return false;
	}
	f->names = take_field(&line);
	f->key = line;
	return f->names.len > 0 && f->key.len > 0;
}

typedef int on_line(void *context, struct span line, unsigned long number);

/* Calls f for each whole line in b and drops them. */
static int
give_lines(struct buf *b, bool is_last, on_line *f, void *context,
    unsigned long *number)
{
	struct span rest = buf_span(b), line;
	int r = 0;

	while (r == 0 && rest.len > 0) {
		if (!is_last && memchr(rest.ptr, '\n', rest.len) == NULL)
			break;
		line_next(&rest, &line);
		r = f(context, line, ++*number);
	}
	buf_consume(b, b->len - rest.len);
	return r;
}

static int
scan_descriptor(
    int fd, const char *path, on_line *f, void *context, struct error *e)
{
	struct buf b = BUF_MAX_INIT(LINE_MAX_LEN + PIECE);
	unsigned long number = 0;
	ssize_t n;
	int r = 0;

	do {
		uint8_t *room = buf_reserve(&b, PIECE);

		if (room == NULL) {
			r = error_set(e, buf_error(&b), "%s:%lu: line too long",
			    path, number + 1);
			break;
		}
		n = read(fd, room, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = error_set_errno(e, "%s", path);
			break;
		}
		buf_extend(&b, (size_t)n);
		r = give_lines(&b, n == 0, f, context, &number);
	} while (r == 0 && n != 0);
	buf_release(&b);
	return r;
}

/* A missing file has no lines. */
static int
scan_file(const char *path, on_line *f, void *context, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return error_set_errno(e, "%s", path);
	r = scan_descriptor(fd, path, f, context, e);
	close(fd);
	return r;
}

/* ---- hashed names ---- */

/* 0..63, or BASE64_BAD for what is no character of the alphabet. */
#define BASE64_BAD 0x80u

static unsigned
base64_value(int c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : BASE64_BAD;
}

/* 28 characters with one '=' at the end, as 20 bytes. By hand, since it is
 * done for every line of a file. */
static bool
decode_hash(const uint8_t *text, uint8_t out[static HASH_SIZE + 1])
{
	static uint8_t values[256];
	static bool is_ready;
	unsigned seen = 0;

	if (!is_ready) {
		for (int c = 0; c < 256; c++)
			values[c] = (uint8_t)base64_value(c);
		is_ready = true;
	}
	for (int i = 0; i < 7; i++, text += 4, out += 3) {
		bool is_last = i == 6;
		unsigned a = values[text[0]], b = values[text[1]];
		unsigned c = values[text[2]], d = values[text[3]];

		if (is_last)
			d = text[3] == '=' ? 0 : BASE64_BAD;
		seen |= a | b | c | d;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	return (seen & BASE64_BAD) == 0;
}

static void
hash_name(const uint8_t salt[static HASH_SIZE], struct span name,
    uint8_t out[static HASH_SIZE])
{
	struct hmac_key k;

	hmac_key_init(&k, DIGEST_SHA1, span_of(salt, HASH_SIZE));
	hmac_key_compute(&k, name, span_of(NULL, 0), out);
}

static bool
is_hashed(struct span names)
{
	return names.len > 3 && memcmp(names.ptr, HASH_PREFIX, 3) == 0;
}

static bool
matches_hashed(struct span names, struct span name)
{
	uint8_t salt[HASH_SIZE + 1], want[HASH_SIZE + 1], have[HASH_SIZE];
	const uint8_t *p = names.ptr + 3;

	if (names.len != 3 + HASH_BASE64 + 1 + HASH_BASE64 ||
	    p[HASH_BASE64] != '|' || !decode_hash(p, salt) ||
	    !decode_hash(p + HASH_BASE64 + 1, want))
		return false;
	hash_name(salt, name, have);
	return memcmp(want, have, HASH_SIZE) == 0;
}

static char *
format_hashed(const uint8_t salt[static HASH_SIZE], const char *name)
{
	struct buf b = BUF_INIT;
	uint8_t hash[HASH_SIZE];

	hash_name(salt, span_text(name), hash);
	buf_printf(&b, "%s", HASH_PREFIX);
	base64_write(&b, span_of(salt, HASH_SIZE), 0);
	write_byte(&b, '|');
	base64_write(&b, span_of(hash, HASH_SIZE), 0);
	return buf_take_text(&b);
}

/* ---- plain names ---- */

static bool
has_wildcard(struct span s)
{
	return memchr(s.ptr, '*', s.len) != NULL ||
	       memchr(s.ptr, '?', s.len) != NULL;
}

static bool
matches_pattern(struct span pattern, const char *name)
{
	char *text = span_dup_text(pattern);
	bool matches = text != NULL && pattern_match_no_case(text, name);

	free(text);
	return matches;
}

/* A comma list; an entry that matches with `!` in front rules the line out. */
static bool
matches_list(struct span names, const char *name, size_t name_len)
{
	struct span entry;
	bool found = false;

	while (list_next(&names, &entry)) {
		bool negated = entry.ptr[0] == '!';
		bool matches;

		if (negated)
			entry = span_of(entry.ptr + 1, entry.len - 1);
		if (has_wildcard(entry))
			matches = matches_pattern(entry, name);
		else
			matches = entry.len == name_len &&
				  strncasecmp((const char *)entry.ptr, name,
				      name_len) == 0;
		if (matches && negated)
			return false;
		found = found || matches;
	}
	return found;
}

/* ---- lookup ---- */

struct lookup {
	const char *path;
	const char *name;
	size_t name_len;
	struct known_hosts *found;
};

static int
add_item(struct lookup *l, const struct fields *f, struct key *key,
    unsigned long number)
{
	struct known_hosts *found = l->found;
	struct known_host *grown, *item;

	grown = realloc(found->item, (found->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	found->item = grown;
	item = &grown[found->count];
	*item = (struct known_host){
		.key = key,
		.marker = f->marker,
		.file = strdup(l->path),
		.line = number,
		.names = span_dup_text(f->names),
		.is_hashed = is_hashed(f->names),
	};
	if (item->file == NULL || item->names == NULL) {
		free(item->file);
		free(item->names);
		return ERR_MEMORY;
	}
	found->count++;
	return 0;
}

static int
on_lookup_line(void *context, struct span line, unsigned long number)
{
	struct lookup *l = context;
	struct span name = { (const uint8_t *)l->name, l->name_len };
	struct fields f;
	struct key *key;
	bool matches;
	int r;

	if (!split_line(line, &f))
		return 0;
	matches = is_hashed(f.names)
		      ? matches_hashed(f.names, name)
		      : matches_list(f.names, l->name, l->name_len);
	if (!matches)
		return 0;
	r = key_from_line(f.key, &key, NULL);
	if (r == ERR_MEMORY)
		return r;
	if (r != 0) {
		l->found->bad_lines++;
		return 0;
	}
	if ((r = add_item(l, &f, key, number)) != 0)
		key_unref(key);
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

char *
known_hosts_name(const char *host, unsigned port)
{
	char *lower = text_lower(host), *name;

	if (lower == NULL || port == 0 || port == 22)
		return lower;
	name = text_format("[%s]:%u", lower, port);
	free(lower);
	return name;
}

int
known_hosts_lookup(const char *path, const char *name,
    struct known_hosts *found, struct error *e)
{
	struct lookup l = { path, name, strlen(name), found };
	int r;

	r = scan_file(path, on_lookup_line, &l, e);
	if (r == ERR_MEMORY)
		error_set(e, r, "%s", error_text(r));
	return r;
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
	const char *path;
	struct buf key_text; /* "type base64" */
	struct strings *names;
};

static int
on_name_line(void *context, struct span line, unsigned long number)
{
	struct name_search *s = context;
	struct fields f;
	char *names, *text;

	/* A key has one text; lines with odd blanks are not found, which
	 * costs a hint, nothing more. */
	if (!split_line(line, &f) || f.marker != KNOWN_HOST_PLAIN ||
	    f.key.len < s->key_text.len ||
	    memcmp(f.key.ptr, s->key_text.data, s->key_text.len) != 0)
		return 0;
	if (is_hashed(f.names))
		return strings_take(s->names,
		    text_format("%s:%lu: [hashed name]", s->path, number));
	if ((names = text_escaped(f.names)) == NULL)
		return ERR_MEMORY;
	text = text_format("%s:%lu: %s", s->path, number, names);
	free(names);
	return strings_take(s->names, text);
}

int
known_hosts_names_of_key(
    const char *path, const struct key *k, struct strings *ret_names)
{
	struct name_search s = { path, BUF_INIT, ret_names };
	char *text = key_public_line(k, NULL);
	int r = ERR_MEMORY;

	if (text != NULL) {
		write_span(&s.key_text, span_text(text));
		if ((r = buf_error(&s.key_text)) == 0)
			r = scan_file(path, on_name_line, &s, NULL);
	}
	buf_release(&s.key_text);
	free(text);
	return r;
}

/* ---- adding ---- */

char *
known_hosts_hash(const char *name)
{
	uint8_t salt[HASH_SIZE];

	if (random_fill(&random_system, salt, sizeof(salt)) != 0)
		return NULL;
	return format_hashed(salt, name);
}

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

	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
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
