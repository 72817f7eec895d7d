/*
 * agent_add.c - AddKeysToAgent.
 */
#include "ssh/agent_add.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/port/prompt.h"
#include "ssh/agent_socket.h"

static bool
is_wanted(const struct ssh_options *o, const struct identity *id)
{
	char *print, *question;
	bool yes = false;

	if (o->add_keys_to_agent.mode != ADD_KEYS_ASK)
		return true;
	if (o->batch_mode)
		return false;
	print = key_fingerprint(id->private, DIGEST_SHA256);
	question = text_format("Add key %s (%s) to agent? (yes/no) ", id->path,
	    print != NULL ? print : "");
	if (question != NULL && prompt_confirm(question, &yes, NULL) != 0)
		yes = false;
	free(print);
	free(question);
	return yes;
}

void
agent_add_identity(const struct ssh_options *o, const struct identity *id)
{
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	const char *path = agent_socket_own(), *comment;
	struct agent *agent;
	struct error e = { 0 };
	int r;

	if (o->add_keys_to_agent.mode == ADD_KEYS_NO || path == NULL ||
	    id->private == NULL || id->was_in_agent)
		return;
	/* A connection of its own: the one for the login may be bound to the
	 * session. */
	if ((r = agent_socket_open(path, &agent, &e)) != 0) {
		log_debug1("%s", error_message(&e, r));
		return;
	}
	c.confirm = o->add_keys_to_agent.mode == ADD_KEYS_CONFIRM;
	c.lifetime_s = (uint32_t)o->add_keys_to_agent.lifetime_s;
	comment = key_comment(id->private);
	if (is_wanted(o, id)) {
		r = agent_add(agent, id->private, NULL,
		    *comment != '\0' ? comment : id->path, &c, &e);
		if (r == 0)
			log_debug1("identity added to agent: %s", id->path);
		else
			log_debug1("could not add identity to agent: %s: %s",
			    id->path, error_message(&e, r));
	}
	agent_close(agent);
}
