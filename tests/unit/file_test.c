/*
 * file_test.c - files, paths, descriptors, lines.
 */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/text.h"
#include "tests/unit/unit.h"

static char *
in_scratch(const char *name)
{
	char *path = path_join(unit_scratch(), name);

	CHECK(path != NULL);
	return path;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	struct error e = { 0 };

	if (file_write_atomic(path, span_text(text), mode, false, &e) != 0)
		FAIL("%s", e.text);
}

static void
check_contents(const char *path, const char *want)
{
	struct buf b = BUF_INIT;

	CHECK_INT(file_read(path, 100000, &b, NULL), 0);
	CHECK_SPAN(buf_span(&b), span_text(want));
	buf_release(&b);
}

static int
entries_of(const char *path)
{
	char *command = text_format("exit $(ls -A '%s' | wc -l)", path);
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	free(command);
	return WEXITSTATUS(status);
}

TEST(file_is_written_whole_with_its_mode)
{
	char *path = in_scratch("f");
	struct stat st;

	umask(077);
	put(path, "one", 0644);
	check_contents(path, "one");
	put(path, "", 0600);
	check_contents(path, "");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(entries_of(unit_scratch()), 1);
	free(path);
}

TEST(file_exclusive_never_overwrites)
{
	char *path = in_scratch("f");
	struct error e;

	CHECK_INT(file_write_atomic(path, span_text("one"), 0600, true, &e), 0);
	CHECK_INT(file_write_atomic(path, span_text("two"), 0600, true, &e),
	    ERR_EXISTS);
	check_contents(path, "one");
	CHECK_INT(entries_of(unit_scratch()), 1);
	free(path);
}

