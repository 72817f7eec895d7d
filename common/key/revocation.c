/*
 * revocation.c - looking for a key in a file of revoked ones.
 *
 * Lists in binary form are krl.h's. In text, blobs are compared as bytes: a
 * listed key is only taken apart where it is a certificate, since a key has one
 * encoding.
 */
#include "common/key/revocation.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/key/certificate.h"
#include "common/key/krl.h"

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

/* Does the blob say that it is of the type, and are its fields there? Those of
 * plain keys are all strings; a certificate is read as a whole anyway. */
static bool
is_sound(struct span type, struct span blob)
{
	struct reader rd = reader_of(blob);
	struct span name = read_string(&rd);

	if (!span_equal(name, type))
		return false;
	if (names_certificate(type))
		return true;
	do {
		read_string(&rd);
	} while (read_error(&rd) == 0 && rd.len > 0);
	return read_error(&rd) == 0;
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
	if (r == 0 && !is_sound(type, buf_span(&blob)))
		r = ERR_FORMAT;
	if (r == 0)
		*ret = is_of(buf_span(&blob), k);
	if (r == 0 && names_certificate(type) &&
	    (r = key_from_blob(buf_span(&blob), &listed)) == 0) {
		*ret |= is_of(key_plain_blob(listed), k);
		key_unref(listed);
	}
	buf_release(&blob);
	return r;
}

int
revocation_check_bytes(struct span file, const char *path, const struct key *k,
    bool *ret_is_revoked, struct error *e)
{
	struct span line;
	bool is_revoked = false;
	int r;

	if (krl_recognise(file)) {
		if ((r = krl_file_check(file, k, ret_is_revoked, e)) != 0)
			error_prefix(e, "%s", path);
		return r;
	}
	/* To the end, though the key was found: what is damaged is told. */
	for (size_t n = 1; line_next(&file, &line); n++) {
		bool is_listed = false;

		if (check_line(line, k, &is_listed) != 0)
			return error_set(e, ERR_FORMAT,
			    "%s, line %zu: not a public key", path, n);
		is_revoked |= is_listed;
	}
	*ret_is_revoked = is_revoked;
	return 0;
}

int
revocation_check(const char *path, const struct key *k, bool *ret_is_revoked,
    struct error *e)
{
	struct buf file = BUF_INIT;
	int r = file_read(path, REVOCATION_FILE_MAX, &file, e);

	if (r == 0)
		r = revocation_check_bytes(
		    buf_span(&file), path, k, ret_is_revoked, e);
	buf_release(&file);
	return r;
}
