/*
 * ssh_placement_test.c - a program's SFTP messages through ssh, with the data
 * of files that it shares: the program's pipes and a server's channel.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/channel/channel.h"
#include "ssh/parent.h"
#include "ssh/placement.h"
#include "tests/unit/pair.h"
#include "tests/unit/unit.h"

#define READ   5
#define WRITE  6
#define STATUS 101
#define DATA   103

struct world {
	struct pair *pair;
	struct loop *loop;
	struct connection *client, *server;
	struct channel *ours, *theirs;
	struct placement *placement;
	int control;      /* the program's end */
	int to, from;     /* the program's ends of the pipes */
	struct buf given; /* what the server got */
	struct buf got;   /* what the program got */
	struct buf said, want, file; /* the test's own */
	bool reads;       /* the program reads */
	bool has_eof;     /* the server's side */
	unsigned ended, closed;
	uint32_t random;
};

/* ---- channels ---- */

static size_t
on_server_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	struct world *w = context;

	write_span(&w->given, data);
	return data.len;
}

static void
on_server_eof(struct channel *c, void *context)
{
	((struct world *)context)->has_eof = true;
}

static const struct channel_handlers server_handlers = {
	.on_data = on_server_data,
	.on_eof = on_server_eof,
};

static size_t
on_data(struct channel *c, enum channel_stream stream, struct span data,
    void *context)
{
	return placement_on_data(
	    ((struct world *)context)->placement, stream, data);
}

static void
on_eof(struct channel *c, void *context)
{
	placement_on_eof(((struct world *)context)->placement);
}

static void
on_closed(struct channel *c, void *context)
{
	struct world *w = context;

	w->closed++;
	placement_on_close(w->placement);
}

static const struct channel_handlers client_handlers = {
	.on_data = on_data,
	.on_eof = on_eof,
	.on_closed = on_closed,
};

static bool
on_channel_open(struct connection *k, struct channel *c, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct world *w = context;

	w->theirs = c;
	channel_set_handlers(c, &server_handlers, w);
	return true;
}

static int
on_packet(struct pair_end *e, const struct packet *p, void *context)
{
	struct world *w = context;

	return connection_packet(
	    e == &w->pair->client ? w->client : w->server, p, w->pair->now_us,
	    0);
}

static void
on_turn(struct pair_end *e, void *context)
{
	struct world *w = context;

	if (e == &w->pair->client && w->placement != NULL)
		loop_turn(w->loop, 0);
}

static void
on_output_end(void *context)
{
	((struct world *)context)->ended++;
}

/* ---- the world ---- */

static void
take_output(struct world *w)
{
	uint8_t bytes[65536];
	ssize_t n;

	while (w->reads && (n = read(w->from, bytes, sizeof(bytes))) > 0)
		write_bytes(&w->got, bytes, (size_t)n);
}

/* Until nothing moves any more; the moment in which answers wait included. */
static void
run(struct world *w)
{
	for (int i = 0; i < 6; i++) {
		pair_run(w->pair);
		take_output(w);
		usleep(500);
		loop_turn(w->loop, 0);
	}
	pair_run(w->pair);
	take_output(w);
}

