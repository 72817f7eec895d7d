/*
 * scp_local.c - a copy of local files to a local place is cp's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sftp/scp.h"

static void
add(struct strings *to, const char *text)
{
	if (strings_add(to, text) != 0)
		scp_need(NULL);
}

void
scp_by_cp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target)
{
	struct strings argv = STRINGS_INIT;
	pid_t pid;

	/* cp proves nothing, and nobody would hear of it. */
	if (s->verify || s->rehash || s->atomic) {
		scp_fail(s,
		    "--verify, --resume and --atomic are for copies to or "
		    "from another machine: not for %s",
		    sources[0].d.path);
		return;
	}
	add(&argv, "cp");
	if (s->recursive)
		add(&argv, "-r");
	if (s->preserve)
		add(&argv, "-p");
	add(&argv, "--");
	for (size_t i = 0; i < count; i++)
		add(&argv, sources[i].d.path);
	add(&argv, target->d.path);
	if ((pid = fork()) == 0) {
		signal(SIGPIPE, SIG_DFL);
		execvp(argv.item[0], argv.item);
		fprintf(stderr, "scp: cp: %s\n", strerror(errno));
		_exit(EXIT_FAILED);
	}
	strings_release(&argv);
	if (pid < 0)
		scp_fail(s, "fork: %s", strerror(errno));
	else if (!scp_wait(pid))
		s->failures++;
}
