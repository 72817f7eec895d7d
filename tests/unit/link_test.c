/*
 * link_test.c - two transports on a pair of sockets (or pipes) in one loop.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/event/loop.h"
#include "common/key/key.h"
#include "common/transport/link.h"
#include "tests/unit/unit.h"

struct end {
	struct loop *loop;
	struct transport_config config;
	struct transport *t;
	struct link *link;
	struct key *key;
	uint64_t got, wanted, to_send;
	unsigned packets, ended, input_done;
	int code;
	bool free_in_end, hold_after_packet, fail_on_packet;
};

static const struct transport_config base_config = {
	.ident = "SSH-2.0-Test",
	.kex_algorithms = "curve25519-sha256",
	.host_key_algorithms = "ssh-ed25519",
	.ciphers = "aes128-gcm@openssh.com",
	.macs = "hmac-sha2-256",
	.compression = "none",
};

static struct span
find_blob(void *context, const char *algorithm)
{
	struct end *e = context;

	return key_blob(e->key);
}

static int
sign(struct end *e)
{
	struct buf signature = BUF_INIT;
	int r = key_sign(e->key, signature_find(span_text("ssh-ed25519")),
	    transport_sign_hash(e->t), &signature);

	if (r == 0)
		r = transport_signed(e->t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct end *e = context;

	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		return transport_host_key_accepted(e->t);
	case TRANSPORT_SIGN:
		return sign(e);
	case TRANSPORT_PACKET:
		e->packets++;
		e->got += packet->payload.len;
		if (e->hold_after_packet)
			link_hold(e->link, true);
		if (e->fail_on_packet)
			return ERR_UNSUPPORTED;
		if (e->wanted != 0 && e->got >= e->wanted)
			loop_stop(e->loop, 7);
		return 0;
	default:
		return 0;
	}
}

static void
on_input_done(void *context)
{
	struct end *e = context;

	e->input_done++;
}

static void
on_end(void *context, int code, const struct error *error)
{
	struct end *e = context;

	e->ended++;
	e->code = code;
	CHECK(error->text[0] != '\0');
	if (e->free_in_end) {
		link_free(e->link);
		transport_free(e->t);
		e->link = NULL;
		e->t = NULL;
	}
	loop_stop(e->loop, 1);
}

static void
end_start(
    struct end *e, struct loop *loop, enum transport_role role, int in, int out)
{
	struct link_owner owner = { on_event, on_input_done, on_end, e };
	struct error error = { 0 };

	e->loop = loop;
	e->config = base_config;
	e->config.role = role;
	if (role == TRANSPORT_SERVER)
		CHECK_INT(key_generate("ed25519", 0, &e->key, &error), 0);
	CHECK_INT(
	    transport_new(&e->config, loop_now_us(loop), &e->t, &error), 0);
	transport_set_host_keys(e->t, find_blob, e);
	e->link = link_new(loop, e->t, in, out, &owner);
	CHECK(e->link != NULL);
}

static void
end_stop(struct end *e)
{
	link_free(e->link);
	transport_free(e->t);
	key_unref(e->key);
}

struct both {
	struct loop *loop;
	struct end client, server;
	int fd[2];
};

static void
both_start(struct both *b)
{
	signal(SIGPIPE, SIG_IGN);
	b->loop = loop_new();
	CHECK(b->loop != NULL);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, b->fd), 0);
	end_start(&b->client, b->loop, TRANSPORT_CLIENT, b->fd[0], b->fd[0]);
	end_start(&b->server, b->loop, TRANSPORT_SERVER, b->fd[1], b->fd[1]);
}

static void
turn_until_open(struct both *b)
{
	for (int i = 0; i < 100 && !(transport_is_open(b->client.t) &&
				       transport_is_open(b->server.t));
	     i++)
		loop_turn(b->loop, 100);
	CHECK(transport_is_open(b->client.t));
	CHECK(transport_is_open(b->server.t));
}

static void
both_stop(struct both *b)
{
	end_stop(&b->client);
	end_stop(&b->server);
	loop_free(b->loop);
	close(b->fd[0]);
	close(b->fd[1]);
}

static void
send_data(struct end *e, size_t len)
{
	struct buf *b = transport_begin(e->t, SSH_MSG_CHANNEL_DATA);

	memset(buf_reserve(b, len), 'x', len);
	buf_extend(b, len);
	CHECK_INT(transport_end(e->t), 0);
}

/* Fills the transport up to the mark, as channels do. */
static void
produce(void *context)
{
	struct end *e = context;

	while (transport_can_send(e->t) && e->to_send > 0 &&
	       transport_pending_bytes(e->t) < TRANSPORT_PENDING_HIGH) {
		size_t n = e->to_send < 50000 ? (size_t)e->to_send : 50000;

		send_data(e, n);
		e->to_send -= n;
	}
}

