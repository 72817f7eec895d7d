/*
 * agent_confirm.h - ssh-agent: asking a person whether a key may be used, by
 * the ask-pass program, in a process of its own.
 */
#ifndef AGENT_AGENT_CONFIRM_H
#define AGENT_AGENT_CONFIRM_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/event/loop.h"

/* Starts a process that asks; what it ends with goes to agent_confirm_is_yes.
 * -1: none could be started. */
pid_t agent_confirm_start(struct loop *loop, const char *question) MUST_CHECK;
bool agent_confirm_is_yes(int wait_status);

/* Takes the question back. */
void agent_confirm_cancel(pid_t pid);

#endif
