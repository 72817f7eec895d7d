/*
 * ssh_kinds.c - kinds of values about SSH that both programs have: rekeying,
 * quality of service, timeouts of channels, environment, logging.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "common/base/log.h"
#include "common/config/internal.h"

/* ---- RekeyLimit ---- */

#define REKEY_BYTES_MIN 16

static int
parse_rekey_limit(struct config_arguments *a, void *value)
{
	struct config_rekey_limit *limit = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (strcasecmp(word, "default") != 0) {
		if (text_to_bytes(word, &limit->bytes) != 0)
			return config_fault(
			    a, "Bad number '%s': invalid value", word);
		if (limit->bytes != 0 && limit->bytes < REKEY_BYTES_MIN)
			return config_fault(a, "RekeyLimit too small");
	}
	if (!config_has_next(a))
		return 0;
	if ((word = config_next(a)) == NULL)
		return ERR_CONFIG;
	if (strcasecmp(word, "none") == 0)
		return 0;
	if (text_to_seconds(word, &limit->seconds) != 0 ||
	    limit->seconds > INT32_MAX)
		return config_fault(a, "invalid time value.");
	return 0;
}

static bool
format_rekey_limit(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_rekey_limit *limit = value;

	if (n > 0)
		return false;
	buf_printf(out, "%llu %lld", (unsigned long long)limit->bytes,
	    (long long)limit->seconds);
	return true;
}

const struct config_kind config_kind_rekey_limit = {
	.name = "rekey_limit",
	.size = sizeof(struct config_rekey_limit),
	.parse = parse_rekey_limit,
	.format = format_rekey_limit,
};

/* ---- IPQoS (RFC 2474, 2597, 3246, 8622): DSCP in the TOS byte ---- */

static const struct config_choice qos_names[] = { { "af11", 0x28 },
	{ "af12", 0x30 }, { "af13", 0x38 }, { "af21", 0x48 }, { "af22", 0x50 },
	{ "af23", 0x58 }, { "af31", 0x68 }, { "af32", 0x70 }, { "af33", 0x78 },
	{ "af41", 0x88 }, { "af42", 0x90 }, { "af43", 0x98 }, { "cs0", 0x00 },
	{ "cs1", 0x20 }, { "cs2", 0x40 }, { "cs3", 0x60 }, { "cs4", 0x80 },
	{ "cs5", 0xa0 }, { "cs6", 0xc0 }, { "cs7", 0xe0 }, { "ef", 0xb8 },
	{ "le", 0x04 }, { "va", 0xb0 }, { "none", CONFIG_IPQOS_NONE },
	/* The names of RFC 1349 no longer mean anything to the network. */
	{ "lowdelay", CONFIG_IPQOS_NONE }, { "throughput", CONFIG_IPQOS_NONE },
	{ "reliability", CONFIG_IPQOS_NONE }, { NULL, 0 } };

static bool
parse_qos(const char *word, int *ret)
{
	char *end;
	long number;

	for (const struct config_choice *c = qos_names; c->name != NULL; c++) {
		if (strcasecmp(c->name, word) == 0) {
			*ret = c->value;
			return true;
		}
	}
	number = strtol(word, &end, 0);
	if (*word < '0' || *word > '9' || *end != '\0' || number < 0 ||
	    number > 255)
		return false;
	*ret = (int)number;
	return true;
}

static int
parse_ipqos(struct config_arguments *a, void *value)
{
	struct config_ipqos *qos = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (!parse_qos(word, &qos->interactive))
		return config_fault(a, "Bad IPQoS value: %s", word);
	qos->bulk = qos->interactive;
	if (!config_has_next(a))
		return 0;
	if ((word = config_next(a)) == NULL)
		return ERR_CONFIG;
	if (!parse_qos(word, &qos->bulk))
		return config_fault(a, "Bad IPQoS value: %s", word);
	return 0;
}

static void
write_qos(struct buf *out, int value)
{
	for (const struct config_choice *c = qos_names; c->name != NULL; c++) {
		if (c->value == value) {
			buf_printf(out, "%s", c->name);
			return;
		}
	}
	buf_printf(out, "0x%02x", (unsigned)value);
}

static bool
format_ipqos(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_ipqos *qos = value;

	if (n > 0)
		return false;
	write_qos(out, qos->interactive);
	write_byte(out, ' ');
	write_qos(out, qos->bulk);
	return true;
}

const struct config_kind config_kind_ipqos = {
	.name = "ipqos",
	.size = sizeof(struct config_ipqos),
	.parse = parse_ipqos,
	.format = format_ipqos,
};

/* ---- ChannelTimeout: type=time ... ---- */

static void
release_timeouts(void *value)
{
	struct config_timeouts *list = value;

	for (size_t i = 0; i < list->count; i++)
		free(list->item[i].type);
	free(list->item);
	list->item = NULL;
	list->count = 0;
}

static int
add_timeout(
    struct config_timeouts *list, const char *type, size_t len, int64_t seconds)
{
	struct config_timeout *grown;

