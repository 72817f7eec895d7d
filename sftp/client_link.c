/*
 * client_link.c - the program that is the way to the server, and the turns.
 */
#include "sftp/client_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"
#include "common/port/port.h"
#include "sftp/client_beside.h"

#define LINKS_MAX 8

/* Bytes are let through in slices of this part of a second's. */
#define SLICES_PER_SECOND 20

/* One channel: a client and the descriptors that carry its bytes. */
struct way {
	struct client *client;
	int in, out; /* -1 once closed; may be the same */
};

struct client_link {
	struct way way[1 + CLIENT_WIDEN_MAX]; /* the first is the program's */
	size_t ways;
	pid_t pid; /* -1 once waited for */
	struct client_beside beside;
	uint64_t bytes_per_second;
	uint64_t free_us;   /* nothing moves before this time */
	struct error error; /* what ended the first way */
};

/* ---- start and stop ---- */

static void
way_close(struct way *w)
{
	if (w->in >= 0)
		close(w->in);
	if (w->out >= 0 && w->out != w->in)
		close(w->out);
	w->in = w->out = -1;
}

NORETURN static void
run_program(
    const struct client_link_config *config, int in, int out, int beside)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	/* It is in the terminal's foreground as we are: ^C reaches both. */
	signal(SIGINT, config->survives_interrupt ? SIG_IGN : SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (beside >= 0)
		client_beside_export(beside);
	execvp(config->argv[0], config->argv);
	fprintf(stderr, "exec: %s: %s\n", config->argv[0], strerror(errno));
	_exit(1);
}

static int
open_pipes(int to[2], int from[2])
{
	if (pipe2(to, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(from, O_CLOEXEC) != 0) {
		close(to[0]);
		close(to[1]);
		return -1;
	}
	port_pipe_enlarge(to[1]);
	port_pipe_enlarge(from[0]);
	return 0;
}

static int
start_program(struct client_link *l, const struct client_link_config *config,
    struct error *e)
{
	int to[2], from[2];
	int beside = config->is_own_ssh ? client_beside_open(&l->beside) : -1;

	if (open_pipes(to, from) != 0)
		return error_set_errno(e, "cannot make a pipe");
	l->pid = fork();
	if (l->pid == 0)
		run_program(config, to[0], from[1], beside);
	close(to[0]);
	close(from[1]);
	if (beside >= 0)
		close(beside);
	l->way[0].in = from[0];
	l->way[0].out = to[1];
	if (l->pid < 0)
		return error_set_errno(e, "cannot fork");
	if (fd_set_nonblocking(from[0], true) != 0 ||
	    fd_set_nonblocking(to[1], true) != 0)
		return error_set_errno(e, "cannot set up a pipe");
	return 0;
}

int
client_link_start(const struct client_link_config *config,
    struct client_link **ret, struct error *e)
{
	struct client_link *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	l->pid = -1;
	l->ways = 1;
	l->way[0].in = l->way[0].out = -1;
	l->bytes_per_second = config->bytes_per_second;
	client_beside_init(&l->beside);
	if ((l->way[0].client = client_new()) == NULL)
		r = error_set(e, ERR_MEMORY, "out of memory");
	else
		r = start_program(l, config, e);
	if (r != 0) {
		client_link_stop(l);
		return r;
	}
	*ret = l;
	return 0;
}

int
client_link_stop(struct client_link *l)
{
	int status = -1;

	if (l == NULL)
		return -1;
	client_beside_close(&l->beside);
	for (size_t i = 0; i < l->ways; i++) {
		way_close(&l->way[i]);
		client_free(l->way[i].client);
	}
	if (l->pid > 0) {
		while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	free(l);
	return status;
}

struct client *
client_link_client(struct client_link *l)
{
	return l->way[0].client;
}

const struct error *
client_link_error(const struct client_link *l)
{
	return &l->error;
}

pid_t
client_link_pid(const struct client_link *l)
{
	return l->pid;
}

/* ---- turns ---- */

/* The most that may move at once; counts it against the rate. */
static size_t
slice(const struct client_link *l, size_t most)
{
	size_t n = l->bytes_per_second / SLICES_PER_SECOND;

	if (l->bytes_per_second == 0)
		return most;
	if (n == 0)
		n = 1;
	return n < most ? n : most;
}

static void
count_moved(struct client_link *l, size_t n, uint64_t now_us)
{
	if (l->bytes_per_second == 0)
		return;
	if (l->free_us < now_us)
		l->free_us = now_us;
	l->free_us += (uint64_t)n * 1000000 / l->bytes_per_second;
}

static int
closed(struct way *w, struct error *e)
{
	way_close(w);
	client_end(w->client);
	return error_set(e, ERR_CLOSED, "Connection closed");
}

static int
way_read(struct client_link *l, struct way *w, struct error *e)
{
	size_t room;
	uint8_t *to = client_recv_space(w->client, &room);
	ssize_t n = read(w->in, to, slice(l, room));
	uint64_t now_us;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return closed(w, e);
	now_us = time_monotonic_us();
	count_moved(l, (size_t)n, now_us);
	return client_received(w->client, (size_t)n, now_us, e);
}

static int
way_write(struct client_link *l, struct way *w, struct error *e)
{
	struct span p = client_pending(w->client);
	ssize_t n;

	if (p.len == 0)
		return 0;
	n = write(w->out, p.ptr, slice(l, p.len));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return closed(w, e);
	count_moved(l, (size_t)n, time_monotonic_us());
	client_sent(w->client, (size_t)n);
	return 0;
}

/* The two descriptors of each way that is open; -1 is skipped by poll. */
static size_t
collect(struct client_link *const *links, size_t count, uint64_t now_us,
    struct pollfd *ret, int *timeout_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct client_link *l = links[i];
		bool waits = l != NULL && l->free_us > now_us;

		for (size_t k = 0; l != NULL && k < l->ways; k++) {
			struct way *w = &l->way[k];
			bool has_output = client_pending(w->client).len > 0;

			ret[n++] =
			    (struct pollfd){ waits ? -1 : w->in, POLLIN, 0 };
			ret[n++] =
			    (struct pollfd){ waits || !has_output ? -1 : w->out,
				    POLLOUT, 0 };
		}
		if (waits) {
			int ms = (int)((l->free_us - now_us) / 1000) + 1;

			if (*timeout_ms < 0 || ms < *timeout_ms)
				*timeout_ms = ms;
		}
	}
	return n;
}

static int
serve(struct client_link *l, struct way *w, const struct pollfd *p,
    uint64_t now_us, struct error *e)
{
	struct error reason = { 0 };
	int r = 0;

	client_set_time(w->client, now_us);
	if (p[0].revents != 0)
		r = way_read(l, w, &reason);
	if (r == 0 && w->out >= 0 && p[1].revents != 0)
		r = way_write(l, w, &reason);
	if (r == 0)
		return 0;
	/* A further channel that ends is no loss: its work is done again by
	 * the others. */
	if (w != &l->way[0]) {
		closed(w, NULL);
		return 0;
	}
	if (l->error.code == 0)
		l->error = reason;
	if (e != NULL)
		*e = reason;
	return r;
}

int
client_link_turn(struct client_link *const *links, size_t count, int timeout_ms,
    struct error *e)
{
	struct pollfd p[LINKS_MAX * 2 * (1 + CLIENT_WIDEN_MAX)];
	uint64_t now_us = time_monotonic_us();
	size_t n = collect(links, count, now_us, p, &timeout_ms);
	const struct pollfd *at = p;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		if (links[i] != NULL && client_is_over(links[i]->way[0].client))
			return closed(&links[i]->way[0], e);
	if (poll(p, n, timeout_ms) < 0)
		return errno == EINTR ? 0 : error_set_errno(e, "poll");
	now_us = time_monotonic_us();
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; links[i] != NULL && k < links[i]->ways;
		     k++, at += 2) {
			int s =
			    serve(links[i], &links[i]->way[k], at, now_us, e);

			if (r == 0)
				r = s;
		}
	}
	return r;
}

