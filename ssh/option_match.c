/*
 * option_match.c - the conditions of ssh_config: Host and Match.
 */
#include "ssh/option_match.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/address.h"

/* What peers and scripts take us for: scripts look for this number. */
#define VERSION_COMPATIBLE "OpenSSH_10.5p1"

enum criterion {
	CRITERION_ALL,
	CRITERION_CANONICAL,
	CRITERION_FINAL,
	CRITERION_EXEC,
	CRITERION_HOST,
	CRITERION_ORIGINALHOST,
	CRITERION_USER,
	CRITERION_LOCALUSER,
	CRITERION_LOCALNETWORK,
	CRITERION_TAGGED,
	CRITERION_COMMAND,
	CRITERION_VERSION,
	CRITERION_SESSIONTYPE
};

const struct config_criterion ssh_criteria[] = {
	[CRITERION_ALL] = { "all", false, true },
	[CRITERION_CANONICAL] = { "canonical", false, true },
	[CRITERION_FINAL] = { "final", false, true },
	[CRITERION_EXEC] = { "exec", true, true },
	[CRITERION_HOST] = { "host", true, true },
	[CRITERION_ORIGINALHOST] = { "originalhost", true, true },
	[CRITERION_USER] = { "user", true, true },
	[CRITERION_LOCALUSER] = { "localuser", true, true },
	[CRITERION_LOCALNETWORK] = { "localnetwork", true, true },
	[CRITERION_TAGGED] = { "tagged", true, true },
	[CRITERION_COMMAND] = { "command", true, true },
	[CRITERION_VERSION] = { "version", true, true },
	[CRITERION_SESSIONTYPE] = { "sessiontype", true, true },
	{ NULL, false, false },
};

/* ---- Host ---- */

bool
ssh_host_matches(void *context, const struct strings *patterns, char **ret_why)
{
	const struct ssh_matching *m = context;
	const char *found = NULL;

	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->item[i];
		bool negated = *pattern == '!';

		if (!pattern_match_no_case(pattern + negated, m->host))
			continue;
		if (negated) {
			*ret_why = text_format(
			    "Skipping Host block because of negated match "
			    "for %s",
			    pattern + 1);
			return false;
		}
		if (found == NULL)
			found = pattern;
	}
	if (found != NULL)
		*ret_why = text_format("Applying options for %s", found);
	return found != NULL;
}

/* ---- Match ---- */

int
ssh_effective_host(
    const struct ssh_options *o, const char *host, char **ret, struct error *e)
{
	struct config_tokens tokens = { .value = { ['h'] = host } };
	int r;

	if (o->hostname == NULL) {
		*ret = strdup(host);
		return *ret != NULL ? 0 : ERR_MEMORY;
	}
	r = config_expand(o->hostname, &tokens, "h", false, NULL, ret, e);
	if (r == ERR_CONFIG)
		error_prefix(e, "Hostname \"%s\"", o->hostname);
	return r;
}

static const char *
user_of(const struct ssh_matching *m)
{
	if (m->options->user != NULL)
		return m->options->user;
	return m->source->user != NULL ? m->source->user
				       : m->source->local_user;
}

static bool
list_matches(const char *list, const char *text, bool lower)
{
	bool yes;
	char *folded;

	if (!lower)
		return pattern_list_match(list, text, false) == 1;
	if ((folded = text_lower(text)) == NULL)
		return false;
	yes = pattern_list_match(list, folded, true) == 1;
	free(folded);
	return yes;
}

static int
host_matches(struct ssh_matching *m, const char *list, struct error *e)
{
	char *host;
	int r;

	if ((r = ssh_effective_host(m->options, m->host, &host, e)) != 0)
		return r;
	r = list_matches(list, host, true);
	free(host);
	return r;
}

/* Is one of our addresses in the list? The loopback interface is no sign
 * of where we are. */
static int
network_matches(const char *list)
{
	struct ifaddrs *all;
	int found = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (struct ifaddrs *i = all; i != NULL && found != 1;
	     i = i->ifa_next) {
		struct address a;

		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 ||
		    address_from_sockaddr(i->ifa_addr, &a) != 0)
			continue;
		found = address_list_match(list, &a, true) == 1;
	}
	freeifaddrs(all);
	return found;
}

static int
exec_matches(struct ssh_matching *m, const char *command, struct error *e)
{
	char *whole;
	int r;

	if (m->source->run == NULL)
		return 0;
	if ((r = ssh_matching_tokens(m)) != 0)
		return r;
	r = config_expand(
	    command, m->tokens, "CdhijkLlnpru", true, NULL, &whole, e);
	if (r != 0) {
		error_prefix(e, "Match exec \"%s\"", command);
		return r;
	}
	r = m->source->run(m->source->context, whole);
	free(whole);
	return r;
}

static bool
session_type_matches(const struct ssh_matching *m, const char *list)
{
	const char *type = "shell";

	if (m->options->session_type == SESSION_TYPE_SUBSYSTEM ||
	    m->source->subsystem)
		type = "subsystem";
	else if (m->options->session_type == SESSION_TYPE_NONE)
		type = "none";
	else if (m->source->command != NULL)
		type = "exec";
	return list_matches(list, type, true);
}

/* "" stands for no tag, no command. */
static bool
optional_matches(const char *list, const char *text)
{
	if (*list == '\0')
		return text == NULL || *text == '\0';
	return list_matches(list, text != NULL ? text : "", false);
}

static int
check_argument(size_t criterion, const char *argument, struct error *e)
{
	bool may_be_empty =
	    criterion == CRITERION_TAGGED || criterion == CRITERION_COMMAND;

	if (argument == NULL)
		return 0;
	if (*argument == '\0' && !may_be_empty)
		return error_set(e, ERR_CONFIG, "Missing Match criteria for %s",
		    ssh_criteria[criterion].name);
	if (criterion == CRITERION_LOCALNETWORK &&
	    address_list_match(argument, NULL, true) < -1)
		return error_set(e, ERR_CONFIG,
		    "Invalid Match localnetwork argument '%s'", argument);
	return 0;
}

int
ssh_criterion_matches(void *context, size_t criterion, bool negated,
    const char *argument, bool decide, struct error *e)
{
	struct ssh_matching *m = context;
	int r;

	if ((r = check_argument(criterion, argument, e)) != 0)
		return r;
	/* Asking for the second reading does not wait for a decision. */
	if (criterion == CRITERION_FINAL && !negated)
		m->wants_final = true;
	if (!decide)
		return 0;
	switch ((enum criterion)criterion) {
	case CRITERION_ALL:
		return 1;
	case CRITERION_CANONICAL:
		/* Names are not made canonical; the second reading counts as
		 * the one after it. */
		return m->final_pass;
	case CRITERION_FINAL:
		return m->final_pass;
	case CRITERION_EXEC:
		return exec_matches(m, argument, e);
	case CRITERION_HOST:
		return host_matches(m, argument, e);
	case CRITERION_ORIGINALHOST:
		return list_matches(argument, m->source->host, true);
	case CRITERION_USER:
		return list_matches(argument, user_of(m), false);
	case CRITERION_LOCALUSER:
		return list_matches(argument, m->source->local_user, false);
	case CRITERION_LOCALNETWORK:
		return network_matches(argument);
	case CRITERION_TAGGED:
		return optional_matches(argument, m->options->tag);
	case CRITERION_COMMAND:
		return optional_matches(argument, m->source->command);
	case CRITERION_VERSION:
		return list_matches(argument, VERSION_COMPATIBLE, false);
	case CRITERION_SESSIONTYPE:
		return session_type_matches(m, argument);
	}
	return 0;
}
