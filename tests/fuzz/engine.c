/*
 * engine.c - transports for targets.
 */
#include "tests/fuzz/engine.h"

#include <string.h>

#include "common/base/error.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1000000u

/* Each role has its own, so that neither depends on what the other drew. */
static struct random_seeded seeded[2];
static struct random_source source[2];

static const char *const ciphers[ENGINE_CIPHERS] = {
	"aes128-gcm@openssh.com",
	"chacha20-poly1305@openssh.com",
	"aes128-ctr",
	"aes128-cbc",
};

static const char *const macs[ENGINE_CIPHERS] = {
	"hmac-sha2-256",
	"hmac-sha2-256",
	"umac-64-etm@openssh.com",
	"hmac-sha1",
};

static struct transport_config configs[2][ENGINE_CIPHERS + 1];
static struct buf states[2][ENGINE_CIPHERS];

/* RFC 8032 s7.1, test 1: a key that is nobody's secret. */
static const uint8_t host_secret[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd,
	0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
	0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
	0x7f, 0x60 };
static const uint8_t host_public[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1,
	0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
	0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
	0x51, 0x1a };

struct key *
engine_host_key(void)
{
	static struct key *key;
	struct buf fields = BUF_INIT;
	struct reader r;
	size_t mark;

	if (key != NULL)
		return key;
	write_text(&fields, "ssh-ed25519");
	write_string(&fields, span_of(host_public, sizeof host_public));
	mark = write_string_begin(&fields);
	write_bytes(&fields, host_secret, sizeof host_secret);
	write_bytes(&fields, host_public, sizeof host_public);
	write_string_end(&fields, mark);
	r = reader_of(buf_span(&fields));
	REQUIRE(key_read_private(&r, &key) == 0);
	buf_release(&fields);
	return key;
}

void
engine_reset(void)
{
	for (int i = 0; i < 2; i++) {
		random_seeded_init(&seeded[i], 1 + (uint64_t)i);
		source[i] = random_seeded_source(&seeded[i]);
	}
}

static struct span
find_blob(void *context, const char *algorithm)
{
	(void)context;
	return strcmp(algorithm, "ssh-ed25519") == 0
		   ? key_blob(engine_host_key())
		   : span_of(NULL, 0);
}

/* cipher ENGINE_CIPHERS: everything is offered. */
const struct transport_config *
engine_config(enum transport_role role, unsigned cipher)
{
	struct transport_config *c = &configs[role == TRANSPORT_SERVER][cipher];

	if (c->ident != NULL)
		return c;
	*c = (struct transport_config){
		.role = role,
		.ident = role == TRANSPORT_CLIENT ? "SSH-2.0-Sheetbend_client"
						  : "SSH-2.0-Sheetbend_server",
		.kex_algorithms = "curve25519-sha256,ecdh-sha2-nistp256,"
				  "diffie-hellman-group-exchange-sha256",
		.host_key_algorithms = "ssh-ed25519",
		.ciphers = cipher < ENGINE_CIPHERS
			       ? ciphers[cipher]
			       : "aes128-ctr,chacha20-poly1305@openssh.com",
		.macs =
		    cipher < ENGINE_CIPHERS ? macs[cipher] : "hmac-sha2-256",
		.compression = "zlib@openssh.com,none",
		.random = &source[role == TRANSPORT_SERVER],
	};
	return c;
}

struct transport *
engine_fresh(enum transport_role role)
{
	struct transport *t;
	struct error e = { 0 };

	REQUIRE(transport_new(
		    engine_config(role, ENGINE_CIPHERS), NOW, &t, &e) == 0);
	transport_set_host_keys(t, find_blob, NULL);
	return t;
}

