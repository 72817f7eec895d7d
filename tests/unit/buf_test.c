/*
 * buf_test.c - bytes, the writer and the reader of RFC 4251 s5.
 */
#include "common/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "tests/unit/unit.h"

TEST(span_compares_by_content)
{
	CHECK(span_equal(span_text("ab"), span_of("abc", 2)));
	CHECK(!span_equal(span_text("ab"), span_text("ac")));
	CHECK(!span_equal(span_text("ab"), span_text("a")));
	CHECK(span_equal(span_of(NULL, 0), span_text("")));
	CHECK_INT(span_text(NULL).len, 0);
	CHECK(span_is(span_text("name"), "name"));
	CHECK(!span_is(span_text("name"), "names"));
	CHECK(span_has_nul(span_of("a\0b", 3)));
	CHECK(!span_has_nul(span_of("a\0b", 1)));
}

TEST(span_dup_gives_text)
{
	char *copy = span_dup_text(span_of("abcdef", 3));

	CHECK_TEXT(copy, "abc");
	free(copy);
	copy = span_dup_text(span_of(NULL, 0));
	CHECK_TEXT(copy, "");
	free(copy);
}

TEST(buf_grows_by_doubling)
{
	struct buf b = BUF_INIT;
	int moves = 0;
	size_t cap = 0;

	for (int i = 0; i < 100000; i++) {
		write_byte(&b, (uint8_t)i);
		moves += b.cap != cap;
		cap = b.cap;
	}
	CHECK_INT(buf_error(&b), 0);
	CHECK_INT(b.len, 100000);
	CHECK(moves < 16);
	CHECK_INT(b.data[77777], 77777 & 255);
	buf_release(&b);
	CHECK(b.data == NULL);
	CHECK_INT(b.cap, 0);
}

TEST(buf_never_grows_past_its_maximum)
{
	struct buf b = BUF_MAX_INIT(100);

	for (int i = 0; i < 100; i++)
		write_byte(&b, 1);
	CHECK_INT(buf_error(&b), 0);
	CHECK_INT(b.cap, 100);
	write_byte(&b, 2);
	CHECK_INT(buf_error(&b), ERR_LIMIT);
	CHECK_INT(b.len, 100);
	/* The failure stays, also for what would fit. */
	buf_truncate(&b, 10);
	write_byte(&b, 3);
	CHECK_INT(b.len, 10);
	CHECK(buf_reserve(&b, 1) == NULL);
	buf_clear(&b);
	CHECK_INT(buf_error(&b), 0);
	write_byte(&b, 4);
	CHECK_INT(b.len, 1);
	CHECK(buf_reserve(&b, SIZE_MAX) == NULL);
	CHECK_INT(buf_error(&b), ERR_LIMIT);
	buf_release(&b);
	CHECK_INT(b.max, 100);
}

TEST(buf_failed_string_leaves_nothing_behind)
{
	struct buf b = BUF_MAX_INIT(10);
	size_t mark;

	write_string(&b, span_text("1234567"));
	CHECK_INT(buf_error(&b), ERR_LIMIT);
	CHECK_INT(b.len, 0);
	buf_clear(&b);
	mark = write_string_begin(&b);
	write_span(&b, span_text("1234567"));
	write_string_end(&b, mark);
	CHECK_INT(buf_error(&b), ERR_LIMIT);
	buf_release(&b);
}

TEST(buf_consume_and_truncate_take_from_the_ends)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s-%d", "abcdef", 42);
	CHECK_TEXT(buf_text(&b), "abcdef-42");
	buf_consume(&b, 2);
	buf_truncate(&b, 4);
	CHECK_TEXT(buf_text(&b), "cdef");
	CHECK_INT(b.len, 4);
	buf_consume(&b, 4);
	buf_consume(&b, 0);
	CHECK_INT(b.len, 0);
	buf_release(&b);
}

TEST(buf_secret_wipes_what_it_gives_up)
{
	struct buf b = BUF_SECRET_INIT;

	write_bytes(&b, "0123456789", 10);
	buf_truncate(&b, 6);
	CHECK_SPAN(span_of(b.data + 6, 4), span_of("\0\0\0", 4));
	buf_consume(&b, 3);
	CHECK_SPAN(span_of(b.data, 3), span_text("345"));
	CHECK_SPAN(span_of(b.data + 3, 3), span_of("\0\0", 3));
	buf_clear(&b);
	for (size_t i = 0; i < b.cap; i++)
		CHECK_INT(b.data[i], 0);
	/* Contents survive moves. */
	for (int i = 0; i < 1000; i++)
		write_byte(&b, (uint8_t)i);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(b.data[i], i & 255);
	buf_release(&b);
}

TEST(buf_take_text_hands_the_memory_over)
{
	struct buf b = BUF_INIT;
	char *text;

	CHECK_TEXT(text = buf_take_text(&b), "");
	free(text);
	buf_printf(&b, "x");
	CHECK_TEXT(text = buf_take_text(&b), "x");
	CHECK_INT(b.len, 0);
	free(text);
	b.max = 2;
	buf_printf(&b, "xxx");
	CHECK((text = buf_take_text(&b)) == NULL);
	CHECK(b.data == NULL);
}

TEST(writer_follows_rfc4251)
{
	struct buf b = BUF_INIT;
	size_t mark;

	write_boolean(&b, true);
	write_boolean(&b, false);
	write_uint32(&b, 699921578);
	write_uint64(&b, 0x0102030405060708);
	write_text(&b, "testing");
	mark = write_string_begin(&b);
	write_text(&b, "zlib,none");
	write_string_end(&b, mark);
	write_string(&b, span_of(NULL, 0));
	CHECK_SPAN(buf_span(&b),
	    unit_hex("01 00 29b7f4aa 0102030405060708"
		     "00000007 74657374696e67"
		     "0000000d 00000009 7a6c69622c6e6f6e65 00000000"));
	buf_release(&b);
}

