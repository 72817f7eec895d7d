/*
 * session.h - the session on the connection: its channel, the requests that
 * start it, its data on our standard descriptors, its end.
 * RFC 4254 s6.
 *
 * auth-agent-req, pty-req, env and shell/exec/subsystem leave together when the
 * channel is open; data follows without waiting for the answers.
 */
#ifndef SSH_SESSION_H
#define SSH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"
#include "ssh/options.h"

struct session;

/* Status of a session that told none. */
#define SESSION_NO_STATUS (-1)

struct session_config {
	struct loop *loop;
	struct connection *connection;
	const struct ssh_options *o;
	const char *command; /* NULL: a shell */
	bool is_subsystem;
	bool wants_tty;
	/* Our sftp or scp runs us (parent.h): its SFTP, not a terminal's. */
	bool is_direct;
	/* The request that announces our agent; NULL: it is not forwarded. */
	const char *agent_request;
	/* Composed just before the requests, once the channel is open. */
	void (*on_open)(void *context);
	/* Everything is written out and the channel is gone; status as of
	 * exit-status, or SESSION_NO_STATUS. */
	void (*on_end)(int status, void *context);
	/* The server refused what the session is for: sentence in text. */
	void (*on_refused)(const char *text, void *context);
	/* Bytes of the person's keyboard on their way out; may be NULL. */
	void (*on_keystroke)(void *context);
	/* An escape character and this byte were typed; false: not ours. */
	bool (*on_escape)(uint8_t command, void *context);
	void *context;
};

/* It lives as long as the process. */
int session_start(
    const struct session_config *c, struct session **ret) MUST_CHECK;

/* The terminal has another size now. */
void session_window_changed(struct session *s);
void session_send_break_now(struct session *s);
/* Stops reading the keyboard, for good (background). */
void session_stop_input(struct session *s);
/* Is the channel gone (output may still be on its way to us)? */
bool session_is_closed(const struct session *s);
bool session_has_tty(const struct session *s);
/* A line about it for ~#. */
char *session_describe(const struct session *s);

#endif
