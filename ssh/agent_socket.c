/*
 * agent_socket.c - which agent, and the way to it.
 */
#include "ssh/agent_socket.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"

#define VARIABLE "SSH_AUTH_SOCK"

static bool
is_variable_name(const char *name)
{
	if (*name == '\0' || isdigit((unsigned char)*name))
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static int
set_variable(const char *path)
{
	if (path == NULL || *path == '\0')
		return unsetenv(VARIABLE) == 0 ? 0 : ERR_MEMORY;
	return setenv(VARIABLE, path, 1) == 0 ? 0 : ERR_MEMORY;
}

int
agent_socket_settle(const struct ssh_options *o, struct error *e)
{
	const char *named = o->identity_agent;

	if (named == NULL || strcmp(named, VARIABLE) == 0)
		return 0;
	if (strcmp(named, "none") == 0)
		return set_variable(NULL);
	if (named[0] != '$')
		return set_variable(named);
	if (!is_variable_name(named + 1))
		return error_set(e, ERR_CONFIG,
		    "Invalid IdentityAgent environment variable name %s",
		    named);
	return set_variable(getenv(named + 1));
}

static const char *
variable(const char *name)
{
	const char *path = getenv(name);

	return path != NULL && *path != '\0' ? path : NULL;
}

const char *
agent_socket_own(void)
{
	return variable(VARIABLE);
}

const char *
agent_socket_forwarded(const struct ssh_options *o)
{
	const char *path = o->forward_agent.path;

	if (!o->forward_agent.on)
		return NULL;
	if (path == NULL)
		return agent_socket_own();
	return path[0] == '$' ? variable(path + 1) : path;
}

/* A full queue of connections makes connect(2) wait for as long as the
 * socket may take to send. */
static void
limit_waiting(int fd)
{
	struct timeval limit = { AGENT_SOCKET_PATIENCE_MS / 1000, 0 };

	/* Without the limit it is as patient as everybody else. */
	IGNORE_RESULT(
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
}

int
agent_socket_connect(
    const char *path, bool nonblocking, int *ret_fd, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int type = SOCK_STREAM | SOCK_CLOEXEC;
	int fd, r;

	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return error_set(e, ERR_LIMIT,
		    "the path of the agent's socket is too long: %s", path);
	fd = socket(AF_UNIX, type | (nonblocking ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		return error_set_errno(e, "making a socket");
	limit_waiting(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		r = errno == EAGAIN
			? error_set(e, ERR_TIMEOUT,
			      "the agent at %s takes no connection", path)
			: error_set_errno(e, "the agent at %s", path);
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int
agent_socket_open(const char *path, struct agent **ret, struct error *e)
{
	int fd, r;

	if ((r = agent_socket_connect(path, false, &fd, e)) != 0)
		return r;
	if ((r = agent_adopt(fd, ret)) != 0)
		return error_set(e, r, "%s", error_text(r));
	agent_set_patience(*ret, AGENT_SOCKET_PATIENCE_MS);
	return 0;
}

static struct agent *
open_or_log(const char *path)
{
	struct agent *agent;
	struct error e = { 0 };
	int r = agent_socket_open(path, &agent, &e);

	if (r == 0)
		return agent;
	log_debug1("%s", error_message(&e, r));
	return NULL;
}

struct agent *
agent_for_session(const struct ssh_options *o, const struct transport *t)
{
	const char *path = agent_socket_own();
	struct transport_binding b;
	struct agent *agent;
	struct error e = { 0 };
	int r;

	if (path == NULL ||
	    o->pubkey_authentication == PUBKEY_AUTHENTICATION_NO ||
	    !transport_get_binding(t, &b) ||
	    (agent = open_or_log(path)) == NULL)
		return NULL;
	r = agent_bind(agent, b.host_key, b.session_id, b.signature, false, &e);
	log_debug1("agent: %s",
	    r == 0 ? "bound agent to hostkey" : error_message(&e, r));
	if (r == 0 || r == ERR_PERMISSION)
		return agent;
	agent_close(agent);
	/* One that hangs up on what it does not know may still sign. */
	return r == ERR_CLOSED ? open_or_log(path) : NULL;
}
