/*
 * memory.c - what we remember of each host.
 *
 * File: "sheetbend-hosts 1 SALT", then a line a host, the newest first:
 * "DIGEST KEX HOSTKEY FINGERPRINT", where "-" is nothing; DIGEST is base64
 * of SHA-256 over salt and name.
 */
#include "ssh/memory.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"

#define MEMORY_FILE     "sheetbend_hosts"
#define MEMORY_MAGIC    "sheetbend-hosts 1 "
#define MEMORY_FILE_MAX (256 * 1024)
/* The oldest are forgotten. */
#define MEMORY_HOSTS_MAX 1000
#define MEMORY_FIELDS    4
#define SALT_BYTES       16

struct memory_file {
	char *path;
	struct buf text;
	struct span salt;  /* base64, as in the first line */
	struct span lines; /* what follows it */
};

void
host_memory_release(struct host_memory *m)
{
	free(m->kex);
	free(m->host_key);
	free(m->fingerprint);
	memset(m, 0, sizeof(*m));
}

static void
memory_file_release(struct memory_file *f)
{
	free(f->path);
	buf_release(&f->text);
}

/* Salt and lines are empty where there is no file of ours. */
static int
memory_file_open(const char *home, struct memory_file *f)
{
	char *directory = path_join(home, ".ssh");
	struct span magic = span_text(MEMORY_MAGIC), line;

	memset(f, 0, sizeof(*f));
	f->text.max = MEMORY_FILE_MAX;
	if (directory == NULL)
		return ERR_MEMORY;
	f->path = path_join(directory, MEMORY_FILE);
	free(directory);
	if (f->path == NULL)
		return ERR_MEMORY;
	if (file_read(f->path, MEMORY_FILE_MAX, &f->text, NULL) != 0) {
		buf_clear(&f->text);
		return 0;
	}
	f->lines = buf_span(&f->text);
	if (!line_next(&f->lines, &line) || line.len <= magic.len ||
	    memcmp(line.ptr, magic.ptr, magic.len) != 0) {
		f->lines.len = 0;
		return 0;
	}
	f->salt = span_of(line.ptr + magic.len, line.len - magic.len);
	return 0;
}

/* base64 of the salted digest of name, appended. */
static int
write_digest(struct span salt, const char *name, struct buf *out)
{
	struct buf data = BUF_INIT;
	uint8_t digest[DIGEST_MAX];
	int r;

	write_span(&data, salt);
	write_text(&data, name);
	if ((r = buf_error(&data)) == 0)
		r = digest_of(DIGEST_SHA256, buf_span(&data), digest);
	if (r == 0)
		base64_write(
		    out, span_of(digest, digest_size(DIGEST_SHA256)), 0);
	buf_release(&data);
	return r;
}

static size_t
split(struct span line, struct span field[MEMORY_FIELDS])
{
	size_t n = 0;

	while (n < MEMORY_FIELDS && line.len > 0) {
		const uint8_t *blank = memchr(line.ptr, ' ', line.len);
		size_t len =
		    blank == NULL ? line.len : (size_t)(blank - line.ptr);

		field[n++] = span_of(line.ptr, len);
		line.ptr += len;
		line.len -= len;
		if (blank != NULL) {
			line.ptr++;
			line.len--;
		}
	}
	return n;
}

static char *
field_text(struct span field)
{
	return span_is(field, "-") ? NULL : span_dup_text(field);
}

void
host_memory_load(const char *home, const char *name, struct host_memory *ret)
{
	struct memory_file f;
	struct buf digest = BUF_INIT;
	struct span line, field[MEMORY_FIELDS];

	memset(ret, 0, sizeof(*ret));
	if (memory_file_open(home, &f) != 0 || f.salt.len == 0 ||
	    write_digest(f.salt, name, &digest) != 0)
		goto out;
	while (line_next(&f.lines, &line)) {
		if (split(line, field) != MEMORY_FIELDS ||
		    !span_equal(field[0], buf_span(&digest)))
			continue;
		ret->kex = field_text(field[1]);
		ret->host_key = field_text(field[2]);
		ret->fingerprint = field_text(field[3]);
		break;
	}
out:
	buf_release(&digest);
	memory_file_release(&f);
}

static int
write_header(const struct memory_file *f, struct buf *out, struct span *salt)
{
	uint8_t fresh[SALT_BYTES];
	size_t at;
	int r;

	buf_printf(out, MEMORY_MAGIC);
	at = out->len;
	if (f->salt.len > 0) {
		write_span(out, f->salt);
	} else {
		r = random_fill(&random_system, fresh, sizeof(fresh));
		if (r != 0)
			return r;
		base64_write(out, span_of(fresh, sizeof(fresh)), 0);
	}
	/* A copy in the old text or, where fresh, in out itself; it is used
	 * before out grows. */
	*salt = span_of(out->data + at, out->len - at);
	return buf_error(out);
}

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

/* The new text: this host first, the others behind it. */
static int
compose(const struct memory_file *f, const char *name,
    const struct host_memory *m, struct buf *out)
{
	struct buf digest = BUF_INIT;
	struct span salt, line, field[MEMORY_FIELDS], lines = f->lines;
	size_t count = 1;
	int r;

	if ((r = write_header(f, out, &salt)) != 0 ||
	    (r = write_digest(salt, name, &digest)) != 0)
		goto out;
	write_byte(out, '\n');
	write_span(out, buf_span(&digest));
	buf_printf(out, " %s %s %s\n", or_dash(m->kex), or_dash(m->host_key),
	    or_dash(m->fingerprint));
	while (count < MEMORY_HOSTS_MAX && line_next(&lines, &line)) {
		if (split(line, field) != MEMORY_FIELDS ||
		    span_equal(field[0], buf_span(&digest)))
			continue;
		write_span(out, line);
		write_byte(out, '\n');
		count++;
	}
	r = buf_error(out);
out:
	buf_release(&digest);
	return r;
}

static bool
same(const char *a, const char *b)
{
	return strcmp(or_dash(a), or_dash(b)) == 0;
}

void
host_memory_save(
    const char *home, const char *name, const struct host_memory *m)
{
	struct host_memory known;
	struct memory_file f;
	struct buf out = BUF_MAX_INIT(2 * MEMORY_FILE_MAX);
	struct error e = { 0 };
	char *directory;
	bool is_known;

	host_memory_load(home, name, &known);
	is_known = same(known.kex, m->kex) &&
		   same(known.host_key, m->host_key) &&
		   same(known.fingerprint, m->fingerprint);
	host_memory_release(&known);
	if (is_known || memory_file_open(home, &f) != 0)
		return;
	directory = path_directory(f.path);
	if (directory != NULL &&
	    path_make_directory(directory, 0700, NULL) == 0 &&
	    compose(&f, name, m, &out) == 0 &&
	    file_write_atomic(f.path, buf_span(&out), 0600, false, &e) != 0)
		log_debug1("%s", e.text);
	free(directory);
	buf_release(&out);
	memory_file_release(&f);
}
