/*
 * capture.c - runs a program to its end and takes what it prints.
 */
#include "common/port/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/port/port.h"

#define PIECE            ((size_t)16 * 1024)
#define ERROR_LINE_MAX   1024
#define ERROR_LINES_MAX  100
#define WAIT_LEAST_MS    1
#define WAIT_MOST_MS     50
#define EXIT_CANNOT_EXEC 127

struct run {
	const struct capture *c;
	pid_t pid;
	int out_fd; /* -1 once it ended */
	int err_fd; /* -1 once it ended, or where it is ours */
	struct buf *out;
	size_t start; /* of what was appended to out */
	struct buf line;
	unsigned lines;
	bool reaped;
	int status;
	int wait_ms; /* how long to wait for an end that makes no noise */
};

/* ---- in the child ---- */

static void
say(const char *what, const char *path, const char *why)
{
	char *text = text_format("%s %s: %s\n", what, path, why);

	if (text != NULL)
		IGNORE_RESULT(fd_write_all(2, text, strlen(text)));
	free(text);
}

static void
reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
place_descriptors(const int out[2], const int err[2])
{
	int null_fd = open("/dev/null", O_RDWR);

	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(out[1], 1) < 0 ||
	    (err[1] >= 0 && dup2(err[1], 2) < 0))
		return false;
	port_close_from(3);
	return true;
}

NORETURN static void
be_program(const struct capture *c, const int out[2], const int err[2])
{
	const char *path = c->argv[0];
	struct error e = { 0 };

	if (c->own_group)
		setpgid(0, 0);
	reset_signals();
	if (!place_descriptors(out, err) || chdir("/") != 0)
		_exit(EXIT_CANNOT_EXEC);
	if (c->user != NULL && geteuid() == 0 &&
	    port_become_user(c->user, c->uid, c->gid, &e) != 0) {
		say("cannot run", path, e.text);
		_exit(EXIT_CANNOT_EXEC);
	}
	/* After the change of user, which forgets it. */
	port_die_with_parent(SIGKILL);
	if (c->env != NULL)
		execve(path, c->argv, c->env);
	else
		execv(path, c->argv);
	say("cannot execute", path, strerror(errno));
	_exit(EXIT_CANNOT_EXEC);
}

/* ---- in the parent ---- */

static void
close_both(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fds[0] = fds[1] = -1;
}

static int
start(struct run *r, struct error *e)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	bool ok = pipe2(out, O_CLOEXEC) == 0 &&
		  (r->c->on_error_line == NULL || pipe2(err, O_CLOEXEC) == 0);

	if (ok)
		ok = (r->pid = fork()) >= 0;
	if (!ok) {
		error_set_errno(e, "cannot start %s", r->c->argv[0]);
		close_both(out);
		close_both(err);
		return ERR_SYSTEM;
	}
	if (r->pid == 0)
		be_program(r->c, out, err);
	if (r->c->own_group)
		setpgid(r->pid, r->pid); /* whoever is first */
	close(out[1]);
	r->out_fd = out[0];
	r->err_fd = err[0];
	if (err[1] >= 0)
		close(err[1]);
	return 0;
}

static void
stop(struct run *r)
{
	if (r->reaped)
		return;
	kill(r->c->own_group ? -r->pid : r->pid, SIGKILL);
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
		continue;
	r->reaped = true;
}

static void
give_line(struct run *r)
{
	if (r->line.len > 0 && r->lines++ < ERROR_LINES_MAX)
		r->c->on_error_line(r->c->context, buf_span(&r->line));
	buf_clear(&r->line);
}

static void
take_error_text(struct run *r, const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			give_line(r);
		else if (r->line.len < ERROR_LINE_MAX)
			write_byte(&r->line, text[i]);
	}
}

/* Closes *fd at its end. */
static ssize_t
read_piece(int *fd, uint8_t *to)
{
	ssize_t n = read(*fd, to, PIECE);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		close(*fd);
		*fd = -1;
	}
	return n;
}

