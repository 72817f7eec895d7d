/*
 * sftp_local.c - commands about this machine.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/sftp.h"

int
command_lcd(struct sftp *s, const struct invocation *i)
{
	const char *typed = i->count > 0 ? i->word[0].plain : "~";
	char *path = NULL;
	struct error e = { 0 };
	int r = path_expand_home(typed, getenv("HOME"), &path, &e);

	if (r != 0) {
		sftp_complain("Couldn't change local directory to \"%s\": %s",
		    typed, error_message(&e, r));
		return -1;
	}
	if ((r = chdir(path)) != 0)
		sftp_complain("Couldn't change local directory to \"%s\": %s",
		    path, strerror(errno));
	free(path);
	return r;
}

int
command_lpwd(struct sftp *s, const struct invocation *i)
{
	char *path = getcwd(NULL, 0);

	if (path == NULL) {
		sftp_complain("Couldn't get local cwd: %s", strerror(errno));
		return -1;
	}
	sftp_say("Local working directory: %s\n", path);
	free(path);
	return 0;
}

int
command_lmkdir(struct sftp *s, const struct invocation *i)
{
	const char *path = i->word[0].plain;

	if (mkdir(path, 0777) == 0)
		return 0;
	sftp_complain("Couldn't create local directory \"%s\": %s", path,
	    strerror(errno));
	return -1;
}

int
command_lumask(struct sftp *s, const struct invocation *i)
{
	const char *text = i->word[0].plain;
	char *end;
	long mask = strtol(text, &end, 8);

	if (*text == '\0' || *end != '\0' || mask < 0 || mask > 0777) {
		sftp_complain("You must supply a numeric argument to the "
			      "lumask command.");
		return -1;
	}
	umask((mode_t)mask);
	sftp_say("Local umask: %03lo\n", mask);
	return 0;
}

/* ---- the shell ---- */

static void
in_child(const char *command)
{
	const char *shell = getenv("SHELL");

	if (shell == NULL || *shell == '\0')
		shell = "/bin/sh";
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (command != NULL)
		execl(shell, shell, "-c", command, (char *)NULL);
	else
		execl(shell, shell, (char *)NULL);
	fprintf(
	    stderr, "Couldn't execute \"%s\": %s\n", shell, strerror(errno));
	_exit(1);
}

/* command NULL: a shell to type at. What it exits with is told and ends no
 * batch, as in every sftp: it is not the session's. */
static void
run_shell(const char *command)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) < 0) {
		sftp_complain("Couldn't fork: %s", strerror(errno));
		return;
	}
	if (pid == 0)
		in_child(command);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		sftp_complain("Shell exited abnormally");
	else if (WEXITSTATUS(status) != 0)
		sftp_complain(
		    "Shell exited with status %d", WEXITSTATUS(status));
}

int
command_shell(struct sftp *s, const struct invocation *i)
{
	const char *line = i->line + strspn(i->line, " \t");

	run_shell(*line != '\0' ? line : NULL);
	return 0;
}

int
command_lls(struct sftp *s, const struct invocation *i)
{
	char *command = sftp_need(text_format("ls%s", i->line));

	run_shell(command);
	free(command);
	return 0;
}
