/*
 * server_cases.c - a client that is wrong, step by step, against sshd.
 */
#include "tests/negative/negative.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zlib.h>

#include "common/base/time.h"

#define CHECK_EVERY 50 /* cases, then an honest login */
#define ANSWER_MS   3000

enum stage {
	STAGE_RAW,     /* connected; bytes only */
	STAGE_KEYED,   /* keys are exchanged */
	STAGE_SERVICE, /* ssh-userauth is accepted */
	STAGE_AUTH,    /* logged in */
	STAGE_SESSION, /* a session channel is open */
	STAGE_RUNNING  /* and `cat` runs in it */
};

enum want {
	WANT_CLOSED,        /* DISCONNECT, or the end */
	WANT_UNIMPLEMENTED, /* and the connection lives */
	WANT_IGNORED,       /* nothing but that it lives */
	WANT_AUTH_FAILURE,
	WANT_OPEN_FAILURE,
	WANT_CHANNEL_FAILURE,
	WANT_REQUEST_FAILURE,
	WANT_SAFE /* any of these, but no success */
};

static const char *const want_names[] = { "the end", "UNIMPLEMENTED", "nothing",
	"USERAUTH_FAILURE", "OPEN_FAILURE", "CHANNEL_FAILURE",
	"REQUEST_FAILURE", "anything safe" };

struct server_case {
	const char *name;
	enum stage stage;
	enum want want;
	void (*run)(struct wire *w, struct daemon *d);
};

/* ---- getting there ---- */

static bool
start_cat(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_text(&b, "cat > /dev/null; sleep 20");
	wire_send(w, &b);
	buf_release(&b);
	return wire_until(w, SSH_MSG_CHANNEL_SUCCESS, 1, WIRE_WAIT_MS);
}

static bool
reach(struct wire *w, struct daemon *d, enum stage stage)
{
	if (stage == STAGE_RAW)
		return true;
	if (!wire_start(w, TRANSPORT_CLIENT, NULL) ||
	    !wire_until_keyed(w, WIRE_WAIT_MS))
		return false;
	if (stage >= STAGE_SERVICE && !wire_service(w))
		return false;
	if (stage >= STAGE_AUTH && !wire_login(w, user_name(), d->user_key))
		return false;
	if (stage >= STAGE_SESSION && !wire_open_session(w))
		return false;
	return stage < STAGE_RUNNING || start_cat(w);
}

/* ---- judging ---- */

static const uint8_t replies[] = { SSH_MSG_USERAUTH_FAILURE,
	SSH_MSG_CHANNEL_OPEN_FAILURE, SSH_MSG_CHANNEL_FAILURE,
	SSH_MSG_REQUEST_FAILURE };

static uint8_t
reply_wanted(enum want want)
{
	return want >= WANT_AUTH_FAILURE && want <= WANT_REQUEST_FAILURE
		   ? replies[want - WANT_AUTH_FAILURE]
		   : 0;
}

/* Asks whether the connection lives, and waits for what is wanted. */
static bool
lives(struct wire *w, enum want want)
{
	struct buf b = BUF_INIT;
	uint8_t reply = reply_wanted(want);

	write_byte(&b, SSH_MSG_PING);
	write_text(&b, "alive");
	wire_send(w, &b);
	buf_release(&b);
	if (!wire_until(w, SSH_MSG_PONG, 1, ANSWER_MS))
		return false;
	/* The answer may come from another process, later. */
	return reply == 0 || wire_until(w, reply, 1, ANSWER_MS);
}

static bool
is_gone(const struct wire *w)
{
	return w->closed || w->disconnected;
}

static bool
got_success(const struct wire *w, const unsigned *before)
{
	static const uint8_t successes[] = { SSH_MSG_USERAUTH_SUCCESS,
		SSH_MSG_CHANNEL_OPEN_CONFIRMATION, SSH_MSG_CHANNEL_SUCCESS,
		SSH_MSG_REQUEST_SUCCESS };

	for (size_t i = 0; i < sizeof successes; i++)
		if (w->count[successes[i]] > before[successes[i]])
			return true;
	return false;
}

