/*
 * known_hosts_file_test.c - walking through the lines of a file, and
 * rewriting some of them.
 */
#include "common/hosts/known_hosts_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/unit/unit.h"

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", unit_scratch(), name);
	return path;
}

static void
write_file(const char *path, const char *text)
{
	CHECK_INT(
	    file_write_atomic(path, span_text(text), 0640, false, NULL), 0);
}

static void
check_file(const char *path, const char *want)
{
	struct buf b = BUF_INIT;

	CHECK_INT(file_read(path, 1 << 20, &b, NULL), 0);
	CHECK_SPAN(buf_span(&b), span_text(want));
	buf_release(&b);
}

/* One character a line: its kind, or of an entry its marker. */
static int
note_line(void *context, const struct known_hosts_line *l)
{
	static const char markers[] = "pcr", kinds[] = "?#!";
	struct buf *out = context;

	write_byte(
	    out, (uint8_t)(l->kind == KNOWN_HOSTS_ENTRY ? markers[l->marker]
							: kinds[l->kind]));
	return 0;
}

TEST(every_line_has_its_kind)
{
	const char *path = path_of("kinds");
	struct buf out = BUF_INIT;

	write_file(path, "# comment\n\nhost ssh-x AAAA\n"
			 "@cert-authority *.a ssh-x AAAA c\n"
			 "\t@revoked |1|x ssh-x AAAA\r\n@other h t AAAA\n"
			 "alone\n   \nlast t A");
	CHECK_INT(known_hosts_walk(path, note_line, &out, NULL), 0);
	CHECK_TEXT(buf_text(&out), "##pcr!!#p");
	buf_release(&out);
}

TEST(a_missing_file_has_no_lines)
{
	struct buf out = BUF_INIT;

	CHECK_INT(known_hosts_walk(path_of("none"), note_line, &out, NULL), 0);
	CHECK_INT(out.len, 0);
}

static int
stop_at_second(void *context, const struct known_hosts_line *l)
{
	(void)context;
	return l->number == 2 ? 77 : 0;
}

TEST(a_visitor_ends_the_walk_with_its_value)
{
	const char *path = path_of("stop");

	write_file(path, "a b c\nd e f\ng h i\n");
	CHECK_INT(known_hosts_walk(path, stop_at_second, NULL, NULL), 77);
}

TEST(lines_across_pieces_are_whole)
{
	const char *path = path_of("long");
	struct buf text = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 3; i++) {
		buf_printf(&text, "host%d t ", i);
		for (int n = 0; n < 200000; n++)
			write_byte(&text, 'A');
		write_byte(&text, '\n');
	}
	CHECK_INT(
	    file_write_atomic(path, buf_span(&text), 0600, false, NULL), 0);
	CHECK_INT(known_hosts_walk(path, note_line, &out, NULL), 0);
	CHECK_TEXT(buf_text(&out), "ppp");
	buf_release(&text);
	buf_release(&out);
}

TEST(a_line_without_end_is_refused)
{
	const char *path = path_of("endless");
	size_t len = KNOWN_HOSTS_LINE_MAX * 2;
	char *text = malloc(len + 1);
	struct buf out = BUF_INIT;
	struct error e = { 0 };

	CHECK(text != NULL);
	memset(text, 'x', len);
	text[len] = '\0';
	write_file(path, text);
	CHECK_INT(known_hosts_walk(path, note_line, &out, &e), ERR_LIMIT);
	CHECK(strstr(e.text, "line too long") != NULL);
	free(text);
}

/* ---- rewriting ---- */

/* Drops entries named "drop", doubles those named "double". */
static int
edit(void *context, const struct known_hosts_line *l, struct buf *out)
{
	(void)context;
	if (l->kind == KNOWN_HOSTS_INVALID)
		return ERR_FORMAT;
	if (known_hosts_line_matches(l, span_text("drop")))
		return KNOWN_HOSTS_REPLACE;
	if (known_hosts_line_matches(l, span_text("double"))) {
		write_span(out, l->raw);
		write_span(out, l->raw);
		return KNOWN_HOSTS_REPLACE;
	}
	return KNOWN_HOSTS_KEEP;
}

static int
add_two(void *context, struct buf *out)
{
	(void)context;
	buf_printf(out, "new t A\nnewer t A\n");
	return 0;
}

TEST(other_lines_stay_byte_for_byte)
{
	const struct known_hosts_rewrite w = { .edit = edit };
	const char *path = path_of("keep");
	struct stat st;
	bool changed;

	write_file(
	    path, " # c\t\r\n\n  a,b\tt  A c \ndrop t A\ndouble t A\nz t A");
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	CHECK(changed);
	check_file(
	    path, " # c\t\r\n\n  a,b\tt  A c \ndouble t A\ndouble t A\nz t A");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
}

TEST(the_former_file_stays_where_wanted)
{
	const struct known_hosts_rewrite w = { .edit = edit, .keep_old = true };
	const char *path = path_of("old");
	bool changed;

	write_file(path, "drop t A\nz t A\n");
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	check_file(path, "z t A\n");
	check_file(path_of("old.old"), "drop t A\nz t A\n");
	path = path_of("old");
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	CHECK(!changed);
	check_file(path_of("old.old"), "drop t A\nz t A\n");
}

TEST(an_editor_that_fails_changes_nothing)
{
	const struct known_hosts_rewrite w = { .edit = edit, .keep_old = true };
	const char *path = path_of("fail");
	struct error e = { 0 };
	bool changed;

	write_file(path, "drop t A\nnothing\n");
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, &e), ERR_FORMAT);
	CHECK(!changed);
	CHECK(e.text[0] != '\0');
	check_file(path, "drop t A\nnothing\n");
	CHECK(access(path_of("fail.old"), F_OK) != 0);
}

TEST(lines_are_added_after_a_last_line_without_newline)
{
	const struct known_hosts_rewrite w = { .edit = edit,
		.append = add_two };
	const char *path = path_of("append");
	bool changed;

	write_file(path, "a t A");
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	check_file(path, "a t A\nnew t A\nnewer t A\n");
}

TEST(a_missing_file_is_made_only_to_add_lines)
{
	struct known_hosts_rewrite w = { .edit = edit };
	const char *path = path_of("made");
	struct stat st;
	bool changed;

	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), ERR_NOT_FOUND);
	w.append = add_two;
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	check_file(path, "new t A\nnewer t A\n");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
}

TEST(a_link_to_the_file_stays_a_link)
{
	const struct known_hosts_rewrite w = { .edit = edit };
	char target[600];
	const char *path;
	struct stat st;
	bool changed;

	snprintf(target, sizeof(target), "%s", path_of("target"));
	write_file(target, "drop t A\nz t A\n");
	path = path_of("link");
	CHECK_INT(symlink(target, path), 0);
	CHECK_INT(known_hosts_rewrite(path, &w, &changed, NULL), 0);
	CHECK_INT(lstat(path, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	check_file(target, "z t A\n");
}

TEST(patterns_are_told_from_names)
{
	CHECK(known_hosts_is_pattern(span_text("*.example")));
	CHECK(known_hosts_is_pattern(span_text("h?")));
	CHECK(known_hosts_is_pattern(span_text("!h")));
	CHECK(!known_hosts_is_pattern(span_text("[h]:22")));
	CHECK(!known_hosts_is_pattern(span_text("")));
}
