/*
 * unit.c - the runner of unit tests.
 *
 * Each test runs in a forked process with its output in a file; what it has
 * to say comes back through shared memory, which a test cannot close by
 * accident. A test that crashes, hangs or leaks fails alone.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/time.h"

#define TEST_SECONDS_MAX 180
#define VECTOR_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define JOBS_MAX         64

enum outcome {
	OUTCOME_NONE, /* not run, or ended without a word */
	OUTCOME_PASSED,
	OUTCOME_FAILED,
	OUTCOME_SKIPPED
};

/* Shared between the runner and the process of a test. */
struct result {
	enum outcome outcome;
	char note[1024];
};

struct job {
	pid_t pid; /* 0: free */
	size_t index;
	uint64_t started_us;
};

static struct unit_test *first_test;
static struct unit_test **last_test = &first_test;

static struct {
	struct unit_test **tests;
	size_t count;
	struct result *results;
	char directory[PATH_MAX];
	size_t jobs;
	bool verbose;
} run = { .jobs = 1 };

/* Of the process of a test. */
static struct result *my_result;
static char my_scratch[PATH_MAX + 32];

/* Memory that lives until the test ends; linked, so that it is no leak. */
struct kept {
	struct kept *next;
	struct buf bytes;
};
static struct kept *kept_list;

void
unit_register(struct unit_test *t)
{
	*last_test = t;
	last_test = &t->next;
}

/* ---- what a test calls ---- */

PRINTF_LIKE(2, 0)
NORETURN static void
end_test(enum outcome outcome, const char *format, va_list args)
{
	if (my_result != NULL && my_result->outcome == OUTCOME_NONE) {
		vsnprintf(
		    my_result->note, sizeof(my_result->note), format, args);
		my_result->outcome = outcome;
		fprintf(stderr, "%s\n", my_result->note);
	}
	fflush(NULL);
	_exit(outcome == OUTCOME_SKIPPED ? 0 : 1);
}

void
unit_fail(const char *file, int line, const char *format, ...)
{
	char where[1200];
	va_list args;
	int n;

	/* The place in front of the format; no `%` is in a file's name. */
	n = snprintf(where, sizeof(where), "%s:%d: %s", file, line, format);
	if (n < 0 || (size_t)n >= sizeof(where))
		text_copy(where, sizeof(where), format);
	va_start(args, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	end_test(OUTCOME_FAILED, where, args);
#pragma GCC diagnostic pop
}

void
unit_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_test(OUTCOME_SKIPPED, format, args);
}

void
unit_check_int(const char *file, int line, const char *expression,
    long long got, long long want)
{
	if (got != want)
		unit_fail(
		    file, line, "%s is %lld, want %lld", expression, got, want);
}

void
unit_check_text(const char *file, int line, const char *expression,
    const char *got, const char *want)
{
	if (got == NULL && want == NULL)
		return;
	if (got == NULL || want == NULL || strcmp(got, want) != 0)
		unit_fail(file, line, "%s is \"%s\", want \"%s\"", expression,
		    got != NULL ? got : "(null)",
		    want != NULL ? want : "(null)");
}

/* Up to 24 bytes from `at` on, in hexadecimal. */
static const char *
excerpt(struct span s, size_t at, char out[64])
{
	struct buf hex = BUF_INIT;
	size_t n = s.len - at < 24 ? s.len - at : 24;

	if (s.len > 0)
		hex_write(&hex, span_of(s.ptr + at, n));
	text_copy(out, 64, buf_text(&hex) != NULL ? buf_text(&hex) : "");
	buf_release(&hex);
	return out;
}

void
unit_check_bytes(const char *file, int line, const char *expression,
    struct span got, struct span want)
{
	char got_text[64];
	char want_text[64];
	size_t at = 0;

	if (span_equal(got, want))
		return;
	while (at < got.len && at < want.len && got.ptr[at] == want.ptr[at])
		at++;
	unit_fail(file, line,
	    "%s has %zu bytes, want %zu; from byte %zu on it is %s, want %s",
	    expression, got.len, want.len, at, excerpt(got, at, got_text),
	    excerpt(want, at, want_text));
}

