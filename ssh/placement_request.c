/*
 * placement_request.c - the program's messages, on their way to the server.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "common/base/log.h"
#include "ssh/parent.h"
#include "ssh/placement_impl.h"

#define PACKETS_MAX 16

/* The longest message of ours: the fields of DIRECT_WRITE. */
#define MESSAGE_MAX (FRAME + 4 + HANDLE_MAX + 8 + 4 + 4 + 8)

static struct span
waiting(const struct placement *p)
{
	return span_of(p->requests.data + p->taken, p->requests.len - p->taken);
}

static void
take(struct placement *p, size_t n)
{
	p->taken += n;
	if (p->taken == p->requests.len) {
		buf_clear(&p->requests);
		p->taken = 0;
	} else if (p->taken > PLACEMENT_REQUESTS_MAX / 2) {
		buf_consume(&p->requests, p->taken);
		p->taken = 0;
	}
}

void
placement_stop_input(struct placement *p)
{
	watch_free(p->in_watch);
	p->in_watch = NULL;
	descriptor_release(&p->in, false);
}

/* ---- what the server gets ---- */

/* Fills what is left of a WRITE's data, where the file has no more. */
static void
fill_with_zeros(const struct iovec *room, size_t count, size_t from)
{
	for (size_t i = 0; i < count; i++) {
		size_t skip = from < room[i].iov_len ? from : room[i].iov_len;

		memset((uint8_t *)room[i].iov_base + skip, 0,
		    room[i].iov_len - skip);
		from -= skip;
	}
}

static void
note_short(struct placement *p, uint32_t got, int error)
{
	if (p->is_short)
		return;
	p->is_short = true;
	placement_tell(
	    p, DIRECT_SHORT, p->data.id, p->data_sent + got, error);
}

/* The file's next bytes, into all of these rooms. */
static void
read_file(struct placement *p, const struct iovec *room, size_t count)
{
	int fd = parent_file(p->data.file);
	struct iovec rest[PACKETS_MAX];
	size_t len = 0, got = 0;
	ssize_t n = 1;

	for (size_t i = 0; i < count; i++)
		len += room[i].iov_len;
	while (!p->is_short && got < len && n > 0) {
		size_t skip = got, k = 0;

		for (size_t i = 0; i < count; i++) {
			size_t drop =
			    skip < room[i].iov_len ? skip : room[i].iov_len;

			skip -= drop;
			if (drop < room[i].iov_len)
				rest[k++] = (struct iovec){
					(uint8_t *)room[i].iov_base + drop,
					room[i].iov_len - drop
				};
		}
		n = preadv(fd, rest, (int)k,
		    (off_t)(p->data.offset + p->data_sent + got));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			got += (size_t)n;
	}
	if (got == len)
		return;
	note_short(p, (uint32_t)got, n < 0 ? errno : 0);
	fill_with_zeros(room, count, got);
}

/* Cuts the rooms to `want` bytes in all, takes the head's part off the first
 * one, and leaves what the file fills. */
static size_t
divide(struct placement *p, const struct iovec *room, size_t count, size_t want,
    struct iovec *ret_data, size_t *ret_count)
{
	size_t used = 0, head = p->head_len - p->head_sent;

	*ret_count = 0;
	for (size_t i = 0; i < count && used < want; i++) {
		uint8_t *at = room[i].iov_base;
		size_t len = room[i].iov_len;

		if (len > want - used)
			len = want - used;
		used += len;
		if (head > 0) {
			size_t n = head < len ? head : len;

			memcpy(at, p->head + p->head_len - head, n);
			head -= n;
			at += n;
			len -= n;
		}
		if (len > 0)
			ret_data[(*ret_count)++] = (struct iovec){ at, len };
	}
	return used;
}

/* More of the message that was begun. False: there is no room. */
static bool
send_more(struct placement *p)
{
	struct iovec room[PACKETS_MAX], data[PACKETS_MAX];
	size_t head = p->head_len - p->head_sent;
	size_t count = channel_read_begin(
	    p->channel, CHANNEL_STREAM_DATA, room, PACKETS_MAX);
	size_t used, data_count;

	if (count == 0)
		return false;
	used = divide(p, room, count, head + p->data.count, data, &data_count);
	if (data_count > 0)
		read_file(p, data, data_count);
	/* What fails is the transport, whose owner is told. */
	if (channel_read_commit(
		p->channel, CHANNEL_STREAM_DATA, room, used) != 0)
		return false;
	if (used < head) {
		p->head_sent += used;
		return true;
	}
	p->head_sent = p->head_len;
	p->data_sent += (uint32_t)(used - head);
	p->data.count -= (uint32_t)(used - head);
	return true;
}

static bool
is_sending(const struct placement *p)
{
	return p->head_sent < p->head_len || p->data.count > 0;
}

/* ---- messages of ours ---- */

static void
begin(struct placement *p, uint8_t type, uint32_t id, struct span handle,
    uint64_t offset, uint32_t count)
{
	size_t fields = 1 + 4 + 4 + handle.len + 8 + 4;
	struct buf b = BUF_INIT;

	write_uint32(&b,
	    (uint32_t)fields + (type == SSH_FXP_WRITE ? count : 0));
	write_byte(&b, type);
	write_uint32(&b, id);
	write_string(&b, handle);
	write_uint64(&b, offset);
	write_uint32(&b, count);
	p->head_len = p->head_sent = 0;
	p->data.count = 0;
	if (buf_error(&b) == 0) {
		memcpy(p->head, b.data, b.len);
		p->head_len = b.len;
	} else {
		placement_refuse(p, id);
	}
	buf_release(&b);
}

