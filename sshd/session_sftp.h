/*
 * session_sftp.h - internal-sftp: the SFTP server in the process of the
 * user's session, on a channel. No other process, no pipe: what is read from
 * a file is read into the packet that is sealed and sent.
 *
 * Limits: see sftp/server.h; while answers wait, no requests are taken, and
 * the channel's window holds the peer back.
 */
#ifndef SSHD_SESSION_SFTP_H
#define SSHD_SESSION_SFTP_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "sshd/user_session.h"

struct session_sftp;

/* Does a command begin with the word internal-sftp? NULL: no. */
bool session_sftp_is(const char *command);

/* May only SFTP be used in this session (Confine, the key's confine=)? */
bool session_sftp_only(const struct user_session *u);

/*
 * Starts the server on the command's channel. line: "internal-sftp" and its
 * flags. The peer is told on the channel what it is refused for; then true
 * as well. False: it cannot be tried.
 */
bool session_sftp_start(
    struct command *c, const char *line, struct session_sftp **ret) MUST_CHECK;
void session_sftp_free(struct session_sftp *s);

size_t session_sftp_on_data(
    struct session_sftp *s, enum channel_stream stream, struct span data);
void session_sftp_on_eof(struct session_sftp *s);
void session_sftp_on_writable(struct session_sftp *s);

#endif