static bool
got_reply(const struct wire *w, const unsigned *before)
{
	for (size_t i = 0; i < sizeof replies; i++)
		if (w->count[replies[i]] > before[replies[i]])
			return true;
	return w->unimplemented != 0;
}

static bool
is_as_wanted(struct wire *w, enum want want, const unsigned *before, bool alive)
{
	uint8_t reply = reply_wanted(want);

	if (got_success(w, before))
		return false;
	switch (want) {
	case WANT_CLOSED:
		return !alive && is_gone(w);
	case WANT_UNIMPLEMENTED:
		return alive && w->unimplemented != 0;
	case WANT_IGNORED:
		return alive && !got_reply(w, before);
	case WANT_SAFE:
		return alive || is_gone(w);
	default:
		return alive && w->count[reply] > before[reply];
	}
}

static void
describe(const char *name, const struct wire *w, enum want want,
    const unsigned *before, bool alive)
{
	char types[256] = "";

	for (int i = 0; i < 256; i++)
		if (w->count[i] > before[i] && strlen(types) < 200)
			sprintf(types + strlen(types), " %d", i);
	case_failed(name,
	    "wanted %s; %s, %s%s, %u times UNIMPLEMENTED, messages%s",
	    want_names[want], alive ? "it lives" : "no answer",
	    w->disconnected ? "DISCONNECT came" : "no DISCONNECT",
	    w->closed ? ", closed" : "", w->unimplemented, types);
}

static void
judge(const char *name, struct wire *w, enum want want, const unsigned *before)
{
	bool alive = false;

	if (w->t == NULL) {
		(void)wire_until_closed(w, 7000);
	} else {
		alive = lives(w, want);
		if (!alive && !w->closed)
			(void)wire_until_closed(w, 1000);
	}
	if (is_as_wanted(w, want, before, alive))
		case_passed(name);
	else
		describe(name, w, want, before, alive);
}

static void
run_case(struct daemon *d, const struct server_case *c)
{
	unsigned before[256];
	struct wire w;
	int fd;

	if (!case_wanted(c->name))
		return;
	if ((fd = connect_loopback(d->port)) < 0) {
		case_failed(c->name, "cannot connect");
		return;
	}
	wire_init(&w, fd);
	if (!reach(&w, d, c->stage)) {
		case_failed(c->name, "the stage before it was not reached");
	} else {
		memcpy(before, w.count, sizeof before);
		c->run(&w, d);
		judge(c->name, &w, c->want, before);
	}
	wire_release(&w);
}

/* ---- before keys: bytes ---- */

#define IDENT "SSH-2.0-Negative_1\r\n"

static void
say(struct wire *w, const char *bytes, size_t len)
{
	wire_send_bytes(w, bytes, len);
}

#define SAY(w, text) say(w, text, sizeof(text) - 1)

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
	say(w, line, sizeof line);
}

static void
run_endless_line(struct wire *w, struct daemon *d)
{
	char block[4096];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 64; i++)
		say(w, block, sizeof block);
}

/* An honest KEXINIT, with one thing the matter. */
static void
write_kexinit(struct buf *b, const char *kex, const char *cipher)
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

#define KEX    "curve25519-sha256"
#define STRICT KEX ",kex-strict-c-v00@openssh.com"

