/*
 * escape.c - text from outside made fit for logs and terminals.
 * RFC 3629 (UTF-8); RFC 4251 s9.2 (control characters).
 */
#include <string.h>

#include "common/base/text.h"

/*
 * Characters that are invisible, reorder their neighbours or break lines:
 * with them a text can look like another one.
 */
static const struct {
	uint32_t first;
	uint32_t last;
} hidden[] = {
	{ 0x0000, 0x001f },   /* C0 controls */
	{ 0x007f, 0x009f },   /* DEL, C1 controls */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200b },   /* zero width space; the joiners are spelling */
	{ 0x200e, 0x200f },   /* direction marks */
	{ 0x2028, 0x202e },   /* separators, embeddings, overrides */
	{ 0x2060, 0x206f },   /* word joiner, isolates, deprecated controls */
	{ 0xd800, 0xdfff },   /* surrogates */
	{ 0xfdd0, 0xfdef },   /* noncharacters */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff0, 0xfffb },   /* unassigned, interlinear annotation */
	{ 0xfffe, 0xffff },   /* noncharacters */
	{ 0xe0000, 0xe0fff }, /* tags and their kind */
};

static bool
is_visible(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return true;
}

/*
 * The length of a well-formed character of more than one byte at the start
 * of s that may be shown; 0 for anything else. RFC 3629 s3: overlong forms,
 * surrogates and values over U+10FFFF are not UTF-8.
 */
static size_t
visible_utf8(struct span s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = s.ptr[0];
	uint32_t c;
	size_t n;

	if (lead >= 0xc2 && lead <= 0xdf)
		n = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		n = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.len < n)
		return 0;
	c = lead & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s.ptr[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s.ptr[i] & 0x3fu);
	}
	return c >= least[n] && c <= 0x10ffff && is_visible(c) ? n : 0;
}

static void
escape_byte(struct buf *out, uint8_t byte)
{
	static const char from[] = "\n\r\t\\";
	static const char to[] = "nrt\\";
	const char *named = byte != 0 ? strchr(from, byte) : NULL;
	uint8_t octal[4] = { '\\', (uint8_t)('0' + (byte >> 6)),
		(uint8_t)('0' + (byte >> 3 & 7)), (uint8_t)('0' + (byte & 7)) };

	if (named == NULL) {
		write_bytes(out, octal, sizeof(octal));
		return;
	}
	write_byte(out, '\\');
	write_byte(out, (uint8_t)to[named - from]);
}

/* How many bytes at the start of s pass as they are. */
static size_t
plain_run(struct span s, bool lines)
{
	size_t n = 0;

	for (; n < s.len; n++) {
		uint8_t c = s.ptr[n];

		if (c >= 0x20 && c < 0x7f && (c != '\\' || lines))
			continue;
		if (!lines || (c != '\n' && c != '\t'))
			break;
	}
	return n;
}

static void
escape(struct buf *out, struct span s, bool utf8, bool lines)
{
	size_t n;

	while (s.len > 0) {
		if ((n = plain_run(s, lines)) == 0 && utf8)
			n = visible_utf8(s);
		if (n > 0) {
			write_bytes(out, s.ptr, n);
		} else {
			n = 1;
			/* A line may end in CR LF; the LF alone is shown. */
			if (!lines || s.len < 2 || s.ptr[0] != '\r' ||
			    s.ptr[1] != '\n')
				escape_byte(out, s.ptr[0]);
		}
		s = span_of(s.ptr + n, s.len - n);
	}
}

void
text_escape(struct buf *out, struct span s, bool utf8)
{
	escape(out, s, utf8, false);
}

void
text_escape_lines(struct buf *out, struct span s, bool utf8)
{
	escape(out, s, utf8, true);
}

char *
text_escaped(struct span s)
{
	struct buf b = BUF_INIT;

	text_escape(&b, s, false);
	return buf_take_text(&b);
}
