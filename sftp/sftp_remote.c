/*
 * sftp_remote.c - commands about the server's files, all but listings and
 * transfers.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "sftp/sftp.h"

/* ---- paths ---- */

char *
sftp_absolute(const struct sftp *s, const char *path)
{
	if (*path == '/')
		return sftp_need(strdup(path));
	return sftp_need(path_join(s->cwd, path));
}

const char *
sftp_relative(const struct sftp *s, const char *path)
{
	size_t len = strlen(s->cwd);

	if (strncmp(path, s->cwd, len) != 0)
		return path;
	if (len > 0 && s->cwd[len - 1] == '/')
		return path + len;
	return path[len] == '/' ? path + len + 1 : path;
}

int
sftp_failed(struct sftp *s, const struct error *e, const char *format, ...)
{
	char *what = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		sftp_out_of_memory();
	va_end(args);
	if (e->code == ERR_CLOSED)
		s->is_lost = true;
	else if (e->code == ERR_CANCELLED)
		sftp_complain("Interrupt");
	else
		sftp_complain("%s: %s", what, error_message(e, e->code));
	free(what);
	return -1;
}

/* ---- where we are ---- */

int
command_pwd(struct sftp *s, const struct invocation *i)
{
	sftp_say("Remote working directory: %s\n", s->cwd);
	return 0;
}

/* "~user/x", where the server knows who that is. */
static char *
typed_path(struct sftp *s, const char *path)
{
	char *expanded;

	if (*path == '~' && client_has(sftp_client(s), SFTP_EXPAND_PATH) &&
	    call_name(&s->caller, SFTP_EXPAND_PATH, path, &expanded, NULL) == 0)
		return expanded;
	return sftp_absolute(s, path);
}

