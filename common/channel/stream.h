/*
 * stream.h - a channel's data on file descriptors in an event loop: the one
 * place where bulk moves between descriptors and packets. For both ends.
 *
 * Reading: fd -> straight into a packet under construction, several packets
 * a turn, as long as the channel has room. Writing: packet -> fd directly;
 * only what the fd refuses is queued. EOF, EPIPE and eow are handled here:
 * end of file of the input sends EOF (after what was read); EPIPE on the
 * output discards and sends eow; the peer's EOF closes the output fd once it is
 * drained. Interactive channels (a pty) go before bulk: streams take turns of
 * one packet each, and bulk keeps less pending beside an interactive one.
 *
 * Descriptors never block the loop, also shared ones: see descriptor.h.
 * SIGPIPE must be ignored. Callbacks may free the stream. A stream survives
 * its channel and its connection, which then are nothing to it.
 */
#ifndef COMMON_CHANNEL_STREAM_H
#define COMMON_CHANNEL_STREAM_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"

struct stream;

/* Bytes that a filter may add to what it was given. */
#define STREAM_FILTER_HEADROOM 16

struct stream_config {
	int in_fd;       /* read, sent as DATA; -1 none. Without any input no
			  * EOF is sent until stream_end_input() */
	int err_in_fd;   /* read, sent as STDERR; -1 none */
	int out_fd;      /* DATA received is written here; -1: discarded */
	int err_out_fd;  /* STDERR received is written here; -1: discarded */
	bool owns_fds;   /* closes them, each as soon as it is done with */
	bool shared_fds; /* inherited (stdin, stdout, stderr): others have the
			  * same open file descriptions, so O_NONBLOCK must
			  * not be set on them */
	bool is_interactive;
	bool holds_eof; /* the end of the input sends no EOF: the owner does,
			 * after what has to come first */
	bool eof_by_closing; /* close out_fd at the peer's EOF (pipes); a pty
			      * master is never closed by EOF */
	/* Called when input has ended and all of it is sent; may be NULL. */
	void (*on_input_end)(struct stream *s, void *context);
	/* Called when the peer's data is all written out after its EOF or
	 * close; may be NULL. */
	void (*on_output_end)(struct stream *s, void *context);
	/* May change bytes read from in_fd before they are sent (escape
	 * characters): edits data in place and returns the new length, so
	 * that no copy is needed. It may be longer than len by what an
	 * earlier call held back: up to capacity, which is at least
	 * len + STREAM_FILTER_HEADROOM. NULL: none. */
	size_t (*filter)(struct stream *s, uint8_t *data, size_t len,
	    size_t capacity, void *context);
	void *context;
};

/* The owner's channel handlers must forward on_data, on_eof, on_eow,
 * on_writable, on_closed to stream_on_*. On failure the descriptors stay the
 * caller's. The loop must have the link already, so that it writes before
 * streams look for room. */
int stream_new(struct loop *loop, struct channel *c,
    const struct stream_config *config, struct stream **ret) MUST_CHECK;
void stream_free(struct stream *s);

size_t stream_on_data(
    struct stream *s, enum channel_stream stream, struct span data);
void stream_on_eof(struct stream *s);
void stream_on_writable(struct stream *s);
/* The peer reads no more: the input is closed, so that who writes into it
 * learns of it, and EOF is sent. */
void stream_on_eow(struct stream *s);
/* In on_closed: nothing more is sent; what is queued is still written, then
 * on_output_end is called (at once when nothing is). No on_input_end. */
void stream_on_close(struct stream *s);

/* Stops and goes on with reading the input (suspend, background). */
void stream_pause_input(struct stream *s, bool paused);
/* Sends EOF as if the input had ended. */
void stream_end_input(struct stream *s);
bool stream_input_ended(const struct stream *s);
/* Is received data waiting for a descriptor? */
bool stream_has_output(const struct stream *s);
/* errno of the first write to a descriptor that failed, 0 if none did. */
int stream_output_errno(const struct stream *s);

#endif
