/*
 * progress.c - a sign that something is going on.
 *
 * The work itself (a large RSA key takes minutes) runs undisturbed in the
 * thread that called; the dots are another one's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "keygen/keygen.h"

#define PATIENCE_S 2

struct progress {
	pthread_t thread;
	pthread_mutex_t mutex; /* over is_over */
	pthread_cond_t ends;
	bool is_over;
};

/* Waits so many seconds; false when the work has ended before. */
static bool
wait_seconds(struct progress *p, int seconds)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	while (!p->is_over && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&p->ends, &p->mutex, &until);
	return !p->is_over;
}

static void *
show(void *context)
{
	struct progress *p = context;

	pthread_mutex_lock(&p->mutex);
	if (wait_seconds(p, PATIENCE_S)) {
		fputs("This may take a while ", stderr);
		do {
			fputc('.', stderr);
		} while (wait_seconds(p, 1));
		fputc('\n', stderr);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

struct progress *
progress_begin(const struct options *o)
{
	struct progress *p;

	if (o->is_quiet || !isatty(STDERR_FILENO) ||
	    (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->ends, NULL);
	if (pthread_create(&p->thread, NULL, show, p) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

void
progress_end(struct progress *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->mutex);
	p->is_over = true;
	pthread_cond_signal(&p->ends);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->ends);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
