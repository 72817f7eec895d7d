/*
 * listen.c - binding to addresses; socket activation.
 */
#include "sshd/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/address.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/port/port.h"

#define BACKLOG         1024
#define FIRST_PASSED_FD 3
#define FIRST_SAFE_FD   16 /* above what session processes get */

/* Out of the way of the numbers that are given to session processes. */
static int
move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);

	close(fd);
	return up;
}

static void
log_listening(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    address_from_sockaddr((struct sockaddr *)&ss, &a) == 0)
		log_info("Server listening on %s port %u.",
		    address_format(&a, text), a.port);
	else
		log_info("Server listening on a socket that was passed.");
}

static int
add(struct listen_sockets *l, int fd)
{
	if (l->count == LISTEN_MAX) {
		log_error("Too many listen sockets");
		close(fd);
		return ERR_LIMIT;
	}
	l->fd[l->count++] = fd;
	log_listening(fd);
	return 0;
}

static int
make_socket(const struct addrinfo *a)
{
	int on = 1, fd;

	fd =
	    socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (fd = move_up(fd)) < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (a->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) !=
		    0) ||
	    bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static void
listen_on(struct listen_sockets *l, const struct addrinfo *a)
{
	char host[NI_MAXHOST] = "?", service[NI_MAXSERV] = "?";
	int fd = make_socket(a);

	if (fd >= 0) {
		/* A full list is logged; the rest goes on. */
		IGNORE_RESULT(add(l, fd));
		return;
	}
	/* Without IPv6 in the kernel the IPv4 address still counts. */
	if (errno == EAFNOSUPPORT)
		return;
	IGNORE_RESULT(
	    getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), service,
		sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0);
	log_error("Bind to port %s on %s failed: %s.", service, host,
	    strerror(errno));
}

static void
listen_on_name(struct listen_sockets *l, const struct sshd_options *o,
    const struct sshd_listen_address *where)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *list = NULL;
	char port[16];
	int r;

	hints.ai_family = o->address_family == ADDRESS_FAMILY_INET ? AF_INET
			  : o->address_family == ADDRESS_FAMILY_INET6
			      ? AF_INET6
			      : AF_UNSPEC;
	snprintf(port, sizeof(port), "%d", where->port);
	r = getaddrinfo(where->host, port, &hints, &list);
	if (r != 0) {
		log_error("bad addr or host: %s (%s)",
		    where->host != NULL ? where->host : "(any)",
		    gai_strerror(r));
		return;
	}
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		listen_on(l, a);
	freeaddrinfo(list);
}

static void
take_passed(struct listen_sockets *l, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = move_up(FIRST_PASSED_FD + i);

		if (fd < 0 || fd_set_nonblocking(fd, true) != 0)
			log_error("a passed socket cannot be used: %s",
			    strerror(errno));
		else
			IGNORE_RESULT(add(l, fd));
	}
}

int
listen_open(struct listen_sockets *l, const struct sshd_options *o)
{
	int passed = port_listen_fds();

	l->count = 0;
	l->were_passed = passed > 0;
	if (passed > 0)
		take_passed(l, passed);
	else
		for (size_t i = 0; i < o->listen_address.count; i++)
			listen_on_name(l, o, &o->listen_address.item[i]);
	return l->count > 0 ? 0 : ERR_NOT_FOUND;
}

void
listen_close(struct listen_sockets *l)
{
	for (size_t i = 0; i < l->count; i++)
		close(l->fd[i]);
	l->count = 0;
}

void
listen_pass_on(const struct listen_sockets *l)
{
	int fd[LISTEN_MAX], above = FIRST_PASSED_FD + LISTEN_MAX;
	char text[24];

	if (!l->were_passed)
		return;
	/* None may lie where another one goes. */
	for (size_t i = 0; i < l->count; i++)
		fd[i] = fcntl(l->fd[i], F_DUPFD_CLOEXEC, above);
	for (size_t i = 0; i < l->count; i++)
		if (fd[i] < 0 || dup2(fd[i], FIRST_PASSED_FD + (int)i) < 0)
			log_error(
			    "a passed socket is lost: %s", strerror(errno));
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%zu", l->count);
	setenv("LISTEN_FDS", text, 1);
}
