/*
 * agent_main.c - ssh-agent: the process, from its start to its end.
 *
 *     ssh-agent           the socket, fork: the parent prints where it is
 *     ssh-agent COMMAND   the socket, fork: the parent becomes the command,
 *                         so that its exit status is the command's
 *     ssh-agent -D        no fork
 *
 * Holds secrets (all the keys): the process cannot be traced or dumped.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "agent/agent_clean.h"
#include "agent/agent_loop.h"
#include "agent/agent_options.h"
#include "agent/agent_server.h"
#include "common/agent/listen.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/library.h"
#include "common/port/port.h"

/* Where the service manager passes a socket, and where ours goes. */
#define LISTEN_FD 3
#define READY_FD  4

PRINTF_LIKE(1, 2)
static int
complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("ssh-agent: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	return 1;
}

/* ---- the start ---- */

/* A set-id copy (so that it cannot be traced on some systems) runs as who
 * started it. */
static void
drop_set_id(void)
{
	if (setegid(getgid()) != 0 || setgid(getgid()) != 0 ||
	    seteuid(getuid()) != 0 || setuid(getuid()) != 0)
		exit(complain(
		    "cannot give up set-id rights: %s", strerror(errno)));
}

static void
open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static const char *
home_folder(void)
{
	const char *home = getenv("HOME");
	const struct passwd *account;

	if (home != NULL && home[0] == '/')
		return home;
	account = getpwuid(getuid());
	return account == NULL ? NULL : account->pw_dir;
}

/* ---- where to listen ---- */

static bool
is_listening(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int on = 0;
	socklen_t on_len = sizeof(on);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.ss_family == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) == 0 &&
	       on != 0;
}

/* true: the service manager gave us a socket. */
static bool
take_passed(const struct agent_options *o, struct agent_listener *ret)
{
	int count = port_listen_fds();

	if (count == 0 || !o->is_foreground)
		return false;
	if (count != 1 || !is_listening(LISTEN_FD))
		exit(complain("one listening Unix socket was expected of "
			      "LISTEN_FDS, not %d of another kind",
		    count));
	if (o->path != NULL || o->in_temporary)
		exit(complain("-a and -T do not go with a socket from "
			      "LISTEN_FDS"));
	*ret = (struct agent_listener)AGENT_LISTENER_NONE;
	ret->fd = LISTEN_FD;
	IGNORE_RESULT(fcntl(LISTEN_FD, F_SETFL, O_NONBLOCK) != 0);
	return true;
}

static int
listen_at_home(
    const struct agent_options *o, struct agent_listener *ret, struct error *e)
{
	const char *home = home_folder();

	if (home == NULL)
		return error_set(e, ERR_NOT_FOUND,
		    "there is no home folder (HOME is not set, and uid %u "
		    "has no account)",
		    (unsigned)getuid());
	if (!o->keeps_stale)
		agent_clean_sockets(home, false);
	return agent_listen_home(home, "agent", ret, e);
}

static const char *
temporary_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder == NULL || folder[0] == '\0' ? "/tmp" : folder;
}

/* The agent goes elsewhere, and must find its socket when it ends. */
static void
make_absolute(struct agent_listener *l)
{
	char *here, *path;

	if (l->path[0] == '/' || (here = getcwd(NULL, 0)) == NULL)
		return;
	if ((path = path_join(here, l->path)) != NULL) {
		free(l->path);
		l->path = path;
	}
	free(here);
}

/* What clients are told: as it was given. */
static const char *
shown_path(const struct agent_options *o, const struct agent_listener *p)
{
	return o->path != NULL ? o->path : p->path;
}

static void
start_listening(const struct agent_options *o, struct agent_listener *ret)
{
	struct error e = { 0 };

	if (take_passed(o, ret))
		return;
	if (o->path != NULL) {
		if (agent_listen_at(o->path, ret, &e) != 0)
			exit(complain("%s", e.text));
		make_absolute(ret);
		return;
	}
	if (!o->in_temporary) {
		if (listen_at_home(o, ret, &e) == 0)
			return;
		/* A home that does not do must not keep anybody from having
		 * an agent. */
		complain("%s; it goes to a temporary folder instead", e.text);
	}
	if (agent_listen_below(
		temporary_folder(), (unsigned long)getpid(), ret, &e) != 0)
		exit(complain("%s", e.text));
}

/* ---- what the shell is told ---- */

