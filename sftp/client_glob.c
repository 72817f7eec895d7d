/*
 * client_glob.c - the server's files that a pattern matches.
 *
 * Level by level: the folders that match so far are listed all at once.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "sftp/client_call.h"

/* Folders listed at once. */
#define FOLDERS_AT_ONCE 64

static bool
has_wildcard(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (strchr("*?[", s.ptr[i]) != NULL)
			return true;
	}
	return false;
}

bool
call_glob_has_wildcard(const char *pattern)
{
	return has_wildcard(span_text(pattern));
}

/* Without the backslashes; fresh. */
static char *
unescape(struct span s)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		write_byte(&out, s.ptr[i]);
	}
	return buf_take_text(&out);
}

/* Takes the next part up to a slash, and the slashes behind it. */
static struct span
next_part(const char **pattern, struct span *ret_slashes)
{
	const char *from = *pattern, *at = from;
	struct span part;

	while (*at != '\0' && *at != '/')
		at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	part = span_of(from, (size_t)(at - from));
	from = at;
	while (*at == '/')
		at++;
	*ret_slashes = span_of(from, (size_t)(at - from));
	*pattern = at;
	return part;
}

/* "folder" and "name" as the pattern would write them. */
static char *
append(const char *prefix, const char *name, struct span slashes)
{
	return text_format("%s%s%.*s", prefix, name, (int)slashes.len,
	    slashes.len > 0 ? (const char *)slashes.ptr : "");
}

static int
add_match(struct call_entries *to, const char *prefix, const char *name,
    struct span slashes, const struct call_entry *entry)
{
	struct call_entry match = { .name = append(prefix, name, slashes) };
	int r = ERR_MEMORY;

	if (entry != NULL) {
		match.a = entry->a;
		match.longname = strdup(entry->longname);
	} else {
		match.longname = strdup("");
	}
	if (match.name != NULL && match.longname != NULL)
		r = call_entries_add(to, &match);
	if (r != 0) {
		free(match.name);
		free(match.longname);
	}
	return r;
}

/* Names without wildcards are put behind each prefix as they are. */
static int
add_literal(const struct call_entries *from, struct span part,
    struct span slashes, struct call_entries *to)
{
	char *name = unescape(part);
	int r = name != NULL ? 0 : ERR_MEMORY;

	for (size_t i = 0; r == 0 && i < from->count; i++)
		r = add_match(to, from->item[i].name, name, slashes, NULL);
	free(name);
	return r;
}

static int
match_entries(const char *prefix, const struct call_entries *entries,
    const char *pattern, struct span slashes, struct call_entries *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < entries->count; i++) {
		const struct call_entry *entry = &entries->item[i];

		if (strcmp(entry->name, ".") == 0 ||
		    strcmp(entry->name, "..") == 0 ||
		    fnmatch(pattern, entry->name, FNM_PERIOD) != 0)
			continue;
		r = add_match(to, prefix, entry->name, slashes, entry);
	}
	return r;
}

/* Lists some of the folders; those that cannot be listed have no matches. */
static int
match_some(struct caller *c, const struct call_entry *folders, size_t count,
    const char *pattern, struct span slashes, struct call_entries *to,
    struct error *e)
{
	struct call_entries lists[FOLDERS_AT_ONCE] = { 0 };
	const char *paths[FOLDERS_AT_ONCE] = { NULL };
	int codes[FOLDERS_AT_ONCE];
	int r;

	for (size_t i = 0; i < count; i++)
		paths[i] = folders[i].name[0] != '\0' ? folders[i].name : ".";
	r = call_list_all(c, paths, count, lists, codes, e);
	for (size_t i = 0; i < count; i++) {
		if (r == 0 &&
		    (codes[i] == ERR_CLOSED || codes[i] == ERR_FORMAT))
			r = codes[i];
		if (r == 0 && codes[i] == 0)
			r = match_entries(
			    folders[i].name, &lists[i], pattern, slashes, to);
		call_entries_release(&lists[i]);
	}
	return r;
}

static int
add_wild(struct caller *c, const struct call_entries *from, struct span part,
    struct span slashes, struct call_entries *to, struct error *e)
{
	char *pattern = span_dup_text(part);
	int r = pattern != NULL ? 0 : ERR_MEMORY;

	for (size_t i = 0; r == 0 && i < from->count; i += FOLDERS_AT_ONCE) {
		size_t n = from->count - i < FOLDERS_AT_ONCE ? from->count - i
							     : FOLDERS_AT_ONCE;

		r = match_some(c, &from->item[i], n, pattern, slashes, to, e);
	}
	free(pattern);
	return r;
}

/* Keeps those that exist. */
static int
keep_existing(struct caller *c, struct call_entries *list, struct error *e)
{
	const char **paths = calloc(list->count + 1, sizeof(*paths));
	struct sftp_attrs *attrs = calloc(list->count + 1, sizeof(*attrs));
	int *codes = calloc(list->count + 1, sizeof(*codes));
	size_t kept = 0;
	int r = ERR_MEMORY;

	if (paths != NULL && attrs != NULL && codes != NULL) {
		for (size_t i = 0; i < list->count; i++)
			paths[i] = list->item[i].name;
		r = call_stat_all(
		    c, paths, list->count, false, attrs, codes, e);
	}
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		struct call_entry entry = list->item[i];

		if (codes[i] == 0) {
			entry.a = attrs[i];
			list->item[kept++] = entry;
		} else {
			free(entry.name);
			free(entry.longname);
		}
	}
	if (r == 0)
		list->count = kept;
	free(paths);
	free(attrs);
	free(codes);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct call_entry *)a)->name,
	    ((const struct call_entry *)b)->name);
}

int
call_glob(struct caller *c, const char *pattern, struct call_entries *ret,
    struct error *e)
{
	struct call_entries have = { 0 }, next = { 0 };
	struct span slashes = { NULL, 0 };
	bool is_known = false;
	int r;

	if (*pattern == '/')
		(void)next_part(&pattern, &slashes);
	r = add_match(&have, "", "", slashes, NULL);
	while (r == 0 && *pattern != '\0' && have.count > 0) {
		struct span part = next_part(&pattern, &slashes);

		is_known = has_wildcard(part);
		r = is_known ? add_wild(c, &have, part, slashes, &next, e)
			     : add_literal(&have, part, slashes, &next);
		call_entries_release(&have);
		have = next;
		next = (struct call_entries){ 0 };
	}
	if (r == 0 && !is_known && have.count > 0)
		r = keep_existing(c, &have, e);
	if (r == 0 && have.count > 1)
		qsort(have.item, have.count, sizeof(*have.item), by_name);
	if (r != 0) {
		call_entries_release(&have);
		call_entries_release(&next);
		if (e != NULL && e->code == 0)
			error_set(e, r, "%s", error_text(r));
		return r;
	}
	*ret = have;
	return 0;
}
