/*
 * userauth_client.c - the client's half of user authentication.
 * RFC 4252, RFC 4256, publickey-hostbound-v00@openssh.com.
 *
 *   IDLE -> (a request) -> WAITING -> FAILURE, PK_OK        -> IDLE
 *                                  -> INFO_REQUEST          -> DIALOGUE
 *                                  -> PASSWD_CHANGEREQ      -> DIALOGUE
 *                                  -> SUCCESS               -> DONE
 *   DIALOGUE -> (an answer, or another request)             -> WAITING
 */
#include "common/userauth/userauth_client.h"

#include <stdlib.h>
#include <string.h>

#include "common/key/key.h"
#include "common/transport/message.h"

#define TEXT_MAX    (256u * 1024) /* banner, instruction, prompt */
#define METHODS_MAX 4096u         /* the list of methods that can go on */
#define PROMPTS_MAX 64u           /* of one INFO_REQUEST */
#define SECRET_PAD  240u          /* answers look this long, or longer */
#define HOSTBOUND   "publickey-hostbound-v00@openssh.com"

enum client_state {
	CLIENT_IDLE,
	CLIENT_WAITING,
	CLIENT_DIALOGUE,
	CLIENT_DONE
};

enum client_request {
	REQUEST_NONE,
	REQUEST_PROBE,
	REQUEST_PUBLICKEY,
	REQUEST_HOSTBASED,
	REQUEST_PASSWORD,
	REQUEST_KBDINT
};

struct prompt {
	struct span text;
	bool echo;
};

struct userauth_client {
	struct transport *t;
	char *user;
	char *service;
	enum client_state state;
	enum client_request request; /* the last one */
	bool accepted;               /* SERVICE_ACCEPT came */
	bool hostbound;              /* what was signed last */
	bool hostbound_forbidden;
	struct buf key_blob; /* of the probe */
	char *methods;       /* of the last FAILURE */
	bool partial_success;
	struct buf text;               /* banner, question of a change */
	struct buf info;               /* payload of the last INFO_REQUEST */
	struct span name, instruction; /* in info */
	struct prompt prompt[PROMPTS_MAX];
	size_t prompt_count;
};

/* ---- life ---- */

static int
send_service_request(struct userauth_client *u)
{
	struct buf *b = transport_begin(u->t, SSH_MSG_SERVICE_REQUEST);

	write_text(b, "ssh-userauth");
	return transport_end(u->t);
}

int
userauth_client_new(struct transport *t, const char *user, const char *service,
    struct userauth_client **ret)
{
	struct userauth_client *u = calloc(1, sizeof(*u));
	int r = ERR_MEMORY;

	if (u == NULL)
		return ERR_MEMORY;
	u->t = t;
	u->user = strdup(user);
	u->service = strdup(service);
	u->methods = strdup("");
	if (u->user == NULL || u->service == NULL || u->methods == NULL)
		goto fail;
	if ((r = send_service_request(u)) != 0)
		goto fail;
	*ret = u;
	return 0;
fail:
	userauth_client_free(u);
	return r;
}

void
userauth_client_free(struct userauth_client *u)
{
	if (u == NULL)
		return;
	free(u->user);
	free(u->service);
	free(u->methods);
	buf_release(&u->key_blob);
	buf_release(&u->text);
	buf_release(&u->info);
	free(u);
}

/* ---- requests ---- */

/* May a request be made now? A dialogue may be given up for another one. */
static int
check_turn(const struct userauth_client *u)
{
	return u->state == CLIENT_IDLE || u->state == CLIENT_DIALOGUE
		   ? 0
		   : ERR_UNEXPECTED;
}

static void
write_request(
    struct buf *b, const struct userauth_client *u, const char *method)
{
	write_text(b, u->user);
	write_text(b, u->service);
	write_text(b, method);
}

static struct buf *
begin_request(struct userauth_client *u, const char *method)
{
	struct buf *b = transport_begin(u->t, SSH_MSG_USERAUTH_REQUEST);

	write_request(b, u, method);
	return b;
}

