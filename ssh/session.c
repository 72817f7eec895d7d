/*
 * session.c - the session on the connection. RFC 4254 s6.
 */
#include "ssh/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/channel/session.h"
#include "common/channel/stream.h"
#include "ssh/escape.h"
#include "ssh/placement.h"
#include "ssh/terminal.h"

#define BREAK_MS 1000

extern char **environ;

struct session {
	struct session_config c;
	struct channel *channel; /* NULL once it is gone */
	uint32_t id;
	struct stream *stream;       /* or, where the data of files goes */
	struct placement *placement; /* directly */
	struct escape escape;
	bool has_tty;
	bool is_drained; /* all output is written */
	int status;
};

/* ---- the end ---- */

static void
end_if_over(struct session *s)
{
	if (s->channel == NULL && s->is_drained)
		s->c.on_end(s->status, s->c.context);
}

static void
on_drained(void *context)
{
	struct session *s = context;

	s->is_drained = true;
	end_if_over(s);
}

static void
on_output_end(struct stream *stream, void *context)
{
	on_drained(context);
}

/* ---- answers to our requests ---- */

static void
on_pty_reply(struct channel *c, bool success, void *context)
{
	struct session *s = context;

	if (success)
		return;
	log_error("PTY allocation request failed on channel %u", s->id);
	if (s->c.o->request_tty == REQUEST_TTY_FORCE)
		return;
	/* Without a terminal there, the one here works line by line. */
	terminal_leave_raw();
	s->has_tty = false;
	s->escape.character = ESCAPE_NONE;
}

static void
on_start_reply(struct channel *c, bool success, void *context)
{
	struct session *s = context;
	const char *what = s->c.is_subsystem      ? "subsystem"
			   : s->c.command != NULL ? "exec"
						  : "shell";
	char *text;

	if (success)
		return;
	text = text_format("%s request failed on channel %u", what, s->id);
	s->c.on_refused(text != NULL ? text : what, s->c.context);
	free(text);
}

/* ---- environment ---- */

/* The value of NAME=VALUE if its name is this one. */
static const char *
value_of(const char *assignment, const char *name)
{
	size_t len = strlen(name);

	return strncmp(assignment, name, len) == 0 && assignment[len] == '='
		   ? assignment + len + 1
		   : NULL;
}

static const char *
terminal_type(const struct ssh_options *o)
{
	const char *term = getenv("TERM"), *set;

	for (size_t i = 0; i < o->set_env.count; i++)
		if ((set = value_of(o->set_env.item[i], "TERM")) != NULL)
			return set;
	return term != NULL ? term : "";
}

static bool
is_wanted(const struct strings *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (pattern_match(patterns->item[i], name))
			return true;
	return false;
}

static int
send_assignment(struct session *s, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char *name;
	int r;

	if (equals == NULL || equals == assignment)
		return 0;
	name =
	    span_dup_text(span_of(assignment, (size_t)(equals - assignment)));
	if (name == NULL)
		return ERR_MEMORY;
	log_debug1("channel %u: setting env %s", s->id, name);
	r = session_send_env(s->channel, name, equals + 1);
	free(name);
	return r;
}

static int
send_environment(struct session *s)
{
	const struct ssh_options *o = s->c.o;
	int r = 0;

	for (char **e = environ; o->send_env.count > 0 && r == 0 && *e != NULL;
	     e++) {
		const char *equals = strchr(*e, '=');
		char *name =
		    equals == NULL
			? NULL
			: span_dup_text(span_of(*e, (size_t)(equals - *e)));

		if (name != NULL && is_wanted(&o->send_env, name))
			r = send_assignment(s, *e);
		free(name);
	}
	for (size_t i = 0; r == 0 && i < o->set_env.count; i++)
		r = send_assignment(s, o->set_env.item[i]);
	return r;
}

/* ---- the start ---- */

