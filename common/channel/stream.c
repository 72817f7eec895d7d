/*
 * stream.c - a channel's data on descriptors: life and output.
 */
#include "common/channel/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "common/channel/stream_impl.h"

#define IOV_COUNT 16
#define DRAIN_MAX (2u * 1024 * 1024) /* of one stream in one turn */
#define HOLD_US   2000               /* then a full descriptor is a slow one */

/* ---- ends ---- */

/* Does another end use the same descriptor (the master of a pty)? */
static bool
is_shared_end(const struct stream_end *end)
{
	const struct stream *s = end->s;

	for (int i = 0; i < CHANNEL_STREAMS; i++) {
		const struct stream_end *in = &s->in[i], *out = &s->out[i];

		if (in != end && in->open && in->d.given == end->d.given)
			return true;
		if (out != end && out->open && out->d.given == end->d.given)
			return true;
	}
	return false;
}

void
stream_end_close(struct stream_end *end)
{
	watch_free(end->watch);
	end->watch = NULL;
	end->open = end->ready = false;
	descriptor_release(
	    &end->d, end->s->config.owns_fds && !is_shared_end(end));
}

static void
end_open(struct stream *s, struct stream_end *end, int fd, bool writing)
{
	descriptor_init(&end->d, fd, s->config.shared_fds, writing);
	end->open = fd >= 0;
}

/* ---- output ---- */

static bool
is_drained(const struct stream *s)
{
	return s->c == NULL ||
	       (s->c->queue[0].len == 0 && s->c->queue[1].len == 0);
}

/* ---- holding the input back ---- */

static void
release_hold(struct stream *s)
{
	if (!s->holds)
		return;
	s->holds = false;
	timer_cancel(s->hold_end);
	if (!s->c->k->doomed)
		transport_hold(s->c->k->t, false);
}

static void
on_hold_end(struct timer *t, void *context)
{
	struct stream *s = context;

	s->slow = true;
	release_hold(s);
}

/* The descriptor did not take everything. */
static void
begin_hold(struct stream *s)
{
	if (s->hold_end == NULL || s->holds || s->slow)
		return;
	s->holds = true;
	transport_hold(s->c->k->t, true);
	timer_set(s->hold_end, HOLD_US);
}

static void
check_drained(struct stream *s)
{
	if (!is_drained(s))
		return;
	release_hold(s);
	s->slow = false;
}

/* ---- the end of the output ---- */

/* The channel has closed and nothing of it is needed any more. */
static void
let_go(struct stream *s)
{
	struct channel *c = s->c;

	if (c == NULL || !s->closed)
		return;
	release_hold(s);
	s->c = NULL;
	c->on_freed = NULL;
	channel_release(c);
}

/* All that the peer will ever send is written out? */
void
stream_check_output_end(struct stream *s)
{
	if (s->output_ended || !is_drained(s) || !(s->peer_eof || s->closed))
		return;
	s->output_ended = true;
	let_go(s);
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		if (s->config.eof_by_closing && s->out[i].open)
			stream_end_close(&s->out[i]);
	if (s->config.on_output_end != NULL)
		s->config.on_output_end(s, s->config.context);
}

/* Nobody reads there any more: what comes is dropped, and the peer is told
 * that it need not send. */
static void
output_failed(struct stream *s, unsigned which, int error)
{
	if (s->output_errno == 0)
		s->output_errno = error;
	stream_end_close(&s->out[which]);
	if (s->c == NULL)
		return;
	channel_discard(s->c, (enum channel_stream)which);
	/* A failure is the transport's, and its next user sees it too. */
	if (which == CHANNEL_STREAM_DATA && !s->closed)
		IGNORE_RESULT(channel_send_eow(s->c) != 0);
}

/* Writes as much as goes; a descriptor that fails has taken everything. */
static size_t
write_out(struct stream *s, unsigned which, struct span data)
{
	struct stream_end *out = &s->out[which];
	size_t done = 0;

	while (done < data.len) {
		struct iovec iov = { (void *)(data.ptr + done),
			data.len - done };
		ssize_t n = descriptor_write(&out->d, &iov, 1);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return done;
		if (n < 0) {
			output_failed(s, which, errno);
			return data.len;
		}
		done += (size_t)n;
	}
	return done;
}

size_t
stream_on_data(struct stream *s, enum channel_stream stream, struct span data)
{
	size_t done;

	if (s->c == NULL || !s->out[stream].open)
		return data.len;
	if ((done = write_out(s, stream, data)) < data.len)
		begin_hold(s);
	return done;
}

/* Writes from the queue until the descriptor is full. */
static void
drain(struct stream *s, unsigned which)
{
	struct stream_end *out = &s->out[which];
	struct byte_queue *q = &s->c->queue[which];
	struct iovec iov[IOV_COUNT];
	size_t done = 0;

	while (out->open && q->len > 0 && done < DRAIN_MAX) {
		ssize_t n = descriptor_write(
		    &out->d, iov, byte_queue_iov(q, iov, IOV_COUNT));

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			output_failed(s, which, errno);
			return;
		}
		done += (size_t)n;
		/* A failure is the transport's, its next user sees it too. */
		IGNORE_RESULT(
		    channel_consumed_at(s->c, (enum channel_stream)which,
			(size_t)n, loop_now_us(s->loop)) != 0);
	}
}

