/*
 * client.c - one connection from the first packet to the last.
 */
#include "ssh/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/port/port.h"
#include "ssh/agent_socket.h"
#include "ssh/background.h"
#include "ssh/client_impl.h"
#include "ssh/fatal.h"
#include "ssh/parent.h"
#include "ssh/proxy.h"
#include "ssh/query.h"
#include "ssh/terminal.h"
#include "ssh/widen.h"

#define RTT_PAYLOAD_MIN 1024

/* While no more than this has come, what comes is small answers. */
#define ACKNOWLEDGE_BYTES 65536

static void
need(int r, const struct error *e)
{
	if (r != 0)
		fatal("ssh: %s", error_message(e, r));
}

static void *
need_memory(void *p)
{
	if (p == NULL)
		fatal("ssh: out of memory");
	return p;
}

/* ---- the session ---- */

static void
on_session_open(void *context)
{
	struct client *c = context;
	const char *ident = transport_peer_ident(c->t);

	/* Only these know it; others need not answer. */
	if (ident != NULL && !parent_is_there() &&
	    (strstr(ident, "OpenSSH") != NULL ||
		strstr(ident, "Sheetbend") != NULL) &&
	    connection_request_begin(
		c->connection, "no-more-sessions@openssh.com", false) != NULL)
		need(connection_request_end(c->connection, NULL, NULL), NULL);
	background_enter(true);
}

static void
on_session_end(int status, void *context)
{
	client_end_of_session(context, status);
}

static void
on_session_refused(const char *text, void *context)
{
	struct client *c = context;

	log_error("%s", text);
	client_end_by_failure(c, SSH_DISCONNECT_BY_APPLICATION, text);
}

static void
on_keystroke(void *context)
{
	struct client *c = context;

	if (c->chaff != NULL)
		chaff_on_keystroke(c->chaff);
}

/* surface s1: a terminal for shells, if there is one here. */
static bool
wants_tty(const struct client *c)
{
	const struct ssh_options *o = c->o;
	bool wanted = c->command == NULL
			  ? o->request_tty != REQUEST_TTY_NO
			  : o->request_tty == REQUEST_TTY_YES ||
				o->request_tty == REQUEST_TTY_FORCE;

	if (o->session_type == SESSION_TYPE_NONE)
		return false;
	if ((isatty(STDIN_FILENO) && !o->stdin_null) ||
	    o->request_tty == REQUEST_TTY_FORCE)
		return wanted;
	if (wanted)
		log_info("Pseudo-terminal will not be allocated because "
			 "stdin is not a terminal.");
	return false;
}

static void
start_session(struct client *c)
{
	struct session_config s = {
		.loop = c->loop,
		.connection = c->connection,
		.o = c->o,
		.command = c->command,
		.is_subsystem = c->o->session_type == SESSION_TYPE_SUBSYSTEM,
		.wants_tty = wants_tty(c),
		.is_direct = parent_is_there() && c->command != NULL,
		.on_open = on_session_open,
		.on_end = on_session_end,
		.on_refused = on_session_refused,
		.on_keystroke = on_keystroke,
		.on_escape = client_on_escape,
		.context = c,
	};

	c->agent_forward = agent_forward_new(c->o, c->loop, c->t);
	if (c->agent_forward != NULL)
		s.agent_request = agent_forward_request(c->t);
	connect_set_tos(
	    &c->peer, s.wants_tty ? c->o->ipqos.interactive : c->o->ipqos.bulk);
	if (s.wants_tty && c->o->obscure_keystroke_timing > 0 &&
	    transport_peer_has_ping(c->t))
		need(chaff_new(c->loop, c->t, c->o->obscure_keystroke_timing,
			 &c->chaff),
		    NULL);
	need(session_start(&s, &c->session), NULL);
	if (!s.is_direct)
		return;
	widen_start(c->loop, c->connection, c->command, s.is_subsystem);
	need(parent_start(c->loop), NULL);
}

/* ---- signals, once there is a session ---- */

static void
on_ending_signal(int number, void *context)
{
	struct client *c = context;

	terminal_leave_raw();
	log_verbose("Killed by signal %d.", number);
	client_end_by_failure(
	    c, SSH_DISCONNECT_BY_APPLICATION, "disconnected by user");
}

