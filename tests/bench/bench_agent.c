/*
 * bench_agent.c - signatures a second by ssh-agent, for one client and for
 * eight at once.
 */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/agent/client.h"

#define CLIENTS_MAX 8
#define ROUNDS      5
#define ROUND_S     0.6

struct running {
	pid_t pid;
	char path[192];
};

static struct agent *
connect_agent(const char *path)
{
	struct agent *a;
	struct error e = { 0 };

	if (agent_connect(path, &a, &e) != 0)
		bench_fail("%s", e.text);
	return a;
}

static void
wait_for_socket(const char *path)
{
	struct timespec t = { 0, 10 * 1000 * 1000 };
	struct stat st;

	for (int i = 0; i < 500; i++) {
		if (stat(path, &st) == 0)
			return;
		nanosleep(&t, NULL);
	}
	bench_fail("no agent listens at %s", path);
}

/* An agent of the suite with this key. */
static void
start_agent(struct running *r, enum suite suite, const struct key *k)
{
	struct agent_constraints none = AGENT_CONSTRAINTS_NONE;
	char program[PATH_MAX];
	struct command c;
	struct error e = { 0 };
	struct agent *a;

	bench_program(program, sizeof(program), suite, "ssh-agent");
	snprintf(r->path, sizeof(r->path), "%s/agent%d.%s", bench_scratch(),
	    (int)suite, key_row(k)->short_name);
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-D");
	command_add(&c, "-a");
	command_add(&c, r->path);
	r->pid = command_start(&c);
	wait_for_socket(r->path);
	a = connect_agent(r->path);
	if (agent_add(a, k, NULL, "bench", &none, &e) != 0)
		bench_fail("the agent takes no key: %s", e.text);
	agent_close(a);
}

/* One client: signs until the time is over; how often. */
static long
sign_for(const char *path, const struct key *k, double seconds)
{
	const struct signature_algorithm *algorithm =
	    key_choose_signature(k, span_of(NULL, 0));
	struct agent *a = connect_agent(path);
	double end = seconds_now() + seconds;
	uint8_t data[256] = { 0 };
	long count = 0;

	do {
		struct buf signature = BUF_INIT;
		struct error e = { 0 };

		if (agent_sign(a, key_blob(k), algorithm,
			span_of(data, sizeof(data)), &signature, &e) != 0)
			bench_fail("the agent does not sign: %s", e.text);
		buf_release(&signature);
		count++;
	} while (seconds_now() < end);
	agent_close(a);
	return count;
}

/* The same in so many processes at once; signatures a second of all. */
static double
rate_of(const char *path, const struct key *k, int clients)
{
	int ends[2];
	double started = seconds_now();
	pid_t pids[CLIENTS_MAX];
	long sum = 0, count;

	if (pipe(ends) != 0)
		bench_fail("no pipe");
	for (int i = 0; i < clients; i++) {
		if ((pids[i] = fork()) != 0)
			continue;
		count = sign_for(path, k, ROUND_S);
		_exit(write(ends[1], &count, sizeof(count)) !=
		      (ssize_t)sizeof(count));
	}
	close(ends[1]);
	for (int i = 0; i < clients; i++) {
		if (command_wait(pids[i], started).status != 0 ||
		    read(ends[0], &count, sizeof(count)) !=
			(ssize_t)sizeof(count))
			bench_fail("a client of the agent failed");
		sum += count;
	}
	close(ends[0]);
	return (double)sum / (seconds_now() - started);
}

static void
agents_with(const struct key *k, const struct running *agents, int clients,
    double limit)
{
	double rate[SUITES][ROUNDS];
	char what[64];

	for (int i = 0; i < ROUNDS; i++)
		for (int suite = 0; suite < SUITES; suite++)
			rate[suite][i] =
			    rate_of(agents[suite].path, k, clients);
	snprintf(what, sizeof(what), "agent, %s signatures, %d client%s",
	    key_row(k)->short_name, clients, clients == 1 ? "" : "s");
	row(what, "/s", median(rate[OURS], ROUNDS),
	    median(rate[DEBIAN], ROUNDS), false, limit);
}

static void
agent_row(const char *type, unsigned bits, double limit_one, double limit_eight)
{
	struct running agents[SUITES];
	struct key *k;
	struct error e = { 0 };

	if (key_generate(type, bits, &k, &e) != 0)
		bench_fail("%s", e.text);
	for (int suite = 0; suite < SUITES; suite++)
		start_agent(&agents[suite], suite, k);
	agents_with(k, agents, 1, limit_one);
	agents_with(k, agents, CLIENTS_MAX, limit_eight);
	for (int suite = 0; suite < SUITES; suite++)
		process_end(agents[suite].pid);
	key_unref(k);
}

void
bench_agent(void)
{
	agent_row("ed25519", 0, 4, 4);
	agent_row("rsa", 3072, 0, 1.8);
}
