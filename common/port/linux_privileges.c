/*
 * linux_privileges.c - becoming somebody with fewer rights, for good.
 *
 * Each step is checked, and afterwards the result is: a process that goes
 * on with rights that it believes to have given up is the worst outcome.
 */
#include "common/port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

/* Real, effective and saved ids are the given ones, and there is no way
 * back to root. */
static int
verify(uid_t uid, gid_t gid, struct error *e)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 ||
	    getresgid(&g[0], &g[1], &g[2]) != 0)
		return error_set_errno(e, "cannot read user and group ids");
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return error_set(e, ERR_PERMISSION,
			    "user and group are %u and %u, want %u and %u",
			    (unsigned)u[i], (unsigned)g[i], (unsigned)uid,
			    (unsigned)gid);
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return error_set(e, ERR_PERMISSION,
		    "user %u could become root again", (unsigned)uid);
	return 0;
}

/* The group list is set already; now the ids, the user's last. */
static int
set_ids(uid_t uid, gid_t gid, struct error *e)
{
	if (setresgid(gid, gid, gid) != 0)
		return error_set_errno(
		    e, "cannot become group %u", (unsigned)gid);
	if (setresuid(uid, uid, uid) != 0)
		return error_set_errno(
		    e, "cannot become user %u", (unsigned)uid);
	return verify(uid, gid, e);
}

/* Nothing to give up but a saved id; nobody else to become. */
static int
stay_user(uid_t uid, struct error *e)
{
	if (getuid() != uid)
		return error_set(e, ERR_PERMISSION,
		    "only root can become user %u", (unsigned)uid);
	return set_ids(uid, getgid(), e);
}

int
port_become_user_with_groups(
    uid_t uid, gid_t gid, const gid_t *groups, size_t count, struct error *e)
{
	if (geteuid() != 0)
		return stay_user(uid, e);
	if (setgroups(count, groups) != 0)
		return error_set_errno(
		    e, "cannot set the groups of user %u", (unsigned)uid);
	return set_ids(uid, gid, e);
}

int
port_become_user(const char *name, uid_t uid, gid_t gid, struct error *e)
{
	if (geteuid() != 0)
		return stay_user(uid, e);
	if (initgroups(name, gid) != 0)
		return error_set_errno(
		    e, "cannot set the groups of user %s", name);
	return set_ids(uid, gid, e);
}

/* Only root may be able to put something into the directory. */
static int
enter_root(const char *directory, struct error *e)
{
	struct stat st;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return error_set_errno(e, "%s", directory);
	/* One descriptor for check and use, so that they see one directory. */
	if (fstat(fd, &st) != 0)
		r = error_set_errno(e, "%s", directory);
	else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		r = error_set(e, ERR_PERMISSION,
		    "%s must be owned by root and not group or world-writable",
		    directory);
	else if (fchdir(fd) != 0 || chroot(".") != 0 || chdir("/") != 0)
		r = error_set_errno(e, "cannot chroot to %s", directory);
	close(fd);
	return r;
}

int
port_become_confined(
    const char *chroot_dir, uid_t uid, gid_t gid, struct error *e)
{
	int r;

	if ((r = enter_root(chroot_dir, e)) != 0)
		return r;
	if (setgroups(1, &gid) != 0)
		return error_set_errno(e, "cannot drop groups");
	return set_ids(uid, gid, e);
}
