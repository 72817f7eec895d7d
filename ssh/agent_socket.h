/*
 * agent_socket.h - which agent: IdentityAgent, ForwardAgent, SSH_AUTH_SOCK.
 *
 * An agent may be anything that listens at a path: connecting and asking for
 * its keys take AGENT_SOCKET_PATIENCE_MS at most.
 */
#ifndef SSH_AGENT_SOCKET_H
#define SSH_AGENT_SOCKET_H

#include "common/agent/client.h"
#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/transport/transport.h"
#include "ssh/options.h"

#define AGENT_SOCKET_PATIENCE_MS 5000

/*
 * IdentityAgent becomes our SSH_AUTH_SOCK, so that what we start meets the
 * same agent: a path, $NAME, SSH_AUTH_SOCK (as it is), none (removes it).
 * ERR_CONFIG for a $ that no name follows.
 */
int agent_socket_settle(
    const struct ssh_options *o, struct error *e) MUST_CHECK;

/* SSH_AUTH_SOCK; NULL: there is no agent. Borrowed. */
const char *agent_socket_own(void);

/* The agent that ForwardAgent means; NULL: none. Borrowed. */
const char *agent_socket_forwarded(const struct ssh_options *o);

/* A connection without patience for answers (AGENT_SOCKET_PATIENCE_MS), see
 * agent_set_patience(). ERR_LIMIT, ERR_TIMEOUT, ERR_SYSTEM. */
int agent_socket_open(
    const char *path, struct agent **ret, struct error *e) MUST_CHECK;

/* A connected descriptor; non-blocking from the beginning where set. */
int agent_socket_connect(const char *path, bool nonblocking, int *ret_fd,
    struct error *e) MUST_CHECK;

/*
 * Our agent, for the login of this session (keys are exchanged): it is told
 * for which host it is asked (session-bind@openssh.com), which agents without
 * that extension need not understand. NULL: there is none, keys are not used,
 * or it cannot be reached; that is logged.
 */
struct agent *agent_for_session(
    const struct ssh_options *o, const struct transport *t);

#endif
