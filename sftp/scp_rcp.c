/*
 * scp_rcp.c - copies by the old protocol: an scp in its role at the other
 * end of ssh; our own roles; two of them connected through us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/port/port.h"
#include "sftp/scp_stream.h"

#define RELAY_SIZE ((size_t)256 * 1024)

/* ---- ssh ---- */

NORETURN static void
run_ssh(const struct strings *way, int in, int out)
{
	if ((in >= 0 && dup2(in, STDIN_FILENO) < 0) ||
	    (out >= 0 && dup2(out, STDOUT_FILENO) < 0))
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	execvp(way->item[0], way->item);
	fprintf(stderr, "exec: %s: %s\n", way->item[0], strerror(errno));
	_exit(1);
}

/* Pipes to its input and from its output, where those are wanted. */
static pid_t
start_on_pipes(const struct strings *way, int *ret_in, int *ret_out)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	pid_t pid;

	if ((ret_in != NULL && pipe2(from, O_CLOEXEC) != 0) ||
	    (ret_out != NULL && pipe2(to, O_CLOEXEC) != 0))
		scp_die(EXIT_FAILED, "pipe: %s", strerror(errno));
	if ((pid = fork()) == 0)
		run_ssh(way, to[0], from[1]);
	if (pid < 0)
		scp_die(EXIT_FAILED, "fork: %s", strerror(errno));
	if (ret_in != NULL) {
		close(from[1]);
		port_pipe_enlarge(from[0]);
		*ret_in = from[0];
	}
	if (ret_out != NULL) {
		close(to[0]);
		port_pipe_enlarge(to[1]);
		*ret_out = to[1];
	}
	return pid;
}

int
scp_start_ssh(struct scp *s, const struct scp_place *p, const char *command,
    int *ret_in, int *ret_out)
{
	struct client_ssh_command c = { .program = s->program,
		.options = &s->ssh,
		.user = p->d.user,
		.port = p->d.port != NULL ? p->d.port : s->port,
		.host = p->d.host,
		.command = command };
	struct strings way = STRINGS_INIT;
	pid_t pid;

	if (client_ssh_arguments(&c, &way) != 0)
		scp_need(NULL);
	pid = start_on_pipes(&way, ret_in, ret_out);
	strings_release(&way);
	return pid;
}

bool
scp_wait(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the other end's scp is called with. Fresh. */
static char *
role_command(const struct scp *s, char role, bool folder, const char *path)
{
	return scp_need(text_format("scp%s%s%s%s -%c -- %s",
	    s->verbose > 0 ? " -v" : "", s->recursive ? " -r" : "",
	    s->preserve ? " -p" : "", folder ? " -d" : "", role, path));
}

/* ---- up and down ---- */

static void
send_up(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target, bool folder)
{
	const char **paths = scp_need(calloc(count, sizeof(*paths)));
	char *command = role_command(s, 't', folder, target->d.path);
	struct scp_stream t;
	int in, out;
	pid_t pid = scp_start_ssh(s, target, command, &in, &out);

	for (size_t i = 0; i < count; i++)
		paths[i] = sources[i].d.path;
	scp_stream_init(&t, s, in, out, false);
	if (scp_stream_reply(&t))
		scp_source(&t, paths, count);
	scp_stream_release(&t);
	close(in);
	close(out);
	if (!scp_wait(pid) && s->failures == 0)
		s->failures++;
	free(command);
	free(paths);
}

static void
take_down(struct scp *s, const struct scp_place *source,
    const struct scp_place *target)
{
	char *command = role_command(s, 'f', false, source->d.path);
	struct scp_stream t;
	int in, out;
	pid_t pid = scp_start_ssh(s, source, command, &in, &out);

	scp_stream_init(&t, s, in, out, false);
	scp_sink(&t, target->d.path[0] != '\0' ? target->d.path : ".",
	    s->is_unchecked ? NULL : source->d.path);
	scp_stream_release(&t);
	close(in);
	close(out);
	if (!scp_wait(pid) && s->failures == 0)
		s->failures++;
	free(command);
}

/* ---- between two hosts, through us ---- */

/* One direction's bytes, as they come; false at its end. */
static bool
relay(int from, int to, uint8_t *bytes)
{
	ssize_t n = read(from, bytes, RELAY_SIZE);

	if (n < 0 && errno == EINTR)
		return true;
	return n > 0 && fd_write_all(to, bytes, (size_t)n) == 0;
}

/* Who sends and who receives speak with one another; we only listen. */
static void
connect_two(int in1, int out1, int in2, int out2)
{
	uint8_t *bytes = scp_need(malloc(RELAY_SIZE));
	struct pollfd p[2] = { { .fd = in1, .events = POLLIN },
		{ .fd = in2, .events = POLLIN } };

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents != 0 && !relay(in1, out2, bytes)) {
			close(out2);
			p[0].fd = -1;
		}
		if (p[1].revents != 0 && !relay(in2, out1, bytes)) {
			close(out1);
			p[1].fd = -1;
		}
	}
	close(in1);
	close(in2);
	free(bytes);
}

