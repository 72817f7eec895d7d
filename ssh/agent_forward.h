/*
 * agent_forward.h - the server's channels to our agent.
 * auth-agent@openssh.com (agent-connect in draft-ietf-sshm-ssh-agent);
 * session-bind@openssh.com, surface notes s9.
 *
 * Each channel gets a connection of its own to the agent, which is first told
 * for which host it is (so that keys can be restricted to hosts); nothing of
 * the server's goes before the agent has answered that. Nothing here waits: an
 * agent that is slow, dead or talks nonsense costs its channel, no more. At
 * most AGENT_FORWARD_CHANNELS at a time.
 */
#ifndef SSH_AGENT_FORWARD_H
#define SSH_AGENT_FORWARD_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"
#include "common/transport/transport.h"
#include "ssh/options.h"

#define AGENT_FORWARD_CHANNELS 128

struct agent_forward;

/* NULL: ForwardAgent is off, or there is no such agent (which is logged). */
struct agent_forward *agent_forward_new(
    const struct ssh_options *o, struct loop *loop, struct transport *t);
void agent_forward_free(struct agent_forward *f); /* NULL is accepted */

/* The name of the request that announces it to this server. */
const char *agent_forward_request(const struct transport *t);

bool agent_forward_is_type(struct span channel_type);

/* As connection_handlers.on_channel_open, for channels of such a type. f
 * NULL: nobody asked for it. */
bool agent_forward_open(struct agent_forward *f, struct channel *c,
    struct reader *r, uint32_t *ret_reason, const char **ret_text);

#endif
