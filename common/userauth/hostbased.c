/*
 * hostbased.c - what a client's host signs to say who its user is.
 */
#include "common/userauth/hostbased.h"

#include "common/base/error.h"
#include "common/transport/message.h"
#include "common/userauth/userauth_server.h"

#define SESSION_ID_MAX 64 /* the largest digest */
#define METHOD         "hostbased"

void
hostbased_write_fields(struct buf *b, const struct hostbased_claim *c)
{
	write_string(b, c->algorithm);
	write_string(b, c->key_blob);
	write_string(b, c->client_host);
	write_string(b, c->client_user);
}

void
hostbased_write_signed(struct buf *b, const struct hostbased_claim *c)
{
	write_string(b, c->session_id);
	write_byte(b, SSH_MSG_USERAUTH_REQUEST);
	write_string(b, c->user);
	write_string(b, c->service);
	write_text(b, METHOD);
	hostbased_write_fields(b, c);
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

void
hostbased_read_fields(struct reader *r, struct hostbased_claim *ret)
{
	ret->algorithm = read_text(r);
	ret->key_blob = read_string(r);
	ret->client_host = read_text_max(r, HOSTBASED_HOST_MAX);
	ret->client_user = read_text_max(r, HOSTBASED_USER_MAX);
}

int
hostbased_read_signed(struct span data, struct hostbased_claim *ret)
{
	struct reader r = reader_of(data);
	struct hostbased_claim c;
	struct span method;
	uint8_t type;
	int rc;

	c.session_id = read_string_max(&r, SESSION_ID_MAX);
	type = read_byte(&r);
	c.user = read_text_max(&r, USERAUTH_USER_MAX);
	c.service = read_text(&r);
	method = read_text(&r);
	hostbased_read_fields(&r, &c);
	if ((rc = read_end(&r)) != 0)
		return rc;
	if (type != SSH_MSG_USERAUTH_REQUEST || !span_is(method, METHOD))
		return ERR_FORMAT;
	*ret = c;
	return 0;
}
