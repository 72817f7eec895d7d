/*
 * ipc.c - framed messages between our own processes.
 *
 *     uint32  length of type and body; the top bit: a descriptor comes along
 *     byte    type
 *     byte[]  body
 *
 * A descriptor leaves with the first byte of its message, and never two in
 * one call, so that the kernel hands them over one by one. The receiver
 * reads no further than the message that a descriptor belongs to before
 * that message is taken; so one place for a descriptor is enough.
 */
#include "common/ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/time.h"

#define HEADER_SIZE ((size_t)5)
#define HAS_FD      0x80000000u
#define READ_CHUNK  ((size_t)4096)

int
ipc_pair(int ret_fds[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return ERR_SYSTEM;
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

void
ipc_init(struct ipc *ipc, int fd, size_t message_max)
{
	memset(ipc, 0, sizeof(*ipc));
	ipc->fd = fd;
	ipc->message_max =
	    message_max < IPC_MESSAGE_MAX ? message_max : IPC_MESSAGE_MAX;
	ipc->in = (struct buf)BUF_SECRET_INIT;
	ipc->out = (struct buf)BUF_SECRET_INIT;
	ipc->received_fd = -1;
}

void
ipc_release(struct ipc *ipc)
{
	if (ipc->fd >= 0)
		close(ipc->fd);
	if (ipc->received_fd >= 0)
		close(ipc->received_fd);
	for (unsigned i = 0; i < ipc->sent_count; i++)
		close(ipc->sent_fd[i]);
	ipc->fd = -1;
	ipc->received_fd = -1;
	ipc->sent_count = 0;
	ipc->taken = 0;
	buf_release(&ipc->in);
	buf_release(&ipc->out);
}

/* The connection is of no use any more. */
static int
die(struct ipc *ipc, int code)
{
	if (ipc->error == 0)
		ipc->error = code;
	return ipc->error;
}

/* ---- sending ---- */

struct buf *
ipc_begin(struct ipc *ipc, uint8_t type)
{
	ipc->begun = ipc->out.len;
	write_uint32(&ipc->out, 0);
	write_byte(&ipc->out, type);
	return &ipc->out;
}

static int
attach_fd(struct ipc *ipc, int fd)
{
	int copy;

	if (ipc->sent_count == ARRAY_COUNT(ipc->sent_fd))
		return ERR_LIMIT;
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
		return ERR_SYSTEM;
	ipc->sent_fd[ipc->sent_count] = copy;
	ipc->sent_at[ipc->sent_count] = ipc->begun;
	ipc->sent_count++;
	return 0;
}

int
ipc_end(struct ipc *ipc, int fd)
{
	uint8_t *at;
	size_t len;
	int r = 0;

	if (ipc->error != 0)
		return ipc->error;
	if ((r = buf_error(&ipc->out)) != 0)
		return die(ipc, r);
	len = ipc->out.len - ipc->begun - 4;
	if (len > ipc->message_max)
		r = ERR_LIMIT;
	if (r == 0 && fd >= 0)
		r = attach_fd(ipc, fd);
	if (r != 0) {
		/* Nothing of it has left: the connection stays whole. */
		buf_truncate(&ipc->out, ipc->begun);
		return r;
	}
	at = ipc->out.data + ipc->begun;
	at[0] = (uint8_t)(len >> 24 | (fd >= 0 ? HAS_FD >> 24 : 0));
	at[1] = (uint8_t)(len >> 16);
	at[2] = (uint8_t)(len >> 8);
	at[3] = (uint8_t)len;
	return 0;
}

/* Counts n bytes, and the descriptor that went with them, as sent. */
static void
count_sent(struct ipc *ipc, size_t n, bool with_fd)
{
	if (with_fd) {
		close(ipc->sent_fd[0]);
		ipc->sent_count--;
		memmove(ipc->sent_fd, ipc->sent_fd + 1,
		    ipc->sent_count * sizeof(ipc->sent_fd[0]));
		memmove(ipc->sent_at, ipc->sent_at + 1,
		    ipc->sent_count * sizeof(ipc->sent_at[0]));
	}
	for (unsigned i = 0; i < ipc->sent_count; i++)
		ipc->sent_at[i] -= n;
	buf_consume(&ipc->out, n);
}

/* One sendmsg() of as much as may go at once. */
static ssize_t
send_some(struct ipc *ipc, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	bool with_fd = ipc->sent_count > 0 && ipc->sent_at[0] == 0;
	unsigned next = with_fd ? 1 : 0;
	struct iovec iov = { ipc->out.data, ipc->out.len };
	struct msghdr m;
	struct cmsghdr *c;
	ssize_t n;

	memset(&m, 0, sizeof(m));
	if (next < ipc->sent_count)
		iov.iov_len = ipc->sent_at[next];
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (with_fd) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &ipc->sent_fd[0], sizeof(int));
	}
	if ((n = sendmsg(ipc->fd, &m, flags | MSG_NOSIGNAL)) > 0)
		count_sent(ipc, (size_t)n, with_fd);
	return n;
}