/* The examples of RFC 4251 s5, as far as they are not negative. */
static const struct {
	const char *magnitude;
	const char *wire;
} mpints[] = {
	{ "", "00000000" },
	{ "0000", "00000000" },
	{ "09a378f9b2e332a7", "00000008 09a378f9b2e332a7" },
	{ "80", "00000002 0080" },
	{ "000080", "00000002 0080" },
	{ "7f", "00000001 7f" },
	{ "0001", "00000001 01" },
	{ "ff00", "00000003 00ff00" },
};

TEST(mpint_is_written_in_its_shortest_form_and_read_back)
{
	for (size_t i = 0; i < ARRAY_COUNT(mpints); i++) {
		struct buf b = BUF_INIT;
		struct buf again = BUF_INIT;
		struct reader r;

		write_mpint(&b, unit_hex(mpints[i].magnitude));
		CHECK_SPAN(buf_span(&b), unit_hex(mpints[i].wire));
		r = reader_of(buf_span(&b));
		write_mpint(&again, read_mpint(&r));
		CHECK_INT(read_end(&r), 0);
		CHECK_SPAN(buf_span(&again), buf_span(&b));
		buf_release(&b);
		buf_release(&again);
	}
}

TEST(mpint_refuses_negative_padded_and_huge)
{
	static const char *const bad[] = { "00000001 80", "00000002 edcc",
		"00000001 00", "00000002 0001", "00000003 000080" };
	struct buf b = BUF_INIT;
	struct reader r;
	uint8_t big[2049];

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		r = reader_of(unit_hex(bad[i]));
		CHECK_INT(read_mpint(&r).len, 0);
		CHECK_INT(read_end(&r), ERR_FORMAT);
	}
	memset(big, 0xff, sizeof(big));
	write_mpint(&b, span_of(big, 2048));
	r = reader_of(buf_span(&b));
	CHECK_INT(read_mpint(&r).len, 2048);
	CHECK_INT(read_end(&r), 0);
	buf_clear(&b);
	write_mpint(&b, span_of(big, 2049));
	r = reader_of(buf_span(&b));
	CHECK_INT(read_mpint(&r).len, 0);
	CHECK_INT(read_end(&r), ERR_LIMIT);
	buf_release(&b);
}

static int
read_all_kinds(struct span s)
{
	struct reader r = reader_of(s);

	read_byte(&r);
	read_boolean(&r);
	read_uint32(&r);
	read_uint64(&r);
	read_string(&r);
	read_string_max(&r, 8);
	read_text(&r);
	read_mpint(&r);
	read_bytes(&r, 3);
	return read_end(&r);
}

TEST(reader_refuses_every_truncated_prefix_and_a_tail)
{
	struct span s = unit_hex("01 02 00000003 0000000000000004"
				 "00000002 6162 00000001 63 00000001 64"
				 "00000001 05 787878");
	struct span tail = unit_hex("01 02 00000003 0000000000000004"
				    "00000002 6162 00000001 63 00000001 64"
				    "00000001 05 787878 00");

	CHECK_INT(read_all_kinds(s), 0);
	for (size_t n = 0; n < s.len; n++) {
		/* Of its own size, so that the sanitizer sees an overrun. */
		uint8_t *copy = malloc(n + 1);

		CHECK(copy != NULL);
		memcpy(copy + 1, s.ptr, n);
		CHECK_INT(read_all_kinds(span_of(copy + 1, n)), ERR_TRUNCATED);
		free(copy);
	}
	CHECK_INT(read_all_kinds(tail), ERR_TRAILING);
}

TEST(reader_gives_zeros_after_a_failure)
{
	struct reader r = reader_of(unit_hex("00000009 01 02 03"));

	CHECK_INT(read_string(&r).len, 0);
	CHECK_INT(read_error(&r), ERR_TRUNCATED);
	CHECK_INT(read_byte(&r), 0);
	CHECK_INT(read_uint32(&r), 0);
	CHECK_INT(read_uint64(&r), 0);
	CHECK(!read_boolean(&r));
	CHECK_INT(read_rest(&r).len, 0);
	CHECK_INT(read_bytes(&r, 0).len, 0);
	/* The place of the failure is known. */
	CHECK_INT(r.size - r.len, 4);
	CHECK_INT(read_end(&r), ERR_TRUNCATED);
}

TEST(reader_limits_and_text)
{
	struct reader r = reader_of(unit_hex("00000003 616263"));

	CHECK_INT(read_string_max(&r, 2).len, 0);
	CHECK_INT(read_end(&r), ERR_LIMIT);
	r = reader_of(unit_hex("00000003 616263"));
	CHECK_SPAN(read_string_max(&r, 3), span_text("abc"));
	CHECK_INT(read_end(&r), 0);
	r = reader_of(unit_hex("00000003 610063"));
	CHECK_INT(read_text(&r).len, 0);
	CHECK_INT(read_end(&r), ERR_FORMAT);
	r = reader_of(unit_hex("0102"));
	CHECK_INT(read_byte(&r), 1);
	CHECK_SPAN(read_rest(&r), span_of("\2", 1));
	CHECK_INT(read_end(&r), 0);
	r = reader_of(span_of(NULL, 0));
	CHECK_INT(read_rest(&r).len, 0);
	CHECK_INT(read_end(&r), 0);
	r = reader_of(unit_hex("ffffffff"));
	CHECK_INT(read_string(&r).len, 0);
	CHECK_INT(read_end(&r), ERR_TRUNCATED);
}
