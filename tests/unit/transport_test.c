/*
 * transport_test.c - two engines against each other, with nothing between
 * them but memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "common/crypto/mac.h"
#include "common/key/key.h"
#include "common/transport/transport.h"
#include "tests/unit/unit.h"

struct end {
	struct transport_config config;
	struct transport *t;
	struct key *key; /* the server's */
	struct buf got;  /* payloads of CHANNEL_DATA */
	unsigned packets;
	unsigned kex_done, verified, ext_infos, idents;
	bool refuse; /* the host key */
	int failed;  /* the first negative code */
	bool disconnected;
	size_t sent_bytes; /* carried to the other end */
};

struct pair {
	struct end client, server;
	uint64_t now;
};

static const struct transport_config base_config = {
	.ident = "SSH-2.0-Test_1",
	.kex_algorithms = "curve25519-sha256,ecdh-sha2-nistp256",
	.host_key_algorithms = "ssh-ed25519",
	.ciphers = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,"
		   "aes128-ctr",
	.macs = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	.compression = "none",
};

static struct span
find_blob(void *context, const char *algorithm)
{
	struct end *e = context;
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));

	return a != NULL && strcmp(a->key_type, key_type_name(e->key)) == 0
		   ? key_blob(e->key)
		   : span_of(NULL, 0);
}

static void
pair_configure(struct pair *p)
{
	memset(p, 0, sizeof *p);
	p->now = 1000000;
	p->client.config = base_config;
	p->client.config.role = TRANSPORT_CLIENT;
	p->server.config = base_config;
	p->server.config.role = TRANSPORT_SERVER;
}

static void
pair_start(struct pair *p)
{
	struct error e = { 0 };

	if (p->server.key == NULL)
		CHECK_INT(key_generate("ed25519", 0, &p->server.key, &e), 0);
	CHECK_INT(
	    transport_new(&p->client.config, p->now, &p->client.t, &e), 0);
	CHECK_INT(
	    transport_new(&p->server.config, p->now, &p->server.t, &e), 0);
	transport_set_host_keys(p->server.t, find_blob, &p->server);
}

static void
pair_end(struct pair *p)
{
	transport_free(p->client.t);
	transport_free(p->server.t);
	key_unref(p->server.key);
	buf_release(&p->client.got);
	buf_release(&p->server.got);
}

