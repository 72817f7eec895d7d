/*
 * sftp_copy_test.c - copies against a server in the same process, which
 * answers all that is under way at once: one round is one round trip.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/ipc/direct.h"
#include "sftp/client_copy.h"
#include "tests/unit/unit.h"

#define ROUND_US 20000
#define HANDLES  4096

/* What the server does wrong. */
enum fault {
	NO_FAULT,
	SHORT_READS,     /* a part of what was asked for */
	REVERSED,        /* a round's answers in reverse order */
	FEW_HANDLES,     /* 20 at a time */
	WRONG_ID,        /* of a READ's answer */
	TOO_MUCH_DATA,   /* one byte more than asked for */
	OTHER_KIND,      /* ATTRS for a READ */
	OPEN_OK,         /* a status of success for an OPEN */
	EMPTY_NAMES,     /* a list of no names */
	NAME_WITH_SLASH, /* a name that leads out */
	NAME_DOTS,       /* ".." as if it were a folder */
	ENDS_EARLY,      /* EOF in the middle of a file */
	REFUSES_SOME     /* opening a file whose number ends in 7 */
};

struct fake {
	enum fault fault;
	unsigned files;     /* of /tree */
	uint64_t file_size; /* of each */
	struct client *c;
	struct sftp_input input;
	struct buf out;
	struct buf answers[HANDLES]; /* of this round */
	size_t answered;
	unsigned rounds;
	uint64_t most_asked; /* bytes in one round */
	uint64_t asked;
	int handle[HANDLES]; /* the file's number; -1: free; -2: the folder */
	unsigned open, most_open;
	unsigned listed;
	uint64_t written; /* good bytes */
	unsigned closed;
	unsigned times_set;
	uint64_t now_us;
	/* Of files that are shared: */
	unsigned shared, direct;
	char *shrinks; /* to nothing, at the first WRITE of it; NULL */
	bool cannot_place;
	uint64_t cut; /* the last size that was set; UINT64_MAX: none */
};

static uint8_t
content(unsigned file, uint64_t offset)
{
	return (uint8_t)(file * 31 + offset * 7 + (offset >> 8));
}

/* ---- the server ---- */

static struct buf *
answer(struct fake *f)
{
	CHECK(f->answered < HANDLES);
	return &f->answers[f->answered++];
}

static int
new_handle(struct fake *f, int what)
{
	if (f->fault == FEW_HANDLES && f->open == 20)
		return -1;
	for (int i = 0; i < HANDLES; i++) {
		if (f->handle[i] == -1) {
			f->handle[i] = what;
			f->open++;
			if (f->open > f->most_open)
				f->most_open = f->open;
			return i;
		}
	}
	return -1;
}

static int
handle_number(const struct fake *f, struct span handle)
{
	struct reader r = reader_of(handle);
	uint32_t n = read_uint32(&r);

	CHECK(n < HANDLES && f->handle[n] != -1);
	return (int)n;
}

static int
file_number(struct span path)
{
	long long n = -1;
	char *text = span_dup_text(path);
	const char *last = path_last(text);

	if (*last != 'f' || !text_to_int(last + 1, 0, 1000000, &n))
		n = -1;
	free(text);
	return (int)n;
}

static void
on_open(struct fake *f, const struct sftp_request *q)
{
	int file = file_number(q->path);
	struct buf handle = BUF_INIT;
	int n;

	if (file < 0) {
		sftp_status_write(answer(f), q->id, SSH_FX_NO_SUCH_FILE, "");
	} else if (f->fault == REFUSES_SOME && file % 10 == 7) {
		sftp_status_write(
		    answer(f), q->id, SSH_FX_PERMISSION_DENIED, "");
	} else if (f->fault == OPEN_OK) {
		sftp_status_write(answer(f), q->id, SSH_FX_OK, "");
	} else if ((n = new_handle(f, file)) < 0) {
		sftp_status_write(answer(f), q->id, SSH_FX_FAILURE, "");
	} else {
		write_uint32(&handle, (uint32_t)n);
		sftp_handle_write(answer(f), q->id, buf_span(&handle));
	}
	buf_release(&handle);
}

