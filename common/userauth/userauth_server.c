/*
 * userauth_server.c - the server's half of user authentication.
 * RFC 4252, RFC 4256, publickey-hostbound-v00@openssh.com.
 *
 *   SERVICE -> (SERVICE_REQUEST) -> IDLE -> (USERAUTH_REQUEST) -> DECIDING
 *   DECIDING -> failure, pk_ok, password_change -> IDLE
 *            -> prompts                         -> ASKED
 *            -> success                         -> DONE
 *   ASKED -> (INFO_RESPONSE)    -> DECIDING
 *         -> (USERAUTH_REQUEST) -> DECIDING: the dialogue is given up
 *
 * What arrives while DECIDING waits in a queue: a client may send several
 * requests without waiting (RFC 4252 s5.1).
 */
#include "common/userauth/userauth_server.h"

#include <stdlib.h>
#include <string.h>

#include "common/transport/message.h"
#include "common/userauth/hostbased.h"

#define HOSTBOUND   "publickey-hostbound-v00@openssh.com"
#define WAITING_MAX 16u          /* packets */
#define PACKET_MAX  (64u * 1024) /* no request is as long as that */

enum server_state {
	SERVER_SERVICE,
	SERVER_IDLE,
	SERVER_DECIDING,
	SERVER_ASKED,
	SERVER_DONE
};

struct waiting_packet {
	uint8_t type;
	struct buf payload;
};

struct userauth_server {
	struct transport *t;
	struct buf host_key_blob;
	enum server_state state;
	struct buf user, service; /* of the first request */
	unsigned requests;
	struct buf payload; /* what request lies in */
	struct buf answers; /* what responses lie in */
	struct userauth_request request;
	struct buf signed_data;
	size_t asked; /* prompts of the last INFO_REQUEST */
	struct span response[USERAUTH_PROMPTS_MAX];
	size_t response_count;
	struct waiting_packet waiting[WAITING_MAX];
	size_t waiting_count;
};

/* ---- life ---- */

int
userauth_server_new(struct transport *t, struct span host_key_blob,
    struct userauth_server **ret)
{
	struct userauth_server *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return ERR_MEMORY;
	u->t = t;
	u->payload.secret = true;
	u->answers.secret = true;
	for (size_t i = 0; i < WAITING_MAX; i++)
		u->waiting[i].payload.secret = true;
	write_span(&u->host_key_blob, host_key_blob);
	if (buf_error(&u->host_key_blob) != 0) {
		userauth_server_free(u);
		return ERR_MEMORY;
	}
	*ret = u;
	return 0;
}

void
userauth_server_free(struct userauth_server *u)
{
	if (u == NULL)
		return;
	buf_release(&u->host_key_blob);
	buf_release(&u->user);
	buf_release(&u->service);
	buf_release(&u->payload);
	buf_release(&u->answers);
	buf_release(&u->signed_data);
	for (size_t i = 0; i < WAITING_MAX; i++)
		buf_release(&u->waiting[i].payload);
	free(u);
}

/* ---- requests ---- */

/* Between requests another one is accepted: Paramiko asks for the service
 * again before each method that it tries. */
static int
on_service_request(struct userauth_server *u, struct reader *r)
{
	struct span name = read_string(r);
	int code;

	if (u->state == SERVER_DECIDING || u->state == SERVER_DONE)
		return ERR_UNEXPECTED;
	if ((code = read_end(r)) != 0)
		return code;
	if (!span_is(name, "ssh-userauth")) {
		transport_disconnect(u->t, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE,
		    "service not available");
		return ERR_UNSUPPORTED;
	}
	write_string(transport_begin(u->t, SSH_MSG_SERVICE_ACCEPT), name);
	if ((code = transport_end(u->t)) != 0)
		return code;
	if (u->state == SERVER_SERVICE)
		u->state = SERVER_IDLE;
	return USERAUTH_SERVER_NONE;
}

