/*
 * kinds.c - the kinds of values that both programs have: flags, choices,
 * numbers, times, texts, lists of words, lists of algorithms.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/internal.h"

static bool
is_none(const struct config_arguments *a, const char *word)
{
	return (a->row->flags & CONFIG_NONE) != 0 &&
	       strcasecmp(word, "none") == 0;
}

/* ---- flag ---- */

bool
config_parse_flag(const char *word, bool *ret)
{
	if (strcasecmp(word, "yes") == 0 || strcasecmp(word, "true") == 0)
		*ret = true;
	else if (strcasecmp(word, "no") == 0 || strcasecmp(word, "false") == 0)
		*ret = false;
	else
		return false;
	return true;
}

static int
parse_flag(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (!config_parse_flag(word, value))
		return config_fault(a, "unsupported option \"%s\".", word);
	return 0;
}

static bool
format_flag(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const bool *flag = value;

	if (n > 0)
		return false;
	buf_printf(out, "%s", *flag ? "yes" : "no");
	return true;
}

const struct config_kind config_kind_flag = {
	.name = "flag",
	.size = sizeof(bool),
	.parse = parse_flag,
	.format = format_flag,
};

/* ---- choice ---- */

static int
parse_choice(struct config_arguments *a, void *value)
{
	const struct config_choice *c = a->row->extra;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	for (; c->name != NULL; c++) {
		if (strcasecmp(c->name, word) == 0) {
			*(int *)value = c->value;
			return 0;
		}
	}
	return config_fault(a, "unsupported option \"%s\".", word);
}

static bool
format_choice(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_choice *c = row->extra;

	while (c->name != NULL && c->value != *(const int *)value)
		c++;
	if (n > 0 || c->name == NULL)
		return false;
	buf_printf(out, "%s", c->name);
	return true;
}

const struct config_kind config_kind_choice = {
	.name = "choice",
	.size = sizeof(int),
	.parse = parse_choice,
	.format = format_choice,
};

/* ---- numbers ---- */

static int
parse_integer(struct config_arguments *a, void *value)
{
	const struct config_range *range = a->row->extra;
	const char *word = config_next(a);
	const char *name = a->table->server ? a->row->keyword : "";
	const char *blank = a->table->server ? " " : "";
	long long number;

	if (word == NULL)
		return ERR_CONFIG;
	if (is_none(a, word)) {
		*(int *)value = -1;
		return 0;
	}
	if (!text_to_int(word, INT64_MIN, INT64_MAX, &number))
		return config_fault(
		    a, "%s%sinteger value invalid.", name, blank);
	if (number < range->min || number > range->max)
		return config_fault(a, "%s%sinteger value too %s.", name, blank,
		    number < range->min ? "small" : "large");
	*(int *)value = (int)number;
	return 0;
}

static bool
format_integer(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	int number = *(const int *)value;

	if (n > 0)
		return false;
	if (number == -1 && (row->flags & CONFIG_NONE) != 0)
		buf_printf(out, "none");
	else
		buf_printf(out, "%d", number);
	return true;
}

const struct config_kind config_kind_integer = {
	.name = "integer",
	.size = sizeof(int),
	.parse = parse_integer,
	.format = format_integer,
};

static int
parse_octal(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	char *end;
	long number;

	if (word == NULL)
		return ERR_CONFIG;
	number = strtol(word, &end, 8);
	if (*word < '0' || *word > '7' || *end != '\0' || number > 0777)
		return config_fault(a, "%s",
		    a->table->server ? "Invalid StreamLocalBindMask."
				     : "Bad mask.");
	*(int *)value = (int)number;
	return 0;
}

static bool
format_octal(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	if (n > 0)
		return false;
	buf_printf(out, "0%o", (unsigned)*(const int *)value);
	return true;
}

const struct config_kind config_kind_octal = {
	.name = "octal",
	.size = sizeof(int),
	.parse = parse_octal,
	.format = format_octal,
};

static int
parse_time(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	int64_t seconds;

	if (word == NULL)
		return ERR_CONFIG;
	if (is_none(a, word)) {
		*(int64_t *)value = -1;
		return 0;
	}
	if (text_to_seconds(word, &seconds) != 0 || seconds < 0 ||
	    seconds > INT32_MAX)
		return config_fault(a, "invalid time value.");
	*(int64_t *)value = seconds;
	return 0;
}

static bool
format_time(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	int64_t seconds = *(const int64_t *)value;

	if (n > 0)
		return false;
	if (seconds < 0)
		buf_printf(out, "none");
	else
		buf_printf(out, "%lld", (long long)seconds);
	return true;
}

const struct config_kind config_kind_time = {
	.name = "time",
	.size = sizeof(int64_t),
	.parse = parse_time,
	.format = format_time,
};

/* ---- ports ---- */

int
config_parse_port(const char *word, bool zero, int *ret)
{
	const struct servent *service;
	long long port;

	if (text_to_int(word, zero ? 0 : 1, 65535, &port)) {
		*ret = (int)port;
		return 0;
	}
	/* Names of services have a letter; a number out of range has none. */
	if (word[strspn(word, "+-0123456789 ")] == '\0' ||
	    (service = getservbyname(word, "tcp")) == NULL)
		return ERR_FORMAT;
	*ret = ntohs((uint16_t)service->s_port);
	return 0;
}

static int
parse_port(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_port(word, false, value) != 0)
		return config_fault(a, "Bad port '%s'.", word);
	return 0;
}

const struct config_kind config_kind_port = {
	.name = "port",
	.size = sizeof(int),
	.parse = parse_port,
	.format = format_integer,
};

