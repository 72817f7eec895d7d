/*
 * options.c - whole option structs: rows, storing, copying, defaults, dump.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/internal.h"

void *
config_field(const struct config_table *table, void *options, size_t row)
{
	return (char *)options + table->rows[row].offset;
}

const void *
config_field_const(
    const struct config_table *table, const void *options, size_t row)
{
	return (const char *)options + table->rows[row].offset;
}

static const uint64_t *
set_bits(const struct config_table *table, const void *options)
{
	const void *bits = (const char *)options + table->set_offset;

	return bits;
}

bool
config_is_set(const struct config_table *table, const void *options, size_t row)
{
	return (set_bits(table, options)[row / 64] >> (row % 64) & 1) != 0;
}

void
config_mark_set(
    const struct config_table *table, void *options, size_t row, bool set)
{
	void *start = (char *)options + table->set_offset;
	uint64_t *bits = start;
	uint64_t bit = (uint64_t)1 << (row % 64);

	if (set)
		bits[row / 64] |= bit;
	else
		bits[row / 64] &= ~bit;
}

/* ---- keywords ---- */

static bool
same_keyword(const char *a, const char *b)
{
	return tolower((unsigned char)*a) == tolower((unsigned char)*b) &&
	       strcasecmp(a, b) == 0;
}

bool
config_find_row(
    const struct config_table *table, const char *keyword, size_t *ret_row)
{
	for (size_t i = 0; i < table->count; i++) {
		if (same_keyword(table->rows[i].keyword, keyword)) {
			*ret_row = i;
			return true;
		}
	}
	for (const struct config_name *n = table->names; n->keyword != NULL;
	     n++)
		if (n->what == CONFIG_ALIAS &&
		    same_keyword(n->keyword, keyword))
			return config_find_row(table, n->of, ret_row);
	return false;
}

/* ---- arguments ---- */

const char *
config_next(struct config_arguments *a)
{
	if (a->next < a->words.count && *a->words.item[a->next] != '\0')
		return a->words.item[a->next++];
	if (a->text[0] == '\0')
		IGNORE_RESULT(config_fault(a, "missing argument."));
	return NULL;
}

bool
config_has_next(const struct config_arguments *a)
{
	return a->next < a->words.count;
}

int
config_fault(struct config_arguments *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->text, sizeof(a->text), format, args);
	va_end(args);
	return ERR_CONFIG;
}

/* ---- values ---- */

/* Room for one value of any kind. */
union value {
	max_align_t align;
	unsigned char bytes[CONFIG_VALUE_MAX];
};

static void
release_value(const struct config_kind *kind, void *value)
{
	if (kind->release != NULL)
		kind->release(value);
	memset(value, 0, kind->size);
}

static int
copy_value(const struct config_kind *kind, void *to, const void *from)
{
	int r;

	memset(to, 0, kind->size);
	if (kind->copy == NULL) {
		memcpy(to, from, kind->size);
		return 0;
	}
	if ((r = kind->copy(to, from)) != 0)
		release_value(kind, to);
	return r;
}

/* Two keywords for one thing: is the other one (a text) set already? */
static bool
excluded(const struct config_arguments *a, const void *options)
{
	char *const *text;
	size_t other;

	if ((a->row->flags & (CONFIG_EXCLUDED | CONFIG_EXCLUDED_BY_VALUE)) ==
		0 ||
	    !config_find_row(a->table, a->row->extra, &other) ||
	    !config_is_set(a->table, options, other))
		return false;
	text = config_field_const(a->table, options, other);
	return (a->row->flags & CONFIG_EXCLUDED) != 0 || *text != NULL;
}

int
config_store(struct config_arguments *a, void *options, size_t row, bool store)
{
	const struct config_kind *kind = a->row->kind;
	void *field = config_field(a->table, options, row);
	bool is_set = config_is_set(a->table, options, row);
	bool adds = (a->row->flags & CONFIG_ADDS) != 0;
	union value value;
	int r;

	memset(value.bytes, 0, kind->size);
	r = kind->parse(a, value.bytes);
	if (r == 0 && (kind->flags & CONFIG_KIND_REST) == 0 &&
	    config_has_next(a))
		r = ERR_TRAILING; /* the caller words it */
	if (excluded(a, options))
		store = false;
	if (r != 0 || !store || (is_set && !adds)) {
		release_value(kind, value.bytes);
		return r;
	}
	if (!is_set)
		release_value(kind, field); /* a default */
	if (kind->append != NULL) {
		r = kind->append(field, value.bytes);
		release_value(kind, value.bytes);
	} else {
		memcpy(field, value.bytes, kind->size);
	}
	config_mark_set(a->table, options, row, true);
	return r;
}

/* Parses value for a row outside of any file. */
static int
set_row(const struct config_table *table, void *options, size_t row,
    const char *value, struct error *e)
{
	struct config_arguments a = { .table = table,
		.row = &table->rows[row] };
	int r;

	a.rest = value;
	if ((a.row->kind->flags & CONFIG_KIND_REST) == 0 &&
	    (r = config_lex_words(span_text(value), &a.words, NULL)) != 0)
		return error_set(e, r, "%s: invalid quotes", a.row->keyword);
	r = config_store(&a, options, row, true);
	if (r == ERR_CONFIG)
		error_set(e, r, "%s: %s", a.row->keyword, a.text);
	else if (r == ERR_TRAILING)
		error_set(
		    e, r = ERR_CONFIG, "%s: extra arguments", a.row->keyword);
	else if (r != 0)
		error_set(e, r, "%s: %s", a.row->keyword, error_text(r));
	strings_release(&a.words);
	return r;
}

