/*
 * server_attrs.c - attributes: from stat(2), to a file, as a line of `ls`.
 * draft-ietf-secsh-filexfer-02 s5, s7 (longname).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "sftp/server_impl.h"

#define HALF_A_YEAR (365 / 2 * 24 * 60 * 60)

/* Seconds of a file older than 1970 or younger than 2106, which 32 bits do
 * not hold, are the nearest that they do. */
static uint32_t
seconds_of(time_t t)
{
	if (t < 0)
		return 0;
	return (uint64_t)t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

struct sftp_attrs
attrs_of(const struct stat *st)
{
	return (struct sftp_attrs){
		.flags = SSH_FILEXFER_ATTR_SIZE | SSH_FILEXFER_ATTR_UIDGID |
			 SSH_FILEXFER_ATTR_PERMISSIONS |
			 SSH_FILEXFER_ATTR_ACMODTIME,
		.size = (uint64_t)st->st_size,
		.uid = (uint32_t)st->st_uid,
		.gid = (uint32_t)st->st_gid,
		.permissions = (uint32_t)st->st_mode,
		.atime = seconds_of(st->st_atime),
		.mtime = seconds_of(st->st_mtime),
	};
}

/* ---- to a file ---- */

static int
apply_size(struct sftp_server *s, int fd, const char *path, uint64_t size)
{
	int opened = -1, number = 0;

	if (size > (uint64_t)INT64_MAX)
		return EFBIG;
	if (fd < 0 &&
	    (fd = opened = sftp_place_open(&s->place, path, O_WRONLY, 0)) < 0)
		return errno;
	if (ftruncate(fd, (off_t)size) != 0)
		number = errno;
	if (opened >= 0)
		close(opened);
	return number;
}

static int
apply_owner(int fd, const struct sftp_spot *spot, const struct sftp_attrs *a)
{
	int r = spot == NULL ? fchown(fd, (uid_t)a->uid, (gid_t)a->gid)
			     : fchownat(spot->fd, spot->name, (uid_t)a->uid,
				   (gid_t)a->gid, spot->flags);

	return r != 0 ? errno : 0;
}

static int
apply_mode(int fd, const struct sftp_spot *spot, const struct sftp_attrs *a)
{
	mode_t mode = a->permissions & 07777;
	int r = spot == NULL ? fchmod(fd, mode) : sftp_spot_chmod(spot, mode);

	return r != 0 ? errno : 0;
}

static int
apply_times(int fd, const struct sftp_spot *spot, const struct sftp_attrs *a)
{
	const struct timespec times[2] = { { .tv_sec = (time_t)a->atime },
		{ .tv_sec = (time_t)a->mtime } };
	int r = spot == NULL
		    ? futimens(fd, times)
		    : utimensat(spot->fd, spot->name, times, spot->flags);

	return r != 0 ? errno : 0;
}

static void
log_changes(struct sftp_server *s, const char *path, const struct sftp_attrs *a)
{
	const char *shown;

	if (!server_logs(s, LOG_LEVEL_INFO))
		return;
	shown = server_shown(path);
	if (a->flags & SSH_FILEXFER_ATTR_SIZE)
		server_log(s, LOG_LEVEL_INFO, "set \"%s\" size %" PRIu64, shown,
		    a->size);
	if (a->flags & SSH_FILEXFER_ATTR_UIDGID)
		server_log(s, LOG_LEVEL_INFO, "set \"%s\" owner %u group %u",
		    shown, a->uid, a->gid);
	if (a->flags & SSH_FILEXFER_ATTR_PERMISSIONS)
		server_log(s, LOG_LEVEL_INFO, "set \"%s\" mode 0%o", shown,
		    a->permissions & 07777);
	if (a->flags & SSH_FILEXFER_ATTR_ACMODTIME)
		server_log(s, LOG_LEVEL_INFO, "set \"%s\" modtime %u", shown,
		    a->mtime);
}

/* The owner before the mode, since it clears the set-id bits; the times
 * last, since the size changes them. */
int
attrs_apply(struct sftp_server *s, int fd, const struct sftp_spot *spot,
    const char *path, const struct sftp_attrs *a)
{
	int first = 0, number;

	log_changes(s, path, a);
	if (a->flags & SSH_FILEXFER_ATTR_SIZE)
		first = apply_size(s, fd, path, a->size);
	if ((a->flags & SSH_FILEXFER_ATTR_UIDGID) &&
	    (number = apply_owner(fd, spot, a)) != 0 && first == 0)
		first = number;
	if ((a->flags & SSH_FILEXFER_ATTR_PERMISSIONS) &&
	    (number = apply_mode(fd, spot, a)) != 0 && first == 0)
		first = number;
	if ((a->flags & SSH_FILEXFER_ATTR_ACMODTIME) &&
	    (number = apply_times(fd, spot, a)) != 0 && first == 0)
		first = number;
	return first;
}

/* ---- a line of `ls -l` ---- */

static char
type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

static void
mode_letters(mode_t mode, char out[11])
{
	static const char letters[] = "rwxrwxrwx";

	out[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		out[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = '\0';
}

/* "Nov 21 09:15", or "Nov 21  2019" for what is old or yet to come. */
static void
time_text(time_t t, char out[16])
{
	time_t now = time(NULL);
	bool recent = t > now - HALF_A_YEAR && t <= now + 60;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, 16, recent ? "%b %e %H:%M" : "%b %e  %Y", &tm) == 0)
		text_copy(out, 16, "");
}

static void
put_owner(struct buf *out, const char *name, uint32_t number)
{
	if (name != NULL)
		buf_printf(out, "%-8s ", name);
	else
		buf_printf(out, "%-8u ", number);
}

void
attrs_long_name(struct sftp_server *s, struct buf *out, struct span name,
    const struct stat *st)
{
	char mode[11], when[16];

	mode_letters(st->st_mode, mode);
	time_text(st->st_mtime, when);
	buf_printf(out, "%s %4lu ", mode, (unsigned long)st->st_nlink);
	put_owner(out, owners_user(&s->owners, st->st_uid), st->st_uid);
	put_owner(out, owners_group(&s->owners, st->st_gid), st->st_gid);
	buf_printf(out, "%8" PRIu64 " %s ", (uint64_t)st->st_size, when);
	write_span(out, name);
}