static int
take_output(struct run *r, struct error *e)
{
	uint8_t *to = buf_reserve(r->out, PIECE);
	ssize_t n;

	if (to == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	if ((n = read_piece(&r->out_fd, to)) > 0)
		buf_extend(r->out, (size_t)n);
	if (r->out->len - r->start > r->c->output_max)
		return error_set(e, ERR_LIMIT, "%s printed more than %zu bytes",
		    r->c->argv[0], r->c->output_max);
	return 0;
}

/* How long poll() may sleep. */
static int
sleep_ms(struct run *r)
{
	uint64_t now = time_monotonic_us(), left_ms;
	int ms = -1;

	/* With its output closed, its end may be silent. */
	if (r->out_fd < 0) {
		ms = r->wait_ms;
		if (r->wait_ms < WAIT_MOST_MS)
			r->wait_ms *= 2;
	}
	if (r->c->deadline_us == UINT64_MAX)
		return ms;
	left_ms =
	    r->c->deadline_us > now ? (r->c->deadline_us - now) / 1000 + 1 : 0;
	if (ms < 0 || left_ms < (uint64_t)ms)
		ms = left_ms < 60000 ? (int)left_ms : 60000;
	return ms;
}

static int
turn(struct run *r, struct error *e)
{
	struct pollfd p[2] = { { r->out_fd, POLLIN, 0 },
		{ r->err_fd, POLLIN, 0 } };
	uint8_t text[PIECE];
	ssize_t n;
	int rc = 0;

	if (time_monotonic_us() >= r->c->deadline_us)
		return error_set(e, ERR_TIMEOUT,
		    "%s took too long and was killed", r->c->argv[0]);
	if (poll(p, 2, sleep_ms(r)) < 0)
		return errno == EINTR ? 0 : error_set_errno(e, "poll");
	if (p[1].revents != 0 && (n = read_piece(&r->err_fd, text)) > 0)
		take_error_text(r, text, (size_t)n);
	if (p[0].revents != 0)
		rc = take_output(r, e);
	return rc;
}

/* Until the output has ended and the program too; what it leaves behind in
 * the background may keep standard error. */
static int
follow(struct run *r, struct error *e)
{
	int rc;

	for (;;) {
		if (r->out_fd < 0 && !r->reaped) {
			pid_t pid = waitpid(r->pid, &r->status, WNOHANG);

			r->reaped = pid == r->pid;
			if (pid < 0 && errno != EINTR)
				return error_set_errno(e, "%s", r->c->argv[0]);
		}
		if (r->reaped)
			return 0;
		if ((rc = turn(r, e)) != 0)
			return rc;
	}
}

/* What it said last may still lie in the pipe. */
static void
drain_errors(struct run *r)
{
	struct pollfd p = { r->err_fd, POLLIN, 0 };
	uint8_t text[PIECE];
	ssize_t n;

	for (int i = 0; i < ERROR_LINES_MAX && r->err_fd >= 0; i++) {
		if (poll(&p, 1, 0) <= 0 ||
		    (n = read_piece(&r->err_fd, text)) <= 0)
			break;
		take_error_text(r, text, (size_t)n);
	}
	if (r->c->on_error_line != NULL)
		give_line(r);
}

int
capture_run(
    const struct capture *c, struct buf *out, int *ret_status, struct error *e)
{
	struct run r = { .c = c,
		.out_fd = -1,
		.err_fd = -1,
		.out = out,
		.start = out->len,
		.wait_ms = WAIT_LEAST_MS };
	int rc;

	if ((rc = start(&r, e)) != 0)
		return rc;
	rc = follow(&r, e);
	stop(&r);
	drain_errors(&r);
	if (r.out_fd >= 0)
		close(r.out_fd);
	if (r.err_fd >= 0)
		close(r.err_fd);
	buf_release(&r.line);
	if (rc != 0)
		buf_truncate(out, r.start);
	*ret_status = r.status;
	return rc;
}

int
capture_check_status(int status, struct error *e)
{
	if (WIFSIGNALED(status))
		return error_set(e, ERR_SYSTEM, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return error_set(e, ERR_SYSTEM, "exited with status %d",
		    WEXITSTATUS(status));
	return 0;
}
