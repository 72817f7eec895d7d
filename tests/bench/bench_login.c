/*
 * bench_login.c - time to a prompt: sequential and parallel logins, round
 * trips, start-up, memory of an idle connection.
 */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOGINS 25

static void
login_once(enum suite client, unsigned port, const char *const *options,
    struct usage *ret)
{
	struct command c;

	client_command(&c, client, port, options);
	command_add(&c, "true");
	*ret = command_run(&c);
	if (ret->status != 0)
		bench_fail("%s ssh cannot log in (status %d)",
		    client == OURS ? "our" : "Debian's", ret->status);
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Wall and CPU of both ends, for one key exchange. */
static void
login_with(
    const char *name, const char *kex, double wall_limit, double cpu_limit)
{
	double wall[SUITES][LOGINS], cpu[SUITES] = { 0 }, idle[SUITES];
	char kex_line[128], what[64];
	const char *options[] = { kex_line, NULL };
	struct server s[SUITES];
	struct usage u;

	snprintf(kex_line, sizeof(kex_line), "KexAlgorithms=%s", kex);
	for (int suite = 0; suite < SUITES; suite++) {
		server_start(&s[suite], suite, "");
		sleep_ms(200);
		idle[suite] = server_stop(&s[suite]);
		server_start(&s[suite], suite, "");
		login_once(suite, s[suite].port, options, &u);
	}
	for (int i = 0; i < LOGINS; i++) {
		for (int suite = 0; suite < SUITES; suite++) {
			login_once(suite, s[suite].port, options, &u);
			wall[suite][i] = u.wall_s;
			cpu[suite] += u.cpu_s;
			sleep_ms(10);
		}
	}
	/* The first login, before the loop, counts on the server's side. */
	for (int suite = 0; suite < SUITES; suite++)
		cpu[suite] =
		    cpu[suite] / LOGINS +
		    (server_stop(&s[suite]) - idle[suite]) / (LOGINS + 1);
	snprintf(what, sizeof(what), "login %s, wall", name);
	row(what, "ms", median(wall[OURS], LOGINS) * 1e3,
	    median(wall[DEBIAN], LOGINS) * 1e3, true, wall_limit);
	snprintf(what, sizeof(what), "login %s, CPU of both ends", name);
	row(what, "ms", cpu[OURS] * 1e3, cpu[DEBIAN] * 1e3, true, cpu_limit);
}

/* Ours alone: a method that Debian's OpenSSH lacks, beside curve25519. */
static void
login_mlkem(void)
{
	double wall[2][LOGINS];
	const char *options[2][2] = { { "KexAlgorithms=mlkem768x25519-sha256",
					  NULL },
		{ "KexAlgorithms=curve25519-sha256", NULL } };
	struct server s;
	struct usage u;

	server_start(&s, OURS, "");
	login_once(OURS, s.port, options[0], &u);
	for (int i = 0; i < LOGINS; i++) {
		for (int k = 0; k < 2; k++) {
			login_once(OURS, s.port, options[k], &u);
			wall[k][i] = u.wall_s;
			sleep_ms(10);
		}
	}
	server_stop(&s);
	row("login mlkem768 (beside ours with curve25519)", "ms",
	    median(wall[0], LOGINS) * 1e3, median(wall[1], LOGINS) * 1e3, true,
	    1.15);
}

void
bench_login(void)
{
	login_with("curve25519", "curve25519-sha256", 0.12, 0.35);
	login_with(
	    "sntrup761", "sntrup761x25519-sha512@openssh.com", 0.12, 0.35);
	login_mlkem();
}

/* Eight workers, each logging in one time after another. */
static double
logins_per_second(
    enum suite suite, unsigned port, const char *const *options, int each)
{
	double started = seconds_now();
	pid_t workers[8];

