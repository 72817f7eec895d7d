/*
 * client.c - the channel: requests out, replies to their functions; the hello.
 * draft-ietf-secsh-filexfer-02 s3, s4, s7.
 */
#include "sftp/client.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/text.h"
#include "common/ipc/direct.h"

/* What is read at once: more would only leave the processor's cache. */
#define RECV_BYTES ((size_t)512 * 1024)
/* What was sent is dropped from the front in steps of this. */
#define SEND_DROP_MIN ((size_t)512 * 1024)

/* More slots than requests that callers may have unanswered: what they send
 * to clean up always finds one. */
#define REQUEST_SLOT_BITS DIRECT_SLOT_BITS
#define REQUEST_SLOTS     (1u << REQUEST_SLOT_BITS)

struct request {
	struct list link;
	uint32_t id;
	bool is_used;
	uint8_t expect; /* the reply's type where it is no failure */
	bool is_direct; /* a shared file's data */
	uint32_t limit; /* READ: most bytes of data */
	uint32_t moved; /* WRITE of a shared file: what it gave */
	int file_errno;
	uint64_t sent_us;
	client_reply_function *fn;
	void *context;
};

struct client {
	uint8_t *recv;
	struct sftp_input input;
	struct buf out; /* what waits, from out_start on */
	size_t out_start;

	struct request *slots;
	struct list requests; /* unanswered, in the order of sending */
	struct list unused;
	size_t unanswered;
	uint32_t generation;

	struct request *writing; /* from client_write_begin to _end */
	struct span write_handle;
	uint64_t write_offset;
	size_t write_at;

	bool has_version;
	bool is_ready;
	bool is_over;
	struct sftp_version version;
	struct sftp_limits limits;
	uint32_t read_max, write_max, handles_max;
	uint64_t now_us;
	uint64_t round_trip_us;
	struct error error; /* what ended the channel */

	const struct client_sharing *sharing; /* NULL: none are shared */
	void *sharing_context;
};

/* ---- slots of requests ---- */

static void
request_release(struct client *c, struct request *q)
{
	list_remove(&q->link);
	q->is_used = false;
	list_add_first(&c->unused, &q->link);
	c->unanswered--;
}

static struct request *
request_new(struct client *c, uint8_t expect)
{
	struct request *q;

	if (list_is_empty(&c->unused))
		return NULL;
	q = list_entry(c->unused.next, struct request, link);
	list_remove(&q->link);
	list_add_last(&c->requests, &q->link);
	/* The upper bits count, so that a late or invented reply meets no
	 * other request by chance. */
	q->id = ++c->generation << REQUEST_SLOT_BITS | (uint32_t)(q - c->slots);
	q->is_used = true;
	q->expect = expect;
	q->is_direct = false;
	q->limit = 0;
	q->file_errno = 0;
	q->sent_us = c->now_us;
	c->unanswered++;
	return q;
}

static struct request *
request_find(struct client *c, uint32_t id)
{
	struct request *q = &c->slots[id & (REQUEST_SLOTS - 1)];

	return q->is_used && q->id == id ? q : NULL;
}

/* ---- the end ---- */

static void
tell_loss(client_reply_function *fn, void *context)
{
	struct client_reply r = { .status = SSH_FX_CONNECTION_LOST };

	if (fn != NULL)
		fn(&r, context);
}

void
client_end(struct client *c)
{
	c->is_over = true;
	while (!list_is_empty(&c->requests)) {
		struct request *q =
		    list_entry(c->requests.next, struct request, link);
		client_reply_function *fn = q->fn;
		void *context = q->context;

		request_release(c, q);
		tell_loss(fn, context);
	}
}

static int
channel_error(struct client *c, struct error *e, int code, const char *text)
{
	error_set(
	    &c->error, code, "the server does not keep to SFTP: %s", text);
	if (e != NULL)
		*e = c->error;
	client_end(c);
	return code;
}

/* ---- the hello ---- */

static uint32_t
bounded(uint64_t told, uint32_t most, uint32_t otherwise)
{
	if (told == 0)
		return otherwise;
	return told < most ? (uint32_t)told : most;
}

