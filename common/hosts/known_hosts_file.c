/*
 * known_hosts_file.c - the lines of a known_hosts file.
 *
 * (Mapping the file would save one copy of some milliseconds for 200,000
 * lines, but a file that an editor truncates meanwhile would then kill us.)
 * A hashed name costs four SHA-1 compressions and two base64 strings of 28
 * characters.
 */
#include "common/hosts/known_hosts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"

#define HASH_PREFIX "|1|"
#define HASH_SIZE   20
#define HASH_BASE64 28 /* 20 bytes with one '=' */
#define PIECE       ((size_t)256 * 1024)

#define LOCK_TRIES   50
#define LOCK_WAIT_US 20000

/* ---- lines ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Where the first blank is, or the end; a search for each kind is quicker
 * than a look at every byte. */
static size_t
field_length(struct span s)
{
	const uint8_t *space = memchr(s.ptr, ' ', s.len);
	size_t n = space != NULL ? (size_t)(space - s.ptr) : s.len;
	const uint8_t *tab = memchr(s.ptr, '\t', n);

	return tab != NULL ? (size_t)(tab - s.ptr) : n;
}

static struct span
take_field(struct span *s)
{
	size_t n = s->len > 0 ? field_length(*s) : 0;
	struct span field = span_of(s->ptr, n);

	while (n < s->len && is_blank(s->ptr[n]))
		n++;
	*s = span_of(s->ptr + n, s->len - n);
	return field;
}

static bool
is_hashed(struct span names)
{
	return names.len > 3 && memcmp(names.ptr, HASH_PREFIX, 3) == 0;
}

/* Fills in what the text says. */
static void
split_line(struct known_hosts_line *l)
{
	struct span rest = l->text;

	while (rest.len > 0 && is_blank(rest.ptr[0]))
		rest = span_of(rest.ptr + 1, rest.len - 1);
	l->kind = KNOWN_HOSTS_COMMENT;
	if (rest.len == 0 || rest.ptr[0] == '#')
		return;
	l->kind = KNOWN_HOSTS_INVALID;
	l->marker = KNOWN_HOST_PLAIN;
	if (rest.ptr[0] == '@') {
		struct span marker = take_field(&rest);

		if (span_is(marker, "@cert-authority"))
			l->marker = KNOWN_HOST_CA;
		else if (span_is(marker, "@revoked"))
			l->marker = KNOWN_HOST_REVOKED;
		else
			return;
	}
	l->names = take_field(&rest);
	l->is_hashed = is_hashed(l->names);
	l->key = rest;
	if (l->names.len > 0 && l->key.len > 0)
		l->kind = KNOWN_HOSTS_ENTRY;
}

/* ---- walking ---- */

struct walk {
	const char *path;
	known_hosts_visitor *visit;
	void *context;
	unsigned long number;
};

/* Visits each whole line; *rest is what is left. */
static int
visit_lines(struct walk *w, struct span *rest, bool is_last)
{
	int r = 0;

	while (r == 0 && rest->len > 0) {
		struct known_hosts_line l = {
			.path = w->path, .raw = *rest, .number = w->number + 1
		};

		if (!is_last && memchr(rest->ptr, '\n', rest->len) == NULL)
			break;
		line_next(rest, &l.text);
		l.raw.len -= rest->len;
		w->number++;
		split_line(&l);
		r = w->visit(w->context, &l);
	}
	return r;
}

int
known_hosts_walk_text(struct span text, const char *path,
    known_hosts_visitor *visit, void *context)
{
	struct walk w = { path, visit, context, 0 };

	return visit_lines(&w, &text, true);
}

