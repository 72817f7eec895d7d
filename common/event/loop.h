/*
 * loop.h - the event loop of a process: descriptors, timers, deferred work,
 * signals and children, on epoll.
 *
 * One turn: expired timers, then descriptors that are ready, then deferred
 * work, then the callbacks of loop_add_prepare. Interest is computed,
 * not toggled: the prepare callback runs before every wait and calls
 * watch_set() for what it owns; an unchanged interest costs no system call.
 * Nothing is freed while its callback runs: watch_free() in a callback is
 * safe, the memory goes at the end of the turn.
 * A regular file, which epoll refuses, counts as always ready. Several
 * watches may share a descriptor; each is told what it asked for.
 * Knows: nothing of SSH. Handlers do not block.
 */
#ifndef COMMON_EVENT_LOOP_H
#define COMMON_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"

struct loop;
struct watch;
struct timer;

enum {
	WATCH_READ = 1,
	WATCH_WRITE = 2,
	WATCH_HANGUP = 4 /* only reported: the other side is gone */
};

typedef void watch_function(struct watch *w, unsigned ready, void *context);
typedef void timer_function(struct timer *t, void *context);
typedef void defer_function(void *context);
typedef void signal_function(int signal_number, void *context);
typedef void child_function(pid_t pid, int wait_status, void *context);

struct loop *loop_new(void) MUST_CHECK; /* NULL without memory or epoll */
void loop_free(struct loop *loop);

/* Runs turns until loop_stop(); returns the code given to it. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int code);

/* One turn; waits for at most timeout_ms (-1: until something happens). */
void loop_turn(struct loop *loop, int timeout_ms);

/* Monotonic microseconds, read once a turn. */
uint64_t loop_now_us(const struct loop *loop);

/* Called before every wait, in the order of registration. */
int loop_add_prepare(
    struct loop *loop, defer_function *fn, void *context) MUST_CHECK;
void loop_remove_prepare(struct loop *loop, defer_function *fn, void *context);

/* Runs fn once, later in this turn (or in the next one). */
int loop_defer(struct loop *loop, defer_function *fn, void *context) MUST_CHECK;

/* fd stays the caller's; interest starts at 0. NULL without memory. */
struct watch *watch_new(
    struct loop *loop, int fd, watch_function *fn, void *context) MUST_CHECK;
void watch_set(struct watch *w, unsigned interest);
unsigned watch_interest(const struct watch *w);
int watch_fd(const struct watch *w);
/* Before its fd is closed. NULL is accepted. */
void watch_free(struct watch *w);

/* One-shot; unset at first. Setting again moves it. The delay counts from the
 * moment of the call. */
struct timer *timer_new(
    struct loop *loop, timer_function *fn, void *context) MUST_CHECK;
void timer_set(struct timer *t, uint64_t delay_us);
void timer_cancel(struct timer *t);
bool timer_is_set(const struct timer *t);
void timer_free(struct timer *t);

/* Takes the signal out of its default effect (signalfd, blocked). */
int loop_on_signal(struct loop *loop, int signal_number, signal_function *fn,
    void *context) MUST_CHECK;

/* Tells, once, when the child has ended, and reaps it. Uses SIGCHLD. */
int loop_on_child(
    struct loop *loop, pid_t pid, child_function *fn, void *context) MUST_CHECK;
/* Its end is no longer told; it is still reaped. */
void loop_forget_child(struct loop *loop, pid_t pid);

/* In a forked child: closes the loop's descriptors and restores the signal
 * mask and dispositions, so that a program can be executed. */
void loop_after_fork(struct loop *loop);

#endif
