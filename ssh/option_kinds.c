/*
 * option_kinds.c - kinds of values that only ssh_config has, but for
 * forwards.
 */
#include "ssh/option_kinds.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ssh/options.h"

/* ---- ObscureKeystrokeTiming: yes, no, interval:ms ---- */

#define KEYSTROKE_DEFAULT_MS 20
#define KEYSTROKE_MAX_MS     1000

static int
parse_keystroke_timing(struct config_arguments *a, void *value)
{
	static const char prefix[] = "interval:";
	const char *word = config_next(a);
	long long ms;
	bool on;

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_flag(word, &on)) {
		*(int *)value = on ? KEYSTROKE_DEFAULT_MS : 0;
		return 0;
	}
	if (strncasecmp(word, prefix, strlen(prefix)) == 0)
		word += strlen(prefix);
	if (!text_to_int(word, 1, KEYSTROKE_MAX_MS, &ms))
		return config_fault(a,
		    "ObscureKeystrokeTiming interval not between 1 and %d ms",
		    KEYSTROKE_MAX_MS);
	*(int *)value = (int)ms;
	return 0;
}

static bool
format_keystroke_timing(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	int ms = *(const int *)value;

	if (n > 0)
		return false;
	if (ms == 0 || ms == KEYSTROKE_DEFAULT_MS)
		buf_printf(out, "%s", ms == 0 ? "no" : "yes");
	else
		buf_printf(out, "interval:%d", ms);
	return true;
}

const struct config_kind config_kind_keystroke_timing = {
	.name = "keystroke_timing",
	.size = sizeof(int),
	.parse = parse_keystroke_timing,
	.format = format_keystroke_timing,
};

/* ---- SendEnv: patterns; -pattern takes earlier ones away ---- */

static int
parse_send_env(struct config_arguments *a, void *value)
{
	do {
		const char *word = config_next(a);
		int r;

		if (word == NULL)
			return ERR_CONFIG;
		if (strchr(word, '=') != NULL)
			return config_fault(a, "Invalid environment name.");
		if ((r = strings_add(value, word)) != 0)
			return r;
	} while (config_has_next(a));
	return 0;
}

static int
append_send_env(void *to, void *value)
{
	struct strings *list = to;
	const struct strings *more = value;
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++) {
		const char *word = more->item[i];

		if (*word != '-') {
			r = list->count < CONFIG_MAX_LIST
				? strings_add(list, word)
				: ERR_LIMIT;
			continue;
		}
		for (size_t j = list->count; j > 0; j--)
			if (pattern_match(word + 1, list->item[j - 1]))
				strings_remove(list, j - 1);
	}
	return r;
}

const struct config_kind config_kind_send_env = {
	.name = "send_env",
	.size = sizeof(struct strings),
	.parse = parse_send_env,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = append_send_env,
	.release = config_release_words,
};

/* ---- AddKeysToAgent: no, yes, ask, confirm [time], time ---- */

static const struct config_choice add_keys_words[] = { { "false", ADD_KEYS_NO },
	{ "no", ADD_KEYS_NO }, { "true", ADD_KEYS_YES },
	{ "yes", ADD_KEYS_YES }, { "ask", ADD_KEYS_ASK },
	{ "confirm", ADD_KEYS_CONFIRM }, { NULL, 0 } };

static bool
parse_lifetime(const char *word, int64_t *ret)
{
	return text_to_seconds(word, ret) == 0 && *ret <= INT32_MAX;
}

static int
parse_add_keys(struct config_arguments *a, void *value)
{
	const struct config_choice *c = add_keys_words;
	struct ssh_add_keys *add = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	while (c->name != NULL && strcasecmp(c->name, word) != 0)
		c++;
	if (c->name != NULL) {
		add->mode = c->value;
		if (c->value != ADD_KEYS_CONFIRM || !config_has_next(a))
			return 0;
		if ((word = config_next(a)) == NULL)
			return ERR_CONFIG;
	} else {
		add->mode = ADD_KEYS_YES;
	}
	if (!parse_lifetime(word, &add->lifetime_s))
		return config_fault(a, "unsupported option \"%s\".", word);
	return 0;
}

static bool
format_add_keys(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_add_keys *add = value;
	const struct config_choice *c = add_keys_words;

	if (n > 0)
		return false;
	while (c->value != add->mode)
		c++;
	if (add->lifetime_s == 0)
		buf_printf(out, "%s", c->name);
	else
		buf_printf(out, "%s%lld",
		    add->mode == ADD_KEYS_CONFIRM ? "confirm " : "",
		    (long long)add->lifetime_s);
	return true;
}

const struct config_kind config_kind_add_keys = {
	.name = "add_keys",
	.size = sizeof(struct ssh_add_keys),
	.parse = parse_add_keys,
	.format = format_add_keys,
};

