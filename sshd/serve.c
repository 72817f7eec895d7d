/*
 * serve.c - sets up the processes of one connection and runs the monitor
 * between them.
 */
#include "sshd/serve.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/ipc/ipc.h"
#include "common/port/port.h"
#include "sshd/monitor.h"
#include "sshd/preauth.h"
#include "sshd/privsep.h"
#include "sshd/session_user.h"
#include "sshd/warm_up.h"

#define PRIVSEP_USER    "sshd"
#define UNREAD_MAX      ((size_t)1024 * 1024) /* answers it does not take */
#define TRIM_AFTER_US   300000
#define GRACE_SLACK_S   5
#define MODULI_FILE_MAX ((size_t)16 * 1024 * 1024)

static const char *const empty_directories[] = { "/run/sshd", "/var/empty" };

struct connection_state {
	const struct serve_setup *setup;
	const struct sshd_config *config; /* its */
	const struct serve_source *source;
	struct host_keys *keys;
	struct peer peer;
	int fd_in;
	int fd_out;
	struct ipc child; /* authentication */
	pid_t child_pid;
	struct ipc session;
	pid_t session_pid;
	struct monitor *monitor;
};

/* ---- confinement ---- */

/* The first that is there; the preferred name where none is. */
static const char *
empty_directory(void)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_COUNT(empty_directories); i++) {
		if (stat(empty_directories[i], &st) == 0 && S_ISDIR(st.st_mode))
			return empty_directories[i];
	}
	return empty_directories[0];
}

static int
check_directory(const char *path, struct error *e)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return error_set(e, ERR_NOT_FOUND,
		    "Missing privilege separation directory: %s", path);
	if (st.st_uid != 0 || (st.st_mode & 022) != 0)
		return error_set(e, ERR_PERMISSION,
		    "%s must be owned by root and not group or "
		    "world-writable.",
		    path);
	return 0;
}

int
serve_check_confinement(struct error *e)
{
	if (geteuid() != 0)
		return 0;
	if (getpwnam(PRIVSEP_USER) == NULL)
		return error_set(e, ERR_NOT_FOUND,
		    "Privilege separation user " PRIVSEP_USER
		    " does not exist");
	return check_directory(empty_directory(), e);
}

static int
find_confinement(struct preauth_setup *s, struct error *e)
{
	const struct passwd *pw;
	int r;

	if (geteuid() != 0)
		return 0;
	if ((r = serve_check_confinement(e)) != 0)
		return r;
	if ((pw = getpwnam(PRIVSEP_USER)) == NULL)
		return ERR_NOT_FOUND;
	s->chroot_dir = empty_directory();
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	return 0;
}

/* ---- the children ---- */

/* Groups for group exchange; read only where that could be negotiated. */
static struct moduli *
load_moduli(const struct sshd_options *o)
{
	struct moduli *m = NULL;
	struct buf text = BUF_INIT;
	struct error e = { 0 };

	if (strstr(o->kex_algorithms, "group-exchange") == NULL)
		return NULL;
	if (file_read(o->moduli_file, MODULI_FILE_MAX, &text, &e) != 0)
		log_debug1("built-in groups are used: %s", e.text);
	else if (moduli_parse(buf_span(&text), &m, NULL) != 0)
		m = NULL;
	buf_release(&text);
	return m;
}

int
serve_prepare(
    const struct sshd_config *config, struct serve_setup *ret, struct error *e)
{
	struct serve_setup s = { .child = { .config = config } };
	int r;

	if ((r = find_confinement(&s.child, e)) != 0)
		return r;
	warm_up(sshd_config_global(config));
	s.moduli = load_moduli(sshd_config_global(config));
	s.child.moduli = s.moduli;
	*ret = s;
	return 0;
}

static int
start_child(struct connection_state *s, struct error *e)
{
	struct preauth_setup setup = s->setup->child;
	int fds[2];

	if (ipc_pair(fds) != 0)
		return error_set_errno(e, "socket pair");
	if ((s->child_pid = fork()) < 0) {
		close(fds[0]);
		close(fds[1]);
		return error_set_errno(e, "fork");
	}
	if (s->child_pid == 0) {
		setup.monitor_fd = fds[1];
		preauth_main(&setup);
	}
	close(fds[1]);
	ipc_init(&s->child, fds[0], PRIVSEP_MESSAGE_MAX);
	return 0;
}

static int
start_session(struct connection_state *s, struct error *e)
{
	int fds[2], r;

	if ((r = ipc_pair(fds)) != 0)
		return error_set_errno(e, "socket pair");
	if ((s->session_pid = fork()) < 0) {
		close(fds[0]);
		close(fds[1]);
		return error_set_errno(e, "fork");
	}
	if (s->session_pid == 0)
		session_user_main(fds[1], s->config);
	close(fds[1]);
	ipc_init(&s->session, fds[0], PRIVSEP_MESSAGE_MAX);
	return 0;
}

