/*
 * pool.c - starting session processes and passing connections on.
 */
#include "sshd/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "sshd/privsep.h"
#include "sshd/template.h"

#define FILL_DELAY_US    3000
#define FAILURE_DELAY_US 1000000

struct pool {
	struct pool_config c;
	struct list processes;
	struct timer *fill;
	size_t spares;
	struct templates *templates;
	uint32_t last_id;
};

/* ---- life ---- */

static void
on_fill(struct timer *t, void *context)
{
	pool_fill(context);
}

/* The pid of a process that was asked for; it may be forgotten by now. */
static void
on_forked(void *context, uint32_t id, pid_t pid)
{
	struct pool *p = context;

	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (s->id != id)
			continue;
		s->pid = pid;
		if (pid == 0)
			p->c.lost(p->c.context, s);
		break;
	}
	if (!templates_owe(p->templates))
		p->c.complete(p->c.context);
}

struct pool *
pool_new(const struct pool_config *config)
{
	struct template_config templates = {
		.loop = config->loop,
		.config = config->config,
		.log_to_stderr = config->log_to_stderr,
		.forked = on_forked,
	};
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->c = *config;
	list_init(&p->processes);
	p->fill = timer_new(p->c.loop, on_fill, p);
	templates.context = p;
	p->templates = templates_new(&templates);
	if (p->fill == NULL || p->templates == NULL) {
		pool_free(p);
		return NULL;
	}
	return p;
}

static void
close_ipc(struct pool_process *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	ipc_release(&s->ipc);
}

void
pool_forget(struct pool_process *s)
{
	if (!s->busy)
		s->pool->spares--;
	close_ipc(s);
	list_remove(&s->link);
	free(s);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	list_for_each_safe(l, &p->processes)
		pool_forget(list_entry(l, struct pool_process, link));
	timer_free(p->fill);
	templates_free(p->templates);
	free(p);
}

struct pool_process *
pool_find(struct pool *p, pid_t pid)
{
	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (s->pid == pid)
			return s;
	}
	return NULL;
}

struct pool_process *
pool_first_ended(struct pool *p, int *ret_wait_status)
{
	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (s->pid > 0 &&
		    waitpid(s->pid, ret_wait_status, WNOHANG) == s->pid)
			return s;
	}
	return NULL;
}

bool
pool_is_complete(const struct pool *p)
{
	return !templates_owe(p->templates);
}

/* ---- starting one ---- */

static int
send_host_keys(struct pool_process *s)
{
	int r;

	host_keys_write(
	    s->pool->c.host_keys, ipc_begin(&s->ipc, HANDOVER_HOST_KEYS));
	if ((r = ipc_end(&s->ipc, -1)) != 0)
		return r;
	/* A few kilobytes into an empty socket: it does not block. */
	return ipc_drain(&s->ipc);
}

static void
on_message(struct watch *w, unsigned ready, void *context)
{
	struct pool_process *s = context;
	struct ipc_message m;
	int r = ipc_fill(&s->ipc);

	while (r == 0 && (r = ipc_next(&s->ipc, &m)) == 1) {
		if (m.fd >= 0)
			close(m.fd);
		if (m.type == HANDOVER_AUTHENTICATED && s->busy)
			s->pool->c.authenticated(s->pool->c.context, s);
		r = 0;
	}
	/* Its end is noticed again, with its status, when it is reaped. */
	if (r < 0)
		close_ipc(s);
}

static struct pool_process *
start_process(struct pool *p)
{
	struct pool_process *s = calloc(1, sizeof(*s));
	int fds[2], r;

	if (s == NULL)
		return NULL;
	if (ipc_pair(fds) != 0) {
		free(s);
		return NULL;
	}
	s->pool = p;
	s->id = ++p->last_id;
	ipc_init(&s->ipc, fds[0], LISTENER_MESSAGE_MAX);
	list_add_last(&p->processes, &s->link);
	p->spares++;
	s->watch = watch_new(p->c.loop, s->ipc.fd, on_message, s);
	r = s->watch == NULL ? ERR_MEMORY
			     : templates_fork(p->templates, s->id, fds[1]);
	close(fds[1]);
	if (r != 0 || (r = send_host_keys(s)) != 0) {
		log_error("cannot start a session process: %s",
		    r == ERR_SYSTEM ? strerror(errno) : error_text(r));
		pool_forget(s);
		return NULL;
	}
	watch_set(s->watch, WATCH_READ);
	return s;
}

void
pool_fill(struct pool *p)
{
	size_t wanted = (size_t)sshd_config_global(p->c.config)->spare_sessions;

	while (p->spares < wanted) {
		if (start_process(p) == NULL) {
			timer_set(p->fill, FAILURE_DELAY_US);
			return;
		}
	}
	/* Tried again when it is needed. */
	if (wanted > 0)
		IGNORE_RESULT(templates_start(p->templates) != 0);
}

void
pool_renew(struct pool *p)
{
	templates_renew(p->templates);
	list_for_each_safe(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (!s->busy)
			pool_forget(s);
	}
	pool_fill_later(p);
}

void
pool_fill_later(struct pool *p)
{
	if (!timer_is_set(p->fill))
		timer_set(p->fill, FILL_DELAY_US);
}

void
pool_spare_failed(struct pool *p)
{
	timer_set(p->fill, FAILURE_DELAY_US);
}

/* ---- handing over ---- */

static struct pool_process *
find_spare(struct pool *p)
{
	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (!s->busy && s->ipc.fd >= 0)
			return s;
	}
	return NULL;
}

struct pool_process *
pool_hand_over(struct pool *p, int fd, const struct address *source)
{
	struct pool_process *s = find_spare(p);

	if (s == NULL)
		s = start_process(p);
	if (s == NULL)
		return NULL;
	ipc_begin(&s->ipc, HANDOVER_CONNECTION);
	if (ipc_end(&s->ipc, fd) != 0 || ipc_drain(&s->ipc) != 0) {
		close_ipc(s); /* reaped later */
		return NULL;
	}
	s->busy = true;
	s->starting = true;
	s->source = *source;
	p->spares--;
	return s;
}