static void
data_answer(struct fake *f, uint32_t id, int file, uint64_t offset, uint32_t n)
{
	uint8_t head[SFTP_DATA_HEAD];
	struct buf *b = answer(f);

	sftp_data_head(head, id, n);
	write_bytes(b, head, sizeof(head));
	for (uint32_t i = 0; i < n; i++)
		write_byte(b, content((unsigned)file, offset + i));
}

static void
on_read(struct fake *f, const struct sftp_request *q)
{
	int file = f->handle[handle_number(f, q->handle)];
	uint64_t size = f->file_size, left;
	uint32_t n = q->count;
	struct sftp_attrs a = { 0 };

	f->asked += n;
	if (f->fault == ENDS_EARLY)
		size /= 2;
	if (q->offset >= size) {
		sftp_status_write(answer(f), q->id, SSH_FX_EOF, "");
		return;
	}
	left = size - q->offset;
	n = left < n ? (uint32_t)left : n;
	if (f->fault == SHORT_READS && n > 1)
		n = n / 2 + 1;
	if (f->fault == OTHER_KIND)
		sftp_attrs_answer_write(answer(f), q->id, &a);
	else
		data_answer(f, q->id + (f->fault == WRONG_ID ? 7 : 0), file,
		    q->offset, n + (f->fault == TOO_MUCH_DATA));
}

static void
add_name(struct fake *f, struct buf *b, struct sftp_names *names,
    const char *text, mode_t mode)
{
	struct sftp_name name = { .name = span_text(text),
		.longname = span_text(""),
		.attrs = { .flags = SSH_FILEXFER_ATTR_SIZE |
				    SSH_FILEXFER_ATTR_PERMISSIONS |
				    SSH_FILEXFER_ATTR_ACMODTIME,
		    .size = f->file_size,
		    .permissions = mode,
		    .atime = 1000,
		    .mtime = 2000 } };

	sftp_names_add(b, names, &name);
}

static void
on_readdir(struct fake *f, const struct sftp_request *q)
{
	struct sftp_names names;
	struct buf *b;

	if (f->listed == f->files && f->fault != EMPTY_NAMES) {
		sftp_status_write(answer(f), q->id, SSH_FX_EOF, "");
		return;
	}
	b = answer(f);
	names = sftp_names_begin(b, q->id);
	add_name(f, b, &names, ".", S_IFDIR | 0755);
	if (f->fault == EMPTY_NAMES) {
		buf_clear(b);
		names = sftp_names_begin(b, q->id);
	}
	if (f->fault == NAME_WITH_SLASH)
		add_name(f, b, &names, "../f1", S_IFREG | 0644);
	if (f->fault == NAME_DOTS)
		add_name(f, b, &names, "..", S_IFDIR | 0755);
	for (int i = 0;
	     i < 100 && f->listed < f->files && f->fault != EMPTY_NAMES; i++) {
		char *name = text_format("f%u", f->listed++);

		add_name(f, b, &names, name, S_IFREG | 0640);
		free(name);
	}
	sftp_names_end(b, &names);
}

static void
on_attributes(struct fake *f, const struct sftp_request *q)
{
	struct sftp_attrs a = { .flags = SSH_FILEXFER_ATTR_SIZE |
					 SSH_FILEXFER_ATTR_PERMISSIONS,
		.size = f->file_size,
		.permissions = S_IFREG | 0640 };

	if (q->kind == SFTP_FSTAT && f->fault == ENDS_EARLY)
		a.size /= 2;
	if (q->kind != SFTP_FSTAT && span_is(q->path, "/tree"))
		a.permissions = S_IFDIR | 0755;
	else if (q->kind != SFTP_FSTAT && file_number(q->path) < 0) {
		sftp_status_write(answer(f), q->id, SSH_FX_NO_SUCH_FILE, "");
		return;
	}
	sftp_attrs_answer_write(answer(f), q->id, &a);
}

