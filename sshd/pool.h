/*
 * pool.h - session processes: those that wait for a connection (spares) and
 * those that have one.
 *
 * Each serves one connection. They are forked from a template (template.h)
 * and get the host keys over a socket.
 */
#ifndef SSHD_POOL_H
#define SSHD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/list.h"
#include "common/event/loop.h"
#include "common/ipc/ipc.h"
#include "sshd/host_keys.h"
#include "sshd/options.h"

struct pool;

struct pool_process {
	struct list link;
	struct pool *pool;
	uint32_t id;
	pid_t pid;      /* 0 until the template tells it */
	struct ipc ipc; /* fd -1 once it is of no use */
	struct watch *watch;
	struct address source;
	bool busy;     /* has a connection */
	bool starting; /* which has not authenticated yet */
};

struct pool_config {
	struct loop *loop;
	const struct sshd_config *config;
	const struct host_keys *host_keys;
	bool log_to_stderr; /* descriptor 2 is the log; else syslog */
	/* A process said that its user is authenticated. */
	void (*authenticated)(void *context, struct pool_process *p);
	/* A process could not be started after all; to be forgotten. */
	void (*lost)(void *context, struct pool_process *p);
	/* All pids are known (again); see pool_is_complete(). */
	void (*complete)(void *context);
	void *context;
};

/* NULL where memory or the memory file fails. */
struct pool *pool_new(const struct pool_config *config) MUST_CHECK;

/* Spares end; processes with a connection go on. */
void pool_free(struct pool *p);

/* Starts spares until there are as many as are wanted, and the template. */
void pool_fill(struct pool *p);
/* The same, in a moment: not while a login wants the processor. */
void pool_fill_later(struct pool *p);

/*
 * Hands a connection to a spare, or to a process started now. The descriptor
 * stays the caller's. NULL when no process can be started.
 */
struct pool_process *pool_hand_over(
    struct pool *p, int fd, const struct address *source) MUST_CHECK;

/* The process of a pid, or NULL. */
struct pool_process *pool_find(struct pool *p, pid_t pid);
/* Reaps one that has ended; NULL when none has. */
struct pool_process *pool_first_ended(struct pool *p, int *ret_wait_status);
void pool_forget(struct pool_process *p);

/* False while the pid of a process is not known yet: a child that nobody
 * knows may be that one. */
bool pool_is_complete(const struct pool *p);

/* Spares end; later processes have an address layout of their own. */
void pool_renew(struct pool *p);

/* A spare ended by itself: no new ones for a while. */
void pool_spare_failed(struct pool *p);

#endif
