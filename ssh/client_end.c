/*
 * client_end.c - why the connection is over, in words that scripts know.
 */
#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/time.h"
#include "ssh/client_impl.h"
#include "ssh/fatal.h"
#include "ssh/proxy.h"
#include "ssh/terminal.h"

/* For the last words to a peer that does not read. */
#define FLUSH_MS 200

/* For those of a proxy command that has ended the connection. */
#define PROXY_MS 500

static void
end_closed(const struct client *c)
{
	if (c->phase == CLIENT_SESSION) {
		log_error(
		    "Connection to %s closed by remote host.", c->o->hostname);
		if (c->session != NULL && session_has_tty(c->session))
			log_info("Connection to %s closed.", c->o->hostname);
		return;
	}
	if (transport_peer_ident(c->t) == NULL)
		log_error("kex_exchange_identification: Connection closed by "
			  "remote host");
	log_error(
	    "Connection closed by %s port %u", c->peer.text, c->peer.port);
}

static void
end_system(const struct client *c, const struct error *e)
{
	if (e->system_errno == ECONNRESET) {
		if (transport_peer_ident(c->t) == NULL)
			log_error("kex_exchange_identification: read: %s",
			    strerror(ECONNRESET));
		log_error("Connection reset by %s port %u", c->peer.text,
		    c->peer.port);
	} else if (e->system_errno == EPIPE && c->phase != CLIENT_SESSION) {
		end_closed(c);
	} else if (e->system_errno == EPIPE) {
		log_error("client_loop: send disconnect: %s", strerror(EPIPE));
	} else {
		log_error("Connection to %s port %u: %s", c->peer.text,
		    c->peer.port, e->text);
	}
}

/* Faults of the bytes that came. */
static void
end_dispatch(const struct client *c, int code, const struct error *e)
{
	const char *text = error_message(e, code);

	switch (code) {
	case ERR_NO_MATCH:
		log_fatal("Unable to negotiate with %s port %u: %s",
		    c->peer.text, c->peer.port, text);
		return;
	case ERR_IDENT:
		log_error("kex_exchange_identification: %s", text);
		log_fatal("banner exchange: Connection to %s port %u: invalid "
			  "format",
		    c->peer.text, c->peer.port);
		return;
	case ERR_PACKET_LENGTH:
		log_error("Bad packet length: %s", text);
		text = "Connection corrupted";
		break;
	case ERR_PADDING:
		log_error("padding error: %s", text);
		text = "Connection corrupted";
		break;
	case ERR_MAC:
		if (c->phase == CLIENT_SESSION)
			log_error("Corrupted MAC on input.");
		text = error_text(ERR_MAC);
		break;
	default:
		break;
	}
	log_fatal("ssh_dispatch_run_fatal: Connection to %s port %u: %s",
	    c->peer.text, c->peer.port, text);
}

void
client_end_by_link(struct client *c, int code, const struct error *e)
{
	terminal_leave_raw();
	proxy_await_end(PROXY_MS);
	if (code == ERR_CLOSED)
		end_closed(c);
	else if (code == ERR_SYSTEM)
		end_system(c, e);
	else
		end_dispatch(c, code, e);
	leave(EXIT_ERROR);
}

/* RFC 4253 s11.1: the peer said why. */
void
client_end_by_peer(struct client *c)
{
	uint32_t reason = 0;
	const char *text = transport_disconnect_text(c->t, &reason);

	terminal_leave_raw();
	log_error("Received disconnect from %s port %u:%u: %s", c->peer.text,
	    c->peer.port, reason, text != NULL ? text : "");
	log_error("Disconnected from %s port %u", c->peer.text, c->peer.port);
	if (c->phase == CLIENT_AUTH && c->auth != NULL)
		auth_report_cut_off(c->auth);
	leave(EXIT_ERROR);
}

static void
say_goodbye(struct client *c, uint32_t reason, const char *text)
{
	if (c->t == NULL || c->link == NULL || c->is_link_over)
		return;
	transport_disconnect(c->t, reason, text);
	/* Whether it hears it or not. */
	IGNORE_RESULT(link_flush(c->link, FLUSH_MS));
}

void
client_end_by_failure(struct client *c, uint32_t reason, const char *text)
{
	terminal_leave_raw();
	say_goodbye(c, reason, text);
	leave(EXIT_ERROR);
}

static void
log_transferred(const struct client *c)
{
	double seconds =
	    (double)(time_monotonic_us() - c->session_since_us) / 1e6;
	struct transport_counters n;

	transport_get_counters(c->t, &n);
	log_verbose("Transferred: sent %llu, received %llu bytes, in %.1f "
		    "seconds",
	    (unsigned long long)n.bytes_out, (unsigned long long)n.bytes_in,
	    seconds);
	if (seconds > 0)
		log_verbose("Bytes per second: sent %.1f, received %.1f",
		    (double)n.bytes_out / seconds,
		    (double)n.bytes_in / seconds);
}

void
client_end_of_session(struct client *c, int status)
{
	terminal_leave_raw();
	say_goodbye(c, SSH_DISCONNECT_BY_APPLICATION, "disconnected by user");
	if (c->session != NULL && session_has_tty(c->session))
		log_info("Connection to %s closed.", c->o->hostname);
	log_transferred(c);
	log_debug1("Exit status %d", status == SESSION_NO_STATUS ? -1 : status);
	leave(status == SESSION_NO_STATUS ? EXIT_ERROR : status);
}
