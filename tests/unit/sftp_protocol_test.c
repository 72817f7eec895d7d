/*
 * sftp_protocol_test.c - the SFTP coder: every request and answer there and
 * back, packets in pieces, damaged bytes.
 */
#include "sftp/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

static struct sftp_request
full_request(enum sftp_kind kind)
{
	return (struct sftp_request){
		.kind = kind,
		.id = 0x01020304,
		.handle = span_text("handle"),
		.handle2 = span_text("other"),
		.path = span_text("a/\xff\n b"),
		.path2 = span_text("../x"),
		.data = span_text("sha256"),
		.data2 = span_text("data2"),
		.offset = 0x123456789abcdef0u,
		.offset2 = 0xffffffffffffffffu,
		.length = 5000000000u,
		.count = 262144,
		.pflags = SSH_FXF_WRITE | SSH_FXF_CREAT,
		.attrs = { .flags = SSH_FILEXFER_ATTR_SIZE |
				    SSH_FILEXFER_ATTR_UIDGID |
				    SSH_FILEXFER_ATTR_PERMISSIONS |
				    SSH_FILEXFER_ATTR_ACMODTIME,
		    .size = 1u << 31,
		    .uid = 1000,
		    .gid = 100,
		    .permissions = 0100644,
		    .atime = 1700000000,
		    .mtime = 4000000000u },
	};
}

static void
next_event(struct sftp_input *in, struct span *data, struct sftp_event *ret)
{
	CHECK_INT(sftp_input_next(in, data, ret), 0);
}

/* Only what the kind has on the wire is left; so that writing it again
 * gives the same bytes. */
static void
check_there_and_back(enum sftp_kind kind)
{
	struct sftp_request q = full_request(kind), back;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct sftp_input in;
	struct sftp_event e;
	struct span data;

	sftp_request_write(&once, &q);
	sftp_input_init(&in, 0, SFTP_PACKET_MAX);
	data = buf_span(&once);
	next_event(&in, &data, &e);
	CHECK_INT(e.event, SFTP_INPUT_PACKET);
	CHECK_INT((long long)data.len, 0);
	CHECK_INT(sftp_request_read(&e, &back), 0);
	CHECK_INT(back.kind, kind);
	CHECK_INT(back.id, 0x01020304);
	sftp_request_write(&twice, &back);
	CHECK_SPAN(buf_span(&twice), buf_span(&once));
	/* Every cut and a byte too many are refused. */
	for (size_t n = 0; n < e.body.len; n++) {
		struct sftp_event cut = e;

		cut.body.len = n;
		CHECK(sftp_request_read(&cut, &back) != 0);
	}
	write_byte(&once, 0);
	e.body = span_of(once.data + 9, once.len - 9);
	CHECK(sftp_request_read(&e, &back) != 0);
	sftp_input_release(&in);
	buf_release(&once);
	buf_release(&twice);
}

TEST(every_request_goes_there_and_back)
{
	for (int k = 0; k < SFTP_KIND_COUNT; k++)
		check_there_and_back((enum sftp_kind)k);
}

TEST(names_of_requests_are_found)
{
	for (int k = 0; k < SFTP_KIND_COUNT; k++)
		CHECK_INT(sftp_kind_of_name(
			      span_text(sftp_kind_name((enum sftp_kind)k))),
		    k);
	CHECK_INT(sftp_kind_of_name(span_text("opens")), SFTP_KIND_COUNT);
}

TEST(symlink_has_the_target_first)
{
	struct sftp_request q = { .kind = SFTP_SYMLINK,
		.id = 1,
		.path = span_text("T"),
		.path2 = span_text("L") };
	struct buf out = BUF_INIT;
	static const uint8_t want[] = { 0, 0, 0, 15, 20, 0, 0, 0, 1, 0, 0, 0, 1,
		'T', 0, 0, 0, 1, 'L' };

	sftp_request_write(&out, &q);
	CHECK_SPAN(buf_span(&out), span_of(want, sizeof(want)));
	buf_release(&out);
}

TEST(unknown_requests_are_told_from_damaged_ones)
{
	struct sftp_event e = { .event = SFTP_INPUT_PACKET, .type = 99 };
	struct buf name = BUF_INIT;
	struct sftp_request q;

	e.id = 7;
	CHECK_INT(sftp_request_read(&e, &q), ERR_UNSUPPORTED);
	CHECK_INT(q.id, 7);
	e.type = SSH_FXP_EXTENDED;
	CHECK_INT(sftp_request_read(&e, &q), ERR_TRUNCATED);
	write_text(&name, "nobody@example.org");
	e.body = buf_span(&name);
	CHECK_INT(sftp_request_read(&e, &q), ERR_UNSUPPORTED);
	buf_release(&name);
}

