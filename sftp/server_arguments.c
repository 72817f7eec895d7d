/*
 * server_arguments.c - the flags of sftp-server(8).
 */
#include "sftp/server_arguments.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/config/config.h"
#include "sftp/protocol.h"

#define ALL_REQUESTS (~(uint64_t)0)

static const struct {
	const char *name;
	int value;
} facilities[] = {
	{ "DAEMON", LOG_DAEMON },
	{ "USER", LOG_USER },
	{ "AUTH", LOG_AUTH },
	{ "AUTHPRIV", LOG_AUTHPRIV },
	{ "LOCAL0", LOG_LOCAL0 },
	{ "LOCAL1", LOG_LOCAL1 },
	{ "LOCAL2", LOG_LOCAL2 },
	{ "LOCAL3", LOG_LOCAL3 },
	{ "LOCAL4", LOG_LOCAL4 },
	{ "LOCAL5", LOG_LOCAL5 },
	{ "LOCAL6", LOG_LOCAL6 },
	{ "LOCAL7", LOG_LOCAL7 },
};

static int
parse_facility(const char *text, int *ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_COUNT(facilities); i++) {
		if (strcasecmp(text, facilities[i].name) != 0)
			continue;
		*ret = facilities[i].value;
		return 0;
	}
	return error_set(e, ERR_ARGUMENT, "Invalid log facility \"%s\"", text);
}

static int
parse_umask(const char *text, struct sftp_server_options *o, struct error *e)
{
	unsigned value = 0;
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '7' || len > 4)
			len = 0;
		else
			value = value * 8 + (unsigned)(text[i] - '0');
	}
	if (len == 0 || value > 0777)
		return error_set(e, ERR_ARGUMENT, "Invalid umask \"%s\"", text);
	o->umask = (mode_t)value;
	o->has_umask = true;
	return 0;
}

/* Requests that do what another one does: who denies that one means these as
 * well. Digests of single bytes are the bytes. */
