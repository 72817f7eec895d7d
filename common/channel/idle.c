/*
 * idle.c - channels without traffic.
 *
 * Channels know no clock: before every wait the bytes of each are compared
 * with those of the turn before, which is when something was moved last.
 */
#include "common/channel/idle.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/channel/connection_impl.h"

#define SECOND_US 1000000u
#define NEVER     UINT64_MAX
#define GLOBAL    "global"

struct idle {
	struct idle_config c;
	struct timer *timer;
	uint64_t wakes_us;  /* what the timer is set to; NEVER */
	uint64_t unused_us; /* since when there is no channel; NEVER */
	uint64_t global_us; /* of the type `global`; 0: none */
};

/* Types on the wire whose names in configuration differ. */
static const struct {
	const char *type;
	const char *name;
} names[] = {
	{ "auth-agent@openssh.com", "agent-connection" },
	{ "agent-connect", "agent-connection" },
	{ "x11", "x11-connection" },
	{ "tun@openssh.com", "tun-connection" },
};

static const char *
name_of(const struct channel *c)
{
	const char *type = channel_type(c);

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (strcmp(type, names[i].type) == 0)
			return names[i].name;
	return type;
}

/* How long c may be idle by its own type; 0: for ever. */
static uint64_t
limit_us(const struct idle *i, const struct channel *c)
{
	const struct config_timeouts *list = i->c.timeouts;

	for (size_t n = 0; n < list->count; n++) {
		const struct config_timeout *t = &list->item[n];

		if (strcmp(t->type, GLOBAL) != 0 &&
		    pattern_match(t->type, name_of(c)))
			return (uint64_t)t->seconds * SECOND_US;
	}
	return 0;
}

static bool
is_watched(const struct channel *c)
{
	return channel_is_open(c) && !channel_close_sent(c);
}

/* When the time of c is over, seen from its last traffic. */
static uint64_t
end_us(const struct idle *i, const struct channel *c, uint64_t last_us)
{
	uint64_t end = NEVER, limit = limit_us(i, c);

	if (limit > 0)
		end = c->active_us + limit;
	if (i->global_us > 0 && last_us + i->global_us < end)
		end = last_us + i->global_us;
	return end;
}

/* Notes what has moved. The time of the last traffic on any channel. */
static uint64_t
note_traffic(struct idle *i, uint64_t now_us)
{
	struct channel *c = NULL;
	uint64_t last = 0;

	while ((c = connection_next_channel(i->c.connection, c)) != NULL) {
		uint64_t moved = channel_bytes_in(c) + channel_bytes_out(c);

		if (!is_watched(c))
			continue;
		if (c->active_us == 0 || moved != c->active_bytes) {
			c->active_us = now_us;
			c->active_bytes = moved;
		}
		if (c->active_us > last)
			last = c->active_us;
	}
	return last;
}

static uint64_t
next_end(const struct idle *i, uint64_t last_us)
{
	struct channel *c = NULL;
	uint64_t next = NEVER;

	if (i->unused_us != NEVER && i->c.unused_s > 0)
		next = i->unused_us + (uint64_t)i->c.unused_s * SECOND_US;
	while ((c = connection_next_channel(i->c.connection, c)) != NULL) {
		uint64_t end = is_watched(c) ? end_us(i, c, last_us) : NEVER;

		if (end < next)
			next = end;
	}
	return next;
}

/* Before every wait. */
static void
prepare(void *context)
{
	struct idle *i = context;
	uint64_t now = loop_now_us(i->c.loop), next;

	if (connection_channel_count(i->c.connection) > 0)
		i->unused_us = NEVER;
	else if (i->unused_us == NEVER)
		i->unused_us = now;
	next = next_end(i, note_traffic(i, now));
	if (next == i->wakes_us)
		return;
	i->wakes_us = next;
	if (next == NEVER)
		timer_cancel(i->timer);
	else
		timer_set(i->timer, next > now ? next - now : 0);
}

static void
end_channel(struct idle *i, struct channel *c)
{
	log_info("channel %u: closing after %s without traffic", channel_id(c),
	    name_of(c));
	if (i->c.on_idle != NULL)
		i->c.on_idle(c, i->c.context);
	/* What fails here is the transport, whose owner is told. */
	IGNORE_RESULT(channel_close(c));
}

static void
on_timer(struct timer *t, void *context)
{
	struct idle *i = context;
	uint64_t now = loop_now_us(i->c.loop);
	uint64_t last = note_traffic(i, now);
	struct channel *c = NULL;

	i->wakes_us = NEVER;
	while ((c = connection_next_channel(i->c.connection, c)) != NULL)
		if (is_watched(c) && end_us(i, c, last) <= now)
			end_channel(i, c);
	if (i->c.unused_s > 0 && i->unused_us != NEVER &&
	    connection_channel_count(i->c.connection) == 0 &&
	    i->unused_us + (uint64_t)i->c.unused_s * SECOND_US <= now) {
		i->c.unused_s = 0;
		i->c.on_unused(i->c.context);
	}
}

int
idle_new(const struct idle_config *config, struct idle **ret)
{
	struct idle *i;

	*ret = NULL;
	if (config->timeouts->count == 0 && config->unused_s <= 0)
		return 0;
	if ((i = calloc(1, sizeof(*i))) == NULL)
		return ERR_MEMORY;
	i->c = *config;
	i->wakes_us = i->unused_us = NEVER;
	for (size_t n = 0; n < config->timeouts->count; n++)
		if (strcmp(config->timeouts->item[n].type, GLOBAL) == 0)
			i->global_us =
			    (uint64_t)config->timeouts->item[n].seconds *
			    SECOND_US;
	i->timer = timer_new(config->loop, on_timer, i);
	if (i->timer == NULL ||
	    loop_add_prepare(config->loop, prepare, i) != 0) {
		timer_free(i->timer);
		free(i);
		return ERR_MEMORY;
	}
	*ret = i;
	return 0;
}

void
idle_free(struct idle *i)
{
	if (i == NULL)
		return;
	loop_remove_prepare(i->c.loop, prepare, i);
	timer_free(i->timer);
	free(i);
}
