/*
 * listen.c - the sockets of agents and of sshd's forwarded agents.
 */
#include "common/agent/listen.h"

#include <errno.h>
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

#define BACKLOG       128
#define HOST_BYTES    5 /* two digits each */
#define RANDOM_LENGTH 10

/* ---- names ---- */

char *
agent_listen_prefix(void)
{
	char name[256] = "";
	uint8_t digest[DIGEST_MAX];
	struct buf out = BUF_INIT;

	/* Without a name all such machines are one. */
	if (gethostname(name, sizeof(name) - 1) != 0)
		name[0] = '\0';
	if (digest_of(DIGEST_SHA256, span_text(name), digest) != 0)
		return NULL;
	buf_printf(&out, "s.");
	hex_write(&out, span_of(digest, HOST_BYTES));
	buf_printf(&out, ".");
	return buf_take_text(&out);
}

/* RANDOM_LENGTH letters and a NUL. 64 values of a byte are as good as 62:
 * the two that are left over are digits once more. */
static int
random_name(char *out)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678901";
	uint8_t bytes[RANDOM_LENGTH];
	int r;

	if ((r = random_fill(&random_system, bytes, sizeof(bytes))) != 0)
		return r;
	for (int i = 0; i < RANDOM_LENGTH; i++)
		out[i] = letters[bytes[i] & 63];
	out[RANDOM_LENGTH] = '\0';
	return 0;
}

/* ---- folders ---- */

/* Nobody else may put sockets, or take ours away. */
static int
private_folder(const char *path, struct error *e)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_set_errno(e, "making the folder %s", path);
	if (stat(path, &st) != 0)
		return error_set_errno(e, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0)
		return error_set(e, ERR_PERMISSION,
		    "%s is no folder that only we may change", path);
	return 0;
}

/* HOME/.ssh/agent, fresh in *ret. */
static int
home_folder(const char *home, char **ret, struct error *e)
{
	char *ssh = path_join(home, ".ssh"), *agent = NULL;
	int r = ssh != NULL ? private_folder(ssh, e) : ERR_MEMORY;

	if (r == 0 && (agent = path_join(ssh, "agent")) == NULL)
		r = ERR_MEMORY;
	if (r == 0)
		r = private_folder(agent, e);
	free(ssh);
	if (r != 0) {
		free(agent);
		return r;
	}
	*ret = agent;
	return 0;
}

/* ---- sockets ---- */

static int
bind_privately(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(mask);
	return r;
}

int
agent_listen_at(const char *path, struct agent_listener *ret, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct agent_listener l = AGENT_LISTENER_NONE;
	int r;

	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return error_set(
		    e, ERR_LIMIT, "%s is too long for a socket's path", path);
	if ((l.path = strdup(path)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	l.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l.fd < 0 || bind_privately(l.fd, &address) != 0) {
		r = error_set_errno(e, "making the socket %s", path);
		agent_listener_forget(&l);
		return r;
	}
	if (listen(l.fd, BACKLOG) != 0) {
		r = error_set_errno(e, "listening at %s", path);
		agent_listener_end(&l);
		return r;
	}
	*ret = l;
	return 0;
}

int
agent_listen_home(const char *home, const char *kind,
    struct agent_listener *ret, struct error *e)
{
	char *folder = NULL, *prefix = NULL, *path = NULL;
	char name[RANDOM_LENGTH + 1];
	int r;

	if ((r = home_folder(home, &folder, e)) != 0)
		return r;
	r = random_name(name);
	if (r == 0 && ((prefix = agent_listen_prefix()) == NULL ||
			  (path = text_format("%s/%s%s.%s", folder, prefix,
			       kind, name)) == NULL))
		r = ERR_MEMORY;
	if (r != 0)
		r = error_set(e, r, "%s", error_text(r));
	else
		r = agent_listen_at(path, ret, e);
	free(folder);
	free(prefix);
	free(path);
	return r;
}

int
agent_listen_below(const char *folder, unsigned long number,
    struct agent_listener *ret, struct error *e)
{
	char *own = text_format("%s/ssh-XXXXXXXXXX", folder);
	char *path = NULL;
	int r;

	if (own == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if (mkdtemp(own) == NULL) {
		r = error_set_errno(e, "making a folder in %s", folder);
		free(own);
		return r;
	}
	if ((path = text_format("%s/agent.%lu", own, number)) == NULL)
		r = error_set(e, ERR_MEMORY, "out of memory");
	else
		r = agent_listen_at(path, ret, e);
	free(path);
	if (r != 0) {
		rmdir(own);
		free(own);
		return r;
	}
	ret->folder = own;
	return 0;
}

void
agent_listener_forget(struct agent_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l->folder);
	*l = (struct agent_listener)AGENT_LISTENER_NONE;
}

void
agent_listener_end(struct agent_listener *l)
{
	/* Somebody may have removed them before. */
	if (l->path != NULL)
		IGNORE_RESULT(unlink(l->path));
	if (l->folder != NULL)
		IGNORE_RESULT(rmdir(l->folder));
	agent_listener_forget(l);
}