TEST(a_path_with_nul_is_refused)
{
	struct sftp_request q = { .kind = SFTP_STAT,
		.path = span_of("a\0b", 3) };
	struct buf out = BUF_INIT;
	struct sftp_event e = { .type = 17 };

	sftp_request_write(&out, &q);
	e.body = span_of(out.data + 9, out.len - 9);
	CHECK_INT(sftp_request_read(&e, &q), ERR_FORMAT);
	buf_release(&out);
}

TEST(extended_attributes_are_skipped)
{
	struct buf b = BUF_INIT;
	struct sftp_attrs a;
	struct reader r;

	write_uint32(
	    &b, SSH_FILEXFER_ATTR_EXTENDED | SSH_FILEXFER_ATTR_PERMISSIONS);
	write_uint32(&b, 0644);
	write_uint32(&b, 2);
	for (int i = 0; i < 4; i++)
		write_text(&b, "x");
	r = reader_of(buf_span(&b));
	a = sftp_attrs_read(&r);
	CHECK_INT(read_end(&r), 0);
	CHECK_INT(a.permissions, 0644);
	/* A false count does not make it run long or past the end. */
	b.data[8] = 0xff;
	r = reader_of(buf_span(&b));
	(void)sftp_attrs_read(&r);
	CHECK_INT(read_error(&r), ERR_TRUNCATED);
	buf_release(&b);
}

/* ---- answers ---- */

/* The body of the one packet in b. */
static struct span
body_of(const struct buf *b, uint8_t type)
{
	CHECK_INT(b->data[4], type);
	return span_of(b->data + 9, b->len - 9);
}

TEST(status_goes_there_and_back)
{
	struct buf b = BUF_INIT;
	struct sftp_status s;
	struct span body;

	sftp_status_write(&b, 5, SSH_FX_PERMISSION_DENIED, "no");
	body = body_of(&b, SSH_FXP_STATUS);
	CHECK_INT(sftp_status_read(body, &s), 0);
	CHECK_INT(s.code, SSH_FX_PERMISSION_DENIED);
	CHECK(span_is(s.message, "no"));
	/* Old servers send the code alone. */
	body.len = 4;
	CHECK_INT(sftp_status_read(body, &s), 0);
	CHECK_INT((long long)s.message.len, 0);
	body.len = 3;
	CHECK_INT(sftp_status_read(body, &s), ERR_TRUNCATED);
	CHECK_TEXT(sftp_status_text(2), "No such file");
	CHECK_TEXT(sftp_status_text(77), "Unknown status");
	buf_release(&b);
}

TEST(names_go_there_and_back)
{
	struct sftp_name one = { .name = span_text("a"),
		.longname = span_text("-rw a"),
		.attrs = { .flags = SSH_FILEXFER_ATTR_SIZE, .size = 9 } };
	struct buf b = BUF_INIT;
	struct sftp_names n = sftp_names_begin(&b, 3);
	struct reader r;
	uint32_t count;

	for (int i = 0; i < 3; i++)
		sftp_names_add(&b, &n, &one);
	sftp_names_end(&b, &n);
	r = reader_of(body_of(&b, SSH_FXP_NAME));
	CHECK_INT(sftp_names_read(&r, &count), 0);
	CHECK_INT(count, 3);
	for (uint32_t i = 0; i < count; i++) {
		struct sftp_name got = sftp_name_next(&r);

		CHECK(span_is(got.name, "a"));
		CHECK(span_is(got.longname, "-rw a"));
		CHECK_INT((long long)got.attrs.size, 9);
	}
	CHECK_INT(read_end(&r), 0);
	/* A count that cannot be. */
	b.data[9] = 0x7f;
	r = reader_of(body_of(&b, SSH_FXP_NAME));
	CHECK_INT(sftp_names_read(&r, &count), ERR_FORMAT);
	buf_release(&b);
}