TEST(bulk_flows_both_ways_whichever_prepare_runs_first)
{
	struct both b = { 0 };
	const uint64_t total = 20u * 1024 * 1024;

	b.client.to_send = b.server.to_send = total;
	both_start(&b);
	turn_until_open(&b);
	CHECK_INT(loop_add_prepare(b.loop, produce, &b.client), 0);
	CHECK_INT(loop_add_prepare(b.loop, produce, &b.server), 0);
	for (int i = 0; b.client.got < total || b.server.got < total; i++) {
		CHECK(i < 100000);
		loop_turn(b.loop, 1000);
	}
	CHECK_INT(b.client.got, total);
	CHECK_INT(b.server.got, total);
	CHECK(b.client.input_done > 0);
	both_stop(&b);
}

TEST(a_producer_before_the_link_is_asked_again)
{
	struct both b = { 0 };

	signal(SIGPIPE, SIG_IGN);
	b.loop = loop_new();
	CHECK_INT(loop_add_prepare(b.loop, produce, &b.server), 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, b.fd), 0);
	b.server.to_send = b.client.wanted = 30u * 1024 * 1024;
	end_start(&b.server, b.loop, TRANSPORT_SERVER, b.fd[1], b.fd[1]);
	end_start(&b.client, b.loop, TRANSPORT_CLIENT, b.fd[0], b.fd[0]);
	CHECK_INT(loop_run(b.loop), 7);
	both_stop(&b);
}

TEST(the_end_of_the_peer_is_told_once)
{
	struct both b = { 0 };

	both_start(&b);
	turn_until_open(&b);
	link_free(b.server.link);
	b.server.link = NULL;
	CHECK_INT(shutdown(b.fd[1], SHUT_RDWR), 0);
	CHECK_INT(loop_run(b.loop), 1);
	CHECK_INT(b.client.ended, 1);
	CHECK_INT(b.client.code, ERR_CLOSED);
	loop_turn(b.loop, 0);
	CHECK_INT(b.client.ended, 1);
	both_stop(&b);
}

TEST(an_owner_may_free_everything_in_on_end)
{
	struct both b = { 0 };

	b.client.free_in_end = b.server.free_in_end = true;
	both_start(&b);
	turn_until_open(&b);
	transport_disconnect(b.server.t, 11, "that is all");
	CHECK_INT(loop_run(b.loop), 1);
	CHECK_INT(b.client.code, ERR_DISCONNECTED);
	CHECK(b.client.link == NULL);
	both_stop(&b);
}

TEST(an_owners_failure_ends_the_link_with_its_code)
{
	struct both b = { 0 };

	b.server.fail_on_packet = true;
	both_start(&b);
	turn_until_open(&b);
	send_data(&b.client, 10);
	CHECK_INT(loop_run(b.loop), 1);
	CHECK_INT(b.server.code, ERR_UNSUPPORTED);
	both_stop(&b);
}

TEST(a_held_link_takes_one_packet_at_a_time)
{
	struct both b = { 0 };

	b.server.hold_after_packet = true;
	both_start(&b);
	turn_until_open(&b);
	for (int i = 0; i < 3; i++)
		send_data(&b.client, 10);
	for (int i = 0; i < 5; i++)
		loop_turn(b.loop, 10);
	CHECK_INT(b.server.packets, 1);
	link_hold(b.server.link, false);
	link_kick(b.server.link);
	CHECK_INT(b.server.packets, 2);
	b.server.hold_after_packet = false;
	link_hold(b.server.link, false);
	link_kick(b.server.link);
	CHECK_INT(b.server.packets, 3);
	both_stop(&b);
}

TEST(flush_waits_no_longer_than_told)
{
	struct both b = { 0 };

	both_start(&b);
	turn_until_open(&b);
	send_data(&b.client, 10);
	CHECK_INT(link_flush(b.client.link, 1000), 0);
	CHECK_INT(transport_pending_bytes(b.client.t), 0);
	/* Nobody reads: it does not fit in the socket. */
	for (int i = 0; i < 100; i++)
		send_data(&b.client, 200000);
	CHECK_INT(link_flush(b.client.link, 50), ERR_TIMEOUT);
	CHECK_INT(shutdown(b.fd[0], SHUT_RDWR), 0);
	CHECK_INT(link_flush(b.client.link, 50), ERR_SYSTEM);
	both_stop(&b);
}

TEST(a_pair_of_pipes_will_do)
{
	struct both b = { 0 };
	int up[2], down[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(pipe(up), 0);
	CHECK_INT(pipe(down), 0);
	b.loop = loop_new();
	end_start(&b.client, b.loop, TRANSPORT_CLIENT, down[0], up[1]);
	end_start(&b.server, b.loop, TRANSPORT_SERVER, up[0], down[1]);
	turn_until_open(&b);
	b.server.to_send = b.client.wanted = 5u * 1024 * 1024;
	CHECK_INT(loop_add_prepare(b.loop, produce, &b.server), 0);
	CHECK_INT(loop_run(b.loop), 7);
	CHECK_INT(link_rtt_us(b.client.link), 0);
	end_stop(&b.client);
	close(up[1]);
	close(down[0]);
	CHECK_INT(loop_run(b.loop), 1);
	CHECK(b.server.code == ERR_CLOSED || b.server.code == ERR_SYSTEM);
	end_stop(&b.server);
	loop_free(b.loop);
	close(up[0]);
	close(down[1]);
}
