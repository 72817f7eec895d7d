/*
 * session_user.c - becomes the user, takes over the transport, and serves
 * the connection until it ends.
 */
#include "sshd/session_user.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"
#include "common/port/port.h"
#include "sshd/privsep.h"
#include "sshd/session_agent.h"
#include "sshd/session_sftp.h"
#include "sshd/user_session.h"

#define LAST_WORDS_MS  2000
#define TRIM_AFTER_US  300000
#define AUTH_INFO_NAME "/tmp/sshauth.XXXXXXXXXXXXXXX"

/* ---- what the monitor sends ---- */

static int
receive(struct user_session *u, uint8_t type, struct ipc_message *ret)
{
	int r = ipc_receive(&u->monitor, ret);

	return r == 0 && ret->type != type ? ERR_UNEXPECTED : r;
}

static int
receive_keys(struct user_session *u)
{
	struct ipc_message m;
	struct reader r;
	int rc;

	if ((u->keys = host_keys_new()) == NULL)
		return ERR_MEMORY;
	if ((rc = receive(u, PRIVSEP_HOST_KEYS, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	if ((rc = host_keys_read_public(&r, u->keys)) != 0)
		return rc;
	return read_end(&r);
}

static int
receive_connection(struct user_session *u)
{
	struct ipc_message m;
	struct reader r;
	bool second;
	int rc;

	if ((rc = receive(u, PRIVSEP_CONNECTION, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	second = read_boolean(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	u->fd_in = u->fd_out = m.fd;
	if (second) {
		if ((rc = receive(u, PRIVSEP_CONNECTION_OUT, &m)) != 0)
			return rc;
		u->fd_out = m.fd;
	}
	return 0;
}

static int
receive_start(struct user_session *u)
{
	struct ipc_message m;
	int r;

	if ((r = receive_keys(u)) != 0 || (r = receive_connection(u)) != 0 ||
	    (r = receive(u, PRIVSEP_START, &m)) != 0)
		return r;
	return session_start_read(m.body, &u->start);
}

static int
load_options(struct user_session *u, struct error *e)
{
	struct sshd_match_context c = {
		.user = u->start.user,
		.host = u->start.host,
		.address = u->start.peer.remote_text,
		.laddress = u->start.peer.local_text,
		.lport = u->start.peer.local.port,
	};
	int r = sshd_options_for(u->config, &c, &u->options, e);

	/* What is confined is for files alone: forwarding would reach sockets,
	 * and make some, wherever the user may. */
	if (r == 0 && session_sftp_only(u))
		u->options.disable_forwarding = true;
	if (r == 0 && sshd_options_is_set(&u->options, SSHD_OPTION_log_level))
		log_set_level((enum log_level)u->options.log_level);
	return r;
}

/* ---- becoming the user ---- */

/* Every directory on the way belongs to root, and nobody else may change
 * it: who could would be root inside. */
static int
check_chroot(const char *path, struct error *e)
{
	char part[4096];
	struct stat st;
	size_t len = strlen(path);

	if (path[0] != '/' || len >= sizeof(part))
		return error_set(e, ERR_CONFIG,
		    "chroot path %s does not begin at root", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (stat(part, &st) != 0)
			return error_set_errno(e, "chroot directory %s", part);
		if (st.st_uid != 0 || (st.st_mode & 022) != 0 ||
		    !S_ISDIR(st.st_mode))
			return error_set(e, ERR_PERMISSION,
			    "bad ownership or modes for chroot directory "
			    "component \"%s\"",
			    part);
	}
	return 0;
}

static int
enter_chroot(const char *path, struct error *e)
{
	int r;

	if (geteuid() != 0)
		return error_set(e, ERR_PERMISSION,
		    "ChrootDirectory needs sshd to run as root");
	if ((r = check_chroot(path, e)) != 0)
		return r;
	if (chroot(path) != 0 || chdir("/") != 0)
		return error_set_errno(e, "chroot to %s", path);
	return 0;
}

static int
change_root(struct user_session *u, struct error *e)
{
	struct config_tokens tokens = { { NULL } };
	char uid[24];
	char *path = NULL;
	int r;

	snprintf(uid, sizeof(uid), "%lu", (unsigned long)u->start.uid);
	tokens.value['h'] = u->start.home;
	tokens.value['u'] = u->start.user;
	tokens.value['U'] = uid;
	r = config_expand(
	    u->options.chroot_directory, &tokens, "huU", false, NULL, &path, e);
	if (r == 0)
		r = enter_chroot(path, e);
	free(path);
	return r;
}

static int
become_user(struct user_session *u, struct error *e)
{
	const struct session_start *s = &u->start;
	int r;

	umask(022);
	if (u->options.chroot_directory != NULL && (r = change_root(u, e)) != 0)
		return r;
	return port_become_user_with_groups(
	    s->uid, s->gid, s->gids, s->gid_count, e);
}

/* ExposeAuthInfo: a file that SSH_USER_AUTH names. */
static void
write_auth_info(struct user_session *u)
{
	const char *text = u->start.auth_info;
	char path[] = AUTH_INFO_NAME;
	int fd;

	if (text[0] == '\0' || session_sftp_only(u))
		return;
	if ((fd = mkostemp(path, O_CLOEXEC)) < 0) {
		log_error("cannot write %s: %s", path, strerror(errno));
		return;
	}
	if (fd_write_all(fd, text, strlen(text)) == 0)
		u->auth_info_path = strdup(path);
	close(fd);
	if (u->auth_info_path == NULL)
		unlink(path);
}

/* ---- the end ---- */

static void
stop(struct user_session *u, int status)
{
	u->stopping = true;
	u->exit_status = status;
	loop_stop(u->loop, status);
}

static void
log_disconnected(const struct user_session *u)
{
	const struct peer *p = &u->start.peer;

	log_info("Disconnected from user %s %s port %u", u->start.user,
	    p->remote_text, p->remote_port);
}

static void
on_link_end(void *context, int code, const struct error *e)
{
	struct user_session *u = context;
	const struct peer *p = &u->start.peer;

	if (u->stopping)
		return;
	if (code == ERR_CLOSED)
		log_info("Connection closed by user %s %s port %u",
		    u->start.user, p->remote_text, p->remote_port);
	else
		log_info("Connection from user %s %s port %u: %s",
		    u->start.user, p->remote_text, p->remote_port,
		    error_message(e, code));
	stop(u, SESSION_EXIT_FATAL);
}

/* We end it: with a word to the peer. */
static void
disconnect(struct user_session *u, uint32_t reason, const char *text)
{
	transport_disconnect(u->transport, reason, text);
	IGNORE_RESULT(link_flush(u->link, LAST_WORDS_MS));
	stop(u, SESSION_EXIT_FATAL);
}

/* Nothing more can be signed or recorded: the session is not kept alive
 * beside a monitor that is gone. */
static void
on_monitor(struct watch *w, unsigned ready, void *context)
{
	struct user_session *u = context;

	log_set_sink(NULL, NULL);
	log_set_level(LOG_LEVEL_QUIET);
	disconnect(u, SSH_DISCONNECT_BY_APPLICATION, "the server is ending");
}

/* What was made for the session is to be removed. */
static void
on_ending_signal(int number, void *context)
{
	struct user_session *u = context;

	log_info("Exiting on signal %d", number);
	disconnect(u, SSH_DISCONNECT_BY_APPLICATION, "the server is ending");
}

/* ---- the connection ---- */

static bool
on_channel_open(struct connection *k, struct channel *c, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct user_session *u = context;
	struct command *command;

	if (!span_is(type, "session") || read_end(r) != 0)
		return false;
	*ret_reason = SSH_OPEN_ADMINISTRATIVELY_PROHIBITED;
	*ret_text = "open failed";
	if (u->no_more_sessions) {
		log_info("session opened after no-more-sessions");
		disconnect(u, SSH_DISCONNECT_PROTOCOL_ERROR,
		    "Possible attack: attempt to open a session after "
		    "additional sessions disabled");
		return false;
	}
	if (u->command_count >= u->options.max_sessions) {
		log_info("no more sessions: MaxSessions is %d",
		    u->options.max_sessions);
		return false;
	}
	if ((command = command_new(u, c)) == NULL) {
		*ret_reason = SSH_OPEN_RESOURCE_SHORTAGE;
		return false;
	}
	channel_set_handlers(c, &command_handlers, command);
	return true;
}

static bool
on_global_request(struct connection *k, struct span type, struct reader *r,
    bool want_reply, struct buf *reply, void *context)
{
	struct user_session *u = context;

	if (span_is(type, "no-more-sessions@openssh.com")) {
		u->no_more_sessions = true;
		return true;
	}
	if (span_is(type, "hostkeys-prove-00@openssh.com"))
		return prove_host_keys(u, r, reply);
	/* keepalive@openssh.com expects failure; forwarding is refused. */
	return false;
}

static int
on_sign(struct user_session *u)
{
	struct buf signature = BUF_INIT;
	int r = ask_signature(u, transport_sign_hash(u->transport),
	    transport_sign_algorithm(u->transport), &signature);

	if (r == 0)
		r = transport_signed(u->transport, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static int
on_packet(struct user_session *u, const struct packet *p)
{
	u->alive_missed = 0;
	if (p->type >= SSH_MSG_GLOBAL_REQUEST && p->type <= 127)
		return connection_packet(u->connection, p, loop_now_us(u->loop),
		    link_rtt_us(u->link));
	/* RFC 4252 s5.1: requests after success are ignored silently. */
	if (p->type >= SSH_MSG_USERAUTH_REQUEST && p->type < 80)
		return 0;
	return transport_unimplemented(u->transport, p->seqnr);
}

static void
on_disconnected(struct user_session *u)
{
	const struct peer *p = &u->start.peer;
	uint32_t reason = 0;
	const char *text = transport_disconnect_text(u->transport, &reason);

	log_info("Received disconnect from %s port %u:%u: %s", p->remote_text,
	    p->remote_port, reason, text != NULL ? text : "");
	log_disconnected(u);
	stop(u, SESSION_EXIT_OK);
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct user_session *u = context;

	switch (event) {
	case TRANSPORT_SIGN:
		return on_sign(u);
	case TRANSPORT_PACKET:
		return on_packet(u, packet);
	case TRANSPORT_DISCONNECTED:
		on_disconnected(u);
		return 0;
	default:
		return 0;
	}
}

/* ---- ClientAliveInterval ---- */

static void
on_alive_reply(
    struct connection *k, bool success, struct reader *r, void *context)
{
	/* Any answer is a sign of life, and was counted as one. */
}

static void
set_alive(struct user_session *u)
{
	if (u->options.client_alive_interval > 0)
		timer_set(u->alive,
		    (uint64_t)u->options.client_alive_interval * 1000000);
}

static void
on_alive(struct timer *t, void *context)
{
	struct user_session *u = context;
	uint64_t interval =
	    (uint64_t)u->options.client_alive_interval * 1000000;
	uint64_t quiet = loop_now_us(u->loop) - link_last_input_us(u->link);
	int most = u->options.client_alive_count_max;

	if (quiet < interval) {
		u->alive_missed = 0;
		timer_set(t, interval - quiet);
		return;
	}
	if (most > 0 && u->alive_missed >= most) {
		log_info("Timeout, client not responding from user %s %s port "
			 "%u",
		    u->start.user, u->start.peer.remote_text,
		    u->start.peer.remote_port);
		stop(u, SESSION_EXIT_FATAL);
		return;
	}
	u->alive_missed++;
	connection_request_begin(u->connection, "keepalive@openssh.com", true);
	/* A transport that fails tells its owner. */
	IGNORE_RESULT(connection_request_end(u->connection, on_alive_reply, u));
	set_alive(u);
}

/* ---- ChannelTimeout, UnusedConnectionTimeout ---- */

/* What runs does not wait for the client to agree to the end. */
static void
on_idle(struct channel *c, void *context)
{
	if (strcmp(channel_type(c), "session") == 0)
		command_hang_up(channel_context(c));
}

static void
on_unused(void *context)
{
	struct user_session *u = context;

	log_info("terminating inactive connection from user %s %s port %u",
	    u->start.user, u->start.peer.remote_text,
	    u->start.peer.remote_port);
	disconnect(u, SSH_DISCONNECT_BY_APPLICATION,
	    "no channel was open for too long");
}

static int
watch_idleness(struct user_session *u)
{
	struct idle_config c = {
		.loop = u->loop,
		.connection = u->connection,
		.timeouts = &u->options.channel_timeout,
		.unused_s = u->options.unused_connection_timeout,
		.on_idle = on_idle,
		.on_unused = on_unused,
		.context = u,
	};

	return idle_new(&c, &u->idle);
}

/* Once the login is over: memory that it took goes back. */
static void
on_trim(struct timer *t, void *context)
{
	malloc_trim(0);
	timer_free(t);
}

/* ---- start ---- */

static struct span
find_host_key(void *context, const char *algorithm)
{
	const struct user_session *u = context;

	return host_keys_blob(u->keys, algorithm);
}

static int
take_over_transport(struct user_session *u, struct error *e)
{
	int r;

	r = protocol_init(&u->protocol, &u->options, u->keys, NULL);
	if (r != 0)
		return r;
	r = transport_import(&u->protocol.config, buf_span(&u->start.transport),
	    time_monotonic_us(), &u->transport, e);
	buf_release(&u->start.transport);
	if (r == 0)
		transport_set_host_keys(u->transport, find_host_key, u);
	return r;
}

static int
set_up_loop(struct user_session *u)
{
	struct link_owner owner = {
		.on_event = on_event, .on_end = on_link_end, .context = u
	};
	struct connection_handlers handlers = {
		.on_channel_open = on_channel_open,
		.on_global_request = on_global_request,
		.context = u,
	};
	struct timer *trim;
	int r;

	if ((u->loop = loop_new()) == NULL)
		return ERR_MEMORY;
	u->link = link_new(u->loop, u->transport, u->fd_in, u->fd_out, &owner);
	u->monitor_watch = watch_new(u->loop, u->monitor.fd, on_monitor, u);
	u->alive = timer_new(u->loop, on_alive, u);
	trim = timer_new(u->loop, on_trim, NULL);
	if (u->link == NULL || u->monitor_watch == NULL || u->alive == NULL ||
	    trim == NULL)
		return ERR_MEMORY;
	if (loop_on_signal(u->loop, SIGTERM, on_ending_signal, u) != 0)
		return ERR_SYSTEM;
	watch_set(u->monitor_watch, WATCH_READ);
	set_alive(u);
	timer_set(trim, TRIM_AFTER_US);
	if ((r = connection_new(u->transport, &handlers, &u->connection)) !=
		0 ||
	    (r = watch_idleness(u)) != 0)
		return r;
	return announce_host_keys(u);
}

static int
set_up(struct user_session *u, struct error *e)
{
	int r;

	if ((r = load_options(u, e)) != 0 || (r = become_user(u, e)) != 0)
		return r;
	/* A change of user, which does this by itself, there may be none.
	 * internal-sftp would write to /proc/self/mem what is then run. */
	port_no_trace();
	write_auth_info(u);
	if ((r = take_over_transport(u, e)) != 0)
		return r;
	return set_up_loop(u);
}

static void
tear_down(struct user_session *u)
{
	list_for_each_safe(l, &u->commands)
		command_end(list_entry(l, struct command, link));
	session_agent_end(u);
	idle_free(u->idle);
	if (u->auth_info_path != NULL)
		unlink(u->auth_info_path);
}

static void
keep_descriptors(int fd)
{
	int null_fd = open("/dev/null", O_RDWR);

	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
	    dup2(null_fd, 2) < 0 || (fd != 3 && dup2(fd, 3) < 0))
		_exit(SESSION_EXIT_FATAL);
	port_close_from(4);
	IGNORE_RESULT(fd_set_cloexec(3, true)); /* closed by number too */
}

void
session_user_main(int monitor_fd, const struct sshd_config *config)
{
	static struct user_session u;
	struct error e = { 0 };
	int r;

	keep_descriptors(monitor_fd);
	u.config = config;
	u.fd_in = u.fd_out = -1;
	u.class = -1;
	list_init(&u.commands);
	session_start_init(&u.start);
	ipc_init(&u.monitor, 3, PRIVSEP_MESSAGE_MAX);
	port_title("sshd-session: [waiting]");
	r = receive_start(&u);
	if (r == ERR_CLOSED)
		_exit(SESSION_EXIT_OK); /* nobody was let in */
	log_set_sink(send_log_line, &u);
	if (r == 0)
		r = set_up(&u, &e);
	if (r != 0) {
		log_error("session of %s: %s",
		    u.start.user != NULL ? u.start.user : "?",
		    error_message(&e, r));
		_exit(SESSION_EXIT_FATAL);
	}
	port_title("sshd-session: %s@notty", u.start.user);
	link_kick(u.link);
	loop_run(u.loop);
	tear_down(&u);
	_exit(u.exit_status);
}
