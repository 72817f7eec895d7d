/*
 * monitor_user.c - USER: the account, the options of its Match blocks, and
 * the rules about who may log in.
 *
 * Nothing in the answer, and as far as possible nothing in the time, tells a
 * name without account from one that is not allowed or one that is.
 */
#include "sshd/monitor_state.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/crypto/digest.h"
#include "common/userauth/userauth_server.h"

#define BANNER_MAX      ((size_t)200 * 1024)
#define DELAY_LEAST_US  5000
#define DELAY_SPREAD_US 4200

/* ---- the name of the peer ---- */

/* Does the name lead back to the address? Who controls the reverse zone
 * could otherwise claim any name. */
static bool
leads_back(const char *name, const struct address *a)
{
	struct addrinfo hints = { .ai_family = a->family,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	bool found = false;

	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return false;
	for (struct addrinfo *i = list; i != NULL && !found; i = i->ai_next) {
		struct address one;

		found = address_from_sockaddr(i->ai_addr, &one) == 0 &&
			address_equal(&one, a);
	}
	freeaddrinfo(list);
	return found;
}

/* UseDNS: the peer's name instead of its address, for patterns. */
static void
find_host_name(struct monitor *m)
{
	struct sockaddr_storage ss;
	socklen_t len;
	char name[NI_MAXHOST];
	char *lower;

	if (!sshd_config_global(m->config)->use_dns ||
	    m->peer->remote.family == 0)
		return;
	len = address_to_sockaddr(&m->peer->remote, &ss);
	if (getnameinfo((struct sockaddr *)&ss, len, name, sizeof(name), NULL,
		0, NI_NAMEREQD) != 0)
		return;
	if (strlen(name) >= sizeof(m->host) ||
	    !leads_back(name, &m->peer->remote)) {
		log_info("reverse mapping of %s is not to be trusted",
		    m->peer->remote_text);
		return;
	}
	if ((lower = text_lower(name)) != NULL)
		text_copy(m->host, sizeof(m->host), lower);
	free(lower);
}

/* ---- the rules ---- */

/* Any group of the account matched by any of the patterns? */
static bool
in_groups(struct account *a, const struct strings *patterns)
{
	if (account_load_groups(a) != 0)
		return false;
	for (size_t i = 0; i < a->groups.count; i++) {
		if (sshd_patterns_match(patterns, a->groups.item[i]))
			return true;
	}
	return false;
}

static bool
match_group(void *context, const char *user, const char *pattern_list)
{
	struct account *a = context;
	bool found = false;

	if (account_load_groups(a) != 0)
		return false;
	/* A group that is excluded excludes, whatever the others say: the
	 * session, which asks the system itself, decides in the same way. */
	for (size_t i = 0; i < a->groups.count; i++) {
		int r =
		    pattern_list_match(pattern_list, a->groups.item[i], false);

		if (r < 0)
			return false;
		found = found || r == 1;
	}
	return found;
}

static void
log_not_allowed(const struct monitor *m, const char *why)
{
	log_info(
	    "User %s from %s not allowed because %s", m->user, m->host, why);
}

static bool
user_rules_allow(const struct monitor *m)
{
	const struct sshd_options *o = &m->options;
	const char *user = m->account->name;
	const char *address = m->peer->remote_text;

	if (o->deny_users.count > 0 &&
	    sshd_user_patterns_match(&o->deny_users, user, m->host, address)) {
		log_not_allowed(m, "listed in DenyUsers");
		return false;
	}
	if (o->allow_users.count > 0 &&
	    !sshd_user_patterns_match(
		&o->allow_users, user, m->host, address)) {
		log_not_allowed(m, "not listed in AllowUsers");
		return false;
	}
	return true;
}

static bool
group_rules_allow(const struct monitor *m)
{
	const struct sshd_options *o = &m->options;

	if (o->deny_groups.count > 0 &&
	    in_groups(m->account, &o->deny_groups)) {
		log_not_allowed(m, "a group is listed in DenyGroups");
		return false;
	}
	if (o->allow_groups.count > 0 &&
	    !in_groups(m->account, &o->allow_groups)) {
		log_not_allowed(m, "none of user's groups are listed in "
				   "AllowGroups");
		return false;
	}
	return true;
}

static bool
account_is_usable(const struct monitor *m)
{
	struct error e = { 0 };

	if (geteuid() != 0 && m->account->uid != geteuid()) {
		log_not_allowed(m, "this server runs as another user and can "
				   "serve only that one");
		return false;
	}
	/* A chroot has its own shells. */
	if (m->options.chroot_directory == NULL &&
	    account_check_shell(m->account, &e) != 0) {
		log_not_allowed(m, e.text);
		return false;
	}
	if (geteuid() == 0 && port_account_locked(m->account->name)) {
		log_not_allowed(m, "account is locked");
		return false;
	}
	if (geteuid() == 0 && port_account_expired(m->account->name)) {
		log_info("Account %s has expired", m->account->name);
		return false;
	}
	return true;
}

static bool
is_allowed(const struct monitor *m)
{
	if (!m->account->exists) {
		log_info("Invalid user %s from %s port %u", m->user,
		    m->peer->remote_text, m->peer->remote_port);
		return false;
	}
	return user_rules_allow(m) && group_rules_allow(m) &&
	       account_is_usable(m);
}

/* ---- what follows from them ---- */

static int
load_options(struct monitor *m)
{
	struct sshd_match_context c = {
		.user = m->account->name,
		.invalid_user = !m->account->exists,
		.in_group = match_group,
		.context = m->account,
		.host = m->host,
		.address = m->peer->remote_text,
		.laddress = m->peer->local_text,
		.lport = m->peer->local.port,
	};
	struct error e = { 0 };
	int r;

	r = sshd_options_for(m->config, &c, &m->options, &e);
	if (r != 0) {
		log_error("%s", error_message(&e, r));
		return r;
	}
	m->has_options = true;
	if (log_get_level() != LOG_LEVEL_QUIET &&
	    sshd_options_is_set(&m->options, SSHD_OPTION_log_level))
		log_set_level((enum log_level)m->options.log_level);
	return 0;
}

static void
set_methods(struct monitor *m)
{
	const struct sshd_options *o = &m->options;
	struct buf enabled = BUF_INIT;
	struct error e = { 0 };
	const char *list;
	int r;

	/* Who has no password logs in by asking; it is listed to nobody. */
	if (o->permit_empty_passwords && o->password_authentication)
		buf_printf(&enabled, "none,");
	if (o->pubkey_authentication)
		buf_printf(&enabled, "publickey,");
	if (o->hostbased_authentication)
		buf_printf(&enabled, "hostbased,");
	if (o->password_authentication)
		buf_printf(&enabled, "password,");
	if (o->kbd_interactive_authentication)
		buf_printf(&enabled, "keyboard-interactive,");
	if (enabled.len > 0)
		buf_truncate(&enabled, enabled.len - 1);
	list = buf_text(&enabled);
	if (list == NULL)
		list = "";
	r = auth_methods_new(&o->authentication_methods, list, &m->methods, &e);
	if (r != 0) {
		log_error("no authentication method is left for %s: %s",
		    m->user, error_message(&e, r));
		m->methods = NULL;
	}
	buf_release(&enabled);
}

/*
 * The least time that a failure takes: the same for every attempt of one
 * name on every connection, different between names and unknown from
 * outside, so that neither the time of one attempt nor the mean of many
 * tells what was done. What makes it unknown are the host keys: each
 * connection has a process of its own, and they are what those share.
 */
static void
set_delay(struct monitor *m)
{
	uint8_t hash[DIGEST_MAX] = { 0 };
	struct buf key = BUF_SECRET_INIT;
	uint32_t n = 0;

	host_keys_write_secret(m->host_keys, &key);
	if (buf_error(&key) == 0 && hmac_of(DIGEST_SHA256, buf_span(&key),
					span_text(m->user), hash) == 0)
		n = (uint32_t)hash[0] << 16 | (uint32_t)hash[1] << 8 | hash[2];
	buf_release(&key);
	m->delay_us = DELAY_LEAST_US + n % DELAY_SPREAD_US;
}

static void
read_banner(const struct monitor *m, struct buf *out)
{
	struct error e = { 0 };

	if (m->options.banner == NULL)
		return;
	if (file_read(m->options.banner, BANNER_MAX, out, &e) != 0) {
		log_debug1("no banner: %s", e.text);
		buf_clear(out);
	}
}

static int
reply(struct monitor *m, struct ipc *ipc)
{
	const char *global =
	    sshd_config_global(m->config)->pubkey_accepted_algorithms;
	const char *mine = m->options.pubkey_accepted_algorithms;
	struct buf banner = BUF_INIT;
	struct buf *out;

	read_banner(m, &banner);
	out = ipc_begin(ipc, PRIVSEP_USER_KNOWN);
	write_string(out, buf_span(&banner));
	write_text(out, strcmp(mine, global) == 0 ? "" : mine);
	buf_release(&banner);
	return ipc_end(ipc, -1);
}

static int
take_user(struct monitor *m, struct span name)
{
	if (name.len > USERAUTH_USER_MAX)
		return ERR_LIMIT;
	m->spelled = span_dup_text(name);
	if (m->spelled == NULL)
		return ERR_MEMORY;
	/* "user:style": the style is a hint for devices, of which we have
	 * none. */
	m->user = strndup(m->spelled, strcspn(m->spelled, ":"));
	if (m->user == NULL)
		return ERR_MEMORY;
	m->account = account_find(m->user);
	return m->account == NULL ? ERR_MEMORY : 0;
}

/*
 * Needs privilege for the account database and shadow. The child may lie
 * about the name: it is then that name which must be authenticated.
 */
int
monitor_on_user(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span name = read_text(r);
	struct span service = read_text(r);
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	if (!span_is(service, "ssh-connection"))
		return ERR_UNEXPECTED;
	if ((rc = take_user(m, name)) != 0)
		return rc;
	find_host_name(m);
	if ((rc = load_options(m)) != 0)
		return rc;
	m->valid = is_allowed(m);
	m->phase = MONITOR_AUTH;
	if (m->options.refuse_connection) {
		log_info("administratively prohibited connection for %s from "
			 "%s port %u",
		    m->user, m->peer->remote_text, m->peer->remote_port);
		m->exit_status = SESSION_EXIT_REFUSED;
		return MONITOR_OVER;
	}
	set_methods(m);
	set_delay(m);
	return reply(m, ipc);
}
