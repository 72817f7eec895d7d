/*
 * sftp_confine_test.c - places beneath trees: every way out that is known
 * is refused.
 */
#include "sftp/server_place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/unit/unit.h"

/*
 * scratch/
 *   in/        rw:   file, sub/, up -> .., etc -> /etc, out -> ../secret,
 *                    sub/deep -> ../../secret, good -> sub/file
 *   read/      ro:   file
 *   secret           outside
 *   inside           outside, and "in" is the front of its name
 */
struct rig {
	struct sftp_place place;
	char *in, *read, *secret;
};

static char *
under(const char *name)
{
	char *root = realpath(unit_scratch(), NULL);
	char *path = path_join(root, name);

	free(root);
	return path;
}

static void
put_file(const char *name)
{
	char *path = under(name);
	struct error e = { 0 };

	if (file_write_atomic(path, span_text(name), 0644, false, &e) != 0)
		FAIL("%s", e.text);
	free(path);
}

static void
put_link(const char *target, const char *name)
{
	char *path = under(name);

	CHECK_INT(symlink(target, path), 0);
	free(path);
}

static void
put_directory(const char *name)
{
	char *path = under(name);

	CHECK_INT(mkdir(path, 0755), 0);
	free(path);
}

static void
make_files(void)
{
	put_directory("in");
	put_directory("in/sub");
	put_directory("read");
	put_directory("inside");
	put_file("in/file");
	put_file("in/sub/file");
	put_file("read/file");
	put_file("secret");
	put_file("inside/file");
	put_link("..", "in/up");
	put_link("/etc", "in/etc");
	put_link("../secret", "in/out");
	put_link("../../secret", "in/sub/deep");
	put_link("sub/file", "in/good");
}

static void
rig_start(struct rig *g)
{
	struct strings trees = STRINGS_INIT;
	struct error e = { 0 };

	make_files();
	g->in = under("in");
	g->read = under("read");
	g->secret = under("secret");
	CHECK_INT(strings_take(&trees, text_format("rw:%s", g->in)), 0);
	CHECK_INT(strings_take(&trees, text_format("ro:%s", g->read)), 0);
	if (sftp_place_init(&g->place, "/", &trees, &e) == ERR_UNSUPPORTED)
		SKIP("%s", e.text);
	if (e.code != 0)
		FAIL("%s", e.text);
	strings_release(&trees);
}

static void
rig_stop(struct rig *g)
{
	sftp_place_release(&g->place);
	free(g->in);
	free(g->read);
	free(g->secret);
}

