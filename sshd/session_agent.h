/*
 * session_agent.h - the client's agent within the user's session: a socket
 * whose connections go to the client as channels.
 * auth-agent-req@openssh.com, auth-agent@openssh.com and the names without a
 * suffix (draft-ietf-sshm-ssh-agent s5); surface notes s9, s11.
 *
 * One socket serves all sessions of a connection. It lies in ~/.ssh/agent,
 * or in a folder of its own in /tmp where the home takes none, and goes with
 * the connection. At most SESSION_AGENT_CONNECTIONS of its connections are
 * served at a time; more wait to be accepted.
 */
#ifndef SSHD_SESSION_AGENT_H
#define SSHD_SESSION_AGENT_H

#include <stdbool.h>

#include "sshd/user_session.h"

#define SESSION_AGENT_CONNECTIONS 64

/* A session asked for it. channel_type: of the channels to open; static.
 * False: it may not be, or cannot be done. */
bool session_agent_request(struct user_session *u, const char *channel_type);

/* For SSH_AUTH_SOCK; NULL: there is none. */
const char *session_agent_path(const struct user_session *u);

/* The connection is over: ends all, removes the socket. */
void session_agent_end(struct user_session *u);

#endif
