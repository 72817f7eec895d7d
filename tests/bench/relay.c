/*
 * relay.c - a TCP relay that delays without limiting: what comes in on one
 * side leaves on the other a fixed time later, at whatever rate it came.
 *
 *   relay DELAY_MS TARGET_PORT
 *
 * Prints the port it listens on (127.0.0.1) and serves until killed.
 * DELAY_MS is one way: the round trip is twice that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/time.h"

#define CHUNK_SIZE  (1024u * 1024)
#define QUEUE_LIMIT 4096 /* chunks: up to 4 GiB under way */

struct chunk {
	uint64_t due_us;
	size_t len, sent;
	uint8_t *bytes;
};

/* One direction: a ring of chunks, each with the time at which it leaves. */
struct direction {
	int from, to;
	struct chunk queue[QUEUE_LIMIT];
	size_t head, count;
	uint8_t *spare[64]; /* buffers to use again: no page faults */
	size_t spare_count;
	bool ended; /* end of file read from `from` */
	uint64_t end_due_us;
	bool closed; /* `to` was shut down for writing */
};

static uint64_t delay_us;

static uint8_t *
buffer_take(struct direction *d)
{
	if (d->spare_count > 0)
		return d->spare[--d->spare_count];
	return malloc(CHUNK_SIZE);
}

static void
buffer_give(struct direction *d, uint8_t *bytes)
{
	if (d->spare_count < ARRAY_COUNT(d->spare))
		d->spare[d->spare_count++] = bytes;
	else
		free(bytes);
}

/* Reads what is there into the queue; false when the connection failed. */
static bool
direction_read(struct direction *d)
{
	struct chunk *c = &d->queue[(d->head + d->count) % QUEUE_LIMIT];
	uint8_t *bytes = buffer_take(d);
	ssize_t n;

	if (bytes == NULL)
		return false;
	n = read(d->from, bytes, CHUNK_SIZE);
	if (n <= 0) {
		buffer_give(d, bytes);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		d->ended = true;
		d->end_due_us = time_monotonic_us() + delay_us;
		return n == 0;
	}
	*c = (struct chunk){ time_monotonic_us() + delay_us, (size_t)n, 0,
		bytes };
	d->count++;
	return true;
}

/* Writes what is due; false when the connection failed. */
static bool
direction_write(struct direction *d, uint64_t now_us)
{
	while (d->count > 0 && d->queue[d->head].due_us <= now_us) {
		struct chunk *c = &d->queue[d->head];
		ssize_t n = write(d->to, c->bytes + c->sent, c->len - c->sent);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)n;
		if (c->sent < c->len)
			return true;
		buffer_give(d, c->bytes);
		d->head = (d->head + 1) % QUEUE_LIMIT;
		d->count--;
	}
	if (d->ended && d->count == 0 && !d->closed &&
	    d->end_due_us <= now_us) {
		shutdown(d->to, SHUT_WR);
		d->closed = true;
	}
	return true;
}

/* Milliseconds until something is due; -1: nothing waits. */
static int
direction_wait_ms(const struct direction *d, uint64_t now_us)
{
	uint64_t due;

	if (d->count > 0)
		due = d->queue[d->head].due_us;
	else if (d->ended && !d->closed)
		due = d->end_due_us;
	else
		return -1;
	return due <= now_us ? 0 : (int)((due - now_us + 999) / 1000);
}

static short
poll_events(const struct direction *reads, const struct direction *writes,
    uint64_t now_us)
{
	short events = 0;

	if (!reads->ended && reads->count < QUEUE_LIMIT)
		events |= POLLIN;
	if (writes->count > 0 && writes->queue[writes->head].due_us <= now_us)
		events |= POLLOUT;
	return events;
}

static void
serve(int client, int server)
{
	static struct direction up, down;

	up.from = down.to = client;
	up.to = down.from = server;
	while (!(up.closed && down.closed)) {
		uint64_t now_us = time_monotonic_us();
		int a = direction_wait_ms(&up, now_us);
		int b = direction_wait_ms(&down, now_us);
		struct pollfd fds[2] = {
			{ client, poll_events(&up, &down, now_us), 0 },
			{ server, poll_events(&down, &up, now_us), 0 }
		};
		int wait_ms = a < 0 ? b : b < 0 ? a : a < b ? a : b;

		/* A direction that is due but blocked waits for POLLOUT. */
		if (wait_ms == 0 && ((fds[0].events | fds[1].events) & POLLOUT))
			wait_ms = 1;
		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
			return;
		if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) &&
		    (fds[0].events & POLLIN) && !direction_read(&up))
			return;
		if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) &&
		    (fds[1].events & POLLIN) && !direction_read(&down))
			return;
		now_us = time_monotonic_us();
		if (!direction_write(&up, now_us) ||
		    !direction_write(&down, now_us))
			return;
	}
}

static int
loopback_socket(struct sockaddr_in *sa, unsigned port)
{
	memset(sa, 0, sizeof(*sa));
	sa->sin_family = AF_INET;
	sa->sin_port = htons((uint16_t)port);
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void
set_up(int fd)
{
	int on = 1, size = 16 * 1024 * 1024;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Room for what a long path would hold under way. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	IGNORE_RESULT(fd_set_nonblocking(fd, true)); /* slower, not wrong */
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sa;
	socklen_t size = sizeof(sa);
	long long delay_ms, port;
	int listener, client, server;

	if (argc != 3 || !text_to_int(argv[1], 0, 10000, &delay_ms) ||
	    !text_to_int(argv[2], 1, 65535, &port)) {
		fprintf(stderr, "usage: relay delay_ms target_port\n");
		return 2;
	}
	delay_us = (uint64_t)delay_ms * 1000;
	listener = loopback_socket(&sa, 0);
	if (bind(listener, (struct sockaddr *)&sa, size) != 0 ||
	    listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&sa, &size) != 0) {
		perror("relay: listen");
		return 1;
	}
	printf("%u\n", (unsigned)ntohs(sa.sin_port));
	fflush(stdout);
	for (;;) {
		client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (client < 0)
			continue;
		if (fork() == 0) {
			server = loopback_socket(&sa, (unsigned)port);
			if (connect(server, (struct sockaddr *)&sa,
				sizeof(sa)) == 0) {
				set_up(client);
				set_up(server);
				serve(client, server);
			}
			_exit(0);
		}
		close(client);
	}
}
