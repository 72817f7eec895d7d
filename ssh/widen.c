/*
 * widen.c - further channels for the program that runs us.
 */
#include "ssh/widen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/channel/session.h"
#include "common/channel/stream.h"

#define VARIABLE  "SHEETBEND_WIDEN"
#define LANES_MAX 8

struct lane {
	struct channel *channel; /* NULL once it is gone */
	struct stream *stream;
	int fd;         /* until the stream has it; -1 */
	uint8_t number; /* of the request */
};

static struct widen {
	struct loop *loop;
	struct connection *connection;
	const char *command;
	bool is_subsystem;
	struct watch *watch;
	struct lane lane[LANES_MAX];
	size_t lanes;
} widen;

static int control = -1;

/* ---- the socket ---- */

static bool
leads_to_parent(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int type = 0;
	socklen_t type_size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.pid == getppid();
}

void
widen_take_environment(void)
{
	const char *text = getenv(VARIABLE);
	long long fd;

	if (text != NULL && text_to_int(text, 3, 65535, &fd) &&
	    leads_to_parent((int)fd)) {
		control = (int)fd;
		fcntl(control, F_SETFD, FD_CLOEXEC);
	}
	unsetenv(VARIABLE);
}

bool
widen_is_possible(void)
{
	return control >= 0;
}

static void
answer(uint8_t number, char word)
{
	uint8_t bytes[2] = { number, (uint8_t)word };

	/* The other side may be gone, or not care: then there is nothing
	 * more to do for it. */
	if (control >= 0)
		IGNORE_RESULT(send(control, bytes, sizeof(bytes),
				  MSG_NOSIGNAL | MSG_DONTWAIT) != 2);
}

/* The socket that came with a request; -1: none. *ret_over: no more will. */
static int
receive(bool *ret_over, uint8_t *ret_number)
{
	struct iovec iov = { ret_number, 1 };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary.space,
		.msg_controllen = sizeof(ancillary.space) };
	ssize_t n = recvmsg(control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fd = -1;

	*ret_over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n <= 0 || (c = CMSG_FIRSTHDR(&m)) == NULL ||
	    c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* ---- one channel ---- */

static void
lane_end(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

static bool
start_stream(struct lane *lane)
{
	struct stream_config c = {
		.in_fd = lane->fd,
		.err_in_fd = -1,
		.out_fd = fcntl(lane->fd, F_DUPFD_CLOEXEC, 0),
		.err_out_fd = -1,
		.owns_fds = true,
		.eof_by_closing = true,
		.context = lane,
	};

	if (c.out_fd < 0)
		return false;
	if (stream_new(widen.loop, lane->channel, &c, &lane->stream) != 0) {
		close(c.out_fd);
		return false;
	}
	lane->fd = -1;
	return true;
}

static void
on_started(struct channel *channel, bool success, void *context)
{
	struct lane *lane = context;

	if (lane->fd < 0)
		return;
	if (success && start_stream(lane)) {
		log_debug1("channel %u: one more for the program that runs us",
		    channel_id(channel));
		answer(lane->number, 'y');
		return;
	}
	lane_end(lane);
	answer(lane->number, 'n');
}

static void
on_open(struct channel *channel, void *context)
{
	int r = widen.is_subsystem ? session_send_subsystem(channel,
					 widen.command, on_started, context)
				   : session_send_exec(channel, widen.command,
					 on_started, context);

	if (r != 0)
		on_started(channel, false, context);
}

static void
on_open_failed(
    struct channel *channel, uint32_t reason, struct span text, void *context)
{
	struct lane *lane = context;

	lane->channel = NULL;
	lane_end(lane);
	answer(lane->number, 'n');
}

static size_t
on_data(struct channel *channel, enum channel_stream which, struct span data,
    void *context)
{
	struct lane *lane = context;

	return lane->stream != NULL ? stream_on_data(lane->stream, which, data)
				    : data.len;
}

static void
on_eof(struct channel *channel, void *context)
{
	struct lane *lane = context;

	if (lane->stream != NULL)
		stream_on_eof(lane->stream);
}

static void
on_eow(struct channel *channel, void *context)
{
	struct lane *lane = context;

	if (lane->stream != NULL)
		stream_on_eow(lane->stream);
}

static void
on_writable(struct channel *channel, void *context)
{
	struct lane *lane = context;

	if (lane->stream != NULL)
		stream_on_writable(lane->stream);
}

static void
on_closed(struct channel *channel, void *context)
{
	struct lane *lane = context;

	lane->channel = NULL;
	lane_end(lane);
	if (lane->stream != NULL)
		stream_on_close(lane->stream);
}

static const struct channel_handlers handlers = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_eow = on_eow,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

static void
add_lane(int fd, uint8_t number)
{
	struct lane *lane;

	if (widen.lanes == LANES_MAX) {
		close(fd);
		answer(number, 'n');
		return;
	}
	lane = &widen.lane[widen.lanes++];
	lane->fd = fd;
	lane->number = number;
	if (channel_open_begin(widen.connection, "session",
		CHANNEL_WINDOW_INITIAL, &lane->channel) == NULL) {
		lane_end(lane);
		answer(lane->number, 'n');
		return;
	}
	channel_set_handlers(lane->channel, &handlers, lane);
	if (channel_open_end(lane->channel) != 0) {
		lane->channel = NULL;
		lane_end(lane);
		answer(lane->number, 'n');
	}
}

static void
on_control(struct watch *w, unsigned ready, void *context)
{
	uint8_t number = 0;
	bool is_over;
	int fd = receive(&is_over, &number);

	if (fd >= 0)
		add_lane(fd, number);
	if (!is_over)
		return;
	watch_free(widen.watch);
	widen.watch = NULL;
	close(control);
	control = -1;
}

int
widen_start(struct loop *loop, struct connection *connection,
    const char *command, bool is_subsystem)
{
	if (control < 0 || command == NULL)
		return 0;
	widen.loop = loop;
	widen.connection = connection;
	widen.command = command;
	widen.is_subsystem = is_subsystem;
	widen.watch = watch_new(loop, control, on_control, NULL);
	if (widen.watch == NULL)
		return ERR_MEMORY;
	watch_set(widen.watch, WATCH_READ);
	return 0;
}
