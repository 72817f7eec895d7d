/*
 * bench.c - speed beside Debian's OpenSSH, in one run on one machine: medians,
 * ratios, and the limit that we hold ourselves to beside each.
 *
 *   bench [-b folder-of-our-programs] [part...]
 *
 * Figures of the two suites are taken in turns, so that what the machine does
 * meanwhile meets both.
 */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "startup", bench_start_up },
	{ "login", bench_login },
	{ "parallel", bench_login_parallel },
	{ "roundtrips", bench_round_trips },
	{ "memory", bench_memory },
	{ "echo", bench_echo },
	{ "bulk", bench_bulk },
	{ "far", bench_bulk_far },
	{ "files", bench_files },
	{ "filesfar", bench_files_far },
	{ "filessmall", bench_files_small },
	{ "filesmemory", bench_files_memory },
	{ "agent", bench_agent },
	{ "keygen", bench_keygen },
	{ "knownhosts", bench_known_hosts },
	{ "authorizedkeys", bench_authorized_keys },
};

static int
run_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
		if (strcmp(parts[i].name, name) == 0) {
			parts[i].run();
			return 0;
		}
	}
	fprintf(stderr, "bench: no part \"%s\"; there are:", name);
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
		fprintf(stderr, " %s", parts[i].name);
	fprintf(stderr, "\n");
	return 2;
}

int
main(int argc, char **argv)
{
	const char *bin = "bin";
	int option, status = 0;

	while ((option = getopt(argc, argv, "b:")) != -1) {
		if (option != 'b') {
			fprintf(stderr, "usage: bench [-b folder] [part...]\n");
			return 2;
		}
		bin = optarg;
	}
	bench_set_up(bin);
	if (optind == argc) {
		for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
			parts[i].run();
	}
	for (; optind < argc && status == 0; optind++)
		status = run_named(argv[optind]);
	bench_clean_up();
	if (rows_missed() > 0)
		printf("%d limits missed\n", rows_missed());
	return status;
}
