/*
 * sftp_main.c - sftp: the command line, the connection, and the lines of
 * commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "sftp/sftp.h"
#include "sftp/sftp_arguments.h"

volatile sig_atomic_t sftp_interrupted;

static pid_t way_pid; /* of ssh, while the connection is made */

struct client *
sftp_client(const struct sftp *s)
{
	return client_link_client(s->caller.link);
}

/* ---- signals ---- */

static void
on_interrupt(int number)
{
	sftp_interrupted = 1;
	sftp_edit_wake();
}

/* While the connection is made: ssh ends as well, and sees to its terminal. */
static void
on_ending(int number)
{
	if (way_pid > 1)
		kill(way_pid, SIGTERM);
	_exit(EXIT_CONNECTION);
}

static void
set_handler(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(number, &action, NULL);
}

/* ---- the connection ---- */

static void
give_up(struct sftp *s, const struct error *e)
{
	int status;

	if (e->code == ERR_CLOSED)
		sftp_complain("Connection closed");
	else
		sftp_complain("sftp: %s", error_message(e, e->code));
	status = client_link_stop(s->caller.link);
	if (status != -1 && WIFSIGNALED(status))
		sftp_complain("sftp: the way to the server was ended by "
			      "signal %d",
		    WTERMSIG(status));
	exit(EXIT_CONNECTION);
}

static void
connect_to_server(struct sftp *s, const struct arguments *a)
{
	struct client_link_config config = {
		.argv = a->way.item,
		.bytes_per_second = a->bytes_per_second,
		.survives_interrupt = s->is_interactive,
		.is_own_ssh = !a->is_direct,
	};
	struct error e = { 0 };

	if (client_link_start(&config, &s->caller.link, &e) != 0)
		give_up(s, &e);
	way_pid = client_link_pid(s->caller.link);
	set_handler(SIGINT, on_ending);
	set_handler(SIGTERM, on_ending);
	set_handler(SIGHUP, on_ending);
	if (client_link_wait_ready(s->caller.link, NULL, &e) != 0 ||
	    call_name(&s->caller, SFTP_REALPATH, ".", &s->home, &e) != 0)
		give_up(s, &e);
	s->cwd = sftp_need(strdup(s->home));
	s->caller.interrupted = &sftp_interrupted;
	if (s->is_interactive)
		set_handler(SIGINT, on_interrupt);
	if (!s->is_quiet)
		sftp_complain(
		    a->is_direct ? "Attached to %s." : "Connected to %s.",
		    a->is_direct ? a->direct : a->host);
	log_debug1("the server speaks version %u; data in one request: %u "
		   "bytes in, %u out; %u open files",
	    (unsigned)client_version(sftp_client(s)),
	    (unsigned)client_read_max(sftp_client(s)),
	    (unsigned)client_write_max(sftp_client(s)),
	    (unsigned)client_handles_max(sftp_client(s)));
}

/* ---- lines ---- */

struct source {
	FILE *file;
	char *line;
	size_t size;
};

/* The next line without its newline; NULL: the end. */
static char *
next_line(struct sftp *s, struct source *from)
{
	if (s->is_interactive) {
		free(from->line);
		from->line = sftp_edit_line(s, "sftp> ");
		return from->line;
	}
	if (getline(&from->line, &from->size, from->file) < 0)
		return NULL;
	from->line[strcspn(from->line, "\n")] = '\0';
	return from->line;
}

/* What stands in front of a command: "-": its failure does not matter; "@":
 * it is not echoed. */
static const char *
take_prefixes(const char *line, bool *ret_ignore, bool *ret_silent)
{
	*ret_ignore = *ret_silent = false;
	for (line += strspn(line, " \t");; line++) {
		if (*line == '-')
			*ret_ignore = true;
		else if (*line == '@')
			*ret_silent = true;
		else
			return line + strspn(line, " \t");
	}
}

/* The status to exit with. */
static int
run_lines(struct sftp *s, FILE *file)
{
	struct source from = { .file = file };
	bool ignore, silent;
	const char *line;

	while (!s->is_over && !s->is_lost) {
		char *typed = next_line(s, &from);

		if (typed == NULL && sftp_interrupted != 0) {
			sftp_interrupted = 0;
			sftp_say("\n");
			continue;
		}
		if (typed == NULL) {
			if (s->is_interactive)
				sftp_say("\n");
			break;
		}
		line = take_prefixes(typed, &ignore, &silent);
		if (!s->is_interactive && !silent)
			sftp_say("sftp> %s\n", typed);
		sftp_interrupted = 0;
		if (sftp_command(s, line) != 0 && s->is_batch && !ignore) {
			free(from.line);
			return s->is_lost ? EXIT_CONNECTION : 1;
		}
	}
	free(from.line);
	return s->is_lost ? EXIT_CONNECTION : 0;
}

/* ---- `sftp host:path` ---- */

/* The path as a pattern that is meant literally but for its wildcards. */
static int
fetch(struct sftp *s, const char *path, const char *target)
{
	return sftp_get(s, path, target) == 0 ? 0
	       : s->is_lost                   ? EXIT_CONNECTION
					      : 1;
}

/* A folder is gone to; true. A file is not. */
static bool
enter_folder(struct sftp *s, const char *path)
{
	char *absolute = sftp_absolute(s, path);
	struct sftp_attrs a = { 0 };
	char *real = NULL;
	bool is_folder =
	    call_stat(&s->caller, absolute, true, &a, NULL) == 0 &&
	    S_ISDIR(a.permissions) &&
	    call_name(&s->caller, SFTP_REALPATH, absolute, &real, NULL) == 0;

	if (is_folder) {
		if (!s->is_quiet)
			sftp_say("Changing to: %s\n", absolute);
		free(s->cwd);
		s->cwd = real;
	}
	free(absolute);
	return is_folder;
}

/* ---- the start ---- */

static void
allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	/* Else fewer files are copied at a time. */
	IGNORE_RESULT(setrlimit(RLIMIT_NOFILE, &limit) != 0);
}

static FILE *
open_batch(const char *name)
{
	FILE *file;

	if (name == NULL || strcmp(name, "-") == 0)
		return stdin;
	if ((file = fopen(name, "re")) != NULL)
		return file;
	sftp_complain("%s (%s).", strerror(errno), name);
	exit(EXIT_CONNECTION);
}

static int
run(struct sftp *s, const struct arguments *a, FILE *batch)
{
	int status;

	if (a->path != NULL && *a->path != '\0' &&
	    (a->target != NULL || !enter_folder(s, a->path)))
		return fetch(s, a->path, a->target);
	status = run_lines(s, batch);
	sftp_edit_end();
	return status;
}

int
main(int argc, char **argv)
{
	static struct arguments a;
	struct sftp s = { 0 };
	FILE *batch;
	int status;

	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments_parse(&a, &s, argc, argv);
	batch = open_batch(a.batch);
	allow_many_files();
	connect_to_server(&s, &a);
	status = run(&s, &a, batch);
	fflush(stdout);
	if (s.is_lost)
		sftp_complain(
		    "%s", error_message(
			      client_link_error(s.caller.link), ERR_CLOSED));
	client_link_stop(s.caller.link);
	free(s.cwd);
	free(s.home);
	arguments_release(&a);
	if (batch != stdin)
		fclose(batch);
	return status;
}
