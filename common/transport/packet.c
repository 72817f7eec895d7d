/*
 * packet.c - the binary packet protocol: bytes to payloads in one linear
 * buffer, payloads to bytes in chunks that leave by one writev.
 * RFC 4253 s6.
 *
 *   uint32 packet_length | byte padding_length | payload | padding | tag
 *
 * Input: [start, end) is unread; a packet is decrypted where it lies and lent
 * out; only the last, partial packet is ever moved.
 * Output: a packet is composed behind its header in the last chunk and
 * sealed there. What must wait for NEWKEYS is held as plain payloads.
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"

#define INPUT_FIRST (32u * 1024)
#define INPUT_BULK  (256u * 1024) /* the next step once reads fill it */
#define INPUT_MAX   (512u * 1024)
#define CHUNK_FULL  (128u * 1024) /* a packet begins below this only */
#define SPARES_MAX  6
#define HELD_MAX    (16u * 1024 * 1024)
#define HEADER      5
#define PAYLOAD_MIN 1
#define PADDING_MIN 4
#define PADDING_MAX 255

static void
store32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* ---- input ---- */

void
input_release(struct input *in)
{
	if (in->data != NULL)
		secret_wipe(in->data, in->cap);
	free(in->data);
	memset(in, 0, sizeof *in);
}

/* Moves what is unread to the front of `cap` bytes, new ones if need be. */
static bool
input_arrange(struct input *in, size_t cap)
{
	size_t len = in->end - in->start;
	uint8_t *data;

	if (cap <= in->cap) {
		if (in->start != 0)
			memmove(in->data, in->data + in->start, len);
	} else {
		/* Not realloc: the old memory held plain text. */
		if ((data = malloc(cap)) == NULL)
			return false;
		if (len != 0)
			memcpy(data, in->data + in->start, len);
		if (in->data != NULL)
			secret_wipe(in->data, in->end);
		free(in->data);
		in->data = data;
		in->cap = cap;
	}
	in->start = 0;
	in->end = len;
	return true;
}

static void
input_drop_lent(struct input *in)
{
	in->start += in->lent;
	in->lent = 0;
	if (in->start == in->end)
		in->start = in->end = 0;
}

uint8_t *
input_space(struct transport *t, size_t *ret_len)
{
	struct input *in = &t->input;
	size_t have, want, cap = in->cap;

	*ret_len = 0;
	input_drop_lent(in);
	have = in->end - in->start;
	want = in->packet_length != 0
		   ? 4 + (size_t)in->packet_length + t->in.tag_size
		   : 0;
	if (cap == 0)
		cap = INPUT_FIRST;
	else if (in->filled && cap < INPUT_MAX)
		cap = cap < INPUT_BULK ? INPUT_BULK : cap * 2;
	if (want > cap)
		cap = want + INPUT_FIRST;
	in->filled = false;
	/* Move only when the room behind has become small. */
	if ((cap > in->cap || in->cap - in->end < in->cap / 2) &&
	    !input_arrange(in, cap))
		return NULL;
	if (have == in->cap)
		return NULL; /* nobody takes packets out */
	*ret_len = in->cap - in->end;
	return in->data + in->end;
}

static int
bad_length(struct transport *t, uint32_t length)
{
	struct protector *p = &t->in;

	/*
	 * A CBC stream would tell by the moment of the failure what a block
	 * decrypts to: take in as much as a packet can have first, and call
	 * it a bad MAC. (Plaintext recovery, CPNI-957037.)
	 */
	if (p->cipher != NULL && p->length_encrypted &&
	    (cipher_algorithm(p->cipher)->flags & CIPHER_CBC) != 0) {
		t->input.packet_length = TRANSPORT_PACKET_MAX;
		t->input.doomed = true;
		return 0;
	}
	return fail(t, ERR_PACKET_LENGTH, "Bad packet length %u.", length);
}

