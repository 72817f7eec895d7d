/*
 * monitor_methods.c - password, keyboard-interactive, none; and the verdict
 * on every attempt.
 * RFC 4252 s5, s8; RFC 4256.
 */
#include "sshd/monitor_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/userauth/userauth_server.h"

#define DELAY_NONE_US 1000
#define DELAY_MOST_US 10000000

/* ---- rules about root ---- */

static bool
root_may(const struct monitor *m, const struct monitor_attempt *a)
{
	bool by_key = strcmp(a->method, "publickey") == 0 ||
		      strcmp(a->method, "hostbased") == 0;
	bool forced =
	    m->options.force_command != NULL ||
	    (a->key_options != NULL && a->key_options->command != NULL);

	if (m->account->uid != 0 || !m->account->exists)
		return true;
	switch (m->options.permit_root_login) {
	case PERMIT_ROOT_LOGIN_YES:
		return true;
	case PERMIT_ROOT_LOGIN_PROHIBIT_PASSWORD:
		return by_key;
	case PERMIT_ROOT_LOGIN_FORCED_COMMANDS_ONLY:
		if (by_key && forced) {
			log_info("Root login accepted for forced command.");
			return true;
		}
		return false;
	default:
		return false;
	}
}

/* ---- what is logged ---- */

/* Of lines about failures: quiet ones while nothing is unusual. */
static enum log_level
level_of(const struct monitor *m, const struct monitor_attempt *a)
{
	unsigned half = (unsigned)m->options.max_auth_tries / 2;

	/* Every client asks once: it is no guess to be counted. */
	if (m->attempts == 1 && strcmp(a->method, "none") == 0)
		return LOG_LEVEL_VERBOSE;
	if (!m->valid || m->failures >= half ||
	    strcmp(a->method, "password") == 0)
		return LOG_LEVEL_INFO;
	return LOG_LEVEL_VERBOSE;
}

static void
log_attempt(const struct monitor *m, const struct monitor_attempt *a,
    const char *verdict, enum log_level level)
{
	log_at(level, "%s %s for %s%s from %s port %u ssh2%s%s", verdict,
	    a->method, m->valid ? "" : "invalid user ", m->user,
	    m->peer->remote_text, m->peer->remote_port,
	    a->detail != NULL ? ": " : "", a->detail != NULL ? a->detail : "");
}

/* ---- the verdict ---- */

static int
answer(struct monitor *m, struct ipc *ipc, enum privsep_verdict v)
{
	struct buf *out = ipc_begin(ipc, PRIVSEP_VERDICT);

	write_byte(out, (uint8_t)v);
	write_text(
	    out, m->methods != NULL ? auth_methods_continue(m->methods) : "");
	return ipc_end(ipc, -1);
}

/*
 * Waits until a failure has taken a multiple of the user's delay, so that
 * the work behind it (a hash, a file, nothing at all) does not show. A
 * `none` is no guess of anything and waits a moment only.
 */
static void
delay_failure(const struct monitor *m, const struct monitor_attempt *a)
{
	uint64_t took = m->world->now_us() - m->request_began_us;
	uint64_t least =
	    strcmp(a->method, "none") == 0 ? DELAY_NONE_US : m->delay_us;

	while (least < took && least < DELAY_MOST_US)
		least *= 2;
	if (least > took)
		m->world->wait_us(least - took);
}

static int
refuse(struct monitor *m, struct ipc *ipc, const struct monitor_attempt *a)
{
	bool first_none = m->attempts == 1 && strcmp(a->method, "none") == 0;

	if (!first_none)
		m->failures++;
	log_attempt(m, a, "Failed", level_of(m, a));
	delay_failure(m, a);
	if (m->failures >= (unsigned)m->options.max_auth_tries) {
		log_error("maximum authentication attempts exceeded for %s%s "
			  "from %s port %u ssh2",
		    m->valid ? "" : "invalid user ", m->user,
		    m->peer->remote_text, m->peer->remote_port);
		m->phase = MONITOR_ENDING; /* no guess is heard any more */
		return answer(m, ipc, PRIVSEP_TOO_MANY);
	}
	return answer(m, ipc, PRIVSEP_REFUSED);
}

static int
take_key_options(struct monitor *m, const struct key_options *o)
{
	int r;

	if (o == NULL)
		return 0;
	if ((r = key_options_merge(&m->key_options, o)) != 0)
		return r;
	m->has_key_options = true;
	return 0;
}

static int
accept_attempt(
    struct monitor *m, struct ipc *ipc, const struct monitor_attempt *a)
{
	if (a->info != NULL)
		buf_printf(&m->auth_info, "%s\n", a->info);
	if (!auth_methods_succeeded(m->methods, a->method, NULL)) {
		log_attempt(m, a, "Partial", LOG_LEVEL_INFO);
		return answer(m, ipc, PRIVSEP_PARTIAL);
	}
	m->phase = MONITOR_GRANTED;
	log_attempt(m, a, "Accepted", LOG_LEVEL_INFO);
	return answer(m, ipc, PRIVSEP_GRANTED);
}

int
monitor_finish(
    struct monitor *m, struct ipc *ipc, const struct monitor_attempt *a)
{
	bool ok = a->ok && m->valid && m->methods != NULL &&
		  auth_methods_allows(m->methods, a->method, NULL);

	if (ok && !root_may(m, a)) {
		log_info("ROOT LOGIN REFUSED FROM %s port %u",
		    m->peer->remote_text, m->peer->remote_port);
		ok = false;
	}
	if (ok && a->is_probe) {
		log_attempt(m, a, "Postponed", LOG_LEVEL_VERBOSE);
		return answer(m, ipc, PRIVSEP_KEY_GOOD);
	}
	if (ok && take_key_options(m, a->key_options) != 0) {
		log_info("keys of %s force different commands", m->user);
		ok = false;
	}
	if (m->phase == MONITOR_ASKED)
		m->phase = MONITOR_AUTH;
	return ok ? accept_attempt(m, ipc, a) : refuse(m, ipc, a);
}

