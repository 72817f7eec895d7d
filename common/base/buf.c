/*
 * buf.c - bytes: owned, borrowed, read and written.
 * RFC 4251 s5 (data types).
 */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/secret.h"

#define CAP_MIN   ((size_t)64)
#define MPINT_MAX ((size_t)2048)

/* ---- borrowed bytes ---- */

struct span
span_text(const char *text)
{
	return text == NULL ? span_of(NULL, 0) : span_of(text, strlen(text));
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
span_is(struct span s, const char *text)
{
	return span_equal(s, span_text(text));
}

char *
span_dup_text(struct span s)
{
	char *text;

	if (s.len == SIZE_MAX || (text = malloc(s.len + 1)) == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return text;
}

bool
span_has_nul(struct span s)
{
	return s.len > 0 && memchr(s.ptr, 0, s.len) != NULL;
}

/* ---- owned bytes ---- */

static size_t
max_of(const struct buf *b)
{
	return b->max != 0 ? b->max : BUF_MAX_DEFAULT;
}

/* Moves the contents to memory of `cap` bytes. */
static bool
move_to(struct buf *b, size_t cap)
{
	uint8_t *data;

	if (!b->secret) {
		data = realloc(b->data, cap);
	} else if ((data = malloc(cap)) != NULL && b->data != NULL) {
		/* realloc would leave the old copy behind unwiped. */
		memcpy(data, b->data, b->len);
		secret_wipe(b->data, b->cap);
		free(b->data);
	}
	if (data == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

/* Doubling makes the cost of appending constant on average. */
static bool
grow(struct buf *b, size_t n)
{
	size_t max = max_of(b);
	size_t cap = b->cap > CAP_MIN / 2 ? b->cap : CAP_MIN / 2;

	if (b->len > max || n > max - b->len) {
		b->error = ERR_LIMIT;
		return false;
	}
	cap = cap > max / 2 ? max : cap * 2;
	if (cap < b->len + n)
		cap = b->len + n;
	if (!move_to(b, cap)) {
		b->error = ERR_MEMORY;
		return false;
	}
	return true;
}

void
buf_release(struct buf *b)
{
	if (b->secret && b->data != NULL)
		secret_wipe(b->data, b->cap);
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->error = 0;
}

void
buf_clear(struct buf *b)
{
	if (b->secret && b->data != NULL)
		secret_wipe(b->data, b->cap);
	b->len = 0;
	b->error = 0;
}

int
buf_error(const struct buf *b)
{
	return b->error;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (b->error != 0)
		return NULL;
	if ((b->data == NULL || n > b->cap - b->len) && !grow(b, n))
		return NULL;
	return b->data + b->len;
}

void
buf_extend(struct buf *b, size_t n)
{
	if (n > b->cap - b->len)
		bug("buf_extend over what was reserved");
	b->len += n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		bug("buf_consume over the contents");
	if (n == 0)
		return;
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
	if (b->secret)
		secret_wipe(b->data + b->len, n);
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len > b->len)
		bug("buf_truncate over the contents");
	if (b->secret && len < b->len)
		secret_wipe(b->data + len, b->len - len);
	b->len = len;
}

const char *
buf_text(struct buf *b)
{
	uint8_t *end = buf_reserve(b, 1);

	if (end == NULL)
		return NULL;
	*end = '\0';
	return (const char *)b->data;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	uint8_t *to;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || (to = buf_reserve(b, (size_t)n + 1)) == NULL)
		return;
	va_start(args, format);
	vsnprintf((char *)to, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

char *
buf_take_text(struct buf *b)
{
	char *text;

	if (buf_text(b) == NULL) {
		buf_release(b);
		return NULL;
	}
	text = (char *)b->data;
	b->data = NULL;
	b->len = b->cap = 0;
	return text;
}

/* ---- writer ---- */

static inline void
put_uint32(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 24);
	to[1] = (uint8_t)(v >> 16);
	to[2] = (uint8_t)(v >> 8);
	to[3] = (uint8_t)v;
}

void
write_bytes(struct buf *b, const void *bytes, size_t len)
{
	uint8_t *to = buf_reserve(b, len);

	if (to == NULL || len == 0)
		return;
	memcpy(to, bytes, len);
	b->len += len;
}

void
write_span(struct buf *b, struct span s)
{
	write_bytes(b, s.ptr, s.len);
}

void
write_byte(struct buf *b, uint8_t v)
{
	uint8_t *to = buf_reserve(b, 1);

	if (to == NULL)
		return;
	*to = v;
	b->len++;
}

void
write_boolean(struct buf *b, bool v)
{
	write_byte(b, v ? 1 : 0);
}

void
write_uint32(struct buf *b, uint32_t v)
{
	uint8_t *to = buf_reserve(b, 4);

	if (to == NULL)
		return;
	put_uint32(to, v);
	b->len += 4;
}

void
write_uint64(struct buf *b, uint64_t v)
{
	uint8_t *to = buf_reserve(b, 8);

	if (to == NULL)
		return;
	put_uint32(to, (uint32_t)(v >> 32));
	put_uint32(to + 4, (uint32_t)v);
	b->len += 8;
}

void
write_string(struct buf *b, struct span s)
{
	uint8_t *to;

	if (s.len > UINT32_MAX - 4) {
		if (b->error == 0)
			b->error = ERR_LIMIT;
		return;
	}
	if ((to = buf_reserve(b, s.len + 4)) == NULL)
		return;
	put_uint32(to, (uint32_t)s.len);
	if (s.len > 0)
		memcpy(to + 4, s.ptr, s.len);
	b->len += s.len + 4;
}

void
write_text(struct buf *b, const char *text)
{
	write_string(b, span_text(text));
}

void
write_mpint(struct buf *b, struct span magnitude)
{
	size_t pad;
	uint8_t *to;

	while (magnitude.len > 0 && magnitude.ptr[0] == 0) {
		magnitude.ptr++;
		magnitude.len--;
	}
	if (magnitude.len == 0) {
		write_uint32(b, 0);
		return;
	}
	pad = magnitude.ptr[0] >> 7;
	if (magnitude.len > UINT32_MAX - 5) {
		if (b->error == 0)
			b->error = ERR_LIMIT;
		return;
	}
	if ((to = buf_reserve(b, magnitude.len + 5)) == NULL)
		return;
	put_uint32(to, (uint32_t)(magnitude.len + pad));
	to[4] = 0;
	memcpy(to + 4 + pad, magnitude.ptr, magnitude.len);
	b->len += 4 + pad + magnitude.len;
}

size_t
write_string_begin(struct buf *b)
{
	size_t mark = b->len;

	write_uint32(b, 0);
	return mark;
}

void
write_string_end(struct buf *b, size_t mark)
{
	size_t len;

	if (b->error != 0)
		return;
	if (b->len < 4 || mark > b->len - 4)
		bug("write_string_end without its beginning");
	len = b->len - mark - 4;
	if (len > UINT32_MAX) {
		b->error = ERR_LIMIT;
		return;
	}
	put_uint32(b->data + mark, (uint32_t)len);
}

/* ---- reader ---- */

/* The next n bytes, or NULL with the failure remembered. n > 0. */
static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *at = r->ptr;

	if (r->error != 0)
		return NULL;
	if (n > r->len) {
		r->error = ERR_TRUNCATED;
		return NULL;
	}
	r->ptr += n;
	r->len -= n;
	return at;
}

static struct span
fail(struct reader *r, int code)
{
	if (r->error == 0)
		r->error = code;
	return span_of(NULL, 0);
}

uint8_t
read_byte(struct reader *r)
{
	const uint8_t *at = take(r, 1);

	return at != NULL ? at[0] : 0;
}

bool
read_boolean(struct reader *r)
{
	return read_byte(r) != 0;
}

uint32_t
read_uint32(struct reader *r)
{
	const uint8_t *at = take(r, 4);

	if (at == NULL)
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

uint64_t
read_uint64(struct reader *r)
{
	const uint8_t *at = take(r, 8);
	uint64_t v = 0;

	for (size_t i = 0; at != NULL && i < 8; i++)
		v = v << 8 | at[i];
	return v;
}

struct span
read_bytes(struct reader *r, size_t n)
{
	const uint8_t *at = n > 0 ? take(r, n) : r->ptr;

	if (at == NULL || r->error != 0)
		return span_of(NULL, 0);
	return span_of(at, n);
}

struct span
read_string(struct reader *r)
{
	return read_bytes(r, read_uint32(r));
}

struct span
read_string_max(struct reader *r, size_t max)
{
	uint32_t len = read_uint32(r);

	if (len > max)
		return fail(r, ERR_LIMIT);
	return read_bytes(r, len);
}

struct span
read_text(struct reader *r)
{
	struct span s = read_string(r);

	if (span_has_nul(s))
		return fail(r, ERR_FORMAT);
	return s;
}

struct span
read_mpint(struct reader *r)
{
	struct span s = read_string(r);

	if (s.len == 0)
		return s;
	if ((s.ptr[0] & 0x80) != 0)
		return fail(r, ERR_FORMAT);
	if (s.ptr[0] == 0) {
		if (s.len == 1 || (s.ptr[1] & 0x80) == 0)
			return fail(r, ERR_FORMAT);
		s = span_of(s.ptr + 1, s.len - 1);
	}
	if (s.len > MPINT_MAX)
		return fail(r, ERR_LIMIT);
	return s;
}

struct span
read_rest(struct reader *r)
{
	return read_bytes(r, r->error == 0 ? r->len : 0);
}

int
read_end(struct reader *r)
{
	if (r->error == 0 && r->len > 0)
		r->error = ERR_TRAILING;
	return r->error;
}

int
read_error(const struct reader *r)
{
	return r->error;
}
