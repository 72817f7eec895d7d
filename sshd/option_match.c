/*
 * option_match.c - the conditions of sshd_config, and who may log in.
 */
#include "sshd/option_match.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* What scripts take us for. */
#define VERSION_COMPATIBLE "OpenSSH_10.5p1"

/* Groups of one user that are looked at. */
#define GROUPS_MAX 65536

enum criterion {
	CRITERION_ALL,
	CRITERION_USER,
	CRITERION_GROUP,
	CRITERION_HOST,
	CRITERION_ADDRESS,
	CRITERION_LOCALADDRESS,
	CRITERION_LOCALPORT,
	CRITERION_RDOMAIN,
	CRITERION_VERSION,
	CRITERION_INVALID_USER
};

const struct config_criterion sshd_criteria[] = {
	[CRITERION_ALL] = { "all", false, false },
	[CRITERION_USER] = { "user", true, false },
	[CRITERION_GROUP] = { "group", true, false },
	[CRITERION_HOST] = { "host", true, false },
	[CRITERION_ADDRESS] = { "address", true, false },
	[CRITERION_LOCALADDRESS] = { "localaddress", true, false },
	[CRITERION_LOCALPORT] = { "localport", true, false },
	[CRITERION_RDOMAIN] = { "rdomain", true, false },
	[CRITERION_VERSION] = { "version", true, false },
	[CRITERION_INVALID_USER] = { "invalid-user", false, false },
	{ NULL, false, false },
};

/* ---- facts against lists ---- */

static bool
list_matches(const char *list, const char *text)
{
	return text != NULL && pattern_list_match(list, text, false) == 1;
}

static bool
host_matches(const char *list, const char *host)
{
	char *lower;
	bool yes;

	if (host == NULL || (lower = text_lower(host)) == NULL)
		return false;
	yes = pattern_list_match(list, lower, true) == 1;
	free(lower);
	return yes;
}

static bool
address_matches(const char *list, const char *text)
{
	struct address a;

	return text != NULL && address_parse(text, &a) == 0 &&
	       address_list_match(list, &a, false) == 1;
}

/* Is port in the comma list? port 0: is the list one of ports? */
static bool
port_matches(const char *list, int port)
{
	struct strings items = STRINGS_INIT;
	bool matches = port == 0;

	if (strings_split(&items, list, ',') != 0)
		return false;
	for (size_t i = 0; i < items.count; i++) {
		int number = -1;

		if (config_parse_port(items.item[i], false, &number) != 0 &&
		    port == 0)
			matches = false;
		if (port != 0 && number == port)
			matches = true;
	}
	strings_release(&items);
	return matches;
}

/* The names of gid are tried; a negated pattern wins over all. */
static int
group_matches(gid_t gid, const char *list)
{
	struct group *group = getgrgid(gid);

	return group != NULL ? pattern_list_match(list, group->gr_name, false)
			     : 0;
}

static bool
system_in_group(const char *user, const char *list)
{
	struct passwd *pw = getpwnam(user);
	gid_t *groups = NULL;
	int count = 32;
	int found = 0;

	if (pw == NULL)
		return false;
	for (;;) {
		gid_t *grown = realloc(groups, (size_t)count * sizeof(*grown));
		int room = count;

		if (grown == NULL || count > GROUPS_MAX) {
			free(grown != NULL ? grown : groups);
			return false;
		}
		groups = grown;
		if (getgrouplist(user, pw->pw_gid, groups, &count) >= 0)
			break;
		if (count <= room)
			count = 2 * room;
	}
	for (int i = 0; i < count && found >= 0; i++) {
		int r = group_matches(groups[i], list);

		found = r < 0 ? r : found | r;
	}
	free(groups);
	return found == 1;
}

static bool
in_group(const struct sshd_match_context *m, const char *list)
{
	if (m->user == NULL || m->invalid_user)
		return false;
	if (m->in_group != NULL)
		return m->in_group(m->context, m->user, list);
	return system_in_group(m->user, list);
}

/* ---- criteria ---- */

static int
check_argument(size_t criterion, const char *argument, struct error *e)
{
	const char *name = sshd_criteria[criterion].name;

	if (argument == NULL)
		return 0;
	/* An empty routing domain is one: the default one. */
	if (*argument == '\0' && criterion != CRITERION_RDOMAIN)
		return error_set(
		    e, ERR_CONFIG, "Missing Match criteria for %s", name);
	if ((criterion == CRITERION_ADDRESS ||
		criterion == CRITERION_LOCALADDRESS) &&
	    address_list_match(argument, NULL, false) < -1)
		return error_set(e, ERR_CONFIG,
		    "Invalid Match %s argument '%s'", name, argument);
	if (criterion == CRITERION_LOCALPORT && !port_matches(argument, 0))
		return error_set(e, ERR_CONFIG,
		    "Invalid LocalPort '%s' on Match line", argument);
	return 0;
}

