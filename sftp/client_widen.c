/*
 * client_widen.c - further channels on the connection of the ssh that we run.
 */
#include "sftp/client_widen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/text.h"

#define VARIABLE "SHEETBEND_WIDEN"

void
client_widen_init(struct client_widen *w)
{
	w->control = w->asked = -1;
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
	if (w->asked >= 0)
		close(w->asked);
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
send_descriptor(int control, int fd)
{
	char byte = 'c';
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
	if (send_descriptor(w->control, fds[1])) {
		w->asked = fds[0];
	} else {
		close(fds[0]);
		client_widen_close(w);
	}
	close(fds[1]);
}

/* The answer to what was asked: 'y', 'n', 0 while there is none. */
static char
answer(struct client_widen *w)
{
	char byte;
	ssize_t n = recv(w->control, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == 1 ? byte : 'n';
}

int
client_widen_step(struct client_widen *w, bool wanted)
{
	int fd = -1;
	char told;

	if (w->control < 0)
		return -1;
	if (w->asked >= 0) {
		if ((told = answer(w)) == 'y') {
			fd = w->asked;
			w->asked = -1;
		} else if (told != 0) {
			/* The server has no more: it is not asked again. */
			client_widen_close(w);
		}
		return fd;
	}
	if (wanted)
		ask(w);
	return -1;
}
