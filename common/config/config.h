/*
 * config.h - the engine of configuration: a table of keywords, a lexer,
 * blocks under conditions (Host, Match), Include, tokens.
 * The manual of the files is ssh_config(5) and sshd_config(5).
 *
 * A program describes each keyword by one row (struct config_row): kind of
 * value, where it lies in the program's options struct, default, where it
 * may stand. From the rows come parsing, defaults, the dump of -G and -T,
 * copying, and the check of the manual pages. A kind of value is a set of
 * functions; special cases are kinds of the program, not branches here.
 *
 * Reading has two steps. config_text_load() reads a file and all that it
 * includes into one flat text with marks of file and line (so it can be
 * passed to another process); config_apply() goes through the text, decides
 * conditions, and stores values: the first value of a keyword wins unless
 * its row accumulates.
 *
 * Limits: 16 levels of Include, CONFIG_MAX_BYTES in all.
 * Messages for people go to a callback; nothing is logged here.
 */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"

#define CONFIG_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define CONFIG_MAX_FILES 4096
#define CONFIG_MAX_DEPTH 16
#define CONFIG_MAX_LIST  65536 /* items of one accumulating list */
#define CONFIG_VALUE_MAX 256   /* bytes of the largest field */
#define CONFIG_SET_WORDS 4     /* words of the bitmap: 256 rows */

/* ---- types of the fields, by kind ---- */

struct config_rekey_limit {
	uint64_t bytes;  /* 0: the cipher's own limit */
	int64_t seconds; /* 0: none */
};

struct config_ipqos {
	int interactive; /* value of the TOS byte, or CONFIG_IPQOS_NONE */
	int bulk;
};
#define CONFIG_IPQOS_NONE (-1)

struct config_timeout {
	char *type; /* pattern of channel types, or "global" */
	int64_t seconds;
};
struct config_timeouts {
	struct config_timeout *item;
	size_t count;
};

struct config_integers {
	int *item;
	size_t count;
};

#define CONFIG_TYPE_flag        bool
#define CONFIG_TYPE_choice      int
#define CONFIG_TYPE_integer     int
#define CONFIG_TYPE_octal       int
#define CONFIG_TYPE_time        int64_t
#define CONFIG_TYPE_string      char *
#define CONFIG_TYPE_rest        char *
#define CONFIG_TYPE_algorithms  char *
#define CONFIG_TYPE_words       struct strings
#define CONFIG_TYPE_port        int
#define CONFIG_TYPE_ports       struct config_integers
#define CONFIG_TYPE_set_env     struct strings /* NAME=VALUE */
#define CONFIG_TYPE_rekey_limit struct config_rekey_limit
#define CONFIG_TYPE_ipqos       struct config_ipqos
#define CONFIG_TYPE_timeouts    struct config_timeouts
#define CONFIG_TYPE_log_level   int /* enum log_level */
#define CONFIG_TYPE_facility    int /* LOG_USER and the like, syslog(3) */

/* ---- rows ---- */

enum {
	CONFIG_MATCH = 1 << 0,      /* may stand in a block of sshd_config */
	CONFIG_ADDS = 1 << 1,       /* accumulates */
	CONFIG_NONE = 1 << 2,       /* the word "none": set, but no value */
	CONFIG_ONE_A_LINE = 1 << 3, /* the dump prints a line for each item */
	CONFIG_EMPTY_NONE = 1 << 4, /* the dump prints "none" for no items */
	CONFIG_TILDE = 1 << 5,      /* ~ is expanded */
	CONFIG_ENV = 1 << 6,        /* ${NAME} is expanded */
	CONFIG_EXPANDED = 1 << 7,   /* tokens, ~ and ${} are expanded at once,
				     * not at the time of use */
	CONFIG_HIDDEN = 1 << 8,     /* not in the dump */
	CONFIG_SINGLE = 1 << 9,     /* takes one word only, though a list */
	CONFIG_GLOBAL = 1 << 10,    /* not in any Host or Match block */
	CONFIG_EXCLUDED = 1 << 11,  /* void once the keyword extra is set */
	CONFIG_EXCLUDED_BY_VALUE = 1 << 12, /* ... but not if to "none" */
	CONFIG_QUIETLY = 1 << 13, /* that it comes later goes without saying:
				   * nothing fails by it */
	CONFIG_REQUIRED = 1 << 14 /* comes later, and to go on without it
				   * would be wrong: refused */
};

