/*
 * agent_peer.h - what the files that handle requests share about a
 * connection. Private to agent_server.c, agent_keys.c, agent_sign.c and
 * agent_extension.c.
 */
#ifndef AGENT_AGENT_PEER_H
#define AGENT_AGENT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_permission.h"
#include "agent/agent_server.h"
#include "common/base/buf.h"
#include "common/base/secret.h"

/* A signature that was asked for and waits for a person or a worker. */
struct agent_pending {
	struct buf blob; /* of the key */
	struct buf data;
	uint32_t flags;
};

struct agent_peer {
	struct agent_server *server;
	struct agent_way way;
	struct buf in, out;
	struct agent_time now; /* of this run */
	struct agent_pending pending;
	struct agent_constraints pending_constraints; /* of a provider's keys */
	struct agent_job *job; /* to be taken, or just done */
	bool is_busy;          /* it was taken */
	bool is_done;          /* it came back */
	uint64_t wait_until_us;
};

/* Handles one message, of which the type was read: appends an answer, or sets
 * p->job or p->wait_until_us. */
typedef void agent_handler(struct agent_peer *p, struct reader *r);

agent_handler agent_on_list, agent_on_sign;
agent_handler agent_on_add, agent_on_add_constrained;
agent_handler agent_on_remove, agent_on_remove_all;
agent_handler agent_on_lock, agent_on_unlock;
agent_handler agent_on_add_provider, agent_on_add_provider_constrained;
agent_handler agent_on_remove_provider;
agent_handler agent_on_extension;

/* The job is done: the answer, or the next job. The job stays the caller's. */
typedef void agent_done_handler(struct agent_peer *p, struct agent_job *job);

agent_done_handler agent_confirmed, agent_signed, agent_provider_opened;

void agent_answer(struct agent_peer *p, enum agent_message type);
void agent_answer_status(struct agent_peer *p, bool is_success);

struct agent_job *agent_job_new(enum agent_job_kind kind) MUST_CHECK;
void agent_pending_release(struct agent_pending *pending);

/* The key of this blob, if this connection may know of it. */
struct agent_key *agent_find_seen(const struct agent_peer *p, struct span blob);

/*
 * Adds k, which is taken, with the lifetime of its constraints or the
 * default. ERR_LIMIT; ERR_PERMISSION: it would replace one that this
 * connection may not see.
 */
int agent_add_key(
    struct agent_peer *p, struct agent_key *k, struct error *e) MUST_CHECK;

/*
 * The real path of a provider, fresh text, if this connection may name it and
 * the policy allows it. "internal" stands for itself.
 */
int agent_allow_provider(const struct agent_peer *p, const char *path,
    char **ret, struct error *e) MUST_CHECK;

/* A line of refusal: what, the key, why; for the log. */
void agent_log_refused(const struct agent_peer *p, const char *what,
    const struct agent_key *k, const char *why);

#endif
