/*
 * server_place.h - the file system as an SFTP server's peer sees it: all of
 * it, or only some trees (Confine).
 *
 * Every path of a peer's goes through here, and comes out as a place that
 * the *at() system calls take. Without trees that is the path itself, from
 * the start directory. With trees each path is resolved by openat2(2)
 * beneath its tree: no `..`, symbolic link, hard name of /proc or race leads
 * out of it, because the kernel itself refuses, in the one call that
 * resolves. Symbolic links that begin with / lead out by definition.
 *
 * Failures: -1 (or NULL) with errno; EACCES for what is outside, EROFS for a
 * change in a tree that may only be read.
 * Knows: no SFTP.
 */
#ifndef SFTP_SERVER_PLACE_H
#define SFTP_SERVER_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct sftp_tree {
	char *path; /* absolute, canonical */
	int fd;     /* O_PATH */
	bool writable;
};

struct sftp_place {
	char *start;  /* absolute: where relative paths begin */
	int start_fd; /* O_PATH; without trees only */
	struct sftp_tree *trees;
	size_t tree_count; /* 0: everything */
};

/*
 * start: an existing directory. trees: "rw:/path" and "ro:/path" (checked by
 * sftp_confine_check), none for no confinement; each path is a canonical one,
 * as of realpath(3). With trees a start that is outside of all of them
 * becomes the first tree.
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_SYSTEM; ERR_CONFIG for what is no tree
 * or is reached by a symbolic link; ERR_UNSUPPORTED where the kernel cannot
 * confine.
 */
int sftp_place_init(struct sftp_place *p, const char *start,
    const struct strings *trees, struct error *e) MUST_CHECK;
void sftp_place_release(struct sftp_place *p);

/* open(2), close-on-exec, never blocking, never a controlling terminal. */
int sftp_place_open(const struct sftp_place *p, const char *path, int flags,
    mode_t mode) MUST_CHECK;

/* What the *at() calls take: fstatat(s.fd, s.name, &st, s.flags). */
struct sftp_spot {
	int fd;
	const char *name;
	int flags;  /* AT_EMPTY_PATH or AT_SYMLINK_NOFOLLOW, as it needs */
	bool owned; /* fd is closed by sftp_spot_release */
	char *text; /* holds name; NULL */
};

/* Something that exists. change: its attributes are to be changed. */
int sftp_place_find(const struct sftp_place *p, const char *path, bool follow,
    bool change, struct sftp_spot *ret) MUST_CHECK;

/* A name in a directory, which is to be made, moved or removed (change), or
 * linked to (not change). The last part is never followed. */
int sftp_place_name(const struct sftp_place *p, const char *path, bool change,
    struct sftp_spot *ret) MUST_CHECK;
void sftp_spot_release(struct sftp_spot *s); /* keeps errno */

/* chmod(2) of a spot found with follow or not. */
int sftp_spot_chmod(const struct sftp_spot *s, mode_t mode) MUST_CHECK;

/* May what this path was opened as be changed, as far as the trees go? */
bool sftp_place_may_change(const struct sftp_place *p, const char *path);

/* The canonical path, fresh; its last part need not exist. With trees:
 * without `.` and `..`, symbolic links as they are. */
char *sftp_place_canonical(
    const struct sftp_place *p, const char *path) MUST_CHECK;

/* Is the text of a tree well-formed ("rw:" or "ro:", an absolute path)? */
bool sftp_confine_check(const char *text);

/* The whole process from here on, for good: files can only be opened, made
 * and removed in these trees (Landlock). ERR_UNSUPPORTED with the reason where
 * the kernel cannot. */
int sftp_place_confine_process(
    const struct sftp_place *p, struct error *e) MUST_CHECK;

#endif
