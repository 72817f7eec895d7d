/*
 * linux_pty.c - pseudo terminals (devpts).
 */
#include "common/port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_slave(const struct port_pty *pty)
{
	int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	/* By the master, not by name: right also where another devpts is
	 * mounted on /dev/pts. */
	int fd = ioctl(pty->master, TIOCGPTPEER, flags);

	return fd >= 0 ? fd : open(pty->name, flags);
}

int
port_pty_open(struct port_pty *ret)
{
	struct port_pty pty;
	int saved;

	pty.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty.master < 0)
		return ERR_SYSTEM;
	if (grantpt(pty.master) == 0 && unlockpt(pty.master) == 0 &&
	    ptsname_r(pty.master, pty.name, sizeof(pty.name)) == 0 &&
	    (pty.slave = open_slave(&pty)) >= 0) {
		*ret = pty;
		return 0;
	}
	saved = errno;
	close(pty.master);
	errno = saved;
	return ERR_SYSTEM;
}

/*
 * Sets owner and mode by the slave's descriptor, or by its name, which
 * stays the same terminal as long as the master is open.
 */
static int
set_owner(const struct port_pty *pty, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (pty->slave < 0)
		return chown(pty->name, uid, gid) == 0 &&
			       chmod(pty->name, mode) == 0
			   ? 0
			   : ERR_SYSTEM;
	if (fstat(pty->slave, &st) != 0)
		return ERR_SYSTEM;
	/* An ordinary user's terminals are theirs already. */
	if ((st.st_uid != uid || st.st_gid != gid) &&
	    fchown(pty->slave, uid, gid) != 0 && st.st_uid != uid)
		return ERR_SYSTEM;
	if ((st.st_mode & 0777) != mode && fchmod(pty->slave, mode) != 0)
		return ERR_SYSTEM;
	return 0;
}

int
port_pty_give(const struct port_pty *pty, uid_t uid, gid_t gid)
{
	struct group *tty = getgrnam("tty");

	/* Group tty may write, so that write(1) and wall(1) reach the user;
	 * without such a group nobody else may. */
	return set_owner(pty, uid, tty != NULL ? tty->gr_gid : gid,
	    tty != NULL ? 0620 : 0600);
}

void
port_pty_take_back(const struct port_pty *pty)
{
	/* It goes away with its master; this is for who looks meanwhile. */
	IGNORE_RESULT(chown(pty->name, 0, 0) != 0);
	IGNORE_RESULT(chmod(pty->name, 0666) != 0);
}

void
port_pty_close(struct port_pty *pty)
{
	if (pty->slave >= 0)
		close(pty->slave);
	if (pty->master >= 0)
		close(pty->master);
	pty->slave = -1;
	pty->master = -1;
}

int
port_pty_make_controlling(int fd)
{
	return ioctl(fd, TIOCSCTTY, 0) == 0 ? 0 : ERR_SYSTEM;
}
