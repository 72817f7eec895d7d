/*
 * packet_test.c - one engine against bytes made by hand: packets at the wrong
 * time, of the wrong size, damaged.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/transport/transport_impl.h"
#include "tests/unit/unit.h"

static const struct transport_config config = {
	.ident = "SSH-2.0-Test",
	.kex_algorithms = "curve25519-sha256",
	.host_key_algorithms = "ssh-ed25519",
	.ciphers = "aes128-ctr",
	.macs = "hmac-sha2-256",
	.compression = "none",
};

static struct transport *
engine(enum transport_role role, const char *kex)
{
	struct transport_config c = config;
	struct transport *t;
	struct error e = { 0 };

	c.role = role;
	if (kex != NULL)
		c.kex_algorithms = kex;
	CHECK_INT(transport_new(&c, 1, &t, &e), 0);
	return t;
}

static struct span
find_blob(void *context, const char *algorithm)
{
	return span_text("blob");
}

/* A packet without protection. */
static void
put_packet(struct buf *b, struct span payload)
{
	struct protector none = PROTECTOR_NONE;
	size_t pad = protector_padding(&none, payload.len);

	write_uint32(b, (uint32_t)(1 + payload.len + pad));
	write_byte(b, (uint8_t)pad);
	write_span(b, payload);
	for (size_t i = 0; i < pad; i++)
		write_byte(b, 0);
}

static void
put_kexinit(struct buf *b, const char *kex)
{
	struct buf k = BUF_INIT;

	write_byte(&k, SSH_MSG_KEXINIT);
	for (int i = 0; i < 16; i++)
		write_byte(&k, (uint8_t)i);
	write_text(&k, kex);
	write_text(&k, "ssh-ed25519");
	for (int i = 0; i < 2; i++)
		write_text(&k, "aes128-ctr");
	for (int i = 0; i < 2; i++)
		write_text(&k, "hmac-sha2-256");
	for (int i = 0; i < 2; i++)
		write_text(&k, "none");
	for (int i = 0; i < 2; i++)
		write_text(&k, "");
	write_boolean(&k, false);
	write_uint32(&k, 0);
	put_packet(b, buf_span(&k));
	buf_release(&k);
}

/* Feeds all of b, in pieces of `piece`; the first failure, or 0. */
static int
feed(struct transport *t, struct buf *b, size_t piece)
{
	struct packet packet;
	size_t at = 0;
	int r;

	while (at < b->len) {
		size_t room, n = b->len - at < piece ? b->len - at : piece;
		uint8_t *to = transport_recv_space(t, &room);

		CHECK(to != NULL);
		n = n < room ? n : room;
		memcpy(to, b->data + at, n);
		transport_received(t, n);
		at += n;
		while ((r = transport_next(t, 1, &packet)) != TRANSPORT_NONE)
			if (r < 0)
				return r;
	}
	return 0;
}

#define STRICT "curve25519-sha256,kex-strict-c-v00@openssh.com"
#define PLAIN  "curve25519-sha256"

/* A client's ident and KEXINIT, then one packet. */
static int
after_kexinit(const char *kex, struct span payload, char *text, size_t size)
{
	struct transport *t = engine(TRANSPORT_SERVER, NULL);
	struct buf b = BUF_INIT;
	int r;

	transport_set_host_keys(t, find_blob, NULL);
	write_span(&b, span_text("SSH-2.0-Hand\r\n"));
	put_kexinit(&b, kex);
	put_packet(&b, payload);
	r = feed(t, &b, SIZE_MAX);
	if (text != NULL)
		text_copy(text, size, transport_error(t)->text);
	buf_release(&b);
	transport_free(t);
	return r;
}

