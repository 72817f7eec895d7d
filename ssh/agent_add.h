/*
 * agent_add.h - AddKeysToAgent: the key of a file that has just been of use
 * goes into the agent.
 */
#ifndef SSH_AGENT_ADD_H
#define SSH_AGENT_ADD_H

#include "ssh/identities.h"
#include "ssh/options.h"

/* Where the option says so, and the agent does not have it. May ask (blocks);
 * a failure is only logged. */
void agent_add_identity(const struct ssh_options *o, const struct identity *id);

#endif