static void
on_limits(const struct client_reply *r, void *context)
{
	struct client *c = context;

	c->is_ready = true;
	if (r->status != SSH_FX_OK ||
	    sftp_limits_read(r->body, &c->limits) != 0)
		return;
	c->read_max =
	    bounded(c->limits.read, CLIENT_BLOCK_MAX, CLIENT_BLOCK_PLAIN);
	c->write_max =
	    bounded(c->limits.write, CLIENT_BLOCK_MAX, CLIENT_BLOCK_PLAIN);
	c->handles_max =
	    bounded(c->limits.handles, CLIENT_REQUESTS_MAX, c->handles_max);
}

static int
on_version(struct client *c, const struct sftp_event *p, struct error *e)
{
	struct sftp_request limits = { .kind = SFTP_LIMITS };

	if (p->type != SSH_FXP_VERSION)
		return channel_error(
		    c, e, ERR_FORMAT, "its first message is not its version");
	if (sftp_version_read(p->body, &c->version) != 0)
		return channel_error(
		    c, e, ERR_FORMAT, "its version message is malformed");
	/* s4: the server answers with the lower of both versions. */
	if (c->version.version > SFTP_VERSION)
		return channel_error(
		    c, e, ERR_FORMAT, "it chose a version that nobody offered");
	c->has_version = true;
	if (client_has(c, SFTP_LIMITS))
		client_request(c, &limits, on_limits, c);
	else
		c->is_ready = true;
	return 0;
}

/* ---- replies ---- */

static void
note_latency(struct client *c, uint64_t latency_us)
{
	if (latency_us == 0)
		latency_us = 1;
	if (c->round_trip_us == 0 || latency_us < c->round_trip_us)
		c->round_trip_us = latency_us;
}

static const char *
parse_status(
    const struct request *q, struct span body, struct client_reply *ret)
{
	struct sftp_status s;

	if (sftp_status_read(body, &s) != 0)
		return "a malformed status";
	if (s.code == SSH_FX_OK && q->expect != SSH_FXP_STATUS)
		return "a status of success where more was asked for";
	ret->status = s.code;
	ret->text = s.message;
	return NULL;
}

/* Reads what the type says; NULL, or what is wrong. */
static const char *
parse_reply(const struct request *q, const struct sftp_event *p,
    struct client_reply *ret)
{
	if (p->type == SSH_FXP_STATUS)
		return parse_status(q, p->body, ret);
	if (p->type != q->expect)
		return "a reply of another kind than was asked for";
	ret->body = p->body;
	if (p->type == SSH_FXP_HANDLE &&
	    sftp_handle_read(p->body, &ret->body) != 0)
		return "a malformed handle";
	return NULL;
}

static int
finish_request(struct client *c, struct request *q, struct client_reply *r)
{
	client_reply_function *fn = q->fn;
	void *context = q->context;

	if (q->is_direct && q->expect == SSH_FXP_STATUS) {
		r->is_direct = true;
		r->moved = q->moved;
		r->file_errno = q->file_errno;
	}
	r->latency_us = c->now_us - q->sent_us;
	note_latency(c, r->latency_us);
	request_release(c, q);
	if (fn != NULL)
		fn(r, context);
	return 0;
}

static int
on_reply(struct client *c, const struct sftp_event *p, struct error *e)
{
	struct client_reply r = { .status = SSH_FX_OK };
	struct request *q = request_find(c, p->id);
	const char *wrong =
	    q != NULL ? parse_reply(q, p, &r) : "a reply to no request of ours";

	if (wrong != NULL)
		return channel_error(c, e, ERR_FORMAT, wrong);
	return finish_request(c, q, &r);
}

