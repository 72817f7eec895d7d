/*
 * monitor_session.c - after authentication: what the user's session needs,
 * its terminals and their login records.
 */
#include "sshd/monitor_state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "sshd/session_start.h"

#define NOLOGIN_PATH "/etc/nologin"
#define NOLOGIN_MAX  ((size_t)16 * 1024)

/* ---- START ---- */

/* What to say instead of a session; "" for root and on usual days. */
static char *
read_nologin(const struct monitor *m)
{
	struct buf text = BUF_INIT;

	if (m->account->uid == 0 || access(NOLOGIN_PATH, F_OK) != 0)
		return strdup("");
	log_info(
	    "User %s not allowed because " NOLOGIN_PATH " exists", m->user);
	if (file_read(NOLOGIN_PATH, NOLOGIN_MAX, &text, NULL) != 0 ||
	    text.len == 0) {
		buf_clear(&text);
		buf_printf(&text, "logins are not possible now\n");
	}
	return buf_take_text(&text);
}

static char *
take_auth_info(struct monitor *m)
{
	if (!m->options.expose_auth_info)
		return strdup("");
	return buf_take_text(&m->auth_info);
}

int
monitor_write_start(struct monitor *m, struct buf *out)
{
	struct session_start s;
	int r = account_load_gids(m->account);

	if (r != 0)
		return r;
	session_start_init(&s);
	s.user = m->account->name;
	s.home = m->account->home;
	s.shell = m->account->shell;
	s.uid = m->account->uid;
	s.gid = m->account->gid;
	s.gids = m->account->gids;
	s.gid_count = m->account->gid_count;
	s.peer = *m->peer;
	s.host = m->host;
	s.key = m->key_options;
	s.auth_info = take_auth_info(m);
	s.nologin = read_nologin(m);
	s.must_change_password = m->must_change_password;
	s.transport = m->transport;
	session_start_write(out, &s);
	r = s.auth_info == NULL || s.nologin == NULL ? ERR_MEMORY : 0;
	free(s.auth_info);
	free(s.nologin);
	buf_release(&m->transport);
	m->phase = MONITOR_SESSION;
	return r;
}

/* ---- terminals ---- */

static void
record(const struct monitor *m, const struct monitor_terminal *t,
    void (*what)(const struct port_login *))
{
	struct port_login l = {
		.pid = m->session_pid,
		.uid = m->account->uid,
		.user = m->account->name,
		.tty = t->pty.name,
		.host = m->host,
		.address = &m->peer->remote,
	};

	what(&l);
}

/* "Last login: Mon Jan  1 12:00:00 2026 from host\r\n", or "". */
static char *
last_login(const struct monitor *m)
{
	char tty[PORT_TTY_NAME_MAX], host[256], when[64];
	uint64_t at;
	time_t t;

	if (!m->options.print_last_log ||
	    !port_last_login(
		m->account->uid, &at, tty, sizeof(tty), host, sizeof(host)) ||
	    at == 0)
		return strdup("");
	t = (time_t)at;
	if (ctime_r(&t, when) == NULL)
		return strdup("");
	when[strcspn(when, "\n")] = '\0';
	if (host[0] == '\0')
		return text_format("Last login: %s on %s\r\n", when, tty);
	return text_format("Last login: %s from %s\r\n", when, host);
}

static struct monitor_terminal *
free_terminal(struct monitor *m)
{
	struct monitor_terminal *grown;

	for (size_t i = 0; i < m->terminal_count; i++) {
		if (!m->terminals[i].open)
			return &m->terminals[i];
	}
	if (m->terminal_count >= MONITOR_TERMINALS_MAX)
		return NULL;
	grown = realloc(m->terminals, (m->terminal_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	m->terminals = grown;
	memset(&grown[m->terminal_count], 0, sizeof(*grown));
	return &grown[m->terminal_count++];
}

static bool
open_terminal(struct monitor *m, struct monitor_terminal *t)
{
	if (port_pty_open(&t->pty) != 0) {
		log_error("cannot open a pseudo terminal");
		return false;
	}
	if (port_pty_give(&t->pty, m->account->uid, m->account->gid) != 0 &&
	    geteuid() == 0) {
		log_error("cannot give %s to %s", t->pty.name, m->user);
		port_pty_close(&t->pty);
		return false;
	}
	t->open = true;
	return true;
}

/*
 * Needs privilege for the owner of the terminal and for the login records.
 * The session could ask for many: there are so many per connection and no
 * more, and none where the configuration or the key forbids them.
 */
int
monitor_on_pty_open(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct monitor_terminal *t = NULL;
	char *last = NULL;
	struct buf *out;
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	if (m->options.permit_tty && !m->key_options.no_pty)
		t = free_terminal(m);
	if (t != NULL && !open_terminal(m, t))
		t = NULL;
	if (t != NULL)
		last = last_login(m);
	out = ipc_begin(ipc, PRIVSEP_PTY);
	write_boolean(out, t != NULL);
	write_text(out, t != NULL ? t->pty.name : "");
	write_text(out, last != NULL ? last : "");
	free(last);
	rc = ipc_end(ipc, t != NULL ? t->pty.master : -1);
	if (t == NULL || rc != 0)
		return rc;
	ipc_begin(ipc, PRIVSEP_PTY_SLAVE);
	if ((rc = ipc_end(ipc, t->pty.slave)) != 0)
		return rc;
	record(m, t, port_login_record);
	close(t->pty.slave);
	t->pty.slave = -1;
	return 0;
}

/* The master stays open here until then: as long as it does, the kernel gives
 * the name to nobody else, whose terminal this would open to everybody. */
static void
close_terminal(struct monitor *m, struct monitor_terminal *t)
{
	record(m, t, port_logout_record);
	port_pty_take_back(&t->pty);
	port_pty_close(&t->pty);
	t->open = false;
}

/* The session can only name terminals that it was given. */
int
monitor_on_pty_close(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span name = read_text(r);
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	for (size_t i = 0; i < m->terminal_count; i++) {
		struct monitor_terminal *t = &m->terminals[i];

		if (t->open && span_is(name, t->pty.name)) {
			close_terminal(m, t);
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

void
monitor_close_terminals(struct monitor *m)
{
	for (size_t i = 0; i < m->terminal_count; i++) {
		if (m->terminals[i].open)
			close_terminal(m, &m->terminals[i]);
	}
}
