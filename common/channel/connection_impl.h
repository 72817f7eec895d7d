/*
 * connection_impl.h - what the files of the connection protocol share, and
 * nobody else.
 *
 *   connection.c    life, dispatch, global requests
 *   channel.c       channels: opening, closing, requests
 *   channel_data.c  channels: data both ways, windows
 *   stream*.c       uses the attachments
 *   idle.c          channels without traffic
 *
 * States of a channel (RFC 4254 s5):
 *
 *   OPENING   we asked, no answer yet
 *   OFFERED   the peer asked, our owner is being asked
 *   OPEN      with eof and close each sent and/or received
 *   LINGERING closed by both; its queue is still being written out
 *
 *   received        eof_received  close_received   (ours or theirs) gone
 *   DATA            error         error            error
 *   EOF             error         error            error
 *   REQUEST         yes           error            error
 *   WINDOW_ADJUST   yes           ignored          ignored
 *   CLOSE           yes           error            error
 *
 * CLOSE is answered at once, so close_received means: closed by both. After
 * close_sent data that arrives is dropped, and nothing is granted or sent.
 */
#ifndef COMMON_CHANNEL_CONNECTION_IMPL_H
#define COMMON_CHANNEL_CONNECTION_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/channel/byte_queue.h"
#include "common/channel/channel.h"
#include "common/channel/window.h"
#include "common/transport/message.h"

#define CHANNEL_STREAMS 2

enum channel_state {
	CHANNEL_OPENING,
	CHANNEL_OFFERED,
	CHANNEL_OPEN,
	CHANNEL_LINGERING
};

/* A reply that is awaited; replies come in order. */
struct pending_reply {
	struct pending_reply *next;
	channel_reply *on_channel_reply;
	global_reply *on_global_reply;
	void *context;
};

struct reply_queue {
	struct pending_reply *first, *last;
};

struct channel {
	struct connection *k;
	enum channel_state state;
	bool by_peer; /* the peer opened it */
	bool eof_sent, eof_received;
	bool close_sent;
	bool eof_wanted, close_wanted; /* asked for while OPENING */
	uint32_t id, peer_id;
	char *type;
	const struct channel_handlers *handlers;
	void *context;

	struct window window; /* what we granted */
	struct byte_queue queue[CHANNEL_STREAMS];
	bool discard[CHANNEL_STREAMS];

	uint32_t peer_window; /* what we may send */
	uint32_t peer_packet_max;
	uint64_t bytes_in, bytes_out;
	/* When they changed last (0: not seen yet), and what they were. */
	uint64_t active_us, active_bytes;

	struct buf *writing; /* the packet of channel_write_begin() */
	size_t write_mark;
	size_t write_len;

	struct reply_queue replies;
	/* A stream that must know when the channel's memory goes. */
	void (*on_freed)(void *attached);
	void *attached;
	struct channel *next_dead;
};

/* What is being composed between a begin and its end. */
enum composing {
	COMPOSING_NOTHING,
	COMPOSING_REQUEST,
	COMPOSING_REFUSED
};

struct connection {
	struct transport *t;
	struct connection_handlers handlers;
	bool openssh; /* the peer: a bounded window */
	bool knows_eow;
	struct channel **slot; /* by our id */
	size_t slots;
	size_t count;      /* channels */
	size_t peer_count; /* of them opened by the peer */
	size_t peer_limit;
	uint32_t window_max;
	uint64_t committed; /* sum of all windows' sizes */
	uint64_t now_us, rtt_us;
	unsigned depth;       /* callbacks may be under way */
	bool doomed;          /* freed in a callback */
	struct channel *dead; /* freed when depth is 0 */
	struct buf sink;      /* takes what cannot be sent */
	enum composing composing;
	bool request_wants_reply;
	unsigned held_replies; /* composed while packets are kept back */
	struct reply_queue replies;
	/* The streams of this connection. */
	void (*on_freed)(void *attached);
	void *attached;
};

/* ---- connection.c ---- */

/* Adds an entry; ERR_MEMORY. */
int reply_expect(struct reply_queue *q, channel_reply *on_channel_reply,
    global_reply *on_global_reply, void *context) MUST_CHECK;
/* Takes the first entry out; false when none is awaited. */
bool reply_take(struct reply_queue *q, struct pending_reply *ret);

/* A message that answers the peer is about to be composed: ERR_LIMIT when
 * it makes us keep too many. */
int connection_check_reply(struct connection *k) MUST_CHECK;

/* The buf to write to when nothing may be sent. */
struct buf *connection_sink(struct connection *k);

/* ---- channel.c ---- */

/* An open (or opening) channel for an id that the peer named, or NULL. */
struct channel *channel_find(const struct connection *k, uint32_t id);
void channel_free(struct channel *c);

int on_channel_open(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_open_confirmation(
    struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_open_failure(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_eof(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_close(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_request(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_success(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_failure(struct connection *k, struct reader *r) MUST_CHECK;

/* ---- channel_data.c ---- */

int on_channel_window_adjust(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_data(struct connection *k, struct reader *r) MUST_CHECK;
int on_channel_extended_data(struct connection *k, struct reader *r) MUST_CHECK;

/* The size of a new channel's window; counts it in. */
uint32_t window_commit(struct connection *k, uint32_t wanted);

/* channel_consumed() by a caller who knows the time (0: does not). */
int channel_consumed_at(struct channel *c, enum channel_stream s, size_t n,
    uint64_t now_us) MUST_CHECK;

#endif
