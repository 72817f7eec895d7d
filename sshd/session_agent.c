/*
 * session_agent.c - the client's agent within the user's session.
 */
#include "sshd/session_agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/agent/listen.h"
#include "common/agent/protocol.h"
#include "common/channel/socket_channel.h"

#define TEMPORARY "/tmp"
#define TURN_MAX  16 /* connections accepted in one turn of the loop */
#define WINDOW    (2 * AGENT_MESSAGE_MAX)

struct session_agent {
	struct user_session *u;
	const char *channel_type;
	struct agent_listener listener;
	struct watch *watch;
	struct list connections; /* struct agent_connection.link */
	int count;
};

struct agent_connection {
	struct list link;
	struct session_agent *agent;
	struct socket_channel *channel;
};

/* ---- connections ---- */

static void
forget(struct agent_connection *c)
{
	list_remove(&c->link);
	c->agent->count--;
	free(c);
}

static void
on_end(void *context)
{
	struct agent_connection *c = context;
	struct session_agent *a = c->agent;

	forget(c);
	watch_set(a->watch, WATCH_READ);
}

/* Opens a channel for a connection; takes fd. */
static int
open_channel(struct session_agent *a, int fd)
{
	struct agent_connection *c = calloc(1, sizeof(*c));
	struct channel *channel;
	int r;

	if (c == NULL || channel_open_begin(a->u->connection, a->channel_type,
			     WINDOW, &channel) == NULL) {
		free(c);
		close(fd);
		return ERR_MEMORY;
	}
	c->agent = a;
	list_add_last(&a->connections, &c->link);
	a->count++;
	if ((r = socket_channel_new(
		 a->u->loop, channel, fd, on_end, c, &c->channel)) != 0) {
		close(fd);
		IGNORE_RESULT(channel_close(channel));
	}
	/* What is begun goes out in any case. */
	if (channel_open_end(channel) != 0 && r == 0)
		r = ERR_CLOSED;
	if (r != 0) {
		socket_channel_free(c->channel);
		forget(c);
	}
	return r;
}

static void
on_listener(struct watch *w, unsigned ready, void *context)
{
	struct session_agent *a = context;

	for (int i = 0; i < TURN_MAX; i++) {
		int fd;

		if (a->count >= SESSION_AGENT_CONNECTIONS) {
			watch_set(a->watch, 0);
			return;
		}
		fd = accept4(
		    a->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		log_debug1("agent: a connection for the client");
		if (open_channel(a, fd) != 0)
			return;
	}
}

/* ---- the socket ---- */

static int
listen_somewhere(const struct user_session *u, struct agent_listener *ret)
{
	struct error e = { 0 };
	int r = agent_listen_home(u->start.home, "sshd", ret, &e);

	if (r == 0)
		return 0;
	log_debug1("agent: %s", error_message(&e, r));
	error_clear(&e);
	r = agent_listen_below(TEMPORARY, (unsigned long)getpid(), ret, &e);
	if (r != 0)
		log_error("no socket for the agent of %s: %s", u->start.user,
		    error_message(&e, r));
	return r;
}

static void
agent_free(struct session_agent *a)
{
	list_for_each_safe(l, &a->connections) {
		struct agent_connection *c =
		    list_entry(l, struct agent_connection, link);

		socket_channel_free(c->channel);
		forget(c);
	}
	watch_free(a->watch);
	agent_listener_end(&a->listener);
	free(a);
}

static struct session_agent *
agent_new(struct user_session *u, const char *channel_type)
{
	struct session_agent *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->u = u;
	a->channel_type = channel_type;
	a->listener = (struct agent_listener)AGENT_LISTENER_NONE;
	list_init(&a->connections);
	if (listen_somewhere(u, &a->listener) != 0 ||
	    (a->watch = watch_new(u->loop, a->listener.fd, on_listener, a)) ==
		NULL) {
		agent_free(a);
		return NULL;
	}
	watch_set(a->watch, WATCH_READ);
	return a;
}

static bool
is_allowed(const struct user_session *u)
{
	return u->options.allow_agent_forwarding &&
	       !u->options.disable_forwarding &&
	       !u->start.key.no_agent_forwarding;
}

bool
session_agent_request(struct user_session *u, const char *channel_type)
{
	if (!is_allowed(u)) {
		log_debug1("agent: forwarding is not allowed");
		return false;
	}
	if (u->agent == NULL)
		u->agent = agent_new(u, channel_type);
	return u->agent != NULL;
}

const char *
session_agent_path(const struct user_session *u)
{
	return u->agent != NULL ? u->agent->listener.path : NULL;
}

void
session_agent_end(struct user_session *u)
{
	if (u->agent != NULL)
		agent_free(u->agent);
	u->agent = NULL;
}