static int
sign(struct end *e)
{
	struct buf signature = BUF_INIT;
	int r = key_sign(e->key,
	    signature_find(span_text(transport_sign_algorithm(e->t))),
	    transport_sign_hash(e->t), &signature);

	if (r == 0)
		r = transport_signed(e->t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static void
take_packet(struct end *e, const struct packet *packet)
{
	e->packets++;
	if (packet->type == SSH_MSG_CHANNEL_DATA)
		write_span(&e->got, packet->payload);
}

static void
step(struct pair *p, struct end *e)
{
	struct packet packet;
	int r;

	while (e->failed == 0 &&
	       (r = transport_next(e->t, p->now, &packet)) != TRANSPORT_NONE) {
		if (r < 0) {
			e->failed = r;
			return;
		}
		switch (r) {
		case TRANSPORT_IDENT:
			e->idents++;
			break;
		case TRANSPORT_VERIFY_HOST_KEY:
			e->verified++;
			r = e->refuse ? transport_host_key_refused(e->t)
				      : transport_host_key_accepted(e->t);
			break;
		case TRANSPORT_SIGN:
			r = sign(e);
			break;
		case TRANSPORT_KEX_DONE:
			e->kex_done++;
			break;
		case TRANSPORT_EXT_INFO:
			e->ext_infos++;
			break;
		case TRANSPORT_PACKET:
			take_packet(e, &packet);
			break;
		case TRANSPORT_DISCONNECTED:
			e->disconnected = true;
			break;
		}
		if (r < 0)
			e->failed = r;
	}
}

/* Moves at most max bytes; false if there was nothing to move. */
static bool
carry(struct pair *p, struct end *from, struct end *to, size_t max)
{
	struct iovec iov[4];
	size_t room, count = transport_pending(from->t, iov, 4), n = 0;
	uint8_t *space;

	if (count == 0)
		return false;
	space = transport_recv_space(to->t, &room);
	if (space == NULL) {
		/* Closed: what is sent to it is lost. */
		transport_sent(from->t, iov[0].iov_len);
		return true;
	}
	n = iov[0].iov_len;
	n = n > room ? room : n;
	n = n > max ? max : n;
	memcpy(space, iov[0].iov_base, n);
	transport_sent(from->t, n);
	from->sent_bytes += n;
	transport_received(to->t, n);
	step(p, to);
	return true;
}

static void
pair_run(struct pair *p, size_t max)
{
	bool more = true;

	while (more) {
		more = carry(p, &p->client, &p->server, max);
		more |= carry(p, &p->server, &p->client, max);
	}
}

static void
pair_open(struct pair *p)
{
	pair_start(p);
	pair_run(p, SIZE_MAX);
	if (p->client.failed != 0)
		FAIL("client: %s", transport_error(p->client.t)->text);
	if (p->server.failed != 0)
		FAIL("server: %s", transport_error(p->server.t)->text);
	CHECK(transport_is_open(p->client.t));
	CHECK(transport_is_open(p->server.t));
	CHECK_INT(p->client.kex_done, 1);
	CHECK_INT(p->server.kex_done, 1);
}

static void
send_data(struct end *e, const char *text)
{
	struct buf *b = transport_begin(e->t, SSH_MSG_CHANNEL_DATA);

	write_span(b, span_text(text));
	CHECK_INT(transport_end(e->t), 0);
}

static void
authenticate(struct pair *p)
{
	CHECK_INT(transport_authenticated(p->client.t), 0);
	CHECK_INT(transport_authenticated(p->server.t), 0);
}

static void
exchange_some(struct pair *p)
{
	for (int i = 0; i < 20; i++) {
		send_data(&p->client, "up and ");
		send_data(&p->server, "down we go ");
	}
	pair_run(p, 100);
	CHECK_INT(p->client.failed, 0);
	CHECK_INT(p->server.failed, 0);
	CHECK_INT(p->server.got.len % 7, 0);
	CHECK_INT(p->client.got.len % 11, 0);
	CHECK(p->server.got.len >= 140);
	CHECK(p->client.got.len >= 220);
}

TEST(both_ends_open_with_the_same_session_id)
{
	struct pair p;
	struct transport_negotiated n;

	pair_configure(&p);
	pair_open(&p);
	CHECK_SPAN(
	    transport_session_id(p.client.t), transport_session_id(p.server.t));
	CHECK_INT(transport_session_id(p.client.t).len, 32);
	CHECK_TEXT(transport_peer_ident(p.server.t), "SSH-2.0-Test_1");
	CHECK(transport_get_negotiated(p.client.t, &n));
	CHECK_TEXT(n.kex, "curve25519-sha256");
	CHECK_TEXT(n.mac_in, "<implicit>");
	CHECK(n.strict);
	CHECK_INT(p.client.verified, 1);
	CHECK_INT(p.client.ext_infos, 1);
	CHECK_INT(p.server.ext_infos, 1);
	CHECK(transport_peer_has_ping(p.client.t));
	CHECK(transport_peer_has_hostbound(p.client.t));
	CHECK(strstr(transport_server_sig_algs(p.client.t), "ssh-ed25519"));
	exchange_some(&p);
	pair_end(&p);
}

TEST(the_first_exchange_binds_the_session_to_the_host_key)
{
	struct pair p;
	struct transport_binding b, later;

	pair_configure(&p);
	pair_open(&p);
	CHECK(!transport_get_binding(p.server.t, &b));
	CHECK(transport_get_binding(p.client.t, &b));
	CHECK_SPAN(b.session_id, transport_session_id(p.server.t));
	CHECK_SPAN(b.host_key, key_blob(transport_host_key(p.client.t)));
	CHECK_INT(key_verify(transport_host_key(p.client.t), NULL, b.session_id,
		      b.signature),
	    0);
	CHECK(transport_peer_has_agent_forward(p.client.t));
	/* A rekey signs another hash: the binding stays that of the first. */
	authenticate(&p);
	CHECK_INT(transport_rekey(p.client.t, p.now), 0);
	exchange_some(&p);
	CHECK_INT(p.client.kex_done, 2);
	CHECK(transport_get_binding(p.client.t, &later));
	CHECK_SPAN(later.session_id, b.session_id);
	CHECK_INT(key_verify(transport_host_key(p.client.t), NULL,
		      later.session_id, later.signature),
	    0);
	pair_end(&p);
}

TEST(every_cipher_and_mac_carries_data)
{
	struct pair p;

	for (size_t c = 0; cipher_row(c) != NULL; c++) {
		for (size_t m = 0; mac_row(m) != NULL; m++) {
			if ((cipher_row(c)->flags & CIPHER_INTERNAL) != 0)
				continue;
			pair_configure(&p);
			p.client.config.ciphers = cipher_row(c)->name;
			p.client.config.macs = mac_row(m)->name;
			p.server.config.ciphers = cipher_row(c)->name;
			p.server.config.macs = mac_row(m)->name;
			pair_open(&p);
			exchange_some(&p);
			authenticate(&p);
			CHECK_INT(transport_rekey(p.client.t, p.now), 0);
			exchange_some(&p);
			CHECK_INT(p.client.kex_done, 2);
			pair_end(&p);
		}
	}
}

TEST(compression_starts_after_authentication)
{
	struct pair p;

	pair_configure(&p);
	p.client.config.compression = "zlib@openssh.com,none";
	p.server.config.compression = "none,zlib@openssh.com";
	pair_open(&p);
	exchange_some(&p);
	authenticate(&p);
	exchange_some(&p);
	CHECK_INT(transport_rekey(p.server.t, p.now), 0);
	exchange_some(&p);
	CHECK_INT(p.client.kex_done, 2);
	pair_end(&p);
}

TEST(a_rekey_of_both_ends_at_once_loses_nothing)
{
	struct pair p;

	pair_configure(&p);
	pair_open(&p);
	authenticate(&p);
	send_data(&p.client, "before!");
	send_data(&p.server, "before here");
	CHECK_INT(transport_rekey(p.client.t, p.now), 0);
	CHECK_INT(transport_rekey(p.server.t, p.now), 0);
	CHECK(!transport_can_send(p.client.t));
	exchange_some(&p);
	CHECK_INT(p.client.kex_done, 2);
	CHECK_INT(p.server.kex_done, 2);
	CHECK_INT(p.client.verified, 1);
	CHECK(span_equal(
	    span_of(p.server.got.data, 14), span_text("before!up and ")));
	pair_end(&p);
}

TEST(a_tiny_limit_rekeys_and_still_makes_progress)
{
	struct pair p;

	pair_configure(&p);
	p.client.config.rekey_bytes = 16;
	pair_open(&p);
	CHECK_INT(p.client.kex_done, 1);
	authenticate(&p);
	exchange_some(&p);
	CHECK(p.client.kex_done >= 2);
	pair_end(&p);
}

TEST(a_right_guess_is_used)
{
	struct pair p;
	struct transport_negotiated n;

	pair_configure(&p);
	p.client.config.guess = true;
	pair_open(&p);
	CHECK(transport_get_negotiated(p.client.t, &n));
	CHECK(n.guess_was_right);
	CHECK_TEXT(n.kex, "curve25519-sha256");
	CHECK_TEXT(transport_peer_first_kex(p.client.t), "curve25519-sha256");
	CHECK_TEXT(transport_peer_first_host_key(p.client.t), "ssh-ed25519");
	exchange_some(&p);
	pair_end(&p);
}

TEST(a_wrong_guess_costs_nothing_but_bytes)
{
	static const char *const servers[] = {
		"ecdh-sha2-nistp256,curve25519-sha256", "ecdh-sha2-nistp256"
	};
	struct pair p;
	struct transport_negotiated n;

	for (size_t i = 0; i < ARRAY_COUNT(servers); i++) {
		pair_configure(&p);
		p.client.config.guess = true;
		p.server.config.kex_algorithms = servers[i];
		pair_open(&p);
		CHECK(transport_get_negotiated(p.client.t, &n));
		CHECK(!n.guess_was_right);
		exchange_some(&p);
		pair_end(&p);
	}
}

/* ssh, sshd: the defaults. */
static const char default_kex[] =
    "mlkem768x25519-sha256,sntrup761x25519-sha512,"
    "sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
    "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
    "ecdh-sha2-nistp521";
static const char default_ciphers[] =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
    "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr";
static const char default_macs[] =
    "umac-64-etm@openssh.com,umac-128-etm@openssh.com,"
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
    "hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,"
    "hmac-sha2-256,hmac-sha2-512,hmac-sha1";

TEST(the_servers_first_flight_stays_below_2900_bytes)
{
	struct pair p;

	pair_configure(&p);
	p.server.config.kex_algorithms = default_kex;
	p.server.config.host_key_algorithms =
	    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
	    "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
	p.server.config.ciphers = default_ciphers;
	p.server.config.macs = default_macs;
	p.server.config.compression = "none,zlib@openssh.com";
	p.client.config = p.server.config;
	p.client.config.role = TRANSPORT_CLIENT;
	p.server.config.ident = "SSH-2.0-Sheetbend_0.1.0";
	pair_open(&p);
	if (p.server.sent_bytes >= 2900)
		FAIL("%zu bytes", p.server.sent_bytes);
	pair_end(&p);
}

TEST(a_refused_host_key_ends_both)
{
	struct pair p;
	uint32_t reason;

	pair_configure(&p);
	p.client.refuse = true;
	pair_start(&p);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.failed, ERR_HOST_KEY);
	CHECK(p.server.disconnected);
	(void)transport_disconnect_text(p.server.t, &reason);
	CHECK_INT(reason, SSH_DISCONNECT_HOST_KEY_NOT_VERIFIABLE);
	CHECK(!transport_is_open(p.client.t));
	pair_end(&p);
}

TEST(a_short_rsa_host_key_is_refused)
{
	struct pair p;
	struct error e = { 0 };

	pair_configure(&p);
	CHECK_INT(key_generate("rsa", 2048, &p.server.key, &e), 0);
	p.client.config.host_key_algorithms = "rsa-sha2-512";
	p.server.config.host_key_algorithms = "rsa-sha2-512";
	p.client.config.rsa_bits_min = 2049;
	pair_start(&p);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.failed, ERR_KEY_SIZE);
	CHECK(strstr(transport_error(p.client.t)->text, "2048 bits") != NULL);
	CHECK_INT(p.client.verified, 0);
	pair_end(&p);
}