TEST(strict_kex_refuses_a_packet_before_kexinit)
{
	static const char *const kexes[] = { STRICT, PLAIN };

	for (int i = 0; i < 2; i++) {
		struct transport *t = engine(TRANSPORT_SERVER, NULL);
		struct buf b = BUF_INIT;

		transport_set_host_keys(t, find_blob, NULL);
		write_span(&b, span_text("SSH-2.0-Hand\r\n"));
		put_packet(&b, span_of("\002\0\0\0\0", 5));
		put_kexinit(&b, kexes[i]);
		CHECK_INT(feed(t, &b, 7), i == 0 ? ERR_UNEXPECTED : 0);
		if (i == 0)
			CHECK(strstr(transport_error(t)->text,
				  "strict KEX violation") != NULL);
		buf_release(&b);
		transport_free(t);
	}
}

TEST(strict_kex_refuses_what_the_exchange_does_not_need)
{
	static const char *const packets[] = { "\002\0\0\0\0", "\003\0\0\0\0",
		"\004\0\0\0\0\0\0\0\0\0", "\011\0\0\0\0", "\026\0\0\0\0" };
	char text[256] = "";

	for (size_t i = 0; i < ARRAY_COUNT(packets); i++) {
		struct span s =
		    span_of(packets[i], packets[i][0] == 4 ? 10 : 5);

		CHECK_INT(after_kexinit(STRICT, s, text, sizeof text),
		    ERR_UNEXPECTED);
		CHECK(strstr(text, "strict KEX violation") != NULL);
		CHECK_INT(after_kexinit(PLAIN, s, NULL, 0), 0);
	}
}

TEST(nothing_of_upper_layers_is_taken_during_kex)
{
	static const uint8_t types[] = { 5, 6, 7, 20, 50, 80, 94, 127, 128, 192,
		193, 255 };

	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		uint8_t payload[5] = { types[i] };

		CHECK_INT(after_kexinit(PLAIN, span_of(payload, 5), NULL, 0),
		    ERR_UNEXPECTED);
	}
}

TEST(kex_messages_out_of_turn_are_refused)
{
	/* NEWKEYS at once; a reply to a server; messages of group exchange;
	 * an INIT that is empty or a public value of the wrong size. */
	CHECK_INT(
	    after_kexinit(STRICT, span_of("\025", 1), NULL, 0), ERR_UNEXPECTED);
	CHECK_INT(after_kexinit(STRICT, span_of("\037\0\0\0\0", 5), NULL, 0),
	    ERR_UNEXPECTED);
	CHECK_INT(after_kexinit(STRICT, span_of("\042\0\0\0\0", 5), NULL, 0),
	    ERR_UNEXPECTED);
	CHECK_INT(
	    after_kexinit(STRICT, span_of("\036", 1), NULL, 0), ERR_TRUNCATED);
	CHECK_INT(after_kexinit(STRICT, span_of("\036\0\0\0\1a", 6), NULL, 0),
	    ERR_KEX);
	CHECK_INT(after_kexinit(STRICT, span_of("\036\0\0\0\1ab", 7), NULL, 0),
	    ERR_TRAILING);
}

