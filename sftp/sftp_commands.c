/*
 * sftp_commands.c - the table of commands, and a line taken apart by it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sftp/sftp.h"

static int command_bye(struct sftp *s, const struct invocation *i);
static int command_help(struct sftp *s, const struct invocation *i);
static int command_progress(struct sftp *s, const struct invocation *i);
static int command_version(struct sftp *s, const struct invocation *i);

#define ONE    "You must specify a path after a %s command."
#define TWO    "You must specify two paths after a %s command."
#define SOME   "You must specify at least one path after a %s command."
#define NUMBER "You must supply a numeric argument to the %s command."

/* clang-format off */
static const struct command commands[] = {
	{ "bye", command_bye, "", 0, NULL, COMPLETE_NONE, "bye", "Quit sftp" },
	{ "cd", command_cd, "", 0, NULL, COMPLETE_REMOTE, "cd [path]",
	    "Change remote directory to 'path'" },
	{ "chdir", command_cd, "", 0, NULL, COMPLETE_REMOTE, NULL, NULL },
	{ "chgrp", command_chgrp, "h", 2, NUMBER, COMPLETE_REMOTE,
	    "chgrp [-h] grp path", "Change group of file 'path' to 'grp'" },
	{ "chmod", command_chmod, "h", 2, NUMBER, COMPLETE_REMOTE,
	    "chmod [-h] mode path",
	    "Change permissions of file 'path' to 'mode'" },
	{ "chown", command_chown, "h", 2, NUMBER, COMPLETE_REMOTE,
	    "chown [-h] own path", "Change owner of file 'path' to 'own'" },
	{ "copy", command_copy, "", 2, TWO, COMPLETE_REMOTE,
	    "copy oldpath newpath", "Copy remote file" },
	{ "cp", command_copy, "", 2, TWO, COMPLETE_REMOTE,
	    "cp oldpath newpath", "Copy remote file" },
	{ "df", command_df, "hi", 0, NULL, COMPLETE_REMOTE, "df [-hi] [path]",
	    "Display statistics for current directory or\n"
	    "filesystem containing 'path'" },
	{ "dir", command_ls, "1afhlnrSt", 0, NULL, COMPLETE_REMOTE, NULL,
	    NULL },
	{ "exit", command_bye, "", 0, NULL, COMPLETE_NONE, "exit",
	    "Quit sftp" },
	{ "get", command_get, "afprVUA", 1, SOME, COMPLETE_BOTH_REVERSED,
	    "get [-afpR] remote [local]", "Download file" },
	{ "help", command_help, "", 0, NULL, COMPLETE_NONE, "help",
	    "Display this help text" },
	{ "lcd", command_lcd, "", 0, NULL, COMPLETE_LOCAL, "lcd path",
	    "Change local directory to 'path'" },
	{ "lchdir", command_lcd, "", 0, NULL, COMPLETE_LOCAL, NULL, NULL },
	{ "lls", command_lls, NULL, 0, NULL, COMPLETE_LOCAL,
	    "lls [ls-options [path]]", "Display local directory listing" },
	{ "lmkdir", command_lmkdir, "", 1, ONE, COMPLETE_LOCAL, "lmkdir path",
	    "Create local directory" },
	{ "ln", command_ln, "s", 2, TWO, COMPLETE_REMOTE,
	    "ln [-s] oldpath newpath", "Link remote file (-s for symlink)" },
	{ "lpwd", command_lpwd, "", 0, NULL, COMPLETE_NONE, "lpwd",
	    "Print local working directory" },
	{ "ls", command_ls, "1afhlnrSt", 0, NULL, COMPLETE_REMOTE,
	    "ls [-1afhlnrSt] [path]", "Display remote directory listing" },
	{ "lumask", command_lumask, "", 1, NUMBER, COMPLETE_NONE,
	    "lumask umask", "Set local umask to 'umask'" },
	{ "mget", command_get, "afprVUA", 1, SOME, COMPLETE_BOTH_REVERSED,
	    NULL, NULL },
	{ "mkdir", command_mkdir, "", 1, ONE, COMPLETE_REMOTE, "mkdir path",
	    "Create remote directory" },
	{ "mput", command_put, "afprVUA", 1, SOME, COMPLETE_BOTH, NULL, NULL },
	{ "progress", command_progress, "", 0, NULL, COMPLETE_NONE,
	    "progress", "Toggle display of progress meter" },
	{ "put", command_put, "afprVUA", 1, SOME, COMPLETE_BOTH,
	    "put [-afpR] local [remote]", "Upload file" },
	{ "pwd", command_pwd, "", 0, NULL, COMPLETE_NONE, "pwd",
	    "Display remote working directory" },
	{ "quit", command_bye, "", 0, NULL, COMPLETE_NONE, "quit",
	    "Quit sftp" },
	{ "reget", command_reget, "fprVUA", 1, SOME, COMPLETE_BOTH_REVERSED,
	    "reget [-fpR] remote [local]", "Resume download file" },
	{ "rename", command_rename, "l", 2, TWO, COMPLETE_REMOTE,
	    "rename [-l] oldpath newpath", "Rename remote file" },
	{ "reput", command_reput, "fprVUA", 1, SOME, COMPLETE_BOTH,
	    "reput [-fpR] local [remote]", "Resume upload file" },
	{ "rm", command_rm, "", 1, ONE, COMPLETE_REMOTE, "rm path",
	    "Delete remote file" },
	{ "rmdir", command_rmdir, "", 1, ONE, COMPLETE_REMOTE, "rmdir path",
	    "Remove remote directory" },
	{ "symlink", command_symlink, "", 2, TWO, COMPLETE_REMOTE,
	    "symlink oldpath newpath", "Symlink remote file" },
	{ "version", command_version, "", 0, NULL, COMPLETE_NONE, "version",
	    "Show SFTP version" },
	{ "!", command_shell, NULL, 0, NULL, COMPLETE_LOCAL, "!command",
	    "Execute 'command' in local shell" },
	{ "!", command_shell, NULL, 0, NULL, COMPLETE_LOCAL, "!",
	    "Escape to local shell" },
	{ "?", command_help, "", 0, NULL, COMPLETE_NONE, "?",
	    "Synonym for help" },
};
/* clang-format on */