static void
on_close(struct fake *f, const struct sftp_request *q)
{
	f->handle[handle_number(f, q->handle)] = -1;
	f->open--;
	f->closed++;
	sftp_status_write(answer(f), q->id, SSH_FX_OK, "");
}

static void
on_opendir(struct fake *f, const struct sftp_request *q)
{
	struct buf handle = BUF_INIT;

	write_uint32(&handle, (uint32_t)new_handle(f, -2));
	sftp_handle_write(answer(f), q->id, buf_span(&handle));
	buf_release(&handle);
}

static void
on_request(struct fake *f, const struct sftp_request *q)
{
	switch (q->kind) {
	case SFTP_OPEN:
		on_open(f, q);
		break;
	case SFTP_READ:
		on_read(f, q);
		break;
	case SFTP_CLOSE:
		on_close(f, q);
		break;
	case SFTP_OPENDIR:
		on_opendir(f, q);
		break;
	case SFTP_READDIR:
		on_readdir(f, q);
		break;
	case SFTP_STAT:
	case SFTP_LSTAT:
	case SFTP_FSTAT:
		on_attributes(f, q);
		break;
	default:
		f->times_set += q->kind == SFTP_FSETSTAT;
		if ((q->attrs.flags & SSH_FILEXFER_ATTR_SIZE) != 0)
			f->cut = q->attrs.size;
		sftp_status_write(answer(f), q->id, SSH_FX_OK, "");
		break;
	}
}

static void
on_write_piece(struct fake *f, const struct sftp_event *e)
{
	int file = f->handle[handle_number(f, e->handle)];

	for (size_t i = 0; i < e->piece.len; i++)
		f->written += e->piece.ptr[i] ==
			      content((unsigned)file, e->offset + e->done + i);
	f->asked += e->piece.len;
	if (e->done + e->piece.len == e->total)
		sftp_status_write(answer(f), e->id, SSH_FX_OK, "");
}

/* ---- what ssh does with shared files ---- */

static bool
share(int fd, uint32_t *ret_number, void *context)
{
	struct fake *f = context;

	/* The number is the descriptor's, so that it needs no table. */
	*ret_number = (uint32_t)fd;
	f->shared++;
	return true;
}

static void
forget(void *context)
{
	((struct fake *)context)->shared--;
}

static const struct client_sharing sharing = { share, forget };

static void
tell_direct(
    struct fake *f, enum direct_type type, uint32_t id, uint32_t n, int error)
{
	struct buf *b = answer(f);
	size_t mark = sftp_packet_begin(b, (uint8_t)type, id);

	write_uint32(b, n);
	write_uint32(b, (uint32_t)error);
	sftp_packet_end(b, mark);
}