TEST(a_peer_that_is_no_ssh_gets_an_answer)
{
	static const struct {
		const char *said, *answer;
	} rows[] = {
		{ "GET / HTTP/1.0\r\n\r\n",
		    "Invalid SSH identification string.\r\n" },
		{ "SSH-1.5-HALLO\n", "Protocol major versions differ.\r\n" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct transport *t = engine(TRANSPORT_SERVER, NULL);
		struct buf b = BUF_INIT;
		struct iovec iov[4];
		size_t len = strlen(rows[i].answer), n;

		write_span(&b, span_text(rows[i].said));
		CHECK_INT(feed(t, &b, SIZE_MAX), ERR_IDENT);
		n = transport_pending(t, iov, 4);
		CHECK_INT(n, 1);
		CHECK(iov[0].iov_len > len);
		CHECK(memcmp((char *)iov[0].iov_base + iov[0].iov_len - len,
			  rows[i].answer, len) == 0);
		buf_release(&b);
		transport_free(t);
	}
}

static int
feed_length(uint32_t length, char *text, size_t size)
{
	struct transport *t = engine(TRANSPORT_CLIENT, NULL);
	struct buf b = BUF_INIT;
	int r;

	write_span(&b, span_text("SSH-2.0-Hand\r\n"));
	write_uint32(&b, length);
	write_uint32(&b, 0);
	r = feed(t, &b, 1);
	text_copy(text, size, transport_error(t)->text);
	buf_release(&b);
	transport_free(t);
	return r;
}

TEST(lengths_out_of_range_are_refused_at_once)
{
	static const uint32_t bad[] = { 0, 1, 5, TRANSPORT_PACKET_MAX + 4,
		0x7fffffff, 0x80000000, 0xffffffff, 0x53534820 };
	char text[256] = "";

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		CHECK_INT(
		    feed_length(bad[i], text, sizeof text), ERR_PACKET_LENGTH);
		CHECK(strncmp(text, "Bad packet length ", 18) == 0);
	}
	CHECK_INT(feed_length(13, text, sizeof text), ERR_PADDING);
	CHECK_TEXT(text, "padding error: need 17 block 8 mod 1");
	CHECK_INT(feed_length(TRANSPORT_PACKET_MAX - 4, text, sizeof text), 0);
}

TEST(padding_must_leave_a_payload)
{
	for (unsigned pad = 0; pad < 256; pad++) {
		struct transport *t = engine(TRANSPORT_CLIENT, NULL);
		struct buf b = BUF_INIT;

		write_span(&b, span_text("SSH-2.0-Hand\r\n"));
		write_uint32(&b, 12);
		write_byte(&b, (uint8_t)pad);
		write_byte(&b, SSH_MSG_IGNORE);
		for (int i = 0; i < 10; i++)
			write_byte(&b, 0);
		CHECK_INT(feed(t, &b, SIZE_MAX),
		    pad >= 4 && pad <= 10 ? 0 : ERR_PADDING);
		buf_release(&b);
		transport_free(t);
	}
}

TEST(an_old_group_request_is_answered_by_a_group)
{
	struct transport *t =
	    engine(TRANSPORT_SERVER, "diffie-hellman-group-exchange-sha256");
	struct buf b = BUF_INIT;
	struct transport_counters c;

	transport_set_host_keys(t, find_blob, NULL);
	write_span(&b, span_text("SSH-2.0-Hand\r\n"));
	put_kexinit(&b, "diffie-hellman-group-exchange-sha256");
	put_packet(&b, span_of("\036\0\0\010\0", 5));
	CHECK_INT(feed(t, &b, 5), 0);
	transport_get_counters(t, &c);
	CHECK_INT(c.packets_out, 2);
	buf_release(&b);
	transport_free(t);
}

TEST(group_requests_with_bad_bounds_are_refused)
{
	static const char *const bad[] = {
		"\042\0\0\020\0\0\0\010\0\0\0\040\0", /* n below min */
		"\042\0\0\010\0\0\0\050\0\0\0\040\0", /* n above max */
		"\042\0\0\040\0\0\0\020\0\0\0\010\0", /* min above max */
		"\042\0\0\001\0\0\0\001\0\0\0\002\0", /* all too small */
		"\042\0\1\000\0\0\1\000\0\0\1\000\0", /* all too large */
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct transport *t = engine(
		    TRANSPORT_SERVER, "diffie-hellman-group-exchange-sha256");
		struct buf b = BUF_INIT;

		transport_set_host_keys(t, find_blob, NULL);
		write_span(&b, span_text("SSH-2.0-Hand\r\n"));
		put_kexinit(&b, "diffie-hellman-group-exchange-sha256");
		put_packet(&b, span_of(bad[i], 13));
		CHECK_INT(feed(t, &b, SIZE_MAX), ERR_KEX);
		buf_release(&b);
		transport_free(t);
	}
}

