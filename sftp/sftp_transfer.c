/*
 * sftp_transfer.c - get, put and their kin: what is copied where; the copies
 * themselves are client_copy's.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/client_meter.h"
#include "sftp/client_spread.h"
#include "sftp/sftp.h"

#define DRAW_EVERY_MS 200

struct transfers {
	struct sftp *s;
	struct copy *copy;
	struct client_meter meter;
	bool is_put;
	bool is_resumed;
	int result;
};

/* ---- what is told ---- */

static const char *
slash_of(const struct copy_file *f)
{
	return f->is_directory && !text_ends_with(f->source, "/") ? "/" : "";
}

/* Of a tree its root has been said; the folders in it are. */
static void
on_start(const struct copy_file *f, void *context)
{
	struct transfers *t = context;

	if (t->s->is_quiet)
		return;
	client_meter_clear(&t->meter);
	if (f->is_root) {
		if (t->is_resumed)
			sftp_say(t->is_put ? "Resuming upload of %s%s to %s\n"
					   : "Resuming %s%s to %s\n",
			    f->source, slash_of(f), f->target);
		else
			sftp_say(t->is_put ? "Uploading %s%s to %s\n"
					   : "Fetching %s%s to %s\n",
			    f->source, slash_of(f), f->target);
	}
	if (f->is_directory)
		sftp_say(t->is_put ? "Entering %s%s\n" : "Retrieving %s\n",
		    f->source, t->is_put ? slash_of(f) : "");
}

static void
on_end(const struct copy_file *f, void *context)
{
	struct transfers *t = context;
	char *name;

	if (f->is_directory || f->is_skipped)
		return;
	name = sftp_printable(path_last(f->source));
	client_meter_file(&t->meter, name, f->size, f->has_failed);
	free(name);
}

static void
on_failed(const char *text, void *context)
{
	struct transfers *t = context;

	client_meter_clear(&t->meter);
	fflush(stdout);
	/* Escaped already. */
	fprintf(stderr, "%s\n", text);
}

/* ---- the copies ---- */

static struct client_link *
target_link(const struct transfers *t)
{
	return t->is_put ? t->s->caller.link : NULL;
}

static void
begin(struct transfers *t, struct sftp *s, const struct invocation *i,
    bool is_put, bool is_resumed)
{
	struct copy_config c = {
		.files = &client_files_system,
		.options = {
			.recursive = s->recursive || has_flag(i, 'r'),
			.preserve = s->preserve || has_flag(i, 'p'),
			.sync = s->sync || has_flag(i, 'f'),
			.resume =
			    is_resumed || s->resume || has_flag(i, 'a'),
			.rehash = s->rehash || has_flag(i, 'U'),
			.verify = s->verify || has_flag(i, 'V'),
			.atomic = s->atomic || has_flag(i, 'A'),
			.block = s->block,
			.requests = s->requests,
		},
		.events = { on_start, on_end, on_failed, on_failed, t },
	};

	memset(t, 0, sizeof(*t));
	t->s = s;
	t->is_put = is_put;
	t->is_resumed = c.options.resume || c.options.rehash;
	if (is_put)
		c.target.client = sftp_client(s);
	else
		c.source.client = sftp_client(s);
	t->copy = sftp_need(copy_new(&c));
	client_spread_begin(t->copy, target_link(t));
	client_meter_start(&t->meter,
	    s->has_progress && !s->is_quiet && isatty(STDOUT_FILENO));
}

static void
draw(struct transfers *t)
{
	struct copy_progress p;
	char *name;

	if (!t->meter.is_on)
		return;
	copy_get_progress(t->copy, &p);
	name = sftp_printable(path_last(p.name));
	p.name = name;
	client_meter_tick(&t->meter, &p);
	free(name);
}

/* Runs them to their end. 0, or -1 where any failed. */
static int
finish(struct transfers *t)
{
	struct sftp *s = t->s;
	struct error e = { 0 };
	int timeout_ms = t->meter.is_on ? DRAW_EVERY_MS : -1;
	bool is_told = false;

	copy_step(t->copy);
	while (!copy_is_done(t->copy)) {
		if (sftp_interrupted != 0 && !is_told) {
			is_told = true;
			client_meter_clear(&t->meter);
			sftp_complain("Interrupt");
			copy_cancel(t->copy);
			continue;
		}
		if (client_link_turn(&s->caller.link, 1, timeout_ms, &e) ==
		    ERR_CLOSED)
			s->is_lost = true;
		copy_step(t->copy);
		client_spread_more(t->copy, target_link(t));
		draw(t);
	}
	if (client_is_over(sftp_client(s)))
		s->is_lost = true;
	client_meter_end(&t->meter);
	if (copy_failures(t->copy) > 0 || is_told || s->is_lost)
		t->result = -1;
	copy_free(t->copy);
	return t->result;
}

/* ---- names ---- */

/* The last part, whatever slashes follow it; NULL: there is none. Fresh. */
static char *
last_part(const char *path)
{
	size_t len = strlen(path);
	const char *from;

	while (len > 0 && path[len - 1] == '/')
		len--;
	for (from = path + len; from > path && from[-1] != '/'; from--)
		;
	len -= (size_t)(from - path);
	if (len == 0 || (len == 1 && from[0] == '.') ||
	    (len == 2 && strncmp(from, "..", 2) == 0))
		return NULL;
	return sftp_need(strndup(from, len));
}