const struct command *
sftp_command_at(size_t index)
{
	return index < ARRAY_COUNT(commands) ? &commands[index] : NULL;
}

const struct command *
sftp_command_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
		if (strncasecmp(commands[i].name, name, len) == 0 &&
		    commands[i].name[len] == '\0')
			return &commands[i];
	return NULL;
}

/* ---- commands about the session itself ---- */

static int
command_bye(struct sftp *s, const struct invocation *i)
{
	s->is_over = true;
	return 0;
}

/* A help of several lines has the later ones below its first. */
static void
say_help(const struct command *c)
{
	const char *usage = c->usage, *line = c->help;
	size_t len;

	for (; *line != '\0'; line += len + (line[len] != '\0')) {
		len = strcspn(line, "\n");
		sftp_say("%-34s %.*s\n", usage, (int)len, line);
		usage = "";
	}
}

static int
command_help(struct sftp *s, const struct invocation *i)
{
	sftp_say("Available commands:\n");
	for (size_t k = 0; k < ARRAY_COUNT(commands); k++)
		if (commands[k].usage != NULL)
			say_help(&commands[k]);
	return 0;
}

static int
command_progress(struct sftp *s, const struct invocation *i)
{
	s->has_progress = !s->has_progress;
	sftp_say(
	    "Progress meter %s\n", s->has_progress ? "enabled" : "disabled");
	return 0;
}

static int
command_version(struct sftp *s, const struct invocation *i)
{
	sftp_say("SFTP protocol version %u\n",
	    (unsigned)client_version(sftp_client(s)));
	return 0;
}

/* ---- flags ---- */

