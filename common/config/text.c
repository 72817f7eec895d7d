/*
 * text.c - the flat text of a configuration: lines of files and of the
 * command line, Include already followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/config/internal.h"

struct config_text *
config_text_new(void)
{
	struct config_text *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->bytes.max = CONFIG_MAX_BYTES;
	return t;
}

void
config_text_free(struct config_text *t)
{
	if (t == NULL)
		return;
	free(t->entry);
	buf_release(&t->bytes);
	free(t);
}

/* Room for one more entry. */
static int
grow(struct config_text *t)
{
	size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
	struct config_entry *grown;

	if (t->count < t->cap)
		return 0;
	grown = realloc(t->entry, cap * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	t->entry = grown;
	t->cap = cap;
	return 0;
}

/* Appends text with its NUL; its offset. */
static int
add_bytes(struct config_text *t, struct span text, size_t *ret_offset)
{
	*ret_offset = t->bytes.len;
	write_span(&t->bytes, text);
	write_byte(&t->bytes, 0);
	return buf_error(&t->bytes);
}

static int
add_entry(struct config_text *t, enum config_entry_kind kind, size_t file,
    unsigned number, struct span text)
{
	struct config_entry *entry;
	size_t offset;
	int r;

	if ((r = grow(t)) != 0 || (r = add_bytes(t, text, &offset)) != 0)
		return r;
	entry = &t->entry[t->count++];
	entry->kind = kind;
	entry->number = number;
	entry->offset = offset;
	entry->file = file;
	return 0;
}

int
config_text_line(
    struct config_text *t, const char *file, unsigned number, const char *line)
{
	size_t name;
	int r;

	/* Lines that follow each other share the name. */
	if (t->count > 0 &&
	    strcmp((char *)t->bytes.data + t->entry[t->count - 1].file, file) ==
		0)
		name = t->entry[t->count - 1].file;
	else if ((r = add_bytes(t, span_text(file), &name)) != 0)
		return r;
	return add_entry(t, CONFIG_ENTRY_LINE, name, number, span_text(line));
}

/* ---- files ---- */

struct loader {
	struct config_text *text;
	const struct config_include *include;
	bool check_owner;
	struct error *e;
};

static int
check_file(const char *path, int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set_errno(e, "%s", path);
	if ((st.st_uid != 0 && st.st_uid != getuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_set(
		    e, ERR_PERMISSION, "Bad owner or permissions on %s", path);
	return 0;
}

static int
read_whole(struct loader *l, const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_set_errno(l->e, "%s", path);
	r = l->check_owner ? check_file(path, fd, l->e) : 0;
	if (r == 0) {
		r = file_read_fd(fd, CONFIG_MAX_BYTES, out, l->e);
		if (r != 0)
			error_prefix(l->e, "%s", path);
	}
	close(fd);
	return r;
}

static int load_file(struct loader *l, const char *path, unsigned depth);

/* One word of an Include as a glob pattern; ERR_CONFIG: not possible. */
static int
include_pattern(struct loader *l, const char *word, char **ret)
{
	const struct config_include *inc = l->include;
	struct error fault = { 0 };
	char *path;
	int r;

	if (inc->home == NULL && *word == '~')
		return error_set(
		    l->e, ERR_CONFIG, "bad include path %s.", word);
	r = config_expand(
	    word, inc->tokens, inc->allowed, true, inc->home, &path, &fault);
	if (r != 0) {
		error_set(l->e, r, "%s", error_message(&fault, r));
		return r;
	}
	if (*path != '/') {
		char *whole = path_join(inc->directory, path);

		free(path);
		path = whole;
	}
	if (path == NULL)
		return ERR_MEMORY;
	*ret = path;
	return 0;
}

static int
include_files(struct loader *l, const char *pattern, unsigned depth)
{
	glob_t found;
	int r = 0;
	int status = glob(pattern, 0, NULL, &found);

	if (status == GLOB_NOMATCH)
		return 0;
	if (status == GLOB_NOSPACE)
		return ERR_MEMORY;
	if (status != 0)
		return error_set(
		    l->e, ERR_SYSTEM, "cannot read the files of %s", pattern);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		r = load_file(l, found.gl_pathv[i], depth + 1);
		/* Gone since, or a link to nowhere: as if never there. */
		if (r == ERR_NOT_FOUND)
			r = 0;
	}
	globfree(&found);
	return r;
}

static int
include(struct loader *l, const struct strings *words, size_t file,
    unsigned number, unsigned depth)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->count; i++) {
		char *pattern = NULL;

		r = include_pattern(l, words->item[i], &pattern);
		if (r == ERR_CONFIG || r == ERR_NOT_FOUND) {
			/* Counts only where the block holds. */
			r = add_entry(l->text, CONFIG_ENTRY_FAULT, file, number,
			    span_text(l->e != NULL ? l->e->text : ""));
			error_clear(l->e);
			continue;
		}
		if (r == 0)
			r = include_files(l, pattern, depth);
		free(pattern);
	}
	return r;
}

/* Follows the line where it is an Include; false: it is not one. */
static bool
is_include(struct loader *l, const char *text, struct strings *ret_words)
{
	struct config_line line;
	bool yes;

	/* Most lines are not: no memory for them. */
	text += strspn(text, " \t\f\v");
	if (strncasecmp(text, "include", 7) != 0 ||
	    !config_lex_line(text, &line))
		return false;
	yes = line.keyword != NULL &&
	      strcasecmp(line.keyword, "include") == 0 && line.rest_len > 0 &&
	      config_lex_words(
		  span_of(line.rest, line.rest_len), ret_words, NULL) == 0;
	free(line.keyword);
	return yes;
}