static void
run_no_kex(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_kexinit(&b, "rot13", "aes128-ctr");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_empty_lists(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_kexinit(&b, "", "");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_two_kexinits(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	for (int i = 0; i < 2; i++) {
		write_kexinit(&b, KEX, "aes128-ctr");
		wire_send(w, &b);
	}
	buf_release(&b);
}

static void
run_cut_kexinit(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_kexinit(&b, KEX, "aes128-ctr");
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
	write_kexinit(&b, KEX, "aes128-ctr");
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
	write_kexinit(&b, kex, "aes128-ctr");
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
	write_kexinit(&b, STRICT, "aes128-ctr");
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

static const struct server_case raw_cases[] = {
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
};

/* ---- with keys ---- */

static void
run_bad_mac(struct wire *w, struct daemon *d)
{
	char block[256];

	memset(block, 0x5a, sizeof block);
	say(w, block, sizeof block);
}

static void
run_newkeys_unasked(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_NEWKEYS);
}

static void
run_kexinit_then_data(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_kexinit(&b, KEX, "aes128-ctr");
	wire_send(w, &b);
	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, "ssh-userauth");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_open_before_auth(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "session");
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_request_without_service(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_HONEST);
}

static void
send_service(struct wire *w, const char *name)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, name);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_connection_service(struct wire *w, struct daemon *d)
{
	send_service(w, "ssh-connection");
}

static void
run_nul_service(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_string(&b, span_of("ssh-userauth\0", 13));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_service_twice(struct wire *w, struct daemon *d)
{
	send_service(w, "ssh-userauth");
}

static void
run_big_packet(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	uint8_t *space;

	write_byte(&b, SSH_MSG_IGNORE);
	space = buf_reserve(&b, 256 * 1024);
	memset(space, 0, 256 * 1024);
	buf_extend(&b, 256 * 1024 - 600);
	wire_send(w, &b);
	buf_release(&b);
	/* The same again as bytes of a length that none may have. */
	for (int i = 0; i < 3; i++)
		run_bad_mac(w, d);
}

static void
run_bad_disconnect(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_DISCONNECT);
}

static void
run_bad_ping(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_PING);
}

static void
run_bad_ext_info(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_EXT_INFO);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

/* ---- authentication ---- */

static void
begin_auth(
    struct buf *b, const char *user, const char *service, const char *method)
{
	buf_clear(b);
	write_byte(b, SSH_MSG_USERAUTH_REQUEST);
	write_text(b, user);
	write_text(b, service);
	write_text(b, method);
}

static void
send_none(struct wire *w, const char *user, const char *service)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user, service, "none");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_none(struct wire *w, struct daemon *d)
{
	send_none(w, user_name(), "ssh-connection");
}

static void
run_change_user(struct wire *w, struct daemon *d)
{
	send_none(w, "somebody", "ssh-connection");
	(void)wire_until(w, SSH_MSG_USERAUTH_FAILURE, 1, ANSWER_MS);
	send_none(w, user_name(), "ssh-connection");
}

static void
run_change_service(struct wire *w, struct daemon *d)
{
	send_none(w, user_name(), "ssh-connection");
	(void)wire_until(w, SSH_MSG_USERAUTH_FAILURE, 1, ANSWER_MS);
	send_none(w, user_name(), "ssh-other");
}

static void
run_long_user(struct wire *w, struct daemon *d)
{
	char name[70000];

	memset(name, 'u', sizeof name);
	name[sizeof name - 1] = '\0';
	send_none(w, name, "ssh-connection");
}

static void
run_nul_user(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_REQUEST);
	write_string(&b, span_of("root\0x", 6));
	write_text(&b, "ssh-connection");
	write_text(&b, "none");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_forged_line(struct wire *w, struct daemon *d)
{
	send_none(w, "x\nAccepted password for root from 1.2.3.4\x1b[2J",
	    "ssh-connection");
}

static void
run_other_session(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_SESSION);
}

static void
run_other_user(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_USER);
}

static void
run_other_algorithm(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_ALGORITHM);
}

static void
run_other_blob(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_BLOB);
}

static void
run_other_host_key(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_HOST_KEY);
}

static void
run_broken_signature(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_BROKEN_SIGNATURE);
}

