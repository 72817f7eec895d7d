/*
 * agent_clean.c - sockets that nobody serves any more.
 */
#include "agent/agent_clean.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/agent/listen.h"
#include "common/base/file.h"
#include "common/base/text.h"

#define FOLDER "/.ssh/agent"
/* Between bind(2) and listen(2) a socket refuses connections, too. */
#define YOUNG_S 2

/* Does nobody listen at it any more? */
static bool
is_dead(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat s;
	bool dead;
	int fd;

	if (lstat(path, &s) != 0 || !S_ISSOCK(s.st_mode) ||
	    s.st_uid != geteuid() || s.st_mtime + YOUNG_S > time(NULL) ||
	    !text_copy(address.sun_path, sizeof(address.sun_path), path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	dead = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
	       errno == ECONNREFUSED;
	close(fd);
	return dead;
}

unsigned
agent_clean_sockets(const char *home, bool any_host)
{
	char *folder = text_format("%s%s", home, FOLDER);
	char *prefix = any_host ? text_format("s.") : agent_listen_prefix();
	DIR *directory = NULL;
	struct dirent *entry;
	unsigned count = 0;

	if (folder != NULL && prefix != NULL)
		directory = opendir(folder);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char *path;

		if (!text_starts_with(entry->d_name, prefix) ||
		    (path = path_join(folder, entry->d_name)) == NULL)
			continue;
		if (is_dead(path) && unlink(path) == 0)
			count++;
		free(path);
	}
	if (directory != NULL)
		closedir(directory);
	free(folder);
	free(prefix);
	return count;
}
