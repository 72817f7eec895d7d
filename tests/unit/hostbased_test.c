/*
 * hostbased_test.c - what a client's host signs.
 */
#include "common/userauth/hostbased.h"

#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

static struct hostbased_claim
make_claim(void)
{
	return (struct hostbased_claim){
		.session_id = span_text("0123456789abcdef0123456789abcdef"),
		.user = span_text("me"),
		.service = span_text("ssh-connection"),
		.algorithm = span_text("ssh-ed25519"),
		.key_blob = span_of("\0\1\2", 3),
		.client_host = span_text("host.example."),
		.client_user = span_text("anna"),
	};
}

/* RFC 4252 s9 */
TEST(fields_are_in_the_order_of_the_standard)
{
	struct hostbased_claim c = make_claim();
	struct buf b = BUF_INIT;
	struct reader r;

	hostbased_write_signed(&b, &c);
	r = reader_of(buf_span(&b));
	CHECK_INT(read_string(&r).len, 32);
	CHECK_INT(read_byte(&r), 50);
	CHECK(span_is(read_string(&r), "me"));
	CHECK(span_is(read_string(&r), "ssh-connection"));
	CHECK(span_is(read_string(&r), "hostbased"));
	CHECK(span_is(read_string(&r), "ssh-ed25519"));
	CHECK_INT(read_string(&r).len, 3);
	CHECK(span_is(read_string(&r), "host.example."));
	CHECK(span_is(read_string(&r), "anna"));
	CHECK_INT(read_end(&r), 0);
	buf_release(&b);
}

TEST(what_was_written_is_read)
{
	struct hostbased_claim c = make_claim(), d;
	struct buf b = BUF_INIT;

	hostbased_write_signed(&b, &c);
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), 0);
	CHECK_SPAN(d.session_id, c.session_id);
	CHECK_SPAN(d.user, c.user);
	CHECK_SPAN(d.algorithm, c.algorithm);
	CHECK_SPAN(d.key_blob, c.key_blob);
	CHECK_SPAN(d.client_host, c.client_host);
	CHECK_SPAN(d.client_user, c.client_user);
	for (size_t n = 0; n < b.len; n++)
		CHECK(hostbased_read_signed(span_of(b.data, n), &d) != 0);
	write_byte(&b, 0);
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), ERR_TRAILING);
	buf_release(&b);
}

TEST(other_messages_and_odd_names_are_refused)
{
	struct hostbased_claim c = make_claim(), d;
	struct buf b = BUF_INIT;
	char name[HOSTBASED_HOST_MAX + 1];

	hostbased_write_signed(&b, &c);
	b.data[4 + 32] = 51;
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), ERR_FORMAT);
	b.data[4 + 32] = 50;
	b.data[4 + 32 + 1 + 4 + 2 + 4 + 14 + 4] = 'H';
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), ERR_FORMAT);
	buf_clear(&b);
	c.client_user = span_of("an\0a", 4);
	hostbased_write_signed(&b, &c);
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), ERR_FORMAT);
	buf_clear(&b);
	memset(name, 'x', sizeof(name));
	c = make_claim();
	c.client_host = span_of(name, sizeof(name));
	hostbased_write_signed(&b, &c);
	CHECK_INT(hostbased_read_signed(buf_span(&b), &d), ERR_LIMIT);
	buf_release(&b);
}
