/*
 * socket.h - the sockets of agents: where they are made, and how those that
 * nobody serves any more go away.
 * Places: surface notes s6.
 *
 *     ~/.ssh/agent/s.HOST.PURPOSE.RANDOM
 *
 * HOST stands for the machine (home folders are shared between machines), and
 * PURPOSE says who made it: "agent", "sshd". The folder is private (0700), a
 * socket too (0600). A socket gets its name when it is being listened to, so
 * one that refuses connections is dead.
 */
#ifndef COMMON_AGENT_SOCKET_H
#define COMMON_AGENT_SOCKET_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"

/* A listening socket in ~/.ssh/agent of this home folder; *ret_path is fresh
 * text. ERR_LIMIT: the home folder's name is too long for a socket's. */
int agent_socket_in_home(const char *home, const char *purpose, int *ret_fd,
    char **ret_path, struct error *e) MUST_CHECK;

/* In a fresh folder: $TMPDIR/ssh-XXXXXXXXXX/agent.PID; remove both. */
int agent_socket_in_temporary(
    long pid, int *ret_fd, char **ret_path, struct error *e) MUST_CHECK;

/* At a path of the caller's choice, where nothing may be: ERR_EXISTS. */
int agent_socket_at(const char *path, int *ret_fd, struct error *e) MUST_CHECK;

/* Removes the dead sockets in ~/.ssh/agent that were made on this machine, or
 * on any; their number. */
unsigned agent_socket_clean(const char *home, bool any_host);

#endif
