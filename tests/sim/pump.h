/*
 * pump.h - moves two ends of a connection forward in virtual time: what a
 * link does for one end in a program, for both and without a system call.
 *
 * An end is a transport and what lies on top of it. The layers on top are
 * told of events and get a turn whenever something moved; there they compose
 * what they have to send. Nothing else of them is known here: userauth and
 * channels are one more `on_event` and `on_turn`.
 */
#ifndef TESTS_SIM_PUMP_H
#define TESTS_SIM_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/transport/transport.h"
#include "tests/sim/network.h"

#define PUMP_CLIENT 0
#define PUMP_SERVER 1

struct pump_end {
	struct transport *t; /* the owner's; may be replaced in on_turn */
	int (*on_event)(void *context, enum transport_event event,
	    const struct packet *packet);
	/* *ret_wake_us: when it wants a turn even if nothing arrives. */
	int (*on_turn)(void *context, uint64_t now_us, uint64_t *ret_wake_us);
	bool (*is_done)(const void *context);
	void *context;
	/* results */
	int code; /* how it ended, 0: it did not */
	char why[256];
};

struct pump {
	struct network *network;
	struct pump_end end[2];
	uint64_t now_us;
	uint64_t turns;
};

enum pump_result {
	PUMP_DONE,   /* both ends are done, and nothing is in flight */
	PUMP_ENDED,  /* at least one end failed or was closed; see code */
	PUMP_STALLED /* nothing moves any more */
};

/* Runs until both are done or nothing can happen any more. turns_max guards
 * against an endless exchange (PUMP_STALLED). */
enum pump_result pump_run(struct pump *p, uint64_t turns_max);

#endif
