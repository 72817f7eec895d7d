/*
 * channel_test.c - two connections against each other over real transports,
 * and one against messages by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/channel/channel.h"
#include "common/channel/session.h"
#include "tests/unit/pair.h"
#include "tests/unit/unit.h"

/* What happened to one channel of one side. */
struct seen {
	struct channel *c;
	unsigned opened, open_failed, eofs, eows, closed, writable, requests;
	uint32_t reason;
	char text[64];
	char request[64];
	bool wanted_reply;
	unsigned replies, successes;
	size_t take; /* of each packet of data; SIZE_MAX: all */
	struct buf data, err;
	bool answer; /* to requests */
	bool close_at_data;
	bool free_at_data;
	bool linger;
};

struct side {
	struct connection *k;
	struct seen *accept; /* for the next channel that the peer opens */
	struct seen **list;  /* or one after the other */
	size_t listed;
	unsigned opens;
	unsigned globals;
	char global[64];
	bool global_answer;
	unsigned global_replies, global_successes;
	struct buf global_reply;
};

struct two {
	struct pair *p;
	struct side client, server;
};

/* ---- callbacks ---- */

static void
copy_text(char *to, size_t size, struct span s)
{
	size_t n = s.len < size - 1 ? s.len : size - 1;

	memcpy(to, s.ptr, n);
	to[n] = '\0';
}

static void
on_open(struct channel *c, void *context)
{
	((struct seen *)context)->opened++;
}

static void
on_open_failed(
    struct channel *c, uint32_t reason, struct span text, void *context)
{
	struct seen *s = context;

	s->open_failed++;
	s->reason = reason;
	copy_text(s->text, sizeof(s->text), text);
	s->c = NULL;
}

static size_t
on_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	struct seen *s = context;
	size_t n = data.len < s->take ? data.len : s->take;

	if (n > 0)
		write_span(stream == CHANNEL_STREAM_DATA ? &s->data : &s->err,
		    span_of(data.ptr, n));
	if (s->close_at_data)
		CHECK_INT(channel_close(c), 0);
	if (s->free_at_data)
		connection_free(channel_connection(c));
	return n;
}

static void
on_eof(struct channel *c, void *context)
{
	((struct seen *)context)->eofs++;
}

static void
on_eow(struct channel *c, void *context)
{
	((struct seen *)context)->eows++;
}

static bool
on_request(struct channel *c, struct span type, struct reader *r,
    bool want_reply, void *context)
{
	struct seen *s = context;

	s->requests++;
	s->wanted_reply = want_reply;
	copy_text(s->request, sizeof(s->request), type);
	return s->answer;
}

static void
on_writable(struct channel *c, void *context)
{
	((struct seen *)context)->writable++;
}

static void
on_closed(struct channel *c, void *context)
{
	struct seen *s = context;

	s->closed++;
	if (s->linger)
		channel_linger(c);
	else
		s->c = NULL;
}

static const struct channel_handlers handlers = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_eow = on_eow,
	.on_request = on_request,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

static void
on_reply(struct channel *c, bool success, void *context)
{
	struct seen *s = context;

	s->replies++;
	s->successes += success;
}

static bool
on_channel_open(struct connection *k, struct channel *c, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct side *side = context;
	struct seen *s = side->accept;

	side->opens++;
	if (side->listed > 0)
		s = side->list[--side->listed];
	if (span_is(type, "forbidden")) {
		*ret_reason = SSH_OPEN_ADMINISTRATIVELY_PROHIBITED;
		*ret_text = "open failed: not here";
		return false;
	}
	if (s == NULL)
		return false;
	s->c = c;
	channel_set_handlers(c, &handlers, s);
	return true;
}

static bool
on_global_request(struct connection *k, struct span type, struct reader *r,
    bool want_reply, struct buf *reply, void *context)
{
	struct side *side = context;

	side->globals++;
	copy_text(side->global, sizeof(side->global), type);
	if (side->global_answer)
		write_uint32(reply, 4711);
	return side->global_answer;
}

static void
on_global_reply(
    struct connection *k, bool success, struct reader *r, void *context)
{
	struct side *side = context;

	side->global_replies++;
	side->global_successes += success;
	buf_clear(&side->global_reply);
	write_span(&side->global_reply, read_rest(r));
}

static int
on_packet(struct pair_end *e, const struct packet *packet, void *context)
{
	struct two *t = context;
	struct side *side = e == &e->pair->client ? &t->client : &t->server;

	if (side->k == NULL)
		return 0;
	return connection_packet(side->k, packet, e->pair->now_us, 0);
}

