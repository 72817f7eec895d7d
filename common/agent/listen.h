/*
 * listen.h - the sockets of agents and of sshd's forwarded agents, and the
 * folders they lie in. Surface notes s6, s11.
 *
 *   HOME/.ssh/agent/s.<host>.<kind>.<random>   <host>: 10 digits that stand
 *                                              for this machine's name, for
 *                                              homes that several share
 *   FOLDER/ssh-<random>/agent.<number>         the way before OpenSSH 10.1
 *
 * Folders are made with mode 0700, sockets with 0600. Knows nothing of the
 * protocol; the umask is changed for the moment of bind(2), so not for
 * processes with threads.
 */
#ifndef COMMON_AGENT_LISTEN_H
#define COMMON_AGENT_LISTEN_H

#include "common/base/attributes.h"
#include "common/base/error.h"

struct agent_listener {
	int fd; /* listening, non-blocking; owned */
	char *path;
	char *folder; /* made for this socket, goes with it; NULL: none */
};

#define AGENT_LISTENER_NONE                                                    \
	{                                                                      \
		-1, NULL, NULL                                                 \
	}

/* kind: "agent", "sshd". The folders on the way are made where they are
 * missing. ERR_PERMISSION: HOME/.ssh/agent is not ours alone to change;
 * ERR_LIMIT: the path is too long for a socket; ERR_SYSTEM. */
int agent_listen_home(const char *home, const char *kind,
    struct agent_listener *ret, struct error *e) MUST_CHECK;

/* In a new folder of its own below folder. ERR_LIMIT, ERR_SYSTEM. */
int agent_listen_below(const char *folder, unsigned long number,
    struct agent_listener *ret, struct error *e) MUST_CHECK;

/* At a path that somebody chose. ERR_LIMIT, ERR_SYSTEM. */
int agent_listen_at(
    const char *path, struct agent_listener *ret, struct error *e) MUST_CHECK;

/* Removes the socket and its folder, and closes. */
void agent_listener_end(struct agent_listener *l);
/* Closes and forgets, in a process that only inherited it. */
void agent_listener_forget(struct agent_listener *l);

/* "s.<host>.": what the names of this machine's sockets in HOME/.ssh/agent
 * begin with. Fresh text; NULL without memory. */
char *agent_listen_prefix(void);

#endif
