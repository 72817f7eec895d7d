/*
 * scp_sink.c - the old protocol's receiver.
 *
 * The sender is not trusted: a name must be one part of a path, and on the
 * outermost level one that was asked for; folders come only where they were
 * asked for; nothing but the target and what is in it is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/scp_stream.h"

#define DEPTH_MAX 256

struct times {
	bool given;
	struct timespec value[2]; /* atime, mtime */
};

struct entry {
	char kind; /* C or D */
	mode_t mode;
	uint64_t size;
	const char *name;
};

NORETURN static void
protocol_error(const char *what, const char *line)
{
	scp_die(EXIT_FAILED, "protocol error: %s: \"%s\"", what, line);
}

/* ---- lines ---- */

/* Digits up to `end`; *at stands behind that. */
static bool
take_number(char **at, char end, int base, long long max, long long *ret)
{
	long long v = 0;
	char *p = *at;

	for (; *p >= '0' && *p < '0' + base; p++) {
		if (v > (max - (*p - '0')) / base)
			return false;
		v = v * base + (*p - '0');
	}
	if (p == *at || *p != end)
		return false;
	*at = p + 1;
	*ret = v;
	return true;
}

static bool
parse_times(char *line, struct times *ret)
{
	long long mtime, atime, fraction;

	line++;
	if (!take_number(&line, ' ', 10, INT64_MAX, &mtime) ||
	    !take_number(&line, ' ', 10, 999999, &fraction) ||
	    !take_number(&line, ' ', 10, INT64_MAX, &atime) ||
	    !take_number(&line, '\0', 10, 999999, &fraction))
		return false;
	ret->given = true;
	ret->value[0] = (struct timespec){ .tv_sec = (time_t)atime };
	ret->value[1] = (struct timespec){ .tv_sec = (time_t)mtime };
	return true;
}

static bool
parse_entry(char *line, struct entry *ret)
{
	long long mode, size;

	ret->kind = *line++;
	if (!take_number(&line, ' ', 8, 07777, &mode) ||
	    !take_number(&line, ' ', 10, INT64_MAX, &size))
		return false;
	ret->mode = (mode_t)mode;
	ret->size = (uint64_t)size;
	ret->name = line;
	return *line != '\0' && strchr(line, '/') == NULL &&
	       strcmp(line, ".") != 0 && strcmp(line, "..") != 0;
}

/* ---- a file ---- */

/* Takes all of the data, whatever becomes of it. */
static int
receive_contents(struct scp_stream *t, int fd, uint64_t size)
{
	int number = 0;

	while (size > 0) {
		size_t max =
		    size < SCP_PIECE_MAX ? (size_t)size : SCP_PIECE_MAX;
		struct span data = scp_stream_data(t, max);

		size -= data.len;
		if (number == 0 && fd_write_all(fd, data.ptr, data.len) != 0)
			number = errno;
		scp_stream_moved(t, data.len);
	}
	return number;
}

/* made: what the file got when it was made, so that it could be written; 0:
 * it was there before. */
static int
set_attributes(struct scp_stream *t, int fd, const struct entry *e,
    const struct times *times, mode_t made)
{
	int number = 0;

	if (t->s->preserve && fchmod(fd, e->mode) != 0)
		number = errno;
	if (!t->s->preserve && made != 0 && (e->mode & S_IWUSR) == 0 &&
	    fchmod(fd, made & 0777 & ~(mode_t)S_IWUSR) != 0)
		number = errno;
	if (times->given && futimens(fd, times->value) != 0)
		number = errno;
	return number;
}

static int
open_file(const char *path, mode_t mode, bool *ret_made)
{
	int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, flags | O_EXCL, mode);

	*ret_made = fd >= 0;
	return fd < 0 && errno == EEXIST ? open(path, flags, mode) : fd;
}

