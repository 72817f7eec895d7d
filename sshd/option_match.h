/*
 * option_match.h - the conditions of sshd_config.
 */
#ifndef SSHD_OPTION_MATCH_H
#define SSHD_OPTION_MATCH_H

#include "common/config/config.h"
#include "sshd/options.h"

extern const struct config_criterion sshd_criteria[];

/* context: a struct sshd_match_context, or NULL where nothing is decided. */
int sshd_criterion_matches(void *context, size_t criterion, bool negated,
    const char *argument, bool decide, struct error *e);

#endif