static int
try_open(struct rig *g, const char *path, int flags)
{
	int fd = sftp_place_open(&g->place, path, flags, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
try_find(struct rig *g, const char *path, bool follow, bool change)
{
	struct sftp_spot s;

	if (sftp_place_find(&g->place, path, follow, change, &s) != 0)
		return errno;
	sftp_spot_release(&s);
	return 0;
}

static int
try_name(struct rig *g, const char *path, bool change)
{
	struct sftp_spot s;

	if (sftp_place_name(&g->place, path, change, &s) != 0)
		return errno;
	sftp_spot_release(&s);
	return 0;
}

TEST(what_is_inside_is_reached)
{
	struct rig g;

	rig_start(&g);
	CHECK_TEXT(g.place.start, g.in); /* "/" is outside */
	CHECK_INT(try_open(&g, "file", O_RDONLY), 0);
	CHECK_INT(try_open(&g, "./sub/../file", O_RDWR), 0);
	CHECK_INT(try_open(&g, "new", O_WRONLY | O_CREAT), 0);
	CHECK_INT(try_open(&g, "good", O_RDONLY), 0);
	CHECK_INT(try_open(&g, g.in, O_RDONLY | O_DIRECTORY), 0);
	CHECK_INT(try_open(&g, ".", O_PATH), 0);
	CHECK_INT(try_find(&g, "out", false, false), 0); /* the link itself */
	CHECK_INT(try_find(&g, ".", true, true), 0);
	CHECK_INT(try_name(&g, "sub/other/", true), 0);
	rig_stop(&g);
}

TEST(what_is_outside_is_not)
{
	static const char *const out[] = { "..", "../", "../secret",
		"sub/../../secret", "up/secret", "up", "out", "etc",
		"etc/passwd", "sub/deep", "/", "/etc/passwd", "/proc/self/root",
		"/proc/self/cwd/secret", "//etc", "../inside/file" };
	struct rig g;
	char *inside;

	rig_start(&g);
	for (size_t i = 0; i < ARRAY_COUNT(out); i++) {
		if (try_open(&g, out[i], O_RDONLY) != EACCES ||
		    try_open(&g, out[i], O_WRONLY | O_CREAT) != EACCES ||
		    try_find(&g, out[i], true, false) != EACCES)
			FAIL("%s is reached: %s", out[i], strerror(errno));
	}
	/* The tree's name is the front of another name, and no more. */
	inside = under("inside/file");
	CHECK_INT(try_open(&g, inside, O_RDONLY), EACCES);
	CHECK_INT(try_open(&g, g.secret, O_RDONLY), EACCES);
	free(inside);
	rig_stop(&g);
}

TEST(names_are_made_inside_only)
{
	static const char *const out[] = { "../new", "up/new", "etc/new",
		"sub/../../new", "..", ".", "", "sub/..", "/new", "/tmp/new" };
	struct rig g;

	rig_start(&g);
	for (size_t i = 0; i < ARRAY_COUNT(out); i++)
		if (try_name(&g, out[i], true) == 0)
			FAIL("\"%s\" can be made", out[i]);
	/* Nor is a tree itself moved or removed. */
	CHECK_INT(try_name(&g, g.in, true), EACCES);
	rig_stop(&g);
}

TEST(a_tree_for_reading_is_not_changed)
{
	struct rig g;
	char *file;

	rig_start(&g);
	file = path_join(g.read, "file");
	CHECK_INT(try_open(&g, file, O_RDONLY), 0);
	CHECK_INT(try_open(&g, file, O_WRONLY), EROFS);
	CHECK_INT(try_open(&g, file, O_RDONLY | O_TRUNC), EROFS);
	CHECK_INT(try_open(&g, file, O_RDONLY | O_CREAT), EROFS);
	CHECK_INT(try_find(&g, file, true, false), 0);
	CHECK_INT(try_find(&g, file, true, true), EROFS);
	CHECK_INT(try_find(&g, g.read, true, true), EROFS);
	CHECK_INT(try_name(&g, file, true), EROFS);
	free(file);
	rig_stop(&g);
}

TEST(modes_are_set_without_opening)
{
	struct sftp_spot s;
	struct stat st;
	struct rig g;
	char *file;

	rig_start(&g);
	file = path_join(g.in, "file");
	CHECK_INT(chmod(file, 0), 0);
	CHECK_INT(sftp_place_find(&g.place, "file", true, true, &s), 0);
	CHECK_INT(sftp_spot_chmod(&s, 0640), 0);
	sftp_spot_release(&s);
	CHECK_INT(stat(file, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0640);
	free(file);
	rig_stop(&g);
}

TEST(canonical_paths_stay_inside)
{
	struct rig g;
	char *path, *want;

	rig_start(&g);
	path = sftp_place_canonical(&g.place, "sub/.././/sub/file");
	want = path_join(g.in, "sub/file");
	CHECK_TEXT(path, want);
	free(path);
	free(want);
	path = sftp_place_canonical(&g.place, ".");
	CHECK_TEXT(path, g.in);
	free(path);
	CHECK(sftp_place_canonical(&g.place, "..") == NULL);
	CHECK_INT(errno, EACCES);
	CHECK(sftp_place_canonical(&g.place, "sub/../../secret") == NULL);
	CHECK(sftp_place_canonical(&g.place, "/etc/passwd") == NULL);
	rig_stop(&g);
}

/* Exchanges a directory and a link to the outside, as fast as it can. */
static pid_t
start_racer(const struct rig *g)
{
	char *a = path_join(g->in, "sub");
	char *b = path_join(g->in, "up");
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			if (renameat2(
				AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0)
				_exit(1);
	}
	free(a);
	free(b);
	return pid;
}

/* sub is now the directory, now a link to what is around the tree, which has
 * "secret" (and the tree has not). */
TEST(a_race_with_a_link_is_never_won)
{
	struct rig g;
	pid_t racer;
	int inside = 0, refused = 0;

	rig_start(&g);
	racer = start_racer(&g);
	CHECK(racer > 0);
	for (int i = 0; i < 20000; i++) {
		if (try_open(&g, "sub/secret", O_RDONLY) == 0 ||
		    try_name(&g, "sub/../../x", true) == 0) {
			kill(racer, SIGKILL);
			FAIL("the outside was reached");
		}
		if (try_open(&g, "sub/file", O_RDONLY) == 0)
			inside++;
		else
			refused++;
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	CHECK(inside > 0 && inside + refused == 20000);
	rig_stop(&g);
}

TEST(bad_trees_are_refused)
{
	static const char *const bad[] = { "/tmp", "rw:tmp", "wr:/tmp",
		"rw:", "ro:/nonexistent/directory", "rw:/etc/passwd", "" };

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct strings trees = STRINGS_INIT;
		struct sftp_place p;
		struct error e = { 0 };

		CHECK_INT(strings_add(&trees, bad[i]), 0);
		if (sftp_place_init(&p, "/", &trees, &e) == 0)
			FAIL("\"%s\" is a tree", bad[i]);
		CHECK(e.text[0] != '\0');
		strings_release(&trees);
	}
}

/* Whoever may write above a tree could put a link there after the path was
 * checked: a path that is no canonical one is never followed. */
TEST(a_tree_that_is_reached_by_a_link_is_refused)
{
	static const char *const ways[] = { "way", "way/sub", "in/../read",
		"in//sub", "in/sub/" };

	make_files();
	put_link("in", "way");
	for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
		char *path = under(ways[i]);
		struct strings trees = STRINGS_INIT;
		struct sftp_place p;
		struct error e = { 0 };

		CHECK_INT(strings_take(&trees, text_format("rw:%s", path)), 0);
		if (sftp_place_init(&p, "/", &trees, &e) == 0)
			FAIL("%s is a tree", ways[i]);
		CHECK(e.text[0] != '\0');
		strings_release(&trees);
		free(path);
	}
}

/* "in/./sub/file" would be the outer tree's, and "sub" could be replaced. */
TEST(a_tree_within_one_for_writing_is_refused)
{
	static const struct {
		const char *first, *second;
		int code;
	} pairs[] = {
		{ "rw:in", "ro:in/sub", ERR_CONFIG },
		{ "ro:in/sub", "rw:in", ERR_CONFIG },
		{ "rw:in", "rw:in/sub", ERR_CONFIG },
		{ "rw:in", "ro:in", ERR_CONFIG },
		{ "ro:in", "rw:in", ERR_CONFIG },
		{ "rw:in", "rw:in", 0 },
		{ "ro:in", "rw:in/sub", 0 },
		{ "ro:in", "ro:in/sub", 0 },
		{ "rw:in", "rw:inside", 0 },
	};

	make_files();
	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
		char *first = under(pairs[i].first + 3);
		char *second = under(pairs[i].second + 3);
		struct strings trees = STRINGS_INIT;
		struct sftp_place p;
		struct error e = { 0 };
		int r;

		CHECK_INT(strings_take(&trees,
			      text_format("%.3s%s", pairs[i].first, first)),
		    0);
		CHECK_INT(strings_take(&trees,
			      text_format("%.3s%s", pairs[i].second, second)),
		    0);
		r = sftp_place_init(&p, "/", &trees, &e);
		if (r == ERR_UNSUPPORTED)
			SKIP("%s", e.text);
		if (r != pairs[i].code)
			FAIL("%s %s: %s", pairs[i].first, pairs[i].second,
			    error_text(r));
		if (r == 0)
			sftp_place_release(&p);
		strings_release(&trees);
		free(first);
		free(second);
	}
}

/* In a child: what the kernel then refuses without any help of ours. */
static int
escape_by_hand(struct rig *g)
{
	struct error e = { 0 };
	char *file = path_join(g->in, "file"), *moved = under("moved");
	char *read_only = path_join(g->read, "file");

	if (sftp_place_confine_process(&g->place, &e) != 0)
		return e.code == ERR_UNSUPPORTED ? 77 : 1;
	if (open(g->secret, O_RDONLY) >= 0 ||
	    open("/etc/passwd", O_RDONLY) >= 0)
		return 2;
	if (open(file, O_RDWR) < 0 || open(read_only, O_RDONLY) < 0)
		return 3;
	if (open(read_only, O_WRONLY) >= 0)
		return 4;
	if (rename(file, moved) == 0 || link(file, moved) == 0)
		return 5;
	if (mkdir(moved, 0755) == 0 || unlink(g->secret) == 0)
		return 6;
	if (execl("/bin/true", "true", (char *)NULL) == 0)
		return 7;
	return errno == EACCES ? 0 : 8;
}

TEST(the_process_is_held_by_the_kernel)
{
	struct rig g;
	int status;
	pid_t pid;

	rig_start(&g);
	if ((pid = fork()) == 0)
		_exit(escape_by_hand(&g));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	rig_stop(&g);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		SKIP("this kernel has no Landlock");
	CHECK_INT(WEXITSTATUS(status), 0);
}