static void
receive_file(struct scp_stream *t, const char *path, const struct entry *e,
    const struct times *times)
{
	bool made;
	int fd = open_file(path, (e->mode & 0777) | S_IWUSR, &made);
	struct stat st;
	int number;

	if (fd < 0 || fstat(fd, &st) != 0) {
		scp_stream_failed(t, "%s: %s", path, strerror(errno));
		return;
	}
	scp_stream_ok(t);
	scp_stream_begin(t, e->name, e->size);
	number = receive_contents(t, fd, e->size);
	if (number == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size > e->size &&
	    ftruncate(fd, (off_t)e->size) != 0)
		number = errno;
	scp_stream_reply(t);
	if (number == 0)
		number = set_attributes(t, fd, e, times, made ? st.st_mode : 0);
	if (close(fd) != 0 && number == 0)
		number = errno;
	scp_stream_end(t, number != 0);
	if (number != 0)
		scp_stream_failed(t, "%s: %s", path, strerror(number));
	else
		scp_stream_ok(t);
}

/* ---- folders ---- */

static void receive(
    struct scp_stream *t, const char *target, const char *asked, int depth);

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The owner's rights that the sender did not give; the umask still holds. */
static void
take_back(const char *path, mode_t given)
{
	struct stat st;

	if (stat(path, &st) == 0)
		IGNORE_RESULT(chmod(path, st.st_mode & 07777 &
					      (given | ~(mode_t)S_IRWXU)) != 0);
}

static void
receive_folder(struct scp_stream *t, const char *path, const struct entry *e,
    const struct times *times, int depth)
{
	bool made = false;

	if (!t->s->recursive || depth >= DEPTH_MAX)
		protocol_error("a folder that was not asked for", e->name);
	if (!is_folder(path)) {
		made = mkdir(path, (e->mode & 07777) | S_IRWXU) == 0;
		if (!made) {
			scp_stream_failed(t, "%s: %s", path, strerror(errno));
			return;
		}
	}
	/* Its entries: "." stands for the folder itself. */
	receive(t, path, NULL, depth + 1);
	if (times->given && utimensat(AT_FDCWD, path, times->value, 0) != 0)
		scp_fail(t->s, "%s: %s", path, strerror(errno));
	if (t->s->preserve && chmod(path, e->mode) != 0)
		scp_fail(t->s, "%s: %s", path, strerror(errno));
	else if (made && !t->s->preserve && (e->mode & S_IRWXU) != S_IRWXU)
		take_back(path, e->mode);
}

/* ---- all of it ---- */

static void
on_entry(struct scp_stream *t, char *line, const char *target,
    const char *asked, const struct times *times, int depth)
{
	struct entry e;
	char *path;

	if (!parse_entry(line, &e))
		protocol_error("bad file", line);
	if (asked != NULL && !scp_was_asked_for(asked, e.name))
		protocol_error("a name that was not asked for", e.name);
	path = is_folder(target) ? path_join(target, e.name) : strdup(target);
	scp_need(path);
	if (e.kind == 'C')
		receive_file(t, path, &e, times);
	else
		receive_folder(t, path, &e, times, depth);
	free(path);
}

/* Until the folder's E, or the other side's end. asked NULL: any name. */
static void
receive(struct scp_stream *t, const char *target, const char *asked, int depth)
{
	struct times times = { .given = false };
	char line[SCP_LINE_MAX];

	scp_stream_ok(t);
	while (scp_stream_line(t, line)) {
		switch (line[0]) {
		case '\1':
		case '\2':
			t->s->failures++;
			if (!t->is_server) {
				char *shown = text_escaped(span_text(line + 1));

				fprintf(
				    stderr, "%s\n", shown != NULL ? shown : "");
				free(shown);
			}
			if (line[0] == '\2')
				exit(EXIT_FAILED);
			continue;
		case 'E':
			if (depth == 0)
				protocol_error("no folder ends here", line);
			scp_stream_ok(t);
			return;
		case 'T':
			if (!parse_times(line, &times))
				protocol_error("bad times", line);
			scp_stream_ok(t);
			continue;
		case 'C':
		case 'D':
			on_entry(t, line, target, asked, &times, depth);
			times.given = false;
			continue;
		default:
			/* The words of a shell, most likely. */
			scp_die(EXIT_FAILED, "%s", line);
		}
	}
}

void
scp_sink(struct scp_stream *t, const char *target, const char *path)
{
	if (t->s->wants_folder && !is_folder(target)) {
		scp_stream_failed(t, "%s: Not a directory", target);
		return;
	}
	receive(t, target, path, 0);
}
