/*
 * keyscan_resolver.c - addresses of names, found by a few threads.
 *
 * The loop's thread puts targets into the queue of work; a thread takes one,
 * asks getaddrinfo(3), puts it into the queue of results and writes a byte
 * into a pipe, which wakes the loop. A target belongs to whichever side holds
 * it, so nothing in it is locked. Threads are started when there is work and
 * none is idle.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keygen/keyscan.h"

struct queue {
	struct target *first;
	struct target **last;
};

struct resolver {
	int family;
	unsigned port;
	resolver_function *done;
	void *context;
	int pipe[2];
	struct watch *watch;
	pthread_mutex_t mutex; /* over all below */
	pthread_cond_t has_work;
	struct queue work, results;
	pthread_t threads[RESOLVER_THREADS];
	unsigned thread_count, idle;
	bool is_over;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void
queue_put(struct queue *q, struct target *t)
{
	t->next = NULL;
	*q->last = t;
	q->last = &t->next;
}

static struct target *
queue_take(struct queue *q)
{
	struct target *t = q->first;

	if (t != NULL && (q->first = t->next) == NULL)
		q->last = &q->first;
	return t;
}

/* ---- in a thread ---- */

static void
look_up(const struct resolver *r, struct target *t)
{
	const struct addrinfo hints = { .ai_family = r->family,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL, *a;

	t->found_count = 0;
	t->at = 0;
	t->lookup_error = getaddrinfo(t->entry, NULL, &hints, &list);
	t->lookup_errno = errno;
	if (t->lookup_error != 0)
		return;
	for (a = list; a != NULL && t->found_count < ADDRESSES_MAX;
	     a = a->ai_next) {
		struct address *to = &t->found[t->found_count];

		if (address_from_sockaddr(a->ai_addr, to) != 0)
			continue;
		to->port = (uint16_t)r->port;
		t->found_count++;
	}
	freeaddrinfo(list);
}

static void *
serve(void *context)
{
	struct resolver *r = context;
	struct target *t;

	pthread_mutex_lock(&r->mutex);
	for (;;) {
		while ((t = queue_take(&r->work)) == NULL && !r->is_over) {
			r->idle++;
			pthread_cond_wait(&r->has_work, &r->mutex);
			r->idle--;
		}
		if (t == NULL)
			break;
		pthread_mutex_unlock(&r->mutex);
		look_up(r, t);
		pthread_mutex_lock(&r->mutex);
		queue_put(&r->results, t);
		/* A full pipe has woken the loop already. */
		IGNORE_RESULT(write(r->pipe[1], "", 1));
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* ---- on the loop ---- */

static void
on_results(struct watch *w, unsigned ready, void *context)
{
	struct resolver *r = context;
	char bytes[256];
	struct target *t;

	while (read(r->pipe[0], bytes, sizeof(bytes)) > 0)
		;
	for (;;) {
		pthread_mutex_lock(&r->mutex);
		t = queue_take(&r->results);
		pthread_mutex_unlock(&r->mutex);
		if (t == NULL)
			break;
		r->done(t, r->context);
	}
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	r->is_over = true;
	pthread_cond_broadcast(&r->has_work);
	pthread_mutex_unlock(&r->mutex);
	for (unsigned i = 0; i < r->thread_count; i++)
		pthread_join(r->threads[i], NULL);
	watch_free(r->watch);
	close(r->pipe[0]);
	close(r->pipe[1]);
	free(r);
}

int
resolver_new(struct loop *loop, int family, unsigned port,
    resolver_function *done, void *context, struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return complain(1, "out of memory");
	*r = (struct resolver){
		.family = family, .port = port, .done = done, .context = context
	};
	queue_init(&r->work);
	queue_init(&r->results);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->has_work, NULL);
	if (pipe2(r->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		free(r);
		return complain(1, "pipe: %s", strerror(errno));
	}
	r->watch = watch_new(loop, r->pipe[0], on_results, r);
	if (r->watch == NULL) {
		resolver_free(r);
		return complain(1, "out of memory");
	}
	watch_set(r->watch, WATCH_READ);
	*ret = r;
	return 0;
}

void
resolver_start(struct resolver *r, struct target *t)
{
	bool is_alone;

	pthread_mutex_lock(&r->mutex);
	queue_put(&r->work, t);
	if (r->idle == 0 && r->thread_count < RESOLVER_THREADS &&
	    pthread_create(&r->threads[r->thread_count], NULL, serve, r) == 0)
		r->thread_count++;
	pthread_cond_signal(&r->has_work);
	is_alone = r->thread_count == 0;
	pthread_mutex_unlock(&r->mutex);
	if (is_alone) {
		/* No thread could be made: then it blocks, but it works. */
		t = queue_take(&r->work);
		look_up(r, t);
		r->done(t, r->context);
	}
}
