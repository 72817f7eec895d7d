/*
 * krl_specification.c - lines that say what shall be revoked.
 */
#include "keygen/krl_specification.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"

/* Where an error is. */
struct place {
	const struct krl_specification *s;
	size_t line;
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = span_of(s.ptr + 1, s.len - 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static int
refuse(const struct place *p, int code, struct error *e, const char *what,
    struct span value)
{
	char *shown = text_escaped(value);
	int r = error_set(e, code, "%s:%zu: %s \"%s\"", p->s->name, p->line,
	    what, shown != NULL ? shown : "?");

	free(shown);
	return r;
}

static int
failed(const struct place *p, int code, struct error *e)
{
	return error_set(e, code, "%s:%zu: cannot revoke: %s", p->s->name,
	    p->line, error_text(code));
}

/* The blob of -s; empty: whichever CA. */
static int
ca_of(
    const struct place *p, const char *what, struct span *ret, struct error *e)
{
	if (!p->s->has_ca)
		return error_set(e, ERR_ARGUMENT,
		    "%s:%zu: revoking certificates by %s requires "
		    "specification of a CA key (-s; \"-s none\": of any CA)",
		    p->s->name, p->line, what);
	*ret = p->s->ca != NULL ? key_plain_blob(p->s->ca) : span_of(NULL, 0);
	return 0;
}

/* Decimal, 0x hexadecimal or 0 octal. */
static bool
parse_serial(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 0);
	return *end == '\0' && errno == 0;
}

/* "N" or "N-M". */
static int
parse_serials(struct span value, uint64_t *ret_first, uint64_t *ret_last)
{
	char *text = span_dup_text(value), *dash;
	bool is_good;

	if (text == NULL)
		return ERR_MEMORY;
	if ((dash = strchr(text, '-')) != NULL)
		*dash = '\0';
	is_good = !span_has_nul(value) && parse_serial(text, ret_first) &&
		  parse_serial(dash != NULL ? dash + 1 : text, ret_last);
	free(text);
	return is_good ? 0 : ERR_FORMAT;
}

static int
revoke_serials(const struct place *p, struct span value, struct error *e)
{
	uint64_t first = 0, last = 0;
	struct span ca;
	int r;

	if (parse_serials(value, &first, &last) != 0)
		return refuse(p, ERR_FORMAT, e, "invalid serial", value);
	if (first == 0)
		return refuse(p, ERR_FORMAT, e,
		    "certificates without a serial number are revoked by id, "
		    "not by serial",
		    value);
	if (first > last)
		return refuse(p, ERR_FORMAT, e, "invalid serial range", value);
	if ((r = ca_of(p, "serial number", &ca, e)) != 0)
		return r;
	r = krl_revoke_serials(p->s->list, ca, first, last);
	return r == 0 ? 0 : failed(p, r, e);
}

static int
revoke_id(const struct place *p, struct span value, struct error *e)
{
	struct span ca;
	int r;

	if (value.len == 0)
		return refuse(p, ERR_FORMAT, e, "missing key id", value);
	if ((r = ca_of(p, "key id", &ca, e)) != 0)
		return r;
	r = krl_revoke_key_id(p->s->list, ca, value);
	return r == 0 ? 0 : failed(p, r, e);
}

static int
read_key(
    const struct place *p, struct span value, struct key **ret, struct error *e)
{
	int r = key_from_line(value, ret, NULL);

	if (r != 0)
		return error_set(e, r, "%s:%zu: invalid key: %s", p->s->name,
		    p->line, error_text(r));
	return 0;
}

static int
revoke_key(const struct place *p, struct span value, struct error *e)
{
	struct key *k;
	int r;

	if ((r = read_key(p, value, &k, e)) != 0)
		return r;
	if ((r = krl_revoke_plain_key(p->s->list, k)) != 0)
		failed(p, r, e);
	key_unref(k);
	return r;
}

/* A line without a directive: a certificate is revoked itself, not the key in
 * it. */
static int
revoke_line(const struct place *p, struct span value, struct error *e)
{
	struct key *k;
	int r;

	if ((r = read_key(p, value, &k, e)) != 0)
		return r;
	if ((r = krl_revoke_key(p->s->list, k)) != 0)
		failed(p, r, e);
	key_unref(k);
	return r;
}

static int
revoke_hash_of(const struct place *p, struct span value,
    enum digest_algorithm a, struct error *e)
{
	uint8_t hash[DIGEST_MAX];
	struct key *k;
	int r;

