/*
 * sim.c - runs seeds: each chooses a scenario and everything in it.
 *
 *     sim [-s first_seed] [-n count] [-j jobs] [-v]
 *
 * A seed runs in a child process, which a crash or a hang ends; the run goes
 * on with the next one. OpenSSL's randomness is replaced by the seed's, so
 * that a seed repeats to the byte.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tests/sim/scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "tests/sim/chance.h"

#define SEED_SECONDS_MAX 60 /* of one seed, before it counts as a hang */
#define JOBS_MAX         16

struct scenario {
	const char *name;
	unsigned weight;
	void (*run)(uint64_t seed, uint64_t number, struct outcome *ret);
};

static const struct scenario scenarios[] = {
	{ "transport", 3, scenario_transport },
	{ "handshake", 1, scenario_handshake },
	{ "session", 4, scenario_session },
};

struct key *sim_key[SIM_KEYS];
static const char *const key_types[SIM_KEYS] = { "ssh-ed25519",
	"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"ssh-rsa" };
static struct chance entropy;

/* What a child writes for each seed. */
struct report {
	uint64_t seed;
	struct outcome outcome;
};

struct options {
	uint64_t first, count;
	unsigned jobs;
	bool verbose;
};

struct job {
	pid_t pid;
	int fd;
	uint64_t next; /* the seed that it works on */
};

bool
sim_fail(struct outcome *o, const char *format, ...)
{
	va_list args;

	o->verdict = VERDICT_FAILED;
	if (o->why[0] != '\0')
		return false; /* the first cause counts */
	va_start(args, format);
	vsnprintf(o->why, sizeof o->why, format, args);
	va_end(args);
	return false;
}

struct key *
sim_key_for(const char *algorithm)
{
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));

	for (size_t i = 0; a != NULL && i < SIM_KEYS; i++)
		if (strcmp(key_types[i], a->key_type) == 0)
			return sim_key[i];
	return NULL;
}

/* ---- randomness ---- */

static int
entropy_bytes(unsigned char *out, int len)
{
	for (int i = 0; i < len; i++)
		out[i] = (unsigned char)chance_next(&entropy);
	return 1;
}

static int
entropy_status(void)
{
	return 1;
}

static void
replace_randomness(void)
{
	static const RAND_METHOD method = {
		.bytes = entropy_bytes,
		.pseudorand = entropy_bytes,
		.status = entropy_status,
	};

	if (RAND_set_rand_method(&method) != 1) {
		fprintf(stderr, "sim: OpenSSL keeps its own randomness\n");
		exit(1);
	}
}

static void
make_keys(void)
{
	static const char *const types[SIM_KEYS] = { "ed25519",
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
		"ecdsa-sha2-nistp521", "rsa" };
	struct error e = { 0 };

	for (size_t i = 0; i < SIM_KEYS; i++) {
		if (key_generate(types[i], i == SIM_KEYS - 1 ? 2048 : 0,
			&sim_key[i], &e) != 0) {
			fprintf(stderr, "sim: %s: %s\n", types[i], e.text);
			exit(1);
		}
	}
}

/* ---- one seed ---- */

/* Seeds take turns by weight. */
static const struct scenario *
choose_scenario(uint64_t seed, uint64_t *ret_number)
{
	unsigned total = 0, at, i = 0;

	for (size_t j = 0; j < ARRAY_COUNT(scenarios); j++)
		total += scenarios[j].weight;
	at = (unsigned)(seed % total);
	while (at >= scenarios[i].weight)
		at -= scenarios[i++].weight;
	*ret_number = seed / total * scenarios[i].weight + at;
	return &scenarios[i];
}

static void
run_seed(uint64_t seed, struct outcome *ret)
{
	uint64_t number;
	const struct scenario *s = choose_scenario(seed, &number);

	memset(ret, 0, sizeof *ret);
	ret->verdict = VERDICT_FAILED;
	entropy.state = seed ^ 0x5348454554u;
	s->run(seed, number, ret);
}

NORETURN static void
child(const struct options *o, uint64_t seed, int fd)
{
	for (; seed < o->first + o->count; seed += o->jobs) {
		struct report r;

		memset(&r, 0, sizeof r);
		r.seed = seed;
		alarm(SEED_SECONDS_MAX);
		run_seed(seed, &r.outcome);
		if (write(fd, &r, sizeof r) != (ssize_t)sizeof r)
			_exit(1);
	}
	_exit(0);
}

