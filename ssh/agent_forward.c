/*
 * agent_forward.c - the server's channels to our agent.
 */
#include "ssh/agent_forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/agent/protocol.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/channel/socket_channel.h"
#include "ssh/agent_socket.h"

struct agent_forward {
	struct loop *loop;
	struct transport *t;
	char *path;
	struct list channels; /* struct forwarded.link */
	int count;
};

struct forwarded {
	struct list link;
	struct agent_forward *f;
	struct socket_channel *channel;
	/* Until the agent has answered the binding: */
	int fd; /* -1 afterwards */
	struct watch *watch;
	struct buf answer;
};

/* ---- life ---- */

static void
forwarded_free(struct forwarded *g)
{
	watch_free(g->watch);
	if (g->fd >= 0)
		close(g->fd);
	buf_release(&g->answer);
	list_remove(&g->link);
	g->f->count--;
	free(g);
}

static void
on_end(void *context)
{
	forwarded_free(context);
}

static struct forwarded *
forwarded_new(struct agent_forward *f, int fd)
{
	struct forwarded *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		close(fd);
		return NULL;
	}
	g->f = f;
	g->fd = fd;
	g->answer = (struct buf)BUF_MAX_INIT(4 + AGENT_MESSAGE_MAX);
	list_add_last(&f->channels, &g->link);
	f->count++;
	return g;
}

/* ---- the binding ---- */

/*
 *   byte SSH_AGENTC_EXTENSION | string "session-bind@openssh.com"
 *   string host key | string session id | string signature | boolean forwards
 */
static int
send_binding(int fd, const struct transport_binding *b)
{
	struct buf m = BUF_INIT;
	size_t mark = write_string_begin(&m);
	int r;

	write_byte(&m, AGENT_EXTENSION);
	write_text(&m, "session-bind@openssh.com");
	write_string(&m, b->host_key);
	write_string(&m, b->session_id);
	write_string(&m, b->signature);
	write_boolean(&m, true);
	write_string_end(&m, mark);
	r = buf_error(&m);
	/* The first bytes into an empty socket: all or nothing. */
	if (r == 0 && send(fd, m.data, m.len, MSG_NOSIGNAL) != (ssize_t)m.len)
		r = ERR_CLOSED;
	buf_release(&m);
	return r;
}

/* Bytes of the answer that are still missing; 0: it is complete. */
static size_t
missing(const struct buf *answer)
{
	struct reader r = reader_of(buf_span(answer));
	size_t len;

	if (answer->len < 4)
		return 4 - answer->len;
	len = read_uint32(&r);
	return len > r.len ? len - r.len : 0;
}

/* Reads no byte behind the answer. 0, 1: there is more to come; ERR_. */
static int
read_answer(struct forwarded *g)
{
	size_t want;

	while ((want = missing(&g->answer)) > 0) {
		uint8_t *to = buf_reserve(&g->answer, want);
		ssize_t n;

		if (to == NULL)
			return buf_error(&g->answer); /* too long, too */
		n = recv(g->fd, to, want, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 1;
		if (n <= 0)
			return ERR_CLOSED;
		buf_extend(&g->answer, (size_t)n);
	}
	return g->answer.len > 4 ? 0 : ERR_FORMAT;
}

static void
on_answer(struct watch *w, unsigned ready, void *context)
{
	struct forwarded *g = context;
	int r = read_answer(g), fd = g->fd;

	if (r > 0)
		return;
	watch_free(g->watch);
	g->watch = NULL;
	if (r < 0) {
		log_debug1("agent forwarding: the agent did not answer: %s",
		    error_text(r));
		socket_channel_give_up(g->channel);
		return;
	}
	/* One that refuses lets no restricted key be used here; one that does
	 * not know it has no such keys. */
	log_debug1("agent forwarding: %s",
	    g->answer.data[4] == AGENT_SUCCESS
		? "bound agent to hostkey"
		: "the agent did not bind itself to the host key");
	buf_release(&g->answer);
	g->fd = -1;
	socket_channel_start(g->channel, fd);
}

/* ---- channels ---- */

static int
start(struct agent_forward *f, struct channel *c, struct error *e)
{
	struct transport_binding b;
	struct forwarded *g;
	int fd, r;

	if (!transport_get_binding(f->t, &b))
		return error_set(e, ERR_BUG, "no host key to bind to");
	if ((r = agent_socket_connect(f->path, true, &fd, e)) != 0)
		return r;
	if ((r = send_binding(fd, &b)) != 0) {
		close(fd);
		return error_set(e, r, "%s", error_text(r));
	}
	if ((g = forwarded_new(f, fd)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	g->watch = watch_new(f->loop, fd, on_answer, g);
	if (g->watch == NULL ||
	    socket_channel_new(f->loop, c, -1, on_end, g, &g->channel) != 0) {
		forwarded_free(g);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	watch_set(g->watch, WATCH_READ);
	return 0;
}

bool
agent_forward_open(struct agent_forward *f, struct channel *c, struct reader *r,
    uint32_t *ret_reason, const char **ret_text)
{
	struct error e = { 0 };
	int code;

	*ret_reason = SSH_OPEN_ADMINISTRATIVELY_PROHIBITED;
	*ret_text = "agent forwarding was not asked for";
	if (f == NULL) {
		log_error("Warning: ssh server tried agent forwarding.");
		log_error("Warning: this is probably a break-in attempt by a "
			  "malicious server.");
		return false;
	}
	if (read_end(r) != 0)
		return false;
	*ret_reason = SSH_OPEN_RESOURCE_SHORTAGE;
	*ret_text = "too many connections to the agent";
	if (f->count >= AGENT_FORWARD_CHANNELS)
		return false;
	if ((code = start(f, c, &e)) == 0)
		return true;
	log_debug1("agent forwarding: %s", error_message(&e, code));
	*ret_reason = SSH_OPEN_CONNECT_FAILED;
	*ret_text = "the agent cannot be reached";
	return false;
}

bool
agent_forward_is_type(struct span type)
{
	return span_is(type, "auth-agent@openssh.com") ||
	       span_is(type, "agent-connect");
}

const char *
agent_forward_request(const struct transport *t)
{
	return transport_peer_has_agent_forward(t)
		   ? "agent-req"
		   : "auth-agent-req@openssh.com";
}

struct agent_forward *
agent_forward_new(
    const struct ssh_options *o, struct loop *loop, struct transport *t)
{
	const char *path = agent_socket_forwarded(o);
	struct agent_forward *f;
	struct error e = { 0 };
	int fd, r;

	if (!o->forward_agent.on)
		return NULL;
	r = path == NULL ? error_set(&e, ERR_NOT_FOUND, "there is no agent")
			 : agent_socket_connect(path, true, &fd, &e);
	if (r != 0) {
		log_debug1("agent forwarding is off: %s", error_message(&e, r));
		return NULL;
	}
	close(fd);
	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->path = strdup(path)) == NULL) {
		free(f);
		return NULL;
	}
	f->loop = loop;
	f->t = t;
	list_init(&f->channels);
	return f;
}

void
agent_forward_free(struct agent_forward *f)
{
	if (f == NULL)
		return;
	list_for_each_safe(l, &f->channels) {
		struct forwarded *g = list_entry(l, struct forwarded, link);

		socket_channel_free(g->channel);
		forwarded_free(g);
	}
	free(f->path);
	free(f);
}
