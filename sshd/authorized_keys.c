/*
 * authorized_keys.c - options of a key line, and the search for a key.
 */
#include "sshd/authorized_keys.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/config.h"
#include "common/key/certificate.h"

/* ---- the options ---- */

void
key_options_init(struct key_options *o)
{
	memset(o, 0, sizeof(*o));
	o->expires_s = UINT64_MAX;
}

void
key_options_release(struct key_options *o)
{
	free(o->command);
	free(o->from);
	free(o->principals);
	free(o->tunnel);
	strings_release(&o->confine);
	strings_release(&o->environment);
	strings_release(&o->permit_open);
	strings_release(&o->permit_listen);
	key_options_init(o);
}

enum option_kind {
	OPTION_SET,   /* a flag becomes true */
	OPTION_CLEAR, /* a flag becomes false */
	OPTION_RESTRICT,
	OPTION_IGNORED,
	OPTION_TEXT,   /* once, with a value */
	OPTION_LIST,   /* any number of times, with a value */
	OPTION_OPEN,   /* such a list, of host:port */
	OPTION_LISTEN, /* such a list, of [host:]port */
	OPTION_TUNNEL,
	OPTION_ENVIRONMENT,
	OPTION_EXPIRY
};

struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset;
};

#define AT(field) offsetof(struct key_options, field)

/* clang-format off */
static const struct option_row option_rows[] = {
	{ "agent-forwarding",    OPTION_CLEAR,       AT(no_agent_forwarding) },
	{ "cert-authority",      OPTION_SET,         AT(is_cert_authority) },
	{ "command",             OPTION_TEXT,        AT(command) },
	{ "confine",             OPTION_LIST,        AT(confine) },
	{ "environment",         OPTION_ENVIRONMENT, AT(environment) },
	{ "expiry-time",         OPTION_EXPIRY,      AT(expires_s) },
	{ "from",                OPTION_TEXT,        AT(from) },
	{ "no-agent-forwarding", OPTION_SET,         AT(no_agent_forwarding) },
	{ "no-port-forwarding",  OPTION_SET,         AT(no_port_forwarding) },
	{ "no-pty",              OPTION_SET,         AT(no_pty) },
	{ "no-touch-required",   OPTION_SET,         AT(touch_not_required) },
	{ "no-user-rc",          OPTION_SET,         AT(no_user_rc) },
	{ "no-verify-required",  OPTION_CLEAR,       AT(verify_required) },
	{ "no-x11-forwarding",   OPTION_SET,         AT(no_x11_forwarding) },
	{ "permitlisten",        OPTION_LISTEN,      AT(permit_listen) },
	{ "permitopen",          OPTION_OPEN,        AT(permit_open) },
	{ "port-forwarding",     OPTION_CLEAR,       AT(no_port_forwarding) },
	{ "principals",          OPTION_TEXT,        AT(principals) },
	{ "pty",                 OPTION_CLEAR,       AT(no_pty) },
	{ "restrict",            OPTION_RESTRICT,    0 },
	{ "touch-required",      OPTION_CLEAR,       AT(touch_not_required) },
	{ "tunnel",              OPTION_TUNNEL,      AT(tunnel) },
	{ "user-rc",             OPTION_CLEAR,       AT(no_user_rc) },
	{ "verify-required",     OPTION_SET,         AT(verify_required) },
	{ "x11-forwarding",      OPTION_CLEAR,       AT(no_x11_forwarding) },
};
/* clang-format on */

static const struct option_row *
option_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(option_rows); i++) {
		if (strlen(option_rows[i].name) == name.len &&
		    strncasecmp(option_rows[i].name, (const char *)name.ptr,
			name.len) == 0)
			return &option_rows[i];
	}
	return NULL;
}

/* "YYYYMMDD..." of expiry-time; the earliest of several counts. */
static int
take_expiry(struct key_options *o, const char *value, struct error *e)
{
	uint64_t s;

	if (time_parse_stamp(value, &s) != 0)
		return error_set(e, ERR_FORMAT, "invalid expiry-time value");
	if (s < o->expires_s)
		o->expires_s = s;
	return 0;
}

/* The name before `=` must be one that a shell could have. */
static bool
is_environment(const char *text)
{
	size_t n = strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && text[n] == '=';
}

/* host:port, or [host:]port; the port may be any ("*"). What cannot be
 * understood must not let in, with whatever else it allows. */
