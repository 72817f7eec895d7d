/*
 * sftp_client_fuzz.c - a server of any bytes against the client: copies of a
 * tree both ways, a listing, single requests.
 *
 * Input: a byte that says what is done, then chunks: what the server sends
 * next. A chunk's packets get the id of a request that waits where they ask
 * for it (their id's first byte is 0xff: the n-th unanswered one), so that
 * the fuzzer gets past the check of ids. No file is touched: the local end
 * only remembers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sftp/client_copy.h"
#include "sftp/client_list.h"
#include "tests/fuzz/fuzz.h"

#define IDS_MAX 256

struct world {
	struct client *c;
	struct sftp_input requests; /* what the client sends, for their ids */
	uint32_t ids[IDS_MAX];
	size_t ids_count;
	struct copy *copy;
	uint64_t now_us;
	int files_open;
	bool is_listing;
};

/* ---- local files that are none ---- */

static void
check_path(const char *path)
{
	/* Whatever the server calls its files, they stay in the target. */
	REQUIRE(strncmp(path, "T", 1) == 0);
	REQUIRE(strstr(path, "/../") == NULL);
	REQUIRE(
	    strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static int
null_stat(void *context, const char *path, bool follow, struct stat *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->st_mode =
	    strchr(path, 'd') != NULL ? S_IFDIR | 0755 : S_IFREG | 0644;
	ret->st_size = 70000;
	return path[0] == 'T' ? ENOENT : 0;
}

static int
null_list(void *context, const char *path, struct strings *ret)
{
	if (strlen(path) > 8)
		return 0;
	return strings_add(ret, "d") == 0 && strings_add(ret, "f") == 0
		   ? 0
		   : ENOMEM;
}

static int
null_open_read(void *context, const char *path, int *ret_fd, struct stat *ret)
{
	struct world *w = context;

	*ret_fd = ++w->files_open;
	return null_stat(context, "f", true, ret);
}

static int
null_open_write(
    void *context, const char *path, int flags, mode_t mode, int *ret_fd)
{
	struct world *w = context;

	check_path(path);
	*ret_fd = ++w->files_open;
	return 0;
}

static int
null_read(void *context, int fd, uint64_t offset, void *to, size_t len,
    size_t *ret_got)
{
	memset(to, 'x', len);
	*ret_got = len;
	return 0;
}

static int
null_write(void *context, int fd, uint64_t offset, struct span data)
{
	REQUIRE(fd > 0);
	return data.len > 0 && data.ptr[0] == 'E' ? ENOSPC : 0;
}

static int
null_truncate(void *context, int fd, uint64_t size)
{
	return 0;
}

static int
null_fd(void *context, int fd)
{
	return 0;
}

static int
null_close(void *context, int fd)
{
	REQUIRE(fd > 0);
	return 0;
}

static int
null_set_mode(void *context, int fd, const char *path, mode_t mode)
{
	return 0;
}

static int
null_set_times(
    void *context, int fd, const char *path, time_t atime, time_t mtime)
{
	return 0;
}

static int
null_make_directory(void *context, const char *path, mode_t mode)
{
	check_path(path);
	return 0;
}

static int
null_rename(void *context, const char *from, const char *to)
{
	check_path(from);
	check_path(to);
	return 0;
}

static int
null_remove(void *context, const char *path)
{
	check_path(path);
	return 0;
}

/* ---- the client's side ---- */

static void
forget_sent(struct world *w)
{
	struct span data = client_pending(w->c);
	size_t len = data.len;
	struct sftp_event e;

	/* What we send is well formed. */
	for (;;) {
		REQUIRE(sftp_input_next(&w->requests, &data, &e) == 0);
		if (e.event == SFTP_INPUT_NEED)
			break;
		if (w->ids_count < IDS_MAX &&
		    (e.event != SFTP_INPUT_BULK || e.done == 0))
			w->ids[w->ids_count++] = e.id;
	}
	client_sent(w->c, len);
}

/* The id of each packet of the chunk that asks for it. */
static void
put_ids(const struct world *w, uint8_t *data, size_t len)
{
	size_t at = 0;

	while (len - at >= 9) {
		size_t size = (size_t)data[at] << 24 |
			      (size_t)data[at + 1] << 16 |
			      (size_t)data[at + 2] << 8 | data[at + 3];
		uint8_t *id = data + at + 5;

		if (id[0] == 0xff && w->ids_count > 0) {
			uint32_t v = w->ids[id[3] % w->ids_count];

			id[0] = (uint8_t)(v >> 24);
			id[1] = (uint8_t)(v >> 16);
			id[2] = (uint8_t)(v >> 8);
			id[3] = (uint8_t)v;
		}
		if (size > len - at - 4)
			break;
		at += 4 + size;
	}
}

static bool
feed(struct world *w, struct span chunk)
{
	size_t room;
	uint8_t *to = client_recv_space(w->c, &room);

	if (chunk.len > room)
		chunk.len = room;
	if (chunk.len > 0)
		memcpy(to, chunk.ptr, chunk.len);
	put_ids(w, to, chunk.len);
	w->now_us += 10000;
	return client_received(w->c, chunk.len, w->now_us, NULL) == 0;
}

static void
on_entry(const struct sftp_name *entry, void *context)
{
	REQUIRE(entry->name.len > 0);
	REQUIRE(memchr(entry->name.ptr, '/', entry->name.len) == NULL);
}

static void
on_list_end(int code, const struct error *e, void *context)
{
	struct world *w = context;

	w->is_listing = false;
}

static void
on_text(const char *text, void *context)
{
	REQUIRE(fuzz_is_printable(span_text(text), false));
}

static struct copy *
start_copy(struct world *w, const struct client_files *files, uint8_t what)
{
	struct copy_config config = {
		.files = files,
		.options = {
			.recursive = true,
			.preserve = what & 2,
			.resume = what & 4,
			.rehash = what & 8,
			.verify = what & 16,
			.atomic = what & 32,
			.follow_links = what & 64,
		},
		.events = { .failed = on_text, .notice = on_text },
	};
	struct copy *c;

	if (what & 1)
		config.source.client = w->c;
	else
		config.target.client = w->c;
	if ((c = copy_new(&config)) == NULL)
		abort();
	if (copy_add(c, "d", "T", NULL) != 0 ||
	    copy_add(c, "f", "T/f", NULL) != 0)
		abort();
	copy_step(c);
	return c;
}

static void
run(struct world *w, const struct client_files *files, struct reader *r)
{
	uint8_t what = fuzz_byte(r);
	struct client_list_owner owner = { on_entry, on_list_end, true, w };

	forget_sent(w);
	while (!client_is_ready(w->c))
		if (r->len == 0 || !feed(w, fuzz_chunk(r)))
			return;
	if (what & 128) {
		w->is_listing = true;
		if (client_list_start(w->c, "d", &owner) == NULL)
			abort();
	}
	w->copy = start_copy(w, files, what);
	while (r->len > 0) {
		forget_sent(w);
		if (!feed(w, fuzz_chunk(r)))
			break;
		copy_step(w->copy);
		if (fuzz_byte(r) == 0xee)
			copy_cancel(w->copy);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { 0 };
	struct client_files files = { null_stat, null_list, null_open_read,
		null_open_write, null_read, null_write, null_truncate, null_fd,
		null_close, null_set_mode, null_set_times, null_make_directory,
		null_rename, null_remove, &w };
	struct reader r = reader_of(span_of(data, size));

	if ((w.c = client_new()) == NULL)
		abort();
	sftp_input_init(&w.requests, SSH_FXP_WRITE, SFTP_PACKET_MAX * 4);
	run(&w, &files, &r);
	/* Whatever happened: everything comes to its end. */
	client_end(w.c);
	for (int i = 0; w.copy != NULL && i < 4; i++) {
		copy_step(w.copy);
		client_end(w.c);
	}
	REQUIRE(w.copy == NULL || copy_is_done(w.copy));
	REQUIRE(!w.is_listing);
	copy_free(w.copy);
	client_free(w.c);
	sftp_input_release(&w.requests);
	return 0;
}

/* ---- seeds: servers that answer as they should ---- */

static void
seed_packet(struct buf *seed, struct buf *packet, unsigned waiting)
{
	if (packet->data[4] != SSH_FXP_VERSION) {
		packet->data[5] = 0xff;
		packet->data[8] = (uint8_t)waiting;
	}
	fuzz_put_chunk(seed, buf_span(packet));
	if (packet->data[4] != SSH_FXP_VERSION)
		write_byte(seed, 0);
	buf_release(packet);
}

static void
seed_get(const char *name, uint8_t what)
{
	struct buf seed = BUF_INIT, p = BUF_INIT;
	struct sftp_attrs folder = { .flags = SSH_FILEXFER_ATTR_PERMISSIONS |
					      SSH_FILEXFER_ATTR_SIZE,
		.permissions = S_IFDIR | 0755 };
	struct sftp_name entry = { .name = span_text("f"),
		.attrs = { .flags = SSH_FILEXFER_ATTR_PERMISSIONS |
				    SSH_FILEXFER_ATTR_SIZE,
		    .permissions = S_IFREG | 0644,
		    .size = 5 } };
	struct sftp_names names;
	uint8_t head[SFTP_DATA_HEAD];

	write_byte(&seed, what);
	sftp_version_write(&p, ~(uint64_t)0);
	seed_packet(&seed, &p, 0);
	sftp_attrs_answer_write(&p, 0, &folder);
	seed_packet(&seed, &p, 1);
	sftp_handle_write(&p, 0, span_text("h"));
	seed_packet(&seed, &p, 3);
	names = sftp_names_begin(&p, 0);
	sftp_names_add(&p, &names, &entry);
	sftp_names_end(&p, &names);
	seed_packet(&seed, &p, 4);
	sftp_handle_write(&p, 0, span_text("g"));
	seed_packet(&seed, &p, 5);
	sftp_data_head(head, 0, 5);
	write_bytes(&p, head, sizeof(head));
	write_bytes(&p, "hello", 5);
	seed_packet(&seed, &p, 6);
	sftp_status_write(&p, 0, SSH_FX_EOF, "");
	seed_packet(&seed, &p, 7);
	fuzz_seed(name, buf_span(&seed));
	buf_release(&seed);
}

static void
seed_put(const char *name, uint8_t what)
{
	struct buf seed = BUF_INIT, p = BUF_INIT;

	write_byte(&seed, what);
	sftp_version_write(&p, 0);
	seed_packet(&seed, &p, 0);
	sftp_limits_write(&p, 0, &(struct sftp_limits){ 0, 100, 100, 9 });
	/* No copy runs before the limits are known. */
	p.data[5] = 0xff;
	p.data[8] = 1;
	fuzz_put_chunk(&seed, buf_span(&p));
	buf_release(&p);
	for (unsigned i = 2; i < 12; i++) {
		if (i % 3 == 0)
			sftp_handle_write(&p, 0, span_text("h"));
		else
			sftp_status_write(
			    &p, 0, i == 5 ? SSH_FX_FAILURE : SSH_FX_OK, "");
		seed_packet(&seed, &p, i);
	}
	fuzz_seed(name, buf_span(&seed));
	buf_release(&seed);
}

void
fuzz_seeds(void)
{
	seed_get("get", 1);
	seed_get("get-preserve-verify", 1 | 2 | 16);
	seed_get("get-resume-list", 1 | 4 | 128);
	seed_put("put", 0);
	seed_put("put-atomic-verify", 2 | 16 | 32);
	seed_put("put-rehash", 8);
}