struct config_choice {
	const char *name; /* the first name of a value is the one printed */
	int value;
};

struct config_range {
	long long min;
	long long max;
};

struct config_kind;

struct config_row {
	const char *keyword; /* spelled as in the manual */
	const struct config_kind *kind;
	size_t offset;        /* of the field in the options */
	const char *fallback; /* the default, as a file would say it; NULL */
	unsigned flags;
	const char *tokens; /* letters after % that are expanded; "" */
	const void *extra;  /* of the kind: choices (ended by a NULL name),
			     * range, family of algorithms */
	const char *later;  /* feature that a later version brings; NULL */
};

enum config_other {
	CONFIG_ALIAS,      /* another name: of */
	CONFIG_IGNORED,    /* accepted silently */
	CONFIG_DEPRECATED, /* accepted with a warning */
	CONFIG_UNSUPPORTED /* not in this build: a warning */
};

struct config_name {
	const char *keyword;
	enum config_other what;
	const char *of; /* CONFIG_ALIAS only */
};

/* Names of one family of algorithms, as comma lists. */
struct config_algorithms {
	const char *known;    /* every name that works, in order */
	const char *fallback; /* the default list */
	const char *what;     /* "cipher", for messages */
	bool patterns;        /* lists may hold wildcards (key types) */
};

enum config_family {
	CONFIG_CIPHERS,
	CONFIG_MACS,
	CONFIG_KEX,
	CONFIG_SIGNATURES,
	CONFIG_USER_SIGNATURES, /* what users' keys may sign with */
	CONFIG_CA_SIGNATURES,
	CONFIG_FAMILIES
};

struct config_criterion {
	const char *name;
	bool has_argument;
	bool can_negate;
};

struct config_table {
	const struct config_row *rows;
	size_t count;
	size_t size;                     /* of the options struct */
	size_t set_offset;               /* of its uint64_t[CONFIG_SET_WORDS] */
	const struct config_name *names; /* ended by a NULL keyword */
	const struct config_criterion *criteria;    /* ended by a NULL name;
						     * the first one is "all" */
	const struct config_algorithms *algorithms; /* CONFIG_FAMILIES */
	bool server; /* Match only, CONFIG_MATCH counts */
};

/* ---- text ---- */

struct config_text;

/* How an Include finds its files. */
struct config_include {
	const char *directory;              /* relative names are under it */
	const char *home;                   /* ~ stands for it; NULL: no ~ */
	const struct config_tokens *tokens; /* NULL: none */
	const char *allowed;                /* letters of tokens */
	/* Brings tokens up to date, before their first use; may be NULL. */
	int (*prepare)(void *context);
	void *context;
};

struct config_text *config_text_new(void);
void config_text_free(struct config_text *t);

/* Adds one line under a name ("command-line", number 0). */
int config_text_line(struct config_text *t, const char *file, unsigned number,
    const char *line) MUST_CHECK;

/*
 * Adds a file and what it includes. check_owner: the file must belong to
 * the user or root and be writable by no one else (`Bad owner or
 * permissions on FILE`). ERR_NOT_FOUND, ERR_PERMISSION, ERR_SYSTEM,
 * ERR_LIMIT, ERR_CONFIG with a sentence.
 */
int config_text_load(struct config_text *t, const char *file, bool check_owner,
    const struct config_include *include, struct error *e) MUST_CHECK;

/* As load, from memory: what a file called name would say. */
int config_text_add(struct config_text *t, const char *name,
    struct span contents, const struct config_include *include,
    struct error *e) MUST_CHECK;