TEST(padding_fills_blocks_and_the_smallest_packet)
{
	struct protector p = PROTECTOR_NONE;

	for (size_t block = 8; block <= 16; block += 8) {
		for (int apart = 0; apart < 2; apart++) {
			p.block_size = block;
			p.length_apart = apart != 0;
			for (size_t len = 1; len < 70; len++) {
				size_t pad = protector_padding(&p, len);
				size_t covered = len + pad + (apart ? 1 : 5);

				CHECK(pad >= 4 && pad < 4 + 2 * block);
				CHECK_INT(covered % block, 0);
				CHECK(5 + len + pad >= 16);
			}
		}
	}
}

TEST(inflating_is_bounded)
{
	struct compressor in = { 0 }, out = { 0 };
	uint8_t *zeros = calloc(1, TRANSPORT_PACKET_MAX);
	struct buf bomb = BUF_INIT;

	CHECK(zeros != NULL);
	CHECK_INT(compressor_start(&in, false), 0);
	CHECK_INT(compressor_start(&out, true), 0);
	/* Two payloads of half the bound and a bit, in one packet. */
	for (int i = 0; i < 2; i++) {
		CHECK_INT(compressor_deflate(&out,
			      span_of(zeros, TRANSPORT_PACKET_MAX / 2 + 1)),
		    0);
		write_span(&bomb, buf_span(&out.out));
	}
	CHECK_INT(compressor_inflate(&in, buf_span(&bomb)), ERR_COMPRESSION);
	compressor_stop(&in, false);
	CHECK_INT(compressor_start(&in, false), 0);
	CHECK_INT(compressor_inflate(&in, span_text("no zlib at all")),
	    ERR_COMPRESSION);
	compressor_stop(&in, false);
	compressor_stop(&out, true);
	buf_release(&bomb);
	free(zeros);
}

TEST(a_trimmed_transport_holds_no_buffers)
{
	struct transport *t = engine(TRANSPORT_CLIENT, NULL);
	struct buf b = BUF_INIT;

	write_span(&b, span_text("SSH-2.0-Hand\r\n"));
	CHECK_INT(feed(t, &b, SIZE_MAX), 0);
	transport_sent(t, transport_pending_bytes(t));
	transport_trim(t);
	CHECK(t->input.data == NULL);
	CHECK(t->output.first == NULL);
	CHECK(t->output.spare == NULL);
	buf_clear(&b);
	put_packet(&b, span_of("\002\0\0\0\0", 5));
	CHECK_INT(feed(t, &b, SIZE_MAX), 0);
	buf_release(&b);
	transport_free(t);
}

TEST(pending_output_spans_chunks_and_leaves_in_order)
{
	struct transport *t = engine(TRANSPORT_CLIENT, NULL);
	struct iovec iov[16];
	size_t total = 0, count, sent = 0;

	for (int i = 0; i < 10; i++) {
		struct buf payload = BUF_INIT;

		write_byte(&payload, SSH_MSG_IGNORE);
		for (int j = 0; j < 100 * 1024; j++)
			write_byte(&payload, (uint8_t)i);
		CHECK_INT(transport_send_raw_payload(t, buf_span(&payload)), 0);
		buf_release(&payload);
	}
	count = transport_pending(t, iov, 16);
	CHECK(count > 3);
	for (size_t i = 0; i < count; i++)
		total += iov[i].iov_len;
	CHECK_INT(total, transport_pending_bytes(t));
	CHECK_INT(transport_pending(t, iov, 2), 2);
	while (sent < total) {
		size_t n = total - sent < 77777 ? total - sent : 77777;

		transport_sent(t, n);
		sent += n;
		count = transport_pending(t, iov, 16);
		for (size_t i = 0, left = 0; i < count; i++) {
			left += iov[i].iov_len;
			if (i + 1 == count)
				CHECK_INT(left, total - sent);
		}
	}
	CHECK_INT(transport_pending(t, iov, 16), 0);
	transport_free(t);
}
