/*
 * linux_process.c - descriptors, the process's own protections, its title,
 * and what sockets and pipes are told.
 */
#include "common/port/port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/address.h"
#include "common/base/text.h"

/* What may lie in the kernel unsent: enough to fill a fast path, little
 * enough that a keystroke does not wait behind it. */
#define UNSENT_BYTES (128 * 1024)

/* What a pipe holds: enough for long turns of both its ends, and little enough
 * that the pages stay in the processor's cache from one turn to the next (1 MiB
 * takes a fifth more processor time). */
#define PIPE_BYTES (256 * 1024)

/* ---- descriptors ---- */

/* Without close_range (before Linux 5.9): as /proc lists them. */
static bool
close_listed(int lowest)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	long long fd;

	if (directory == NULL)
		return false;
	while ((entry = readdir(directory)) != NULL)
		if (text_to_int(entry->d_name, lowest, INT32_MAX, &fd) &&
		    fd != dirfd(directory))
			close((int)fd);
	closedir(directory);
	return true;
}

void
port_close_from(int lowest)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, (unsigned)lowest, ~0u, 0u) == 0 ||
	    close_listed(lowest))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > 1024 * 1024)
		limit.rlim_cur = 1024 * 1024;
	for (int fd = lowest; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

void
port_pipe_enlarge(int fd)
{
	/* The sum over a user's pipes is limited: less is still better. */
	for (int size = PIPE_BYTES; size > 64 * 1024; size /= 2)
		if (fcntl(fd, F_SETPIPE_SZ, size) >= 0 || errno == EBADF)
			return;
}

/* ---- the process ---- */

/* Neither can fail for a process about itself. */
void
port_no_dump(void)
{
	struct rlimit none = { 0, 0 };

	IGNORE_RESULT(setrlimit(RLIMIT_CORE, &none) != 0);
	port_no_trace();
}

void
port_no_trace(void)
{
	IGNORE_RESULT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0);
}

int
port_no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : ERR_SYSTEM;
}

void
port_die_with_parent(int signal_number)
{
	IGNORE_RESULT(prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0);
}

pid_t
port_fork_sibling(void)
{
	/* The order of the rest differs between machines; all of it is 0. */
	return (pid_t)syscall(
	    SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* ---- title ---- */

extern char **environ;

/* The memory of the arguments and the environment, which `ps` shows. */
static char *title_start;
static size_t title_size;

/* The arguments and variables in a row behind *end; moves *end. */
static void
extend_over(char **texts, char **end)
{
	for (size_t i = 0; texts[i] != NULL; i++)
		if (texts[i] == *end)
			*end += strlen(texts[i]) + 1;
}

/* Replaces each text by a copy elsewhere. */
static bool
move_away(char **texts)
{
	for (size_t i = 0; texts[i] != NULL; i++) {
		char *copy = strdup(texts[i]);

		if (copy == NULL)
			return false;
		texts[i] = copy;
	}
	return true;
}

void
port_title_init(int argc, char **argv)
{
	char *start = argc > 0 ? argv[0] : NULL;
	char *end = start;

	if (start == NULL || title_start != NULL)
		return;
	extend_over(argv, &end);
	extend_over(environ, &end);
	/* Whoever kept an argument or a variable keeps its copy. */
	if (!move_away(argv) || !move_away(environ))
		return;
	title_start = start;
	title_size = (size_t)(end - start);
}

void
port_title(const char *format, ...)
{
	char text[256];
	va_list args;
	size_t len;
	int n;

	if (title_size < 2)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	len = strlen(text) < title_size ? strlen(text) : title_size - 1;
	memcpy(title_start, text, len);
	memset(title_start + len, 0, title_size - len);
}

/* ---- sockets ---- */

void
port_socket_interactive(int fd)
{
	int on = 1;
	int unsent = UNSENT_BYTES;

	/* A Unix socket or a pipe has neither; it needs neither. */
	IGNORE_RESULT(
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0);
	IGNORE_RESULT(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
			  sizeof(unsent)) != 0);
}

static bool
is_loopback(const struct address *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return a->family == AF_INET
		   ? a->bytes[0] == 127
		   : memcmp(a->bytes, loopback6, sizeof(loopback6)) == 0;
}

/* Do both ends of the connection have addresses of this machine? */
static bool
is_local(int fd)
{
	struct sockaddr_storage own, peer;
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
	struct address a, b;

	return getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
	       address_from_sockaddr((struct sockaddr *)&own, &a) == 0 &&
	       address_from_sockaddr((struct sockaddr *)&peer, &b) == 0 &&
	       (is_loopback(&b) || address_equal(&a, &b));
}

void
port_socket_local(int fd)
{
	static const char reno[] = "reno"; /* every kernel has it */

	if (is_local(fd))
		IGNORE_RESULT(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno,
				  sizeof(reno) - 1) != 0);
}

void
port_socket_class(int fd, int class)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);
	int r = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0)
		return;
	if (domain == AF_INET)
		r = setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof(class));
	else if (domain == AF_INET6)
		r = setsockopt(
		    fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
	/* A wish; what the network makes of it is not known either. */
	IGNORE_RESULT(r != 0);
}

void
port_socket_acknowledge(int fd)
{
	int on = 1;

	IGNORE_RESULT(
	    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on)) != 0);
}

int
port_peer_uid(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return ERR_SYSTEM;
	if (peer.uid == (uid_t)-1) {
		errno = ENOTCONN;
		return ERR_SYSTEM;
	}
	*ret_uid = peer.uid;
	return 0;
}
