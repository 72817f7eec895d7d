/*
 * loop_test.c - descriptors, timers, signals, children.
 */
#include "common/event/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "tests/unit/unit.h"

/* What a test's handlers leave behind. */
struct notes {
	struct loop *loop;
	struct watch *w;
	struct watch *other;
	struct timer *t;
	int calls;
	unsigned ready;
	char order[32];
	int status;
	int fd;
};

static void
note(struct notes *n, char what)
{
	size_t len = strlen(n->order);

	if (len + 1 < sizeof(n->order)) {
		n->order[len] = what;
		n->order[len + 1] = '\0';
	}
}

static struct loop *
new_loop(void)
{
	struct loop *loop = loop_new();

	CHECK(loop != NULL);
	return loop;
}

static void
make_pipe(int fds[2])
{
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void
count_ready(struct watch *w, unsigned ready, void *context)
{
	struct notes *n = context;

	n->calls++;
	n->ready |= ready;
}

static void
drain_pipe(struct watch *w, unsigned ready, void *context)
{
	struct notes *n = context;
	char bytes[16];

	n->calls++;
	n->ready |= ready;
	CHECK(read(watch_fd(w), bytes, sizeof(bytes)) >= 0);
}

TEST(loop_tells_when_bytes_can_be_read)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	struct watch *w;
	int p[2];

	make_pipe(p);
	CHECK((w = watch_new(loop, p[0], drain_pipe, &n)) != NULL);
	CHECK_INT(fd_write_all(p[1], "x", 1), 0);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 0);
	watch_set(w, WATCH_READ);
	CHECK_INT(watch_interest(w), WATCH_READ);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 1);
	CHECK_INT(n.ready, WATCH_READ);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 1);
	watch_set(w, 0);
	CHECK_INT(fd_write_all(p[1], "x", 1), 0);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 1);
	watch_free(w);
	loop_free(loop);
	close(p[0]);
	close(p[1]);
}

TEST(loop_reports_hangup_with_what_was_asked_for)
{
	struct loop *loop = new_loop();
	struct notes reader = { 0 }, idle = { 0 };
	struct watch *w, *i;
	int p[2], q[2];

	make_pipe(p);
	make_pipe(q);
	CHECK((w = watch_new(loop, p[0], count_ready, &reader)) != NULL);
	CHECK((i = watch_new(loop, q[0], count_ready, &idle)) != NULL);
	watch_set(w, WATCH_READ);
	watch_set(i, WATCH_READ);
	loop_turn(loop, 0);
	watch_set(i, 0);
	close(p[1]);
	close(q[1]);
	loop_turn(loop, 0);
	CHECK_INT(reader.ready, WATCH_READ | WATCH_HANGUP);
	/* Without interest a hang-up must not spin the loop. */
	CHECK_INT(idle.calls, 0);
	watch_free(w);
	watch_free(i);
	loop_free(loop);
	close(p[0]);
	close(q[0]);
}

TEST(loop_regular_file_is_always_ready)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	struct watch *w;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CHECK((w = watch_new(loop, fd, count_ready, &n)) != NULL);
	watch_set(w, WATCH_READ);
	loop_turn(loop, -1);
	loop_turn(loop, -1);
	CHECK_INT(n.calls, 2);
	CHECK_INT(n.ready, WATCH_READ);
	watch_set(w, 0);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 2);
	watch_set(w, WATCH_WRITE);
	loop_turn(loop, -1);
	CHECK_INT(n.ready, WATCH_READ | WATCH_WRITE);
	watch_free(w);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 3);
	loop_free(loop);
	close(fd);
}

