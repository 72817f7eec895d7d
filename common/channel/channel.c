/*
 * channel.c - channels: opening, closing, requests. RFC 4254 s5.
 * The table of states is in connection_impl.h.
 */
#include "common/channel/channel.h"

#include <stdlib.h>
#include <string.h>

#include "common/channel/connection_impl.h"

#define TYPE_MAX  256u
#define TEXT_MAX  (16u * 1024) /* of an open failure */
#define SLOTS_MIN 8

static const struct channel_handlers no_handlers;

/* ---- slots ---- */

static int
find_slot(struct connection *k, size_t *ret_id)
{
	size_t slots = k->slots < SLOTS_MIN ? SLOTS_MIN : k->slots * 2;
	struct channel **bigger;

	for (size_t i = 0; k->count < k->slots && i < k->slots; i++)
		if (k->slot[i] == NULL) {
			*ret_id = i;
			return 0;
		}
	if (slots > UINT32_MAX / sizeof(*bigger))
		return ERR_LIMIT;
	if ((bigger = realloc(k->slot, slots * sizeof(*bigger))) == NULL)
		return ERR_MEMORY;
	memset(bigger + k->slots, 0, (slots - k->slots) * sizeof(*bigger));
	*ret_id = k->slots;
	k->slot = bigger;
	k->slots = slots;
	return 0;
}

static int
channel_new(struct connection *k, struct span type, uint32_t window,
    enum channel_state state, struct channel **ret)
{
	struct channel *c = calloc(1, sizeof(*c));
	uint32_t max = k->window_max;
	size_t id = 0;

	if (c == NULL)
		return ERR_MEMORY;
	if ((c->type = span_dup_text(type)) == NULL || find_slot(k, &id) != 0) {
		free(c->type);
		free(c);
		return ERR_MEMORY;
	}
	c->k = k;
	c->id = (uint32_t)id;
	c->state = state;
	c->by_peer = state == CHANNEL_OFFERED;
	c->handlers = &no_handlers;
	if (k->openssh && max > CHANNEL_WINDOW_MAX_OPENSSH)
		max = CHANNEL_WINDOW_MAX_OPENSSH;
	window_init(&c->window, window_commit(k, window), max);
	k->slot[id] = c;
	k->count++;
	k->peer_count += c->by_peer;
	*ret = c;
	return 0;
}

/* The owner's handlers, never NULL. */
static const struct channel_handlers *
handlers(const struct channel *c)
{
	return c->handlers;
}

void
channel_free(struct channel *c)
{
	struct pending_reply reply;

	if (c == NULL)
		return;
	if (c->on_freed != NULL)
		c->on_freed(c->attached);
	while (reply_take(&c->replies, &reply))
		;
	for (int i = 0; i < CHANNEL_STREAMS; i++)
		byte_queue_clear(&c->queue[i]);
	free(c->type);
	free(c);
}

/* Takes the channel out of the table; its memory goes with the last callback
 * that may be working on it. */
static void
channel_end(struct channel *c)
{
	struct connection *k = c->k;

	k->slot[c->id] = NULL;
	k->count--;
	k->peer_count -= c->by_peer;
	k->committed -= c->window.size;
	if (k->depth > 0) {
		c->next_dead = k->dead;
		k->dead = c;
	} else {
		channel_free(c);
	}
}

struct channel *
channel_find(const struct connection *k, uint32_t id)
{
	struct channel *c = id < k->slots ? k->slot[id] : NULL;

	return c != NULL && c->state != CHANNEL_LINGERING ? c : NULL;
}

/* One that is open for messages. */
static struct channel *
find_open(const struct connection *k, uint32_t id)
{
	struct channel *c = channel_find(k, id);

	return c != NULL && c->state == CHANNEL_OPEN ? c : NULL;
}

struct channel *
connection_next_channel(const struct connection *k, const struct channel *after)
{
	size_t i = after != NULL ? (size_t)after->id + 1 : 0;

	for (; i < k->slots; i++)
		if (k->slot[i] != NULL &&
		    k->slot[i]->state != CHANNEL_LINGERING)
			return k->slot[i];
	return NULL;
}