static void
run_replayed(struct wire *w, struct daemon *d)
{
	struct wire first;
	int fd = connect_loopback(d->port);
	struct buf b = BUF_INIT, data = BUF_INIT, signature = BUF_INIT;

	wire_init(&first, fd);
	if (fd < 0 || !reach(&first, d, STAGE_SERVICE))
		return;
	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, true);
	write_text(&b, "ssh-ed25519");
	write_string(&b, key_blob(d->user_key));
	write_string(&data, transport_session_id(first.t));
	write_span(&data, buf_span(&b));
	(void)!key_sign(d->user_key, signature_find(span_text("ssh-ed25519")),
	    buf_span(&data), &signature);
	write_string(&b, buf_span(&signature));
	write_span(&data, span_of(NULL, 0));
	buf_clear(&data);
	write_span(&data, buf_span(&b));
	/* It is good there, and nowhere else. */
	wire_send(&first, &b);
	if (wire_until(&first, SSH_MSG_USERAUTH_SUCCESS, 1, ANSWER_MS))
		wire_send(w, &data);
	wire_release(&first);
	buf_release(&b);
	buf_release(&data);
	buf_release(&signature);
}

static void
run_unasked_response(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(&b, 1);
	write_text(&b, "x");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_many_responses(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "keyboard-interactive");
	write_text(&b, "");
	write_text(&b, "");
	wire_send(w, &b);
	(void)wire_until(w, SSH_MSG_USERAUTH_INFO_REQUEST, 1, ANSWER_MS);
	write_byte(&b, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_long_password(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	char text[60000];

	memset(text, 'p', sizeof text);
	text[sizeof text - 1] = '\0';
	begin_auth(&b, user_name(), "ssh-connection", "password");
	write_boolean(&b, false);
	write_text(&b, text);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_cut_publickey(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, true);
	write_uint32(&b, 0x7fffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_garbage_key(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, false);
	write_text(&b, "ssh-ed25519");
	write_text(&b, "no key at all");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_success_from_client(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_USERAUTH_SUCCESS);
	run_open_before_auth(w, d);
}

static void
run_unknown_method(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "telepathy");
	write_text(&b, "anything");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_too_many(struct wire *w, struct daemon *d)
{
	for (int i = 0; i < 12; i++)
		run_broken_signature(w, d);
	(void)wire_until_closed(w, ANSWER_MS);
}

/* ---- channels ---- */

static void
send_simple(struct wire *w, uint8_t type, uint32_t channel, const char *text)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, type, channel);
	if (text != NULL)
		write_text(&b, text);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_auth_again(struct wire *w, struct daemon *d)
{
	send_none(w, "root", "ssh-connection");
}

static void
run_service_after_auth(struct wire *w, struct daemon *d)
{
	send_service(w, "ssh-userauth");
}

static void
run_unknown_channel_data(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_DATA, 12345, "data");
}

static void
run_unknown_channel_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, 0xffffffff, NULL);
}

static void
run_open_unknown_type(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "teapot");
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_open_cut(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "session");
	write_uint32(&b, 1);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_unasked_confirmation(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 0);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_too_many_sessions(struct wire *w, struct daemon *d)
{
	/* MaxSessions is 4. */
	for (int i = 0; i < 4; i++)
		(void)wire_open_session(w);
	memset(w->count, 0, sizeof w->count);
	(void)wire_open_session(w);
}

static void
run_global_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_GLOBAL_REQUEST);
	write_text(&b, "teapot@example");
	write_boolean(&b, true);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_unasked_reply(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_REQUEST_SUCCESS);
}

static void
run_unasked_channel_success(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_SUCCESS, w->peer_channel, NULL);
}

