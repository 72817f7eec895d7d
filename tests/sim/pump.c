/*
 * pump.c - the turns of two ends.
 */
#include "tests/sim/pump.h"

#include <stdio.h>

#include "common/base/text.h"

static void
finish(struct pump *p, unsigned side, int code)
{
	struct pump_end *e = &p->end[side];

	if (e->code != 0)
		return;
	e->code = code;
	text_copy(e->why, sizeof e->why,
	    transport_error(e->t)->code == code ? transport_error(e->t)->text
						: error_text(code));
}

/* Writes what is pending as far as the network takes it. */
static bool
write_out(struct pump *p, unsigned side)
{
	struct pump_end *e = &p->end[side];
	struct iovec iov[4];
	size_t count = transport_pending(e->t, iov, ARRAY_COUNT(iov));
	bool moved = false;

	for (size_t i = 0; i < count; i++) {
		size_t n = network_write(p->network, side, p->now_us,
		    iov[i].iov_base, iov[i].iov_len);

		transport_sent(e->t, n);
		moved |= n != 0;
		if (n < iov[i].iov_len)
			break;
	}
	if (e->code != 0 && transport_pending_bytes(e->t) == 0)
		network_close(p->network, side);
	return moved;
}

static void
run_events(struct pump *p, unsigned side)
{
	struct pump_end *e = &p->end[side];
	struct packet packet;
	int r;

	while (e->code == 0) {
		r = transport_next(e->t, p->now_us, &packet);
		if (r == TRANSPORT_NONE)
			return;
		if (r > 0)
			r = e->on_event(
			    e->context, (enum transport_event)r, &packet);
		if (r < 0)
			finish(p, side, r);
	}
}

static bool
read_in(struct pump *p, unsigned side)
{
	struct pump_end *e = &p->end[side];
	uint8_t *to, sink[4096];
	size_t room, n;

	if (e->code != 0)
		return network_read(
			   p->network, side, p->now_us, sink, sizeof sink) != 0;
	if (!transport_wants_input(e->t))
		return false;
	to = transport_recv_space(e->t, &room);
	if (to == NULL)
		return false;
	n = network_read(p->network, side, p->now_us, to, room);
	if (n == 0) {
		if (network_is_over(p->network, side))
			finish(p, side, ERR_CLOSED);
		return false;
	}
	transport_received(e->t, n);
	run_events(p, side);
	return true;
}

static void
give_turn(struct pump *p, unsigned side, uint64_t *wake_us)
{
	struct pump_end *e = &p->end[side];
	uint64_t wake = UINT64_MAX;
	int r;

	if (e->code != 0)
		return;
	r = transport_tick(e->t, p->now_us, &wake);
	if (wake < *wake_us)
		*wake_us = wake;
	wake = UINT64_MAX;
	if (r == 0)
		r = e->on_turn(e->context, p->now_us, &wake);
	if (r != 0)
		finish(p, side, r);
	else
		run_events(p, side);
	if (wake < *wake_us)
		*wake_us = wake;
}

enum pump_result
pump_run(struct pump *p, uint64_t turns_max)
{
	for (p->turns = 0; p->turns < turns_max; p->turns++) {
		uint64_t wake = UINT64_MAX, next;
		bool moved = false;

		for (unsigned side = 0; side < 2; side++) {
			moved |= read_in(p, side);
			give_turn(p, side, &wake);
			moved |= write_out(p, side);
		}
		if (p->end[0].code != 0 && p->end[1].code != 0)
			return PUMP_ENDED;
		if (!moved && network_next_us(p->network) == UINT64_MAX &&
		    p->end[0].code == 0 && p->end[1].code == 0 &&
		    p->end[0].is_done(p->end[0].context) &&
		    p->end[1].is_done(p->end[1].context))
			return PUMP_DONE;
		if (moved)
			continue;
		next = network_next_us(p->network);
		if (wake < next)
			next = wake;
		if (next == UINT64_MAX)
			return p->end[0].code != 0 || p->end[1].code != 0
				   ? PUMP_ENDED
				   : PUMP_STALLED;
		if (next > p->now_us)
			p->now_us = next;
	}
	return PUMP_STALLED;
}
