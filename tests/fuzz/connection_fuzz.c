/*
 * connection_fuzz.c - channels: what an authenticated peer sends, while we
 * open, write, consume and close as well.
 * RFC 4254.
 *
 * Input: steps of a byte and a chunk. An odd byte is something that we do;
 * an even one gives the peer's packet, the chunk, with its type.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/channel/channel.h"
#include "common/channel/session.h"
#include "common/transport/message.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define CHANNELS_MAX 32
#define NOW          1000000u

struct run {
	struct transport *t;
	struct connection *k;
	unsigned salt; /* varies what the owner does */
	uint64_t queued;
	int opened, closed;
};

static size_t
on_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	struct run *run = context;

	REQUIRE(stream <= CHANNEL_STREAM_STDERR);
	REQUIRE(data.len <= CHANNEL_PACKET_MAX);
	REQUIRE(!channel_eof_received(c));
	return run->salt++ % 3 == 0 ? data.len / 2 : data.len;
}

static bool
on_request(struct channel *c, struct span type, struct reader *r,
    bool want_reply, void *context)
{
	struct run *run = context;
	struct pty_request pty;
	struct window_size size;

	if (span_is(type, "pty-req"))
		return session_read_pty(r, &pty) == 0;
	if (span_is(type, "window-change"))
		return session_read_window_change(r, &size) == 0;
	if (run->salt++ % 5 == 0)
		(void)channel_close(c);
	return want_reply;
}

static void
on_eof(struct channel *c, void *context)
{
	struct run *run = context;

	if (run->salt++ % 2 == 0)
		(void)channel_send_eof(c);
}

static void
on_closed(struct channel *c, void *context)
{
	struct run *run = context;

	run->closed++;
	if (run->salt % 4 == 0)
		channel_linger(c);
}

static void
on_open_failed(
    struct channel *c, uint32_t reason, struct span text, void *context)
{
	struct run *run = context;

	run->closed++;
}

static const struct channel_handlers channel_handlers = {
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
	struct run *run = context;

	if (!span_is(type, "session"))
		return false;
	run->opened++;
	channel_set_handlers(c, &channel_handlers, run);
	return true;
}

static bool
on_global_request(struct connection *k, struct span type, struct reader *r,
    bool want_reply, struct buf *reply, void *context)
{
	write_uint32(reply, 22);
	return span_is(type, "tcpip-forward");
}

static void
on_reply(struct channel *c, bool success, void *context)
{
}

static void
on_global_reply(
    struct connection *k, bool success, struct reader *r, void *context)
{
	(void)read_uint32(r);
}

/* ---- what we do ---- */

static struct channel *
pick(const struct run *run, uint8_t n)
{
	struct channel *c = NULL;

	for (unsigned i = 0; i <= n % 8u; i++) {
		struct channel *next = connection_next_channel(run->k, c);

		if (next == NULL)
			return c;
		c = next;
	}
	return c;
}

static int
open_one(struct run *run)
{
	struct channel *c;
	int r;

	(void)channel_open_begin(run->k, "session", 0, &c);
	if (c == NULL)
		return 0;
	channel_set_handlers(c, &channel_handlers, run);
	r = channel_open_end(c);
	run->opened += r == 0;
	return r;
}

static int
act_on(struct channel *c, uint8_t what, struct span chunk)
{
	size_t taken, n;

	switch (what % 8) {
	case 0:
		return channel_write(c, CHANNEL_STREAM_DATA, chunk, &taken);
	case 1:
		return channel_send_eof(c);
	case 2:
		return channel_close(c);
	case 3:
		n = channel_queued(c, CHANNEL_STREAM_DATA).len;
		return n != 0
			   ? channel_consumed(c, CHANNEL_STREAM_DATA, n - n / 3)
			   : 0;
	case 4:
		channel_discard(c, CHANNEL_STREAM_STDERR);
		return 0;
	case 5:
		return session_send_exec(c, "true", on_reply, NULL);
	case 6:
		return session_send_exit_status(c, 1);
	default:
		return channel_send_eow(c);
	}
}

static int
act(struct run *run, uint8_t what, struct span chunk)
{
	struct channel *c;
	int r;

	if (what % 16 == 0)
		return open_one(run);
	if (what % 16 == 1) {
		(void)connection_request_begin(run->k, "x@y", true);
		return connection_request_end(run->k, on_global_reply, NULL);
	}
	if ((c = pick(run, what / 16)) == NULL)
		return 0;
	r = act_on(c, what, chunk);
	return r == ERR_CHANNEL ? 0 : r;
}

