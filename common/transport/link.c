/*
 * link.c - a transport on descriptors in an event loop.
 *
 * One read a readiness, as large as the transport's room; one writev at the
 * end of each turn. While the peer does not read what we answer (more than
 * UNREAD_MAX pending), nothing more is taken in.
 */
#include "common/transport/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/time.h"
#include "common/port/port.h"

#define IOV_COUNT  16
#define UNREAD_MAX (4u * 1024 * 1024)
#define IDLE_US    (1000u * 1000) /* then buffers are given back */

/* Of what is missing of a packet: below the first figure waking is cheap, and
 * above the second the kernel's buffer may be too small. */
#define LOW_WATER_MIN (16u * 1024)
#define LOW_WATER_MAX (128 * 1024)

#define RTT_AGE_US (100u * 1000) /* then the kernel is asked again */

struct link {
	struct loop *loop;
	struct transport *t;
	struct link_owner owner;
	int fd_in, fd_out;
	struct watch *in;
	struct watch *out;  /* the same as in for a socket */
	struct timer *tick; /* the transport's clock */
	struct timer *idle;
	uint64_t last_input_us;
	uint64_t rtt_us, rtt_read_us;
	int low_water; /* SO_RCVLOWAT as it is set; 0: no socket */
	unsigned busy; /* callbacks under way */
	bool held;     /* the owner takes no events now */
	bool stopped;  /* run_events met a transport that is held */
	bool blocked;  /* the last write did not take all */
	bool over;     /* on_end was called */
	bool dead;     /* link_free was called */
};

static void
destroy(struct link *l)
{
	timer_free(l->tick);
	timer_free(l->idle);
	if (l->out != l->in)
		watch_free(l->out);
	watch_free(l->in);
	free(l);
}

static void
enter(struct link *l)
{
	l->busy++;
}

static void
leave(struct link *l)
{
	if (--l->busy == 0 && l->dead)
		destroy(l);
}

static bool
is_active(const struct link *l)
{
	return !l->over && !l->dead;
}

/* Writes once what is pending. */
static int
write_pending(struct link *l, struct error *e)
{
	struct iovec iov[IOV_COUNT];
	size_t before = transport_pending_bytes(l->t);
	size_t count = transport_pending(l->t, iov, IOV_COUNT);
	ssize_t n;

	if (count == 0) {
		l->blocked = false;
		return 0;
	}
	do
		n = writev(l->fd_out, iov, (int)count);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return error_set_errno(e, "write to the peer");
	if (n > 0)
		transport_sent(l->t, (size_t)n);
	l->blocked = n < 0 || (size_t)n < before;
	return 0;
}

/* The one place where a link ends. */
static void
end(struct link *l, int code, const struct error *e)
{
	struct error own = { 0 }, ignored = { 0 };

	if (!is_active(l))
		return;
	if (e == NULL) {
		if (transport_error(l->t)->code == code)
			own = *transport_error(l->t);
		else
			error_set(&own, code, "%s", error_text(code));
	} else {
		own = *e;
	}
	/* The last words, if they can be said at once. */
	if (code != ERR_SYSTEM && code != ERR_CLOSED)
		IGNORE_RESULT(write_pending(l, &ignored));
	l->over = true;
	watch_set(l->in, 0);
	if (l->out != l->in)
		watch_set(l->out, 0);
	timer_cancel(l->tick);
	timer_cancel(l->idle);
	l->owner.on_end(l->owner.context, code, &own);
}

/* Gives events to the owner until there are none, or it wants none. */
static void
run_events(struct link *l)
{
	struct packet packet;
	int r;

	while (is_active(l) && !l->held) {
		r = transport_next(l->t, loop_now_us(l->loop), &packet);
		if (r == TRANSPORT_NONE) {
			l->stopped = transport_is_held(l->t);
			break;
		}
		if (r < 0) {
			end(l, r, NULL);
			return;
		}
		r = l->owner.on_event(
		    l->owner.context, (enum transport_event)r, &packet);
		if (r < 0 && is_active(l)) {
			end(l, r, NULL);
			return;
		}
	}
	if (is_active(l) && l->owner.on_input_done != NULL)
		l->owner.on_input_done(l->owner.context);
}

