/*
 * client_files.h - the local end of copies: a small set of calls on local
 * files, so that the engine of copies can be run without any.
 *
 * Each returns 0 or an errno value. No call follows more than the path that
 * it is given; descriptors are closed on exec.
 * Limits: none of its own. Knows: no SFTP.
 */
#ifndef SFTP_CLIENT_FILES_H
#define SFTP_CLIENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/text.h"

struct client_files {
	int (*stat)(void *context, const char *path, bool follow,
	    struct stat *ret) MUST_CHECK;
	/* Names in the folder, sorted, without "." and "..". */
	int (*list)(
	    void *context, const char *path, struct strings *ret) MUST_CHECK;
	/* EISDIR for a folder, EINVAL for what is no regular file unless
	 * special is set. */
	int (*open_read)(void *context, const char *path, int *ret_fd,
	    struct stat *ret) MUST_CHECK;
	/* flags: of open(2) beside O_WRONLY or O_RDWR | O_CREAT; mode as is
	 * (the process's mask holds). */
	int (*open_write)(void *context, const char *path, int flags,
	    mode_t mode, int *ret_fd) MUST_CHECK;
	/* All of len where there is so much; *ret_got says how much it was. */
	int (*read)(void *context, int fd, uint64_t offset, void *to,
	    size_t len, size_t *ret_got) MUST_CHECK;
	int (*write)(void *context, int fd, uint64_t offset,
	    struct span data) MUST_CHECK;
	int (*truncate)(void *context, int fd, uint64_t size) MUST_CHECK;
	int (*sync)(void *context, int fd) MUST_CHECK;
	int (*close)(void *context, int fd) MUST_CHECK;
	int (*set_mode)(void *context, int fd, const char *path,
	    mode_t mode) MUST_CHECK; /* fd -1: by path */
	int (*set_times)(void *context, int fd, const char *path, time_t atime,
	    time_t mtime) MUST_CHECK;
	int (*make_directory)(
	    void *context, const char *path, mode_t mode) MUST_CHECK;
	int (*rename)(
	    void *context, const char *from, const char *to) MUST_CHECK;
	int (*remove)(void *context, const char *path) MUST_CHECK;
	void *context;
};

/* The real ones. */
extern const struct client_files client_files_system;

#endif
