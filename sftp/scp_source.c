/*
 * scp_source.c - the old protocol's sender.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/scp_stream.h"

#define DEPTH_MAX 256

/* The folders that an entry lies in, the innermost first: links that lead
 * back into one of them have no end. */
struct folder {
	dev_t device;
	ino_t number;
	int depth;
	const struct folder *outer; /* NULL: the outermost */
};

static void send_path(
    struct scp_stream *t, const char *path, const struct folder *in);

static bool
is_within(const struct folder *in, const struct stat *st)
{
	for (; in != NULL; in = in->outer)
		if (in->device == st->st_dev && in->number == st->st_ino)
			return true;
	return false;
}

/* True when the other side wants to go on. */
static bool
send_times(struct scp_stream *t, const struct stat *st)
{
	if (!t->s->preserve)
		return true;
	scp_stream_printf(t, "T%lld 0 %lld 0\n",
	    st->st_mtime > 0 ? (long long)st->st_mtime : 0,
	    st->st_atime > 0 ? (long long)st->st_atime : 0);
	return scp_stream_reply(t);
}

/* The size was promised: what is missing is made up, and told. */
static int
send_contents(struct scp_stream *t, int fd, uint64_t size)
{
	uint8_t *piece = scp_need(malloc(SCP_PIECE_MAX));
	int number = 0;

	while (size > 0) {
		size_t want =
		    size < SCP_PIECE_MAX ? (size_t)size : SCP_PIECE_MAX;
		ssize_t n = number == 0 ? read(fd, piece, want) : -1;

		if (n < 0 && number == 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (number == 0)
				number = n == 0 ? ENODATA : errno;
			memset(piece, 0, want);
			n = (ssize_t)want;
		}
		scp_stream_send(t, piece, (size_t)n);
		scp_stream_moved(t, (size_t)n);
		size -= (uint64_t)n;
	}
	free(piece);
	return number;
}

static void
send_file(struct scp_stream *t, const char *path, const char *last, int fd,
    const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	int number;

	if (!send_times(t, st))
		return;
	scp_stream_printf(t, "C%04o %" PRIu64 " %s\n",
	    (unsigned)st->st_mode & 07777, size, last);
	if (!scp_stream_reply(t))
		return;
	scp_stream_begin(t, last, size);
	number = send_contents(t, fd, size);
	scp_stream_end(t, number != 0);
	if (number == 0)
		scp_stream_ok(t);
	else
		scp_stream_failed(t, "%s: %s", path,
		    number == ENODATA ? "became shorter while it was read"
				      : strerror(number));
	scp_stream_reply(t);
}

static void
send_entries(
    struct scp_stream *t, const char *path, DIR *dir, const struct folder *in)
{
	struct strings names = STRINGS_INIT;
	const struct dirent *entry;

	/* Read first: what lies deeper needs the descriptors. */
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    strings_add(&names, entry->d_name) != 0)
			scp_need(NULL);
	closedir(dir);
	for (size_t i = 0; i < names.count; i++) {
		char *below = scp_need(path_join(path, names.item[i]));

		send_path(t, below, in);
		free(below);
	}
	strings_release(&names);
}

static void
send_folder(struct scp_stream *t, const char *path, const char *last,
    const struct stat *st, const struct folder *in)
{
	struct folder here = { .device = st->st_dev,
		.number = st->st_ino,
		.depth = in != NULL ? in->depth + 1 : 1,
		.outer = in };
	DIR *dir;

	if (!t->s->recursive || here.depth > DEPTH_MAX || is_within(in, st)) {
		scp_stream_failed(t, "%s: %s", path,
		    !t->s->recursive ? "not a regular file"
		    : here.depth > DEPTH_MAX
			? "too deep"
			: "a link to a folder that it lies in");
		return;
	}
	if ((dir = opendir(path)) == NULL) {
		scp_stream_failed(t, "%s: %s", path, strerror(errno));
		return;
	}
	if (!send_times(t, st)) {
		closedir(dir);
		return;
	}
	scp_stream_printf(
	    t, "D%04o 0 %s\n", (unsigned)st->st_mode & 07777, last);
	if (!scp_stream_reply(t)) {
		closedir(dir);
		return;
	}
	send_entries(t, path, dir, &here);
	scp_stream_printf(t, "E\n");
	scp_stream_reply(t);
}

/* "dir/" is called dir; ".", ".." and "/" by that name. Fresh. */
static char *
name_of(const char *path)
{
	size_t len = strlen(path);
	const char *from;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (from = path + len; from > path && from[-1] != '/'; from--)
		continue;
	return scp_need(strndup(from, len - (size_t)(from - path)));
}

static void
send_path(struct scp_stream *t, const char *path, const struct folder *in)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char *last = name_of(path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		scp_stream_failed(t, "%s: %s", path, strerror(errno));
	else if (strchr(last, '\n') != NULL)
		scp_stream_failed(t,
		    "%s: this protocol has no names with newlines; SFTP has",
		    path);
	else if (S_ISREG(st.st_mode))
		send_file(t, path, last, fd, &st);
	else if (S_ISDIR(st.st_mode))
		send_folder(t, path, last, &st, in);
	else
		scp_stream_failed(t, "%s: not a regular file", path);
	if (fd >= 0)
		close(fd);
	free(last);
}

void
scp_source(struct scp_stream *t, const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		send_path(t, paths[i], NULL);
}
