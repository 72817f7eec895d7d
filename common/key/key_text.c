/*
 * key_text.c - public keys as lines of text: `type base64 comment`.
 * RFC 4253 s6.6 (the blob), RFC 4648 s4.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key_impl.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct span *s)
{
	while (s->len > 0 && is_blank(s->ptr[0])) {
		s->ptr++;
		s->len--;
	}
}

static struct span
take_word(struct span *s)
{
	struct span word = { s->ptr, 0 };

	while (s->len > 0 && !is_blank(s->ptr[0])) {
		s->ptr++;
		s->len--;
		word.len++;
	}
	skip_blanks(s);
	return word;
}

char *
key_public_line(const struct key *k, const char *comment)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s ", k->row->name);
	base64_write(&b, key_blob(k), 0);
	if (comment != NULL && comment[0] != '\0')
		buf_printf(&b, " %s", comment);
	return buf_take_text(&b);
}

int
key_from_line(struct span line, struct key **ret, struct span *ret_comment)
{
	struct buf blob = BUF_INIT;
	struct span type, text;
	struct key *k;
	int r;

	skip_blanks(&line);
	type = take_word(&line);
	text = take_word(&line);
	if (type.len == 0 || text.len == 0)
		return ERR_KEY_FORMAT;
	if (key_type_find(type) == NULL)
		return ERR_KEY_TYPE;
	if (base64_read(&blob, text) != 0)
		r = ERR_KEY_FORMAT;
	else
		r = key_from_blob(buf_span(&blob), &k);
	buf_release(&blob);
	if (r != 0)
		return r;
	/* The name outside says no more than the one inside. */
	if (!span_is(type, k->row->name)) {
		key_unref(k);
		return ERR_KEY_FORMAT;
	}
	if (ret_comment != NULL)
		*ret_comment = line;
	*ret = k;
	return 0;
}

/* One field in front of a key: options may hold blanks inside quotes. */
static void
skip_field(struct span *s)
{
	bool quoted = false;

	while (s->len > 0 && (quoted || !is_blank(s->ptr[0]))) {
		if (s->ptr[0] == '\\' && s->len > 1 && s->ptr[1] == '"') {
			s->ptr++;
			s->len--;
		} else if (s->ptr[0] == '"') {
			quoted = !quoted;
		}
		s->ptr++;
		s->len--;
	}
}

int
key_find_in_line(struct span line, struct key **ret, struct span *ret_comment)
{
	struct span rest, comment = span_of(NULL, 0);
	int r, best = ERR_KEY_FORMAT;

	skip_blanks(&line);
	if (line.len == 0 || line.ptr[0] == '#')
		return ERR_KEY_FORMAT;
	rest = line;
	for (int fields = 0; fields <= 2 && rest.len > 0; fields++) {
		struct span before = { line.ptr,
			(size_t)(rest.ptr - line.ptr) };

		while (before.len > 0 && is_blank(before.ptr[before.len - 1]))
			before.len--;
		if ((r = key_from_line(rest, ret, &comment)) == 0) {
			if (ret_comment != NULL)
				*ret_comment =
				    comment.len > 0 ? comment : before;
			return 0;
		}
		/* A type that is known says more than one that is not. */
		if (r != ERR_KEY_TYPE)
			best = r;
		skip_field(&rest);
		skip_blanks(&rest);
	}
	return best;
}
