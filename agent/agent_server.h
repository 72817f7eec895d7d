/*
 * agent_server.h - ssh-agent: the agent protocol, as the agent speaks it.
 * draft-ietf-sshm-ssh-agent; extensions of OpenSSH: surface notes s9.
 *
 * No I/O, no clock: each connection (struct agent_peer) is given bytes and
 * the time, and gives bytes. What needs the world comes out as a job: to ask a
 * person, to sign where that takes long (RSA; keys in devices), to load a
 * provider's keys. A connection has one job at a time and its further
 * requests wait for it; other connections go on.
 *
 *     reading --request--> answered at once --> reading
 *        |                                         ^
 *        +--request--> job --done--> (next job) ---+
 *        +--unlock too soon--> waiting for the time
 *
 * Every byte from a peer is hostile; a message of more than AGENT_MESSAGE_MAX
 * bytes ends its connection. Holds secrets: what was received is wiped.
 */
#ifndef AGENT_AGENT_SERVER_H
#define AGENT_AGENT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_permission.h"
#include "agent/agent_store.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"

struct token_provider;

struct agent_time {
	uint64_t now_us; /* monotonic */
	uint64_t wall_s;
};

struct agent_policy {
	uint32_t lifetime_s;       /* of keys that bring none; 0: for ever */
	const char *providers;     /* -P: patterns of real paths */
	bool remote_providers;     /* -O allow-remote-pkcs11 */
	bool websafe_restricted;   /* not -O no-restrict-websafe */
	const char *websafe_allow; /* patterns of applications; NULL: none */
	enum digest_algorithm fingerprint;
};

/* What is asked of the machine while a request is handled. */
struct agent_host {
	/* realpath(3): fresh text, or NULL. */
	char *(*resolve)(const char *path);
};

struct agent_server {
	struct agent_policy policy;
	const struct agent_host *host;
	struct agent_store store;
};

void agent_server_init(struct agent_server *s, const struct agent_policy *p,
    const struct agent_host *host);
void agent_server_release(struct agent_server *s);

/* ---- jobs ---- */

enum agent_job_kind {
	AGENT_JOB_CONFIRM, /* ask question; result 0: yes */
	AGENT_JOB_SIGN,    /* key_sign(key, algorithm, data, &signature) */
	AGENT_JOB_PROVIDER /* token_open(provider, pin, ..., &token) */
};

struct agent_job {
	enum agent_job_kind kind;
	char *question;
	struct key *key;
	const struct signature_algorithm *algorithm;
	struct buf data;
	struct buf signature;
	char *provider;
	char *pin; /* secret */
	struct token_provider *token;
	int result; /* by whoever does it */
};

void agent_job_free(struct agent_job *job); /* NULL is accepted */

/* ---- connections ---- */

enum agent_state {
	AGENT_READING, /* more bytes are wanted, or room for output */
	AGENT_JOB,     /* agent_peer_take_job() */
	AGENT_BUSY,    /* its job was taken and is not done */
	AGENT_WAITING  /* until agent_peer_wait_until() */
};

struct agent_peer;

struct agent_peer *agent_peer_new(struct agent_server *s) MUST_CHECK;
void agent_peer_free(struct agent_peer *p); /* NULL is accepted */

/* Room for received bytes, and how many were put there. len 0: not now. */
uint8_t *agent_peer_space(struct agent_peer *p, size_t *ret_len);
void agent_peer_received(struct agent_peer *p, size_t n);

/* Works off what there is. ERR_FORMAT or ERR_MEMORY: the connection is to be
 * closed. */
int agent_peer_run(struct agent_peer *p, struct agent_time now,
    enum agent_state *ret) MUST_CHECK;

/* Bytes to send, and how many of them were sent. */
struct span agent_peer_output(const struct agent_peer *p);
void agent_peer_sent(struct agent_peer *p, size_t n);

/* The job is the caller's until it gives it back (done, with its result), or,
 * where the connection is gone meanwhile, frees it. */
struct agent_job *agent_peer_take_job(struct agent_peer *p);
void agent_peer_job_done(struct agent_peer *p, struct agent_job *job);
uint64_t agent_peer_wait_until(const struct agent_peer *p);

#endif