/* ---- opening: ours ---- */

struct buf *
channel_open_begin(struct connection *k, const char *type, uint32_t window,
    struct channel **ret)
{
	struct channel *c;
	struct buf *b;

	if (channel_new(k, span_text(type),
		window != 0 ? window : CHANNEL_WINDOW_INITIAL, CHANNEL_OPENING,
		&c) != 0)
		return NULL;
	b = transport_begin(k->t, SSH_MSG_CHANNEL_OPEN);
	write_text(b, type);
	write_uint32(b, c->id);
	write_uint32(b, c->window.size);
	write_uint32(b, CHANNEL_PACKET_MAX);
	*ret = c;
	return b;
}

int
channel_open_end(struct channel *c)
{
	int r = transport_end(c->k->t);

	if (r != 0)
		channel_end(c);
	return r;
}

int
on_channel_open_confirmation(struct connection *k, struct reader *r)
{
	struct channel *c = channel_find(k, read_uint32(r));
	uint32_t peer_id = read_uint32(r);
	uint32_t window = read_uint32(r);
	uint32_t packet_max = read_uint32(r);
	int code;

	/* Fields of the channel's type may follow: no type here has any. */
	if ((code = read_error(r)) != 0)
		return code;
	if (c == NULL || c->state != CHANNEL_OPENING)
		return ERR_CHANNEL;
	c->peer_id = peer_id;
	c->peer_window = window;
	c->peer_packet_max = packet_max;
	c->state = CHANNEL_OPEN;
	if (c->close_wanted)
		return channel_close(c);
	if (handlers(c)->on_open != NULL)
		handlers(c)->on_open(c, c->context);
	return c->eof_wanted && !k->doomed ? channel_send_eof(c) : 0;
}

int
on_channel_open_failure(struct connection *k, struct reader *r)
{
	struct channel *c = channel_find(k, read_uint32(r));
	uint32_t reason = read_uint32(r);
	struct span text = read_string_max(r, TEXT_MAX);
	int code;

	read_string_max(r, TEXT_MAX); /* language tag */
	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL || c->state != CHANNEL_OPENING)
		return ERR_CHANNEL;
	if (handlers(c)->on_open_failed != NULL)
		handlers(c)->on_open_failed(c, reason, text, c->context);
	channel_end(c);
	return 0;
}

/* ---- opening: the peer's ---- */

static int
send_open_failure(
    struct connection *k, uint32_t peer_id, uint32_t reason, const char *text)
{
	struct buf *b;
	int r;

	if ((r = connection_check_reply(k)) != 0)
		return r;
	b = transport_begin(k->t, SSH_MSG_CHANNEL_OPEN_FAILURE);
	write_uint32(b, peer_id);
	write_uint32(b, reason);
	write_text(b, text);
	write_text(b, ""); /* language tag */
	return transport_end(k->t);
}

static int
send_open_confirmation(struct channel *c)
{
	struct buf *b =
	    transport_begin(c->k->t, SSH_MSG_CHANNEL_OPEN_CONFIRMATION);

	write_uint32(b, c->peer_id);
	write_uint32(b, c->id);
	write_uint32(b, c->window.size);
	write_uint32(b, CHANNEL_PACKET_MAX);
	return transport_end(c->k->t);
}

/* Asks the owner. The channel is OPEN or gone afterwards. */
static int
offer(
    struct connection *k, struct channel *c, struct span type, struct reader *r)
{
	uint32_t reason = SSH_OPEN_UNKNOWN_CHANNEL_TYPE;
	const char *text = NULL;
	bool accepted = k->handlers.on_channel_open != NULL &&
			k->handlers.on_channel_open(
			    k, c, type, r, &reason, &text, k->handlers.context);
	int code;

	if (k->doomed)
		return 0;
	if (!accepted) {
		if (text == NULL)
			text = reason == SSH_OPEN_UNKNOWN_CHANNEL_TYPE
				   ? "unknown channel type"
				   : "open failed";
		code = send_open_failure(k, c->peer_id, reason, text);
		channel_end(c);
		return code;
	}
	if ((code = send_open_confirmation(c)) != 0)
		return code;
	c->state = CHANNEL_OPEN;
	if (c->eof_wanted && (code = channel_send_eof(c)) != 0)
		return code;
	return c->close_wanted ? channel_close(c) : 0;
}