static void
set_up(struct world *w)
{
	struct connection_handlers h = { .on_channel_open = on_channel_open,
		.context = w };
	struct placement_config c = { .err_fd = 2,
		.on_output_end = on_output_end,
		.context = w };
	int sockets[2], in[2], out[2];
	struct direct_packet ready;

	signal(SIGPIPE, SIG_IGN);
	memset(w, 0, sizeof(*w));
	w->reads = true;
	w->random = 1;
	w->pair = pair_new(NULL);
	w->pair->client.on_packet = w->pair->server.on_packet = on_packet;
	w->pair->client.on_turn = on_turn;
	w->pair->client.context = w->pair->server.context = w;
	CHECK_INT(connection_new(w->pair->client.t, &h, &w->client), 0);
	CHECK_INT(connection_new(w->pair->server.t, &h, &w->server), 0);
	CHECK(channel_open_begin(w->client, "session", 0, &w->ours) != NULL);
	channel_set_handlers(w->ours, &client_handlers, w);
	CHECK_INT(channel_open_end(w->ours), 0);
	pair_run(w->pair);
	CHECK(w->theirs != NULL && channel_is_open(w->ours));

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	CHECK_INT(pipe(in), 0);
	CHECK_INT(pipe(out), 0);
	CHECK_INT(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	w->control = sockets[0];
	parent_attach(sockets[1]);
	w->loop = loop_new();
	CHECK(w->loop != NULL);
	CHECK_INT(parent_start(w->loop), 0);
	c.in_fd = in[0];
	c.out_fd = out[1];
	w->to = in[1];
	w->from = out[0];
	CHECK_INT(placement_new(w->loop, w->ours, &c, &w->placement), 0);
	close(in[0]);
	close(out[1]);
	CHECK_INT(direct_receive(w->control, &ready), 1);
	CHECK_INT(ready.kind, DIRECT_READY);
	CHECK_INT(ready.fd, -1);
}

static void
tear_down(struct world *w)
{
	placement_free(w->placement);
	loop_free(w->loop);
	connection_free(w->client);
	connection_free(w->server);
	pair_free(w->pair);
	buf_release(&w->given);
	buf_release(&w->got);
	buf_release(&w->said);
	buf_release(&w->want);
	buf_release(&w->file);
}

/* ---- messages ---- */

static void
message(struct buf *b, uint8_t type, uint32_t id, struct span rest)
{
	write_uint32(b, (uint32_t)(1 + 4 + rest.len));
	write_byte(b, type);
	write_uint32(b, id);
	write_span(b, rest);
}

static void
data_message(struct buf *b, uint32_t id, struct span data)
{
	struct buf rest = BUF_INIT;

	write_string(&rest, data);
	message(b, DATA, id, buf_span(&rest));
	buf_release(&rest);
}

/* READ, WRITE or those of ours. */
static void
transfer(struct buf *b, uint8_t type, uint32_t id, uint64_t offset,
    uint32_t count, uint32_t file, uint64_t file_offset)
{
	struct buf rest = BUF_INIT;

	write_text(&rest, "handle");
	write_uint64(&rest, offset);
	write_uint32(&rest, count);
	if (type == DIRECT_READ || type == DIRECT_WRITE) {
		write_uint32(&rest, file);
		write_uint64(&rest, file_offset);
	}
	message(b, type, id, buf_span(&rest));
	buf_release(&rest);
}

static void
told(struct buf *b, enum direct_type type, uint32_t id, uint32_t count,
    uint32_t error)
{
	struct buf rest = BUF_INIT;

	write_uint32(&rest, count);
	write_uint32(&rest, error);
	message(b, (uint8_t)type, id, buf_span(&rest));
	buf_release(&rest);
}

/* In pieces of any size. */
static void
program_says(struct world *w, struct span s)
{
	while (s.len > 0) {
		size_t n = w->random % 5000 + 1;

		w->random = w->random * 1103515245 + 12345;
		if (n > s.len)
			n = s.len;
		CHECK_INT(write(w->to, s.ptr, n), n);
		s = span_of(s.ptr + n, s.len - n);
		loop_turn(w->loop, 0);
		pair_run(w->pair);
	}
	run(w);
}

static void
server_says(struct world *w, struct span s)
{
	while (s.len > 0) {
		size_t n = w->random % 70000 + 1, taken = 0;

		w->random = w->random * 1103515245 + 12345;
		if (n > s.len)
			n = s.len;
		CHECK_INT(channel_write(w->theirs, CHANNEL_STREAM_DATA,
			      span_of(s.ptr, n), &taken),
		    0);
		s = span_of(s.ptr + taken, s.len - taken);
		pair_run(w->pair);
		take_output(w);
		if (taken == 0)
			loop_turn(w->loop, 1);
	}
	run(w);
}

static int
share(struct world *w, uint32_t number, const char *name, int flags)
{
	struct direct_packet p = { DIRECT_FILE, number, 0, -1 };
	char *path = text_format("%s/%s", unit_scratch(), name);

	p.fd = open(path, flags | O_CREAT, 0600);
	CHECK(p.fd >= 0);
	free(path);
	CHECK(direct_send(w->control, &p));
	return p.fd;
}

static struct span
pattern(size_t len)
{
	static uint8_t p[1000000];

	CHECK(len <= sizeof(p));
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8) * 3 + (i >> 16));
	return span_of(p, len);
}