static int
sign(struct transport *t)
{
	struct buf signature = BUF_INIT;
	int r = key_sign(engine_host_key(),
	    signature_find(span_text(transport_sign_algorithm(t))),
	    transport_sign_hash(t), &signature);

	if (r == 0)
		r = transport_signed(t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

/* Nothing moves a closed engine, and it says why it closed. */
static void
check_closed(struct transport *t, int code)
{
	struct packet packet;
	size_t room = 1;

	REQUIRE(transport_error(t)->code != 0);
	REQUIRE(transport_error(t)->text[0] != '\0');
	REQUIRE(fuzz_is_printable(span_text(transport_error(t)->text), false));
	REQUIRE(transport_next(t, NOW, &packet) < 0);
	REQUIRE(transport_recv_space(t, &room) == NULL && room == 0);
	REQUIRE(!transport_wants_input(t) && !transport_can_send(t));
	(void)code;
}

static void
check_facts(struct transport *t, enum transport_event event)
{
	struct transport_negotiated n;
	const char *text;

	if (event == TRANSPORT_KEX_DONE) {
		REQUIRE(transport_is_open(t));
		REQUIRE(transport_session_id(t).len != 0);
		REQUIRE(transport_get_negotiated(t, &n));
		REQUIRE(strcmp(n.host_key, "ssh-ed25519") == 0);
	} else if (event == TRANSPORT_IDENT) {
		text = transport_peer_ident(t);
		REQUIRE(text != NULL && strncmp(text, "SSH-", 4) == 0);
	} else if (event == TRANSPORT_DISCONNECTED) {
		text = transport_disconnect_text(t, NULL);
		REQUIRE(fuzz_is_printable(span_text(text), false));
	}
}

int
engine_turn(struct transport *t, engine_event *on_event, void *context)
{
	struct packet packet;
	int r;

	while ((r = transport_next(t, NOW, &packet)) > 0) {
		enum transport_event event = (enum transport_event)r;

		check_facts(t, event);
		if (event == TRANSPORT_VERIFY_HOST_KEY)
			r = transport_host_key_accepted(t);
		else if (event == TRANSPORT_SIGN)
			r = sign(t);
		if (r >= 0 && on_event != NULL)
			r = on_event(t, event, &packet, context);
		if (r < 0)
			return r;
	}
	if (r < 0)
		check_closed(t, r);
	return r;
}

int
engine_push(struct transport *t, struct span bytes, engine_event *on_event,
    void *context)
{
	int r;

	while (bytes.len > 0) {
		size_t room, n;
		uint8_t *space = transport_recv_space(t, &room);

		if (space == NULL)
			return ERR_CLOSED;
		n = room < bytes.len ? room : bytes.len;
		memcpy(space, bytes.ptr, n);
		transport_received(t, n);
		bytes = span_of(bytes.ptr + n, bytes.len - n);
		if ((r = engine_turn(t, on_event, context)) < 0)
			return r;
	}
	return 0;
}

void
engine_take(struct transport *t, struct buf *out)
{
	struct iovec iov[8];
	size_t count;

	while ((count = transport_pending(t, iov, 8)) != 0)
		for (size_t i = 0; i < count; i++) {
			if (out != NULL)
				write_bytes(
				    out, iov[i].iov_base, iov[i].iov_len);
			transport_sent(t, iov[i].iov_len);
		}
}

int
engine_carry(struct transport *from, struct transport *to,
    engine_event *on_event, void *context)
{
	struct buf bytes = BUF_INIT;
	int r;

	engine_take(from, &bytes);
	r = engine_push(to, buf_span(&bytes), on_event, context);
	buf_release(&bytes);
	return r;
}

/* A real key exchange in memory, and what both ends are then. */
static void
make_states(unsigned cipher)
{
	struct transport *t[2];
	struct error e = { 0 };

	for (int i = 0; i < 2; i++) {
		enum transport_role role =
		    i == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER;

		REQUIRE(transport_new(
			    engine_config(role, cipher), NOW, &t[i], &e) == 0);
		transport_set_host_keys(t[i], find_blob, NULL);
	}
	for (int i = 0; i < 8; i++) {
		REQUIRE(engine_carry(t[0], t[1], NULL, NULL) == 0);
		REQUIRE(engine_carry(t[1], t[0], NULL, NULL) == 0);
	}
	for (int i = 0; i < 2; i++) {
		states[i][cipher].secret = true;
		REQUIRE(transport_export(t[i], &states[i][cipher]) == 0);
		transport_free(t[i]);
	}
}

void
engine_state(enum transport_role role, unsigned cipher, struct buf *out)
{
	if (states[0][cipher].len == 0) {
		engine_reset();
		make_states(cipher);
		engine_reset();
	}
	write_span(out, buf_span(&states[role == TRANSPORT_SERVER][cipher]));
}

struct transport *
engine_open(enum transport_role role, unsigned cipher)
{
	struct buf state = BUF_SECRET_INIT;
	struct transport *t;
	struct error e = { 0 };

	engine_state(role, cipher, &state);
	REQUIRE(transport_import(engine_config(role, cipher), buf_span(&state),
		    NOW, &t, &e) == 0);
	transport_set_host_keys(t, find_blob, NULL);
	buf_release(&state);
	return t;
}
