/*
 * placement_answer.c - the server's messages, on their way to the program or
 * into its files.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ssh/parent.h"
#include "ssh/placement_impl.h"

/* Longer ones are written at once, where they lie. */
#define SMALL_MAX ((size_t)4096)

/* Answers of data that has arrived wait for so long at most. */
#define TELL_US 1000

/* ---- out ---- */

static void
output_failed(struct placement *p, enum channel_stream stream)
{
	struct watch **w =
	    stream == CHANNEL_STREAM_DATA ? &p->out_watch : &p->err_watch;

	watch_free(*w);
	*w = NULL;
	if (stream == CHANNEL_STREAM_DATA) {
		buf_clear(&p->answers);
		p->is_blocked = false;
	}
	if (p->channel == NULL)
		return;
	channel_discard(p->channel, stream);
	/* A failure is the transport's, and its next user sees it too. */
	if (stream == CHANNEL_STREAM_DATA && !p->is_closed)
		IGNORE_RESULT(channel_send_eow(p->channel) != 0);
}

size_t
placement_write(
    struct placement *p, enum channel_stream stream, struct span data)
{
	bool is_data = stream == CHANNEL_STREAM_DATA;
	const struct descriptor *d = is_data ? &p->out : &p->err;
	size_t done = 0;

	if ((is_data ? p->out_watch : p->err_watch) == NULL)
		return data.len;
	while (done < data.len) {
		struct iovec iov = { (void *)(data.ptr + done),
			data.len - done };
		ssize_t n = descriptor_write(d, &iov, 1);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return done;
		if (n < 0) {
			output_failed(p, stream);
			return data.len;
		}
		done += (size_t)n;
	}
	return done;
}

void
placement_flush(struct placement *p)
{
	size_t done =
	    placement_write(p, CHANNEL_STREAM_DATA, buf_span(&p->answers));

	p->is_urgent = false;
	p->untold = 0;
	timer_cancel(p->tell);
	p->is_blocked = done < p->answers.len;
	if (done < p->answers.len)
		buf_consume(&p->answers, done);
	else
		buf_clear(&p->answers);
}

static void
write_soon(struct placement *p)
{
	p->is_urgent = true;
	placement_schedule(p);
}

/* A request for a file has its answer among those that wait. */
static void
write_in_time(struct placement *p, uint32_t count)
{
	p->untold += count;
	if (p->untold >= p->under_way)
		write_soon(p);
	else if (!p->is_urgent && !timer_is_set(p->tell))
		timer_set(p->tell, TELL_US);
}

void
placement_tell(struct placement *p, enum direct_type type, uint32_t id,
    uint32_t count, int error)
{
	write_uint32(&p->answers, FRAME - 4 + 4 + 4);
	write_byte(&p->answers, (uint8_t)type);
	write_uint32(&p->answers, id);
	write_uint32(&p->answers, count);
	write_uint32(&p->answers, (uint32_t)error);
}

void
placement_refuse(struct placement *p, uint32_t id)
{
	write_uint32(&p->answers, FRAME - 4 + 4 + 4 + 4);
	write_byte(&p->answers, SSH_FXP_STATUS);
	write_uint32(&p->answers, id);
	write_uint32(&p->answers, SSH_FX_FAILURE);
	write_text(&p->answers, "");
	write_text(&p->answers, "");
	write_soon(p);
}

/* ---- data for files ---- */

static void
placed(struct placement *p)
{
	placement_tell(p, DIRECT_PLACED, p->placing.id, p->placing.count,
	    p->placing_error);
	p->placing.kind = RECORD_NONE;
	write_in_time(p, p->placing.count);
}

static size_t
place(struct placement *p, struct span data)
{
	uint64_t at =
	    p->placing.offset + (p->placing.count - p->placing_left);
	int fd = parent_file(p->placing.file);
	size_t done = 0;
	ssize_t n;

	if (data.len > p->placing_left)
		data.len = p->placing_left;
	if (p->is_abandoned)
		p->placing_error = EPIPE;
	while (done < data.len && p->placing_error == 0) {
		n = pwrite(
		    fd, data.ptr + done, data.len - done, (off_t)(at + done));
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			p->placing_error = n == 0 ? ENOSPC : errno;
	}
	p->placing_left -= (uint32_t)data.len;
	if (p->placing_left == 0)
		placed(p);
	return data.len;
}

/* The DATA that answers a READ of a file, exactly as RFC and request say; any
 * other is the program's to judge. */
