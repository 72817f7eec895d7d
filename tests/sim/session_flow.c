/*
 * session_flow.c - channels in both directions: every byte follows from a
 * number that goes with the open, and is compared as it comes.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/sim/session.h"

/* ---- tapes ---- */

static uint8_t
tape_byte(struct tape *t)
{
	uint8_t byte;

	if (t->have == 0) {
		t->word = chance_next(&t->chance);
		t->have = 8;
	}
	byte = (uint8_t)t->word;
	t->word >>= 8;
	t->have--;
	t->left--;
	return byte;
}

static struct tape
tape_of(struct chance *c, uint64_t max)
{
	struct tape t = { .chance = chance_fork(c) };

	t.left = chance_size(c, 0, max);
	return t;
}

/* Is this what the other side's tape says? */
static bool
compare(struct flow *f, enum channel_stream stream, struct span data)
{
	struct tape *t = &f->in[stream];

	for (size_t i = 0; i < data.len; i++)
		if (t->left == 0 || tape_byte(t) != data.ptr[i])
			return false;
	return true;
}

/* ---- a flow ---- */

static struct flow *
flow_new(struct session_side *s)
{
	for (size_t i = 0; i < SESSION_FLOWS_MAX; i++)
		if (s->flow[i].c == NULL) {
			memset(&s->flow[i], 0, sizeof(s->flow[i]));
			s->flow[i].side = s;
			return &s->flow[i];
		}
	return NULL;
}

/* What both sides know from the number in the open. */
static void
flow_plan(struct flow *f, uint64_t number, uint64_t max, bool ours)
{
	struct chance c = { number };
	struct tape tape[4];
	bool opener_cuts;

	for (int i = 0; i < 4; i++)
		tape[i] = tape_of(&c, max);
	f->ours = ours;
	memcpy(f->out, &tape[ours ? 0 : 2], sizeof(f->out));
	memcpy(f->in, &tape[ours ? 2 : 0], sizeof(f->in));
	f->cut = chance_percent(&c, 20);
	opener_cuts = chance_percent(&c, 50);
	f->we_cut = f->cut && opener_cuts == ours;
	f->cut_after = chance_size(&c, 0, max);
	f->waits_for_close =
	    chance_percent(&c, 50) && chance_percent(&c, 50) == ours;
}

static bool
flow_is_complete(const struct flow *f)
{
	return f->got_eof && f->in[0].left == 0 && f->in[1].left == 0;
}

static void
flow_end(struct flow *f)
{
	if (!f->cut && !f->refused && !flow_is_complete(f))
		IGNORE_RESULT(
		    session_wrong(f->side, "a close before the end") != 0);
	if (f->closed)
		channel_release(f->c);
	f->c = NULL;
}

/* ---- callbacks ---- */

static void
on_open(struct channel *c, void *context)
{
	((struct flow *)context)->open = true;
}

static void
on_open_failed(
    struct channel *c, uint32_t reason, struct span text, void *context)
{
	struct flow *f = context;

	if (!f->refused || reason != SSH_OPEN_ADMINISTRATIVELY_PROHIBITED ||
	    !span_is(text, "no"))
		IGNORE_RESULT(
		    session_wrong(f->side, "a refusal without cause") != 0);
	f->c = NULL;
}

static size_t
on_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	struct flow *f = context;
	struct chance *chance = &f->side->chance;
	size_t n = data.len;

	if (chance_percent(chance, f->side->lazy_percent))
		n = (size_t)chance_below(chance, data.len + 1);
	if (!compare(f, stream, span_of(data.ptr, n)))
		IGNORE_RESULT(session_wrong(f->side, "other bytes") != 0);
	return n;
}

static void
on_eof(struct channel *c, void *context)
{
	struct flow *f = context;

	if (f->got_eof)
		IGNORE_RESULT(session_wrong(f->side, "a second EOF") != 0);
	f->got_eof = true;
}

/* Tells how much was sent when it was sent, and so whether order holds. */
static bool
on_request(struct channel *c, struct span type, struct reader *r,
    bool want_reply, void *context)
{
	struct flow *f = context;
	uint64_t sent = read_uint64(r);
	uint32_t number = read_uint32(r);

	if (read_end(r) != 0 || !span_is(type, "mark@sim") ||
	    (sent != channel_bytes_in(c) && !channel_close_sent(c)))
		IGNORE_RESULT(
		    session_wrong(f->side, "a request out of order") != 0);
	return number % 3 != 0;
}

