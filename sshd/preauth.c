/*
 * preauth.c - version, key exchange and authentication, on the hostile side
 * of the wall.
 */
#include "sshd/preauth.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/time.h"
#include "common/ipc/ipc.h"
#include "common/port/port.h"
#include "common/transport/transport.h"
#include "common/userauth/userauth_server.h"
#include "sshd/host_keys.h"
#include "sshd/privsep.h"
#include "sshd/protocol.h"

#define FLUSH_TIMEOUT_MS 2000
#define DESCRIPTORS_MAX  8
#define UNREAD_MAX       (64u * 1024) /* answers that the peer does not take */

struct preauth {
	struct ipc monitor;
	struct host_keys *keys; /* public halves */
	struct protocol protocol;
	struct transport *transport;
	struct userauth_server *userauth;
	int fd_in;
	int fd_out;
	bool owes_ack; /* read, and nothing written since */
	bool user_named;
	bool granted;
};

/* ---- confinement ---- */

/* No more processes, no files, few descriptors: beneath the filter. */
static void
set_limits(void)
{
	struct rlimit none = { 0, 0 };
	struct rlimit few = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };

	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NPROC, &none);
	setrlimit(RLIMIT_NOFILE, &few);
}

/* Descriptor 3 is the monitor; 0, 1, 2 are closed, and the first two of
 * them will be the network. So nothing written to "stderr" by any library
 * goes anywhere. */
static int
keep_one_descriptor(int fd)
{
	if (fd != 3 && dup2(fd, 3) != 3)
		return ERR_SYSTEM;
	port_close_from(4);
	close(0);
	close(1);
	close(2);
	return 0;
}

static int
confine(const struct preauth_setup *s, struct error *e)
{
	int r;

	port_no_dump();
	if (s->chroot_dir != NULL) {
		r = port_become_confined(s->chroot_dir, s->uid, s->gid, e);
		if (r != 0)
			return r;
	}
	port_die_with_parent(SIGKILL);
	port_no_dump(); /* a change of user resets it */
	set_limits();
	r = port_no_new_privileges();
	if (r != 0)
		return error_set_errno(e, "cannot renounce privileges");
	r = port_sandbox_authentication(e);
	if (r == ERR_UNSUPPORTED) {
		log_debug1("no system call filter: %s", e->text);
		error_clear(e);
		return 0;
	}
	return r;
}

/* ---- the monitor ---- */

static void
send_log(enum log_level level, const char *line, void *context)
{
	struct preauth *p = context;
	struct buf *out = ipc_begin(&p->monitor, PRIVSEP_LOG);

	write_byte(out, (uint8_t)level);
	write_text(out, line);
	/* Whatever fails here shows with the next request. */
	IGNORE_RESULT(ipc_end(&p->monitor, -1));
}

static int
expect(struct preauth *p, uint8_t type, struct ipc_message *ret)
{
	int r;

	if ((r = ipc_receive(&p->monitor, ret)) != 0)
		return r;
	return ret->type == type ? 0 : ERR_UNEXPECTED;
}

static int
ask(struct preauth *p, uint8_t reply, struct ipc_message *ret)
{
	int r;

	if ((r = ipc_flush(&p->monitor)) != 0)
		return r;
	return expect(p, reply, ret);
}

/* The last message. Then this process ends. */
NORETURN static void
end(struct preauth *p, enum privsep_end kind, uint32_t reason, const char *text)
{
	struct buf *out = ipc_begin(&p->monitor, PRIVSEP_END);

	write_byte(out, (uint8_t)kind);
	write_uint32(out, reason);
	write_text(out, text);
	if (ipc_end(&p->monitor, -1) != 0 || ipc_flush(&p->monitor) != 0)
		_exit(1);
	_exit(0);
}

/* ---- the network ---- */

