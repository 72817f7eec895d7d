/*
 * linux_notify.c - the service manager's two protocols, by hand:
 * sd_listen_fds(3), sd_notify(3).
 */
#include "common/port/port.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"

#define FIRST_PASSED_FD 3
#define PASSED_FDS_MAX  256

int
port_listen_fds(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	long long pid = 0;
	long long count = 0;

	/* Meant for the process of that id alone: our children inherit the
	 * variables, too. */
	if (pid_text == NULL || count_text == NULL ||
	    !text_to_int(pid_text, 1, INT32_MAX, &pid) || pid != getpid() ||
	    !text_to_int(count_text, 0, PASSED_FDS_MAX, &count))
		count = 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < (int)count; i++)
		if (fd_set_cloexec(FIRST_PASSED_FD + i, true) != 0)
			return 0;
	return (int)count;
}

void
port_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	size_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	memset(&to, 0, sizeof(to));
	to.sun_family = AF_UNIX;
	if (len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	/* An abstract name: its first byte is NUL, and it has no end. */
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	/* A manager that does not listen is no reason to stop serving. */
	IGNORE_RESULT(
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0);
	close(fd);
}
