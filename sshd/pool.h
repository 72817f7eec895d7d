/*
 * pool.h - session processes: those that wait for a connection (spares) and
 * those that have one.
 *
 * Each is executed afresh, so each has an address layout of its own, and
 * serves one connection. It gets its configuration in a sealed memory file
 * and the host keys over a socket.
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
	pid_t pid;
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
	void *context;
};

/* NULL where memory or the memory file fails. */
struct pool *pool_new(const struct pool_config *config) MUST_CHECK;

/* Spares end; processes with a connection go on. */
void pool_free(struct pool *p);

/* Starts spares until there are as many as are wanted. */
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
void pool_forget(struct pool_process *p);

/* A spare ended by itself: no new ones for a while. */
void pool_spare_failed(struct pool *p);

/* ---- the other end: what a session process starts with ---- */

#define POOL_IPC_FD     3
#define POOL_STARTUP_FD 4
/* Longest configuration: CONFIG_MAX_BYTES and a little. */
#define POOL_STARTUP_MAX ((size_t)65 * 1024 * 1024)

/* Remembers this program's own file, before it can be replaced. */
int pool_remember_program(void) MUST_CHECK;

#endif