TEST(loop_two_watches_share_a_descriptor)
{
	struct loop *loop = new_loop();
	struct notes r = { 0 }, w = { 0 };
	struct watch *reads, *writes;
	int s[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	CHECK((reads = watch_new(loop, s[0], count_ready, &r)) != NULL);
	CHECK((writes = watch_new(loop, s[0], count_ready, &w)) != NULL);
	watch_set(reads, WATCH_READ);
	watch_set(writes, WATCH_WRITE);
	loop_turn(loop, 0);
	CHECK_INT(r.calls, 0);
	CHECK_INT(w.ready, WATCH_WRITE);
	CHECK_INT(fd_write_all(s[1], "x", 1), 0);
	loop_turn(loop, 0);
	CHECK_INT(r.ready, WATCH_READ);
	CHECK_INT(w.ready, WATCH_WRITE);
	watch_free(writes);
	loop_turn(loop, 0);
	CHECK_INT(r.calls, 2);
	CHECK_INT(w.calls, 2);
	watch_free(reads);
	loop_turn(loop, 0);
	CHECK_INT(r.calls, 2);
	loop_free(loop);
	close(s[0]);
	close(s[1]);
}

static void
free_both(struct watch *w, unsigned ready, void *context)
{
	struct notes *n = context;

	n->calls++;
	watch_free(n->w);
	watch_free(n->other);
}

TEST(loop_watches_may_be_freed_by_a_handler)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	int p[2], q[2];

	/* Both ready at once; the first to be told frees both, on the same
	 * descriptor and on two. */
	for (int same = 0; same < 2; same++) {
		n.calls = 0;
		make_pipe(p);
		make_pipe(q);
		CHECK_INT(fd_write_all(p[1], "x", 1), 0);
		CHECK_INT(fd_write_all(q[1], "x", 1), 0);
		n.w = watch_new(loop, p[0], free_both, &n);
		n.other = watch_new(loop, same ? p[0] : q[0], free_both, &n);
		CHECK(n.w != NULL && n.other != NULL);
		watch_set(n.w, WATCH_READ);
		watch_set(n.other, WATCH_READ);
		loop_turn(loop, 0);
		CHECK_INT(n.calls, 1);
		close(p[0]);
		close(p[1]);
		close(q[0]);
		close(q[1]);
		loop_turn(loop, 0);
		CHECK_INT(n.calls, 1);
	}
	loop_free(loop);
}

/* Frees the other watch, closes its descriptor and watches a new file with
 * the same number. */
static void
replace_other(struct watch *w, unsigned ready, void *context)
{
	struct notes *n = context;
	int p[2];
	int fd = watch_fd(n->other == w ? n->w : n->other);

	if (n->calls++ > 0)
		return;
	watch_free(n->other == w ? n->w : n->other);
	close(fd);
	make_pipe(p);
	CHECK(dup2(p[0], fd) == fd);
	n->t = NULL;
	n->fd = fd;
	n->other = watch_new(n->loop, fd, count_ready, n);
	CHECK(n->other != NULL);
	watch_set(n->other, WATCH_READ);
	watch_set(w, 0);
}

TEST(loop_stale_event_does_not_reach_a_reused_descriptor)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	int p[2], q[2];

	n.loop = loop;
	make_pipe(p);
	make_pipe(q);
	CHECK_INT(fd_write_all(p[1], "x", 1), 0);
	CHECK_INT(fd_write_all(q[1], "x", 1), 0);
	n.w = watch_new(loop, p[0], replace_other, &n);
	n.other = watch_new(loop, q[0], replace_other, &n);
	CHECK(n.w != NULL && n.other != NULL);
	watch_set(n.w, WATCH_READ);
	watch_set(n.other, WATCH_READ);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 1);
	loop_free(loop);
}

static void
on_timer_note(struct timer *t, void *context)
{
	struct notes *n = context;

	n->calls++;
	note(n, t == n->t ? 't' : 'T');
}

static void
on_timer_stop(struct timer *t, void *context)
{
	loop_stop(context, 42);
}

TEST(loop_timers_run_by_due_time)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	struct timer *late = timer_new(loop, on_timer_note, &n);
	struct timer *soon = timer_new(loop, on_timer_note, &n);
	struct timer *never = timer_new(loop, on_timer_note, &n);
	struct timer *end = timer_new(loop, on_timer_stop, loop);

	CHECK(late != NULL && soon != NULL && never != NULL && end != NULL);
	n.t = soon;
	CHECK(!timer_is_set(late));
	timer_set(late, 4000);
	timer_set(soon, 2000);
	timer_set(never, 3000);
	timer_set(end, 6000);
	CHECK(timer_is_set(never));
	timer_cancel(never);
	CHECK(!timer_is_set(never));
	CHECK_INT(loop_run(loop), 42);
	CHECK_TEXT(n.order, "tT");
	CHECK(!timer_is_set(soon));
	timer_free(late);
	timer_free(soon);
	timer_free(never);
	timer_free(end);
	loop_free(loop);
}

