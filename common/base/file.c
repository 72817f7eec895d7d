/*
 * file.c - descriptors read and written to the end, and whole files.
 */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"

#define CHUNK_MIN ((size_t)4096)

/* ---- descriptors ---- */

/* After a call failed: may it be made again (now or after waiting)? */
static bool
may_retry(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, at, len)) >= 0) {
			at += n;
			len -= (size_t)n;
		} else if (!may_retry(fd, POLLOUT)) {
			return errno == EPIPE ? ERR_CLOSED : ERR_SYSTEM;
		}
	}
	return 0;
}

/* As read, but waits and goes on after an interruption. */
static ssize_t
read_some(int fd, void *data, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, data, len);
	} while (n < 0 && may_retry(fd, POLLIN));
	return n;
}

int
fd_read_exact(int fd, void *data, size_t len)
{
	uint8_t *at = data;
	ssize_t n;

	while (len > 0) {
		if ((n = read_some(fd, at, len)) < 0)
			return ERR_SYSTEM;
		if (n == 0)
			return ERR_CLOSED;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_set_nonblocking(int fd, bool on)
{
	int old = fcntl(fd, F_GETFL);
	int flags;

	if (old < 0)
		return ERR_SYSTEM;
	flags = on ? old | O_NONBLOCK : old & ~O_NONBLOCK;
	if (flags != old && fcntl(fd, F_SETFL, flags) < 0)
		return ERR_SYSTEM;
	return 0;
}

int
fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? ERR_SYSTEM : 0;
}

/* ---- reading files ---- */

/* How much to ask for next: the whole of a regular file at once. */
static size_t
first_chunk(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return CHUNK_MIN;
	return (size_t)st.st_size;
}

/* 0 at the end of the file, ERR_LIMIT if more is there. */
static int
expect_end(int fd, size_t max, struct error *e)
{
	uint8_t probe;
	ssize_t n = read_some(fd, &probe, 1);

	if (n < 0)
		return error_set_errno(e, "cannot read");
	if (n == 0)
		return 0;
	return error_set(e, ERR_LIMIT, "larger than %zu bytes", max);
}

static int
read_to_end(int fd, size_t max, struct buf *out, struct error *e)
{
	size_t start = out->len;
	size_t chunk = first_chunk(fd);
	ssize_t n;

	for (;; chunk = CHUNK_MIN + (out->len - start)) {
		size_t left = max - (out->len - start);
		size_t want = chunk < left ? chunk : left;
		uint8_t *to;

		if (want == 0)
			return expect_end(fd, max, e);
		if ((to = buf_reserve(out, want)) == NULL)
			return error_set(e, buf_error(out), "%s",
			    error_text(buf_error(out)));
		if ((n = read_some(fd, to, want)) < 0)
			return error_set_errno(e, "cannot read");
		if (n == 0)
			return 0;
		buf_extend(out, (size_t)n);
	}
}

int
file_read_fd(int fd, size_t max, struct buf *out, struct error *e)
{
	size_t start = out->len;
	int r;

	if ((r = read_to_end(fd, max, out, e)) != 0)
		buf_truncate(out, start);
	return r;
}

int
file_read(const char *path, size_t max, struct buf *out, struct error *e)
{
	int fd;
	int r;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		return error_set_errno(e, "%s", path);
	if ((r = file_read_fd(fd, max, out, e)) != 0)
		error_prefix(e, "%s", path);
	close(fd);
	return r;
}

/* ---- writing files ---- */

/* Puts the finished temporary file in its place, over nothing. */
static int
place_exclusive(const char *temporary, const char *path)
{
	if (link(temporary, path) == 0) {
		unlink(temporary);
		return 0;
	}
	/* Some file systems have no hard links. */
	if (errno == EEXIST)
		return -1;
	return renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
}

/* A renamed file survives a crash once its directory is on disk, too. */
static void
sync_directory(const char *path)
{
	char *directory = path_directory(path);
	int fd;

	if (directory == NULL)
		return;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return;
	/* Not every file system can; the file itself is safe already. */
	IGNORE_RESULT(fsync(fd) != 0);
	close(fd);
}

static int
fill(int fd, struct span contents, mode_t mode, bool is_lasting,
    const char *path, struct error *e)
{
	if (fchmod(fd, mode) != 0)
		return error_set_errno(e, "cannot set the mode of %s", path);
	if (fd_write_all(fd, contents.ptr, contents.len) != 0 ||
	    (is_lasting && fsync(fd) != 0))
		return error_set_errno(e, "cannot write %s", path);
	return 0;
}

static int
write_beside(const char *path, struct span contents, mode_t mode,
    bool exclusive, bool is_lasting, struct error *e)
{
	char *temporary = text_format("%s.XXXXXXXXXX", path);
	int fd = -1;
	int r;

	if (temporary == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0) {
		r = error_set_errno(e, "cannot create a file beside %s", path);
		goto out;
	}
	if ((r = fill(fd, contents, mode, is_lasting, path, e)) == 0 &&
	    (exclusive ? place_exclusive(temporary, path)
		       : rename(temporary, path)) != 0)
		r = error_set_errno(e, "cannot create %s", path);
	if (r != 0)
		unlink(temporary);
	else if (is_lasting)
		sync_directory(path);
out:
	if (fd >= 0)
		close(fd);
	free(temporary);
	return r;
}

static int
write_through_link(const char *path, struct span contents, mode_t mode,
    bool exclusive, bool is_lasting, struct error *e)
{
	char *target = NULL;
	struct stat st;
	int r;

	/* A symbolic link (to a synchronised folder, say) stays one: the
	 * file behind it is replaced. */
	if (!exclusive && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		target = realpath(path, NULL);
	r = write_beside(target != NULL ? target : path, contents, mode,
	    exclusive, is_lasting, e);
	free(target);
	return r;
}

int
file_write_atomic(const char *path, struct span contents, mode_t mode,
    bool exclusive, struct error *e)
{
	return write_through_link(path, contents, mode, exclusive, true, e);
}

int
file_write_derived(
    const char *path, struct span contents, mode_t mode, struct error *e)
{
	return write_through_link(path, contents, mode, false, false, e);
}

/* ---- lines ---- */

bool
line_next(struct span *rest, struct span *ret_line)
{
	const uint8_t *newline;
	size_t used, len;

	if (rest->len == 0)
		return false;
	newline = memchr(rest->ptr, '\n', rest->len);
	len = newline != NULL ? (size_t)(newline - rest->ptr) : rest->len;
	used = newline != NULL ? len + 1 : len;
	if (newline != NULL && len > 0 && rest->ptr[len - 1] == '\r')
		len--;
	*ret_line = span_of(rest->ptr, len);
	*rest = span_of(rest->ptr + used, rest->len - used);
	return true;
}
