/*
 * client.h - asking an agent: the client's end of the agent protocol over a
 * socket. draft-ietf-sshm-ssh-agent; constraints and session-bind: surface
 * notes s9.
 *
 * Calls block until the agent has answered (a person may have to confirm a
 * signature). Answers are hostile bytes: they are parsed with bounds, one of
 * more than AGENT_MESSAGE_MAX bytes ends the connection. After ERR_CLOSED,
 * ERR_TIMEOUT or ERR_FORMAT the connection is of no more use.
 */
#ifndef COMMON_AGENT_CLIENT_H
#define COMMON_AGENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/agent/protocol.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

struct agent;

/* The socket at path; NULL: that of $SSH_AUTH_SOCK. ERR_NOT_FOUND where the
 * variable is not set or empty; ERR_SYSTEM with what connect(2) said. */
int agent_connect(
    const char *path, struct agent **ret, struct error *e) MUST_CHECK;
/* Around a connected descriptor, which is taken. */
int agent_adopt(int fd, struct agent **ret) MUST_CHECK;
void agent_close(struct agent *a); /* NULL is accepted */
int agent_fd(const struct agent *a);
/* An answer that is not there after so long is ERR_TIMEOUT, and ends the
 * connection as ERR_CLOSED does. 0, as at first: waits for ever. */
void agent_set_patience(struct agent *a, unsigned answer_ms);

struct agent_identity {
	struct buf blob;
	struct key *key; /* NULL: of a type that we do not know */
	char *comment;   /* as sent, cut at a NUL; hostile text */
};

struct agent_identities {
	struct agent_identity *item;
	size_t count;
};

int agent_list(
    struct agent *a, struct agent_identities *ret, struct error *e) MUST_CHECK;
void agent_identities_release(struct agent_identities *list);

/*
 * Appends the signature blob over data by the private half of the key with
 * this public blob (a certificate's blob where the agent listed the
 * certificate). The algorithm chooses the flags (rsa-sha2-*). ERR_PERMISSION:
 * the agent refused. An answer by another algorithm than asked for is
 * ERR_SIGNATURE_ALGORITHM.
 */
int agent_sign(struct agent *a, struct span blob,
    const struct signature_algorithm *algorithm, struct span data,
    struct buf *ret_signature, struct error *e) MUST_CHECK;

/*
 * A key of a public blob that signs through the agent (key_set_signer). The
 * agent is borrowed and must outlive the key.
 */
int agent_key(struct agent *a, struct span blob, struct key **ret) MUST_CHECK;

/* ERR_PERMISSION where the agent refuses. certificate (may be NULL) goes with
 * the key instead of its plain public half. */
int agent_add(struct agent *a, const struct key *k,
    const struct key *certificate, const char *comment,
    const struct agent_constraints *c, struct error *e) MUST_CHECK;
/* Keys of a PKCS#11 provider; pin is secret. */
int agent_add_provider(struct agent *a, const char *path, const char *pin,
    const struct agent_constraints *c, struct error *e) MUST_CHECK;
int agent_remove_provider(struct agent *a, const char *path, const char *pin,
    struct error *e) MUST_CHECK;
int agent_remove(struct agent *a, struct span blob, struct error *e) MUST_CHECK;
int agent_remove_all(struct agent *a, struct error *e) MUST_CHECK;
int agent_lock(struct agent *a, bool lock, const char *password,
    struct error *e) MUST_CHECK;

/* session-bind@openssh.com: this connection to the agent is used for (or
 * forwarded to) the session that the host key signed. */
int agent_bind(struct agent *a, struct span host_key, struct span session_id,
    struct span signature, bool is_forwarding, struct error *e) MUST_CHECK;

/* The names of the extensions that it answers to `query`. ERR_UNSUPPORTED. */
int agent_query(
    struct agent *a, struct strings *ret, struct error *e) MUST_CHECK;

#endif
