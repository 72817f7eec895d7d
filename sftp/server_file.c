/*
 * server_file.c - open files: OPEN, CLOSE, READ, WRITE, FSTAT, FSETSTAT,
 * fsync@openssh.com, fstatvfs@openssh.com.
 * draft-ietf-secsh-filexfer-02 s6.3, s6.4, s6.8.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sftp/server_impl.h"
#include "sftp/server_space.h"

#define MODE_FILE    0666
#define OFFSET_MAX   ((uint64_t)INT64_MAX)
#define WRITE_BEHIND ((uint64_t)8 * 1024 * 1024)

/* ---- OPEN ---- */

static int
open_flags(uint32_t pflags)
{
	int flags = O_RDONLY;

	if ((pflags & SSH_FXF_READ) != 0 && (pflags & SSH_FXF_WRITE) != 0)
		flags = O_RDWR;
	else if ((pflags & SSH_FXF_WRITE) != 0)
		flags = O_WRONLY;
	if ((pflags & SSH_FXF_APPEND) != 0)
		flags |= O_APPEND;
	if ((pflags & SSH_FXF_CREAT) != 0)
		flags |= O_CREAT;
	if ((pflags & SSH_FXF_TRUNC) != 0)
		flags |= O_TRUNC;
	if ((pflags & SSH_FXF_EXCL) != 0)
		flags |= O_EXCL;
	return flags;
}

/* "READ,WRITE,CREATE" */
static const char *
flags_text(uint32_t pflags, char out[64])
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ SSH_FXF_READ, "READ" },
		{ SSH_FXF_WRITE, "WRITE" },
		{ SSH_FXF_APPEND, "APPEND" },
		{ SSH_FXF_CREAT, "CREATE" },
		{ SSH_FXF_TRUNC, "TRUNCATE" },
		{ SSH_FXF_EXCL, "EXCL" },
	};
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		if ((pflags & names[i].flag) == 0)
			continue;
		if (at > 0)
			out[at++] = ',';
		text_copy(out + at, 64 - at, names[i].name);
		at += strlen(out + at);
	}
	return out;
}

static struct handle *
open_file(struct sftp_server *s, const char *path, uint32_t pflags, mode_t mode)
{
	mode_t saved = server_umask_enter(s);
	int fd = sftp_place_open(&s->place, path, open_flags(pflags), mode);
	struct handle *h;
	int number;

	server_umask_leave(s, saved);
	if (fd < 0)
		return NULL;
	if ((h = handle_new(s, HANDLE_FILE, fd, path)) == NULL) {
		number = errno;
		close(fd);
		errno = number;
		return NULL;
	}
	h->readable =
	    (pflags & SSH_FXF_READ) != 0 || (pflags & SSH_FXF_WRITE) == 0;
	h->writable = (pflags & SSH_FXF_WRITE) != 0;
	h->appends = (pflags & SSH_FXF_APPEND) != 0;
	return h;
}

