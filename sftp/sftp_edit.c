/*
 * sftp_edit.c - lines as a person types them: libedit with its history, and
 * completion of commands and of names on both sides.
 *
 * The library is loaded when the first line is asked for, so that batches do
 * not pay for it; without it lines are read as they come.
 * editline(3).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "common/base/file.h"
#include "sftp/sftp.h"

#define LIBRARY      "libedit.so.2"
#define HISTORY_SIZE 800

/* Of histedit.h: the library's interface is fixed by its soname. */
enum {
	OP_PROMPT = 0,
	OP_TERMINAL = 1,
	OP_EDITOR = 2,
	OP_SIGNAL = 3,
	OP_BIND = 4,
	OP_ADDFN = 9,
	OP_HIST = 10,
	OP_GETCFN = 13,
	H_OP_SETSIZE = 1,
	H_OP_ENTER = 10,
	ANSWER_REFRESH = 4,
	ANSWER_ERROR = 6,
	ANSWER_REDISPLAY = 8
};

struct line_info {
	const char *buffer;
	const char *cursor;
	const char *lastchar;
};

struct history_event {
	int num;
	const char *str;
};

static struct {
	void *(*el_init)(const char *, FILE *, FILE *, FILE *);
	void (*el_end)(void *);
	const char *(*el_gets)(void *, int *);
	int (*el_set)(void *, int, ...);
	int (*el_source)(void *, const char *);
	const struct line_info *(*el_line)(void *);
	int (*el_insertstr)(void *, const char *);
	void *(*history_init)(void);
	void (*history_end)(void *);
	int (*history)(void *, struct history_event *, int, ...);
} lib;

static void *editor;
static void *past;
static struct sftp *session; /* for completion, which gets no context */
static const char *prompt_text;
static bool was_tried;

/* ---- the library ---- */

static bool
load(void)
{
	static const struct {
		const char *name;
		void *to;
	} symbols[] = { { "el_init", &lib.el_init }, { "el_end", &lib.el_end },
		{ "el_gets", &lib.el_gets }, { "el_set", &lib.el_set },
		{ "el_source", &lib.el_source }, { "el_line", &lib.el_line },
		{ "el_insertstr", &lib.el_insertstr },
		{ "history_init", &lib.history_init },
		{ "history_end", &lib.history_end },
		{ "history", &lib.history } };
	void *handle = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);

	if (handle == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (symbol == NULL)
			return false;
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return true;
}

static char *
prompt(void *el)
{
	return (char *)(uintptr_t)prompt_text;
}

/* ---- completion ---- */