static void
on_window_signal(int number, void *context)
{
	struct client *c = context;

	if (c->session != NULL)
		session_window_changed(c->session);
}

/* Continued after a stop from outside: the shell has changed the modes. */
static void
on_continue_signal(int number, void *context)
{
	struct client *c = context;

	if (!terminal_is_raw() || !terminal_is_foreground())
		return;
	terminal_leave_raw();
	terminal_enter_raw();
	if (c->session != NULL)
		session_window_changed(c->session);
}

static void
take_signals(struct client *c)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction was;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_COUNT(ending); i++) {
		/* Ignored before us (nohup, a script's "&"): ignored. */
		if (sigaction(ending[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_IGN)
			continue;
		r = loop_on_signal(c->loop, ending[i], on_ending_signal, c);
	}
	if (c->session != NULL && session_has_tty(c->session)) {
		if (r == 0)
			r = loop_on_signal(
			    c->loop, SIGWINCH, on_window_signal, c);
		if (r == 0)
			r = loop_on_signal(
			    c->loop, SIGCONT, on_continue_signal, c);
	}
	need(r, NULL);
}

/* ---- after authentication ---- */

static bool
on_channel_open(struct connection *k, struct channel *channel, struct span type,
    struct reader *r, uint32_t *ret_reason, const char **ret_text,
    void *context)
{
	struct client *c = context;

	return agent_forward_is_type(type) &&
	       agent_forward_open(
		   c->agent_forward, channel, r, ret_reason, ret_text);
}

static void
on_silent_server(void *context)
{
	struct client *c = context;

	terminal_leave_raw();
	log_error("Timeout, server %s not responding.", c->o->hostname);
	leave(EXIT_ERROR);
}

static void
run_local_command(struct client *c)
{
	struct error e = { 0 };
	char *command;

	if (!c->o->permit_local_command || c->o->local_command == NULL)
		return;
	need(ssh_option_expand(SSH_OPTION_local_command, c->o->local_command,
		 c->tokens, &command, &e),
	    &e);
	if (shell_run(command) == -1)
		log_error("Couldn't execute %s: %s", command, strerror(errno));
	free(command);
}

static bool
on_global_request(struct connection *k, struct span type, struct reader *r,
    bool want_reply, struct buf *reply, void *context)
{
	struct client *c = context;

	/* Once: what came later could undo what was learnt. */
	if (span_is(type, "hostkeys-00@openssh.com") && !c->has_host_keys) {
		c->has_host_keys = true;
		c->update = host_update_new(&c->host, k, r);
		return true;
	}
	return false;
}

static void
watch_idleness(struct client *c)
{
	struct idle_config i = {
		.loop = c->loop,
		.connection = c->connection,
		.timeouts = &c->o->channel_timeout,
	};

	need(idle_new(&i, &c->idle), NULL);
}

static void
on_authenticated(struct client *c)
{
	const struct connection_handlers handlers = {
		.on_channel_open = on_channel_open,
		.on_global_request = on_global_request,
		.context = c,
	};

	if (c->peer.is_proxied)
		log_verbose("Authenticated to %s (via proxy) using \"%s\".",
		    c->o->hostname, auth_method(c->auth));
	else
		log_verbose("Authenticated to %s ([%s]:%u) using \"%s\".",
		    c->o->hostname, c->peer.text, c->peer.port,
		    auth_method(c->auth));
	c->phase = CLIENT_SESSION;
	c->session_since_us = time_monotonic_us();
	run_local_command(c);
	need(connection_new(c->t, &handlers, &c->connection), NULL);
	if (c->o->server_alive_interval > 0)
		need(keepalive_start(c->loop, c->link, c->connection,
			 c->o->server_alive_interval,
			 c->o->server_alive_count_max, on_silent_server, c,
			 &c->keepalive),
		    NULL);
	watch_idleness(c);
	if (c->o->session_type == SESSION_TYPE_NONE)
		background_enter(
		    c->a->log_file != NULL || log_wants(LOG_LEVEL_DEBUG1));
	else
		start_session(c);
	/* What we send now waits neither for this nor for the disk. */
	IGNORE_RESULT(link_flush(c->link, 0));
	take_signals(c);
	client_memorize(c);
}

/* ---- key exchange and authentication ---- */

static void
warn_of_weak_kex(const struct client *c, const struct transport_negotiated *n)
{
	/* Only a person needs to hear it: what scripts read from stderr stays
	 * what it was. */
	if (n->post_quantum || c->o->warn_weak_crypto != WARN_WEAK_CRYPTO_YES ||
	    !isatty(STDERR_FILENO))
		return;
	log_info("** WARNING: connection is not using a post-quantum key "
		 "exchange algorithm.");
	log_info("** This session may be vulnerable to \"store now, decrypt "
		 "later\" attacks.");
	log_info("** The server may need to be upgraded, or KexAlgorithms "
		 "changed; WarnWeakCrypto=no-pq-kex silences this.");
}

static void
on_kex_done(struct client *c)
{
	struct transport_negotiated n;

	if (c->phase != CLIENT_KEX || !transport_get_negotiated(c->t, &n))
		return;
	timer_cancel(c->deadline);
	warn_of_weak_kex(c, &n);
	if (client_may_guess(c))
		log_debug1("kex: the guess was %s",
		    n.guess_was_right ? "right" : "wrong");
	c->phase = CLIENT_AUTH;
}

static void
begin_authentication(struct client *c)
{
	struct error e = { 0 };
	struct auth_config a = {
		.o = c->o,
		.t = c->t,
		.identities = &c->identities,
		.user = c->o->user,
		.host = c->o->hostname,
		.remembered = c->memory.fingerprint,
		.socket_fd = c->peer.is_proxied ? -1 : c->peer.fd_in,
		.is_untrusted = c->host.is_untrusted,
	};

	if (c->host.is_untrusted) {
		log_error("Password authentication is disabled to avoid "
			  "man-in-the-middle attacks.");
		log_error("Keyboard-interactive authentication is disabled "
			  "to avoid man-in-the-middle attacks.");
	}
	need(identities_arrange(
		 &c->identities, c->o, agent_for_session(c->o, c->t), &e),
	    &e);
	need(auth_new(&a, &c->auth, &e), &e);
}

/* Values that are known only now, for LocalCommand. */
static void
set_host_key_tokens(struct client *c, const struct key *k)
{
	char *blank;

	c->tokens->tokens.value['t'] = key_type_name(k);
	c->tokens->tokens.value['f'] =
	    need_memory(key_fingerprint(k, DIGEST_SHA256));
	c->host_key_text = need_memory(key_public_line(k, NULL));
	if ((blank = strchr(c->host_key_text, ' ')) != NULL)
		c->tokens->tokens.value['K'] = blank + 1;
	c->tokens->tokens.value['H'] = c->host.name;
	c->tokens->tokens.value['I'] = "HOSTNAME";
	c->tokens->tokens.value['T'] = "NONE";
}

static int
on_host_key(struct client *c)
{
	const struct key *k = transport_host_key(c->t);

	/* A rekey with another key than the one that was accepted. */
	if (c->phase != CLIENT_KEX) {
		log_error("The host key of %s changed during the connection.",
		    c->o->hostname);
		IGNORE_RESULT(transport_host_key_refused(c->t));
		client_end_by_failure(c, SSH_DISCONNECT_HOST_KEY_NOT_VERIFIABLE,
		    "host key changed");
	}
	/* A person who is asked has time. */
	timer_cancel(c->deadline);
	if (!host_check_verify(&c->host, k, &c->peer)) {
		IGNORE_RESULT(transport_host_key_refused(c->t));
		client_end_by_failure(c, SSH_DISCONNECT_HOST_KEY_NOT_VERIFIABLE,
		    "host key verification failed");
	}
	if (c->o->permit_local_command && c->o->local_command != NULL)
		set_host_key_tokens(c, k);
	return transport_host_key_accepted(c->t);
}

/* Windows are steered by bulk: keys and their echoes need not ask. */
static uint64_t
round_trip_us(struct client *c, const struct packet *p)
{
	if (p->payload.len >= RTT_PAYLOAD_MIN)
		c->rtt_us = link_rtt_us(c->link);
	return c->rtt_us;
}

static int
on_auth_packet(struct client *c, const struct packet *p)
{
	struct error e = { 0 };
	int r = auth_packet(c->auth, p, &e);

	if (r == AUTH_SUCCEEDED) {
		on_authenticated(c);
	} else if (r == ERR_AUTH_FAILED) {
		auth_report(c->auth);
		client_end_by_failure(c,
		    SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
		    "no more authentication methods available");
	}
	return r < 0 ? r : 0;
}

static int
on_packet(struct client *c, const struct packet *p)
{
	if (c->phase == CLIENT_SESSION && p->type >= SSH_MSG_GLOBAL_REQUEST)
		return connection_packet(c->connection, p, loop_now_us(c->loop),
		    round_trip_us(c, p));
	if (c->phase == CLIENT_AUTH && c->auth != NULL &&
	    p->type < SSH_MSG_GLOBAL_REQUEST)
		return on_auth_packet(c, p);
	return transport_unimplemented(c->t, p->seqnr);
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct client *c = context;

	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		return on_host_key(c);
	case TRANSPORT_KEX_DONE:
		on_kex_done(c);
		return 0;
	case TRANSPORT_PACKET:
		return on_packet(c, packet);
	case TRANSPORT_DISCONNECTED:
		client_end_by_peer(c);
	default:
		return 0;
	}
}

