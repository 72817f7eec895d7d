/*
 * monitor.c - the table of requests, its dispatcher, and the requests that
 * are not about a user: log lines, host key signatures, the end.
 */
#include "sshd/monitor_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/time.h"

/* ---- the table ---- */

enum {
	KEX = MONITOR_KEX,
	START = MONITOR_START,
	AUTH = MONITOR_AUTH,
	ASKED = MONITOR_ASKED,
	GRANTED = MONITOR_GRANTED,
	ENDING = MONITOR_ENDING,
	SESSION = MONITOR_SESSION,
	ANY = 0xffff
};

struct request_row {
	const char *name;
	unsigned phases;
	unsigned most;
	monitor_handler *handler;
};

static const struct request_row requests[PRIVSEP_REQUEST_COUNT] = {
#define ROW(name, states, most, handler)                                       \
	[PRIVSEP_##name] = { #name, states, most, handler },
#include "sshd/privsep.def"
#undef ROW
};

/*
 * When the attempt began. USER and the first attempt come together, and the
 * peer sees one answer: what looking up the account took counts as the
 * attempt's.
 */
static void
note_begin(struct monitor *m, uint8_t type)
{
	if (type == PRIVSEP_LOG)
		return;
	if (!m->after_user)
		m->request_began_us = m->world->now_us();
	m->after_user = type == PRIVSEP_USER;
}

int
monitor_dispatch(
    struct monitor *m, struct ipc *ipc, uint8_t type, struct span body)
{
	struct reader r = reader_of(body);
	const struct request_row *row;

	if (type == PRIVSEP_NO_REQUEST || type >= PRIVSEP_REQUEST_COUNT) {
		log_error("monitor: unknown request %u", type);
		return ERR_UNEXPECTED;
	}
	row = &requests[type];
	if ((row->phases & m->phase) == 0) {
		log_error("monitor: request %s is not allowed now", row->name);
		return ERR_UNEXPECTED;
	}
	if (row->most != 0 && m->used[type] >= row->most) {
		log_error("monitor: request %s came again", row->name);
		return ERR_UNEXPECTED;
	}
	m->used[type]++;
	note_begin(m, type);
	return row->handler(m, ipc, &r);
}

/* ---- life ---- */

static void
wait_us(uint64_t us)
{
	usleep((useconds_t)us);
}

const struct monitor_world monitor_real_world = {
	port_password_check,
	time_monotonic_us,
	wait_us,
};

struct monitor *
monitor_new(const struct sshd_config *config, const struct peer *peer,
    struct host_keys *host_keys, const struct monitor_world *world)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->config = config;
	m->peer = peer;
	m->host_keys = host_keys;
	m->world = world;
	m->deadline_us = UINT64_MAX;
	m->phase = MONITOR_KEX;
	m->exit_status = SESSION_EXIT_FATAL;
	text_copy(m->host, sizeof(m->host), peer->remote_text);
	key_options_init(&m->key_options);
	key_options_init(&m->known_options);
	m->transport = (struct buf)BUF_SECRET_INIT;
	return m;
}

void
monitor_free(struct monitor *m)
{
	if (m == NULL)
		return;
	monitor_close_terminals(m);
	monitor_trim(m);
	buf_release(&m->session_id);
	key_options_release(&m->key_options);
	account_free(m->account);
	free(m->user);
	free(m->spelled);
	if (m->has_options)
		sshd_options_release(&m->options);
	buf_release(&m->transport);
	free(m->terminals);
	free(m);
}

void
monitor_trim(struct monitor *m)
{
	auth_methods_free(m->methods);
	m->methods = NULL;
	key_options_release(&m->known_options);
	buf_release(&m->known_blob);
	buf_release(&m->auth_info);
	strings_release(&m->used_keys);
}

void
monitor_set_deadline(struct monitor *m, uint64_t deadline_us)
{
	m->deadline_us = deadline_us;
}

bool
monitor_is_authenticated(const struct monitor *m)
{
	return m->phase == MONITOR_DONE;
}

void
monitor_set_session_pid(struct monitor *m, int pid)
{
	m->session_pid = pid;
}

const struct sshd_options *
monitor_options(const struct monitor *m)
{
	return m->has_options ? &m->options : sshd_config_global(m->config);
}

const char *
monitor_user(const struct monitor *m)
{
	return m->user != NULL ? m->user : "";
}

/* ---- what is logged ---- */

const char *
monitor_who(const struct monitor *m, char *buf, size_t size)
{
	if (m->user == NULL)
		return "";
	snprintf(buf, size, "%s user %s ",
	    m->valid ? "authenticating" : "invalid", m->user);
	return buf;
}

/*
 * A line of the child or the session. It could hold anything: the logger
 * escapes what is not printable. Nothing but debug lines and the texts of
 * its own errors comes this way before authentication.
 */
int
monitor_on_log(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	uint8_t level = read_byte(r);
	struct span line = read_string(r);
	const char *mark = m->phase == MONITOR_SESSION ? "" : " [preauth]";
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	if (level < LOG_LEVEL_ERROR || level > LOG_LEVEL_DEBUG3)
		return ERR_FORMAT;
	log_forward(level, line, mark);
	return 0;
}