static void
on_direct_write(struct fake *f, uint32_t id, int file, uint64_t offset,
    uint32_t count, int fd, uint64_t file_offset)
{
	uint8_t *bytes = malloc(count);
	ssize_t n;

	if (f->shrinks != NULL)
		CHECK_INT(truncate(f->shrinks, 300000), 0);
	n = pread(fd, bytes, count, (off_t)file_offset);
	CHECK(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		f->written +=
		    bytes[i] == content((unsigned)file, offset + (uint64_t)i);
	if (n < (ssize_t)count)
		tell_direct(f, DIRECT_SHORT, id, (uint32_t)n, 0);
	sftp_status_write(answer(f), id, SSH_FX_OK, "");
	free(bytes);
}

static void
on_direct_read(struct fake *f, uint32_t id, int file, uint64_t offset,
    uint32_t count, int fd, uint64_t file_offset)
{
	uint8_t *bytes = malloc(count);

	if (f->cannot_place) {
		tell_direct(f, DIRECT_PLACED, id, count, EDQUOT);
		free(bytes);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		bytes[i] = content((unsigned)file, offset + i);
	/* A server may give less than was asked for. */
	if (f->fault == SHORT_READS && count > 1000)
		count /= 2;
	CHECK_INT(pwrite(fd, bytes, count, (off_t)file_offset), count);
	tell_direct(f, DIRECT_PLACED, id, count, 0);
	free(bytes);
}

static void
on_direct(struct fake *f, const struct sftp_event *e)
{
	struct reader r = reader_of(e->body);
	struct span handle;
	uint64_t offset, file_offset;
	uint32_t count, fd;
	int file;

	if (e->type == DIRECT_FORGET)
		return;
	handle = read_string(&r);
	offset = read_uint64(&r);
	count = read_uint32(&r);
	fd = read_uint32(&r);
	file_offset = read_uint64(&r);
	CHECK_INT(read_end(&r), 0);
	file = f->handle[handle_number(f, handle)];
	f->direct++;
	if (e->type == DIRECT_WRITE)
		on_direct_write(f, e->id, file, offset, count, (int)fd,
		    file_offset);
	else
		on_direct_read(f, e->id, file, offset, count, (int)fd,
		    file_offset);
}

/* Takes all requests that wait. */
static void
take_requests(struct fake *f)
{
	struct span data = client_pending(f->c);
	size_t len = data.len;
	struct sftp_request q;
	struct sftp_event e;

	for (;;) {
		CHECK_INT(sftp_input_next(&f->input, &data, &e), 0);
		if (e.event == SFTP_INPUT_NEED)
			break;
		if (e.event == SFTP_INPUT_BULK) {
			on_write_piece(f, &e);
		} else if (e.type >= DIRECT_TYPE_MIN &&
			   e.type <= DIRECT_TYPE_MAX) {
			on_direct(f, &e);
		} else if (e.type == SSH_FXP_INIT) {
			sftp_version_write(answer(f), ~(uint64_t)0);
		} else {
			CHECK_INT(sftp_request_read(&e, &q), 0);
			on_request(f, &q);
		}
	}
	client_sent(f->c, len);
}

/* Lists come in order: READDIRs on one handle are done one after the other. */
static bool
may_reverse(const struct fake *f)
{
	for (size_t i = 0; i < f->answered; i++)
		if (f->answers[i].data[4] == SSH_FXP_NAME)
			return false;
	return f->fault == REVERSED;
}

/* Gives the answers to the client, in pieces that meet no packet's ends. */
static int
give_answers(struct fake *f, struct error *e)
{
	struct buf all = BUF_INIT;
	size_t at = 0;
	bool reverse = may_reverse(f);
	int r = 0;

	for (size_t i = 0; i < f->answered; i++) {
		size_t k = reverse ? f->answered - 1 - i : i;

		write_span(&all, buf_span(&f->answers[k]));
		buf_clear(&f->answers[k]);
	}
	for (size_t i = 0; i < f->answered; i++)
		buf_release(&f->answers[i]);
	f->answered = 0;
	while (r == 0 && at < all.len) {
		size_t room, n = all.len - at;
		uint8_t *to = client_recv_space(f->c, &room);

		n = n > 100003 ? 100003 : n;
		n = n > room ? room : n;
		memcpy(to, all.data + at, n);
		at += n;
		r = client_received(f->c, n, f->now_us, e);
	}
	buf_release(&all);
	return r;
}

static int
round_trip(struct fake *f, struct copy *copy, struct error *e)
{
	int r;

	f->asked = 0;
	client_set_time(f->c, f->now_us);
	/* What the copies send while the way takes it. */
	for (size_t last = 1; last > 0;) {
		last = client_pending(f->c).len;
		take_requests(f);
		if (copy != NULL)
			copy_step(copy);
		last = client_pending(f->c).len;
	}
	if (f->asked > f->most_asked)
		f->most_asked = f->asked;
	f->now_us += ROUND_US;
	f->rounds++;
	r = give_answers(f, e);
	if (copy != NULL)
		copy_step(copy);
	return r;
}

/* ---- a copy ---- */

struct told {
	struct buf text; /* a line each */
	unsigned ended;
};

static void
on_failed(const char *text, void *context)
{
	struct told *t = context;

	buf_printf(&t->text, "%s\n", text);
}

static void
on_end(const struct copy_file *f, void *context)
{
	struct told *t = context;

	t->ended++;
}

static struct told told;

static void
fake_start(struct fake *f, enum fault fault, unsigned files, uint64_t size)
{
	memset(f, 0, sizeof(*f));
	f->fault = fault;
	f->files = files;
	f->file_size = size;
	f->cut = UINT64_MAX;
	f->c = client_new();
	CHECK(f->c != NULL);
	sftp_input_init(&f->input, SSH_FXP_WRITE, SFTP_PACKET_MAX);
	for (int i = 0; i < HANDLES; i++)
		f->handle[i] = -1;
	f->now_us = 1000000;
	CHECK_INT(round_trip(f, NULL, NULL), 0);
	CHECK(client_is_ready(f->c));
	f->rounds = 0;
}

static void
fake_stop(struct fake *f)
{
	client_free(f->c);
	sftp_input_release(&f->input);
	buf_release(&told.text);
	memset(&told, 0, sizeof(told));
}

static struct copy *
new_copy(struct fake *f, bool is_put)
{
	struct copy_config config = {
		.files = &client_files_system,
		.options = { .recursive = true, .preserve = true },
		.events = { .failed = on_failed,
		    .end = on_end,
		    .context = &told },
	};
	struct copy *c;

	if (is_put)
		config.target.client = f->c;
	else
		config.source.client = f->c;
	c = copy_new(&config);
	CHECK(c != NULL);
	return c;
}

static char *
local(const char *name)
{
	return path_join(unit_scratch(), name);
}

/* Runs to the end; the code of the channel's end, or 0. */
static int
run(struct fake *f, struct copy *c, struct error *e)
{
	int r = 0;

	copy_step(c);
	while (r == 0 && !copy_is_done(c)) {
		CHECK(f->rounds < 5000);
		r = round_trip(f, c, e);
	}
	copy_step(c);
	CHECK(copy_is_done(c));
	return r;
}

static int
get_tree(struct fake *f, struct error *e, uint64_t *ret_failures)
{
	struct copy *c = new_copy(f, false);
	char *target = local("got");
	int r;

	CHECK_INT(copy_add(c, "/tree", target, NULL), 0);
	r = run(f, c, e);
	*ret_failures = copy_failures(c);
	copy_free(c);
	free(target);
	return r;
}

/* Nobody waits for CLOSE, but all were sent. */
static void
check_closed(struct fake *f)
{
	CHECK_INT(round_trip(f, NULL, NULL), 0);
	CHECK_INT(round_trip(f, NULL, NULL), 0);
	CHECK_INT(f->open, 0);
}

static void
check_file(const char *path, unsigned file, uint64_t size)
{
	struct buf b = BUF_INIT;

	CHECK_INT(file_read(path, 1 << 28, &b, NULL), 0);
	CHECK_INT(b.len, size);
	for (uint64_t i = 0; i < size; i++)
		if (b.data[i] != content(file, i))
			FAIL("byte %llu of %s is wrong", (unsigned long long)i,
			    path);
	buf_release(&b);
}

static void
check_got(unsigned files, uint64_t size)
{
	for (unsigned i = 0; i < files; i++) {
		char *path = text_format("%s/got/f%u", unit_scratch(), i);
		struct stat st;

		check_file(path, i, size);
		CHECK_INT(stat(path, &st), 0);
		CHECK_INT(st.st_mode & 07777, 0640);
		CHECK_INT(st.st_mtime, 2000);
		free(path);
	}
}

static void
check_get(enum fault fault, unsigned files, uint64_t size, unsigned rounds)
{
	struct fake f;
	uint64_t failures;

	fake_start(&f, fault, files, size);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 0);
	if (f.rounds > rounds)
		FAIL("%u round trips, more than %u", f.rounds, rounds);
	check_closed(&f);
	check_got(files, size);
	fake_stop(&f);
}

TEST(get_of_a_thousand_small_files_takes_few_round_trips)
{
	/* Fifty files are open at a time where the server tells no limit: two
	 * round trips each time, and some for the listing. */
	check_get(NO_FAULT, 1000, 4096, 50);
}

TEST(get_of_empty_files)
{
	check_get(NO_FAULT, 20, 0, 10);
}

TEST(get_goes_on_after_short_reads)
{
	check_get(SHORT_READS, 30, 100000, 60);
}

TEST(get_takes_answers_in_any_order)
{
	check_get(REVERSED, 30, 100000, 30);
}

TEST(get_opens_fewer_files_where_the_server_has_no_more_handles)
{
	check_get(FEW_HANDLES, 200, 1000, 120);
}

TEST(get_of_a_large_file_doubles_what_is_in_flight)
{
	struct fake f;
	uint64_t failures;

	fake_start(&f, NO_FAULT, 1, 60000000);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 0);
	CHECK(f.rounds < 16);
	CHECK(f.most_asked > 8000000 && f.most_asked <= COPY_WINDOW_MAX);
	fake_stop(&f);
}

