/*
 * allowed_signers.c - lines that say whose signatures count.
 */
#include "common/key/allowed_signers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/time.h"
#include "common/key/certificate.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span
skip(struct span s, size_t n)
{
	return span_of(s.ptr + n, s.len - n);
}

static struct span
skip_blanks(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = skip(s, 1);
	return s;
}

static int
refuse(struct error *e, const char *what)
{
	return error_set(e, ERR_FORMAT, "%s", what);
}

static int
out_of_memory(struct error *e)
{
	return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
}

/* ---- reading ---- */

/* The first word of *s, in quotes or up to a blank. */
static int
take_principals(struct span *s, char **ret, struct error *e)
{
	bool quoted = s->len > 0 && s->ptr[0] == '"';
	struct span word = *s;
	size_t n = 0;

	if (quoted)
		word = skip(word, 1);
	while (n < word.len &&
	       (quoted ? word.ptr[n] != '"' : !is_blank(word.ptr[n])))
		n++;
	if (quoted && n == word.len)
		return refuse(e, "missing end quote of the principals");
	if (n == 0)
		return refuse(e, "missing principals");
	*s = skip(word, quoted ? n + 1 : n);
	if (s->len > 0 && !is_blank(s->ptr[0]))
		return refuse(e, "no blank behind the principals");
	*s = skip_blanks(*s);
	if (span_has_nul(span_of(word.ptr, n)))
		return refuse(e, "a NUL in the principals");
	*ret = span_dup_text(span_of(word.ptr, n));
	return *ret == NULL ? out_of_memory(e) : 0;
}

/* The value of NAME="value", with \" for a quote in it; fresh text. */
static int
take_value(struct span *s, char **ret, struct error *e)
{
	struct buf value = BUF_INIT;

	if (s->len == 0 || s->ptr[0] != '"')
		return refuse(e, "bad options: missing start quote");
	*s = skip(*s, 1);
	while (s->len > 0 && s->ptr[0] != '"') {
		if (s->ptr[0] == '\\' && s->len > 1 && s->ptr[1] == '"')
			*s = skip(*s, 1);
		write_byte(&value, s->ptr[0]);
		*s = skip(*s, 1);
	}
	if (s->len == 0 || span_has_nul(buf_span(&value))) {
		buf_release(&value);
		return refuse(e, "bad options: missing end quote");
	}
	*s = skip(*s, 1);
	*ret = buf_take_text(&value);
	return *ret == NULL ? out_of_memory(e) : 0;
}

static int
take_time(
    struct span *s, const char *name, uint64_t *to, bool *was, struct error *e)
{
	char *value;
	int r;

	if (*was)
		return error_set(e, ERR_FORMAT,
		    "bad options: multiple \"%s\" clauses", name);
	if ((r = take_value(s, &value, e)) != 0)
		return r;
	if (time_parse_stamp(value, to) != 0 || *to == 0)
		r = error_set(
		    e, ERR_FORMAT, "bad options: invalid \"%s\" time", name);
	free(value);
	*was = true;
	return r;
}

/* Is *s "NAME=..." (or, without a value, NAME and nothing of a word behind)?
 * Moves on behind it. */
static bool
take_name(struct span *s, const char *name, bool has_value)
{
	size_t n = strlen(name);

	if (s->len < n || strncasecmp((const char *)s->ptr, name, n) != 0)
		return false;
	if (has_value && (s->len == n || s->ptr[n] != '='))
		return false;
	if (!has_value && s->len > n && s->ptr[n] != ',' &&
	    !is_blank(s->ptr[n]))
		return false;
	*s = skip(*s, has_value ? n + 1 : n);
	return true;
}

struct seen {
	bool after;
	bool before;
};

static int
take_option(struct span *s, struct allowed_signer *to, struct seen *seen,
    struct error *e)
{
	if (take_name(s, "cert-authority", false)) {
		to->is_ca = true;
		return 0;
	}
	if (take_name(s, "namespaces", true)) {
		if (to->namespaces != NULL)
			return refuse(
			    e, "bad options: multiple \"namespaces\" clauses");
		return take_value(s, &to->namespaces, e);
	}
	if (take_name(s, "valid-after", true))
		return take_time(
		    s, "valid-after", &to->valid_after, &seen->after, e);
	if (take_name(s, "valid-before", true))
		return take_time(
		    s, "valid-before", &to->valid_before, &seen->before, e);
	return refuse(e, "bad options: unknown key option");
}

static int
take_options(struct span *s, struct allowed_signer *to, struct error *e)
{
	struct seen seen = { false, false };
	int r;

	while ((r = take_option(s, to, &seen, e)) == 0 && s->len > 0 &&
	       s->ptr[0] == ',')
		*s = skip(*s, 1);
	if (r != 0)
		return r;
	if (s->len > 0 && !is_blank(s->ptr[0]))
		return refuse(e, "bad options: unknown key option");
	if (to->valid_before < to->valid_after)
		return refuse(e, "bad options: \"valid-before\" time is before "
				 "\"valid-after\"");
	*s = skip_blanks(*s);
	return 0;
}

/* Does a key begin here, or what looks like an option? */
static bool
is_key_type(struct span s)
{
	size_t n = 0;

	while (n < s.len && !is_blank(s.ptr[n]))
		n++;
	return key_type_find(span_of(s.ptr, n)) != NULL;
}

