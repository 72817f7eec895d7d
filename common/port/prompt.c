/*
 * prompt.c - asking a person, on the terminal or by an ask-pass program.
 *
 * On the terminal, signals that would end or stop the process are caught
 * while echo is off: the read ends, the settings go back, the signal is
 * then delivered. After a stop the question is asked again.
 */
#include "common/port/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/secret.h"

#define ASKPASS_DEFAULT "/usr/bin/ssh-askpass"

enum place {
	PLACE_NOWHERE,
	PLACE_TERMINAL,
	PLACE_PROGRAM
};

static const int caught_signals[] = { SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT,
	SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };

static volatile sig_atomic_t caught[NSIG];

static void
on_signal(int number)
{
	caught[number] = 1;
}

/* ---- where ---- */

static bool
has_display(void)
{
	const char *x = getenv("DISPLAY");
	const char *wayland = getenv("WAYLAND_DISPLAY");

	return (x != NULL && *x != '\0') ||
	       (wayland != NULL && *wayland != '\0');
}

static const char *
program(void)
{
	const char *path = getenv("SSH_ASKPASS");

	return path != NULL && *path != '\0' ? path : ASKPASS_DEFAULT;
}

/* ret_tty: open, where the place is the terminal; else -1. */
static enum place
choose_place(int *ret_tty)
{
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	bool allowed = has_display();

	*ret_tty = -1;
	if (require != NULL && strcasecmp(require, "force") == 0)
		return PLACE_PROGRAM;
	if (require != NULL && strcasecmp(require, "never") == 0)
		allowed = false;
	if (allowed && require != NULL && strcasecmp(require, "prefer") == 0)
		return PLACE_PROGRAM;
	if ((*ret_tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) >= 0)
		return PLACE_TERMINAL;
	return allowed ? PLACE_PROGRAM : PLACE_NOWHERE;
}

static int
nobody(struct error *e)
{
	return error_set(e, ERR_UNSUPPORTED,
	    "cannot ask: no terminal, and no ask-pass program may be used");
}

/* ---- the terminal ---- */

/* What is put back after a question. */
struct signals {
	struct sigaction old[ARRAY_COUNT(caught_signals)];
	sigset_t mask;
};

/* Those of job control come from our own reading and writing: blocked, the
 * call would fail instead. */
static bool
is_synchronous(int number)
{
	return number == SIGTTIN || number == SIGTTOU;
}

/*
 * Signals are caught, and blocked but while we wait: one that comes between
 * a look at `caught` and the wait would else be slept over.
 */
static void
catch_signals(struct signals *s)
{
	struct sigaction sa;
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_COUNT(caught_signals); i++)
		if (!is_synchronous(caught_signals[i]))
			sigaddset(&block, caught_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &s->mask);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_COUNT(caught_signals); i++) {
		caught[caught_signals[i]] = 0;
		sigaction(caught_signals[i], &sa, &s->old[i]);
		/* What is ignored stays ignored (nohup, jobs of a script). */
		if (s->old[i].sa_handler == SIG_IGN)
			sigaction(caught_signals[i], &s->old[i], NULL);
	}
}

/* Puts the old handlers back and delivers what came. True: a stop was among
 * it (we run again now). */
static bool
release_signals(const struct signals *s)
{
	bool stopped = false;

	for (size_t i = 0; i < ARRAY_COUNT(caught_signals); i++)
		sigaction(caught_signals[i], &s->old[i], NULL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	for (size_t i = 0; i < ARRAY_COUNT(caught_signals); i++) {
		int number = caught_signals[i];

		if (!caught[number])
			continue;
		kill(getpid(), number);
		stopped = stopped || number == SIGTSTP || number == SIGTTIN ||
			  number == SIGTTOU;
	}
	return stopped;
}

static bool
signal_came(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(caught_signals); i++) {
		if (caught[caught_signals[i]])
			return true;
	}
	return false;
}

/* Waits until the settings are in force; a stop signal gives up. */
static void
set_terminal(int tty, const struct termios *settings, int when)
{
	while (tcsetattr(tty, when, settings) != 0 && errno == EINTR) {
		if (caught[SIGTTOU])
			return;
	}
}