TEST(get_of_a_missing_file_names_it)
{
	struct fake f;
	struct copy *c;
	char *target = local("x");

	fake_start(&f, NO_FAULT, 0, 0);
	c = new_copy(&f, false);
	CHECK_INT(copy_add(c, "/none", target, NULL), 0);
	CHECK_INT(run(&f, c, NULL), 0);
	CHECK_INT(copy_failures(c), 1);
	CHECK_TEXT(buf_text(&told.text),
	    "stat remote \"/none\": No such file or directory\n");
	copy_free(c);
	free(target);
	fake_stop(&f);
}

TEST(failures_are_told_in_the_order_of_the_listing)
{
	struct fake f;
	struct buf expected = BUF_INIT;
	uint64_t failures;

	fake_start(&f, REFUSES_SOME, 100, 50000);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 10);
	for (unsigned i = 7; i < 100; i += 10)
		buf_printf(&expected,
		    "remote open \"/tree/f%u\": Permission denied\n", i);
	CHECK_TEXT(buf_text(&told.text), buf_text(&expected));
	CHECK_INT(told.ended, 101);
	buf_release(&expected);
	fake_stop(&f);
}

TEST(a_file_that_becomes_shorter_is_a_failure)
{
	struct fake f;
	uint64_t failures;

	fake_start(&f, ENDS_EARLY, 1, 1000);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 1);
	CHECK_TEXT(buf_text(&told.text),
	    "\"/tree/f0\" became shorter while it was read: 500 of 1000 "
	    "bytes\n");
	fake_stop(&f);
}

