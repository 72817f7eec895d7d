/*
 * sftp_server_test.c - the SFTP server's engine over a scratch directory:
 * what it answers, what it refuses, how much it keeps.
 */
#include "sftp/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "sftp/protocol.h"
#include "sftp/server_arguments.h"
#include "tests/unit/unit.h"

/* ---- a server and its only client ---- */

struct rig {
	struct sftp_server_options options;
	struct sftp_server *server;
	struct buf answers;
	uint32_t id;
};

static const char *
under(const char *name)
{
	static char path[4][4096];
	static int turn;
	char *to = path[turn++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", unit_scratch(), name);
	return to;
}

static void
put_file(const char *name, const char *text)
{
	struct error e = { 0 };

	if (file_write_atomic(under(name), span_text(text), 0644, false, &e) !=
	    0)
		FAIL("%s", e.text);
}

static void
send_bytes(struct rig *g, struct span data)
{
	do {
		CHECK_INT(sftp_server_input(g->server, &data), 0);
		while (sftp_server_has_work(g->server))
			sftp_server_work(g->server);
		write_span(&g->answers, sftp_server_output(g->server));
		sftp_server_sent(g->server, sftp_server_output(g->server).len);
	} while (data.len > 0);
}

static void
rig_start(struct rig *g, const char *flags, const struct strings *trees)
{
	struct sftp_server_config config = { .options = &g->options,
		.user = "tester",
		.home = unit_scratch(),
		.start = unit_scratch(),
		.trees = trees };
	struct strings words = STRINGS_INIT;
	enum sftp_server_action action;
	struct error e = { 0 };
	struct buf init = BUF_INIT;

	memset(g, 0, sizeof(*g));
	CHECK_INT(sftp_server_words(flags, &words), 0);
	CHECK_INT(sftp_server_arguments(
		      (int)words.count, words.item, &g->options, &action, &e),
	    0);
	strings_release(&words);
	if (sftp_server_new(&config, &g->server, &e) != 0) {
		if (e.code == ERR_UNSUPPORTED)
			SKIP("%s", e.text);
		FAIL("%s", e.text);
	}
	sftp_init_write(&init);
	send_bytes(g, buf_span(&init));
	CHECK_INT(g->answers.data[4], SSH_FXP_VERSION);
	buf_release(&init);
}

static void
rig_stop(struct rig *g)
{
	sftp_server_free(g->server);
	sftp_server_options_release(&g->options);
	buf_release(&g->answers);
}

/* One request, and its one answer: the type, with the fields behind the id
 * (borrowed until the next). */
static uint8_t
ask(struct rig *g, struct sftp_request q, struct span *ret_body)
{
	struct buf out = BUF_INIT;
	struct reader r;
	uint8_t type;

	q.id = ++g->id;
	sftp_request_write(&out, &q);
	buf_clear(&g->answers);
	send_bytes(g, buf_span(&out));
	buf_release(&out);
	r = reader_of(buf_span(&g->answers));
	CHECK_INT(read_uint32(&r), (long long)g->answers.len - 4);
	type = read_byte(&r);
	CHECK_INT(read_uint32(&r), g->id);
	*ret_body = read_rest(&r);
	return type;
}

static uint32_t
status_of(struct rig *g, struct sftp_request q)
{
	struct sftp_status s;
	struct span body;

	if (ask(g, q, &body) != SSH_FXP_STATUS)
		return SSH_FX_OK;
	CHECK_INT(sftp_status_read(body, &s), 0);
	return s.code;
}

static uint32_t
on_path(struct rig *g, enum sftp_kind kind, const char *path)
{
	return status_of(
	    g, (struct sftp_request){ .kind = kind, .path = span_text(path) });
}

static uint32_t
on_two(struct rig *g, enum sftp_kind kind, const char *a, const char *b)
{
	return status_of(
	    g, (struct sftp_request){
		   .kind = kind, .path = span_text(a), .path2 = span_text(b) });
}

struct held {
	uint8_t bytes[SFTP_HANDLE_MAX];
	size_t len;
};

static uint32_t
open_it(struct rig *g, enum sftp_kind kind, const char *path, uint32_t pflags,
    struct held *ret)
{
	struct span body, handle;
	struct sftp_status s;

	if (ask(g,
		(struct sftp_request){
		    .kind = kind, .path = span_text(path), .pflags = pflags },
		&body) == SSH_FXP_HANDLE) {
		CHECK_INT(sftp_handle_read(body, &handle), 0);
		memcpy(ret->bytes, handle.ptr, handle.len);
		ret->len = handle.len;
		return SSH_FX_OK;
	}
	CHECK_INT(sftp_status_read(body, &s), 0);
	return s.code;
}

static struct span
handle_of(const struct held *h)
{
	return span_of(h->bytes, h->len);
}

static uint32_t
read_it(struct rig *g, const struct held *h, uint64_t offset, uint32_t count,
    struct span *ret_data)
{
	struct sftp_status s;
	struct span body;
	struct reader r;

	if (ask(g,
		(struct sftp_request){ .kind = SFTP_READ,
		    .handle = handle_of(h),
		    .offset = offset,
		    .count = count },
		&body) == SSH_FXP_DATA) {
		r = reader_of(body);
		*ret_data = read_string(&r);
		CHECK_INT(read_end(&r), 0);
		return SSH_FX_OK;
	}
	CHECK_INT(sftp_status_read(body, &s), 0);
	return s.code;
}

static uint32_t
write_it(struct rig *g, const struct held *h, uint64_t offset, const char *text)
{
	return status_of(g, (struct sftp_request){ .kind = SFTP_WRITE,
				.handle = handle_of(h),
				.offset = offset,
				.data = span_text(text) });
}

/* ---- files ---- */

TEST(a_file_is_written_and_read)
{
	struct rig g;
	struct held h;
	struct span data = { NULL, 0 };

	rig_start(&g, "x", NULL);
	CHECK_INT(open_it(&g, SFTP_OPEN, "f",
		      SSH_FXF_READ | SSH_FXF_WRITE | SSH_FXF_CREAT, &h),
	    SSH_FX_OK);
	CHECK_INT(write_it(&g, &h, 0, "hello"), SSH_FX_OK);
	CHECK_INT(write_it(&g, &h, 5000000000u, "far"), SSH_FX_OK);
	CHECK_INT(read_it(&g, &h, 0, 5, &data), SSH_FX_OK);
	CHECK(span_is(data, "hello"));
	/* Past 4 GiB, and short at the end. */
	CHECK_INT(read_it(&g, &h, 5000000001u, 100, &data), SSH_FX_OK);
	CHECK(span_is(data, "ar"));
	CHECK_INT(read_it(&g, &h, 5000000003u, 100, &data), SSH_FX_EOF);
	CHECK_INT(read_it(&g, &h, UINT64_MAX, 100, &data), SSH_FX_EOF);
	CHECK_INT(status_of(&g, (struct sftp_request){ .kind = SFTP_CLOSE,
				    .handle = handle_of(&h) }),
	    SSH_FX_OK);
	/* A handle ends with its file, also when its number is used again. */
	CHECK_INT(read_it(&g, &h, 0, 5, &data), SSH_FX_FAILURE);
	CHECK_INT(open_it(&g, SFTP_OPEN, "f", SSH_FXF_READ,
		      &(struct held){ { 0 }, 0 }),
	    SSH_FX_OK);
	CHECK_INT(read_it(&g, &h, 0, 5, &data), SSH_FX_FAILURE);
	rig_stop(&g);
}

TEST(a_write_may_come_in_pieces)
{
	struct rig g;
	struct held h;
	struct buf out = BUF_INIT;
	struct sftp_status s;
	struct span data;

	rig_start(&g, "x", NULL);
	CHECK_INT(open_it(&g, SFTP_OPEN, "f",
		      SSH_FXF_READ | SSH_FXF_WRITE | SSH_FXF_CREAT, &h),
	    SSH_FX_OK);
	sftp_request_write(&out, &(struct sftp_request){ .kind = SFTP_WRITE,
				     .id = 9,
				     .handle = handle_of(&h),
				     .offset = 2,
				     .data = span_text("abcdefgh") });
	buf_clear(&g.answers);
	for (size_t i = 0; i < out.len; i++)
		send_bytes(&g, span_of(out.data + i, 1));
	CHECK_INT(sftp_status_read(
		      span_of(g.answers.data + 9, g.answers.len - 9), &s),
	    0);
	CHECK_INT(s.code, SSH_FX_OK);
	CHECK_INT(read_it(&g, &h, 0, 100, &data), SSH_FX_OK);
	CHECK_SPAN(data, span_of("\0\0abcdefgh", 10));
	buf_release(&out);
	rig_stop(&g);
}

TEST(errors_have_their_status)
{
	struct rig g;
	struct held h;
	struct sftp_status s;
	struct span body;

	put_file("f", "x");
	CHECK_INT(mkdir(under("d"), 0755), 0);
	put_file("d/in", "x");
	rig_start(&g, "x", NULL);
	CHECK_INT(on_path(&g, SFTP_STAT, "none"), SSH_FX_NO_SUCH_FILE);
	CHECK_INT(on_path(&g, SFTP_STAT, "f/x"), SSH_FX_NO_SUCH_FILE);
	CHECK_INT(on_path(&g, SFTP_STAT, ""), SSH_FX_NO_SUCH_FILE);
	CHECK_INT(open_it(&g, SFTP_OPEN, "none", SSH_FXF_READ, &h),
	    SSH_FX_NO_SUCH_FILE);
	CHECK_INT(on_two(&g, SFTP_RENAME, "f", "d"), SSH_FX_FAILURE);
	/* What the code does not say, the text does. */
	ask(&g,
	    (struct sftp_request){ .kind = SFTP_RMDIR, .path = span_text("d") },
	    &body);
	CHECK_INT(sftp_status_read(body, &s), 0);
	CHECK_INT(s.code, SSH_FX_FAILURE);
	CHECK(span_is(s.message, "Directory not empty"));
	CHECK_INT(on_path(&g, SFTP_READLINK, "f"), SSH_FX_FAILURE);
	rig_stop(&g);
}

TEST(rename_does_not_replace_but_posix_rename_does)
{
	struct rig g;
	struct stat st;

	put_file("a", "a");
	put_file("b", "b");
	rig_start(&g, "x", NULL);
	CHECK_INT(on_two(&g, SFTP_RENAME, "a", "b"), SSH_FX_FAILURE);
	CHECK_INT(stat(under("a"), &st), 0);
	CHECK_INT(on_two(&g, SFTP_RENAME, "a", "c"), SSH_FX_OK);
	CHECK_INT(on_two(&g, SFTP_POSIX_RENAME, "c", "b"), SSH_FX_OK);
	CHECK(stat(under("c"), &st) != 0 && stat(under("b"), &st) == 0);
	CHECK_INT(on_two(&g, SFTP_HARDLINK, "b", "l"), SSH_FX_OK);
	CHECK_INT(stat(under("l"), &st), 0);
	CHECK_INT((long long)st.st_nlink, 2);
	rig_stop(&g);
}

TEST(names_of_any_bytes_are_listed)
{
	const char *odd = "new\nline \xff\xfe\"";
	struct rig g;
	struct held h;
	struct span body;
	struct reader r;
	uint32_t count;
	bool seen = false;

	put_file(odd, "12345");
	rig_start(&g, "x", NULL);
	CHECK_INT(open_it(&g, SFTP_OPENDIR, ".", 0, &h), SSH_FX_OK);
	CHECK_INT(ask(&g,
		      (struct sftp_request){
			  .kind = SFTP_READDIR, .handle = handle_of(&h) },
		      &body),
	    SSH_FXP_NAME);
	r = reader_of(body);
	CHECK_INT(sftp_names_read(&r, &count), 0);
	CHECK_INT(count, 3); /* with . and .. */
	while (count-- > 0) {
		struct sftp_name n = sftp_name_next(&r);

		if (!span_is(n.name, odd))
			continue;
		seen = true;
		CHECK_INT((long long)n.attrs.size, 5);
		CHECK(S_ISREG(n.attrs.permissions));
		CHECK_SPAN(
		    span_of(n.longname.ptr, 10), span_text("-rw-r--r--"));
	}
	CHECK_INT(read_end(&r), 0);
	CHECK(seen);
	CHECK_INT(status_of(&g, (struct sftp_request){ .kind = SFTP_READDIR,
				    .handle = handle_of(&h) }),
	    SSH_FX_EOF);
	rig_stop(&g);
}

TEST(handles_are_limited)
{
	struct rig g;
	struct held h;
	uint32_t n = 0, code;

	put_file("f", "x");
	rig_start(&g, "x", NULL);
	while (
	    (code = open_it(&g, SFTP_OPEN, "f", SSH_FXF_READ, &h)) == SSH_FX_OK)
		CHECK(++n <= SFTP_SERVER_HANDLES_MAX);
	CHECK_INT(code, SSH_FX_FAILURE);
	CHECK(n >= 32);
	/* It goes on, and closing one gives room for one. */
	CHECK_INT(on_path(&g, SFTP_STAT, "f"), SSH_FX_OK);
	rig_stop(&g);
}

TEST(output_that_nobody_reads_holds_the_input)
{
	struct rig g;
	struct held h;
	struct buf out = BUF_INIT;
	struct span data;
	struct stat st;
	char *big = calloc(1, 1024 * 1024 + 1);

	memset(big, 'b', 1024 * 1024);
	put_file("big", big);
	CHECK_INT(stat(under("big"), &st), 0);
	rig_start(&g, "x", NULL);
	CHECK_INT(open_it(&g, SFTP_OPEN, "big", SSH_FXF_READ, &h), SSH_FX_OK);
	for (uint32_t i = 0; i < 5000; i++)
		sftp_request_write(
		    &out, &(struct sftp_request){ .kind = SFTP_READ,
			      .id = i,
			      .handle = handle_of(&h),
			      .count = SFTP_DATA_MAX });
	data = buf_span(&out);
	CHECK_INT(sftp_server_input(g.server, &data), 0);
	CHECK(data.len > out.len / 2);
	CHECK(!sftp_server_wants_input(g.server));
	CHECK(sftp_server_output(g.server).len <
	      SFTP_SERVER_OUTPUT_HIGH + 2 * SFTP_DATA_MAX);
	free(big);
	buf_release(&out);
	rig_stop(&g);
}

/* ---- what is not allowed ---- */

TEST(read_only_refuses_every_change)
{
	struct rig g;
	struct held h = { "\0\0\0\0\0\0\0\1", 8 };
	struct stat st;

	put_file("f", "x");
	rig_start(&g, "x -R", NULL);
	CHECK_INT(open_it(&g, SFTP_OPEN, "f", SSH_FXF_READ, &h), SSH_FX_OK);
	for (int k = 0; k < SFTP_KIND_COUNT; k++) {
		struct sftp_request q = { .kind = (enum sftp_kind)k,
			.handle = handle_of(&h),
			.handle2 = handle_of(&h),
			.path = span_text("f"),
			.path2 = span_text("g"),
			.attrs = { .flags = SSH_FILEXFER_ATTR_PERMISSIONS } };

		if (!sftp_kind_writes(q.kind))
			continue;
		if (status_of(&g, q) != SSH_FX_PERMISSION_DENIED)
			FAIL("%s is allowed", sftp_kind_name(q.kind));
	}
	for (uint32_t flags = 0; flags < 128; flags++)
		CHECK_INT(open_it(&g, SFTP_OPEN, "f", flags, &h),
		    (flags & ~SSH_FXF_READ) == 0 ? SSH_FX_OK
						 : SSH_FX_PERMISSION_DENIED);
	CHECK_INT(stat(under("f"), &st), 0);
	CHECK_INT((long long)st.st_size, 1);
	CHECK_INT(st.st_mode & 07777, 0644);
	rig_stop(&g);
}

TEST(each_request_can_be_denied_or_allowed_alone)
{
	for (int k = 0; k < SFTP_KIND_COUNT; k++) {
		struct sftp_request q = { .kind = (enum sftp_kind)k };
		char *denied = text_format("x -P %s", sftp_kind_name(q.kind));
		char *other = text_format("x -p %s",
		    sftp_kind_name(
			q.kind == SFTP_STAT ? SFTP_OPEN : SFTP_STAT));
		struct rig g;

		rig_start(&g, denied, NULL);
		CHECK_INT(status_of(&g, q), SSH_FX_PERMISSION_DENIED);
		if (q.kind != SFTP_STAT)
			CHECK_INT(on_path(&g, SFTP_STAT, "."), SSH_FX_OK);
		rig_stop(&g);
		rig_start(&g, other, NULL);
		CHECK_INT(status_of(&g, q), SSH_FX_PERMISSION_DENIED);
		rig_stop(&g);
		free(denied);
		free(other);
	}
}

/* What an administrator of another server did not know of. */
TEST(what_is_denied_has_no_other_name)
{
	static const struct {
		const char *flags;
		enum sftp_kind kind;
	} rows[] = {
		{ "x -P read", SFTP_CHECK_NAME },
		{ "x -P read", SFTP_CHECK_HANDLE },
		{ "x -P read", SFTP_CHECK_FILE },
		{ "x -P open", SFTP_CHECK_NAME },
		{ "x -P read", SFTP_COPY_DATA },
		{ "x -P remove,write", SFTP_COPY_DATA },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct sftp_request q = { .kind = rows[i].kind };
		struct rig g;

		rig_start(&g, rows[i].flags, NULL);
		if (status_of(&g, q) != SSH_FX_PERMISSION_DENIED)
			FAIL("%s: %s", rows[i].flags, sftp_kind_name(q.kind));
		rig_stop(&g);
	}
}

TEST(flags_that_are_wrong_are_refused)
{
	static const char *const wrong[] = { "x -u 9", "x -u 01000",
		"x -u 77777", "x -l LOUD", "x -f NOWHERE", "x -P read,wirte",
		"x -Q answers" };

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		struct strings words = STRINGS_INIT;
		struct sftp_server_options o;
		enum sftp_server_action action;
		struct error e = { 0 };

		CHECK_INT(sftp_server_words(wrong[i], &words), 0);
		CHECK_INT(sftp_server_arguments(
			      (int)words.count, words.item, &o, &action, &e),
		    ERR_ARGUMENT);
		CHECK(e.text[0] != '\0');
		strings_release(&words);
	}
}