/* ---- the two ---- */

static void
start_side(struct two *t, struct side *side, struct pair_end *e)
{
	struct connection_handlers h = {
		.on_channel_open = on_channel_open,
		.on_global_request = on_global_request,
		.context = side,
	};

	CHECK_INT(connection_new(e->t, &h, &side->k), 0);
	e->on_packet = on_packet;
	e->context = t;
}

static struct two *
two_new(const struct pair_options *options)
{
	struct two *t = calloc(1, sizeof(*t));

	CHECK(t != NULL);
	t->p = pair_new(options);
	start_side(t, &t->client, &t->p->client);
	start_side(t, &t->server, &t->p->server);
	return t;
}

static void
two_free(struct two *t)
{
	connection_free(t->client.k);
	connection_free(t->server.k);
	buf_release(&t->client.global_reply);
	buf_release(&t->server.global_reply);
	pair_free(t->p);
	free(t);
}

static void
run(struct two *t)
{
	pair_run(t->p);
	CHECK_INT(t->p->client.failed, 0);
	CHECK_INT(t->p->server.failed, 0);
}

static void
ask_open(struct two *t, const char *type, struct seen *s)
{
	CHECK(channel_open_begin(t->client.k, type, 0, &s->c) != NULL);
	channel_set_handlers(s->c, &handlers, s);
	CHECK_INT(channel_open_end(s->c), 0);
}

/* A channel from the client to the server. */
static void
open_channel(struct two *t, struct seen *a, struct seen *b)
{
	a->take = b->take = SIZE_MAX;
	t->server.accept = b;
	ask_open(t, "session", a);
	run(t);
	CHECK_INT(a->opened, 1);
	CHECK(a->c != NULL && b->c != NULL);
	CHECK(channel_is_open(a->c) && channel_is_open(b->c));
}

static void
seen_release(struct seen *s)
{
	buf_release(&s->data);
	buf_release(&s->err);
}

static size_t
send(struct channel *c, enum channel_stream stream, size_t len, uint8_t fill)
{
	uint8_t *bytes = malloc(len + 1);
	size_t taken = 0;

	CHECK(bytes != NULL);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(fill + i % 251);
	CHECK_INT(channel_write(c, stream, span_of(bytes, len), &taken), 0);
	free(bytes);
	return taken;
}

static void
check_bytes(const struct buf *b, size_t len, uint8_t fill)
{
	CHECK_INT(b->len, len);
	for (size_t i = 0; i < len; i++)
		if (b->data[i] != (uint8_t)(fill + i % 251))
			FAIL("byte %zu of %zu is wrong", i, len);
}

/* ---- life ---- */

TEST(a_channel_opens_carries_both_streams_and_closes)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	CHECK_INT(connection_channel_count(t->client.k), 1);
	CHECK_TEXT(channel_type(b.c), "session");
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 1000, 1), 1000);
	CHECK_INT(send(b.c, CHANNEL_STREAM_DATA, 200000, 2), 200000);
	CHECK_INT(send(b.c, CHANNEL_STREAM_STDERR, 300, 3), 300);
	CHECK_INT(channel_send_eof(a.c), 0);
	CHECK_INT(channel_send_eof(a.c), 0);
	run(t);
	check_bytes(&b.data, 1000, 1);
	check_bytes(&a.data, 200000, 2);
	check_bytes(&a.err, 300, 3);
	CHECK_INT(b.eofs, 1);
	CHECK(channel_eof_received(b.c) && channel_eof_sent(a.c));
	CHECK_INT(channel_room(a.c), 0);
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 1, 0), 0);
	CHECK_INT(channel_bytes_in(b.c), 1000);
	CHECK_INT(channel_bytes_out(b.c), 200300);

	CHECK_INT(channel_close(b.c), 0);
	CHECK_INT(channel_close(b.c), 0);
	run(t);
	CHECK_INT(a.closed, 1);
	CHECK_INT(b.closed, 1);
	CHECK_INT(connection_channel_count(t->client.k), 0);
	CHECK_INT(connection_channel_count(t->server.k), 0);
	seen_release(&a);
	seen_release(&b);
	two_free(t);
}

TEST(both_ends_may_close_at_the_same_time)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 10, 1), 10);
	CHECK_INT(channel_send_eof(a.c), 0);
	CHECK_INT(channel_close(a.c), 0);
	CHECK_INT(send(b.c, CHANNEL_STREAM_DATA, 10, 1), 10);
	CHECK_INT(channel_send_eof(b.c), 0);
	CHECK_INT(channel_close(b.c), 0);
	run(t);
	CHECK_INT(a.closed, 1);
	CHECK_INT(b.closed, 1);
	/* Who closes does not care about data that crosses. */
	CHECK_INT(a.data.len, 0);
	CHECK_INT(b.data.len, 0);
	two_free(t);
}

