/*
 * client_widen.c - further channels on the connection of the ssh that we run.
 */
#include "sftp/client_widen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/text.h"

#define VARIABLE "SHEETBEND_WIDEN"

void
client_widen_init(struct client_widen *w)
{
	w->control = -1;
	w->count = 0;
	for (size_t i = 0; i < CLIENT_WIDEN_MAX; i++)
		w->asked[i] = -1;
}

int
client_widen_open(struct client_widen *w)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	w->control = fds[0];
	return fds[1];
}

void
client_widen_close(struct client_widen *w)
{
	if (w->control >= 0)
		close(w->control);
	for (size_t i = 0; i < CLIENT_WIDEN_MAX; i++)
		if (w->asked[i] >= 0)
			close(w->asked[i]);
	client_widen_init(w);
}

void
client_widen_export(int fd)
{
	char *number = text_format("%d", fd);

	if (number != NULL && fcntl(fd, F_SETFD, 0) == 0)
		setenv(VARIABLE, number, 1);
}

/* One byte, and the descriptor beside it. */
static bool
send_descriptor(int control, unsigned number, int fd)
{
	uint8_t byte = (uint8_t)number;
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary = { 0 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary.space,
		.msg_controllen = sizeof(ancillary.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(control, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static void
ask(struct client_widen *w)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return;
	if (send_descriptor(w->control, w->count, fds[1])) {
		w->asked[w->count++] = fds[0];
	} else {
		close(fds[0]);
		client_widen_close(w);
	}
	close(fds[1]);
}

/* The channel that an answer gives; -1: none, or the server has no more. */
static int
take_answer(struct client_widen *w)
{
	uint8_t answer[2];
	ssize_t n = recv(w->control, answer, sizeof(answer), MSG_DONTWAIT);
	int fd;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n != 2 || answer[0] >= w->count) {
		client_widen_close(w);
		return -1;
	}
	fd = w->asked[answer[0]];
	w->asked[answer[0]] = -1;
	if (answer[1] == 'y')
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int
client_widen_step(struct client_widen *w, unsigned wanted)
{
	while (
	    w->control >= 0 && w->count < wanted && w->count < CLIENT_WIDEN_MAX)
		ask(w);
	return w->control >= 0 && w->count > 0 ? take_answer(w) : -1;
}