static void
run_request_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "teapot");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_cut(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_uint32(&b, 1000);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_nul(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_string(&b, span_of("true\0false", 10));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_pty_cut_modes(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "pty-req");
	write_text(&b, "xterm");
	for (int i = 0; i < 4; i++)
		write_uint32(&b, 0xffffffff);
	write_uint32(&b, 0xffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_subsystem_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "subsystem");
	write_text(&b, "teapot");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exit_status_from_client(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exit-status");
	write_uint32(&b, 0);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_twice(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_text(&b, "echo again");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_window_overrun(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	static char block[100000];

	/* Far more than any window: it must end before it is all taken. */
	for (int i = 0; i < 4000 && !is_gone(w); i++) {
		wire_begin(&b, SSH_MSG_CHANNEL_DATA, w->peer_channel);
		write_string(&b, span_of(block, sizeof block));
		wire_send(w, &b);
		if (i % 32 == 0)
			(void)wire_until(w, 255, 1, 0);
	}
	buf_release(&b);
}

static void
run_big_data(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	static char block[200000];

	/* Longer than the maximum packet that it announced. */
	wire_begin(&b, SSH_MSG_CHANNEL_DATA, w->peer_channel);
	write_string(&b, span_of(block, sizeof block));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_window_overflow(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 2; i++) {
		wire_begin(&b, SSH_MSG_CHANNEL_WINDOW_ADJUST, w->peer_channel);
		write_uint32(&b, 0xffffffff);
		wire_send(w, &b);
	}
	buf_release(&b);
}

static void
run_data_after_eof(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_EOF, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_DATA, w->peer_channel, "more");
}

static void
run_data_after_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_DATA, w->peer_channel, "more");
}

static void
run_exec_after_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	run_exec_twice(w, d);
}

static void
run_close_twice(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
}

static void
run_extended_type(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_EXTENDED_DATA, w->peer_channel);
	write_uint32(&b, 77);
	write_text(&b, "x");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_signal_forged(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "signal");
	write_text(&b, "BOGUS");
	wire_send(w, &b);
	buf_release(&b);
}

