/*
 * loop.c - the turn of the event loop, and its watches.
 *
 * watch_set() only notes what is wanted; epoll is told right before the
 * wait, of differences alone. So interest that is computed anew in every
 * turn, or that changes to and fro within one, costs no system call.
 */
#include "common/event/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/event/loop_private.h"

#define EVENTS_PER_TURN 64

/* ---- life ---- */

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->signal_fd = -1;
	list_init(&loop->dirty);
	list_init(&loop->always);
	list_init(&loop->dead_watches);
	list_init(&loop->dead_timers);
	list_init(&loop->children);
	sigemptyset(&loop->signal_set);
	loop->now_us = time_monotonic_us();
	if ((loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void
reap_watches(struct loop *loop)
{
	list_for_each_safe(link, &loop->dead_watches) {
		struct watch *w = list_entry(link, struct watch, dead);

		list_remove(&w->dead);
		list_remove(&w->in_slot);
		free(w);
	}
}

static void
free_slot(struct slot *slot)
{
	if (slot == NULL)
		return;
	list_for_each_safe(link, &slot->watches)
		free(list_entry(link, struct watch, in_slot));
	free(slot);
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	loop_release_signals(loop);
	reap_watches(loop);
	for (size_t i = 0; i < loop->slot_count; i++)
		free_slot(loop->slots[i]);
	for (size_t i = 0; i < loop->heap_count; i++)
		free(loop->heap[i]);
	loop_reap_timers(loop);
	free(loop->slots);
	free(loop->heap);
	free(loop->prepares.item);
	free(loop->work.item);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

/* ---- lists of functions ---- */

static int
deferred_add(struct deferred_list *l, defer_function *fn, void *context)
{
	size_t cap = l->cap == 0 ? 8 : l->cap * 2;
	struct deferred *item;

	if (l->count == l->cap) {
		item = reallocarray(l->item, cap, sizeof(*item));
		if (item == NULL)
			return ERR_MEMORY;
		l->item = item;
		l->cap = cap;
	}
	l->item[l->count++] = (struct deferred){ fn, context };
	return 0;
}

int
loop_add_prepare(struct loop *loop, defer_function *fn, void *context)
{
	return deferred_add(&loop->prepares, fn, context);
}

void
loop_remove_prepare(struct loop *loop, defer_function *fn, void *context)
{
	struct deferred_list *l = &loop->prepares;

	/* Only marked: we may be in the middle of running them. */
	for (size_t i = 0; i < l->count; i++)
		if (l->item[i].fn == fn && l->item[i].context == context)
			l->item[i].fn = NULL;
}

int
loop_defer(struct loop *loop, defer_function *fn, void *context)
{
	return deferred_add(&loop->work, fn, context);
}

static void
run_prepares(struct loop *loop)
{
	struct deferred_list *l = &loop->prepares;
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct deferred d = l->item[i];

		if (d.fn != NULL)
			d.fn(d.context);
	}
	for (size_t i = 0; i < l->count; i++)
		if (l->item[i].fn != NULL)
			l->item[kept++] = l->item[i];
	l->count = kept;
}

/* What is deferred meanwhile waits for the next turn. */
static void
run_work(struct loop *loop)
{
	struct deferred_list *l = &loop->work;
	size_t count = l->count;

	for (size_t i = 0; i < count; i++) {
		struct deferred d = l->item[i];

		d.fn(d.context);
	}
	l->count -= count;
	if (l->count > 0)
		memmove(l->item, l->item + count, l->count * sizeof(*l->item));
}

/* ---- watches ---- */

static int
reserve_slots(struct loop *loop, size_t count)
{
	size_t cap = loop->slot_count == 0 ? 32 : loop->slot_count;
	struct slot **slots;

	if (count <= loop->slot_count)
		return 0;
	while (cap < count)
		cap *= 2;
	if ((slots = reallocarray(loop->slots, cap, sizeof(*slots))) == NULL)
		return ERR_MEMORY;
	memset(slots + loop->slot_count, 0,
	    (cap - loop->slot_count) * sizeof(struct slot *));
	loop->slots = slots;
	loop->slot_count = cap;
	return 0;
}

static struct slot *
slot_of(struct loop *loop, int fd)
{
	struct slot *slot;

	if (fd < 0 || reserve_slots(loop, (size_t)fd + 1) != 0)
		return NULL;
	if ((slot = loop->slots[fd]) != NULL)
		return slot;
	if ((slot = calloc(1, sizeof(*slot))) == NULL)
		return NULL;
	list_init(&slot->watches);
	list_init(&slot->dirty);
	list_init(&slot->always);
	slot->fd = fd;
	loop->slots[fd] = slot;
	return slot;
}

struct watch *
watch_new(struct loop *loop, int fd, watch_function *fn, void *context)
{
	struct slot *slot = slot_of(loop, fd);
	struct watch *w;

	if (slot == NULL || (w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	list_init(&w->dead);
	list_add_last(&slot->watches, &w->in_slot);
	w->loop = loop;
	w->slot = slot;
	w->fn = fn;
	w->context = context;
	return w;
}

void
watch_set(struct watch *w, unsigned interest)
{
	if (w->interest == interest)
		return;
	w->interest = interest;
	if (list_is_empty(&w->slot->dirty))
		list_add_last(&w->loop->dirty, &w->slot->dirty);
}

unsigned
watch_interest(const struct watch *w)
{
	return w->interest;
}

int
watch_fd(const struct watch *w)
{
	return w->slot->fd;
}

/* What the living watches of a slot want together. */
static unsigned
wanted(const struct slot *slot)
{
	unsigned interest = 0;

	list_for_each(link, &slot->watches) {
		const struct watch *w = list_entry(link, struct watch, in_slot);

		if (!w->is_dead)
			interest |= w->interest;
	}
	return interest & (WATCH_READ | WATCH_WRITE);
}

static bool
has_living(const struct slot *slot)
{
	list_for_each(link, &slot->watches)
		if (!list_entry(link, struct watch, in_slot)->is_dead)
			return true;
	return false;
}

/* Tells epoll. The slot then is registered, or in the list `always`. */
static void
slot_register(struct loop *loop, struct slot *slot, unsigned interest)
{
	struct epoll_event event;
	int operation;

	list_remove(&slot->always);
	memset(&event, 0, sizeof(event));
	if ((interest & WATCH_READ) != 0)
		event.events |= EPOLLIN;
	if ((interest & WATCH_WRITE) != 0)
		event.events |= EPOLLOUT;
	event.data.u64 = (uint64_t)slot->generation << 32 | (uint32_t)slot->fd;
	/* With no interest left it is taken out: epoll would still report a
	 * hang-up, again and again. */
	if (interest == 0)
		operation = EPOLL_CTL_DEL;
	else if (slot->registered == 0)
		operation = EPOLL_CTL_ADD;
	else
		operation = EPOLL_CTL_MOD;
	if (interest == slot->registered ||
	    epoll_ctl(loop->epoll_fd, operation, slot->fd, &event) == 0) {
		slot->registered = interest;
		return;
	}
	slot->registered = 0;
	/* A regular file has no readiness (EPERM). Any other failure is met
	 * by the handler when it uses the descriptor; not calling it would
	 * let it wait for ever. */
	if (interest != 0)
		list_add_last(&loop->always, &slot->always);
}

void
watch_free(struct watch *w)
{
	struct slot *slot;

	if (w == NULL || w->is_dead)
		return;
	slot = w->slot;
	w->is_dead = true;
	list_add_last(&w->loop->dead_watches, &w->dead);
	if (has_living(slot)) {
		if (list_is_empty(&slot->dirty))
			list_add_last(&w->loop->dirty, &slot->dirty);
		return;
	}
	/* At once: the descriptor is about to be closed, and its number may
	 * be another file's before the turn ends. */
	list_remove(&slot->dirty);
	list_remove(&slot->always);
	if (slot->registered != 0 && w->loop->epoll_fd >= 0)
		slot_register(w->loop, slot, 0);
	slot->registered = 0;
	slot->generation++;
}

static void
apply_interest(struct loop *loop)
{
	list_for_each_safe(link, &loop->dirty) {
		struct slot *slot = list_entry(link, struct slot, dirty);
		unsigned interest = wanted(slot);

		list_remove(&slot->dirty);
		if (interest != slot->registered ||
		    !list_is_empty(&slot->always))
			slot_register(loop, slot, interest);
	}
}

/* ---- the turn ---- */

static void
dispatch_slot(struct slot *slot, unsigned ready)
{
	uint32_t generation = slot->generation;

	list_for_each(link, &slot->watches) {
		struct watch *w = list_entry(link, struct watch, in_slot);
		unsigned interest = w->interest | WATCH_HANGUP;

		if (slot->generation != generation)
			return;
		/* Watches are unlinked only when the turn ends, so that
		 * `link` stays valid whatever the handler frees. */
		if (!w->is_dead && w->interest != 0 && (ready & interest) != 0)
			w->fn(w, ready & interest, w->context);
	}
}

static unsigned
ready_of(uint32_t events)
{
	unsigned ready = 0;

	if ((events & EPOLLIN) != 0)
		ready |= WATCH_READ;
	if ((events & EPOLLOUT) != 0)
		ready |= WATCH_WRITE;
	/* Reading or writing tells what it is. */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		ready |= WATCH_READ | WATCH_WRITE | WATCH_HANGUP;
	return ready;
}

static void
dispatch_events(struct loop *loop, const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t data = events[i].data.u64;
		struct slot *slot = loop->slots[(uint32_t)data];

		if (slot->generation == (uint32_t)(data >> 32))
			dispatch_slot(slot, ready_of(events[i].events));
	}
}

static void
dispatch_always(struct loop *loop)
{
	struct list turn;

	if (list_is_empty(&loop->always))
		return;
	/* A handler may take any slot out of the list. So each is moved to a
	 * list of this turn, and back before its handlers run. */
	list_init(&turn);
	list_add_before(&turn, &loop->always);
	list_remove(&loop->always);
	while (!list_is_empty(&turn)) {
		struct slot *slot = list_entry(turn.next, struct slot, always);

		list_remove(&slot->always);
		list_add_last(&loop->always, &slot->always);
		dispatch_slot(slot, WATCH_READ | WATCH_WRITE);
	}
}

/* How long the wait may last: timeout_ms, a timer, or not at all. */
static int
wait_ms(const struct loop *loop, int timeout_ms)
{
	int timer_ms;

	if (loop->work.count > 0 || loop->has_fresh_children ||
	    !list_is_empty(&loop->always))
		return 0;
	timer_ms = loop_timer_wait_ms(loop);
	if (timer_ms < 0 || (timeout_ms >= 0 && timeout_ms < timer_ms))
		return timeout_ms;
	return timer_ms;
}

void
loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int count;

	run_prepares(loop);
	if (!loop->stopped) {
		apply_interest(loop);
		/* An interruption counts as a turn in which nothing is ready.
		 */
		count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN,
		    wait_ms(loop, timeout_ms));
		loop->now_us = time_monotonic_us();
		loop_run_timers(loop);
		dispatch_events(loop, events, count);
		dispatch_always(loop);
		loop_check_fresh_children(loop);
		run_work(loop);
	}
	reap_watches(loop);
	loop_reap_timers(loop);
}

int
loop_run(struct loop *loop)
{
	while (!loop->stopped)
		loop_turn(loop, -1);
	loop->stopped = false;
	return loop->code;
}

void
loop_stop(struct loop *loop, int code)
{
	loop->stopped = true;
	loop->code = code;
}

uint64_t
loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}