/* ---- put ---- */

static void
make_source(unsigned files, uint64_t size)
{
	char *folder = local("source");
	uint8_t *bytes = malloc(size + 1);

	CHECK_INT(mkdir(folder, 0755), 0);
	for (unsigned i = 0; i < files; i++) {
		char *path = text_format("%s/f%u", folder, i);

		for (uint64_t k = 0; k < size; k++)
			bytes[k] = content(i, k);
		CHECK_INT(file_write_atomic(
			      path, span_of(bytes, size), 0640, false, NULL),
		    0);
		free(path);
	}
	free(bytes);
	free(folder);
}

static void
check_put(unsigned files, uint64_t size, unsigned rounds)
{
	struct fake f;
	struct copy *c;
	char *source = local("source");

	make_source(files, size);
	fake_start(&f, NO_FAULT, 0, 0);
	c = new_copy(&f, true);
	CHECK_INT(copy_add(c, source, "/tree", NULL), 0);
	CHECK_INT(run(&f, c, NULL), 0);
	CHECK_INT(copy_failures(c), 0);
	CHECK_INT(f.written, files * size);
	CHECK_INT(f.closed, files);
	CHECK_INT(f.times_set, files);
	if (f.rounds > rounds)
		FAIL("%u round trips, more than %u", f.rounds, rounds);
	copy_free(c);
	free(source);
	fake_stop(&f);
}

