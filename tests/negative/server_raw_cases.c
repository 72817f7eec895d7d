/*
 * server_raw_cases.c - a client that is wrong before keys are exchanged.
 * RFC 4253.
 */
#include "tests/negative/server_cases.h"

#include <stdlib.h>
#include <string.h>

static void
run_old_version(struct wire *w, struct daemon *d)
{
	SAY(w, "SSH-1.5-old\r\n");
}

static void
run_http(struct wire *w, struct daemon *d)
{
	SAY(w, "GET / HTTP/1.0\r\n\r\n");
}

static void
run_binary(struct wire *w, struct daemon *d)
{
	SAY(w, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\xfe\0\0\0\n");
}

static void
run_nul_ident(struct wire *w, struct daemon *d)
{
	SAY(w, "SSH-2.0-a\0b\r\n");
}

static void
run_no_software(struct wire *w, struct daemon *d)
{
	SAY(w, "SSH-2.0-\r\n");
}

static void
run_long_ident(struct wire *w, struct daemon *d)
{
	char line[5000];

	memset(line, 'a', sizeof line);
	memcpy(line, "SSH-2.0-", 8);
	wire_send_bytes(w, line, sizeof line);
}

static void
run_endless_line(struct wire *w, struct daemon *d)
{
	char block[4096];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 64; i++)
		wire_send_bytes(w, block, sizeof block);
}

/* An honest KEXINIT, with one thing the matter. */
void
server_write_kexinit(struct buf *b, const char *kex, const char *cipher)
{
	const char *const lists[] = { kex, "ssh-ed25519", cipher, cipher,
		"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "" };

	buf_clear(b);
	write_byte(b, SSH_MSG_KEXINIT);
	write_bytes(b, "0123456789abcdef", 16);
	for (size_t i = 0; i < 10; i++)
		write_text(b, lists[i]);
	write_boolean(b, false);
	write_uint32(b, 0);
}

#define STRICT KEX ",kex-strict-c-v00@openssh.com"

static void
run_no_kex(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	server_write_kexinit(&b, "rot13", "aes128-ctr");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_empty_lists(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	server_write_kexinit(&b, "", "");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_two_kexinits(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	for (int i = 0; i < 2; i++) {
		server_write_kexinit(&b, KEX, "aes128-ctr");
		wire_send(w, &b);
	}
	buf_release(&b);
}

static void
run_cut_kexinit(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	server_write_kexinit(&b, KEX, "aes128-ctr");
	buf_truncate(&b, 40);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_huge_list(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_byte(&b, SSH_MSG_KEXINIT);
	write_bytes(&b, "0123456789abcdef", 16);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_kexinit_trailing(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	server_write_kexinit(&b, KEX, "aes128-ctr");
	write_text(&b, "more");
	wire_send(w, &b);
	buf_release(&b);
}

/* KEXINIT, then a message where the exchange's first is due. */
static void
after_kexinit(struct wire *w, const char *kex, struct buf *message)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	server_write_kexinit(&b, kex, "aes128-ctr");
	wire_send(w, &b);
	wire_send(w, message);
	buf_release(&b);
}

static void
run_early_newkeys(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_NEWKEYS);
	after_kexinit(w, KEX, &b);
	buf_release(&b);
}

/* Terrapin: what was inserted shifts the sequence numbers. */
static void
run_strict_ignore(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_IGNORE);
	write_text(&b, "");
	after_kexinit(w, STRICT, &b);
	buf_release(&b);
}

static void
run_strict_ignore_first(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_byte(&b, SSH_MSG_IGNORE);
	write_text(&b, "");
	wire_send(w, &b);
	server_write_kexinit(&b, STRICT, "aes128-ctr");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_strict_unimplemented(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_UNIMPLEMENTED);
	write_uint32(&b, 0);
	after_kexinit(w, STRICT, &b);
	buf_release(&b);
}

static void
run_auth_before_keys(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, "ssh-userauth");
	after_kexinit(w, KEX, &b);
	buf_release(&b);
}

static void
run_request_before_keys(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_byte(&b, SSH_MSG_USERAUTH_REQUEST);
	write_text(&b, "root");
	write_text(&b, "ssh-connection");
	write_text(&b, "none");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_zero_point(struct wire *w, struct daemon *d)
{
	static const uint8_t zero[32];
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_INIT);
	write_string(&b, span_of(zero, sizeof zero));
	after_kexinit(w, KEX, &b);
	buf_release(&b);
}

static void
run_short_point(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_INIT);
	write_text(&b, "short");
	after_kexinit(w, KEX, &b);
	buf_release(&b);
}

static void
run_kex_reply(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_REPLY);
	write_text(&b, "a");
	write_text(&b, "b");
	write_text(&b, "c");
	after_kexinit(w, KEX, &b);
	buf_release(&b);
}

static void
run_e_is_one(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_INIT);
	write_mpint(&b, span_of("\1", 1));
	after_kexinit(w, "diffie-hellman-group14-sha256", &b);
	buf_release(&b);
}