static int
end_request(struct userauth_client *u, enum client_request request)
{
	int r;

	if ((r = transport_end(u->t)) != 0)
		return r;
	u->request = request;
	u->state = CLIENT_WAITING;
	return 0;
}

/* An observer sees how long packets are: all that hold secrets of up to
 * SECRET_PAD bytes get the same length. */
static void
pad_secret(struct userauth_client *u, size_t secret_len)
{
	if (secret_len < SECRET_PAD)
		transport_pad(u->t, SECRET_PAD - secret_len);
}

int
userauth_client_none(struct userauth_client *u)
{
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	begin_request(u, "none");
	return end_request(u, REQUEST_NONE);
}

int
userauth_client_probe(
    struct userauth_client *u, const char *algorithm, struct span blob)
{
	struct buf *b;
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	buf_clear(&u->key_blob);
	write_span(&u->key_blob, blob);
	if ((r = buf_error(&u->key_blob)) != 0)
		return r;
	b = begin_request(u, "publickey");
	write_boolean(b, false);
	write_text(b, algorithm);
	write_string(b, blob);
	return end_request(u, REQUEST_PROBE);
}

/* The fields that are signed, from the method's name on. */
static void
write_publickey(struct buf *b, const struct userauth_client *u,
    const char *algorithm, struct span blob)
{
	write_request(b, u, u->hostbound ? HOSTBOUND : "publickey");
	write_boolean(b, true);
	write_text(b, algorithm);
	write_string(b, blob);
	if (u->hostbound)
		write_string(b, key_blob(transport_host_key(u->t)));
}

void
userauth_client_forbid_hostbound(struct userauth_client *u)
{
	u->hostbound_forbidden = true;
}

int
userauth_client_sign_data(struct userauth_client *u, const char *algorithm,
    struct span blob, struct buf *ret_data)
{
	u->hostbound = !u->hostbound_forbidden &&
		       transport_peer_has_hostbound(u->t) &&
		       transport_host_key(u->t) != NULL;
	write_string(ret_data, transport_session_id(u->t));
	write_byte(ret_data, SSH_MSG_USERAUTH_REQUEST);
	write_publickey(ret_data, u, algorithm, blob);
	return buf_error(ret_data);
}

int
userauth_client_publickey(struct userauth_client *u, const char *algorithm,
    struct span blob, struct span signature)
{
	struct buf *b;
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_REQUEST);
	write_publickey(b, u, algorithm, blob);
	write_string(b, signature);
	return end_request(u, REQUEST_PUBLICKEY);
}

int
userauth_client_hostbased_data(
    struct userauth_client *u, struct hostbased_claim *c, struct buf *ret_data)
{
	c->session_id = transport_session_id(u->t);
	c->user = span_text(u->user);
	c->service = span_text(u->service);
	hostbased_write_signed(ret_data, c);
	return buf_error(ret_data);
}

int
userauth_client_hostbased(struct userauth_client *u,
    const struct hostbased_claim *c, struct span signature)
{
	struct buf *b;
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	b = begin_request(u, "hostbased");
	hostbased_write_fields(b, c);
	write_string(b, signature);
	return end_request(u, REQUEST_HOSTBASED);
}

int
userauth_client_password(
    struct userauth_client *u, const char *password, const char *new_password)
{
	size_t len = strlen(password);
	struct buf *b;
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	b = begin_request(u, "password");
	write_boolean(b, new_password != NULL);
	write_text(b, password);
	if (new_password != NULL) {
		write_text(b, new_password);
		len += strlen(new_password);
	}
	pad_secret(u, len);
	return end_request(u, REQUEST_PASSWORD);
}

int
userauth_client_kbdint(struct userauth_client *u, const char *devices)
{
	struct buf *b;
	int r;

	if ((r = check_turn(u)) != 0)
		return r;
	b = begin_request(u, "keyboard-interactive");
	write_text(b, ""); /* language tag */
	write_text(b, devices);
	return end_request(u, REQUEST_KBDINT);
}