struct matches {
	struct strings names; /* as they are to be inserted, unquoted */
	struct strings shown; /* their last parts, fit for a terminal */
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Folders end in a slash, which is no last part of its own. */
static void
add_match(struct matches *m, char *name)
{
	const char *last = name + strlen(name);

	while (last > name && (*last == '\0' || last[-1] != '/'))
		last--;
	if (strings_take(&m->shown, sftp_printable(last)) != 0 ||
	    strings_take(&m->names, name) != 0)
		sftp_out_of_memory();
}

static void
match_commands(struct matches *m, const char *typed)
{
	const struct command *c;

	for (size_t i = 0; (c = sftp_command_at(i)) != NULL; i++)
		if (text_starts_with(c->name, typed) &&
		    !strings_has(&m->names, c->name))
			add_match(m, sftp_need(strdup(c->name)));
}

static void
match_local(struct matches *m, const struct word *w)
{
	char *with_star = sftp_need(text_format("%s*", w->pattern));
	char *pattern = NULL;
	glob_t g = { 0 };

	if (path_expand_home(with_star, getenv("HOME"), &pattern, NULL) == 0 &&
	    glob(pattern, GLOB_MARK, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			add_match(m, sftp_need(strdup(g.gl_pathv[i])));
	globfree(&g);
	free(pattern);
	free(with_star);
}

static void
match_remote(struct matches *m, const struct word *w)
{
	char *absolute = sftp_absolute(session, w->pattern);
	char *pattern = sftp_need(text_format("%s*", absolute));
	bool is_relative = w->plain[0] != '/';
	struct call_entries list = { 0 };

	if (call_glob(&session->caller, pattern, &list, NULL) == 0) {
		for (size_t i = 0; i < list.count; i++) {
			const char *name = list.item[i].name;

			if (is_relative)
				name = sftp_relative(session, name);
			add_match(
			    m, sftp_need(text_format("%s%s", name,
				   S_ISDIR(list.item[i].a.permissions) ? "/"
								       : "")));
		}
	}
	call_entries_release(&list);
	free(pattern);
	free(absolute);
}

/* Is the word at this place a local name? place: words before it that are no
 * flags, the command aside. */
static bool
is_local_place(enum completion kind, size_t place)
{
	switch (kind) {
	case COMPLETE_LOCAL:
		return true;
	case COMPLETE_BOTH:
		return place == 0;
	case COMPLETE_BOTH_REVERSED:
		return place > 0;
	default:
		return false;
	}
}

static void
match_word(struct matches *m, const struct words *words, const struct word *w)
{
	const char *name = words->item[0].plain;
	const struct command *c = sftp_command_find(name, strlen(name));
	size_t place = 0;

	if (c == NULL || c->completion == COMPLETE_NONE)
		return;
	for (size_t i = 1; i < words->count && &words->item[i] != w; i++)
		place += words->item[i].plain[0] != '-';
	if (is_local_place(c->completion, place))
		match_local(m, w);
	else
		match_remote(m, w);
}

/* How much all of them have in common. */
static size_t
common_length(const struct strings *names)
{
	size_t len = strlen(names->item[0]);

	for (size_t i = 1; i < names->count; i++) {
		size_t n = 0;

		while (n < len && names->item[0][n] == names->item[i][n])
			n++;
		len = n;
	}
	return len;
}

/* What is behind the typed part, quoted as the word is. */
static bool
insert(void *el, const struct word *w, const char *name, size_t len)
{
	size_t typed = strlen(w->plain);
	struct buf text = BUF_INIT;
	bool done;

	/* "~/" was expanded: the name does not begin as it was typed. */
	if (len < typed || strncmp(name, w->plain, typed) != 0)
		return false;
	for (size_t i = typed; i < len; i++) {
		const char *special = w->quote == '"'    ? "\"\\"
				      : w->quote == '\'' ? "'\\"
							 : " \t\\'\"*?[#";

		if (strchr(special, name[i]) != NULL)
			write_byte(&text, '\\');
		write_byte(&text, (uint8_t)name[i]);
	}
	done = len > typed && lib.el_insertstr(el, buf_text(&text)) == 0;
	buf_release(&text);
	return done;
}

/* A single match is complete: its quote and a blank follow, but for folders,
 * in which there is more to type. */
static void
close_word(void *el, const struct word *w, const char *name)
{
	char end[3] = { w->quote, w->quote != 0 ? ' ' : '\0', '\0' };

	if (text_ends_with(name, "/"))
		return;
	IGNORE_RESULT(lib.el_insertstr(el, w->quote != 0 ? end : " ") !=
		      0); /* only room */
}

static void
show_matches(struct strings *shown)
{
	size_t longest = 0, width = sftp_terminal_width(), columns;

	qsort(shown->item, shown->count, sizeof(*shown->item), by_text);
	for (size_t i = 0; i < shown->count; i++)
		if (sftp_columns(shown->item[i]) > longest)
			longest = sftp_columns(shown->item[i]);
	columns = width / (longest + 2) > 0 ? width / (longest + 2) : 1;
	sftp_say("\n");
	for (size_t i = 0; i < shown->count; i++) {
		size_t blanks = longest + 2 - sftp_columns(shown->item[i]);

		sftp_say("%s%*s%s", shown->item[i], (int)blanks, "",
		    (i + 1) % columns == 0 || i + 1 == shown->count ? "\n"
								    : "");
	}
}

static unsigned char
take_matches(void *el, const struct word *w, struct matches *m)
{
	size_t len;
	bool moved;

	if (m->names.count == 0)
		return ANSWER_ERROR;
	len = common_length(&m->names);
	moved = insert(el, w, m->names.item[0], len);
	if (m->names.count == 1) {
		if (moved || len == strlen(w->plain))
			close_word(el, w, m->names.item[0]);
		return ANSWER_REFRESH;
	}
	if (moved)
		return ANSWER_REFRESH;
	show_matches(&m->shown);
	return ANSWER_REDISPLAY;
}

static unsigned char
complete(void *el, int key)
{
	const struct line_info *info = lib.el_line(el);
	char *line = sftp_need(
	    strndup(info->buffer, (size_t)(info->cursor - info->buffer)));
	struct word empty = { .plain = (char *)(uintptr_t) "",
		.pattern = (char *)(uintptr_t) "" };
	struct words words;
	struct matches m = { STRINGS_INIT, STRINGS_INIT };
	const struct word *w = &empty;
	unsigned char answer = ANSWER_ERROR;

	if (words_parse(line, true, &words) == NULL) {
		if (words.count > 0 &&
		    words.item[words.count - 1].to == strlen(line))
			w = &words.item[words.count - 1];
		if (words.count == 0 || (words.count == 1 && w != &empty))
			match_commands(&m, w->plain);
		else
			match_word(&m, &words, w);
		answer = take_matches(el, w, &m);
	}
	strings_release(&m.names);
	strings_release(&m.shown);
	words_release(&words);
	free(line);
	return answer;
}

/* ---- keys ---- */

static int wake[2] = { -1, -1 };
static bool is_first_key;

/* From the handler of SIGINT: whoever waits for a key stops waiting, even if
 * the signal comes just before. */
void
sftp_edit_wake(void)
{
	char byte = 0;

	if (wake[1] >= 0)
		/* Full: it wakes up anyway. */
		IGNORE_RESULT(write(wake[1], &byte, 1) != 1);
}

/* -1 at an interruption: then no line comes. */
static int
get_key(void *el, wchar_t *ret)
{
	struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 },
		{ wake[0], POLLIN, 0 } };
	mbstate_t state = { 0 };
	char byte;
	size_t n = (size_t)-2;

	while (n == (size_t)-2) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (sftp_interrupted != 0)
			return -1;
		if (p[0].revents == 0)
			continue;
		if (read(STDIN_FILENO, &byte, 1) != 1)
			return 0;
		n = mbrtowc(ret, &byte, 1, &state);
		p[0].revents = 0;
	}
	if (n == (size_t)-1)
		*ret = (unsigned char)byte;
	/* The library takes the terminal over when the prompt is written: a ^D
	 * that is typed just before comes out as NUL. */
	if (is_first_key && n == 0)
		return 0;
	is_first_key = false;
	return 1;
}