static uint64_t
with_equals(uint64_t denied)
{
	static const struct {
		enum sftp_kind denied, also;
	} rows[] = {
		{ SFTP_READ, SFTP_CHECK_HANDLE },
		{ SFTP_READ, SFTP_CHECK_NAME },
		{ SFTP_READ, SFTP_CHECK_FILE },
		{ SFTP_OPEN, SFTP_CHECK_NAME },
		{ SFTP_READ, SFTP_COPY_DATA },
		{ SFTP_WRITE, SFTP_COPY_DATA },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if ((denied >> rows[i].denied & 1) != 0)
			denied |= (uint64_t)1 << rows[i].also;
	return denied;
}

/* A misspelled name would allow what was to be denied. */
static int
parse_requests(const char *list, uint64_t *bits, struct error *e)
{
	struct span rest = span_text(list), name;

	while (list_next(&rest, &name)) {
		enum sftp_kind kind = sftp_kind_of_name(name);

		if (kind == SFTP_KIND_COUNT)
			return error_set(e, ERR_ARGUMENT,
			    "Unknown request \"%.*s\": see sftp-server -Q "
			    "requests",
			    (int)name.len, (const char *)name.ptr);
		*bits |= (uint64_t)1 << kind;
	}
	return 0;
}

static int
parse_level(const char *text, enum log_level *ret, struct error *e)
{
	if (log_level_parse(text, ret))
		return 0;
	return error_set(e, ERR_ARGUMENT, "Invalid log level \"%s\"", text);
}

static int
set_start(struct sftp_server_options *o, const char *text, struct error *e)
{
	free(o->start_directory);
	o->start_directory = strdup(text);
	return o->start_directory != NULL
		   ? 0
		   : error_set(e, ERR_MEMORY, "out of memory");
}

static int
apply_flag(struct sftp_server_options *o, int flag,
    enum sftp_server_action *action, struct error *e)
{
	switch (flag) {
	case 'R':
		o->read_only = true;
		return 0;
	case 'e':
		o->log_to_stderr = true;
		return 0;
	case 'd':
		return set_start(o, optarg, e);
	case 'f':
		return parse_facility(optarg, &o->log_facility, e);
	case 'l':
		return parse_level(optarg, &o->log_level, e);
	case 'u':
		return parse_umask(optarg, o, e);
	case 'P':
		return parse_requests(optarg, &o->denied, e);
	case 'p':
		if (o->allowed == ALL_REQUESTS)
			o->allowed = 0;
		return parse_requests(optarg, &o->allowed, e);
	case 'Q':
		*action = SFTP_SERVER_QUERY_REQUESTS;
		if (strcmp(optarg, "requests") == 0)
			return 0;
		return error_set(
		    e, ERR_ARGUMENT, "Invalid query type \"%s\"", optarg);
	case 'c': /* once a cipher; old command lines have it */
		return 0;
	default:
		*action = SFTP_SERVER_USAGE;
		return 0;
	}
}

int
sftp_server_arguments(int argc, char **argv, struct sftp_server_options *ret,
    enum sftp_server_action *ret_action, struct error *e)
{
	struct sftp_server_options o = { .allowed = ALL_REQUESTS,
		.log_level = LOG_LEVEL_ERROR,
		.log_facility = LOG_AUTH };
	enum sftp_server_action action = SFTP_SERVER_RUN;
	int flag, r = 0;

	opterr = 0;
	optind = 0; /* glibc: from the start, again */
	while (r == 0 && action != SFTP_SERVER_USAGE &&
	       (flag = getopt(argc, argv, "+:d:f:l:P:p:Q:u:cehR")) != -1)
		r = apply_flag(&o, flag, &action, e);
	/* Words behind the flags mean nothing: `scp -D` has them there. */
	if (r != 0) {
		sftp_server_options_release(&o);
		return r;
	}
	o.denied = with_equals(o.denied);
	*ret = o;
	*ret_action = action;
	return 0;
}

void
sftp_server_options_release(struct sftp_server_options *o)
{
	free(o->start_directory);
	o->start_directory = NULL;
}

/* ---- words ---- */

/* One word from *at on; blanks in front of it are gone already. */
static int
take_word(const char **at, struct strings *ret)
{
	struct buf word = BUF_INIT;
	bool quoted = false;
	const char *p = *at;
	char *text;

	for (; *p != '\0' && (quoted || !isblank((unsigned char)*p)); p++) {
		if (*p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*p == '\\' &&
		    (p[1] == '"' || p[1] == '\\' || (!quoted && p[1] == ' ')))
			p++;
		write_byte(&word, (uint8_t)*p);
	}
	*at = p;
	if ((text = buf_take_text(&word)) == NULL)
		return ERR_MEMORY;
	return strings_take(ret, text);
}

int
sftp_server_words(const char *line, struct strings *ret)
{
	int r;

	for (;;) {
		while (isblank((unsigned char)*line))
			line++;
		if (*line == '\0')
			return 0;
		if ((r = take_word(&line, ret)) != 0)
			return r;
	}
}

/* ---- where to start ---- */

char *
sftp_server_start(const struct sftp_server_options *o, const char *user,
    const char *home, struct error *e)
{
	struct config_tokens tokens = { { NULL } };
	char *path = NULL, *joined;

	if (o->start_directory == NULL) {
		if ((path = strdup(home)) == NULL)
			error_set(e, ERR_MEMORY, "out of memory");
		return path;
	}
	tokens.value['d'] = home;
	tokens.value['u'] = user;
	if (config_expand(
		o->start_directory, &tokens, "du", false, NULL, &path, e) != 0)
		return NULL;
	if (path[0] == '/')
		return path;
	joined = path_join(home, path);
	free(path);
	if (joined == NULL)
		error_set(e, ERR_MEMORY, "out of memory");
	return joined;
}