	for (int w = 0; w < 8; w++) {
		if ((workers[w] = fork()) == 0) {
			struct usage u;

			for (int i = 0; i < each; i++)
				login_once(suite, port, options, &u);
			_exit(0);
		}
	}
	for (int w = 0; w < 8; w++) {
		if (command_wait(workers[w], started).status != 0)
			bench_fail("a parallel login failed");
	}
	return 8 * each / (seconds_now() - started);
}

static void
login_parallel(const char *what, const char *const *options, bool is_judged)
{
	struct server s[SUITES];
	double rate[SUITES][3], ours, debian;

	for (int suite = 0; suite < SUITES; suite++)
		server_start(&s[suite], suite, "");
	for (int i = 0; i < 3; i++) {
		rate[OURS][i] =
		    logins_per_second(OURS, s[OURS].port, options, 30);
		rate[DEBIAN][i] =
		    logins_per_second(DEBIAN, s[DEBIAN].port, options, 6);
	}
	for (int suite = 0; suite < SUITES; suite++)
		server_stop(&s[suite]);
	ours = median(rate[OURS], 3);
	debian = median(rate[DEBIAN], 3);
	row(what, "/s", ours, debian, false, is_judged ? 8 : 0);
}

void
bench_login_parallel(void)
{
	const char *options[] = { "KexAlgorithms=curve25519-sha256", NULL };

	/* Each suite as it comes, and for comparison with the same key
	 * exchange, which takes Debian's slow sntrup761 out of the figure. */
	login_parallel("logins, 8 at once", NULL, true);
	login_parallel("logins, 8 at once, curve25519", options, false);
}

/* Round trips of 100 ms that a login and exec take after TCP's connect. */
static double
round_trips(enum suite client, unsigned near, unsigned far)
{
	double with[5], without[5];
	struct usage u;

	login_once(client, far, NULL, &u); /* what can be remembered is */
	for (int i = 0; i < 5; i++) {
		login_once(client, near, NULL, &u);
		without[i] = u.wall_s;
		login_once(client, far, NULL, &u);
		with[i] = u.wall_s;
	}
	return (median(with, 5) - median(without, 5)) / 0.1;
}

void
bench_round_trips(void)
{
	struct server s[SUITES];
	unsigned far[SUITES];
	pid_t relay[SUITES];
	double debian;

	for (int suite = 0; suite < SUITES; suite++) {
		server_start(&s[suite], suite, "");
		far[suite] = relay_start(100, s[suite].port, &relay[suite]);
	}
	debian = round_trips(DEBIAN, s[DEBIAN].port, far[DEBIAN]);
	printf("%-44s %-7s %10s %10.2f\n", "round trips, Debian's both ends",
	    "RTT", "-", debian);
	row("round trips, our both ends", "RTT",
	    round_trips(OURS, s[OURS].port, far[OURS]), 0, true, 4.5);
	row("round trips, our ssh to Debian's sshd", "RTT",
	    round_trips(OURS, s[DEBIAN].port, far[DEBIAN]), 0, true, 4.5);
	for (int suite = 0; suite < SUITES; suite++) {
		process_end(relay[suite]);
		server_stop(&s[suite]);
	}
}

/* Sum of the proportional set sizes of all that a process has started. */
static double
descendants_pss_kib(pid_t root)
{
	char path[64], line[256];
	double sum = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		int pid = atoi(entry->d_name), parent = 0;
		double kib;
		FILE *f;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL &&
		    strrchr(line, ')') != NULL)
			sscanf(strrchr(line, ')') + 1, " %*c %d", &parent);
		fclose(f);
		if (parent != root)
			continue;
		sum += descendants_pss_kib(pid);
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		while (fgets(line, sizeof(line), f) != NULL) {
			if (sscanf(line, "Pss: %lf", &kib) == 1)
				sum += kib;
		}
		fclose(f);
	}
	if (proc != NULL)
		closedir(proc);
	return sum;
}

/*
 * By how much one more idle connection makes the sum over all processes of
 * the server grow. What is there before it (the template of session processes
 * and the spares; Debian's has none) is not the connection's, but pages that
 * the connection shares with it are counted once, not left out: they are
 * in the sum before and after.
 */
static double
connection_pss_kib(enum suite suite)
{
	struct server s;
	struct command c;
	pid_t client;
	double before, after;

	server_start(&s, suite, "");
	sleep_ms(500);
	before = descendants_pss_kib(s.pid);
	client_command(&c, suite, s.port, NULL);
	command_add(&c, "-N");
	client = command_start(&c);
	sleep_ms(1500);
	after = descendants_pss_kib(s.pid);
	process_end(client);
	server_stop(&s);
	return after - before;
}

void
bench_memory(void)
{
	row("server PSS of an idle connection", "KiB", connection_pss_kib(OURS),
	    connection_pss_kib(DEBIAN), true, 0.5);
}

static double
run_time(enum suite suite, const char *flag, const char *host)
{
	struct command c;
	int null = open("/dev/null", O_WRONLY);
	struct usage u;

	client_command(&c, suite, 22, NULL);
	c.count--; /* the host comes after the flag */
	command_add(&c, flag);
	if (host != NULL)
		command_add(&c, host);
	c.stderr_fd = null;
	u = command_run(&c);
	close(null);
	if (u.status != 0)
		bench_fail("ssh %s failed", flag);
	return u.wall_s * 1e3;
}

void
bench_start_up(void)
{
	static const char *const flags[2][2] = { { "-V", NULL },
		{ "-G", "host.example" } };

	for (int f = 0; f < 2; f++) {
		double ms[SUITES][101];
		char what[32];

		for (int i = 0; i < 101; i++) {
			for (int suite = 0; suite < SUITES; suite++)
				ms[suite][i] =
				    run_time(suite, flags[f][0], flags[f][1]);
		}
		snprintf(what, sizeof(what), "ssh %s", flags[f][0]);
		row(what, "ms", median(ms[OURS], 101), median(ms[DEBIAN], 101),
		    true, 0.7);
	}
}