/* One line, without its end. ERR_CANCELLED: end of file, or a signal. */
static int
read_answer(int tty, const sigset_t *mask, struct buf *answer)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };
	uint8_t c;

	for (;;) {
		ssize_t n;

		if (signal_came())
			return ERR_CANCELLED;
		if (ppoll(&p, 1, NULL, mask) < 0 && errno == EINTR)
			continue;
		n = read(tty, &c, 1);
		if (n < 0 && errno == EINTR && !signal_came())
			continue;
		if (n < 0)
			return errno == EINTR ? ERR_CANCELLED : ERR_SYSTEM;
		if (n == 0)
			return answer->len > 0 ? 0 : ERR_CANCELLED;
		if (c == '\n' || c == '\r')
			return 0;
		write_byte(answer, c);
	}
}

static int
ask_once(int tty, const char *text, bool echo, const sigset_t *mask,
    struct buf *answer)
{
	struct termios before, during;
	bool is_set = tcgetattr(tty, &before) == 0;
	int r;

	if (is_set) {
		during = before;
		during.c_lflag |= ICANON | ISIG;
		if (!echo)
			during.c_lflag &=
			    (tcflag_t) ~(ECHO | ECHOE | ECHOK | ECHONL);
		/* What was typed before was not typed for a secret. */
		set_terminal(tty, &during, echo ? TCSADRAIN : TCSAFLUSH);
	}
	r = fd_write_all(tty, text, strlen(text));
	if (r == 0)
		r = read_answer(tty, mask, answer);
	if (!echo && fd_write_all(tty, "\n", 1) != 0)
		r = r != 0 ? r : ERR_SYSTEM;
	if (is_set)
		set_terminal(tty, &before, TCSADRAIN);
	return r;
}

static int
ask_terminal(int tty, const char *text, bool echo, struct buf *answer)
{
	struct signals signals;
	bool again;
	int r;

	do {
		buf_clear(answer);
		catch_signals(&signals);
		r = ask_once(tty, text, echo, &signals.mask, answer);
		again = release_signals(&signals);
	} while (again);
	return r;
}

/* ---- the program ---- */

/* Where there is no answer, what a program writes must not get among ours. */
static bool
answer_nowhere(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       dup2(null, STDOUT_FILENO) >= 0;
}

/* kind: what SSH_ASKPASS_PROMPT says, NULL for a secret. ret_fd (may be
 * NULL): its standard output. */
static int
start_program(const char *text, const char *kind, pid_t *ret_pid, int *ret_fd)
{
	int p[2] = { -1, -1 };
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	if (ret_fd != NULL && pipe2(p, O_CLOEXEC) != 0)
		return ERR_SYSTEM;
	if ((pid = fork()) == 0) {
		signal(SIGPIPE, SIG_DFL);
		/* A loop, or a thread beside one, has signals blocked; the
		 * program must hear that it is to end. */
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (ret_fd != NULL ? dup2(p[1], STDOUT_FILENO) < 0
				   : !answer_nowhere())
			_exit(127);
		if (kind == NULL)
			unsetenv("SSH_ASKPASS_PROMPT");
		else
			setenv("SSH_ASKPASS_PROMPT", kind, 1);
		execlp(program(), program(), text, (char *)NULL);
		_exit(127);
	}
	if (ret_fd != NULL) {
		close(p[1]);
		*ret_fd = p[0];
	}
	if (pid < 0) {
		close(p[0]);
		return ERR_SYSTEM;
	}
	*ret_pid = pid;
	return 0;
}

/* The first line of what the program says; the rest is read and dropped, so
 * that it does not die of a closed pipe. */
static int
collect(int fd, struct buf *answer)
{
	bool done = false;
	uint8_t chunk[256];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		for (ssize_t i = 0; i < n && !done; i++) {
			done = chunk[i] == '\n' || chunk[i] == '\r';
			if (!done)
				write_byte(answer, chunk[i]);
		}
	}
	secret_wipe(chunk, sizeof(chunk));
	return n < 0 ? ERR_SYSTEM : 0;
}