TEST(put_of_many_small_files_takes_few_round_trips)
{
	/* Two for each fifty files, MKDIR in front, SETSTAT behind. */
	check_put(300, 4096, 20);
}

TEST(put_of_empty_files)
{
	check_put(20, 0, 6);
}

TEST(put_of_a_large_file)
{
	check_put(1, 8000000, 12);
}

/* ---- files that are shared with who carries the bytes ---- */

static void
check_direct_get(enum fault fault)
{
	struct fake f;
	uint64_t failures;

	fake_start(&f, fault, 3, 1000000);
	client_set_sharing(f.c, &sharing, &f);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 0);
	CHECK(f.direct >= 12);
	CHECK_INT(f.shared, 0);
	check_closed(&f);
	check_got(3, 1000000);
	fake_stop(&f);
}

TEST(get_of_large_files_that_are_shared)
{
	check_direct_get(NO_FAULT);
}

TEST(shared_files_and_a_server_that_gives_less)
{
	check_direct_get(SHORT_READS);
}

TEST(a_shared_file_that_cannot_be_written_fails_by_name)
{
	struct fake f;
	uint64_t failures;

	fake_start(&f, NO_FAULT, 1, 1000000);
	f.cannot_place = true;
	client_set_sharing(f.c, &sharing, &f);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK_INT(failures, 1);
	CHECK(strstr(buf_text(&told.text), "/got/f0\": Disk quota exceeded") !=
	      NULL);
	CHECK_INT(f.shared, 0);
	fake_stop(&f);
}

/* Small ones are not worth it. */
TEST(put_of_files_that_are_shared_where_they_are_large)
{
	struct fake f;
	struct copy *c;
	char *source = local("source"), *small = local("small");

	make_source(3, 1000000);
	CHECK_INT(file_write_atomic(
		      small, span_text("small"), 0640, false, NULL),
	    0);
	fake_start(&f, NO_FAULT, 0, 0);
	client_set_sharing(f.c, &sharing, &f);
	c = new_copy(&f, true);
	CHECK_INT(copy_add(c, source, "/tree", NULL), 0);
	CHECK_INT(copy_add(c, small, "/f7", NULL), 0);
	CHECK_INT(run(&f, c, NULL), 0);
	CHECK_INT(copy_failures(c), 0);
	CHECK(f.written >= 3 * 1000000);
	CHECK(f.direct >= 12);
	CHECK_INT(f.closed, 4);
	CHECK_INT(f.shared, 0);
	copy_free(c);
	free(source);
	free(small);
	fake_stop(&f);
}

/* Zeros went out where the file had no more: they must not stay, also where
 * all had been asked for before the first answer told of it. */
TEST(a_shared_file_that_shrinks_is_told_and_cut)
{
	static const uint64_t sizes[] = { 400000, 8000000 };

	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		struct fake f;
		struct copy *c;
		char *source = local("f0");
		uint8_t *bytes = calloc(1, sizes[i]);

		CHECK_INT(file_write_atomic(source, span_of(bytes, sizes[i]),
			      0640, false, NULL),
		    0);
		fake_start(&f, NO_FAULT, 0, 0);
		client_set_sharing(f.c, &sharing, &f);
		f.shrinks = source;
		c = new_copy(&f, true);
		CHECK_INT(copy_add(c, source, "/f0", NULL), 0);
		CHECK_INT(run(&f, c, NULL), 0);
		CHECK_INT(copy_failures(c), 1);
		CHECK(strstr(buf_text(&told.text),
			  "became shorter while it was read: 300000 of") !=
		      NULL);
		CHECK_INT(f.cut, 300000);
		copy_free(c);
		free(bytes);
		free(source);
		fake_stop(&f);
	}
}

