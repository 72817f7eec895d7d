/*
 * session_channel.c - session channels: their requests, what runs on them,
 * and how they end.
 * RFC 4254 s6, RFC 4335.
 *
 *   new -> (pty-req, env ...) -> started -> exited + output sent -> closed
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sshd/session_agent.h"
#include "sshd/session_run.h"
#include "sshd/session_sftp.h"
#include "sshd/user_session.h"

#define ENV_MAX        256 /* variables of one channel */
#define ENV_VALUE_MAX  ((size_t)64 * 1024)
#define COMMAND_MAX    ((size_t)256 * 1024)
#define NOLOGIN_STATUS 254
#define EOF_WAIT_US    (100u * 1000) /* for the status of what has ended */
#define RC_FILE        ".ssh/rc"
#define RC_SYSTEM      SHEETBEND_SYSCONFDIR "/sshrc"

/* ---- life ---- */

struct command *
command_new(struct user_session *u, struct channel *channel)
{
	struct command *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->u = u;
	c->channel = channel;
	c->number = u->next_number++;
	c->pty.master = c->pty.slave = -1;
	list_add_last(&u->commands, &c->link);
	u->command_count++;
	return c;
}

static void
command_free(struct command *c)
{
	if (c->pid > 0)
		loop_forget_child(c->u->loop, c->pid);
	stream_free(c->stream);
	session_sftp_free(c->sftp);
	timer_free(c->eof_timer);
	port_pty_close(&c->pty);
	strings_release(&c->env);
	free(c->term);
	free(c->last_login);
	list_remove(&c->link);
	free(c);
}

void
command_hang_up(const struct command *c)
{
	if (c->pid <= 0)
		return;
	kill(-c->pid, SIGHUP);
	kill(-c->pid, SIGCONT); /* a stopped process would not notice */
}

/* IPQoS: keys are waited for while there is a terminal. */
static void
set_class(struct user_session *u)
{
	int class = u->options.ipqos.bulk;

	list_for_each(l, &u->commands) {
		struct command *c = list_entry(l, struct command, link);

		if (c->started && c->has_pty)
			class = u->options.ipqos.interactive;
	}
	if (class >= 0 && class != u->class)
		port_socket_class(u->fd_out, class);
	u->class = class;
}

static void
forget_pty(struct command *c)
{
	if (!c->has_pty)
		return;
	c->has_pty = false;
	tell_pty_closed(c->u, c->pty.name);
	set_class(c->u);
}

void
command_end(struct command *c)
{
	command_hang_up(c);
	forget_pty(c);
	command_free(c);
}

/* Kept while its process lives (to be reaped) or takes input. */
static void
free_if_over(struct command *c)
{
	if (c->channel != NULL || c->pid > 0)
		return;
	if (c->stream != NULL && stream_has_output(c->stream))
		return;
	command_free(c);
}

/* ---- the end of a command ---- */

static void
close_if_over(struct command *c)
{
	if (c->channel == NULL || !c->exit_sent ||
	    !stream_input_ended(c->stream))
		return;
	log_debug1("session %u: all sent, closing", c->number);
	/* What fails here is the transport, whose owner is told. */
	IGNORE_RESULT(channel_send_eof(c->channel) != 0 ||
		      channel_close(c->channel) != 0);
}

static int
send_exit(struct command *c, int wait_status)
{
	int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	const char *name = number != 0 ? session_signal_name(number) : NULL;

	if (name != NULL)
		return session_send_exit_signal(
		    c->channel, name, WCOREDUMP(wait_status), "");
	if (number != 0)
		return session_send_exit_status(
		    c->channel, 128 + (uint32_t)number);
	return session_send_exit_status(
	    c->channel, (uint32_t)WEXITSTATUS(wait_status));
}

static void
on_child_exit(pid_t pid, int wait_status, void *context)
{
	struct command *c = context;

	log_debug1("session %u: process %d ended, status 0x%x", c->number,
	    (int)pid, (unsigned)wait_status);
	c->pid = 0;
	if (c->channel == NULL) {
		free_if_over(c);
		return;
	}
	c->exit_sent = true;
	IGNORE_RESULT(send_exit(c, wait_status));
	close_if_over(c);
}