static bool
wants_input(const struct link *l)
{
	return is_active(l) && !l->held && transport_wants_input(l->t) &&
	       transport_pending_bytes(l->t) <= UNREAD_MAX;
}

static void
on_readable(struct link *l)
{
	struct error e = { 0 };
	size_t room;
	uint8_t *to;
	ssize_t n;

	if (!wants_input(l))
		return;
	if ((to = transport_recv_space(l->t, &room)) == NULL)
		return;
	do
		n = read(l->fd_in, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		error_set_errno(&e, "read from the peer");
		end(l, e.code, &e);
		return;
	}
	if (n == 0) {
		error_set(&e, ERR_CLOSED, "%s", error_text(ERR_CLOSED));
		end(l, ERR_CLOSED, &e);
		return;
	}
	l->last_input_us = loop_now_us(l->loop);
	transport_received(l->t, (size_t)n);
	run_events(l);
}

static void
flush_now(struct link *l)
{
	struct error e = { 0 };
	int r;

	if (is_active(l) && (r = write_pending(l, &e)) != 0)
		end(l, e.code, &e);
}

static void
on_ready(struct watch *w, unsigned ready, void *context)
{
	struct link *l = context;

	enter(l);
	if (w == l->out && (ready & WATCH_WRITE) != 0)
		flush_now(l);
	if (w == l->in && (ready & (WATCH_READ | WATCH_HANGUP)) != 0)
		on_readable(l);
	leave(l);
}

static void
on_tick(struct timer *timer, void *context)
{
	struct link *l = context;
	uint64_t now = loop_now_us(l->loop), next;
	int r;

	enter(l);
	if (is_active(l)) {
		if ((r = transport_tick(l->t, now, &next)) != 0)
			end(l, r, NULL);
		else if (next != UINT64_MAX)
			timer_set(timer, next > now ? next - now : 1);
	}
	leave(l);
}

static void
on_idle(struct timer *timer, void *context)
{
	struct link *l = context;
	uint64_t quiet = loop_now_us(l->loop) - l->last_input_us;

	if (!is_active(l))
		return;
	if (quiet >= IDLE_US)
		transport_trim(l->t);
	else
		timer_set(timer, IDLE_US - quiet);
}

static void
nothing(void *context)
{
}

/* Bulk producers that stopped for us must be asked again before the wait,
 * whichever of our prepare callbacks ran first. */
static void
flush_and_tell(struct link *l)
{
	bool was_high = transport_pending_bytes(l->t) >= TRANSPORT_PENDING_HIGH;

	flush_now(l);
	if (was_high && is_active(l) &&
	    transport_pending_bytes(l->t) < TRANSPORT_PENDING_HIGH)
		IGNORE_RESULT(loop_defer(l->loop, nothing, NULL));
}

/*
 * A part of a large packet is of no use: we need not be woken before the rest
 * is there.
 */
static void
await_packet(struct link *l)
{
	size_t missing = transport_missing_input(l->t);
	int want = 1;

	if (l->low_water == 0)
		return;
	if (missing >= LOW_WATER_MIN)
		want = missing < LOW_WATER_MAX ? (int)missing : LOW_WATER_MAX;
	if (want == l->low_water)
		return;
	if (setsockopt(l->fd_in, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof want) !=
	    0)
		want = 0;
	l->low_water = want;
}