static int
check_permission(const char *value, bool needs_host, struct error *e)
{
	const char *colon = strrchr(value, ':');
	const char *port = colon != NULL ? colon + 1 : value;
	int number;

	if ((needs_host && (colon == NULL || colon == value)) ||
	    (strcmp(port, "*") != 0 &&
		config_parse_port(port, !needs_host, &number) != 0))
		return error_set(
		    e, ERR_FORMAT, "invalid permission \"%s\"", value);
	return 0;
}

static int
check_tunnel(const char *value, struct error *e)
{
	long long n;

	if (strcmp(value, "any") == 0 || text_to_int(value, 0, INT32_MAX, &n))
		return 0;
	return error_set(e, ERR_FORMAT, "invalid tun device");
}

/* The first of several of one name counts. Takes value. */
static int
take_environment(struct strings *to, char *value)
{
	size_t n = strcspn(value, "=") + 1;

	for (size_t i = 0; i < to->count; i++) {
		if (strncmp(to->item[i], value, n) == 0) {
			free(value);
			return 0;
		}
	}
	return strings_take(to, value);
}

/* Takes value (fresh text, or NULL where none was given). */
static int
take_option(struct key_options *o, const struct option_row *row, char *value,
    struct error *e)
{
	void *field = (char *)o + row->offset;
	bool wants_value = row->kind >= OPTION_TEXT;
	int r = 0;

	if (wants_value != (value != NULL)) {
		free(value);
		return error_set(e, ERR_FORMAT, "option \"%s\" %s", row->name,
		    wants_value ? "needs a value" : "takes no value");
	}
	switch (row->kind) {
	case OPTION_SET:
	case OPTION_CLEAR:
		*(bool *)field = row->kind == OPTION_SET;
		break;
	case OPTION_RESTRICT:
		o->no_pty = o->no_port_forwarding = o->no_agent_forwarding =
		    o->no_x11_forwarding = o->no_user_rc = true;
		break;
	case OPTION_IGNORED:
		break;
	case OPTION_TUNNEL:
		if ((r = check_tunnel(value, e)) != 0)
			break;
		/* FALLTHROUGH */
	case OPTION_TEXT:
		if (*(char **)field != NULL)
			r = error_set(e, ERR_FORMAT,
			    "option \"%s\" given twice", row->name);
		else {
			*(char **)field = value;
			value = NULL;
		}
		break;
	case OPTION_ENVIRONMENT:
		if (!is_environment(value)) {
			r = error_set(
			    e, ERR_FORMAT, "invalid environment string");
			break;
		}
		r = take_environment(field, value);
		value = NULL;
		break;
	case OPTION_OPEN:
	case OPTION_LISTEN:
		r = check_permission(value, row->kind == OPTION_OPEN, e);
		if (r != 0)
			break;
		/* FALLTHROUGH */
	case OPTION_LIST:
		r = strings_take(field, value);
		value = NULL;
		break;
	case OPTION_EXPIRY:
		r = take_expiry(o, value, e);
		break;
	}
	free(value);
	return r;
}

/*
 * A value in double quotes, where \" stands for a quote and every other
 * backslash for itself. *text stands behind the closing quote afterwards.
 */
static int
read_quoted(struct span *text, char **ret_value)
{
	struct buf value = BUF_INIT;
	size_t i = 1;

	for (; i < text->len && text->ptr[i] != '"'; i++) {
		if (text->ptr[i] == '\\' && i + 1 < text->len &&
		    text->ptr[i + 1] == '"')
			i++;
		if (text->ptr[i] == '\0') {
			buf_release(&value);
			return ERR_FORMAT;
		}
		write_byte(&value, text->ptr[i]);
	}
	if (i >= text->len) {
		buf_release(&value);
		return ERR_FORMAT;
	}
	*text = span_of(text->ptr + i + 1, text->len - i - 1);
	*ret_value = buf_take_text(&value);
	return *ret_value == NULL ? ERR_MEMORY : 0;
}