static int
local_port_matches(
    const struct sshd_match_context *m, const char *list, struct error *e)
{
	if (m->lport == 0 && m->testing)
		return error_set(e, ERR_CONFIG,
		    "'Match LocalPort' in configuration but 'lport' not in "
		    "connection test specification.");
	return m->lport != 0 && port_matches(list, m->lport);
}

int
sshd_criterion_matches(void *context, size_t criterion, bool negated,
    const char *argument, bool decide, struct error *e)
{
	const struct sshd_match_context *m = context;
	int r;

	if ((r = check_argument(criterion, argument, e)) != 0)
		return r;
	if (!decide || m == NULL)
		return 0;
	switch ((enum criterion)criterion) {
	case CRITERION_ALL:
		return 1;
	case CRITERION_USER:
		return list_matches(argument, m->user);
	case CRITERION_GROUP:
		return in_group(m, argument);
	case CRITERION_HOST:
		return host_matches(argument, m->host);
	case CRITERION_ADDRESS:
		return address_matches(argument, m->address);
	case CRITERION_LOCALADDRESS:
		return address_matches(argument, m->laddress);
	case CRITERION_LOCALPORT:
		return local_port_matches(m, argument, e);
	case CRITERION_RDOMAIN:
		return list_matches(
		    argument, m->rdomain != NULL ? m->rdomain : "");
	case CRITERION_VERSION:
		return list_matches(argument, VERSION_COMPATIBLE);
	case CRITERION_INVALID_USER:
		return m->invalid_user;
	}
	return 0;
}

/* ---- -C ---- */

struct spec_field {
	const char *name;
	size_t offset;
};

static const struct spec_field spec_fields[] = {
	{ "addr", offsetof(struct sshd_match_context, address) },
	{ "host", offsetof(struct sshd_match_context, host) },
	{ "user", offsetof(struct sshd_match_context, user) },
	{ "laddr", offsetof(struct sshd_match_context, laddress) },
	{ "rdomain", offsetof(struct sshd_match_context, rdomain) },
};

static int
bad_spec(const char *part, struct error *e)
{
	return error_set(
	    e, ERR_ARGUMENT, "Invalid test mode specification %s", part);
}

static int
parse_spec_part(const char *part, struct sshd_match_context *m,
    struct strings *text, struct error *e)
{
	const char *equals = strchr(part, '=');
	size_t len;
	int r;

	if (strcmp(part, "invalid-user") == 0) {
		m->invalid_user = true;
		return 0;
	}
	if (equals == NULL)
		return bad_spec(part, e);
	len = (size_t)(equals - part);
	if (len == 5 && memcmp(part, "lport", len) == 0) {
		if (config_parse_port(equals + 1, false, &m->lport) != 0)
			return error_set(e, ERR_ARGUMENT,
			    "Invalid port '%s' in test mode specification %s",
			    equals + 1, part);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_COUNT(spec_fields); i++) {
		const struct spec_field *f = &spec_fields[i];
		const char *value;

		if (strlen(f->name) != len || memcmp(f->name, part, len) != 0)
			continue;
		if ((r = strings_add(text, equals + 1)) != 0)
			return r;
		value = text->item[text->count - 1];
		memcpy((char *)m + f->offset, &value, sizeof(value));
		return 0;
	}
	return bad_spec(part, e);
}

int
sshd_match_parse(const char *spec, struct sshd_match_context *m,
    struct strings *ret_text, struct error *e)
{
	struct strings parts = STRINGS_INIT;
	int r = strings_split(&parts, spec, ',');

	m->testing = true;
	for (size_t i = 0; r == 0 && i < parts.count; i++)
		if (*parts.item[i] != '\0')
			r = parse_spec_part(parts.item[i], m, ret_text, e);
	strings_release(&parts);
	return r;
}

/* ---- lists of patterns ---- */

bool
sshd_patterns_match(const struct strings *patterns, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < patterns->count; i++) {
		int r = pattern_list_match(patterns->item[i], name, false);

		if (r < 0)
			return false;
		found = found || r == 1;
	}
	return found;
}

/* 1, 0, -1 (negated) for one user[@host]. */
static int
user_pattern_match(const char *pattern, const char *user, const char *host,
    const char *address)
{
	const char *at = strrchr(pattern, '@');
	char *name;
	int r;

	if (at == NULL)
		return pattern_list_match(pattern, user, false);
	if ((name = strndup(pattern, (size_t)(at - pattern))) == NULL)
		return 0;
	r = pattern_list_match(name, user, false);
	free(name);
	if (r != 0 && !address_matches(at + 1, address) &&
	    !host_matches(at + 1, host))
		r = 0;
	return r;
}

bool
sshd_user_patterns_match(const struct strings *patterns, const char *user,
    const char *host, const char *address)
{
	bool found = false;

	for (size_t i = 0; i < patterns->count; i++) {
		int r =
		    user_pattern_match(patterns->item[i], user, host, address);

		if (r < 0)
			return false;
		found = found || r == 1;
	}
	return found;
}
