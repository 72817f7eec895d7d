/*
 * socket.c - the sockets of agents.
 */
#include "common/agent/socket.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"

#define FOLDER   "/.ssh/agent"
#define WORD_LEN 10
#define BACKLOG  128
#define TRIES    8

/* ---- names ---- */

/* Ten letters and digits from as many bytes; all but evenly spread. */
static void
write_word(const uint8_t *from, char word[static WORD_LEN + 1])
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < WORD_LEN; i++)
		word[i] = letters[from[i] % (sizeof(letters) - 1)];
	word[WORD_LEN] = '\0';
}

/* The word for this machine. */
static void
host_word(char word[static WORD_LEN + 1])
{
	uint8_t hash[DIGEST_MAX] = { 0 };
	char name[256] = "";

	/* Without a name it is a machine like others without one. */
	IGNORE_RESULT(gethostname(name, sizeof(name) - 1) != 0);
	IGNORE_RESULT(digest_of(DIGEST_SHA512, span_text(name), hash) != 0);
	write_word(hash, word);
}

static int
random_word(char word[static WORD_LEN + 1])
{
	uint8_t bytes[WORD_LEN];
	int r = random_fill(&random_system, bytes, sizeof(bytes));

	if (r == 0)
		write_word(bytes, word);
	return r;
}

/* ---- making ---- */

static int
set_path(struct sockaddr_un *address, const char *path, struct error *e)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!text_copy(address->sun_path, sizeof(address->sun_path), path))
		return error_set(e, ERR_LIMIT,
		    "%s is too long for the path of a socket (%zu bytes at "
		    "most)",
		    path, sizeof(address->sun_path) - 1);
	return 0;
}

static int
bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t old = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(old);
	return r;
}

int
agent_socket_at(const char *path, int *ret_fd, struct error *e)
{
	struct sockaddr_un address;
	int fd, r;

	if ((r = set_path(&address, path, e)) != 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(e, "making a socket");
	if (bind_private(fd, &address) != 0) {
		if (errno == EADDRINUSE)
			r = error_set(e, ERR_EXISTS,
			    "cannot listen at %s: it is there already", path);
		else
			r = error_set_errno(e, "cannot listen at %s", path);
	} else if (listen(fd, BACKLOG) != 0) {
		r = error_set_errno(e, "cannot listen at %s", path);
		unlink(path);
	}
	if (r != 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* The folder, made private where it is ours. */
static int
prepare_folder(const char *folder, struct error *e)
{
	struct stat s;
	int r;

	if ((r = path_make_directory(folder, 0700, e)) != 0)
		return r;
	if (lstat(folder, &s) != 0)
		return error_set_errno(e, "%s", folder);
	if (!S_ISDIR(s.st_mode) || s.st_uid != geteuid())
		return error_set(
		    e, ERR_PERMISSION, "%s is not a folder of ours", folder);
	if ((s.st_mode & 077) != 0 && chmod(folder, 0700) != 0)
		return error_set_errno(e, "chmod 0700 %s", folder);
	return 0;
}

/* Listens under a name that nobody looks for, then renames. */
static int
listen_as(const char *folder, const char *name, int *ret_fd, char **ret_path,
    struct error *e)
{
	char *path = text_format("%s/%s", folder, name);
	char *early = text_format("%s/.%s", folder, name);
	struct sockaddr_un longest;
	int fd = -1, r = ERR_MEMORY;

	if (path == NULL || early == NULL)
		goto out;
	/* Whoever connects must have room for the name, too. */
	if ((r = set_path(&longest, early, e)) != 0 ||
	    (r = agent_socket_at(early, &fd, e)) != 0)
		goto out;
	if (rename(early, path) != 0) {
		r = error_set_errno(e, "making %s", path);
		unlink(early);
		close(fd);
		goto out;
	}
	*ret_fd = fd;
	*ret_path = path;
	path = NULL;
out:
	free(path);
	free(early);
	return r;
}

int
agent_socket_in_home(const char *home, const char *purpose, int *ret_fd,
    char **ret_path, struct error *e)
{
	char *folder = text_format("%s%s", home, FOLDER), *name;
	char host[WORD_LEN + 1], word[WORD_LEN + 1];
	int r = ERR_MEMORY;

	if (folder == NULL)
		return error_set(e, r, "%s", error_text(r));
	if ((r = prepare_folder(folder, e)) != 0)
		goto out;
	host_word(host);
	for (int i = 0; i < TRIES; i++) {
		if ((r = random_word(word)) != 0)
			break;
		name = text_format("s.%s.%s.%s", host, purpose, word);
		r = name == NULL ? ERR_MEMORY
				 : listen_as(folder, name, ret_fd, ret_path, e);
		free(name);
		if (r != ERR_EXISTS)
			break;
	}
out:
	free(folder);
	return r;
}

int
agent_socket_in_temporary(
    long pid, int *ret_fd, char **ret_path, struct error *e)
{
	const char *temporary = getenv("TMPDIR");
	char *folder, *path;
	int r = ERR_MEMORY;

	if (temporary == NULL || temporary[0] == '\0')
		temporary = "/tmp";
	if ((folder = text_format("%s/ssh-XXXXXXXXXX", temporary)) == NULL)
		return error_set(e, r, "%s", error_text(r));
	if (mkdtemp(folder) == NULL) { /* 0700 */
		r = error_set_errno(e, "making a folder in %s", temporary);
		free(folder);
		return r;
	}
	if ((path = text_format("%s/agent.%ld", folder, pid)) != NULL)
		r = agent_socket_at(path, ret_fd, e);
	if (r != 0) {
		rmdir(folder);
		free(path);
	} else {
		*ret_path = path;
	}
	free(folder);
	return r;
}

/* ---- removing dead ones ---- */

/* Does the name have the form, and the host (NULL: any)? */
static bool
is_socket_name(const char *name, const char *host)
{
	if (!text_starts_with(name, "s.") || strlen(name) < 3 + WORD_LEN ||
	    name[2 + WORD_LEN] != '.')
		return false;
	return host == NULL || strncmp(name + 2, host, WORD_LEN) == 0;
}

/* Nobody listens any more? */
static bool
is_dead(const char *path)
{
	struct sockaddr_un address;
	struct stat s;
	bool dead;
	int fd;

	if (lstat(path, &s) != 0 || !S_ISSOCK(s.st_mode) ||
	    s.st_uid != geteuid() || set_path(&address, path, NULL) != 0)
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
agent_socket_clean(const char *home, bool any_host)
{
	char *folder = text_format("%s%s", home, FOLDER);
	DIR *directory = folder == NULL ? NULL : opendir(folder);
	struct dirent *entry;
	char host[WORD_LEN + 1];
	unsigned count = 0;

	host_word(host);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char *path;

		if (!is_socket_name(entry->d_name, any_host ? NULL : host) ||
		    (path = path_join(folder, entry->d_name)) == NULL)
			continue;
		if (is_dead(path) && unlink(path) == 0)
			count++;
		free(path);
	}
	if (directory != NULL)
		closedir(directory);
	free(folder);
	return count;
}