/* What a signature covers: RFC 4252 s7; a hostbound one also the host key. */
static int
compose_signed_data(struct userauth_server *u)
{
	const struct userauth_request *q = &u->request;
	struct buf *b = &u->signed_data;

	buf_clear(b);
	write_string(b, transport_session_id(u->t));
	write_byte(b, SSH_MSG_USERAUTH_REQUEST);
	write_string(b, q->user);
	write_string(b, q->service);
	write_text(b, q->hostbound ? HOSTBOUND : "publickey");
	write_boolean(b, true);
	write_string(b, q->algorithm);
	write_string(b, q->key_blob);
	if (q->hostbound)
		write_string(b, buf_span(&u->host_key_blob));
	u->request.signed_data = buf_span(b);
	return buf_error(b);
}

static int
read_publickey(struct userauth_server *u, struct reader *r, bool hostbound)
{
	struct userauth_request *q = &u->request;
	struct span host_key = span_of(NULL, 0);
	bool has_signature = read_boolean(r);
	int code;

	q->hostbound = hostbound;
	q->method_name = span_text("publickey");
	q->algorithm = read_text(r);
	q->key_blob = read_string(r);
	if (hostbound)
		host_key = read_string(r);
	if (has_signature)
		q->signature = read_string(r);
	if ((code = read_end(r)) != 0)
		return code;
	if (hostbound && !span_equal(host_key, buf_span(&u->host_key_blob)))
		return ERR_FORMAT;
	q->method =
	    has_signature ? USERAUTH_PUBLICKEY : USERAUTH_PUBLICKEY_PROBE;
	return has_signature ? compose_signed_data(u) : 0;
}

/* RFC 4252 s9 */
static int
read_hostbased(struct userauth_server *u, struct reader *r)
{
	struct userauth_request *q = &u->request;
	struct hostbased_claim c;
	int code;

	hostbased_read_fields(r, &c);
	q->signature = read_string(r);
	if ((code = read_end(r)) != 0)
		return code;
	q->method = USERAUTH_HOSTBASED;
	q->algorithm = c.algorithm;
	q->key_blob = c.key_blob;
	q->client_host = c.client_host;
	q->client_user = c.client_user;
	return 0;
}

/* A text of at most max bytes and without NUL. */
static struct span
read_text_max(struct reader *r, size_t max)
{
	struct span s = read_string_max(r, max);

	if (r->error == 0 && span_has_nul(s))
		r->error = ERR_FORMAT;
	return s;
}

static int
read_password(struct userauth_server *u, struct reader *r)
{
	struct userauth_request *q = &u->request;

	q->method = USERAUTH_PASSWORD;
	q->is_password_change = read_boolean(r);
	q->password = read_text_max(r, USERAUTH_PASSWORD_MAX);
	if (q->is_password_change)
		q->new_password = read_text_max(r, USERAUTH_PASSWORD_MAX);
	return read_end(r);
}

static int
read_kbdint(struct userauth_server *u, struct reader *r)
{
	u->request.method = USERAUTH_KBDINT;
	read_string(r); /* language tag */
	u->request.devices = read_text(r);
	return read_end(r);
}

static int
read_method(struct userauth_server *u, struct span name, struct reader *r)
{
	if (span_is(name, "publickey"))
		return read_publickey(u, r, false);
	if (span_is(name, HOSTBOUND))
		return read_publickey(u, r, true);
	if (span_is(name, "password"))
		return read_password(u, r);
	if (span_is(name, "keyboard-interactive"))
		return read_kbdint(u, r);
	if (span_is(name, "hostbased"))
		return read_hostbased(u, r);
	if (span_is(name, "none")) {
		u->request.method = USERAUTH_NONE;
		return read_end(r);
	}
	u->request.method = USERAUTH_OTHER;
	return 0; /* its fields are not known */
}

/* The first user and service stay. */
static int
check_same(struct buf *first, struct span name, bool is_first)
{
	if (!is_first)
		return span_equal(buf_span(first), name) ? 0 : ERR_UNEXPECTED;
	write_span(first, name);
	return buf_error(first);
}

