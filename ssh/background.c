/*
 * background.c - going on without the terminal.
 */
#include "ssh/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/port/port.h"
#include "ssh/fatal.h"

static int ready_fd = -1; /* to the process that waits */

/* The process that the shell started. */
NORETURN static void
wait_for_child(pid_t child, int from_child)
{
	char byte;
	ssize_t n;
	int status;

	while ((n = read(from_child, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(EXIT_ERROR);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ERROR);
}

void
background_prepare(void)
{
	int fd[2];
	pid_t child;

	if (pipe2(fd, O_CLOEXEC) != 0)
		fatal("pipe: %s", strerror(errno));
	if ((child = fork()) < 0)
		fatal("fork: %s", strerror(errno));
	if (child > 0) {
		close(fd[1]);
		wait_for_child(child, fd[0]);
	}
	close(fd[0]);
	ready_fd = fd[1];
	/* Ended from outside before it is ready: both end. */
	port_die_with_parent(SIGTERM);
}

static void
to_null(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, fd) < 0)
		fatal("/dev/null: %s", strerror(errno));
	if (null != fd)
		close(null);
}

void
stdin_from_null(void)
{
	to_null(STDIN_FILENO);
}

void
background_enter(bool keep_output)
{
	ssize_t n;

	if (ready_fd < 0)
		return;
	port_die_with_parent(0);
	/* It is no group leader: the call cannot fail. */
	(void)setsid();
	if (!keep_output) {
		to_null(STDOUT_FILENO);
		to_null(STDERR_FILENO);
	}
	while ((n = write(ready_fd, "", 1)) < 0 && errno == EINTR)
		;
	close(ready_fd);
	ready_fd = -1;
}