TEST(a_signature_of_another_key_is_refused)
{
	struct pair p;
	struct key *other = NULL;
	struct error e = { 0 };
	struct buf signature = BUF_INIT;
	struct packet packet;
	int r = 0;

	pair_configure(&p);
	CHECK_INT(key_generate("ed25519", 0, &other, &e), 0);
	pair_start(&p);
	/* By hand up to the question, then a signature of the wrong key. */
	p.server.failed = 1;
	while (r != TRANSPORT_SIGN) {
		if (!carry(&p, &p.client, &p.server, SIZE_MAX) &&
		    !carry(&p, &p.server, &p.client, SIZE_MAX))
			FAIL("nothing moves");
		while ((r = transport_next(p.server.t, p.now, &packet)) !=
			   TRANSPORT_NONE &&
		       r != TRANSPORT_SIGN)
			CHECK(r > 0);
	}
	CHECK_INT(key_sign(other, signature_find(span_text("ssh-ed25519")),
		      transport_sign_hash(p.server.t), &signature),
	    0);
	CHECK_INT(transport_signed(p.server.t, buf_span(&signature)), 0);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.failed, ERR_SIGNATURE);
	CHECK_INT(p.client.verified, 0);
	buf_release(&signature);
	key_unref(other);
	pair_end(&p);
}

