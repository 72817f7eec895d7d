/*
 * ipc_test.c - framed messages, descriptors that travel along.
 */
#include "common/ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "tests/unit/unit.h"

struct ends {
	struct ipc a;
	struct ipc b;
};

static struct ends
ends_new(size_t message_max)
{
	struct ends e;
	int fds[2];

	CHECK_INT(ipc_pair(fds), 0);
	ipc_init(&e.a, fds[0], message_max);
	ipc_init(&e.b, fds[1], message_max);
	return e;
}

static void
ends_release(struct ends *e)
{
	ipc_release(&e->a);
	ipc_release(&e->b);
}

static void
compose(struct ipc *ipc, uint8_t type, struct span body, int fd)
{
	write_span(ipc_begin(ipc, type), body);
	CHECK_INT(ipc_end(ipc, fd), 0);
}

/* A pipe's reading end with text in it. */
static int
fd_holding(const char *text)
{
	int fds[2];

	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	CHECK_INT(fd_write_all(fds[1], text, strlen(text)), 0);
	close(fds[1]);
	return fds[0];
}

static void
check_fd_holds(int fd, const char *text)
{
	char got[64] = "";

	CHECK(fd >= 0);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(read(fd, got, sizeof(got) - 1) >= 0);
	CHECK_TEXT(got, text);
	close(fd);
}

TEST(ipc_messages_arrive_in_order)
{
	struct ends e = ends_new(1024);
	struct ipc_message m;

	compose(&e.a, 7, span_text("first"), -1);
	compose(&e.a, 8, span_text(""), -1);
	compose(&e.a, 9, span_text("third"), -1);
	CHECK(ipc_has_output(&e.a));
	CHECK_INT(ipc_flush(&e.a), 0);
	CHECK(!ipc_has_output(&e.a));
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_INT(m.type, 7);
	CHECK_SPAN(m.body, span_text("first"));
	CHECK_INT(m.fd, -1);
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_INT(m.type, 8);
	CHECK_INT(m.body.len, 0);
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_SPAN(m.body, span_text("third"));
	CHECK_INT(ipc_next(&e.b, &m), 0);
	ends_release(&e);
}

TEST(ipc_descriptors_stay_with_their_messages)
{
	struct ends e = ends_new(100000);
	struct buf big = BUF_INIT;
	struct ipc_message m;
	int one = fd_holding("one");
	int two = fd_holding("two");

	for (int i = 0; i < 9000; i++)
		write_byte(&big, (uint8_t)i);
	compose(&e.a, 1, span_text("plain"), -1);
	compose(&e.a, 2, buf_span(&big), one);
	compose(&e.a, 3, span_text("plain"), -1);
	compose(&e.a, 4, span_text("with"), two);
	compose(&e.a, 5, span_text("plain"), -1);
	close(one);
	close(two);
	CHECK_INT(ipc_flush(&e.a), 0);
	for (int type = 1; type <= 5; type++) {
		CHECK_INT(ipc_receive(&e.b, &m), 0);
		CHECK_INT(m.type, type);
		if (type == 2) {
			CHECK_SPAN(m.body, buf_span(&big));
			check_fd_holds(m.fd, "one");
		} else if (type == 4) {
			check_fd_holds(m.fd, "two");
		} else {
			CHECK_INT(m.fd, -1);
		}
	}
	buf_release(&big);
	ends_release(&e);
}

TEST(ipc_fill_waits_until_a_descriptor_is_taken)
{
	struct ends e = ends_new(1024);
	struct ipc_message m;
	int one = fd_holding("one");
	int two = fd_holding("two");

	compose(&e.a, 1, span_text("x"), one);
	compose(&e.a, 2, span_text("y"), two);
	close(one);
	close(two);
	CHECK_INT(ipc_drain(&e.a), 0);
	CHECK_INT(ipc_fill(&e.b), 0);
	CHECK_INT(ipc_fill(&e.b), 0);
	CHECK_INT(ipc_next(&e.b, &m), 1);
	CHECK_INT(m.type, 1);
	check_fd_holds(m.fd, "one");
	CHECK_INT(ipc_next(&e.b, &m), 0);
	CHECK_INT(ipc_fill(&e.b), 0);
	CHECK_INT(ipc_next(&e.b, &m), 1);
	CHECK_INT(m.type, 2);
	check_fd_holds(m.fd, "two");
	ends_release(&e);
}

