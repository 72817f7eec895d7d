/*
 * client_files.c - the real local files.
 */
#include "sftp/client_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
result_of(int r)
{
	return r == 0 ? 0 : errno;
}

static int
files_stat(void *context, const char *path, bool follow, struct stat *ret)
{
	return result_of(follow ? stat(path, ret) : lstat(path, ret));
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
files_list(void *context, const char *path, struct strings *ret)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (d == NULL)
		return errno;
	while (r == 0 && (errno = 0, entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (strings_add(ret, entry->d_name) != 0)
			r = ENOMEM;
	}
	if (r == 0)
		r = errno;
	closedir(d);
	if (r == 0 && ret->count > 1)
		qsort(ret->item, ret->count, sizeof(*ret->item), by_name);
	return r;
}

static int
files_open_read(void *context, const char *path, int *ret_fd, struct stat *ret)
{
	/* Opening a FIFO must not wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return errno;
	if ((r = result_of(fstat(fd, ret))) == 0 && S_ISDIR(ret->st_mode))
		r = EISDIR;
	if (r != 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int
files_open_write(
    void *context, const char *path, int flags, mode_t mode, int *ret_fd)
{
	int fd = open(path, O_CREAT | O_CLOEXEC | O_NOCTTY | flags, mode);

	if (fd < 0)
		return errno;
	*ret_fd = fd;
	return 0;
}

static int
files_read(void *context, int fd, uint64_t offset, void *to, size_t len,
    size_t *ret_got)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(
		    fd, (uint8_t *)to + got, len - got, (off_t)(offset + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*ret_got = got;
	return 0;
}

static int
files_write(void *context, int fd, uint64_t offset, struct span data)
{
	ssize_t n;

	while (data.len > 0) {
		n = pwrite(fd, data.ptr, data.len, (off_t)offset);
		/* /dev/null, terminals and pipes know no positions. */
		if (n < 0 && errno == ESPIPE)
			n = write(fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		data = span_of(data.ptr + n, data.len - (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

static int
files_truncate(void *context, int fd, uint64_t size)
{
	int r = result_of(ftruncate(fd, (off_t)size));

	/* What is no regular file has no length. */
	return r == EINVAL ? 0 : r;
}

static int
files_sync(void *context, int fd)
{
	int r = result_of(fsync(fd));

	return r == EINVAL ? 0 : r;
}

static int
files_close(void *context, int fd)
{
	return result_of(close(fd));
}

static int
files_set_mode(void *context, int fd, const char *path, mode_t mode)
{
	return result_of(fd >= 0 ? fchmod(fd, mode) : chmod(path, mode));
}

static int
files_set_times(
    void *context, int fd, const char *path, time_t atime, time_t mtime)
{
	struct timespec times[2] = { { .tv_sec = atime }, { .tv_sec = mtime } };

	return result_of(fd >= 0 ? futimens(fd, times)
				 : utimensat(AT_FDCWD, path, times, 0));
}

static int
files_make_directory(void *context, const char *path, mode_t mode)
{
	return result_of(mkdir(path, mode));
}

static int
files_rename(void *context, const char *from, const char *to)
{
	return result_of(rename(from, to));
}

static int
files_remove(void *context, const char *path)
{
	return result_of(unlink(path));
}

const struct client_files client_files_system = {
	.stat = files_stat,
	.list = files_list,
	.open_read = files_open_read,
	.open_write = files_open_write,
	.read = files_read,
	.write = files_write,
	.truncate = files_truncate,
	.sync = files_sync,
	.close = files_close,
	.set_mode = files_set_mode,
	.set_times = files_set_times,
	.make_directory = files_make_directory,
	.rename = files_rename,
	.remove = files_remove,
};
