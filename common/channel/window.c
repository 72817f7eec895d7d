/*
 * window.c - the window that we grant for one channel. RFC 4254 s5.2.
 */
#include "common/channel/window.h"

#include <string.h>

#include "common/base/error.h"

#define RTT_MIN_US     1000    /* below, the initial window is large enough */
#define RTT_MAX_US     3000000 /* above, it is a pause of the sender */
#define SHRINK_US      100000  /* at most one halving in that time */
#define GRANT_FRACTION 8       /* grants are at least size / 8 */

void
window_init(struct window *w, uint32_t initial, uint32_t max)
{
	memset(w, 0, sizeof(*w));
	w->size = w->initial = w->remaining = initial;
	w->max = max > initial ? max : initial;
}

int
window_receive(struct window *w, size_t n)
{
	if (n > w->remaining)
		return ERR_WINDOW;
	w->remaining -= (uint32_t)n;
	w->received += n;
	return 0;
}

static uint32_t
times(const struct window *w, unsigned factor)
{
	return w->size > w->max / factor ? w->max : w->size * factor;
}

/*
 * By how much to multiply, judging by a peer that stood still at a limit
 * until a grant reached it.
 */
static unsigned
factor_by_stop(const struct window *w, uint64_t before, uint64_t now_us)
{
	for (size_t i = 0; i < w->probes; i++) {
		const struct window_probe *p = &w->probe[i];
		uint64_t rtt, idle = now_us - w->last_us;

		if (p->limit != before || now_us < p->at_us)
			continue;
		rtt = now_us - p->at_us;
		if (rtt < RTT_MIN_US || rtt > RTT_MAX_US || idle < rtt / 8)
			return 1;
		if (w->grown_us != 0 && now_us - w->grown_us < rtt / 4 * 3)
			return 1;
		/* What part of the time could have carried more? */
		return idle >= rtt / 8 * 7 ? 8 : idle >= rtt / 4 * 3 ? 4 : 2;
	}
	return 1;
}

/* The same, by what came in the round trip that ends now. */
static unsigned
factor_by_rtt(const struct window *w, uint64_t now_us, uint64_t rtt_us)
{
	uint64_t spent = now_us - w->epoch_us;

	if (rtt_us < RTT_MIN_US || w->epoch_us == 0)
		return 1;
	if (spent < rtt_us || spent >= 2 * rtt_us)
		return 1;
	if (w->grown_us != 0 && now_us - w->grown_us < rtt_us / 4 * 3)
		return 1;
	return w->received - w->epoch_received >= w->size / 2 ? 2 : 1;
}

uint32_t
window_suggest(const struct window *w, size_t n, size_t queued, uint64_t now_us,
    uint64_t rtt_us)
{
	unsigned by_stop, by_rtt;

	if (n == 0 || w->size >= w->max || queued > w->size / 4)
		return w->size;
	by_stop = factor_by_stop(w, w->received - n, now_us);
	by_rtt = factor_by_rtt(w, now_us, rtt_us);
	return times(w, by_stop > by_rtt ? by_stop : by_rtt);
}

void
window_resize(struct window *w, uint32_t size, uint64_t now_us)
{
	w->size = size;
	w->grown_us = now_us;
}

void
window_note(struct window *w, size_t n, uint64_t now_us, uint64_t rtt_us)
{
	uint64_t before = w->received - n;
	size_t passed = 0;

	if (n == 0)
		return;
	while (passed < w->probes && w->probe[passed].limit <= before)
		passed++;
	w->probes -= passed;
	memmove(w->probe, w->probe + passed, w->probes * sizeof(w->probe[0]));
	w->last_us = now_us;
	if (w->epoch_us == 0 || now_us - w->epoch_us >= rtt_us) {
		w->epoch_us = now_us;
		w->epoch_received = w->received;
	}
}

static void
shrink(struct window *w, size_t queued, uint64_t now_us)
{
	if (w->size <= w->initial || queued < w->size / 2 || now_us == 0 ||
	    now_us - w->shrunk_us < SHRINK_US)
		return;
	w->size = w->size / 2 > w->initial ? w->size / 2 : w->initial;
	w->shrunk_us = now_us;
}

uint32_t
window_grant(struct window *w, size_t queued, uint64_t now_us)
{
	uint64_t held, grant;

	shrink(w, queued, now_us);
	held = (uint64_t)w->remaining + queued;
	if (held >= w->size)
		return 0;
	grant = w->size - held;
	if (grant < w->size / GRANT_FRACTION || grant == 0)
		return 0;
	if (now_us != 0 && w->probes < WINDOW_PROBES) {
		w->probe[w->probes].limit = w->received + w->remaining;
		w->probe[w->probes].at_us = now_us;
		w->probes++;
	}
	w->remaining += (uint32_t)grant;
	return (uint32_t)grant;
}
