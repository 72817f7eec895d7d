/*
 * agent_permission.h - ssh-agent: which keys a connection may see and use.
 * session-bind@openssh.com, restrict-destination-v00@openssh.com: surface
 * notes s9.
 *
 * ssh tells the agent, over the connection that it uses, which session that
 * connection serves: the host key that signed the session's identifier, and
 * whether ssh logs in by it or forwards it to that host. So the agent knows
 * the way from here to whoever asks: a row of hops, all but the last of them
 * forwarded. A key with destination constraints is
 *
 *     seen        if every hop of the way is allowed; beyond a forwarded last
 *                 hop only if it may be used from there to somewhere
 *     used        if it is also a login that is signed for, over the last
 *                 hop, which is not a forwarded one: the session, the user
 *                 and the host key (where the request says it) are those
 *     forwarded   never: over a forwarded hop nothing is signed
 *
 * Whoever has no bound way but once tried to bind one gets nothing.
 * No I/O.
 */
#ifndef AGENT_AGENT_PERMISSION_H
#define AGENT_AGENT_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_store.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

#define AGENT_HOPS_MAX       16
#define AGENT_SESSION_ID_MAX 128

struct agent_bound_hop {
	struct key *host_key;
	uint8_t session_id[AGENT_SESSION_ID_MAX];
	size_t session_id_len;
	bool is_forwarded;
};

/* The way from the agent to whoever asks over one connection. */
struct agent_way {
	struct agent_bound_hop hop[AGENT_HOPS_MAX];
	size_t count;
	bool was_attempted; /* session-bind was asked for */
};

void agent_way_release(struct agent_way *w);

/*
 * The body of session-bind@openssh.com. The signature is verified.
 * ERR_FORMAT, ERR_KEY_*, ERR_SIGNATURE; ERR_LIMIT: too many hops;
 * ERR_PERMISSION: the way ended already in a login, or the session is known
 * with another host key. e says why.
 */
int agent_way_bind(
    struct agent_way *w, struct reader *r, struct error *e) MUST_CHECK;

/* May whoever asks know of the key? wall_s: for host certificates. */
bool agent_may_see(
    const struct agent_way *w, const struct agent_key *k, uint64_t wall_s);

/* What a signature is for, as far as the data tell. */
struct agent_signed_request {
	struct span session_id, user, host_key; /* host_key: may be empty */
};

/*
 * Are the data those of a login by public key (RFC 4252 s7) with the key of
 * this blob?
 */
bool agent_is_userauth(
    struct span data, struct span key_blob, struct agent_signed_request *ret);

/* Are the data those of an SSHSIG signature (of a file)? */
bool agent_is_sshsig(struct span data);

/*
 * May whoever asks have data signed by the key? 0, or ERR_PERMISSION and why
 * not.
 */
int agent_may_sign(const struct agent_way *w, const struct agent_key *k,
    struct span data, uint64_t wall_s, struct error *e) MUST_CHECK;

#endif