static struct buf *
keep(void)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL)
		FAIL("out of memory");
	k->next = kept_list;
	kept_list = k;
	return &k->bytes;
}

struct span
unit_hex(const char *text)
{
	struct buf *bytes = keep();
	struct buf digits = BUF_INIT;

	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			write_byte(&digits, (uint8_t)*text);
	if (buf_text(&digits) == NULL ||
	    hex_read(bytes, (const char *)digits.data) != 0)
		FAIL("not hexadecimal: %s", buf_text(&digits));
	buf_release(&digits);
	return buf_span(bytes);
}

/* Reads directory/tests/vectors/name, if it is there. */
static bool
read_vector(const char *directory, const char *name, struct buf *out)
{
	char *path = text_format("%s/tests/vectors/%s", directory, name);
	int r;

	if (path == NULL)
		FAIL("out of memory");
	r = file_read(path, VECTOR_BYTES_MAX, out, NULL);
	free(path);
	return r == 0;
}

struct span
unit_vector_file(const char *name)
{
	struct buf *bytes = keep();
	char directory[PATH_MAX];
	char *slash;
	ssize_t n;

	if (read_vector(".", name, bytes))
		return buf_span(bytes);
	n = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	directory[n > 0 ? n : 0] = '\0';
	while ((slash = strrchr(directory, '/')) != NULL) {
		*slash = '\0';
		if (read_vector(directory, name, bytes))
			return buf_span(bytes);
	}
	FAIL("no file tests/vectors/%s", name);
}

const char *
unit_scratch(void)
{
	if (mkdir(my_scratch, 0700) != 0 && errno != EEXIST)
		FAIL("cannot create %s: %s", my_scratch, strerror(errno));
	return my_scratch;
}

/* ---- the process of a test ---- */

static void
set_output(size_t index)
{
	char path[PATH_MAX + 32];
	int null = open("/dev/null", O_RDONLY);
	int fd;

	snprintf(path, sizeof(path), "%s/%zu.out", run.directory, index);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (null < 0 || fd < 0)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(null);
	close(fd);
}

NORETURN static void
run_child(size_t index)
{
	struct rlimit no_core = { 0, 0 };

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	set_output(index);
	my_result = &run.results[index];
	snprintf(
	    my_scratch, sizeof(my_scratch), "%s/%zu", run.directory, index);
	alarm(TEST_SECONDS_MAX);
	run.tests[index]->run();
	if (my_result->outcome == OUTCOME_NONE)
		my_result->outcome = OUTCOME_PASSED;
	/* Not _exit(): the leak checker reports on the way out. */
	exit(0);
}

/* ---- the runner ---- */

static int
remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
start(struct job *job, size_t index)
{
	fflush(NULL);
	job->index = index;
	job->started_us = time_monotonic_us();
	job->pid = fork();
	if (job->pid == 0)
		run_child(index);
	if (job->pid < 0) {
		perror("fork");
		exit(2);
	}
}

/* Turns the way in which the process ended into the test's outcome. */
static void
judge(struct result *result, int status)
{
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (result->outcome == OUTCOME_FAILED)
		return;
	if (clean && result->outcome != OUTCOME_NONE)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(result->note, sizeof(result->note),
		    "ran longer than %d seconds", TEST_SECONDS_MAX);
	else if (WIFSIGNALED(status))
		snprintf(result->note, sizeof(result->note),
		    "killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(result->note, sizeof(result->note),
		    "ended with status %d%s", WEXITSTATUS(status),
		    result->outcome == OUTCOME_PASSED ? " after it had passed"
						      : "");
	result->outcome = OUTCOME_FAILED;
}