/* OpenSSH before 10 leaves Nagle's algorithm on: each of its small answers
 * would wait for our delayed acknowledgement of the one before. Ours does not.
 */
static void
acknowledge_early(const struct client *c)
{
	const char *ident = transport_peer_ident(c->t);
	struct transport_counters n;

	/* With a terminal they switch it off. */
	if (c->peer.is_proxied ||
	    (ident != NULL && text_starts_with(ident, "SSH-2.0-Sheetbend")) ||
	    (c->session != NULL && session_has_tty(c->session)))
		return;
	transport_get_counters(c->t, &n);
	if (n.bytes_in < ACKNOWLEDGE_BYTES)
		port_socket_acknowledge(c->peer.fd_in);
}

/* NEWKEYS is composed, and EXT_INFO, where it came along, was read. */
static void
on_input_done(void *context)
{
	struct client *c = context;

	acknowledge_early(c);
	if (c->phase == CLIENT_AUTH && c->auth == NULL)
		begin_authentication(c);
}

static void
on_link_end(void *context, int code, const struct error *e)
{
	struct client *c = context;

	/* The server is gone, but not all that it sent is written yet. */
	if (c->session != NULL && session_is_closed(c->session)) {
		c->is_link_over = true;
		return;
	}
	client_end_by_link(c, code, e);
}

