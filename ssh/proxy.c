/*
 * proxy.c - commands of the person's: ProxyCommand, LocalCommand.
 */
#include "ssh/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/port/port.h"
#include "ssh/fatal.h"

extern char **environ;

static pid_t proxy_pid;

const char *
shell_path(void)
{
	const char *shell = getenv("SHELL");

	return shell != NULL && *shell != '\0' ? shell : "/bin/sh";
}

/* in, out: descriptors for the child's 0 and 1; -1: ours. 0 or an errno. */
static int
spawn_shell(const char *command, int in, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	const char *shell = shell_path();
	/* posix_spawn does not write to them. */
	char *argv[] = { (char *)shell, (char *)"-c", (char *)command, NULL };
	int r;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	if ((r = posix_spawn_file_actions_init(&files)) != 0)
		return r;
	if ((r = posix_spawnattr_init(&attributes)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = posix_spawn(ret_pid, shell, &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* ssh's own way out: the command may be waiting for more. */
static void
end_proxy(void)
{
	if (proxy_pid > 0)
		kill(proxy_pid, SIGHUP);
}

void
proxy_await_end(int timeout_ms)
{
	for (int ms = 0; proxy_pid > 0 && ms < timeout_ms; ms += 10) {
		if (waitpid(proxy_pid, NULL, WNOHANG) != 0)
			proxy_pid = 0;
		else
			usleep(10000);
	}
}

static int
start(const char *command, int in, int out, struct error *e)
{
	char *line = text_format("exec %s", command);
	int r;

	if (line == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	log_debug1("Executing proxy command: %s", line);
	r = spawn_shell(line, in, out, &proxy_pid);
	free(line);
	if (r != 0) {
		errno = r;
		return error_set_errno(
		    e, "cannot start %s for the proxy command", shell_path());
	}
	at_leave(end_proxy);
	return 0;
}

/* Waits for the one message that carries a descriptor. */
static int
receive_descriptor(int socket_fd, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { 0 };
	struct cmsghdr *c;
	ssize_t n;

	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof(control);
	while ((n = recvmsg(socket_fd, &m, MSG_CMSG_CLOEXEC)) < 0 &&
	       errno == EINTR)
		;
	c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return ERR_FORMAT;
	memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return 0;
}

static int
start_with_fdpass(const char *command, struct peer *ret, struct error *e)
{
	int pair[2], status, r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set_errno(e, "socketpair");
	r = start(command, pair[1], pair[1], e);
	close(pair[1]);
	if (r == 0) {
		r = receive_descriptor(pair[0], &ret->fd_in);
		if (r != 0)
			error_set(e, r,
			    "proxy dialer did not pass back a "
			    "connection");
	}
	close(pair[0]);
	if (r == 0) {
		/* It has done its work and ends. */
		while (waitpid(proxy_pid, &status, 0) < 0 && errno == EINTR)
			;
		proxy_pid = 0;
		ret->fd_out = ret->fd_in;
	}
	return r;
}

static int
start_with_pipes(const char *command, struct peer *ret, struct error *e)
{
	int to[2], from[2], r;

	if (pipe2(to, O_CLOEXEC) != 0)
		return error_set_errno(e, "pipe");
	if (pipe2(from, O_CLOEXEC) != 0) {
		r = error_set_errno(e, "pipe");
		close(to[0]);
		close(to[1]);
		return r;
	}
	port_pipe_enlarge(to[1]);
	port_pipe_enlarge(from[0]);
	r = start(command, to[0], from[1], e);
	close(to[0]);
	close(from[1]);
	if (r != 0) {
		close(to[1]);
		close(from[0]);
		return r;
	}
	ret->fd_in = from[0];
	ret->fd_out = to[1];
	return 0;
}

int
proxy_start(
    const char *command, bool use_fdpass, struct peer *ret, struct error *e)
{
	memset(ret, 0, sizeof(*ret));
	ret->is_proxied = true;
	ret->port = 65535;
	text_copy(ret->text, sizeof(ret->text), "UNKNOWN");
	return use_fdpass ? start_with_fdpass(command, ret, e)
			  : start_with_pipes(command, ret, e);
}

int
shell_run(const char *command)
{
	pid_t pid;
	int status;
	int r = spawn_shell(command, -1, -1, &pid);

	if (r != 0) {
		errno = r;
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}