/* Writes what fits. 0, or ERR_SYSTEM. */
static int
write_some(struct preauth *p)
{
	struct iovec iov[16];
	size_t n;
	ssize_t done;

	while ((n = transport_pending(p->transport, iov, 16)) > 0) {
		done = writev(p->fd_out, iov, (int)n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EAGAIN ? 0 : ERR_SYSTEM;
		transport_sent(p->transport, (size_t)done);
		p->owes_ack = false;
	}
	return 0;
}

/* Last words: waits a moment for room. */
static void
write_rest(struct preauth *p)
{
	struct pollfd wait = { p->fd_out, POLLOUT, 0 };

	while (
	    write_some(p) == 0 && transport_pending_bytes(p->transport) > 0) {
		if (poll(&wait, 1, FLUSH_TIMEOUT_MS) <= 0)
			return;
	}
}

/* The peer's side failed or is over. */
NORETURN static void
end_network(struct preauth *p, ssize_t n)
{
	const char *early = "";

	/* Whoever only looks whether somebody listens has a line of his own. */
	if (transport_peer_ident(p->transport) == NULL)
		early = n == 0 ? "Connection closed by remote host"
			       : "read: Connection reset by peer";
	if (n == 0 || errno == ECONNRESET || errno == EPIPE)
		end(p, n == 0 ? PRIVSEP_END_CLOSED : PRIVSEP_END_RESET, 0,
		    early);
	end(p, PRIVSEP_END_PROTOCOL, 0, strerror(errno));
}

static void
read_some(struct preauth *p)
{
	size_t room;
	uint8_t *to = transport_recv_space(p->transport, &room);
	ssize_t n;

	if (to == NULL)
		return;
	n = read(p->fd_in, to, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		end_network(p, n);
	transport_received(p->transport, (size_t)n);
	p->owes_ack = true;
}

static void
wait_for_network(struct preauth *p)
{
	bool same = p->fd_in == p->fd_out;
	bool has_output = transport_pending_bytes(p->transport) > 0;
	struct pollfd set[3] = {
		{ p->monitor.fd, 0, 0 },
		{ p->fd_in, 0, 0 },
		{ p->fd_out, 0, 0 },
	};

	/* A peer that asks (PING) and never reads would fill our memory, and
	 * need not even log in. */
	if (transport_wants_input(p->transport) &&
	    transport_pending_bytes(p->transport) <= UNREAD_MAX)
		set[1].events |= POLLIN;
	if (has_output)
		set[same ? 1 : 2].events |= POLLOUT;
	if (poll(set, same || !has_output ? 2 : 3, -1) < 0) {
		if (errno == EINTR)
			return;
		_exit(1);
	}
	if (set[0].revents != 0)
		_exit(1); /* the monitor is gone */
	if (set[1].revents & (POLLIN | POLLHUP | POLLERR))
		read_some(p);
}

/* ---- verdicts ---- */

NORETURN static void
hand_over(struct preauth *p)
{
	struct transport_negotiated n;
	struct buf state = BUF_SECRET_INIT;
	struct buf *out;
	char *summary;
	int r;

	/* The peer can go on while the session is set up. */
	IGNORE_RESULT(write_some(p));
	r = transport_export(p->transport, &state);
	if (r != 0)
		end(p, PRIVSEP_END_PROTOCOL, 0, error_text(r));
	summary = transport_get_negotiated(p->transport, &n)
		      ? text_format("kex: %s, host key %s, cipher %s, MAC %s, "
				    "compression %s",
			    n.kex, n.host_key, n.cipher_in, n.mac_in,
			    n.compression_in)
		      : NULL;
	out = ipc_begin(&p->monitor, PRIVSEP_DONE);
	write_string(out, buf_span(&state));
	write_text(out, summary != NULL ? summary : "");
	if (ipc_end(&p->monitor, -1) != 0 || ipc_flush(&p->monitor) != 0)
		_exit(1);
	_exit(0);
}

static int
put_questions(struct preauth *p, struct reader *r)
{
	const char *prompts[USERAUTH_PROMPTS_MAX];
	bool echo[USERAUTH_PROMPTS_MAX];
	char *name = span_dup_text(read_text(r));
	char *instruction = span_dup_text(read_text(r));
	uint32_t count = read_uint32(r);
	int rc = name == NULL || instruction == NULL ? ERR_MEMORY : 0;
	size_t n = 0;

	if (count > USERAUTH_PROMPTS_MAX)
		rc = ERR_LIMIT;
	while (rc == 0 && n < count) {
		prompts[n] = span_dup_text(read_text(r));
		echo[n] = read_boolean(r);
		if (prompts[n++] == NULL)
			rc = ERR_MEMORY;
	}
	if (rc == 0)
		rc = read_end(r);
	if (rc == 0)
		rc = userauth_server_prompts(
		    p->userauth, name, instruction, prompts, echo, n);
	while (n > 0)
		free((char *)prompts[--n]);
	free(name);
	free(instruction);
	return rc;
}

static int
act_on_verdict(struct preauth *p, struct span body)
{
	struct reader r = reader_of(body);
	uint8_t verdict = read_byte(&r);
	char *methods = span_dup_text(read_text(&r));
	int rc = methods == NULL ? ERR_MEMORY : read_error(&r);

	if (rc != 0)
		goto out;
	switch (verdict) {
	case PRIVSEP_GRANTED:
		rc = userauth_server_success(p->userauth);
		p->granted = true;
		break;
	case PRIVSEP_KEY_GOOD:
		rc = userauth_server_pk_ok(p->userauth);
		break;
	case PRIVSEP_ASK:
		rc = put_questions(p, &r);
		break;
	case PRIVSEP_TOO_MANY:
		transport_disconnect(p->transport,
		    SSH_DISCONNECT_PROTOCOL_ERROR,
		    "Too many authentication failures");
		write_rest(p);
		end(p, PRIVSEP_END_ATTEMPTS, 0, "");
	default:
		rc = userauth_server_failure(
		    p->userauth, methods, verdict == PRIVSEP_PARTIAL);
		break;
	}
out:
	free(methods);
	return rc;
}

/* ---- requests ---- */

static int
compose_user(struct preauth *p, const struct userauth_request *q)
{
	struct buf *out = ipc_begin(&p->monitor, PRIVSEP_USER);

	write_string(out, q->user);
	write_string(out, q->service);
	return ipc_end(&p->monitor, -1);
}

static int
compose_request(struct preauth *p, const struct userauth_request *q)
{
	static const uint8_t types[] = {
		[USERAUTH_NONE] = PRIVSEP_NONE,
		[USERAUTH_PUBLICKEY_PROBE] = PRIVSEP_KEY_PROBE,
		[USERAUTH_PUBLICKEY] = PRIVSEP_KEY_AUTH,
		[USERAUTH_PASSWORD] = PRIVSEP_PASSWORD,
		[USERAUTH_KBDINT] = PRIVSEP_KBDINT,
		[USERAUTH_HOSTBASED] = PRIVSEP_HOSTBASED,
		[USERAUTH_OTHER] = PRIVSEP_OTHER,
	};
	struct buf *out = ipc_begin(&p->monitor, types[q->method]);

	switch (q->method) {
	case USERAUTH_NONE:
		break;
	case USERAUTH_PUBLICKEY_PROBE:
	case USERAUTH_PUBLICKEY:
		write_string(out, q->algorithm);
		write_string(out, q->key_blob);
		if (q->method == USERAUTH_PUBLICKEY_PROBE)
			break;
		write_string(out, q->signature);
		write_boolean(out, q->hostbound);
		break;
	case USERAUTH_PASSWORD:
		write_string(out, q->password);
		write_boolean(out, q->is_password_change);
		break;
	case USERAUTH_KBDINT:
		write_string(out, q->devices);
		break;
	case USERAUTH_HOSTBASED:
		write_string(out, q->algorithm);
		write_string(out, q->key_blob);
		write_string(out, q->client_host);
		write_string(out, q->client_user);
		write_string(out, q->signature);
		break;
	case USERAUTH_OTHER:
		write_string(out, q->method_name);
		break;
	}
	return ipc_end(&p->monitor, -1);
}

/* Banner and algorithms of the user's Match blocks. */
static int
take_user_known(struct preauth *p, struct span body)
{
	struct reader r = reader_of(body);
	struct span banner = read_string(&r);
	char *algorithms = span_dup_text(read_text(&r));
	int rc = read_end(&r);

	if (algorithms == NULL)
		rc = ERR_MEMORY;
	if (rc == 0 && banner.len > 0)
		rc = userauth_server_banner(p->userauth, banner);
	if (rc == 0 && algorithms[0] != '\0')
		rc = transport_send_sig_algs(p->transport, algorithms);
	free(algorithms);
	return rc;
}

static int
on_request(struct preauth *p)
{
	const struct userauth_request *q = userauth_server_request(p->userauth);
	bool first = !p->user_named;
	struct ipc_message m;
	int r;

	if (!span_is(q->service, "ssh-connection")) {
		transport_disconnect(p->transport,
		    SSH_DISCONNECT_SERVICE_NOT_AVAILABLE,
		    "no such service behind authentication");
		write_rest(p);
		end(p, PRIVSEP_END_PROTOCOL, 0, "unknown service requested");
	}
	/* Both requests leave together: one turn of the processes less. */
	if (first && (r = compose_user(p, q)) != 0)
		return r;
	p->user_named = true;
	if ((r = compose_request(p, q)) != 0 ||
	    (r = ipc_flush(&p->monitor)) != 0)
		return r;
	if (first && ((r = expect(p, PRIVSEP_USER_KNOWN, &m)) != 0 ||
			 (r = take_user_known(p, m.body)) != 0))
		return r;
	if ((r = expect(p, PRIVSEP_VERDICT, &m)) != 0)
		return r;
	return act_on_verdict(p, m.body);
}

static int
on_responses(struct preauth *p)
{
	size_t count = userauth_server_response_count(p->userauth);
	struct buf *out = ipc_begin(&p->monitor, PRIVSEP_KBDINT_ANSWER);
	struct ipc_message m;
	int r;

	if (count != userauth_server_asked_count(p->userauth) || count != 1)
		count = 0;
	write_uint32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		write_string(out, userauth_server_response(p->userauth, i));
	if ((r = ipc_end(&p->monitor, -1)) != 0 ||
	    (r = ask(p, PRIVSEP_VERDICT, &m)) != 0)
		return r;
	return act_on_verdict(p, m.body);
}

static int
on_userauth_packet(struct preauth *p, const struct packet *packet)
{
	int event;

	if (p->userauth == NULL)
		return ERR_UNEXPECTED;
	event = userauth_server_packet(p->userauth, packet);
	while (event > 0 && !p->granted) {
		int r = event == USERAUTH_SERVER_REQUEST ? on_request(p)
							 : on_responses(p);

		if (r != 0)
			return r;
		if (p->granted)
			break;
		event = userauth_server_next(p->userauth);
	}
	return event < 0 ? event : 0;
}

/* ---- events of the transport ---- */

static int
on_sign(struct preauth *p)
{
	struct buf *out = ipc_begin(&p->monitor, PRIVSEP_SIGN);
	struct ipc_message m;
	struct reader r;
	struct span signature;
	int rc;

	write_string(out, transport_sign_hash(p->transport));
	write_text(out, transport_sign_algorithm(p->transport));
	if ((rc = ipc_end(&p->monitor, -1)) != 0 ||
	    (rc = ask(p, PRIVSEP_SIGNED, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	signature = read_string(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	return transport_signed(p->transport, signature);
}

static int
on_kex_done(struct preauth *p)
{
	struct transport_negotiated n;

	if (p->userauth != NULL)
		return 0;
	if (!transport_get_negotiated(p->transport, &n))
		return ERR_BUG;
	return userauth_server_new(
	    p->transport, host_keys_blob(p->keys, n.host_key), &p->userauth);
}

static int
on_packet(struct preauth *p, const struct packet *packet)
{
	if (packet->type == SSH_MSG_SERVICE_REQUEST ||
	    (packet->type >= SSH_MSG_USERAUTH_REQUEST && packet->type < 80))
		return on_userauth_packet(p, packet);
	/* RFC 4252 s6: nothing of the connection protocol before success. */
	if (packet->type >= 80 && packet->type <= 127) {
		transport_disconnect(p->transport,
		    SSH_DISCONNECT_PROTOCOL_ERROR,
		    "message not allowed before authentication");
		return ERR_UNEXPECTED;
	}
	return transport_unimplemented(p->transport, packet->seqnr);
}

NORETURN static void
end_disconnected(struct preauth *p)
{
	uint32_t reason = 0;
	const char *text = transport_disconnect_text(p->transport, &reason);

	end(p, PRIVSEP_END_DISCONNECTED, reason, text != NULL ? text : "");
}

static int
on_event(struct preauth *p, int event, const struct packet *packet)
{
	switch (event) {
	case TRANSPORT_SIGN:
		return on_sign(p);
	case TRANSPORT_KEX_DONE:
		return on_kex_done(p);
	case TRANSPORT_PACKET:
		return on_packet(p, packet);
	case TRANSPORT_DISCONNECTED:
		end_disconnected(p);
	default:
		return 0;
	}
}

/* A code of the transport, or of a layer above it. */
NORETURN static void
end_failed(struct preauth *p, int code)
{
	const struct error *e = transport_error(p->transport);
	enum privsep_end kind = PRIVSEP_END_PROTOCOL;
	uint32_t reason = (uint32_t)error_disconnect_reason(code);

	if (p->monitor.error != 0 || code == ERR_CLOSED)
		_exit(1);
	if (code == ERR_IDENT)
		kind = PRIVSEP_END_IDENT;
	else if (code == ERR_NO_MATCH)
		kind = PRIVSEP_END_NO_MATCH;
	/* Nothing of it if the transport has said its own last words. */
	if (e == NULL || e->code == 0)
		transport_disconnect(p->transport,
		    reason != 0 ? reason : SSH_DISCONNECT_PROTOCOL_ERROR,
		    error_text(code));
	write_rest(p);
	end(p, kind, reason,
	    e != NULL && e->code == code ? error_message(e, code)
					 : error_text(code));
}

NORETURN static void
run(struct preauth *p)
{
	struct packet packet;
	int event, r;

	for (;;) {
		while ((event = transport_next(
			    p->transport, time_monotonic_us(), &packet)) > 0) {
			if ((r = on_event(p, event, &packet)) < 0)
				end_failed(p, r);
			if (p->granted)
				hand_over(p);
		}
		if (event < 0)
			end_failed(p, event);
		if (write_some(p) != 0)
			end_network(p, -1);
		if (p->monitor.out.len > 0 && ipc_flush(&p->monitor) != 0)
			_exit(1);
		if (p->owes_ack)
			port_socket_acknowledge(p->fd_in);
		p->owes_ack = false;
		wait_for_network(p);
	}
}

/* ---- start ---- */

static struct span
find_host_key(void *context, const char *algorithm)
{
	const struct preauth *p = context;

	return host_keys_blob(p->keys, algorithm);
}

static int
take_host_keys(struct preauth *p)
{
	struct ipc_message m;
	struct reader r;
	int rc;

	if ((p->keys = host_keys_new()) == NULL)
		return ERR_MEMORY;
	if ((rc = expect(p, PRIVSEP_HOST_KEYS, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	if ((rc = host_keys_read_public(&r, p->keys)) != 0)
		return rc;
	return read_end(&r);
}

/* Everything that needs no peer, while there is none. */
static int
prepare(struct preauth *p, const struct preauth_setup *setup, struct error *e)
{
	int r;

	if ((r = take_host_keys(p)) != 0)
		return r;
	r = protocol_init(&p->protocol, sshd_config_global(setup->config),
	    p->keys, setup->moduli);
	if (r != 0)
		return r;
	r = transport_new(
	    &p->protocol.config, time_monotonic_us(), &p->transport, e);
	if (r == 0)
		transport_set_host_keys(p->transport, find_host_key, p);
	return r;
}

static int
take_connection(struct preauth *p)
{
	struct ipc_message m;
	struct reader r;
	bool second;
	int rc;

	if ((rc = expect(p, PRIVSEP_CONNECTION, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	second = read_boolean(&r);
	if ((rc = read_end(&r)) != 0)
		return rc;
	p->fd_in = p->fd_out = m.fd;
	if (second) {
		if ((rc = expect(p, PRIVSEP_CONNECTION_OUT, &m)) != 0)
			return rc;
		p->fd_out = m.fd;
	}
	return p->fd_in < 0 || p->fd_out < 0 ? ERR_UNEXPECTED : 0;
}

void
preauth_main(const struct preauth_setup *setup)
{
	static struct preauth p;
	struct error e = { 0 };
	int r;

	if (keep_one_descriptor(setup->monitor_fd) != 0)
		_exit(1);
	ipc_init(&p.monitor, 3, PRIVSEP_MESSAGE_MAX);
	log_set_sink(send_log, &p);
	port_title("sshd-session: [net]");
	r = confine(setup, &e);
	if (r == 0)
		r = prepare(&p, setup, &e);
	if (r == ERR_CLOSED)
		_exit(0);
	if (r != 0)
		end(&p, PRIVSEP_END_PROTOCOL, 0, error_message(&e, r));
	r = take_connection(&p);
	if (r == ERR_CLOSED)
		_exit(0); /* there never was a connection */
	if (r != 0)
		_exit(1);
	run(&p);
}