TEST(the_umask_is_the_servers_alone)
{
	mode_t before = umask(022);
	struct rig g;
	struct held h;
	struct stat st;

	rig_start(&g, "x -u 077", NULL);
	CHECK_INT(
	    open_it(&g, SFTP_OPEN, "f", SSH_FXF_WRITE | SSH_FXF_CREAT, &h),
	    SSH_FX_OK);
	CHECK_INT(on_path(&g, SFTP_MKDIR, "d"), SSH_FX_OK);
	CHECK_INT(stat(under("f"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(stat(under("d"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(umask(before), 022);
	rig_stop(&g);
}

/* Also by a handle for reading, but where the tree is for reading only. */
TEST(attributes_are_changed_by_any_handle_of_a_tree_for_writing)
{
	static const struct {
		const char *path;
		enum sftp_kind kind;
		uint32_t status;
	} rows[] = {
		{ "rw/file", SFTP_OPEN, SSH_FX_OK },
		{ "rw", SFTP_OPENDIR, SSH_FX_OK },
		{ "ro/file", SFTP_OPEN, SSH_FX_PERMISSION_DENIED },
		{ "ro", SFTP_OPENDIR, SSH_FX_PERMISSION_DENIED },
	};
	char *root = realpath(unit_scratch(), NULL);
	struct strings trees = STRINGS_INIT;
	struct rig g;
	struct stat st;

	CHECK(root != NULL);
	CHECK_INT(mkdir(under("rw"), 0755), 0);
	CHECK_INT(mkdir(under("ro"), 0755), 0);
	put_file("rw/file", "x");
	put_file("ro/file", "x");
	CHECK_INT(strings_take(&trees, text_format("rw:%s/rw", root)), 0);
	CHECK_INT(strings_take(&trees, text_format("ro:%s/ro", root)), 0);
	rig_start(&g, "x", &trees);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		char *path = path_join(root, rows[i].path);
		struct sftp_request q = { .kind = SFTP_FSETSTAT,
			.attrs = { .flags = SSH_FILEXFER_ATTR_PERMISSIONS,
			    .permissions = 0700 } };
		struct held h;

		CHECK_INT(open_it(&g, rows[i].kind, path, SSH_FXF_READ, &h),
		    SSH_FX_OK);
		q.handle = handle_of(&h);
		CHECK_INT(status_of(&g, q), rows[i].status);
		CHECK_INT(stat(path, &st), 0);
		CHECK_INT(
		    (st.st_mode & 0777) == 0700, rows[i].status == SSH_FX_OK);
		free(path);
	}
	rig_stop(&g);
	strings_release(&trees);
	free(root);
}

/* ---- extensions ---- */

TEST(data_are_copied_within_the_server)
{
	struct rig g;
	struct held from, to, other;
	struct span data;
	struct sftp_request q = {
		.kind = SFTP_COPY_DATA, .offset = 2, .length = 3, .offset2 = 1
	};

	put_file("a", "0123456789");
	rig_start(&g, "x", NULL);
	CHECK_INT(
	    open_it(&g, SFTP_OPEN, "a", SSH_FXF_READ | SSH_FXF_WRITE, &from),
	    SSH_FX_OK);
	CHECK_INT(open_it(&g, SFTP_OPEN, "b",
		      SSH_FXF_READ | SSH_FXF_WRITE | SSH_FXF_CREAT, &to),
	    SSH_FX_OK);
	q.handle = handle_of(&from);
	q.handle2 = handle_of(&to);
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(read_it(&g, &to, 0, 100, &data), SSH_FX_OK);
	CHECK_SPAN(data, span_of("\0"
				 "234",
			     4));
	/* To the end, where no length is given. */
	q.length = 0;
	q.offset2 = 0;
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(read_it(&g, &to, 0, 100, &data), SSH_FX_OK);
	CHECK(span_is(data, "23456789"));
	/* Files of /proc have no size, and contents. */
	CHECK_INT(open_it(&g, SFTP_OPEN, "/proc/sys/kernel/ostype",
		      SSH_FXF_READ, &other),
	    SSH_FX_OK);
	q.handle = handle_of(&other);
	q.offset = 0;
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(read_it(&g, &to, 0, 5, &data), SSH_FX_OK);
	CHECK(span_is(data, "Linux"));
	q.handle = handle_of(&from);
	q.offset = 2;
	/* Within one file: apart is well, over itself is not. */
	q.handle2 = q.handle;
	q.length = 4;
	CHECK_INT(status_of(&g, q), SSH_FX_FAILURE);
	q.offset2 = 6;
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(read_it(&g, &from, 0, 100, &data), SSH_FX_OK);
	CHECK(span_is(data, "0123452345"));
	rig_stop(&g);
}

static void
check_digests(struct rig *g, enum sftp_kind kind, uint32_t block)
{
	struct held h;
	struct span body, name, digests;
	uint8_t want[2][32];
	struct sftp_request q = { .kind = kind,
		.path = span_text("f"),
		.data = span_text("nonesuch,sha256,md5"),
		.count = block };
	char *all = calloc(1, 301);

	memset(all, 'c', 300);
	put_file("f", all);
	CHECK_INT(open_it(g, SFTP_OPEN, "f", SSH_FXF_READ, &h), SSH_FX_OK);
	q.handle = handle_of(&h);
	CHECK_INT(ask(g, q, &body), SSH_FXP_EXTENDED_REPLY);
	CHECK_INT(span_is(span_of(body.ptr + 4, 10), "check-file"),
	    kind == SFTP_CHECK_FILE);
	CHECK_INT(sftp_check_read(body, &name, &digests), 0);
	CHECK(span_is(name, "sha256"));
	CHECK_INT((long long)digests.len, block == 0 ? 32 : 64);
	CHECK_INT(digest_of(DIGEST_SHA256,
		      span_of(all, block == 0 ? 300 : block), want[0]),
	    0);
	CHECK_INT(
	    digest_of(DIGEST_SHA256, span_of(all, 300 - block), want[1]), 0);
	CHECK_SPAN(digests, span_of(want, block == 0 ? 32 : 64));
	q.count = 255; /* too small a block */
	CHECK_INT(status_of(g, q), SSH_FX_FAILURE);
	q.count = 0;
	q.offset = 301;
	CHECK_INT(status_of(g, q), SSH_FX_FAILURE);
	q.offset = 0;
	q.data = span_text("crc32");
	CHECK_INT(status_of(g, q), SSH_FX_OP_UNSUPPORTED);
	free(all);
}

TEST(files_are_checked_by_digest)
{
	static const enum sftp_kind kinds[] = { SFTP_CHECK_HANDLE,
		SFTP_CHECK_NAME, SFTP_CHECK_FILE };

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct rig g;

		rig_start(&g, "x", NULL);
		check_digests(&g, kinds[i], 0);
		check_digests(&g, kinds[i], 256);
		rig_stop(&g);
	}
}

TEST(attributes_of_a_link_are_its_own)
{
	struct rig g;
	struct stat st;
	struct sftp_request q = { .kind = SFTP_LSETSTAT,
		.path = span_text("l"),
		.attrs = { .flags = SSH_FILEXFER_ATTR_ACMODTIME,
		    .atime = 1000,
		    .mtime = 2000 } };

	put_file("f", "x");
	CHECK_INT(symlink("f", under("l")), 0);
	rig_start(&g, "x", NULL);
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(lstat(under("l"), &st), 0);
	CHECK_INT((long long)st.st_mtime, 2000);
	CHECK_INT(stat(under("f"), &st), 0);
	CHECK(st.st_mtime != 2000);
	q.kind = SFTP_SETSTAT;
	CHECK_INT(status_of(&g, q), SSH_FX_OK);
	CHECK_INT(stat(under("f"), &st), 0);
	CHECK_INT((long long)st.st_mtime, 2000);
	rig_stop(&g);
}

TEST(paths_are_made_canonical)
{
	static const struct {
		const char *path, *want; /* below the scratch directory */
	} cases[] = {
		{ ".", "" },
		{ "", "" },
		{ "d/../d/./x", "/d/x" },
		{ "l/x", "/d/x" },
		{ "nothing-yet", "/nothing-yet" },
	};
	struct rig g;
	char *root = realpath(unit_scratch(), NULL);

	CHECK_INT(mkdir(under("d"), 0755), 0);
	put_file("d/x", "");
	CHECK_INT(symlink("d", under("l")), 0);
	rig_start(&g, "x", NULL);
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char *want = text_format("%s%s", root, cases[i].want);
		struct span body;
		struct reader r;
		uint32_t count;

		CHECK_INT(ask(&g,
			      (struct sftp_request){ .kind = SFTP_REALPATH,
				  .path = span_text(cases[i].path) },
			      &body),
		    SSH_FXP_NAME);
		r = reader_of(body);
		CHECK_INT(sftp_names_read(&r, &count), 0);
		CHECK_SPAN(sftp_name_next(&r).name, span_text(want));
		free(want);
	}
	CHECK_INT(on_path(&g, SFTP_REALPATH, "none/none"), SSH_FX_NO_SUCH_FILE);
	free(root);
	rig_stop(&g);
}

/* ---- damaged and unexpected packets ---- */

TEST(a_damaged_request_is_answered_and_the_next_one_served)
{
	struct rig g;
	/* LSTAT whose path is longer than the packet. */
	static const char damaged[] = "\0\0\0\12\7\0\0\0\5\0\0\0\7x";
	struct sftp_status s;

	rig_start(&g, "x", NULL);
	buf_clear(&g.answers);
	send_bytes(&g, span_of(damaged, 14));
	CHECK_INT(sftp_status_read(
		      span_of(g.answers.data + 9, g.answers.len - 9), &s),
	    0);
	CHECK_INT(s.code, SSH_FX_BAD_MESSAGE);
	CHECK_INT(on_path(&g, SFTP_STAT, "."), SSH_FX_OK);
	rig_stop(&g);
}

TEST(a_session_begins_with_init)
{
	struct sftp_server_options o = { .allowed = ~(uint64_t)0 };
	struct sftp_server_config config = {
		.options = &o, .user = "u", .home = "/", .start = "/"
	};
	struct sftp_server *s;
	struct error e = { 0 };
	struct buf out = BUF_INIT;
	struct span data;

	CHECK_INT(sftp_server_new(&config, &s, &e), 0);
	sftp_request_write(&out, &(struct sftp_request){ .kind = SFTP_STAT,
				     .path = span_text("/") });
	data = buf_span(&out);
	CHECK_INT(sftp_server_input(s, &data), ERR_UNEXPECTED);
	sftp_server_free(s);
	buf_release(&out);
}
