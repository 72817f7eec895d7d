/*
 * user_session.h - the state of the user's session, for its files only.
 *
 *   session_user.c     start, the loop, the connection, its end
 *   session_ask.c      what it asks of the monitor
 *   session_host_keys.c  host keys that the client learns
 *   session_channel.c  session channels and their requests
 *   session_agent.c    the client's agent
 *   session_env.c      the environment of a command
 *   session_run.c      the process of a command
 */
#ifndef SSHD_USER_SESSION_H
#define SSHD_USER_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/channel/channel.h"
#include "common/channel/idle.h"
#include "common/channel/session.h"
#include "common/channel/stream.h"
#include "common/event/loop.h"
#include "common/ipc/ipc.h"
#include "common/port/port.h"
#include "common/transport/link.h"
#include "sshd/host_keys.h"
#include "sshd/options.h"
#include "sshd/protocol.h"
#include "sshd/session_start.h"

struct session_sftp;

struct user_session {
	struct ipc monitor;
	const struct sshd_config *config;
	struct sshd_options options;
	struct session_start start;
	struct host_keys *keys; /* public halves */
	struct protocol protocol;
	int fd_in;
	int fd_out;
	struct loop *loop;
	struct watch *monitor_watch;
	struct transport *transport;
	struct link *link;
	struct connection *connection;
	struct timer *alive; /* ClientAliveInterval */
	int alive_missed;
	struct idle *idle; /* ChannelTimeout, UnusedConnectionTimeout; NULL */
	struct list commands; /* struct command.link */
	int command_count;
	unsigned next_number;
	int class; /* of the connection now (IPQoS); -1: as it was */
	struct session_agent *agent; /* NULL: not forwarded */
	bool no_more_sessions;
	bool is_confined; /* to directories, with all it starts */
	unsigned proof_requests;
	char *auth_info_path; /* to be removed; NULL */
	bool stopping;
	int exit_status;
};

/* One session channel and what runs on it. */
struct command {
	struct list link;
	struct user_session *u;
	struct channel *channel;   /* NULL once it is closed */
	struct stream *stream;     /* NULL until something runs */
	struct session_sftp *sftp; /* internal-sftp instead; NULL */
	unsigned number;
	struct strings env; /* from the client */
	bool has_pty;
	struct port_pty pty; /* master -1 once the stream has it */
	char *term;
	char *last_login;
	bool started;
	bool is_subsystem; /* what was asked for */
	pid_t pid; /* 0 once it has ended */
	bool exit_sent;
	struct timer *eof_timer; /* EOF goes out without an exit status */
};

/* ---- session_channel.c ---- */

extern const struct channel_handlers command_handlers;

/* NULL without memory. */
struct command *command_new(
    struct user_session *u, struct channel *c) MUST_CHECK;

/* SIGHUP to what runs on it. */
void command_hang_up(const struct command *c);

/* The connection is gone: ends what runs, frees everything. */
void command_end(struct command *c);

/* ---- session_ask.c ---- */

/* A signature over an exchange hash with the host key. */
int ask_signature(struct user_session *u, struct span hash,
    const char *algorithm, struct buf *ret_signature) MUST_CHECK;

/* A proof of a host key by its blob; empty where it was refused. */
int ask_proof(struct user_session *u, struct span blob, const char *algorithm,
    struct buf *ret_signature) MUST_CHECK;

/* A terminal of the user's. ret_last_login: text to show, fresh. */
int ask_pty(struct user_session *u, struct port_pty *ret,
    char **ret_last_login) MUST_CHECK;
void tell_pty_closed(struct user_session *u, const char *name);

/* The log's sink: lines go to the monitor. */
void send_log_line(enum log_level level, const char *line, void *context);

/* ---- session_host_keys.c ---- */

/* Tells the client all host keys. */
int announce_host_keys(struct user_session *u) MUST_CHECK;
/* hostkeys-prove-00@openssh.com: r holds the keys, the proofs go to reply. */
bool prove_host_keys(
    struct user_session *u, struct reader *r, struct buf *reply);

/* ---- session_env.c ---- */

/* command: what the client asked for, where another one runs instead; NULL
 * else. */
int command_environment(const struct command *c, const char *original_command,
    struct strings *ret) MUST_CHECK;

#endif