/* ---- ForwardAgent: yes, no, a path, $NAME ---- */

static int
parse_forward_agent(struct config_arguments *a, void *value)
{
	struct ssh_forward_agent *agent = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_flag(word, &agent->on))
		return 0;
	agent->on = true;
	agent->path = strdup(word);
	return agent->path != NULL ? 0 : ERR_MEMORY;
}

static bool
format_forward_agent(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_forward_agent *agent = value;

	if (n > 0)
		return false;
	if (agent->path != NULL)
		config_write_word(out, agent->path);
	else
		buf_printf(out, "%s", agent->on ? "yes" : "no");
	return true;
}

static int
copy_forward_agent(void *to, const void *from)
{
	const struct ssh_forward_agent *agent = from;
	struct ssh_forward_agent *copy = to;

	copy->on = agent->on;
	return config_copy_text(&copy->path, &agent->path);
}

static void
release_forward_agent(void *value)
{
	struct ssh_forward_agent *agent = value;

	config_release_text(&agent->path);
}

const struct config_kind config_kind_forward_agent = {
	.name = "forward_agent",
	.size = sizeof(struct ssh_forward_agent),
	.parse = parse_forward_agent,
	.format = format_forward_agent,
	.copy = copy_forward_agent,
	.release = release_forward_agent,
};

/* ---- TunnelDevice: local[:remote], each a number or "any" ---- */

static bool
parse_unit(const char *text, size_t len, int *ret)
{
	char word[16];
	long long unit;

	if (len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	if (strcasecmp(word, "any") == 0) {
		*ret = -1;
		return true;
	}
	if (!text_to_int(word, 0, INT32_MAX, &unit))
		return false;
	*ret = (int)unit;
	return true;
}

static int
parse_tunnel_device(struct config_arguments *a, void *value)
{
	struct ssh_tunnel_device *device = value;
	const char *word = config_next(a);
	const char *colon;

	if (word == NULL)
		return ERR_CONFIG;
	device->remote = -1;
	colon = strchrnul(word, ':');
	if (!parse_unit(word, (size_t)(colon - word), &device->local) ||
	    (*colon == ':' &&
		!parse_unit(colon + 1, strlen(colon + 1), &device->remote)))
		return config_fault(a, "Bad tun device.");
	return 0;
}

static void
write_unit(struct buf *out, int unit)
{
	if (unit < 0)
		buf_printf(out, "any");
	else
		buf_printf(out, "%d", unit);
}

static bool
format_tunnel_device(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_tunnel_device *device = value;

	if (n > 0)
		return false;
	write_unit(out, device->local);
	write_byte(out, ':');
	write_unit(out, device->remote);
	return true;
}

const struct config_kind config_kind_tunnel_device = {
	.name = "tunnel_device",
	.size = sizeof(struct ssh_tunnel_device),
	.parse = parse_tunnel_device,
	.format = format_tunnel_device,
};

/* ---- CanonicalizePermittedCNAMEs: sources:targets ... ---- */

static int
parse_permitted_cnames(struct config_arguments *a, void *value)
{
	size_t count = 0;

	do {
		const char *word = config_next(a);
		const char *colon;
		int r;

		if (word == NULL)
			return ERR_CONFIG;
		if (++count == 1 && strcasecmp(word, "none") == 0 &&
		    !config_has_next(a))
			return 0;
		colon = strchr(word, ':');
		if (strcmp(word, "*") != 0 &&
		    (colon == NULL || colon == word || colon[1] == '\0'))
			return config_fault(
			    a, "Invalid permitted CNAME \"%s\"", word);
		r = strings_add(value, colon != NULL ? word : "*:*");
		if (r != 0)
			return r;
	} while (config_has_next(a));
	return 0;
}

const struct config_kind config_kind_permitted_cnames = {
	.name = "permitted_cnames",
	.size = sizeof(struct strings),
	.parse = parse_permitted_cnames,
	.format = config_format_words,
	.copy = config_copy_words,
	.release = config_release_words,
};

/* ---- ControlPersist: yes, no, a time ---- */

static int
parse_control_persist(struct config_arguments *a, void *value)
{
	struct ssh_control_persist *persist = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_flag(word, &persist->on))
		return 0;
	if (!parse_lifetime(word, &persist->seconds))
		return config_fault(a, "Bad ControlPersist argument.");
	persist->on = true;
	return 0;
}

static bool
format_control_persist(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_control_persist *persist = value;

	if (n > 0)
		return false;
	if (persist->on && persist->seconds > 0)
		buf_printf(out, "%lld", (long long)persist->seconds);
	else
		buf_printf(out, "%s", persist->on ? "yes" : "no");
	return true;
}

const struct config_kind config_kind_control_persist = {
	.name = "control_persist",
	.size = sizeof(struct ssh_control_persist),
	.parse = parse_control_persist,
	.format = format_control_persist,
};