static void
on_mark_reply(struct channel *c, bool success, void *context)
{
	struct flow *f = context;
	bool expected;

	if (f->expected_count == 0) {
		IGNORE_RESULT(session_wrong(f->side, "an extra reply") != 0);
		return;
	}
	expected = f->expected[f->expected_first];
	f->expected_first = (f->expected_first + 1) % SESSION_MARKS;
	f->expected_count--;
	/* A close answers all that is open with a failure. */
	if (success && !expected)
		IGNORE_RESULT(session_wrong(f->side, "a wrong reply") != 0);
}

static void
on_closed(struct channel *c, void *context)
{
	struct flow *f = context;

	f->closed = true;
	f->open = false;
	channel_linger(c); /* the queue is consumed in turns */
}

static const struct channel_handlers flow_handlers = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_request = on_request,
	.on_closed = on_closed,
};

static bool
on_channel_open(struct connection *k, struct channel *c, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct session_side *s = context;
	uint64_t number = read_uint64(r);
	uint64_t max = read_uint64(r);
	struct flow *f;

	if (read_end(r) != 0 || span_is(type, "refuse@sim") ||
	    (f = flow_new(s)) == NULL) {
		*ret_reason = SSH_OPEN_ADMINISTRATIVELY_PROHIBITED;
		*ret_text = "no";
		return false;
	}
	flow_plan(f, number, max, false);
	f->c = c;
	f->open = true;
	channel_set_handlers(c, &flow_handlers, f);
	return true;
}

static bool
on_global_request(struct connection *k, struct span type, struct reader *r,
    bool want_reply, struct buf *reply, void *context)
{
	uint32_t number = read_uint32(r);

	write_uint32(reply, number + 1);
	return read_end(r) == 0 && span_is(type, "ask@sim");
}

static void
on_global_reply(
    struct connection *k, bool success, struct reader *r, void *context)
{
	struct session_side *s = context;

	if (!success || read_uint32(r) != s->globals_awaited + 1 ||
	    read_end(r) != 0)
		IGNORE_RESULT(session_wrong(s, "a wrong global reply") != 0);
	s->globals_awaited--;
}

/* ---- work ---- */

int
session_flow_start(struct session_side *s)
{
	struct connection_handlers h = {
		.on_channel_open = on_channel_open,
		.on_global_request = on_global_request,
		.context = s,
	};
	int r;

	if ((r = connection_new(s->end->t, &h, &s->k)) != 0)
		return r;
	s->stage = SESSION_OPEN;
	if (chance_percent(&s->chance, 30))
		connection_set_window_max(
		    s->k, (uint32_t)chance_size(&s->chance, 0, 4194304));
	return 0;
}

static int
open_one(struct session_side *s)
{
	uint64_t number = chance_next(&s->chance);
	bool refuse = chance_percent(&s->chance, 10);
	struct flow *f = flow_new(s);
	struct buf *b;

	s->opens_left--;
	if (f == NULL)
		return 0;
	flow_plan(f, number, s->bytes_max, true);
	f->refused = refuse;
	b = channel_open_begin(s->k, refuse ? "refuse@sim" : "flow@sim",
	    (uint32_t)chance_size(&s->chance, 1, 2097152), &f->c);
	if (b == NULL)
		return ERR_MEMORY;
	channel_set_handlers(f->c, &flow_handlers, f);
	write_uint64(b, number);
	write_uint64(b, s->bytes_max);
	return channel_open_end(f->c);
}

static int
send_mark(struct flow *f)
{
	bool want = chance_percent(&f->side->chance, 50) &&
		    f->expected_count < SESSION_MARKS;
	struct buf *b = channel_request_begin(f->c, "mark@sim", want);

	write_uint64(b, f->sent);
	write_uint32(b, ++f->marks);
	if (want) {
		unsigned at = f->expected_first + f->expected_count++;

		f->expected[at % SESSION_MARKS] = f->marks % 3 != 0;
	}
	return channel_request_end(f->c, want ? on_mark_reply : NULL, f);
}

