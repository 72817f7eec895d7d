/*
 * key_rfc4716.c - public key files of RFC 4716, and the armour around
 * private keys of SSH Communications, which is the same but for its title.
 *
 *     ---- BEGIN SSH2 PUBLIC KEY ----
 *     Comment: "a line that does not fit is \
 *     continued"
 *     base64
 *     ---- END SSH2 PUBLIC KEY ----
 */
#include "common/key/key_convert.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/key/key_secsh_impl.h"

#define BEGIN         "---- BEGIN SSH2 "
#define END           "---- END SSH2 "
#define PUBLIC        "PUBLIC KEY ----"
#define PRIVATE       "PRIVATE KEY ----" /* ENCRYPTED, even if it is not */
#define LINE_BYTES    72
#define COLUMNS       70
#define HEADERS_BYTES 8192
/* RFC 4716 s3.3: a value has at most 1024 bytes. */
#define COMMENT_BYTES 1024

/* ---- writing ---- */

/* RFC 4716 s3.3: a header line that is longer is continued behind "\". */
static void
write_header(struct buf *out, struct span line)
{
	while (line.len > LINE_BYTES) {
		write_bytes(out, line.ptr, LINE_BYTES - 1);
		write_bytes(out, "\\\n", 2);
		line = span_of(
		    line.ptr + LINE_BYTES - 1, line.len - (LINE_BYTES - 1));
	}
	write_span(out, line);
	write_byte(out, '\n');
}

int
key_export_rfc4716(const struct key *k, const char *comment, struct buf *out)
{
	struct buf header = BUF_INIT;
	int r = 0;

	write_span(out, span_text(BEGIN PUBLIC "\n"));
	if (comment != NULL && comment[0] != '\0') {
		buf_printf(&header, "Comment: \"");
		text_escape(&header, span_text(comment), true);
		if (header.len > COMMENT_BYTES)
			buf_truncate(&header, COMMENT_BYTES);
		write_byte(&header, '"');
		write_header(out, buf_span(&header));
		r = buf_error(&header);
	}
	buf_release(&header);
	base64_write(out, key_blob(k), COLUMNS);
	write_span(out, span_text(END PUBLIC "\n"));
	return r != 0 ? r : buf_error(out);
}

/* ---- reading ---- */

static int
damaged(struct error *e, const char *what)
{
	return error_set(e, ERR_KEY_FORMAT, "%s", what);
}

/* RFC 4716 s3.1: lines end in CR LF, CR or LF. */
static bool
next_line(struct span *rest, struct span *ret)
{
	size_t n = 0, over;

	if (rest->len == 0)
		return false;
	while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != '\r')
		n++;
	*ret = span_of(rest->ptr, n);
	over = n < rest->len ? 1 : 0;
	if (n + 1 < rest->len && rest->ptr[n] == '\r' &&
	    rest->ptr[n + 1] == '\n')
		over = 2;
	*rest = span_of(rest->ptr + n + over, rest->len - n - over);
	return true;
}

static bool
begins(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.len >= n && memcmp(s.ptr, text, n) == 0;
}

static struct span
trim(struct span s)
{
	while (
	    s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = span_of(s.ptr + 1, s.len - 1);
	return s;
}

/* The file between its markers. */
struct armour {
	bool is_private;
	struct buf comment;
	struct buf blob; /* secret */
};

/* A whole header, its lines joined. Others than Comment are ignored, as
 * RFC 4716 s3.3 asks. */
static void
take_header(struct armour *a, struct span header)
{
	const uint8_t *colon = memchr(header.ptr, ':', header.len);
	struct span tag = span_of(header.ptr, (size_t)(colon - header.ptr));
	struct span value = trim(span_of(colon + 1, header.len - tag.len - 1));

	if (tag.len != strlen("Comment") ||
	    strncasecmp((const char *)tag.ptr, "Comment", tag.len) != 0)
		return;
	/* RFC 4716 s3.3.2: quotes around it are not part of it. */
	if (value.len >= 2 && value.ptr[0] == '"' &&
	    value.ptr[value.len - 1] == '"')
		value = span_of(value.ptr + 1, value.len - 2);
	buf_clear(&a->comment);
	if (!span_has_nul(value) && value.len <= COMMENT_BYTES)
		write_span(&a->comment, value);
}

/* The headers; the first line behind them is put back. */
static int
read_headers(struct span *rest, struct armour *a, struct error *e)
{
	struct buf header = BUF_MAX_INIT(HEADERS_BYTES);
	struct span before = *rest, line;
	int r = 0;

	while (next_line(rest, &line)) {
		if (memchr(line.ptr, ':', line.len) == NULL || line.len == 0)
			break;
		buf_clear(&header);
		while (line.len > 0 && line.ptr[line.len - 1] == '\\') {
			write_bytes(&header, line.ptr, line.len - 1);
			if (!next_line(rest, &line))
				line = span_of(NULL, 0);
		}
		write_span(&header, line);
		if (buf_error(&header) != 0) {
			r = damaged(e, "a header of the file is too long");
			break;
		}
		/* The colon may have been in a continued line only. */
		if (memchr(header.data, ':', header.len) != NULL)
			take_header(a, buf_span(&header));
		before = *rest;
	}
	*rest = before;
	buf_release(&header);
	return r;
}

static int
read_body(struct span rest, struct armour *a, struct error *e)
{
	struct buf text = BUF_SECRET_INIT;
	struct span line;
	int r = ERR_TRUNCATED;

	while (next_line(&rest, &line)) {
		if (begins(line, END)) {
			r = 0;
			break;
		}
		write_span(&text, line);
	}
	if (r != 0)
		r = damaged(e, "the END line of the file is missing");
	else if (buf_error(&text) != 0 ||
		 base64_read(&a->blob, buf_span(&text)) != 0)
		r = damaged(e, "what is between BEGIN and END is not base64");
	buf_release(&text);
	return r;
}

static int
read_armour(struct span text, struct armour *a, struct error *e)
{
	struct span line;
	int r;

	do {
		if (!next_line(&text, &line))
			return damaged(e,
			    "not an SSH2 key file: no line \"" BEGIN
			    "... KEY ----\"");
	} while (!begins(line, BEGIN));
	line = trim(line);
	a->is_private =
	    memmem(line.ptr, line.len, PRIVATE, strlen(PRIVATE)) != NULL;
	if (!a->is_private &&
	    memmem(line.ptr, line.len, PUBLIC, strlen(PUBLIC)) == NULL)
		return damaged(e, "neither a public nor a private SSH2 key");
	if ((r = read_headers(&text, a, e)) != 0)
		return r;
	return read_body(text, a, e);
}

int
key_import_rfc4716(
    struct span text, const char *passphrase, struct key **ret, struct error *e)
{
	struct armour a = { false, BUF_INIT, BUF_SECRET_INIT };
	struct key *k = NULL;
	const char *comment;
	int r;

	if (text.len > KEY_FILE_MAX)
		return error_set(e, ERR_LIMIT, "the file is too large");
	if ((r = read_armour(text, &a, e)) != 0)
		goto out;
	if (a.is_private)
		r = secsh_private_parse(buf_span(&a.blob), passphrase, &k, e);
	else if ((r = key_from_blob(buf_span(&a.blob), &k)) != 0)
		error_set(e, r, "%s", error_text(r));
	if (r != 0)
		goto out;
	comment = buf_text(&a.comment);
	if (comment == NULL || key_set_comment(k, comment) != 0) {
		key_unref(k);
		r = error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
		goto out;
	}
	*ret = k;
out:
	buf_release(&a.comment);
	buf_release(&a.blob);
	return r;
}
