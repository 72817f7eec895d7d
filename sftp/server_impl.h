/*
 * server_impl.h - the state of an SFTP server, for its files only.
 *
 *   server.c            input, output, which request goes where
 *   server_file.c       open files: OPEN, READ, WRITE, CLOSE ...
 *   server_directory.c  directories: OPENDIR, READDIR
 *   server_name.c       requests that name files
 *   server_attrs.c      attributes, from stat(2) and to the file
 *   server_job.c        copy-data, check-file: done in slices
 *   server_owner.c      names of users and groups
 *   server_place.c      paths; server_confine.c
 *   server_handle.c     handles
 */
#ifndef SFTP_SERVER_IMPL_H
#define SFTP_SERVER_IMPL_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/crypto/digest.h"
#include "sftp/protocol.h"
#include "sftp/server.h"
#include "sftp/server_owner.h"
#include "sftp/server_place.h"

#define SERVER_PATH_MAX 4096

enum handle_kind {
	HANDLE_FREE,
	HANDLE_FILE,
	HANDLE_DIRECTORY
};

struct handle {
	enum handle_kind kind;
	uint32_t generation; /* a closed handle is not taken for a new one */
	int fd;              /* of a directory: its DIR's */
	DIR *dir;
	char *path; /* as it was opened, for the log */
	bool readable, writable, appends;
	bool may_change; /* its attributes: its tree is not for reading only */
	uint64_t bytes_read, bytes_written;
	uint64_t dirty,
	    dirty_end;       /* written in one go, not on its way to disk */
	uint64_t read_end;   /* where a reader that goes on reads next */
	uint32_t sequential; /* reads that went on */
};

struct handles {
	struct handle *item;
	uint32_t count, limit;
	uint32_t first_free; /* none below it */
};

enum job_kind {
	JOB_NONE,
	JOB_COPY,
	JOB_CHECK
};

/* A request that takes longer than a moment. */
struct job {
	enum job_kind kind;
	uint32_t id;
	/* copy-data */
	int from_fd, to_fd;
	uint64_t from, to, left;
	struct handle *from_handle, *to_handle;
	/* check-file */
	int fd;
	bool owns_fd;
	bool wants_name; /* of the extension, in the answer */
	enum digest_algorithm algorithm;
	struct digest *digest;
	uint32_t block, block_left;
	struct buf digests;
};

struct sftp_server {
	struct sftp_server_config config;
	const struct sftp_server_options *options;
	struct sftp_place place;
	struct sftp_input input;
	bool started; /* INIT has come */
	struct buf out;
	size_t out_sent;
	struct handles handles;
	struct job job;
	struct owners owners;
	/* The WRITE whose data is coming. */
	struct handle *write_handle;
	uint32_t write_status;
	int write_errno;
};

/* ---- server.c ---- */

void server_status(struct sftp_server *s, uint32_t id, uint32_t code);
/* The status of an errno, with its text. 0: success. */
void server_errno(struct sftp_server *s, uint32_t id, int number);
uint32_t server_errno_status(int number);

bool server_logs(const struct sftp_server *s, enum log_level level);
void server_log(struct sftp_server *s, enum log_level level, const char *format,
    ...) PRINTF_LIKE(3, 4);

/* A path made fit for a line of the log, in one of four buffers that take
 * turns. */
const char *server_shown(const char *path);

/* A request's path as text; false (and ENAMETOOLONG) if it is too long. */
bool server_path(struct span path, char out[SERVER_PATH_MAX]);

/* The -u umask while a file is made. */
mode_t server_umask_enter(const struct sftp_server *s);
void server_umask_leave(const struct sftp_server *s, mode_t saved);

/* ---- server_handle.c ---- */

void handles_init(struct handles *h);
void handles_release(struct sftp_server *s);
/* NULL: too many are open (EMFILE) or no memory. */
struct handle *handle_new(struct sftp_server *s, enum handle_kind kind, int fd,
    const char *path) MUST_CHECK;
/* As close(2): a disk that is full may be told only here. */
int handle_close(struct sftp_server *s, struct handle *h) MUST_CHECK;
void handle_answer(struct sftp_server *s, uint32_t id, const struct handle *h);
/* NULL: there is none such, or of another kind. */
struct handle *handle_find(
    struct sftp_server *s, struct span text, enum handle_kind kind);
struct handle *handle_find_any(struct sftp_server *s, struct span text);

/* ---- server_attrs.c ---- */

struct sftp_attrs attrs_of(const struct stat *st);
/* Changes what a.flags say; errno of the first thing that failed. fd -1: the
 * spot is changed. */
int attrs_apply(struct sftp_server *s, int fd, const struct sftp_spot *spot,
    const char *path, const struct sftp_attrs *a);
/* As a line of `ls -l`, appended. */
void attrs_long_name(struct sftp_server *s, struct buf *out, struct span name,
    const struct stat *st);

/* ---- requests ---- */

typedef void server_handler(
    struct sftp_server *s, const struct sftp_request *q);

server_handler server_on_open, server_on_close, server_on_read, server_on_fstat,
    server_on_fsetstat, server_on_fsync, server_on_fstatvfs;
void server_on_write_piece(struct sftp_server *s, const struct sftp_event *e);
server_handler server_on_opendir, server_on_readdir;
server_handler server_on_lstat, server_on_stat, server_on_setstat,
    server_on_lsetstat, server_on_remove, server_on_mkdir, server_on_rmdir,
    server_on_realpath, server_on_rename, server_on_posix_rename,
    server_on_readlink, server_on_symlink, server_on_hardlink,
    server_on_statvfs, server_on_space_available, server_on_expand_path,
    server_on_home_directory;
server_handler server_on_users_groups, server_on_limits;
server_handler server_on_copy_data, server_on_check_file;

void job_work(struct sftp_server *s);
void job_release(struct sftp_server *s);
/* A handle is about to go. */
void job_forget(struct sftp_server *s, const struct handle *h);

#endif