static void
run_e_is_negative(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_INIT);
	write_string(&b, span_of("\377\1\2\3", 4));
	after_kexinit(w, "diffie-hellman-group14-sha256", &b);
	buf_release(&b);
}

static void
run_gex_absurd(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_DH_GEX_REQUEST);
	write_uint32(&b, 16);
	write_uint32(&b, 16);
	write_uint32(&b, 16);
	after_kexinit(w, "diffie-hellman-group-exchange-sha256", &b);
	buf_release(&b);
}

static void
run_gex_inverted(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_KEX_DH_GEX_REQUEST);
	write_uint32(&b, 8192);
	write_uint32(&b, 4096);
	write_uint32(&b, 2048);
	after_kexinit(w, "diffie-hellman-group-exchange-sha256", &b);
	buf_release(&b);
}

static void
run_length_zero(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void
run_length_huge(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\x7f\xff\xff\xf0\4aaaaaaaaaaaaaaaaaaaa");
}

static void
run_length_odd(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\0\0\0\x0d\4aaaaaaaaaaaaaaaaaaaaaaaa");
}

static void
run_padding_long(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\0\0\0\x0c\xff\2aaaaaaaaaa");
}

static void
run_padding_short(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\0\0\0\x0c\1\2\0\0\0\4aaaa\0");
}

static void
run_no_payload(struct wire *w, struct daemon *d)
{
	SAY(w, IDENT "\0\0\0\x0c\x0b\0\0\0\0\0\0\0\0\0\0\0");
}

const struct server_case server_raw_cases[] = {
	{ "ident-1.5", STAGE_RAW, WANT_CLOSED, run_old_version },
	{ "ident-http", STAGE_RAW, WANT_CLOSED, run_http },
	{ "ident-binary", STAGE_RAW, WANT_CLOSED, run_binary },
	{ "ident-nul", STAGE_RAW, WANT_CLOSED, run_nul_ident },
	{ "ident-no-software", STAGE_RAW, WANT_CLOSED, run_no_software },
	{ "ident-too-long", STAGE_RAW, WANT_CLOSED, run_long_ident },
	{ "ident-endless", STAGE_RAW, WANT_CLOSED, run_endless_line },
	{ "kexinit-unknown-method", STAGE_RAW, WANT_CLOSED, run_no_kex },
	{ "kexinit-empty-lists", STAGE_RAW, WANT_CLOSED, run_empty_lists },
	{ "kexinit-twice", STAGE_RAW, WANT_CLOSED, run_two_kexinits },
	{ "kexinit-cut", STAGE_RAW, WANT_CLOSED, run_cut_kexinit },
	{ "kexinit-huge-list", STAGE_RAW, WANT_CLOSED, run_huge_list },
	{ "kexinit-trailing", STAGE_RAW, WANT_CLOSED, run_kexinit_trailing },
	{ "newkeys-early", STAGE_RAW, WANT_CLOSED, run_early_newkeys },
	{ "strict-ignore", STAGE_RAW, WANT_CLOSED, run_strict_ignore },
	{ "strict-ignore-before-kexinit", STAGE_RAW, WANT_CLOSED,
	    run_strict_ignore_first },
	{ "strict-unimplemented", STAGE_RAW, WANT_CLOSED,
	    run_strict_unimplemented },
	{ "service-during-kex", STAGE_RAW, WANT_CLOSED, run_auth_before_keys },
	{ "userauth-before-kex", STAGE_RAW, WANT_CLOSED,
	    run_request_before_keys },
	{ "kex-zero-point", STAGE_RAW, WANT_CLOSED, run_zero_point },
	{ "kex-short-point", STAGE_RAW, WANT_CLOSED, run_short_point },
	{ "kex-reply-from-client", STAGE_RAW, WANT_CLOSED, run_kex_reply },
	{ "kex-e-is-one", STAGE_RAW, WANT_CLOSED, run_e_is_one },
	{ "kex-e-is-negative", STAGE_RAW, WANT_CLOSED, run_e_is_negative },
	{ "gex-16-bits", STAGE_RAW, WANT_CLOSED, run_gex_absurd },
	{ "gex-inverted", STAGE_RAW, WANT_CLOSED, run_gex_inverted },
	{ "packet-length-0", STAGE_RAW, WANT_CLOSED, run_length_zero },
	{ "packet-length-huge", STAGE_RAW, WANT_CLOSED, run_length_huge },
	{ "packet-length-odd", STAGE_RAW, WANT_CLOSED, run_length_odd },
	{ "packet-padding-too-long", STAGE_RAW, WANT_CLOSED, run_padding_long },
	{ "packet-padding-too-short", STAGE_RAW, WANT_CLOSED,
	    run_padding_short },
	{ "packet-without-payload", STAGE_RAW, WANT_CLOSED, run_no_payload },
	{ NULL, STAGE_RAW, WANT_SAFE, NULL },
};