TEST(a_refused_open_says_why)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 };

	ask_open(t, "forbidden", &a);
	run(t);
	CHECK_INT(a.open_failed, 1);
	CHECK_INT(a.reason, SSH_OPEN_ADMINISTRATIVELY_PROHIBITED);
	CHECK_TEXT(a.text, "open failed: not here");
	ask_open(t, "nonsense@example.com", &a);
	run(t);
	CHECK_INT(a.open_failed, 2);
	CHECK_INT(a.reason, SSH_OPEN_UNKNOWN_CHANNEL_TYPE);
	connection_set_channel_limit(t->server.k, 0);
	ask_open(t, "session", &a);
	run(t);
	CHECK_INT(a.open_failed, 3);
	CHECK_INT(a.reason, SSH_OPEN_RESOURCE_SHORTAGE);
	CHECK_INT(t->server.opens, 2);
	CHECK_INT(connection_channel_count(t->client.k), 0);
	CHECK_INT(connection_channel_count(t->server.k), 0);
	two_free(t);
}

TEST(what_is_asked_for_before_the_open_follows_it)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	a.take = b.take = SIZE_MAX;
	t->server.accept = &b;
	ask_open(t, "session", &a);
	CHECK_INT(channel_send_eof(a.c), 0);
	run(t);
	CHECK_INT(b.eofs, 1);
	CHECK_INT(channel_close(a.c), 0);
	run(t);

	memset(&a, 0, sizeof(a));
	ask_open(t, "session", &a);
	CHECK_INT(channel_close(a.c), 0);
	run(t);
	CHECK_INT(a.opened, 0);
	CHECK_INT(a.closed, 1);
	CHECK_INT(connection_channel_count(t->server.k), 0);
	two_free(t);
}

TEST(requests_are_answered_in_order)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	b.answer = true;
	CHECK_INT(session_send_exec(a.c, "true", on_reply, &a), 0);
	run(t);
	CHECK_TEXT(b.request, "exec");
	CHECK(b.wanted_reply);
	CHECK_INT(a.replies, 1);
	CHECK_INT(a.successes, 1);
	b.answer = false;
	CHECK_INT(session_send_env(a.c, "A", "B"), 0);
	CHECK_INT(session_send_shell(a.c, on_reply, &a), 0);
	run(t);
	CHECK_INT(b.requests, 3);
	CHECK_INT(a.replies, 2);
	CHECK_INT(a.successes, 1);
	channel_request_begin(a.c, "keepalive@openssh.com", true);
	CHECK_INT(channel_request_end(a.c, on_reply, &a), 0);
	run(t);
	CHECK_INT(a.replies, 3);
	CHECK_INT(a.successes, 1);

	/* Closing answers what is still awaited. */
	channel_request_begin(a.c, "x@y", true);
	CHECK_INT(channel_request_end(a.c, on_reply, &a), 0);
	CHECK_INT(channel_close(b.c), 0);
	run(t);
	CHECK_INT(a.replies, 4);
	CHECK_INT(a.successes, 1);
	CHECK_INT(a.closed, 1);
	two_free(t);
}

TEST(a_request_on_a_channel_that_closes_goes_nowhere)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	CHECK_INT(channel_close(a.c), 0);
	CHECK_INT(session_send_exit_status(a.c, 1), ERR_CHANNEL);
	CHECK_INT(session_send_signal(a.c, "TERM"), ERR_CHANNEL);
	run(t);
	CHECK_INT(b.requests, 0);
	two_free(t);
}

TEST(eow_goes_only_to_peers_that_know_it)
{
	static const char *const idents[] = { "SSH-2.0-Sheetbend_9",
		"SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-dropbear", "SSH-2.0-PuTTY" };

	for (size_t i = 0; i < ARRAY_COUNT(idents); i++) {
		struct pair_options o = { .server_ident = idents[i] };
		struct two *t = two_new(&o);
		struct seen a = { 0 }, b = { 0 };

		open_channel(t, &a, &b);
		CHECK_INT(channel_send_eow(a.c), 0);
		run(t);
		CHECK_INT(b.eows, i < 2 ? 1 : 0);
		CHECK_INT(b.requests, 0);
		two_free(t);
	}
}

