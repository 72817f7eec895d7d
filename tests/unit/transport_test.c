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
