/*
 * error.h - what failed, in a form that reaches a person as one sentence.
 *
 * A function that can fail returns 0 or a negative ERR_ code (error.def).
 * Where a caller wants more than the code it passes a struct error, which
 * then holds the sentence: what was tried, what was refused, where.
 *
 * Knows: nothing but text. Owner: embedded by the caller; no allocation.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include "common/base/attributes.h"

enum error_index {
	ERROR_INDEX_OK,
#define ROW(name, text, disconnect) ERROR_INDEX_##name,
#include "common/base/error.def"
#undef ROW
	ERROR_INDEX_COUNT
};

enum error_code {
	ERR_OK = 0,
#define ROW(name, text, disconnect) ERR_##name = -ERROR_INDEX_##name,
#include "common/base/error.def"
#undef ROW
};

struct error {
	int code;         /* 0, or an ERR_ code */
	int system_errno; /* errno at the time, where code is ERR_SYSTEM */
	char text[1024];  /* the sentence, without a newline; "" if code is 0 */
};

/* The sentence of error.def for a code; never NULL. */
const char *error_text(int code);

/* The SSH_DISCONNECT_ reason to tell a peer for a code; 0 for none. */
int error_disconnect_reason(int code);

/* Forgets what was recorded. */
void error_clear(struct error *e);

/*
 * Records code with a sentence and returns code, so that a function can end
 * with `return error_set(e, ERR_FORMAT, "...")`. e may be NULL. A sentence
 * that is too long is cut with "...".
 */
int error_set(struct error *e, int code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * As error_set for a failed system call: the code is ERR_SYSTEM (or
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_EXISTS, where errno says so) and
 * ": <text of errno>" follows the sentence.
 */
int error_set_errno(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "<text>: " in front of what is recorded; keeps the code. */
void error_prefix(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * The recorded sentence, or the text of code where e is NULL or empty.
 * Borrowed from e; valid until e changes.
 */
const char *error_message(const struct error *e, int code);

#endif
