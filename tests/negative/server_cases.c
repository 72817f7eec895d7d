/*
 * server_cases.c - a client that is wrong, step by step, against sshd.
 */
#include "tests/negative/server_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <zlib.h>

#include "common/base/time.h"

#define CHECK_EVERY 50 /* cases, then an honest login */
static const char *const want_names[] = { "the end", "UNIMPLEMENTED", "nothing",
	"USERAUTH_FAILURE", "OPEN_FAILURE", "CHANNEL_FAILURE",
	"REQUEST_FAILURE", "anything safe" };

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

bool
server_reach(struct wire *w, struct daemon *d, enum stage stage)
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
	SSH_MSG_REQUEST_FAILURE, SSH_MSG_SERVICE_ACCEPT };

static uint8_t
reply_wanted(enum want want)
{
	return want >= WANT_AUTH_FAILURE && want <= WANT_SERVICE_ACCEPT
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
		return !alive && wire_is_gone(w);
	case WANT_UNIMPLEMENTED:
		return alive && w->unimplemented != 0;
	case WANT_IGNORED:
		return alive && !got_reply(w, before);
	case WANT_SAFE:
		return alive || wire_is_gone(w);
	default:
		return alive && w->count[reply] > before[reply];
	}
}

static void
describe(const char *name, const struct wire *w, enum want want,
    const unsigned *before, bool alive)
{
	char types[256] = "";

	for (int i = 0; i < 256; i++) {
		size_t at = strlen(types);

		/* What does not fit is left out: the first ones tell. */
		if (w->count[i] > before[i])
			snprintf(types + at, sizeof(types) - at, " %d", i);
	}
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
	else if (want == WANT_CHANNEL_FAILURE &&
		 w->count[SSH_MSG_CHANNEL_CLOSE] != 0)
		case_skipped(name, "the user's shell runs no commands");
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
	if (!server_reach(&w, d, c->stage)) {
		case_failed(c->name, "the stage before it was not reached");
	} else {
		memcpy(before, w.count, sizeof before);
		c->run(&w, d);
		judge(c->name, &w, c->want, before);
	}
	wire_release(&w);
}

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

/* ---- answers that nobody reads ---- */

#define PING_BYTES   (128u * 1024)
#define PINGS        1024u /* far more than all buffers of the kernel */
#define SEND_WAIT_MS 700

/* Asks and asks and reads nothing: true once no more is taken in. */
static bool
is_stopped(struct wire *w)
{
	struct timeval wait = { 0, SEND_WAIT_MS * 1000 };
	struct buf b = BUF_INIT;
	bool stopped = false;

	(void)setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	for (unsigned i = 0; i < PINGS && !stopped; i++) {
		uint64_t start = time_monotonic_us();

		write_byte(&b, SSH_MSG_PING);
		write_uint32(&b, PING_BYTES);
		if (buf_reserve(&b, PING_BYTES) == NULL)
			break;
		memset(b.data + b.len, 0, PING_BYTES);
		buf_extend(&b, PING_BYTES);
		wire_send(w, &b);
		stopped = time_monotonic_us() - start >=
			  (uint64_t)(SEND_WAIT_MS - 100) * 1000;
	}
	buf_release(&b);
	return stopped;
}

/* What is asked for must not pile up in the server's memory: somebody who
 * never reads, and need not even log in, could fill it. */
static void
run_unread(struct daemon *d)
{
	for (int stage = STAGE_KEYED; stage <= STAGE_AUTH; stage++) {
		char name[64];
		struct wire w;

		snprintf(
		    name, sizeof name, "unread-answers-at-stage-%d", stage);
		if (!case_wanted(name))
			continue;
		wire_init(&w, connect_loopback(d->port));
		if (w.fd < 0 || !server_reach(&w, d, (enum stage)stage))
			case_failed(name, "not reached");
		else if (is_stopped(&w))
			case_passed(name);
		else
			case_failed(name, "all was taken, and all is kept");
		wire_release(&w);
	}
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
		ready[i] =
		    w[i].fd >= 0 && server_reach(&w[i], d, stalls[i].stage);
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
			if (w.fd < 0 ||
			    !server_reach(&w, d, (enum stage)stage)) {
				case_failed(name, "not reached");
			} else {
				if (hard != 0)
					reset_now(&w);
				case_passed(name);
			}
			wire_release(&w);
		}
}

static void
run_table(struct daemon *d, const struct server_case *c)
{
	for (size_t i = 0; c[i].name != NULL; i++) {
		run_case(d, &c[i]);
		if (i % CHECK_EVERY == CHECK_EVERY - 1 && !daemon_serves(d))
			case_failed(c[i].name, "no honest login after it");
	}
	if (!daemon_serves(d))
		case_failed("serves", "no login after a table of cases");
}

void
server_cases(struct daemon *d)
{
	if (case_wanted("stall"))
		run_stalls(d);
	run_table(d, server_raw_cases);
	run_table(d, server_auth_cases);
	run_table(d, server_channel_cases);
	run_bomb(d);
	run_unread(d);
	run_resets(d);
	sweep(d, STAGE_KEYED, "keyed");
	sweep(d, STAGE_SERVICE, "during-auth");
	sweep(d, STAGE_AUTH, "after-auth");
	sweep(d, STAGE_RUNNING, "running");
}
