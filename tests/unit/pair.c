/*
 * pair.c - two transports and a path between them.
 */
#include "tests/unit/pair.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

struct segment {
	struct list link;
	uint64_t due_us;
	size_t len, done;
	uint8_t bytes[];
};

static struct span
find_blob(void *context, const char *algorithm)
{
	struct pair_end *e = context;

	return strcmp(algorithm, key_type_name(e->key)) == 0 ? key_blob(e->key)
							     : span_of(NULL, 0);
}

static int
sign(struct pair_end *e)
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

static int
on_event(struct pair_end *e, int event, const struct packet *packet)
{
	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		return transport_host_key_accepted(e->t);
	case TRANSPORT_SIGN:
		return sign(e);
	case TRANSPORT_KEX_DONE:
		e->kex_done++;
		return 0;
	case TRANSPORT_DISCONNECTED:
		e->disconnected = true;
		return 0;
	case TRANSPORT_PACKET:
		return e->on_packet != NULL
			   ? e->on_packet(e, packet, e->context)
			   : 0;
	default:
		return 0;
	}
}

static void
read_events(struct pair_end *e)
{
	struct packet packet;
	int r;

	while (e->failed == 0) {
		r = transport_next(e->t, e->pair->now_us, &packet);
		if (r == TRANSPORT_NONE)
			return;
		if (r > 0)
			r = on_event(e, r, &packet);
		if (r < 0)
			e->failed = r;
	}
}

/* Takes what is pending onto the wire. */
static bool
send_pending(struct pair_end *e)
{
	struct iovec iov[16];
	size_t count, len = 0;
	struct segment *s;

	if (e->on_turn != NULL && e->failed == 0)
		e->on_turn(e, e->context);
	count = transport_pending(e->t, iov, 16);
	for (size_t i = 0; i < count; i++)
		len += iov[i].iov_len;
	if (len == 0)
		return false;
	CHECK((s = malloc(sizeof(*s) + len)) != NULL);
	s->due_us = e->pair->now_us + e->pair->delay_us;
	s->len = s->done = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(s->bytes + s->len, iov[i].iov_base, iov[i].iov_len);
		s->len += iov[i].iov_len;
	}
	list_add_last(&e->wire, &s->link);
	transport_sent(e->t, len);
	e->sent += len;
	return true;
}

static struct segment *
first_segment(struct pair_end *from)
{
	return list_is_empty(&from->wire)
		   ? NULL
		   : list_entry(from->wire.next, struct segment, link);
}

/* Gives what has arrived to the other end. */
static bool
deliver(struct pair_end *from, struct pair_end *to)
{
	struct segment *s = first_segment(from);
	size_t room, n;
	uint8_t *space;

	if (s == NULL || s->due_us > from->pair->now_us || to->failed != 0)
		return false;
	if ((space = transport_recv_space(to->t, &room)) == NULL)
		return false;
	n = s->len - s->done < room ? s->len - s->done : room;
	memcpy(space, s->bytes + s->done, n);
	transport_received(to->t, n);
	s->done += n;
	if (s->done == s->len) {
		list_remove(&s->link);
		free(s);
	}
	read_events(to);
	return true;
}

static uint64_t
next_due(struct pair *p)
{
	struct segment *a = first_segment(&p->client);
	struct segment *b = first_segment(&p->server);
	uint64_t due = UINT64_MAX;

	if (a != NULL && p->server.failed == 0)
		due = a->due_us;
	if (b != NULL && p->client.failed == 0 && b->due_us < due)
		due = b->due_us;
	return due;
}

void
pair_run_until(struct pair *p, uint64_t until_us)
{
	for (;;) {
		bool moved = send_pending(&p->client);
		uint64_t due;

		moved = send_pending(&p->server) || moved;
		moved = deliver(&p->client, &p->server) || moved;
		moved = deliver(&p->server, &p->client) || moved;
		if (moved)
			continue;
		due = next_due(p);
		if (due == UINT64_MAX || due > until_us || due <= p->now_us)
			break;
		p->now_us = due;
	}
	if (until_us != UINT64_MAX && p->now_us < until_us)
		p->now_us = until_us;
}

void
pair_run(struct pair *p)
{
	pair_run_until(p, UINT64_MAX);
}

static void
start_end(struct pair *p, struct pair_end *e, enum transport_role role,
    const char *ident, const struct pair_options *o)
{
	struct transport_config config = {
		.role = role,
		.ident = ident != NULL ? ident : "SSH-2.0-Sheetbend_test",
		.kex_algorithms = "curve25519-sha256",
		.host_key_algorithms = "ssh-ed25519",
		.ciphers = o->cipher != NULL ? o->cipher
					     : "chacha20-poly1305@openssh.com",
		.macs = "hmac-sha2-256-etm@openssh.com",
		.compression = o->compression != NULL ? o->compression : "none",
		.rekey_bytes = o->rekey_bytes,
	};
	struct error error = { 0 };

	e->pair = p;
	list_init(&e->wire);
	CHECK_INT(transport_new(&config, p->now_us, &e->t, &error), 0);
}

struct pair *
pair_new(const struct pair_options *options)
{
	static const struct pair_options none;
	const struct pair_options *o = options != NULL ? options : &none;
	struct pair *p = calloc(1, sizeof(*p));
	struct error error = { 0 };

	CHECK(p != NULL);
	p->now_us = 1000000;
	p->delay_us = o->delay_us;
	start_end(p, &p->client, TRANSPORT_CLIENT, o->client_ident, o);
	start_end(p, &p->server, TRANSPORT_SERVER, o->server_ident, o);
	CHECK_INT(key_generate("ed25519", 0, &p->server.key, &error), 0);
	transport_set_host_keys(p->server.t, find_blob, &p->server);
	pair_run(p);
	CHECK_INT(p->client.failed, 0);
	CHECK_INT(p->server.failed, 0);
	CHECK(transport_is_open(p->client.t) && transport_is_open(p->server.t));
	p->client.sent = p->server.sent = 0;
	return p;
}

static void
free_end(struct pair_end *e)
{
	struct segment *s;

	while ((s = first_segment(e)) != NULL) {
		list_remove(&s->link);
		free(s);
	}
	transport_free(e->t);
	key_unref(e->key);
}

void
pair_free(struct pair *p)
{
	if (p == NULL)
		return;
	free_end(&p->client);
	free_end(&p->server);
	free(p);
}
