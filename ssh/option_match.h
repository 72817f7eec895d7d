/*
 * option_match.h - the conditions of ssh_config: Host and Match.
 */
#ifndef SSH_OPTION_MATCH_H
#define SSH_OPTION_MATCH_H

#include "common/config/config.h"
#include "ssh/options.h"

extern const struct config_criterion ssh_criteria[];

/* One reading of the files. */
struct ssh_matching {
	const struct ssh_options *options; /* as far as they are read */
	const struct ssh_options_source *source;
	const char *host;             /* as typed; the second time, Hostname */
	struct config_tokens *tokens; /* of Match exec; brought up to date */
	bool final_pass;
	bool wants_final;       /* set: a Match said "final" */
	struct strings scratch; /* texts of tokens */
};

bool ssh_host_matches(
    void *context, const struct strings *patterns, char **ret_why);
int ssh_criterion_matches(void *context, size_t criterion, bool negated,
    const char *argument, bool decide, struct error *e);

/* Tokens as far as known: %h %n %p %r %u ... of *m, in m->tokens. */
int ssh_matching_tokens(struct ssh_matching *m) MUST_CHECK;

/* Hostname with its tokens, or the host as typed; fresh text. */
int ssh_effective_host(const struct ssh_options *o, const char *host,
    char **ret, struct error *e) MUST_CHECK;

#endif