static void
expect(struct placement *p, enum record_kind kind, const struct record *asked)
{
	struct record *r = &p->records[asked->id & ((1u << DIRECT_SLOT_BITS) - 1)];

	if (r->kind != RECORD_NONE)
		placement_record_drop(p, r);
	*r = *asked;
	r->kind = kind;
	p->under_way += r->count;
}

static void
on_transfer(struct placement *p, uint8_t type, struct reader *r)
{
	struct record asked = { .kind = RECORD_NONE };
	uint64_t remote_offset;
	struct span handle;
	bool has_file;

	asked.id = read_uint32(r);
	handle = read_string_max(r, HANDLE_MAX);
	remote_offset = read_uint64(r);
	asked.count = read_uint32(r);
	asked.file = read_uint32(r);
	asked.offset = read_uint64(r);
	if (p->is_abandoned)
		return;
	has_file = read_error(r) == 0 && parent_file(asked.file) >= 0;
	if (read_end(r) != 0 || (!has_file && type == DIRECT_WRITE)) {
		log_debug1("placement: a request that cannot be done");
		placement_refuse(p, asked.id);
		return;
	}
	if (type == DIRECT_READ) {
		begin(p, SSH_FXP_READ, asked.id, handle, remote_offset,
		    asked.count);
		/* Without the file the program gets the data itself. */
		if (has_file && is_sending(p))
			expect(p, RECORD_READ, &asked);
		return;
	}
	begin(p, SSH_FXP_WRITE, asked.id, handle, remote_offset, asked.count);
	if (!is_sending(p))
		return;
	expect(p, RECORD_WRITE, &asked);
	p->data = asked;
	p->data_sent = 0;
	p->is_short = false;
}

static void
on_own_message(struct placement *p, struct span message)
{
	struct reader r = reader_of(message);
	uint8_t type;

	(void)read_uint32(&r);
	type = read_byte(&r);
	if (type == DIRECT_READ || type == DIRECT_WRITE) {
		on_transfer(p, type, &r);
		return;
	}
	(void)read_uint32(&r);
	if (type == DIRECT_FORGET)
		parent_forget_file(read_uint32(&r));
}

/* ---- one message after the other ---- */

/* Bytes that are the program's own to the server. */
static enum stop
pass_on(struct placement *p)
{
	struct span data = waiting(p);
	size_t taken = 0;

	if (data.len == 0)
		return STOP_INPUT;
	if (data.len > p->pass_left)
		data.len = p->pass_left;
	/* What fails is the transport, whose owner is told. */
	if (channel_write(p->channel, CHANNEL_STREAM_DATA, data, &taken) != 0)
		return STOP_ROOM;
	take(p, taken);
	p->pass_left -= taken;
	return taken > 0 ? STOP_NOT : STOP_ROOM;
}

/* The message's length, all in all; 0: it is not known yet. */
static uint64_t
measure(struct span data, bool *ret_is_ours)
{
	struct reader r = reader_of(data);
	uint64_t len = (uint64_t)read_uint32(&r) + 4;
	uint8_t type = read_byte(&r);

	if (read_error(&r) != 0)
		return 0;
	*ret_is_ours = type >= DIRECT_TYPE_MIN && type <= DIRECT_TYPE_MAX &&
		       len <= MESSAGE_MAX;
	return len;
}

static enum stop
next_message(struct placement *p)
{
	struct span data = waiting(p);
	bool is_ours = false;
	uint64_t len = measure(data, &is_ours);

	if (is_ours) {
		if (data.len < len)
			return STOP_INPUT;
		on_own_message(p, span_of(data.ptr, (size_t)len));
		take(p, (size_t)len);
		return STOP_NOT;
	}
	/* At the end of the stream whatever there is goes out. */
	if (len == 0 && p->in_watch == NULL)
		len = data.len;
	if (len == 0)
		return STOP_INPUT;
	/* What follows goes along, up to a message of ours. */
	while (len != 0 && p->pass_left < data.len) {
		p->pass_left += (size_t)len;
		if (p->pass_left < data.len)
			len = measure(span_of(data.ptr + p->pass_left,
					  data.len - p->pass_left),
			    &is_ours);
		if (is_ours)
			break;
	}
	return STOP_NOT;
}

static void
send_eof(struct placement *p)
{
	if (p->in_watch != NULL || p->has_sent_eof || p->is_closed)
		return;
	p->has_sent_eof = true;
	/* A failure is the transport's, and its next user sees it too. */
	IGNORE_RESULT(channel_send_eof(p->channel) != 0);
}

void
placement_send(struct placement *p)
{
	if (p->channel == NULL || p->is_closed)
		return;
	do {
		if (is_sending(p))
			p->stop = send_more(p) ? STOP_NOT : STOP_ROOM;
		else if (p->pass_left > 0)
			p->stop = pass_on(p);
		else
			p->stop = next_message(p);
	} while (p->stop == STOP_NOT);
	if (p->stop == STOP_INPUT)
		send_eof(p);
}

void
placement_on_readable(struct watch *w, unsigned ready, void *context)
{
	struct placement *p = context;
	uint8_t *room = buf_reserve(&p->requests, PLACEMENT_REQUESTS_MAX);
	ssize_t n = room == NULL ? 0
				 : descriptor_read(&p->in, room,
				       PLACEMENT_REQUESTS_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n > 0) {
		buf_extend(&p->requests, (size_t)n);
	} else {
		p->is_abandoned = true;
		placement_stop_input(p);
	}
	placement_schedule(p);
}
