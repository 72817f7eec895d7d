/*
 * byte_queue.c - bytes that wait: a list of chunks.
 */
#include "common/channel/byte_queue.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

#define CHUNK_FIRST (16u * 1024) /* a little waits: a small chunk */
#define CHUNK_LATER (256u * 1024)

struct byte_chunk {
	struct byte_chunk *next;
	size_t start, end, cap;
	uint8_t data[];
};

static struct byte_chunk *
add_chunk(struct byte_queue *q, size_t len)
{
	size_t cap = q->len == 0 ? CHUNK_FIRST : CHUNK_LATER;
	struct byte_chunk *c;

	if (cap < len)
		cap = len;
	if ((c = malloc(sizeof(*c) + cap)) == NULL)
		return NULL;
	c->next = NULL;
	c->start = c->end = 0;
	c->cap = cap;
	if (q->last != NULL)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	return c;
}

static void
fill_chunk(struct byte_queue *q, struct byte_chunk *c, struct span data)
{
	memcpy(c->data + c->end, data.ptr, data.len);
	c->end += data.len;
	q->len += data.len;
}

int
byte_queue_append(struct byte_queue *q, struct span data)
{
	struct byte_chunk *last = q->last;
	size_t fits = last != NULL ? last->cap - last->end : 0;
	struct span rest;

	if (data.len == 0)
		return 0;
	if (fits > data.len)
		fits = data.len;
	rest = span_of(data.ptr + fits, data.len - fits);
	if (rest.len > 0) {
		struct byte_chunk *added = add_chunk(q, rest.len);

		if (added == NULL)
			return ERR_MEMORY;
		fill_chunk(q, added, rest);
	}
	if (fits > 0)
		fill_chunk(q, last, span_of(data.ptr, fits));
	return 0;
}

struct span
byte_queue_front(const struct byte_queue *q)
{
	const struct byte_chunk *c = q->first;

	return c != NULL ? span_of(c->data + c->start, c->end - c->start)
			 : span_of(NULL, 0);
}

size_t
byte_queue_iov(const struct byte_queue *q, struct iovec *ret_iov, size_t max)
{
	size_t n = 0;

	for (struct byte_chunk *c = q->first; c != NULL && n < max;
	     c = c->next) {
		ret_iov[n].iov_base = c->data + c->start;
		ret_iov[n].iov_len = c->end - c->start;
		n++;
	}
	return n;
}

static void
drop_first(struct byte_queue *q)
{
	struct byte_chunk *c = q->first;

	q->first = c->next;
	if (q->first == NULL)
		q->last = NULL;
	free(c);
}

void
byte_queue_consume(struct byte_queue *q, size_t n)
{
	while (n > 0 && q->first != NULL) {
		struct byte_chunk *c = q->first;
		size_t here = c->end - c->start;

		if (here > n)
			here = n;
		c->start += here;
		q->len -= here;
		n -= here;
		if (c->start == c->end)
			drop_first(q);
	}
}

void
byte_queue_clear(struct byte_queue *q)
{
	while (q->first != NULL)
		drop_first(q);
	q->len = 0;
}
