/*
 * server_directory.c - OPENDIR and READDIR.
 * draft-ietf-secsh-filexfer-02 s6.7.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sftp/server_impl.h"

/* Bytes of one answer: every client takes packets of 34,000 (draft s3). */
#define ANSWER_BYTES 32000u

static struct handle *
open_directory(struct sftp_server *s, const char *path)
{
	int fd = sftp_place_open(&s->place, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct handle *h;
	int number;

	if (dir == NULL) {
		number = errno;
		if (fd >= 0)
			close(fd);
		errno = number;
		return NULL;
	}
	if ((h = handle_new(s, HANDLE_DIRECTORY, fd, path)) == NULL) {
		number = errno;
		closedir(dir);
		errno = number;
		return NULL;
	}
	h->dir = dir;
	return h;
}

void
server_on_opendir(struct sftp_server *s, const struct sftp_request *q)
{
	char path[SERVER_PATH_MAX];
	struct handle *h;

	if (!server_path(q->path, path)) {
		server_errno(s, q->id, errno);
		return;
	}
	if (server_logs(s, LOG_LEVEL_INFO))
		server_log(
		    s, LOG_LEVEL_INFO, "opendir \"%s\"", server_shown(path));
	if ((h = open_directory(s, path)) == NULL)
		server_errno(s, q->id, errno);
	else
		handle_answer(s, q->id, h);
}

/* One that has vanished since is left out. */
static void
add_entry(struct sftp_server *s, struct handle *h, const char *name,
    struct sftp_names *names)
{
	struct buf longname = BUF_INIT;
	struct sftp_name n = { .name = span_text(name) };
	struct stat st;

	if (fstatat(h->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	attrs_long_name(s, &longname, n.name, &st);
	n.longname = buf_span(&longname);
	n.attrs = attrs_of(&st);
	sftp_names_add(&s->out, names, &n);
	buf_release(&longname);
}

static int
fill(struct sftp_server *s, struct handle *h, struct sftp_names *names,
    size_t begin)
{
	const struct dirent *entry;

	while (s->out.len - begin < ANSWER_BYTES) {
		errno = 0;
		if ((entry = readdir(h->dir)) == NULL)
			return errno;
		add_entry(s, h, entry->d_name, names);
	}
	return 0;
}

void
server_on_readdir(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find(s, q->handle, HANDLE_DIRECTORY);
	size_t begin = s->out.len;
	struct sftp_names names;
	int number;

	if (h == NULL) {
		server_status(s, q->id, SSH_FX_FAILURE);
		return;
	}
	names = sftp_names_begin(&s->out, q->id);
	number = fill(s, h, &names, begin);
	if (names.count > 0) {
		sftp_names_end(&s->out, &names);
		return;
	}
	buf_truncate(&s->out, begin);
	if (number != 0)
		server_errno(s, q->id, number);
	else
		server_status(s, q->id, SSH_FX_EOF);
}
