/*
 * bench_files.c - files by SFTP: large ones near and far, many small ones, and
 * the memory that it takes.
 *
 * Files lie in memory (/dev/shm), so that no disk is measured. What the login
 * takes is measured by a batch of nothing, and taken off.
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RUNS 3

static char place[40]; /* in memory */

/* ---- the scratch folder in memory ---- */

static void
run_shell(const char *line)
{
	struct command c;

	command_init(&c);
	command_add(&c, "/bin/sh");
	command_add(&c, "-c");
	command_add(&c, line);
	if (command_run(&c).status != 0)
		bench_fail("failed: %s", line);
}

static void
place_remove(void)
{
	char line[1024];

	if (strncmp(place, "/dev/shm/sheetbend-bench.", 25) != 0)
		return;
	snprintf(line, sizeof(line), "rm -rf '%s'", place);
	run_shell(line);
	place[0] = '\0';
}

static void
place_make(void)
{
	snprintf(place, sizeof(place), "/dev/shm/sheetbend-bench.XXXXXX");
	if (mkdtemp(place) == NULL)
		bench_fail("no scratch folder in /dev/shm");
	atexit(place_remove);
}

static void
make_large(unsigned mib)
{
	char line[1024];

	/* Not zeros: nothing on the way may find them easy. */
	snprintf(line, sizeof(line),
	    "head -c 1048576 /dev/urandom > '%s/mib' && for i in $(seq %u); "
	    "do cat '%s/mib'; done > '%s/large' && rm '%s/mib'",
	    place, mib, place, place, place);
	run_shell(line);
}

static void
make_small(unsigned count, unsigned bytes)
{
	char line[1024];

	snprintf(line, sizeof(line),
	    "rm -rf '%s/tree' && for d in 0 1 2 3 4 5 6 7 8 9; do mkdir -p "
	    "'%s/tree/'$d && head -c %u /dev/urandom | (cd '%s/tree/'$d && "
	    "split -a 3 -b %u - f); done",
	    place, place, count / 10 * bytes, place, bytes);
	run_shell(line);
}

static void
remove_copy(void)
{
	char line[1024];

	snprintf(line, sizeof(line), "rm -rf '%s/copy'", place);
	run_shell(line);
}

/* Makes a copy and takes it away: a virtual machine may first have to get the
 * memory for it from its host, which would take longer than what we measure. */
static void
warm_memory(const char *name)
{
	char line[1024];

	snprintf(line, sizeof(line),
	    "cat '%s/%s' > '%s/copy' && rm '%s/copy'", place, name, place,
	    place);
	run_shell(line);
}

/* The copy is what it is a copy of, times and modes included. */
static void
check_copy(const char *name)
{
	char line[1024];

	snprintf(line, sizeof(line),
	    "cd '%s' && diff -r %s copy > /dev/null && "
	    "test \"$(cd %s && find . -printf '%%P %%m %%Ts\\n' | sort)\" = "
	    "\"$(cd copy && find . -printf '%%P %%m %%Ts\\n' | sort)\"",
	    place, name, name);
	run_shell(line);
}

/* ---- one batch ---- */

static struct usage
sftp_batch(enum suite suite, unsigned port, const char *command)
{
	char program[PATH_MAX + 8], config[256], batch[256], number[16];
	struct command c;
	struct usage u;
	FILE *f;

	bench_program(program, sizeof(program), suite, "sftp");
	snprintf(config, sizeof(config), "%s/ssh_config", bench_scratch());
	snprintf(batch, sizeof(batch), "%s/batch", bench_scratch());
	snprintf(number, sizeof(number), "%u", port);
	if ((f = fopen(batch, "w")) == NULL)
		bench_fail("cannot write %s", batch);
	fprintf(f, "%s\n", command);
	fclose(f);
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-q");
	command_add(&c, "-b");
	command_add(&c, batch);
	command_add(&c, "-F");
	command_add(&c, config);
	command_add(&c, "-o");
	command_add(&c, "Ciphers=aes128-gcm@openssh.com");
	command_add(&c, "-P");
	command_add(&c, number);
	command_add(&c, "127.0.0.1");
	u = command_run(&c);
	if (u.status != 0)
		bench_fail("sftp failed: %s", command);
	return u;
}