static int
read_length(struct transport *t, uint8_t *packet, size_t have)
{
	struct protector *p = &t->in;
	struct input *in = &t->input;
	uint32_t length;
	size_t blocks;
	int r;

	r = protector_length(p, packet, have, &length, &in->opened);
	if (r != 0 && r != ERR_PACKET_LENGTH)
		return fail(t, r, "%s", error_text(r));
	if (r == 0 && length == 0)
		return 0;
	if (length > TRANSPORT_PACKET_MAX ||
	    length < 1 + PAYLOAD_MIN + PADDING_MIN)
		return bad_length(t, length);
	blocks = (p->length_apart ? 0 : 4) + (size_t)length;
	if (blocks % p->block_size != 0) {
		if ((r = bad_length(t, length)) == 0)
			return 0;
		return fail(t, ERR_PADDING,
		    "padding error: need %zu block %zu mod %zu", blocks,
		    p->block_size, blocks % p->block_size);
	}
	in->packet_length = length;
	return 0;
}

static int
take_payload(struct transport *t, uint8_t *packet, uint32_t length,
    struct span *ret_payload)
{
	size_t padding = packet[4];
	struct span payload;
	int r;

	if (padding < PADDING_MIN || padding + 1 + PAYLOAD_MIN > length)
		return fail(t, ERR_PADDING,
		    "padding error: %zu bytes of padding in a packet of %u",
		    padding, length);
	payload = span_of(packet + HEADER, length - 1 - padding);
	if (t->inflater.started) {
		if ((r = compressor_inflate(&t->inflater, payload)) != 0)
			return fail(t, r, "%s", error_text(r));
		payload = buf_span(&t->inflater.out);
	}
	*ret_payload = payload;
	return 0;
}

int
packet_read(struct transport *t, struct span *ret_payload, uint32_t *ret_seqnr)
{
	struct input *in = &t->input;
	uint8_t *packet;
	uint32_t length;
	size_t have, total;
	int r;

	*ret_payload = span_of(NULL, 0);
	input_drop_lent(in);
	if ((have = in->end - in->start) == 0)
		return 0;
	packet = in->data + in->start;
	if (in->packet_length == 0) {
		if ((r = read_length(t, packet, have)) != 0)
			return r;
		if (in->packet_length == 0)
			return 0;
	}
	length = in->packet_length;
	total = 4 + (size_t)length + t->in.tag_size;
	if (have < total)
		return 0;
	r = in->doomed ? ERR_MAC
		       : protector_open(&t->in, packet, length, in->opened);
	if (r == ERR_MAC)
		return fail(
		    t, r, "Corrupted MAC on input: %s", error_text(ERR_MAC));
	if (r != 0)
		return fail(t, r, "%s", error_text(r));
	*ret_seqnr = t->in.seqnr;
	if ((r = protector_count(&t->in, total)) != 0)
		return fail(t, r, "%s", error_text(r));
	in->packet_length = 0;
	in->opened = 0;
	in->lent = total;
	t->counters.packets_in++;
	return take_payload(t, packet, length, ret_payload);
}

/* ---- output ---- */

static void
chunk_free(struct chunk *c)
{
	if (c != NULL)
		buf_release(&c->buf);
	free(c);
}

void
output_release(struct output *o)
{
	while (o->first != NULL) {
		struct chunk *c = o->first;

		o->first = c->next;
		chunk_free(c);
	}
	while (o->spare != NULL) {
		struct chunk *c = o->spare;

		o->spare = c->next;
		chunk_free(c);
	}
	buf_release(&o->held);
	memset(o, 0, sizeof *o);
}

/* An empty chunk behind all others, a spare one where there is any. */
static struct chunk *
output_add_chunk(struct output *o)
{
	struct chunk *c;

	if ((c = o->spare) != NULL) {
		o->spare = c->next;
		o->spares--;
	} else if ((c = calloc(1, sizeof *c)) == NULL) {
		return NULL;
	}
	c->next = NULL;
	if (o->last != NULL)
		o->last->next = c;
	else
		o->first = c;
	o->last = c;
	return c;
}

/* The chunk that the next packet goes into. */
static struct chunk *
output_chunk(struct output *o)
{
	struct chunk *c = o->last;

	if (c != NULL && c->sent == c->buf.len) {
		buf_clear(&c->buf);
		c->sent = 0;
	}
	return c != NULL && c->buf.len < CHUNK_FULL ? c : output_add_chunk(o);
}