static int
parse_one(struct span *rest, struct key_options *o, struct error *e)
{
	const struct option_row *row;
	char *value = NULL;
	struct span name;
	size_t n = 0;
	int r;

	while (n < rest->len && rest->ptr[n] != ',' && rest->ptr[n] != '=')
		n++;
	name = span_of(rest->ptr, n);
	*rest = span_of(rest->ptr + n, rest->len - n);
	if ((row = option_find(name)) == NULL)
		return error_set(e, ERR_FORMAT, "unknown key option \"%.*s\"",
		    (int)(name.len < 64 ? name.len : 64),
		    (const char *)name.ptr);
	if (rest->len > 0 && rest->ptr[0] == '=') {
		*rest = span_of(rest->ptr + 1, rest->len - 1);
		if (rest->len == 0 || rest->ptr[0] != '"')
			return error_set(e, ERR_FORMAT,
			    "value of option \"%s\" is not quoted", row->name);
		if ((r = read_quoted(rest, &value)) != 0)
			return error_set(e, r,
			    "value of option \"%s\" has no end", row->name);
	}
	return take_option(o, row, value, e);
}

int
key_options_parse(struct span text, struct key_options *ret, struct error *e)
{
	struct key_options o;
	size_t count = 0;
	int r = 0;

	key_options_init(&o);
	while (text.len > 0) {
		if (++count > KEY_OPTIONS_MAX) {
			r = error_set(e, ERR_LIMIT, "too many key options");
			goto out;
		}
		if ((r = parse_one(&text, &o, e)) != 0)
			goto out;
		if (text.len == 0)
			break;
		if (text.ptr[0] != ',' || text.len == 1) {
			r = error_set(e, ERR_FORMAT,
			    "unexpected text behind a key option");
			goto out;
		}
		text = span_of(text.ptr + 1, text.len - 1);
	}
	if (o.from != NULL && address_list_match(o.from, NULL, false) < -1) {
		r = error_set(e, ERR_FORMAT, "invalid from= list");
		goto out;
	}
	*ret = o;
	key_options_init(&o);
out:
	key_options_release(&o);
	return r;
}

static int
merge_text(char **to, const char *from)
{
	if (from == NULL || (*to != NULL && strcmp(*to, from) == 0))
		return 0;
	if (*to != NULL)
		return ERR_PERMISSION;
	*to = strdup(from);
	return *to == NULL ? ERR_MEMORY : 0;
}

/* Two keys that confine differently leave nothing that both allow. */
static int
merge_confine(struct strings *to, const struct strings *from)
{
	if (from->count == 0)
		return 0;
	if (to->count == 0)
		return strings_copy(to, from);
	if (to->count != from->count)
		return ERR_PERMISSION;
	for (size_t i = 0; i < to->count; i++)
		if (strcmp(to->item[i], from->item[i]) != 0)
			return ERR_PERMISSION;
	return 0;
}

int
key_options_merge(struct key_options *to, const struct key_options *from)
{
	int r;

	if ((r = merge_text(&to->command, from->command)) != 0)
		return r;
	to->no_pty |= from->no_pty;
	to->no_port_forwarding |= from->no_port_forwarding;
	to->no_agent_forwarding |= from->no_agent_forwarding;
	to->no_x11_forwarding |= from->no_x11_forwarding;
	to->no_user_rc |= from->no_user_rc;
	if (from->expires_s < to->expires_s)
		to->expires_s = from->expires_s;
	if ((r = merge_confine(&to->confine, &from->confine)) != 0)
		return r;
	/* The first key's environment and forwarding targets stay. */
	if (to->environment.count == 0 &&
	    (r = strings_copy(&to->environment, &from->environment)) != 0)
		return r;
	if (to->permit_open.count == 0 &&
	    (r = strings_copy(&to->permit_open, &from->permit_open)) != 0)
		return r;
	if (to->permit_listen.count == 0)
		return strings_copy(&to->permit_listen, &from->permit_listen);
	return 0;
}

/* ---- between processes ---- */

static void
write_strings(struct buf *out, const struct strings *s)
{
	write_uint32(out, (uint32_t)s->count);
	for (size_t i = 0; i < s->count; i++)
		write_text(out, s->item[i]);
}

static int
read_strings(struct reader *r, struct strings *ret)
{
	uint32_t count = read_uint32(r);
	int rc = 0;

	for (uint32_t i = 0; i < count && r->error == 0 && rc == 0; i++) {
		char *text = span_dup_text(read_text(r));

		rc = text == NULL ? ERR_MEMORY : strings_take(ret, text);
	}
	return rc;
}

void
key_options_write(struct buf *out, const struct key_options *o)
{
	write_boolean(out, o->no_pty);
	write_boolean(out, o->no_port_forwarding);
	write_boolean(out, o->no_agent_forwarding);
	write_boolean(out, o->no_x11_forwarding);
	write_boolean(out, o->no_user_rc);
	write_boolean(out, o->command != NULL);
	write_text(out, o->command != NULL ? o->command : "");
	write_strings(out, &o->confine);
	write_strings(out, &o->environment);
	write_strings(out, &o->permit_open);
	write_strings(out, &o->permit_listen);
}

