/*
 * ptyrun.c - runs a program on a fresh terminal and talks to it by a script
 * of steps, for tests of prompts, raw mode and window sizes.
 *
 *   ptyrun [step...] -- program [argument...]
 *
 *   -e TEXT     wait until TEXT has appeared in the output (after what the
 *               last -e found)
 *   -s TEXT     type TEXT; \r \n \t \e \\ \xHH stand for bytes
 *   -w CxR      give the terminal this size (before the program starts, if
 *               it stands first)
 *   -d MS       wait that long
 *   -k NAME     send a signal to the program: TERM, INT, HUP, CONT, WINCH
 *   -z          wait until the program has stopped itself
 *   -q          check that the terminal's modes are now as at the start
 *   -R          check that they are not (raw mode)
 *   -t SECONDS  limit for everything; default 20
 *
 * Everything that the program writes goes to standard output. The status is
 * the program's (128 + number for a signal), 124 when a step waits in vain,
 * 125 when the modes are other than asked; at the end they must be as at
 * the start in any case (125).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "common/base/attributes.h"
#include "common/base/time.h"

#define STATUS_WAITED   124
#define STATUS_MODES    125
#define OUTPUT_MAX      (4 * 1024 * 1024)
#define DEFAULT_LIMIT_S 20

static int master, slave;
static pid_t leader; /* of the terminal's session */
static int events;   /* from the leader: the program's pid, then statuses */
static pid_t
    child; /* the program: a job of the leader's, so that it may stop */
static bool child_ended, child_stopped;
static int child_status;
static struct termios modes_before;
static char output[OUTPUT_MAX];
static size_t output_len, output_seen;
static uint64_t end_us;

NORETURN static void
give_up(int status, const char *what, const char *detail)
{
	fprintf(stderr, "ptyrun: %s%s%s\n", what, *detail ? ": " : "", detail);
	if (child > 0 && !child_ended)
		kill(child, SIGKILL);
	exit(status);
}

static bool
modes_are_as_before(void)
{
	struct termios now;

	return tcgetattr(slave, &now) == 0 &&
	       now.c_iflag == modes_before.c_iflag &&
	       now.c_oflag == modes_before.c_oflag &&
	       now.c_lflag == modes_before.c_lflag;
}

/* Takes in what is there; waits for at most ms. */
static void
pump(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	int status;
	ssize_t n;

	if (poll(&p, 1, ms) > 0) {
		n = read(
		    master, output + output_len, sizeof(output) - output_len);
		if (n > 0) {
			fwrite(output + output_len, 1, (size_t)n, stdout);
			fflush(stdout);
			output_len += (size_t)n;
		}
	}
	while (!child_ended && read(events, &status, sizeof(status)) ==
				   (ssize_t)sizeof(status)) {
		child_stopped = WIFSTOPPED(status);
		child_ended = !child_stopped;
		child_status = status;
	}
	if (time_monotonic_us() > end_us)
		give_up(STATUS_WAITED, "time is over", "");
}

static void
expect(const char *text)
{
	for (;;) {
		char *at = memmem(output + output_seen,
		    output_len - output_seen, text, strlen(text));

		if (at != NULL) {
			output_seen = (size_t)(at - output) + strlen(text);
			return;
		}
		if (child_ended) {
			pump(50);
			if (memmem(output + output_seen,
				output_len - output_seen, text,
				strlen(text)) == NULL)
				give_up(STATUS_WAITED,
				    "the program ended before", text);
		}
		pump(20);
	}
}

static void
type(const char *text)
{
	for (const char *s = text; *s != '\0'; s++) {
		unsigned value = (unsigned char)*s;
		char byte;

		if (*s == '\\' && s[1] != '\0') {
			s++;
			value = *s == 'r'   ? '\r'
				: *s == 'n' ? '\n'
				: *s == 't' ? '\t'
				: *s == 'e' ? 27
					    : (unsigned char)*s;
			if (*s == 'x' && sscanf(s + 1, "%2x", &value) == 1)
				s += 2;
		}
		byte = (char)value;
		if (write(master, &byte, 1) != 1)
			give_up(STATUS_WAITED, "write", strerror(errno));
	}
}