TEST(global_requests_get_their_replies)
{
	struct two *t = two_new(NULL);

	connection_request_begin(t->client.k, "keepalive@openssh.com", true);
	CHECK_INT(
	    connection_request_end(t->client.k, on_global_reply, &t->client),
	    0);
	run(t);
	CHECK_INT(t->server.globals, 1);
	CHECK_TEXT(t->server.global, "keepalive@openssh.com");
	CHECK_INT(t->client.global_replies, 1);
	CHECK_INT(t->client.global_successes, 0);
	t->server.global_answer = true;
	connection_request_begin(t->client.k, "tcpip-forward", true);
	CHECK_INT(
	    connection_request_end(t->client.k, on_global_reply, &t->client),
	    0);
	connection_request_begin(t->client.k, "no-reply", false);
	CHECK_INT(connection_request_end(t->client.k, NULL, NULL), 0);
	run(t);
	CHECK_INT(t->server.globals, 3);
	CHECK_INT(t->client.global_replies, 2);
	CHECK_INT(t->client.global_successes, 1);
	CHECK_SPAN(buf_span(&t->client.global_reply), unit_hex("00001267"));
	two_free(t);
}

TEST(callbacks_may_close_and_free)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	b.close_at_data = true;
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 10, 1), 10);
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 10, 1), 10);
	run(t);
	CHECK_INT(b.data.len, 10);
	CHECK_INT(a.closed, 1);
	CHECK_INT(b.closed, 1);
	seen_release(&b);

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	open_channel(t, &a, &b);
	b.free_at_data = true;
	CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 10, 1), 10);
	pair_run(t->p);
	CHECK_INT(b.data.len, 10);
	CHECK_INT(b.closed, 0);
	t->server.k = NULL;
	seen_release(&b);
	two_free(t);
}

/* ---- windows ---- */

TEST(a_consumer_that_stalls_stops_the_sender_at_the_window)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };
	size_t sent = 0, n, queued = 0;

	open_channel(t, &a, &b);
	b.take = 0;
	while ((n = send(a.c, CHANNEL_STREAM_DATA, 300000, 1)) > 0) {
		sent += n;
		run(t);
	}
	CHECK_INT(sent, CHANNEL_WINDOW_INITIAL);
	CHECK_INT(channel_bytes_in(b.c), CHANNEL_WINDOW_INITIAL);
	CHECK_INT(channel_room(a.c), 0);

	/* What it consumes comes back as window. */
	while (queued < CHANNEL_WINDOW_INITIAL / 2) {
		struct span front = channel_queued(b.c, CHANNEL_STREAM_DATA);

		CHECK(front.len > 0);
		CHECK_INT(
		    channel_consumed(b.c, CHANNEL_STREAM_DATA, front.len), 0);
		queued += front.len;
	}
	run(t);
	CHECK(channel_room(a.c) >= CHANNEL_WINDOW_INITIAL / 4);
	CHECK(channel_room(a.c) <= queued);
	CHECK(a.writable > 0);

	/* Nobody reads: everything comes back, and more may be sent. */
	channel_discard(b.c, CHANNEL_STREAM_DATA);
	run(t);
	CHECK_INT(channel_queued(b.c, CHANNEL_STREAM_DATA).len, 0);
	CHECK(channel_room(a.c) >= CHANNEL_WINDOW_INITIAL / 8 * 7);
	two_free(t);
}

TEST(queued_bytes_keep_their_order)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };
	struct buf got = BUF_INIT;
	size_t sent = 0;

	open_channel(t, &a, &b);
	b.take = 777;
	for (int i = 0; i < 40; i++) {
		uint8_t bytes[5021];
		size_t taken;

		for (size_t n = 0; n < sizeof(bytes); n++)
			bytes[n] = (uint8_t)(9 + (sent + n) % 251);
		CHECK_INT(channel_write(a.c, CHANNEL_STREAM_DATA,
			      span_of(bytes, sizeof(bytes)), &taken),
		    0);
		sent += taken;
	}
	run(t);
	write_span(&got, buf_span(&b.data));
	while (channel_queued(b.c, CHANNEL_STREAM_DATA).len > 0) {
		struct span front = channel_queued(b.c, CHANNEL_STREAM_DATA);
		size_t n = front.len < 1234 ? front.len : 1234;

		write_span(&got, span_of(front.ptr, n));
		CHECK_INT(channel_consumed(b.c, CHANNEL_STREAM_DATA, n), 0);
	}
	check_bytes(&got, sent, 9);
	buf_release(&got);
	seen_release(&b);
	two_free(t);
}

