/*
 * descriptor.c - descriptors that never block the loop.
 */
#include "common/channel/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/port/port.h"

#define MEMORY_MAJOR 1 /* Linux */

/* The same pipe or terminal with a description of our own, or -1. */
static int
open_anew(int fd, const struct stat *st, bool writing)
{
	int flags =
	    O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (writing ? O_WRONLY : O_RDONLY);
	char path[32];
	struct stat opened;
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((own = open(path, flags)) < 0)
		return -1;
	if (fstat(own, &opened) != 0 || opened.st_dev != st->st_dev ||
	    opened.st_ino != st->st_ino) {
		close(own);
		return -1;
	}
	return own;
}

static bool
is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

static bool
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* /dev/null, /dev/zero and /dev/full never block either. */
static bool
is_memory_device(const struct stat *st)
{
	unsigned number = minor(st->st_rdev);

	return S_ISCHR(st->st_mode) && major(st->st_rdev) == MEMORY_MAJOR &&
	       (number == 3 || number == 5 || number == 7);
}

static void
init_shared(struct descriptor *d, const struct stat *st, bool writing)
{
	int own;

	d->way = DESCRIPTOR_POLLED;
	if (S_ISSOCK(st->st_mode)) {
		d->way = DESCRIPTOR_SOCKET;
	} else if ((S_ISFIFO(st->st_mode) || d->is_tty) &&
		   (own = open_anew(d->fd, st, writing)) >= 0) {
		d->fd = own;
		d->way = DESCRIPTOR_PLAIN;
	}
}

void
descriptor_init(struct descriptor *d, int fd, bool shared, bool writing)
{
	struct stat st;

	d->fd = d->given = fd;
	d->way = DESCRIPTOR_PLAIN;
	d->is_tty = false;
	if (fd < 0 || fstat(fd, &st) != 0 || S_ISREG(st.st_mode) ||
	    is_memory_device(&st))
		return;
	d->is_tty = S_ISCHR(st.st_mode) && isatty(fd);
	if (S_ISFIFO(st.st_mode))
		port_pipe_enlarge(fd);
	if (is_nonblocking(fd))
		return;
	if (shared)
		init_shared(d, &st, writing);
	else if (!make_nonblocking(fd))
		d->way = DESCRIPTOR_POLLED;
}

void
descriptor_release(struct descriptor *d, bool close_given)
{
	if (d->fd >= 0 && d->fd != d->given)
		close(d->fd);
	if (close_given && d->given >= 0)
		close(d->given);
	d->fd = d->given = -1;
}

/* Would the call return at once? */
static bool
is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) != 0; /* a failure shows in the call itself */
}

static ssize_t
receive_now(int fd, const struct iovec *iov, size_t count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov,
		.msg_iovlen = count };

	return recvmsg(fd, &message, MSG_DONTWAIT);
}

ssize_t
descriptor_read(const struct descriptor *d, void *to, size_t len)
{
	struct iovec iov = { to, len };

	return descriptor_readv(d, &iov, 1);
}

ssize_t
descriptor_readv(
    const struct descriptor *d, const struct iovec *iov, size_t count)
{
	ssize_t n;

	if (d->way == DESCRIPTOR_POLLED && !is_ready(d->fd, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = d->way == DESCRIPTOR_SOCKET ? receive_now(d->fd, iov, count)
						: readv(d->fd, iov, (int)count);
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t
write_polled(int fd, const struct iovec *iov)
{
	size_t len = iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF;

	if (!is_ready(fd, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, iov->iov_base, len);
}

static ssize_t
send_now(int fd, const struct iovec *iov, size_t count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov,
		.msg_iovlen = count };

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t
descriptor_write(
    const struct descriptor *d, const struct iovec *iov, size_t count)
{
	ssize_t n;

	do {
		switch (d->way) {
		case DESCRIPTOR_SOCKET:
			n = send_now(d->fd, iov, count);
			break;
		case DESCRIPTOR_POLLED:
			n = write_polled(d->fd, iov);
			break;
		default:
			n = writev(d->fd, iov, (int)count);
			break;
		}
	} while (n < 0 && errno == EINTR);
	return n;
}
