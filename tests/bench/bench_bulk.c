/*
 * bench_bulk.c - bytes per second and CPU per byte, near and far.
 *
 * Source and sink are dd from /dev/zero and cat to /dev/null; their CPU time
 * counts.
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUNS 5

struct flow {
	double mb_per_s;
	double cpu_s_per_gb; /* both ends; only from a server's whole life */
};

static void
check(struct usage u, const char *what)
{
	if (u.status != 0)
		bench_fail("%s failed (status %d)", what, u.status);
}

/* Download: MiB from the server's dd to /dev/null. Seconds and client CPU. */
static struct usage
download(
    enum suite suite, unsigned port, const char *const *options, unsigned mib)
{
	char source[80];
	struct command c;
	struct usage u;

	snprintf(source, sizeof(source),
	    "exec dd if=/dev/zero bs=1M count=%u status=none", mib);
	client_command(&c, suite, port, options);
	command_add(&c, source);
	u = command_run(&c);
	check(u, "a download");
	return u;
}

static struct usage
upload(
    enum suite suite, unsigned port, const char *const *options, unsigned mib)
{
	char count[32];
	struct command c, dd;
	struct usage u, source;
	double started = seconds_now();
	pid_t client, feeder;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		bench_fail("no pipe");
	snprintf(count, sizeof(count), "count=%u", mib);
	command_init(&dd);
	command_add(&dd, "/bin/dd");
	command_add(&dd, "if=/dev/zero");
	command_add(&dd, "bs=1M");
	command_add(&dd, "status=none");
	command_add(&dd, count);
	dd.stdout_fd = fds[1];
	client_command(&c, suite, port, options);
	command_add(&c, "exec cat > /dev/null");
	c.stdin_fd = fds[0];
	client = command_start(&c);
	feeder = command_start(&dd);
	close(fds[0]);
	close(fds[1]);
	u = command_wait(client, started);
	source = command_wait(feeder, started);
	check(u, "an upload");
	check(source, "dd");
	u.cpu_s += source.cpu_s;
	return u;
}

typedef struct usage transfer(
    enum suite, unsigned, const char *const *, unsigned);

/* Medians of RUNS transfers by each suite, in turns; the login's time and
 * CPU are taken off. */
static void
measure(transfer *move, const char *const *options, unsigned mib,
    struct flow ret[SUITES])
{
	double seconds[SUITES][RUNS], base[SUITES][RUNS], cpu[SUITES] = { 0 };
	double server_base[SUITES];
	struct server s[SUITES];
	double bytes = (double)mib * 1048576;

	for (int suite = 0; suite < SUITES; suite++) {
		double client = 0;

		server_start(&s[suite], suite, "");
		for (int i = 0; i < RUNS; i++) {
			struct usage u = move(suite, s[suite].port, options, 0);

			base[suite][i] = u.wall_s;
			client += u.cpu_s;
		}
		server_base[suite] = server_stop(&s[suite]) + client;
		server_start(&s[suite], suite, "");
	}
	for (int i = 0; i < RUNS; i++) {
		for (int suite = 0; suite < SUITES; suite++) {
			struct usage u =
			    move(suite, s[suite].port, options, mib);

			seconds[suite][i] = u.wall_s;
			cpu[suite] += u.cpu_s;
		}
	}
	for (int suite = 0; suite < SUITES; suite++) {
		cpu[suite] += server_stop(&s[suite]) - server_base[suite];
		ret[suite].mb_per_s =
		    bytes / 1e6 /
		    (median(seconds[suite], RUNS) - median(base[suite], RUNS));
		ret[suite].cpu_s_per_gb = cpu[suite] / RUNS / (bytes / 1e9);
	}
}

/* The same bytes between the same programs, without SSH. */
static struct usage
floor_run(bool down, unsigned mib)
{
	char source[80], count[32];
	struct command dd;
	struct usage u, feeder_usage;
	double started = seconds_now();
	pid_t pid, feeder;
	int fds[2];

	snprintf(source, sizeof(source),
	    "exec dd if=/dev/zero bs=1M count=%u status=none", mib);
	if (down) {
		fds[0] = open("/dev/null", O_WRONLY | O_CLOEXEC);
		u = command_wait(floor_start_bulk(fds[0], source, true), started);
		close(fds[0]);
		check(u, "a download without SSH");
		return u;
	}
	if (pipe2(fds, O_CLOEXEC) != 0)
		bench_fail("no pipe");
	IGNORE_RESULT(fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024) < 0);
	snprintf(count, sizeof(count), "count=%u", mib);
	command_init(&dd);
	command_add(&dd, "/bin/dd");
	command_add(&dd, "if=/dev/zero");
	command_add(&dd, "bs=1M");
	command_add(&dd, "status=none");
	command_add(&dd, count);
	dd.stdout_fd = fds[1];
	feeder = command_start(&dd);
	close(fds[1]);
	pid = floor_start_bulk(fds[0], "exec cat > /dev/null", false);
	close(fds[0]);
	u = command_wait(pid, started);
	feeder_usage = command_wait(feeder, started);
	check(u, "an upload without SSH");
	u.cpu_s += feeder_usage.cpu_s;
	return u;
}

