/*
 * sftp_words.c - a line's words: "…", '…' and backslash, as in a shell.
 *
 * Each is kept twice: as the name that was meant, and as a pattern in which
 * what was quoted stands for itself.
 */
#include <stdlib.h>
#include <string.h>

#include "sftp/sftp.h"

struct splitter {
	struct words *words;
	struct buf plain, pattern;
	const char *line;
	size_t at, from;
	char quote;
	bool in_word;
};

static void
put_literal(struct splitter *s, char c)
{
	write_byte(&s->plain, (uint8_t)c);
	if (strchr("*?[\\", c) != NULL)
		write_byte(&s->pattern, '\\');
	write_byte(&s->pattern, (uint8_t)c);
	s->in_word = true;
}

static void
put_plain(struct splitter *s, char c)
{
	write_byte(&s->plain, (uint8_t)c);
	write_byte(&s->pattern, (uint8_t)c);
	s->in_word = true;
}

static void
end_word(struct splitter *s)
{
	struct words *w = s->words;
	struct word *word;

	if (!s->in_word)
		return;
	w->item =
	    sftp_need(realloc(w->item, (w->count + 1) * sizeof(*w->item)));
	word = &w->item[w->count++];
	word->plain = sftp_need(buf_take_text(&s->plain));
	word->pattern = sftp_need(buf_take_text(&s->pattern));
	word->from = s->from;
	word->to = s->at;
	word->quote = s->quote;
	s->in_word = false;
}

static void
backslash(struct splitter *s)
{
	char next = s->line[s->at + 1];

	/* In quotes it only takes the meaning of what would end them, and
	 * of itself; wildcards there are quoted already. */
	if (next == '\0' ||
	    (s->quote != 0 && next != s->quote && next != '\\')) {
		put_literal(s, '\\');
		return;
	}
	put_literal(s, next);
	s->at++;
}

static void
take(struct splitter *s)
{
	char c = s->line[s->at];

	if (!s->in_word)
		s->from = s->at;
	if (c == '\\') {
		backslash(s);
	} else if (s->quote != 0) {
		if (c == s->quote)
			s->quote = 0;
		else
			put_literal(s, c);
	} else if (c == '"' || c == '\'') {
		s->quote = c;
		s->in_word = true;
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		end_word(s);
	} else {
		put_plain(s, c);
	}
}

const char *
words_parse(const char *line, bool is_partial, struct words *ret)
{
	struct splitter s = { .words = ret, .line = line };

	memset(ret, 0, sizeof(*ret));
	for (; line[s.at] != '\0'; s.at++) {
		/* A comment ends the line. */
		if (line[s.at] == '#' && !s.in_word && s.quote == 0)
			break;
		take(&s);
	}
	end_word(&s);
	buf_release(&s.plain);
	buf_release(&s.pattern);
	if (s.quote != 0 && !is_partial) {
		words_release(ret);
		return "Unterminated quoted argument";
	}
	return NULL;
}

void
words_release(struct words *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free(w->item[i].plain);
		free(w->item[i].pattern);
	}
	free(w->item);
	memset(w, 0, sizeof(*w));
}
