/*
 * agent_options.h - ssh-agent: the command line.
 */
#ifndef AGENT_AGENT_OPTIONS_H
#define AGENT_AGENT_OPTIONS_H

#include <stdbool.h>

#include "agent/agent_server.h"
#include "common/base/attributes.h"

enum agent_action {
	AGENT_ACTION_SERVE,
	AGENT_ACTION_KILL,    /* -k */
	AGENT_ACTION_CLEAN,   /* -u */
	AGENT_ACTION_VERSION, /* -V */
	AGENT_ACTION_USAGE
};

struct agent_options {
	enum agent_action action;
	bool is_csh;        /* -c, or by $SHELL and not -s */
	bool is_foreground; /* -D, -d */
	bool is_debug;      /* -d */
	bool in_temporary;  /* -T */
	bool keeps_stale;   /* -U */
	bool any_host;      /* -u twice */
	const char *path;   /* -a; NULL: chosen */
	char **command;     /* NULL: none */
	struct agent_policy policy;
};

/* What was wrong was said on stderr, and the action is USAGE. Texts are
 * borrowed from argv. */
void agent_options_parse(int argc, char **argv, struct agent_options *ret);

void agent_usage(void);

#endif