int
key_options_read(struct reader *r, struct key_options *ret)
{
	struct key_options o;
	bool has_command;
	int rc = 0;

	key_options_init(&o);
	o.no_pty = read_boolean(r);
	o.no_port_forwarding = read_boolean(r);
	o.no_agent_forwarding = read_boolean(r);
	o.no_x11_forwarding = read_boolean(r);
	o.no_user_rc = read_boolean(r);
	has_command = read_boolean(r);
	o.command = span_dup_text(read_text(r));
	if (o.command == NULL)
		rc = ERR_MEMORY;
	if (!has_command) {
		free(o.command);
		o.command = NULL;
	}
	if (rc == 0)
		rc = read_strings(r, &o.confine);
	if (rc == 0)
		rc = read_strings(r, &o.environment);
	if (rc == 0)
		rc = read_strings(r, &o.permit_open);
	if (rc == 0)
		rc = read_strings(r, &o.permit_listen);
	if (rc == 0)
		rc = read_error(r);
	if (rc != 0) {
		key_options_release(&o);
		return rc;
	}
	*ret = o;
	return 0;
}

/* ---- conditions ---- */

/* from= may hold names as well as addresses: either may match, and a
 * negated entry that matches either one refuses. */
static bool
from_matches(const char *from, const struct key_context *c)
{
	int by_address = 0, by_name = 0;

	if (c->address != NULL && c->address->family != 0)
		by_address = address_list_match(from, c->address, false);
	if (c->host != NULL)
		by_name = pattern_list_match(from, c->host, true);
	if (by_address < 0 || by_name < 0)
		return false;
	return by_address == 1 || by_name == 1;
}

/* principals=: one of the certificate's must be in the list. */
static bool
has_principal(const struct certificate *c, const char *list)
{
	for (size_t i = 0; i < c->principals.count; i++)
		if (list_has(span_text(list), span_text(c->principals.item[i])))
			return true;
	return false;
}

static int
check_authority(
    const struct key_options *o, const struct key_context *c, struct error *e)
{
	struct certificate_use use = { CERTIFICATE_USER, c->now_s,
		o->principals == NULL ? c->user : NULL, c->ca_algorithms };

	if (!o->is_cert_authority)
		return ERR_NOT_FOUND;
	if (o->principals != NULL &&
	    !has_principal(c->certificate, o->principals))
		return error_set(e, ERR_PERMISSION,
		    "Certificate does not contain an authorized principal");
	return certificate_check(c->certificate, &use, e);
}

int
key_options_check(
    const struct key_options *o, const struct key_context *c, struct error *e)
{
	if (o->expires_s != UINT64_MAX && c->now_s >= o->expires_s)
		return error_set(e, ERR_PERMISSION, "key has expired");
	if (o->from != NULL && !from_matches(o->from, c))
		return error_set(e, ERR_PERMISSION,
		    "correct key but not from a permitted host (from=\"%s\")",
		    o->from);
	/* Meant for a certificate's: as a key it would let in too much. */
	if (o->principals != NULL && !o->is_cert_authority)
		return error_set(e, ERR_PERMISSION,
		    "principals on a key that is no certificate authority");
	if (c->certificate != NULL)
		return check_authority(o, c, e);
	if (o->is_cert_authority)
		return error_set(e, ERR_PERMISSION,
		    "key is a certificate authority, not a user's");
	return 0;
}

static int
narrow(struct key_options *o, struct certificate_rights *rights,
    const struct key_context *c, struct error *e)
{
	if (rights->source_address != NULL &&
	    (c->address == NULL || c->address->family == 0 ||
		address_list_match(rights->source_address, c->address, true) !=
		    1))
		return error_set(e, ERR_PERMISSION,
		    "certificate is not for use from this address "
		    "(source-address)");
	/* A line could only replace the CA's command, never add to it. */
	if (o->command != NULL && rights->force_command != NULL &&
	    strcmp(o->command, rights->force_command) != 0)
		return error_set(e, ERR_PERMISSION,
		    "certificate and key options forced command do not match");
	if (o->command == NULL) {
		o->command = rights->force_command;
		rights->force_command = NULL;
	}
	o->no_pty |= !rights->pty;
	o->no_port_forwarding |= !rights->port_forwarding;
	o->no_agent_forwarding |= !rights->agent_forwarding;
	o->no_x11_forwarding |= !rights->x11_forwarding;
	o->no_user_rc |= !rights->user_rc;
	o->touch_not_required &= rights->touch_not_required;
	o->verify_required |= rights->verify_required;
	return 0;
}