/* ---- servers that lie ---- */

static void
check_refused(enum fault fault, const char *sentence)
{
	struct fake f;
	struct error e = { 0 };
	uint64_t failures;

	fake_start(&f, fault, 10, 1000);
	CHECK(get_tree(&f, &e, &failures) < 0);
	CHECK(failures > 0);
	CHECK(strstr(e.text, sentence) != NULL);
	CHECK(client_is_over(f.c));
	fake_stop(&f);
}

TEST(lies_end_the_channel)
{
	check_refused(WRONG_ID, "data that nobody asked for");
	check_refused(TOO_MUCH_DATA, "more data than was asked for");
	check_refused(OTHER_KIND, "another kind than was asked for");
	check_refused(OPEN_OK, "a status of success where more was asked for");
}

static void
check_folder_refused(enum fault fault, const char *sentence)
{
	struct fake f;
	uint64_t failures;
	char *outside = local("f1");

	fake_start(&f, fault, 10, 1000);
	CHECK_INT(get_tree(&f, NULL, &failures), 0);
	CHECK(failures > 0);
	CHECK(strstr(buf_text(&told.text), sentence) != NULL);
	CHECK(access(outside, F_OK) != 0);
	free(outside);
	fake_stop(&f);
}

TEST(names_that_lead_out_of_the_target_are_refused)
{
	check_folder_refused(NAME_WITH_SLASH,
	    "remote readdir \"/tree\": the server sent \"../f1\" as a name");
}

TEST(lists_of_no_names_are_refused)
{
	check_folder_refused(EMPTY_NAMES, "a list of no names");
}

TEST(dots_among_the_names_are_left_out)
{
	check_get(NAME_DOTS, 10, 1000, 10);
}

/* ---- ends in the middle ---- */

TEST(the_connection_may_end_at_any_round)
{
	for (unsigned cut = 0; cut < 12; cut++) {
		struct fake f;
		struct copy *c;
		char *target = text_format("%s/cut%u", unit_scratch(), cut);

		fake_start(&f, NO_FAULT, 120, 20000);
		c = new_copy(&f, false);
		CHECK_INT(copy_add(c, "/tree", target, NULL), 0);
		copy_step(c);
		for (unsigned i = 0; i < cut && !copy_is_done(c); i++)
			CHECK_INT(round_trip(&f, c, NULL), 0);
		client_end(f.c);
		copy_step(c);
		client_end(f.c);
		copy_step(c);
		CHECK(copy_is_done(c));
		CHECK(cut > 4 || copy_failures(c) > 0);
		copy_free(c);
		free(target);
		fake_stop(&f);
	}
}

TEST(a_copy_may_be_cancelled_at_any_round_and_leaves_whole_beginnings)
{
	for (unsigned cut = 0; cut < 10; cut++) {
		struct fake f;
		struct copy *c;
		struct stat st;
		char *target = text_format("%s/cut%u", unit_scratch(), cut);
		char *path = text_format("%s/f0", target);

		fake_start(&f, cut % 2 ? REVERSED : NO_FAULT, 3, 3000000);
		c = new_copy(&f, false);
		CHECK_INT(copy_add(c, "/tree", target, NULL), 0);
		copy_step(c);
		for (unsigned i = 0; i < cut; i++)
			CHECK_INT(round_trip(&f, c, NULL), 0);
		copy_cancel(c);
		while (!copy_is_done(c))
			CHECK_INT(round_trip(&f, c, NULL), 0);
		check_closed(&f);
		if (stat(path, &st) == 0)
			check_file(path, 0, (uint64_t)st.st_size);
		copy_free(c);
		free(path);
		free(target);
		fake_stop(&f);
	}
}
