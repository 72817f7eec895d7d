/*
 * stream_input.c - descriptors read into packets; streams take turns.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/channel/stream_impl.h"

/* While an interactive stream is there, bulk leaves less in front of its
 * next key: what is composed goes out in order. */
#define PENDING_BESIDE_INTERACTIVE (128u * 1024)

#define REFILL_PART 16

/* Then the loop looks at everything else: compressed data can be long in
 * filling the output. */
#define ROUNDS_MAX 16

#define PACKETS_MAX 16 /* by one read, of a stream that is alone */

#define TTY_PACKET   (32u * 1024) /* a terminal gives little at a time */
#define TTY_MORE     512          /* after less than that comes no more */
#define FILTER_CHUNK (8u * 1024)

/* ---- one packet of input ---- */

/* All inputs have ended: tells the peer, once. */
static void
check_input_end(struct stream *s)
{
	if (s->input_ended || s->in[0].open || s->in[1].open ||
	    s->filtered.len > 0)
		return;
	s->input_ended = true;
	/* A failure is the transport's, and its next user sees it too. */
	if (s->c != NULL && !s->closed && !s->config.holds_eof)
		IGNORE_RESULT(channel_send_eof(s->c) != 0);
	if (s->config.on_input_end != NULL)
		s->config.on_input_end(s, s->config.context);
}

void
stream_input_stop(struct stream *s)
{
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		if (s->in[i].open)
			stream_end_close(&s->in[i]);
	byte_queue_clear(&s->filtered);
	check_input_end(s);
}

/* What read(2) said. The number of bytes that can be sent. */
static size_t
judge(struct stream_end *in, ssize_t n)
{
	if (n > 0)
		return (size_t)n;
	in->ready = false;
	/* The master of a pty gives EIO when the last slave has closed: any
	 * other error ends the input as well. */
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		stream_end_close(in);
	return 0;
}

/* Reads a terminal straight into a packet. */
static void
read_terminal(
    struct stream *s, struct stream_end *in, enum channel_stream which)
{
	size_t len, used = 0, n;
	uint8_t *room;

	if ((room = channel_write_begin(s->c, which, TTY_PACKET, &len)) ==
	    NULL) {
		in->ready = false; /* watched again when there is room */
		return;
	}
	do {
		n = judge(in, descriptor_read(&in->d, room + used, len - used));
		used += n;
	} while (n >= TTY_MORE && used < len);
	if (used < len)
		in->ready = false; /* it is empty now */
	if (channel_write_commit(s->c, used) != 0 && in->open)
		stream_end_close(in); /* the transport has failed */
}

/*
 * Reads straight into packets. One read of all that may be pending: who writes
 * into the pipe is woken by the first read of a full one, and would fight for
 * the pipe's lock with the others.
 */
static void
read_packets(struct stream *s, struct stream_end *in, enum channel_stream which)
{
	struct iovec room[PACKETS_MAX];
	size_t max = list_is_empty(&s->group->ready) ? PACKETS_MAX : 1;
	size_t count = channel_read_begin(s->c, which, room, max), used,
	       len = 0;

	if (count == 0) {
		in->ready = false; /* watched again when there is room */
		return;
	}
	for (size_t i = 0; i < count; i++)
		len += room[i].iov_len;
	used = judge(in, descriptor_readv(&in->d, room, count));
	/* Less than was asked for: a pipe is empty now. */
	if (used < len)
		in->ready = false;
	if (channel_read_commit(s->c, which, room, used) != 0 && in->open)
		stream_end_close(in); /* the transport has failed */
}

/* Sends what the filter gave earlier. */
static void
send_filtered(struct stream *s)
{
	while (s->filtered.len > 0) {
		size_t taken = 0;
		int r = channel_write(s->c, CHANNEL_STREAM_DATA,
		    byte_queue_front(&s->filtered), &taken);

		byte_queue_consume(&s->filtered, taken);
		if (r != 0 || taken == 0)
			return;
	}
}

/* Input that is changed on its way is short (keys): it is read apart, and
 * waits in a queue of its own when there is no room. */
static void
read_filtered(struct stream *s, struct stream_end *in)
{
	uint8_t bytes[FILTER_CHUNK + STREAM_FILTER_HEADROOM];
	size_t n;

	send_filtered(s);
	if (s->filtered.len > 0) {
		in->ready = false;
		return;
	}
	n = judge(in, descriptor_read(&in->d, bytes, FILTER_CHUNK));
	if (n == 0)
		return;
	/* The terminal is empty now: asking it costs more than being told. */
	if (n < FILTER_CHUNK)
		in->ready = false;
	n = s->config.filter(s, bytes, n, sizeof(bytes), s->config.context);
	if (s->dead || s->c == NULL || n > sizeof(bytes))
		return;
	if (byte_queue_append(&s->filtered, span_of(bytes, n)) != 0)
		stream_end_close(in);
	else
		send_filtered(s);
}

static void
read_input(struct stream *s, int which)
{
	struct stream_end *in = &s->in[which];

	if (!in->open || !in->ready || s->c == NULL || s->paused)
		return;
	if (which == CHANNEL_STREAM_DATA && s->config.filter != NULL)
		read_filtered(s, in);
	else if (in->d.is_tty)
		read_terminal(s, in, (enum channel_stream)which);
	else
		read_packets(s, in, (enum channel_stream)which);
}

/* A packet of each input that is ready. Out of the list of ready streams
 * goes the one that has no more. */
