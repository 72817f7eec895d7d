/*
 * stream_impl.h - what the files of streams share, and nobody else.
 *
 *   stream.c        life, output
 *   stream_input.c  input, and the turns that streams take
 *
 * The streams of a connection are a group. A descriptor that is readable only
 * enters the group's list of ready ones; they are read in the deferred part
 * of the turn, one packet each in rotation, interactive ones first, so that
 * the choice is made when everything that is ready is known.
 */
#ifndef COMMON_CHANNEL_STREAM_IMPL_H
#define COMMON_CHANNEL_STREAM_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/list.h"
#include "common/channel/connection_impl.h"
#include "common/channel/descriptor.h"
#include "common/channel/stream.h"

struct stream_group {
	struct loop *loop;
	struct connection *k; /* NULL: it was freed */
	struct list streams;
	struct list ready;       /* bulk with input, in the order of turns */
	struct list ready_first; /* interactive ones */
	size_t interactive;      /* streams that are */
	bool full;      /* bulk waits until most of the output has left */
	bool scheduled; /* its run is deferred */
	bool dead;      /* the last stream has gone */
};

struct stream_end {
	struct stream *s;
	struct descriptor d;
	struct watch *watch;
	bool open;  /* in use; else ended, failed or none */
	bool ready; /* input: readable as far as we know */
};

struct stream {
	struct stream_group *group;
	struct list link;       /* in group->streams */
	struct list ready_link; /* in one of the ready lists */
	struct loop *loop;
	struct channel *c; /* NULL: closed and drained, or freed */
	struct stream_config config;
	struct stream_end in[CHANNEL_STREAMS];
	struct stream_end out[CHANNEL_STREAMS];
	struct byte_queue filtered; /* input that found no room */
	/*
	 * A bulk output that is full holds the connection's input for a moment:
	 * copying what comes would cost more than waiting does. One that stays
	 * full is slow, and from then on data is queued until none is left.
	 */
	struct timer *hold_end; /* NULL: never holds */
	bool holds;
	bool slow;
	bool paused;
	bool input_ended; /* EOF is sent */
	bool peer_eof;
	bool output_ended;
	bool closed;      /* by the peer and by us */
	int output_errno; /* of the first write that failed */
	unsigned busy;    /* our frames under way */
	bool dead;        /* freed when busy is 0 */
};

/* ---- stream.c ---- */

void stream_enter(struct stream *s);
void stream_leave(struct stream *s);
/* The end is not used any more: unwatched, closed if that is ours. */
void stream_end_close(struct stream_end *end);
/* What the output waits for; before each wait. */
void stream_output_prepare(struct stream *s);

/* All that the peer will ever send is written out? Then says so, once. */
void stream_check_output_end(struct stream *s);

/* ---- stream_input.c ---- */

int stream_group_join(struct stream *s) MUST_CHECK;
void stream_group_leave(struct stream *s);
/* The stream has something to do in the deferred part of the turn. */
void stream_queue_turn(struct stream *s);
void stream_on_readable(struct watch *w, unsigned ready, void *context);
/* Ends what is left of the input; sends EOF when the channel is open. */
void stream_input_stop(struct stream *s);

#endif
