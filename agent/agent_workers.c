/*
 * agent_workers.c - threads that do jobs.
 */
#include "agent/agent_workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/agent/helper.h"
#include "common/base/list.h"
#include "common/base/log.h"

#define THREADS_MAX 16

struct task {
	struct list link;
	struct agent_job *job;
	void *owner;
};

/* Threads that take from one queue. */
struct crew {
	struct agent_workers *workers;
	struct list waiting;
	pthread_cond_t has_work;
	pthread_t thread[THREADS_MAX];
	size_t wanted;
	size_t count;
	size_t busy; /* threads that do a job */
};

struct agent_workers {
	pthread_mutex_t mutex; /* guards lists, `busy` and `stopping` */
	struct list done;
	struct crew local, device;
	bool stopping;
	int fd;
};

/* ---- in the threads ---- */

static void
work(struct agent_job *job)
{
	struct error e = { 0 };

	if (job->kind == AGENT_JOB_SIGN) {
		job->result = key_sign(job->key, job->algorithm,
		    buf_span(&job->data), &job->signature);
		return;
	}
	job->result = token_open(
	    job->provider, job->pin, &helper_person_prompt, &job->token, &e);
	if (job->result != 0)
		log_error("the provider %s: %s", job->provider,
		    error_message(&e, job->result));
}

static void
tell(int fd)
{
	uint64_t one = 1;

	/* A counter that is full already wakes the loop. */
	IGNORE_RESULT(write(fd, &one, sizeof(one)) < 0);
}

static void *
run_thread(void *context)
{
	struct crew *crew = context;
	struct agent_workers *w = crew->workers;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		struct task *task;

		while (list_is_empty(&crew->waiting) && !w->stopping)
			pthread_cond_wait(&crew->has_work, &w->mutex);
		if (w->stopping)
			break;
		task = list_entry(crew->waiting.next, struct task, link);
		list_remove(&task->link);
		crew->busy++;
		pthread_mutex_unlock(&w->mutex);
		work(task->job);
		pthread_mutex_lock(&w->mutex);
		crew->busy--;
		list_add_last(&w->done, &task->link);
		tell(w->fd);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* ---- in the loop's thread ---- */

static int
start_crew(struct crew *crew)
{
	sigset_t all, old;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (crew->count < crew->wanted &&
	       pthread_create(
		   &crew->thread[crew->count], NULL, run_thread, crew) == 0)
		crew->count++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return crew->count > 0 ? 0 : ERR_SYSTEM;
}

static void
init_crew(struct crew *crew, struct agent_workers *w, long wanted)
{
	crew->workers = w;
	crew->wanted = wanted < 1 ? 1 : (size_t)wanted;
	if (crew->wanted > THREADS_MAX)
		crew->wanted = THREADS_MAX;
	list_init(&crew->waiting);
	pthread_cond_init(&crew->has_work, NULL);
}

struct agent_workers *
agent_workers_new(void)
{
	struct agent_workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	if ((w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		free(w);
		return NULL;
	}
	pthread_mutex_init(&w->mutex, NULL);
	list_init(&w->done);
	init_crew(&w->local, w, sysconf(_SC_NPROCESSORS_ONLN));
	init_crew(&w->device, w, 1);
	return w;
}

static void
free_tasks(struct list *tasks)
{
	list_for_each_safe(link, tasks) {
		struct task *task = list_entry(link, struct task, link);

		agent_job_free(task->job);
		free(task);
	}
}

static void
end_crew(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		pthread_join(crew->thread[i], NULL);
	free_tasks(&crew->waiting);
	pthread_cond_destroy(&crew->has_work);
}

bool
agent_workers_free(struct agent_workers *w)
{
	bool is_waiting;

	if (w == NULL)
		return true;
	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	is_waiting = w->device.busy > 0;
	pthread_cond_broadcast(&w->local.has_work);
	pthread_cond_broadcast(&w->device.has_work);
	pthread_mutex_unlock(&w->mutex);
	if (is_waiting)
		return false;
	end_crew(&w->local);
	end_crew(&w->device);
	free_tasks(&w->done);
	pthread_mutex_destroy(&w->mutex);
	close(w->fd);
	free(w);
	return true;
}

int
agent_workers_fd(const struct agent_workers *w)
{
	return w->fd;
}

int
agent_workers_submit(
    struct agent_workers *w, struct agent_job *job, void *owner)
{
	bool is_local =
	    job->kind == AGENT_JOB_SIGN && !key_signs_elsewhere(job->key);
	struct crew *crew = is_local ? &w->local : &w->device;
	struct task *task;
	int r;

	if (crew->count == 0 && (r = start_crew(crew)) != 0)
		return r;
	if ((task = malloc(sizeof(*task))) == NULL)
		return ERR_MEMORY;
	task->job = job;
	task->owner = owner;
	pthread_mutex_lock(&w->mutex);
	list_add_last(&crew->waiting, &task->link);
	pthread_cond_signal(&crew->has_work);
	pthread_mutex_unlock(&w->mutex);
	return 0;
}

struct agent_job *
agent_workers_next(struct agent_workers *w, void **ret_owner)
{
	struct agent_job *job = NULL;
	uint64_t count;

	pthread_mutex_lock(&w->mutex);
	if (!list_is_empty(&w->done)) {
		struct task *task = list_entry(w->done.next, struct task, link);

		list_remove(&task->link);
		job = task->job;
		*ret_owner = task->owner;
		free(task);
	} else {
		/* With the mutex held nothing is done meanwhile. */
		IGNORE_RESULT(read(w->fd, &count, sizeof(count)) < 0);
	}
	pthread_mutex_unlock(&w->mutex);
	return job;
}
