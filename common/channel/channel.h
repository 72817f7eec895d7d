/*
 * channel.h - the connection protocol: channels, their windows and requests,
 * global requests; client and server. RFC 4254.
 *
 * No I/O: packets go in (connection_packet), packets come out (composed in
 * the transport), the owner is told by callbacks. Data that arrives is
 * offered as a pointer into the receive buffer; what the owner does not take
 * is queued in the channel, never more than its window.
 * Sending: channel_write_begin() gives room inside a packet under
 * construction, so that a read(2) puts bytes where they are sealed and sent
 * from.
 *
 * A channel's life (RFC 4254 s5.3):
 *   OPENING -> OPEN -> (eof sent / eof received) -> close sent+received -> gone
 * A CLOSE of the peer is answered at once, so it is the end: on_closed, then
 * the engine frees the channel; no other call on it then (see channel_linger
 * for one whose queue must still be written out).
 * Callbacks may call everything here, connection_free() included: memory goes
 * when the last callback has returned.
 *
 * Windows (design: they follow the path): initial window 2 MiB; it grows up
 * to `window_max` when the peer waits for it and our consumer keeps up
 * (window.h); the total of all windows of a connection is capped: what is
 * left is shared, at least 64 KiB for each new channel.
 */
#ifndef COMMON_CHANNEL_CHANNEL_H
#define COMMON_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/transport/transport.h"

struct connection;
struct channel;

#define CHANNEL_WINDOW_INITIAL     (2u * 1024 * 1024)
#define CHANNEL_WINDOW_MAX         (128u * 1024 * 1024)
#define CHANNEL_WINDOW_MAX_OPENSSH (15u * 1024 * 1024) /* it buffers 16 MiB */
#define CHANNEL_PACKET_MAX         (128u * 1024) /* maximum_packet we announce */
#define CHANNEL_TOTAL_MAX          (256u * 1024 * 1024)

enum channel_stream {
	CHANNEL_STREAM_DATA = 0,
	CHANNEL_STREAM_STDERR = 1 /* SSH_EXTENDED_DATA_STDERR */
};

/* Every callback may be NULL. context is the channel's, see
 * channel_set_handlers. */
struct channel_handlers {
	/* The peer accepted a channel that we opened. */
	void (*on_open)(struct channel *c, void *context);
	void (*on_open_failed)(struct channel *c, uint32_t reason,
	    struct span text, void *context); /* the channel is gone after */
	/* Takes 0..data.len bytes now and returns how many; the rest is queued
	 * (see channel_queued), and while anything is queued more is queued
	 * without asking. NULL: everything is queued. */
	size_t (*on_data)(struct channel *c, enum channel_stream stream,
	    struct span data, void *context);
	/* No data will follow what came (and may still be queued). */
	void (*on_eof)(struct channel *c, void *context);
	void (*on_eow)(struct channel *c, void *context); /* eow@openssh.com */
	/* A request; fields in r (the owner reads them to the end with
	 * read_end). Returns true for success; the engine sends
	 * CHANNEL_SUCCESS/FAILURE where wanted. NULL: failure. */
	bool (*on_request)(struct channel *c, struct span type,
	    struct reader *r, bool want_reply, void *context);
	/* The peer's window opened. Room that comes back because keys are
	 * exchanged or output was sent is the owner's to notice (streams
	 * do). */
	void (*on_writable)(struct channel *c, void *context);
	/* Both sides have closed; the channel is freed after this returns.
	 * Replies that were awaited have been reported as failed. */
	void (*on_closed)(struct channel *c, void *context);
};

struct connection_handlers {
	/* The peer opens a channel. To accept: channel_set_handlers(c, ...)
	 * and true; it is open when this has returned. False refuses, with a
	 * reason and text (default: unknown channel type). r holds the
	 * type-specific fields. */
	bool (*on_channel_open)(struct connection *k, struct channel *c,
	    struct span type, struct reader *r, uint32_t *ret_reason,
	    const char **ret_text, void *context);
	/* A global request: true for success; what is appended to reply goes
	 * with REQUEST_SUCCESS. */
	bool (*on_global_request)(struct connection *k, struct span type,
	    struct reader *r, bool want_reply, struct buf *reply,
	    void *context);
	void *context;
};

/* handlers is copied; the transport is borrowed. */
int connection_new(struct transport *t, const struct connection_handlers *h,
    struct connection **ret) MUST_CHECK;
/* Frees all channels without telling anyone. */
void connection_free(struct connection *k);

/* Feeds a packet of types 80..127. 0 or a negative code (the connection must
 * then end). Unknown types are answered UNIMPLEMENTED. now_us, rtt_us (0
 * unknown) steer windows. */
int connection_packet(struct connection *k, const struct packet *p,
    uint64_t now_us, uint64_t rtt_us) MUST_CHECK;