static bool
share(int fd, uint32_t *ret_number, void *context)
{
	struct client_link *l = context;

	return client_beside_share(&l->beside, fd, ret_number);
}

static void
forget(void *context)
{
	struct client_link *l = context;

	client_beside_forget(&l->beside);
}

static const struct client_sharing sharing = { share, forget };

int
client_link_wait_ready(
    struct client_link *l, const volatile sig_atomic_t *stop, struct error *e)
{
	int r = 0;

	while (r == 0 && !client_is_ready(l->way[0].client)) {
		if (stop != NULL && *stop)
			return error_set(e, ERR_CANCELLED, "Interrupted");
		r = client_link_turn(&l, 1, -1, e);
	}
	/* Where bytes are let through in slices they must be seen here. */
	if (r == 0 && l->bytes_per_second == 0 &&
	    client_beside_shares_files(&l->beside))
		client_set_sharing(l->way[0].client, &sharing, l);
	return r;
}

/* ---- further channels ---- */

struct client *
client_link_widen(struct client_link *l, unsigned wanted)
{
	struct way w = { NULL, -1, -1 };

	if (l->ways == ARRAY_COUNT(l->way))
		return NULL;
	w.in = w.out = client_beside_widen(&l->beside, wanted);
	if (w.in < 0)
		return NULL;
	if (fd_set_nonblocking(w.in, true) != 0 ||
	    (w.client = client_new()) == NULL) {
		way_close(&w);
		return NULL;
	}
	l->way[l->ways++] = w;
	return w.client;
}

struct client *
client_link_lane(struct client_link *l, size_t index)
{
	return index + 1 < l->ways ? l->way[index + 1].client : NULL;
}
