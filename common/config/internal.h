/*
 * internal.h - what the files of the engine share; nobody else includes it.
 */
#ifndef COMMON_CONFIG_INTERNAL_H
#define COMMON_CONFIG_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"

/* ---- lexer.c ---- */

/* A line taken apart: keyword, then words or the raw rest. */
struct config_line {
	char *keyword;
	const char *rest; /* into the line, trimmed in front and behind */
	size_t rest_len;
	size_t rest_column; /* of rest, from 1 */
};

/* false: nothing on the line (blank or a comment). ERR_MEMORY through
 * keyword NULL. */
bool config_lex_line(const char *text, struct config_line *ret);

/*
 * Splits at blanks; "..." and '...' hold them together, \ escapes quotes,
 * backslashes and (outside of quotes) blanks; a word that begins with #
 * ends the line. ERR_FORMAT: a quote is left open. ret_columns (may be
 * NULL) gets the offset of each word.
 */
int config_lex_words(
    struct span text, struct strings *ret, size_t **ret_columns);

/* ---- text.c ---- */

enum config_entry_kind {
	CONFIG_ENTRY_LINE,
	CONFIG_ENTRY_ENTER, /* a file begins; text is its name */
	CONFIG_ENTRY_LEAVE, /* it ends */
	CONFIG_ENTRY_FAULT  /* text: what is wrong with an Include here */
};

struct config_entry {
	enum config_entry_kind kind;
	unsigned number; /* of the line; 0 for marks */
	size_t offset;   /* of the text in config_text.bytes, with a NUL */
	size_t file;     /* offset of the file's name */
};

struct config_text {
	struct config_entry *entry;
	size_t count;
	size_t cap;
	size_t files;
	struct buf bytes;
};

/* ---- engine ---- */

void *config_field(const struct config_table *table, void *options, size_t row);
const void *config_field_const(
    const struct config_table *table, const void *options, size_t row);

/* Row of a keyword, by name or alias; false: none. */
bool config_find_row(
    const struct config_table *table, const char *keyword, size_t *ret_row);

/*
 * Parses the words of a and stores the value where store is set and the
 * row's rule allows. ERR_CONFIG: the fault is in a->text; ERR_TRAILING: words
 * are left.
 */
int config_store(
    struct config_arguments *a, void *options, size_t row, bool store);

#endif
