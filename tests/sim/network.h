/*
 * network.h - the bytes between two ends, in virtual time: cut into segments,
 * delayed, and broken on request.
 *
 * A side writes, the other side reads what has arrived by now. Order is kept
 * (it is a stream). At most one fault happens, at a byte of one direction.
 */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/chance.h"

enum network_fault {
	NETWORK_SOUND,
	NETWORK_CORRUPT,  /* one bit of the byte flips */
	NETWORK_TRUNCATE, /* this direction ends before the byte */
	NETWORK_RESET     /* both directions end at once, all in flight lost */
};

struct network_plan {
	uint64_t delay_us;  /* a segment takes 0 .. delay_us */
	size_t segment_max; /* 1 .. segment_max bytes each */
	size_t window;      /* bytes in flight in one direction, at most */
	enum network_fault fault;
	unsigned fault_side; /* the writer whose byte it is */
	uint64_t fault_at;   /* offset in what it writes */
};

struct network;

/* NULL without memory. */
struct network *network_new(
    const struct network_plan *plan, struct chance *chance);
void network_free(struct network *n);

/* Takes at most the window's room; returns how many bytes it took. After a
 * fault all is taken and nothing arrives. */
size_t network_write(struct network *n, unsigned side, uint64_t now_us,
    const uint8_t *bytes, size_t len);

/* What has arrived for this side by now; at most one segment. */
size_t network_read(struct network *n, unsigned side, uint64_t now_us,
    uint8_t *out, size_t max);

/* This side writes no more. */
void network_close(struct network *n, unsigned side);

/* Has everything that will ever arrive for this side been read? */
bool network_is_over(const struct network *n, unsigned side);

/* When the next segment arrives anywhere; UINT64_MAX: none is in flight. */
uint64_t network_next_us(const struct network *n);

/* Did the planned fault happen? */
bool network_fault_happened(const struct network *n);

#endif
