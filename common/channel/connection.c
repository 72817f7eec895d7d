/*
 * connection.c - the connection protocol: dispatch and global requests.
 * RFC 4254 s4.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/channel/connection_impl.h"

/* A peer that asks and asks and never reads is ended, not buffered. */
#define PENDING_MAX      (16u * 1024 * 1024)
#define HELD_REPLIES_MAX 65536u
#define REQUEST_TYPE_MAX 256u
#define PEER_LIMIT       1024

/* ---- replies that are awaited ---- */

int
reply_expect(struct reply_queue *q, channel_reply *on_channel_reply,
    global_reply *on_global_reply, void *context)
{
	struct pending_reply *p = malloc(sizeof(*p));

	if (p == NULL)
		return ERR_MEMORY;
	p->next = NULL;
	p->on_channel_reply = on_channel_reply;
	p->on_global_reply = on_global_reply;
	p->context = context;
	if (q->last != NULL)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
	return 0;
}

bool
reply_take(struct reply_queue *q, struct pending_reply *ret)
{
	struct pending_reply *p = q->first;

	if (p == NULL)
		return false;
	q->first = p->next;
	if (q->first == NULL)
		q->last = NULL;
	*ret = *p;
	free(p);
	return true;
}

int
connection_check_reply(struct connection *k)
{
	if (transport_can_send(k->t))
		k->held_replies = 0;
	else if (++k->held_replies > HELD_REPLIES_MAX)
		return ERR_LIMIT;
	return 0;
}

struct buf *
connection_sink(struct connection *k)
{
	buf_clear(&k->sink);
	return &k->sink;
}

/* ---- life ---- */

int
connection_new(struct transport *t, const struct connection_handlers *h,
    struct connection **ret)
{
	struct connection *k = calloc(1, sizeof(*k));
	const char *ident = transport_peer_ident(t);

	if (k == NULL)
		return ERR_MEMORY;
	if (ident == NULL)
		ident = "";
	k->t = t;
	k->handlers = *h;
	k->peer_limit = PEER_LIMIT;
	k->window_max = CHANNEL_WINDOW_MAX;
	k->sink.max = 1024 * 1024;
	k->openssh = text_starts_with(ident, "SSH-2.0-OpenSSH");
	k->knows_eow =
	    k->openssh || text_starts_with(ident, "SSH-2.0-Sheetbend");
	*ret = k;
	return 0;
}

static void
bury(struct connection *k)
{
	while (k->dead != NULL) {
		struct channel *c = k->dead;

		k->dead = c->next_dead;
		channel_free(c);
	}
}

static void
connection_destroy(struct connection *k)
{
	struct pending_reply reply;

	k->doomed = true; /* the transport may have gone already */
	bury(k);
	for (size_t i = 0; i < k->slots; i++)
		channel_free(k->slot[i]);
	while (reply_take(&k->replies, &reply))
		;
	if (k->on_freed != NULL)
		k->on_freed(k->attached);
	free(k->slot);
	buf_release(&k->sink);
	free(k);
}

void
connection_free(struct connection *k)
{
	if (k == NULL)
		return;
	if (k->depth > 0)
		k->doomed = true; /* goes when its callback has returned */
	else
		connection_destroy(k);
}

struct transport *
connection_transport(const struct connection *k)
{
	return k->t;
}

size_t
connection_channel_count(const struct connection *k)
{
	return k->count;
}

void
connection_set_channel_limit(struct connection *k, size_t limit)
{
	k->peer_limit = limit;
}

void
connection_set_window_max(struct connection *k, uint32_t bytes)
{
	k->window_max = bytes;
}

/* ---- global requests ---- */

static int
send_global_reply(struct connection *k, bool success, const struct buf *reply)
{
	struct buf *b;
	int r;

	if (buf_error(reply) != 0)
		return buf_error(reply);
	if ((r = connection_check_reply(k)) != 0)
		return r;
	b = transport_begin(
	    k->t, success ? SSH_MSG_REQUEST_SUCCESS : SSH_MSG_REQUEST_FAILURE);
	if (success)
		write_span(b, buf_span(reply));
	return transport_end(k->t);
}

