/*
 * server_channel_cases.c - a client that is wrong after authentication.
 * RFC 4254.
 */
#include "tests/negative/server_cases.h"

#include <stdlib.h>
#include <string.h>

/* ---- channels ---- */

static void
send_simple(struct wire *w, uint8_t type, uint32_t channel, const char *text)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, type, channel);
	if (text != NULL)
		write_text(&b, text);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_auth_again(struct wire *w, struct daemon *d)
{
	server_send_none(w, "root", "ssh-connection");
}

static void
run_service_after_auth(struct wire *w, struct daemon *d)
{
	server_send_service(w, "ssh-userauth");
}

static void
run_unknown_channel_data(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_DATA, 12345, "data");
}

static void
run_unknown_channel_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, 0xffffffff, NULL);
}

static void
run_open_unknown_type(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "teapot");
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_open_cut(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "session");
	write_uint32(&b, 1);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_unasked_confirmation(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 0);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_too_many_sessions(struct wire *w, struct daemon *d)
{
	/* MaxSessions is 4. */
	for (int i = 0; i < 4; i++)
		(void)wire_open_session(w);
	memset(w->count, 0, sizeof w->count);
	(void)wire_open_session(w);
}

static void
run_global_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_GLOBAL_REQUEST);
	write_text(&b, "teapot@example");
	write_boolean(&b, true);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_unasked_reply(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_REQUEST_SUCCESS);
}

static void
run_unasked_channel_success(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_SUCCESS, w->peer_channel, NULL);
}

static void
run_request_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "teapot");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_cut(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_uint32(&b, 1000);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_nul(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_string(&b, span_of("true\0false", 10));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_pty_cut_modes(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "pty-req");
	write_text(&b, "xterm");
	for (int i = 0; i < 4; i++)
		write_uint32(&b, 0xffffffff);
	write_uint32(&b, 0xffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_subsystem_unknown(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "subsystem");
	write_text(&b, "teapot");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exit_status_from_client(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exit-status");
	write_uint32(&b, 0);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_exec_twice(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "exec");
	write_text(&b, "echo again");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_window_overrun(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	static char block[100000];

	/* Far more than any window: it must end before it is all taken. */
	for (int i = 0; i < 4000 && !wire_is_gone(w); i++) {
		wire_begin(&b, SSH_MSG_CHANNEL_DATA, w->peer_channel);
		write_string(&b, span_of(block, sizeof block));
		wire_send(w, &b);
		if (i % 32 == 0)
			(void)wire_until(w, 255, 1, 0);
	}
	buf_release(&b);
}

static void
run_big_data(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	static char block[200000];

	/* Longer than the maximum packet that it announced. */
	wire_begin(&b, SSH_MSG_CHANNEL_DATA, w->peer_channel);
	write_string(&b, span_of(block, sizeof block));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_window_overflow(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 2; i++) {
		wire_begin(&b, SSH_MSG_CHANNEL_WINDOW_ADJUST, w->peer_channel);
		write_uint32(&b, 0xffffffff);
		wire_send(w, &b);
	}
	buf_release(&b);
}

static void
run_data_after_eof(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_EOF, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_DATA, w->peer_channel, "more");
}

static void
run_data_after_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_DATA, w->peer_channel, "more");
}

static void
run_exec_after_close(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	run_exec_twice(w, d);
}

static void
run_close_twice(struct wire *w, struct daemon *d)
{
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
	send_simple(w, SSH_MSG_CHANNEL_CLOSE, w->peer_channel, NULL);
}

static void
run_extended_type(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_EXTENDED_DATA, w->peer_channel);
	write_uint32(&b, 77);
	write_text(&b, "x");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_signal_forged(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	wire_begin_request(&b, w->peer_channel, "signal");
	write_text(&b, "BOGUS");
	wire_send(w, &b);
	buf_release(&b);
}

const struct server_case server_channel_cases[] = {
	{ "auth-after-auth", STAGE_AUTH, WANT_SAFE, run_auth_again },
	{ "service-after-auth", STAGE_AUTH, WANT_SAFE, run_service_after_auth },
	{ "data-for-no-channel", STAGE_AUTH, WANT_CLOSED,
	    run_unknown_channel_data },
	{ "close-for-no-channel", STAGE_AUTH, WANT_CLOSED,
	    run_unknown_channel_close },
	{ "open-unknown-type", STAGE_AUTH, WANT_OPEN_FAILURE,
	    run_open_unknown_type },
	{ "open-cut", STAGE_AUTH, WANT_CLOSED, run_open_cut },
	{ "confirmation-unasked", STAGE_AUTH, WANT_CLOSED,
	    run_unasked_confirmation },
	{ "global-unknown", STAGE_AUTH, WANT_REQUEST_FAILURE,
	    run_global_unknown },
	{ "global-reply-unasked", STAGE_AUTH, WANT_SAFE, run_unasked_reply },
	{ "channel-reply-unasked", STAGE_SESSION, WANT_SAFE,
	    run_unasked_channel_success },
	{ "request-unknown", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_request_unknown },
	{ "exec-cut", STAGE_SESSION, WANT_SAFE, run_exec_cut },
	{ "exec-with-nul", STAGE_SESSION, WANT_SAFE, run_exec_nul },
	{ "pty-cut-modes", STAGE_SESSION, WANT_SAFE, run_pty_cut_modes },
	{ "subsystem-unknown", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_subsystem_unknown },
	{ "exit-status-from-client", STAGE_SESSION, WANT_CHANNEL_FAILURE,
	    run_exit_status_from_client },
	{ "exec-twice", STAGE_RUNNING, WANT_CHANNEL_FAILURE, run_exec_twice },
	{ "sessions-over-the-limit", STAGE_AUTH, WANT_OPEN_FAILURE,
	    run_too_many_sessions },
	{ "window-overrun", STAGE_SESSION, WANT_CLOSED, run_window_overrun },
	{ "data-over-maximum-packet", STAGE_RUNNING, WANT_CLOSED,
	    run_big_data },
	{ "window-overflow", STAGE_RUNNING, WANT_SAFE, run_window_overflow },
	{ "data-after-eof", STAGE_RUNNING, WANT_CLOSED, run_data_after_eof },
	{ "data-after-close", STAGE_RUNNING, WANT_CLOSED,
	    run_data_after_close },
	{ "exec-after-close", STAGE_SESSION, WANT_CLOSED,
	    run_exec_after_close },
	{ "close-twice", STAGE_SESSION, WANT_CLOSED, run_close_twice },
	{ "extended-data-of-no-type", STAGE_RUNNING, WANT_SAFE,
	    run_extended_type },
	{ "signal-unknown", STAGE_RUNNING, WANT_CHANNEL_FAILURE,
	    run_signal_forged },
	{ NULL, STAGE_RAW, WANT_SAFE, NULL },
};