static void
on_timer_again(struct timer *t, void *context)
{
	struct notes *n = context;

	n->calls++;
	timer_set(t, 0);
}

TEST(loop_timer_set_by_its_own_handler_waits_a_turn)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	struct timer *t = timer_new(loop, on_timer_again, &n);

	CHECK(t != NULL);
	timer_set(t, 0);
	loop_turn(loop, -1);
	CHECK_INT(n.calls, 1);
	loop_turn(loop, -1);
	CHECK_INT(n.calls, 2);
	timer_free(t);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 2);
	loop_free(loop);
}

static void
on_timer_free(struct timer *t, void *context)
{
	struct notes *n = context;

	n->calls++;
	timer_free(t);
}

TEST(loop_many_timers_keep_order)
{
	enum {
		COUNT = 500
	};
	struct loop *loop = new_loop();
	struct timer *t[COUNT];
	struct notes n = { 0 };
	unsigned random = 1;

	for (int i = 0; i < COUNT; i++) {
		CHECK((t[i] = timer_new(loop, on_timer_free, &n)) != NULL);
		random = random * 1103515245 + 12345;
		timer_set(t[i], random >> 16 & 4095);
	}
	for (int i = 0; i < COUNT; i += 3)
		timer_cancel(t[i]);
	while (n.calls < COUNT - (COUNT + 2) / 3)
		loop_turn(loop, -1);
	for (int i = 0; i < COUNT; i += 3)
		timer_free(t[i]);
	loop_free(loop);
}

TEST(loop_wait_ends_at_its_timeout)
{
	struct loop *loop = new_loop();
	uint64_t before = time_monotonic_us();

	loop_turn(loop, 20);
	CHECK(time_monotonic_us() - before >= 19000);
	CHECK(loop_now_us(loop) - before >= 19000);
	loop_free(loop);
}

static void
note_deferred(void *context)
{
	note(context, 'd');
}

static void
defer_twice(void *context)
{
	struct notes *n = context;

	note(n, 'D');
	CHECK_INT(loop_defer(n->loop, note_deferred, n), 0);
}

static void
note_prepare(void *context)
{
	note(context, 'p');
}

static void
prepare_once(void *context)
{
	struct notes *n = context;

	note(n, 'o');
	loop_remove_prepare(n->loop, prepare_once, n);
}

TEST(loop_prepares_come_first_and_deferred_work_runs_once)
{
	struct loop *loop = new_loop();
	struct notes n = { .loop = loop };

	CHECK_INT(loop_add_prepare(loop, prepare_once, &n), 0);
	CHECK_INT(loop_add_prepare(loop, note_prepare, &n), 0);
	CHECK_INT(loop_defer(loop, defer_twice, &n), 0);
	loop_turn(loop, -1);
	CHECK_TEXT(n.order, "opD");
	/* The work left makes the next turn not wait. */
	loop_turn(loop, -1);
	CHECK_TEXT(n.order, "opDpd");
	loop_turn(loop, 0);
	CHECK_TEXT(n.order, "opDpdp");
	loop_free(loop);
}

TEST(loop_stop_before_run_returns_at_once)
{
	struct loop *loop = new_loop();

	loop_stop(loop, 3);
	CHECK_INT(loop_run(loop), 3);
	loop_free(loop);
}

static void
on_signal_stop(int signal_number, void *context)
{
	loop_stop(context, signal_number);
}

TEST(loop_signal_is_an_event)
{
	struct loop *loop = new_loop();

	CHECK_INT(loop_on_signal(loop, SIGTERM, on_signal_stop, loop), 0);
	CHECK_INT(loop_on_signal(loop, SIGUSR1, on_signal_stop, loop), 0);
	CHECK_INT(loop_on_signal(loop, 0, on_signal_stop, loop), ERR_ARGUMENT);
	CHECK_INT(kill(getpid(), SIGTERM), 0);
	CHECK_INT(loop_run(loop), SIGTERM);
	CHECK_INT(kill(getpid(), SIGUSR1), 0);
	CHECK_INT(loop_run(loop), SIGUSR1);
	loop_free(loop);
}