int
userauth_client_respond(
    struct userauth_client *u, const char *const *answers, size_t count)
{
	size_t len = 0;
	struct buf *b;

	if (u->state != CLIENT_DIALOGUE || u->request != REQUEST_KBDINT)
		return ERR_UNEXPECTED;
	if (count != u->prompt_count)
		return ERR_ARGUMENT;
	b = transport_begin(u->t, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		write_text(b, answers[i]);
		len += strlen(answers[i]);
	}
	pad_secret(u, len);
	return end_request(u, REQUEST_KBDINT);
}

/* ---- messages ---- */

static int
on_service_accept(struct userauth_client *u, struct reader *r)
{
	struct span service = read_string(r);
	int code;

	if (u->accepted)
		return ERR_UNEXPECTED;
	if ((code = read_end(r)) != 0)
		return code;
	if (!span_is(service, "ssh-userauth"))
		return ERR_FORMAT;
	u->accepted = true;
	return USERAUTH_CLIENT_NONE;
}

/* Names of methods go to logs and into comparisons: RFC 4251 s6. */
static bool
is_name_list(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
			return false;
	return true;
}

static int
on_failure(struct userauth_client *u, struct reader *r)
{
	struct span methods = read_string_max(r, METHODS_MAX);
	bool partial = read_boolean(r);
	char *text;
	int code;

	if (u->state != CLIENT_WAITING)
		return ERR_UNEXPECTED;
	if ((code = read_end(r)) != 0)
		return code;
	if (!is_name_list(methods))
		return ERR_FORMAT;
	if ((text = span_dup_text(methods)) == NULL)
		return ERR_MEMORY;
	free(u->methods);
	u->methods = text;
	u->partial_success = partial;
	u->state = CLIENT_IDLE;
	return USERAUTH_CLIENT_FAILURE;
}

static int
on_success(struct userauth_client *u, struct reader *r)
{
	int code;

	if (u->state != CLIENT_WAITING)
		return ERR_UNEXPECTED;
	if ((code = read_end(r)) != 0)
		return code;
	if ((code = transport_authenticated(u->t)) != 0)
		return code;
	u->state = CLIENT_DONE;
	return USERAUTH_CLIENT_SUCCESS;
}

static int
keep_text(struct userauth_client *u, struct span text)
{
	buf_clear(&u->text);
	write_span(&u->text, text);
	return buf_error(&u->text);
}

static int
on_banner(struct userauth_client *u, struct reader *r)
{
	struct span text = read_string_max(r, TEXT_MAX);
	int code;

	read_string(r); /* language tag */
	if (u->state == CLIENT_DONE)
		return ERR_UNEXPECTED;
	if ((code = read_end(r)) != 0)
		return code;
	if ((code = keep_text(u, text)) != 0)
		return code;
	return USERAUTH_CLIENT_BANNER;
}

static int
on_pk_ok(struct userauth_client *u, struct reader *r)
{
	struct span blob;
	int code;

	/* Some servers name another algorithm of the same key: the key is what
	 * was asked for. */
	read_string(r);
	blob = read_string(r);
	if ((code = read_end(r)) != 0)
		return code;
	if (!span_equal(blob, buf_span(&u->key_blob)))
		return ERR_FORMAT;
	u->state = CLIENT_IDLE;
	return USERAUTH_CLIENT_PK_OK;
}

static int
on_password_change(struct userauth_client *u, struct reader *r)
{
	struct span text = read_string_max(r, TEXT_MAX);
	int code;

	read_string(r); /* language tag */
	if ((code = read_end(r)) != 0)
		return code;
	if ((code = keep_text(u, text)) != 0)
		return code;
	u->state = CLIENT_DIALOGUE;
	return USERAUTH_CLIENT_PASSWORD_CHANGE;
}