int
config_set(const struct config_table *table, void *options, const char *keyword,
    const char *value, struct error *e)
{
	size_t row;

	if (!config_find_row(table, keyword, &row))
		return error_set(
		    e, ERR_CONFIG, "Bad configuration option: %s", keyword);
	return set_row(table, options, row, value, e);
}

int
config_fill_defaults(
    const struct config_table *table, void *options, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < table->count; i++) {
		const char *fallback = table->rows[i].fallback;

		if (fallback == NULL || config_is_set(table, options, i))
			continue;
		r = set_row(table, options, i, fallback, e);
		config_mark_set(table, options, i, false);
	}
	return r == ERR_CONFIG ? ERR_BUG : r;
}

/* ---- whole options ---- */

int
config_copy(const struct config_table *table, void *to, const void *from)
{
	int r = 0;

	memset(to, 0, table->size);
	for (size_t i = 0; r == 0 && i < table->count; i++)
		r = copy_value(table->rows[i].kind, config_field(table, to, i),
		    config_field_const(table, from, i));
	if (r != 0) {
		config_release(table, to);
		return r;
	}
	memcpy((char *)to + table->set_offset, set_bits(table, from),
	    CONFIG_SET_WORDS * sizeof(uint64_t));
	return 0;
}

static int
overlay_row(
    const struct config_table *table, void *to, const void *from, size_t row)
{
	const struct config_kind *kind = table->rows[row].kind;
	void *field = config_field(table, to, row);
	union value value;
	int r;

	r = copy_value(kind, value.bytes, config_field_const(table, from, row));
	if (r != 0)
		return r;
	if (kind->merge != NULL) {
		r = kind->merge(value.bytes, field);
		if (r != 0) {
			release_value(kind, value.bytes);
			return r;
		}
	}
	release_value(kind, field);
	memcpy(field, value.bytes, kind->size);
	config_mark_set(table, to, row, true);
	return 0;
}

int
config_overlay(const struct config_table *table, void *to, const void *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < table->count; i++)
		if (config_is_set(table, from, i))
			r = overlay_row(table, to, from, i);
	return r;
}

void
config_release(const struct config_table *table, void *options)
{
	for (size_t i = 0; i < table->count; i++)
		release_value(
		    table->rows[i].kind, config_field(table, options, i));
	memset(options, 0, table->size);
}

/* ---- dump ---- */

static void
write_keyword(
    struct buf *out, const struct config_row *row, const char *keyword)
{
	if (keyword != NULL) {
		buf_printf(out, "%s ", keyword);
		return;
	}
	for (const char *p = row->keyword; *p != '\0'; p++)
		write_byte(out, (uint8_t)tolower((unsigned char)*p));
	write_byte(out, ' ');
}

void
config_dump_row(const struct config_table *table, const void *options,
    size_t row, const char *keyword, struct buf *out)
{
	const struct config_row *w = &table->rows[row];
	const void *field = config_field_const(table, options, row);
	bool many = (w->flags & CONFIG_ONE_A_LINE) != 0;
	size_t n = 0;

	for (;; n++) {
		size_t mark = out->len;

		write_keyword(out, w, keyword);
		if (!w->kind->format(w, field, n, out)) {
			buf_truncate(out, mark);
			break;
		}
		write_byte(out, '\n');
		if (!many)
			return;
	}
	if (n == 0 && (w->flags & CONFIG_EMPTY_NONE) != 0) {
		write_keyword(out, w, keyword);
		write_bytes(out, "none\n", 5);
	}
}

/* ---- what a later version brings ---- */

/* Does the dumped line say "no"? Its value follows the first blank. */
static bool
says_no(struct buf *line)
{
	static const char *const words[] = { "no\n", "false\n", "none\n",
		"internal\n", "" };
	const char *text = buf_text(line);
	const char *value = text != NULL ? strchr(text, ' ') : NULL;

	if (value == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strcmp(value + 1, words[i]) == 0)
			return true;
	return false;
}

int
config_later(const struct config_table *table, const void *options,
    bool required, struct strings *ret)
{
	struct buf line = BUF_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < table->count; i++) {
		const struct config_row *row = &table->rows[i];
		char *text;

		if (row->later == NULL || (row->flags & CONFIG_QUIETLY) != 0 ||
		    required != ((row->flags & CONFIG_REQUIRED) != 0) ||
		    !config_is_set(table, options, i))
			continue;
		buf_clear(&line);
		config_dump_row(table, options, i, NULL, &line);
		if (says_no(&line))
			continue;
		text = text_format("%s: %s", row->keyword, row->later);
		r = text != NULL ? strings_take(ret, text) : ERR_MEMORY;
	}
	buf_release(&line);
	return r;
}
