/*
 * revocation.c - looking for a key in a file of revoked ones.
 *
 * Blobs are compared as bytes: a listed key is only taken apart where it is
 * a certificate, since a key has one encoding.
 */
#include "common/key/revocation.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/key/certificate.h"

#define KRL_MAGIC "SSHKRL\n"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span
take_word(struct span *s)
{
	struct span word;
	size_t i = 0, n;

	while (i < s->len && is_blank(s->ptr[i]))
		i++;
	n = i;
	while (n < s->len && !is_blank(s->ptr[n]))
		n++;
	word = span_of(s->ptr + i, n - i);
	*s = span_of(s->ptr + n, s->len - n);
	return word;
}

static bool
is_of(struct span blob, const struct key *k)
{
	const struct certificate *c = key_certificate(k);

	return span_equal(blob, key_blob(k)) ||
	       span_equal(blob, key_plain_blob(k)) ||
	       (c != NULL && span_equal(blob, key_blob(c->ca)));
}

static bool
names_certificate(struct span type)
{
	const struct key_type_row *row = key_type_find(type);

	return row != NULL && row->plain != NULL;
}

/* Does the line revoke k? */
static int
check_line(struct span line, const struct key *k, bool *ret)
{
	struct span type = take_word(&line), text;
	struct buf blob = BUF_INIT;
	struct key *listed;
	int r;

	if (type.len == 0 || type.ptr[0] == '#')
		return 0;
	text = take_word(&line);
	r = text.len == 0 ? ERR_FORMAT : base64_read(&blob, text);
	if (r == 0)
		*ret = is_of(buf_span(&blob), k);
	if (r == 0 && !*ret && names_certificate(type) &&
	    (r = key_from_blob(buf_span(&blob), &listed)) == 0) {
		*ret = is_of(key_plain_blob(listed), k);
		key_unref(listed);
	}
	buf_release(&blob);
	return r;
}

int
revocation_check_text(struct span text, const char *path, const struct key *k,
    bool *ret_is_revoked, struct error *e)
{
	struct span line;
	bool is_revoked = false;

	if (text.len >= strlen(KRL_MAGIC) &&
	    memcmp(text.ptr, KRL_MAGIC, strlen(KRL_MAGIC)) == 0)
		return error_set(e, ERR_UNSUPPORTED,
		    "%s: key revocation lists are not supported yet", path);
	for (size_t n = 1; !is_revoked && line_next(&text, &line); n++)
		if (check_line(line, k, &is_revoked) != 0)
			return error_set(e, ERR_FORMAT,
			    "%s, line %zu: not a public key", path, n);
	*ret_is_revoked = is_revoked;
	return 0;
}

int
revocation_check(const char *path, const struct key *k, bool *ret_is_revoked,
    struct error *e)
{
	struct buf text = BUF_INIT;
	int r = file_read(path, REVOCATION_FILE_MAX, &text, e);

	if (r == 0)
		r = revocation_check_text(
		    buf_span(&text), path, k, ret_is_revoked, e);
	buf_release(&text);
	return r;
}