/* ---- the start ---- */

static void
prepare_texts(struct client *c)
{
	const char *addendum = c->o->version_addendum;

	c->ident = need_memory(text_format("SSH-2.0-" VERSION_NAME "%s%s",
	    addendum != NULL ? " " : "", addendum != NULL ? addendum : ""));
	c->kex_algorithms = need_memory(strdup(c->o->kex_algorithms));
	c->host_key_algorithms = need_memory(host_check_algorithms(&c->host));
}

static void
new_transport(struct client *c)
{
	struct transport_config t = {
		.role = TRANSPORT_CLIENT,
		.ident = c->ident,
		.kex_algorithms = c->kex_algorithms,
		.host_key_algorithms = c->host_key_algorithms,
		.ciphers = c->o->ciphers,
		.macs = c->o->macs,
		.compression = c->o->compression ? "zlib@openssh.com,none"
						 : "none,zlib@openssh.com",
		.guess = client_may_guess(c),
		.rsa_bits_min = (unsigned)c->o->required_rsa_size,
		.rekey_bytes = c->o->rekey_limit.bytes,
		.rekey_interval_us =
		    (uint64_t)c->o->rekey_limit.seconds * 1000000,
	};
	struct error e = { 0 };

	need(transport_new(&t, time_monotonic_us(), &c->t, &e), &e);
}

static char *
proxy_command(struct client *c)
{
	struct error e = { 0 };
	char *command;

	if (c->o->proxy_command == NULL)
		return NULL;
	need(ssh_option_expand(SSH_OPTION_proxy_command, c->o->proxy_command,
		 c->tokens, &command, &e),
	    &e);
	return command;
}

