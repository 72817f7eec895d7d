/*
 * text.h - text: lists of strings, numbers, escaping, base64, hexadecimal,
 * words of a command line, patterns.
 *
 * Functions that return char * return fresh memory, the caller's, or NULL
 * without memory, unless said otherwise.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

/* ---- lists of strings ---- */

struct strings {
	char **item; /* item[count] is NULL once anything was added */
	size_t count;
	size_t cap;
};

#define STRINGS_INIT                                                           \
	{                                                                      \
		NULL, 0, 0                                                     \
	}

int strings_add(struct strings *s, const char *text) MUST_CHECK; /* copy */
int strings_take(
    struct strings *s, char *text) MUST_CHECK; /* takes text, also on failure */
int strings_copy(struct strings *to, const struct strings *from) MUST_CHECK;
void strings_release(struct strings *s);
bool strings_has(const struct strings *s, const char *text);
void strings_remove(struct strings *s, size_t index);

/* Splits at a separator; empty items are kept. */
int strings_split(
    struct strings *s, const char *text, char separator) MUST_CHECK;
char *strings_join(const struct strings *s, const char *separator);

/* ---- making text ---- */

char *text_format(const char *format, ...) PRINTF_LIKE(1, 2);
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
char *text_lower(const char *text);

/* Bounded copy, always terminated; false when it was cut. */
bool text_copy(char *to, size_t size, const char *from);

/* ---- numbers and values; the whole text must be the value ---- */

bool text_to_int(
    const char *text, long long min, long long max, long long *ret_value);

/* "1h30m", "90", units smhdw in either case; seconds. ERR_FORMAT, ERR_LIMIT. */
int text_to_seconds(const char *text, int64_t *ret_seconds) MUST_CHECK;

/* "16K", "1G", "512": bytes, powers of 1024. */
int text_to_bytes(const char *text, uint64_t *ret_bytes) MUST_CHECK;

/* ---- escaping: what a peer sent, made fit for logs and terminals ---- */

/*
 * Appends s with every byte that is not printable written visibly: \n \r \t
 * \\ and \ooo (octal). Valid UTF-8 of printable characters passes when
 * utf8 is set; C1 controls and bidirectional overrides never do.
 */
void text_escape(struct buf *out, struct span s, bool utf8);
char *text_escaped(struct span s); /* ASCII only */

/* As text_escape, but \n, \t and backslashes pass, and the CR of a CR LF is
 * left out: for banners and prompts. */
void text_escape_lines(struct buf *out, struct span s, bool utf8);

/* ---- base64 (RFC 4648 s4) and hexadecimal ---- */

/* Lines of `columns` characters each ended by \n; 0 columns: one run. */
void base64_write(struct buf *out, struct span s, size_t columns);

/* White space is skipped. ERR_FORMAT for anything else that is not base64. */
int base64_read(struct buf *out, struct span text) MUST_CHECK;
void hex_write(struct buf *out, struct span s);
int hex_read(struct buf *out, const char *text) MUST_CHECK;

/* ---- name-lists (RFC 4251 s5) and patterns ---- */

/*
 * Walks a comma list: *rest is what is left, the result the next name;
 * false at the end. Empty names are skipped.
 */
bool list_next(struct span *rest, struct span *ret_name);
bool list_has(struct span list, struct span name);

/* The first name of client's list that is in server's; empty if none. */
struct span list_first_common(struct span client, struct span server);

/* `*` and `?` against the whole of text; no recursion, at most as many steps
 * as the product of both lengths. */
bool pattern_match(const char *pattern, const char *text);
bool pattern_match_no_case(const char *pattern, const char *text);

/*
 * A comma list of patterns, `!` negates: 1 matched, 0 not, -1 matched by a
 * negated one. lower: text is compared in lower case.
 */
int pattern_list_match(const char *list, const char *text, bool lower);

#endif