static const struct server_case keyed_cases[] = {
	{ "bad-mac", STAGE_KEYED, WANT_CLOSED, run_bad_mac },
	{ "bad-mac-after-login", STAGE_AUTH, WANT_CLOSED, run_bad_mac },
	{ "newkeys-unasked", STAGE_KEYED, WANT_CLOSED, run_newkeys_unasked },
	{ "newkeys-unasked-after-login", STAGE_AUTH, WANT_CLOSED,
	    run_newkeys_unasked },
	{ "service-inside-rekey", STAGE_KEYED, WANT_CLOSED,
	    run_kexinit_then_data },
	{ "open-before-auth", STAGE_KEYED, WANT_CLOSED, run_open_before_auth },
	{ "open-during-auth", STAGE_SERVICE, WANT_CLOSED,
	    run_open_before_auth },
	{ "auth-without-service", STAGE_KEYED, WANT_CLOSED,
	    run_request_without_service },
	{ "service-connection-first", STAGE_KEYED, WANT_CLOSED,
	    run_connection_service },
	{ "service-with-nul", STAGE_KEYED, WANT_CLOSED, run_nul_service },
	{ "service-twice", STAGE_SERVICE, WANT_CLOSED, run_service_twice },
	{ "packet-oversize", STAGE_KEYED, WANT_CLOSED, run_big_packet },
	{ "disconnect-empty", STAGE_KEYED, WANT_CLOSED, run_bad_disconnect },
	{ "ping-empty", STAGE_KEYED, WANT_CLOSED, run_bad_ping },
	{ "ext-info-huge-count", STAGE_KEYED, WANT_CLOSED, run_bad_ext_info },

	{ "auth-none", STAGE_SERVICE, WANT_AUTH_FAILURE, run_none },
	{ "auth-change-user", STAGE_SERVICE, WANT_CLOSED, run_change_user },
	{ "auth-change-service", STAGE_SERVICE, WANT_CLOSED,
	    run_change_service },
	{ "auth-long-user", STAGE_SERVICE, WANT_SAFE, run_long_user },
	{ "auth-user-with-nul", STAGE_SERVICE, WANT_SAFE, run_nul_user },
	{ "auth-forged-log-line", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_forged_line },
	{ "auth-other-session-id", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_session },
	{ "auth-signed-for-other-user", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_user },
	{ "auth-other-algorithm", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_algorithm },
	{ "auth-other-keys-signature", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_blob },
	{ "auth-other-host-key", STAGE_SERVICE, WANT_SAFE, run_other_host_key },
	{ "auth-broken-signature", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_broken_signature },
	{ "auth-replayed", STAGE_SERVICE, WANT_AUTH_FAILURE, run_replayed },
	{ "auth-response-unasked", STAGE_SERVICE, WANT_CLOSED,
	    run_unasked_response },
	{ "auth-4-billion-responses", STAGE_SERVICE, WANT_SAFE,
	    run_many_responses },
	{ "auth-long-password", STAGE_SERVICE, WANT_SAFE, run_long_password },
	{ "auth-publickey-cut", STAGE_SERVICE, WANT_CLOSED, run_cut_publickey },
	{ "auth-garbage-key", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_garbage_key },
	{ "auth-success-from-client", STAGE_SERVICE, WANT_SAFE,
	    run_success_from_client },
	{ "auth-unknown-method", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_unknown_method },
	{ "auth-too-many", STAGE_SERVICE, WANT_CLOSED, run_too_many },

	{ "auth-after-auth", STAGE_AUTH, WANT_SAFE, run_auth_again },
	{ "service-after-auth", STAGE_AUTH, WANT_SAFE, run_service_after_auth },
	{ "data-for-no-channel", STAGE_AUTH, WANT_CLOSED,
	    run_unknown_channel_data },
	{ "close-for-no-channel", STAGE_AUTH, WANT_CLOSED,
	    run_unknown_channel_close },
	{ "open-unknown-type", STAGE_AUTH, WANT_OPEN_FAILURE,
	    run_open_unknown_type },
	{ "open-cut", STAGE_AUTH, WANT_CLOSED, run_open_cut },
	{ "confirmation-unasked", STAGE_AUTH, WANT_CLOSED,
	    run_unasked_confirmation },
	{ "global-unknown", STAGE_AUTH, WANT_REQUEST_FAILURE,
	    run_global_unknown },
	{ "global-reply-unasked", STAGE_AUTH, WANT_SAFE, run_unasked_reply },
	{ "channel-reply-unasked", STAGE_SESSION, WANT_SAFE,
	    run_unasked_channel_success },
	{ "request-unknown", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_request_unknown },
	{ "exec-cut", STAGE_SESSION, WANT_SAFE, run_exec_cut },
	{ "exec-with-nul", STAGE_SESSION, WANT_SAFE, run_exec_nul },
	{ "pty-cut-modes", STAGE_SESSION, WANT_SAFE, run_pty_cut_modes },
	{ "subsystem-unknown", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_subsystem_unknown },
	{ "exit-status-from-client", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_exit_status_from_client },
	{ "exec-twice", STAGE_RUNNING, WANT_CHANNEL_FAILURE, run_exec_twice },
	{ "sessions-over-the-limit", STAGE_AUTH, WANT_OPEN_FAILURE,
	    run_too_many_sessions },
	{ "window-overrun", STAGE_SESSION, WANT_CLOSED, run_window_overrun },
	{ "data-over-maximum-packet", STAGE_RUNNING, WANT_CLOSED,
	    run_big_data },
	{ "window-overflow", STAGE_RUNNING, WANT_SAFE, run_window_overflow },
	{ "data-after-eof", STAGE_RUNNING, WANT_CLOSED, run_data_after_eof },
	{ "data-after-close", STAGE_RUNNING, WANT_CLOSED,
	    run_data_after_close },
	{ "exec-after-close", STAGE_SESSION, WANT_CLOSED,
	    run_exec_after_close },
	{ "close-twice", STAGE_SESSION, WANT_CLOSED, run_close_twice },
	{ "extended-data-of-no-type", STAGE_RUNNING, WANT_SAFE,
	    run_extended_type },
	{ "signal-unknown", STAGE_RUNNING, WANT_CHANNEL_FAILURE,
	    run_signal_forged },
};