TEST(numbers_of_extensions_go_there_and_back)
{
	struct sftp_statvfs v = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, v2;
	struct sftp_limits l = { 1, 2, 3, 1u << 31 }, l2;
	struct sftp_space s = { 1, 2, 3, 4, 5 }, s2;
	struct buf b = BUF_INIT;

	sftp_statvfs_write(&b, 1, &v);
	CHECK_INT(
	    sftp_statvfs_read(body_of(&b, SSH_FXP_EXTENDED_REPLY), &v2), 0);
	CHECK(memcmp(&v, &v2, sizeof(v)) == 0);
	buf_clear(&b);
	sftp_limits_write(&b, 1, &l);
	CHECK_INT(
	    sftp_limits_read(body_of(&b, SSH_FXP_EXTENDED_REPLY), &l2), 0);
	CHECK(memcmp(&l, &l2, sizeof(l)) == 0);
	buf_clear(&b);
	sftp_space_write(&b, 1, &s);
	CHECK_INT(sftp_space_read(body_of(&b, SSH_FXP_EXTENDED_REPLY), &s2), 0);
	CHECK(s.device == s2.device && s.device_unused == s2.device_unused &&
	      s.user == s2.user && s.user_unused == s2.user_unused &&
	      s.unit == s2.unit);
	buf_release(&b);
}

TEST(both_forms_of_check_file_are_read)
{
	struct buf b = BUF_INIT;
	struct span name, digests;

	write_text(&b, "sha256");
	write_bytes(&b, "0123", 4);
	CHECK_INT(sftp_check_read(buf_span(&b), &name, &digests), 0);
	CHECK(span_is(name, "sha256") && span_is(digests, "0123"));
	buf_clear(&b);
	write_text(&b, "check-file");
	write_text(&b, "md5");
	write_bytes(&b, "45", 2);
	CHECK_INT(sftp_check_read(buf_span(&b), &name, &digests), 0);
	CHECK(span_is(name, "md5") && span_is(digests, "45"));
	buf_release(&b);
}

TEST(the_version_tells_the_extensions)
{
	struct buf b = BUF_INIT;
	struct sftp_version v;
	struct sftp_input in;
	struct sftp_event e;
	struct span data;

	sftp_version_write(&b, (uint64_t)1 << SFTP_FSYNC);
	sftp_input_init(&in, SSH_FXP_DATA, SFTP_PACKET_MAX);
	data = buf_span(&b);
	next_event(&in, &data, &e);
	CHECK_INT(e.type, SSH_FXP_VERSION);
	CHECK_INT(sftp_version_read(e.body, &v), 0);
	CHECK_INT(v.version, 3);
	CHECK(sftp_version_has(&v, SFTP_OPEN));
	CHECK(sftp_version_has(&v, SFTP_STATVFS));
	CHECK(sftp_version_has(&v, SFTP_CHECK_FILE));
	CHECK(!sftp_version_has(&v, SFTP_FSYNC));
	for (size_t n = 4; n < e.body.len; n++) {
		struct span cut = { e.body.ptr, n };

		/* Between two pairs there is nothing missing. */
		if (sftp_version_read(cut, &v) != 0)
			CHECK(sftp_version_read(cut, &v) == ERR_TRUNCATED);
	}
	sftp_input_release(&in);
	buf_release(&b);
}

/* ---- packets out of a stream ---- */

#define STREAM_DATA_LEN 1000

/* STAT, WRITE of 1000 bytes, an empty WRITE, INIT. */
static void
write_stream(struct buf *b, const uint8_t *data)
{
	struct sftp_request stat = {
		.kind = SFTP_STAT, .id = 1, .path = span_text("/etc")
	};

	sftp_request_write(b, &stat);
	sftp_write_head(b, 2, span_text("hand"), 77, STREAM_DATA_LEN);
	write_bytes(b, data, STREAM_DATA_LEN);
	sftp_write_head(b, 3, span_text("hand"), 78, 0);
	sftp_init_write(b);
}

struct seen {
	char order[16]; /* a letter an event; pieces of one WRITE: one */
	size_t bulk;
};

static void
note(struct seen *s, const struct sftp_event *e, const uint8_t *data)
{
	const char *letter = "?";
	size_t at = strlen(s->order);

	if (e->event == SFTP_INPUT_PACKET)
		letter = e->type == SSH_FXP_INIT ? "i" : "s";
	if (e->event == SFTP_INPUT_BULK) {
		CHECK(span_is(e->handle, "hand"));
		CHECK_INT((long long)e->offset, e->id == 2 ? 77 : 78);
		if (e->total > 0)
			CHECK_SPAN(
			    e->piece, span_of(data + e->done, e->piece.len));
		s->bulk += e->piece.len;
		letter = e->total == 0 ? "e" : "w";
		if (e->done + e->piece.len < e->total)
			return;
	}
	CHECK(at + 1 < sizeof(s->order));
	s->order[at] = letter[0];
	s->order[at + 1] = '\0';
}