static void
on_eof_timer(struct timer *t, void *context)
{
	struct command *c = context;

	if (c->channel != NULL)
		IGNORE_RESULT(channel_send_eof(c->channel));
}

/*
 * A process that ends closes its files first: its status follows at once.
 * plink and dbclient, their own input being at its end, answer EOF by
 * closing the channel, and would never hear of the status.
 */
static void
on_input_end(struct stream *s, void *context)
{
	struct command *c = context;

	if (!c->exit_sent)
		timer_set(c->eof_timer, EOF_WAIT_US);
	close_if_over(c);
}

static void
on_output_end(struct stream *s, void *context)
{
	free_if_over(context);
}

/* ---- what is to be run ---- */

enum command_kind {
	COMMAND_SHELL,
	COMMAND_EXEC,
	COMMAND_SUBSYSTEM
};

struct wanted {
	enum command_kind kind;
	const char *command;   /* to be run; NULL: a login shell */
	const char *original;  /* asked for, where another one is forced */
	const char *subsystem; /* its name */
	const char *forced_by; /* "config", "key-option", or NULL */
};

static void
apply_forced(const struct command *c, struct wanted *w)
{
	const char *forced = c->u->options.force_command;

	w->forced_by = "config";
	if (forced == NULL) {
		forced = c->u->start.key.command;
		w->forced_by = "key-option";
	}
	if (forced == NULL) {
		w->forced_by = NULL;
		return;
	}
	w->original = w->command;
	w->command = forced;
}

static const char *
tty_short(const struct command *c)
{
	return text_starts_with(c->pty.name, "/dev/") ? c->pty.name + 5
						      : c->pty.name;
}

static void
log_start(const struct command *c, const struct wanted *w)
{
	const struct peer *p = &c->u->start.peer;
	struct buf what = BUF_INIT;
	const char *text;

	if (w->forced_by != NULL)
		buf_printf(&what, "forced-command (%s) '%s'", w->forced_by,
		    w->command);
	else if (w->kind == COMMAND_SUBSYSTEM)
		buf_printf(&what, "subsystem '%s'", w->subsystem);
	else
		buf_printf(&what, "%s",
		    w->kind == COMMAND_SHELL ? "shell" : "command");
	text = buf_text(&what);
	log_verbose("Starting session: %s%s%s for %s from %s port %u id %u",
	    text != NULL ? text : "?", c->has_pty ? " on " : "",
	    c->has_pty ? tty_short(c) : "", c->u->start.user, p->remote_text,
	    p->remote_port, c->number);
	buf_release(&what);
}

static bool
exists(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0;
}

/* The user's rc file, else the system's; fresh, or NULL. */
static char *
find_rc(const struct command *c, const struct wanted *w)
{
	const struct user_session *u = c->u;
	char *path;

	if (w->kind == COMMAND_SUBSYSTEM || u->options.force_command != NULL)
		return NULL;
	if (u->options.permit_user_rc && !u->start.key.no_user_rc) {
		path = path_join(u->start.home, RC_FILE);
		if (exists(path))
			return path;
		free(path);
	}
	return exists(RC_SYSTEM) ? strdup(RC_SYSTEM) : NULL;
}

static bool
is_quiet_login(const struct command *c)
{
	char *path = path_join(c->u->start.home, ".hushlogin");
	bool found = exists(path);

	free(path);
	return found;
}

/* What is shown before a shell on a terminal, or instead of anything. */
static void
plan_texts(const struct command *c, struct wanted *w, struct run_plan *p)
{
	const struct session_start *s = &c->u->start;
	bool login = c->has_pty && w->command == NULL && !is_quiet_login(c);

	if (s->nologin[0] != '\0') {
		p->refusal = s->nologin;
		p->refusal_status = NOLOGIN_STATUS;
	}
	if (s->must_change_password && c->has_pty) {
		w->command = "passwd";
		p->tell_first =
		    "WARNING: Your password has expired.\r\n"
		    "You must change your password now and login again!\r\n";
	} else if (s->must_change_password) {
		p->refusal = "WARNING: Your password has expired.\n"
			     "Password change required but no TTY "
			     "available.\n";
		p->refusal_status = 1;
	}
	if (login) {
		p->show_motd = c->u->options.print_motd;
		p->last_login = c->last_login;
	}
}

/* ---- starting it ---- */