int
command_cd(struct sftp *s, const struct invocation *i)
{
	char *path = i->count > 0 ? typed_path(s, i->word[0].plain)
				  : sftp_need(strdup(s->home));
	char *real = NULL;
	struct sftp_attrs a = { 0 };
	struct error e = { 0 };
	int r = call_name(&s->caller, SFTP_REALPATH, path, &real, &e);

	if (r == 0)
		r = call_stat(&s->caller, real, true, &a, &e);
	if (r != 0) {
		sftp_failed(s, &e, "stat remote");
	} else if ((a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
		   (a.permissions & S_IFMT) != S_IFDIR) {
		sftp_complain("Can't change directory: \"%s\" is not a "
			      "directory",
		    real);
		r = -1;
	} else {
		free(s->cwd);
		s->cwd = real;
		real = NULL;
	}
	free(path);
	free(real);
	return r == 0 ? 0 : -1;
}

/* ---- one path ---- */

int
command_mkdir(struct sftp *s, const struct invocation *i)
{
	char *path = sftp_absolute(s, i->word[0].plain);
	struct sftp_attrs a = { .flags = SSH_FILEXFER_ATTR_PERMISSIONS,
		.permissions = 0777 };
	struct error e = { 0 };
	int r = call_path(&s->caller, SFTP_MKDIR, path, &a, &e);

	if (r != 0)
		r = sftp_failed(s, &e, "remote mkdir \"%s\"", path);
	free(path);
	return r;
}

int
command_rmdir(struct sftp *s, const struct invocation *i)
{
	char *path = sftp_absolute(s, i->word[0].plain);
	struct error e = { 0 };
	int r = call_path(&s->caller, SFTP_RMDIR, path, NULL, &e);

	if (r != 0)
		r = sftp_failed(s, &e, "remote rmdir \"%s\"", path);
	free(path);
	return r;
}

/* ---- all that a pattern matches ---- */

typedef int on_match(struct sftp *s, const char *path, void *context);

/* What matches nothing is taken as it is, so that its failure is told. */
static int
for_each_match(
    struct sftp *s, const struct word *word, on_match *fn, void *context)
{
	char *pattern = sftp_absolute(s, word->pattern);
	char *plain = sftp_absolute(s, word->plain);
	struct call_entries list = { 0 };
	struct error e = { 0 };
	int r = call_glob(&s->caller, pattern, &list, &e);

	if (r != 0)
		r = sftp_failed(s, &e, "%s", plain);
	else if (list.count == 0)
		r = fn(s, plain, context);
	for (size_t i = 0; i < list.count && !s->is_lost; i++) {
		if (sftp_interrupted != 0)
			r = -1;
		else if (fn(s, list.item[i].name, context) != 0)
			r = -1;
	}
	call_entries_release(&list);
	free(pattern);
	free(plain);
	return r;
}

static int
remove_one(struct sftp *s, const char *path, void *context)
{
	struct error e = { 0 };

	if (!s->is_quiet)
		sftp_say("Removing %s\n", path);
	if (call_path(&s->caller, SFTP_REMOVE, path, NULL, &e) == 0)
		return 0;
	return sftp_failed(s, &e, "remote delete %s", path);
}

int
command_rm(struct sftp *s, const struct invocation *i)
{
	int r = 0;

	for (size_t k = 0; k < i->count; k++)
		if (for_each_match(s, &i->word[k], remove_one, NULL) != 0)
			r = -1;
	return r;
}

/* ---- two paths ---- */

static int
two_paths(struct sftp *s, const struct invocation *i, enum sftp_kind kind,
    const char *what)
{
	char *from = kind == SFTP_SYMLINK ? sftp_need(strdup(i->word[0].plain))
					  : sftp_absolute(s, i->word[0].plain);
	char *to = sftp_absolute(s, i->word[1].plain);
	struct error e = { 0 };
	int r = call_two_paths(&s->caller, kind, from, to, &e);

	if (r != 0)
		r = sftp_failed(
		    s, &e, "remote %s \"%s\" to \"%s\"", what, from, to);
	free(from);
	free(to);
	return r;
}

int
command_rename(struct sftp *s, const struct invocation *i)
{
	bool posix =
	    !has_flag(i, 'l') && client_has(sftp_client(s), SFTP_POSIX_RENAME);

	return two_paths(
	    s, i, posix ? SFTP_POSIX_RENAME : SFTP_RENAME, "rename");
}

int
command_symlink(struct sftp *s, const struct invocation *i)
{
	return two_paths(s, i, SFTP_SYMLINK, "symlink file");
}

int
command_ln(struct sftp *s, const struct invocation *i)
{
	if (has_flag(i, 's'))
		return command_symlink(s, i);
	return two_paths(s, i, SFTP_HARDLINK, "link");
}

/* Do both paths lead to one file, links and all? */
static bool
is_same_file(struct sftp *s, const char *a, const char *b)
{
	char *real_a = NULL, *real_b = NULL;
	bool is_same =
	    call_name(&s->caller, SFTP_REALPATH, a, &real_a, NULL) == 0 &&
	    call_name(&s->caller, SFTP_REALPATH, b, &real_b, NULL) == 0 &&
	    strcmp(real_a, real_b) == 0;

	free(real_a);
	free(real_b);
	return is_same;
}

/* What is not asked first is found out when the target has been made, or
 * emptied. */
int
command_copy(struct sftp *s, const struct invocation *i)
{
	char *from = sftp_absolute(s, i->word[0].plain);
	char *to = sftp_absolute(s, i->word[1].plain);
	struct sftp_attrs a = { 0 };
	struct error e = { 0 };
	int r = call_stat(&s->caller, from, true, &a, &e);

	if (r == 0 && (a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	    !S_ISREG(a.permissions))
		r = error_set(&e, ERR_UNSUPPORTED, "not a regular file");
	if (r == 0 && is_same_file(s, from, to))
		r = error_set(&e, ERR_ARGUMENT, "they are the same file");
	if (r == 0)
		r = call_copy(&s->caller, from, to, &e);
	if (r != 0)
		r = sftp_failed(
		    s, &e, "remote copy \"%s\" to \"%s\"", from, to);
	free(from);
	free(to);
	return r;
}

/* ---- attributes ---- */

struct change {
	struct sftp_attrs a;
	bool group; /* keep the owner */
	bool owner; /* keep the group */
	bool no_follow;
	const char *what;
};

static int
change_one(struct sftp *s, const char *path, void *context)
{
	const struct change *c = context;
	struct sftp_attrs a = c->a, now = { 0 };
	struct error e = { 0 };
	int r = 0;

	/* Both ids go together on the wire: the other one stays. */
	if (c->group || c->owner) {
		r = call_stat(&s->caller, path, !c->no_follow, &now, &e);
		if (r == 0 && (now.flags & SSH_FILEXFER_ATTR_UIDGID) == 0)
			r = error_set(&e, ERR_UNSUPPORTED,
			    "the server does not tell owner and group");
		if (r != 0)
			return sftp_failed(s, &e, "remote stat \"%s\"", path);
		if (c->group)
			a.uid = now.uid;
		else
			a.gid = now.gid;
	}
	if (!s->is_quiet)
		sftp_say("Changing %s on %s\n", c->what, path);
	r = call_path(&s->caller, c->no_follow ? SFTP_LSETSTAT : SFTP_SETSTAT,
	    path, &a, &e);
	return r == 0 ? 0
		      : sftp_failed(s, &e, "remote %s \"%s\"",
			    c->no_follow ? "lsetstat" : "setstat", path);
}

static int
change(struct sftp *s, const struct invocation *i, struct change *c)
{
	int r = 0;

	c->no_follow = has_flag(i, 'h');
	for (size_t k = 1; k < i->count; k++)
		if (for_each_match(s, &i->word[k], change_one, c) != 0)
			r = -1;
	return r;
}

static int
parse_number(
    const struct invocation *i, int base, unsigned long max, uint32_t *ret)
{
	const char *text = i->word[0].plain;
	char *end;
	unsigned long v = strtoul(text, &end, base);

	if (*text < '0' || *text > '9' || *end != '\0' || v > max) {
		sftp_complain("You must supply a numeric argument to the %s "
			      "command.",
		    i->command->name);
		return -1;
	}
	*ret = (uint32_t)v;
	return 0;
}

int
command_chmod(struct sftp *s, const struct invocation *i)
{
	struct change c = { .what = "mode" };

	c.a.flags = SSH_FILEXFER_ATTR_PERMISSIONS;
	if (parse_number(i, 8, 07777, &c.a.permissions) != 0)
		return -1;
	return change(s, i, &c);
}

int
command_chown(struct sftp *s, const struct invocation *i)
{
	struct change c = { .what = "owner", .owner = true };

	c.a.flags = SSH_FILEXFER_ATTR_UIDGID;
	if (parse_number(i, 10, UINT32_MAX, &c.a.uid) != 0)
		return -1;
	return change(s, i, &c);
}

int
command_chgrp(struct sftp *s, const struct invocation *i)
{
	struct change c = { .what = "group", .group = true };

	c.a.flags = SSH_FILEXFER_ATTR_UIDGID;
	if (parse_number(i, 10, UINT32_MAX, &c.a.gid) != 0)
		return -1;
	return change(s, i, &c);
}

/* ---- df ---- */

/* "16.5GB": at most three digits and a unit. */
static char *
human(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double v = (double)bytes;
	size_t unit = 0;

	while (v >= 1024 && units[unit + 1] != '\0') {
		v /= 1024;
		unit++;
	}
	if (unit == 0)
		return text_format("%.0fB", v);
	return text_format(v < 99.95 ? "%.1f%cB" : "%.0f%cB", v, units[unit]);
}

static unsigned
used_percent(uint64_t total, uint64_t left)
{
	if (total == 0 || left > total)
		return 0;
	return (unsigned)((double)(total - left) * 100 / (double)total);
}

static void
df_human(const struct sftp_statvfs *v)
{
	uint64_t unit = v->frsize > 0 ? v->frsize : 1;
	char *size = sftp_need(human(v->blocks * unit));
	char *used = sftp_need(human((v->blocks - v->bfree) * unit));
	char *avail = sftp_need(human(v->bavail * unit));
	char *root = sftp_need(human(v->bfree * unit));

	printf("    Size     Used    Avail   (root)    %%Capacity\n"
	       "%8s %8s %8s %8s         %3u%%\n",
	    size, used, avail, root, used_percent(v->blocks, v->bfree));
	free(size);
	free(used);
	free(avail);
	free(root);
}

static void
df_blocks(const struct sftp_statvfs *v)
{
	uint64_t unit = v->frsize > 0 ? v->frsize : 1;

	printf("        Size         Used        Avail       (root)    "
	       "%%Capacity\n%12llu %12llu %12llu %12llu         %3u%%\n",
	    (unsigned long long)(v->blocks * unit / 1024),
	    (unsigned long long)((v->blocks - v->bfree) * unit / 1024),
	    (unsigned long long)(v->bavail * unit / 1024),
	    (unsigned long long)(v->bfree * unit / 1024),
	    used_percent(v->blocks, v->bfree));
}

static void
df_inodes(const struct sftp_statvfs *v)
{
	printf("     Inodes        Used       Avail      (root)    "
	       "%%Capacity\n%11llu %11llu %11llu %11llu         %3u%%\n",
	    (unsigned long long)v->files,
	    (unsigned long long)(v->files - v->ffree),
	    (unsigned long long)v->favail, (unsigned long long)v->ffree,
	    used_percent(v->files, v->ffree));
}

int
command_df(struct sftp *s, const struct invocation *i)
{
	char *path = sftp_absolute(s, i->count > 0 ? i->word[0].plain : ".");
	struct sftp_statvfs v;
	struct error e = { 0 };
	int r = call_statvfs(&s->caller, path, &v, &e);

	if (r != 0)
		r = sftp_failed(s, &e, "remote statvfs \"%s\"", path);
	else if (has_flag(i, 'i'))
		df_inodes(&v);
	else if (has_flag(i, 'h'))
		df_human(&v);
	else
		df_blocks(&v);
	free(path);
	return r;
}