/* Sends all that there is room for; counts. */
struct pump {
	struct seen *from;
	uint64_t bytes;
};

static struct pump pump;

static void
on_pump_turn(struct pair_end *e, void *context)
{
	size_t len;

	while (pump.from->c != NULL &&
	       channel_write_begin(pump.from->c, CHANNEL_STREAM_DATA,
		   CHANNEL_PACKET_MAX, &len) != NULL) {
		CHECK_INT(channel_write_commit(pump.from->c, len), 0);
		pump.bytes += len;
	}
}

static size_t
drop_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	return data.len;
}

static const struct channel_handlers drops = { .on_data = drop_data };

/* Bytes that arrive in `us` over a path with 50 ms each way. */
static uint64_t
bytes_over_a_long_path(
    const char *client_ident, uint32_t window_max, uint64_t us)
{
	struct pair_options o = { .client_ident = client_ident,
		.cipher = "aes128-gcm@openssh.com",
		.delay_us = 50000 };
	struct two *t = two_new(&o);
	struct seen a = { 0 }, b = { 0 };
	uint64_t arrived;

	if (window_max != 0)
		connection_set_window_max(t->server.k, window_max);
	open_channel(t, &a, &b);
	channel_set_handlers(b.c, &drops, NULL);
	pump.from = &a;
	t->p->client.on_turn = on_pump_turn;
	pair_run_until(t->p, t->p->now_us + us);
	arrived = channel_bytes_in(b.c);
	CHECK_INT(t->p->server.failed, 0);
	two_free(t);
	return arrived;
}

TEST(the_window_follows_a_long_path)
{
	uint64_t fixed = bytes_over_a_long_path(NULL, 1, 1050000);
	uint64_t grown = bytes_over_a_long_path(NULL, 0, 1050000);

	/* 2 MiB each round trip of 100 ms, about */
	CHECK(fixed >= 10ull * CHANNEL_WINDOW_INITIAL);
	CHECK(fixed <= 12ull * CHANNEL_WINDOW_INITIAL);
	CHECK(grown >= 20 * fixed);
}

TEST(the_window_for_openssh_stays_below_its_buffer)
{
	uint64_t n =
	    bytes_over_a_long_path("SSH-2.0-OpenSSH_9.2p1", 0, 1050000);

	CHECK(n <= 11ull * CHANNEL_WINDOW_MAX_OPENSSH);
	CHECK(n >= 4ull * CHANNEL_WINDOW_MAX_OPENSSH);
}

TEST(a_slow_sender_gets_no_larger_window)
{
	struct pair_options o = { .delay_us = 50000 };
	struct two *t = two_new(&o);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	channel_set_handlers(b.c, &drops, NULL);
	for (int i = 0; i < 300; i++) {
		CHECK_INT(send(a.c, CHANNEL_STREAM_DATA, 60000, 1), 60000);
		pair_run_until(t->p, t->p->now_us + 10000);
	}
	pair_run(t->p);
	CHECK(channel_room(a.c) <= CHANNEL_WINDOW_INITIAL);
	two_free(t);
}

TEST(the_windows_of_a_connection_have_a_total)
{
	struct two *t = two_new(NULL);
	struct seen *seen = calloc(1024, 2 * sizeof(*seen));
	struct seen **list = calloc(1024, sizeof(*list));
	uint64_t total = 0;

	CHECK(seen != NULL && list != NULL);
	t->server.list = list;
	for (size_t i = 0; i < 1024; i++) {
		list[i] = &seen[1024 + i];
		ask_open(t, "session", &seen[i]);
	}
	t->server.listed = 1024;
	run(t);
	CHECK_INT(connection_channel_count(t->server.k), 1024);
	for (size_t i = 0; i < 1024; i++) {
		CHECK(channel_room(seen[i].c) >= 64 * 1024);
		total += channel_room(seen[i].c);
	}
	CHECK(total <= CHANNEL_TOTAL_MAX + 1024ull * 64 * 1024);
	/* One more is refused; the others go on. */
	ask_open(t, "session", &seen[0]);
	run(t);
	CHECK_INT(seen[0].open_failed, 1);
	free(seen);
	free(list);
	two_free(t);
}