static void
server_of(struct server *s, enum suite suite)
{
	server_start(s, suite,
	    suite == OURS ? "Subsystem sftp internal-sftp\n"
			  : "Subsystem sftp /usr/lib/openssh/sftp-server\n");
}

static void
copy_command(char *out, size_t size, const char *verb, const char *name)
{
	snprintf(out, size, "%s -pr %s/%s %s/copy", verb, place, name, place);
}

/* Seconds of one copy without the login. */
static double
copy_seconds(enum suite suite, unsigned port, const char *verb,
    const char *name, double login, struct usage *ret)
{
	char command[512];
	struct usage u;

	copy_command(command, sizeof(command), verb, name);
	remove_copy();
	u = sftp_batch(suite, port, command);
	if (ret != NULL)
		*ret = u;
	return u.wall_s > login ? u.wall_s - login : 1e-6;
}

static double
login_seconds(enum suite suite, unsigned port)
{
	double seconds[RUNS];

	for (int i = 0; i < RUNS; i++)
		seconds[i] = sftp_batch(suite, port, "pwd").wall_s;
	return median(seconds, RUNS);
}

/* ---- rows ---- */

struct rate {
	double mb_per_s;
	double cpu_s_per_gb;
};

/* Both ends' CPU: the client's own and that of the server's whole life. */
static void
measure_large(
    enum suite suite, const char *verb, unsigned mib, struct rate *ret)
{
	double seconds[RUNS], cpu = 0, base = 0, login;
	struct server s;
	struct usage u;

	server_of(&s, suite);
	for (int i = 0; i < RUNS; i++)
		base += sftp_batch(suite, s.port, "pwd").cpu_s;
	base += server_stop(&s);
	server_of(&s, suite);
	login = login_seconds(suite, s.port);
	server_stop(&s);
	server_of(&s, suite);
	for (int i = 0; i < RUNS; i++) {
		remove_copy();
		warm_memory("large");
		seconds[i] =
		    copy_seconds(suite, s.port, verb, "large", login, &u);
		cpu += u.cpu_s;
	}
	cpu += server_stop(&s) - base;
	ret->mb_per_s = (double)mib * 1.048576 / median(seconds, RUNS);
	ret->cpu_s_per_gb = cpu / RUNS / ((double)mib * 1.048576 / 1000);
}

void
bench_files(void)
{
	static const char *const verbs[] = { "get", "put" };
	struct rate rate[SUITES];
	struct statvfs v;
	unsigned mib = 2048;
	char what[64];

	place_make();
	/* The file and its copy must fit, and leave room. */
	while (mib > 256 && statvfs(place, &v) == 0 &&
	       (double)v.f_bavail * (double)v.f_frsize <
		   (double)mib * 1048576 * 2.5)
		mib /= 2;
	make_large(mib);
	for (int i = 0; i < 2; i++) {
		for (int suite = 0; suite < SUITES; suite++)
			measure_large(
			    (enum suite)suite, verbs[i], mib, &rate[suite]);
		snprintf(what, sizeof(what), "sftp %s, %u MiB", verbs[i], mib);
		row(what, "MB/s", rate[OURS].mb_per_s, rate[DEBIAN].mb_per_s,
		    false, 2.5);
		snprintf(what, sizeof(what), "sftp %s, CPU", verbs[i]);
		row(what, "s/GB", rate[OURS].cpu_s_per_gb,
		    rate[DEBIAN].cpu_s_per_gb, true, 0.4);
	}
	place_remove();
}

static double
far_rate(enum suite client, unsigned port, const char *verb, unsigned mib)
{
	double login = login_seconds(client, port);

	return (double)mib * 1.048576 /
	       copy_seconds(client, port, verb, "large", login, NULL);
}