/* ---- EscapeChar: one character, ^X, none ---- */

static int
parse_escape_char(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	int *escape = value;

	if (word == NULL)
		return ERR_CONFIG;
	if (strcasecmp(word, "none") == 0)
		*escape = ESCAPE_CHAR_NONE;
	else if (word[1] == '\0')
		*escape = (unsigned char)word[0];
	else if (word[0] == '^' && word[2] == '\0' &&
		 (unsigned char)word[1] >= '?' && (unsigned char)word[1] < 128)
		*escape = word[1] == '?' ? 127 : word[1] & 31;
	else
		return config_fault(a, "Bad escape character.");
	return 0;
}

static bool
format_escape_char(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	int escape = *(const int *)value;
	char word[2] = { (char)escape, '\0' };

	if (n > 0)
		return false;
	if (escape == ESCAPE_CHAR_NONE)
		buf_printf(out, "none");
	else if (escape < 32 || escape == 127)
		buf_printf(out, "^%c", escape == 127 ? '?' : escape + 64);
	else
		config_write_word(out, word);
	return true;
}

const struct config_kind config_kind_escape_char = {
	.name = "escape_char",
	.size = sizeof(int),
	.parse = parse_escape_char,
	.format = format_escape_char,
};

/* ---- RefuseConnection: a text, kept with the place that says it ---- */

static int
parse_refuse_connection(struct config_arguments *a, void *value)
{
	char *text;

	if (a->file != NULL)
		text = text_format("%s line %u: RefuseConnection: %s", a->file,
		    a->line, a->rest);
	else
		text = text_format("RefuseConnection: %s", a->rest);
	*(char **)value = text;
	return text != NULL ? 0 : ERR_MEMORY;
}

const struct config_kind config_kind_refuse_connection = {
	.name = "refuse_connection",
	.size = sizeof(char *),
	.flags = CONFIG_KIND_REST,
	.parse = parse_refuse_connection,
	.format = config_format_rest,
	.copy = config_copy_text,
	.release = config_release_text,
};

/* ---- ProxyJump: [user@]host[:port] or ssh:// URI, ... ---- */

/* Appends one hop as [user@]host[:port]; false: it is none. */
static bool
add_hop(struct span hop, struct buf *out)
{
	static const char scheme[] = "ssh://";
	const uint8_t *at, *colon, *close;
	struct span host;
	char *port;
	int number;
	bool fine = true;

	if (hop.len > strlen(scheme) &&
	    memcmp(hop.ptr, scheme, strlen(scheme)) == 0) {
		hop =
		    span_of(hop.ptr + strlen(scheme), hop.len - strlen(scheme));
		if (hop.ptr[hop.len - 1] == '/')
			hop.len--;
	}
	at = memrchr(hop.ptr, '@', hop.len);
	host = at == NULL
		   ? hop
		   : span_of(at + 1, (size_t)(hop.ptr + hop.len - at - 1));
	close = memrchr(host.ptr, ']', host.len);
	colon = memrchr(host.ptr, ':', host.len);
	/* Several colons and no brackets: an IPv6 address without a port. */
	if (colon != NULL &&
	    (close != NULL ? colon < close
			   : memchr(host.ptr, ':',
				 (size_t)(colon - host.ptr)) != NULL))
		colon = NULL;
	if (at == hop.ptr || host.len == 0 || colon == host.ptr ||
	    (host.ptr[0] == '[') != (close != NULL) || host.ptr[0] == '-')
		return false;
	if (colon != NULL) {
		port = span_dup_text(span_of(
		    colon + 1, (size_t)(host.ptr + host.len - colon - 1)));
		fine = port != NULL &&
		       config_parse_port(port, false, &number) == 0;
		free(port);
	}
	write_span(out, hop);
	return fine;
}

static int
parse_proxy_jump(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	struct buf out = BUF_INIT;
	struct span rest, hop;
	int r = 0;

	if (word == NULL)
		return ERR_CONFIG;
	if (strcasecmp(word, "none") == 0)
		return 0;
	rest = span_text(word);
	while (r == 0 && list_next(&rest, &hop)) {
		if (out.len > 0)
			write_byte(&out, ',');
		if (!add_hop(hop, &out))
			r = config_fault(a, "Invalid ProxyJump \"%s\"", word);
	}
	if (r == 0 && out.len == 0)
		r = config_fault(a, "Invalid ProxyJump \"%s\"", word);
	if (r == 0 && (*(char **)value = buf_take_text(&out)) == NULL)
		r = ERR_MEMORY;
	buf_release(&out);
	return r;
}

const struct config_kind config_kind_proxy_jump = {
	.name = "proxy_jump",
	.size = sizeof(char *),
	.parse = parse_proxy_jump,
	.format = config_format_string,
	.copy = config_copy_text,
	.release = config_release_text,
};
