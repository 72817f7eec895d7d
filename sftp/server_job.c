/*
 * server_job.c - requests that may take long, done in slices so that the
 * connection lives on meanwhile: copy-data, check-file.
 * draft-ietf-secsh-filexfer-extensions-00 s3, s6.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sftp/server_impl.h"

#define COPY_SLICE  ((size_t)16 * 1024 * 1024)
#define PIECE       ((size_t)256 * 1024)
#define PIECES      16 /* of a slice that is read by us */
#define BLOCK_MIN   256u
#define DIGESTS_MAX (SFTP_PACKET_MAX - 64u)

static void
job_end(struct sftp_server *s)
{
	struct job *j = &s->job;

	digest_free(j->digest);
	buf_release(&j->digests);
	if (j->owns_fd)
		close(j->fd);
	memset(j, 0, sizeof(*j));
}

void
job_release(struct sftp_server *s)
{
	if (s->job.kind != JOB_NONE)
		job_end(s);
}

/* An answer comes before the next request is taken, so this is the end of
 * the session only. */
void
job_forget(struct sftp_server *s, const struct handle *h)
{
	if (s->job.from_handle == h || s->job.to_handle == h)
		job_end(s);
}

static void
job_fail(struct sftp_server *s, int number)
{
	uint32_t id = s->job.id;

	job_end(s);
	server_errno(s, id, number);
}

/* ---- copy-data ---- */

/* Source and target overlap in one file: what was copied would be read
 * again. */
static bool
overlaps(const struct job *j, const struct stat *from, const struct stat *to)
{
	if (from->st_dev != to->st_dev || from->st_ino != to->st_ino)
		return false;
	return j->from < j->to ? j->left > j->to - j->from
			       : j->from - j->to < j->left;
}

static int
prepare_copy(struct job *j)
{
	struct stat from, to;

	if (fstat(j->from_fd, &from) != 0 || fstat(j->to_fd, &to) != 0)
		return errno;
	if (j->from > (uint64_t)INT64_MAX || j->to > (uint64_t)INT64_MAX)
		return EINVAL;
	/* A file of /proc says 0 and is read to its end. */
	if (S_ISREG(from.st_mode) && from.st_size > 0) {
		uint64_t size = (uint64_t)from.st_size;
		uint64_t rest = size > j->from ? size - j->from : 0;

		if (j->left == 0 || j->left > rest)
			j->left = rest;
	} else if (j->left == 0) {
		j->left = UINT64_MAX; /* to its end */
	}
	return overlaps(j, &from, &to) ? EINVAL : 0;
}

void
server_on_copy_data(struct sftp_server *s, const struct sftp_request *q)
{
	struct handle *from = handle_find(s, q->handle, HANDLE_FILE);
	struct handle *to = handle_find(s, q->handle2, HANDLE_FILE);
	struct job *j = &s->job;
	int number;

	if (from == NULL || to == NULL) {
		server_status(s, q->id, SSH_FX_FAILURE);
		return;
	}
	if (!from->readable || !to->writable) {
		server_status(s, q->id, SSH_FX_PERMISSION_DENIED);
		return;
	}
	*j = (struct job){ .kind = JOB_COPY,
		.id = q->id,
		.from_fd = from->fd,
		.to_fd = to->fd,
		.from = q->offset,
		.left = q->length,
		.to = q->offset2,
		.from_handle = from,
		.to_handle = to };
	if ((number = prepare_copy(j)) != 0)
		job_fail(s, number);
	else
		job_work(s);
}

static void
copied(struct job *j, size_t n)
{
	j->from += n;
	j->to += n;
	if (j->left != UINT64_MAX)
		j->left -= n;
	j->from_handle->bytes_read += n;
	j->to_handle->bytes_written += n;
}

static ssize_t
copy_in_kernel(const struct job *j)
{
	off_t from = (off_t)j->from, to = (off_t)j->to;
	size_t n = j->left < COPY_SLICE ? (size_t)j->left : COPY_SLICE;

	return copy_file_range(j->from_fd, &from, j->to_fd, &to, n, 0);
}

/* Between file systems that cannot, from devices, or to a file that is
 * appended to. */
static ssize_t
copy_by_hand(const struct job *j)
{
	size_t want = j->left < PIECE ? (size_t)j->left : PIECE;
	uint8_t *piece = malloc(PIECE);
	ssize_t n = -1, written;

	if (piece == NULL)
		return -1;
	n = pread(j->from_fd, piece, want, (off_t)j->from);
	if (n < 0 && errno == ESPIPE)
		n = read(j->from_fd, piece, want);
	for (ssize_t done = 0; n > 0 && done < n; done += written) {
		written = pwrite(j->to_fd, piece + done, (size_t)(n - done),
		    (off_t)j->to + done);
		if (written <= 0)
			n = -1;
	}
	free(piece);
	return n;
}

static void
work_copy(struct sftp_server *s)
{
	struct job *j = &s->job;
	ssize_t n = 0;

	if (j->left > 0) {
		n = copy_in_kernel(j);
		/* 0 is also what some file systems say that cannot. */
		if (n == 0 || (n < 0 && errno != ENOSPC && errno != EDQUOT &&
				  errno != EIO && errno != EFBIG))
			n = copy_by_hand(j);
	}
	if (n < 0) {
		job_fail(s, errno);
		return;
	}
	copied(j, (size_t)n);
	if (n == 0 || j->left == 0)
		job_fail(s, 0);
}

/* ---- check-file-handle, check-file-name, check-file ---- */