/* To another process and back; read checks everything. */
void config_text_write(const struct config_text *t, struct buf *out);
int config_text_read(struct reader *r, struct config_text **ret) MUST_CHECK;

/* ---- going through it ---- */

enum config_message {
	CONFIG_WARNING,
	CONFIG_ERROR
};

struct config_host {
	/* Host lines: is this the host? NULL in servers. */
	bool (*host)(
	    void *context, const struct strings *patterns, char **ret_why);
	/*
	 * A criterion of Match, other than "all", with its argument (NULL
	 * where it has none): 1 true, 0 false, or an error. decide false:
	 * only the argument is checked, nothing is run.
	 */
	int (*match)(void *context, size_t criterion, bool negated,
	    const char *argument, bool decide, struct error *e);
	void (*message)(
	    void *context, enum config_message kind, const char *text);
	void (*debug)(void *context, const char *text); /* may be NULL */
	void *context;
	bool skip_global;         /* only what stands in blocks counts */
	bool never_match;         /* no block matches; they are checked only */
	const char *skip_keyword; /* its lines are checked only; may be NULL */
};

/*
 * Stores what the text says in options (unset fields only). Each fault is a
 * message "FILE line N: ..."; at the end of a file with faults the result
 * is ERR_CONFIG and the sentence "FILE: terminating, N bad configuration
 * options".
 */
int config_apply(const struct config_table *table, void *options,
    const struct config_text *t, const struct config_host *host,
    struct error *e) MUST_CHECK;

/* One value by keyword, as a line of a file would set it. */
int config_set(const struct config_table *table, void *options,
    const char *keyword, const char *value, struct error *e) MUST_CHECK;

/* Defaults of the rows for every field that is unset; they stay marked as
 * unset in the bitmap. ERR_BUG: a default that is no value. */
int config_fill_defaults(const struct config_table *table, void *options,
    struct error *e) MUST_CHECK;

/* ---- whole options ---- */

bool config_is_set(
    const struct config_table *table, const void *options, size_t row);
void config_mark_set(
    const struct config_table *table, void *options, size_t row, bool set);
int config_copy(
    const struct config_table *table, void *to, const void *from) MUST_CHECK;
/* Fields that are set in from replace those of to. */
int config_overlay(
    const struct config_table *table, void *to, const void *from) MUST_CHECK;
void config_release(const struct config_table *table, void *options);

/* The lines of one row as -G prints them; nothing for a value without text.
 * keyword NULL: the row's, in lower case. */
void config_dump_row(const struct config_table *table, const void *options,
    size_t row, const char *keyword, struct buf *out);

/* Adds "Keyword: feature" for each row in use (set to other than its default
 * or "no") that has a feature of a later version: those that are REQUIRED, or
 * those that one can go on without. */
int config_later(const struct config_table *table, const void *options,
    bool required, struct strings *ret) MUST_CHECK;

/* ---- tokens ---- */

/* What stands for %x; NULL: not available here. Borrowed. */
struct config_tokens {
	const char *value[128];
};

/*
 * Replaces %x (only letters in allowed; %% always), ${NAME} where env is
 * set, and a leading ~ where home is not NULL. Unknown tokens, unset
 * variables: ERR_CONFIG with a sentence.
 */
int config_expand(const char *text, const struct config_tokens *tokens,
    const char *allowed, bool env, const char *home, char **ret,
    struct error *e) MUST_CHECK;

/*
 * A command line that is run without a shell: its words (quotes and
 * backslashes as in a file), each expanded by itself, so that what a token
 * stands for is never split. ERR_CONFIG, also where there is no word.
 */
int config_expand_command(const char *command,
    const struct config_tokens *tokens, const char *allowed, bool env,
    const char *home, struct strings *ret_argv, struct error *e) MUST_CHECK;

/* Expands the value of a row (char * or struct strings) as its flags and
 * tokens say. */
