/*
 * direct.c - packets between sftp and the ssh that it runs.
 */
#include "common/ipc/direct.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"

/* kind, number, word */
#define PACKET_LEN (1u + 4 + 1)

union ancillary {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void
attach(struct msghdr *m, union ancillary *space, int fd)
{
	struct cmsghdr *c;

	m->msg_control = space->space;
	m->msg_controllen = sizeof(space->space);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

bool
direct_send(int socket, const struct direct_packet *p)
{
	uint8_t bytes[PACKET_LEN] = { (uint8_t)p->kind, (uint8_t)(p->number >> 24),
		(uint8_t)(p->number >> 16), (uint8_t)(p->number >> 8),
		(uint8_t)p->number, p->word };
	struct iovec iov = { bytes, sizeof(bytes) };
	union ancillary space = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (p->fd >= 0)
		attach(&m, &space, p->fd);
	return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)sizeof(bytes);
}

/* The one descriptor that came along; -1: none. */
static int
attached(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int
direct_receive(int socket, struct direct_packet *ret)
{
	uint8_t bytes[PACKET_LEN + 1];
	struct iovec iov = { bytes, sizeof(bytes) };
	union ancillary space = { 0 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.space,
		.msg_controllen = sizeof(space.space) };
	ssize_t n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct reader r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	r = reader_of(span_of(bytes, (size_t)n));
	ret->kind = (enum direct_kind)read_byte(&r);
	ret->number = read_uint32(&r);
	ret->word = read_byte(&r);
	ret->fd = attached(&m);
	if (read_end(&r) == 0)
		return 1;
	if (ret->fd >= 0)
		close(ret->fd);
	return -1;
}
