/*
 * pattern.c - name-lists (RFC 4251 s5) and patterns with `*` and `?`.
 */
#include <string.h>

#include "common/base/text.h"

/* ---- name-lists ---- */

/* Takes the next item of a comma list, an empty one too. */
static bool
item_next(struct span *rest, struct span *ret)
{
	const uint8_t *comma;
	size_t n;

	if (rest->len == 0)
		return false;
	comma = memchr(rest->ptr, ',', rest->len);
	n = comma != NULL ? (size_t)(comma - rest->ptr) : rest->len;
	*ret = span_of(rest->ptr, n);
	n += comma != NULL;
	*rest = span_of(rest->ptr + n, rest->len - n);
	return true;
}

bool
list_next(struct span *rest, struct span *ret_name)
{
	struct span name;

	while (item_next(rest, &name)) {
		if (name.len > 0) {
			*ret_name = name;
			return true;
		}
	}
	return false;
}

bool
list_has(struct span list, struct span name)
{
	struct span item;

	while (list_next(&list, &item))
		if (span_equal(item, name))
			return true;
	return false;
}

struct span
list_first_common(struct span client, struct span server)
{
	struct span name;

	while (list_next(&client, &name))
		if (list_has(server, name))
			return name;
	return span_of(NULL, 0);
}

/* ---- patterns ---- */

static uint8_t
fold(uint8_t c, bool no_case)
{
	return no_case && c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/*
 * Walks both once; where they differ, the last `*` takes one more
 * character. Earlier stars need no second try: whatever they could still
 * take, the last one can.
 */
static bool
match(struct span pattern, struct span text, bool no_case)
{
	size_t p = 0, t = 0;
	size_t star = SIZE_MAX, star_text = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			star_text = t;
		} else if (p < pattern.len &&
			   (pattern.ptr[p] == '?' ||
			       fold(pattern.ptr[p], no_case) ==
				   fold(text.ptr[t], no_case))) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool
pattern_match(const char *pattern, const char *text)
{
	return match(span_text(pattern), span_text(text), false);
}

bool
pattern_match_no_case(const char *pattern, const char *text)
{
	return match(span_text(pattern), span_text(text), true);
}

int
pattern_list_match(const char *list, const char *text, bool lower)
{
	struct span rest = span_text(list);
	struct span item;
	bool found = false;

	while (list_next(&rest, &item)) {
		bool negated = item.ptr[0] == '!';

		if (negated)
			item = span_of(item.ptr + 1, item.len - 1);
		if (!match(item, span_text(text), lower))
			continue;
		if (negated)
			return -1;
		found = true;
	}
	return found ? 1 : 0;
}