/* Fields of an INFO_REQUEST, borrowed from u->info. RFC 4256 s3.2. */
static int
read_info(struct userauth_client *u)
{
	struct reader r = reader_of(buf_span(&u->info));
	uint32_t count;

	u->prompt_count = 0;
	u->name = read_string_max(&r, TEXT_MAX);
	u->instruction = read_string_max(&r, TEXT_MAX);
	read_string(&r); /* language tag */
	count = read_uint32(&r);
	if (count > PROMPTS_MAX)
		return read_error(&r) != 0 ? read_error(&r) : ERR_LIMIT;
	for (uint32_t i = 0; i < count; i++) {
		u->prompt[i].text = read_string_max(&r, TEXT_MAX);
		u->prompt[i].echo = read_boolean(&r);
	}
	u->prompt_count = count;
	return read_end(&r);
}

static int
on_info_request(struct userauth_client *u, struct reader *r)
{
	struct span payload = read_rest(r);
	int code;

	buf_clear(&u->info);
	u->name = u->instruction = span_of(NULL, 0);
	write_span(&u->info, payload);
	if ((code = buf_error(&u->info)) != 0 || (code = read_info(u)) != 0) {
		u->prompt_count = 0;
		return code;
	}
	u->state = CLIENT_DIALOGUE;
	return USERAUTH_CLIENT_PROMPTS;
}

/* Number 60 means what the method in use says. RFC 4252 s6. */
static int
on_method_message(struct userauth_client *u, struct reader *r)
{
	if (u->state != CLIENT_WAITING)
		return ERR_UNEXPECTED;
	switch (u->request) {
	case REQUEST_PROBE:
		return on_pk_ok(u, r);
	case REQUEST_PASSWORD:
		return on_password_change(u, r);
	case REQUEST_KBDINT:
		return on_info_request(u, r);
	case REQUEST_NONE:
	case REQUEST_PUBLICKEY:
	case REQUEST_HOSTBASED:
		break;
	}
	return ERR_UNEXPECTED;
}

int
userauth_client_packet(struct userauth_client *u, const struct packet *p)
{
	struct reader r = reader_of(p->payload);

	if (p->type == SSH_MSG_SERVICE_ACCEPT)
		return on_service_accept(u, &r);
	if (!u->accepted)
		return ERR_UNEXPECTED;
	switch (p->type) {
	case SSH_MSG_USERAUTH_FAILURE:
		return on_failure(u, &r);
	case SSH_MSG_USERAUTH_SUCCESS:
		return on_success(u, &r);
	case SSH_MSG_USERAUTH_BANNER:
		return on_banner(u, &r);
	case SSH_MSG_USERAUTH_PK_OK:
		return on_method_message(u, &r);
	case SSH_MSG_USERAUTH_REQUEST:
	case SSH_MSG_USERAUTH_INFO_RESPONSE:
		return ERR_UNEXPECTED; /* a client's messages */
	default:
		return transport_unimplemented(u->t, p->seqnr);
	}
}

/* ---- what the last event said ---- */

const char *
userauth_client_methods(const struct userauth_client *u)
{
	return u->methods;
}

bool
userauth_client_partial_success(const struct userauth_client *u)
{
	return u->partial_success;
}

struct span
userauth_client_text(const struct userauth_client *u)
{
	return buf_span(&u->text);
}

struct span
userauth_client_name(const struct userauth_client *u)
{
	return u->name;
}

struct span
userauth_client_instruction(const struct userauth_client *u)
{
	return u->instruction;
}

size_t
userauth_client_prompt_count(const struct userauth_client *u)
{
	return u->prompt_count;
}

struct span
userauth_client_prompt(
    const struct userauth_client *u, size_t index, bool *ret_echo)
{
	if (index >= u->prompt_count) {
		*ret_echo = false;
		return span_of(NULL, 0);
	}
	*ret_echo = u->prompt[index].echo;
	return u->prompt[index].text;
}