static int
parse(struct span line, struct allowed_signer *s, struct error *e)
{
	int r;

	if ((r = take_principals(&line, &s->principals, e)) != 0)
		return r;
	if (line.len == 0)
		return refuse(e, "missing key");
	if (!is_key_type(line) && (r = take_options(&line, s, e)) != 0)
		return r;
	if (line.len == 0)
		return refuse(e, "missing key");
	if ((r = key_from_line(line, &s->key, NULL)) != 0)
		return error_set(
		    e, ERR_FORMAT, "invalid key: %s", error_text(r));
	return 0;
}

int
allowed_signer_parse(
    struct span line, struct allowed_signer *ret, struct error *e)
{
	struct allowed_signer s = { .valid_before = UINT64_MAX };
	int r;

	line = skip_blanks(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return ERR_NOT_FOUND;
	if ((r = parse(line, &s, e)) != 0) {
		allowed_signer_release(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void
allowed_signer_release(struct allowed_signer *s)
{
	free(s->principals);
	free(s->namespaces);
	key_unref(s->key);
	memset(s, 0, sizeof(*s));
}

/* ---- judging ---- */

bool
allowed_signer_names(const struct allowed_signer *s, const char *principal)
{
	return pattern_list_match(s->principals, principal, false) == 1;
}

static const char *
format_time(uint64_t s, char *to, size_t size)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s > INT64_MAX || localtime_r(&t, &tm) == NULL ||
	    strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		text_copy(to, size, "an unknown time");
	return to;
}

static int
check_time(const struct allowed_signer *s, uint64_t now, struct error *e)
{
	char at[32], limit[32];

	format_time(now, at, sizeof(at));
	if (now < s->valid_after)
		return error_set(e, ERR_PERMISSION,
		    "key is not yet valid: verify time %s < valid-after %s", at,
		    format_time(s->valid_after, limit, sizeof(limit)));
	if (now > s->valid_before)
		return error_set(e, ERR_PERMISSION,
		    "key has expired: verify time %s > valid-before %s", at,
		    format_time(s->valid_before, limit, sizeof(limit)));
	return 0;
}

static int
check_certificate(
    const struct key *k, const char *principal, uint64_t now, struct error *e)
{
	const struct certificate_use use = { CERTIFICATE_USER, now, principal,
		NULL };
	const struct certificate *c = key_certificate(k);
	struct certificate_rights rights;
	int r;

	if ((r = certificate_check(c, &use, e)) != 0)
		return r;
	if (c->principals.count == 0)
		return error_set(
		    e, ERR_PERMISSION, "Certificate lacks principal list");
	/* What it demands may be unknown here, so that nobody can tell whether
	 * it is met. */
	if ((r = certificate_rights_read(c, &rights, e)) == 0)
		certificate_rights_release(&rights);
	return r;
}

static int
add_once(struct strings *to, const char *text, struct error *e)
{
	if (!strings_has(to, text) && strings_add(to, text) != 0)
		return out_of_memory(e);
	return 0;
}

/* Of the principals of a certificate those that the line speaks about. */
static int
collect_certified(const struct allowed_signer *s, const struct key *k,
    struct strings *to, struct error *e)
{
	const struct strings *listed = &key_certificate(k)->principals;
	bool is_any = false;
	int r;

	for (size_t i = 0; i < listed->count; i++) {
		if (!allowed_signer_names(s, listed->item[i]))
			continue;
		is_any = true;
		if ((r = add_once(to, listed->item[i], e)) != 0)
			return r;
	}
	if (!is_any)
		return error_set(e, ERR_PERMISSION,
		    "none of the certificate's principals is among those of "
		    "the line");
	return 0;
}

static int
collect(const struct allowed_signer *s, const struct key *k, struct strings *to,
    struct error *e)
{
	struct span rest = span_text(s->principals), item;

	if (s->is_ca)
		return collect_certified(s, k, to, e);
	while (list_next(&rest, &item)) {
		char *text;
		int r;

		if (item.ptr[0] == '!')
			continue;
		if ((text = span_dup_text(item)) == NULL)
			return out_of_memory(e);
		r = add_once(to, text, e);
		free(text);
		if (r != 0)
			return r;
	}
	return 0;
}

int
allowed_signer_check(const struct allowed_signer *s, const struct key *k,
    const char *principal, uint64_t now_s, struct strings *ret_principals,
    struct error *e)
{
	const struct certificate *c = key_certificate(k);
	int r;

	if (s->is_ca ? c == NULL || !key_equal(s->key, c->ca)
		     : !key_equal(s->key, k))
		return ERR_NOT_FOUND;
	if (principal != NULL && !allowed_signer_names(s, principal))
		return ERR_NOT_FOUND;
	if ((r = check_time(s, now_s, e)) != 0)
		return r;
	if (s->is_ca && (r = check_certificate(k, principal, now_s, e)) != 0)
		return r;
	return ret_principals != NULL ? collect(s, k, ret_principals, e) : 0;
}

int
allowed_signer_check_namespace(
    const struct allowed_signer *s, const char *namespace, struct error *e)
{
	if (s->namespaces == NULL ||
	    pattern_list_match(s->namespaces, namespace, false) == 1)
		return 0;
	return error_set(e, ERR_PERMISSION,
	    "key is not permitted for use in signature namespace \"%s\"",
	    namespace);
}
