/*
 * server_name.c - requests that name files: attributes, making, moving,
 * removing, links, canonical paths.
 * draft-ietf-secsh-filexfer-02 s6.5 to s6.11; OpenSSH's extensions.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/server_impl.h"

#define MODE_DIRECTORY   0777
#define OWNERS_BYTES_MAX ((size_t)4 * 4096) /* numbers of one request */

/* ---- attributes ---- */

static void
answer_stat(struct sftp_server *s, const struct sftp_request *q, bool follow)
{
	char path[SERVER_PATH_MAX];
	struct sftp_spot spot;
	struct sftp_attrs a;
	struct stat st;
	int r;

	if (!server_path(q->path, path) ||
	    sftp_place_find(&s->place, path, follow, false, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	r = fstatat(spot.fd, spot.name, &st, spot.flags);
	sftp_spot_release(&spot);
	if (r != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	a = attrs_of(&st);
	sftp_attrs_answer_write(&s->out, q->id, &a);
}

void
server_on_stat(struct sftp_server *s, const struct sftp_request *q)
{
	answer_stat(s, q, true);
}

void
server_on_lstat(struct sftp_server *s, const struct sftp_request *q)
{
	answer_stat(s, q, false);
}

static void
set_attributes(struct sftp_server *s, const struct sftp_request *q, bool follow)
{
	char path[SERVER_PATH_MAX];
	struct sftp_spot spot;
	int number;

	if (!server_path(q->path, path) ||
	    sftp_place_find(&s->place, path, follow, true, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	number = attrs_apply(s, -1, &spot, path, &q->attrs);
	sftp_spot_release(&spot);
	server_errno(s, q->id, number);
}

void
server_on_setstat(struct sftp_server *s, const struct sftp_request *q)
{
	set_attributes(s, q, true);
}

/* A link has no size to be set. */
void
server_on_lsetstat(struct sftp_server *s, const struct sftp_request *q)
{
	if (q->attrs.flags & SSH_FILEXFER_ATTR_SIZE)
		server_status(s, q->id, SSH_FX_OP_UNSUPPORTED);
	else
		set_attributes(s, q, false);
}

/* ---- making and removing ---- */

void
server_on_mkdir(struct sftp_server *s, const struct sftp_request *q)
{
	mode_t mode = q->attrs.flags & SSH_FILEXFER_ATTR_PERMISSIONS
			  ? q->attrs.permissions & 07777
			  : MODE_DIRECTORY;
	char path[SERVER_PATH_MAX];
	struct sftp_spot spot;
	mode_t saved;
	int r;

	if (!server_path(q->path, path) ||
	    sftp_place_name(&s->place, path, true, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	server_log(s, LOG_LEVEL_INFO, "mkdir name \"%s\" mode 0%o",
	    server_shown(path), (unsigned)mode);
	saved = server_umask_enter(s);
	r = mkdirat(spot.fd, spot.name, mode) != 0 ? errno : 0;
	server_umask_leave(s, saved);
	sftp_spot_release(&spot);
	server_errno(s, q->id, r);
}

static void
unlink_name(struct sftp_server *s, const struct sftp_request *q,
    const char *what, int flags)
{
	char path[SERVER_PATH_MAX];
	struct sftp_spot spot;
	int r;

	if (!server_path(q->path, path) ||
	    sftp_place_name(&s->place, path, true, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	server_log(
	    s, LOG_LEVEL_INFO, "%s name \"%s\"", what, server_shown(path));
	r = unlinkat(spot.fd, spot.name, flags) != 0 ? errno : 0;
	sftp_spot_release(&spot);
	server_errno(s, q->id, r);
}

void
server_on_remove(struct sftp_server *s, const struct sftp_request *q)
{
	unlink_name(s, q, "remove", 0);
}

void
server_on_rmdir(struct sftp_server *s, const struct sftp_request *q)
{
	unlink_name(s, q, "rmdir", AT_REMOVEDIR);
}

/* ---- two names ---- */

struct two {
	char from_path[SERVER_PATH_MAX], to_path[SERVER_PATH_MAX];
	struct sftp_spot from, to;
};

/* Both of them are to be changed: also a file that is only linked to, since
 * it may be written by its new name. False after the answer. */
static bool
find_two(struct sftp_server *s, const struct sftp_request *q, struct two *t)
{
	if (server_path(q->path, t->from_path) &&
	    server_path(q->path2, t->to_path) &&
	    sftp_place_name(&s->place, t->from_path, true, &t->from) == 0) {
		if (sftp_place_name(&s->place, t->to_path, true, &t->to) == 0) {
			server_log(s, LOG_LEVEL_INFO,
			    "%s old \"%s\" new \"%s\"", sftp_kind_name(q->kind),
			    server_shown(t->from_path),
			    server_shown(t->to_path));
			return true;
		}
		sftp_spot_release(&t->from);
	}
	server_errno(s, q->id, errno);
	return false;
}

static void
answer_two(struct sftp_server *s, const struct sftp_request *q, struct two *t,
    int number)
{
	sftp_spot_release(&t->from);
	sftp_spot_release(&t->to);
	server_errno(s, q->id, number);
}

/* Where the file system has no RENAME_NOREPLACE: a link that must be new,
 * else (directories, no links) with a moment between look and move. */
static int
rename_by_link(const struct two *t)
{
	struct stat st;

	if (linkat(t->from.fd, t->from.name, t->to.fd, t->to.name, 0) == 0)
		return unlinkat(t->from.fd, t->from.name, 0) != 0 ? errno : 0;
	if (errno == EEXIST)
		return errno;
	if (fstatat(t->to.fd, t->to.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	return renameat(t->from.fd, t->from.name, t->to.fd, t->to.name) != 0
		   ? errno
		   : 0;
}

/* draft s6.5: it is an error if there is a file of the new name. */
void
server_on_rename(struct sftp_server *s, const struct sftp_request *q)
{
	struct two t;
	int number = 0;

	if (!find_two(s, q, &t))
		return;
	if (renameat2(t.from.fd, t.from.name, t.to.fd, t.to.name,
		RENAME_NOREPLACE) != 0)
		number = errno;
	if (number == EINVAL || number == ENOSYS)
		number = rename_by_link(&t);
	answer_two(s, q, &t, number);
}

void
server_on_posix_rename(struct sftp_server *s, const struct sftp_request *q)
{
	struct two t;
	int r;

	if (!find_two(s, q, &t))
		return;
	r = renameat(t.from.fd, t.from.name, t.to.fd, t.to.name);
	answer_two(s, q, &t, r != 0 ? errno : 0);
}

void
server_on_hardlink(struct sftp_server *s, const struct sftp_request *q)
{
	struct two t;
	int r;

	if (!find_two(s, q, &t))
		return;
	r = linkat(t.from.fd, t.from.name, t.to.fd, t.to.name, 0);
	answer_two(s, q, &t, r != 0 ? errno : 0);
}

/* ---- symbolic links ---- */

void
server_on_symlink(struct sftp_server *s, const struct sftp_request *q)
{
	char target[SERVER_PATH_MAX], path[SERVER_PATH_MAX];
	struct sftp_spot spot;
	int r;

	if (!server_path(q->path, target) || !server_path(q->path2, path) ||
	    sftp_place_name(&s->place, path, true, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	server_log(s, LOG_LEVEL_INFO, "symlink old \"%s\" new \"%s\"",
	    server_shown(target), server_shown(path));
	r = symlinkat(target, spot.fd, spot.name) != 0 ? errno : 0;
	sftp_spot_release(&spot);
	server_errno(s, q->id, r);
}

/* One name without attributes; the long one says no more. */
static void
answer_name(struct sftp_server *s, uint32_t id, const char *name)
{
	struct sftp_name n = { .name = span_text(name),
		.longname = span_text(name) };
	struct sftp_names names = sftp_names_begin(&s->out, id);

	sftp_names_add(&s->out, &names, &n);
	sftp_names_end(&s->out, &names);
}

void
server_on_readlink(struct sftp_server *s, const struct sftp_request *q)
{
	char path[SERVER_PATH_MAX], target[SERVER_PATH_MAX];
	struct sftp_spot spot;
	ssize_t n;

	if (!server_path(q->path, path) ||
	    sftp_place_find(&s->place, path, false, false, &spot) != 0) {
		server_errno(s, q->id, errno);
		return;
	}
	server_log(s, LOG_LEVEL_VERBOSE, "readlink \"%s\"", server_shown(path));
	n = readlinkat(spot.fd, spot.name, target, sizeof(target) - 1);
	sftp_spot_release(&spot);
	if (n < 0) {
		server_errno(s, q->id, errno);
		return;
	}
	target[n] = '\0';
	answer_name(s, q->id, target);
}

/* ---- canonical paths ---- */

static void
answer_canonical(struct sftp_server *s, uint32_t id, const char *path)
{
	char *real = sftp_place_canonical(&s->place, path);

	if (real == NULL)
		server_errno(s, id, errno);
	else
		answer_name(s, id, real);
	free(real);
}

void
server_on_realpath(struct sftp_server *s, const struct sftp_request *q)
{
	char path[SERVER_PATH_MAX];

	if (!server_path(q->path, path)) {
		server_errno(s, q->id, errno);
		return;
	}
	server_log(s, LOG_LEVEL_VERBOSE, "realpath \"%s\"", server_shown(path));
	answer_canonical(s, q->id, path);
}

/* "~", "~/x", "~user/x"; any other path as REALPATH. */
void
server_on_expand_path(struct sftp_server *s, const struct sftp_request *q)
{
	char path[SERVER_PATH_MAX];
	char *expanded = NULL;

	if (!server_path(q->path, path)) {
		server_errno(s, q->id, errno);
		return;
	}
	if (path_expand_home(path, s->config.home, &expanded, NULL) != 0)
		server_errno(s, q->id, ENOENT);
	else
		answer_canonical(s, q->id, expanded);
	free(expanded);
}

void
server_on_home_directory(struct sftp_server *s, const struct sftp_request *q)
{
	const char *home = s->config.home;
	char user[SERVER_PATH_MAX];
	const struct passwd *pw;

	if (!server_path(q->path, user)) {
		server_errno(s, q->id, errno);
		return;
	}
	if (user[0] != '\0' && strcmp(user, s->config.user) != 0) {
		pw = getpwnam(user);
		home = pw != NULL ? pw->pw_dir : NULL;
	}
	if (home == NULL)
		server_errno(s, q->id, ENOENT);
	else
		answer_name(s, q->id, home);
}

/* ---- users-groups-by-id@openssh.com ---- */

typedef const char *name_of(struct owners *o, uint32_t number);

static void
write_owner_names(struct sftp_server *s, struct span numbers, name_of *name)
{
	struct reader r = reader_of(numbers);
	size_t mark = write_string_begin(&s->out);

	while (r.len >= 4 && read_error(&r) == 0) {
		const char *text = name(&s->owners, read_uint32(&r));

		write_text(&s->out, text != NULL ? text : "");
	}
	write_string_end(&s->out, mark);
}

void
server_on_users_groups(struct sftp_server *s, const struct sftp_request *q)
{
	size_t begin = s->out.len, mark;

	if (q->data.len % 4 != 0 || q->data2.len % 4 != 0) {
		server_status(s, q->id, SSH_FX_BAD_MESSAGE);
		return;
	}
	if (q->data.len > OWNERS_BYTES_MAX || q->data2.len > OWNERS_BYTES_MAX) {
		server_status(s, q->id, SSH_FX_FAILURE);
		return;
	}
	mark = sftp_packet_begin(&s->out, SSH_FXP_EXTENDED_REPLY, q->id);
	write_owner_names(s, q->data, owners_user);
	write_owner_names(s, q->data2, owners_group);
	sftp_packet_end(&s->out, mark);
	if (s->out.len - begin > SFTP_PACKET_MAX) {
		buf_truncate(&s->out, begin);
		server_status(s, q->id, SSH_FX_FAILURE);
	}
}
