/*
 * server_confine.c - places beneath some trees and nowhere else.
 *
 * A path is made absolute and given to the longest tree that is its front,
 * part by part; the rest of it, `..` and all, is the kernel's to resolve
 * beneath that tree (openat2(2), RESOLVE_BENEATH). What is opened there is
 * used by its descriptor; what has no descriptor (a name to be made or
 * removed) is named in the descriptor of its directory.
 */
#include "sftp/server_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/port/port.h"

#define TREES_MAX 64

bool
sftp_confine_check(const char *text)
{
	return (text_starts_with(text, "rw:/") ||
		   text_starts_with(text, "ro:/")) &&
	       strlen(text) < 4096;
}

/* ---- trees ---- */

/* The text was checked as it stands (is it where it may be?), so it is opened
 * as it stands: who may write above it could have put a link there since. */
static int
open_tree(const char *path, struct error *e)
{
	char *real = realpath(path, NULL);
	bool is_canonical = real != NULL && strcmp(real, path) == 0;
	int fd = -1;

	if (real == NULL)
		return error_set_errno(e, "Confine %s", path);
	free(real);
	if (is_canonical)
		fd = port_open_straight(path, O_PATH | O_DIRECTORY);
	if (fd < 0 && (!is_canonical || errno == ELOOP))
		return error_set(e, ERR_CONFIG,
		    "Confine: %s is reached by a symbolic link", path);
	if (fd < 0 && errno == ENOSYS)
		return error_set(e, ERR_UNSUPPORTED,
		    "Confine: this kernel cannot keep paths beneath a "
		    "directory (openat2: %s)",
		    strerror(errno));
	return fd >= 0 ? fd : error_set_errno(e, "Confine %s", path);
}

