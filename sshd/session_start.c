/*
 * session_start.c - the hand-over to the user's session, written and read.
 */
#include "sshd/session_start.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_GROUPS_MAX 65536

void
session_start_init(struct session_start *s)
{
	memset(s, 0, sizeof(*s));
	key_options_init(&s->key);
	s->transport = (struct buf)BUF_SECRET_INIT;
}

void
session_start_release(struct session_start *s)
{
	free(s->user);
	free(s->home);
	free(s->shell);
	free(s->gids);
	free(s->host);
	key_options_release(&s->key);
	free(s->auth_info);
	free(s->nologin);
	buf_release(&s->transport);
	session_start_init(s);
}

void
session_start_write(struct buf *out, const struct session_start *s)
{
	write_text(out, s->user);
	write_text(out, s->home);
	write_text(out, s->shell);
	write_uint32(out, (uint32_t)s->uid);
	write_uint32(out, (uint32_t)s->gid);
	write_uint32(out, (uint32_t)s->gid_count);
	for (size_t i = 0; i < s->gid_count; i++)
		write_uint32(out, (uint32_t)s->gids[i]);
	peer_write(out, &s->peer);
	write_text(out, s->host);
	key_options_write(out, &s->key);
	write_text(out, s->auth_info != NULL ? s->auth_info : "");
	write_text(out, s->nologin != NULL ? s->nologin : "");
	write_boolean(out, s->must_change_password);
	write_string(out, buf_span(&s->transport));
}

static char *
take_text(struct reader *r, int *rc)
{
	char *text = span_dup_text(read_text(r));

	if (text == NULL && *rc == 0)
		*rc = ERR_MEMORY;
	return text;
}

static int
read_gids(struct reader *r, struct session_start *s)
{
	uint32_t count = read_uint32(r);

	if (count > SESSION_GROUPS_MAX)
		return ERR_LIMIT;
	s->gids = calloc((size_t)count + 1, sizeof(*s->gids));
	if (s->gids == NULL)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		s->gids[i] = read_uint32(r);
	s->gid_count = count;
	return 0;
}

int
session_start_read(struct span body, struct session_start *ret)
{
	struct reader r = reader_of(body);
	struct session_start s;
	int rc = 0, key_rc;

	session_start_init(&s);
	s.user = take_text(&r, &rc);
	s.home = take_text(&r, &rc);
	s.shell = take_text(&r, &rc);
	s.uid = read_uint32(&r);
	s.gid = read_uint32(&r);
	if (rc == 0)
		rc = read_gids(&r, &s);
	peer_read(&r, &s.peer);
	s.host = take_text(&r, &rc);
	key_rc = key_options_read(&r, &s.key);
	s.auth_info = take_text(&r, &rc);
	s.nologin = take_text(&r, &rc);
	s.must_change_password = read_boolean(&r);
	write_span(&s.transport, read_string(&r));
	if (rc == 0)
		rc = key_rc;
	if (rc == 0)
		rc = read_end(&r);
	if (rc == 0)
		rc = buf_error(&s.transport);
	if (rc != 0) {
		session_start_release(&s);
		return rc;
	}
	*ret = s;
	return 0;
}