static void
on_writable(struct watch *w, unsigned ready, void *context)
{
	struct stream_end *out = context;
	struct stream *s = out->s;

	stream_enter(s);
	if (s->c != NULL && out->open)
		drain(s, (unsigned)(out - s->out));
	check_drained(s);
	stream_check_output_end(s);
	stream_leave(s);
}

void
stream_output_prepare(struct stream *s)
{
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		if (s->out[i].open)
			watch_set(s->out[i].watch,
			    s->c != NULL && s->c->queue[i].len > 0 ? WATCH_WRITE
								   : 0);
}

void
stream_on_eof(struct stream *s)
{
	stream_enter(s);
	s->peer_eof = true;
	stream_check_output_end(s);
	stream_leave(s);
}

void
stream_on_writable(struct stream *s)
{
	/* Interest is computed before every wait: the turn that brought the
	 * room ends in it. */
}

void
stream_on_eow(struct stream *s)
{
	stream_end_input(s);
}

void
stream_on_close(struct stream *s)
{
	stream_enter(s);
	s->closed = true;
	release_hold(s);
	s->input_ended = true; /* no EOF can be sent */
	stream_input_stop(s);
	if (s->c != NULL && !is_drained(s))
		channel_linger(s->c);
	else
		let_go(s);
	stream_check_output_end(s);
	stream_leave(s);
}

/* ---- input, as the owner sees it ---- */

void
stream_pause_input(struct stream *s, bool paused)
{
	s->paused = paused;
}

void
stream_end_input(struct stream *s)
{
	stream_enter(s);
	stream_input_stop(s);
	stream_leave(s);
}

bool
stream_input_ended(const struct stream *s)
{
	return s->input_ended;
}

bool
stream_has_output(const struct stream *s)
{
	return !is_drained(s);
}

int
stream_output_errno(const struct stream *s)
{
	return s->output_errno;
}

/* ---- life ---- */

static void
on_channel_freed(void *context)
{
	struct stream *s = context;

	release_hold(s);
	s->c = NULL;
}

static void
stream_destroy(struct stream *s)
{
	byte_queue_clear(&s->filtered);
	timer_free(s->hold_end);
	free(s);
}

void
stream_enter(struct stream *s)
{
	s->busy++;
}

void
stream_leave(struct stream *s)
{
	if (--s->busy == 0 && s->dead)
		stream_destroy(s);
}

static int
start_watch(struct stream_end *end, watch_function *fn)
{
	if (!end->open)
		return 0;
	end->watch = watch_new(end->s->loop, end->d.fd, fn, end);
	return end->watch != NULL ? 0 : ERR_MEMORY;
}

static int
open_ends(struct stream *s)
{
	const struct stream_config *f = &s->config;
	int r = 0;

	if (!f->is_interactive &&
	    (s->hold_end = timer_new(s->loop, on_hold_end, s)) == NULL)
		return ERR_MEMORY;
	end_open(s, &s->in[0], f->in_fd, false);
	end_open(s, &s->in[1], f->err_in_fd, false);
	end_open(s, &s->out[0], f->out_fd, true);
	end_open(s, &s->out[1], f->err_out_fd, true);
	for (int i = 0; i < CHANNEL_STREAMS && r == 0; i++) {
		r = start_watch(&s->in[i], stream_on_readable);
		if (r == 0)
			r = start_watch(&s->out[i], on_writable);
	}
	return r;
}

int
stream_new(struct loop *loop, struct channel *c,
    const struct stream_config *config, struct stream **ret)
{
	struct stream *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return ERR_MEMORY;
	s->loop = loop;
	s->c = c;
	s->config = *config;
	list_init(&s->link);
	list_init(&s->ready_link);
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		s->in[i].s = s->out[i].s = s;
	c->on_freed = on_channel_freed;
	c->attached = s;
	if ((r = open_ends(s)) != 0 || (r = stream_group_join(s)) != 0) {
		s->config.owns_fds = false; /* they stay the caller's */
		stream_free(s);
		return r;
	}
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		if (!s->out[i].open)
			channel_discard(c, (enum channel_stream)i);
	/* What the peer sent before there was a stream. */
	s->peer_eof = channel_eof_received(c);
	if (s->peer_eof)
		stream_queue_turn(s);
	*ret = s;
	return 0;
}

void
stream_free(struct stream *s)
{
	if (s == NULL || s->dead)
		return;
	stream_enter(s);
	s->dead = true;
	release_hold(s);
	stream_group_leave(s);
	for (int i = 0; i < CHANNEL_STREAMS; i++) {
		if (s->in[i].open)
			stream_end_close(&s->in[i]);
		if (s->out[i].open)
			stream_end_close(&s->out[i]);
	}
	if (s->c != NULL) {
		s->c->on_freed = NULL;
		channel_release(s->c);
		s->c = NULL;
	}
	stream_leave(s);
}