int
key_options_narrow(struct key_options *o, const struct certificate *c,
    const struct key_context *context, struct error *e)
{
	struct certificate_rights rights;
	int r = certificate_rights_read(c, &rights, e);

	if (r != 0)
		return r;
	r = narrow(o, &rights, context, e);
	certificate_rights_release(&rights);
	return r;
}

/* ---- the search ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/*
 * line: from its start to the base64 text at key_at. True when what stands
 * before it is `[options] type`; ret_options is the option field.
 */
static bool
split_prefix(struct span line, size_t key_at, const char *type_name,
    struct span *ret_options)
{
	size_t type_len = strlen(type_name);
	size_t end = key_at, start = 0;

	while (end > 0 && is_blank(line.ptr[end - 1]))
		end--;
	if (end == key_at || end < type_len ||
	    memcmp(line.ptr + end - type_len, type_name, type_len) != 0)
		return false;
	end -= type_len;
	while (start < end && is_blank(line.ptr[start]))
		start++;
	if (start < end && !is_blank(line.ptr[end - 1]))
		return false;
	while (end > start && is_blank(line.ptr[end - 1]))
		end--;
	if (start < end && line.ptr[start] == '#')
		return false;
	*ret_options = span_of(line.ptr + start, end - start);
	return true;
}

static size_t
count_lines(struct span text, const uint8_t *until)
{
	size_t n = 1;
	const uint8_t *p = text.ptr;

	while (
	    p < until && (p = memchr(p, '\n', (size_t)(until - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* Blanks inside quotes belong to the option field, all others end it: so
 * the field holds none outside of quotes. */
static bool
is_one_field(struct span options)
{
	bool quoted = false;

	for (size_t i = 0; i < options.len; i++) {
		if (options.ptr[i] == '\\' && i + 1 < options.len &&
		    options.ptr[i + 1] == '"')
			i++;
		else if (options.ptr[i] == '"')
			quoted = !quoted;
		else if (is_blank(options.ptr[i]) && !quoted)
			return false;
	}
	return !quoted;
}

/* The line around hit; 0 when the key may log in by it. */
static int
use_line(struct span text, const uint8_t *hit, size_t hit_len,
    const char *type_name, const struct key_context *c, struct key_options *ret,
    struct error *e)
{
	const uint8_t *start = hit, *end = hit + hit_len;
	const uint8_t *limit = text.ptr + text.len;
	struct span options;
	int r;

	while (start > text.ptr && start[-1] != '\n')
		start--;
	if (end < limit && !is_blank(*end) && *end != '\n' && *end != '\r')
		return ERR_NOT_FOUND;
	if (!split_prefix(span_of(start, (size_t)(end - start)),
		(size_t)(hit - start), type_name, &options) ||
	    !is_one_field(options))
		return ERR_NOT_FOUND;
	if ((r = key_options_parse(options, ret, e)) != 0)
		return r;
	if ((r = key_options_check(ret, c, e)) != 0)
		key_options_release(ret);
	return r;
}

bool
authorized_keys_find(struct span text, const char *type_name, struct span blob,
    const struct key_context *c, key_line_problem *problem,
    void *problem_context, struct key_match *ret)
{
	struct buf wanted = BUF_INIT;
	struct span rest = text;
	bool found = false;

	base64_write(&wanted, blob, 0);
	if (buf_error(&wanted) != 0 || wanted.len == 0)
		goto out;
	while (!found) {
		struct error e = { 0 };
		const uint8_t *hit =
		    rest.len == 0
			? NULL
			: memmem(rest.ptr, rest.len, wanted.data, wanted.len);
		int r;

		if (hit == NULL)
			break;
		r = use_line(
		    text, hit, wanted.len, type_name, c, &ret->options, &e);
		if (r == 0) {
			ret->line = count_lines(text, hit);
			found = true;
		} else if (r != ERR_NOT_FOUND && problem != NULL) {
			problem(count_lines(text, hit), error_message(&e, r),
			    problem_context);
		}
		hit += wanted.len;
		rest = span_of(hit, (size_t)(text.ptr + text.len - hit));
	}
out:
	buf_release(&wanted);
	return found;
}