/* ---- all of them ---- */

static bool
start_job(const struct options *o, struct job *j)
{
	int fds[2];

	if (j->next >= o->first + o->count || pipe(fds) != 0)
		return false;
	fflush(NULL);
	if ((j->pid = fork()) < 0)
		return false;
	if (j->pid == 0) {
		close(fds[0]);
		child(o, j->next, fds[1]);
	}
	close(fds[1]);
	j->fd = fds[0];
	return true;
}

static void
print(const struct options *o, const struct report *r)
{
	const struct outcome *c = &r->outcome;
	uint64_t number;

	if (c->verdict == VERDICT_FAILED)
		printf("seed %llu failed: %s (replay: %s -s %llu -n 1 -v)\n",
		    (unsigned long long)r->seed, c->why,
		    program_invocation_name, (unsigned long long)r->seed);
	if (o->verbose)
		printf("seed %llu %s: %s: %s\n", (unsigned long long)r->seed,
		    c->verdict == VERDICT_PASSED ? "ok" : "not ok",
		    choose_scenario(r->seed, &number)->name, c->what);
}

/* Reads a job's next report; at its end, what became of it. */
static bool
read_job(const struct options *o, struct job *j, unsigned *counts)
{
	struct report r;
	ssize_t n = read(j->fd, &r, sizeof r);
	int status = 0;

	if (n == (ssize_t)sizeof r) {
		counts[r.outcome.verdict]++;
		print(o, &r);
		j->next += o->jobs;
		return true;
	}
	close(j->fd);
	waitpid(j->pid, &status, 0);
	if (j->next >= o->first + o->count)
		return false;
	memset(&r, 0, sizeof r);
	r.seed = j->next;
	sim_fail(&r.outcome, "%s",
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs"
	    : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
				  : "the process ended");
	counts[VERDICT_FAILED]++;
	print(o, &r);
	j->next += o->jobs;
	return start_job(o, j);
}

static int
run_all(const struct options *o)
{
	struct job jobs[JOBS_MAX] = { 0 };
	unsigned counts[3] = { 0 };
	bool busy = true;

	for (unsigned i = 0; i < o->jobs; i++) {
		jobs[i].next = o->first + i;
		if (!start_job(o, &jobs[i]))
			jobs[i].pid = 0;
	}
	/* In turns: the pipes hold what the others write meanwhile. */
	while (busy) {
		busy = false;
		for (unsigned i = 0; i < o->jobs; i++) {
			if (jobs[i].pid == 0)
				continue;
			if (read_job(o, &jobs[i], counts))
				busy = true;
			else
				jobs[i].pid = 0;
		}
	}
	printf("%u passed, %u failed, %u skipped\n", counts[VERDICT_PASSED],
	    counts[VERDICT_FAILED], counts[VERDICT_SKIPPED]);
	return counts[VERDICT_FAILED] == 0 ? 0 : 1;
}

static bool
parse_number(const char *text, uint64_t *ret)
{
	long long v;

	if (!text_to_int(text, 0, INT64_MAX, &v))
		return false;
	*ret = (uint64_t)v;
	return true;
}

int
main(int argc, char **argv)
{
	struct options o = { .first = 1, .count = 2000, .jobs = 2 };
	uint64_t jobs = 2;
	bool good = true;
	int c;

	while ((c = getopt(argc, argv, "s:n:j:v")) != -1) {
		switch (c) {
		case 's':
			good &= parse_number(optarg, &o.first);
			break;
		case 'n':
			good &= parse_number(optarg, &o.count);
			break;
		case 'j':
			good &= parse_number(optarg, &jobs);
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			good = false;
		}
	}
	if (!good || optind != argc || jobs < 1 || jobs > JOBS_MAX) {
		fprintf(stderr,
		    "usage: sim [-s first_seed] [-n count] [-j jobs] [-v]\n");
		return 1;
	}
	o.jobs = (unsigned)jobs;
	if (o.verbose && o.count == 1)
		log_set_level(LOG_LEVEL_DEBUG2);
	entropy.state = 1;
	replace_randomness();
	make_keys();
	return run_all(&o);
}
