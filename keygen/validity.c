/*
 * validity.c - from when until when a certificate holds, as people write it.
 * surface notes s5, -V.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/time.h"
#include "common/key/certificate.h"
#include "keygen/keygen.h"

#define MINUTE 60

/* "+1d", "-2w": from now. */
static int
parse_relative(const char *text, uint64_t now, uint64_t *ret)
{
	int64_t s;

	if (text_to_seconds(text + 1, &s) != 0 || s < 0)
		return ERR_FORMAT;
	if (text[0] == '-') {
		if ((uint64_t)s > now)
			return ERR_LIMIT;
		*ret = now - (uint64_t)s;
	} else {
		*ret = now + (uint64_t)s;
	}
	return 0;
}

/* "0x5f0e1b00": seconds since 1970. */
static int
parse_hex(const char *digits, uint64_t *ret)
{
	size_t n = strspn(digits, "0123456789abcdefABCDEF");

	if (n == 0 || n > 16 || digits[n] != '\0')
		return ERR_FORMAT;
	*ret = strtoull(digits, NULL, 16);
	return 0;
}

static int
parse_one(const char *text, uint64_t now, uint64_t *ret)
{
	if (text[0] == '+' || text[0] == '-')
		return parse_relative(text, now, ret);
	if (text_starts_with(text, "0x"))
		return parse_hex(text + 2, ret);
	return time_parse_stamp(text, ret);
}

static int
parse_start(const char *text, uint64_t now, uint64_t *ret)
{
	if (strcmp(text, "always") != 0)
		return parse_one(text, now, ret);
	*ret = 0;
	return 0;
}

static int
parse_end(const char *text, uint64_t now, uint64_t *ret)
{
	if (strcmp(text, "forever") != 0)
		return parse_one(text, now, ret);
	*ret = CERTIFICATE_FOREVER;
	return 0;
}

int
validity_parse(
    const char *text, uint64_t now_s, uint64_t *ret_after, uint64_t *ret_before)
{
	const char *colon = strchr(text, ':');
	uint64_t after, before;
	int r = 0;

	if (colon == NULL) {
		/* A minute back, on the minute: other clocks lag. */
		after = (now_s - MINUTE) / MINUTE * MINUTE;
		r = parse_end(text, now_s, &before);
	} else {
		char *start =
		    span_dup_text(span_of(text, (size_t)(colon - text)));

		if (start == NULL)
			return complain(EXIT_FATAL, "out of memory");
		r = parse_start(start, now_s, &after);
		free(start);
		if (r == 0)
			r = parse_end(colon + 1, now_s, &before);
	}
	if (r != 0)
		return complain(EXIT_FATAL,
		    "Invalid certificate life specification %s", text);
	if (after >= before)
		return complain(
		    EXIT_FATAL, "Empty certificate validity interval");
	*ret_after = after;
	*ret_before = before;
	return 0;
}

static void
format_time(uint64_t s, char *to, size_t size)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s > INT64_MAX || localtime_r(&t, &tm) == NULL ||
	    strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		text_copy(to, size, "UNKNOWN-TIME");
}

char *
validity_format(uint64_t after, uint64_t before)
{
	char from[64], to[64];

	format_time(after, from, sizeof(from));
	format_time(before, to, sizeof(to));
	if (after == 0 && before == CERTIFICATE_FOREVER)
		return strdup("forever");
	if (before == CERTIFICATE_FOREVER)
		return text_format("after %s", from);
	if (after == 0)
		return text_format("before %s", to);
	return text_format("from %s to %s", from, to);
}
