/*
 * agent_workers.h - ssh-agent: threads that do jobs which take long.
 *
 * Jobs go in and come out by one thread, that of the event loop; the threads
 * are started with the first job. Signatures of keys that are here go to one
 * crew, as many as there are processors; what waits for a device goes to
 * another, of one thread: a key that waits for its touch holds up nobody
 * else, and a device is used by one thread only.
 */
#ifndef AGENT_AGENT_WORKERS_H
#define AGENT_AGENT_WORKERS_H

#include <stdbool.h>

#include "agent/agent_server.h"
#include "common/base/attributes.h"

struct agent_workers;

struct agent_workers *agent_workers_new(void) MUST_CHECK;

/*
 * Waits for signatures that are being made here, and frees; NULL is accepted.
 * false: a device, or a person in front of it, has not answered. That is not
 * waited for: nothing is freed, and only _exit(2) ends the process.
 */
bool agent_workers_free(struct agent_workers *w) MUST_CHECK;

/* Readable when a job is done. */
int agent_workers_fd(const struct agent_workers *w);

/* Takes the job; owner comes back with it. On failure it stays the
 * caller's. */
int agent_workers_submit(
    struct agent_workers *w, struct agent_job *job, void *owner) MUST_CHECK;

/* The next job that is done, the caller's; NULL: none. */
struct agent_job *agent_workers_next(struct agent_workers *w, void **ret_owner);

#endif
