/*
 * agent_loop.c - the process around the protocol.
 */
#include "agent/agent_loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_confirm.h"
#include "agent/agent_workers.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/event/loop.h"
#include "common/port/port.h"

#define PARENT_POLL_US ((uint64_t)10 * 1000 * 1000)
/* Descriptors for everything but connections. */
#define DESCRIPTORS_KEPT 32

struct process {
	struct agent_server *server;
	const struct agent_loop_options *options;
	struct loop *loop;
	struct agent_workers *workers;
	struct watch *listener;
	struct watch *worker_watch;
	struct timer *expiry;
	uint64_t expiry_us; /* what the timer is set to; 0: not set */
	struct timer *parent_poll;
	struct list connections;
	size_t count, limit;
};

/*
 * One that is gone while a worker has its job stays until the job comes back;
 * its descriptor is closed, and its peer freed.
 */
struct connection {
	struct list link;
	struct process *process;
	struct agent_peer *peer; /* NULL: gone */
	int fd;
	struct watch *watch;
	struct timer *timer;   /* of one that waits; NULL before */
	struct agent_job *job; /* that a person is asked about */
	pid_t asking;          /* the process that asks; 0: none */
	bool is_working;       /* a worker has its job */
};

static void run(struct connection *c);

static struct agent_time
now(struct process *p)
{
	return (struct agent_time){ time_monotonic_us(), time_wall_s() };
}

/* ---- the end of keys ---- */

static void
set_expiry(struct process *p)
{
	uint64_t at = time_monotonic_us();
	uint64_t next = agent_store_expire(&p->server->store, at);

	if (next == p->expiry_us)
		return;
	p->expiry_us = next;
	if (next == 0)
		timer_cancel(p->expiry);
	else
		timer_set(p->expiry, next > at ? next - at : 0);
}

static void
on_expiry(struct timer *t, void *context)
{
	struct process *p = context;

	p->expiry_us = 0;
	set_expiry(p);
}

/* ---- connections ---- */

static void
watch_listener(struct process *p)
{
	watch_set(p->listener, p->count < p->limit ? WATCH_READ : 0);
}

static void
connection_free(struct connection *c)
{
	list_remove(&c->link);
	free(c);
}

static void
connection_close(struct connection *c)
{
	struct process *p = c->process;

	if (c->asking != 0) {
		loop_forget_child(p->loop, c->asking);
		agent_confirm_cancel(c->asking);
	}
	agent_job_free(c->job);
	c->job = NULL;
	watch_free(c->watch);
	if (c->timer != NULL)
		timer_free(c->timer);
	close(c->fd);
	agent_peer_free(c->peer);
	c->peer = NULL;
	p->count--;
	watch_listener(p);
	if (!c->is_working)
		connection_free(c);
}

static void
on_wait_over(struct timer *t, void *context)
{
	run(context);
}

/* Not before the time is there. */
static int
wait_until(struct connection *c, uint64_t until_us)
{
	uint64_t at = time_monotonic_us();

	if (c->timer == NULL &&
	    (c->timer = timer_new(c->process->loop, on_wait_over, c)) == NULL)
		return ERR_MEMORY;
	timer_set(c->timer, until_us > at ? until_us - at : 0);
	return 0;
}

static void
give_back(struct connection *c, struct agent_job *job, int result)
{
	job->result = result;
	agent_peer_job_done(c->peer, job);
}

static void
on_answered(pid_t pid, int wait_status, void *context)
{
	struct connection *c = context;
	struct agent_job *job = c->job;

	c->asking = 0;
	c->job = NULL;
	give_back(
	    c, job, agent_confirm_is_yes(wait_status) ? 0 : ERR_CANCELLED);
	run(c);
}

static int
start_asking(struct connection *c, struct agent_job *job)
{
	struct process *p = c->process;
	pid_t pid = agent_confirm_start(p->loop, job->question);

	if (pid < 0)
		return ERR_SYSTEM;
	if (loop_on_child(p->loop, pid, on_answered, c) != 0) {
		agent_confirm_cancel(pid);
		return ERR_MEMORY;
	}
	c->asking = pid;
	c->job = job;
	return 0;
}