static bool
begin_placing(struct placement *p, struct record *r, uint64_t len)
{
	struct reader fields = reader_of(span_of(p->front, p->front_len));
	uint32_t count;

	(void)read_bytes(&fields, FRAME);
	count = read_uint32(&fields);
	if (count == 0 || count > r->count || len != FRAME + 4 + (uint64_t)count)
		return false;
	p->placing = *r;
	p->placing.count = p->placing_left = count;
	p->placing_error = 0;
	return true;
}

/* ---- one message after the other ---- */

/* So many bytes are needed to know what the message is. */
static size_t
front_wanted(struct placement *p)
{
	struct reader r = reader_of(span_of(p->front, p->front_len));
	uint64_t len = (uint64_t)read_uint32(&r) + 4;
	const struct record *record;
	uint8_t type;

	if (p->front_len < 4)
		return 4;
	if (len <= FRAME)
		return (size_t)len;
	if (p->front_len < FRAME)
		return FRAME;
	type = read_byte(&r);
	record = placement_record(p, read_uint32(&r));
	return type == SSH_FXP_DATA && record != NULL &&
		       record->kind == RECORD_READ && len >= FRAME + 4
		   ? FRAME + 4
		   : FRAME;
}

static void
on_front(struct placement *p)
{
	struct reader r = reader_of(span_of(p->front, p->front_len));
	uint64_t len = (uint64_t)read_uint32(&r) + 4;
	uint8_t type = read_byte(&r);
	struct record *record = placement_record(p, read_uint32(&r));

	if (read_error(&r) != 0)
		record = NULL; /* too short for what it would be */
	if (p->front_len > 4 && type >= DIRECT_TYPE_MIN &&
	    type <= DIRECT_TYPE_MAX)
		p->front[4] = DIRECT_NO_TYPE;
	if (p->front_len == FRAME + 4 && begin_placing(p, record, len)) {
		placement_record_drop(p, record);
		p->front_len = 0;
		return;
	}
	write_bytes(&p->answers, p->front, p->front_len);
	p->answer_left = len - p->front_len;
	p->front_len = 0;
	if (record == NULL) {
		write_soon(p);
		return;
	}
	len = record->count;
	placement_record_drop(p, record);
	write_in_time(p, (uint32_t)len);
}

/* Bytes that belong to one message or are its beginning. */
static size_t
pass_on(struct placement *p, struct span data)
{
	size_t done;

	if (data.len > p->answer_left)
		data.len = (size_t)p->answer_left;
	if (data.len <= SMALL_MAX && p->answers.len < PLACEMENT_ANSWERS_MAX) {
		write_span(&p->answers, data);
		done = data.len;
		if (!timer_is_set(p->tell))
			write_soon(p);
	} else {
		placement_flush(p);
		done = p->is_blocked
			   ? 0
			   : placement_write(p, CHANNEL_STREAM_DATA, data);
		p->is_blocked = done < data.len;
	}
	p->answer_left -= done;
	return done;
}

static size_t
gather_front(struct placement *p, struct span data)
{
	size_t wanted = front_wanted(p);
	size_t n = wanted - p->front_len;

	if (n > data.len)
		n = data.len;
	memcpy(p->front + p->front_len, data.ptr, n);
	p->front_len += n;
	if (p->front_len == wanted && front_wanted(p) == wanted)
		on_front(p);
	return n;
}

size_t
placement_take(struct placement *p, struct span data)
{
	size_t done = 0, n;

	while (done < data.len) {
		struct span rest = span_of(data.ptr + done, data.len - done);

		if (p->placing_left > 0) {
			n = place(p, rest);
		} else if (p->answer_left > 0) {
			n = pass_on(p, rest);
			if (n == 0)
				break;
		} else {
			n = gather_front(p, rest);
		}
		done += n;
	}
	return done;
}

void
placement_drain(struct placement *p, enum channel_stream stream)
{
	struct span data;
	size_t done;

	while (p->channel != NULL &&
	       (data = channel_queued(p->channel, stream)).len > 0) {
		done = stream == CHANNEL_STREAM_DATA
			   ? placement_take(p, data)
			   : placement_write(p, stream, data);
		/* Nobody reads it any more: it was dropped. */
		if (channel_queued(p->channel, stream).len == 0)
			return;
		/* A failure is the transport's, its next user sees it too. */
		if (done > 0)
			IGNORE_RESULT(channel_consumed(
					  p->channel, stream, done) != 0);
		if (done < data.len)
			return;
	}
}
