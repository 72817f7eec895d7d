/*
 * server_place.c - places in the whole file system; what confinement adds is
 * in server_confine.c.
 */
#include "sftp/server_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/port/port.h"
#include "sftp/server_confine.h"

#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

int
sftp_place_init(struct sftp_place *p, const char *start,
    const struct strings *trees, struct error *e)
{
	int r = 0;

	memset(p, 0, sizeof(*p));
	p->start_fd = -1;
	if ((p->start = strdup(start)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if (trees->count > 0) {
		r = sftp_confine_init(p, trees, e);
	} else {
		p->start_fd = open(start, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->start_fd < 0)
			r = error_set_errno(e, "start directory %s", start);
	}
	if (r != 0)
		sftp_place_release(p);
	return r;
}

void
sftp_place_release(struct sftp_place *p)
{
	for (size_t i = 0; i < p->tree_count; i++) {
		free(p->trees[i].path);
		close(p->trees[i].fd);
	}
	free(p->trees);
	if (p->start_fd >= 0)
		close(p->start_fd);
	free(p->start);
	memset(p, 0, sizeof(*p));
	p->start_fd = -1;
}

int
sftp_place_open(
    const struct sftp_place *p, const char *path, int flags, mode_t mode)
{
	/* openat2 takes no flag that O_PATH would ignore. */
	flags |= (flags & O_PATH) != 0 ? O_CLOEXEC : OPEN_ALWAYS;
	if (p->tree_count > 0)
		return sftp_confine_open(p, path, flags, mode);
	return openat(p->start_fd, path, flags, mode);
}

int
sftp_place_find(const struct sftp_place *p, const char *path, bool follow,
    bool change, struct sftp_spot *ret)
{
	if (p->tree_count > 0)
		return sftp_confine_find(p, path, follow, change, ret);
	*ret = (struct sftp_spot){ .fd = p->start_fd,
		.name = path,
		.flags = follow ? 0 : AT_SYMLINK_NOFOLLOW };
	return 0;
}

int
sftp_place_name(const struct sftp_place *p, const char *path, bool change,
    struct sftp_spot *ret)
{
	if (p->tree_count > 0)
		return sftp_confine_name(p, path, change, ret);
	*ret = (struct sftp_spot){
		.fd = p->start_fd, .name = path, .flags = AT_SYMLINK_NOFOLLOW
	};
	return 0;
}

bool
sftp_place_may_change(const struct sftp_place *p, const char *path)
{
	return p->tree_count == 0 || sftp_confine_may_change(p, path);
}

void
sftp_spot_release(struct sftp_spot *s)
{
	int saved = errno;

	if (s->owned)
		close(s->fd);
	free(s->text);
	s->owned = false;
	s->text = NULL;
	errno = saved;
}

int
sftp_spot_chmod(const struct sftp_spot *s, mode_t mode)
{
	if ((s->flags & AT_EMPTY_PATH) == 0)
		return fchmodat(s->fd, s->name, mode, s->flags);
	return port_chmod_path_fd(s->fd, mode);
}

/* realpath(3) of a directory that may be the root. */
static char *
canonical_parent(const char *path, const char **ret_last)
{
	const char *slash = strrchr(path, '/');
	char *directory, *real;

	*ret_last = slash + 1;
	directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	real = directory != NULL ? realpath(directory, NULL) : NULL;
	free(directory);
	return real;
}

/* RFC draft s6.11 has servers answer for paths that do not exist yet: all
 * but the last part must. */
static char *
canonical(const char *absolute)
{
	char *real = realpath(absolute, NULL), *joined;
	const char *last;

	if (real != NULL || errno != ENOENT)
		return real;
	if ((real = canonical_parent(absolute, &last)) == NULL)
		return NULL;
	if (last[0] == '\0' || strcmp(last, "..") == 0) {
		free(real);
		errno = ENOENT;
		return NULL;
	}
	joined = strcmp(real, "/") == 0 ? text_format("/%s", last)
					: path_join(real, last);
	free(real);
	return joined;
}

char *
sftp_place_canonical(const struct sftp_place *p, const char *path)
{
	char *absolute, *real;

	if (path[0] == '\0')
		path = ".";
	if (p->tree_count > 0)
		return sftp_confine_canonical(p, path);
	if (path[0] == '/')
		return canonical(path);
	if ((absolute = path_join(p->start, path)) == NULL)
		return NULL;
	real = canonical(absolute);
	free(absolute);
	return real;
}
