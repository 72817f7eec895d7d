/*
 * timer.c - timers: a binary heap by due time.
 */
#include <limits.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/event/loop_private.h"

/* ---- heap ---- */

static bool
is_before(const struct timer *a, const struct timer *b)
{
	return a->due_us < b->due_us ||
	       (a->due_us == b->due_us && a->sequence < b->sequence);
}

static void
place(struct loop *loop, size_t index, struct timer *t)
{
	loop->heap[index] = t;
	t->heap_index = index;
}

static void
sift_up(struct loop *loop, size_t index, struct timer *t)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (!is_before(t, loop->heap[parent]))
			break;
		place(loop, index, loop->heap[parent]);
		index = parent;
	}
	place(loop, index, t);
}

static void
sift_down(struct loop *loop, size_t index, struct timer *t)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
		    is_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!is_before(loop->heap[child], t))
			break;
		place(loop, index, loop->heap[child]);
		index = child;
	}
	place(loop, index, t);
}

static void
heap_remove(struct timer *t)
{
	struct loop *loop = t->loop;
	size_t index = t->heap_index;
	struct timer *last = loop->heap[--loop->heap_count];

	t->heap_index = TIMER_UNSET;
	if (last == t)
		return;
	if (is_before(last, t))
		sift_up(loop, index, last);
	else
		sift_down(loop, index, last);
}

/* ---- timers ---- */

/* Room in the heap for one more, so that timer_set cannot fail. */
static int
reserve(struct loop *loop)
{
	size_t cap = loop->heap_cap == 0 ? 8 : loop->heap_cap * 2;
	struct timer **heap;

	if (loop->timer_count < loop->heap_cap)
		return 0;
	if ((heap = reallocarray(loop->heap, cap, sizeof(*heap))) == NULL)
		return ERR_MEMORY;
	loop->heap = heap;
	loop->heap_cap = cap;
	return 0;
}

struct timer *
timer_new(struct loop *loop, timer_function *fn, void *context)
{
	struct timer *t;

	if (reserve(loop) != 0 || (t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	list_init(&t->dead);
	t->loop = loop;
	t->fn = fn;
	t->context = context;
	t->heap_index = TIMER_UNSET;
	loop->timer_count++;
	return t;
}

/*
 * From the real now, not from the turn's: a program may have spent long
 * before its first turn, or in a handler.
 */
void
timer_set(struct timer *t, uint64_t delay_us)
{
	uint64_t now = time_monotonic_us();

	timer_cancel(t);
	t->due_us = delay_us > UINT64_MAX - now ? UINT64_MAX : now + delay_us;
	t->sequence = t->loop->timer_sequence++;
	sift_up(t->loop, t->loop->heap_count++, t);
}

void
timer_cancel(struct timer *t)
{
	if (timer_is_set(t))
		heap_remove(t);
}

bool
timer_is_set(const struct timer *t)
{
	return t->heap_index != TIMER_UNSET;
}

void
timer_free(struct timer *t)
{
	if (t == NULL || t->is_dead)
		return;
	timer_cancel(t);
	t->is_dead = true;
	list_add_last(&t->loop->dead_timers, &t->dead);
}

void
loop_reap_timers(struct loop *loop)
{
	list_for_each_safe(link, &loop->dead_timers) {
		struct timer *t = list_entry(link, struct timer, dead);

		list_remove(&t->dead);
		loop->timer_count--;
		free(t);
	}
}

void
loop_run_timers(struct loop *loop)
{
	/* A timer set by a handler waits for the next turn, so that one with
	 * no delay cannot hold up everything else. */
	uint64_t limit = loop->timer_sequence;

	while (loop->heap_count > 0) {
		struct timer *t = loop->heap[0];

		if (t->due_us > loop->now_us || t->sequence >= limit)
			break;
		heap_remove(t);
		t->fn(t, t->context);
	}
}

int
loop_timer_wait_ms(const struct loop *loop)
{
	uint64_t now, left_ms;

	if (loop->heap_count == 0)
		return -1;
	now = time_monotonic_us();
	if (loop->heap[0]->due_us <= now)
		return 0;
	left_ms = (loop->heap[0]->due_us - now - 1) / 1000 + 1;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