static int
send_pty(struct session *s)
{
	struct window_size size;
	struct buf modes = BUF_INIT;
	int r;

	terminal_window_size(&size);
	terminal_write_modes(&modes);
	if ((r = buf_error(&modes)) == 0)
		r = session_send_pty(s->channel, terminal_type(s->c.o), &size,
		    buf_span(&modes), on_pty_reply, s);
	buf_release(&modes);
	return r;
}

/* No answer: without it the session is what it is. */
static int
send_agent(struct session *s)
{
	log_debug1("Requesting authentication agent forwarding.");
	(void)channel_request_begin(s->channel, s->c.agent_request, false);
	return channel_request_end(s->channel, NULL, NULL);
}

static int
send_start(struct session *s)
{
	const char *command = s->c.command;

	if (s->c.is_subsystem) {
		log_debug1("Sending subsystem: %s", command);
		return session_send_subsystem(
		    s->channel, command, on_start_reply, s);
	}
	if (command != NULL) {
		log_debug1("Sending command: %s", command);
		return session_send_exec(
		    s->channel, command, on_start_reply, s);
	}
	return session_send_shell(s->channel, on_start_reply, s);
}

static size_t
filter(struct stream *stream, uint8_t *data, size_t len, size_t capacity,
    void *context)
{
	struct session *s = context;

	if (s->has_tty && s->c.on_keystroke != NULL)
		s->c.on_keystroke(s->c.context);
	return escape_filter(&s->escape, data, len);
}

static int
start_stream(struct session *s)
{
	struct stream_config c = {
		.in_fd = STDIN_FILENO,
		.err_in_fd = -1,
		.out_fd = STDOUT_FILENO,
		.err_out_fd = STDERR_FILENO,
		.shared_fds = true,
		.is_interactive = s->has_tty,
		.on_output_end = on_output_end,
		.filter = s->has_tty ? filter : NULL,
		.context = s,
	};

	return stream_new(s->c.loop, s->channel, &c, &s->stream);
}

static int
start_placement(struct session *s)
{
	struct placement_config c = {
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		.err_fd = STDERR_FILENO,
		.on_output_end = on_drained,
		.context = s,
	};

	return placement_new(s->c.loop, s->channel, &c, &s->placement);
}

static void
on_open(struct channel *channel, void *context)
{
	struct session *s = context;
	int r = 0;

	s->c.on_open(s->c.context);
	if (s->c.agent_request != NULL)
		r = send_agent(s);
	if (r == 0 && s->has_tty)
		r = send_pty(s);
	if (r == 0)
		r = send_environment(s);
	if (r == 0)
		r = send_start(s);
	if (r == 0 && s->has_tty)
		terminal_enter_raw();
	if (r == 0)
		r = s->c.is_direct ? start_placement(s) : start_stream(s);
	if (r != 0)
		s->c.on_refused(error_text(r), s->c.context);
}

static void
on_open_failed(
    struct channel *channel, uint32_t reason, struct span text, void *context)
{
	static const char *const reasons[] = { "unknown",
		"administratively prohibited", "connect failed",
		"unknown channel type", "resource shortage" };
	struct session *s = context;
	struct buf line = BUF_INIT;

	s->channel = NULL;
	buf_printf(&line, "channel %u: open failed: %s", s->id,
	    reasons[reason < ARRAY_COUNT(reasons) ? reason : 0]);
	if (text.len > 0) {
		buf_printf(&line, ": ");
		text_escape(&line, text, false);
	}
	s->c.on_refused(buf_text(&line), s->c.context);
	buf_release(&line);
}

/* ---- while it runs ---- */

static size_t
on_data(struct channel *channel, enum channel_stream which, struct span data,
    void *context)
{
	struct session *s = context;

	if (s->placement != NULL)
		return placement_on_data(s->placement, which, data);
	return s->stream != NULL ? stream_on_data(s->stream, which, data) : 0;
}

static void
on_eof(struct channel *channel, void *context)
{
	struct session *s = context;

	if (s->placement != NULL)
		placement_on_eof(s->placement);
	else if (s->stream != NULL)
		stream_on_eof(s->stream);
}

