/*
 * bench.h - what the measurements stand on: programs run and timed, servers
 * of the two suites, medians, the table.
 *
 * A failure of the set-up ends the program with one sentence: a benchmark that
 * measures a failing login measures nothing.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/attributes.h"

/* ---- running programs ---- */

struct usage {
	double wall_s;
	double cpu_s;     /* user and system, of the child and of those
			   * that it waited for */
	int status;       /* as of waitpid */
	long max_rss_kib; /* of the largest of these */
};

struct command {
	const char *argv[64];
	size_t count;
	int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null, stderr: ours */
};

void command_init(struct command *c);
void command_add(struct command *c, const char *argument); /* borrowed */
pid_t command_start(const struct command *c);
struct usage command_wait(pid_t pid, double since); /* seconds_now() */
struct usage command_run(const struct command *c);
double seconds_now(void);
NORETURN void bench_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- the two suites ---- */

enum suite {
	OURS,
	DEBIAN,
	SUITES
};

struct server {
	enum suite suite;
	pid_t pid;
	unsigned port;
	char config[256];
};

/* Makes the scratch folder, host key and user key. bin: our programs. */
void bench_set_up(const char *bin);
void bench_clean_up(void);
const char *bench_scratch(void);

/* The path of a program that people run, in a buffer of the caller. */
void bench_program(char *ret, size_t size, enum suite suite, const char *name);

/* extra: lines for sshd_config, "" for none. Waits until it listens. */
void server_start(struct server *s, enum suite suite, const char *extra);
/* Ends it; the CPU time that it and all its children took in all. */
double server_stop(struct server *s);

/* Begins a client command line: `ssh`, our usual options, port, extra -o
 * options (NULL-terminated), host. The remote command is the caller's. */
void client_command(struct command *c, enum suite client, unsigned port,
    const char *const *options);

/* A relay with this round trip in front of port; returns its port. */
unsigned relay_start(unsigned round_trip_ms, unsigned port, pid_t *ret_pid);
void process_end(pid_t pid);

/* ---- what the machine allows: the same path without SSH ---- */

/* Keys between a terminal and one of the command's own. The process that
 * stands in for the client; ended by process_end(). */
pid_t floor_start_keys(int terminal, const char *command);

/* Bytes of the command to fd (down), or of fd to the command, sealed by
 * AES-128-GCM on the way. Ends when they end, with the CPU time of all. */
pid_t floor_start_bulk(int fd, const char *command, bool down);

/* ---- figures ---- */

double median(double *values, size_t count); /* sorts */
double percentile(double *values, size_t count, double p);

/*
 * One row: what, unit, both figures, the ratio ours/Debian's, the limit and
 * whether it is met. at_most: the ratio must not exceed it, else not fall
 * below. Figures of a row without a peer: debian <= 0, then the limit is for
 * ours.
 */
void row(const char *what, const char *unit, double ours, double debian,
    bool at_most, double limit);
/* Beside a row: what the same path costs without SSH, see below. */
void row_floor(const char *what, const char *unit, double floor, double debian);
/* Rows that missed their limit so far. */
int rows_missed(void);

/* ---- measurements: one file for each group ---- */

void bench_login(void);
void bench_login_parallel(void);
void bench_round_trips(void);
void bench_memory(void);
void bench_start_up(void);
void bench_bulk(void);
void bench_bulk_far(void);
void bench_echo(void);
void bench_files(void);
void bench_files_far(void);
void bench_files_small(void);
void bench_files_memory(void);
void bench_agent(void);
void bench_keygen(void);
void bench_known_hosts(void);
void bench_authorized_keys(void);

#endif
