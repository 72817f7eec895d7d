/*
 * server_auth_cases.c - a client that is wrong with keys exchanged,
 * and during authentication. RFC 4253, RFC 4252.
 */
#include "tests/negative/server_cases.h"

#include <stdlib.h>
#include <string.h>

/* ---- with keys ---- */

static void
run_bad_mac(struct wire *w, struct daemon *d)
{
	char block[256];

	memset(block, 0x5a, sizeof block);
	wire_send_bytes(w, block, sizeof block);
}

static void
run_newkeys_unasked(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_NEWKEYS);
}

static void
run_kexinit_then_data(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	server_write_kexinit(&b, KEX, "aes128-ctr");
	wire_send(w, &b);
	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, "ssh-userauth");
	wire_send(w, &b);
	buf_release(&b);
}

void
server_ask_for_session(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "session");
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_open_before_auth(struct wire *w, struct daemon *d)
{
	server_ask_for_session(w);
}

static void
run_request_without_service(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_HONEST);
}

void
server_send_service(struct wire *w, const char *name)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, name);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_connection_service(struct wire *w, struct daemon *d)
{
	server_send_service(w, "ssh-connection");
}

static void
run_nul_service(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_string(&b, span_of("ssh-userauth\0", 13));
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_service_twice(struct wire *w, struct daemon *d)
{
	server_send_service(w, "ssh-userauth");
}

static void
run_big_packet(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	uint8_t *space;

	write_byte(&b, SSH_MSG_IGNORE);
	space = buf_reserve(&b, 256 * 1024);
	memset(space, 0, 256 * 1024);
	buf_extend(&b, 256 * 1024 - 600);
	wire_send(w, &b);
	buf_release(&b);
	/* The same again as bytes of a length that none may have. */
	for (int i = 0; i < 3; i++)
		run_bad_mac(w, d);
}

static void
run_bad_disconnect(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_DISCONNECT);
}

static void
run_bad_ping(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_PING);
}

static void
run_bad_ext_info(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_EXT_INFO);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

/* ---- authentication ---- */

static void
begin_auth(
    struct buf *b, const char *user, const char *service, const char *method)
{
	buf_clear(b);
	write_byte(b, SSH_MSG_USERAUTH_REQUEST);
	write_text(b, user);
	write_text(b, service);
	write_text(b, method);
}

void
server_send_none(struct wire *w, const char *user, const char *service)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user, service, "none");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_none(struct wire *w, struct daemon *d)
{
	server_send_none(w, user_name(), "ssh-connection");
}

static void
run_change_user(struct wire *w, struct daemon *d)
{
	server_send_none(w, "somebody", "ssh-connection");
	(void)wire_until(w, SSH_MSG_USERAUTH_FAILURE, 1, ANSWER_MS);
	server_send_none(w, user_name(), "ssh-connection");
}

static void
run_change_service(struct wire *w, struct daemon *d)
{
	server_send_none(w, user_name(), "ssh-connection");
	(void)wire_until(w, SSH_MSG_USERAUTH_FAILURE, 1, ANSWER_MS);
	server_send_none(w, user_name(), "ssh-other");
}

static void
run_long_user(struct wire *w, struct daemon *d)
{
	char name[70000];

	memset(name, 'u', sizeof name);
	name[sizeof name - 1] = '\0';
	server_send_none(w, name, "ssh-connection");
}

static void
run_nul_user(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_REQUEST);
	write_string(&b, span_of("root\0x", 6));
	write_text(&b, "ssh-connection");
	write_text(&b, "none");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_forged_line(struct wire *w, struct daemon *d)
{
	server_send_none(w, "x\nAccepted password for root from 1.2.3.4\x1b[2J",
	    "ssh-connection");
}

static void
run_other_session(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_SESSION);
}

static void
run_other_user(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_USER);
}

static void
run_other_algorithm(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_ALGORITHM);
}

static void
run_other_blob(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_BLOB);
}

static void
run_other_host_key(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_OTHER_HOST_KEY);
}

static void
run_broken_signature(struct wire *w, struct daemon *d)
{
	wire_send_publickey(w, user_name(), d->user_key, WIRE_BROKEN_SIGNATURE);
}

static void
run_replayed(struct wire *w, struct daemon *d)
{
	struct wire first;
	int fd = connect_loopback(d->port);
	struct buf b = BUF_INIT, data = BUF_INIT, signature = BUF_INIT;

	wire_init(&first, fd);
	if (fd < 0 || !server_reach(&first, d, STAGE_SERVICE))
		return;
	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, true);
	write_text(&b, "ssh-ed25519");
	write_string(&b, key_blob(d->user_key));
	write_string(&data, transport_session_id(first.t));
	write_span(&data, buf_span(&b));
	(void)!key_sign(d->user_key, signature_find(span_text("ssh-ed25519")),
	    buf_span(&data), &signature);
	write_string(&b, buf_span(&signature));
	write_span(&data, span_of(NULL, 0));
	buf_clear(&data);
	write_span(&data, buf_span(&b));
	/* It is good there, and nowhere else. */
	wire_send(&first, &b);
	if (wire_until(&first, SSH_MSG_USERAUTH_SUCCESS, 1, ANSWER_MS))
		wire_send(w, &data);
	wire_release(&first);
	buf_release(&b);
	buf_release(&data);
	buf_release(&signature);
}

