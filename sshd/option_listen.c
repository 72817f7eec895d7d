/*
 * option_listen.c - ListenAddress, MaxStartups, and the limits per source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sshd/option_kinds.h"
#include "sshd/options.h"

/* ---- ListenAddress: host, host:port, [host]:port, rdomain R ---- */

static void
release_listen_address(struct sshd_listen_address *l)
{
	free(l->host);
	free(l->rdomain);
}

static void
release_listen_addresses(void *value)
{
	struct sshd_listen_addresses *list = value;

	for (size_t i = 0; i < list->count; i++)
		release_listen_address(&list->item[i]);
	free(list->item);
	list->item = NULL;
	list->count = 0;
}

/* Moves l in; it is empty afterwards, also on failure. */
static int
add_listen_address(
    struct sshd_listen_addresses *list, struct sshd_listen_address *l)
{
	struct sshd_listen_address *grown = NULL;

	if (list->count < CONFIG_MAX_LIST)
		grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		release_listen_address(l);
		return list->count < CONFIG_MAX_LIST ? ERR_MEMORY : ERR_LIMIT;
	}
	list->item = grown;
	list->item[list->count++] = *l;
	memset(l, 0, sizeof(*l));
	return 0;
}

static int
append_listen_addresses(void *to, void *value)
{
	struct sshd_listen_addresses *more = value;
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		r = add_listen_address(to, &more->item[i]);
	return r;
}

static int
copy_listen_addresses(void *to, const void *from)
{
	const struct sshd_listen_addresses *list = from;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct sshd_listen_address *l = &list->item[i];
		struct sshd_listen_address copy = { .port = l->port };

		if ((r = config_copy_text(&copy.host, &l->host)) != 0 ||
		    (r = config_copy_text(&copy.rdomain, &l->rdomain)) != 0) {
			release_listen_address(&copy);
			break;
		}
		r = add_listen_address(to, &copy);
	}
	return r;
}