TEST(a_closed_channel_may_linger_until_its_queue_is_consumed)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };
	struct span front;

	open_channel(t, &a, &b);
	a.take = 10;
	a.linger = true;
	CHECK_INT(send(b.c, CHANNEL_STREAM_DATA, 1000, 1), 1000);
	CHECK_INT(channel_close(b.c), 0);
	run(t);
	CHECK_INT(a.closed, 1);
	CHECK(!channel_is_open(a.c));
	CHECK_INT(connection_channel_count(t->client.k), 1);
	CHECK(connection_next_channel(t->client.k, NULL) == NULL);
	front = channel_queued(a.c, CHANNEL_STREAM_DATA);
	CHECK_INT(front.len, 990);
	CHECK_INT(channel_consumed(a.c, CHANNEL_STREAM_DATA, 990), 0);
	CHECK_INT(channel_room(a.c), 0);
	CHECK_INT(channel_close(a.c), 0);
	channel_release(a.c);
	CHECK_INT(connection_channel_count(t->client.k), 0);
	seen_release(&a);
	two_free(t);
}

TEST(a_rekey_in_the_middle_loses_nothing)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };
	struct buf want = BUF_INIT;

	open_channel(t, &a, &b);
	for (int i = 0; i < 30; i++) {
		uint8_t byte = (uint8_t)i;
		size_t taken;

		if (i % 5 == 2)
			CHECK_INT(transport_rekey(i % 2 == 0 ? t->p->client.t
							     : t->p->server.t,
				      t->p->now_us),
			    0);
		/* While keys are exchanged there is no room for data, but
		 * requests are kept in order. */
		CHECK_INT(session_send_env(a.c, "N", "V"), 0);
		CHECK_INT(channel_write(a.c, CHANNEL_STREAM_DATA,
			      span_of(&byte, 1), &taken),
		    0);
		if (taken == 1)
			write_byte(&want, byte);
		if (i % 3 == 0)
			run(t);
	}
	run(t);
	CHECK(t->p->client.kex_done > 3);
	CHECK_INT(b.requests, 30);
	CHECK_SPAN(buf_span(&b.data), buf_span(&want));
	buf_release(&want);
	seen_release(&b);
	two_free(t);
}

/* Sends what a readv(2) into several packets would have brought. */
static size_t
send_rooms(struct seen *s, uint32_t *number)
{
	struct iovec room[8];
	size_t count = channel_read_begin(s->c, CHANNEL_STREAM_DATA, room, 8);
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t *to = room[i].iov_base;

		for (size_t at = 0; at + 4 <= room[i].iov_len; at += 4) {
			memcpy(to + at, number, 4);
			(*number)++;
		}
		len += room[i].iov_len;
	}
	CHECK_INT(len % 4, 0);
	if (count > 0)
		CHECK_INT(
		    channel_read_commit(s->c, CHANNEL_STREAM_DATA, room, len),
		    0);
	return len;
}

/* Keys are exchanged again after the first of several packets: those that
 * follow are kept back, and no packet of the exchange lies over them. */
TEST(several_packets_of_one_read_survive_a_rekey)
{
	struct two *t = two_new(
	    &(struct pair_options){ .rekey_bytes = CHANNEL_PACKET_MAX / 2 });
	struct seen a = { 0 }, b = { 0 };
	uint32_t sent = 0, got;

	CHECK_INT(transport_authenticated(t->p->client.t), 0);
	CHECK_INT(transport_authenticated(t->p->server.t), 0);
	open_channel(t, &a, &b);
	for (int i = 0; i < 3; i++) {
		CHECK(send_rooms(&a, &sent) >= (size_t)2 * CHANNEL_PACKET_MAX);
		run(t);
	}
	CHECK(t->p->client.kex_done > 1);
	CHECK_INT(b.data.len, (size_t)4 * sent);
	for (uint32_t i = 0; i < sent; i++) {
		memcpy(&got, b.data.data + (size_t)4 * i, 4);
		if (got != i)
			CHECK_INT(got, i);
	}
	seen_release(&a);
	seen_release(&b);
	two_free(t);
}

/* ---- messages by hand ---- */

/* Gives the server's connection a packet. */
static int
give(struct two *t, uint8_t type, const struct buf *b)
{
	struct packet packet = { .type = type, .payload = buf_span(b) };

	return connection_packet(t->server.k, &packet, t->p->now_us, 0);
}

/* uint32 fields, then a string unless text is NULL. */
static int
give_fields(struct two *t, uint8_t type, const uint32_t *fields, size_t count,
    const char *text)
{
	struct buf b = BUF_INIT;
	int r;

	for (size_t i = 0; i < count; i++)
		write_uint32(&b, fields[i]);
	if (text != NULL)
		write_text(&b, text);
	r = give(t, type, &b);
	buf_release(&b);
	return r;
}

#define GIVE(t, type, text, ...)                                               \
	give_fields(t, type, (const uint32_t[]){ __VA_ARGS__ },                \
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4, text)