TEST(ipc_end_of_stream_is_told_after_the_last_message)
{
	struct ends e = ends_new(1024);
	struct ipc_message m;

	compose(&e.a, 1, span_text("last"), -1);
	CHECK_INT(ipc_flush(&e.a), 0);
	ipc_release(&e.a);
	CHECK_INT(ipc_fill(&e.b), 0);
	CHECK_INT(ipc_next(&e.b, &m), 1);
	CHECK_SPAN(m.body, span_text("last"));
	CHECK_INT(ipc_fill(&e.b), ERR_CLOSED);
	CHECK_INT(ipc_receive(&e.b, &m), ERR_CLOSED);
	ipc_release(&e.b);
}

TEST(ipc_writing_to_a_closed_peer_is_closed_not_a_signal)
{
	struct ends e = ends_new(1024);

	ipc_release(&e.b);
	compose(&e.a, 1, span_text("x"), -1);
	CHECK_INT(ipc_flush(&e.a), ERR_CLOSED);
	ipc_release(&e.a);
}

TEST(ipc_refuses_too_long_a_message_at_both_ends)
{
	struct ends e = ends_new(16);
	struct ipc_message m;

	/* With its type a body of 16 is one too long. */
	write_span(ipc_begin(&e.a, 1), span_text("0123456789abcdef"));
	CHECK_INT(ipc_end(&e.a, -1), ERR_LIMIT);
	CHECK(!ipc_has_output(&e.a));
	compose(&e.a, 1, span_text("0123456789abcde"), -1);
	CHECK_INT(ipc_flush(&e.a), 0);
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_INT(m.body.len, 15);

	CHECK_INT(fd_write_all(e.a.fd, "\0\0\0\x11", 4), 0);
	CHECK_INT(fd_write_all(e.a.fd, "x", 1), 0);
	CHECK_INT(ipc_receive(&e.b, &m), ERR_LIMIT);
	CHECK_INT(ipc_fill(&e.b), ERR_LIMIT);
	ends_release(&e);
}

TEST(ipc_refuses_a_message_without_a_type)
{
	struct ends e = ends_new(16);
	struct ipc_message m;

	CHECK_INT(fd_write_all(e.a.fd, "\0\0\0\0\0\0\0\0", 8), 0);
	CHECK_INT(ipc_receive(&e.b, &m), ERR_FORMAT);
	ends_release(&e);
}

/* Sends bytes with count copies of a descriptor, unframed. */
static void
send_raw(int socket_fd, struct span bytes, int fd, size_t count)
{
	char control[CMSG_SPACE(sizeof(int) * 8)] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes.ptr, bytes.len };
	struct msghdr m = { 0 };
	struct cmsghdr *c;

	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * count);
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	CHECK_INT(sendmsg(socket_fd, &m, 0), bytes.len);
}

/* The number of open descriptors below 64. */
static int
open_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(ipc_refuses_more_than_one_descriptor_and_closes_them)
{
	struct ends e;
	struct ipc_message m;

	for (size_t count = 2; count <= 8; count++) {
		int before = open_count();

		e = ends_new(16);
		send_raw(e.a.fd, unit_hex("80000001 07"), STDIN_FILENO, count);
		CHECK_INT(ipc_receive(&e.b, &m), ERR_FORMAT);
		ends_release(&e);
		CHECK_INT(open_count(), before);
	}
}

TEST(ipc_refuses_an_unannounced_descriptor)
{
	struct ends e = ends_new(16);
	struct ipc_message m;

	send_raw(e.a.fd, unit_hex("00000001 07"), STDIN_FILENO, 1);
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_INT(m.fd, -1);
	CHECK_INT(ipc_fill(&e.b), ERR_FORMAT);
	ends_release(&e);
}

TEST(ipc_refuses_an_announced_descriptor_that_does_not_come)
{
	struct ends e = ends_new(16);
	struct ipc_message m;

	CHECK_INT(fd_write_all(e.a.fd, "\x80\0\0\1\7", 5), 0);
	CHECK_INT(ipc_receive(&e.b, &m), ERR_FORMAT);
	ends_release(&e);
}