int
known_hosts_walk_fd(int fd, const char *path, known_hosts_visitor *visit,
    void *context, struct error *e)
{
	struct walk w = { path, visit, context, 0 };
	struct buf b = BUF_MAX_INIT(KNOWN_HOSTS_LINE_MAX + PIECE);
	struct span rest;
	ssize_t n;
	int r = 0;

	do {
		uint8_t *room = buf_reserve(&b, PIECE);

		if (room == NULL) {
			r = error_set(e, buf_error(&b), "%s:%lu: line too long",
			    path, w.number + 1);
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
		rest = buf_span(&b);
		r = visit_lines(&w, &rest, n == 0);
		buf_consume(&b, b.len - rest.len);
	} while (r == 0 && n != 0);
	buf_release(&b);
	return r;
}

int
known_hosts_walk(const char *path, known_hosts_visitor *visit, void *context,
    struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return error_set_errno(e, "%s", path);
	r = known_hosts_walk_fd(fd, path, visit, context, e);
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

	if (name.len <= HMAC_SHA1_SHORT_MAX) {
		hmac_sha1_short(salt, name, out);
		return;
	}
	hmac_key_init(&k, DIGEST_SHA1, span_of(salt, HASH_SIZE));
	hmac_key_compute(&k, name, span_of(NULL, 0), out);
}

/* Do the first two characters of base64 text fit the bytes? Rules out nearly
 * all names before they are decoded. */
static bool
begins_alike(const uint8_t *text, const uint8_t bytes[static 2])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				       "nopqrstuvwxyz0123456789+/";

	return text[0] == (uint8_t)alphabet[bytes[0] >> 2] &&
	       text[1] ==
		   (uint8_t)alphabet[(bytes[0] & 3) << 4 | bytes[1] >> 4];
}

static bool
matches_hashed(struct span names, struct span name)
{
	uint8_t salt[HASH_SIZE + 1], want[HASH_SIZE + 1], have[HASH_SIZE];
	const uint8_t *p = names.ptr + 3;

	if (names.len != 3 + HASH_BASE64 + 1 + HASH_BASE64 ||
	    p[HASH_BASE64] != '|' || !decode_hash(p, salt))
		return false;
	hash_name(salt, name, have);
	p += HASH_BASE64 + 1;
	return begins_alike(p, have) && decode_hash(p, want) &&
	       memcmp(want, have, HASH_SIZE) == 0;
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
	return s.len > 0 && (memchr(s.ptr, '*', s.len) != NULL ||
				memchr(s.ptr, '?', s.len) != NULL);
}

bool
known_hosts_is_pattern(struct span name)
{
	return has_wildcard(name) || (name.len > 0 && name.ptr[0] == '!');
}

static bool
matches_pattern(struct span pattern, struct span name)
{
	char *pattern_text = span_dup_text(pattern);
	char *text = span_dup_text(name);
	bool matches = pattern_text != NULL && text != NULL &&
		       pattern_match_no_case(pattern_text, text);

	free(pattern_text);
	free(text);
	return matches;
}

/* A comma list; an entry that matches with `!` in front rules the line out. */
static bool
matches_list(struct span names, struct span name)
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
			matches = entry.len == name.len &&
				  strncasecmp((const char *)entry.ptr,
				      (const char *)name.ptr, name.len) == 0;
		if (matches && negated)
			return false;
		found = found || matches;
	}
	return found;
}

bool
known_hosts_line_matches(const struct known_hosts_line *line, struct span name)
{
	if (line->kind != KNOWN_HOSTS_ENTRY)
		return false;
	return line->is_hashed ? matches_hashed(line->names, name)
			       : matches_list(line->names, name);
}

int
known_hosts_line_key(const struct known_hosts_line *line, struct key **ret,
    struct span *ret_comment)
{
	return key_from_line(line->key, ret, ret_comment);
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

char *
known_hosts_hash(const char *name)
{
	uint8_t salt[HASH_SIZE];

	if (random_fill(&random_system, salt, sizeof(salt)) != 0)
		return NULL;
	return format_hashed(salt, name);
}

/* ---- changing ---- */

static void
lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return;
		usleep(LOCK_WAIT_US);
	}
}

/* Is the open file still the one of that name? */
static bool
is_present(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
known_hosts_open(const char *path, int flags)
{
	for (int i = 0;; i++) {
		int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);

		if (fd < 0)
			return -1;
		lock(fd);
		if (is_present(fd, path) || i == LOCK_TRIES)
			return fd;
		close(fd);
	}
}