static void
on_eow(struct channel *channel, void *context)
{
	struct session *s = context;

	if (s->placement != NULL)
		placement_on_eow(s->placement);
	else if (s->stream != NULL)
		stream_on_eow(s->stream);
}

static void
on_writable(struct channel *channel, void *context)
{
	struct session *s = context;

	if (s->stream != NULL)
		stream_on_writable(s->stream);
}

/* RFC 4254 s6.10. */
static bool
on_request(struct channel *channel, struct span type, struct reader *r,
    bool want_reply, void *context)
{
	struct session *s = context;

	if (span_is(type, "exit-status")) {
		uint32_t status = read_uint32(r);

		if (read_end(r) != 0)
			return false;
		s->status = (int)(status & 0x7fffffff);
		log_debug1("client_input_channel_req: channel %u rtype "
			   "exit-status reply %d",
		    s->id, want_reply);
		return true;
	}
	if (span_is(type, "exit-signal")) {
		struct span name = read_string(r);

		read_boolean(r);
		read_string(r);
		read_string(r);
		if (read_end(r) != 0)
			return false;
		log_verbose("The remote program was ended by signal %.*s",
		    (int)name.len, (const char *)name.ptr);
		return true;
	}
	log_debug1("channel %u: request %.*s is unknown", s->id, (int)type.len,
	    (const char *)type.ptr);
	return false;
}

static void
on_closed(struct channel *channel, void *context)
{
	struct session *s = context;

	s->channel = NULL;
	if (s->placement != NULL)
		placement_on_close(s->placement);
	else if (s->stream != NULL)
		stream_on_close(s->stream);
	else
		s->is_drained = true;
	end_if_over(s);
}

static const struct channel_handlers handlers = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_eow = on_eow,
	.on_request = on_request,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

int
session_start(const struct session_config *c, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return ERR_MEMORY;
	s->c = *c;
	s->status = SESSION_NO_STATUS;
	s->has_tty = c->wants_tty;
	escape_init(&s->escape, s->has_tty ? c->o->escape_char : ESCAPE_NONE,
	    c->on_escape, c->context);
	if (channel_open_begin(c->connection, "session", CHANNEL_WINDOW_INITIAL,
		&s->channel) == NULL) {
		free(s);
		return ERR_MEMORY;
	}
	s->id = channel_id(s->channel);
	channel_set_handlers(s->channel, &handlers, s);
	if ((r = channel_open_end(s->channel)) != 0) {
		free(s);
		return r;
	}
	log_debug1("channel %u: new session", s->id);
	*ret = s;
	return 0;
}

/* ---- from outside ---- */

void
session_window_changed(struct session *s)
{
	struct window_size size;

	if (!s->has_tty || s->channel == NULL || !channel_is_open(s->channel))
		return;
	terminal_window_size(&size);
	/* Only a convenience; a broken connection shows itself elsewhere. */
	IGNORE_RESULT(session_send_window_change(s->channel, &size));
}

void
session_send_break_now(struct session *s)
{
	if (s->channel != NULL && channel_is_open(s->channel))
		IGNORE_RESULT(
		    session_send_break(s->channel, BREAK_MS, NULL, NULL));
}

void
session_stop_input(struct session *s)
{
	if (s->stream != NULL)
		stream_end_input(s->stream);
}

bool
session_is_closed(const struct session *s)
{
	return s->channel == NULL;
}

bool
session_has_tty(const struct session *s)
{
	return s->has_tty;
}

char *
session_describe(const struct session *s)
{
	if (s->channel == NULL)
		return text_format("  #%u session (closed)", s->id);
	return text_format("  #%u session (%s, %llu bytes received, %llu sent)",
	    s->id, channel_is_open(s->channel) ? "open" : "closing",
	    (unsigned long long)channel_bytes_in(s->channel),
	    (unsigned long long)channel_bytes_out(s->channel));
}
