/*
 * stream_test.c - streams on pipes, files and terminals: both ends of a
 * connection over a socket pair in one loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/channel/descriptor.h"
#include "common/channel/socket_channel.h"
#include "common/channel/stream.h"
#include "common/key/key.h"
#include "common/port/port.h"
#include "common/transport/link.h"
#include "tests/unit/unit.h"

/* One end of one channel. */
struct end {
	struct channel *c;
	struct stream *s;
	unsigned opened, input_ends, output_ends, closed, eows;
	bool free_at_input_end, free_at_output_end;
	bool no_stream; /* the test makes it */
	struct stream_config config;
	/* the test's sides of the pipes; -1: none */
	int in, out, err_in, err_out;
	struct buf got, err_got;
	uint64_t got_bytes; /* where only counted */
};

struct site {
	struct transport *t;
	struct link *link;
	struct connection *k;
	struct key *key;
	bool open;
	int ended;
	struct end *accept[8]; /* for the channels that the peer opens */
	size_t accepted;
	struct world *w;
};

struct world {
	struct loop *loop;
	struct site client, server;
};

/* ---- the channels of a site ---- */

static void
on_input_end(struct stream *s, void *context)
{
	struct end *e = context;

	e->input_ends++;
	if (e->free_at_input_end) {
		stream_free(s);
		e->s = NULL;
	}
}

static void
on_output_end(struct stream *s, void *context)
{
	struct end *e = context;

	e->output_ends++;
	if (e->free_at_output_end) {
		stream_free(s);
		e->s = NULL;
	}
}

static void
start_stream(struct end *e, struct loop *loop)
{
	e->config.on_input_end = on_input_end;
	e->config.on_output_end = on_output_end;
	e->config.context = e;
	CHECK_INT(stream_new(loop, e->c, &e->config, &e->s), 0);
}

static size_t
on_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	struct end *e = context;

	return e->s != NULL ? stream_on_data(e->s, stream, data) : data.len;
}

static void
on_eof(struct channel *c, void *context)
{
	struct end *e = context;

	if (e->s != NULL)
		stream_on_eof(e->s);
}

static void
on_eow(struct channel *c, void *context)
{
	struct end *e = context;

	e->eows++;
	if (e->s != NULL)
		stream_on_eow(e->s);
}

static void
on_writable(struct channel *c, void *context)
{
	struct end *e = context;

	if (e->s != NULL)
		stream_on_writable(e->s);
}

static void
on_closed(struct channel *c, void *context)
{
	struct end *e = context;

	e->closed++;
	if (e->s != NULL)
		stream_on_close(e->s);
	e->c = NULL;
}

static void
on_open(struct channel *c, void *context)
{
	((struct end *)context)->opened++;
}