	if ((r = read_key(p, value, &k, e)) != 0)
		return r;
	r = digest_of(a, key_plain_blob(k), hash);
	key_unref(k);
	if (r == 0)
		r = a == DIGEST_SHA1 ? krl_revoke_sha1(p->s->list,
					   span_of(hash, KRL_SHA1_SIZE))
				     : krl_revoke_sha256(p->s->list,
					   span_of(hash, KRL_SHA256_SIZE));
	return r == 0 ? 0 : failed(p, r, e);
}

static int
revoke_sha1(const struct place *p, struct span value, struct error *e)
{
	return revoke_hash_of(p, value, DIGEST_SHA1, e);
}

static int
revoke_sha256(const struct place *p, struct span value, struct error *e)
{
	return revoke_hash_of(p, value, DIGEST_SHA256, e);
}

/* "SHA256:" and base64, of which the = at the end may be missing. */
static int
revoke_fingerprint(const struct place *p, struct span value, struct error *e)
{
	static const char prefix[] = "SHA256:";
	size_t n = strlen(prefix);
	struct buf text = BUF_INIT, hash = BUF_INIT;
	int r = ERR_FORMAT;

	if (value.len <= n || memcmp(value.ptr, prefix, n) != 0)
		return refuse(
		    p, ERR_UNSUPPORTED, e, "unsupported hash algorithm", value);
	write_span(&text, span_of(value.ptr + n, value.len - n));
	while (text.len % 4 != 0)
		write_byte(&text, '=');
	if (base64_read(&hash, buf_span(&text)) == 0 &&
	    hash.len == KRL_SHA256_SIZE)
		r = krl_revoke_sha256(p->s->list, buf_span(&hash));
	buf_release(&text);
	buf_release(&hash);
	if (r == ERR_FORMAT)
		return refuse(p, r, e, "invalid fingerprint", value);
	return r == 0 ? 0 : failed(p, r, e);
}

/* clang-format off */
static const struct {
	const char *name;
	int (*revoke)(const struct place *p, struct span value, struct error *e);
} directives[] = {
	{ "serial:", revoke_serials },
	{ "id:",     revoke_id },
	{ "key:",    revoke_key },
	{ "sha1:",   revoke_sha1 },
	{ "sha256:", revoke_sha256 },
	{ "hash:",   revoke_fingerprint },
};
/* clang-format on */

static int
read_line(const struct place *p, struct span line, struct error *e)
{
	const uint8_t *comment =
	    line.len > 0 ? memchr(line.ptr, '#', line.len) : NULL;

	if (comment != NULL)
		line.len = (size_t)(comment - line.ptr);
	line = trim(line);
	if (line.len == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_COUNT(directives); i++) {
		size_t n = strlen(directives[i].name);

		if (line.len >= n && strncasecmp((const char *)line.ptr,
					 directives[i].name, n) == 0)
			return directives[i].revoke(
			    p, trim(span_of(line.ptr + n, line.len - n)), e);
	}
	return revoke_line(p, line, e);
}

int
krl_specification_read(
    const struct krl_specification *s, struct span text, struct error *e)
{
	struct place p = { s, 0 };
	struct span line;
	int r = 0;

	while (r == 0 && line_next(&text, &line)) {
		p.line++;
		r = read_line(&p, line, e);
	}
	return r;
}
