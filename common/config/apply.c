/*
 * apply.c - going through a configuration: which lines hold, what they set,
 * what is wrong with them.
 *
 * The state of a place in the text is a struct scope. A file that is
 * included gets its own, so that its blocks end with it.
 *
 *   global        active (unless skip_global)
 *   block         active if its condition and the including block hold
 *   included file begins as the place of its Include; its own blocks can
 *                 be active only if that place is reachable
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/internal.h"

struct scope {
	bool reachable; /* the block around this file holds */
	bool active;    /* values count now */
	bool in_block;
	unsigned faults;
	const char *file;
};

struct run {
	const struct config_table *table;
	void *options;
	const struct config_text *text;
	const struct config_host *host;
	struct scope scope[CONFIG_MAX_DEPTH + 2];
	size_t depth;
	const char *file;
	unsigned number;
	size_t *columns; /* of the words of the line */
	size_t column;   /* where they start */
};

static struct scope *
here(struct run *run)
{
	return &run->scope[run->depth];
}

/* ---- messages ---- */

static void say(struct run *run, enum config_message kind, const char *format,
    ...) PRINTF_LIKE(3, 4);
static void
say(struct run *run, enum config_message kind, const char *format, ...)
{
	char line[1536];
	va_list args;

	if (kind == CONFIG_ERROR)
		here(run)->faults++;
	if (run->host->message == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	run->host->message(run->host->context, kind, line);
}

static void
debug(struct run *run, const char *what, const char *more)
{
	char line[1024];

	if (run->host->debug == NULL)
		return;
	snprintf(line, sizeof(line), "%s line %u: %s%s%s", run->file,
	    run->number, what, *more != '\0' ? " " : "", more);
	run->host->debug(run->host->context, line);
}

/* "FILE line N: text", with the column of word n where there is one. */
static void
say_fault(struct run *run, size_t word, const char *text)
{
	if (run->columns != NULL && run->number > 0)
		say(run, CONFIG_ERROR, "%s line %u: %s (column %zu)", run->file,
		    run->number, text, run->column + run->columns[word]);
	else
		say(run, CONFIG_ERROR, "%s line %u: %s", run->file, run->number,
		    text);
}

/* Messages of the client have keywords in lower case, as people know it. */
static void
shown_keyword(const struct run *run, const char *keyword, char *ret, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n && keyword[i] != '\0'; i++)
		ret[i] = run->table->server
			     ? keyword[i]
			     : (char)tolower((unsigned char)keyword[i]);
	ret[i] = '\0';
}

/* ---- the nearest known keyword, for a mistyped one ---- */

#define DISTANCE_WORD 48

/* Edits (insert, remove, change) between two words, case ignored; at most
 * DISTANCE_WORD characters of each count. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[DISTANCE_WORD + 1];
	size_t la = strnlen(a, DISTANCE_WORD), lb = strnlen(b, DISTANCE_WORD);

	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			unsigned best = diagonal + (same ? 0 : 1);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

static const char *
nearest_keyword(const struct config_table *table, const char *keyword)
{
	unsigned len = (unsigned)strnlen(keyword, DISTANCE_WORD);
	/* Two edits in a short word, more in a long one. */
	unsigned best = len / 2 < len / 3 + 1 ? len / 2 + 1 : len / 3 + 2;
	const char *found = NULL;

	for (size_t i = 0; i < table->count; i++) {
		unsigned d = edit_distance(keyword, table->rows[i].keyword);

		if (d < best) {
			best = d;
			found = table->rows[i].keyword;
		}
	}
	return found;
}

/* ---- Host and Match ---- */

static void
enter_block(struct run *run, bool holds)
{
	struct scope *scope = here(run);

	scope->in_block = true;
	scope->active = scope->reachable && holds && !run->host->never_match;
}

/* A keyword of blocks on the command line, where there are none. */
static bool
refuse_on_command_line(struct run *run, const char *keyword)
{
	if (run->depth > 0)
		return false;
	say(run, CONFIG_ERROR,
	    "%s directive not supported as a command-line option", keyword);
	return true;
}