static void
show_output(size_t index)
{
	char path[PATH_MAX + 32];
	struct buf out = BUF_INIT;

	snprintf(path, sizeof(path), "%s/%zu.out", run.directory, index);
	if (file_read(path, VECTOR_BYTES_MAX, &out, NULL) == 0 && out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

static void
finish(struct job *job, int status)
{
	static const char *const words[] = { "?", "ok", "FAIL", "skip" };
	struct result *result = &run.results[job->index];
	char path[PATH_MAX + 32];
	uint64_t took_us = time_monotonic_us() - job->started_us;

	/* What the test started and forgot. */
	kill(-job->pid, SIGKILL);
	job->pid = 0;
	judge(result, status);
	if (run.verbose || result->outcome == OUTCOME_FAILED) {
		printf("%-4s %s (%llu ms)\n", words[result->outcome],
		    run.tests[job->index]->name,
		    (unsigned long long)(took_us / 1000));
		show_output(job->index);
	}
	snprintf(path, sizeof(path), "%s/%zu", run.directory, job->index);
	remove_tree(path);
}

static struct job *
job_of(struct job *jobs, pid_t pid)
{
	for (size_t i = 0; i < run.jobs; i++)
		if (jobs[i].pid == pid)
			return &jobs[i];
	return NULL;
}

static void
run_all(void)
{
	struct job jobs[JOBS_MAX] = { { 0, 0, 0 } };
	struct job *job;
	size_t next = 0;
	size_t running = 0;
	int status;
	pid_t pid;

	while (next < run.count || running > 0) {
		if (next < run.count && running < run.jobs) {
			start(job_of(jobs, 0), next++);
			running++;
			continue;
		}
		if ((pid = waitpid(-1, &status, 0)) < 0)
			break;
		if ((job = job_of(jobs, pid)) != NULL) {
			finish(job, status);
			running--;
		}
	}
}

static void
print_notes(enum outcome outcome, const char *word)
{
	for (size_t i = 0; i < run.count; i++)
		if (run.results[i].outcome == outcome)
			printf("%s: %s: %s\n", word, run.tests[i]->name,
			    run.results[i].note);
}

static size_t
count_of(enum outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < run.count; i++)
		n += run.results[i].outcome == outcome;
	return n;
}

/* ---- command line ---- */

static bool
is_wanted(const struct unit_test *t, char **patterns, int count)
{
	for (int i = 0; i < count; i++)
		if (pattern_match(patterns[i], t->name))
			return true;
	return count == 0;
}

static void
select_tests(char **patterns, int count)
{
	size_t all = 0;

	for (struct unit_test *t = first_test; t != NULL; t = t->next)
		all++;
	run.tests = calloc(all + 1, sizeof(struct unit_test *));
	if (run.tests == NULL)
		exit(2);
	for (struct unit_test *t = first_test; t != NULL; t = t->next)
		if (is_wanted(t, patterns, count))
			run.tests[run.count++] = t;
}

static void
prepare(void)
{
	const char *where = getenv("TMPDIR");

	run.results = mmap(NULL, (run.count + 1) * sizeof(struct result),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(run.directory, sizeof(run.directory), "%s/unit.XXXXXX",
	    where != NULL ? where : "/tmp");
	if (run.results == MAP_FAILED || mkdtemp(run.directory) == NULL) {
		perror(run.directory);
		exit(2);
	}
}

static void
on_interrupt(int signal_number)
{
	remove_tree(run.directory);
	_exit(128 + signal_number);
}

static void
parse_options(int argc, char **argv, bool *ret_list)
{
	long long jobs;
	int c;

	while ((c = getopt(argc, argv, "lvj:")) != -1) {
		if (c == 'l') {
			*ret_list = true;
		} else if (c == 'v') {
			run.verbose = true;
		} else if (c == 'j' &&
			   text_to_int(optarg, 1, JOBS_MAX, &jobs)) {
			run.jobs = (size_t)jobs;
		} else {
			fprintf(stderr,
			    "usage: %s [-l] [-v] [-j jobs] [pattern...]\n",
			    argv[0]);
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	bool list = false;
	size_t failed;

	parse_options(argc, argv, &list);
	select_tests(argv + optind, argc - optind);
	if (list) {
		for (size_t i = 0; i < run.count; i++)
			puts(run.tests[i]->name);
		return 0;
	}
	prepare();
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	run_all();
	remove_tree(run.directory);
	print_notes(OUTCOME_SKIPPED, "skipped");
	print_notes(OUTCOME_FAILED, "failed");
	failed = count_of(OUTCOME_FAILED);
	printf("%zu passed, %zu failed, %zu skipped\n",
	    count_of(OUTCOME_PASSED), failed, count_of(OUTCOME_SKIPPED));
	return failed > 0 || run.count == 0 ? 1 : 0;
}