/* Waits until the descriptor is ready. */
static int
wait_for(struct ipc *ipc, short events)
{
	struct pollfd p = { ipc->fd, events, 0 };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return ERR_SYSTEM;
	return 0;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

static int
code_of_failure(void)
{
	return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM;
}

int
ipc_flush(struct ipc *ipc)
{
	int r;

	while (ipc->error == 0 && ipc->out.len > 0) {
		if (send_some(ipc, 0) >= 0 || errno == EINTR)
			continue;
		if (!would_block())
			return code_of_failure();
		if ((r = wait_for(ipc, POLLOUT)) != 0)
			return r;
	}
	return ipc->error;
}

int
ipc_drain(struct ipc *ipc)
{
	while (ipc->error == 0 && ipc->out.len > 0) {
		if (send_some(ipc, MSG_DONTWAIT) >= 0 || errno == EINTR)
			continue;
		return would_block() ? 0 : code_of_failure();
	}
	return ipc->error;
}

bool
ipc_has_output(const struct ipc *ipc)
{
	return ipc->out.len > 0;
}

/* ---- receiving ---- */

struct frame {
	size_t size; /* with its header */
	bool has_fd;
};

/*
 * What lies at an offset of `in`: 1 a whole frame, 0 part of one (ret->size
 * is then as much as is known to be needed), ERR_LIMIT, ERR_FORMAT.
 */
static int
frame_at(const struct ipc *ipc, size_t at, struct frame *ret)
{
	size_t have = ipc->in.len - at;
	struct reader r;
	uint32_t word;
	size_t len;

	ret->size = HEADER_SIZE;
	ret->has_fd = false;
	if (have < HEADER_SIZE)
		return 0;
	r = reader_of(span_of(ipc->in.data + at, have));
	word = read_uint32(&r);
	len = word & ~HAS_FD;
	if (len == 0)
		return ERR_FORMAT;
	if (len > ipc->message_max)
		return ERR_LIMIT;
	ret->size = 4 + len;
	ret->has_fd = (word & HAS_FD) != 0;
	return have >= ret->size;
}

/*
 * How many bytes to read next: 0 when a message must be taken first, or a
 * negative code. Memory grows with what was received, not with what a
 * length announces.
 */
static ssize_t
room_to_read(const struct ipc *ipc)
{
	struct frame frame;
	size_t at = 0;
	size_t missing, most;
	int r;

	while ((r = frame_at(ipc, at, &frame)) == 1) {
		if (frame.has_fd && ipc->received_fd >= 0)
			return 0;
		at += frame.size;
	}
	if (r < 0)
		return r;
	missing = frame.size - (ipc->in.len - at);
	if (ipc->received_fd >= 0) {
		/* It came with a byte of the message that lies here. */
		if (missing == HEADER_SIZE)
			return ERR_FORMAT;
		return (ssize_t)(missing < READ_CHUNK ? missing : READ_CHUNK);
	}
	if (at > ipc->message_max)
		return 0;
	most = ipc->in.len > READ_CHUNK ? ipc->in.len : READ_CHUNK;
	if (missing < READ_CHUNK)
		missing = READ_CHUNK;
	return (ssize_t)(missing < most ? missing : most);
}

/* Keeps the descriptor of a control message, if there is exactly one. */
static int
take_fds(struct ipc *ipc, struct msghdr *m)
{
	int r = (m->msg_flags & MSG_CTRUNC) != 0 ? ERR_FORMAT : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* Alignment leaves space for more than one. */
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (ipc->received_fd < 0) {
				ipc->received_fd = fd;
			} else {
				close(fd);
				r = ERR_FORMAT;
			}
		}
	}
	return r;
}

/* One recvmsg() of at most `room` bytes. ERR_CLOSED at the end; errno is
 * set with ERR_SYSTEM. */
