/*
 * signal.c - signals as events (signalfd), and the ends of children.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/event/loop_private.h"

/* ---- children ---- */

static struct child *
child_find(struct loop *loop, pid_t pid)
{
	list_for_each(link, &loop->children) {
		struct child *c = list_entry(link, struct child, link);

		if (c->pid == pid)
			return c;
	}
	return NULL;
}

/* Reaps the child if it has ended, and tells. */
static bool
child_check(struct child *c)
{
	child_function *fn = c->fn;
	void *context = c->context;
	pid_t pid = c->pid;
	int status = 0;
	pid_t r;

	do {
		r = waitpid(pid, &status, WNOHANG);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return false;
	list_remove(&c->link);
	free(c);
	/* Reaped by somebody else (ECHILD): its end must be told all the same,
	 * and a lost status is no success. */
	if (fn != NULL)
		fn(pid, r < 0 ? W_EXITCODE(255, 0) : status, context);
	return true;
}

/* Checks every child. Starts anew after each end, since the function that
 * was told may have changed the list. */
static void
check_all(struct loop *loop)
{
	struct list *link = loop->children.next;

	while (link != &loop->children) {
		if (child_check(list_entry(link, struct child, link)))
			link = loop->children.next;
		else
			link = link->next;
	}
}

/*
 * Asks which child ended, without reaping, so that a child of somebody
 * else's (a library's) stays theirs. Only when such a one is in the way,
 * every child of ours is asked for.
 */
static void
on_sigchld(struct loop *loop)
{
	siginfo_t info;
	struct child *c;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid == 0)
			return;
		if ((c = child_find(loop, info.si_pid)) == NULL) {
			check_all(loop);
			return;
		}
		child_check(c);
	}
}

void
loop_check_fresh_children(struct loop *loop)
{
	struct list *link = loop->children.next;

	if (!loop->has_fresh_children)
		return;
	loop->has_fresh_children = false;
	while (link != &loop->children) {
		struct child *c = list_entry(link, struct child, link);

		if (c->is_fresh) {
			c->is_fresh = false;
			if (child_check(c)) {
				link = loop->children.next;
				continue;
			}
		}
		link = link->next;
	}
}

/* ---- signals ---- */

static void
deliver(struct loop *loop, int signal_number)
{
	struct signal_handler *h = &loop->signals[signal_number];

	if (signal_number == SIGCHLD)
		on_sigchld(loop);
	if (h->fn != NULL)
		h->fn(signal_number, h->context);
}

static void
on_signal_fd(struct watch *w, unsigned ready, void *context)
{
	struct loop *loop = context;
	struct signalfd_siginfo info[16];
	ssize_t n;

	n = read(loop->signal_fd, info, sizeof(info));
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		if (info[i].ssi_signo < NSIG)
			deliver(loop, (int)info[i].ssi_signo);
}

/* Makes or changes the signalfd for loop->signal_set. */
static int
listen_to_set(struct loop *loop)
{
	int fd = signalfd(
	    loop->signal_fd, &loop->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return ERR_SYSTEM;
	loop->signal_fd = fd;
	if (loop->signal_watch != NULL)
		return 0;
	loop->signal_watch = watch_new(loop, fd, on_signal_fd, loop);
	if (loop->signal_watch == NULL)
		return ERR_MEMORY;
	watch_set(loop->signal_watch, WATCH_READ);
	return 0;
}

static int
take_signal(struct loop *loop, int signal_number)
{
	struct signal_handler *h = &loop->signals[signal_number];
	struct sigaction action;
	sigset_t one;
	int r;

	if (h->is_taken)
		return 0;
	if (sigisemptyset(&loop->signal_set))
		sigprocmask(SIG_SETMASK, NULL, &loop->old_mask);
	sigemptyset(&one);
	sigaddset(&one, signal_number);
	sigaddset(&loop->signal_set, signal_number);
	if ((r = listen_to_set(loop)) != 0) {
		sigdelset(&loop->signal_set, signal_number);
		return r;
	}
	sigprocmask(SIG_BLOCK, &one, NULL);
	/* An ignored SIGCHLD would take the children's status away. */
	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	sigaction(signal_number, &action, &h->old_action);
	h->is_taken = true;
	return 0;
}

int
loop_on_signal(
    struct loop *loop, int signal_number, signal_function *fn, void *context)
{
	int r;

	if (signal_number <= 0 || signal_number >= NSIG)
		return ERR_ARGUMENT;
	if ((r = take_signal(loop, signal_number)) != 0)
		return r;
	loop->signals[signal_number].fn = fn;
	loop->signals[signal_number].context = context;
	return 0;
}

int
loop_on_child(struct loop *loop, pid_t pid, child_function *fn, void *context)
{
	struct child *c;
	int r;

	if ((r = take_signal(loop, SIGCHLD)) != 0)
		return r;
	if ((c = child_find(loop, pid)) == NULL) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			return ERR_MEMORY;
		list_add_last(&loop->children, &c->link);
	}
	c->pid = pid;
	c->fn = fn;
	c->context = context;
	/* It may have ended before its SIGCHLD could reach us. */
	c->is_fresh = true;
	loop->has_fresh_children = true;
	return 0;
}

void
loop_forget_child(struct loop *loop, pid_t pid)
{
	struct child *c = child_find(loop, pid);

	if (c != NULL)
		c->fn = NULL;
}

/* Gives the taken signals back as they were found. */
static void
restore_signals(struct loop *loop)
{
	if (sigisemptyset(&loop->signal_set))
		return;
	for (int i = 1; i < NSIG; i++) {
		if (loop->signals[i].is_taken)
			sigaction(i, &loop->signals[i].old_action, NULL);
		loop->signals[i].is_taken = false;
		loop->signals[i].fn = NULL;
	}
	sigemptyset(&loop->signal_set);
	sigprocmask(SIG_SETMASK, &loop->old_mask, NULL);
}

void
loop_release_signals(struct loop *loop)
{
	restore_signals(loop);
	watch_free(loop->signal_watch);
	loop->signal_watch = NULL;
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	loop->signal_fd = -1;
	list_for_each_safe(link, &loop->children)
		free(list_entry(link, struct child, link));
	list_init(&loop->children);
	loop->has_fresh_children = false;
}

void
loop_after_fork(struct loop *loop)
{
	/* First: the epoll instance is shared with the parent, whose watches
	 * must not be taken out by what is released here. */
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
	loop_release_signals(loop);
}