/* Where the copy of `source` goes: into the folder `target`, or to that very
 * name. */
static char *
place(const char *source, const char *target, bool is_folder)
{
	char *last, *path;

	if (!is_folder)
		return sftp_need(strdup(target));
	last = last_part(source);
	/* "." and ".." and "/" go into the folder by what is in them. */
	if (last == NULL)
		return sftp_need(strdup(target));
	path = strcmp(target, "") == 0 ? last : path_join(target, last);
	if (path != last)
		free(last);
	return sftp_need(path);
}

static bool
is_local_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_remote_folder(struct sftp *s, const char *path)
{
	struct sftp_attrs a = { 0 };

	return call_stat(&s->caller, path, true, &a, NULL) == 0 &&
	       (a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	       S_ISDIR(a.permissions);
}

/* ---- get ---- */

static void
add(struct transfers *t, const char *source, const char *target,
    const struct sftp_attrs *a)
{
	if (copy_add(t->copy, source, target, a) != 0)
		sftp_out_of_memory();
}

/* All that matches, into the target. */
static int
get_matches(struct sftp *s, const struct invocation *i, bool is_resumed,
    const struct call_entries *matches, const char *target)
{
	struct transfers t;
	bool is_folder = target == NULL || is_local_folder(target);

	if (matches->count > 1 && !is_folder) {
		sftp_complain("Multiple paths match, but destination \"%s\" "
			      "is not a directory",
		    target);
		return -1;
	}
	begin(&t, s, i, false, is_resumed);
	for (size_t k = 0; k < matches->count; k++) {
		const struct call_entry *e = &matches->item[k];
		char *path =
		    place(e->name, target != NULL ? target : "", is_folder);

		add(&t, e->name, *path != '\0' ? path : ".", &e->a);
		free(path);
	}
	return finish(&t);
}

static int
get(struct sftp *s, const struct invocation *i, bool is_resumed)
{
	char *pattern = sftp_absolute(s, i->word[0].pattern);
	const char *target = i->count > 1 ? i->word[1].plain : NULL;
	struct call_entries matches = { 0 };
	struct error e = { 0 };
	int r = call_glob(&s->caller, pattern, &matches, &e);

	if (r != 0) {
		r = sftp_failed(s, &e, "%s", pattern);
	} else if (matches.count == 0) {
		sftp_complain("File \"%s\" not found.", pattern);
		r = -1;
	} else {
		r = get_matches(s, i, is_resumed, &matches, target);
	}
	call_entries_release(&matches);
	free(pattern);
	return r;
}

int
command_get(struct sftp *s, const struct invocation *i)
{
	return get(s, i, false);
}

int
command_reget(struct sftp *s, const struct invocation *i)
{
	return get(s, i, true);
}

int
sftp_get(struct sftp *s, const char *pattern, const char *target)
{
	struct word word[2] = { { .pattern = (char *)(uintptr_t)pattern },
		{ .plain = (char *)(uintptr_t)target } };
	struct invocation i = { .word = word, .count = target != NULL ? 2 : 1 };

	return get(s, &i, false);
}

/* ---- put ---- */

static int
put_matches(struct sftp *s, const struct invocation *i, bool is_resumed,
    const glob_t *g, const char *target)
{
	struct transfers t;
	bool is_folder = target == NULL || is_remote_folder(s, target);

	if (g->gl_pathc > 1 && !is_folder) {
		sftp_complain("Multiple paths match, but destination \"%s\" "
			      "is not a directory",
		    target);
		return -1;
	}
	begin(&t, s, i, true, is_resumed);
	for (size_t k = 0; k < g->gl_pathc; k++) {
		char *path = place(g->gl_pathv[k],
		    target != NULL ? target : s->cwd, is_folder);

		add(&t, g->gl_pathv[k], path, NULL);
		free(path);
	}
	return finish(&t);
}

static int
put(struct sftp *s, const struct invocation *i, bool is_resumed)
{
	char *target = i->count > 1 ? sftp_absolute(s, i->word[1].plain) : NULL;
	char *pattern = NULL;
	glob_t g = { 0 };
	int r = path_expand_home(
	    i->word[0].pattern, getenv("HOME"), &pattern, NULL);

	if (r != 0)
		pattern = sftp_need(strdup(i->word[0].pattern));
	r = glob(pattern, GLOB_NOCHECK | GLOB_MARK, NULL, &g);
	if (r != 0 || g.gl_pathc == 0) {
		sftp_complain("File \"%s\" not found.", pattern);
		r = -1;
	} else if (g.gl_pathc == 1 && access(g.gl_pathv[0], F_OK) != 0) {
		sftp_complain("stat %s: %s", i->word[0].plain, strerror(errno));
		r = -1;
	} else {
		r = put_matches(s, i, is_resumed, &g, target);
	}
	globfree(&g);
	free(pattern);
	free(target);
	return r;
}

int
command_put(struct sftp *s, const struct invocation *i)
{
	return put(s, i, false);
}

int
command_reput(struct sftp *s, const struct invocation *i)
{
	return put(s, i, true);
}