static struct flow
measure_floor(bool down, unsigned mib)
{
	double seconds[RUNS], cpu = 0, bytes = (double)mib * 1048576;
	struct flow ret;

	for (int i = 0; i < RUNS; i++) {
		struct usage u = floor_run(down, mib);

		seconds[i] = u.wall_s;
		cpu += u.cpu_s;
	}
	ret.mb_per_s = bytes / 1e6 / median(seconds, RUNS);
	ret.cpu_s_per_gb = cpu / RUNS / (bytes / 1e9);
	return ret;
}

static void
floor_rows(const struct flow debian[2])
{
	static const char *const names[] = { "aes128-gcm, down",
		"aes128-gcm, up" };
	static const char *const cpu_names[] = { "aes128-gcm, CPU down",
		"aes128-gcm, CPU up" };

	for (int i = 0; i < 2; i++) {
		struct flow f = measure_floor(i == 0, 1024);

		row_floor(names[i], "MB/s", f.mb_per_s, debian[i].mb_per_s);
		row_floor(cpu_names[i], "s/GB", f.cpu_s_per_gb,
		    debian[i].cpu_s_per_gb);
	}
}

static void
bulk_rows(const char *name, const char *const *options, double down_limit,
    double up_limit, bool with_cpu)
{
	struct flow down[SUITES], up[SUITES];
	char what[64];

	measure(download, options, 1024, down);
	measure(upload, options, 1024, up);
	snprintf(what, sizeof(what), "%s, down", name);
	row(what, "MB/s", down[OURS].mb_per_s, down[DEBIAN].mb_per_s, false,
	    down_limit);
	snprintf(what, sizeof(what), "%s, up", name);
	row(what, "MB/s", up[OURS].mb_per_s, up[DEBIAN].mb_per_s, false,
	    up_limit);
	if (!with_cpu)
		return;
	snprintf(what, sizeof(what), "%s, CPU down", name);
	row(what, "s/GB", down[OURS].cpu_s_per_gb, down[DEBIAN].cpu_s_per_gb,
	    true, 0.65);
	snprintf(what, sizeof(what), "%s, CPU up", name);
	row(what, "s/GB", up[OURS].cpu_s_per_gb, up[DEBIAN].cpu_s_per_gb, true,
	    0.5);
	floor_rows((const struct flow[]){ down[DEBIAN], up[DEBIAN] });
}

void
bench_bulk(void)
{
	const char *const gcm[] = { "Ciphers=aes128-gcm@openssh.com", NULL };
	const char *const chacha[] = { "Ciphers=chacha20-poly1305@openssh.com",
		NULL };
	const char *const ctr[] = { "Ciphers=aes128-ctr",
		"MACs=hmac-sha2-256-etm@openssh.com", NULL };

	bulk_rows("aes128-gcm", gcm, 1.6, 2.2, true);
	bulk_rows("chacha20-poly1305", chacha, 1.7, 1.7, false);
	bulk_rows("aes128-ctr + hmac-sha2-256-etm", ctr, 1.35, 1.35, false);
}

/* Through 100 ms: the rate of a transfer without its login. */
static double
far_rate(transfer *move, enum suite suite, unsigned port, unsigned mib)
{
	const char *const options[] = { "Ciphers=aes128-gcm@openssh.com",
		NULL };
	double base[3], rate[3];

	for (int i = 0; i < 3; i++)
		base[i] = move(suite, port, options, 0).wall_s;
	for (int i = 0; i < 3; i++)
		rate[i] =
		    (double)mib * 1.048576 /
		    (move(suite, port, options, mib).wall_s - median(base, 3));
	return median(rate, 3);
}

void
bench_bulk_far(void)
{
	struct server s[SUITES];
	unsigned far[SUITES];
	pid_t relay[SUITES];
	double rate[2][SUITES];

	for (int suite = 0; suite < SUITES; suite++) {
		unsigned mib = suite == OURS ? 1536 : 64;

		server_start(&s[suite], suite, "");
		far[suite] = relay_start(100, s[suite].port, &relay[suite]);
		rate[0][suite] = far_rate(download, suite, far[suite], mib);
		rate[1][suite] = far_rate(upload, suite, far[suite], mib);
		process_end(relay[suite]);
		server_stop(&s[suite]);
	}
	row("through 100 ms, down", "MB/s", rate[0][OURS], rate[0][DEBIAN],
	    false, 20);
	row("through 100 ms, up", "MB/s", rate[1][OURS], rate[1][DEBIAN], false,
	    20);
}
