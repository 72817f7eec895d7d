/*
 * file.h - whole files, written so that a crash leaves the old or the new
 * one; paths; reading and writing descriptors to the end.
 */
#ifndef COMMON_BASE_FILE_H
#define COMMON_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"

/* Reads all of a file of at most max bytes into out (appended). Codes:
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_LIMIT, ERR_SYSTEM. A directory is
 * ERR_SYSTEM. */
int file_read(
    const char *path, size_t max, struct buf *out, struct error *e) MUST_CHECK;
int file_read_fd(
    int fd, size_t max, struct buf *out, struct error *e) MUST_CHECK;

/*
 * Writes path by way of a temporary file beside it: created with mode,
 * written, synced, renamed over. exclusive: ERR_EXISTS if path is there
 * (then linked, not renamed, so that nothing is ever overwritten).
 */
int file_write_atomic(const char *path, struct span contents, mode_t mode,
    bool exclusive, struct error *e) MUST_CHECK;

/* The same for what can be made anew from another file (a public key): nobody
 * sees half a file, but it is not waited for until it is on disk. */
int file_write_derived(const char *path, struct span contents, mode_t mode,
    struct error *e) MUST_CHECK;

/* Writes / reads everything, over interruptions; ERR_SYSTEM, ERR_CLOSED. */
int fd_write_all(int fd, const void *data, size_t len) MUST_CHECK;
int fd_read_exact(int fd, void *data, size_t len) MUST_CHECK;
int fd_set_nonblocking(int fd, bool on) MUST_CHECK;
int fd_set_cloexec(int fd, bool on) MUST_CHECK;

/* "~/x" and "~user/x" expanded; other paths copied. ERR_NOT_FOUND for an
 * unknown user. home NULL: $HOME is not used, the account's is. */
int path_expand_home(const char *path, const char *home, char **ret_path,
    struct error *e) MUST_CHECK;

/* Directory part and last part, as fresh text. */
char *path_directory(const char *path);
const char *path_last(const char *path); /* borrowed from path */
char *path_join(const char *directory, const char *name);

/* Makes a directory and its parents, the last one with mode. */
int path_make_directory(
    const char *path, mode_t mode, struct error *e) MUST_CHECK;

/*
 * StrictModes: the open file and every directory above it up to `home` (or
 * the root) belong to uid or root and are not writable by group or others.
 * ERR_PERMISSION, with "bad ownership or modes for file F" or "... for
 * directory D".
 */
int path_check_safe(const char *path, int fd, uid_t uid, const char *home,
    struct error *e) MUST_CHECK;

/* Lines of text: the next one without its newline (and CR before it) as a
 * span into text; false at the end. */
bool line_next(struct span *rest, struct span *ret_line);

#endif
