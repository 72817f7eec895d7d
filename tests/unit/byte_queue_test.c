/*
 * byte_queue_test.c - bytes come out in the order in which they went in.
 */
#include <stdlib.h>
#include <string.h>

#include "common/channel/byte_queue.h"
#include "tests/unit/unit.h"

static uint8_t
byte_at(uint64_t i)
{
	return (uint8_t)(i * 7 + (i >> 9));
}

TEST(bytes_keep_their_order)
{
	struct byte_queue q = BYTE_QUEUE_INIT;
	uint8_t *bytes = malloc(700000);
	uint64_t in = 0, out = 0;

	CHECK(bytes != NULL);
	srand(1);
	for (int i = 0; i < 3000; i++) {
		size_t n = (size_t)rand() % (i % 100 == 0 ? 700000 : 3000);

		for (size_t k = 0; k < n; k++)
			bytes[k] = byte_at(in + k);
		CHECK_INT(byte_queue_append(&q, span_of(bytes, n)), 0);
		in += n;
		n = (size_t)rand() % (i < 1500 ? 2000 : 20000);
		while (n > 0 && q.len > 0) {
			struct span front = byte_queue_front(&q);
			size_t part = front.len < n ? front.len : n;

			CHECK(part > 0);
			for (size_t k = 0; k < part; k++)
				CHECK(front.ptr[k] == byte_at(out + k));
			byte_queue_consume(&q, part);
			out += part;
			n -= part;
		}
		CHECK_INT(q.len, in - out);
	}
	byte_queue_clear(&q);
	CHECK_INT(q.len, 0);
	CHECK(q.first == NULL && q.last == NULL);
	free(bytes);
}

TEST(pieces_cover_the_whole_and_consuming_crosses_them)
{
	struct byte_queue q = BYTE_QUEUE_INIT;
	uint8_t bytes[100000];
	struct iovec iov[16];
	size_t count, total = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	for (int i = 0; i < 10; i++)
		CHECK_INT(
		    byte_queue_append(&q, span_of(bytes, sizeof(bytes))), 0);
	count = byte_queue_iov(&q, iov, 16);
	CHECK(count > 1 && count <= 16);
	for (size_t i = 0; i < count; i++)
		total += iov[i].iov_len;
	CHECK_INT(total, 1000000);
	CHECK_INT(byte_queue_iov(&q, iov, 1), 1);
	byte_queue_consume(&q, 999999);
	CHECK_INT(q.len, 1);
	CHECK_INT(byte_queue_front(&q).ptr[0], byte_at(99999));
	byte_queue_consume(&q, 1);
	CHECK_INT(byte_queue_front(&q).len, 0);
	CHECK_INT(byte_queue_append(&q, span_of(NULL, 0)), 0);
	CHECK_INT(byte_queue_iov(&q, iov, 16), 0);
}