	if (list->count >= CONFIG_MAX_LIST)
		return ERR_LIMIT;
	grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	list->item = grown;
	grown[list->count].seconds = seconds;
	grown[list->count].type = strndup(type, len);
	if (grown[list->count].type == NULL)
		return ERR_MEMORY;
	list->count++;
	return 0;
}

static int
copy_timeouts(void *to, const void *from)
{
	const struct config_timeouts *list = from;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = add_timeout(to, list->item[i].type,
		    strlen(list->item[i].type), list->item[i].seconds);
	return r;
}

static int
parse_timeouts(struct config_arguments *a, void *value)
{
	size_t count = 0;
	int r;

	do {
		const char *word = config_next(a);
		const char *equals;
		int64_t seconds;

		if (word == NULL)
			return ERR_CONFIG;
		if (++count == 1 && strcasecmp(word, "none") == 0 &&
		    !config_has_next(a))
			return 0;
		equals = strchr(word, '=');
		if (equals == NULL || equals == word ||
		    text_to_seconds(equals + 1, &seconds) != 0 ||
		    seconds > INT32_MAX)
			return config_fault(
			    a, "invalid channel timeout %s", word);
		r = add_timeout(value, word, (size_t)(equals - word), seconds);
		if (r != 0)
			return r;
	} while (config_has_next(a));
	return 0;
}

static bool
format_timeouts(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_timeouts *list = value;

	if (n > 0 || list->count == 0)
		return false;
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, "%s%s=%lld", i > 0 ? " " : "",
		    list->item[i].type, (long long)list->item[i].seconds);
	return true;
}

const struct config_kind config_kind_timeouts = {
	.name = "timeouts",
	.size = sizeof(struct config_timeouts),
	.parse = parse_timeouts,
	.format = format_timeouts,
	.copy = copy_timeouts,
	.release = release_timeouts,
};

/* ---- SetEnv: NAME=VALUE ...; the first of a repeated name counts ---- */

static bool
has_name(const struct strings *list, const char *word, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->item[i], word, len + 1) == 0)
			return true;
	return false;
}

static int
parse_set_env(struct config_arguments *a, void *value)
{
	do {
		const char *word = config_next(a);
		const char *equals;
		int r;

		if (word == NULL)
			return ERR_CONFIG;
		equals = strchr(word, '=');
		if (equals == NULL || equals == word)
			return config_fault(a, "%s",
			    a->table->server ? "Invalid environment."
					     : "Invalid SetEnv.");
		if (has_name(value, word, (size_t)(equals - word)))
			continue;
		if ((r = strings_add(value, word)) != 0)
			return r;
	} while (config_has_next(a));
	return 0;
}

const struct config_kind config_kind_set_env = {
	.name = "set_env",
	.size = sizeof(struct strings),
	.parse = parse_set_env,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = config_append_words,
	.release = config_release_words,
};

/* ---- logging ---- */

static int
parse_log_level(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	enum log_level level;

	if (word == NULL)
		return ERR_CONFIG;
	if (!log_level_parse(word, &level))
		return config_fault(a, "unsupported log level '%s'", word);
	*(int *)value = (int)level;
	return 0;
}

static bool
format_log_level(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	enum log_level level = (enum log_level) * (const int *)value;

	if (n > 0)
		return false;
	/* It has two names; ssh -G says the first one. */
	buf_printf(out, "%s",
	    level == LOG_LEVEL_DEBUG1 ? "DEBUG" : log_level_name(level));
	return true;
}

const struct config_kind config_kind_log_level = {
	.name = "log_level",
	.size = sizeof(int),
	.parse = parse_log_level,
	.format = format_log_level,
};

static const struct config_choice facilities[] = { { "DAEMON", LOG_DAEMON },
	{ "USER", LOG_USER }, { "AUTH", LOG_AUTH },
	{ "AUTHPRIV", LOG_AUTHPRIV }, { "LOCAL0", LOG_LOCAL0 },
	{ "LOCAL1", LOG_LOCAL1 }, { "LOCAL2", LOG_LOCAL2 },
	{ "LOCAL3", LOG_LOCAL3 }, { "LOCAL4", LOG_LOCAL4 },
	{ "LOCAL5", LOG_LOCAL5 }, { "LOCAL6", LOG_LOCAL6 },
	{ "LOCAL7", LOG_LOCAL7 }, { NULL, 0 } };

static int
parse_facility(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	for (const struct config_choice *c = facilities; c->name != NULL; c++) {
		if (strcasecmp(c->name, word) == 0) {
			*(int *)value = c->value;
			return 0;
		}
	}
	return config_fault(a, "unsupported log facility '%s'", word);
}

static bool
format_facility(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct config_choice *c = facilities;

	while (c->name != NULL && c->value != *(const int *)value)
		c++;
	if (n > 0 || c->name == NULL)
		return false;
	buf_printf(out, "%s", c->name);
	return true;
}

const struct config_kind config_kind_facility = {
	.name = "facility",
	.size = sizeof(int),
	.parse = parse_facility,
	.format = format_facility,
};
