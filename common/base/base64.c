/*
 * base64.c - base64 (RFC 4648 s4) and hexadecimal.
 *
 * May hold secrets (private key files): nothing is kept here; where the
 * output buf is secret, its memory is wiped.
 */
#include "common/base/error.h"
#include "common/base/text.h"

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits16[] = "0123456789abcdef";

/* 1 to 3 bytes as 4 characters. */
static void
encode_group(uint8_t to[4], const uint8_t *from, size_t n)
{
	uint32_t v = (uint32_t)from[0] << 16;

	if (n > 1)
		v |= (uint32_t)from[1] << 8;
	if (n > 2)
		v |= from[2];
	to[0] = (uint8_t)digits64[v >> 18];
	to[1] = (uint8_t)digits64[v >> 12 & 63];
	to[2] = n > 1 ? (uint8_t)digits64[v >> 6 & 63] : '=';
	to[3] = n > 2 ? (uint8_t)digits64[v & 63] : '=';
}

static void
encode_run(struct buf *out, struct span s)
{
	size_t groups = s.len / 3 + (s.len % 3 != 0);
	uint8_t *to;

	if (s.len > SIZE_MAX / 2 || (to = buf_reserve(out, groups * 4)) == NULL)
		return;
	for (size_t i = 0; i < s.len; i += 3, to += 4)
		encode_group(to, s.ptr + i, s.len - i < 3 ? s.len - i : 3);
	buf_extend(out, groups * 4);
}

/* Lines whose length is no multiple of 4 are cut out of a single run. */
static void
encode_odd_lines(struct buf *out, struct span s, size_t columns)
{
	struct buf run = BUF_INIT;
	struct span rest;

	run.secret = out->secret;
	encode_run(&run, s);
	if (run.error != 0 && out->error == 0)
		out->error = run.error;
	for (rest = buf_span(&run); rest.len > 0;) {
		size_t n = rest.len < columns ? rest.len : columns;

		write_bytes(out, rest.ptr, n);
		write_byte(out, '\n');
		rest = span_of(rest.ptr + n, rest.len - n);
	}
	buf_release(&run);
}

void
base64_write(struct buf *out, struct span s, size_t columns)
{
	if (columns == 0) {
		encode_run(out, s);
		return;
	}
	if (columns % 4 != 0) {
		encode_odd_lines(out, s, columns);
		return;
	}
	while (s.len > 0) {
		size_t most = columns / 4 * 3;
		size_t n = s.len < most ? s.len : most;

		encode_run(out, span_of(s.ptr, n));
		write_byte(out, '\n');
		s = span_of(s.ptr + n, s.len - n);
	}
}

enum {
	SPACE = 64,
	PAD,
	BAD
};

/* The value of a character, or SPACE, PAD, BAD. */
static uint8_t
value64(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	switch (c) {
	case '+':
		return 62;
	case '/':
		return 63;
	case '=':
		return PAD;
	case ' ':
	case '\t':
	case '\n':
	case '\r':
	case '\v':
	case '\f':
		return SPACE;
	default:
		return BAD;
	}
}

static const uint8_t *
table64(void)
{
	static uint8_t table[256];

	if (table[0] != BAD)
		for (unsigned c = 0; c < 256; c++)
			table[c] = value64((uint8_t)c);
	return table;
}

struct decoder {
	uint32_t group; /* bits so far */
	unsigned count; /* characters of the group so far, padding too */
	unsigned pads;
};

/*
 * Takes one character. A finished group's bytes go to `to`; the result is
 * their number, or ERR_FORMAT.
 */
static int
decode_char(struct decoder *d, uint8_t v, uint8_t to[3])
{
	if (v == SPACE)
		return 0;
	if (v == BAD || (v != PAD && d->pads > 0) ||
	    (v == PAD && (d->count < 2 || d->pads == 2)))
		return ERR_FORMAT;
	d->pads += v == PAD;
	d->group = d->group << 6 | (v == PAD ? 0 : v);
	if (++d->count < 4)
		return 0;
	to[0] = (uint8_t)(d->group >> 16);
	to[1] = (uint8_t)(d->group >> 8);
	to[2] = (uint8_t)d->group;
	/* RFC 4648 s3.5: the bits under the padding are zero, so that a
	 * value has one spelling. */
	if ((d->pads > 0 && to[2] != 0) || (d->pads > 1 && to[1] != 0))
		return ERR_FORMAT;
	d->count = 0;
	d->group = 0;
	return (int)(3 - d->pads);
}

static int
decode(const uint8_t *table, struct span text, uint8_t *to, size_t *ret_len)
{
	struct decoder d = { 0, 0, 0 };
	uint8_t *start = to;
	int n;

	for (size_t i = 0; i < text.len; i++) {
		/* Four plain characters at once: nearly all of a text. */
		while (d.count == 0 && d.pads == 0 && text.len - i >= 4) {
			const uint8_t *p = text.ptr + i;
			uint8_t a = table[p[0]], b = table[p[1]];
			uint8_t c = table[p[2]], e = table[p[3]];

			if ((a | b | c | e) >= SPACE)
				break;
			*to++ = (uint8_t)(a << 2 | b >> 4);
			*to++ = (uint8_t)(b << 4 | c >> 2);
			*to++ = (uint8_t)(c << 6 | e);
			i += 4;
		}
		if (i == text.len)
			break;
		if ((n = decode_char(&d, table[text.ptr[i]], to)) < 0)
			return n;
		to += n;
	}
	*ret_len = (size_t)(to - start);
	return d.count == 0 ? 0 : ERR_FORMAT;
}

int
base64_read(struct buf *out, struct span text)
{
	/* One group more than fits: a group is stored whole, then judged. */
	uint8_t *to = buf_reserve(out, text.len / 4 * 3 + 3);
	size_t len;
	int r;

	if (to == NULL)
		return buf_error(out);
	if ((r = decode(table64(), text, to, &len)) != 0)
		return r;
	buf_extend(out, len);
	return 0;
}

void
hex_write(struct buf *out, struct span s)
{
	uint8_t *to;

	if (s.len > SIZE_MAX / 2 || (to = buf_reserve(out, s.len * 2)) == NULL)
		return;
	for (size_t i = 0; i < s.len; i++) {
		*to++ = (uint8_t)digits16[s.ptr[i] >> 4];
		*to++ = (uint8_t)digits16[s.ptr[i] & 15];
	}
	buf_extend(out, s.len * 2);
}

/* The value of a hexadecimal digit, or -1. */
static int
value16(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_read(struct buf *out, const char *text)
{
	size_t len = span_text(text).len / 2;
	uint8_t *to = buf_reserve(out, len);

	if (to == NULL)
		return buf_error(out);
	for (size_t i = 0; i < len; i++) {
		int high = value16(text[2 * i]);
		int low = value16(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return ERR_FORMAT;
		to[i] = (uint8_t)(high << 4 | low);
	}
	if (text[2 * len] != '\0')
		return ERR_FORMAT;
	buf_extend(out, len);
	return 0;
}