int
on_channel_open(struct connection *k, struct reader *r)
{
	struct span type = read_string_max(r, TYPE_MAX);
	uint32_t peer_id = read_uint32(r);
	uint32_t window = read_uint32(r);
	uint32_t packet_max = read_uint32(r);
	struct channel *c;
	int code;

	if ((code = read_error(r)) != 0)
		return code;
	if (k->peer_count >= k->peer_limit)
		return send_open_failure(k, peer_id, SSH_OPEN_RESOURCE_SHORTAGE,
		    "too many channels");
	if ((code = channel_new(
		 k, type, CHANNEL_WINDOW_INITIAL, CHANNEL_OFFERED, &c)) != 0)
		return code;
	c->peer_id = peer_id;
	c->peer_window = window;
	c->peer_packet_max = packet_max;
	return offer(k, c, type, r);
}

/* ---- the end ---- */

int
channel_send_eof(struct channel *c)
{
	struct buf *b;

	if (c->state == CHANNEL_OPENING || c->state == CHANNEL_OFFERED) {
		c->eof_wanted = true;
		return 0;
	}
	if (c->state != CHANNEL_OPEN || c->eof_sent || c->close_sent)
		return 0;
	c->eof_sent = true;
	b = transport_begin(c->k->t, SSH_MSG_CHANNEL_EOF);
	write_uint32(b, c->peer_id);
	return transport_end(c->k->t);
}

int
channel_close(struct channel *c)
{
	struct buf *b;

	if (c->state == CHANNEL_OPENING || c->state == CHANNEL_OFFERED) {
		c->close_wanted = true;
		return 0;
	}
	if (c->state != CHANNEL_OPEN || c->close_sent)
		return 0;
	c->close_sent = true;
	b = transport_begin(c->k->t, SSH_MSG_CHANNEL_CLOSE);
	write_uint32(b, c->peer_id);
	return transport_end(c->k->t);
}

int
on_channel_eof(struct connection *k, struct reader *r)
{
	struct channel *c = find_open(k, read_uint32(r));
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL)
		return ERR_CHANNEL;
	if (c->eof_received)
		return ERR_UNEXPECTED;
	c->eof_received = true;
	if (handlers(c)->on_eof != NULL)
		handlers(c)->on_eof(c, c->context);
	return 0;
}

/* Requests that no answer will come to any more have failed. */
static void
fail_replies(struct channel *c)
{
	struct pending_reply reply;

	while (!c->k->doomed && reply_take(&c->replies, &reply))
		if (reply.on_channel_reply != NULL)
			reply.on_channel_reply(c, false, reply.context);
}

int
on_channel_close(struct connection *k, struct reader *r)
{
	struct channel *c = find_open(k, read_uint32(r));
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL)
		return ERR_CHANNEL;
	if ((code = channel_close(c)) != 0)
		return code;
	fail_replies(c);
	if (!k->doomed && handlers(c)->on_closed != NULL)
		handlers(c)->on_closed(c, c->context);
	if (!k->doomed && c->state != CHANNEL_LINGERING)
		channel_end(c);
	return 0;
}

void
channel_linger(struct channel *c)
{
	c->state = CHANNEL_LINGERING;
	c->handlers = &no_handlers;
}

void
channel_release(struct channel *c)
{
	if (c->state == CHANNEL_LINGERING)
		channel_end(c);
}

/* ---- requests ---- */

struct buf *
channel_request_begin(struct channel *c, const char *type, bool want_reply)
{
	struct connection *k = c->k;
	struct buf *b;

	if (c->state != CHANNEL_OPEN || c->close_sent) {
		k->composing = COMPOSING_REFUSED;
		return connection_sink(k);
	}
	k->composing = COMPOSING_REQUEST;
	k->request_wants_reply = want_reply;
	b = transport_begin(k->t, SSH_MSG_CHANNEL_REQUEST);
	write_uint32(b, c->peer_id);
	write_text(b, type);
	write_boolean(b, want_reply);
	return b;
}

