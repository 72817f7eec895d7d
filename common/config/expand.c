/*
 * expand.c - %x tokens, ${NAME} and ~ in values.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/config/internal.h"

/* The result of one expansion; longer ones are refused. */
#define EXPANDED_MAX ((size_t)1024 * 1024)

/* %x at text: appends what it stands for. */
static int
expand_token(const char *text, const struct config_tokens *tokens,
    const char *allowed, struct buf *out, struct error *e)
{
	unsigned char c = (unsigned char)text[1];
	const char *value;

	if (c == '%') {
		write_byte(out, '%');
		return 0;
	}
	if (c == '\0')
		return error_set(
		    e, ERR_CONFIG, "a %% without a letter at the end");
	if (c >= 128 || allowed == NULL || strchr(allowed, c) == NULL)
		return error_set(e, ERR_CONFIG, "unknown key %%%c", c);
	value = tokens != NULL ? tokens->value[c] : NULL;
	if (value == NULL)
		return error_set(e, ERR_CONFIG, "%%%c is not known here", c);
	write_span(out, span_text(value));
	return 0;
}

/* ${NAME} at text; its length goes to ret_len. */
static int
expand_variable(
    const char *text, struct buf *out, size_t *ret_len, struct error *e)
{
	const char *end = strchr(text, '}');
	const char *value;
	char *name;
	int r = 0;

	if (end == NULL || end == text + 2)
		return error_set(
		    e, ERR_CONFIG, "environment variable without a closing }");
	name = strndup(text + 2, (size_t)(end - text - 2));
	if (name == NULL)
		return ERR_MEMORY;
	value = getenv(name);
	if (value == NULL)
		r = error_set(e, ERR_CONFIG,
		    "environment variable ${%s} has no value", name);
	else
		write_span(out, span_text(value));
	free(name);
	*ret_len = (size_t)(end - text) + 1;
	return r;
}

int
config_expand(const char *text, const struct config_tokens *tokens,
    const char *allowed, bool env, const char *home, char **ret,
    struct error *e)
{
	struct buf out = BUF_MAX_INIT(EXPANDED_MAX);
	char *start = NULL;
	int r = 0;

	if (home != NULL && *text == '~') {
		/* Before tokens: what they bring in is no home. */
		if ((r = path_expand_home(text, home, &start, e)) != 0)
			return r;
		text = start;
	}
	while (r == 0 && *text != '\0') {
		size_t len = 1;

		if (*text == '%') {
			r = expand_token(text, tokens, allowed, &out, e);
			len = 2;
		} else if (env && text[0] == '$' && text[1] == '{') {
			r = expand_variable(text, &out, &len, e);
		} else {
			len = 1 + strcspn(text + 1, "%$");
			write_bytes(&out, text, len);
		}
		if (r == 0)
			text += len;
	}
	if (r == 0)
		r = buf_error(&out);
	if (r == 0 && (*ret = buf_take_text(&out)) == NULL)
		r = ERR_MEMORY;
	free(start);
	buf_release(&out);
	return r;
}

int
config_expand_command(const char *command, const struct config_tokens *tokens,
    const char *allowed, bool env, const char *home, struct strings *ret_argv,
    struct error *e)
{
	struct strings words = STRINGS_INIT, argv = STRINGS_INIT;
	int r = config_lex_words(span_text(command), &words, NULL);

	if (r == ERR_FORMAT)
		r = error_set(e, ERR_CONFIG, "a quote is left open");
	else if (r == 0 && words.count == 0)
		r = error_set(e, ERR_CONFIG, "no command");
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		char *word;

		r = config_expand(
		    words.item[i], tokens, allowed, env, home, &word, e);
		if (r == 0)
			r = strings_take(&argv, word);
	}
	strings_release(&words);
	if (r != 0) {
		strings_release(&argv);
		return r;
	}
	*ret_argv = argv;
	return 0;
}

static int
expand_text(const struct config_row *row, char **text,
    const struct config_tokens *tokens, const char *home, struct error *e)
{
	char *whole;
	int r = config_expand(*text, tokens, row->tokens,
	    (row->flags & CONFIG_ENV) != 0,
	    (row->flags & CONFIG_TILDE) != 0 ? home : NULL, &whole, e);

	if (r != 0) {
		error_prefix(e, "%s \"%s\"", row->keyword, *text);
		return r;
	}
	free(*text);
	*text = whole;
	return 0;
}

int
config_expand_row(const struct config_table *table, void *options, size_t row,
    const struct config_tokens *tokens, const char *home, struct error *e)
{
	const struct config_row *w = &table->rows[row];
	void *field = config_field(table, options, row);
	int r = 0;

	if (w->kind->size == sizeof(struct strings)) {
		struct strings *list = field;

		for (size_t i = 0; r == 0 && i < list->count; i++)
			r = expand_text(w, &list->item[i], tokens, home, e);
		return r;
	}
	if (*(char **)field == NULL)
		return 0;
	return expand_text(w, field, tokens, home, e);
}