/* ---- every type at every stage, empty and with noise ---- */

static uint8_t sweep_type;
static bool sweep_noise;

static void
run_sweep(struct wire *w, struct daemon *d)
{
	static const uint8_t noise[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5,
		'n', 'o', 'i', 's', 'e', 0, 0xff };
	struct buf b = BUF_INIT;

	write_byte(&b, sweep_type);
	if (sweep_noise)
		write_bytes(&b, noise, sizeof noise);
	wire_send(w, &b);
	buf_release(&b);
}

static enum want
sweep_want(enum stage stage, uint8_t type)
{
	bool unknown = (type >= 8 && type < 20) || (type >= 22 && type < 30) ||
		       type > 193 || (type >= 128 && type < 192);

	if (stage == STAGE_RAW || stage == STAGE_RUNNING)
		return WANT_SAFE;
	/* RFC 4250 s4.1.1: 0 is no message number. */
	if (type == 0)
		return WANT_CLOSED;
	return unknown ? WANT_UNIMPLEMENTED : WANT_SAFE;
}

static void
sweep(struct daemon *d, enum stage stage, const char *stage_name)
{
	for (int type = 0; type < 256; type++) {
		char name[64];
		struct server_case c = { name, stage,
			sweep_want(stage, (uint8_t)type), run_sweep };

		/* The rest is unknown everywhere: some of it will do. */
		if (type > 101 && type < 188 && type % 16 != 0)
			continue;
		/* Our own PING is how it is asked whether it lives. */
		if (type == SSH_MSG_PONG)
			continue;
		sweep_type = (uint8_t)type;
		sweep_noise = type % 2 != 0;
		snprintf(name, sizeof name, "type-%d-%s", type, stage_name);
		run_case(d, &c);
		if (type % CHECK_EVERY == 0 && !daemon_serves(d))
			case_failed(name, "no honest login after it");
	}
}

/* ---- compression ---- */

/* 2 MiB of zeros is 2 KiB on the wire. Our transport would not compress as
 * much: it is left without compression, and the stream is made here. */
static bool
write_bomb(struct buf *b)
{
	static uint8_t zeros[2u << 20];
	uint8_t *out = buf_reserve(b, 65536);
	z_stream z;

	memset(&z, 0, sizeof z);
	if (out == NULL || deflateInit(&z, 9) != Z_OK)
		return false;
	zeros[0] = SSH_MSG_IGNORE;
	z.next_in = zeros;
	z.avail_in = sizeof zeros;
	z.next_out = out;
	z.avail_out = 65536;
	if (deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0)
		buf_extend(b, 65536 - z.avail_out);
	deflateEnd(&z);
	return b->len > 0;
}

static bool
send_bomb(struct wire *w, struct daemon *d)
{
	static const struct transport_config config = {
		.ident = "SSH-2.0-Negative_1",
		.kex_algorithms = KEX,
		.host_key_algorithms = "ssh-ed25519",
		.ciphers = "aes128-gcm@openssh.com",
		.macs = "hmac-sha2-256",
		.compression = "zlib@openssh.com",
	};
	struct buf b = BUF_INIT;
	bool ok = wire_start(w, TRANSPORT_CLIENT, &config) &&
		  wire_until_keyed(w, WIRE_WAIT_MS) && wire_service(w);

	if (ok)
		wire_send_publickey(w, user_name(), d->user_key, WIRE_HONEST);
	ok = ok && wire_until(w, SSH_MSG_USERAUTH_SUCCESS, 1, ANSWER_MS) &&
	     write_bomb(&b);
	if (ok)
		wire_send(w, &b);
	buf_release(&b);
	return ok;
}