static int
on_global_request(struct connection *k, struct reader *r)
{
	struct span type = read_string_max(r, REQUEST_TYPE_MAX);
	bool want_reply = read_boolean(r);
	struct buf reply = BUF_MAX_INIT(TRANSPORT_PAYLOAD_MAX / 2);
	bool success = false;
	int code;

	if ((code = read_error(r)) != 0)
		return code;
	if (k->handlers.on_global_request != NULL)
		success = k->handlers.on_global_request(
		    k, type, r, want_reply, &reply, k->handlers.context);
	if (want_reply && !k->doomed)
		code = send_global_reply(k, success, &reply);
	buf_release(&reply);
	return code;
}

static int
on_global_reply(struct connection *k, bool success, struct reader *r)
{
	struct pending_reply reply;

	if (!reply_take(&k->replies, &reply))
		return ERR_UNEXPECTED;
	if (reply.on_global_reply != NULL)
		reply.on_global_reply(k, success, r, reply.context);
	return 0;
}

static int
on_request_success(struct connection *k, struct reader *r)
{
	return on_global_reply(k, true, r);
}

static int
on_request_failure(struct connection *k, struct reader *r)
{
	return on_global_reply(k, false, r);
}

struct buf *
connection_request_begin(
    struct connection *k, const char *type, bool want_reply)
{
	struct buf *b = transport_begin(k->t, SSH_MSG_GLOBAL_REQUEST);

	k->request_wants_reply = want_reply;
	write_text(b, type);
	write_boolean(b, want_reply);
	return b;
}

int
connection_request_end(
    struct connection *k, global_reply *on_reply, void *context)
{
	if (k->request_wants_reply &&
	    reply_expect(&k->replies, NULL, on_reply, context) != 0) {
		transport_abandon(k->t);
		return ERR_MEMORY;
	}
	return transport_end(k->t);
}

/* ---- dispatch ---- */

/* clang-format off */
static const struct {
	uint8_t type;
	int (*on_message)(struct connection *k, struct reader *r);
} messages[] = {
	{ SSH_MSG_CHANNEL_DATA,              on_channel_data },
	{ SSH_MSG_CHANNEL_WINDOW_ADJUST,     on_channel_window_adjust },
	{ SSH_MSG_CHANNEL_EXTENDED_DATA,     on_channel_extended_data },
	{ SSH_MSG_CHANNEL_REQUEST,           on_channel_request },
	{ SSH_MSG_CHANNEL_OPEN,              on_channel_open },
	{ SSH_MSG_CHANNEL_OPEN_CONFIRMATION, on_channel_open_confirmation },
	{ SSH_MSG_CHANNEL_OPEN_FAILURE,      on_channel_open_failure },
	{ SSH_MSG_CHANNEL_EOF,               on_channel_eof },
	{ SSH_MSG_CHANNEL_CLOSE,             on_channel_close },
	{ SSH_MSG_CHANNEL_SUCCESS,           on_channel_success },
	{ SSH_MSG_CHANNEL_FAILURE,           on_channel_failure },
	{ SSH_MSG_GLOBAL_REQUEST,            on_global_request },
	{ SSH_MSG_REQUEST_SUCCESS,           on_request_success },
	{ SSH_MSG_REQUEST_FAILURE,           on_request_failure },
};
/* clang-format on */

static int
dispatch(struct connection *k, const struct packet *p)
{
	struct reader r = reader_of(p->payload);
	int code;

	for (size_t i = 0; i < ARRAY_COUNT(messages); i++)
		if (messages[i].type == p->type)
			return messages[i].on_message(k, &r);
	if ((code = connection_check_reply(k)) != 0)
		return code;
	return transport_unimplemented(k->t, p->seqnr);
}

int
connection_packet(struct connection *k, const struct packet *p, uint64_t now_us,
    uint64_t rtt_us)
{
	int r;

	if (transport_pending_bytes(k->t) > PENDING_MAX)
		return ERR_LIMIT;
	k->now_us = now_us;
	k->rtt_us = rtt_us;
	k->depth++;
	r = dispatch(k, p);
	k->depth--;
	if (k->depth > 0)
		return r;
	if (k->doomed)
		connection_destroy(k);
	else
		bury(k);
	return r;
}