void
server_on_open(struct sftp_server *s, const struct sftp_request *q)
{
	bool has_mode = (q->attrs.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0;
	mode_t mode = has_mode ? q->attrs.permissions & 07777 : MODE_FILE;
	char path[SERVER_PATH_MAX], text[64];
	struct handle *h;

	if (!server_path(q->path, path)) {
		server_errno(s, q->id, errno);
		return;
	}
	if (server_logs(s, LOG_LEVEL_INFO))
		server_log(s, LOG_LEVEL_INFO, "open \"%s\" flags %s mode 0%o",
		    server_shown(path), flags_text(q->pflags, text),
		    (unsigned)mode);
	if ((h = open_file(s, path, q->pflags, mode)) == NULL)
		server_errno(s, q->id, errno);
	else
		handle_answer(s, q->id, h);
}

void
server_on_close(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find_any(s, q->handle);

	if (h == NULL)
		server_status(s, q->id, SSH_FX_FAILURE);
	else
		server_errno(s, q->id, handle_close(s, h) != 0 ? errno : 0);
}

/* ---- READ ---- */

/* As preadv(2), or readv(2) for what has no offset. */
static ssize_t
read_at(int fd, const struct iovec *to, size_t count, uint64_t offset)
{
	ssize_t n;

	do {
		n = preadv(fd, to, (int)count, (off_t)offset);
		if (n < 0 && errno == ESPIPE)
			n = readv(fd, to, (int)count);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Reads that go on from one to the next are of a whole file: the kernel is
 * told, once, and reads twice as far ahead. */
static void
note_read(struct handle *h, uint64_t offset, size_t n)
{
	if (offset != 0 && offset != h->read_end)
		h->sequential = 0;
	else if (++h->sequential == 2)
		IGNORE_RESULT(
		    posix_fadvise(h->fd, 0, 0, POSIX_FADV_SEQUENTIAL) != 0);
	h->read_end = offset + n;
	h->bytes_read += n;
}

/* The part of the rooms that data may take: behind the head, len bytes. */
static size_t
data_rooms(
    const struct iovec *room, size_t count, size_t len, struct iovec *ret)
{
	size_t skip = SFTP_DATA_HEAD, n = 0;

	for (size_t i = 0; i < count && len > 0; i++) {
		size_t here = room[i].iov_len - skip;

		if (here > len)
			here = len;
		ret[n++] =
		    (struct iovec){ (uint8_t *)room[i].iov_base + skip, here };
		len -= here;
		skip = 0;
	}
	return n;
}

static void
answer_read(
    struct sftp_server *s, const struct sftp_request *q, struct handle *h)
{
	size_t len = q->count < SFTP_DATA_MAX ? q->count : SFTP_DATA_MAX;
	size_t want = SFTP_DATA_HEAD + len, count = 0;
	struct iovec room[SFTP_SERVER_ROOMS_MAX], to[SFTP_SERVER_ROOMS_MAX];
	bool direct;
	ssize_t n;
	int number;

	if (s->config.begin != NULL)
		count = s->config.begin(
		    s->config.context, want, room, ARRAY_COUNT(room));
	direct = count > 0;
	if (!direct) {
		room[0] = (struct iovec){ buf_reserve(&s->out, want), want };
		count = 1;
	}
	if (room[0].iov_base == NULL)
		return; /* the buffer remembers why */
	n = read_at(h->fd, to, data_rooms(room, count, len, to), q->offset);
	number = errno;
	if (n > 0) {
		sftp_data_head(room[0].iov_base, q->id, (uint32_t)n);
		note_read(h, q->offset, (size_t)n);
	}
	want = n > 0 ? SFTP_DATA_HEAD + (size_t)n : 0;
	if (direct)
		s->config.commit(s->config.context, room, want);
	else
		buf_extend(&s->out, want);
	if (n == 0)
		server_status(s, q->id, SSH_FX_EOF);
	else if (n < 0)
		server_errno(s, q->id, number);
}

void
server_on_read(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find(s, q->handle, HANDLE_FILE);

	if (h == NULL)
		server_status(s, q->id, SSH_FX_FAILURE);
	else if (!h->readable)
		server_status(s, q->id, SSH_FX_PERMISSION_DENIED);
	else if (q->offset > OFFSET_MAX - SFTP_DATA_MAX)
		server_status(s, q->id, SSH_FX_EOF);
	else
		answer_read(s, q, h);
}

/* ---- WRITE ---- */

/* Large files are on their way to the disk while more of them comes, so that
 * an fsync in the end, or the kernel's own limit, has less to wait for. */
static void
note_write(struct handle *h, uint64_t offset, size_t n)
{
	h->bytes_written += n;
	if (offset != h->dirty_end)
		h->dirty = offset;
	h->dirty_end = offset + n;
	if (h->dirty_end - h->dirty < WRITE_BEHIND)
		return;
	/* What has no disk (a pipe) needs none. */
	IGNORE_RESULT(
	    sync_file_range(h->fd, (off_t)h->dirty,
		(off_t)(h->dirty_end - h->dirty), SYNC_FILE_RANGE_WRITE) != 0);
	h->dirty = h->dirty_end;
}

static int
write_at(struct handle *h, struct span data, uint64_t offset)
{
	while (data.len > 0) {
		ssize_t n = pwrite(h->fd, data.ptr, data.len, (off_t)offset);

		if (n < 0 && errno == ESPIPE)
			n = write(h->fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		data.ptr += n;
		data.len -= (size_t)n;
		note_write(h, offset, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

void
server_on_write_piece(struct sftp_server *s, const struct sftp_event *e)
{
	if (s->write_errno != 0)
		return;
	if (e->offset > OFFSET_MAX - SFTP_DATA_MAX)
		s->write_errno = EFBIG;
	else
		s->write_errno =
		    write_at(s->write_handle, e->piece, e->offset + e->done);
}

/* ---- attributes, disk ---- */

void
server_on_fstat(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find_any(s, q->handle);
	struct sftp_attrs a;
	struct stat st;

	if (h == NULL) {
		server_status(s, q->id, SSH_FX_FAILURE);
	} else if (fstat(h->fd, &st) != 0) {
		server_errno(s, q->id, errno);
	} else {
		a = attrs_of(&st);
		sftp_attrs_answer_write(&s->out, q->id, &a);
	}
}

void
server_on_fsetstat(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find_any(s, q->handle);

	/* The tree it is in may be for reading only. */
	if (h == NULL)
		server_status(s, q->id, SSH_FX_FAILURE);
	else if (!h->may_change)
		server_errno(s, q->id, EROFS);
	else
		server_errno(
		    s, q->id, attrs_apply(s, h->fd, NULL, h->path, &q->attrs));
}

void
server_on_fsync(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find(s, q->handle, HANDLE_FILE);

	if (h == NULL)
		server_status(s, q->id, SSH_FX_FAILURE);
	else
		server_errno(s, q->id, fsync(h->fd) != 0 ? errno : 0);
}

void
server_on_fstatvfs(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *h = handle_find_any(s, q->handle);

	if (h == NULL)
		server_status(s, q->id, SSH_FX_FAILURE);
	else
		server_answer_statvfs(s, q->id, h->fd);
}