static void
resize(const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hux%hu", &size.ws_col, &size.ws_row) != 2)
		give_up(2, "not a size", text);
	ioctl(master, TIOCSWINSZ, &size);
}

static void
send_signal(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "TERM", SIGTERM }, { "INT", SIGINT },
		{ "HUP", SIGHUP }, { "CONT", SIGCONT }, { "WINCH", SIGWINCH } };

	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		if (strcmp(signals[i].name, name) == 0) {
			kill(child, signals[i].number);
			return;
		}
	give_up(2, "unknown signal", name);
}

static void
wait_ms(int ms)
{
	uint64_t until = time_monotonic_us() + (uint64_t)ms * 1000;

	while (time_monotonic_us() < until)
		pump(5);
}

/* A shell's part: the program is a job of its own in the foreground. */
NORETURN static void
lead(char **program, int report)
{
	pid_t pid;
	int status;

	signal(SIGTTOU, SIG_IGN);
	if (login_tty(slave) != 0)
		_exit(127);
	if ((pid = fork()) == 0) {
		setpgid(0, 0);
		tcsetpgrp(STDIN_FILENO, getpid());
		signal(SIGTTOU, SIG_DFL);
		execvp(program[0], program);
		_exit(127);
	}
	setpgid(pid, pid);
	tcsetpgrp(STDIN_FILENO, pid);
	if (write(report, &pid, sizeof(pid)) < 0)
		_exit(127);
	while (waitpid(pid, &status, WUNTRACED) == pid) {
		if (write(report, &status, sizeof(status)) < 0 ||
		    !WIFSTOPPED(status))
			break;
	}
	_exit(0);
}

static void
start(char **program)
{
	int fd[2];

	fflush(stdout);
	if (pipe2(fd, O_CLOEXEC) != 0)
		exit(2);
	leader = fork();
	if (leader == 0) {
		close(master);
		lead(program, fd[1]);
	}
	close(fd[1]);
	events = fd[0];
	if (read(events, &child, sizeof(child)) != (ssize_t)sizeof(child))
		exit(2);
	fcntl(events, F_SETFL, O_NONBLOCK);
}

static void
run_step(int letter, const char *value)
{
	switch (letter) {
	case 'e':
		expect(value);
		break;
	case 's':
		type(value);
		break;
	case 'w':
		resize(value);
		break;
	case 'd':
		wait_ms(atoi(value));
		break;
	case 'k':
		send_signal(value);
		break;
	case 'z':
		while (!child_stopped) {
			if (child_ended)
				give_up(STATUS_WAITED, "it did not stop", "");
			pump(20);
		}
		child_stopped = false;
		break;
	case 'q':
		if (!modes_are_as_before())
			give_up(STATUS_MODES, "the modes are changed", "");
		break;
	case 'R':
		if (modes_are_as_before())
			give_up(STATUS_MODES, "the modes are unchanged", "");
		break;
	default:
		give_up(2, "unknown step", "");
	}
}

int
main(int argc, char **argv)
{
	static const char letters[] = "+e:s:w:d:k:zqRt:";
	bool started = false;
	int letter, limit = DEFAULT_LIMIT_S, program;

	while ((letter = getopt(argc, argv, letters)) != -1)
		if (letter == 't')
			limit = atoi(optarg);
		else if (letter == '?')
			return 2;
	program = optind;
	if (program >= argc || openpty(&master, &slave, NULL, NULL, NULL) != 0)
		return 2;
	tcgetattr(slave, &modes_before);
	resize("80x24");
	end_us = time_monotonic_us() + (uint64_t)limit * 1000000;
	optind = 1;
	while ((letter = getopt(argc, argv, letters)) != -1) {
		if (letter == 't')
			continue;
		if (letter != 'w' && !started) {
			start(argv + program);
			started = true;
		}
		run_step(letter, optarg);
	}
	if (!started)
		start(argv + program);
	while (!child_ended)
		pump(20);
	wait_ms(30);
	if (!modes_are_as_before())
		give_up(STATUS_MODES, "the modes are changed at the end", "");
	return WIFEXITED(child_status) ? WEXITSTATUS(child_status)
				       : 128 + WTERMSIG(child_status);
}