TEST(file_behind_a_symbolic_link_is_replaced)
{
	char *path = in_scratch("f");
	char *name = in_scratch("link");
	struct stat st;

	put(path, "one", 0600);
	CHECK_INT(symlink("f", name), 0);
	put(name, "two", 0600);
	check_contents(path, "two");
	CHECK_INT(lstat(name, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	free(path);
	free(name);
}

TEST(file_errors_name_the_file)
{
	char *path = in_scratch("none");
	char *inside = in_scratch("none/f");
	struct buf b = BUF_INIT;
	struct error e;

	CHECK_INT(file_read(path, 10, &b, &e), ERR_NOT_FOUND);
	CHECK(text_starts_with(e.text, path));
	CHECK_INT(file_read(unit_scratch(), 10, &b, &e), ERR_SYSTEM);
	CHECK_INT(e.system_errno, EISDIR);
	CHECK_INT(file_write_atomic(inside, span_text(""), 0600, false, &e),
	    ERR_NOT_FOUND);
	CHECK(strstr(e.text, inside) != NULL);
	free(path);
	free(inside);
	buf_release(&b);
}

TEST(file_read_keeps_to_its_limit)
{
	char *path = in_scratch("f");
	struct buf b = BUF_INIT;
	struct error e;

	put(path, "0123456789", 0600);
	write_byte(&b, 'x');
	CHECK_INT(file_read(path, 9, &b, &e), ERR_LIMIT);
	CHECK_SPAN(buf_span(&b), span_text("x"));
	CHECK_INT(file_read(path, 10, &b, &e), 0);
	CHECK_SPAN(buf_span(&b), span_text("x0123456789"));
	buf_release(&b);
	/* A file of no known size, longer than one step. */
	CHECK_INT(file_read("/proc/self/maps", 1000000, &b, &e), 0);
	CHECK(b.len > 500);
	buf_release(&b);
	b = (struct buf)BUF_MAX_INIT(5);
	CHECK_INT(file_read(path, 10, &b, &e), ERR_LIMIT);
	buf_release(&b);
	free(path);
}

TEST(fd_reads_exactly_and_knows_the_end)
{
	int p[2];
	char got[4] = "";

	CHECK_INT(pipe(p), 0);
	CHECK_INT(fd_set_nonblocking(p[0], true), 0);
	CHECK(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	CHECK_INT(fd_set_cloexec(p[0], true), 0);
	CHECK_INT(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_INT(fd_set_cloexec(p[0], false), 0);
	CHECK_INT(fcntl(p[0], F_GETFD), 0);
	if (fork() == 0) {
		usleep(10000);
		_exit(fd_write_all(p[1], "abcd", 4));
	}
	CHECK_INT(fd_read_exact(p[0], got, 3), 0);
	CHECK_TEXT(got, "abc");
	close(p[1]);
	CHECK_INT(fd_read_exact(p[0], got, 3), ERR_CLOSED);
	CHECK(wait(NULL) > 0);
	CHECK_INT(pipe(p), 0);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(fd_write_all(p[1], "x", 1), ERR_CLOSED);
	CHECK_INT(fd_write_all(-1, "x", 1), ERR_SYSTEM);
}

static void
check_home(const char *path, const char *home, const char *want)
{
	struct error e = { 0 };
	char *got = NULL;

	if (path_expand_home(path, home, &got, &e) != 0)
		FAIL("%s: %s", path, e.text);
	CHECK_TEXT(got, want);
	free(got);
}

TEST(path_home_is_expanded)
{
	struct passwd *pw = getpwuid(getuid());
	struct passwd *root = getpwnam("root");
	char *got = NULL, want[512];
	struct error e;

	check_home("~/x", "/h", "/h/x");
	check_home("~", "/h", "/h/");
	check_home("~/", "/h/", "/h/");
	check_home("~//x", "/h", "/h/x");
	check_home("/a/~/x", "/h", "/a/~/x");
	check_home("a", "/h", "a");
	if (pw != NULL) {
		snprintf(want, sizeof(want), "%s/", pw->pw_dir);
		check_home("~", NULL, want);
	}
	if (root != NULL) {
		snprintf(want, sizeof(want), "%s/", root->pw_dir);
		check_home("~root", "/h", want);
	}
	CHECK_INT(
	    path_expand_home("~no-such-user/x", "/h", &got, &e), ERR_NOT_FOUND);
	CHECK(strstr(e.text, "no-such-user") != NULL);
	CHECK(got == NULL);
}

TEST(path_parts)
{
	static const struct {
		const char *path;
		const char *directory;
		const char *last;
	} rows[] = { { "a", ".", "a" }, { "a/b", "a", "b" }, { "/a", "/", "a" },
		{ "/", "/", "" }, { "a//b", "a", "b" }, { "/a/b/", "/a/b", "" },
		{ "", ".", "" }, { "//a", "/", "a" } };
	char *t;

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		CHECK_TEXT(t = path_directory(rows[i].path), rows[i].directory);
		free(t);
		CHECK_TEXT(path_last(rows[i].path), rows[i].last);
	}
	CHECK_TEXT(t = path_join("a/", "b"), "a/b");
	free(t);
	CHECK_TEXT(t = path_join("/", "b"), "/b");
	free(t);
}

TEST(path_directories_are_made_with_parents)
{
	char *path = in_scratch("a/b/c");
	char *slash = in_scratch("a/b/c/");
	char *file = in_scratch("a/f");
	char *below = in_scratch("a/f/d");
	struct error e;
	struct stat st;

	CHECK_INT(path_make_directory(path, 0700, &e), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(path_make_directory(path, 0700, &e), 0);
	CHECK_INT(path_make_directory(slash, 0700, &e), 0);
	put(file, "", 0600);
	CHECK_INT(path_make_directory(file, 0700, &e), ERR_NOT_FOUND);
	CHECK_INT(path_make_directory(below, 0700, &e), ERR_NOT_FOUND);
	free(path);
	free(slash);
	free(file);
	free(below);
}

TEST(path_safe_checks_file_and_directories_up_to_home)
{
	char *home = in_scratch("home");
	char *dir = in_scratch("home/.ssh");
	char *file = in_scratch("home/.ssh/authorized_keys");
	struct error e;
	int fd;

	CHECK_INT(path_make_directory(dir, 0700, &e), 0);
	CHECK_INT(chmod(home, 0755), 0);
	put(file, "", 0600);
	CHECK((fd = open(file, O_RDONLY | O_CLOEXEC)) >= 0);
	CHECK_INT(path_check_safe(file, fd, getuid(), home, &e), 0);
	CHECK_INT(path_check_safe(file, -1, getuid(), home, &e), 0);

	CHECK_INT(chmod(file, 0620), 0);
	CHECK_INT(
	    path_check_safe(file, fd, getuid(), home, &e), ERR_PERMISSION);
	CHECK(text_starts_with(e.text, "bad ownership or modes for file "));
	CHECK_INT(chmod(file, 0600), 0);

	CHECK_INT(chmod(dir, 0702), 0);
	CHECK_INT(
	    path_check_safe(file, fd, getuid(), home, &e), ERR_PERMISSION);
	CHECK(
	    text_starts_with(e.text, "bad ownership or modes for directory "));
	CHECK(text_ends_with(e.text, "/.ssh"));
	CHECK_INT(chmod(dir, 0700), 0);

	CHECK_INT(chmod(home, 0775), 0);
	CHECK_INT(
	    path_check_safe(file, fd, getuid(), home, &e), ERR_PERMISSION);
	CHECK(text_ends_with(e.text, "/home"));
	/* Without a home the check goes on to the root, past it. */
	CHECK_INT(chmod(home, 0755), 0);
	CHECK_INT(chmod(unit_scratch(), 0777), 0);
	CHECK_INT(path_check_safe(file, fd, getuid(), home, &e), 0);
	CHECK_INT(
	    path_check_safe(file, fd, getuid(), NULL, &e), ERR_PERMISSION);
	/* Somebody else's file. */
	if (getuid() == 0) {
		CHECK_INT(fchown(fd, 12345, 12345), 0);
		CHECK_INT(
		    path_check_safe(file, fd, 0, home, &e), ERR_PERMISSION);
		CHECK_INT(path_check_safe(file, fd, 12345, home, &e), 0);
	}
	close(fd);
	free(home);
	free(dir);
	free(file);
}

TEST(path_safe_follows_links_to_where_the_file_is)
{
	char *home = in_scratch("home");
	char *open_dir = in_scratch("open");
	char *file = in_scratch("open/f");
	char *name = in_scratch("home/f");
	struct error e;

	CHECK_INT(path_make_directory(home, 0700, &e), 0);
	CHECK_INT(path_make_directory(open_dir, 0700, &e), 0);
	put(file, "", 0600);
	CHECK_INT(symlink(file, name), 0);
	CHECK_INT(chmod(open_dir, 0777), 0);
	CHECK_INT(
	    path_check_safe(name, -1, getuid(), home, &e), ERR_PERMISSION);
	CHECK(text_ends_with(e.text, "/open"));
	CHECK_INT(unlink(file), 0);
	CHECK_INT(path_check_safe(name, -1, getuid(), home, &e), ERR_NOT_FOUND);
	free(home);
	free(open_dir);
	free(file);
	free(name);
}

TEST(lines_lose_their_ends)
{
	struct span rest = span_text("a\nb\r\n\n\rc\nlast\r");
	struct span line;

	CHECK(line_next(&rest, &line));
	CHECK(span_is(line, "a"));
	CHECK(line_next(&rest, &line));
	CHECK(span_is(line, "b"));
	CHECK(line_next(&rest, &line));
	CHECK(span_is(line, ""));
	CHECK(line_next(&rest, &line));
	CHECK(span_is(line, "\rc"));
	CHECK(line_next(&rest, &line));
	CHECK(span_is(line, "last\r"));
	CHECK(!line_next(&rest, &line));
}
