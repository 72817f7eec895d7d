/*
 * widen.c - further channels for the program that runs us.
 */
#include "ssh/widen.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/channel/session.h"
#include "common/channel/stream.h"
#include "ssh/parent.h"

struct lane {
	struct channel *channel; /* NULL once it is gone */
	struct stream *stream;
	int fd;         /* until the stream has it; -1 */
	uint32_t number; /* of the request */
};

static struct widen {
	struct loop *loop;
	struct connection *connection;
	const char *command;
	bool is_subsystem;
	struct lane lane[DIRECT_CHANNELS_MAX];
	size_t lanes;
} widen;

static void
answer(uint32_t number, uint8_t word)
{
	parent_tell(DIRECT_CHANNEL, number, word);
}

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

void
widen_add(int fd, uint32_t number)
{
	struct lane *lane;

	if (widen.connection == NULL || widen.lanes == DIRECT_CHANNELS_MAX) {
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

void
widen_start(struct loop *loop, struct connection *connection,
    const char *command, bool is_subsystem)
{
	widen.loop = loop;
	widen.connection = connection;
	widen.command = command;
	widen.is_subsystem = is_subsystem;
}