bool
has_flag(const struct invocation *i, char letter)
{
	const char *at = strchr(FLAG_LETTERS, letter);

	return at != NULL && (i->flags >> (at - FLAG_LETTERS) & 1u) != 0;
}

static bool
set_flag(struct invocation *i, char letter)
{
	const char *at;

	if (strchr(i->command->flags, letter) == NULL &&
	    (letter == 'R' || letter == 'P'))
		letter = (char)tolower(letter);
	if (strchr("VUA", letter) != NULL ||
	    strchr(i->command->flags, letter) == NULL ||
	    (at = strchr(FLAG_LETTERS, letter)) == NULL)
		return false;
	i->flags |= 1u << (at - FLAG_LETTERS);
	return true;
}

static bool
set_long_flag(struct invocation *i, const char *name)
{
	static const struct {
		const char *name;
		char letter;
	} flags[] = { { "verify", 'V' }, { "resume", 'U' }, { "atomic", 'A' } };

	for (size_t k = 0; k < ARRAY_COUNT(flags); k++) {
		if (strcmp(flags[k].name, name) == 0 &&
		    strchr(i->command->flags, flags[k].letter) != NULL) {
			i->flags |= 1u
				    << (strchr(FLAG_LETTERS, flags[k].letter) -
					   FLAG_LETTERS);
			return true;
		}
	}
	return false;
}

/* Takes the flags off the front of the words. */
static int
take_flags(struct invocation *i)
{
	while (i->count > 0 && i->word[0].plain[0] == '-' &&
	       i->word[0].plain[1] != '\0') {
		const char *word = i->word[0].plain;

		i->word++;
		i->count--;
		if (strcmp(word, "--") == 0)
			return 0;
		if (text_starts_with(word, "--")) {
			if (set_long_flag(i, word + 2))
				continue;
			sftp_complain(
			    "%s: Invalid flag %s", i->command->name, word);
			return -1;
		}
		for (const char *c = word + 1; *c != '\0'; c++) {
			if (set_flag(i, *c))
				continue;
			sftp_complain(
			    "%s: Invalid flag -%c", i->command->name, *c);
			return -1;
		}
	}
	return 0;
}

/* ---- a line ---- */

/* A command that wants a number misses its path where it has that. */
static void
say_what_is_missing(const struct invocation *i)
{
	const char *needs = i->command->needs;
	char *text;

	if (strcmp(needs, NUMBER) == 0 && i->count == 0)
		text = text_format(NUMBER, i->command->name);
	else if (strcmp(needs, TWO) == 0)
		text = text_format(TWO, i->command->name);
	else if (strcmp(needs, SOME) == 0)
		text = text_format(SOME, i->command->name);
	else
		text = text_format(ONE, i->command->name);
	sftp_complain("%s", (const char *)sftp_need(text));
	free(text);
}

static int
run_words(struct sftp *s, struct invocation *i)
{
	struct words words;
	const char *wrong = words_parse(i->line, false, &words);
	int r;

	if (wrong != NULL) {
		sftp_complain("%s", wrong);
		return -1;
	}
	i->word = words.item;
	i->count = words.count;
	r = take_flags(i);
	if (r == 0 && i->count < i->command->words_min) {
		say_what_is_missing(i);
		r = -1;
	}
	if (r == 0)
		r = i->command->run(s, i);
	words_release(&words);
	return r;
}

/* The command's name ends at a blank; "!" needs none behind it. */
static size_t
name_length(const char *line)
{
	return *line == '!' ? 1 : strcspn(line, " \t\r\n");
}

int
sftp_command(struct sftp *s, const char *line)
{
	struct invocation i = { 0 };
	size_t len;

	line += strspn(line, " \t\r\n");
	if (*line == '\0' || *line == '#')
		return 0;
	len = name_length(line);
	i.command = sftp_command_find(line, len);
	i.line = line + len;
	if (i.command == NULL) {
		sftp_complain("Invalid command.");
		return -1;
	}
	/* Commands for the shell are its to take apart. */
	if (i.command->flags == NULL)
		return i.command->run(s, &i);
	return run_words(s, &i);
}
