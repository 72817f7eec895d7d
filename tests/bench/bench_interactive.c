/*
 * bench_interactive.c - keystroke echo: alone on a pty, and beside bulk on
 * the same connection.
 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEYS 400

static void
pause_us(long us)
{
	struct timespec t = { 0, us * 1000 };

	nanosleep(&t, NULL);
}

/* Reads until nothing comes for quiet_ms. */
static void
drain(int fd, int quiet_ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char bytes[4096];

	while (poll(&p, 1, quiet_ms) > 0 && read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* Sends a byte, waits for one to come back: microseconds. */
static double
key_time(int to, int from)
{
	struct pollfd p = { from, POLLIN, 0 };
	double started = seconds_now();
	char byte = 'x';

	if (write(to, &byte, 1) != 1)
		bench_fail("a key cannot be sent: %s", strerror(errno));
	if (poll(&p, 1, 10000) != 1)
		bench_fail("a key got no echo");
	if (read(from, &byte, 1) != 1)
		bench_fail("no echo can be read: %s", strerror(errno));
	return (seconds_now() - started) * 1e6;
}

#define REMOTE "echo ready; exec cat > /dev/null"

/* A pty of our own with the client on it; the client makes it raw, and the
 * remote pty, which begins with its modes, echoes. SUITES: without SSH. */
static pid_t
start_on_pty(int suite, unsigned port, int *ret_master)
{
	struct command c;
	int master, slave;
	pid_t pid;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		bench_fail("no pty: %s", strerror(errno));
	if (suite == SUITES) {
		pid = floor_start_keys(slave, REMOTE);
	} else {
		client_command(&c, (enum suite)suite, port, NULL);
		c.count--;
		command_add(&c, "-tt");
		command_add(&c, "127.0.0.1");
		command_add(&c, REMOTE);
		c.stdin_fd = c.stdout_fd = slave;
		pid = command_start(&c);
	}
	close(slave);
	*ret_master = master;
	return pid;
}

static void
echo_alone(void)
{
	struct server s[SUITES];
	pid_t client[SUITES + 1];
	int master[SUITES + 1];
	double us[SUITES + 1][KEYS];

	for (int suite = 0; suite < SUITES; suite++)
		server_start(&s[suite], suite, "");
	for (int i = 0; i <= SUITES; i++) {
		client[i] = start_on_pty(
		    i, i < SUITES ? s[i].port : 0, &master[i]);
		drain(master[i], 1000);
	}
	for (int k = 0; k < KEYS; k++) {
		for (int i = 0; i <= SUITES; i++) {
			us[i][k] = key_time(master[i], master[i]);
			pause_us(3000);
		}
	}
	for (int i = 0; i <= SUITES; i++) {
		close(master[i]);
		process_end(client[i]);
	}
	for (int suite = 0; suite < SUITES; suite++)
		server_stop(&s[suite]);
	row("keystroke echo, p50", "us", median(us[OURS], KEYS),
	    median(us[DEBIAN], KEYS), true, 0.6);
	row_floor("keystroke echo, p50", "us", median(us[SUITES], KEYS),
	    median(us[DEBIAN], KEYS));
}

/*
 * Bulk on stdout while keys go to stdin and come back on stderr: one
 * connection carries both.
 */
static double
echo_under_bulk(enum suite suite, unsigned port)
{
	double us[KEYS];
	struct command c;
	int in[2], err[2];
	double p99;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		bench_fail("no pipe");
	client_command(&c, suite, port, NULL);
	command_add(
	    &c, "dd if=/dev/zero bs=64k 2>/dev/null <&- & exec cat >&2");
	c.stdin_fd = in[0];
	c.stderr_fd = err[1];
	pid = command_start(&c);
	close(in[0]);
	close(err[1]);
	pause_us(900000);
	for (int i = 0; i < KEYS; i++) {
		us[i] = key_time(in[1], err[0]);
		pause_us(3000);
	}
	p99 = percentile(us, KEYS, 0.99);
	process_end(pid);
	close(in[1]);
	close(err[0]);
	return p99;
}

void
bench_echo(void)
{
	struct server s[SUITES];
	double p99[SUITES][3];

	echo_alone();
	for (int suite = 0; suite < SUITES; suite++)
		server_start(&s[suite], suite, "");
	for (int i = 0; i < 3; i++) {
		for (int suite = 0; suite < SUITES; suite++)
			p99[suite][i] = echo_under_bulk(suite, s[suite].port);
	}
	for (int suite = 0; suite < SUITES; suite++)
		server_stop(&s[suite]);
	row("keystroke echo beside bulk, p99", "us", median(p99[OURS], 3),
	    median(p99[DEBIAN], 3), true, 0.5);
}
