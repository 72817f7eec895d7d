/*
 * capture_test.c - running a program: what it prints, how it ends, what
 * bounds it.
 */
#include "common/port/capture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "tests/unit/unit.h"

static char *const no_env[] = { NULL };

static int
shell(const char *script, struct capture *c, struct buf *out, int *ret_status,
    struct error *e)
{
	char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script,
		NULL };

	c->argv = argv;
	c->env = no_env;
	if (c->deadline_us == 0)
		c->deadline_us = UINT64_MAX;
	if (c->output_max == 0)
		c->output_max = 1 << 20;
	return capture_run(c, out, ret_status, e);
}

TEST(output_and_status_come_back)
{
	struct capture c = { 0 };
	struct buf out = BUF_INIT;
	int status;

	write_span(&out, span_text("before "));
	CHECK_INT(
	    shell("echo one; echo two; exit 7", &c, &out, &status, NULL), 0);
	CHECK_TEXT(buf_text(&out), "before one\ntwo\n");
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 7);
	buf_release(&out);
}

TEST(statuses_have_words)
{
	struct error e = { 0 };

	CHECK_INT(capture_check_status(0, &e), 0);
	CHECK_INT(capture_check_status(W_EXITCODE(2, 0), &e), ERR_SYSTEM);
	CHECK_TEXT(e.text, "exited with status 2");
	CHECK_INT(capture_check_status(W_EXITCODE(0, SIGKILL), &e), ERR_SYSTEM);
	CHECK_TEXT(e.text, "was killed by signal 9 (Killed)");
}

static void
note(void *context, struct span line)
{
	struct buf *b = context;

	write_span(b, line);
	write_byte(b, '|');
}

TEST(complaints_come_line_by_line)
{
	struct buf out = BUF_INIT, lines = BUF_INIT;
	struct capture c = { .on_error_line = note, .context = &lines };
	int status;

	CHECK_INT(shell("echo a >&2; echo x; echo b >&2; printf c >&2", &c,
		      &out, &status, NULL),
	    0);
	CHECK_TEXT(buf_text(&out), "x\n");
	CHECK_TEXT(buf_text(&lines), "a|b|c|");
	buf_release(&out);
	buf_release(&lines);
}

TEST(complaints_are_bounded)
{
	struct buf out = BUF_INIT, lines = BUF_INIT;
	struct capture c = { .on_error_line = note, .context = &lines };
	int status;

	CHECK_INT(
	    shell("i=0; while [ $i -lt 300 ]; do echo $i >&2; i=$((i+1)); "
		  "done; head -c 100000 /dev/zero >&2",
		&c, &out, &status, NULL),
	    0);
	CHECK(lines.len < 100 * 5);
	CHECK(memcmp(lines.data, "0|1|2|", 6) == 0);
	buf_release(&lines);
	buf_release(&out);
}

TEST(too_much_output_ends_it)
{
	struct capture c = { .output_max = 1000 };
	struct buf out = BUF_INIT;
	struct error e = { 0 };
	int status;

	write_span(&out, span_text("kept"));
	CHECK_INT(shell("exec yes", &c, &out, &status, &e), ERR_LIMIT);
	CHECK_TEXT(e.text, "/bin/sh printed more than 1000 bytes");
	CHECK_TEXT(buf_text(&out), "kept");
	buf_release(&out);
}

/* Whoever inherits an ended child may take long to reap it. */
static bool
is_alive(long long pid)
{
	char *path = text_format("/proc/%lld/stat", pid);
	struct buf b = BUF_INIT;
	const char *text, *state;
	bool alive = false;

	if (file_read(path, 4096, &b, NULL) == 0 &&
	    (text = buf_text(&b)) != NULL &&
	    (state = strrchr(text, ')')) != NULL)
		alive = strchr("ZX", state[2]) == NULL;
	free(path);
	buf_release(&b);
	return alive;
}

TEST(its_group_ends_with_its_time)
{
	struct capture c = { .own_group = true,
		.deadline_us = time_monotonic_us() + 200000 };
	struct buf out = BUF_INIT, lines = BUF_INIT;
	struct error e = { 0 };
	long long pid;
	char *text;
	int status;

	c.on_error_line = note;
	c.context = &lines;
	CHECK_INT(
	    shell("sleep 1000 & echo $! >&2; wait", &c, &out, &status, &e),
	    ERR_TIMEOUT);
	CHECK(strstr(e.text, "took too long") != NULL);
	text =
	    span_dup_text(span_of(lines.data, strcspn(buf_text(&lines), "|")));
	CHECK(text_to_int(text, 2, 1 << 30, &pid));
	for (int i = 0; i < 1000 && is_alive(pid); i++)
		usleep(10000);
	CHECK(!is_alive(pid));
	free(text);
	buf_release(&lines);
	buf_release(&out);
}

TEST(closed_output_is_not_the_end_of_the_program)
{
	struct capture c = { 0 };
	struct buf out = BUF_INIT;
	int status;

	CHECK_INT(shell("echo x; exec >&-; sleep 0.1; exit 5", &c, &out,
		      &status, NULL),
	    0);
	CHECK_INT(WEXITSTATUS(status), 5);
	buf_release(&out);
}

TEST(descriptors_and_signals_are_those_of_a_new_process)
{
	struct capture c = { 0 };
	struct buf out = BUF_INIT;
	int status, fds[2];

	CHECK_INT(pipe(fds), 0);
	signal(SIGTERM, SIG_IGN);
	CHECK_INT(shell("(kill -TERM $(sh -c 'echo $PPID'); echo alive); "
			"[ -e /proc/self/fd/3 ] && echo open; cat; pwd",
		      &c, &out, &status, NULL),
	    0);
	CHECK_TEXT(buf_text(&out), "/\n");
	buf_release(&out);
}

TEST(a_program_that_is_not_there_says_so)
{
	struct buf out = BUF_INIT, lines = BUF_INIT;
	char *const argv[] = { (char *)"/nonexistent/program", NULL };
	struct capture c = { .argv = argv,
		.deadline_us = UINT64_MAX,
		.output_max = 1,
		.on_error_line = note,
		.context = &lines };
	int status;

	CHECK_INT(capture_run(&c, &out, &status, NULL), 0);
	CHECK_INT(WEXITSTATUS(status), 127);
	CHECK_TEXT(buf_text(&lines), "cannot execute /nonexistent/program: No "
				     "such file or directory|");
	buf_release(&lines);
	buf_release(&out);
}
