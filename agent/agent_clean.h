/*
 * agent_clean.h - ssh-agent: sockets that nobody serves any more.
 * Places: common/agent/listen.h.
 */
#ifndef AGENT_AGENT_CLEAN_H
#define AGENT_AGENT_CLEAN_H

#include <stdbool.h>

/*
 * Removes the dead sockets of this user in ~/.ssh/agent of this home folder,
 * those that were made on this machine or on any; their number. One that is
 * a few seconds old may yet come to life and is left.
 */
unsigned agent_clean_sockets(const char *home, bool any_host);

#endif
