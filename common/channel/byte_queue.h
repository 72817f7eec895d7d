/*
 * byte_queue.h - bytes that wait, in order: appended at the back, consumed at
 * the front in pieces of any size, without ever being moved.
 *
 * Knows: nothing of SSH. Owner: embedded; byte_queue_clear() gives back the
 * memory, as does consuming it chunk by chunk.
 */
#ifndef COMMON_CHANNEL_BYTE_QUEUE_H
#define COMMON_CHANNEL_BYTE_QUEUE_H

#include <stddef.h>
#include <sys/uio.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

struct byte_chunk;

struct byte_queue {
	struct byte_chunk *first;
	struct byte_chunk *last;
	size_t len;
};

#define BYTE_QUEUE_INIT                                                        \
	{                                                                      \
		NULL, NULL, 0                                                  \
	}

/* Copies the bytes to the back; ERR_MEMORY, then as before. */
int byte_queue_append(struct byte_queue *q, struct span data) MUST_CHECK;

/* The bytes at the front that lie together; empty when there are none.
 * Borrowed until the queue changes. */
struct span byte_queue_front(const struct byte_queue *q);

/* As many pieces from the front as there are, at most max; their number. */
size_t byte_queue_iov(
    const struct byte_queue *q, struct iovec *ret_iov, size_t max);

/* Drops n bytes from the front; n <= len. */
void byte_queue_consume(struct byte_queue *q, size_t n);
void byte_queue_clear(struct byte_queue *q);

#endif