/* What whoever carries our bytes tells of a shared file. */
static int
on_direct(struct client *c, const struct sftp_event *p, struct error *e)
{
	struct client_reply reply = { .status = SSH_FX_OK, .is_direct = true };
	struct request *q = request_find(c, p->id);
	bool is_placed = p->type == DIRECT_PLACED;
	struct reader r = reader_of(p->body);
	uint32_t count = read_uint32(&r);
	int file_errno = (int)read_uint32(&r);

	if (q == NULL || !q->is_direct || read_end(&r) != 0 ||
	    q->expect != (is_placed ? SSH_FXP_DATA : SSH_FXP_STATUS) ||
	    count > q->limit || (is_placed && count == 0))
		return channel_error(c, e, ERR_FORMAT,
		    "a message about a file that nobody shared");
	if (!is_placed) {
		q->moved = count;
		q->file_errno = file_errno;
		return 0;
	}
	reply.total = reply.moved = count;
	reply.file_errno = file_errno;
	return finish_request(c, q, &reply);
}

/* A piece of DATA. */
static int
on_data(struct client *c, const struct sftp_event *p, struct error *e)
{
	struct client_reply r = { .status = SSH_FX_OK,
		.body = p->piece,
		.total = p->total,
		.done = p->done };
	struct request *q = request_find(c, p->id);

	if (q == NULL || q->expect != SSH_FXP_DATA)
		return channel_error(
		    c, e, ERR_FORMAT, "data that nobody asked for");
	if (p->total > q->limit)
		return channel_error(
		    c, e, ERR_FORMAT, "more data than was asked for");
	if (p->total == 0)
		return channel_error(
		    c, e, ERR_FORMAT, "an answer of no data to a READ");
	if (p->done + p->piece.len == p->total)
		return finish_request(c, q, &r);
	if (q->fn != NULL)
		q->fn(&r, q->context);
	return 0;
}

/* A login script that prints something is by far the most frequent cause. */
static const char *
input_error(const struct client *c, int code)
{
	if (!c->has_version)
		return "its first bytes are no SFTP message (does a start-up "
		       "script of the login print something?)";
	return code == ERR_LIMIT ? "a message that is too long"
				 : "a malformed message";
}

uint8_t *
client_recv_space(struct client *c, size_t *ret_len)
{
	*ret_len = RECV_BYTES;
	return c->recv;
}

static int
take(struct client *c, struct span data, struct error *e)
{
	struct sftp_event p;
	int r;

	while (!c->is_over) {
		if ((r = sftp_input_next(&c->input, &data, &p)) != 0)
			return channel_error(c, e, r, input_error(c, r));
		if (p.event == SFTP_INPUT_NEED)
			return 0;
		if (!c->has_version)
			r = on_version(c, &p, e);
		else if (p.event == SFTP_INPUT_BULK)
			r = on_data(c, &p, e);
		else if (p.type == DIRECT_PLACED || p.type == DIRECT_SHORT)
			r = on_direct(c, &p, e);
		else
			r = on_reply(c, &p, e);
		if (r != 0)
			return r;
	}
	return error_set(e, ERR_CLOSED, "Connection closed");
}

int
client_received(struct client *c, size_t n, uint64_t now_us, struct error *e)
{
	c->now_us = now_us;
	if (c->error.code != 0) {
		if (e != NULL)
			*e = c->error;
		return c->error.code;
	}
	return take(c, span_of(c->recv, n), e);
}

/* ---- requests ---- */

/* What answers a request that does not fail: s7, OpenSSH's PROTOCOL. */
static uint8_t
expected(enum sftp_kind kind)
{
	switch (kind) {
	case SFTP_OPEN:
	case SFTP_OPENDIR:
		return SSH_FXP_HANDLE;
	case SFTP_READ:
		return SSH_FXP_DATA;
	case SFTP_READDIR:
	case SFTP_REALPATH:
	case SFTP_READLINK:
	case SFTP_EXPAND_PATH:
	case SFTP_HOME_DIRECTORY:
		return SSH_FXP_NAME;
	case SFTP_STAT:
	case SFTP_LSTAT:
	case SFTP_FSTAT:
		return SSH_FXP_ATTRS;
	case SFTP_STATVFS:
	case SFTP_FSTATVFS:
	case SFTP_LIMITS:
	case SFTP_USERS_GROUPS:
	case SFTP_CHECK_HANDLE:
	case SFTP_CHECK_NAME:
	case SFTP_CHECK_FILE:
	case SFTP_SPACE_AVAILABLE:
		return SSH_FXP_EXTENDED_REPLY;
	default:
		return SSH_FXP_STATUS;
	}
}

