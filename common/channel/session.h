/*
 * session.h - fields of the requests on session channels, both directions of
 * each side by side. RFC 4254 s6, s8 (terminal modes), RFC 4335 (break).
 */
#ifndef COMMON_CHANNEL_SESSION_H
#define COMMON_CHANNEL_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/channel/channel.h"

struct window_size {
	uint32_t columns, rows, width_pixels, height_pixels;
};

struct pty_request {
	struct span term; /* borrowed */
	struct window_size size;
	struct span modes; /* encoded, see tty_modes_ below */
};

int session_read_pty(struct reader *r, struct pty_request *ret) MUST_CHECK;
int session_send_pty(struct channel *c, const char *term,
    const struct window_size *size, struct span modes, channel_reply *on_reply,
    void *context) MUST_CHECK;
int session_read_window_change(
    struct reader *r, struct window_size *ret) MUST_CHECK;
int session_send_window_change(
    struct channel *c, const struct window_size *size) MUST_CHECK;
int session_send_env(struct channel *c, const char *name,
    const char *value) MUST_CHECK; /* no reply wanted */
int session_send_shell(
    struct channel *c, channel_reply *on_reply, void *context) MUST_CHECK;
int session_send_exec(struct channel *c, const char *command,
    channel_reply *on_reply, void *context) MUST_CHECK;
int session_send_subsystem(struct channel *c, const char *name,
    channel_reply *on_reply, void *context) MUST_CHECK;
int session_send_signal(
    struct channel *c, const char *name /* no SIG */) MUST_CHECK;
int session_send_break(struct channel *c, uint32_t length_ms,
    channel_reply *on_reply, void *context) MUST_CHECK;
int session_send_exit_status(struct channel *c, uint32_t status) MUST_CHECK;
int session_send_exit_signal(struct channel *c, const char *name,
    bool core_dumped, const char *message) MUST_CHECK;

/* "TERM" <-> SIGTERM; 0 / NULL for names and numbers RFC 4254 s6.10 has not
 * (and INFO@openssh.com). */
int session_signal_number(struct span name);
const char *session_signal_name(int number);

/* Terminal modes: all of RFC 4254 s8 and IUTF8 (RFC 8160). speeds included. */
void tty_modes_write(struct buf *out, const struct termios *t);
/* Applies what is known, ignores the rest; ERR_TRUNCATED for a damaged list
 * (what came before is applied). */
int tty_modes_apply(struct span modes, struct termios *t) MUST_CHECK;

#endif