TEST(no_common_algorithm_is_told_to_both)
{
	struct pair p;

	pair_configure(&p);
	p.client.config.kex_algorithms = "ecdh-sha2-nistp384";
	pair_start(&p);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.failed, ERR_NO_MATCH);
	CHECK_TEXT(transport_error(p.client.t)->text,
	    "no matching key exchange method found. Their offer: "
	    "curve25519-sha256,ecdh-sha2-nistp256,ext-info-s,"
	    "kex-strict-s-v00@openssh.com");
	CHECK_INT(p.server.failed, ERR_NO_MATCH);
	pair_end(&p);
}

TEST(the_peers_last_words_are_escaped)
{
	struct pair p;
	uint32_t reason;

	pair_configure(&p);
	pair_open(&p);
	transport_disconnect(
	    p.server.t, SSH_DISCONNECT_BY_APPLICATION, "bye\033[31m\nroot:");
	CHECK(!transport_is_open(p.server.t));
	pair_run(&p, SIZE_MAX);
	CHECK(p.client.disconnected);
	CHECK(strchr(transport_disconnect_text(p.client.t, &reason), '\033') ==
	      NULL);
	CHECK_INT(reason, 11);
	CHECK_INT(p.client.failed, ERR_DISCONNECTED);
	pair_end(&p);
}