static int
begin_attempt(struct monitor *m, struct reader *r)
{
	int rc = read_end(r);

	if (rc != 0)
		return rc;
	m->attempts++;
	m->phase = MONITOR_AUTH; /* an open question is void */
	return 0;
}

/* ---- methods that nobody knows ---- */

int
monitor_on_other(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span method = read_text(r);
	char name[64];
	struct monitor_attempt a = { .method = name };
	int rc;

	if ((rc = begin_attempt(m, r)) != 0)
		return rc;
	snprintf(name, sizeof(name), "%.*s", (int)method.len,
	    (const char *)method.ptr);
	/* The child names what it does not know; a method that is known has
	 * its own request. */
	if (m->methods != NULL && auth_methods_allows(m->methods, name, NULL))
		return ERR_UNEXPECTED;
	return monitor_finish(m, ipc, &a);
}

/* ---- passwords, and none ---- */

/*
 * Compares a password. A user who is unknown or may not log in has the work
 * done on a hash that nothing fits. password holds no NUL.
 */
static bool
password_is_right(struct monitor *m, struct span password)
{
	bool ok = false, expired = false;
	char *text;
	int r;

	if (password.len > USERAUTH_PASSWORD_MAX)
		password.len = 0;
	if ((text = span_dup_text(password)) == NULL)
		return false;
	r = m->world->check_password(m->valid ? m->account->name : NULL, text,
	    m->options.permit_empty_passwords, &ok, &expired);
	secret_free_text(text);
	if (r != 0) {
		log_debug1("password cannot be checked: %s", error_text(r));
		return false;
	}
	if (ok && m->valid && expired) {
		log_info("password of %s has expired", m->user);
		m->must_change_password = true;
	}
	return ok && m->valid;
}

static void
record_failure(const struct monitor *m)
{
	struct port_login l = {
		.user = m->user,
		.tty = "ssh:notty",
		.host = m->host,
		.address = &m->peer->remote,
	};

	port_login_failed_record(&l);
}

/*
 * Needs privilege for the hash in shadow. The child may guess: each guess
 * costs a failure and its delay, as it would cost the peer.
 */
int
monitor_on_password(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span password = read_text(r);
	bool is_change = read_boolean(r);
	struct monitor_attempt a = { .method = "password",
		.info = (char *)"password" };
	int rc;

	if ((rc = begin_attempt(m, r)) != 0)
		return rc;
	/* A change is done by passwd(1) in the session, never here. */
	if (m->methods != NULL && !is_change &&
	    auth_methods_allows(m->methods, "password", NULL)) {
		a.ok = password_is_right(m, password);
		if (!a.ok)
			record_failure(m);
	}
	return monitor_finish(m, ipc, &a);
}

/*
 * It asks which methods there are, and is enough by itself where a password
 * may be empty and is. Whether there is an account makes no difference to
 * what is computed.
 */
int
monitor_on_none(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct monitor_attempt a = { .method = "none" };
	int rc;

	if ((rc = begin_attempt(m, r)) != 0)
		return rc;
	if (m->methods != NULL && auth_methods_allows(m->methods, "none", NULL))
		a.ok = password_is_right(m, span_text(""));
	return monitor_finish(m, ipc, &a);
}

/* ---- keyboard-interactive: one question, for the password ---- */

int
monitor_on_kbdint(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span devices = read_text(r);
	struct monitor_attempt a = { .method = "keyboard-interactive" };
	struct buf *out;
	int rc;

	(void)devices; /* there is but one */
	if ((rc = begin_attempt(m, r)) != 0)
		return rc;
	if (m->methods == NULL ||
	    !auth_methods_allows(m->methods, a.method, NULL))
		return monitor_finish(m, ipc, &a);
	m->phase = MONITOR_ASKED;
	log_attempt(m, &a, "Postponed", LOG_LEVEL_VERBOSE);
	out = ipc_begin(ipc, PRIVSEP_VERDICT);
	write_byte(out, PRIVSEP_ASK);
	write_text(out, auth_methods_continue(m->methods));
	write_text(out, "");
	write_text(out, "");
	write_uint32(out, 1);
	write_text(out, "Password: ");
	write_boolean(out, false);
	return ipc_end(ipc, -1);
}

int
monitor_on_kbdint_answer(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct monitor_attempt a = { .method = "keyboard-interactive",
		.info = (char *)"keyboard-interactive" };
	uint32_t count = read_uint32(r);
	struct span password = { NULL, 0 };
	int rc;

	if (count == 1)
		password = read_text(r);
	/* Another number of answers than of questions is a failure, RFC 4256
	 * s3.4; the child then sends none of them. */
	else if (count != 0)
		return ERR_FORMAT;
	if ((rc = read_end(r)) != 0)
		return rc;
	m->phase = MONITOR_AUTH;
	if (count == 1)
		a.ok = password_is_right(m, password);
	if (!a.ok)
		record_failure(m);
	return monitor_finish(m, ipc, &a);
}

/* ---- DONE ---- */

/* The transport's state is opaque here: only the process of the user's
 * session, which runs with the user's rights, reads it. */
int
monitor_on_done(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span state = read_string(r);
	struct span summary = read_text(r);
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	log_debug1("%.*s", (int)summary.len, (const char *)summary.ptr);
	write_span(&m->transport, state);
	if ((rc = buf_error(&m->transport)) != 0)
		return rc;
	m->phase = MONITOR_DONE;
	return MONITOR_OVER;
}