/* The host's length in word, and the port behind it; false: malformed. */
static bool
split_host(const char *word, const char **ret_host, size_t *ret_len,
    const char **ret_port)
{
	const char *end;

	*ret_port = NULL;
	if (*word == '[') {
		end = strchr(word, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*ret_host = word + 1;
		*ret_len = (size_t)(end - word - 1);
		if (end[1] == ':')
			*ret_port = end + 2;
	} else {
		end = strchr(word, ':');
		/* More than one colon: a bare IPv6 address. */
		if (end != NULL && strchr(end + 1, ':') != NULL)
			end = NULL;
		*ret_host = word;
		*ret_len = end != NULL ? (size_t)(end - word) : strlen(word);
		if (end != NULL)
			*ret_port = end + 1;
	}
	return *ret_len > 0;
}

static int
parse_listen_addresses(struct config_arguments *a, void *value)
{
	struct sshd_listen_address l = { 0 };
	const char *word = config_next(a);
	const char *host, *port;
	size_t len;

	if (word == NULL)
		return ERR_CONFIG;
	if (!split_host(word, &host, &len, &port))
		return config_fault(a, "bad address:port usage");
	if (port != NULL && config_parse_port(port, false, &l.port) != 0)
		return config_fault(a, "bad port number");
	if (config_has_next(a)) {
		if ((word = config_next(a)) == NULL)
			return ERR_CONFIG;
		if (strcasecmp(word, "rdomain") != 0)
			return config_fault(
			    a, "unexpected ListenAddress argument %s", word);
		if ((word = config_next(a)) == NULL)
			return config_fault(a, "missing routing domain");
		if ((l.rdomain = strdup(word)) == NULL)
			return ERR_MEMORY;
	}
	if ((l.host = strndup(host, len)) == NULL) {
		release_listen_address(&l);
		return ERR_MEMORY;
	}
	return add_listen_address(value, &l);
}

static bool
format_listen_addresses(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_listen_addresses *list = value;
	const struct sshd_listen_address *l;

	if (n >= list->count)
		return false;
	l = &list->item[n];
	if (strchr(l->host, ':') != NULL)
		buf_printf(out, "[%s]", l->host);
	else
		buf_printf(out, "%s", l->host);
	if (l->port != 0)
		buf_printf(out, ":%d", l->port);
	if (l->rdomain != NULL) {
		buf_printf(out, " rdomain ");
		config_write_word(out, l->rdomain);
	}
	return true;
}

const struct config_kind config_kind_listen_addresses = {
	.name = "listen_addresses",
	.size = sizeof(struct sshd_listen_addresses),
	.parse = parse_listen_addresses,
	.format = format_listen_addresses,
	.copy = copy_listen_addresses,
	.append = append_listen_addresses,
	.release = release_listen_addresses,
};

/* ---- MaxStartups: begin:rate:full, or one number ---- */

/* Splits at colons into numbers; their count, 0 for anything else. */
static size_t
split_numbers(const char *word, long long *ret, size_t max)
{
	struct strings parts = STRINGS_INIT;
	size_t count = 0;

	if (strings_split(&parts, word, ':') == 0 && parts.count <= max)
		while (count < parts.count && text_to_int(parts.item[count], 0,
						  INT32_MAX, &ret[count]))
			count++;
	if (count < parts.count)
		count = 0;
	strings_release(&parts);
	return count;
}

static int
parse_max_startups(struct config_arguments *a, void *value)
{
	struct sshd_max_startups *max = value;
	const char *word = config_next(a);
	long long number[3];
	size_t count;

	if (word == NULL)
		return ERR_CONFIG;
	count = split_numbers(word, number, 3);
	if (count == 1) {
		number[1] = 30;
		number[2] = number[0];
	} else if (count != 3) {
		return config_fault(a, "Invalid MaxStartups spec.");
	}
	if (number[0] < 1 || number[1] < 1 || number[1] > 100 ||
	    number[2] < number[0])
		return config_fault(a, "Invalid MaxStartups spec.");
	max->begin = (int)number[0];
	max->rate = (int)number[1];
	max->full = (int)number[2];
	return 0;
}

static bool
format_max_startups(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_max_startups *max = value;

	if (n > 0)
		return false;
	buf_printf(out, "%d:%d:%d", max->begin, max->rate, max->full);
	return true;
}

const struct config_kind config_kind_max_startups = {
	.name = "max_startups",
	.size = sizeof(struct sshd_max_startups),
	.parse = parse_max_startups,
	.format = format_max_startups,
};

/* ---- PerSourceNetBlockSize: bits of IPv4[:bits of IPv6] ---- */

static int
parse_net_block_size(struct config_arguments *a, void *value)
{
	struct sshd_net_block_size *size = value;
	const char *word = config_next(a);
	long long bits[2] = { 32, 128 };

	if (word == NULL)
		return ERR_CONFIG;
	if (split_numbers(word, bits, 2) == 0 || bits[0] > 32 || bits[1] > 128)
		return config_fault(a, "Invalid PerSourceNetBlockSize spec.");
	size->ipv4 = (int)bits[0];
	size->ipv6 = (int)bits[1];
	return 0;
}

static bool
format_net_block_size(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_net_block_size *size = value;

	if (n > 0)
		return false;
	buf_printf(out, "%d:%d", size->ipv4, size->ipv6);
	return true;
}

const struct config_kind config_kind_net_block_size = {
	.name = "net_block_size",
	.size = sizeof(struct sshd_net_block_size),
	.parse = parse_net_block_size,
	.format = format_net_block_size,
};

/* ---- PerSourcePenalties: yes, no, or word:value ... ---- */

/* Bits of sshd_penalties.given behind those of the times. */
enum {
	GIVEN_ON = SSHD_PENALTIES,
	GIVEN_SOURCES4,
	GIVEN_SOURCES6,
	GIVEN_OVERFLOW,
	GIVEN_OVERFLOW6,
	GIVEN_COUNT
};

static const struct {
	const char *word;
	double seconds;
} penalty_times[SSHD_PENALTIES] = {
	[SSHD_PENALTY_CRASH] = { "crash", 90 },
	[SSHD_PENALTY_AUTHFAIL] = { "authfail", 5 },
	[SSHD_PENALTY_NOAUTH] = { "noauth", 1 },
	[SSHD_PENALTY_INVALIDUSER] = { "invaliduser", 5 },
	[SSHD_PENALTY_GRACE_EXCEEDED] = { "grace-exceeded", 10 },
	[SSHD_PENALTY_REFUSECONNECTION] = { "refuseconnection", 10 },
	[SSHD_PENALTY_MAX] = { "max", 600 },
	[SSHD_PENALTY_MIN] = { "min", 15 },
};

#define MAX_SOURCES 65536

static struct sshd_penalties
default_penalties(void)
{
	struct sshd_penalties p = { .on = true,
		.max_sources4 = MAX_SOURCES,
		.max_sources6 = MAX_SOURCES };

	for (size_t i = 0; i < SSHD_PENALTIES; i++)
		p.seconds[i] = penalty_times[i].seconds;
	return p;
}

/* "90", "1m", "90.000000": seconds. */
static bool
parse_seconds(const char *text, double *ret)
{
	int64_t whole;
	char *end;

	if (text_to_seconds(text, &whole) == 0) {
		*ret = (double)whole;
		return whole <= INT32_MAX;
	}
	if (*text < '0' || *text > '9' ||
	    text[strspn(text, "0123456789.")] != '\0')
		return false;
	*ret = strtod(text, &end);
	return *end == '\0' && *ret <= (double)INT32_MAX;
}

static bool
parse_sources(const char *text, int *ret)
{
	long long number;

	if (!text_to_int(text, 1, INT32_MAX, &number))
		return false;
	*ret = (int)number;
	return true;
}

static bool
parse_overflow(const char *text, bool *ret)
{
	*ret = strcasecmp(text, "deny-all") == 0;
	return *ret || strcasecmp(text, "permissive") == 0;
}

/* One word:value; the number of its bit, or -1. */
static int
parse_penalty(const char *word, struct sshd_penalties *p)
{
	const char *value = strchr(word, ':');
	size_t len;

	if (value == NULL)
		return -1;
	len = (size_t)(value++ - word);
	for (int i = 0; i < SSHD_PENALTIES; i++)
		if (strlen(penalty_times[i].word) == len &&
		    strncasecmp(penalty_times[i].word, word, len) == 0)
			return parse_seconds(value, &p->seconds[i]) ? i : -1;
	if (strncasecmp(word, "max-sources4:", len + 1) == 0)
		return parse_sources(value, &p->max_sources4) ? GIVEN_SOURCES4
							      : -1;
	if (strncasecmp(word, "max-sources6:", len + 1) == 0)
		return parse_sources(value, &p->max_sources6) ? GIVEN_SOURCES6
							      : -1;
	if (strncasecmp(word, "overflow:", len + 1) == 0)
		return parse_overflow(value, &p->overflow_deny_all)
			   ? GIVEN_OVERFLOW
			   : -1;
	if (strncasecmp(word, "overflow6:", len + 1) == 0)
		return parse_overflow(value, &p->overflow6_deny_all)
			   ? GIVEN_OVERFLOW6
			   : -1;
	return -1;
}

static int
parse_penalties(struct config_arguments *a, void *value)
{
	struct sshd_penalties p = default_penalties();
	size_t count = 0;

	do {
		const char *word = config_next(a);
		int bit;

		if (word == NULL)
			return ERR_CONFIG;
		if (++count == 1 && config_parse_flag(word, &p.on))
			bit = GIVEN_ON;
		else
			bit = parse_penalty(word, &p);
		if (bit < 0)
			return config_fault(
			    a, "invalid PerSourcePenalties argument %s", word);
		/* Whoever names a price wants it paid. */
		p.given |= 1u << bit | 1u << GIVEN_ON;
	} while (config_has_next(a));
	*(struct sshd_penalties *)value = p;
	return 0;
}

/* Lines add up: of each word the first one counts. */
static int
append_penalties(void *to, void *value)
{
	struct sshd_penalties *p = to;
	const struct sshd_penalties *more = value;
	unsigned fresh;

	if (p->max_sources4 == 0)
		*p = default_penalties();
	fresh = more->given & ~p->given;
	for (unsigned i = 0; i < SSHD_PENALTIES; i++)
		if ((fresh >> i & 1) != 0)
			p->seconds[i] = more->seconds[i];
	if ((fresh >> GIVEN_ON & 1) != 0)
		p->on = more->on;
	if ((fresh >> GIVEN_SOURCES4 & 1) != 0)
		p->max_sources4 = more->max_sources4;
	if ((fresh >> GIVEN_SOURCES6 & 1) != 0)
		p->max_sources6 = more->max_sources6;
	if ((fresh >> GIVEN_OVERFLOW & 1) != 0)
		p->overflow_deny_all = more->overflow_deny_all;
	/* Without a word of its own, IPv6 follows. */
	if ((fresh >> GIVEN_OVERFLOW6 & 1) != 0)
		p->overflow6_deny_all = more->overflow6_deny_all;
	else if ((fresh >> GIVEN_OVERFLOW & 1) != 0 &&
		 (p->given >> GIVEN_OVERFLOW6 & 1) == 0)
		p->overflow6_deny_all = more->overflow_deny_all;
	p->given |= more->given;
	return 0;
}

static bool
format_penalties(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_penalties *p = value;

	if (n > 0)
		return false;
	if (!p->on) {
		buf_printf(out, "no");
		return true;
	}
	for (size_t i = 0; i < SSHD_PENALTIES; i++)
		buf_printf(out, "%s:%f ", penalty_times[i].word, p->seconds[i]);
	buf_printf(out,
	    "max-sources4:%d max-sources6:%d overflow:%s "
	    "overflow6:%s",
	    p->max_sources4, p->max_sources6,
	    p->overflow_deny_all ? "deny-all" : "permissive",
	    p->overflow6_deny_all ? "deny-all" : "permissive");
	return true;
}

const struct config_kind config_kind_penalties = {
	.name = "penalties",
	.size = sizeof(struct sshd_penalties),
	.parse = parse_penalties,
	.format = format_penalties,
	.append = append_penalties,
};

/* ---- PerSourcePenaltyExemptList: CIDR blocks ---- */

static int
parse_address_list(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (strcasecmp(word, "none") == 0)
		return 0;
	if (address_list_match(word, NULL, true) < -1)
		return config_fault(
		    a, "Invalid %s argument: %s", a->row->keyword, word);
	*(char **)value = strdup(word);
	return *(char **)value != NULL ? 0 : ERR_MEMORY;
}

const struct config_kind config_kind_address_list = {
	.name = "address_list",
	.size = sizeof(char *),
	.parse = parse_address_list,
	.format = config_format_string,
	.copy = config_copy_text,
	.release = config_release_text,
};