/* Before each wait: writes, and says what is waited for. */
static void
prepare(void *context)
{
	struct link *l = context;
	unsigned in = 0, out = 0;

	enter(l);
	if (l->stopped && is_active(l) && !transport_is_held(l->t)) {
		l->stopped = false;
		run_events(l);
	}
	if (is_active(l) && !l->blocked)
		flush_and_tell(l);
	if (is_active(l)) {
		if (wants_input(l)) {
			in |= WATCH_READ;
			await_packet(l);
		}
		if (transport_pending_bytes(l->t) != 0)
			out |= WATCH_WRITE;
		if (l->in == l->out)
			in |= out;
		else
			watch_set(l->out, out);
		watch_set(l->in, in);
		if (!timer_is_set(l->tick))
			on_tick(l->tick, l);
		if (!timer_is_set(l->idle) && is_active(l) &&
		    l->last_input_us + IDLE_US > loop_now_us(l->loop))
			timer_set(l->idle, IDLE_US);
	}
	leave(l);
}

static bool
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && ((flags & O_NONBLOCK) != 0 ||
				 fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

struct link *
link_new(struct loop *loop, struct transport *t, int fd_in, int fd_out,
    const struct link_owner *owner)
{
	struct link *l;

	if (!make_nonblocking(fd_in) || !make_nonblocking(fd_out) ||
	    (l = calloc(1, sizeof *l)) == NULL)
		return NULL;
	l->loop = loop;
	l->t = t;
	l->owner = *owner;
	l->fd_in = fd_in;
	l->fd_out = fd_out;
	l->last_input_us = loop_now_us(loop);
	l->low_water = 1;
	l->in = watch_new(loop, fd_in, on_ready, l);
	l->out = fd_in == fd_out ? l->in : watch_new(loop, fd_out, on_ready, l);
	l->tick = timer_new(loop, on_tick, l);
	l->idle = timer_new(loop, on_idle, l);
	if (l->in == NULL || l->out == NULL || l->tick == NULL ||
	    l->idle == NULL || loop_add_prepare(loop, prepare, l) != 0) {
		destroy(l);
		return NULL;
	}
	port_socket_interactive(fd_out);
	return l;
}

void
link_free(struct link *l)
{
	if (l == NULL || l->dead)
		return;
	loop_remove_prepare(l->loop, prepare, l);
	l->dead = true;
	watch_set(l->in, 0);
	if (l->out != l->in)
		watch_set(l->out, 0);
	if (l->busy == 0)
		destroy(l);
}

void
link_kick(struct link *l)
{
	enter(l);
	run_events(l);
	leave(l);
}

void
link_hold(struct link *l, bool hold)
{
	l->held = hold;
}

int
link_flush(struct link *l, int timeout_ms)
{
	uint64_t until = time_monotonic_us() + (uint64_t)timeout_ms * 1000;
	struct error e = { 0 };

	for (;;) {
		struct pollfd p = { .fd = l->fd_out, .events = POLLOUT };
		uint64_t now;
		int r;

		if ((r = write_pending(l, &e)) != 0)
			return ERR_SYSTEM;
		if (transport_pending_bytes(l->t) == 0)
			return 0;
		now = time_monotonic_us();
		if (now >= until)
			return ERR_TIMEOUT;
		if (poll(&p, 1, (int)((until - now) / 1000) + 1) < 0 &&
		    errno != EINTR)
			return ERR_SYSTEM;
	}
}

uint64_t
link_rtt_us(struct link *l)
{
	uint64_t now = loop_now_us(l->loop);
	struct tcp_info info;
	socklen_t len = sizeof info;

	if (l->rtt_read_us != 0 && now - l->rtt_read_us < RTT_AGE_US)
		return l->rtt_us;
	l->rtt_read_us = now;
	l->rtt_us =
	    getsockopt(l->fd_out, IPPROTO_TCP, TCP_INFO, &info, &len) == 0
		? info.tcpi_rtt
		: 0;
	return l->rtt_us;
}

uint64_t
link_last_input_us(const struct link *l)
{
	return l->last_input_us;
}