static uint64_t
connect_deadline(const struct client *c)
{
	if (c->o->connect_timeout <= 0)
		return 0;
	return time_monotonic_us() + (uint64_t)c->o->connect_timeout * 1000000;
}

/* One attempt; what needs no network is done while it answers. */
static int
connect_once(
    struct client *c, const char *proxy, uint64_t deadline, struct error *e)
{
	struct connecting *way;
	int r = connect_start(
	    c->o, c->o->hostname, (unsigned)c->o->port, proxy, &way, e);

	if (r != 0)
		return r;
	if (c->t == NULL) {
		need(host_check_init(&c->host, c->o, c->tokens, e), e);
		prepare_texts(c);
		client_recall(c);
		new_transport(c);
	}
	return connect_finish(way, deadline, &c->peer, e);
}

/* ConnectionAttempts: one a second. */
static uint64_t
connect_client(struct client *c)
{
	char *proxy = proxy_command(c);
	uint64_t deadline = 0;
	struct error e = { 0 };
	int r = ERR_NOT_FOUND;

	for (int i = 0; i < c->o->connection_attempts && r != 0; i++) {
		if (i > 0) {
			log_debug1("Trying again...");
			sleep(1);
		}
		error_clear(&e);
		deadline = connect_deadline(c);
		r = connect_once(c, proxy, deadline, &e);
	}
	free(proxy);
	if (r != 0)
		fatal("ssh: %s", error_message(&e, r));
	return deadline;
}

static void
on_deadline(struct timer *t, void *context)
{
	struct client *c = context;

	if (transport_peer_ident(c->t) == NULL)
		log_error("Connection timed out during banner exchange");
	fatal("Connection to %s port %u timed out", c->peer.text, c->peer.port);
}

NORETURN static void
enter_loop(struct client *c, uint64_t deadline)
{
	struct link_owner owner = { on_event, on_input_done, on_link_end, c };
	struct error e = { 0 };
	uint64_t now;

	c->loop = need_memory(loop_new());
	c->link = need_memory(
	    link_new(c->loop, c->t, c->peer.fd_in, c->peer.fd_out, &owner));
	c->deadline = need_memory(timer_new(c->loop, on_deadline, c));
	if (deadline != 0) {
		now = time_monotonic_us();
		timer_set(c->deadline, deadline > now ? deadline - now : 1);
	}
	/* Our first packets are under way while we read the keys. */
	IGNORE_RESULT(link_flush(c->link, 0));
	need(agent_socket_settle(c->o, &e), &e);
	need(identities_load(c->o, c->tokens, &c->identities, &e), &e);
	leave(loop_run(c->loop));
}

void
client_run(const struct arguments *a, const struct ssh_options *o,
    struct ssh_tokens *tokens, const char *home, const char *command)
{
	static struct client client;
	struct client *c = &client;

	c->a = a;
	c->o = o;
	c->tokens = tokens;
	c->home = home;
	c->command = command;
	signal(SIGPIPE, SIG_IGN);
	if (o->fork_after_authentication)
		background_prepare();
	if (o->stdin_null || o->fork_after_authentication)
		stdin_from_null();
	enter_loop(c, connect_client(c));
}

void
client_print_identities(
    const struct ssh_options *o, const struct ssh_tokens *tokens)
{
	struct identities list;
	struct agent *agent = NULL;
	struct error e = { 0 };
	const char *path;
	int r;

	need(agent_socket_settle(o, &e), &e);
	if ((path = agent_socket_own()) != NULL &&
	    (r = agent_socket_open(path, &agent, &e)) != 0) {
		log_debug1("%s", error_message(&e, r));
		agent = NULL;
	}
	need(identities_load(o, tokens, &list, &e), &e);
	need(identities_arrange(&list, o, agent, &e), &e);
	for (size_t i = 0; i < list.count; i++) {
		const struct identity *id = &list.item[i];
		const struct key *k = identity_key(id);
		char *line = NULL;

		if (!identity_can_sign(id))
			identity_log_failure(id);
		else if (k != NULL)
			line = key_public_line(k, identity_name(id));
		if (line != NULL)
			puts(line);
		free(line);
	}
	leave(0);
}