TEST(messages_for_unknown_channels_are_refused)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	for (uint32_t id = 1; id != 0; id = id < 64 ? id + 1 : 0) {
		/* a grant that crossed CLOSE harms nobody */
		CHECK_INT(GIVE(t, 93, NULL, id, 1), 0);
		CHECK_INT(GIVE(t, 94, "x", id), ERR_CHANNEL);
		CHECK_INT(GIVE(t, 95, "x", id, 1), ERR_CHANNEL);
		CHECK_INT(GIVE(t, 96, NULL, id), ERR_CHANNEL);
		CHECK_INT(GIVE(t, 97, NULL, id), ERR_CHANNEL);
		CHECK_INT(GIVE(t, 99, NULL, id), ERR_CHANNEL);
		CHECK_INT(GIVE(t, 100, NULL, id), ERR_CHANNEL);
	}
	CHECK_INT(GIVE(t, 94, "x", 0xffffffff), ERR_CHANNEL);
	/* answers to what was never asked */
	CHECK_INT(GIVE(t, 91, NULL, 0, 0, 1, 1), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 99, NULL, 0), ERR_UNEXPECTED);
	CHECK_INT(GIVE(t, 81, NULL, 0), ERR_UNEXPECTED);
	CHECK_INT(GIVE(t, 82, NULL, 0), ERR_UNEXPECTED);
	/* unknown message types are only answered */
	CHECK_INT(GIVE(t, 83, NULL, 0), 0);
	CHECK_INT(GIVE(t, 127, NULL, 0), 0);
	two_free(t);
}

TEST(a_channel_that_is_not_open_yet_takes_no_messages)
{
	struct two *t = two_new(NULL);
	struct channel *c;

	CHECK(channel_open_begin(t->server.k, "x", 0, &c) != NULL);
	CHECK_INT(channel_open_end(c), 0);
	CHECK_INT(channel_id(c), 0);
	CHECK_INT(GIVE(t, 94, "x", 0), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 93, NULL, 0, 5), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 96, NULL, 0), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 97, NULL, 0), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 91, NULL, 0, 7, 100, 100), 0);
	CHECK_INT(channel_room(c), 100);
	CHECK_INT(GIVE(t, 91, NULL, 0, 7, 100, 100), ERR_CHANNEL);
	two_free(t);
}

TEST(data_after_eof_or_close_or_beyond_the_window_is_refused)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };
	struct buf big = BUF_INIT;
	uint8_t *room;
	int r = 0;

	open_channel(t, &a, &b);
	b.take = 0;
	write_uint32(&big, 0);
	write_uint32(&big, CHANNEL_PACKET_MAX + 1);
	CHECK((room = buf_reserve(&big, CHANNEL_PACKET_MAX + 1)) != NULL);
	memset(room, 0, CHANNEL_PACKET_MAX + 1);
	buf_extend(&big, CHANNEL_PACKET_MAX + 1);
	CHECK_INT(give(t, 94, &big), ERR_LIMIT);
	buf_truncate(&big, 4);
	write_uint32(&big, CHANNEL_PACKET_MAX);
	buf_extend(&big, CHANNEL_PACKET_MAX);
	for (unsigned i = 0; i < CHANNEL_WINDOW_INITIAL / CHANNEL_PACKET_MAX;
	     i++)
		CHECK_INT(give(t, 94, &big), 0);
	CHECK_INT(GIVE(t, 94, "x", 0), ERR_WINDOW);
	CHECK_INT(GIVE(t, 95, "x", 0, 1), ERR_WINDOW);
	CHECK_INT(GIVE(t, 94, "", 0), 0);

	CHECK_INT(GIVE(t, 96, NULL, 0), 0);
	CHECK_INT(GIVE(t, 94, "", 0), ERR_UNEXPECTED);
	CHECK_INT(GIVE(t, 96, NULL, 0), ERR_UNEXPECTED);
	CHECK_INT(GIVE(t, 93, NULL, 0, 1), 0);
	CHECK_INT(GIVE(t, 97, NULL, 0), 0);
	CHECK_INT(GIVE(t, 97, NULL, 0), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 96, NULL, 0), ERR_CHANNEL);
	CHECK_INT(GIVE(t, 93, NULL, 0, 1), 0);
	CHECK_INT(b.closed, 1);
	/* a window beyond 2^32 - 1 */
	two_free(t);
	t = two_new(NULL);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	open_channel(t, &a, &b);
	r = GIVE(t, 93, NULL, 0, 0xffffffff);
	CHECK_INT(r, ERR_WINDOW);
	buf_release(&big);
	two_free(t);
}

