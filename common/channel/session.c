/*
 * session.c - requests on session channels. RFC 4254 s6, RFC 4335 (break).
 */
#include "common/channel/session.h"

#include <signal.h>
#include <string.h>

/* clang-format off */
static const struct { const char *name; int number; } signals[] = {
	{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },
	{ "HUP", SIGHUP }, { "ILL", SIGILL }, { "INT", SIGINT },
	{ "KILL", SIGKILL }, { "PIPE", SIGPIPE }, { "QUIT", SIGQUIT },
	{ "SEGV", SIGSEGV }, { "TERM", SIGTERM }, { "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 },
};
/* clang-format on */

int
session_signal_number(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		if (span_is(name, signals[i].name))
			return signals[i].number;
	return 0;
}

const char *
session_signal_name(int number)
{
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	return NULL;
}

static void
read_size(struct reader *r, struct window_size *size)
{
	size->columns = read_uint32(r);
	size->rows = read_uint32(r);
	size->width_pixels = read_uint32(r);
	size->height_pixels = read_uint32(r);
}

static void
write_size(struct buf *b, const struct window_size *size)
{
	write_uint32(b, size->columns);
	write_uint32(b, size->rows);
	write_uint32(b, size->width_pixels);
	write_uint32(b, size->height_pixels);
}

int
session_read_pty(struct reader *r, struct pty_request *ret)
{
	struct pty_request pty;
	int code;

	pty.term = read_text(r);
	read_size(r, &pty.size);
	pty.modes = read_string(r);
	if ((code = read_end(r)) != 0)
		return code;
	*ret = pty;
	return 0;
}

int
session_send_pty(struct channel *c, const char *term,
    const struct window_size *size, struct span encoded,
    channel_reply *on_reply, void *context)
{
	struct buf *b = channel_request_begin(c, "pty-req", on_reply != NULL);

	write_text(b, term);
	write_size(b, size);
	write_string(b, encoded);
	return channel_request_end(c, on_reply, context);
}

int
session_read_window_change(struct reader *r, struct window_size *ret)
{
	struct window_size size;
	int code;

	read_size(r, &size);
	if ((code = read_end(r)) != 0)
		return code;
	*ret = size;
	return 0;
}

int
session_send_window_change(struct channel *c, const struct window_size *size)
{
	write_size(channel_request_begin(c, "window-change", false), size);
	return channel_request_end(c, NULL, NULL);
}

int
session_send_env(struct channel *c, const char *name, const char *value)
{
	struct buf *b = channel_request_begin(c, "env", false);

	write_text(b, name);
	write_text(b, value);
	return channel_request_end(c, NULL, NULL);
}

int
session_send_shell(struct channel *c, channel_reply *on_reply, void *context)
{
	channel_request_begin(c, "shell", on_reply != NULL);
	return channel_request_end(c, on_reply, context);
}

static int
send_text(struct channel *c, const char *type, const char *text,
    channel_reply *on_reply, void *context)
{
	write_text(channel_request_begin(c, type, on_reply != NULL), text);
	return channel_request_end(c, on_reply, context);
}

int
session_send_exec(struct channel *c, const char *command,
    channel_reply *on_reply, void *context)
{
	return send_text(c, "exec", command, on_reply, context);
}

int
session_send_subsystem(
    struct channel *c, const char *name, channel_reply *on_reply, void *context)
{
	return send_text(c, "subsystem", name, on_reply, context);
}

int
session_send_signal(struct channel *c, const char *name)
{
	return send_text(c, "signal", name, NULL, NULL);
}

int
session_send_break(struct channel *c, uint32_t length_ms,
    channel_reply *on_reply, void *context)
{
	write_uint32(
	    channel_request_begin(c, "break", on_reply != NULL), length_ms);
	return channel_request_end(c, on_reply, context);
}

int
session_send_exit_status(struct channel *c, uint32_t status)
{
	write_uint32(channel_request_begin(c, "exit-status", false), status);
	return channel_request_end(c, NULL, NULL);
}

int
session_send_exit_signal(
    struct channel *c, const char *name, bool core_dumped, const char *message)
{
	struct buf *b = channel_request_begin(c, "exit-signal", false);

	write_text(b, name);
	write_boolean(b, core_dumped);
	write_text(b, message);
	write_text(b, ""); /* language tag */
	return channel_request_end(c, NULL, NULL);
}