static void
feed(struct sftp_input *in, struct span data, struct seen *s,
    const uint8_t *bulk)
{
	struct sftp_event e;

	for (;;) {
		next_event(in, &data, &e);
		if (e.event == SFTP_INPUT_NEED)
			break;
		note(s, &e, bulk);
	}
	CHECK_INT((long long)data.len, 0);
}

TEST(a_stream_may_be_cut_anywhere)
{
	uint8_t data[STREAM_DATA_LEN];
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	write_stream(&b, data);
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct seen s = { { 0 }, 0 };
		struct sftp_input in;

		sftp_input_init(&in, SSH_FXP_WRITE, SFTP_PACKET_MAX);
		feed(&in, span_of(b.data, cut), &s, data);
		feed(&in, span_of(b.data + cut, b.len - cut), &s, data);
		CHECK_TEXT(s.order, "swei");
		CHECK_INT((long long)s.bulk, STREAM_DATA_LEN);
		CHECK(!sftp_input_is_partial(&in));
		sftp_input_release(&in);
	}
	buf_release(&b);
}

TEST(a_stream_may_come_byte_by_byte)
{
	uint8_t data[STREAM_DATA_LEN] = { 1, 2, 3 };
	struct seen s = { { 0 }, 0 };
	struct buf b = BUF_INIT;
	struct sftp_input in;

	write_stream(&b, data);
	sftp_input_init(&in, SSH_FXP_WRITE, SFTP_PACKET_MAX);
	for (size_t i = 0; i < b.len; i++) {
		feed(&in, span_of(b.data + i, 1), &s, data);
		CHECK_INT(sftp_input_is_partial(&in),
		    i + 1 < b.len && i != 16 && i != 16 + 29 + 1000 &&
			i != 16 + 29 + 1000 + 29);
	}
	CHECK_TEXT(s.order, "swei");
	sftp_input_release(&in);
	buf_release(&b);
}

static int
first_error(const char *hex_bytes, size_t len, uint8_t bulk)
{
	struct span data = span_of(hex_bytes, len);
	struct sftp_input in;
	struct sftp_event e;
	int r;

	sftp_input_init(&in, bulk, 1000);
	do {
		r = sftp_input_next(&in, &data, &e);
	} while (r == 0 && e.event != SFTP_INPUT_NEED);
	sftp_input_release(&in);
	return r;
}

TEST(damaged_packets_end_the_stream)
{
	CHECK_INT(first_error("\0\0\3\xe9\5", 5, 0), ERR_LIMIT);
	CHECK_INT(first_error("\xff\xff\xff\xff\5", 5, 0), ERR_LIMIT);
	CHECK_INT(first_error("\0\0\0\0\5", 5, 0), ERR_FORMAT);
	CHECK_INT(first_error("\0\0\0\4\5", 5, 0), ERR_FORMAT);
	/* WRITE: data longer and shorter than the packet; a handle that is
	 * too long for its packet, and for us. */
	CHECK_INT(first_error("\0\0\0\26\6\0\0\0\1\0\0\0\1h"
			      "\0\0\0\0\0\0\0\0\0\0\0\2x",
		      26, SSH_FXP_WRITE),
	    ERR_FORMAT);
	CHECK_INT(first_error("\0\0\0\30\6\0\0\0\1\0\0\0\1h"
			      "\0\0\0\0\0\0\0\0\0\0\0\1xy",
		      28, SSH_FXP_WRITE),
	    ERR_FORMAT);
	CHECK_INT(first_error("\0\0\0\26\6\0\0\0\1\0\0\0\77h"
			      "\0\0\0\0\0\0\0\0\0\0\0\1x",
		      27, SSH_FXP_WRITE),
	    ERR_FORMAT);
	CHECK_INT(first_error("\0\0\0\26\6\0\0\0\1\1\0\0\0h"
			      "\0\0\0\0\0\0\0\0\0\0\0\1x",
		      27, SSH_FXP_WRITE),
	    ERR_FORMAT);
	/* DATA whose length field is cut off by its packet. */
	CHECK_INT(first_error("\0\0\0\7\147\0\0\0\1\0\0", 11, SSH_FXP_DATA),
	    ERR_FORMAT);
}