static void
on_host(struct run *run, const struct strings *words)
{
	char *why = NULL;
	bool holds;

	if (refuse_on_command_line(run, "Host"))
		return;
	holds = run->host->host(run->host->context, words, &why);
	enter_block(run, holds);
	if (why != NULL)
		debug(run, why, "");
	free(why);
}

/* A criterion as written: its row, negation, and where its argument is. */
struct criterion {
	size_t index;
	bool negated;
	const char *argument;
};

static bool
find_criterion(
    const struct config_table *table, const char *name, size_t len, size_t *ret)
{
	const struct config_criterion *c = table->criteria;

	for (size_t i = 0; c[i].name != NULL; i++) {
		if (strlen(c[i].name) == len &&
		    strncasecmp(c[i].name, name, len) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* Reads the criterion at *at; a fault is said. */
static bool
next_criterion(struct run *run, const struct strings *words, size_t *at,
    struct criterion *ret)
{
	const char *word = words->item[*at];
	const struct config_criterion *row;
	const char *equals = strchr(word, '=');
	size_t len;

	ret->argument = NULL;
	ret->negated = *word == '!';
	word += ret->negated;
	len = equals != NULL ? (size_t)(equals - word) : strlen(word);
	if (!find_criterion(run->table, word, len, &ret->index) ||
	    (ret->negated && !run->table->criteria[ret->index].can_negate) ||
	    (equals != NULL &&
		!run->table->criteria[ret->index].has_argument)) {
		say(run, CONFIG_ERROR, "Unsupported Match attribute %s",
		    words->item[*at]);
		return false;
	}
	row = &run->table->criteria[ret->index];
	(*at)++;
	if (!row->has_argument)
		return true;
	if (equals != NULL) {
		ret->argument = equals + 1;
	} else if (*at < words->count) {
		ret->argument = words->item[(*at)++];
	} else {
		say(run, CONFIG_ERROR, "Missing Match criteria for %s",
		    row->name);
		return false;
	}
	return true;
}

/* "all" stands alone, or behind one canonical or final. */
static bool
all_is_alone(struct run *run, size_t position, const struct strings *words,
    size_t at, bool negated)
{
	bool behind_one = position == 1 && !run->table->server &&
			  (strcasecmp(words->item[0], "canonical") == 0 ||
			      strcasecmp(words->item[0], "final") == 0);

	return !negated && at == words->count && (position == 0 || behind_one);
}

/* 1, 0, or a negative code: a fault was said. */
static int
match_line(struct run *run, const struct strings *words)
{
	bool holds = here(run)->reachable && !run->host->never_match;
	size_t at = 0;

	for (size_t position = 0; at < words->count; position++) {
		struct error e = { 0 };
		struct criterion c;
		int r;

		if (!next_criterion(run, words, &at, &c))
			return ERR_CONFIG;
		if (c.index == 0) { /* all */
			if (!all_is_alone(
				run, position, words, at, c.negated)) {
				say(run, CONFIG_ERROR,
				    "%s line %u: 'all' cannot be combined "
				    "with other Match attributes",
				    run->file, run->number);
				return ERR_CONFIG;
			}
			continue;
		}
		r = run->host->match(run->host->context, c.index, c.negated,
		    c.argument, holds, &e);
		if (r < 0) {
			say(run, CONFIG_ERROR, "%s", error_message(&e, r));
			return r;
		}
		holds = holds && (r != 0) != c.negated;
	}
	return holds;
}

static void
on_match(struct run *run, const struct strings *words)
{
	unsigned faults = here(run)->faults;
	int r;

	if (refuse_on_command_line(run, "Match"))
		return;
	r = match_line(run, words);
	enter_block(run, r == 1);
	if (r < 0) {
		say(run, CONFIG_ERROR, "%s line %u: Bad Match condition",
		    run->file, run->number);
		here(run)->faults = faults + 1;
	}
}

/* ---- values ---- */

static bool
is_ignored_unknown(struct run *run, const char *keyword)
{
	const void *list;
	size_t row;
	const char *text;
	char *lower;
	bool yes;

	if (!config_find_row(run->table, "IgnoreUnknown", &row))
		return false;
	list = config_field_const(run->table, run->options, row);
	memcpy(&text, list, sizeof(text));
	if (text == NULL || (lower = text_lower(keyword)) == NULL)
		return false;
	yes = pattern_list_match(text, lower, true) == 1;
	free(lower);
	return yes;
}

/* Names that are no options (any more); false: it is not one of them. */
static bool
on_other_name(struct run *run, const char *keyword)
{
	const struct config_name *n = run->table->names;
	char shown[64];

	while (n->keyword != NULL && strcasecmp(n->keyword, keyword) != 0)
		n++;
	if (n->keyword == NULL)
		return false;
	shown_keyword(run, keyword, shown, sizeof(shown));
	if (n->what == CONFIG_UNSUPPORTED)
		say(run, CONFIG_WARNING,
		    "%s line %u: Unsupported option \"%s\"", run->file,
		    run->number, shown);
	else if (n->what == CONFIG_DEPRECATED && run->table->server)
		say(run, CONFIG_WARNING, "%s line %u: Deprecated option %s",
		    run->file, run->number, shown);
	else if (n->what == CONFIG_DEPRECATED)
		debug(run, "Deprecated option", shown);
	return true;
}

static void
on_unknown(struct run *run, const char *keyword)
{
	const char *near;
	char shown[256];

	if (on_other_name(run, keyword) || is_ignored_unknown(run, keyword))
		return;
	shown_keyword(run, keyword, shown, sizeof(shown));
	near = nearest_keyword(run->table, keyword);
	if (near != NULL)
		say(run, CONFIG_ERROR,
		    "%s: line %u: Bad configuration option: %s (did you mean "
		    "%s?)",
		    run->file, run->number, shown, near);
	else
		say(run, CONFIG_ERROR,
		    "%s: line %u: Bad configuration option: %s", run->file,
		    run->number, shown);
}

/* The value of a row in a file; faults are said. */
static int
on_value(struct run *run, size_t row, const char *keyword,
    struct config_arguments *a)
{
	const struct config_row *w = &run->table->rows[row];
	struct scope *scope = here(run);
	bool store = scope->active;
	char text[640];
	char shown[64];
	int r;

	shown_keyword(run, keyword, shown, sizeof(shown));
	if (scope->in_block &&
	    ((run->table->server && (w->flags & CONFIG_MATCH) == 0) ||
		(w->flags & CONFIG_GLOBAL) != 0)) {
		say(run, CONFIG_ERROR,
		    "%s line %u: Directive '%s' is not allowed within a Match "
		    "block",
		    run->file, run->number, shown);
		return 0;
	}
	if (run->host->skip_keyword != NULL &&
	    strcasecmp(w->keyword, run->host->skip_keyword) == 0)
		store = false;
	r = config_store(a, run->options, row, store);
	if (r == ERR_CONFIG) {
		say_fault(run, a->next > 0 ? a->next - 1 : 0, a->text);
		return 0;
	}
	if (r == ERR_TRAILING) {
		snprintf(text, sizeof(text),
		    "keyword %s extra arguments at end of line", shown);
		say_fault(run, a->next, text);
		return 0;
	}
	if (r == 0 && a->warning[0] != '\0')
		say(run, CONFIG_WARNING, "%s line %u: %s", run->file,
		    run->number, a->warning);
	return r;
}

/* A line whose keyword wants words: Host, Match, Include, most rows. */
static int
on_words(struct run *run, const struct config_line *line, const size_t *row)
{
	struct config_arguments a = {
		.table = run->table, .file = run->file, .line = run->number
	};
	int r;

	r = config_lex_words(
	    span_of(line->rest, line->rest_len), &a.words, &run->columns);
	if (r == ERR_FORMAT) {
		say(run, CONFIG_ERROR, "%s line %u: invalid quotes", run->file,
		    run->number);
		return 0;
	}
	if (r != 0)
		return r;
	run->column = line->rest_column;
	if (a.words.count == 0) {
		char shown[64];

		shown_keyword(run, line->keyword, shown, sizeof(shown));
		say(run, CONFIG_ERROR,
		    "%s line %u: no argument after keyword \"%s\"", run->file,
		    run->number, shown);
	} else if (row != NULL) {
		a.row = &run->table->rows[*row];
		r = on_value(run, *row, line->keyword, &a);
	} else if (strcasecmp(line->keyword, "match") == 0) {
		on_match(run, &a.words);
	} else if (strcasecmp(line->keyword, "host") == 0) {
		on_host(run, &a.words);
	} else {
		/* Files' Includes were followed already. */
		say(run, CONFIG_ERROR,
		    "Include directive not supported as a command-line option");
	}
	strings_release(&a.words);
	free(run->columns);
	run->columns = NULL;
	return r;
}

static int
on_rest(struct run *run, const struct config_line *line, size_t row)
{
	struct config_arguments a = { .table = run->table,
		.row = &run->table->rows[row],
		.file = run->file,
		.line = run->number };
	char shown[64];
	char *rest;
	int r;

	if (line->rest_len == 0) {
		shown_keyword(run, line->keyword, shown, sizeof(shown));
		say(run, CONFIG_ERROR,
		    "%s line %u: no argument after keyword \"%s\"", run->file,
		    run->number, shown);
		return 0;
	}
	if ((rest = strndup(line->rest, line->rest_len)) == NULL)
		return ERR_MEMORY;
	a.rest = rest;
	r = on_value(run, row, line->keyword, &a);
	free(rest);
	return r;
}

static int
on_line(struct run *run, const char *text)
{
	struct config_line line;
	const char *keyword;
	size_t row;
	int r = 0;

	if (!config_lex_line(text, &line))
		return 0;
	if ((keyword = line.keyword) == NULL)
		return ERR_MEMORY;
	if (config_find_row(run->table, keyword, &row)) {
		if ((run->table->rows[row].kind->flags & CONFIG_KIND_REST) != 0)
			r = on_rest(run, &line, row);
		else
			r = on_words(run, &line, &row);
	} else if (strcasecmp(keyword, "match") == 0 ||
		   strcasecmp(keyword, "include") == 0 ||
		   (strcasecmp(keyword, "host") == 0 && !run->table->server)) {
		r = on_words(run, &line, NULL);
	} else {
		on_unknown(run, keyword);
	}
	free(line.keyword);
	return r;
}

/* ---- files ---- */

/* ERR_CONFIG with the closing sentence where the file had faults. */
static int
closing(const struct scope *scope, struct error *e)
{
	if (scope->faults == 0)
		return 0;
	return error_set(e, ERR_CONFIG,
	    "%s: terminating, %u bad configuration options",
	    scope->file != NULL ? scope->file : "command-line", scope->faults);
}

static int
on_enter(struct run *run)
{
	const struct scope *outer = here(run);
	struct scope inner = *outer;

	if (run->depth + 1 >= ARRAY_COUNT(run->scope))
		return ERR_LIMIT;
	if (outer->in_block)
		inner.reachable = outer->active;
	inner.faults = 0;
	inner.file = run->file;
	run->scope[++run->depth] = inner;
	return 0;
}

static int
on_leave(struct run *run, struct error *e)
{
	int r = closing(here(run), e);

	if (run->depth == 0)
		return ERR_FORMAT;
	run->depth--;
	return r;
}

static int
on_entry(struct run *run, const struct config_entry *entry, struct error *e)
{
	const char *bytes = (const char *)run->text->bytes.data;
	const char *text = bytes + entry->offset;

	run->file = bytes + entry->file;
	run->number = entry->number;
	switch (entry->kind) {
	case CONFIG_ENTRY_LINE:
		return on_line(run, text);
	case CONFIG_ENTRY_ENTER:
		return on_enter(run);
	case CONFIG_ENTRY_LEAVE:
		return on_leave(run, e);
	case CONFIG_ENTRY_FAULT:
		if (here(run)->active)
			say_fault(run, 0, text);
		return 0;
	}
	return ERR_FORMAT;
}

int
config_apply(const struct config_table *table, void *options,
    const struct config_text *t, const struct config_host *host,
    struct error *e)
{
	struct run run = {
		.table = table, .options = options, .text = t, .host = host
	};
	int r = 0;

	run.scope[0].reachable = true;
	run.scope[0].active = !host->skip_global;
	for (size_t i = 0; r == 0 && i < t->count; i++)
		r = on_entry(&run, &t->entry[i], e);
	if (r == 0)
		r = closing(&run.scope[0], e);
	else if (r != ERR_CONFIG)
		error_set(e, r, "%s line %u: %s", run.file, run.number,
		    error_text(r));
	return r;
}
