/*
 * agent_confirm.c - asking a person whether a key may be used.
 */
#include "agent/agent_confirm.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/port/port.h"
#include "common/port/prompt.h"

NORETURN static void
ask(const char *question)
{
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	struct error e = { 0 };
	bool yes = false;

	/* The terminal, if there is one, is that of whoever started the agent,
	 * and busy with something else. */
	if (require != NULL && strcasecmp(require, "never") == 0) {
		log_error("a key must be confirmed, and "
			  "SSH_ASKPASS_REQUIRE=never forbids asking");
		_exit(1);
	}
	if (setenv("SSH_ASKPASS_REQUIRE", "force", 1) != 0)
		_exit(1);
	if (prompt_confirm(question, &yes, &e) != 0) {
		log_error("asking whether a key may be used: %s", e.text);
		_exit(1);
	}
	_exit(yes ? 0 : 1);
}

pid_t
agent_confirm_start(struct loop *loop, const char *question)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* A group of its own, to be ended as one. */
	IGNORE_RESULT(setpgid(0, 0) != 0);
	loop_after_fork(loop);
	port_close_from(STDERR_FILENO + 1);
	ask(question);
}

bool
agent_confirm_is_yes(int wait_status)
{
	return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

void
agent_confirm_cancel(pid_t pid)
{
	/* The group is there from when the child has run. */
	if (kill(-pid, SIGTERM) != 0)
		kill(pid, SIGTERM);
}