static void
forget_wakes(void)
{
	char bytes[64];

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		;
}

/* ---- lines ---- */

static void
start(void)
{
	struct history_event event;

	was_tried = true;
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	if (!load() || (past = lib.history_init()) == NULL)
		return;
	lib.history(past, &event, H_OP_SETSIZE, HISTORY_SIZE);
	editor = lib.el_init("sftp", stdin, stdout, stderr);
	if (editor == NULL)
		return;
	lib.el_set(editor, OP_TERMINAL, NULL);
	lib.el_set(editor, OP_PROMPT, prompt);
	lib.el_set(editor, OP_EDITOR, "emacs");
	lib.el_set(editor, OP_SIGNAL, 1);
	lib.el_set(editor, OP_HIST, lib.history, past);
	lib.el_set(editor, OP_GETCFN, get_key);
	lib.el_set(editor, OP_ADDFN, "ftp-complete",
	    "Completes commands and names", complete);
	lib.el_set(editor, OP_BIND, "^I", "ftp-complete", NULL);
	/* Keys that terminals send for moving by words and to both ends. */
	lib.el_set(editor, OP_BIND, "\\e[1~", "ed-move-to-beg", NULL);
	lib.el_set(editor, OP_BIND, "\\e[4~", "ed-move-to-end", NULL);
	lib.el_set(editor, OP_BIND, "\\e[3~", "ed-delete-next-char", NULL);
	lib.el_set(editor, OP_BIND, "\\e[1;5C", "em-next-word", NULL);
	lib.el_set(editor, OP_BIND, "\\e[1;5D", "ed-prev-word", NULL);
	lib.el_set(editor, OP_BIND, "^R", "em-inc-search-prev", NULL);
	lib.el_source(editor, NULL);
}

static char *
plain_line(const char *text)
{
	char *line = NULL;
	size_t size = 0;

	fputs(text, stdout);
	fflush(stdout);
	if (getline(&line, &size, stdin) < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

char *
sftp_edit_line(struct sftp *s, const char *text)
{
	struct history_event event;
	const char *line;
	int count = 0;

	session = s;
	prompt_text = text;
	if (!was_tried)
		start();
	if (editor == NULL)
		return plain_line(text);
	forget_wakes();
	is_first_key = true;
	line = lib.el_gets(editor, &count);
	if (line == NULL || count <= 0)
		return NULL;
	if (line[strspn(line, " \t\n")] != '\0')
		lib.history(past, &event, H_OP_ENTER, line);
	return sftp_need(strndup(line, strcspn(line, "\n")));
}

void
sftp_edit_end(void)
{
	if (editor != NULL)
		lib.el_end(editor);
	if (past != NULL)
		lib.history_end(past);
	editor = past = NULL;
}