static void
on_child(pid_t pid, int wait_status, void *context)
{
	struct notes *n = context;

	n->calls++;
	n->status = wait_status;
	if (n->loop != NULL)
		loop_stop(n->loop, 0);
}

static pid_t
child_exiting(int code, useconds_t after_us)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		usleep(after_us);
		_exit(code);
	}
	return pid;
}

TEST(loop_child_end_is_told_once_with_its_status)
{
	struct loop *loop = new_loop();
	struct notes n = { .loop = loop };
	struct timer *limit = timer_new(loop, on_timer_stop, loop);

	/* Ended before it was asked for, and after. */
	for (useconds_t after = 0; after <= 20000; after += 20000) {
		pid_t pid = child_exiting(7, after);

		n.calls = 0;
		usleep(10000);
		CHECK_INT(loop_on_child(loop, pid, on_child, &n), 0);
		timer_set(limit, 5000000);
		CHECK_INT(loop_run(loop), 0);
		CHECK_INT(n.calls, 1);
		CHECK(WIFEXITED(n.status));
		CHECK_INT(WEXITSTATUS(n.status), 7);
		CHECK_INT(waitpid(pid, NULL, WNOHANG), -1);
	}
	timer_free(limit);
	loop_free(loop);
}

TEST(loop_leaves_unknown_children_alone)
{
	struct loop *loop = new_loop();
	struct notes n = { .loop = loop };
	pid_t foreign = child_exiting(1, 0);
	pid_t ours;
	int status;

	usleep(20000);
	ours = child_exiting(2, 20000);
	CHECK_INT(loop_on_child(loop, ours, on_child, &n), 0);
	CHECK_INT(loop_run(loop), 0);
	CHECK_INT(WEXITSTATUS(n.status), 2);
	CHECK_INT(waitpid(foreign, &status, WNOHANG), foreign);
	CHECK_INT(WEXITSTATUS(status), 1);
	loop_free(loop);
}

TEST(loop_forgotten_child_is_reaped_silently)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	pid_t pid = child_exiting(0, 10000);

	CHECK_INT(loop_on_child(loop, pid, on_child, &n), 0);
	loop_turn(loop, 0);
	loop_forget_child(loop, pid);
	for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
		loop_turn(loop, 10);
	CHECK_INT(kill(pid, 0), -1);
	CHECK_INT(n.calls, 0);
	loop_free(loop);
}

TEST(loop_after_fork_gives_signals_back)
{
	struct loop *loop = new_loop();
	struct notes n = { 0 };
	struct sigaction action;
	struct watch *w;
	int p[2];
	int status;
	pid_t pid;

	make_pipe(p);
	signal(SIGHUP, SIG_IGN);
	CHECK_INT(loop_on_signal(loop, SIGHUP, on_signal_stop, loop), 0);
	CHECK_INT(loop_on_signal(loop, SIGUSR1, on_signal_stop, loop), 0);
	CHECK((w = watch_new(loop, p[0], drain_pipe, &n)) != NULL);
	watch_set(w, WATCH_READ);
	loop_turn(loop, 0);
	if ((pid = fork()) == 0) {
		sigset_t mask;

		loop_after_fork(loop);
		sigprocmask(SIG_BLOCK, NULL, &mask);
		sigaction(SIGHUP, NULL, &action);
		watch_free(w);
		loop_free(loop);
		if (sigismember(&mask, SIGHUP) || sigismember(&mask, SIGUSR1) ||
		    action.sa_handler != SIG_IGN)
			_exit(1);
		kill(getpid(), SIGUSR1);
		_exit(2);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGUSR1);
	/* The parent's watch still works. */
	CHECK_INT(fd_write_all(p[1], "x", 1), 0);
	loop_turn(loop, 0);
	CHECK_INT(n.calls, 1);
	watch_free(w);
	loop_free(loop);
	close(p[0]);
	close(p[1]);
}