static void
through_us(struct scp *s, const struct scp_place *source,
    const struct scp_place *target, bool folder)
{
	char *from = role_command(s, 'f', false, source->d.path);
	char *to = role_command(s, 't', folder, target->d.path);
	int in1, out1, in2, out2;
	pid_t first = scp_start_ssh(s, source, from, &in1, &out1);
	pid_t second = scp_start_ssh(s, target, to, &in2, &out2);
	bool ok;

	connect_two(in1, out1, in2, out2);
	ok = scp_wait(first);
	if (!scp_wait(second) || !ok)
		s->failures++;
	free(from);
	free(to);
}

/* ---- all of them ---- */

static bool
is_local_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void
scp_by_rcp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target)
{
	bool folder = count > 1 || s->wants_folder;

	if (!target->is_remote && folder && !is_local_folder(target->d.path)) {
		scp_fail(s, "%s: Not a directory", target->d.path);
		return;
	}
	for (size_t i = 0, n; i < count; i += n) {
		n = 1;
		if (sources[i].is_remote && target->is_remote) {
			through_us(s, &sources[i], target, folder);
		} else if (sources[i].is_remote) {
			take_down(s, &sources[i], target);
		} else if (target->is_remote) {
			while (i + n < count && !sources[i + n].is_remote)
				n++;
			send_up(s, &sources[i], n, target, folder);
		} else {
			scp_by_cp(s, &sources[i], 1, target);
		}
	}
}

void
scp_at_source(struct scp *s, const struct scp_place *source,
    const struct scp_place *target)
{
	char *command = scp_need(
	    text_format("scp%s%s%s%s -- %s %s", s->verbose > 0 ? " -v" : "",
		s->recursive ? " -r" : "", s->preserve ? " -p" : "",
		s->is_old ? " -O" : "", source->d.path, target->text));
	struct scp quiet = *s;

	/* Nothing is sent there: our input stays the caller's. */
	memset(&quiet.ssh, 0, sizeof(quiet.ssh));
	if (strings_copy(&quiet.ssh, &s->ssh) != 0 ||
	    strings_add(&quiet.ssh, "-n") != 0)
		scp_need(NULL);
	if (!scp_wait(scp_start_ssh(&quiet, source, command, NULL, NULL)))
		s->failures++;
	strings_release(&quiet.ssh);
	free(command);
}

/* ---- roles ---- */

void
scp_serve_source(struct scp *s, char **paths, int count)
{
	struct scp_stream t;

	scp_stream_init(&t, s, STDIN_FILENO, STDOUT_FILENO, true);
	if (scp_stream_reply(&t))
		scp_source(&t, (const char *const *)paths, (size_t)count);
	exit(s->failures > 0 ? EXIT_FAILED : 0);
}

void
scp_serve_sink(struct scp *s, const char *target)
{
	struct scp_stream t;

	scp_stream_init(&t, s, STDIN_FILENO, STDOUT_FILENO, true);
	scp_sink(&t, target, NULL);
	exit(s->failures > 0 ? EXIT_FAILED : 0);
}
