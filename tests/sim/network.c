/*
 * network.c - two streams of segments with times of arrival.
 */
#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

struct segment {
	uint64_t arrives_us;
	size_t len;
};

/* One direction, named after its writer. */
struct stream {
	uint8_t *data; /* ring of plan.window bytes */
	size_t head, used;
	struct segment *segment; /* ring of as many */
	size_t first, count;
	uint64_t written;
	bool ended; /* nothing more goes in */
};

struct network {
	struct network_plan plan;
	struct chance chance;
	struct stream from[2];
	bool happened;
};

struct network *
network_new(const struct network_plan *plan, struct chance *chance)
{
	struct network *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->plan = *plan;
	n->chance = chance_fork(chance);
	for (int i = 0; i < 2; i++) {
		n->from[i].data = malloc(plan->window);
		n->from[i].segment =
		    calloc(plan->window, sizeof *n->from[i].segment);
		if (n->from[i].data == NULL || n->from[i].segment == NULL) {
			network_free(n);
			return NULL;
		}
	}
	return n;
}

void
network_free(struct network *n)
{
	if (n == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		free(n->from[i].data);
		free(n->from[i].segment);
	}
	free(n);
}

static void
put(struct network *n, struct stream *s, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->data[(s->head + s->used + i) % n->plan.window] = bytes[i];
	s->used += len;
	s->written += len;
}

/* Applies the fault if it lies in the next len bytes; returns how many of
 * them are still to be written unharmed. */
static size_t
before_fault(struct network *n, unsigned side, size_t len)
{
	struct stream *s = &n->from[side];
	uint64_t at = n->plan.fault_at;

	if (n->plan.fault == NETWORK_SOUND || n->happened ||
	    side != n->plan.fault_side || at >= s->written + len)
		return len;
	return (size_t)(at - s->written);
}

static void
strike(struct network *n, unsigned side, uint8_t *byte)
{
	n->happened = true;
	switch (n->plan.fault) {
	case NETWORK_SOUND:
		break;
	case NETWORK_CORRUPT:
		*byte ^= (uint8_t)(1u << chance_below(&n->chance, 8));
		break;
	case NETWORK_TRUNCATE:
		n->from[side].ended = true;
		break;
	case NETWORK_RESET:
		for (int i = 0; i < 2; i++) {
			n->from[i].ended = true;
			n->from[i].used = 0;
			n->from[i].count = 0;
		}
		break;
	}
}

static void
add_segment(struct network *n, struct stream *s, uint64_t now_us, size_t len)
{
	uint64_t at = now_us + chance_below(&n->chance, n->plan.delay_us + 1);

	if (s->count != 0) {
		struct segment *last =
		    &s->segment[(s->first + s->count - 1) % n->plan.window];

		if (at < last->arrives_us)
			at = last->arrives_us;
	}
	s->segment[(s->first + s->count) % n->plan.window] =
	    (struct segment){ at, len };
	s->count++;
}

static void
write_segment(struct network *n, unsigned side, uint64_t now_us,
    const uint8_t *bytes, size_t len)
{
	struct stream *s = &n->from[side];
	size_t sound = before_fault(n, side, len);

	put(n, s, bytes, sound);
	if (sound == len) {
		add_segment(n, s, now_us, len);
		return;
	}
	if (n->plan.fault == NETWORK_CORRUPT) {
		uint8_t byte = bytes[sound];

		strike(n, side, &byte);
		put(n, s, &byte, 1);
		put(n, s, bytes + sound + 1, len - sound - 1);
		add_segment(n, s, now_us, len);
		return;
	}
	if (sound > 0)
		add_segment(n, s, now_us, sound);
	strike(n, side, NULL);
}

size_t
network_write(struct network *n, unsigned side, uint64_t now_us,
    const uint8_t *bytes, size_t len)
{
	struct stream *s = &n->from[side];
	size_t done = 0;

	while (done < len && !s->ended) {
		size_t room = n->plan.window - s->used;
		size_t want =
		    1 + (size_t)chance_below(&n->chance, n->plan.segment_max);

		if (want > len - done)
			want = len - done;
		if (want > room)
			want = room;
		if (want == 0)
			return done;
		write_segment(n, side, now_us, bytes + done, want);
		done += want;
	}
	return len;
}

size_t
network_read(
    struct network *n, unsigned side, uint64_t now_us, uint8_t *out, size_t max)
{
	struct stream *s = &n->from[1 - side];
	struct segment *g = &s->segment[s->first];
	size_t len;

	if (s->count == 0 || g->arrives_us > now_us || max == 0)
		return 0;
	len = g->len < max ? g->len : max;
	for (size_t i = 0; i < len; i++)
		out[i] = s->data[(s->head + i) % n->plan.window];
	s->head = (s->head + len) % n->plan.window;
	s->used -= len;
	g->len -= len;
	if (g->len == 0) {
		s->first = (s->first + 1) % n->plan.window;
		s->count--;
	}
	return len;
}

void
network_close(struct network *n, unsigned side)
{
	n->from[side].ended = true;
}

bool
network_is_over(const struct network *n, unsigned side)
{
	const struct stream *s = &n->from[1 - side];

	return s->ended && s->count == 0;
}

uint64_t
network_next_us(const struct network *n)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		const struct stream *s = &n->from[i];

		if (s->count != 0 && s->segment[s->first].arrives_us < next)
			next = s->segment[s->first].arrives_us;
	}
	return next;
}

bool
network_fault_happened(const struct network *n)
{
	return n->happened;
}
