/*
 * server_space.c - statvfs@openssh.com, fstatvfs@openssh.com,
 * space-available (draft-ietf-secsh-filexfer-extensions-00 s4).
 */
#include "sftp/server_space.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sftp/server_impl.h"

void
server_answer_statvfs(struct sftp_server *s, uint32_t id, int fd)
{
	struct sftp_statvfs a;
	struct statvfs v;

	if (fstatvfs(fd, &v) != 0) {
		server_errno(s, id, errno);
		return;
	}
	a = (struct sftp_statvfs){
		.bsize = v.f_bsize,
		.frsize = v.f_frsize,
		.blocks = v.f_blocks,
		.bfree = v.f_bfree,
		.bavail = v.f_bavail,
		.files = v.f_files,
		.ffree = v.f_ffree,
		.favail = v.f_favail,
		.fsid = v.f_fsid,
		.flag = (v.f_flag & ST_RDONLY ? SFTP_STATVFS_RDONLY : 0) |
			(v.f_flag & ST_NOSUID ? SFTP_STATVFS_NOSUID : 0),
		.namemax = v.f_namemax,
	};
	sftp_statvfs_write(&s->out, id, &a);
}

/* An O_PATH descriptor; -1 after the answer says why. */
static int
open_named(struct sftp_server *s, const struct sftp_request *q)
{
	char path[SERVER_PATH_MAX];
	int fd = -1;

	if (server_path(q->path, path)) {
		server_log(s, LOG_LEVEL_VERBOSE, "%s \"%s\"",
		    sftp_kind_name(q->kind), server_shown(path));
		fd = sftp_place_open(&s->place, path, O_PATH, 0);
	}
	if (fd < 0)
		server_errno(s, q->id, errno);
	return fd;
}

void
server_on_statvfs(struct sftp_server *s, const struct sftp_request *q)
{
	int fd = open_named(s, q);

	if (fd < 0)
		return;
	server_answer_statvfs(s, q->id, fd);
	close(fd);
}

void
server_on_space_available(struct sftp_server *s, const struct sftp_request *q)
{
	int fd = open_named(s, q);
	struct sftp_space a;
	struct statvfs v;

	if (fd < 0)
		return;
	if (fstatvfs(fd, &v) != 0) {
		server_errno(s, q->id, errno);
	} else {
		a = (struct sftp_space){
			.device = (uint64_t)v.f_frsize * v.f_blocks,
			.device_unused = (uint64_t)v.f_frsize * v.f_bfree,
			.user = (uint64_t)v.f_frsize * v.f_blocks,
			.user_unused = (uint64_t)v.f_frsize * v.f_bavail,
			.unit = (uint32_t)v.f_frsize,
		};
		sftp_space_write(&s->out, q->id, &a);
	}
	close(fd);
}
