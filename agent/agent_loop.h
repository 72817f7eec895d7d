/*
 * agent_loop.h - ssh-agent: the process around the protocol: its socket, its
 * connections, its signals, and who does the jobs.
 *
 * Connections are taken of this user and of root only (SO_PEERCRED). Limit:
 * AGENT_CONNECTIONS_MAX, or what the limit on descriptors leaves; more wait
 * until others close.
 */
#ifndef AGENT_AGENT_LOOP_H
#define AGENT_AGENT_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/agent_server.h"
#include "common/base/attributes.h"
#include "common/base/error.h"

#define AGENT_CONNECTIONS_MAX 1024

struct agent_loop_options {
	int listen_fd;      /* borrowed */
	int ready_fd;       /* closed when signals find us ready; -1: none */
	pid_t parent;       /* the agent ends with this process; 0: with none */
	bool is_foreground; /* SIGINT ends it */
};

/*
 * Serves until a signal or the parent's end: 0. ERR_*: it could not begin.
 * ret_is_stopped false: a thread waits for a device; see
 * agent_workers_free().
 */
int agent_loop_run(struct agent_server *s, const struct agent_loop_options *o,
    bool *ret_is_stopped, struct error *e) MUST_CHECK;

#endif
