/*
 * buf.h - bytes: borrowed (struct span), owned (struct buf), and the two
 * ways of going through them that SSH needs: a reader that cannot run past
 * its end and a writer that cannot overrun.
 * RFC 4251 s5 (data types).
 *
 * Invariants: len <= cap <= max; data is NULL only when cap is 0.
 * A buf remembers its first failure (no memory, over max): later writes do
 * nothing, and buf_error() tells. So a message is composed without a check
 * per field and checked once.
 * A buf made secret wipes what it gives up, on growth and on release.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

/* ---- borrowed bytes ---- */

struct span {
	const uint8_t *ptr;
	size_t len;
};

static inline struct span
span_of(const void *ptr, size_t len)
{
	return (struct span){ (const uint8_t *)ptr, len };
}

/* The bytes of a string, without its NUL; NULL gives an empty span. */
struct span span_text(const char *text);

bool span_equal(struct span a, struct span b);

/* Is the span exactly this text? */
bool span_is(struct span s, const char *text);

/* A fresh NUL-terminated copy, or NULL without memory. The caller's. */
char *span_dup_text(struct span s) MUST_CHECK;

/* Does the span hold a NUL byte (so that it is no C string)? */
bool span_has_nul(struct span s);

/* ---- owned bytes ---- */

#define BUF_MAX_DEFAULT ((size_t)256 * 1024 * 1024)

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;  /* never grows past this; 0 means BUF_MAX_DEFAULT */
	int error;   /* first failure: 0, ERR_MEMORY or ERR_LIMIT */
	bool secret; /* wiped whenever memory is given up */
};

#define BUF_INIT                                                               \
	{                                                                      \
		NULL, 0, 0, 0, 0, false                                        \
	}
#define BUF_SECRET_INIT                                                        \
	{                                                                      \
		NULL, 0, 0, 0, 0, true                                         \
	}
#define BUF_MAX_INIT(n)                                                        \
	{                                                                      \
		NULL, 0, 0, (n), 0, false                                      \
	}

/* Frees (and wipes a secret); the buf is then empty and usable again. */
void buf_release(struct buf *b);

/* len = 0 and the error forgotten; memory is kept (wiped if secret). */
void buf_clear(struct buf *b);

/* 0, or the first failure since the last clear. */
int buf_error(const struct buf *b) MUST_CHECK;

/* The contents, borrowed until the next change. */
static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->data, b->len };
}

/*
 * Room for n more bytes behind the contents, without counting them in.
 * NULL on failure, which is remembered. buf_extend() then counts in what
 * was used; n of it at most.
 */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_extend(struct buf *b, size_t n);

/* Drops n bytes from the front / the back; n <= len. */
void buf_consume(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t len);

/* Appends a NUL that len does not count and returns the text, or NULL. */
const char *buf_text(struct buf *b);

/* Appends formatted text, without a NUL. */
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Takes the memory out as NUL-terminated text; the buf is then empty. */
char *buf_take_text(struct buf *b) MUST_CHECK;

/* ---- writer: RFC 4251 s5 types, appended to a buf ---- */

void write_bytes(struct buf *b, const void *bytes, size_t len);
void write_span(struct buf *b, struct span s); /* no length in front */
void write_byte(struct buf *b, uint8_t v);
void write_boolean(struct buf *b, bool v);
void write_uint32(struct buf *b, uint32_t v);
void write_uint64(struct buf *b, uint64_t v);
void write_string(struct buf *b, struct span s);  /* uint32 length first */
void write_text(struct buf *b, const char *text); /* string from C text */

/* An unsigned big-endian number as mpint: leading zeros dropped, a zero byte
 * put in front where the top bit is set. Takes time that depends on the
 * number of leading zero bytes only. */
void write_mpint(struct buf *b, struct span magnitude);

/*
 * A string whose length is known only afterwards: begin gives a mark, end
 * fills in the length of what was written since.
 */
size_t write_string_begin(struct buf *b);
void write_string_end(struct buf *b, size_t mark);

/* ---- reader ---- */

/*
 * Reads fields in the order of the RFC. The first failure (short data, a
 * value that is no such type) is remembered; later reads then give zeros
 * and empty spans. read_end() tells, once, before anything is acted upon.
 */
struct reader {
	const uint8_t *ptr;
	size_t len;  /* left */
	size_t size; /* at the start; size - len is the offset */
	int error;   /* 0, ERR_TRUNCATED, ERR_FORMAT, ERR_LIMIT */
};

static inline struct reader
reader_of(struct span s)
{
	return (struct reader){ s.ptr, s.len, s.len, 0 };
}

uint8_t read_byte(struct reader *r);
bool read_boolean(struct reader *r); /* any nonzero: true */
uint32_t read_uint32(struct reader *r);
uint64_t read_uint64(struct reader *r);
struct span read_bytes(struct reader *r, size_t n); /* exactly n */
struct span read_string(struct reader *r);          /* borrowed */

/* As read_string; ERR_LIMIT where it is longer than max. */
struct span read_string_max(struct reader *r, size_t max);

/* A string that must hold no NUL byte, else ERR_FORMAT. */
struct span read_text(struct reader *r);

/*
 * The magnitude of a non-negative mpint without its leading zero byte.
 * Negative or padded with needless zeros: ERR_FORMAT. Over 2048 bytes:
 * ERR_LIMIT.
 */
struct span read_mpint(struct reader *r);

/* What is left, borrowed; the reader is then at its end. */
struct span read_rest(struct reader *r);

/* 0 if all fields were there and nothing is left; ERR_TRAILING else. */
int read_end(struct reader *r) MUST_CHECK;

/* 0 if all fields so far were there; bytes may be left. */
int read_error(const struct reader *r) MUST_CHECK;

#endif
