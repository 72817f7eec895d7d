/*
 * sftp_list.c - ls: in columns, one a line, or long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/sftp.h"

#define HALF_A_YEAR_S (365 * 24 * 3600 / 2)

struct listing {
	struct sftp *s;
	const struct invocation *i;
	struct call_entries entries;
	bool is_coloured;
	unsigned column;
	size_t width; /* of a column */
	unsigned columns;
};

/* ---- order ---- */

/* qsort() passes nothing on; there is one listing at a time. */
static const struct invocation *ordering;

static int
compare(const void *a, const void *b)
{
	const struct call_entry *x = a, *y = b;
	int r = 0;

	if (has_flag(ordering, 't'))
		r = (x->a.mtime < y->a.mtime) - (x->a.mtime > y->a.mtime);
	else if (has_flag(ordering, 'S'))
		r = (x->a.size < y->a.size) - (x->a.size > y->a.size);
	if (r == 0)
		r = strcmp(x->name, y->name);
	return has_flag(ordering, 'r') ? -r : r;
}

static void
sort(struct listing *l)
{
	if (has_flag(l->i, 'f') || l->entries.count < 2)
		return;
	ordering = l->i;
	qsort(l->entries.item, l->entries.count, sizeof(*l->entries.item),
	    compare);
}

/* ---- the long form ---- */

static void
format_mode(uint32_t mode, char out[11])
{
	static const char bits[] = "rwxrwxrwx";
	static const struct {
		uint32_t type;
		char letter;
	} types[] = { { S_IFDIR, 'd' }, { S_IFLNK, 'l' }, { S_IFIFO, 'p' },
		{ S_IFSOCK, 's' }, { S_IFBLK, 'b' }, { S_IFCHR, 'c' } };

	out[0] = '-';
	for (size_t k = 0; k < ARRAY_COUNT(types); k++)
		if ((mode & S_IFMT) == types[k].type)
			out[0] = types[k].letter;
	for (unsigned k = 0; k < 9; k++)
		out[1 + k] = mode & (0400u >> k) ? bits[k] : '-';
	if (mode & S_ISUID)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = '\0';
}

/* Owner and group as the server's own line has them in its third and fourth
 * place, or as it says when it is asked; numbers where those were wanted. */
static char *
owner_of(const struct listing *l, const struct call_entry *e, unsigned place)
{
	const char *at = e->longname, *name;
	bool looks_long = strlen(at) > 40 && strchr("-dlpsbc", at[0]) != NULL;

	if (!has_flag(l->i, 'n') && looks_long) {
		for (unsigned k = 0; k < place; k++) {
			at += strcspn(at, " ");
			at += strspn(at, " ");
		}
		if (*at != '\0')
			return sftp_need(strndup(at, strcspn(at, " ")));
	}
	if ((e->a.flags & SSH_FILEXFER_ATTR_UIDGID) == 0)
		return sftp_need(strdup("?"));
	name = sftp_owner_name(place == 3, place == 2 ? e->a.uid : e->a.gid);
	if (!has_flag(l->i, 'n') && name != NULL)
		return sftp_need(strdup(name));
	return sftp_need(
	    text_format("%u", (unsigned)(place == 2 ? e->a.uid : e->a.gid)));
}

static char *
size_of(const struct listing *l, const struct call_entry *e)
{
	static const char units[] = "BKMGTPE";
	double v = (double)e->a.size;
	size_t unit = 0;

	if (!has_flag(l->i, 'h'))
		return sftp_need(
		    text_format("%llu", (unsigned long long)e->a.size));
	while (v >= 1024 && units[unit + 1] != '\0') {
		v /= 1024;
		unit++;
	}
	return sftp_need(unit == 0 || v >= 99.95
			     ? text_format("%.0f%c", v, units[unit])
			     : text_format("%.1f%c", v, units[unit]));
}

static void
format_time(const struct call_entry *e, char *out, size_t size)
{
	time_t t = (time_t)e->a.mtime, now = time(NULL);
	struct tm tm;

	out[0] = '\0';
	if ((e->a.flags & SSH_FILEXFER_ATTR_ACMODTIME) == 0 ||
	    localtime_r(&t, &tm) == NULL)
		return;
	if (now - t < HALF_A_YEAR_S && t <= now + 60)
		strftime(out, size, "%b %e %H:%M", &tm);
	else
		strftime(out, size, "%b %e  %Y", &tm);
}

static void
say_name(const struct listing *l, const struct call_entry *e, const char *name)
{
	const char *colour =
	    l->is_coloured ? sftp_colour(name, e->a.permissions) : "";

	/* Ours, unlike what stands in the name. */
	if (*colour != '\0')
		printf("\033[%sm", colour);
	sftp_say("%s", name);
	if (*colour != '\0')
		fputs("\033[0m", stdout);
}

static void
say_long(const struct listing *l, const struct call_entry *e, const char *name)
{
	char mode[11], when[64];
	char *owner, *group, *size;

	/* A server without attributes: its line is all there is. */
	if ((e->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) == 0) {
		sftp_say("%s\n", *e->longname != '\0' ? e->longname : name);
		return;
	}
	owner = owner_of(l, e, 2);
	group = owner_of(l, e, 3);
	size = size_of(l, e);
	format_mode(e->a.permissions, mode);
	format_time(e, when, sizeof(when));
	sftp_say("%s %4s %-8s %-8s %8s %s ", mode, "?", owner, group, size,
	    *when != '\0' ? when : "?");
	say_name(l, e, name);
	sftp_say("\n");
	free(owner);
	free(group);
	free(size);
}

