/*
 * linux_local_name.c - what this machine is called on a connection.
 */
#include "common/port/port.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

char *
port_local_name(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char name[NI_MAXHOST];

	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6) &&
	    getnameinfo((struct sockaddr *)&ss, len, name, sizeof(name), NULL,
		0, NI_NAMEREQD) == 0)
		return strdup(name);
	if (gethostname(name, sizeof(name)) != 0)
		return NULL;
	name[sizeof(name) - 1] = '\0';
	return strdup(name);
}
