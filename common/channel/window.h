/*
 * window.h - the window that we grant for one channel: how much the peer may
 * still send, when to grant more, and how large the window should be.
 * RFC 4254 s5.2.
 *
 * Growth: a peer that waits for us stops exactly where its window ends, and
 * goes on one round trip after we granted more. That is seen here (bytes
 * received == the limit before a grant), measures the round trip whatever
 * lies between (relays, ProxyCommand), and says that the window is too
 * small for the path: it is doubled, or made four or eight times as large where
 * the path was idle for most of the round trip. Where the round trip is known
 * from elsewhere, half of the window within one is reason enough. A consumer
 * that lags stops growth, and halves what had grown.
 *
 * Knows: byte counts and times; no packets. Owner: embedded; no allocation.
 * Invariant: remaining + unconsumed bytes never grow past size.
 */
#ifndef COMMON_CHANNEL_WINDOW_H
#define COMMON_CHANNEL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

#define WINDOW_PROBES 16

struct window_probe {
	uint64_t limit; /* what the peer might send before this grant */
	uint64_t at_us;
};

struct window {
	uint32_t size; /* what we aim at */
	uint32_t initial;
	uint32_t max;
	uint32_t remaining; /* what the peer may still send */
	uint64_t received;
	uint64_t last_us; /* when bytes came */
	uint64_t grown_us;
	uint64_t shrunk_us;
	uint64_t epoch_us; /* of the round trip that is being counted */
	uint64_t epoch_received;
	struct window_probe probe[WINDOW_PROBES]; /* oldest first */
	size_t probes;
};

/* The peer was told `initial`. max below it: the size never changes. */
void window_init(struct window *w, uint32_t initial, uint32_t max);

/* Takes n received bytes off. ERR_WINDOW: more than was granted; unchanged
 * then. */
int window_receive(struct window *w, size_t n) MUST_CHECK;

/*
 * After window_receive(n): the size that the window should have now, for
 * window_resize(), or its present size. queued: bytes that the consumer had
 * not taken; rtt_us: 0 unknown.
 */
uint32_t window_suggest(const struct window *w, size_t n, size_t queued,
    uint64_t now_us, uint64_t rtt_us);
void window_resize(struct window *w, uint32_t size, uint64_t now_us);

/* Closes the books on n received bytes; after window_suggest(). */
void window_note(struct window *w, size_t n, uint64_t now_us, uint64_t rtt_us);

/* How many bytes to grant now; 0: not yet. They count as granted. now_us 0:
 * the time is not known, nothing is measured by this grant. */
uint32_t window_grant(struct window *w, size_t queued, uint64_t now_us);

#endif
