/*
 * socket_channel.c - a channel that stands for a connection.
 */
#include "common/channel/socket_channel.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/channel/stream.h"

struct socket_channel {
	struct loop *loop;
	struct channel *channel; /* NULL once it is gone */
	struct stream *stream;   /* NULL before there is a socket */
	int fd;                  /* owned: open as long as this lives, so that
				  * its number means nothing else */
	bool is_output_over;
	socket_channel_end *on_end;
	void *context;
};

static void
end(struct socket_channel *s)
{
	s->on_end(s->context);
	socket_channel_free(s);
}

static void
close_if_over(struct socket_channel *s)
{
	if (s->channel != NULL && s->is_output_over &&
	    stream_input_ended(s->stream))
		/* What fails here is the transport, whose owner is told. */
		IGNORE_RESULT(channel_close(s->channel));
}

static void
on_input_end(struct stream *stream, void *context)
{
	close_if_over(context);
}

static void
on_output_end(struct stream *stream, void *context)
{
	struct socket_channel *s = context;

	s->is_output_over = true;
	if (s->channel == NULL) {
		end(s);
		return;
	}
	/* A socket whose other end is gone need not be told. */
	IGNORE_RESULT(shutdown(s->fd, SHUT_WR));
	close_if_over(s);
}

void
socket_channel_start(struct socket_channel *s, int fd)
{
	struct stream_config f = {
		.in_fd = fd,
		.err_in_fd = -1,
		.out_fd = fd,
		.err_out_fd = -1,
		.on_input_end = on_input_end,
		.on_output_end = on_output_end,
		.context = s,
	};

	s->fd = fd;
	if (stream_new(s->loop, s->channel, &f, &s->stream) != 0)
		socket_channel_give_up(s);
}

void
socket_channel_give_up(struct socket_channel *s)
{
	IGNORE_RESULT(channel_close(s->channel));
}

/* ---- as the channel's owner ---- */

static void
on_open(struct channel *c, void *context)
{
	struct socket_channel *s = context;

	if (s->fd >= 0)
		socket_channel_start(s, s->fd);
}

static void
on_open_failed(
    struct channel *c, uint32_t reason, struct span text, void *context)
{
	struct socket_channel *s = context;

	s->channel = NULL;
	end(s);
}

static size_t
on_data(struct channel *c, enum channel_stream which, struct span data,
    void *context)
{
	struct socket_channel *s = context;

	return s->stream != NULL ? stream_on_data(s->stream, which, data) : 0;
}

static void
on_eof(struct channel *c, void *context)
{
	struct socket_channel *s = context;

	if (s->stream != NULL)
		stream_on_eof(s->stream);
}

static void
on_eow(struct channel *c, void *context)
{
	struct socket_channel *s = context;

	if (s->stream != NULL)
		stream_on_eow(s->stream);
}

static void
on_writable(struct channel *c, void *context)
{
	struct socket_channel *s = context;

	if (s->stream != NULL)
		stream_on_writable(s->stream);
}

static void
on_closed(struct channel *c, void *context)
{
	struct socket_channel *s = context;
	struct stream *stream = s->stream;
	bool is_output_over = s->is_output_over;

	s->channel = NULL;
	/* Calls on_output_end, now or when the rest is written: the end. */
	if (stream != NULL)
		stream_on_close(stream);
	if (stream == NULL || is_output_over)
		end(s);
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

/* ---- life ---- */

int
socket_channel_new(struct loop *loop, struct channel *c, int fd,
    socket_channel_end *on_end, void *context, struct socket_channel **ret)
{
	struct socket_channel *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_MEMORY;
	s->loop = loop;
	s->channel = c;
	s->fd = fd;
	s->on_end = on_end;
	s->context = context;
	channel_set_handlers(c, &handlers, s);
	*ret = s;
	return 0;
}

void
socket_channel_free(struct socket_channel *s)
{
	if (s == NULL)
		return;
	stream_free(s->stream);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