struct rewriting {
	const struct known_hosts_rewrite *w;
	struct buf out;  /* the new file */
	struct buf line; /* what stands for one line */
	bool changed;
};

static int
rewrite_line(void *context, const struct known_hosts_line *line)
{
	struct rewriting *s = context;
	int r;

	buf_clear(&s->line);
	r = s->w->edit(s->w->context, line, &s->line);
	if (r < 0)
		return r;
	if (r == KNOWN_HOSTS_KEEP) {
		write_span(&s->out, line->raw);
	} else {
		s->changed |= !span_equal(line->raw, buf_span(&s->line));
		write_span(&s->out, buf_span(&s->line));
		if ((r = buf_error(&s->line)) != 0)
			return r;
	}
	return buf_error(&s->out);
}

/* A last line without a newline gets one before others follow. */
static int
append_lines(struct rewriting *s)
{
	int r;

	buf_clear(&s->line);
	if ((r = s->w->append(s->w->context, &s->line)) != 0 ||
	    (r = buf_error(&s->line)) != 0 || s->line.len == 0)
		return r;
	if (s->out.len > 0 && s->out.data[s->out.len - 1] != '\n')
		write_byte(&s->out, '\n');
	write_span(&s->out, buf_span(&s->line));
	s->changed = true;
	return buf_error(&s->out);
}

/* The former file under another name, beside the new one. */
static int
keep_old_file(const char *path, struct error *e)
{
	char *old = text_format("%s.old", path);
	int r = 0;

	if (old == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	if (unlink(old) != 0 && errno != ENOENT)
		r = error_set_errno(e, "cannot remove %s", old);
	else if (link(path, old) != 0)
		r = error_set_errno(e, "cannot link %s to %s", path, old);
	free(old);
	return r;
}

static int
put_in_place(const char *path, const struct rewriting *s, const struct stat *st,
    struct error *e)
{
	mode_t mode = st != NULL ? st->st_mode & 0777 : 0600;
	int r;

	if (st != NULL && s->w->keep_old && (r = keep_old_file(path, e)) != 0)
		return r;
	if ((r = file_write_atomic(path, buf_span(&s->out), mode, false, e)) !=
	    0)
		return r;
	/* Root may edit other people's files, which stay theirs. */
	if (st != NULL && geteuid() == 0 && st->st_uid != 0)
		IGNORE_RESULT(lchown(path, st->st_uid, st->st_gid));
	return 0;
}

/* Everything with the file open, and so locked. */
static int
rewrite_file(
    int fd, const char *path, struct rewriting *s, bool exists, struct error *e)
{
	struct stat st;
	int r = 0;

	if (exists) {
		if (fstat(fd, &st) != 0)
			return error_set_errno(e, "%s", path);
		if (!S_ISREG(st.st_mode))
			return error_set(e, ERR_UNSUPPORTED,
			    "%s is not a regular file", path);
		r = known_hosts_walk_fd(fd, path, rewrite_line, s, e);
	}
	if (r == 0 && s->w->append != NULL)
		r = append_lines(s);
	if (r == 0 && s->changed)
		r = put_in_place(path, s, exists ? &st : NULL, e);
	return r;
}

int
known_hosts_rewrite(const char *path, const struct known_hosts_rewrite *w,
    bool *ret_changed, struct error *e)
{
	struct rewriting s = { .w = w,
		.out = BUF_MAX_INIT(KNOWN_HOSTS_FILE_MAX) };
	char *real = realpath(path, NULL);
	const char *target = real != NULL ? real : path;
	int fd, r;

	*ret_changed = false;
	fd = known_hosts_open(target, O_RDONLY | O_NONBLOCK);
	if (fd < 0 && (errno != ENOENT || w->append == NULL)) {
		r = error_set_errno(e, "%s", path);
		goto out;
	}
	r = rewrite_file(fd, target, &s, fd >= 0, e);
	if (r == 0)
		*ret_changed = s.changed;
	else if (e != NULL && e->code == 0)
		error_set(e, r, "%s: %s", path, error_text(r));
	if (fd >= 0)
		close(fd);
out:
	buf_release(&s.out);
	buf_release(&s.line);
	free(real);
	return r;
}