static int
parse_ports(struct config_arguments *a, void *value)
{
	struct config_integers *list = value;
	const char *word = config_next(a);
	int port;

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_port(word, false, &port) != 0)
		return config_fault(a, "Badly formatted port number.");
	if ((list->item = malloc(sizeof(*list->item))) == NULL)
		return ERR_MEMORY;
	list->item[0] = port;
	list->count = 1;
	return 0;
}

static bool
format_ports(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_integers *list = value;

	if (n >= list->count)
		return false;
	buf_printf(out, "%d", list->item[n]);
	return true;
}

static void
release_ports(void *value)
{
	struct config_integers *list = value;

	free(list->item);
	list->item = NULL;
	list->count = 0;
}

static int
append_ports(void *to, void *value)
{
	struct config_integers *list = to;
	const struct config_integers *more = value;
	int *grown;

	if (list->count + more->count > CONFIG_MAX_LIST)
		return ERR_LIMIT;
	if (more->count == 0)
		return 0;
	grown =
	    realloc(list->item, (list->count + more->count) * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	list->item = grown;
	for (size_t i = 0; i < more->count; i++)
		list->item[list->count++] = more->item[i];
	return 0;
}

static int
copy_ports(void *to, const void *from)
{
	struct config_integers more = *(const struct config_integers *)from;

	return append_ports(to, &more);
}

const struct config_kind config_kind_ports = {
	.name = "ports",
	.size = sizeof(struct config_integers),
	.parse = parse_ports,
	.format = format_ports,
	.copy = copy_ports,
	.append = append_ports,
	.release = release_ports,
};

/* ---- texts ---- */

int
config_copy_text(void *to, const void *from)
{
	char *const *text = from;
	char *copy = NULL;

	if (*text != NULL && (copy = strdup(*text)) == NULL)
		return ERR_MEMORY;
	*(char **)to = copy;
	return 0;
}

void
config_release_text(void *value)
{
	char **text = value;

	free(*text);
	*text = NULL;
}

static int
parse_string(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (is_none(a, word))
		return 0;
	return (*(char **)value = strdup(word)) != NULL ? 0 : ERR_MEMORY;
}

bool
config_format_string(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	char *const *text = value;

	if (n > 0 || *text == NULL)
		return false;
	config_write_word(out, *text);
	return true;
}

const struct config_kind config_kind_string = {
	.name = "string",
	.size = sizeof(char *),
	.parse = parse_string,
	.format = config_format_string,
	.copy = config_copy_text,
	.release = config_release_text,
};

static int
parse_rest(struct config_arguments *a, void *value)
{
	if (is_none(a, a->rest))
		return 0;
	return (*(char **)value = strdup(a->rest)) != NULL ? 0 : ERR_MEMORY;
}

bool
config_format_rest(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	char *const *text = value;

	if (n > 0 || *text == NULL)
		return false;
	write_span(out, span_text(*text));
	return true;
}

const struct config_kind config_kind_rest = {
	.name = "rest",
	.size = sizeof(char *),
	.flags = CONFIG_KIND_REST,
	.parse = parse_rest,
	.format = config_format_rest,
	.copy = config_copy_text,
	.release = config_release_text,
};

/* ---- algorithms ---- */

static int
parse_algorithms(struct config_arguments *a, void *value)
{
	const enum config_family *which = a->row->extra;
	const struct config_algorithms *family = &a->table->algorithms[*which];
	/* No word: the default of the row, asked for by the engine. */
	const char *list = config_has_next(a) ? config_next(a) : "";
	char *bad = NULL;
	int r;

	if (list == NULL)
		return ERR_CONFIG;
	r = config_algorithms_resolve(family, list, value, &bad);
	if (r == ERR_CONFIG && bad != NULL && strcmp(bad, list) != 0)
		config_fault(a, "Bad %s '%s': \"%s\"", family->what, list, bad);
	else if (r == ERR_CONFIG)
		config_fault(a, "Bad %s '%s'.", family->what, list);
	free(bad);
	return r;
}

const struct config_kind config_kind_algorithms = {
	.name = "algorithms",
	.size = sizeof(char *),
	.parse = parse_algorithms,
	.format = config_format_string,
	.copy = config_copy_text,
	.release = config_release_text,
};

/* ---- words ---- */

int
config_copy_words(void *to, const void *from)
{
	return strings_copy(to, from);
}

void
config_release_words(void *value)
{
	strings_release(value);
}

int
config_append_words(void *to, void *value)
{
	struct strings *list = to;
	struct strings *more = value;
	int r = 0;

	if (list->count + more->count > CONFIG_MAX_LIST)
		return ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < more->count; i++) {
		char *item = more->item[i];

		more->item[i] = NULL;
		r = strings_take(list, item);
	}
	return r;
}

static int
parse_words(struct config_arguments *a, void *value)
{
	bool single = (a->row->flags & CONFIG_SINGLE) != 0;
	bool none = false;
	const char *word;
	size_t count = 0;
	int r;

	do {
		if ((word = config_next(a)) == NULL)
			return ERR_CONFIG;
		none = none || is_none(a, word);
		if (++count > 1 && none)
			return config_fault(a,
			    "keyword %s \"none\" argument must appear alone.",
			    a->row->keyword);
		if (!none && (r = strings_add(value, word)) != 0)
			return r;
	} while (!single && config_has_next(a));
	return 0;
}

bool
config_format_words(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct strings *list = value;

	if (n >= list->count)
		return false;
	if ((row->flags & CONFIG_ONE_A_LINE) != 0) {
		config_write_word(out, list->item[n]);
		return true;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			write_byte(out, ' ');
		config_write_word(out, list->item[i]);
	}
	return true;
}

const struct config_kind config_kind_words = {
	.name = "words",
	.size = sizeof(struct strings),
	.parse = parse_words,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = config_append_words,
	.release = config_release_words,
};