static int
load_line(struct loader *l, struct span line, size_t file, unsigned number,
    unsigned depth)
{
	struct strings words = STRINGS_INIT;
	const char *name = (const char *)l->text->bytes.data + file;
	const char *text;
	int r;

	if (span_has_nul(line))
		return error_set(l->e, ERR_CONFIG,
		    "%s line %u: the line holds a NUL byte", name, number);
	r = add_entry(l->text, CONFIG_ENTRY_LINE, file, number, line);
	if (r != 0)
		return r;
	text = (const char *)l->text->bytes.data +
	       l->text->entry[l->text->count - 1].offset;
	if (!is_include(l, text, &words))
		return 0;
	l->text->count--; /* what it includes stands in its place */
	r = include(l, &words, file, number, depth);
	strings_release(&words);
	return r;
}

static int
load_contents(
    struct loader *l, const char *path, struct span rest, unsigned depth)
{
	struct config_text *t = l->text;
	unsigned number = 0;
	struct span line;
	size_t file;
	int r;

	if ((r = add_bytes(t, span_text(path), &file)) != 0 ||
	    (r = add_entry(t, CONFIG_ENTRY_ENTER, file, 0, span_text(""))) != 0)
		return r;
	while (r == 0 && line_next(&rest, &line))
		r = load_line(l, line, file, ++number, depth);
	if (r == 0)
		r = add_entry(t, CONFIG_ENTRY_LEAVE, file, 0, span_text(""));
	return r;
}

static int
load_file(struct loader *l, const char *path, unsigned depth)
{
	struct buf contents = BUF_INIT;
	int r;

	if (depth > CONFIG_MAX_DEPTH)
		return error_set(l->e, ERR_LIMIT,
		    "Too many recursive configuration includes");
	if (++l->text->files > CONFIG_MAX_FILES)
		return error_set(
		    l->e, ERR_LIMIT, "%s: too many included files", path);
	r = read_whole(l, path, &contents);
	if (r == 0)
		r = load_contents(l, path, buf_span(&contents), depth);
	buf_release(&contents);
	return r;
}

static int
tell_failure(
    int r, const struct error *local, const char *file, struct error *e)
{
	if (r == 0)
		return 0;
	if (local->code == 0)
		return error_set(e, r, "%s: %s", file,
		    r == ERR_LIMIT ? "configuration too large" : error_text(r));
	return error_set(e, r, "%s", local->text);
}

int
config_text_add(struct config_text *t, const char *name, struct span contents,
    const struct config_include *include_rule, struct error *e)
{
	struct error local = { 0 };
	struct loader l = { t, include_rule, false, &local };

	return tell_failure(
	    load_contents(&l, name, contents, 0), &local, name, e);
}

int
config_text_load(struct config_text *t, const char *file, bool check_owner,
    const struct config_include *include_rule, struct error *e)
{
	struct error local = { 0 };
	struct loader l = { t, include_rule, check_owner, &local };

	return tell_failure(load_file(&l, file, 0), &local, file, e);
}

/* ---- to another process ---- */

/*
 *   uint32   number of entries
 *   each:    byte kind, uint32 number, uint32 offset, uint32 file
 *   string   all texts, each with its NUL
 */
void
config_text_write(const struct config_text *t, struct buf *out)
{
	write_uint32(out, (uint32_t)t->count);
	for (size_t i = 0; i < t->count; i++) {
		const struct config_entry *entry = &t->entry[i];

		write_byte(out, (uint8_t)entry->kind);
		write_uint32(out, entry->number);
		write_uint32(out, (uint32_t)entry->offset);
		write_uint32(out, (uint32_t)entry->file);
	}
	write_string(out, buf_span(&t->bytes));
}

static int
read_entries(struct reader *r, struct config_text *t, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct config_entry entry;
		int error;

		entry.kind = (enum config_entry_kind)read_byte(r);
		entry.number = read_uint32(r);
		entry.offset = read_uint32(r);
		entry.file = read_uint32(r);
		if ((error = read_error(r)) != 0 || (error = grow(t)) != 0)
			return error;
		if (entry.kind > CONFIG_ENTRY_FAULT)
			return ERR_FORMAT;
		t->entry[t->count++] = entry;
	}
	return 0;
}

/* Every text lies inside of the bytes, which end with a NUL. */
static bool
is_sound(const struct config_text *t)
{
	size_t len = t->bytes.len;

	if (len > 0 && t->bytes.data[len - 1] != 0)
		return false;
	for (size_t i = 0; i < t->count; i++)
		if (t->entry[i].offset >= len || t->entry[i].file >= len)
			return false;
	return true;
}

int
config_text_read(struct reader *r, struct config_text **ret)
{
	struct config_text *t = config_text_new();
	uint32_t count = read_uint32(r);
	int error;

	if (t == NULL)
		return ERR_MEMORY;
	if ((error = read_error(r)) != 0 ||
	    (error = read_entries(r, t, count)) != 0)
		goto out;
	write_span(&t->bytes, read_string_max(r, CONFIG_MAX_BYTES));
	if ((error = read_error(r)) != 0 || (error = buf_error(&t->bytes)) != 0)
		goto out;
	if (!is_sound(t)) {
		error = ERR_FORMAT;
		goto out;
	}
	*ret = t;
	t = NULL;
out:
	config_text_free(t);
	return error;
}
