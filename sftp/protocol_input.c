/*
 * protocol_input.c - packets out of a stream of bytes.
 * draft-ietf-secsh-filexfer-02 s3: uint32 length, byte type, fields.
 *
 * A bulk packet is large and comes in many pieces; it is never gathered:
 * its data goes from the network's buffer to the file.
 */
#include <string.h>

#include "common/base/error.h"
#include "sftp/protocol.h"

#define FRONT 5u /* length and type */

void
sftp_input_init(struct sftp_input *in, uint8_t bulk_type, uint32_t max)
{
	memset(in, 0, sizeof(*in));
	in->bulk_type = bulk_type;
	in->max = max;
	in->partial.max = (size_t)max + 4;
}

void
sftp_input_release(struct sftp_input *in)
{
	buf_release(&in->partial);
}

bool
sftp_input_is_partial(const struct sftp_input *in)
{
	return in->bulk_left > 0 || (!in->given && in->partial.len > 0);
}

/* ---- how many bytes make the next step possible ---- */

/* Of a bulk packet: the fields in front of its data. */
static size_t
bulk_head(const struct sftp_input *in, struct span have)
{
	struct reader r = reader_of(have);
	uint32_t handle_len;

	if (in->bulk_type != SSH_FXP_WRITE)
		return FRONT + 4 + 4;
	(void)read_bytes(&r, FRONT + 4);
	handle_len = read_uint32(&r);
	if (read_error(&r) != 0)
		return FRONT + 4 + 4;
	/* One that is too long is found when it is parsed. */
	if (handle_len > SFTP_HANDLE_MAX)
		handle_len = 0;
	return FRONT + 4 + 4 + (size_t)handle_len + 8 + 4;
}

static int
needed(const struct sftp_input *in, struct span have, size_t *ret_need)
{
	struct reader r = reader_of(have);
	uint32_t len = read_uint32(&r);
	uint8_t type = read_byte(&r);
	size_t head;

	*ret_need = FRONT;
	if (read_error(&r) != 0)
		return 0;
	if (len > in->max)
		return ERR_LIMIT;
	if (len < 1 + 4)
		return ERR_FORMAT;
	*ret_need = (size_t)len + 4;
	if (in->bulk_type != 0 && type == in->bulk_type &&
	    (head = bulk_head(in, have)) < *ret_need)
		*ret_need = head;
	return 0;
}

/* ---- what is complete ---- */

static void
give_piece(struct sftp_input *in, struct span *data, struct sftp_event *ret)
{
	size_t n = data->len < in->bulk_left ? data->len : in->bulk_left;

	ret->event = SFTP_INPUT_BULK;
	ret->type = in->bulk_type;
	ret->id = in->bulk_id;
	ret->handle = span_of(in->bulk_handle, in->bulk_handle_len);
	ret->offset = in->bulk_offset;
	ret->total = in->bulk_total;
	ret->done = in->bulk_total - in->bulk_left;
	ret->piece = span_of(data->ptr, n);
	if (n > 0)
		data->ptr += n;
	data->len -= n;
	in->bulk_left -= (uint32_t)n;
}

static int
begin_bulk(struct sftp_input *in, struct span head)
{
	struct reader r = reader_of(head);
	uint64_t len = (uint64_t)read_uint32(&r) + 4;
	struct span handle = { NULL, 0 };

	(void)read_byte(&r);
	in->bulk_id = read_uint32(&r);
	in->bulk_offset = 0;
	if (in->bulk_type == SSH_FXP_WRITE) {
		handle = read_string_max(&r, SFTP_HANDLE_MAX);
		in->bulk_offset = read_uint64(&r);
	}
	in->bulk_total = in->bulk_left = read_uint32(&r);
	/* The data must be the rest of the packet, exactly. */
	if (read_end(&r) != 0 || head.len + (uint64_t)in->bulk_total != len) {
		in->bulk_left = 0;
		return ERR_FORMAT;
	}
	if (handle.len > 0)
		memcpy(in->bulk_handle, handle.ptr, handle.len);
	in->bulk_handle_len = handle.len;
	return 0;
}

static void
give_packet(struct span packet, struct sftp_event *ret)
{
	struct reader r = reader_of(packet);

	(void)read_uint32(&r);
	ret->event = SFTP_INPUT_PACKET;
	ret->type = read_byte(&r);
	if (ret->type != SSH_FXP_INIT && ret->type != SSH_FXP_VERSION)
		ret->id = read_uint32(&r);
	ret->body = read_rest(&r);
}

/* Moves up to n bytes from the caller's to ours. */
static int
gather(struct sftp_input *in, struct span *data, size_t n)
{
	if (n > data->len)
		n = data->len;
	write_bytes(&in->partial, data->ptr, n);
	data->ptr += n;
	data->len -= n;
	return buf_error(&in->partial);
}

/* The next whole packet, or head of a bulk packet; empty: too few bytes. */
static int
next_whole(struct sftp_input *in, struct span *data, struct span *ret)
{
	size_t need;
	int r;

	*ret = span_of(NULL, 0);
	for (;;) {
		bool ours = in->partial.len > 0;
		struct span have = ours ? buf_span(&in->partial) : *data;

		if ((r = needed(in, have, &need)) != 0)
			return r;
		if (have.len >= need) {
			*ret = span_of(have.ptr, need);
			in->given = ours;
			if (!ours) {
				data->ptr += need;
				data->len -= need;
			}
			return 0;
		}
		if (data->len == 0)
			return 0;
		if ((r = gather(in, data, need - (ours ? have.len : 0))) != 0)
			return r;
	}
}

int
sftp_input_next(
    struct sftp_input *in, struct span *data, struct sftp_event *ret)
{
	struct span whole;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (in->given) {
		buf_clear(&in->partial);
		in->given = false;
	}
	if (in->bulk_left == 0) {
		if ((r = next_whole(in, data, &whole)) != 0 || whole.len == 0)
			return r;
		if (in->bulk_type == 0 || whole.ptr[4] != in->bulk_type) {
			give_packet(whole, ret);
			return 0;
		}
		if ((r = begin_bulk(in, whole)) != 0)
			return r;
		if (in->bulk_total == 0)
			give_piece(in, data, ret);
	}
	if (in->bulk_left > 0 && data->len > 0)
		give_piece(in, data, ret);
	return 0;
}