void
monitor_log_timeout(const struct monitor *m)
{
	log_info("Timeout before authentication for connection from %s to %s, "
		 "pid = %d",
	    m->peer->remote_text, m->peer->local_text, (int)getpid());
}

int
monitor_exit_status(const struct monitor *m)
{
	if (m->phase >= MONITOR_DONE)
		return SESSION_EXIT_OK;
	if (m->exit_status != SESSION_EXIT_FATAL)
		return m->exit_status;
	if (m->user != NULL && !m->valid)
		return SESSION_EXIT_INVALID_USER;
	if (m->failures > 0)
		return SESSION_EXIT_AUTH_FAILED;
	return SESSION_EXIT_FATAL;
}

/* ---- SIGN ---- */

static bool
is_digest_size(size_t n)
{
	return n == 20 || n == 32 || n == 48 || n == 64;
}

/*
 * Signs an exchange hash with a host key; the child holds none. It could
 * ask for a signature over any bytes: so they must have the size of a digest
 * (no protocol that uses host keys signs so few bytes of other meaning), and
 * the first ones asked for are the session's id, to which users' signatures
 * are bound.
 */
int
monitor_on_sign(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span hash = read_string(r);
	struct span name = read_text(r);
	struct buf signature = BUF_INIT;
	char algorithm[64];
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	if (!is_digest_size(hash.len) || name.len >= sizeof(algorithm))
		return ERR_FORMAT;
	memcpy(algorithm, name.ptr, name.len);
	algorithm[name.len] = '\0';
	rc = host_keys_sign(m->host_keys, algorithm, hash, &signature);
	if (rc != 0) {
		log_error("cannot sign with the host key for %s: %s", algorithm,
		    error_text(rc));
		buf_release(&signature);
		return rc;
	}
	if (m->phase == MONITOR_KEX) {
		write_span(&m->session_id, hash);
		m->host_key_blob = host_keys_blob(m->host_keys, algorithm);
		m->phase = MONITOR_START;
	}
	write_string(ipc_begin(ipc, PRIVSEP_SIGNED), buf_span(&signature));
	buf_release(&signature);
	return ipc_end(ipc, -1);
}

/* ---- END ---- */

static void
log_disconnect(const struct monitor *m, uint32_t reason, const char *text)
{
	const struct peer *p = m->peer;
	char who[512];

	log_info("Received disconnect from %s port %u:%u: %s [preauth]",
	    p->remote_text, p->remote_port, reason, text);
	log_info("Disconnected from %s%s port %u [preauth]",
	    monitor_who(m, who, sizeof(who)), p->remote_text, p->remote_port);
}

/* text: what went wrong before the peer had said who it is; "" where it had. */
static void
log_closed(
    const struct monitor *m, const char *how, const char *who, const char *text)
{
	bool early = text[0] != '\0';

	if (early)
		log_error("kex_exchange_identification: %s", text);
	log_info("Connection %s by %s%s port %u%s", how, who,
	    m->peer->remote_text, m->peer->remote_port,
	    early ? "" : " [preauth]");
}

/* In the words that those who count attempts look for. */
static void
log_bad_ident(const struct peer *p, const char *text)
{
	bool other_version = text_starts_with(text, "Protocol major");

	log_error(
	    "%s%s", other_version ? "" : "kex_exchange_identification: ", text);
	log_error("banner exchange: Connection from %s port %u: %s",
	    p->remote_text, p->remote_port,
	    other_version ? "could not read protocol version"
			  : "invalid format");
}

static void
log_end(const struct monitor *m, enum privsep_end kind, uint32_t reason,
    const char *text)
{
	const struct peer *p = m->peer;
	char who[512];

	monitor_who(m, who, sizeof(who));
	if (m->user == NULL)
		who[0] = '\0';
	switch (kind) {
	case PRIVSEP_END_CLOSED:
		log_closed(m, "closed", who, text);
		break;
	case PRIVSEP_END_RESET:
		log_closed(m, "reset", who, text);
		break;
	case PRIVSEP_END_DISCONNECTED:
		log_disconnect(m, reason, text);
		break;
	case PRIVSEP_END_IDENT:
		log_bad_ident(p, text);
		break;
	case PRIVSEP_END_NO_MATCH:
		log_info("Unable to negotiate with %s port %u: %s [preauth]",
		    p->remote_text, p->remote_port, text);
		break;
	case PRIVSEP_END_ATTEMPTS:
		log_info("Disconnecting %s%s port %u: Too many authentication "
			 "failures [preauth]",
		    who, p->remote_text, p->remote_port);
		break;
	default:
		log_error("ssh_dispatch_run_fatal: Connection from %s%s port "
			  "%u: %s [preauth]",
		    who, p->remote_text, p->remote_port, text);
		break;
	}
}

/* The child ends by its own will; what it says is for the log only. */
int
monitor_on_end(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	uint8_t kind = read_byte(r);
	uint32_t reason = read_uint32(r);
	char *text = span_dup_text(read_text(r));
	int rc = read_end(r);

	if (text == NULL)
		rc = ERR_MEMORY;
	else if (rc == 0 && kind >= PRIVSEP_END_COUNT)
		rc = ERR_FORMAT;
	if (rc == 0)
		log_end(m, kind, reason, text);
	free(text);
	return rc == 0 ? MONITOR_OVER : rc;
}
