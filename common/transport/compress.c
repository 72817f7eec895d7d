/*
 * compress.c - zlib@openssh.com: deflate over the payloads of a direction,
 * begun after authentication.
 * RFC 4253 s6.2, RFC 1950, RFC 1951.
 *
 * Only Huffman coding: with LZ77 what one channel carries changes the length
 * of what another one's secret becomes (as CRIME did).
 */
#include "common/transport/transport_impl.h"

#include <string.h>

#define DEFLATE_WINDOW_BITS 12
#define DEFLATE_MEMORY      8
#define CHUNK               (16u * 1024)

int
compressor_start(struct compressor *c, bool deflating)
{
	int r;

	compressor_stop(c, deflating);
	memset(&c->z, 0, sizeof c->z);
	if (deflating)
		r = deflateInit2(&c->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
		    DEFLATE_WINDOW_BITS, DEFLATE_MEMORY, Z_HUFFMAN_ONLY);
	else
		r = inflateInit(&c->z);
	if (r != Z_OK)
		return ERR_MEMORY;
	c->started = true;
	c->out.max = TRANSPORT_PACKET_MAX;
	return 0;
}

void
compressor_stop(struct compressor *c, bool deflating)
{
	/* What the streams hold is no secret of ours that outlives them. */
	if (c->started && deflating)
		deflateEnd(&c->z);
	else if (c->started)
		inflateEnd(&c->z);
	c->started = false;
	buf_release(&c->out);
}

static int
run(struct compressor *c, struct span payload, int (*step)(z_stream *, int),
    int flush)
{
	buf_clear(&c->out);
	/* zlib does not write through next_in. */
	c->z.next_in = (Bytef *)(uintptr_t)payload.ptr;
	c->z.avail_in = (uInt)payload.len;
	for (;;) {
		size_t room = TRANSPORT_PACKET_MAX - c->out.len;
		uint8_t *to;
		int r;

		if (room > CHUNK)
			room = CHUNK;
		/* Bounded before it is allocated. */
		if (room == 0)
			return ERR_COMPRESSION;
		if ((to = buf_reserve(&c->out, room)) == NULL)
			return ERR_MEMORY;
		c->z.next_out = to;
		c->z.avail_out = (uInt)room;
		r = step(&c->z, flush);
		buf_extend(&c->out, room - c->z.avail_out);
		/* Z_BUF_ERROR: nothing left to do, which is the end. */
		if (r != Z_OK && r != Z_BUF_ERROR)
			return ERR_COMPRESSION;
		if (c->z.avail_out != 0)
			return c->z.avail_in == 0 ? 0 : ERR_COMPRESSION;
	}
}

static int
deflate_step(z_stream *z, int flush)
{
	return deflate(z, flush);
}

static int
inflate_step(z_stream *z, int flush)
{
	return inflate(z, flush);
}

int
compressor_deflate(struct compressor *c, struct span payload)
{
	return run(c, payload, deflate_step, Z_PARTIAL_FLUSH);
}

int
compressor_inflate(struct compressor *c, struct span payload)
{
	int r = run(c, payload, inflate_step, Z_SYNC_FLUSH);

	if (r == 0 && c->out.len == 0)
		return ERR_COMPRESSION; /* no payload is empty */
	return r;
}