static int
ask_program(
    const char *text, const char *kind, struct buf *answer, struct error *e)
{
	int fd, status = 0, r;
	pid_t pid;

	if ((r = start_program(text, kind, &pid, &fd)) != 0)
		return error_set_errno(e, "cannot start %s", program());
	r = collect(fd, answer);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(e, ERR_CANCELLED,
		    "the ask-pass program %s cannot be run", program());
	if (r != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(e, ERR_CANCELLED,
		    "the ask-pass program %s gave no answer", program());
	return 0;
}

/* ---- both ---- */

static int
ask(const char *text, const char *kind, bool echo, struct buf *answer,
    enum place *ret_place, struct error *e)
{
	int tty, r;

	answer->max = PROMPT_ANSWER_MAX;
	*ret_place = choose_place(&tty);
	switch (*ret_place) {
	case PLACE_PROGRAM:
		r = ask_program(text, kind, answer, e);
		break;
	case PLACE_TERMINAL:
		r = ask_terminal(tty, text, echo, answer);
		if (r != 0)
			r = error_set(e, r, "no answer on the terminal");
		close(tty);
		break;
	default:
		return nobody(e);
	}
	if (r == 0 && (r = buf_error(answer)) != 0)
		r = error_set(e, r, "the answer is too long");
	return r;
}

static int
ask_text(const char *text, bool echo, char **ret, struct error *e)
{
	struct buf answer = BUF_SECRET_INIT;
	enum place place;
	int r;

	r = ask(text, NULL, echo, &answer, &place, e);
	if (r == 0) {
		/* The limit is for the answer; the NUL comes on top. */
		answer.max++;
		if ((*ret = buf_take_text(&answer)) == NULL)
			r = ERR_MEMORY;
	}
	buf_release(&answer);
	return r;
}

bool
prompt_is_possible(void)
{
	int tty;
	enum place place = choose_place(&tty);

	if (tty >= 0)
		close(tty);
	return place != PLACE_NOWHERE;
}

int
prompt_secret(const char *text, char **ret, struct error *e)
{
	return ask_text(text, false, ret, e);
}

int
prompt_line(const char *text, char **ret, struct error *e)
{
	return ask_text(text, true, ret, e);
}

int
prompt_confirm(const char *text, bool *ret_yes, struct error *e)
{
	struct buf answer = BUF_INIT;
	enum place place;
	const char *said;
	int r;

	r = ask(text, "confirm", true, &answer, &place, e);
	if (r == ERR_CANCELLED && place == PLACE_PROGRAM) {
		/* "No" is how such a program ends without success. */
		if (e != NULL)
			error_clear(e);
		*ret_yes = false;
		r = 0;
	} else if (r == 0) {
		answer.max++;
		said = buf_text(&answer);
		*ret_yes = said != NULL &&
			   (strcasecmp(said, "yes") == 0 ||
			       (place == PLACE_PROGRAM && *said == '\0'));
	}
	buf_release(&answer);
	return r;
}

void
prompt_notice(const char *text, int *ret_handle)
{
	pid_t pid;
	int tty;

	*ret_handle = 0;
	switch (choose_place(&tty)) {
	case PLACE_TERMINAL:
		/* A notice that cannot be shown is not worth failing for. */
		IGNORE_RESULT(fd_write_all(tty, text, strlen(text)));
		IGNORE_RESULT(fd_write_all(tty, "\n", 1));
		close(tty);
		break;
	case PLACE_PROGRAM:
		if (start_program(text, "none", &pid, NULL) == 0)
			*ret_handle = (int)pid;
		break;
	case PLACE_NOWHERE:
		break;
	}
}

void
prompt_notice_end(int handle)
{
	if (handle <= 0)
		return;
	kill((pid_t)handle, SIGTERM);
	while (waitpid((pid_t)handle, NULL, 0) < 0 && errno == EINTR)
		continue;
}
