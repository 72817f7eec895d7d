/*
 * sshfp_answer_test.c - SSHFP records in answers of a resolver.
 */
#include "common/hosts/sshfp_answer.h"

#include <string.h>

#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "tests/unit/unit.h"

static void
write_uint16(struct buf *b, unsigned v)
{
	write_byte(b, (uint8_t)(v >> 8));
	write_byte(b, (uint8_t)v);
}

/* The head, and the question "a.test SSHFP IN". */
static void
begin(struct buf *b, unsigned flags, unsigned answers)
{
	buf_clear(b);
	write_uint16(b, 0x1234);
	write_uint16(b, flags);
	write_uint16(b, 1);
	write_uint16(b, answers);
	write_uint32(b, 0);
	write_span(b, span_of("\1a\4test\0", 8));
	write_uint16(b, SSHFP_RECORD_TYPE);
	write_uint16(b, 1);
}

static void
put_record(struct buf *b, unsigned type, struct span data)
{
	write_uint16(b, 0xc00c);
	write_uint16(b, type);
	write_uint16(b, 1);
	write_uint32(b, 60);
	write_uint16(b, (unsigned)data.len);
	write_span(b, data);
}

static void
put_key(struct buf *b, const struct key *k, uint8_t algorithm, uint8_t hash)
{
	uint8_t data[2 + DIGEST_MAX] = { algorithm, hash };

	CHECK_INT(digest_of(hash == 1 ? DIGEST_SHA1 : DIGEST_SHA256,
		      key_blob(k), data + 2),
	    0);
	put_record(b, SSHFP_RECORD_TYPE, span_of(data, hash == 1 ? 22 : 34));
}

static struct key *
make_key(const char *type)
{
	struct key *k;

	CHECK_INT(key_generate(type, 0, &k, NULL), 0);
	return k;
}

TEST(a_record_of_the_key_matches)
{
	static struct sshfp_answer a;
	struct key *k = make_key("ed25519"), *other = make_key("ed25519");
	struct buf b = BUF_INIT;

	for (uint8_t hash = 1; hash <= 2; hash++) {
		begin(&b, 0x8180, 2);
		put_record(&b, 5, span_of("\1b\0", 3)); /* CNAME */
		put_key(&b, k, 4, hash);
		CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
		CHECK_INT(a.count, 1);
		CHECK(!a.is_validated);
		CHECK_INT(sshfp_answer_check(&a, k), SSHFP_MATCH);
		CHECK_INT(sshfp_answer_check(&a, other), SSHFP_MISMATCH);
	}
	buf_release(&b);
	key_unref(k);
	key_unref(other);
}

TEST(the_validated_mark_is_read)
{
	static struct sshfp_answer a;
	struct key *k = make_key("ecdsa");
	struct buf b = BUF_INIT;

	begin(&b, 0x81a0, 1);
	put_key(&b, k, 3, 2);
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	CHECK(a.is_validated);
	CHECK_INT(sshfp_answer_check(&a, k), SSHFP_MATCH);
	buf_release(&b);
	key_unref(k);
}

TEST(sha1_says_nothing_beside_sha256)
{
	static struct sshfp_answer a;
	struct key *k = make_key("ed25519"), *other = make_key("ed25519");
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 2);
	put_key(&b, k, 4, 1);
	put_key(&b, other, 4, 2);
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	CHECK_INT(sshfp_answer_check(&a, k), SSHFP_MISMATCH);
	CHECK_INT(sshfp_answer_check(&a, other), SSHFP_MATCH);
	/* Of another type of key they do not count. */
	begin(&b, 0x8180, 2);
	put_key(&b, k, 4, 1);
	put_key(&b, other, 3, 2);
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	CHECK_INT(sshfp_answer_check(&a, k), SSHFP_MATCH);
	buf_release(&b);
	key_unref(k);
	key_unref(other);
}

TEST(the_algorithm_must_be_the_keys)
{
	static struct sshfp_answer a;
	struct key *k = make_key("ed25519");
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 1);
	put_key(&b, k, 1, 2);
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	CHECK_INT(sshfp_answer_check(&a, k), SSHFP_MISMATCH);
	buf_release(&b);
	key_unref(k);
}

TEST(answers_without_records_are_told_from_damaged_ones)
{
	static struct sshfp_answer a;
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 0);
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_NOT_FOUND);
	begin(&b, 0x8183, 0); /* no such name */
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_NOT_FOUND);
	begin(&b, 0x8182, 0); /* failed */
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_NOT_FOUND);
	begin(&b, 0x0100, 0); /* a question */
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_FORMAT);
	CHECK_INT(sshfp_answer_check(&a, NULL), SSHFP_NONE);
	buf_release(&b);
}

TEST(records_of_odd_sizes_are_left_out)
{
	static struct sshfp_answer a;
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 4);
	put_record(&b, SSHFP_RECORD_TYPE, span_of("", 0));
	put_record(&b, SSHFP_RECORD_TYPE, span_of("\4\2x", 3));
	put_record(
	    &b, SSHFP_RECORD_TYPE, span_of("\4\1aaaaaaaaaaaaaaaaaaaaa", 23));
	put_record(
	    &b, SSHFP_RECORD_TYPE, span_of("\4\3aaaaaaaaaaaaaaaaaaaa", 22));
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_NOT_FOUND);
	buf_release(&b);
}

TEST(every_truncated_answer_is_refused)
{
	static struct sshfp_answer a;
	struct key *k = make_key("ed25519");
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 2);
	put_key(&b, k, 4, 1);
	put_key(&b, k, 4, 2);
	for (size_t n = 0; n < b.len; n++) {
		CHECK(sshfp_answer_read(span_of(b.data, n), &a) != 0);
		CHECK_INT(a.count, 0);
	}
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	buf_release(&b);
	key_unref(k);
}

TEST(endless_names_and_lists_end)
{
	static struct sshfp_answer a;
	struct buf b = BUF_INIT;

	begin(&b, 0x8180, 1);
	for (int i = 0; i < 300; i++)
		write_span(&b, span_of("\1x", 2));
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_FORMAT);
	begin(&b, 0x8180, 1);
	write_byte(&b, 0x40); /* neither a label nor a pointer */
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), ERR_FORMAT);
	begin(&b, 0x8180, 1000);
	for (int i = 0; i < 1000; i++)
		put_record(&b, SSHFP_RECORD_TYPE,
		    span_of("\4\1aaaaaaaaaaaaaaaaaaaa", 22));
	CHECK_INT(sshfp_answer_read(buf_span(&b), &a), 0);
	CHECK_INT(a.count, SSHFP_RECORDS_MAX);
	buf_release(&b);
}