/* A packet of a tape, if there is room. */
static int
send_packet(struct flow *f, int stream)
{
	struct tape *t = &f->out[stream];
	size_t want = (size_t)chance_size(&f->side->chance, 1, 140000), len;
	uint8_t *room;

	if (want > t->left)
		want = (size_t)t->left;
	room = want == 0 ? NULL
			 : channel_write_begin(
			       f->c, (enum channel_stream)stream, want, &len);
	if (room == NULL)
		return 0;
	for (size_t i = 0; i < len; i++)
		room[i] = tape_byte(t);
	f->sent += len;
	return channel_write_commit(f->c, len);
}

static int
send_some(struct flow *f)
{
	struct chance *c = &f->side->chance;
	int r = 0;

	if (channel_close_sent(f->c))
		return 0;
	if (f->we_cut && f->sent >= f->cut_after)
		return channel_close(f->c);
	for (int n = 1 + (int)chance_below(c, 6); r == 0 && n > 0; n--) {
		uint64_t before = f->sent;

		r = send_packet(f, (int)chance_below(c, 2));
		if (r == 0 && f->sent != before && chance_percent(c, 10))
			r = send_mark(f);
	}
	if (r == 0 && f->out[0].left == 0 && f->out[1].left == 0)
		r = channel_send_eof(f->c);
	if (r == 0 && channel_eof_sent(f->c) && flow_is_complete(f) &&
	    !f->waits_for_close)
		r = channel_close(f->c);
	return r;
}

static int
consume_some(struct flow *f)
{
	struct chance *c = &f->side->chance;
	int r = 0;

	for (int i = 0; i < CHANNEL_STREAM_STDERR + 1 && r == 0; i++) {
		enum channel_stream s = (enum channel_stream)i;
		struct span front = channel_queued(f->c, s);

		if (front.len == 0 || chance_percent(c, 30))
			continue;
		front.len = (size_t)chance_size(c, 1, front.len);
		if (!compare(f, s, front))
			return session_wrong(f->side, "other queued bytes");
		r = channel_consumed(f->c, s, front.len);
	}
	return r;
}

static bool
has_queue(const struct flow *f)
{
	return channel_queued(f->c, CHANNEL_STREAM_DATA).len +
		   channel_queued(f->c, CHANNEL_STREAM_STDERR).len >
	       0;
}

static int
flow_turn(struct flow *f, bool *work)
{
	int r = 0;

	if (f->open)
		r = send_some(f);
	if (r == 0)
		r = consume_some(f);
	if (r != 0)
		return r;
	if (f->closed && !has_queue(f)) {
		flow_end(f);
		return 0;
	}
	*work = *work || has_queue(f) || (f->open && channel_room(f->c) > 0) ||
		(f->open && flow_is_complete(f) && !channel_close_sent(f->c) &&
		    !f->waits_for_close);
	return 0;
}

static int
ask_global(struct session_side *s)
{
	struct buf *b = connection_request_begin(s->k, "ask@sim", true);

	s->globals_left--;
	write_uint32(b, ++s->globals_awaited);
	return connection_request_end(s->k, on_global_reply, s);
}

int
session_flow_turn(struct session_side *s, bool *ret_work)
{
	struct chance *c = &s->chance;
	int r = 0;

	if (s->opens_left > 0 && chance_percent(c, 50))
		r = open_one(s);
	if (r == 0 && s->globals_left > 0 && s->globals_awaited == 0 &&
	    chance_percent(c, 20))
		r = ask_global(s);
	for (size_t i = 0; i < SESSION_FLOWS_MAX && r == 0; i++)
		if (s->flow[i].c != NULL)
			r = flow_turn(&s->flow[i], ret_work);
	*ret_work = *ret_work || s->opens_left > 0 || s->globals_left > 0;
	return r;
}

bool
session_flow_is_done(const struct session_side *s)
{
	for (size_t i = 0; i < SESSION_FLOWS_MAX; i++)
		if (s->flow[i].c != NULL)
			return false;
	return s->opens_left == 0 && s->globals_left == 0 &&
	       s->globals_awaited == 0 && connection_channel_count(s->k) == 0;
}
