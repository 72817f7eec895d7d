/*
 * connect.c - a TCP connection to the first address that answers.
 * RFC 8305 (Happy Eyeballs, version 2): families take turns, and the next
 * address is tried when the one before has not answered for a moment.
 */
#include "ssh/connect.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/port/port.h"
#include "ssh/options.h"
#include "ssh/proxy.h"

/* RFC 8305 s5: Connection Attempt Delay, the recommended value. */
#define ATTEMPT_DELAY_US 250000
/* More addresses than this of one name are not tried. */
#define ADDRESSES_MAX 64

struct attempt {
	struct address address;
	int fd; /* -1: not begun, or failed */
};

struct connecting {
	const struct ssh_options *o;
	char *host; /* for messages */
	struct peer peer;
	bool is_done; /* peer is complete */
	struct attempt attempt[ADDRESSES_MAX];
	size_t count;
	size_t begun;
	uint64_t next_us; /* when the next attempt begins */
};

static void
connecting_free(struct connecting *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->attempt[i].fd >= 0)
			close(c->attempt[i].fd);
	free(c->host);
	free(c);
}

/* ---- names to addresses ---- */

static int
wanted_family(const struct ssh_options *o)
{
	switch (o->address_family) {
	case ADDRESS_FAMILY_INET:
		return AF_INET;
	case ADDRESS_FAMILY_INET6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

/* RFC 8305 s4: the first family alternates with the other one. */
static void
interleave(struct attempt *list, size_t count)
{
	struct attempt sorted[ADDRESSES_MAX];
	int family = list[0].address.family;
	bool used[ADDRESSES_MAX] = { false };

	for (size_t n = 0; n < count; n++) {
		size_t pick = count;

		for (size_t i = 0; i < count && pick == count; i++)
			if (!used[i] && list[i].address.family == family)
				pick = i;
		for (size_t i = 0; i < count && pick == count; i++)
			if (!used[i])
				pick = i;
		used[pick] = true;
		sorted[n] = list[pick];
		family =
		    sorted[n].address.family == AF_INET ? AF_INET6 : AF_INET;
	}
	memcpy(list, sorted, count * sizeof(*list));
}

static int
look_up(struct connecting *c, unsigned port, struct error *e)
{
	struct addrinfo hints, *list = NULL;
	char service[16];
	int r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = wanted_family(c->o);
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICSERV;
	snprintf(service, sizeof(service), "%u", port);
	if ((r = getaddrinfo(c->host, service, &hints, &list)) != 0)
		return error_set(e, ERR_NOT_FOUND,
		    "Could not resolve hostname %s: %s", c->host,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		struct attempt *at = &c->attempt[c->count];

		if (c->count == ADDRESSES_MAX ||
		    address_from_sockaddr(a->ai_addr, &at->address) != 0)
			continue;
		at->fd = -1;
		c->count++;
	}
	freeaddrinfo(list);
	if (c->count == 0)
		return error_set(e, ERR_NOT_FOUND,
		    "Could not resolve hostname %s: no usable address",
		    c->host);
	interleave(c->attempt, c->count);
	return 0;
}

static int
find_addresses(struct connecting *c, unsigned port, struct error *e)
{
	struct attempt *first = &c->attempt[0];
	int family = wanted_family(c->o);

	/* A numeric address needs no name service. */
	if (address_parse(c->host, &first->address) == 0 &&
	    (family == AF_UNSPEC || family == first->address.family)) {
		first->address.port = (uint16_t)port;
		first->fd = -1;
		c->count = 1;
		return 0;
	}
	return look_up(c, port, e);
}

/* ---- where we come from ---- */

/* The address of BindInterface in this family. */
static int
interface_address(const char *name, int family, struct sockaddr_storage *ret,
    socklen_t *ret_len)
{
	struct ifaddrs *list, *i;
	int r = -1;

	if (getifaddrs(&list) != 0)
		return -1;
	for (i = list; i != NULL && r != 0; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != family ||
		    strcmp(i->ifa_name, name) != 0)
			continue;
		*ret_len = family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
		memcpy(ret, i->ifa_addr, *ret_len);
		r = 0;
	}
	freeifaddrs(list);
	return r;
}

static int
named_address(const char *name, int family, struct sockaddr_storage *ret,
    socklen_t *ret_len)
{
	struct addrinfo hints, *list;
	int r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE;
	if ((r = getaddrinfo(name, NULL, &hints, &list)) != 0) {
		log_error("getaddrinfo: %s: %s", name, gai_strerror(r));
		return -1;
	}
	memcpy(ret, list->ai_addr, list->ai_addrlen);
	*ret_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

/* Binds fd as BindAddress or BindInterface say. */
static int
bind_source(const struct ssh_options *o, int fd, int family)
{
	struct sockaddr_storage from;
	socklen_t len = 0;
	const char *what = o->bind_address;
	int r;

	if (o->bind_address == NULL && o->bind_interface == NULL)
		return 0;
	if (o->bind_address != NULL) {
		r = named_address(o->bind_address, family, &from, &len);
	} else {
		what = o->bind_interface;
		r = interface_address(what, family, &from, &len);
		if (r != 0)
			log_error("interface %s has no address of the "
				  "server's kind",
			    what);
	}
	if (r == 0 && (r = bind(fd, (struct sockaddr *)&from, len)) != 0)
		log_error("bind %s: %s", what, strerror(errno));
	return r;
}

/* ---- attempts ---- */

static void
note_failure(struct connecting *c, struct attempt *a, int code, struct error *e)
{
	char text[ADDRESS_TEXT_MAX];

	log_debug1("connect to address %s port %u: %s",
	    address_format(&a->address, text), a->address.port, strerror(code));
	errno = code;
	error_set(e, code == ETIMEDOUT ? ERR_TIMEOUT : ERR_CLOSED,
	    "connect to host %s port %u: %s", c->host, a->address.port,
	    strerror(code));
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

static void
complete(struct connecting *c, struct attempt *a)
{
	port_socket_local(a->fd);
	c->peer.fd_in = c->peer.fd_out = a->fd;
	c->peer.address = a->address;
	c->peer.port = a->address.port;
	address_format(&a->address, c->peer.text);
	a->fd = -1;
	c->is_done = true;
	log_debug1("Connection established.");
}

/* Begins the next attempt; moves on to the one after when it fails at once. */
static void
begin_next(struct connecting *c, struct error *e)
{
	struct attempt *a = &c->attempt[c->begun++];
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(&a->address, &to);
	char text[ADDRESS_TEXT_MAX];

	c->next_us = time_monotonic_us() + ATTEMPT_DELAY_US;
	log_debug1("Connecting to %s [%s] port %u.", c->host,
	    address_format(&a->address, text), a->address.port);
	a->fd = socket(
	    a->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0) {
		note_failure(c, a, errno, e);
		return;
	}
	port_socket_interactive(a->fd);
	if (bind_source(c->o, a->fd, a->address.family) != 0) {
		note_failure(c, a, EADDRNOTAVAIL, e);
		return;
	}
	if (connect(a->fd, (struct sockaddr *)&to, len) == 0)
		complete(c, a);
	else if (errno != EINPROGRESS)
		note_failure(c, a, errno, e);
}

static size_t
attempts_under_way(
    const struct connecting *c, struct pollfd *ret, size_t *ret_index)
{
	size_t n = 0;

	for (size_t i = 0; i < c->begun; i++) {
		if (c->attempt[i].fd < 0)
			continue;
		ret[n] = (struct pollfd){ c->attempt[i].fd, POLLOUT, 0 };
		ret_index[n++] = i;
	}
	return n;
}

static int
wait_ms(const struct connecting *c, uint64_t deadline_us)
{
	uint64_t now = time_monotonic_us(), until = UINT64_MAX;

	if (c->begun < c->count)
		until = c->next_us;
	if (deadline_us != 0 && deadline_us < until)
		until = deadline_us;
	if (until == UINT64_MAX)
		return -1;
	return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

/* Waits for the attempts under way, or for the time of the next one. */
static void
wait_for_attempts(struct connecting *c, uint64_t deadline_us, struct error *e)
{
	struct pollfd p[ADDRESSES_MAX];
	size_t index[ADDRESSES_MAX];
	size_t n = attempts_under_way(c, p, index);

	if (poll(p, n, wait_ms(c, deadline_us)) <= 0)
		return;
	for (size_t i = 0; i < n && !c->is_done; i++) {
		struct attempt *a = &c->attempt[index[i]];
		int code = 0;
		socklen_t len = sizeof(code);

		if (p[i].revents == 0)
			continue;
		if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
			code = errno;
		if (code != 0)
			note_failure(c, a, code, e);
		else
			complete(c, a);
	}
}

static int
race(struct connecting *c, uint64_t deadline_us, struct error *e)
{
	struct pollfd p[ADDRESSES_MAX];
	size_t index[ADDRESSES_MAX];

	while (!c->is_done) {
		uint64_t now = time_monotonic_us();
		size_t under_way = attempts_under_way(c, p, index);

		if (deadline_us != 0 && now >= deadline_us)
			return error_set(e, ERR_TIMEOUT,
			    "connect to host %s port %u: %s", c->host,
			    c->attempt[0].address.port, strerror(ETIMEDOUT));
		if (c->begun < c->count &&
		    (under_way == 0 || now >= c->next_us))
			begin_next(c, e);
		else if (under_way == 0)
			return e->code;
		else
			wait_for_attempts(c, deadline_us, e);
	}
	return 0;
}

static void
tune_socket(const struct ssh_options *o, int fd)
{
	int on = 1;

	if (o->tcp_keep_alive &&
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0)
		log_debug1("setsockopt SO_KEEPALIVE: %s", strerror(errno));
}

void
connect_set_tos(const struct peer *p, int class)
{
	if (class >= 0 && !p->is_proxied)
		port_socket_class(p->fd_out, class);
}

int
connect_start(const struct ssh_options *o, const char *host, unsigned port,
    const char *proxy_command, struct connecting **ret, struct error *e)
{
	struct connecting *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL || (c->host = strdup(host)) == NULL) {
		free(c);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	c->o = o;
	if (proxy_command != NULL) {
		r = proxy_start(
		    proxy_command, o->proxy_use_fdpass, &c->peer, e);
		c->is_done = true;
	} else if ((r = find_addresses(c, port, e)) == 0) {
		begin_next(c, e);
	}
	if (r != 0) {
		connecting_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int
connect_finish(struct connecting *c, uint64_t deadline_us, struct peer *ret,
    struct error *e)
{
	int r = race(c, deadline_us, e);

	if (r == 0) {
		*ret = c->peer;
		if (!ret->is_proxied)
			tune_socket(c->o, ret->fd_in);
	}
	connecting_free(c);
	return r;
}