struct transport *connection_transport(const struct connection *k);
size_t connection_channel_count(const struct connection *k);
/* Walks the channels: NULL starts; NULL ends. */
struct channel *connection_next_channel(
    const struct connection *k, const struct channel *after);
/* At most this many channels opened by the peer at once; more are refused with
 * RESOURCE_SHORTAGE. Default 1024. */
void connection_set_channel_limit(struct connection *k, size_t limit);
/* Largest window; 0: windows stay at their initial size. */
void connection_set_window_max(struct connection *k, uint32_t bytes);

/* ---- global requests ---- */

typedef void global_reply(
    struct connection *k, bool success, struct reader *r, void *context);
/* Begin a global request, write its fields, end it with
 * connection_request_end. on_reply NULL: want_reply is false. */
struct buf *connection_request_begin(
    struct connection *k, const char *type, bool want_reply);
int connection_request_end(
    struct connection *k, global_reply *on_reply, void *context) MUST_CHECK;

/* ---- channels ---- */

/* Opens a channel: type-specific fields are appended to what begin returns.
 * window 0: CHANNEL_WINDOW_INITIAL. NULL without memory, nothing is begun
 * then. After a failed end the channel is gone. */
struct buf *channel_open_begin(struct connection *k, const char *type,
    uint32_t window, struct channel **ret);
int channel_open_end(struct channel *c) MUST_CHECK;

void channel_set_handlers(struct channel *c,
    const struct channel_handlers *h /* borrowed, static */, void *context);
void *channel_context(const struct channel *c);
struct connection *channel_connection(const struct channel *c);
uint32_t channel_id(const struct channel *c); /* ours */
const char *channel_type(const struct channel *c);

/* ---- sending data ---- */

/* Bytes that could be sent now in all: the peer's window, and 0 while the
 * transport keeps packets back or has TRANSPORT_PENDING_HIGH pending or the
 * channel is not open. */
size_t channel_room(const struct channel *c);

/*
 * Room for up to *ret_len bytes of one packet (limited by want and by the
 * peer's maximum packet); fill it and commit the number (0: nothing is sent).
 * Nothing else may be composed in between. NULL when there is no room.
 */
uint8_t *channel_write_begin(struct channel *c, enum channel_stream stream,
    size_t want, size_t *ret_len);
int channel_write_commit(struct channel *c, size_t used) MUST_CHECK;

/* The same for several packets at once, so that one readv(2) fills them: room
 * for up to max of them in ret_room; returns how many, 0 when there is no
 * room. used: bytes read in all, in the order of the rooms. */
size_t channel_read_begin(struct channel *c, enum channel_stream stream,
    struct iovec *ret_room, size_t max);
int channel_read_commit(struct channel *c, enum channel_stream stream,
    const struct iovec *room, size_t used) MUST_CHECK;

/* Copies as much as there is room for; *ret_taken bytes. */
int channel_write(struct channel *c, enum channel_stream stream,
    struct span data, size_t *ret_taken) MUST_CHECK;

/* Asked for before the channel is open, EOF and CLOSE follow when it is. */
int channel_send_eof(struct channel *c) MUST_CHECK; /* once; else nothing */
int channel_send_eow(struct channel *c) MUST_CHECK; /* to peers that know it */
int channel_close(struct channel *c) MUST_CHECK;    /* once; else nothing */

/* ---- received data that was queued ---- */

struct span channel_queued(const struct channel *c, enum channel_stream s);
/* Drops n queued bytes: they were consumed; grants window in due time. */
int channel_consumed(
    struct channel *c, enum channel_stream s, size_t n) MUST_CHECK;
/* Nobody will read this stream: drop what is queued and what comes. */
void channel_discard(struct channel *c, enum channel_stream s);

/*
 * In on_closed: the channel stays, without handlers and closed to messages,
 * for its queue to be consumed. It counts against the limits until
 * channel_release() (or connection_free()).
 */
void channel_linger(struct channel *c);
void channel_release(struct channel *c);

/* ---- state ---- */

bool channel_is_open(const struct channel *c);
bool channel_eof_sent(const struct channel *c);
bool channel_eof_received(const struct channel *c);
bool channel_close_sent(const struct channel *c);
uint64_t channel_bytes_in(const struct channel *c);
uint64_t channel_bytes_out(const struct channel *c);

/* ---- requests ---- */

typedef void channel_reply(struct channel *c, bool success, void *context);
/* Begin, write the type-specific fields, end. Replies come in order.
 * on_reply NULL: want_reply is false. ERR_CHANNEL from end where the channel is
 * not open. */
struct buf *channel_request_begin(
    struct channel *c, const char *type, bool want_reply);
int channel_request_end(
    struct channel *c, channel_reply *on_reply, void *context) MUST_CHECK;

#endif
