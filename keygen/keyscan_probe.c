/*
 * keyscan_probe.c - one connection that goes as far as the host's key.
 *
 * The transport stops at VERIFY_HOST_KEY, when the server has shown that it
 * owns the key; nothing is sent after that. The time limit counts from the
 * beginning and from whatever was read last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/transport/transport.h"
#include "keygen/keyscan.h"

/* What servers' logs show; the second word is what people search them for. */
#define IDENT "SSH-2.0-Sheetbend_" SHEETBEND_VERSION " OpenSSH-keyscan"

struct probe {
	struct loop *loop;
	const struct scan_options *o;
	probe_function *done;
	void *context;
	int fd;
	struct watch *watch;
	struct timer *timer;
	struct transport *transport;
	struct transport_config config;
	bool is_connected;
	bool has_ended;
	enum probe_end how;
	struct key *key;
	struct error error;
};

/* done() frees the probe: it runs when nothing here is under way. */
static void
tell_end(void *context)
{
	struct probe *p = context;

	p->done(p, p->how, p->context);
}

static void
end(struct probe *p, enum probe_end how)
{
	if (p->has_ended)
		return;
	p->has_ended = true;
	p->how = how;
	watch_set(p->watch, 0);
	timer_cancel(p->timer);
	if (loop_defer(p->loop, tell_end, p) != 0)
		bug("out of memory");
}

static void
on_timeout(struct timer *t, void *context)
{
	struct probe *p = context;

	error_set(&p->error, ERR_TIMEOUT, "no answer for %u seconds",
	    p->o->timeout_s);
	end(p, p->is_connected ? PROBE_FAILED : PROBE_UNREACHABLE);
}

static void
restart_timer(struct probe *p)
{
	timer_set(p->timer, (uint64_t)p->o->timeout_s * 1000000);
}

/* ---- the transport ---- */

static void
fail_by_transport(struct probe *p, int r)
{
	p->error = *transport_error(p->transport);
	if (p->error.code == 0)
		error_set(&p->error, r, "%s", error_text(r));
	/* No host key algorithm in common: it has no such key. Other lists
	 * without a common name are for people to know. */
	end(p, r == ERR_NO_MATCH && strstr(p->error.text, "host key") != NULL
		   ? PROBE_NO_KEY
		   : PROBE_FAILED);
}

static void
take_key(struct probe *p)
{
	const struct key *k = transport_host_key(p->transport);

	if (key_from_blob(key_blob(k), &p->key) != 0)
		error_set(&p->error, ERR_MEMORY, "out of memory");
	end(p, p->key != NULL ? PROBE_KEY : PROBE_FAILED);
}

static void
run_transport(struct probe *p)
{
	struct packet packet;

	while (!p->has_ended) {
		int r =
		    transport_next(p->transport, loop_now_us(p->loop), &packet);

		if (r < 0) {
			fail_by_transport(p, r);
		} else if (r == TRANSPORT_NONE) {
			break;
		} else if (r == TRANSPORT_VERIFY_HOST_KEY) {
			take_key(p);
		} else if (r == TRANSPORT_DISCONNECTED) {
			error_set(&p->error, ERR_DISCONNECTED,
			    "disconnected: %s",
			    transport_disconnect_text(p->transport, NULL));
			end(p, PROBE_FAILED);
		}
	}
}

/* ---- the socket ---- */

/* code 0: closed in good order. */
static void
end_by_peer(struct probe *p, int code)
{
	if (code == 0)
		error_set(
		    &p->error, ERR_CLOSED, "Connection closed by remote host");
	else
		error_set(&p->error, ERR_SYSTEM, "%s", strerror(code));
	end(p, probe_ident(p) == NULL ? PROBE_DROPPED : PROBE_FAILED);
}

static void
receive(struct probe *p)
{
	size_t room;
	uint8_t *to = transport_recv_space(p->transport, &room);
	ssize_t n;

	if (to == NULL)
		return;
	n = recv(p->fd, to, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		transport_received(p->transport, (size_t)n);
		restart_timer(p);
		run_transport(p);
		return;
	}
	end_by_peer(p, n == 0 ? 0 : errno);
}

static void
send_pending(struct probe *p)
{
	struct iovec iov[4];
	struct msghdr m = { .msg_iov = iov };
	ssize_t n;

	m.msg_iovlen = transport_pending(p->transport, iov, 4);
	if (m.msg_iovlen == 0)
		return;
	n = sendmsg(p->fd, &m, MSG_NOSIGNAL);
	if (n > 0) {
		transport_sent(p->transport, (size_t)n);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		end_by_peer(p, errno);
	}
}

static bool
finish_connecting(struct probe *p)
{
	int code = 0;
	socklen_t len = sizeof(code);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		code = errno;
	if (code != 0) {
		error_set(&p->error, ERR_SYSTEM, "%s", strerror(code));
		end(p, PROBE_UNREACHABLE);
		return false;
	}
	p->is_connected = true;
	return true;
}

static void
set_interest(struct probe *p)
{
	unsigned interest = 0;

	if (p->has_ended)
		return;
	if (!p->is_connected || transport_pending_bytes(p->transport) > 0)
		interest |= WATCH_WRITE;
	if (p->is_connected)
		interest |= WATCH_READ;
	watch_set(p->watch, interest);
}

static void
on_socket(struct watch *w, unsigned ready, void *context)
{
	struct probe *p = context;

	if (p->has_ended || (!p->is_connected && !finish_connecting(p)))
		return;
	if (ready & (WATCH_READ | WATCH_HANGUP))
		receive(p);
	if (!p->has_ended)
		send_pending(p);
	set_interest(p);
}

/* ---- life ---- */

static bool
open_socket(struct probe *p, const struct address *to)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(to, &sa);

	p->fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return false;
	p->watch = watch_new(p->loop, p->fd, on_socket, p);
	p->timer = timer_new(p->loop, on_timeout, p);
	if (p->watch == NULL || p->timer == NULL)
		return false;
	if (connect(p->fd, (struct sockaddr *)&sa, len) != 0 &&
	    errno != EINPROGRESS) {
		error_set(&p->error, ERR_SYSTEM, "%s", strerror(errno));
		end(p, PROBE_UNREACHABLE);
		return true;
	}
	restart_timer(p);
	set_interest(p);
	return true;
}

struct probe *
probe_new(struct loop *loop, const struct scan_options *o,
    const struct address *to, const struct scan_type *type,
    probe_function *done, void *context)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct probe){ .loop = loop,
		.o = o,
		.done = done,
		.context = context,
		.fd = -1,
		.config = { .role = TRANSPORT_CLIENT,
		    .ident = IDENT,
		    .kex_algorithms = o->kex,
		    .host_key_algorithms = type->algorithms,
		    .ciphers = o->ciphers,
		    .macs = o->macs,
		    .compression = "none,zlib@openssh.com" } };
	if (transport_new(&p->config, time_monotonic_us(), &p->transport,
		&p->error) != 0 ||
	    !open_socket(p, to)) {
		probe_free(p);
		return NULL;
	}
	return p;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	watch_free(p->watch);
	timer_free(p->timer);
	if (p->fd >= 0)
		close(p->fd);
	transport_free(p->transport);
	key_unref(p->key);
	free(p);
}

struct key *
probe_take_key(struct probe *p)
{
	struct key *k = p->key;

	p->key = NULL;
	return k;
}

const char *
probe_ident(const struct probe *p)
{
	return transport_peer_ident(p->transport);
}

const char *
probe_reason(const struct probe *p)
{
	return p->error.text;
}
