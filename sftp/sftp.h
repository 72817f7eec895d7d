/*
 * sftp.h - the program sftp: one session with a server, and the commands in
 * it.
 *
 * Commands return 0, or -1 after they have said what failed. A batch ends at
 * the first failure; a session with a person goes on.
 * Whatever a server sent passes through sftp_say(), which writes nothing that
 * a terminal would obey.
 */
#ifndef SFTP_SFTP_H
#define SFTP_SFTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "sftp/client_call.h"
#include "sftp/client_copy.h"

#define EXIT_CONNECTION 255

struct sftp {
	struct caller caller;
	char *cwd;
	char *home; /* where the server put us */
	bool is_batch;
	bool is_interactive; /* somebody types the commands */
	bool is_quiet;       /* no progress, no "Fetching" */
	bool has_progress;
	bool recursive, preserve, resume, sync;
	bool verify, rehash, atomic;
	uint32_t block;    /* 0: the most that the server takes */
	uint32_t requests; /* 0: as many as the path is worth */
	bool is_over;      /* bye was said */
	bool is_lost;      /* the connection is gone */
};

/* Set by SIGINT; cleared before each command. */
extern volatile sig_atomic_t sftp_interrupted;

/* ---- sftp_main.c ---- */

struct client *sftp_client(const struct sftp *s);

/* ---- sftp_say.c: what a person reads ---- */

/* One line or a part of one, to stdout; one line to stderr. What is no
 * printable character is written as \ooo, newlines too but for the last. */
void sftp_say(const char *format, ...) PRINTF_LIKE(1, 2);
void sftp_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* The text so escaped, fresh; columns that it takes on a terminal. */
char *sftp_printable(const char *text) MUST_CHECK;
size_t sftp_columns(const char *printable);
unsigned sftp_terminal_width(void);
NORETURN void sftp_out_of_memory(void);
void *sftp_need(void *memory); /* not NULL, or the program ends */

/* ---- sftp_words.c: a line's words ---- */

struct word {
	char *plain;     /* without quotes and backslashes */
	char *pattern;   /* quoted `*?[\` have a backslash in front */
	size_t from, to; /* where it stands in the line */
	char quote;      /* that it was left open in; 0 */
};

struct words {
	struct word *item;
	size_t count;
};

/* NULL, or what is wrong with the line. An open quote is no error where
 * is_partial is set (completion). */
const char *words_parse(const char *line, bool is_partial, struct words *ret);
void words_release(struct words *w);

/* ---- sftp_commands.c ---- */

struct invocation {
	const struct command *command;
	unsigned flags;          /* a bit of each letter in FLAG_LETTERS */
	const struct word *word; /* behind the flags */
	size_t count;
	const char *line; /* behind the command's name */
};

/* The letters of flags: a to z, and some others; the last three are --verify,
 * --resume and --atomic. */
#define FLAG_LETTERS "abcdefghijklmnopqrstuvwxyz1SVUA"
bool has_flag(const struct invocation *i, char letter);

enum completion {
	COMPLETE_NONE,
	COMPLETE_LOCAL,
	COMPLETE_REMOTE,
	COMPLETE_BOTH, /* the first local, the second remote (put) */
	COMPLETE_BOTH_REVERSED
};

struct command {
	const char *name;
	int (*run)(struct sftp *s, const struct invocation *i);
	const char *flags; /* letters; R and P are taken as r and p */
	size_t words_min;
	const char *needs; /* said where there are fewer */
	enum completion completion;
	const char *usage; /* NULL: not listed */
	const char *help;
};

/* One line as it was typed. 0; -1: it failed and a batch must end. */
int sftp_command(struct sftp *s, const char *line);
const struct command *sftp_command_find(const char *name, size_t len);
const struct command *sftp_command_at(size_t index); /* NULL: the end */

/* ---- paths ---- */

/* The server's path of what was typed, relative to cwd; fresh. */
char *sftp_absolute(const struct sftp *s, const char *path);
/* Without the cwd in front, where it is in it; borrowed. */
const char *sftp_relative(const struct sftp *s, const char *path);

/* Says what failed, if something did; notices a lost connection. -1. */
int sftp_failed(struct sftp *s, const struct error *e, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* ---- commands, by file ---- */

int command_cd(struct sftp *s, const struct invocation *i);
int command_pwd(struct sftp *s, const struct invocation *i);
int command_mkdir(struct sftp *s, const struct invocation *i);
int command_rmdir(struct sftp *s, const struct invocation *i);
int command_rm(struct sftp *s, const struct invocation *i);
int command_rename(struct sftp *s, const struct invocation *i);
int command_ln(struct sftp *s, const struct invocation *i);
int command_symlink(struct sftp *s, const struct invocation *i);
int command_chmod(struct sftp *s, const struct invocation *i);
int command_chown(struct sftp *s, const struct invocation *i);
int command_chgrp(struct sftp *s, const struct invocation *i);
int command_copy(struct sftp *s, const struct invocation *i);
int command_df(struct sftp *s, const struct invocation *i);

int command_ls(struct sftp *s, const struct invocation *i);

int command_get(struct sftp *s, const struct invocation *i);
int command_reget(struct sftp *s, const struct invocation *i);
int command_put(struct sftp *s, const struct invocation *i);
int command_reput(struct sftp *s, const struct invocation *i);

int command_lcd(struct sftp *s, const struct invocation *i);
int command_lpwd(struct sftp *s, const struct invocation *i);
int command_lls(struct sftp *s, const struct invocation *i);
int command_lmkdir(struct sftp *s, const struct invocation *i);
int command_lumask(struct sftp *s, const struct invocation *i);
int command_shell(struct sftp *s, const struct invocation *i);

/* get of one path, as `sftp host:path` does it; target NULL: its own name. */
int sftp_get(struct sftp *s, const char *pattern, const char *target);

/* ---- sftp_owners.c: names of the server's users and groups ---- */

/* Asks for those of entries without the server's own line, where it can be
 * asked; each number once a session. */
void sftp_owners_ask(struct sftp *s, const struct call_entries *list);
/* NULL: not known. As the server sent it; borrowed. */
const char *sftp_owner_name(bool is_group, uint32_t number);

/* ---- sftp_colour.c: LS_COLORS ---- */

/* The sequence for an entry ("01;34"), or "" . */
const char *sftp_colour(const char *name, uint32_t permissions);

/* ---- sftp_edit.c: libedit, loaded when somebody types ---- */

/* A line without its newline, fresh; NULL: the end. */
char *sftp_edit_line(struct sftp *s, const char *prompt);
void sftp_edit_end(void);
/* Safe in a signal's handler. */
void sftp_edit_wake(void);

#endif