TEST(a_ping_is_answered_and_an_unknown_packet_told)
{
	struct pair p;

	pair_configure(&p);
	pair_open(&p);
	CHECK_INT(transport_ping(p.client.t, span_text("hello")), 0);
	CHECK_INT(transport_ping(p.server.t, span_text("x")), ERR_UNSUPPORTED);
	CHECK_INT(transport_unimplemented(p.client.t, 3), 0);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.packets, 1);
	/* 15 is assigned to nobody. */
	CHECK_INT(
	    transport_send_raw_payload(p.client.t, span_text("\017abc")), 0);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.server.failed, 0);
	CHECK_INT(p.client.failed, 0);
	pair_end(&p);
}

TEST(a_peer_that_knows_no_rekey_is_not_waited_for)
{
	struct pair p;

	pair_configure(&p);
	pair_open(&p);
	/* EXT_INFO was the client's packet 0 under its keys. */
	CHECK_INT(transport_rekey(p.client.t, p.now), 0);
	CHECK_INT(transport_unimplemented(p.server.t, 1), 0);
	CHECK(carry(&p, &p.server, &p.client, SIZE_MAX));
	CHECK_INT(p.client.failed, ERR_KEX);
	pair_end(&p);
}

TEST(time_alone_starts_a_rekey)
{
	struct pair p;
	uint64_t next;

	pair_configure(&p);
	p.client.config.rekey_interval_us = 5000000;
	pair_open(&p);
	authenticate(&p);
	CHECK_INT(transport_tick(p.client.t, p.now, &next), 0);
	CHECK_INT(next, p.now + 5000000);
	CHECK(!transport_is_rekeying(p.client.t));
	p.now += 5000000;
	CHECK_INT(transport_tick(p.client.t, p.now, &next), 0);
	CHECK(transport_is_rekeying(p.client.t));
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.kex_done, 2);
	CHECK_INT(transport_tick(p.server.t, p.now, &next), 0);
	CHECK(next == UINT64_MAX);
	pair_end(&p);
}