static void
run_bomb(struct daemon *d)
{
	const char *name = "decompression-bomb";
	struct wire w;

	if (!case_wanted(name))
		return;
	wire_init(&w, connect_loopback(d->port));
	if (!send_bomb(&w, d))
		case_failed(name, "no login with compression");
	else if (wire_until_closed(&w, ANSWER_MS))
		case_passed(name);
	else
		case_failed(name, "it was taken");
	wire_release(&w);
}

/* ---- stalls and resets ---- */

static const struct {
	const char *name;
	enum stage stage;
} stalls[] = {
	{ "connected", STAGE_RAW },
	{ "half-ident", STAGE_RAW },
	{ "ident", STAGE_RAW },
	{ "half-kexinit", STAGE_RAW },
	{ "keyed", STAGE_KEYED },
	{ "service", STAGE_SERVICE },
};
#define STALLS (sizeof stalls / sizeof stalls[0])

static void
say_some(struct wire *w, size_t which)
{
	if (which == 1)
		SAY(w, "SSH-2.0-Ne");
	else if (which == 2)
		SAY(w, IDENT);
	else if (which == 3)
		SAY(w, IDENT "\0\0\2\0\4\24aaaaaaaa");
}

/* Who stops talking is thrown out when LoginGraceTime (4 s) is over. */
static void
run_stalls(struct daemon *d)
{
	struct wire w[STALLS];
	bool ready[STALLS];
	uint64_t until;

	for (size_t i = 0; i < STALLS; i++) {
		wire_init(&w[i], connect_loopback(d->port));
		ready[i] = w[i].fd >= 0 && reach(&w[i], d, stalls[i].stage);
		if (ready[i])
			say_some(&w[i], i);
	}
	until = time_monotonic_us() + 9000000;
	for (size_t i = 0; i < STALLS; i++) {
		uint64_t now = time_monotonic_us();
		char name[64];

		snprintf(name, sizeof name, "stall-%s", stalls[i].name);
		if (!ready[i])
			case_failed(name, "not reached");
		else if (wire_until_closed(&w[i],
			     now < until ? (unsigned)((until - now) / 1000)
					 : 0))
			case_passed(name);
		else
			case_failed(name, "still open after 9 s");
		wire_release(&w[i]);
	}
}

static void
reset_now(struct wire *w)
{
	struct linger hard = { 1, 0 };

	(void)setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/* The connection is cut or reset at every step. */
static void
run_resets(struct daemon *d)
{
	for (int stage = STAGE_RAW; stage <= STAGE_RUNNING; stage++)
		for (int hard = 0; hard < 2; hard++) {
			char name[64];
			struct wire w;

			snprintf(name, sizeof name, "%s-at-stage-%d",
			    hard != 0 ? "reset" : "end", stage);
			if (!case_wanted(name))
				continue;
			wire_init(&w, connect_loopback(d->port));
			if (w.fd < 0 || !reach(&w, d, (enum stage)stage)) {
				case_failed(name, "not reached");
			} else {
				if (hard != 0)
					reset_now(&w);
				case_passed(name);
			}
			wire_release(&w);
		}
}

void
server_cases(struct daemon *d)
{
	size_t n = sizeof raw_cases / sizeof raw_cases[0];

	if (case_wanted("stall"))
		run_stalls(d);
	for (size_t i = 0; i < n; i++)
		run_case(d, &raw_cases[i]);
	if (!daemon_serves(d))
		case_failed("serves", "no login after the raw cases");
	n = sizeof keyed_cases / sizeof keyed_cases[0];
	for (size_t i = 0; i < n; i++) {
		run_case(d, &keyed_cases[i]);
		if (i % CHECK_EVERY == CHECK_EVERY - 1 && !daemon_serves(d))
			case_failed(
			    keyed_cases[i].name, "no honest login after it");
	}
	run_bomb(d);
	run_resets(d);
	sweep(d, STAGE_KEYED, "keyed");
	sweep(d, STAGE_SERVICE, "during-auth");
	sweep(d, STAGE_AUTH, "after-auth");
	sweep(d, STAGE_RUNNING, "running");
}