static void
take_turn(struct stream *s)
{
	bool more = false;

	stream_enter(s);
	if (s->c != NULL)
		send_filtered(s);
	for (int i = 0; i < CHANNEL_STREAMS && !s->dead; i++) {
		read_input(s, i);
		more = more || (s->in[i].open && s->in[i].ready);
	}
	if (s->paused || s->c == NULL)
		more = false;
	if (!more && !s->dead) {
		list_remove(&s->ready_link);
		s->in[0].ready = s->in[1].ready = false;
		check_input_end(s);
	}
	if (!s->dead)
		stream_check_output_end(s);
	stream_leave(s);
}

/* ---- the group's turn ---- */

static void
group_destroy(struct stream_group *g)
{
	if (g->k != NULL) {
		g->k->on_freed = NULL;
		g->k->attached = NULL;
	}
	free(g);
}

/* Once full, the output is filled again when nearly all of it has left: who
 * writes our input then has its turn meanwhile, and both ends of the pipe
 * work in long turns instead of waking each other for every packet. */
static bool
has_room(struct stream_group *g)
{
	size_t limit = g->interactive > 0 ? PENDING_BESIDE_INTERACTIVE
					  : TRANSPORT_PENDING_HIGH;
	size_t pending;

	if (g->k == NULL)
		return false;
	pending = transport_pending_bytes(g->k->t);
	if (pending >= limit)
		g->full = true;
	else if (pending <= limit / REFILL_PART)
		g->full = false;
	return !g->full;
}

/* Each stream of the list once. */
static void
run_round(struct stream_group *g, struct list *ready, bool limited)
{
	struct list again;

	list_init(&again);
	while (!list_is_empty(ready) && (!limited || has_room(g))) {
		struct stream *s =
		    list_entry(ready->next, struct stream, ready_link);

		list_remove(&s->ready_link);
		list_add_last(&again, &s->ready_link);
		take_turn(s);
	}
	/* They go behind those that had no turn in this round. */
	while (!list_is_empty(&again)) {
		struct list *link = again.next;

		list_remove(link);
		list_add_last(ready, link);
	}
}

static void
group_run(void *context)
{
	struct stream_group *g = context;

	g->scheduled = false;
	if (g->dead) {
		group_destroy(g);
		return;
	}
	g->scheduled = true; /* keeps g while streams go */
	for (int i = 0; i < ROUNDS_MAX && !g->dead; i++) {
		run_round(g, &g->ready_first, false);
		run_round(g, &g->ready, true);
		if (list_is_empty(&g->ready) || !has_room(g))
			break;
	}
	g->scheduled = false;
	if (g->dead)
		group_destroy(g);
}

static void
group_schedule(struct stream_group *g)
{
	if (!g->scheduled && loop_defer(g->loop, group_run, g) == 0)
		g->scheduled = true;
}

void
stream_queue_turn(struct stream *s)
{
	struct stream_group *g = s->group;

	if (list_is_empty(&s->ready_link))
		list_add_last(
		    s->config.is_interactive ? &g->ready_first : &g->ready,
		    &s->ready_link);
	group_schedule(g);
}

static void
input_prepare(struct stream *s)
{
	bool room = s->c != NULL && !s->paused && channel_room(s->c) > 0;

	/* Not sent from here: the link has written already. */
	if (room && s->filtered.len > 0) {
		stream_queue_turn(s);
		room = false;
	}
	for (int i = 0; i < CHANNEL_STREAMS; i++) {
		struct stream_end *in = &s->in[i];

		/* One that is ready waits for its turn, not for the loop. */
		if (in->open)
			watch_set(
			    in->watch, room && !in->ready ? WATCH_READ : 0);
	}
}

/* Before each wait: what every stream waits for. The link, which was there
 * first, has written by now. */
static void
group_prepare(void *context)
{
	struct stream_group *g = context;

	list_for_each(link, &g->streams) {
		struct stream *s = list_entry(link, struct stream, link);

		input_prepare(s);
		stream_output_prepare(s);
	}
	if (!list_is_empty(&g->ready_first) ||
	    (!list_is_empty(&g->ready) && has_room(g)))
		group_schedule(g);
}

void
stream_on_readable(struct watch *w, unsigned ready, void *context)
{
	struct stream_end *in = context;

	in->ready = true;
	stream_queue_turn(in->s);
}

/* ---- membership ---- */

static void
on_connection_freed(void *context)
{
	struct stream_group *g = context;

	g->k = NULL;
}

static struct stream_group *
group_new(struct loop *loop, struct connection *k)
{
	struct stream_group *g = calloc(1, sizeof(*g));

	if (g == NULL || loop_add_prepare(loop, group_prepare, g) != 0) {
		free(g);
		return NULL;
	}
	g->loop = loop;
	g->k = k;
	list_init(&g->streams);
	list_init(&g->ready);
	list_init(&g->ready_first);
	k->on_freed = on_connection_freed;
	k->attached = g;
	return g;
}

int
stream_group_join(struct stream *s)
{
	struct connection *k = s->c->k;
	struct stream_group *g = k->attached;

	if (g == NULL && (g = group_new(s->loop, k)) == NULL)
		return ERR_MEMORY;
	s->group = g;
	list_add_last(&g->streams, &s->link);
	g->interactive += s->config.is_interactive;
	return 0;
}

void
stream_group_leave(struct stream *s)
{
	struct stream_group *g = s->group;

	if (g == NULL)
		return;
	list_remove(&s->link);
	list_remove(&s->ready_link);
	g->interactive -= s->config.is_interactive;
	if (!list_is_empty(&g->streams))
		return;
	loop_remove_prepare(g->loop, group_prepare, g);
	if (g->k != NULL) {
		g->k->on_freed = NULL;
		g->k->attached = NULL;
		g->k = NULL;
	}
	if (g->scheduled)
		g->dead = true; /* freed by the run that is to come */
	else
		group_destroy(g);
}