static void
check_file(int fd, uint64_t offset, struct span want)
{
	uint8_t *p = malloc(want.len);

	CHECK(p != NULL);
	CHECK_INT(pread(fd, p, want.len, (off_t)offset), want.len);
	CHECK_SPAN(span_of(p, want.len), want);
	free(p);
}

/* ---- tests ---- */

TEST(other_messages_pass_as_they_are_both_ways)
{
	struct world w;

	set_up(&w);
	for (uint32_t i = 0; i < 300; i++)
		message(&w.said, (uint8_t)(i % 200), i, pattern(i * 7 % 900));
	data_message(&w.said, 5, pattern(200000));
	write_bytes(&w.said, "\0\0\0\0", 4);
	write_bytes(&w.said, "\0\0\0\1\x67", 5);
	program_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.given), buf_span(&w.said));
	server_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.said));
	tear_down(&w);
}

TEST(what_is_no_sftp_passes_as_well)
{
	struct world w;
	struct span text = span_text("Last login: never\r\nsh: sftp: not found");

	set_up(&w);
	program_says(&w, text);
	server_says(&w, text);
	CHECK_SPAN(buf_span(&w.given), text);
	CHECK_SPAN(buf_span(&w.got), text);
	tear_down(&w);
}

TEST(a_write_takes_the_files_bytes_in_its_place_among_the_others)
{
	static const uint32_t sizes[] = { 1, 1000, 131072, 261120, 261120, 3 };
	struct world w;
	struct span all = pattern(1000000);
	uint64_t at = 100;
	int fd;

	set_up(&w);
	fd = share(&w, 3, "source", O_RDWR);
	CHECK_INT(write(fd, all.ptr, all.len), all.len);
	for (uint32_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		message(&w.said, 17, 1000 + i, span_text("between"));
		message(&w.want, 17, 1000 + i, span_text("between"));
		transfer(&w.said, DIRECT_WRITE, 1 << 13 | i, at + 5, sizes[i], 3, at);
		write_uint32(&w.want, 1 + 4 + 10 + 8 + 4 + sizes[i]);
		write_byte(&w.want, WRITE);
		write_uint32(&w.want, 1 << 13 | i);
		write_text(&w.want, "handle");
		write_uint64(&w.want, at + 5);
		write_string(&w.want, span_of(all.ptr + at, sizes[i]));
		at += sizes[i];
	}
	program_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.given), buf_span(&w.want));
	CHECK_INT(w.got.len, 0);
	CHECK_INT(w.pair->client.failed, 0);
	tear_down(&w);
}

TEST(a_file_that_ends_early_is_told_before_the_answer)
{
	struct world w;
	struct span all = pattern(150000);
	int fd;

	set_up(&w);
	fd = share(&w, 0, "source", O_RDWR);
	CHECK_INT(write(fd, all.ptr, all.len), all.len);
	transfer(&w.said, DIRECT_WRITE, 8192, 0, 200000, 0, 0);
	program_says(&w, buf_span(&w.said));
	CHECK_INT(w.given.len, 4 + 1 + 4 + 10 + 8 + 4 + 200000);
	CHECK_SPAN(span_of(w.given.data + 31, all.len), all);
	for (size_t i = 31 + all.len; i < w.given.len; i++)
		CHECK_INT(w.given.data[i], 0);
	buf_clear(&w.said);
	message(&w.said, STATUS, 8192, span_of("\0\0\0\0", 4));
	server_says(&w, buf_span(&w.said));
	told(&w.want, DIRECT_SHORT, 8192, 150000, 0);
	write_span(&w.want, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.want));
	tear_down(&w);
}

