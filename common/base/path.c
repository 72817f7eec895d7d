/*
 * path.c - paths: parts, homes, directories, and who may change them.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"

static int
out_of_memory(struct error *e)
{
	return error_set(e, ERR_MEMORY, "out of memory");
}

/* The home of the named account (of this process, where name is ""). */
static int
home_of(const char *name, const char **ret_home, struct error *e)
{
	struct passwd *pw = *name == '\0' ? getpwuid(getuid()) : getpwnam(name);

	if (pw == NULL && *name == '\0')
		return error_set(e, ERR_NOT_FOUND, "no account for uid %u",
		    (unsigned)getuid());
	if (pw == NULL)
		return error_set(e, ERR_NOT_FOUND, "no user \"%s\"", name);
	*ret_home = pw->pw_dir;
	return 0;
}

int
path_expand_home(
    const char *path, const char *home, char **ret_path, struct error *e)
{
	const char *rest;
	char *name;
	char *result;
	int r = 0;

	if (*path != '~') {
		if ((result = strdup(path)) == NULL)
			return out_of_memory(e);
		*ret_path = result;
		return 0;
	}
	rest = strchrnul(path, '/');
	if ((name = strndup(path + 1, (size_t)(rest - path - 1))) == NULL)
		return out_of_memory(e);
	if (*name != '\0' || home == NULL)
		r = home_of(name, &home, e);
	free(name);
	if (r != 0)
		return r;
	while (rest[0] == '/' && rest[1] == '/')
		rest++;
	/* A bare "~" names the folder, as "~/" does. */
	result = path_join(home, *rest == '\0' ? "" : rest + 1);
	if (result == NULL)
		return out_of_memory(e);
	*ret_path = result;
	return 0;
}

char *
path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

const char *
path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

char *
path_join(const char *directory, const char *name)
{
	const char *between = text_ends_with(directory, "/") ? "" : "/";

	return text_format("%s%s%s", directory, between, name);
}

static int
make_one(const char *path, mode_t mode, struct error *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return error_set_errno(e, "cannot create directory %s", path);
}

int
path_make_directory(const char *path, mode_t mode, struct error *e)
{
	char *copy = strdup(path);
	int r = 0;

	if (copy == NULL)
		return out_of_memory(e);
	for (char *p = copy + (*copy == '/'); r == 0 && *p != '\0'; p++) {
		if (*p != '/' || p[1] == '\0')
			continue;
		*p = '\0';
		r = make_one(copy, 0777, e);
		*p = '/';
	}
	if (r == 0)
		r = make_one(copy, mode, e);
	free(copy);
	return r;
}

/* ---- StrictModes ---- */

static bool
is_safe(const struct stat *st, uid_t uid)
{
	return (st->st_uid == 0 || st->st_uid == uid) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Every directory above real, up to home or the root. Changes real. */
static int
check_directories(char *real, uid_t uid, const char *home, struct error *e)
{
	struct stat st;
	char *slash;

	while ((slash = strrchr(real, '/')) != NULL) {
		bool at_root = slash == real;

		slash[at_root] = '\0';
		if (stat(real, &st) != 0)
			return error_set_errno(e, "%s", real);
		if (!is_safe(&st, uid))
			return error_set(e, ERR_PERMISSION,
			    "bad ownership or modes for directory %s", real);
		if (at_root || (home != NULL && strcmp(real, home) == 0))
			break;
	}
	return 0;
}

int
path_check_safe(
    const char *path, int fd, uid_t uid, const char *home, struct error *e)
{
	/* The home first: its errno does not matter. A home that cannot be
	 * found makes the check go on to the root. */
	char *real_home = home != NULL ? realpath(home, NULL) : NULL;
	char *real = realpath(path, NULL);
	struct stat st;
	int r;

	if (real == NULL)
		r = error_set_errno(e, "%s", path);
	else if ((fd >= 0 ? fstat(fd, &st) : stat(real, &st)) != 0)
		r = error_set_errno(e, "%s", real);
	else if (!is_safe(&st, uid))
		r = error_set(e, ERR_PERMISSION,
		    "bad ownership or modes for file %s", real);
	else
		r = check_directories(real, uid, real_home, e);
	free(real_home);
	free(real);
	return r;
}