static void
run_unasked_response(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(&b, 1);
	write_text(&b, "x");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_many_responses(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "keyboard-interactive");
	write_text(&b, "");
	write_text(&b, "");
	wire_send(w, &b);
	(void)wire_until(w, SSH_MSG_USERAUTH_INFO_REQUEST, 1, ANSWER_MS);
	write_byte(&b, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_long_password(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;
	char text[60000];

	memset(text, 'p', sizeof text);
	text[sizeof text - 1] = '\0';
	begin_auth(&b, user_name(), "ssh-connection", "password");
	write_boolean(&b, false);
	write_text(&b, text);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_cut_publickey(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, true);
	write_uint32(&b, 0x7fffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_garbage_key(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "publickey");
	write_boolean(&b, false);
	write_text(&b, "ssh-ed25519");
	write_text(&b, "no key at all");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_success_from_client(struct wire *w, struct daemon *d)
{
	wire_send_type(w, SSH_MSG_USERAUTH_SUCCESS);
	server_ask_for_session(w);
}

static void
run_unknown_method(struct wire *w, struct daemon *d)
{
	struct buf b = BUF_INIT;

	begin_auth(&b, user_name(), "ssh-connection", "telepathy");
	write_text(&b, "anything");
	wire_send(w, &b);
	buf_release(&b);
}

static void
run_too_many(struct wire *w, struct daemon *d)
{
	for (int i = 0; i < 12; i++)
		run_broken_signature(w, d);
	(void)wire_until_closed(w, ANSWER_MS);
}

const struct server_case server_auth_cases[] = {
	{ "bad-mac", STAGE_KEYED, WANT_CLOSED, run_bad_mac },
	{ "bad-mac-after-login", STAGE_AUTH, WANT_CLOSED, run_bad_mac },
	{ "newkeys-unasked", STAGE_KEYED, WANT_CLOSED, run_newkeys_unasked },
	{ "newkeys-unasked-after-login", STAGE_AUTH, WANT_CLOSED,
	    run_newkeys_unasked },
	{ "service-inside-rekey", STAGE_KEYED, WANT_CLOSED,
	    run_kexinit_then_data },
	{ "open-before-auth", STAGE_KEYED, WANT_CLOSED, run_open_before_auth },
	{ "open-during-auth", STAGE_SERVICE, WANT_CLOSED,
	    run_open_before_auth },
	{ "auth-without-service", STAGE_KEYED, WANT_CLOSED,
	    run_request_without_service },
	{ "service-connection-first", STAGE_KEYED, WANT_CLOSED,
	    run_connection_service },
	{ "service-with-nul", STAGE_KEYED, WANT_CLOSED, run_nul_service },
	/* Paramiko asks before every method: an answer, and nothing more. */
	{ "service-twice", STAGE_SERVICE, WANT_SERVICE_ACCEPT,
	    run_service_twice },
	{ "packet-oversize", STAGE_KEYED, WANT_CLOSED, run_big_packet },
	{ "disconnect-empty", STAGE_KEYED, WANT_CLOSED, run_bad_disconnect },
	{ "ping-empty", STAGE_KEYED, WANT_CLOSED, run_bad_ping },
	{ "ext-info-huge-count", STAGE_KEYED, WANT_CLOSED, run_bad_ext_info },

	{ "auth-none", STAGE_SERVICE, WANT_AUTH_FAILURE, run_none },
	{ "auth-change-user", STAGE_SERVICE, WANT_CLOSED, run_change_user },
	{ "auth-change-service", STAGE_SERVICE, WANT_CLOSED,
	    run_change_service },
	{ "auth-long-user", STAGE_SERVICE, WANT_SAFE, run_long_user },
	{ "auth-user-with-nul", STAGE_SERVICE, WANT_SAFE, run_nul_user },
	{ "auth-forged-log-line", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_forged_line },
	{ "auth-other-session-id", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_session },
	{ "auth-signed-for-other-user", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_user },
	{ "auth-other-algorithm", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_algorithm },
	{ "auth-other-keys-signature", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_other_blob },
	{ "auth-other-host-key", STAGE_SERVICE, WANT_SAFE, run_other_host_key },
	{ "auth-broken-signature", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_broken_signature },
	{ "auth-replayed", STAGE_SERVICE, WANT_AUTH_FAILURE, run_replayed },
	{ "auth-response-unasked", STAGE_SERVICE, WANT_CLOSED,
	    run_unasked_response },
	{ "auth-4-billion-responses", STAGE_SERVICE, WANT_SAFE,
	    run_many_responses },
	{ "auth-long-password", STAGE_SERVICE, WANT_SAFE, run_long_password },
	{ "auth-publickey-cut", STAGE_SERVICE, WANT_CLOSED, run_cut_publickey },
	{ "auth-garbage-key", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_garbage_key },
	{ "auth-success-from-client", STAGE_SERVICE, WANT_SAFE,
	    run_success_from_client },
	{ "auth-unknown-method", STAGE_SERVICE, WANT_AUTH_FAILURE,
	    run_unknown_method },
	{ "auth-too-many", STAGE_SERVICE, WANT_CLOSED, run_too_many },
	{ NULL, STAGE_RAW, WANT_SAFE, NULL },
};