TEST(a_file_that_cannot_be_read_is_told)
{
	struct world w;

	set_up(&w);
	share(&w, 0, "source", O_WRONLY);
	transfer(&w.said, DIRECT_WRITE, 8192, 0, 10, 0, 0);
	program_says(&w, buf_span(&w.said));
	buf_clear(&w.said);
	message(&w.said, STATUS, 8192, span_of("\0\0\0\0", 4));
	server_says(&w, buf_span(&w.said));
	told(&w.want, DIRECT_SHORT, 8192, 0, EBADF);
	write_span(&w.want, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.want));
	tear_down(&w);
}

TEST(what_answers_a_read_goes_into_the_file)
{
	struct world w;
	struct span all = pattern(261120);
	int fd;

	set_up(&w);
	fd = share(&w, 9, "target", O_RDWR);
	transfer(&w.said, DIRECT_READ, 8193, 77, 261120, 9, 1000);
	transfer(&w.said, DIRECT_READ, 8194, 78, 500, 9, 0);
	transfer(&w.want, READ, 8193, 77, 261120, 0, 0);
	transfer(&w.want, READ, 8194, 78, 500, 0, 0);
	program_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.given), buf_span(&w.want));

	buf_clear(&w.said);
	buf_clear(&w.want);
	data_message(&w.said, 8194, span_of(all.ptr, 400)); /* shorter: allowed */
	data_message(&w.said, 8193, all);
	message(&w.said, 104, 5, span_text("a list of names"));
	server_says(&w, buf_span(&w.said));
	told(&w.want, DIRECT_PLACED, 8194, 400, 0);
	told(&w.want, DIRECT_PLACED, 8193, 261120, 0);
	message(&w.want, 104, 5, span_text("a list of names"));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.want));
	check_file(fd, 0, span_of(all.ptr, 400));
	check_file(fd, 1000, all);
	tear_down(&w);
}

TEST(a_read_that_fails_gets_its_status)
{
	struct world w;
	struct stat st;
	int fd;

	set_up(&w);
	fd = share(&w, 9, "target", O_RDWR);
	transfer(&w.said, DIRECT_READ, 8193, 0, 100, 9, 0);
	program_says(&w, buf_span(&w.said));
	buf_clear(&w.said);
	message(&w.said, STATUS, 8193, span_text("\0\0\0\1and so on"));
	/* It was answered: what comes now is nobody's. */
	data_message(&w.said, 8193, pattern(100));
	server_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.said));
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_size, 0);
	tear_down(&w);
}

TEST(data_that_is_not_what_was_asked_for_touches_no_file)
{
	struct world w;
	struct stat st;
	int fd;

	set_up(&w);
	fd = share(&w, 9, "target", O_RDWR);
	for (uint32_t i = 0; i < 4; i++)
		transfer(&w.said, DIRECT_READ, 8193 + i, 0, 100, 9, 0);
	program_says(&w, buf_span(&w.said));
	buf_clear(&w.said);
	data_message(&w.said, 8193, pattern(101)); /* more than asked for */
	data_message(&w.said, 8194, pattern(0));
	data_message(&w.said, 8195 + 8192, pattern(100)); /* an older request's id */
	/* A length of its own that does not fit the message. */
	message(&w.said, DATA, 8196, span_of("\0\0\0\x10too short", 13));
	server_says(&w, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.said));
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_size, 0);
	tear_down(&w);
}

TEST(a_server_cannot_speak_for_ssh)
{
	struct world w;

	set_up(&w);
	share(&w, 9, "target", O_RDWR);
	transfer(&w.said, DIRECT_READ, 8193, 0, 100, 9, 0);
	program_says(&w, buf_span(&w.said));
	buf_clear(&w.said);
	told(&w.said, DIRECT_PLACED, 8193, 100, 0);
	told(&w.said, DIRECT_SHORT, 8193, 100, 0);
	server_says(&w, buf_span(&w.said));
	w.said.data[4] = w.said.data[17 + 4] = DIRECT_NO_TYPE;
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.said));
	tear_down(&w);
}

TEST(a_file_that_cannot_be_written_is_told)
{
	struct world w;

	set_up(&w);
	share(&w, 9, "target", O_RDONLY);
	transfer(&w.said, DIRECT_READ, 8193, 0, 100, 9, 0);
	program_says(&w, buf_span(&w.said));
	buf_clear(&w.said);
	data_message(&w.said, 8193, pattern(100));
	server_says(&w, buf_span(&w.said));
	told(&w.want, DIRECT_PLACED, 8193, 100, EBADF);
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.want));
	tear_down(&w);
}

