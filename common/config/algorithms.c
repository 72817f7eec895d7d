/*
 * algorithms.c - lists of algorithms: whole, or relative to the default by
 * + (append), - (remove), ^ (put first).
 */
#include <stdlib.h>
#include <string.h>

#include "common/config/internal.h"

static void
add_name(struct buf *out, struct span name)
{
	if (list_has(buf_span(out), name))
		return;
	if (out->len > 0)
		write_byte(out, ',');
	write_span(out, name);
}

static bool
has_wildcard(struct span name)
{
	return name.len > 0 && (memchr(name.ptr, '*', name.len) != NULL ||
				   memchr(name.ptr, '?', name.len) != NULL);
}

/* Appends the names of known that the pattern matches; false: none does. */
static bool
add_matching(struct buf *out, const char *known, const char *pattern)
{
	struct span rest = span_text(known);
	struct span name;
	bool any = false;

	while (list_next(&rest, &name)) {
		char *text = span_dup_text(name);

		if (text != NULL && pattern_match(pattern, text)) {
			any = true;
			add_name(out, name);
		}
		free(text);
	}
	return any;
}

/* One name of a list that adds: appended if this build has it. */
static int
add_listed(const struct config_algorithms *family, struct span name,
    struct buf *out, char **ret_bad)
{
	bool fine;
	char *text;

	if (list_has(span_text(family->known), name)) {
		add_name(out, name);
		return 0;
	}
	if ((text = span_dup_text(name)) == NULL)
		return ERR_MEMORY;
	fine = family->patterns && has_wildcard(name) &&
	       add_matching(out, family->known, text);
	if (!fine && ret_bad != NULL)
		*ret_bad = text;
	else
		free(text);
	return fine ? 0 : ERR_CONFIG;
}

static int
add_list(const struct config_algorithms *family, struct span list,
    struct buf *out, char **ret_bad)
{
	struct span name;
	int r = 0;

	while (r == 0 && list_next(&list, &name))
		r = add_listed(family, name, out, ret_bad);
	return r;
}

static void
add_default(const struct config_algorithms *family, struct buf *out)
{
	struct span rest = span_text(family->fallback);
	struct span name;

	while (list_next(&rest, &name))
		add_name(out, name);
}

/* The default without what the list's patterns match. */
static int
add_remaining(const struct config_algorithms *family, const char *patterns,
    struct buf *out)
{
	struct span rest = span_text(family->fallback);
	struct span name;

	while (list_next(&rest, &name)) {
		char *text = span_dup_text(name);

		if (text == NULL)
			return ERR_MEMORY;
		if (pattern_list_match(patterns, text, false) != 1)
			add_name(out, name);
		free(text);
	}
	return 0;
}

int
config_algorithms_resolve(const struct config_algorithms *family,
    const char *list, char **ret, char **ret_bad)
{
	struct buf out = BUF_INIT;
	struct span rest = span_text(*list != '\0' ? list + 1 : list);
	int r = 0;

	switch (*list) {
	case '\0':
		add_default(family, &out);
		break;
	case '+':
		add_default(family, &out);
		r = add_list(family, rest, &out, ret_bad);
		break;
	case '^':
		r = add_list(family, rest, &out, ret_bad);
		add_default(family, &out);
		break;
	case '-':
		r = add_remaining(family, list + 1, &out);
		break;
	default:
		r = add_list(family, span_text(list), &out, ret_bad);
		break;
	}
	if (r == 0)
		r = buf_error(&out);
	if (r == 0 && (*ret = buf_take_text(&out)) == NULL)
		r = ERR_MEMORY;
	buf_release(&out);
	return r;
}