/* The first one of the list that we have. */
static bool
choose_digest(struct span list, enum digest_algorithm *ret)
{
	struct span name;

	while (list_next(&list, &name)) {
		char *text = span_dup_text(name);
		bool found = text != NULL && digest_find(text, ret) == 0;

		free(text);
		if (found)
			return true;
	}
	return false;
}

/* What is to be read, and whether the answer would be too long. */
static int
prepare_check(struct job *j)
{
	uint64_t size, rest, blocks;
	struct stat st;

	if (fstat(j->fd, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	size = (uint64_t)st.st_size;
	if (j->from > size || (j->block != 0 && j->block < BLOCK_MIN))
		return EINVAL;
	rest = size - j->from;
	if (j->left == 0 || j->left > rest)
		j->left = rest;
	blocks = j->block == 0 ? 1 : j->left / j->block + 1;
	return blocks > DIGESTS_MAX / digest_size(j->algorithm) ? EMSGSIZE : 0;
}

static int
open_checked(struct sftp_server *s, const struct sftp_request *q, struct job *j)
{
	struct handle *h;
	char path[SERVER_PATH_MAX];

	if (q->kind != SFTP_CHECK_NAME) {
		h = handle_find(s, q->handle, HANDLE_FILE);
		if (h == NULL || !h->readable)
			return h == NULL ? EBADF : EACCES;
		j->fd = h->fd;
		j->from_handle = h;
		return 0;
	}
	if (!server_path(q->path, path) ||
	    (j->fd = sftp_place_open(&s->place, path, O_RDONLY, 0)) < 0)
		return errno;
	j->owns_fd = true;
	return 0;
}

void
server_on_check_file(struct sftp_server *s, const struct sftp_request *q)
{
	struct job *j = &s->job;
	int number;

	*j = (struct job){ .kind = JOB_CHECK,
		.id = q->id,
		.from = q->offset,
		.left = q->length,
		.block = q->count,
		.wants_name = q->kind == SFTP_CHECK_FILE };
	if (!choose_digest(q->data, &j->algorithm))
		number = EOPNOTSUPP;
	else if ((number = open_checked(s, q, j)) == 0)
		number = prepare_check(j);
	if (number == 0 && (j->digest = digest_new(j->algorithm)) == NULL)
		number = ENOMEM;
	if (number != 0) {
		job_fail(s, number);
		return;
	}
	j->block_left = j->block;
	job_work(s);
}

/* A block is complete: its digest is kept and the next one begun. */
static int
end_block(struct job *j)
{
	uint8_t value[DIGEST_MAX];

	if (digest_final(j->digest, value) != 0)
		return EIO;
	write_bytes(&j->digests, value, digest_size(j->algorithm));
	digest_free(j->digest);
	j->digest = digest_new(j->algorithm);
	j->block_left = j->block;
	return j->digest == NULL || buf_error(&j->digests) != 0 ? ENOMEM : 0;
}

static int
hash_piece(struct job *j, struct span data)
{
	while (data.len > 0) {
		size_t n = data.len;
		int number;

		if (j->block != 0 && n > j->block_left)
			n = j->block_left;
		if (digest_update(j->digest, span_of(data.ptr, n)) != 0)
			return EIO;
		data.ptr += n;
		data.len -= n;
		j->block_left -= j->block != 0 ? (uint32_t)n : 0;
		if (j->block != 0 && j->block_left == 0 &&
		    (number = end_block(j)) != 0)
			return number;
	}
	return 0;
}

static int
hash_slice(struct job *j)
{
	uint8_t *piece = malloc(PIECE);
	int number = piece == NULL ? ENOMEM : 0;

	for (int i = 0; i < PIECES && j->left > 0 && number == 0; i++) {
		size_t want = j->left < PIECE ? (size_t)j->left : PIECE;
		ssize_t n = pread(j->fd, piece, want, (off_t)j->from);

		if (n < 0) {
			number = errno;
		} else if (n == 0) {
			j->left = 0; /* it has become shorter */
		} else {
			j->from += (uint64_t)n;
			j->left -= (uint64_t)n;
			number = hash_piece(j, span_of(piece, (size_t)n));
		}
	}
	free(piece);
	return number;
}

static void
answer_check(struct sftp_server *s)
{
	static const char *const names[] = {
		[DIGEST_MD5] = "md5",
		[DIGEST_SHA1] = "sha1",
		[DIGEST_SHA256] = "sha256",
		[DIGEST_SHA384] = "sha384",
		[DIGEST_SHA512] = "sha512",
	};
	struct job *j = &s->job;
	size_t mark = sftp_packet_begin(&s->out, SSH_FXP_EXTENDED_REPLY, j->id);

	if (j->wants_name)
		write_text(&s->out, sftp_kind_extension(SFTP_CHECK_FILE));
	write_text(&s->out, names[j->algorithm]);
	write_span(&s->out, buf_span(&j->digests));
	sftp_packet_end(&s->out, mark);
	job_end(s);
}

static void
work_check(struct sftp_server *s)
{
	struct job *j = &s->job;
	int number = hash_slice(j);

	if (number == 0 && j->left > 0)
		return;
	/* The last block may be a short one. */
	if (number == 0 && (j->block == 0 || j->block_left < j->block))
		number = end_block(j);
	if (number != 0)
		job_fail(s, number);
	else
		answer_check(s);
}

void
job_work(struct sftp_server *s)
{
	if (s->job.kind == JOB_COPY)
		work_copy(s);
	else if (s->job.kind == JOB_CHECK)
		work_check(s);
}