static int
on_request(struct userauth_server *u)
{
	struct reader r = reader_of(buf_span(&u->payload));
	struct userauth_request *q = &u->request;
	int code;

	if (u->requests++ >= USERAUTH_REQUESTS_MAX)
		return ERR_AUTH_ATTEMPTS;
	*q = (struct userauth_request){ .method = USERAUTH_OTHER };
	u->response_count = 0;
	q->user = read_text_max(&r, USERAUTH_USER_MAX);
	q->service = read_text(&r);
	q->method_name = read_text(&r);
	if ((code = read_error(&r)) != 0 ||
	    (code = check_same(&u->user, q->user, u->requests == 1)) != 0 ||
	    (code = check_same(&u->service, q->service, u->requests == 1)) != 0)
		return code;
	if (!span_is(q->service, "ssh-connection")) {
		transport_disconnect(u->t, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE,
		    "service not available");
		return ERR_UNSUPPORTED;
	}
	if ((code = read_method(u, q->method_name, &r)) != 0)
		return code;
	u->state = SERVER_DECIDING;
	return USERAUTH_SERVER_REQUEST;
}

static int
on_info_response(struct userauth_server *u)
{
	struct reader r = reader_of(buf_span(&u->answers));
	uint32_t count = read_uint32(&r);
	int code;

	if (count > USERAUTH_PROMPTS_MAX)
		return read_error(&r) != 0 ? read_error(&r) : ERR_LIMIT;
	for (uint32_t i = 0; i < count; i++)
		u->response[i] = read_text_max(&r, USERAUTH_PASSWORD_MAX);
	if ((code = read_end(&r)) != 0)
		return code;
	u->response_count = count;
	u->state = SERVER_DECIDING;
	return USERAUTH_SERVER_RESPONSES;
}

/* ---- packets ---- */

static int
keep_waiting(struct userauth_server *u, const struct packet *p)
{
	struct waiting_packet *w;

	if (u->waiting_count == WAITING_MAX)
		return ERR_LIMIT;
	w = &u->waiting[u->waiting_count];
	buf_clear(&w->payload);
	w->type = p->type;
	write_span(&w->payload, p->payload);
	if (buf_error(&w->payload) != 0)
		return ERR_MEMORY;
	u->waiting_count++;
	return USERAUTH_SERVER_NONE;
}

/* The payload is copied: the owner decides while the transport goes on. */
static int
take(struct userauth_server *u, uint8_t type, struct span payload)
{
	bool is_request = type == SSH_MSG_USERAUTH_REQUEST;
	struct buf *b = is_request ? &u->payload : &u->answers;

	if (!is_request && u->state != SERVER_ASKED)
		return ERR_UNEXPECTED;
	buf_clear(b);
	write_span(b, payload);
	if (buf_error(b) != 0)
		return ERR_MEMORY;
	return is_request ? on_request(u) : on_info_response(u);
}

static int
on_userauth_message(struct userauth_server *u, const struct packet *p)
{
	if (p->payload.len > PACKET_MAX)
		return ERR_LIMIT;
	switch (u->state) {
	case SERVER_SERVICE:
		return ERR_UNEXPECTED;
	case SERVER_DECIDING:
		return keep_waiting(u, p);
	case SERVER_DONE:
		/* RFC 4252 s5.1: later requests are ignored in silence. */
		return p->type == SSH_MSG_USERAUTH_REQUEST
			   ? USERAUTH_SERVER_NONE
			   : ERR_UNEXPECTED;
	case SERVER_IDLE:
	case SERVER_ASKED:
		break;
	}
	return take(u, p->type, p->payload);
}

int
userauth_server_packet(struct userauth_server *u, const struct packet *p)
{
	struct reader r = reader_of(p->payload);

	switch (p->type) {
	case SSH_MSG_SERVICE_REQUEST:
		return on_service_request(u, &r);
	case SSH_MSG_USERAUTH_REQUEST:
	case SSH_MSG_USERAUTH_INFO_RESPONSE:
		return on_userauth_message(u, p);
	case SSH_MSG_USERAUTH_FAILURE:
	case SSH_MSG_USERAUTH_SUCCESS:
	case SSH_MSG_USERAUTH_BANNER:
	case SSH_MSG_USERAUTH_PK_OK:
		return ERR_UNEXPECTED; /* a server's messages */
	default:
		return transport_unimplemented(u->t, p->seqnr);
	}
}

