/*
 * client_copy_lane.c - large files over further channels of one connection.
 *
 * A stock server takes 2 MiB from a channel before it says that it has read
 * any: over a long path that is all that a round trip moves. Each further
 * channel brings as much again. Each has a server process of its own, which
 * opens the file for itself; the first channel's makes it, and sets its
 * attributes when the others are done.
 */
#include <stdlib.h>

#include "sftp/client_copy_impl.h"

/* What stock servers let through, and how near to it a path is that is
 * limited by it. */
#define STOCK_WINDOW ((uint64_t)2 * 1024 * 1024)
/* Short paths are fast enough. */
#define ROUND_TRIP_MIN_US 5000
/* Asked for at first, and then. */
#define LANES_FIRST 6

#define LANE_PENDING_MAX ((size_t)768 * 1024)

struct client *
copy_lane_client(const struct copy *c, int lane)
{
	return lane < 0 ? c->target : c->lanes[lane];
}

const struct handle *
copy_lane_handle(const struct transfer *t, int lane)
{
	return lane < 0 ? &t->target : &t->lanes[lane].handle;
}

static void
on_lane_open(const struct client_reply *r, void *context)
{
	struct lane *lane = context;
	struct transfer *t = lane->t;

	t->requests--;
	/* Without it the others do the work. */
	if (r->status == SSH_FX_OK)
		copy_handle_take(&lane->handle, r->body);
	copy_file_advance(t);
}

static void
open_lane(struct transfer *t, unsigned index)
{
	struct copy *c = t->node->copy;
	struct lane *lane = &t->lanes[index];
	struct sftp_request q = { .kind = SFTP_OPEN,
		.path = span_text(t->written),
		.pflags = SSH_FXF_WRITE };

	lane->t = t;
	lane->index = index;
	lane->is_asked = true;
	t->requests++;
	client_request(c->lanes[index], &q, on_lane_open, lane);
}

static bool
may_spread(struct transfer *t)
{
	struct copy *c = t->node->copy;

	if (c->lane_count == 0 || c->source != NULL || t->to_eof ||
	    t->size - t->next < COPY_LANE_FILE_MIN / 2)
		return false;
	if (t->lanes == NULL)
		t->lanes = calloc(COPY_LANES_MAX, sizeof(*t->lanes));
	return t->lanes != NULL;
}

static bool
has_room(const struct client *client)
{
	return !client_is_over(client) && client_can_request(client) &&
	       client_pending(client).len < LANE_PENDING_MAX;
}

/* The first byte of those that are under way. */
static uint64_t
lowest_under_way(const struct transfer *t)
{
	uint64_t lowest = UINT64_MAX;

	list_for_each(link, &t->under_way) {
		const struct block *b = list_entry(link, struct block, link);

		if (b->offset < lowest)
			lowest = b->offset;
	}
	return lowest;
}

int
copy_lane_choose(struct transfer *t)
{
	struct copy *c = t->node->copy;
	uint64_t least = UINT64_MAX, first = c->in_flight;
	int best = COPY_LANES_MAX;

	if (may_spread(t))
		for (unsigned i = 0; i < c->lane_count; i++)
			if (!t->lanes[i].is_asked &&
			    client_is_ready(c->lanes[i]))
				open_lane(t, i);
	if (t->lanes == NULL)
		return has_room(c->target) ? -1 : COPY_LANES_MAX;
	/* A file that is cut off must have no gap far before its end. */
	if (list_is_empty(&t->todo) && !list_is_empty(&t->under_way) &&
	    t->next > lowest_under_way(t) + COPY_SPREAD_MAX - CLIENT_BLOCK_MAX)
		return COPY_LANES_MAX;
	for (unsigned i = 0; i < c->lane_count; i++) {
		first -= c->lane_in_flight[i];
		if (t->lanes[i].handle.is_open && has_room(c->lanes[i]) &&
		    c->lane_in_flight[i] < least) {
			least = c->lane_in_flight[i];
			best = (int)i;
		}
	}
	return has_room(c->target) && first <= least ? -1 : best;
}

void
copy_lanes_close(struct transfer *t)
{
	struct copy *c = t->node->copy;

	for (unsigned i = 0; t->lanes != NULL && i < c->lane_count; i++) {
		struct sftp_request q = { .kind = SFTP_CLOSE,
			.handle = copy_handle(&t->lanes[i].handle) };

		if (!t->lanes[i].handle.is_open)
			continue;
		t->lanes[i].handle.is_open = false;
		/* All that was written is acknowledged already. */
		client_request(c->lanes[i], &q, NULL, NULL);
	}
}

void
copy_lanes_note_latency(struct copy *c, uint64_t latency_us)
{
	c->latency_us = c->latency_us == 0
			    ? latency_us
			    : (c->latency_us * 7 + latency_us) / 8;
}

bool
copy_add_lane(struct copy *c, struct client *lane)
{
	if (c->target == NULL || c->lane_count == COPY_LANES_MAX)
		return false;
	c->lanes[c->lane_count++] = lane;
	if (c->lanes_wanted < c->lane_count)
		c->lanes_wanted = c->lane_count;
	return true;
}

static bool
has_large_file(const struct copy *c)
{
	list_for_each(link, &c->moving) {
		const struct transfer *t =
		    list_entry(link, struct transfer, link);

		if (t->size - t->next >= COPY_LANE_FILE_MIN && !t->to_eof)
			return true;
	}
	return false;
}

unsigned
copy_lanes_wanted(struct copy *c)
{
	uint64_t round_trip_us, moved;

	if (c->target == NULL || c->source != NULL || c->is_stopped ||
	    c->latency_us == 0 || !has_large_file(c))
		return c->lanes_wanted;
	round_trip_us = client_round_trip_us(c->target);
	if (round_trip_us < ROUND_TRIP_MIN_US)
		return c->lanes_wanted;
	/* What a round trip moves, by what is under way and for how long. */
	moved = (uint64_t)((double)c->in_flight * (double)round_trip_us /
			   (double)c->latency_us);
	/* About what the windows let through, and as much again waits. */
	if (c->lane_count == c->lanes_wanted &&
	    c->lanes_wanted < COPY_LANES_MAX &&
	    moved > STOCK_WINDOW * (1 + c->lane_count) / 2 &&
	    moved < STOCK_WINDOW * (1 + c->lane_count) * 5 / 4 &&
	    c->in_flight > moved * 3 / 2)
		c->lanes_wanted =
		    c->lanes_wanted == 0 ? LANES_FIRST : COPY_LANES_MAX;
	return c->lanes_wanted;
}