struct pipes {
	int in[2];
	int out[2];
	int err[2];
};

static void
close_pair(int fds[2])
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

static int
open_pipes(struct pipes *p)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0 &&
	    pipe2(p->err, O_CLOEXEC) == 0) {
		port_pipe_enlarge(p->in[1]);
		port_pipe_enlarge(p->out[0]);
		return 0;
	}
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
	return ERR_SYSTEM;
}

static int
attach(struct command *c, int in_fd, int err_fd, int out_fd)
{
	struct stream_config f = {
		.in_fd = in_fd,
		.err_in_fd = err_fd,
		.out_fd = out_fd,
		.err_out_fd = -1,
		.owns_fds = true,
		.is_interactive = c->has_pty,
		.holds_eof = true, /* see on_input_end() */
		.eof_by_closing = !c->has_pty,
		.on_input_end = on_input_end,
		.on_output_end = on_output_end,
		.context = c,
	};

	if ((c->eof_timer = timer_new(c->u->loop, on_eof_timer, c)) == NULL)
		return ERR_MEMORY;
	return stream_new(c->u->loop, c->channel, &f, &c->stream);
}

static int
run_on_pipes(struct command *c, struct run_plan *p)
{
	struct pipes fds;
	int r;

	if ((r = open_pipes(&fds)) != 0)
		return r;
	p->stdin_fd = fds.in[0];
	p->stdout_fd = fds.out[1];
	p->stderr_fd = fds.err[1];
	r = session_run(p, &c->pid);
	if (r == 0)
		r = attach(c, fds.out[0], fds.err[0], fds.in[1]);
	close(fds.in[0]);
	close(fds.out[1]);
	close(fds.err[1]);
	if (r != 0) {
		close(fds.in[1]);
		close(fds.out[0]);
		close(fds.err[0]);
	}
	return r;
}

static int
run_on_pty(struct command *c, struct run_plan *p)
{
	int fd, r;

	p->stdin_fd = p->stdout_fd = p->stderr_fd = p->tty_fd = c->pty.slave;
	if ((r = session_run(p, &c->pid)) != 0)
		return r;
	close(c->pty.slave);
	c->pty.slave = -1;
	/* The stream closes its end when it likes; ours is for the window's
	 * size, and must still be the terminal then. */
	if ((fd = fcntl(c->pty.master, F_DUPFD_CLOEXEC, 3)) < 0)
		return ERR_SYSTEM;
	if ((r = attach(c, fd, -1, fd)) != 0)
		close(fd);
	return r;
}

static int
run(struct command *c, struct wanted *w, struct run_plan *p)
{
	int r = c->has_pty ? run_on_pty(c, p) : run_on_pipes(c, p);

	if (r != 0) {
		log_error("cannot start a process for %s: %s", c->u->start.user,
		    strerror(errno));
		command_hang_up(c);
		return r;
	}
	return loop_on_child(c->u->loop, c->pid, on_child_exit, c);
}

/* As a subsystem or by force; a client's own command is the shell's. Where
 * only SFTP may be used there is no other server of it. */
static bool
is_sftp(const struct command *c, struct wanted *w)
{
	if (w->forced_by == NULL && w->kind != COMMAND_SUBSYSTEM)
		return false;
	if (session_sftp_is(w->command))
		return true;
	if (!session_sftp_only(c->u) || w->forced_by != NULL ||
	    strcmp(w->subsystem, "sftp") != 0)
		return false;
	w->command = "internal-sftp";
	return true;
}

static bool
start_anything(struct command *c, struct wanted *w)
{
	struct strings env = STRINGS_INIT;
	struct run_plan plan = { .shell = c->u->start.shell,
		.home = c->u->start.home,
		.tty_fd = -1,
		.env = &env };
	char *rc;
	int r;

	if (c->started)
		return false;
	apply_forced(c, w);
	c->is_subsystem = w->kind == COMMAND_SUBSYSTEM;
	if (is_sftp(c, w)) {
		log_start(c, w);
		c->started = session_sftp_start(c, w->command, &c->sftp);
		return c->started;
	}
	if (session_sftp_only(c->u)) {
		log_info("session %u: only sftp is allowed here (Confine)",
		    c->number);
		return false;
	}
	log_start(c, w);
	plan_texts(c, w, &plan);
	plan.command = w->command;
	plan.rc = rc = find_rc(c, w);
	r = command_environment(c, w->original, &env);
	if (r == 0)
		r = run(c, w, &plan);
	c->started = r == 0;
	strings_release(&env);
	free(rc);
	return r == 0;
}