/* Text as one word for a shell: as it is where that is safe. */
static char *
shell_word(const char *text)
{
	struct buf b = BUF_INIT;

	if (text[strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_-./,:+@%")] == '\0')
		return strdup(text);
	write_byte(&b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			write_span(&b, span_text("'\\''"));
		else
			write_byte(&b, (uint8_t)*text);
	}
	write_byte(&b, '\'');
	return buf_take_text(&b);
}

static void
print_variable(
    const struct agent_options *o, const char *name, const char *value)
{
	char *word = shell_word(value);

	if (word == NULL)
		exit(complain("out of memory"));
	if (o->is_csh)
		printf("setenv %s %s;\n", name, word);
	else
		printf("%s=%s; export %s;\n", name, word, name);
	free(word);
}

/* pid 0: the agent does not go to the background. */
static void
print_place(
    const struct agent_options *o, const struct agent_listener *p, pid_t pid)
{
	char text[32];

	if (p->path != NULL)
		print_variable(o, "SSH_AUTH_SOCK", shown_path(o, p));
	if (pid != 0) {
		snprintf(text, sizeof(text), "%ld", (long)pid);
		print_variable(o, "SSH_AGENT_PID", text);
	}
	if (p->path != NULL)
		printf(
		    "echo Agent pid %ld;\n", (long)(pid != 0 ? pid : getpid()));
	if (fflush(stdout) != 0)
		complain(
		    "cannot write where the agent is: %s", strerror(errno));
}

/* ---- serving ---- */

static char *
resolve(const char *path)
{
	return realpath(path, NULL);
}

static const struct agent_host host = { .resolve = resolve };

static int
serve(const struct agent_options *o, struct agent_listener *p, pid_t parent,
    int ready_fd)
{
	struct agent_loop_options loop = { .listen_fd = p->fd,
		.ready_fd = ready_fd,
		.parent = parent,
		.is_foreground = o->is_foreground };
	struct agent_server server;
	struct error e = { 0 };
	bool is_stopped;
	int r;

	port_no_dump();
	/* A client that goes while it is answered is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	agent_server_init(&server, &o->policy, &host);
	if ((r = agent_loop_run(&server, &loop, &is_stopped, &e)) != 0)
		log_fatal("%s", e.text);
	agent_server_release(&server);
	agent_listener_end(p);
	if (!is_stopped)
		_exit(r == 0 ? 0 : 1);
	return r == 0 ? 0 : 1;
}

/* Puts fd where it is not closed with what else was open. */
static int
move_to(int fd, int place)
{
	return fd != place && dup3(fd, place, O_CLOEXEC) >= 0 ? place : fd;
}

/* A session of its own, away from the terminal, the current folder and what
 * else was open: somebody may wait for the end of a pipe. Returns ready_fd's
 * new number. */
static int
detach(struct agent_listener *p, int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	IGNORE_RESULT(setsid() < 0);
	IGNORE_RESULT(chdir("/") != 0);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		IGNORE_RESULT(dup2(null, fd) < 0);
	if (null > STDERR_FILENO)
		close(null);
	/* Out of the way of the place where the listener goes. */
	if (ready_fd == LISTEN_FD)
		ready_fd = fcntl(ready_fd, F_DUPFD_CLOEXEC, READY_FD + 1);
	p->fd = move_to(p->fd, LISTEN_FD);
	ready_fd = move_to(ready_fd, READY_FD);
	if (p->fd == LISTEN_FD && ready_fd == READY_FD)
		port_close_from(READY_FD + 1);
	log_to_syslog("ssh-agent", LOG_AUTH);
	return ready_fd;
}

/* The command in place of this process. */
NORETURN static void
become_command(
    const struct agent_options *o, const struct agent_listener *p, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", (long)pid);
	if (setenv("SSH_AUTH_SOCK", shown_path(o, p), 1) == 0 &&
	    setenv("SSH_AGENT_PID", text, 1) == 0)
		execvp(o->command[0], o->command);
	complain("cannot run %s: %s", o->command[0], strerror(errno));
	_exit(1);
}

static int
serve_in_background(const struct agent_options *o, struct agent_listener *p)
{
	pid_t parent = getpid(), pid;
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return complain("cannot start the agent: %s", strerror(errno));
	if (pid == 0) {
		int fd = detach(p, ready[1]);

		exit(serve(o, p, o->command != NULL ? parent : 0, fd));
	}
	/* Who is told of the agent may signal it at once. */
	close(ready[1]);
	IGNORE_RESULT(read(ready[0], &byte, 1) != 0);
	close(ready[0]);
	if (o->command != NULL)
		become_command(o, p, pid);
	print_place(o, p, pid);
	agent_listener_forget(p);
	return 0;
}

static int
start(const struct agent_options *o)
{
	struct agent_listener place;

	start_listening(o, &place);
	if (!o->is_foreground)
		return serve_in_background(o, &place);
	log_to_stderr();
	if (o->is_debug)
		log_set_level(LOG_LEVEL_DEBUG3);
	print_place(o, &place, 0);
	return serve(o, &place, 0, -1);
}

/* ---- other actions ---- */

static int
kill_agent(const struct agent_options *o)
{
	const char *text = getenv("SSH_AGENT_PID");
	const char *unset = o->is_csh ? "unsetenv" : "unset";
	long long pid;

	if (text == NULL)
		return complain("SSH_AGENT_PID not set, cannot kill agent");
	if (!text_to_int(text, 2, INT32_MAX, &pid))
		return complain(
		    "SSH_AGENT_PID=\"%s\", which is not a good PID", text);
	if (kill((pid_t)pid, SIGTERM) != 0)
		return complain("cannot kill the agent (process %lld): %s", pid,
		    strerror(errno));
	printf("%s SSH_AUTH_SOCK;\n%s SSH_AGENT_PID;\n", unset, unset);
	printf("echo Agent pid %lld killed;\n", pid);
	return 0;
}

static int
clean(const struct agent_options *o)
{
	const char *home = home_folder();

	if (home == NULL)
		return complain("there is no home folder");
	fprintf(stderr, "Removed %u dead sockets of agents.\n",
	    agent_clean_sockets(home, o->any_host));
	return 0;
}

static int
act(const struct agent_options *o)
{
	switch (o->action) {
	case AGENT_ACTION_SERVE:
		return start(o);
	case AGENT_ACTION_KILL:
		return kill_agent(o);
	case AGENT_ACTION_CLEAN:
		return clean(o);
	case AGENT_ACTION_VERSION:
		fprintf(stderr, "Sheetbend_" SHEETBEND_VERSION ", %s\n",
		    OpenSSL_version(OPENSSL_VERSION));
		return 0;
	case AGENT_ACTION_USAGE:
		break;
	}
	agent_usage();
	return 1;
}

int
main(int argc, char **argv)
{
	struct agent_options options;

	open_standard_descriptors();
	drop_set_id();
	crypto_library_start_locked();
	agent_options_parse(argc, argv, &options);
	return act(&options);
}
