/*
 * text.c - lists of strings, making text, numbers and values in text.
 */
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

/* ---- lists of strings ---- */

static int
strings_reserve(struct strings *s)
{
	size_t cap = s->cap == 0 ? 8 : s->cap * 2;
	char **item;

	if (s->count + 1 < s->cap)
		return 0;
	if ((item = reallocarray(s->item, cap, sizeof(*item))) == NULL)
		return ERR_MEMORY;
	s->item = item;
	s->cap = cap;
	return 0;
}

int
strings_take(struct strings *s, char *text)
{
	if (text == NULL)
		return ERR_MEMORY;
	if (strings_reserve(s) != 0) {
		free(text);
		return ERR_MEMORY;
	}
	s->item[s->count++] = text;
	s->item[s->count] = NULL;
	return 0;
}

int
strings_add(struct strings *s, const char *text)
{
	return strings_take(s, strdup(text));
}

int
strings_copy(struct strings *to, const struct strings *from)
{
	int r;

	for (size_t i = 0; i < from->count; i++)
		if ((r = strings_add(to, from->item[i])) != 0)
			return r;
	return 0;
}

void
strings_release(struct strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->item[i]);
	free(s->item);
	s->item = NULL;
	s->count = s->cap = 0;
}

bool
strings_has(const struct strings *s, const char *text)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->item[i], text) == 0)
			return true;
	return false;
}

void
strings_remove(struct strings *s, size_t index)
{
	if (index >= s->count)
		return;
	free(s->item[index]);
	s->count--;
	memmove(s->item + index, s->item + index + 1,
	    (s->count - index + 1) * sizeof(*s->item));
}

int
strings_split(struct strings *s, const char *text, char separator)
{
	const char *end;
	int r;

	for (;; text = end + 1) {
		end = strchrnul(text, separator);
		r = strings_take(s, strndup(text, (size_t)(end - text)));
		if (r != 0 || *end == '\0')
			return r;
	}
}

char *
strings_join(const struct strings *s, const char *separator)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->count; i++) {
		if (i > 0)
			write_span(&b, span_text(separator));
		write_span(&b, span_text(s->item[i]));
	}
	return buf_take_text(&b);
}

/* ---- making text ---- */

char *
text_format(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

bool
text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
text_ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text);
	size_t tail = strlen(suffix);

	return tail <= n && memcmp(text + n - tail, suffix, tail) == 0;
}

/* tolower() follows the locale, which names on the wire do not. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *
text_lower(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p != NULL && *p != '\0'; p++)
		*p = lower(*p);
	return copy;
}

bool
text_copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size);

	if (size == 0)
		return false;
	if (n < size) {
		memcpy(to, from, n + 1);
		return true;
	}
	memcpy(to, from, size - 1);
	to[size - 1] = '\0';
	return false;
}

/* ---- numbers and values ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *text as a number; moves *text behind them. */
static int
take_number(const char **text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!is_digit(**text))
		return ERR_FORMAT;
	for (; is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(**text - '0'), &value))
			return ERR_LIMIT;
	*ret = value;
	return 0;
}

bool
text_to_int(
    const char *text, long long min, long long max, long long *ret_value)
{
	bool negative = *text == '-';
	uint64_t magnitude;
	uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	long long value;

	if (negative)
		text++;
	if (take_number(&text, &magnitude) != 0 || *text != '\0' ||
	    magnitude > most)
		return false;
	/* Negated as unsigned: -2^63 has no positive counterpart. */
	value = (long long)(negative ? 0 - magnitude : magnitude);
	if (value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* Seconds of a unit; 0 if there is no such unit. */
static uint64_t
unit_seconds(char unit)
{
	switch (lower(unit)) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return (uint64_t)60 * 60;
	case 'd':
		return (uint64_t)24 * 60 * 60;
	case 'w':
		return (uint64_t)7 * 24 * 60 * 60;
	default:
		return 0;
	}
}

int
text_to_seconds(const char *text, int64_t *ret_seconds)
{
	uint64_t total = 0;
	uint64_t count;
	uint64_t unit;
	int r;

	do {
		if ((r = take_number(&text, &count)) != 0)
			return r;
		unit = *text == '\0' ? 1 : unit_seconds(*text++);
		if (unit == 0)
			return ERR_FORMAT;
		if (__builtin_mul_overflow(count, unit, &count) ||
		    __builtin_add_overflow(total, count, &total) ||
		    total > INT64_MAX)
			return ERR_LIMIT;
	} while (*text != '\0');
	*ret_seconds = (int64_t)total;
	return 0;
}

int
text_to_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	uint64_t value;
	unsigned shift;
	int r;

	if ((r = take_number(&text, &value)) != 0)
		return r;
	if (*text != '\0') {
		unit = strchr(units, lower(*text));
		if (unit == NULL || text[1] != '\0')
			return ERR_FORMAT;
		shift = 10 * (unsigned)(unit - units + 1);
		if (value > UINT64_MAX >> shift)
			return ERR_LIMIT;
		value <<= shift;
	}
	*ret_bytes = value;
	return 0;
}