static bool
start(struct command *c, struct wanted *w)
{
	bool ok = start_anything(c, w);

	set_class(c->u);
	return ok;
}

static bool
on_shell(struct command *c, struct reader *r)
{
	struct wanted w = { .kind = COMMAND_SHELL };

	return read_end(r) == 0 && start(c, &w);
}

static bool
on_exec(struct command *c, struct reader *r)
{
	struct span text = read_string_max(r, COMMAND_MAX);
	struct wanted w = { .kind = COMMAND_EXEC };
	char *command;
	bool ok;

	if (read_end(r) != 0 || span_has_nul(text) ||
	    (command = span_dup_text(text)) == NULL)
		return false;
	w.command = command;
	ok = start(c, &w);
	free(command);
	return ok;
}

static bool
on_subsystem(struct command *c, struct reader *r)
{
	const struct sshd_subsystems *all = &c->u->options.subsystem;
	struct span name = read_text(r);
	struct wanted w = { .kind = COMMAND_SUBSYSTEM };

	if (read_end(r) != 0)
		return false;
	for (size_t i = 0; i < all->count; i++) {
		if (!span_is(name, all->item[i].name))
			continue;
		w.subsystem = all->item[i].name;
		w.command = all->item[i].command;
		return start(c, &w);
	}
	log_info("subsystem request for %.*s by user %s failed, subsystem not "
		 "found",
	    (int)name.len, (const char *)name.ptr, c->u->start.user);
	return false;
}

/* ---- before it is started ---- */

static bool
on_env(struct command *c, struct reader *r)
{
	struct span name = read_text(r);
	struct span value = read_string_max(r, ENV_VALUE_MAX);
	char *n, *v;
	bool ok = false;

	if (read_end(r) != 0 || span_has_nul(value) || c->started ||
	    c->env.count >= ENV_MAX || name.len == 0 ||
	    memchr(name.ptr, '=', name.len) != NULL)
		return false;
	n = span_dup_text(name);
	v = span_dup_text(value);
	if (n != NULL && v != NULL &&
	    sshd_patterns_match(&c->u->options.accept_env, n)) {
		log_debug2("session %u: env %s", c->number, n);
		ok = strings_take(&c->env, text_format("%s=%s", n, v)) == 0;
	}
	free(n);
	free(v);
	return ok;
}

static void
set_window(int fd, const struct window_size *size)
{
	struct winsize w = {
		.ws_row = (unsigned short)size->rows,
		.ws_col = (unsigned short)size->columns,
		.ws_xpixel = (unsigned short)size->width_pixels,
		.ws_ypixel = (unsigned short)size->height_pixels,
	};

	/* A size that the kernel refuses stays as it was. */
	IGNORE_RESULT(ioctl(fd, TIOCSWINSZ, &w) != 0);
}

static void
set_modes(struct command *c, struct span modes)
{
	struct termios t;

	if (tcgetattr(c->pty.slave, &t) != 0)
		return;
	if (tty_modes_apply(modes, &t) != 0)
		log_debug1("session %u: damaged terminal modes", c->number);
	if (tcsetattr(c->pty.slave, TCSANOW, &t) != 0)
		log_debug1("session %u: terminal modes refused", c->number);
}

static bool
on_pty(struct command *c, struct reader *r)
{
	struct pty_request q;
	int rc;

	if (session_read_pty(r, &q) != 0 || c->started || c->has_pty)
		return false;
	if (!c->u->options.permit_tty || c->u->start.key.no_pty) {
		log_debug1("session %u: no terminal is allowed", c->number);
		return false;
	}
	if ((c->term = span_dup_text(q.term)) == NULL)
		return false;
	if ((rc = ask_pty(c->u, &c->pty, &c->last_login)) != 0) {
		log_error(
		    "no terminal for %s: %s", c->u->start.user, error_text(rc));
		return false;
	}
	c->has_pty = true;
	set_modes(c, q.modes);
	set_window(c->pty.master, &q.size);
	port_title("sshd-session: %s@%s", c->u->start.user, tty_short(c));
	return true;
}