/* Has the peer's job done; a job that nobody can do comes back at once. */
static void
start_job(struct connection *c)
{
	struct agent_job *job = agent_peer_take_job(c->peer);
	int r;

	if (job->kind == AGENT_JOB_CONFIRM) {
		r = start_asking(c, job);
	} else {
		r = agent_workers_submit(c->process->workers, job, c);
		c->is_working = r == 0;
	}
	if (r != 0) {
		log_error("a job could not be started: %s", error_text(r));
		give_back(c, job, r);
	}
}

/* Sends what there is, as far as the socket takes it. */
static int
send_output(struct connection *c)
{
	struct span out = agent_peer_output(c->peer);
	ssize_t n;

	while (out.len > 0) {
		n = send(c->fd, out.ptr, out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : ERR_CLOSED;
		agent_peer_sent(c->peer, (size_t)n);
		out = agent_peer_output(c->peer);
	}
	return 0;
}

/* Also while its job is being done: so the end of a connection is seen. */
static void
set_interest(struct connection *c)
{
	unsigned interest = 0;
	size_t room;

	IGNORE_RESULT(agent_peer_space(c->peer, &room) == NULL);
	if (room > 0)
		interest |= WATCH_READ;
	if (agent_peer_output(c->peer).len > 0)
		interest |= WATCH_WRITE;
	watch_set(c->watch, interest);
}

/* Lets the peer work until it waits for something. */
static void
run(struct connection *c)
{
	struct process *p = c->process;
	enum agent_state state;
	int r;

	do {
		r = agent_peer_run(c->peer, now(p), &state);
		if (r == 0 && state == AGENT_JOB)
			start_job(c);
	} while (r == 0 && state == AGENT_JOB);
	set_expiry(p);
	if (r == 0)
		r = send_output(c);
	if (r == 0 && state == AGENT_WAITING)
		r = wait_until(c, agent_peer_wait_until(c->peer));
	if (r != 0)
		connection_close(c);
	else
		set_interest(c);
}

/* 0: nothing came, or it was given to the peer. */
static int
receive(struct connection *c)
{
	size_t room;
	uint8_t *space = agent_peer_space(c->peer, &room);
	ssize_t n;

	if (room == 0)
		return 0;
	if (space == NULL)
		return ERR_MEMORY;
	n = read(c->fd, space, room);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_CLOSED;
	if (n == 0)
		return ERR_CLOSED;
	agent_peer_received(c->peer, (size_t)n);
	return 0;
}

static void
on_connection(struct watch *w, unsigned ready, void *context)
{
	struct connection *c = context;
	int r = 0;

	if (ready & WATCH_READ)
		r = receive(c);
	if (r != 0)
		connection_close(c);
	else
		run(c);
}

/* Only this user and root. */
static bool
is_welcome(int fd)
{
	uid_t peer;

	if (port_peer_uid(fd, &peer) != 0) {
		log_error("refused: a connection of nobody knows whom");
		return false;
	}
	if (peer != 0 && peer != getuid()) {
		log_error("refused: a connection of uid %u to the agent of "
			  "uid %u",
		    (unsigned)peer, (unsigned)getuid());
		return false;
	}
	return true;
}

static int
connection_new(struct process *p, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_MEMORY;
	c->process = p;
	c->fd = fd;
	c->peer = agent_peer_new(p->server);
	c->watch = watch_new(p->loop, fd, on_connection, c);
	if (c->peer == NULL || c->watch == NULL) {
		agent_peer_free(c->peer);
		watch_free(c->watch);
		free(c);
		return ERR_MEMORY;
	}
	list_add_last(&p->connections, &c->link);
	p->count++;
	set_interest(c);
	return 0;
}

static void
on_listener(struct watch *w, unsigned ready, void *context)
{
	struct process *p = context;
	int fd;

	while (p->count < p->limit) {
		fd = accept4(
		    watch_fd(w), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		if (!is_welcome(fd) || connection_new(p, fd) != 0)
			close(fd);
	}
	watch_listener(p);
}

/* ---- workers ---- */

static void
on_worker(struct watch *w, unsigned ready, void *context)
{
	struct process *p = context;
	struct agent_job *job;
	void *owner;

	while ((job = agent_workers_next(p->workers, &owner)) != NULL) {
		struct connection *c = owner;

		c->is_working = false;
		if (c->peer == NULL) {
			agent_job_free(job);
			connection_free(c);
		} else {
			agent_peer_job_done(c->peer, job);
			run(c);
		}
	}
}

/* ---- signals, the parent ---- */

static void
on_end_signal(int number, void *context)
{
	struct process *p = context;

	log_debug1("ended by signal %d", number);
	loop_stop(p->loop, 0);
}

static void
on_ignored_signal(int number, void *context)
{
}

static void
on_drop_signal(int number, void *context)
{
	struct process *p = context;

	log_info("all keys are dropped, by signal %d", number);
	agent_store_remove_all(&p->server->store);
	set_expiry(p);
}

static void
on_parent_poll(struct timer *t, void *context)
{
	struct process *p = context;

	if (getppid() != p->options->parent)
		loop_stop(p->loop, 0);
	else
		timer_set(t, PARENT_POLL_US);
}

static int
watch_signals(struct process *p)
{
	struct loop *loop = p->loop;
	int r;

	if ((r = loop_on_signal(loop, SIGTERM, on_end_signal, p)) != 0 ||
	    (r = loop_on_signal(loop, SIGHUP, on_end_signal, p)) != 0 ||
	    (r = loop_on_signal(loop, SIGUSR1, on_drop_signal, p)) != 0)
		return r;
	return loop_on_signal(loop, SIGINT,
	    p->options->is_foreground ? on_end_signal : on_ignored_signal, p);
}

static int
watch_parent(struct process *p)
{
	if (p->options->parent == 0)
		return 0;
	p->parent_poll = timer_new(p->loop, on_parent_poll, p);
	if (p->parent_poll == NULL)
		return ERR_MEMORY;
	/* At once where the kernel tells; else soon enough. */
	port_die_with_parent(SIGTERM);
	timer_set(p->parent_poll, 0);
	return 0;
}

/* ---- life ---- */

static size_t
connection_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > AGENT_CONNECTIONS_MAX + DESCRIPTORS_KEPT)
		return AGENT_CONNECTIONS_MAX;
	if (limit.rlim_cur <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT / 2;
	return limit.rlim_cur - DESCRIPTORS_KEPT;
}

static int
start(struct process *p)
{
	int r;

	if ((p->loop = loop_new()) == NULL)
		return ERR_MEMORY;
	p->workers = agent_workers_new();
	p->expiry = timer_new(p->loop, on_expiry, p);
	p->listener = watch_new(p->loop, p->options->listen_fd, on_listener, p);
	if (p->workers == NULL || p->expiry == NULL || p->listener == NULL)
		return ERR_MEMORY;
	p->worker_watch =
	    watch_new(p->loop, agent_workers_fd(p->workers), on_worker, p);
	if (p->worker_watch == NULL)
		return ERR_MEMORY;
	watch_set(p->worker_watch, WATCH_READ);
	watch_listener(p);
	if ((r = watch_signals(p)) != 0)
		return r;
	return watch_parent(p);
}

/* false: a worker could not be stopped. */
static bool
stop(struct process *p)
{
	if (p->loop == NULL)
		return true;
	list_for_each_safe(link, &p->connections)
		connection_close(list_entry(link, struct connection, link));
	watch_free(p->worker_watch);
	if (!agent_workers_free(p->workers))
		return false;
	/* Of connections whose job the workers had. */
	list_for_each_safe(link, &p->connections)
		connection_free(list_entry(link, struct connection, link));
	watch_free(p->listener);
	if (p->expiry != NULL)
		timer_free(p->expiry);
	if (p->parent_poll != NULL)
		timer_free(p->parent_poll);
	loop_free(p->loop);
	return true;
}

int
agent_loop_run(struct agent_server *s, const struct agent_loop_options *o,
    bool *ret_is_stopped, struct error *e)
{
	struct process p = { .server = s, .options = o };
	int r;

	list_init(&p.connections);
	p.limit = connection_limit();
	r = start(&p);
	if (o->ready_fd >= 0)
		close(o->ready_fd);
	if (r == 0)
		IGNORE_RESULT(loop_run(p.loop) != 0);
	else
		error_set(e, r, "the agent cannot start: %s", error_text(r));
	*ret_is_stopped = stop(&p);
	return r;
}
