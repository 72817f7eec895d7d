/*
 * window_test.c - the window that we grant, by itself.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/channel/window.h"
#include "tests/unit/unit.h"

#define INITIAL 2000000u
#define MAX     128000000u
#define MS      1000u

/* n bytes arrive and are consumed at once. The grant. */
static uint32_t
arrive(struct window *w, uint32_t n, size_t queued, uint64_t now_us)
{
	uint32_t size;

	CHECK_INT(window_receive(w, n), 0);
	size = window_suggest(w, n, queued, now_us, 0);
	window_note(w, n, now_us, 0);
	if (size > w->size)
		window_resize(w, size, now_us);
	return window_grant(w, queued, now_us);
}

/* A peer that sends all it may in `burst_us`, then waits for `rtt_us`. */
static void
round_trip(struct window *w, uint64_t *now, uint64_t rtt_us, uint64_t burst_us)
{
	uint32_t left = w->remaining, step = left / 10 + 1;

	while (left > 0) {
		uint32_t n = left < step ? left : step;

		arrive(w, n, 0, *now);
		left -= n;
		*now += burst_us / 10;
	}
	*now += rtt_us - burst_us;
}

TEST(more_than_was_granted_is_refused)
{
	struct window w;

	window_init(&w, 100, 1000);
	CHECK_INT(window_receive(&w, 101), ERR_WINDOW);
	CHECK_INT(w.remaining, 100);
	CHECK_INT(window_receive(&w, 100), 0);
	CHECK_INT(window_receive(&w, 0), 0);
	CHECK_INT(window_receive(&w, 1), ERR_WINDOW);
	CHECK_INT(window_receive(&w, (size_t)1 << 40), ERR_WINDOW);
}

TEST(grants_come_early_but_not_for_each_packet)
{
	struct window w;
	unsigned grants = 0;
	uint64_t granted = 0;

	window_init(&w, INITIAL, 0);
	for (int i = 0; i < 1000; i++) {
		uint32_t n = arrive(&w, 10000, 0, 1000000 + (uint64_t)i);

		grants += n > 0;
		granted += n;
		CHECK(n == 0 || n >= INITIAL / 8);
		CHECK(w.remaining >= INITIAL / 8 * 6);
	}
	CHECK(grants >= 30 && grants <= 45);
	CHECK_INT(INITIAL + granted - 1000 * 10000, w.remaining);
	CHECK_INT(w.size, INITIAL);
}

TEST(a_peer_that_waits_gets_more_at_each_round_trip)
{
	struct window w;
	uint64_t now = 1000000;

	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 4; i++)
		round_trip(&w, &now, 100 * MS, 5 * MS);
	CHECK_INT(w.size, MAX);
	for (int i = 0; i < 4; i++)
		round_trip(&w, &now, 100 * MS, 5 * MS);
	CHECK_INT(w.size, MAX);
}

TEST(a_path_that_is_full_or_short_keeps_its_window)
{
	struct window w;
	uint64_t now = 1000000;

	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 50; i++)
		round_trip(&w, &now, 900, 100);
	CHECK_INT(w.size, INITIAL);
	/* bytes come all the time: the peer never waits */
	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 5000; i++)
		arrive(&w, 100000, 0, now += 1 * MS);
	CHECK_INT(w.size, INITIAL);
}

TEST(pauses_of_the_sender_are_not_taken_for_the_path)
{
	struct window w;
	uint64_t now = 1000000;

	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 500; i++)
		arrive(&w, 33333, 0, now += 100 * MS);
	CHECK_INT(w.size, INITIAL);
}

TEST(a_known_round_trip_is_reason_enough)
{
	struct window w;
	uint64_t now = 1000000;

	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 40; i++) {
		uint32_t size;

		CHECK_INT(window_receive(&w, 100000), 0);
		size = window_suggest(&w, 100000, 0, now, 20 * MS);
		window_note(&w, 100000, now, 20 * MS);
		if (size > w.size)
			window_resize(&w, size, now);
		window_grant(&w, 0, now);
		now += 1 * MS;
	}
	CHECK_INT(w.size, 2 * INITIAL);
}

TEST(a_consumer_that_lags_stops_growth_and_halves_it)
{
	struct window w;
	uint64_t now = 1000000;
	uint32_t grown;

	window_init(&w, INITIAL, MAX);
	for (int i = 0; i < 4; i++)
		round_trip(&w, &now, 100 * MS, 5 * MS);
	grown = w.size;
	CHECK(grown > 8 * INITIAL);
	/* nothing is consumed: nothing is granted, the size comes down */
	for (int i = 0; i < 100 && w.size > INITIAL; i++)
		CHECK_INT(window_grant(&w, grown, now += 150 * MS), 0);
	CHECK_INT(w.size, INITIAL);
	CHECK_INT(window_suggest(&w, 1, grown, now, 0), INITIAL);
	/* and it never grants beyond its size */
	CHECK_INT(window_receive(&w, w.remaining), 0);
	CHECK_INT(window_grant(&w, 0, now), INITIAL);
}

TEST(the_largest_size_is_a_limit)
{
	struct window w;
	uint64_t now = 1000000;

	window_init(&w, INITIAL, 3 * INITIAL);
	for (int i = 0; i < 6; i++)
		round_trip(&w, &now, 100 * MS, 5 * MS);
	CHECK_INT(w.size, 3 * INITIAL);
	window_init(&w, INITIAL, 0);
	for (int i = 0; i < 6; i++)
		round_trip(&w, &now, 100 * MS, 5 * MS);
	CHECK_INT(w.size, INITIAL);
	window_init(&w, UINT32_MAX, UINT32_MAX);
	round_trip(&w, &now, 100 * MS, 5 * MS);
	CHECK_INT(w.size, UINT32_MAX);
}
