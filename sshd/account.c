/*
 * account.c - accounts from the name service; files read as the user.
 */
#include "sshd/account.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"

#define GROUPS_MAX 65536

static const struct passwd nobody = {
	.pw_dir = (char *)"/nonexistent",
	.pw_shell = (char *)"/nonexistent/sh",
	.pw_uid = (uid_t)-2,
	.pw_gid = (gid_t)-2,
};

struct account *
account_find(const char *name)
{
	struct account *a = calloc(1, sizeof(*a));
	const struct passwd *pw = getpwnam(name);

	if (a == NULL)
		return NULL;
	a->exists = pw != NULL;
	if (pw == NULL)
		pw = &nobody;
	/* The name service may fold case or give an alias: the account's own
	 * name is what counts from here on. */
	a->name = strdup(a->exists ? pw->pw_name : name);
	a->home = strdup(pw->pw_dir);
	a->shell = strdup(pw->pw_shell == NULL || pw->pw_shell[0] == '\0'
			      ? "/bin/sh"
			      : pw->pw_shell);
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	if (a->name == NULL || a->home == NULL || a->shell == NULL) {
		account_free(a);
		return NULL;
	}
	return a;
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	free(a->name);
	free(a->home);
	free(a->shell);
	free(a->gids);
	strings_release(&a->groups);
	free(a);
}

int
account_load_gids(struct account *a)
{
	gid_t *ids = NULL;
	int n = 64;

	while (a->gids == NULL) {
		int room = n;
		gid_t *grown = realloc(ids, (size_t)n * sizeof(*ids));

		if (grown == NULL || n > GROUPS_MAX) {
			free(grown != NULL ? grown : ids);
			return ERR_MEMORY;
		}
		ids = grown;
		if (getgrouplist(a->name, a->gid, ids, &room) >= 0) {
			a->gids = ids;
			a->gid_count = (size_t)room;
		}
		n = room > n ? room : n * 2;
	}
	return 0;
}

int
account_load_groups(struct account *a)
{
	int r;

	if (a->groups_loaded)
		return 0;
	if ((r = account_load_gids(a)) != 0)
		return r;
	for (size_t i = 0; i < a->gid_count && r == 0 && a->exists; i++) {
		const struct group *g = getgrgid(a->gids[i]);

		if (g != NULL)
			r = strings_add(&a->groups, g->gr_name);
	}
	a->groups_loaded = r == 0;
	return r;
}

int
account_check_shell(const struct account *a, struct error *e)
{
	struct stat st;

	if (stat(a->shell, &st) != 0)
		return error_set(
		    e, ERR_NOT_FOUND, "shell %s does not exist", a->shell);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return error_set(
		    e, ERR_PERMISSION, "shell %s is not executable", a->shell);
	return 0;
}

/* ---- as the user ---- */

struct identity {
	bool changed;
	gid_t gid;
	gid_t *groups;
	int group_count;
};

static void
restore_identity(struct identity *saved)
{
	if (!saved->changed)
		return;
	if (seteuid(0) != 0 || setegid(saved->gid) != 0 ||
	    setgroups((size_t)saved->group_count, saved->groups) != 0)
		abort(); /* half a root is worse than none */
	free(saved->groups);
	saved->changed = false;
}

static int
assume_identity(struct account *a, struct identity *saved)
{
	memset(saved, 0, sizeof(*saved));
	if (geteuid() != 0 || a->uid == 0)
		return 0;
	saved->gid = getegid();
	saved->group_count = getgroups(0, NULL);
	saved->groups =
	    calloc((size_t)saved->group_count + 1, sizeof(*saved->groups));
	if (saved->group_count < 0 || saved->groups == NULL ||
	    getgroups(saved->group_count, saved->groups) < 0) {
		free(saved->groups);
		return ERR_SYSTEM;
	}
	saved->changed = true;
	if (account_load_gids(a) != 0 ||
	    setgroups(a->gid_count, a->gids) != 0 || setegid(a->gid) != 0 ||
	    seteuid(a->uid) != 0) {
		restore_identity(saved);
		return ERR_SYSTEM;
	}
	return 0;
}

static int
read_open_file(const struct account *a, const char *path, int fd, bool strict,
    size_t max, struct buf *out, struct error *e)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0)
		return error_set_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(
		    e, ERR_PERMISSION, "%s is not a regular file", path);
	if (strict &&
	    (r = path_check_safe(path, fd, a->uid, a->home, e)) != 0) {
		error_prefix(e, "Authentication refused");
		return r;
	}
	return file_read_fd(fd, max, out, e);
}

int
account_read_file(struct account *a, const char *path, bool strict, size_t max,
    struct buf *out, struct error *e)
{
	struct identity saved;
	int fd, r;

	if ((r = assume_identity(a, &saved)) != 0)
		return error_set_errno(e, "cannot act as user %s", a->name);
	/* Not blocking: the user could have put a FIFO there. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		r = error_set_errno(e, "%s", path);
	else
		r = read_open_file(a, path, fd, strict, max, out, e);
	if (fd >= 0)
		close(fd);
	restore_identity(&saved);
	return r;
}

int
account_glob(struct account *a, const char *pattern, struct strings *ret_paths)
{
	struct identity saved;
	glob_t found;
	int r;

	if ((r = assume_identity(a, &saved)) != 0)
		return r;
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
			r = strings_add(ret_paths, found.gl_pathv[i]);
		globfree(&found);
	}
	restore_identity(&saved);
	return r;
}
