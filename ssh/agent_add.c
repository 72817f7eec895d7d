/*
 * agent_add.c - AddKeysToAgent.
 */
#include "ssh/agent_add.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/port/prompt.h"
#include "ssh/agent_socket.h"
#include "ssh/providers.h"

/* A security key's file goes with the name of who speaks to the key; what is
 * in a token cannot be put elsewhere. */
static bool
may_be_added(const struct key *k)
{
	return key_is_security_key(k) || !key_signs_elsewhere(k);
}

static const char *
provider_of(const struct ssh_options *o)
{
	const char *named = providers_security_key(o);

	if (named == NULL)
		named = getenv("SSH_SK_PROVIDER");
	return named != NULL && *named != '\0' ? named : "internal";
}

static int
add(const struct ssh_options *o, const struct identity *id, struct agent *agent,
    struct error *e)
{
	const char *comment = key_comment(id->private);
	const char *provider = provider_of(o);
	struct agent_constraints c = {
		.confirm = o->add_keys_to_agent.mode == ADD_KEYS_CONFIRM,
		.lifetime_s = (uint32_t)o->add_keys_to_agent.lifetime_s,
	};
	int r;

	if (key_is_security_key(id->private)) {
		c.sk_provider = strdup(provider);
		if (c.sk_provider == NULL)
			return error_set(e, ERR_MEMORY, "out of memory");
	}
	r = agent_add(agent, id->private, NULL,
	    *comment != '\0' ? comment : id->path, &c, e);
	agent_constraints_release(&c);
	return r;
}

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
	const char *path = agent_socket_own();
	struct agent *agent;
	struct error e = { 0 };
	int r;

	if (o->add_keys_to_agent.mode == ADD_KEYS_NO || path == NULL ||
	    id->private == NULL || id->was_in_agent ||
	    !may_be_added(id->private))
		return;
	/* A connection of its own: the one for the login may be bound to the
	 * session. */
	if ((r = agent_socket_open(path, &agent, &e)) != 0) {
		log_debug1("%s", error_message(&e, r));
		return;
	}
	if (is_wanted(o, id)) {
		if ((r = add(o, id, agent, &e)) == 0)
			log_debug1("identity added to agent: %s", id->path);
		else
			log_debug1("could not add identity to agent: %s: %s",
			    id->path, error_message(&e, r));
	}
	agent_close(agent);
}