/* ---- columns ---- */

static size_t
width_of(const char *name)
{
	char *printable = sftp_printable(name);
	size_t width = sftp_columns(printable);

	free(printable);
	return width;
}

static void
measure(struct listing *l)
{
	size_t longest = 0, terminal = sftp_terminal_width();

	l->columns = 1;
	if (has_flag(l->i, '1') || has_flag(l->i, 'l') || has_flag(l->i, 'n'))
		return;
	for (size_t k = 0; k < l->entries.count; k++) {
		size_t w = width_of(l->entries.item[k].name);

		longest = w > longest ? w : longest;
	}
	if (terminal / (longest + 2) > 1)
		l->columns = (unsigned)(terminal / (longest + 2));
	l->width = terminal / l->columns;
}

static void
say_column(struct listing *l, const struct call_entry *e)
{
	size_t w = width_of(e->name);

	say_name(l, e, e->name);
	if (w < l->width)
		sftp_say("%*s", (int)(l->width - w), "");
	if (++l->column < l->columns)
		return;
	sftp_say("\n");
	l->column = 0;
}

/* Their names are as they are to be shown. */
static void
show(struct listing *l)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	l->is_coloured = isatty(STDOUT_FILENO) &&
			 (no_colour == NULL || *no_colour == '\0') &&
			 term != NULL && strcmp(term, "dumb") != 0;
	sort(l);
	measure(l);
	if (has_flag(l->i, 'l') && !has_flag(l->i, 'n'))
		sftp_owners_ask(l->s, &l->entries);
	for (size_t k = 0; k < l->entries.count && sftp_interrupted == 0; k++) {
		const struct call_entry *e = &l->entries.item[k];

		if (has_flag(l->i, 'l') || has_flag(l->i, 'n')) {
			say_long(l, e, e->name);
		} else if (has_flag(l->i, '1')) {
			say_name(l, e, e->name);
			sftp_say("\n");
		} else {
			say_column(l, e);
		}
	}
	if (l->column > 0)
		sftp_say("\n");
}

/* ---- what is listed ---- */

static void
rename_entry(struct call_entry *e, char *name)
{
	free(e->name);
	e->name = sftp_need(name);
}

/* A folder's entries; with the folder in front where it was named. */
static int
list_folder(struct listing *l, const char *path, const char *prefix)
{
	struct call_entries all = { 0 };
	struct error e = { 0 };
	int r = call_list(&l->s->caller, path, &all, &e);

	if (r != 0)
		return sftp_failed(l->s, &e, "remote readdir(\"%s\")", path);
	for (size_t k = 0; k < all.count; k++) {
		struct call_entry *entry = &all.item[k];

		if (entry->name[0] == '.' && !has_flag(l->i, 'a'))
			continue;
		if (*prefix != '\0')
			rename_entry(entry, path_join(prefix, entry->name));
		if (call_entries_add(&l->entries, entry) != 0)
			sftp_out_of_memory();
		memset(entry, 0, sizeof(*entry));
	}
	call_entries_release(&all);
	show(l);
	return 0;
}

static bool
is_folder(const struct call_entry *e)
{
	return (e->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	       S_ISDIR(e->a.permissions);
}

/* What a pattern matches: the names themselves, folders with "/". */
static int
list_matches(struct listing *l, struct call_entries *matches, bool is_absolute)
{
	for (size_t k = 0; k < matches->count; k++) {
		struct call_entry *e = &matches->item[k];
		const char *name =
		    is_absolute ? e->name : sftp_relative(l->s, e->name);
		bool marks = is_folder(e) && !text_ends_with(name, "/");

		rename_entry(e, text_format("%s%s", name, marks ? "/" : ""));
	}
	l->entries = *matches;
	memset(matches, 0, sizeof(*matches));
	show(l);
	return 0;
}

static int
list_one(struct listing *l, const struct word *word)
{
	char *pattern = sftp_absolute(l->s, word->pattern);
	bool is_absolute = word->plain[0] == '/';
	struct call_entries matches = { 0 };
	struct sftp_attrs a;
	struct error e = { 0 };
	int r = call_glob(&l->s->caller, pattern, &matches, &e);

	if (r != 0) {
		r = sftp_failed(l->s, &e, "Can't ls: \"%s\"", pattern);
	} else if (matches.count == 0) {
		sftp_complain("Can't ls: \"%s\" not found", pattern);
		r = -1;
	} else if (matches.count == 1 &&
		   (is_folder(&matches.item[0]) ||
		       (S_ISLNK(matches.item[0].a.permissions) &&
			   call_stat(&l->s->caller, matches.item[0].name, true,
			       &a, &e) == 0 &&
			   S_ISDIR(a.permissions)))) {
		r = list_folder(l, matches.item[0].name,
		    is_absolute ? matches.item[0].name
				: sftp_relative(l->s, matches.item[0].name));
	} else {
		r = list_matches(l, &matches, is_absolute);
	}
	call_entries_release(&matches);
	free(pattern);
	return r;
}

int
command_ls(struct sftp *s, const struct invocation *i)
{
	int r = 0;
	size_t k = 0;

	do {
		struct listing l = { .s = s, .i = i };
		int one = i->count == 0 ? list_folder(&l, s->cwd, "")
					: list_one(&l, &i->word[k]);

		call_entries_release(&l.entries);
		r = one != 0 ? -1 : r;
	} while (++k < i->count && !s->is_lost && sftp_interrupted == 0);
	return r;
}