int
userauth_server_next(struct userauth_server *u)
{
	struct waiting_packet first;
	int r;

	if (u->waiting_count == 0 ||
	    (u->state != SERVER_IDLE && u->state != SERVER_ASKED))
		return USERAUTH_SERVER_NONE;
	first = u->waiting[0];
	memmove(&u->waiting[0], &u->waiting[1],
	    (u->waiting_count - 1) * sizeof(u->waiting[0]));
	u->waiting_count--;
	r = take(u, first.type, buf_span(&first.payload));
	buf_clear(&first.payload); /* wipes; the memory serves again */
	u->waiting[u->waiting_count] = first;
	return r;
}

const struct userauth_request *
userauth_server_request(const struct userauth_server *u)
{
	return &u->request;
}

size_t
userauth_server_asked_count(const struct userauth_server *u)
{
	return u->asked;
}

size_t
userauth_server_response_count(const struct userauth_server *u)
{
	return u->response_count;
}

struct span
userauth_server_response(const struct userauth_server *u, size_t index)
{
	return index < u->response_count ? u->response[index]
					 : span_of(NULL, 0);
}

/* ---- answers ---- */

static int
answered(struct userauth_server *u, enum server_state state)
{
	int r;

	if ((r = transport_end(u->t)) != 0)
		return r;
	u->state = state;
	return 0;
}

int
userauth_server_failure(struct userauth_server *u,
    const char *methods_that_can_continue, bool partial_success)
{
	struct buf *b;

	if (u->state != SERVER_DECIDING)
		return ERR_UNEXPECTED;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_FAILURE);
	write_text(b, methods_that_can_continue);
	write_boolean(b, partial_success);
	return answered(u, SERVER_IDLE);
}

int
userauth_server_success(struct userauth_server *u)
{
	int r;

	if (u->state != SERVER_DECIDING)
		return ERR_UNEXPECTED;
	transport_begin(u->t, SSH_MSG_USERAUTH_SUCCESS);
	if ((r = answered(u, SERVER_DONE)) != 0)
		return r;
	return transport_authenticated(u->t);
}

int
userauth_server_pk_ok(struct userauth_server *u)
{
	struct buf *b;

	if (u->state != SERVER_DECIDING ||
	    u->request.method != USERAUTH_PUBLICKEY_PROBE)
		return ERR_UNEXPECTED;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_PK_OK);
	write_string(b, u->request.algorithm);
	write_string(b, u->request.key_blob);
	return answered(u, SERVER_IDLE);
}

int
userauth_server_prompts(struct userauth_server *u, const char *name,
    const char *instruction, const char *const *prompts, const bool *echo,
    size_t count)
{
	struct buf *b;

	if (u->state != SERVER_DECIDING || u->request.method != USERAUTH_KBDINT)
		return ERR_UNEXPECTED;
	if (count > USERAUTH_PROMPTS_MAX)
		return ERR_ARGUMENT;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_INFO_REQUEST);
	write_text(b, name);
	write_text(b, instruction);
	write_text(b, ""); /* language tag */
	write_uint32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		write_text(b, prompts[i]);
		write_boolean(b, echo[i]);
	}
	u->asked = count;
	return answered(u, SERVER_ASKED);
}

int
userauth_server_password_change(struct userauth_server *u, const char *prompt)
{
	struct buf *b;

	if (u->state != SERVER_DECIDING ||
	    u->request.method != USERAUTH_PASSWORD)
		return ERR_UNEXPECTED;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_PASSWD_CHANGEREQ);
	write_text(b, prompt);
	write_text(b, ""); /* language tag */
	return answered(u, SERVER_IDLE);
}

int
userauth_server_banner(struct userauth_server *u, struct span text)
{
	struct buf *b;

	if (u->state == SERVER_SERVICE || u->state == SERVER_DONE)
		return ERR_UNEXPECTED;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_BANNER);
	write_string(b, text);
	write_text(b, ""); /* language tag */
	return transport_end(u->t);
}