void
bench_files_far(void)
{
	static const char *const verbs[] = { "get", "put" };
	double rate[2][3];
	struct server s[SUITES];
	unsigned port[SUITES];
	pid_t relay[SUITES];
	char what[64];

	place_make();
	for (int suite = 0; suite < SUITES; suite++) {
		server_of(&s[suite], (enum suite)suite);
		port[suite] = relay_start(100, s[suite].port, &relay[suite]);
	}
	make_large(1024);
	for (int i = 0; i < 2; i++)
		rate[i][0] = far_rate(OURS, port[OURS], verbs[i], 1024);
	make_large(192);
	for (int i = 0; i < 2; i++)
		rate[i][1] = far_rate(OURS, port[DEBIAN], verbs[i], 192);
	make_large(48);
	for (int i = 0; i < 2; i++)
		rate[i][2] = far_rate(DEBIAN, port[DEBIAN], verbs[i], 48);
	for (int suite = 0; suite < SUITES; suite++) {
		process_end(relay[suite]);
		server_stop(&s[suite]);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(
		    what, sizeof(what), "sftp %s through 100 ms", verbs[i]);
		row(what, "MB/s", rate[i][0], rate[i][2], false, 20);
		snprintf(what, sizeof(what),
		    "sftp %s through 100 ms, stock server", verbs[i]);
		row(what, "MB/s", rate[i][1], rate[i][2], false, 3);
	}
	place_remove();
}

/* A thousand files through 20 ms, our client and a stock server. */
static void
small_far(void)
{
	static const char *const verbs[] = { "get", "put" };
	struct server s;
	unsigned port;
	pid_t relay;
	char what[64];

	make_small(1000, 4096);
	server_of(&s, DEBIAN);
	port = relay_start(20, s.port, &relay);
	for (int i = 0; i < 2; i++) {
		double login = login_seconds(OURS, port);
		double seconds =
		    copy_seconds(OURS, port, verbs[i], "tree", login, NULL);

		check_copy("tree");
		snprintf(what, sizeof(what),
		    "sftp %s of 1000 files through 20 ms", verbs[i]);
		row(what, "s", seconds, 0, true, 1.5);
	}
	process_end(relay);
	server_stop(&s);
}

static void
small_near(void)
{
	static const char *const verbs[] = { "get", "put" };
	double login[SUITES], seconds[SUITES][RUNS];
	struct server s[SUITES];
	char what[64];

	make_small(5000, 2048);
	for (int suite = 0; suite < SUITES; suite++) {
		server_of(&s[suite], (enum suite)suite);
		login[suite] = login_seconds((enum suite)suite, s[suite].port);
	}
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < RUNS; k++)
			for (int suite = 0; suite < SUITES; suite++) {
				seconds[suite][k] = copy_seconds(
				    (enum suite)suite, s[suite].port, verbs[i],
				    "tree", login[suite], NULL);
				check_copy("tree");
			}
		snprintf(what, sizeof(what), "sftp %s of 5000 files", verbs[i]);
		row(what, "files/s", 5000 / median(seconds[OURS], RUNS),
		    5000 / median(seconds[DEBIAN], RUNS), false, 4);
	}
	for (int suite = 0; suite < SUITES; suite++)
		server_stop(&s[suite]);
}

void
bench_files_small(void)
{
	place_make();
	small_far();
	small_near();
	place_remove();
}

void
bench_files_memory(void)
{
	static const char *const verbs[] = { "get", "put" };
	struct server s;
	struct usage u;
	unsigned port;
	pid_t relay;
	char what[64];

	place_make();
	make_large(512);
	server_of(&s, OURS);
	port = relay_start(100, s.port, &relay);
	for (int i = 0; i < 2; i++) {
		copy_seconds(OURS, port, verbs[i], "large", 0, &u);
		snprintf(what, sizeof(what), "sftp %s through 100 ms, memory",
		    verbs[i]);
		row(what, "MiB", (double)u.max_rss_kib / 1024, 0, true, 64);
	}
	process_end(relay);
	server_stop(&s);
	place_remove();
}