static const struct channel_handlers handlers = {
	.on_open = on_open,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_eow = on_eow,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

static bool
on_channel_open(struct connection *k, struct channel *c, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct site *site = context;
	struct end *e = site->accept[site->accepted++];

	e->c = c;
	channel_set_handlers(c, &handlers, e);
	if (!e->no_stream)
		start_stream(e, site->w->loop);
	return true;
}

/* ---- the world ---- */

static struct span
find_blob(void *context, const char *algorithm)
{
	return key_blob(((struct site *)context)->key);
}

static int
sign(struct site *site)
{
	struct buf signature = BUF_INIT;
	int r = key_sign(site->key,
	    signature_find(span_text(transport_sign_algorithm(site->t))),
	    transport_sign_hash(site->t), &signature);

	if (r == 0)
		r = transport_signed(site->t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct site *site = context;
	struct connection_handlers h = {
		.on_channel_open = on_channel_open,
		.context = site,
	};

	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		return transport_host_key_accepted(site->t);
	case TRANSPORT_SIGN:
		return sign(site);
	case TRANSPORT_KEX_DONE:
		if (site->k == NULL)
			CHECK_INT(connection_new(site->t, &h, &site->k), 0);
		site->open = true;
		return 0;
	case TRANSPORT_PACKET:
		return connection_packet(
		    site->k, packet, loop_now_us(site->w->loop), 0);
	default:
		return 0;
	}
}

static void
on_end(void *context, int code, const struct error *e)
{
	((struct site *)context)->ended = code;
}

static void
start_site(struct world *w, struct site *site, enum transport_role role, int fd)
{
	struct transport_config config = {
		.role = role,
		.ident = "SSH-2.0-Sheetbend_test",
		.kex_algorithms = "curve25519-sha256",
		.host_key_algorithms = "ssh-ed25519",
		.ciphers = "aes128-gcm@openssh.com",
		.macs = "hmac-sha2-256",
		.compression = "none",
	};
	struct link_owner owner = {
		.on_event = on_event,
		.on_end = on_end,
		.context = site,
	};
	struct error e = { 0 };

	site->w = w;
	CHECK_INT(
	    transport_new(&config, loop_now_us(w->loop), &site->t, &e), 0);
	if (role == TRANSPORT_SERVER) {
		CHECK_INT(key_generate("ed25519", 0, &site->key, &e), 0);
		transport_set_host_keys(site->t, find_blob, site);
	}
	site->link = link_new(w->loop, site->t, fd, fd, &owner);
	CHECK(site->link != NULL);
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK(w != NULL);
	CHECK((w->loop = loop_new()) != NULL);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	start_site(w, &w->client, TRANSPORT_CLIENT, fds[0]);
	start_site(w, &w->server, TRANSPORT_SERVER, fds[1]);
	for (int i = 0; i < 100 && !(w->client.open && w->server.open); i++)
		loop_turn(w->loop, 100);
	CHECK(w->client.open && w->server.open);
	return w;
}

static void
world_free(struct world *w)
{
	struct site *sites[] = { &w->client, &w->server };

	for (int i = 0; i < 2; i++) {
		connection_free(sites[i]->k);
		link_free(sites[i]->link);
		transport_free(sites[i]->t);
		key_unref(sites[i]->key);
	}
	loop_free(w->loop);
	free(w);
}

/* ---- the ends ---- */

static void
make_pipe(int fds[2])
{
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
}

static void
set_nonblocking(int fd)
{
	CHECK_INT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* Pipes for input and output; the test's sides do not block. */
static void
end_init(struct end *e)
{
	int in[2], out[2];

	memset(e, 0, sizeof(*e));
	make_pipe(in);
	make_pipe(out);
	e->config.in_fd = in[0];
	e->in = in[1];
	e->config.out_fd = out[1];
	e->out = out[0];
	e->config.err_in_fd = e->config.err_out_fd = -1;
	e->err_in = e->err_out = -1;
	e->config.owns_fds = true;
	e->config.eof_by_closing = true;
	set_nonblocking(e->in);
	set_nonblocking(e->out);
}

/* No descriptors at all. */
static void
end_init_bare(struct end *e)
{
	memset(e, 0, sizeof(*e));
	e->config.in_fd = e->config.out_fd = -1;
	e->config.err_in_fd = e->config.err_out_fd = -1;
	e->in = e->out = e->err_in = e->err_out = -1;
}

static void
close_side(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
end_release(struct end *e)
{
	stream_free(e->s);
	close_side(&e->in);
	close_side(&e->out);
	close_side(&e->err_in);
	close_side(&e->err_out);
	buf_release(&e->got);
	buf_release(&e->err_got);
}

static void
connect_ends(struct world *w, struct end *a, struct end *b)
{
	w->server.accepted = 0;
	w->server.accept[0] = b;
	CHECK(channel_open_begin(w->client.k, "session", 0, &a->c) != NULL);
	channel_set_handlers(a->c, &handlers, a);
	CHECK_INT(channel_open_end(a->c), 0);
	for (int i = 0; i < 100 && a->opened == 0; i++)
		loop_turn(w->loop, 100);
	CHECK_INT(a->opened, 1);
	if (!a->no_stream)
		start_stream(a, w->loop);
}

/* Reads what is there. True at the end of the file. */
static bool
collect(int fd, struct buf *to)
{
	uint8_t bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		write_span(to, span_of(bytes, (size_t)n));
	CHECK(n == 0 || errno == EAGAIN);
	return n == 0;
}

static uint8_t
pattern(uint64_t i, uint8_t seed)
{
	return (uint8_t)(i * 131 + (i >> 13) + seed);
}

/* Writes as much as goes of a pattern of `total` bytes; closes behind it. */
static void
feed(int *fd, uint64_t *done, uint64_t total, uint8_t seed)
{
	uint8_t bytes[65536];

	while (*fd >= 0 && *done < total) {
		size_t len = total - *done < sizeof(bytes)
				 ? (size_t)(total - *done)
				 : sizeof(bytes);
		ssize_t n;

		for (size_t i = 0; i < len; i++)
			bytes[i] = pattern(*done + i, seed);
		if ((n = write(*fd, bytes, len)) < 0) {
			CHECK_INT(errno, EAGAIN);
			return;
		}
		*done += (uint64_t)n;
	}
	if (*done == total)
		close_side(fd);
}

static void
check_pattern(const struct buf *b, uint64_t total, uint8_t seed)
{
	CHECK_INT(b->len, total);
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != pattern(i, seed))
			FAIL("byte %zu is wrong", i);
}

static void
turns(struct world *w, int n)
{
	for (int i = 0; i < n; i++)
		loop_turn(w->loop, 5);
}

static void
close_both(struct world *w, struct end *a, struct end *b)
{
	if (a->c != NULL)
		CHECK_INT(channel_close(a->c), 0);
	for (int i = 0; i < 100 && (a->closed == 0 || b->closed == 0); i++)
		loop_turn(w->loop, 100);
	CHECK_INT(a->closed, 1);
	CHECK_INT(b->closed, 1);
}

/* ---- tests ---- */

TEST(bulk_goes_both_ways_and_ends_with_eof)
{
	struct world *w = world_new();
	struct end a, b;
	const uint64_t total = 9 * 1024 * 1024 + 17;
	uint64_t up = 0, down = 0;
	bool a_done = false, b_done = false;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	for (int i = 0; i < 100000 && !(a_done && b_done); i++) {
		feed(&a.in, &up, total, 1);
		feed(&b.in, &down, total, 2);
		loop_turn(w->loop, 10);
		a_done = a_done || collect(a.out, &a.got);
		b_done = b_done || collect(b.out, &b.got);
	}
	check_pattern(&b.got, total, 1);
	check_pattern(&a.got, total, 2);
	CHECK_INT(a.input_ends + b.input_ends, 2);
	CHECK_INT(a.output_ends + b.output_ends, 2);
	CHECK(stream_input_ended(a.s) && !stream_has_output(a.s));
	CHECK_INT(w->client.ended + w->server.ended, 0);
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(stderr_has_its_own_descriptors)
{
	struct world *w = world_new();
	struct end a, b;
	int err_in[2], err_out[2];
	uint64_t fed = 0, fed_err = 0;
	bool done = false;

	end_init(&a);
	end_init(&b);
	make_pipe(err_in);
	make_pipe(err_out);
	b.config.err_in_fd = err_in[0];
	b.err_in = err_in[1];
	a.config.err_out_fd = err_out[1];
	a.err_out = err_out[0];
	set_nonblocking(b.err_in);
	set_nonblocking(a.err_out);
	connect_ends(w, &a, &b);
	for (int i = 0; i < 10000 && !done; i++) {
		feed(&b.in, &fed, 1000000, 3);
		/* stderr goes on for longer than stdout */
		if (fed == 1000000)
			feed(&b.err_in, &fed_err, 500000, 4);
		loop_turn(w->loop, 10);
		collect(a.out, &a.got);
		done = collect(a.err_out, &a.err_got);
	}
	collect(a.out, &a.got);
	check_pattern(&a.got, 1000000, 3);
	check_pattern(&a.err_got, 500000, 4);
	CHECK_INT(b.input_ends, 1);
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(a_reader_that_goes_away_stops_the_writer)
{
	struct world *w = world_new();
	struct end a, b;
	uint64_t fed = 0;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	close_side(&a.out);
	feed(&b.in, &fed, 3, 1);
	b.in = -1;
	turns(w, 20);
	CHECK_INT(b.eows, 1);
	CHECK_INT(stream_output_errno(a.s), EPIPE);
	CHECK(stream_input_ended(b.s));
	end_release(&a);
	end_release(&b);
	world_free(w);

	/* While it writes: it gets EPIPE. */
	w = world_new();
	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	close_side(&a.out);
	CHECK_INT(write(b.in, "x", 1), 1);
	turns(w, 20);
	CHECK_INT(write(b.in, "x", 1), -1);
	CHECK_INT(errno, EPIPE);
	/* The other direction goes on. */
	CHECK_INT(write(a.in, "hello", 5), 5);
	turns(w, 20);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "hello"));
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(a_consumer_that_stalls_holds_no_more_than_the_window)
{
	struct world *w = world_new();
	struct end a, b;
	const uint64_t total = 8 * 1024 * 1024;
	uint64_t fed = 0;
	bool done = false;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	for (int i = 0; i < 300; i++) {
		feed(&b.in, &fed, total, 5);
		loop_turn(w->loop, 1);
	}
	CHECK(stream_has_output(a.s));
	CHECK(channel_bytes_in(a.c) <=
	      CHANNEL_WINDOW_INITIAL + 1024 * 1024 + 65536);
	CHECK(fed < total);
	for (int i = 0; i < 100000 && !done; i++) {
		feed(&b.in, &fed, total, 5);
		loop_turn(w->loop, 10);
		done = collect(a.out, &a.got);
	}
	check_pattern(&a.got, total, 5);
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

/* Feeds b until the output of a is full and holds the connection. */
static void
fill_until_held(struct world *w, struct end *b)
{
	uint64_t fed = 0;

	for (int i = 0; i < 1000 && !transport_is_held(w->client.t); i++) {
		feed(&b->in, &fed, 64u * 1024 * 1024, 5);
		loop_turn(w->loop, 1);
	}
	CHECK(transport_is_held(w->client.t));
	CHECK(!transport_wants_input(w->client.t));
}

TEST(a_full_output_holds_the_input_for_a_moment)
{
	struct world *w = world_new();
	struct end a, b;
	uint64_t before;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	fill_until_held(w, &b);
	before = channel_bytes_in(a.c);
	/* Nobody reads: it goes into the queue then, and is not held again. */
	for (int i = 0; i < 1000 && transport_is_held(w->client.t); i++)
		loop_turn(w->loop, 1);
	for (int i = 0; i < 20; i++) {
		loop_turn(w->loop, 1);
		CHECK(!transport_is_held(w->client.t));
	}
	CHECK(channel_bytes_in(a.c) > before);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(a_stream_that_goes_holds_nothing)
{
	struct world *w = world_new();
	struct end a, b;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	fill_until_held(w, &b);
	end_release(&a);
	CHECK(!transport_is_held(w->client.t));
	end_release(&b);
	world_free(w);
}

TEST(what_was_queued_is_written_after_the_close)
{
	struct world *w = world_new();
	struct end a, b;
	const uint64_t total = 1500000;
	uint64_t fed = 0;
	bool done = false;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	while (fed < total) {
		feed(&b.in, &fed, total, 6);
		loop_turn(w->loop, 1);
	}
	for (int i = 0; i < 100 && b.input_ends == 0; i++)
		loop_turn(w->loop, 10);
	CHECK_INT(channel_close(b.c), 0);
	for (int i = 0; i < 100 && b.closed == 0; i++)
		loop_turn(w->loop, 10);
	CHECK_INT(a.closed, 1);
	CHECK(stream_has_output(a.s));
	CHECK_INT(a.output_ends, 0);
	CHECK_INT(connection_channel_count(w->client.k), 1);
	a.free_at_output_end = true;
	for (int i = 0; i < 1000 && !done; i++) {
		loop_turn(w->loop, 10);
		done = collect(a.out, &a.got);
	}
	check_pattern(&a.got, total, 6);
	CHECK_INT(a.output_ends, 1);
	CHECK_INT(connection_channel_count(w->client.k), 0);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(callbacks_may_free_the_stream)
{
	struct world *w = world_new();
	struct end a, b;

	end_init(&a);
	end_init(&b);
	a.free_at_input_end = true;
	b.free_at_output_end = true;
	connect_ends(w, &a, &b);
	CHECK_INT(write(a.in, "bye", 3), 3);
	close_side(&a.in);
	turns(w, 20);
	CHECK_INT(a.input_ends, 1);
	CHECK_INT(b.output_ends, 1);
	CHECK(a.s == NULL && b.s == NULL);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "bye"));
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(a_stream_survives_its_connection)
{
	struct world *w = world_new();
	struct end a, b;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	connection_free(w->client.k);
	w->client.k = NULL;
	CHECK_INT(write(a.in, "x", 1), 1);
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, 1);
	CHECK_INT(stream_on_data(a.s, CHANNEL_STREAM_DATA, span_text("x")), 1);
	stream_end_input(a.s);
	stream_on_close(a.s);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(paused_input_waits)
{
	struct world *w = world_new();
	struct end a, b;

	end_init(&a);
	end_init(&b);
	connect_ends(w, &a, &b);
	stream_pause_input(a.s, true);
	CHECK_INT(write(a.in, "later", 5), 5);
	turns(w, 10);
	collect(b.out, &b.got);
	CHECK_INT(b.got.len, 0);
	stream_pause_input(a.s, false);
	turns(w, 10);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "later"));
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

/* Holds a '~' back until the next byte; doubles every 'd'. */
static bool tilde_held;

static size_t
filter(
    struct stream *s, uint8_t *data, size_t len, size_t capacity, void *context)
{
	uint8_t out[256];
	size_t n = 0;

	CHECK(capacity >= len + STREAM_FILTER_HEADROOM);
	for (size_t i = 0; i < len; i++) {
		if (tilde_held)
			out[n++] = '~';
		tilde_held = data[i] == '~';
		if (!tilde_held && data[i] != 'x')
			out[n++] = data[i];
	}
	memcpy(data, out, n);
	return n;
}

TEST(a_filter_takes_out_and_gives_back)
{
	struct world *w = world_new();
	struct end a, b;

	end_init(&a);
	end_init(&b);
	a.config.filter = filter;
	a.config.is_interactive = true;
	connect_ends(w, &a, &b);
	CHECK_INT(write(a.in, "axbx~", 5), 5);
	turns(w, 10);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "ab"));
	CHECK_INT(write(a.in, "c", 1), 1);
	turns(w, 10);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "ab~c"));
	CHECK_INT(write(a.in, "xxx", 3), 3);
	close_side(&a.in);
	turns(w, 10);
	CHECK(collect(b.out, &b.got));
	CHECK(span_is(buf_span(&b.got), "ab~c"));
	CHECK_INT(a.input_ends, 1);
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

TEST(a_file_is_sent_and_written)
{
	struct world *w = world_new();
	struct end a, b;
	char path[512], copy[512];
	struct buf bytes = BUF_INIT, got = BUF_INIT;
	int fd;

	for (uint64_t i = 0; i < 3000000; i++)
		write_byte(&bytes, pattern(i, 8));
	snprintf(path, sizeof(path), "%s/from", unit_scratch());
	snprintf(copy, sizeof(copy), "%s/to", unit_scratch());
	CHECK((fd = open(path, O_CREAT | O_RDWR, 0600)) >= 0);
	CHECK_INT(write(fd, bytes.data, bytes.len), bytes.len);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	end_init_bare(&a);
	end_init_bare(&b);
	a.config.in_fd = fd;
	a.config.owns_fds = true;
	b.config.out_fd = open(copy, O_CREAT | O_RDWR, 0600);
	CHECK(b.config.out_fd >= 0);
	connect_ends(w, &a, &b);
	for (int i = 0; i < 1000 && b.output_ends == 0; i++)
		loop_turn(w->loop, 100);
	CHECK_INT(b.output_ends, 1);
	CHECK_INT(lseek(b.config.out_fd, 0, SEEK_SET), 0);
	while (collect(b.config.out_fd, &got) == false)
		;
	check_pattern(&got, 3000000, 8);
	close(b.config.out_fd);
	buf_release(&bytes);
	buf_release(&got);
	end_release(&a);
	end_release(&b);
	world_free(w);
}

/* ---- turns ---- */

TEST(bulk_streams_share_and_an_interactive_one_goes_first)
{
	struct world *w = world_new();
	struct end up[2], down[2], key, screen;
	uint64_t fed[2] = { 0, 0 }, got[2] = { 0, 0 }, before;
	struct buf sink = BUF_INIT;

	for (int i = 0; i < 2; i++) {
		end_init(&up[i]);
		end_init(&down[i]);
		connect_ends(w, &up[i], &down[i]);
	}
	end_init(&key);
	end_init(&screen);
	key.config.is_interactive = true;
	connect_ends(w, &key, &screen);
	for (int turn = 0; turn < 400; turn++) {
		for (int i = 0; i < 2; i++)
			feed(&up[i].in, &fed[i], UINT64_MAX, 1);
		loop_turn(w->loop, 10);
		for (int i = 0; i < 2; i++) {
			buf_clear(&sink);
			collect(down[i].out, &sink);
			got[i] += sink.len;
		}
	}
	CHECK(got[0] > 1024 * 1024 && got[1] > 1024 * 1024);
	CHECK(got[0] < got[1] * 2 && got[1] < got[0] * 2);

	/* A key arrives before much of what was behind it. */
	before = got[0] + got[1];
	CHECK_INT(write(key.in, "k", 1), 1);
	for (int turn = 0; turn < 100 && screen.got.len == 0; turn++) {
		for (int i = 0; i < 2; i++)
			feed(&up[i].in, &fed[i], UINT64_MAX, 1);
		loop_turn(w->loop, 10);
		collect(screen.out, &screen.got);
		for (int i = 0; i < 2; i++) {
			buf_clear(&sink);
			collect(down[i].out, &sink);
			got[i] += sink.len;
		}
	}
	CHECK_INT(screen.got.len, 1);
	CHECK(got[0] + got[1] - before <= 2 * 1024 * 1024);
	buf_release(&sink);
	for (int i = 0; i < 2; i++) {
		end_release(&up[i]);
		end_release(&down[i]);
	}
	end_release(&key);
	end_release(&screen);
	world_free(w);
}

/* ---- descriptors ---- */

static bool
is_nonblocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

TEST(shared_descriptors_keep_their_flags_and_do_not_block)
{
	struct world *w = world_new();
	struct end a, b;
	int in[2], out[2];
	uint64_t fed = 0;

	end_init_bare(&a);
	end_init(&b);
	make_pipe(in);
	make_pipe(out);
	a.config.in_fd = in[0];
	a.config.out_fd = out[1];
	a.config.shared_fds = true;
	connect_ends(w, &a, &b);
	CHECK(!is_nonblocking(in[0]) && !is_nonblocking(out[1]));
	CHECK_INT(write(in[1], "hello", 5), 5);
	turns(w, 10);
	collect(b.out, &b.got);
	CHECK(span_is(buf_span(&b.got), "hello"));
	/* More than the pipe holds: the loop goes on turning. */
	for (int i = 0; i < 200; i++) {
		feed(&b.in, &fed, UINT64_MAX, 1);
		loop_turn(w->loop, 1);
	}
	CHECK(stream_has_output(a.s));
	CHECK(!is_nonblocking(in[0]) && !is_nonblocking(out[1]));
	end_release(&a);
	end_release(&b);
	/* They were not its own: still open. */
	CHECK_INT(write(in[1], "x", 1), 1);
	CHECK(fcntl(out[1], F_GETFL) >= 0);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
	world_free(w);
}

TEST(a_polled_pipe_never_blocks)
{
	struct descriptor d = DESCRIPTOR_NONE;
	uint8_t bytes[10000];
	struct iovec iov = { bytes, sizeof(bytes) };
	size_t written = 0;
	ssize_t n;
	int fds[2];

	memset(bytes, 0, sizeof(bytes));
	make_pipe(fds);
	d.way = DESCRIPTOR_POLLED;
	d.fd = d.given = fds[0];
	CHECK_INT(descriptor_read(&d, bytes, 10), -1);
	CHECK_INT(errno, EAGAIN);
	d.fd = d.given = fds[1];
	while ((n = descriptor_write(&d, &iov, 1)) > 0)
		written += (size_t)n;
	CHECK_INT(n, -1);
	CHECK_INT(errno, EAGAIN);
	CHECK(written > 0);
	close(fds[0]);
	close(fds[1]);
}

TEST(a_shared_socket_never_blocks)
{
	struct descriptor d;
	uint8_t bytes[10000];
	struct iovec iov = { bytes, sizeof(bytes) };
	ssize_t n;
	int fds[2];

	memset(bytes, 0, sizeof(bytes));
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	descriptor_init(&d, fds[0], true, true);
	CHECK_INT(d.way, DESCRIPTOR_SOCKET);
	CHECK_INT(descriptor_read(&d, bytes, 10), -1);
	CHECK_INT(errno, EAGAIN);
	while ((n = descriptor_write(&d, &iov, 1)) > 0)
		;
	CHECK_INT(errno, EAGAIN);
	CHECK(!is_nonblocking(fds[0]));
	descriptor_release(&d, true);
	close(fds[1]);
}

TEST(the_master_of_a_pty_serves_both_directions)
{
	struct world *w = world_new();
	struct end a, b;
	struct port_pty pty;

	if (port_pty_open(&pty) != 0)
		SKIP("no pseudo terminals here");
	end_init(&a);
	end_init_bare(&b);
	b.config.in_fd = b.config.out_fd = pty.master;
	b.config.owns_fds = true;
	b.config.is_interactive = true;
	connect_ends(w, &a, &b);
	CHECK_INT(write(a.in, "echo\n", 5), 5);
	for (int i = 0; i < 50 && a.got.len < 6; i++) {
		loop_turn(w->loop, 10);
		collect(a.out, &a.got);
	}
	CHECK(span_is(buf_span(&a.got), "echo\r\n"));
	/* The client's EOF does not end the terminal. */
	close_side(&a.in);
	turns(w, 5);
	CHECK_INT(b.output_ends, 1);
	CHECK_INT(b.input_ends, 0);
	CHECK_INT(write(pty.slave, "more", 4), 4);
	close(pty.slave);
	for (int i = 0; i < 50 && b.input_ends == 0; i++)
		loop_turn(w->loop, 10);
	CHECK_INT(b.input_ends, 1);
	turns(w, 5);
	collect(a.out, &a.got);
	CHECK(span_is(buf_span(&a.got), "echo\r\nmore"));
	close_both(w, &a, &b);
	end_release(&a);
	end_release(&b);
	CHECK_INT(fcntl(pty.master, F_GETFL), -1);
	world_free(w);
}

/* ---- socket_channel.h ---- */

struct socket_end {
	struct socket_channel *s;
	int peer; /* the test's end of its socket */
	unsigned ends;
};

static void
on_socket_end(void *context)
{
	((struct socket_end *)context)->ends++;
}

/* A channel of the client's on a socket; b is the server's end. */
static void
connect_socket(
    struct world *w, struct socket_end *a, struct end *b, bool at_once)
{
	struct channel *c;
	int fds[2];

	memset(a, 0, sizeof(*a));
	w->server.accepted = 0;
	w->server.accept[0] = b;
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a->peer = fds[1];
	set_nonblocking(a->peer);
	CHECK(channel_open_begin(w->client.k, "x", 0, &c) != NULL);
	CHECK_INT(socket_channel_new(w->loop, c, at_once ? fds[0] : -1,
		      on_socket_end, a, &a->s),
	    0);
	CHECK_INT(channel_open_end(c), 0);
	turns(w, 20);
	CHECK(b->c != NULL);
	if (!at_once)
		socket_channel_start(a->s, fds[0]);
}

TEST(a_sockets_directions_end_one_by_one)
{
	for (int at_once = 0; at_once < 2; at_once++) {
		struct world *w = world_new();
		struct socket_end a;
		struct end b;
		char got[16];

		end_init(&b);
		CHECK_INT(write(b.in, "early", 5), 5);
		connect_socket(w, &a, &b, at_once == 1);
		turns(w, 20);
		CHECK_INT(read(a.peer, got, sizeof(got)), 5);
		CHECK(memcmp(got, "early", 5) == 0);
		CHECK_INT(write(a.peer, "question", 8), 8);
		CHECK_INT(shutdown(a.peer, SHUT_WR), 0);
		turns(w, 20);
		CHECK(collect(b.out, &b.got));
		CHECK_SPAN(buf_span(&b.got), span_text("question"));
		CHECK_INT(a.ends, 0);
		CHECK_INT(write(b.in, "answer", 6), 6);
		close_side(&b.in);
		turns(w, 20);
		CHECK_INT(read(a.peer, got, sizeof(got)), 6);
		CHECK_INT(read(a.peer, got, sizeof(got)), 0);
		/* Both have ended: it closes the channel, the server answers.
		 */
		turns(w, 20);
		CHECK_INT(b.closed, 1);
		CHECK_INT(a.ends, 1);
		close(a.peer);
		end_release(&b);
		world_free(w);
	}
}

TEST(a_broken_socket_closes_its_channel)
{
	struct world *w = world_new();
	struct socket_end a;
	struct end b;

	end_init(&b);
	connect_socket(w, &a, &b, true);
	close(a.peer);
	turns(w, 20);
	CHECK_INT(b.closed, 0); /* it might have shut down one direction */
	CHECK_INT(write(b.in, "x", 1), 1);
	turns(w, 20);
	CHECK_INT(b.eows, 1); /* which ended the other end's input */
	CHECK_INT(b.closed, 1);
	CHECK_INT(a.ends, 1);
	end_release(&b);
	world_free(w);
}

TEST(a_socket_that_never_comes_closes_its_channel)
{
	struct world *w = world_new();
	struct socket_end a = { 0 };
	struct channel *c;
	struct end b;

	end_init(&b);
	w->server.accepted = 0;
	w->server.accept[0] = &b;
	CHECK(channel_open_begin(w->client.k, "x", 0, &c) != NULL);
	CHECK_INT(
	    socket_channel_new(w->loop, c, -1, on_socket_end, &a, &a.s), 0);
	CHECK_INT(channel_open_end(c), 0);
	CHECK_INT(write(b.in, "lost", 4), 4);
	turns(w, 20);
	socket_channel_give_up(a.s);
	turns(w, 20);
	CHECK_INT(b.closed, 1);
	CHECK_INT(a.ends, 1);
	end_release(&b);
	world_free(w);
}
