/*
 * channel_data.c - data both ways, and the windows. RFC 4254 s5.2.
 */
#include <string.h>

#include "common/channel/connection_impl.h"

#define WINDOW_FLOOR (64u * 1024)
#define BUDGET_SHARES                                                          \
	16 /* a new window takes at most this part of what                     \
	    * is left of the connection's total */

/* ---- sending ---- */

size_t
channel_room(const struct channel *c)
{
	struct transport *t = c->k->t;

	if (c->state != CHANNEL_OPEN || c->eof_sent || c->close_sent)
		return 0;
	if (c->peer_packet_max == 0 || !transport_can_send(t) ||
	    transport_pending_bytes(t) >= TRANSPORT_PENDING_HIGH)
		return 0;
	return c->peer_window;
}

/* How much of `want` one packet takes. */
static size_t
packet_room(const struct channel *c, size_t want)
{
	size_t room = channel_room(c);

	if (room > want)
		room = want;
	if (room > c->peer_packet_max)
		room = c->peer_packet_max;
	return room < CHANNEL_PACKET_MAX ? room : CHANNEL_PACKET_MAX;
}

static uint8_t
data_message(enum channel_stream stream)
{
	return stream == CHANNEL_STREAM_DATA ? SSH_MSG_CHANNEL_DATA
					     : SSH_MSG_CHANNEL_EXTENDED_DATA;
}

/* Bytes of fields between the type and the data. */
static size_t
data_head(enum channel_stream stream)
{
	return stream == CHANNEL_STREAM_DATA ? 8 : 12;
}

/* The fields of a data message in a packet that was begun. */
static void
write_data_head(struct channel *c, enum channel_stream stream, struct buf *b)
{
	write_uint32(b, c->peer_id);
	if (stream == CHANNEL_STREAM_STDERR)
		write_uint32(b, SSH_EXTENDED_DATA_STDERR);
	c->writing = b;
	c->write_mark = write_string_begin(b);
}

uint8_t *
channel_write_begin(
    struct channel *c, enum channel_stream stream, size_t want, size_t *ret_len)
{
	size_t len = packet_room(c, want);
	uint8_t *room;
	struct buf *b;

	if (len == 0)
		return NULL;
	b = transport_begin(c->k->t, data_message(stream));
	write_data_head(c, stream, b);
	c->write_len = len;
	if ((room = buf_reserve(b, len)) == NULL) {
		transport_abandon(c->k->t);
		return NULL;
	}
	*ret_len = len;
	return room;
}

/* Sends the packet with its data in it. */
static int
end_data(struct channel *c, size_t len, bool more)
{
	int r;

	write_string_end(c->writing, c->write_mark);
	r = more ? transport_end_before_reserved(c->k->t)
		 : transport_end(c->k->t);
	if (r != 0)
		return r;
	c->peer_window -= (uint32_t)len;
	c->bytes_out += len;
	return 0;
}

int
channel_write_commit(struct channel *c, size_t used)
{
	if (used == 0 || used > c->write_len) {
		transport_abandon(c->k->t);
		return used == 0 ? 0 : ERR_ARGUMENT;
	}
	buf_extend(c->writing, used);
	return end_data(c, used, false);
}

size_t
channel_read_begin(struct channel *c, enum channel_stream stream,
    struct iovec *ret_room, size_t max)
{
	struct transport *t = c->k->t;
	size_t len, left, count;

	if (max == 0)
		return 0;
	ret_room[0].iov_base =
	    channel_write_begin(c, stream, CHANNEL_PACKET_MAX, &len);
	if (ret_room[0].iov_base == NULL)
		return 0;
	ret_room[0].iov_len = len;
	left = TRANSPORT_PENDING_HIGH - transport_pending_bytes(t);
	if (left > c->peer_window)
		left = c->peer_window;
	/* Packets of the same size, as many as may be pending. */
	count = left / len;
	if (count > max)
		count = max;
	if (count < 2)
		return 1;
	return 1 + transport_reserve(
		       t, data_head(stream), len, ret_room + 1, count - 1);
}

int
channel_read_commit(struct channel *c, enum channel_stream stream,
    const struct iovec *room, size_t used)
{
	size_t len = used < room->iov_len ? used : room->iov_len;
	int r;

	if (len == used)
		return channel_write_commit(c, len);
	buf_extend(c->writing, len);
	r = end_data(c, len, true);
	for (room++, used -= len; r == 0 && used > 0; room++, used -= len) {
		struct buf *b =
		    transport_begin_reserved(c->k->t, data_message(stream));

		len = used < room->iov_len ? used : room->iov_len;
		write_data_head(c, stream, b);
		transport_append(b, span_of(room->iov_base, len));
		r = end_data(c, len, len < used);
	}
	return r;
}

int
channel_write(struct channel *c, enum channel_stream stream, struct span data,
    size_t *ret_taken)
{
	size_t taken = 0, len;
	uint8_t *room;
	int r;

	while (taken < data.len) {
		room = channel_write_begin(c, stream, data.len - taken, &len);
		if (room == NULL)
			break;
		memcpy(room, data.ptr + taken, len);
		if ((r = channel_write_commit(c, len)) != 0)
			return r;
		taken += len;
	}
	*ret_taken = taken;
	return 0;
}

