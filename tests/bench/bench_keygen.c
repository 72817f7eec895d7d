/*
 * bench_keygen.c - ssh-keygen: making keys, looking a host up.
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUNS_MAX    61
#define HOSTS       200000
#define LOOKUP_RUNS 15
/* OpenSSH 9.2's own; ours is 24. */
#define ROUNDS "16"

/* ---- making keys ---- */

static double
make_once(enum suite suite, const char *type, const char *passphrase)
{
	char program[512], path[256], public[300];
	struct command c;
	struct usage u;

	bench_program(program, sizeof(program), suite, "ssh-keygen");
	snprintf(path, sizeof(path), "%s/made", bench_scratch());
	snprintf(public, sizeof(public), "%s.pub", path);
	unlink(path);
	unlink(public);
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-q");
	command_add(&c, "-a");
	command_add(&c, ROUNDS);
	command_add(&c, "-t");
	command_add(&c, type);
	command_add(&c, "-N");
	command_add(&c, passphrase);
	command_add(&c, "-f");
	command_add(&c, path);
	u = command_run(&c);
	if (u.status != 0)
		bench_fail("%s ssh-keygen makes no %s key",
		    suite == OURS ? "our" : "Debian's", type);
	return u.wall_s;
}

static void
make_keys(const char *type, const char *passphrase, size_t runs, double limit)
{
	double times[SUITES][RUNS_MAX];
	char what[64];

	for (size_t i = 0; i < runs; i++)
		for (int suite = 0; suite < SUITES; suite++)
			times[suite][i] =
			    make_once((enum suite)suite, type, passphrase);
	snprintf(what, sizeof(what), "ssh-keygen -t %s%s", type,
	    passphrase[0] != '\0' ? ", encrypted" : "");
	row(what, "ms", median(times[OURS], runs) * 1e3,
	    median(times[DEBIAN], runs) * 1e3, true, limit);
}

/* ---- looking a host up ---- */

static void
write_known_hosts(const char *path)
{
	static const char key[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDQm74"
				  "GLtqeBMKnX24kM4p2tGlZvuWa00g69vl/QbCWQ";
	char program[512], old[300];
	FILE *f = fopen(path, "w");
	struct command c;

	if (f == NULL)
		bench_fail("cannot write %s", path);
	for (int i = 0; i < HOSTS; i++)
		fprintf(f, "host%d.example.com %s\n", i, key);
	if (fclose(f) != 0)
		bench_fail("cannot write %s", path);
	bench_program(program, sizeof(program), OURS, "ssh-keygen");
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-H");
	command_add(&c, "-f");
	command_add(&c, path);
	c.stderr_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (command_run(&c).status != 0)
		bench_fail("ssh-keygen -H failed");
	close(c.stderr_fd);
	snprintf(old, sizeof(old), "%s.old", path);
	unlink(old);
}

static double
find_once(enum suite suite, const char *path)
{
	char program[512];
	struct command c;
	struct usage u;

	bench_program(program, sizeof(program), suite, "ssh-keygen");
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-F");
	command_add(&c, "host150000.example.com");
	command_add(&c, "-f");
	command_add(&c, path);
	u = command_run(&c);
	if (u.status != 0)
		bench_fail("ssh-keygen -F does not find the host");
	return u.wall_s;
}

void
bench_keygen(void)
{
	double times[SUITES][LOOKUP_RUNS];
	char path[256];

	/* Ours takes half the processor's time, and waits until the key is on
	 * disk, which Debian's does not: the disk decides about the rest. */
	make_keys("ed25519", "", RUNS_MAX, 1.1);
	make_keys("ed25519", "sesame", 15, 1.0);
	make_keys("ecdsa", "", RUNS_MAX, 1.1);
	/* Luck decides how long RSA takes: medians still differ by a tenth. */
	make_keys("rsa", "", RUNS_MAX, 1.2);

	snprintf(path, sizeof(path), "%s/known_hosts_200000", bench_scratch());
	write_known_hosts(path);
	for (int i = 0; i < LOOKUP_RUNS; i++)
		for (int suite = 0; suite < SUITES; suite++)
			times[suite][i] = find_once((enum suite)suite, path);
	row("ssh-keygen -F, 200,000 hashed hosts", "ms",
	    median(times[OURS], LOOKUP_RUNS) * 1e3,
	    median(times[DEBIAN], LOOKUP_RUNS) * 1e3, true, 0.15);
	unlink(path);
}