static struct buf *
output_broken(struct output *o)
{
	o->broken.error = ERR_MEMORY;
	o->open = &o->broken;
	o->open_at = 0;
	return &o->broken;
}

struct buf *
output_raw(struct output *o)
{
	struct chunk *c = output_chunk(o);

	return c == NULL ? NULL : &c->buf;
}

void
output_raw_done(struct output *o, size_t added)
{
	o->bytes += added;
}

static struct buf *
begin_in(struct output *o, struct chunk *c, uint8_t type)
{
	if (o->open != NULL)
		bug("a packet is begun while another one is open");
	if (c == NULL)
		return output_broken(o);
	o->open = &c->buf;
	o->open_at = c->buf.len;
	o->pad_min = 0;
	write_bytes(o->open, "\0\0\0\0\0", HEADER);
	write_byte(o->open, type);
	return o->open;
}

struct buf *
packet_begin(struct transport *t, uint8_t type)
{
	return begin_in(&t->output, output_chunk(&t->output), type);
}

/* Rooms are in the spare chunks, in their order. */
struct buf *
packet_begin_reserved(struct transport *t, uint8_t type)
{
	return begin_in(&t->output, output_add_chunk(&t->output), type);
}

size_t
transport_reserve(struct transport *t, size_t head, size_t len,
    struct iovec *ret_room, size_t max)
{
	struct output *o = &t->output;
	struct chunk **at = &o->spare;
	size_t front = HEADER + 1 + head, n;

	for (n = 0; n < max; n++) {
		if (*at == NULL) {
			if ((*at = calloc(1, sizeof **at)) == NULL)
				break;
			o->spares++;
		}
		/* Sealing must not move it. */
		if (buf_reserve(&(*at)->buf,
			front + len + PADDING_MAX + t->out.tag_size) == NULL)
			break;
		ret_room[n].iov_base = (*at)->buf.data + front;
		ret_room[n].iov_len = len;
		at = &(*at)->next;
	}
	return n;
}

void
transport_append(struct buf *b, struct span data)
{
	if (b->data != NULL && data.ptr == b->data + b->len &&
	    buf_reserve(b, data.len) == data.ptr)
		buf_extend(b, data.len);
	else
		write_span(b, data);
}

struct buf *
packet_hold(struct transport *t, uint8_t type)
{
	struct output *o = &t->output;

	if (o->open != NULL)
		bug("a packet is begun while another one is open");
	o->held.secret = true;
	o->held.max = HELD_MAX;
	o->open = &o->held;
	o->open_at = o->held.len;
	write_uint32(o->open, 0);
	write_byte(o->open, type);
	return o->open;
}

void
packet_abandon(struct transport *t)
{
	struct output *o = &t->output;

	if (o->open == NULL)
		return;
	if (o->open->len > o->open_at)
		buf_truncate(o->open, o->open_at);
	o->open->error = 0;
	o->open = NULL;
}

static int
end_held(struct output *o)
{
	size_t len = o->held.len - o->open_at - 4;

	if (len > TRANSPORT_PAYLOAD_MAX)
		return ERR_LIMIT;
	store32(o->held.data + o->open_at, (uint32_t)len);
	o->open = NULL;
	return 0;
}

static int
deflate_open(struct transport *t, struct buf *b, size_t at)
{
	struct span payload = span_of(b->data + at, b->len - at);
	int r = compressor_deflate(&t->deflater, payload);

	if (r != 0)
		return r;
	buf_truncate(b, at);
	write_span(b, buf_span(&t->deflater.out));
	return buf_error(b);
}