int
on_channel_window_adjust(struct connection *k, struct reader *r)
{
	struct channel *c = channel_find(k, read_uint32(r));
	uint32_t more = read_uint32(r);
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	/* A peer with threads (Paramiko) may grant just after its CLOSE. */
	if (c == NULL || c->state == CHANNEL_LINGERING)
		return 0;
	if (c->state != CHANNEL_OPEN)
		return ERR_CHANNEL;
	if (more > UINT32_MAX - c->peer_window)
		return ERR_WINDOW;
	c->peer_window += more;
	if (c->handlers->on_writable != NULL && channel_room(c) > 0)
		c->handlers->on_writable(c, c->context);
	return 0;
}

/* ---- our windows ---- */

uint32_t
window_commit(struct connection *k, uint32_t wanted)
{
	uint64_t left = k->committed < CHANNEL_TOTAL_MAX
			    ? CHANNEL_TOTAL_MAX - k->committed
			    : 0;
	uint64_t size = left / BUDGET_SHARES;

	if (size > wanted)
		size = wanted;
	if (size < WINDOW_FLOOR)
		size = WINDOW_FLOOR;
	k->committed += size;
	return (uint32_t)size;
}

/* Grows the window if it should, within what the connection may hold. */
static void
follow_path(struct channel *c, size_t n, size_t queued)
{
	struct connection *k = c->k;
	uint32_t size = c->window.size, wanted;
	uint64_t left = k->committed < CHANNEL_TOTAL_MAX
			    ? CHANNEL_TOTAL_MAX - k->committed
			    : 0;

	wanted = window_suggest(&c->window, n, queued, k->now_us, k->rtt_us);
	window_note(&c->window, n, k->now_us, k->rtt_us);
	if (wanted <= size)
		return;
	if (wanted - size > left)
		wanted = size + (uint32_t)left;
	if (wanted == size)
		return;
	k->committed += wanted - size;
	window_resize(&c->window, wanted, k->now_us);
}

static size_t
queued_bytes(const struct channel *c)
{
	return c->queue[CHANNEL_STREAM_DATA].len +
	       c->queue[CHANNEL_STREAM_STDERR].len;
}

/* Grants what is due. */
static int
grant(struct channel *c, uint64_t now_us)
{
	struct connection *k = c->k;
	uint32_t before = c->window.size, more;
	struct buf *b;

	if (c->state != CHANNEL_OPEN || c->close_sent || c->eof_received)
		return 0;
	more = window_grant(&c->window, queued_bytes(c), now_us);
	k->committed -= before - c->window.size;
	if (more == 0)
		return 0;
	b = transport_begin(k->t, SSH_MSG_CHANNEL_WINDOW_ADJUST);
	write_uint32(b, c->peer_id);
	write_uint32(b, more);
	return transport_end(k->t);
}

/* ---- receiving ---- */

/* Hands data to the owner; what it does not take is queued. */
static int
deliver(struct channel *c, enum channel_stream s, struct span data)
{
	size_t taken = 0;

	if (c->discard[s])
		return 0;
	if (c->queue[s].len == 0 && c->handlers->on_data != NULL)
		taken = c->handlers->on_data(c, s, data, c->context);
	if (c->k->doomed || c->discard[s] || taken >= data.len)
		return 0;
	return byte_queue_append(
	    &c->queue[s], span_of(data.ptr + taken, data.len - taken));
}

/* s CHANNEL_STREAMS: a kind of data that nobody knows. */
static int
receive(struct channel *c, unsigned s, struct span data)
{
	int r;

	if (c->eof_received)
		return ERR_UNEXPECTED;
	if (data.len > CHANNEL_PACKET_MAX)
		return ERR_LIMIT;
	if ((r = window_receive(&c->window, data.len)) != 0)
		return r;
	c->bytes_in += data.len;
	if (c->close_sent || data.len == 0)
		return 0;
	follow_path(c, data.len, queued_bytes(c));
	if (s < CHANNEL_STREAMS &&
	    (r = deliver(c, (enum channel_stream)s, data)) != 0)
		return r;
	return c->k->doomed ? 0 : grant(c, c->k->now_us);
}

int
on_channel_data(struct connection *k, struct reader *r)
{
	struct channel *c = channel_find(k, read_uint32(r));
	struct span data = read_string(r);
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL || c->state != CHANNEL_OPEN)
		return ERR_CHANNEL;
	return receive(c, CHANNEL_STREAM_DATA, data);
}

int
on_channel_extended_data(struct connection *k, struct reader *r)
{
	struct channel *c = channel_find(k, read_uint32(r));
	uint32_t kind = read_uint32(r);
	struct span data = read_string(r);
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL || c->state != CHANNEL_OPEN)
		return ERR_CHANNEL;
	return receive(c,
	    kind == SSH_EXTENDED_DATA_STDERR ? CHANNEL_STREAM_STDERR
					     : CHANNEL_STREAMS,
	    data);
}

struct span
channel_queued(const struct channel *c, enum channel_stream s)
{
	return byte_queue_front(&c->queue[s]);
}

int
channel_consumed_at(
    struct channel *c, enum channel_stream s, size_t n, uint64_t now_us)
{
	byte_queue_consume(&c->queue[s], n);
	return grant(c, now_us);
}

int
channel_consumed(struct channel *c, enum channel_stream s, size_t n)
{
	return channel_consumed_at(c, s, n, c->k->depth > 0 ? c->k->now_us : 0);
}

void
channel_discard(struct channel *c, enum channel_stream s)
{
	c->discard[s] = true;
	/* A failure is the transport's, and its next user sees it too. */
	IGNORE_RESULT(channel_consumed(c, s, c->queue[s].len) != 0);
}
