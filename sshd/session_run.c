/*
 * session_run.c - from a plan to a running shell.
 *
 * A command without terminal and rc file is the common case and the one
 * that is measured: it is started by vfork(), which copies no page tables.
 * The child then only makes system calls, on what was prepared before. With
 * anything to show or to run first there is a full fork().
 */
#include "sshd/session_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/port/port.h"

#define MOTD_PATH   "/etc/motd"
#define MOTD_MAX    ((size_t)1024 * 1024)
#define MESSAGE_MAX 512

/* What the child needs, made before it exists. */
struct prepared {
	const struct run_plan *plan;
	char *argv[4];
	char *login_name;          /* "-bash" */
	char no_home[MESSAGE_MAX]; /* "Could not chdir to home ..." */
};

/* ---- in the child; after vfork() only what is marked so ---- */

/* Safe after vfork(). */
static void
say(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* Safe after vfork(): these are this process's own. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Safe after vfork(). */
static bool
place_descriptors(const struct run_plan *p)
{
	if (setsid() < 0)
		return false;
	if (p->tty_fd >= 0 && port_pty_make_controlling(p->tty_fd) != 0)
		say("no controlling terminal\r\n");
	/* All of them are above 2: 0 to 2 are open in the session. */
	return dup2(p->stdin_fd, 0) == 0 && dup2(p->stdout_fd, 1) == 1 &&
	       dup2(p->stderr_fd, 2) == 2;
}

/* Safe after vfork(). */
NORETURN static void
become_shell(struct prepared *p)
{
	const struct run_plan *plan = p->plan;

	if (chdir(plan->home) != 0) {
		say(p->no_home);
		say(strerror(errno));
		say("\n");
		if (chdir("/") != 0)
			_exit(1);
	}
	execve(plan->shell, p->argv, plan->env->item);
	say(plan->shell);
	say(": ");
	say(strerror(errno));
	say("\n");
	_exit(1);
}

static void
show_motd(void)
{
	struct buf text = BUF_INIT;

	if (file_read(MOTD_PATH, MOTD_MAX, &text, NULL) == 0 && text.len > 0)
		IGNORE_RESULT(fd_write_all(1, text.data, text.len));
	buf_release(&text);
}

/* Like a login shell's start-up file; its end is waited for. */
static void
run_rc(const struct run_plan *p)
{
	char *const argv[] = { (char *)"sh", (char *)p->rc, NULL };
	pid_t pid = fork();
	int null_fd, status;

	if (pid == 0) {
		null_fd = open("/dev/null", O_RDONLY);
		if (null_fd >= 0)
			dup2(null_fd, 0);
		if (chdir(p->home) != 0 && chdir("/") != 0)
			_exit(1);
		execve("/bin/sh", argv, p->env->item);
		_exit(1);
	}
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
}

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* Everything that comes before the shell; needs a full fork(). */
static void
show_and_run_first(const struct run_plan *p)
{
	if (!is_empty(p->refusal)) {
		say(p->refusal);
		_exit(p->refusal_status);
	}
	if (!is_empty(p->last_login))
		say(p->last_login);
	if (p->show_motd)
		show_motd();
	if (!is_empty(p->tell_first))
		say(p->tell_first);
	if (p->rc != NULL)
		run_rc(p);
}

/* ---- in the session ---- */

static bool
needs_more(const struct run_plan *p)
{
	return !is_empty(p->refusal) || !is_empty(p->last_login) ||
	       p->show_motd || p->rc != NULL || !is_empty(p->tell_first);
}

static int
prepare(struct prepared *p, const struct run_plan *plan)
{
	const char *base = path_last(plan->shell);

	memset(p, 0, sizeof(*p));
	p->plan = plan;
	p->login_name = text_format("-%s", base);
	if (p->login_name == NULL)
		return ERR_MEMORY;
	if (plan->command == NULL) {
		p->argv[0] = p->login_name;
	} else {
		p->argv[0] = (char *)base;
		p->argv[1] = (char *)"-c";
		p->argv[2] = (char *)plan->command;
	}
	text_copy(p->no_home, sizeof(p->no_home),
	    "Could not chdir to home "
	    "directory ");
	text_copy(p->no_home + strlen(p->no_home),
	    sizeof(p->no_home) - strlen(p->no_home) - 3, plan->home);
	text_copy(p->no_home + strlen(p->no_home), 3, ": ");
	return 0;
}

static pid_t
start_simple(struct prepared *p)
{
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	if (!place_descriptors(p->plan))
		_exit(1);
	port_close_from(3);
	reset_signals();
	become_shell(p);
}

static pid_t
start_full(struct prepared *p)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!place_descriptors(p->plan))
		_exit(1);
	port_close_from(3);
	reset_signals();
	show_and_run_first(p->plan);
	become_shell(p);
}

int
session_run(const struct run_plan *plan, pid_t *ret_pid)
{
	struct prepared p;
	pid_t pid;
	int r;

	if ((r = prepare(&p, plan)) != 0)
		return r;
	pid = needs_more(plan) ? start_full(&p) : start_simple(&p);
	free(p.login_name);
	if (pid < 0)
		return ERR_SYSTEM;
	*ret_pid = pid;
	return 0;
}