int
channel_request_end(struct channel *c, channel_reply *on_reply, void *context)
{
	struct connection *k = c->k;
	enum composing composing = k->composing;

	k->composing = COMPOSING_NOTHING;
	if (composing != COMPOSING_REQUEST)
		return ERR_CHANNEL;
	if (k->request_wants_reply &&
	    reply_expect(&c->replies, on_reply, NULL, context) != 0) {
		transport_abandon(k->t);
		return ERR_MEMORY;
	}
	return transport_end(k->t);
}

int
channel_send_eow(struct channel *c)
{
	if (!c->k->knows_eow || c->state != CHANNEL_OPEN || c->close_sent)
		return 0;
	channel_request_begin(c, "eow@openssh.com", false);
	return channel_request_end(c, NULL, NULL);
}

static int
send_request_reply(struct channel *c, bool success)
{
	struct buf *b;
	int r;

	if ((r = connection_check_reply(c->k)) != 0)
		return r;
	b = transport_begin(c->k->t,
	    success ? SSH_MSG_CHANNEL_SUCCESS : SSH_MSG_CHANNEL_FAILURE);
	write_uint32(b, c->peer_id);
	return transport_end(c->k->t);
}

static bool
ask_request(
    struct channel *c, struct span type, struct reader *r, bool want_reply)
{
	if (span_is(type, "eow@openssh.com")) {
		if (handlers(c)->on_eow != NULL)
			handlers(c)->on_eow(c, c->context);
		return true;
	}
	return handlers(c)->on_request != NULL &&
	       handlers(c)->on_request(c, type, r, want_reply, c->context);
}

int
on_channel_request(struct connection *k, struct reader *r)
{
	struct channel *c = find_open(k, read_uint32(r));
	struct span type = read_string_max(r, TYPE_MAX);
	bool want_reply = read_boolean(r);
	bool success;
	int code;

	if ((code = read_error(r)) != 0)
		return code;
	if (c == NULL)
		return ERR_CHANNEL;
	success = ask_request(c, type, r, want_reply);
	if (!want_reply || k->doomed || c->close_sent)
		return 0;
	return send_request_reply(c, success);
}

static int
on_channel_reply(struct connection *k, struct reader *r, bool success)
{
	struct channel *c = find_open(k, read_uint32(r));
	struct pending_reply reply;
	int code;

	if ((code = read_end(r)) != 0)
		return code;
	if (c == NULL)
		return ERR_CHANNEL;
	if (!reply_take(&c->replies, &reply))
		return ERR_UNEXPECTED;
	if (reply.on_channel_reply != NULL)
		reply.on_channel_reply(c, success, reply.context);
	return 0;
}

int
on_channel_success(struct connection *k, struct reader *r)
{
	return on_channel_reply(k, r, true);
}

int
on_channel_failure(struct connection *k, struct reader *r)
{
	return on_channel_reply(k, r, false);
}

/* ---- facts ---- */

void
channel_set_handlers(
    struct channel *c, const struct channel_handlers *h, void *context)
{
	c->handlers = h != NULL ? h : &no_handlers;
	c->context = context;
}

void *
channel_context(const struct channel *c)
{
	return c->context;
}

struct connection *
channel_connection(const struct channel *c)
{
	return c->k;
}

uint32_t
channel_id(const struct channel *c)
{
	return c->id;
}

const char *
channel_type(const struct channel *c)
{
	return c->type;
}

bool
channel_is_open(const struct channel *c)
{
	return c->state == CHANNEL_OPEN;
}

bool
channel_eof_sent(const struct channel *c)
{
	return c->eof_sent;
}

bool
channel_eof_received(const struct channel *c)
{
	return c->eof_received;
}

bool
channel_close_sent(const struct channel *c)
{
	return c->close_sent;
}

uint64_t
channel_bytes_in(const struct channel *c)
{
	return c->bytes_in;
}

uint64_t
channel_bytes_out(const struct channel *c)
{
	return c->bytes_out;
}
