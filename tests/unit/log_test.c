/*
 * log_test.c - levels, escaping, sinks.
 */
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "tests/unit/unit.h"

struct lines {
	int count;
	enum log_level level;
	char last[40000];
};

static void
keep_line(enum log_level level, const char *line, void *context)
{
	struct lines *l = context;

	l->count++;
	l->level = level;
	text_copy(l->last, sizeof(l->last), line);
}

TEST(log_drops_what_is_above_its_level)
{
	static struct lines l;

	log_set_sink(keep_line, &l);
	log_debug1("no");
	log_verbose("no");
	CHECK_INT(l.count, 0);
	log_info("yes");
	log_error("yes");
	log_fatal("yes");
	CHECK_INT(l.count, 3);
	CHECK_INT(l.level, LOG_LEVEL_FATAL);
	log_set_level(LOG_LEVEL_DEBUG2);
	CHECK(log_wants(LOG_LEVEL_DEBUG2) && !log_wants(LOG_LEVEL_DEBUG3));
	log_debug2("yes");
	log_debug3("no");
	CHECK_INT(l.count, 4);
	log_set_level(LOG_LEVEL_QUIET);
	log_fatal("no");
	log_at(LOG_LEVEL_QUIET, "no");
	CHECK_INT(l.count, 4);
	CHECK_INT(log_get_level(), LOG_LEVEL_QUIET);
}

TEST(log_lines_cannot_be_forged)
{
	static struct lines l;

	log_set_sink(keep_line, &l);
	errno = 42;
	log_info("user %s", "x\nAccepted \x1b[2J\xc2\x9b");
	CHECK_TEXT(l.last, "user x\\nAccepted \\033[2J\\302\\233");
	CHECK_INT(errno, 42);
}

TEST(log_long_lines_are_whole_up_to_a_limit)
{
	static struct lines l;
	static char text[20000];

	log_set_sink(keep_line, &l);
	memset(text, 'x', 5000);
	log_info("%s", text);
	CHECK_INT(strlen(l.last), 5000);
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
	CHECK_INT(strlen(l.last), 16384 + 3);
	CHECK(text_ends_with(l.last, "x..."));
}

TEST(log_file_has_prefixes_and_crlf)
{
	struct buf out = BUF_INIT;
	char *path = path_join(unit_scratch(), "log");
	char *text = calloc(1, 4001);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	CHECK(fd >= 0 && text != NULL);
	log_set_level(LOG_LEVEL_DEBUG3);
	log_to_file(fd);
	log_error("one");
	log_debug1("two");
	log_debug3("three");
	memset(text, 'y', 4000);
	log_debug2("%s", text);
	CHECK_INT(file_read(path, 10000, &out, NULL), 0);
	CHECK(text_starts_with(buf_text(&out),
	    "one\r\ndebug1: two\r\ndebug3: three\r\ndebug2: yyy"));
	CHECK(text_ends_with(buf_text(&out), "yyy\r\n"));
	close(fd);
	free(path);
	free(text);
	buf_release(&out);
}

TEST(log_level_names)
{
	enum log_level level = LOG_LEVEL_QUIET;

	CHECK(log_level_parse("debug", &level));
	CHECK_INT(level, LOG_LEVEL_DEBUG1);
	CHECK(log_level_parse("Verbose", &level));
	CHECK_INT(level, LOG_LEVEL_VERBOSE);
	CHECK(!log_level_parse("DEBUG4", &level));
	CHECK(!log_level_parse("", &level));
	for (int i = LOG_LEVEL_QUIET; i <= LOG_LEVEL_DEBUG3; i++) {
		CHECK(
		    log_level_parse(log_level_name((enum log_level)i), &level));
		CHECK_INT(level, i);
	}
}

TEST(log_bug_aborts)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		bug("broken %d", 1);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGABRT);
}