static int
add_tree(struct sftp_place *p, const char *text, struct error *e)
{
	struct sftp_tree *t = &p->trees[p->tree_count];

	if (!sftp_confine_check(text))
		return error_set(e, ERR_CONFIG,
		    "Confine %s: \"rw:\" or \"ro:\" and an absolute path is "
		    "wanted",
		    text);
	t->writable = text[1] == 'w';
	if ((t->path = strdup(text + 3)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if ((t->fd = open_tree(t->path, e)) < 0) {
		free(t->path);
		return t->fd;
	}
	p->tree_count++;
	return 0;
}

/* Is path the tree or beneath it, going by the text? The rest, without a
 * slash in front; NULL: no. */
static const char *
rest_beneath(const struct sftp_tree *t, const char *path)
{
	size_t len = strcmp(t->path, "/") == 0 ? 0 : strlen(t->path);

	if (strncmp(path, t->path, len) != 0 ||
	    (path[len] != '/' && path[len] != '\0'))
		return NULL;
	path += len;
	while (*path == '/')
		path++;
	return path;
}

static const struct sftp_tree *
find_tree(const struct sftp_place *p, const char *path, const char **ret_rest)
{
	const struct sftp_tree *best = NULL;

	for (size_t i = 0; i < p->tree_count; i++) {
		const char *rest = rest_beneath(&p->trees[i], path);

		if (rest == NULL ||
		    (best != NULL &&
			strlen(best->path) >= strlen(p->trees[i].path)))
			continue;
		best = &p->trees[i];
		*ret_rest = rest;
	}
	return best;
}

/*
 * No tree may lie in one that may be written to: by a way through the outer
 * one it could be written to as well, and it could be moved away and a link
 * put in its place, for the next session to follow.
 */
static int
check_apart(const struct sftp_place *p, struct error *e)
{
	const char *rest;

	for (size_t i = 0; i < p->tree_count; i++) {
		for (size_t j = 0; j < p->tree_count; j++) {
			const struct sftp_tree *inner = &p->trees[i];
			const struct sftp_tree *outer = &p->trees[j];

			if (i == j || !outer->writable ||
			    (rest = rest_beneath(outer, inner->path)) == NULL ||
			    (*rest == '\0' && inner->writable))
				continue;
			return error_set(e, ERR_CONFIG,
			    "Confine: %s lies in rw:%s, by which it could be "
			    "changed",
			    inner->path, outer->path);
		}
	}
	return 0;
}

int
sftp_confine_init(
    struct sftp_place *p, const struct strings *trees, struct error *e)
{
	const char *rest;
	char *start;
	int r;

	if (trees->count > TREES_MAX)
		return error_set(e, ERR_CONFIG,
		    "Confine: more than %d directories", TREES_MAX);
	p->trees = calloc(trees->count, sizeof(*p->trees));
	if (p->trees == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < trees->count; i++)
		if ((r = add_tree(p, trees->item[i], e)) != 0)
			return r;
	if ((r = check_apart(p, e)) != 0)
		return r;
	start = realpath(p->start, NULL);
	if (start == NULL || find_tree(p, start, &rest) == NULL) {
		free(start);
		start = strdup(p->trees[0].path);
	}
	free(p->start);
	p->start = start;
	return start != NULL ? 0 : error_set(e, ERR_MEMORY, "out of memory");
}

/* ---- paths ---- */

struct way {
	char *path; /* absolute; rest points into it */
	const struct sftp_tree *tree;
	char *rest;
};

static int
resolve(
    const struct sftp_place *p, const char *path, bool change, struct way *ret)
{
	const char *rest = NULL;

	if (path[0] == '\0') {
		errno = ENOENT;
		return -1;
	}
	ret->path = path[0] == '/' ? strdup(path) : path_join(p->start, path);
	if (ret->path == NULL)
		return -1;
	ret->tree = find_tree(p, ret->path, &rest);
	if (ret->tree == NULL || (change && !ret->tree->writable)) {
		errno = ret->tree == NULL ? EACCES : EROFS;
		free(ret->path);
		return -1;
	}
	ret->rest = ret->path + (rest - ret->path);
	return 0;
}

/* EXDEV is what openat2 says of a way out; ELOOP of a magic link. */
static int
beneath(const struct way *w, const char *rest, int flags, mode_t mode)
{
	int fd = port_open_beneath(
	    w->tree->fd, rest[0] == '\0' ? "." : rest, flags, mode);

	if (fd < 0 && errno == EXDEV)
		errno = EACCES;
	return fd;
}

int
sftp_confine_open(
    const struct sftp_place *p, const char *path, int flags, mode_t mode)
{
	bool change = (flags & O_ACCMODE) != O_RDONLY ||
		      (flags & (O_CREAT | O_TRUNC)) != 0;
	struct way w;
	int fd, saved;

	if (resolve(p, path, change, &w) != 0)
		return -1;
	fd = beneath(&w, w.rest, flags, mode);
	saved = errno;
	free(w.path);
	errno = saved;
	return fd;
}

int
sftp_confine_find(const struct sftp_place *p, const char *path, bool follow,
    bool change, struct sftp_spot *ret)
{
	struct way w;
	int fd, saved;

	if (resolve(p, path, change, &w) != 0)
		return -1;
	fd = beneath(
	    &w, w.rest, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW), 0);
	saved = errno;
	free(w.path);
	errno = saved;
	if (fd < 0)
		return -1;
	*ret = (struct sftp_spot){
		.fd = fd, .name = "", .flags = AT_EMPTY_PATH, .owned = true
	};
	return 0;
}

int
sftp_confine_name(const struct sftp_place *p, const char *path, bool change,
    struct sftp_spot *ret)
{
	const char *last;
	struct way w;
	size_t len;
	char *slash;
	int fd, saved;

	if (resolve(p, path, change, &w) != 0)
		return -1;
	for (len = strlen(w.rest); len > 0 && w.rest[len - 1] == '/'; len--)
		w.rest[len - 1] = '\0';
	slash = strrchr(w.rest, '/');
	last = slash != NULL ? slash + 1 : w.rest;
	/* A tree itself is nobody's to move or remove. */
	if (last[0] == '\0' || strcmp(last, ".") == 0 ||
	    strcmp(last, "..") == 0) {
		free(w.path);
		errno = EACCES;
		return -1;
	}
	if (slash != NULL)
		*slash = '\0';
	fd = beneath(&w, slash != NULL ? w.rest : "",
	    O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	saved = errno;
	if (fd < 0)
		free(w.path);
	errno = saved;
	if (fd < 0)
		return -1;
	*ret = (struct sftp_spot){ .fd = fd,
		.name = last,
		.flags = AT_SYMLINK_NOFOLLOW,
		.owned = true,
		.text = w.path };
	return 0;
}

bool
sftp_confine_may_change(const struct sftp_place *p, const char *path)
{
	struct way w;

	if (resolve(p, path, true, &w) != 0)
		return false;
	free(w.path);
	return true;
}

/* ---- canonical paths ---- */

/* `.`, `..` and double slashes taken out of an absolute path, in place. */
static void
normalize(char *path)
{
	char *to = path, *from = path;

	while (*from != '\0') {
		size_t len;

		while (*from == '/')
			from++;
		len = strcspn(from, "/");
		if (len == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/')
				continue;
		} else if (len > 0 && !(len == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

char *
sftp_confine_canonical(const struct sftp_place *p, const char *path)
{
	char *full = path[0] == '/' ? strdup(path) : path_join(p->start, path);
	struct sftp_spot spot;
	int r;

	if (full == NULL)
		return NULL;
	normalize(full);
	r = sftp_confine_find(p, full, false, false, &spot);
	/* Where only the last part is missing, its directory is there. */
	if (r != 0 && errno == ENOENT)
		r = sftp_confine_name(p, full, false, &spot);
	if (r != 0) {
		r = errno;
		free(full);
		errno = r;
		return NULL;
	}
	sftp_spot_release(&spot);
	return full;
}

/* ---- the process ---- */

int
sftp_place_confine_process(const struct sftp_place *p, struct error *e)
{
	struct port_tree trees[TREES_MAX];

	for (size_t i = 0; i < p->tree_count; i++)
		trees[i] =
		    (struct port_tree){ p->trees[i].fd, p->trees[i].writable };
	return port_confine_files(trees, p->tree_count, e);
}