TEST(server_sig_algs_are_told_again_only_before_success)
{
	struct pair p;

	pair_configure(&p);
	p.server.config.server_sig_algs =
	    "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256";
	pair_open(&p);
	CHECK_TEXT(
	    transport_server_sig_algs(p.client.t), "ssh-ed25519,rsa-sha2-256");
	CHECK_INT(transport_send_sig_algs(p.server.t, "rsa-sha2-512"), 0);
	pair_run(&p, SIZE_MAX);
	CHECK_TEXT(transport_server_sig_algs(p.client.t), "rsa-sha2-512");
	CHECK_INT(p.client.ext_infos, 2);
	authenticate(&p);
	CHECK_INT(transport_send_sig_algs(p.server.t, "x"), 0);
	pair_run(&p, SIZE_MAX);
	CHECK_INT(p.client.ext_infos, 2);
	pair_end(&p);
}

TEST(the_largest_payload_arrives_and_a_larger_one_is_refused)
{
	struct pair p;
	struct buf *b;
	size_t most = TRANSPORT_PAYLOAD_MAX - 1;

	pair_configure(&p);
	pair_open(&p);
	b = transport_begin(p.client.t, SSH_MSG_CHANNEL_DATA);
	memset(buf_reserve(b, most), 'a', most);
	buf_extend(b, most);
	CHECK_INT(transport_end(p.client.t), 0);
	b = transport_begin(p.client.t, SSH_MSG_CHANNEL_DATA);
	memset(buf_reserve(b, most + 1), 'b', most + 1);
	buf_extend(b, most + 1);
	CHECK_INT(transport_end(p.client.t), ERR_LIMIT);
	b = transport_begin(p.client.t, SSH_MSG_CHANNEL_DATA);
	write_span(b, span_text("given up"));
	transport_abandon(p.client.t);
	send_data(&p.client, "end");
	pair_run(&p, 10000);
	CHECK_INT(p.server.got.len, most + 3);
	pair_end(&p);
}

TEST(an_export_goes_on_in_the_middle_of_everything)
{
	static const char *const ciphers[] = { "aes128-gcm@openssh.com",
		"chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-cbc" };
	struct pair p;
	struct buf state = BUF_SECRET_INIT;
	struct error e = { 0 };
	struct transport *t;

	for (size_t i = 0; i < ARRAY_COUNT(ciphers); i++) {
		pair_configure(&p);
		p.client.config.ciphers = p.server.config.ciphers = ciphers[i];
		p.client.config.macs = p.server.config.macs = "hmac-sha2-256";
		pair_open(&p);
		for (int j = 0; j < 10; j++)
			send_data(&p.client, "through the gap ");
		send_data(&p.server, "not sent yet");
		(void)carry(&p, &p.client, &p.server, 333);
		CHECK_INT(transport_export(p.server.t, &state), 0);
		transport_free(p.server.t);
		CHECK_INT(transport_import(&p.server.config, buf_span(&state),
			      p.now, &t, &e),
		    0);
		p.server.t = t;
		transport_set_host_keys(t, find_blob, &p.server);
		CHECK_SPAN(
		    transport_session_id(p.client.t), transport_session_id(t));
		pair_run(&p, 100);
		CHECK_INT(p.server.got.len, 160);
		CHECK_SPAN(buf_span(&p.client.got), span_text("not sent yet"));
		CHECK_INT(transport_rekey(t, p.now), 0);
		CHECK_INT(transport_export(t, &state), ERR_UNEXPECTED);
		pair_run(&p, 100);
		CHECK_INT(p.client.kex_done, 2);
		CHECK_INT(p.client.failed, 0);
		buf_clear(&state);
		pair_end(&p);
	}
	buf_release(&state);
}

