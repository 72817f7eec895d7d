/*
 * ident.c - the peer's identification line.
 * RFC 4253 s4.2, s5.1.
 *
 * "SSH-protoversion-softwareversion SP comments CR LF", at most 255 bytes
 * with CR LF; a bare LF is taken too. A server may send other lines first.
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#define IDENT_LINE_MAX 8192 /* a line before the ident */

/* "SSH-" and digits, ".", digits, "-": the version; false if it is none. */
static bool
parse_version(struct span line, unsigned *ret_major, unsigned *ret_minor,
    struct span *ret_software)
{
	unsigned number[2] = { 0, 0 };
	size_t at = 4;

	for (int i = 0; i < 2; i++) {
		size_t from = at;

		while (at < line.len && at - from < 4 && line.ptr[at] >= '0' &&
		       line.ptr[at] <= '9')
			number[i] = number[i] * 10 + (line.ptr[at++] - '0');
		/* "02.0" is no version that anybody has defined. */
		if (at == from || at >= line.len ||
		    (at - from > 1 && line.ptr[from] == '0') ||
		    line.ptr[at] != (i == 0 ? '.' : '-'))
			return false;
		at++;
	}
	*ret_major = number[0];
	*ret_minor = number[1];
	*ret_software = span_of(line.ptr + at, line.len - at);
	return true;
}

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static int
check_ident(struct span line, char **ret_ident, struct error *e)
{
	struct span software;
	unsigned major, minor;
	char *text;

	if (!is_printable(line) ||
	    !parse_version(line, &major, &minor, &software) ||
	    software.len == 0 || software.ptr[0] == ' ')
		return error_set(
		    e, ERR_IDENT, "Invalid SSH identification string");
	/* RFC 4253 s5.1: 1.99 is a server that speaks 2.0 as well. */
	if (major != 2 && !(major == 1 && minor == 99))
		return error_set(e, ERR_IDENT,
		    "Protocol major versions differ: 2 vs. %u", major);
	if ((text = span_dup_text(line)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	*ret_ident = text;
	return 0;
}

/* The length of the line at the front, its LF included; 0: no end yet. */
static size_t
line_length(struct span input)
{
	const uint8_t *lf;

	if (input.len == 0)
		return 0;
	lf = memchr(input.ptr, '\n', input.len);
	return lf == NULL ? 0 : (size_t)(lf - input.ptr) + 1;
}

static bool
starts_as_ident(struct span line)
{
	return line.len >= 4 && memcmp(line.ptr, "SSH-", 4) == 0;
}

/* Can this still become an ident, or a line that may come before one? */
static int
check_unfinished(struct span rest, bool tolerant, struct error *e)
{
	size_t n = rest.len < 4 ? rest.len : 4;
	bool ident = n == 0 || memcmp(rest.ptr, "SSH-", n) == 0;

	if (ident ? rest.len >= TRANSPORT_IDENT_MAX
		  : !tolerant || rest.len > IDENT_LINE_MAX)
		return error_set(e, ERR_IDENT, "%s",
		    ident ? "Invalid SSH identification string: too long"
			  : "Invalid SSH identification string");
	return 0;
}

int
ident_read(struct span input, bool tolerant, size_t *ret_used, char **ret_ident,
    struct error *e)
{
	size_t at = 0, lines = 0;
	int r;

	*ret_used = 0;
	for (;;) {
		struct span rest = span_of(input.ptr + at, input.len - at);
		size_t len = line_length(rest);
		struct span line;

		if (at > IDENT_BYTES_MAX || lines > IDENT_LINES_MAX)
			return error_set(e, ERR_IDENT,
			    "no SSH identification string among the first "
			    "lines");
		if (len == 0)
			return check_unfinished(rest, tolerant, e);
		line = span_of(rest.ptr, len - 1);
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		at += len;
		lines++;
		if (starts_as_ident(line) && len <= TRANSPORT_IDENT_MAX) {
			if ((r = check_ident(line, ret_ident, e)) != 0)
				return r;
			*ret_used = at;
			return 0;
		}
		if (!tolerant || starts_as_ident(line) ||
		    len > IDENT_LINE_MAX || span_has_nul(line))
			return error_set(
			    e, ERR_IDENT, "Invalid SSH identification string");
	}
}

bool
ident_is_old(struct span input)
{
	return input.len >= 6 && memcmp(input.ptr, "SSH-1.", 6) == 0;
}
