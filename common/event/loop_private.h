/*
 * loop_private.h - what loop.c, timer.c and signal.c share.
 */
#ifndef COMMON_EVENT_LOOP_PRIVATE_H
#define COMMON_EVENT_LOOP_PRIVATE_H

#include <signal.h>
#include <stddef.h>

#include "common/base/list.h"
#include "common/event/loop.h"

/*
 * All watches of one descriptor number: epoll takes a descriptor once, we
 * take it as often as it is asked for. Made on first use, kept until the
 * loop is freed.
 */
struct slot {
	struct list watches; /* dead ones, too, until the turn ends */
	struct list dirty;   /* in loop.dirty: interest may have changed */
	struct list always;  /* in loop.always: epoll refused it */
	int fd;
	unsigned registered; /* WATCH_ flags that epoll knows */
	uint32_t generation; /* events of an older one are stale */
};

struct watch {
	struct list in_slot;
	struct list dead; /* in loop.dead_watches */
	struct loop *loop;
	struct slot *slot;
	watch_function *fn;
	void *context;
	unsigned interest;
	bool is_dead;
};

struct timer {
	struct list dead; /* in loop.dead_timers */
	struct loop *loop;
	timer_function *fn;
	void *context;
	uint64_t due_us;
	uint64_t sequence; /* equal times: first set, first run */
	size_t heap_index; /* TIMER_UNSET: not in the heap */
	bool is_dead;
};

#define TIMER_UNSET SIZE_MAX

struct deferred {
	defer_function *fn; /* NULL: removed */
	void *context;
};

struct deferred_list {
	struct deferred *item;
	size_t count;
	size_t cap;
};

struct signal_handler {
	signal_function *fn; /* NULL: not ours */
	void *context;
	struct sigaction old_action;
	bool is_taken;
};

struct child {
	struct list link;
	pid_t pid;
	child_function *fn; /* NULL: forgotten, only to be reaped */
	void *context;
	bool is_fresh; /* may have ended before we listened */
};

struct loop {
	int epoll_fd;
	int signal_fd; /* -1 until a signal is wanted */
	struct watch *signal_watch;
	uint64_t now_us;
	bool stopped;
	int code;

	struct slot **slots; /* by descriptor number */
	size_t slot_count;
	struct list dirty;
	struct list always;
	struct list dead_watches;

	struct timer **heap;
	size_t heap_count;
	size_t heap_cap; /* never below timer_count */
	size_t timer_count;
	uint64_t timer_sequence;
	struct list dead_timers;

	struct deferred_list prepares;
	struct deferred_list work;

	struct signal_handler signals[NSIG];
	sigset_t signal_set;
	sigset_t old_mask;
	struct list children;
	bool has_fresh_children;
};

/* timer.c */
void loop_run_timers(struct loop *loop);
/* Milliseconds until the next timer, rounded up; -1: there is none. */
int loop_timer_wait_ms(const struct loop *loop);
void loop_reap_timers(struct loop *loop);

/* signal.c */
void loop_check_fresh_children(struct loop *loop);
void loop_release_signals(struct loop *loop);

#endif