TEST(data_of_unknown_kinds_is_dropped_but_counted)
{
	struct two *t = two_new(NULL);
	struct seen a = { 0 }, b = { 0 };

	open_channel(t, &a, &b);
	CHECK_INT(GIVE(t, 95, "abc", 0, 2), 0);
	CHECK_INT(GIVE(t, 95, "abc", 0, 0), 0);
	CHECK_INT(b.data.len, 0);
	CHECK_INT(b.err.len, 0);
	CHECK_INT(channel_bytes_in(b.c), 6);
	two_free(t);
}

static size_t
message(struct buf *b, int which, uint8_t *type)
{
	static const uint8_t types[] = { 80, 90, 93, 94, 95, 96, 97, 98 };

	if (which >= (int)sizeof(types))
		return 0;
	*type = types[which];
	buf_clear(b);
	switch (*type) {
	case 80:
		write_text(b, "keepalive@openssh.com");
		write_boolean(b, true);
		break;
	case 90:
		write_text(b, "session");
		write_uint32(b, 9);
		write_uint32(b, 1000);
		write_uint32(b, 1000);
		break;
	case 93:
		write_uint32(b, 0);
		write_uint32(b, 5);
		break;
	case 94:
		write_uint32(b, 0);
		write_text(b, "data");
		break;
	case 95:
		write_uint32(b, 0);
		write_uint32(b, 1);
		write_text(b, "data");
		break;
	case 98:
		write_uint32(b, 0);
		write_text(b, "exec");
		write_boolean(b, true);
		break;
	default:
		write_uint32(b, 0);
		break;
	}
	return b->len;
}

TEST(every_truncated_message_is_refused)
{
	struct buf b = BUF_INIT;
	uint8_t type;
	size_t len;

	for (int which = 0; (len = message(&b, which, &type)) > 0; which++) {
		struct two *t = two_new(NULL);
		struct seen a = { 0 }, c = { 0 };

		open_channel(t, &a, &c);
		for (size_t n = 0; n < len; n++) {
			struct buf cut = BUF_INIT;

			write_span(&cut, span_of(b.data, n));
			CHECK(give(t, type, &cut) < 0);
			buf_release(&cut);
		}
		CHECK_INT(c.data.len + c.err.len, 0);
		CHECK_INT(c.requests + c.eofs + c.closed, 0);
		CHECK_INT(give(t, type, &b), 0);
		seen_release(&c);
		two_free(t);
	}
	buf_release(&b);
}

TEST(a_peer_that_only_asks_is_ended)
{
	struct two *t = two_new(NULL);
	struct buf b = BUF_INIT;
	int r = 0;
	unsigned n = 0;

	write_text(&b, "keepalive@openssh.com");
	write_boolean(&b, true);
	while (r == 0 && n++ < 2000000)
		r = give(t, 80, &b);
	CHECK_INT(r, ERR_LIMIT);
	buf_release(&b);
	two_free(t);

	/* and one that lets our replies be kept back for ever */
	t = two_new(NULL);
	CHECK_INT(transport_rekey(t->p->server.t, t->p->now_us), 0);
	message(&b, 0, &(uint8_t){ 0 });
	for (r = 0, n = 0; r == 0 && n < 100000; n++)
		r = give(t, 80, &b);
	CHECK_INT(r, ERR_LIMIT);
	buf_release(&b);
	two_free(t);
}

TEST(a_pty_request_is_read_as_it_was_sent)
{
	struct two *t = two_new(NULL);
	struct buf b = BUF_INIT;
	struct pty_request pty;
	struct reader r;

	write_text(&b, "xterm");
	for (uint32_t i = 1; i <= 4; i++)
		write_uint32(&b, i * 10);
	write_string(&b, unit_hex("00"));
	for (size_t n = 0; n < b.len; n++) {
		r = reader_of(span_of(b.data, n));
		CHECK(session_read_pty(&r, &pty) < 0);
	}
	r = reader_of(buf_span(&b));
	CHECK_INT(session_read_pty(&r, &pty), 0);
	CHECK(span_is(pty.term, "xterm"));
	CHECK_INT(pty.size.columns, 10);
	CHECK_INT(pty.size.rows, 20);
	CHECK_INT(pty.size.height_pixels, 40);
	CHECK_INT(pty.modes.len, 1);
	write_byte(&b, 0);
	r = reader_of(buf_span(&b));
	CHECK(session_read_pty(&r, &pty) < 0);
	buf_release(&b);
	two_free(t);
}