static ssize_t
receive_some(struct ipc *ipc, size_t room, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf_reserve(&ipc->in, room), room };
	struct msghdr m;
	ssize_t n;
	int r;

	if (iov.iov_base == NULL)
		return die(ipc, buf_error(&ipc->in));
	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control.bytes;
	m.msg_controllen = sizeof(control.bytes);
	if ((n = recvmsg(ipc->fd, &m, flags | MSG_CMSG_CLOEXEC)) < 0)
		return errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM;
	if ((r = take_fds(ipc, &m)) != 0)
		return die(ipc, r);
	if (n == 0)
		return ERR_CLOSED;
	buf_extend(&ipc->in, (size_t)n);
	return n;
}

/* Gives up the message that was lent last. */
static void
drop_taken(struct ipc *ipc)
{
	buf_consume(&ipc->in, ipc->taken);
	ipc->taken = 0;
}

int
ipc_fill(struct ipc *ipc)
{
	bool progress = false;
	ssize_t room, n;

	if (ipc->error != 0)
		return ipc->error;
	drop_taken(ipc);
	for (;;) {
		if ((room = room_to_read(ipc)) < 0)
			return die(ipc, (int)room);
		if (room == 0)
			return 0;
		n = receive_some(ipc, (size_t)room, MSG_DONTWAIT);
		if (n > 0 && n < room)
			return 0;
		if (n > 0) {
			progress = true;
			continue;
		}
		if (n == ERR_SYSTEM && errno == EINTR)
			continue;
		if (n == ERR_SYSTEM && would_block())
			return 0;
		/* The end is told once what came before it was had. */
		return n == ERR_CLOSED && progress ? 0 : (int)n;
	}
}

int
ipc_next(struct ipc *ipc, struct ipc_message *ret_message)
{
	struct frame frame;
	int r;

	if (ipc->error != 0)
		return ipc->error;
	if ((r = frame_at(ipc, ipc->taken, &frame)) < 0)
		return die(ipc, r);
	if (r == 0)
		return 0;
	if (frame.has_fd && ipc->received_fd < 0)
		return die(ipc, ERR_FORMAT);
	ret_message->type = ipc->in.data[ipc->taken + 4];
	ret_message->body = span_of(
	    ipc->in.data + ipc->taken + HEADER_SIZE, frame.size - HEADER_SIZE);
	ret_message->fd = -1;
	if (frame.has_fd) {
		ret_message->fd = ipc->received_fd;
		ipc->received_fd = -1;
	}
	ipc->taken += frame.size;
	return 1;
}

int
ipc_receive(struct ipc *ipc, struct ipc_message *ret_message)
{
	ssize_t room, n;
	int r;

	while ((r = ipc_next(ipc, ret_message)) == 0) {
		drop_taken(ipc);
		if ((room = room_to_read(ipc)) < 0)
			return die(ipc, (int)room);
		n = receive_some(ipc, (size_t)room, 0);
		if (n >= 0 || (n == ERR_SYSTEM && errno == EINTR))
			continue;
		if (n != ERR_SYSTEM || !would_block())
			return (int)n;
		if ((r = wait_for(ipc, POLLIN)) != 0)
			return r;
	}
	return r < 0 ? r : 0;
}

int
ipc_receive_until(struct ipc *ipc, uint64_t deadline_us, size_t unsent_max,
    struct ipc_message *ret_message)
{
	struct pollfd p = { ipc->fd, 0, 0 };
	int r, timeout_ms = -1;

	for (;;) {
		if ((r = ipc_drain(ipc)) != 0)
			return r;
		if (ipc->out.len > unsent_max)
			return die(ipc, ERR_LIMIT);
		if (deadline_us != UINT64_MAX) {
			uint64_t now = time_monotonic_us();

			if (now >= deadline_us)
				return ERR_TIMEOUT;
			timeout_ms = (int)((deadline_us - now) / 1000 + 1);
		}
		if ((r = ipc_next(ipc, ret_message)) != 0)
			return r < 0 ? r : 0;
		p.events = POLLIN;
		if (ipc_has_output(ipc))
			p.events |= POLLOUT;
		p.revents = 0;
		if (poll(&p, 1, timeout_ms) < 0 && errno != EINTR)
			return ERR_SYSTEM;
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
		    (r = ipc_fill(ipc)) != 0)
			return r;
	}
}