/* The status of an ended process; a still running one is ended. */
static int
reap(pid_t *pid)
{
	int status = 0;

	if (*pid <= 0)
		return 0;
	while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
	return status;
}

static void
end_process(pid_t *pid)
{
	if (*pid > 0)
		kill(*pid, SIGKILL);
	reap(pid);
}

/* ---- the connection ---- */

static int
send_public_keys(struct connection_state *s, struct ipc *to)
{
	int r;

	host_keys_write_public(s->keys, ipc_begin(to, PRIVSEP_HOST_KEYS));
	if ((r = ipc_end(to, -1)) != 0)
		return r;
	return ipc_flush(to);
}

static int
send_connection(struct connection_state *s, struct ipc *to)
{
	bool second = s->fd_out != s->fd_in;
	int r;

	write_boolean(ipc_begin(to, PRIVSEP_CONNECTION), second);
	if ((r = ipc_end(to, s->fd_in)) != 0)
		return r;
	if (second) {
		ipc_begin(to, PRIVSEP_CONNECTION_OUT);
		if ((r = ipc_end(to, s->fd_out)) != 0)
			return r;
	}
	return ipc_flush(to);
}

static void
prepare_socket(struct connection_state *s)
{
	int on = 1;

	IGNORE_RESULT(fd_set_nonblocking(s->fd_in, true)); /* polled anyway */
	if (s->fd_out != s->fd_in)
		IGNORE_RESULT(fd_set_nonblocking(s->fd_out, true));
	if (s->peer.remote.family == 0)
		return;
	port_socket_interactive(s->fd_in);
	port_socket_local(s->fd_in);
	/* An optimisation of notice; a socket without it works as well. */
	if (sshd_config_global(s->config)->tcp_keep_alive)
		setsockopt(s->fd_in, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
close_connection(struct connection_state *s)
{
	if (s->fd_in >= 0)
		close(s->fd_in);
	if (s->fd_out >= 0 && s->fd_out != s->fd_in)
		close(s->fd_out);
	s->fd_in = s->fd_out = -1;
}

/* ---- the monitor's loop ---- */

static int
converse(struct connection_state *s, struct ipc *ipc, uint64_t deadline_us)
{
	struct ipc_message m;
	int r;

	do {
		r = ipc_receive_until(ipc, deadline_us, UNREAD_MAX, &m);
		if (r != 0)
			return r;
		if (m.fd >= 0) {
			close(m.fd); /* nobody has any to send us */
			return ERR_UNEXPECTED;
		}
		r = monitor_dispatch(s->monitor, ipc, m.type, m.body);
	} while (r == 0);
	return r;
}

static uint64_t
grace_deadline(const struct connection_state *s)
{
	int64_t grace = sshd_config_global(s->config)->login_grace_time;

	if (grace <= 0)
		return UINT64_MAX;
	return time_monotonic_us() + (uint64_t)grace * 1000000;
}

/* The child did not end as it should have: what is known goes to the log. */
static int
child_failed(struct connection_state *s, int code)
{
	int status;

	if (code == ERR_TIMEOUT) {
		monitor_log_timeout(s->monitor);
		return SESSION_EXIT_GRACE;
	}
	if (code != ERR_CLOSED) {
		log_error("authentication process of %s port %u: %s",
		    s->peer.remote_text, s->peer.remote_port, error_text(code));
		return SESSION_EXIT_CRASH;
	}
	status = reap(&s->child_pid);
	if (WIFSIGNALED(status))
		log_error("authentication process of %s port %u was killed by "
			  "signal %d (%s)",
		    s->peer.remote_text, s->peer.remote_port, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		log_error("authentication process of %s port %u ended "
			  "unexpectedly, status %d",
		    s->peer.remote_text, s->peer.remote_port,
		    WEXITSTATUS(status));
	return SESSION_EXIT_CRASH;
}

/*
 * The deadline is for the peer. That of the monitor itself is a little later,
 * and a signal that nothing withstands: the files of a user may lie where he
 * decides when, or whether, they are read (FUSE), and the slots of
 * MaxStartups would be his.
 */
static void
limit_monitor(const struct connection_state *s)
{
	int64_t grace = sshd_config_global(s->config)->login_grace_time;
	sigset_t set;

	if (grace <= 0 || grace > INT_MAX - GRACE_SLACK_S)
		return;
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm((unsigned)grace + GRACE_SLACK_S);
}

/* 0 when the user is authenticated, else an exit status. */
static int
authenticate(struct connection_state *s)
{
	uint64_t deadline_us = grace_deadline(s);
	int r;

	monitor_set_deadline(s->monitor, deadline_us);
	limit_monitor(s);
	r = converse(s, &s->child, deadline_us);
	alarm(0);
	if (r != MONITOR_OVER)
		return child_failed(s, r);
	if (!monitor_is_authenticated(s->monitor))
		return monitor_exit_status(s->monitor);
	return 0;
}

static int
begin_session(struct connection_state *s)
{
	int r;

	monitor_set_session_pid(s->monitor, s->session_pid);
	if ((r = send_connection(s, &s->session)) != 0 ||
	    (r = monitor_write_start(
		 s->monitor, ipc_begin(&s->session, PRIVSEP_START))) != 0 ||
	    (r = ipc_end(&s->session, -1)) != 0)
		return r;
	close_connection(s);
	return ipc_flush(&s->session);
}

static int
accompany_session(struct connection_state *s)
{
	int r = begin_session(s), status;

	if (r != 0) {
		log_error("cannot start the session of %s: %s",
		    monitor_user(s->monitor), error_text(r));
		return SESSION_EXIT_FATAL;
	}
	s->source->authenticated(s->source->context);
	end_process(&s->child_pid);
	ipc_release(&s->child);
	s->child.fd = -1;
	port_title("sshd-session: %s [priv]", monitor_user(s->monitor));
	r = converse(s, &s->session, time_monotonic_us() + TRIM_AFTER_US);
	if (r == ERR_TIMEOUT) {
		/* It stays: what the login took is given back. */
		monitor_trim(s->monitor);
		malloc_trim(0);
		r = converse(s, &s->session, UINT64_MAX);
	}
	if (r != ERR_CLOSED)
		log_error("session of %s: %s", monitor_user(s->monitor),
		    error_text(r));
	else
		r = 0;
	if (r != 0)
		kill(s->session_pid, SIGTERM);
	status = reap(&s->session_pid);
	if (WIFSIGNALED(status) && r == 0)
		log_error("session of %s from %s port %u was killed by signal "
			  "%d (%s)",
		    monitor_user(s->monitor), s->peer.remote_text,
		    s->peer.remote_port, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	monitor_close_terminals(s->monitor);
	return WIFEXITED(status) ? WEXITSTATUS(status) : SESSION_EXIT_FATAL;
}

static int
serve_connection(struct connection_state *s)
{
	int status;

	peer_of(s->fd_in, &s->peer);
	prepare_socket(s);
	log_verbose("Connection from %s port %u on %s port %u",
	    s->peer.remote_text, s->peer.remote_port, s->peer.local_text,
	    s->peer.local_port);
	port_title("sshd-session: %s [accepted]", s->peer.remote_text);
	if (send_connection(s, &s->child) != 0)
		return child_failed(s, ERR_CLOSED);
	s->monitor =
	    monitor_new(s->config, &s->peer, s->keys, &monitor_real_world);
	if (s->monitor == NULL)
		return SESSION_EXIT_FATAL;
	status = authenticate(s);
	if (status == 0 && monitor_is_authenticated(s->monitor))
		status = accompany_session(s);
	monitor_free(s->monitor);
	s->monitor = NULL;
	return status;
}

static int
prepare(struct connection_state *s, struct error *e)
{
	int r;

	if ((r = start_child(s, e)) != 0 || (r = start_session(s, e)) != 0)
		return r;
	port_no_dump(); /* not before: users' processes keep their limits */
	if ((s->keys = host_keys_new()) == NULL)
		return ERR_MEMORY;
	r = s->source->host_keys(s->source->context, s->keys);
	if (r != 0)
		return r;
	if (host_keys_count(s->keys) == 0)
		return error_set(e, ERR_NOT_FOUND, "no hostkeys available");
	if ((r = send_public_keys(s, &s->child)) != 0)
		return r;
	return send_public_keys(s, &s->session);
}

int
serve(const struct serve_setup *setup, const struct serve_source *source)
{
	struct connection_state s = { .setup = setup,
		.config = setup->child.config,
		.source = source,
		.fd_in = -1,
		.fd_out = -1,
		.child = { .fd = -1 },
		.session = { .fd = -1 } };
	struct error e = { 0 };
	int r, status = SESSION_EXIT_FATAL;

	signal(SIGPIPE, SIG_IGN);
	r = prepare(&s, &e);
	if (r == 0)
		r = source->connection(source->context, &s.fd_in, &s.fd_out);
	if (r == 0)
		status = serve_connection(&s);
	else if (r == ERR_CLOSED)
		status = SESSION_EXIT_OK; /* not needed any more */
	else
		log_fatal("%s", error_message(&e, r));
	close_connection(&s);
	end_process(&s.child_pid);
	ipc_release(&s.session); /* its end: the session goes with it */
	if (s.session_pid > 0)
		end_process(&s.session_pid);
	ipc_release(&s.child);
	host_keys_free(s.keys);
	return status;
}