TEST(a_file_that_was_not_shared_or_is_forgotten_is_not_used)
{
	struct world w;

	set_up(&w);
	share(&w, 9, "target", O_RDWR);
	write_uint32(&w.file, 9);
	message(&w.said, DIRECT_FORGET, 0, buf_span(&w.file));
	transfer(&w.said, DIRECT_READ, 8193, 0, 100, 9, 0);
	transfer(&w.said, DIRECT_WRITE, 8194, 0, 100, 9, 0);
	transfer(&w.said, DIRECT_WRITE, 8195, 0, 100, UINT32_MAX, 0);
	program_says(&w, buf_span(&w.said));
	/* Files are shared by the other way: it has surely arrived here. */
	transfer(&w.want, READ, 8193, 0, 100, 0, 0);
	CHECK_SPAN(buf_span(&w.given), buf_span(&w.want));
	buf_clear(&w.said);
	data_message(&w.said, 8193, pattern(100));
	server_says(&w, buf_span(&w.said));
	buf_clear(&w.want);
	message(&w.want, STATUS, 8194, span_of("\0\0\0\4\0\0\0\0\0\0\0\0", 12));
	message(&w.want, STATUS, 8195, span_of("\0\0\0\4\0\0\0\0\0\0\0\0", 12));
	write_span(&w.want, buf_span(&w.said));
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.want));
	tear_down(&w);
}

TEST(the_end_of_the_programs_messages_is_the_servers_to_know)
{
	struct world w;

	set_up(&w);
	program_says(&w, span_of("\0\0", 2)); /* cut off */
	close(w.to);
	run(&w);
	CHECK(w.has_eof);
	CHECK_SPAN(buf_span(&w.given), span_of("\0\0", 2));
	CHECK_INT(channel_send_eof(w.theirs), 0);
	run(&w);
	CHECK_INT(w.ended, 1);
	CHECK_INT(channel_close(w.theirs), 0);
	run(&w);
	CHECK_INT(w.closed, 1);
	CHECK_INT(w.ended, 1);
	tear_down(&w);
}

TEST(a_program_that_is_gone_has_its_files_left_alone)
{
	struct world w;
	struct stat st;
	int fd;

	set_up(&w);
	fd = share(&w, 9, "target", O_RDWR);
	transfer(&w.said, DIRECT_READ, 8193, 0, 100, 9, 0);
	program_says(&w, buf_span(&w.said));
	close(w.to);
	run(&w);
	buf_clear(&w.said);
	data_message(&w.said, 8193, pattern(100));
	server_says(&w, buf_span(&w.said));
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_size, 0);
	tear_down(&w);
}

TEST(a_program_that_does_not_read_holds_the_server_back)
{
	struct world w;

	set_up(&w);
	w.reads = false;
	for (uint32_t i = 0; i < 10; i++)
		data_message(&w.said, i, pattern(150000));
	/* Less than the window: it is taken, and waits. */
	server_says(&w, buf_span(&w.said));
	CHECK(w.got.len == 0);
	CHECK_INT(channel_close(w.theirs), 0);
	run(&w);
	CHECK_INT(w.closed, 1);
	CHECK_INT(w.ended, 0);
	w.reads = true;
	for (int i = 0; i < 100 && w.ended == 0; i++)
		run(&w);
	CHECK_INT(w.ended, 1);
	take_output(&w);
	CHECK_SPAN(buf_span(&w.got), buf_span(&w.said));
	tear_down(&w);
}

TEST(a_program_that_reads_no_more_ends_nothing_else)
{
	struct world w;

	set_up(&w);
	close(w.from);
	w.reads = false;
	for (uint32_t i = 0; i < 10; i++)
		data_message(&w.said, i, pattern(150000));
	server_says(&w, buf_span(&w.said));
	CHECK_INT(w.pair->client.failed, 0);
	CHECK_INT(channel_close(w.theirs), 0);
	run(&w);
	CHECK_INT(w.ended, 1);
	tear_down(&w);
}