/* Pads and seals what lies open in b from `at` on. */
static int
seal_open(struct transport *t, struct buf *b, size_t at)
{
	struct protector *p = &t->out;
	size_t len = b->len - at - HEADER;
	size_t pad = protector_padding(p, len);
	uint32_t packet_length;
	uint8_t *packet;
	int r;

	while (pad < t->output.pad_min && pad + p->block_size <= PADDING_MAX)
		pad += p->block_size;
	packet_length = (uint32_t)(1 + len + pad);
	if (packet_length > TRANSPORT_PACKET_MAX)
		return ERR_LIMIT;
	if (buf_reserve(b, pad + p->tag_size) == NULL)
		return buf_error(b);
	packet = b->data + at;
	store32(packet, packet_length);
	packet[4] = (uint8_t)pad;
	if ((r = random_fill(
		 transport_random(t), packet + HEADER + len, pad)) != 0)
		return r;
	buf_extend(b, pad + p->tag_size);
	if ((r = protector_seal(p, packet, packet_length)) != 0)
		return r;
	return protector_count(p, b->len - at);
}

int
packet_end(struct transport *t)
{
	struct output *o = &t->output;
	struct buf *b = o->open;
	size_t at = o->open_at;
	int r;

	if (b == NULL)
		bug("a packet is ended that was not begun");
	if ((r = buf_error(b)) != 0)
		goto refuse;
	if (b == &o->held) {
		if ((r = end_held(o)) != 0)
			goto refuse;
		return 0;
	}
	if (b->len - at - HEADER > TRANSPORT_PAYLOAD_MAX) {
		r = ERR_LIMIT;
		goto refuse;
	}
	if (t->deflater.started && (r = deflate_open(t, b, at + HEADER)) != 0)
		goto refuse;
	if ((r = seal_open(t, b, at)) != 0)
		goto refuse;
	o->open = NULL;
	o->bytes += b->len - at;
	t->counters.packets_out++;
	return 0;
refuse:
	packet_abandon(t);
	return fail(t, r, "%s", error_text(r));
}

int
packet_release_held(struct transport *t)
{
	struct buf held = t->output.held;
	struct reader rd;
	int r = 0;

	t->output.held = (struct buf)BUF_SECRET_INIT;
	rd = reader_of(buf_span(&held));
	while (rd.len != 0 && r == 0) {
		struct span payload;
		struct buf *b;

		if (t->compress_at <= rd.size - rd.len) {
			t->compress_at = SIZE_MAX;
			if ((r = compressor_start(&t->deflater, true)) != 0)
				break;
		}
		payload = read_string(&rd);
		b = packet_begin(t, payload.ptr[0]);
		write_bytes(b, payload.ptr + 1, payload.len - 1);
		r = packet_end(t);
	}
	if (r == 0 && t->compress_at != SIZE_MAX) {
		t->compress_at = SIZE_MAX;
		r = compressor_start(&t->deflater, true);
	}
	buf_release(&held);
	return r;
}

size_t
transport_pending_bytes(const struct transport *t)
{
	return t->output.bytes;
}

size_t
transport_pending(const struct transport *t, struct iovec *ret_iov, size_t max)
{
	size_t left = t->output.bytes, n = 0;

	for (struct chunk *c = t->output.first;
	     c != NULL && n < max && left > 0; c = c->next) {
		size_t len = c->buf.len - c->sent;

		if (len > left)
			len = left; /* behind it lies an open packet */
		if (len == 0)
			continue;
		ret_iov[n].iov_base = c->buf.data + c->sent;
		ret_iov[n].iov_len = len;
		left -= len;
		n++;
	}
	return n;
}

void
transport_sent(struct transport *t, size_t n)
{
	struct output *o = &t->output;

	if (n > o->bytes)
		bug("more was sent than is pending");
	o->bytes -= n;
	t->counters.bytes_out += n;
	for (;;) {
		struct chunk *c = o->first;
		size_t len;

		if (c == NULL)
			break;
		len = c->buf.len - c->sent;
		if (len > n)
			len = n;
		c->sent += len;
		n -= len;
		if (c->sent < c->buf.len || c->next == NULL)
			break;
		o->first = c->next;
		if (o->spares < SPARES_MAX) {
			buf_clear(&c->buf);
			c->sent = 0;
			c->next = o->spare;
			o->spare = c;
			o->spares++;
		} else {
			chunk_free(c);
		}
	}
}