TEST(every_truncated_export_is_refused)
{
	struct pair p;
	struct buf state = BUF_SECRET_INIT;
	struct error e = { 0 };
	struct transport *t = NULL;

	pair_configure(&p);
	pair_open(&p);
	CHECK_INT(transport_export(p.client.t, &state), 0);
	for (size_t n = 0; n < state.len; n++) {
		CHECK(transport_import(&p.client.config, span_of(state.data, n),
			  p.now, &t, &e) != 0);
		CHECK(t == NULL);
	}
	CHECK_INT(
	    transport_import(&p.server.config, buf_span(&state), p.now, &t, &e),
	    ERR_FORMAT);
	buf_release(&state);
	pair_end(&p);
}

TEST(a_closed_transport_takes_and_gives_nothing)
{
	struct pair p;
	struct packet packet;
	size_t room, pending;

	pair_configure(&p);
	pair_open(&p);
	transport_disconnect(p.client.t, 11, "done");
	pending = transport_pending_bytes(p.client.t);
	CHECK(pending > 0);
	CHECK(transport_recv_space(p.client.t, &room) == NULL);
	CHECK(!transport_wants_input(p.client.t));
	write_text(transport_begin(p.client.t, SSH_MSG_CHANNEL_DATA), "late");
	CHECK(transport_end(p.client.t) < 0);
	CHECK_INT(transport_pending_bytes(p.client.t), pending);
	CHECK(transport_next(p.client.t, p.now, &packet) < 0);
	CHECK(transport_rekey(p.client.t, p.now) < 0);
	pair_end(&p);
}

TEST(a_state_may_be_exported_again_at_once)
{
	struct buf state = BUF_SECRET_INIT, again = BUF_SECRET_INIT;
	struct transport *t;
	struct error e = { 0 };
	struct packet packet;
	struct pair p;

	pair_configure(&p);
	pair_open(&p);
	CHECK_INT(transport_export(p.server.t, &state), 0);
	CHECK_INT(
	    transport_import(&p.server.config, buf_span(&state), p.now, &t, &e),
	    0);
	CHECK_INT(transport_export(t, &again), 0);
	CHECK_SPAN(buf_span(&again), buf_span(&state));
	CHECK_INT(transport_next(t, p.now, &packet), TRANSPORT_NONE);
	transport_free(t);
	buf_release(&state);
	buf_release(&again);
	pair_end(&p);
}

/* The process that writes a state may be in an attacker's hands. */
TEST(a_damaged_state_is_refused_or_harmless)
{
	static const char noise[512] = { 0 };
	static const char *const macs[] = { "hmac-sha2-256",
		"hmac-sha2-256-etm@openssh.com" };

	for (size_t m = 0; m < ARRAY_COUNT(macs); m++) {
		struct buf state = BUF_SECRET_INIT;
		struct pair p;

		pair_configure(&p);
		p.client.config.ciphers = p.server.config.ciphers =
		    "aes128-ctr";
		p.client.config.macs = p.server.config.macs = macs[m];
		pair_open(&p);
		/* The smallest packet, of which the length is known only. */
		CHECK_INT(transport_send_raw_payload(
			      p.client.t, span_of("\2\0\0", 3)),
		    0);
		CHECK(carry(&p, &p.client, &p.server, 16));
		CHECK_INT(transport_export(p.server.t, &state), 0);
		for (size_t i = 0; i < state.len * 8; i++) {
			struct transport *t = NULL;
			struct error e = { 0 };
			struct packet packet;
			size_t room;
			uint8_t *to;

			state.data[i / 8] ^= (uint8_t)(1u << i % 8);
			if (transport_import(&p.server.config, buf_span(&state),
				p.now, &t, &e) == 0 &&
			    (to = transport_recv_space(t, &room)) != NULL) {
				room =
				    room < sizeof noise ? room : sizeof noise;
				memcpy(to, noise, room);
				transport_received(t, room);
				while (transport_next(t, p.now, &packet) > 0)
					;
			}
			transport_free(t);
			state.data[i / 8] ^= (uint8_t)(1u << i % 8);
		}
		buf_release(&state);
		pair_end(&p);
	}
}