/* Without memory what waits is not whole: nothing of it can be sent. Whoever
 * asked is told by client_end(). */
static void
check_output(struct client *c)
{
	if (buf_error(&c->out) == 0)
		return;
	buf_clear(&c->out);
	c->out_start = 0;
	error_set(&c->error, ERR_MEMORY, "out of memory");
	c->is_over = true;
}

/* The slot of a request that is to be written; NULL: it will not be. */
static struct request *
request_begin(struct client *c, uint8_t expect, uint32_t limit,
    client_reply_function *fn, void *context)
{
	struct request *slot = request_new(c, expect);

	if (slot == NULL) {
		c->is_over = true;
		tell_loss(fn, context);
		return NULL;
	}
	slot->fn = fn;
	slot->context = context;
	slot->limit = limit;
	return c->is_over ? NULL : slot;
}

void
client_request(struct client *c, const struct sftp_request *q,
    client_reply_function *fn, void *context)
{
	struct request *slot =
	    request_begin(c, expected(q->kind), q->count, fn, context);
	struct sftp_request request = *q;

	if (slot == NULL)
		return;
	request.id = slot->id;
	sftp_request_write(&c->out, &request);
	check_output(c);
}

uint8_t *
client_write_begin(
    struct client *c, struct span handle, uint64_t offset, uint32_t len)
{
	uint8_t *data;

	if (c->is_over || list_is_empty(&c->unused))
		return NULL;
	c->write_at = c->out.len;
	c->write_handle = handle;
	c->write_offset = offset;
	data = buf_reserve(&c->out, SFTP_WRITE_HEAD(handle.len) + (size_t)len);
	if (data == NULL) {
		check_output(c);
		return NULL;
	}
	return data + SFTP_WRITE_HEAD(handle.len);
}

void
client_write_end(
    struct client *c, uint32_t len, client_reply_function *fn, void *context)
{
	struct request *slot;

	if (len == 0)
		return;
	slot = request_new(c, SSH_FXP_STATUS);
	if (slot == NULL)
		return; /* client_write_begin has looked */
	slot->fn = fn;
	slot->context = context;
	/* The data lies behind already; the room is there. */
	sftp_write_head(
	    &c->out, slot->id, c->write_handle, c->write_offset, len);
	buf_extend(&c->out, len);
}

/* ---- shared files ---- */

void
client_set_sharing(
    struct client *c, const struct client_sharing *sharing, void *context)
{
	c->sharing = sharing;
	c->sharing_context = context;
}

bool
client_share_file(struct client *c, int fd, uint32_t *ret_number)
{
	return c->sharing != NULL && !c->is_over &&
	       c->sharing->share(fd, ret_number, c->sharing_context);
}

void
client_forget_file(struct client *c, uint32_t number)
{
	size_t mark;

	c->sharing->forget(c->sharing_context);
	if (c->is_over)
		return;
	mark = sftp_packet_begin(&c->out, DIRECT_FORGET, 0);
	write_uint32(&c->out, number);
	sftp_packet_end(&c->out, mark);
	check_output(c);
}

static void
request_direct(struct client *c, enum direct_type type, uint8_t expect,
    const struct sftp_request *q, uint32_t file, uint64_t file_offset,
    client_reply_function *fn, void *context)
{
	struct request *slot = request_begin(c, expect, q->count, fn, context);
	size_t mark;

	if (slot == NULL)
		return;
	slot->is_direct = true;
	slot->moved = q->count;
	mark = sftp_packet_begin(&c->out, (uint8_t)type, slot->id);
	write_string(&c->out, q->handle);
	write_uint64(&c->out, q->offset);
	write_uint32(&c->out, q->count);
	write_uint32(&c->out, file);
	write_uint64(&c->out, file_offset);
	sftp_packet_end(&c->out, mark);
	check_output(c);
}