int config_expand_row(const struct config_table *table, void *options,
    size_t row, const struct config_tokens *tokens, const char *home,
    struct error *e) MUST_CHECK;

/* ---- kinds ---- */

/* The words after the keyword, as parse functions see them. */
struct config_arguments {
	const struct config_table *table;
	const struct config_row *row;
	struct strings words; /* empty for CONFIG_KIND_REST */
	size_t next;
	const char *rest; /* the raw rest of the line, trimmed */
	const char *file;
	unsigned line;
	char text[512];    /* of the fault */
	char warning[256]; /* where the value is fine, but has no effect */
};

enum {
	CONFIG_KIND_REST = 1 /* takes the rest of the line unlexed */
};

/*
 * Fields are moved with memcpy, so a value must not point into itself; all
 * zero bytes are a value that release accepts.
 */
struct config_kind {
	const char *name;
	size_t size;
	unsigned flags;
	/* Fills a zeroed value; faults by config_fault(). */
	int (*parse)(struct config_arguments *a, void *value);
	/* Text of the value (item n of a list for CONFIG_ONE_A_LINE rows);
	 * false: nothing to print, or no more items. */
	bool (*format)(const struct config_row *row, const void *value,
	    size_t n, struct buf *out);
	int (*copy)(void *to, const void *from); /* NULL: memcpy */
	int (*append)(void *to, void *value);    /* moves value's items */
	void (*release)(void *value);            /* NULL: nothing */
	/* A block's value over the global one: adds to `to` what of `from`
	 * stays in force. NULL: nothing does. */
	int (*merge)(void *to, const void *from);
};

/* The next word, NULL if there is none (the fault is then noted). */
const char *config_next(struct config_arguments *a);
bool config_has_next(const struct config_arguments *a);

/* Notes a fault; returns ERR_CONFIG. "FILE line N: " goes in front. */
int config_fault(struct config_arguments *a, const char *format, ...)
    PRINTF_LIKE(2, 3);

extern const struct config_kind config_kind_flag;
extern const struct config_kind config_kind_choice;
extern const struct config_kind config_kind_integer;
extern const struct config_kind config_kind_octal;
extern const struct config_kind config_kind_time;
extern const struct config_kind config_kind_string;
extern const struct config_kind config_kind_rest;
extern const struct config_kind config_kind_algorithms;
extern const struct config_kind config_kind_words;
extern const struct config_kind config_kind_port;
extern const struct config_kind config_kind_ports;
extern const struct config_kind config_kind_set_env;
extern const struct config_kind config_kind_rekey_limit;
extern const struct config_kind config_kind_ipqos;
extern const struct config_kind config_kind_timeouts;
extern const struct config_kind config_kind_log_level;
extern const struct config_kind config_kind_facility;

/* ---- what several kinds share ---- */

/* For values that are one char *. */
int config_copy_text(void *to, const void *from);
void config_release_text(void *value);
bool config_format_string(const struct config_row *row, const void *value,
    size_t n, struct buf *out); /* as a word, quoted where needed */
bool config_format_rest(const struct config_row *row, const void *value,
    size_t n, struct buf *out); /* as it is */

/* For values that are a struct strings. */
int config_copy_words(void *to, const void *from);
int config_append_words(void *to, void *value);
void config_release_words(void *value);
bool config_format_words(
    const struct config_row *row, const void *value, size_t n, struct buf *out);

/* A word so that the lexer gives it back: quoted where needed. */
void config_write_word(struct buf *out, const char *word);

bool config_parse_flag(const char *word, bool *ret);
/* A port number 1-65535 (0 too where zero is set), or a service name. */
int config_parse_port(const char *word, bool zero, int *ret) MUST_CHECK;

/*
 * A list with its + - ^ made whole against the family's default. ERR_CONFIG:
 * a name that nobody knows; ret_bad (may be NULL) gets it, fresh.
 */
int config_algorithms_resolve(const struct config_algorithms *family,
    const char *list, char **ret, char **ret_bad) MUST_CHECK;

#endif