/* The environment of what is started afterwards names its socket. */
static bool
on_agent(struct command *c, struct reader *r)
{
	return read_end(r) == 0 &&
	       session_agent_request(c->u, "auth-agent@openssh.com");
}

static bool
on_standard_agent(struct command *c, struct reader *r)
{
	return read_end(r) == 0 && session_agent_request(c->u, "agent-connect");
}

/* ---- while it runs ---- */

static bool
on_window_change(struct command *c, struct reader *r)
{
	struct window_size size;

	if (session_read_window_change(r, &size) != 0 || !c->has_pty ||
	    c->pty.master < 0)
		return false;
	set_window(c->pty.master, &size);
	return true;
}

/* RFC 4254 s6.9. A forced command is not to be disturbed by root's peers. */
static bool
on_signal(struct command *c, struct reader *r)
{
	struct span name = read_text(r);
	int number = session_signal_number(name);

	if (read_end(r) != 0 || number == 0 || c->pid <= 0)
		return false;
	if (c->u->options.force_command != NULL ||
	    c->u->start.key.command != NULL) {
		log_info("session %u: signal for a forced command refused",
		    c->number);
		return false;
	}
	return kill(-c->pid, number) == 0;
}

static bool
on_break(struct command *c, struct reader *r)
{
	(void)read_uint32(r); /* a terminal of ours knows one length only */
	if (read_end(r) != 0 || !c->has_pty || c->pty.master < 0)
		return false;
	return tcsendbreak(c->pty.master, 0) == 0;
}

struct request_row {
	const char *type;
	bool (*handler)(struct command *c, struct reader *r);
};

static const struct request_row requests[] = {
	{ "shell", on_shell },
	{ "exec", on_exec },
	{ "subsystem", on_subsystem },
	{ "env", on_env },
	{ "pty-req", on_pty },
	{ "auth-agent-req@openssh.com", on_agent },
	{ "agent-req", on_standard_agent },
	{ "window-change", on_window_change },
	{ "signal", on_signal },
	{ "break", on_break },
};

/* ---- as the channel's owner ---- */

static bool
on_request(struct channel *channel, struct span type, struct reader *r,
    bool want_reply, void *context)
{
	struct command *c = context;

	log_debug2("session %u: request %.*s", c->number, (int)type.len,
	    (const char *)type.ptr);
	for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
		if (span_is(type, requests[i].type))
			return requests[i].handler(c, r);
	}
	return false;
}

static size_t
on_data(struct channel *channel, enum channel_stream stream, struct span data,
    void *context)
{
	struct command *c = context;

	if (c->sftp != NULL)
		return session_sftp_on_data(c->sftp, stream, data);
	/* What comes before the command waits for it in the channel. */
	return c->stream != NULL ? stream_on_data(c->stream, stream, data) : 0;
}

static void
on_eof(struct channel *channel, void *context)
{
	struct command *c = context;

	if (c->sftp != NULL)
		session_sftp_on_eof(c->sftp);
	if (c->stream != NULL)
		stream_on_eof(c->stream);
}

static void
on_eow(struct channel *channel, void *context)
{
	struct command *c = context;

	if (c->stream != NULL)
		stream_on_eow(c->stream);
}

static void
on_writable(struct channel *channel, void *context)
{
	struct command *c = context;

	if (c->sftp != NULL)
		session_sftp_on_writable(c->sftp);
	if (c->stream != NULL)
		stream_on_writable(c->stream);
}

static void
on_closed(struct channel *channel, void *context)
{
	struct command *c = context;
	const struct peer *p = &c->u->start.peer;

	log_verbose("Close session: user %s from %s port %u id %u",
	    c->u->start.user, p->remote_text, p->remote_port, c->number);
	c->u->command_count--;
	if (c->stream != NULL)
		stream_on_close(c->stream);
	c->channel = NULL;
	command_hang_up(c);
	forget_pty(c);
	free_if_over(c);
}

const struct channel_handlers command_handlers = {
	.on_data = on_data,
	.on_eof = on_eof,
	.on_eow = on_eow,
	.on_request = on_request,
	.on_writable = on_writable,
	.on_closed = on_closed,
};