void
client_read_file(struct client *c, const struct sftp_request *q, uint32_t file,
    uint64_t file_offset, client_reply_function *fn, void *context)
{
	request_direct(
	    c, DIRECT_READ, SSH_FXP_DATA, q, file, file_offset, fn, context);
}

void
client_write_file(struct client *c, const struct sftp_request *q, uint32_t file,
    uint64_t file_offset, client_reply_function *fn, void *context)
{
	request_direct(
	    c, DIRECT_WRITE, SSH_FXP_STATUS, q, file, file_offset, fn, context);
}

/* ---- what waits to be sent ---- */

struct span
client_pending(const struct client *c)
{
	return span_of(c->out.data + c->out_start, c->out.len - c->out_start);
}

void
client_sent(struct client *c, size_t n)
{
	c->out_start += n;
	if (c->out_start == c->out.len) {
		c->out.len = c->out_start = 0;
	} else if (c->out_start >= SEND_DROP_MIN) {
		buf_consume(&c->out, c->out_start);
		c->out_start = 0;
	}
}

void
client_set_time(struct client *c, uint64_t now_us)
{
	c->now_us = now_us;
}

/* ---- what was agreed ---- */

bool
client_is_over(const struct client *c)
{
	return c->is_over;
}

bool
client_is_ready(const struct client *c)
{
	return c->is_ready && !c->is_over;
}

uint32_t
client_version(const struct client *c)
{
	return c->version.version;
}

bool
client_has(const struct client *c, enum sftp_kind kind)
{
	return sftp_version_has(&c->version, kind);
}

uint32_t
client_read_max(const struct client *c)
{
	return c->read_max;
}

uint32_t
client_write_max(const struct client *c)
{
	return c->write_max;
}

uint32_t
client_handles_max(const struct client *c)
{
	return c->handles_max;
}

const struct sftp_limits *
client_limits(const struct client *c)
{
	return &c->limits;
}

uint64_t
client_round_trip_us(const struct client *c)
{
	return c->round_trip_us;
}

size_t
client_unanswered(const struct client *c)
{
	return c->unanswered;
}

bool
client_can_request(const struct client *c)
{
	return c->unanswered < CLIENT_REQUESTS_MAX;
}

/* ---- texts ---- */

const char *
client_status_words(uint32_t status)
{
	switch (status) {
	case SSH_FX_OK:
		return "No error";
	case SSH_FX_NO_SUCH_FILE:
		return "No such file or directory";
	default:
		return sftp_status_text(status);
	}
}

char *
client_status_text(const struct client_reply *r)
{
	const char *words = client_status_words(r->status);
	struct buf text = BUF_INIT;

	buf_printf(&text, "%s", words);
	/* Most servers only repeat the code's name. */
	if (r->status == SSH_FX_FAILURE && r->text.len > 0 &&
	    !span_is(r->text, words) && r->text.len < 512) {
		buf_printf(&text, ": ");
		text_escape(&text, r->text, false);
	}
	return buf_take_text(&text);
}

/* ---- life ---- */

struct client *
client_new(void)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	list_init(&c->requests);
	list_init(&c->unused);
	sftp_input_init(&c->input, SSH_FXP_DATA, CLIENT_PACKET_MAX);
	c->recv = malloc(RECV_BYTES);
	c->slots = calloc(REQUEST_SLOTS, sizeof(*c->slots));
	sftp_init_write(&c->out);
	if (c->recv == NULL || c->slots == NULL || buf_error(&c->out) != 0) {
		client_free(c);
		return NULL;
	}
	for (size_t i = 0; i < REQUEST_SLOTS; i++)
		list_add_last(&c->unused, &c->slots[i].link);
	c->read_max = c->write_max = CLIENT_BLOCK_PLAIN;
	c->handles_max = CLIENT_HANDLES_PLAIN;
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	sftp_input_release(&c->input);
	free(c->recv);
	free(c->slots);
	buf_release(&c->out);
	free(c);
}
