/*
 * lexer.c - one line of a configuration file taken apart.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/internal.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' ||
	       c == '\n';
}

static size_t
trimmed_length(const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && is_blank(text[n - 1]))
		n--;
	return n;
}

bool
config_lex_line(const char *text, struct config_line *ret)
{
	size_t end = trimmed_length(text);
	size_t at = 0;
	size_t start;

	while (at < end && is_blank(text[at]))
		at++;
	if (at == end || text[at] == '#')
		return false;
	start = at;
	while (at < end && !is_blank(text[at]) && text[at] != '=')
		at++;
	ret->keyword = strndup(text + start, at - start);
	while (at < end && is_blank(text[at]))
		at++;
	if (at < end && text[at] == '=')
		at++;
	while (at < end && is_blank(text[at]))
		at++;
	ret->rest = text + at;
	ret->rest_len = end - at;
	ret->rest_column = at + 1;
	return true;
}

/* Is the backslash at text[at] one that escapes the next character? */
static bool
escapes(struct span text, size_t at, char quote)
{
	char next;

	if (text.ptr[at] != '\\' || at + 1 >= text.len)
		return false;
	next = (char)text.ptr[at + 1];
	return next == '"' || next == '\'' || next == '\\' ||
	       (quote == '\0' && next == ' ');
}

/* The word at *at, which is moved behind it. */
static int
lex_word(struct span text, size_t *at, struct buf *ret)
{
	char quote = '\0';

	for (; *at < text.len; (*at)++) {
		char c = (char)text.ptr[*at];

		if (escapes(text, *at, quote)) {
			(*at)++;
			write_byte(ret, text.ptr[*at]);
		} else if (quote != '\0' && c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote == '\0' && is_blank(c)) {
			break;
		} else {
			write_byte(ret, (uint8_t)c);
		}
	}
	return quote != '\0' ? ERR_FORMAT : buf_error(ret);
}

static int
add_column(size_t **columns, size_t count, size_t column)
{
	size_t *grown;

	if (columns == NULL)
		return 0;
	/* Grown at every power of two. */
	if ((count & (count - 1)) == 0) {
		grown = realloc(
		    *columns, (count == 0 ? 1 : 2 * count) * sizeof(**columns));
		if (grown == NULL)
			return ERR_MEMORY;
		*columns = grown;
	}
	(*columns)[count] = column;
	return 0;
}

int
config_lex_words(struct span text, struct strings *ret, size_t **ret_columns)
{
	struct strings words = STRINGS_INIT;
	size_t *columns = NULL;
	struct buf word = BUF_INIT;
	size_t at = 0;
	int r = 0;

	for (;;) {
		char *copy;
		size_t start;

		while (at < text.len && is_blank((char)text.ptr[at]))
			at++;
		if (at >= text.len || text.ptr[at] == '#')
			break;
		start = at;
		buf_clear(&word);
		if ((r = lex_word(text, &at, &word)) != 0 ||
		    (r = add_column(ret_columns != NULL ? &columns : NULL,
			 words.count, start)) != 0)
			goto out;
		copy = span_dup_text(buf_span(&word));
		if (copy == NULL) {
			r = ERR_MEMORY;
			goto out;
		}
		if ((r = strings_take(&words, copy)) != 0)
			goto out;
	}
	*ret = words;
	words = (struct strings)STRINGS_INIT;
	if (ret_columns != NULL) {
		*ret_columns = columns;
		columns = NULL;
	}
out:
	strings_release(&words);
	free(columns);
	buf_release(&word);
	return r;
}

void
config_write_word(struct buf *out, const char *word)
{
	if (*word != '\0' && *word != '#' &&
	    word[strcspn(word, " \t\r\n\f\v\"'\\")] == '\0') {
		write_bytes(out, word, strlen(word));
		return;
	}
	write_byte(out, '"');
	for (; *word != '\0'; word++) {
		if (*word == '"' || *word == '\\')
			write_byte(out, '\\');
		write_byte(out, (uint8_t)*word);
	}
	write_byte(out, '"');
}
