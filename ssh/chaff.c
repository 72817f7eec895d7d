/*
 * chaff.c - packets that look like keystrokes.
 */
#include "ssh/chaff.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/crypto/random.h"

/* How long chaff goes on after the last key: between these. */
#define CHAFF_MIN_US    1000000u
#define CHAFF_SPREAD_US 2000000u

/* Ten draws to one packet on average: close to an exponential law. */
#define STEPS_PER_INTERVAL 10

struct chaff {
	struct loop *loop;
	struct transport *t;
	struct timer *timer;
	uint32_t step_us;
	uint64_t until_us;
};

static uint32_t
random_below(uint32_t limit)
{
	uint32_t v = 0;

	/* Without randomness the chaff is regular, and typing still works. */
	IGNORE_RESULT(random_fill(&random_fast, &v, sizeof(v)));
	return (uint32_t)(((uint64_t)v * limit) >> 32);
}

/* Steps until a draw of one in ten, and a part of one. */
static uint64_t
random_delay_us(const struct chaff *c)
{
	uint64_t us = random_below(c->step_us) + 1;

	for (int i = 0; i < STEPS_PER_INTERVAL * STEPS_PER_INTERVAL &&
			random_below(STEPS_PER_INTERVAL) != 0;
	     i++)
		us += c->step_us;
	return us;
}

/* As long as CHANNEL_DATA with one byte: recipient, length, byte. */
static void
send_one(struct chaff *c)
{
	static const uint8_t zeros[5];

	if (transport_can_send(c->t) &&
	    transport_ping(c->t, span_of(zeros, sizeof(zeros))) != 0)
		log_debug3("chaff could not be sent");
}

static void
on_timer(struct timer *t, void *context)
{
	struct chaff *c = context;

	if (loop_now_us(c->loop) >= c->until_us)
		return;
	send_one(c);
	timer_set(t, random_delay_us(c));
}

int
chaff_new(
    struct loop *loop, struct transport *t, int interval_ms, struct chaff **ret)
{
	struct chaff *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_MEMORY;
	c->loop = loop;
	c->t = t;
	c->step_us = (uint32_t)interval_ms * 1000 / STEPS_PER_INTERVAL;
	if ((c->timer = timer_new(loop, on_timer, c)) == NULL) {
		free(c);
		return ERR_MEMORY;
	}
	*ret = c;
	return 0;
}

void
chaff_free(struct chaff *c)
{
	if (c == NULL)
		return;
	timer_free(c->timer);
	free(c);
}

void
chaff_on_keystroke(struct chaff *c)
{
	c->until_us =
	    loop_now_us(c->loop) + CHAFF_MIN_US + random_below(CHAFF_SPREAD_US);
	if (!timer_is_set(c->timer))
		timer_set(c->timer, random_delay_us(c));
}