/* Memory of a connection is bounded by what was granted. */
static void
check_bounds(struct run *run)
{
	uint64_t queued = 0;

	REQUIRE(connection_channel_count(run->k) <= CHANNELS_MAX + 4096);
	for (struct channel *c = NULL;
	     (c = connection_next_channel(run->k, c)) != NULL;)
		for (int s = 0; s < 2; s++)
			queued += channel_queued(c, (enum channel_stream)s).len;
	REQUIRE(queued <= CHANNEL_TOTAL_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct run run = { 0 };
	struct connection_handlers handlers = { on_channel_open,
		on_global_request, &run };
	int code = 0;

	engine_reset();
	run.t = engine_open(
	    fuzz_byte(&r) % 2 == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER, 0);
	REQUIRE(connection_new(run.t, &handlers, &run.k) == 0);
	connection_set_channel_limit(run.k, CHANNELS_MAX);
	while (r.len > 0 && code >= 0) {
		uint8_t what = fuzz_byte(&r);
		struct span chunk = fuzz_chunk(&r);
		struct packet packet = { 0 };

		if (what % 2 != 0) {
			code = act(&run, what / 2, chunk);
		} else if (chunk.len != 0) {
			packet.type = chunk.ptr[0];
			packet.payload = span_of(chunk.ptr + 1, chunk.len - 1);
			code = connection_packet(run.k, &packet, NOW, 1000);
		}
		check_bounds(&run);
		engine_take(run.t, NULL);
	}
	connection_free(run.k);
	transport_free(run.t);
	return 0;
}

/* ---- seeds ---- */

static void
put(struct buf *seed, struct buf *payload)
{
	write_byte(seed, 0);
	fuzz_put_chunk(seed, buf_span(payload));
	buf_clear(payload);
}

static void
put_act(struct buf *seed, uint8_t what, const char *bytes)
{
	write_byte(seed, (uint8_t)(what * 2 + 1));
	fuzz_put_chunk(seed, span_text(bytes));
}

static void
put_simple(struct buf *seed, struct buf *b, uint8_t type, const char *text)
{
	write_byte(b, type);
	write_uint32(b, 0);
	if (text != NULL)
		write_text(b, text);
	put(seed, b);
}

static void
seed_server(struct buf *seed, struct buf *b)
{
	write_byte(seed, 1);
	write_byte(b, SSH_MSG_CHANNEL_OPEN);
	write_text(b, "session");
	write_uint32(b, 7);
	write_uint32(b, 1000000);
	write_uint32(b, 32768);
	put(seed, b);
	write_byte(b, SSH_MSG_CHANNEL_REQUEST);
	write_uint32(b, 0);
	write_text(b, "pty-req");
	write_boolean(b, true);
	write_text(b, "xterm");
	for (int i = 0; i < 4; i++)
		write_uint32(b, 24);
	write_string(b, span_of("\1\0\0\0\3\0", 6));
	put(seed, b);
	write_byte(b, SSH_MSG_CHANNEL_REQUEST);
	write_uint32(b, 0);
	write_text(b, "exec");
	write_boolean(b, true);
	write_text(b, "true");
	put(seed, b);
	put_simple(seed, b, SSH_MSG_CHANNEL_DATA, "some data for it");
	put_act(seed, 8, "and back");
	put_act(seed, 3, "");
	write_byte(b, SSH_MSG_CHANNEL_WINDOW_ADJUST);
	write_uint32(b, 0);
	write_uint32(b, 5000);
	put(seed, b);
	put_act(seed, 6, "");
	put_simple(seed, b, SSH_MSG_CHANNEL_EOF, NULL);
	put_act(seed, 2, "");
	put_simple(seed, b, SSH_MSG_CHANNEL_CLOSE, NULL);
	write_byte(b, SSH_MSG_GLOBAL_REQUEST);
	write_text(b, "keepalive@openssh.com");
	write_boolean(b, true);
	put(seed, b);
}

static void
seed_client(struct buf *seed, struct buf *b)
{
	write_byte(seed, 0);
	put_act(seed, 0, "");
	write_byte(b, SSH_MSG_CHANNEL_OPEN_CONFIRMATION);
	write_uint32(b, 0);
	write_uint32(b, 3);
	write_uint32(b, 2000000);
	write_uint32(b, 32768);
	put(seed, b);
	put_act(seed, 5, "");
	put_simple(seed, b, SSH_MSG_CHANNEL_SUCCESS, NULL);
	write_byte(b, SSH_MSG_CHANNEL_EXTENDED_DATA);
	write_uint32(b, 0);
	write_uint32(b, 1);
	write_text(b, "stderr");
	put(seed, b);
	put_act(seed, 1, "");
	write_byte(b, SSH_MSG_REQUEST_SUCCESS);
	put(seed, b);
	write_byte(b, SSH_MSG_CHANNEL_REQUEST);
	write_uint32(b, 0);
	write_text(b, "exit-status");
	write_boolean(b, false);
	write_uint32(b, 3);
	put(seed, b);
	put_simple(seed, b, SSH_MSG_CHANNEL_CLOSE, NULL);
	put_act(seed, 0, "");
	write_byte(b, SSH_MSG_CHANNEL_OPEN_FAILURE);
	write_uint32(b, 1);
	write_uint32(b, 3);
	write_text(b, "no");
	write_text(b, "");
	put(seed, b);
}

void
fuzz_seeds(void)
{
	struct buf seed = BUF_INIT, b = BUF_INIT;

	seed_server(&seed, &b);
	fuzz_seed("server", buf_span(&seed));
	buf_clear(&seed);
	seed_client(&seed, &b);
	fuzz_seed("client", buf_span(&seed));
	buf_release(&seed);
	buf_release(&b);
}