TEST(ipc_every_split_of_the_stream_gives_the_same_messages)
{
	struct span stream = unit_hex("00000003 01 6162 00000001 02 "
				      "00000004 03 636465");
	struct ipc_message m;

	for (size_t cut = 1; cut < stream.len; cut++) {
		struct ends e = ends_new(16);
		int types = 0;

		for (int part = 0; part < 2; part++) {
			size_t from = part == 0 ? 0 : cut;
			size_t to = part == 0 ? cut : stream.len;

			CHECK_INT(
			    fd_write_all(e.a.fd, stream.ptr + from, to - from),
			    0);
			CHECK_INT(ipc_fill(&e.b), 0);
			while (ipc_next(&e.b, &m) == 1)
				types = types * 10 + m.type;
		}
		CHECK_INT(types, 123);
		CHECK_SPAN(m.body, span_text("cde"));
		ends_release(&e);
	}
}

TEST(ipc_large_message_passes_both_forms)
{
	size_t size = 3 * 1024 * 1024;
	struct ends e = ends_new(size + 1);
	struct ipc_message m;
	struct buf body = BUF_INIT;
	int r;

	for (size_t i = 0; i < size; i++)
		write_byte(&body, (uint8_t)(i * 7 >> 3));
	compose(&e.a, 1, buf_span(&body), -1);
	do {
		CHECK_INT(ipc_drain(&e.a), 0);
		CHECK_INT(ipc_fill(&e.b), 0);
	} while ((r = ipc_next(&e.b, &m)) == 0);
	CHECK_INT(r, 1);
	CHECK_SPAN(m.body, buf_span(&body));

	compose(&e.a, 2, buf_span(&body), -1);
	if (fork() == 0)
		_exit(ipc_flush(&e.a) == 0 ? 0 : 1);
	CHECK_INT(ipc_receive(&e.b, &m), 0);
	CHECK_INT(m.type, 2);
	CHECK_SPAN(m.body, buf_span(&body));
	CHECK(wait(NULL) > 0);
	buf_release(&body);
	ends_release(&e);
}

TEST(ipc_queue_of_descriptors_has_an_end)
{
	struct ends e = ends_new(16);
	int before = open_count();

	for (int i = 0; i < 16; i++)
		compose(&e.a, 1, span_text(""), STDIN_FILENO);
	IGNORE_RESULT(ipc_begin(&e.a, 1) == NULL);
	CHECK_INT(ipc_end(&e.a, STDIN_FILENO), ERR_LIMIT);
	compose(&e.a, 2, span_text(""), -1);
	CHECK_INT(ipc_drain(&e.a), 0);
	CHECK_INT(open_count(), before);
	ends_release(&e);
}

TEST(ipc_a_deadline_holds_for_a_peer_that_never_stops_talking)
{
	struct ends e = ends_new(4096);
	uint64_t deadline = time_monotonic_us() + 20000;
	struct ipc_message m;
	size_t got = 0;
	int r = 0;

	while (r == 0 && time_monotonic_us() < deadline + 1000000) {
		compose(&e.a, 7, span_text("more"), -1);
		CHECK_INT(ipc_flush(&e.a), 0);
		r = ipc_receive_until(&e.b, deadline, 4096, &m);
		got += r == 0;
	}
	CHECK_INT(r, ERR_TIMEOUT);
	CHECK(got > 0);
	ends_release(&e);
}

TEST(ipc_a_deadline_ends_the_waiting)
{
	struct ends e = ends_new(4096);
	struct ipc_message m;

	CHECK_INT(
	    ipc_receive_until(&e.b, time_monotonic_us() + 10000, 4096, &m),
	    ERR_TIMEOUT);
	compose(&e.a, 7, span_text("at last"), -1);
	CHECK_INT(ipc_flush(&e.a), 0);
	CHECK_INT(ipc_receive_until(&e.b, UINT64_MAX, 4096, &m), 0);
	CHECK(span_is(m.body, "at last"));
	ends_release(&e);
}

TEST(ipc_answers_for_a_peer_that_does_not_read_are_bounded)
{
	struct ends e = ends_new(4096);
	uint8_t body[1024] = { 0 };
	struct ipc_message m;
	int r = 0;

	for (int i = 0; r == 0 && i < 100000; i++) {
		compose(&e.a, 7, span_text("?"), -1);
		CHECK_INT(ipc_flush(&e.a), 0);
		r = ipc_receive_until(&e.b, UINT64_MAX, 65536, &m);
		if (r == 0)
			compose(&e.b, 8, span_of(body, sizeof(body)), -1);
	}
	CHECK_INT(r, ERR_LIMIT);
	ends_release(&e);
}
