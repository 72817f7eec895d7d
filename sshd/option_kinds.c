/*
 * option_kinds.c - kinds of values that only sshd_config has, but for those
 * of the listener.
 */
#include "sshd/option_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sshd/options.h"

/* ---- flags of what this build does not have: "yes" warns ---- */

static int
parse_unbuilt_flag(struct config_arguments *a, void *value)
{
	const char *word = config_next(a);
	bool on;

	if (word == NULL)
		return ERR_CONFIG;
	if (!config_parse_flag(word, &on))
		return config_fault(a, "unsupported option \"%s\".", word);
	if (on)
		snprintf(a->warning, sizeof(a->warning),
		    "Unsupported option %s", a->row->keyword);
	return 0; /* stays "no" */
}

static bool
format_unbuilt_flag(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	if (n > 0)
		return false;
	buf_printf(out, "no");
	return true;
}

const struct config_kind config_kind_unbuilt_flag = {
	.name = "unbuilt_flag",
	.size = sizeof(bool),
	.parse = parse_unbuilt_flag,
	.format = format_unbuilt_flag,
};

/* ---- lists of words with rules ---- */

/* check: says a fault about a word, or 0. */
static int
parse_checked_words(struct config_arguments *a, struct strings *list,
    int (*check)(struct config_arguments *a, const char *word, size_t n))
{
	size_t n = 0;
	int r;

	do {
		const char *word = config_next(a);

		if (word == NULL)
			return ERR_CONFIG;
		if ((r = check(a, word, n++)) != 0 ||
		    (r = strings_add(list, word)) != 0)
			return r;
	} while (config_has_next(a));
	return 0;
}

/* AllowUsers, DenyUsers: user[@host], the host also a CIDR block. */
static int
check_user_pattern(struct config_arguments *a, const char *word, size_t n)
{
	const char *at = strrchr(word, '@');

	if (at != NULL && address_list_match(at + 1, NULL, false) < -1)
		return config_fault(
		    a, "invalid %s pattern: \"%s\"", a->row->keyword, word);
	return 0;
}

static int
parse_user_patterns(struct config_arguments *a, void *value)
{
	return parse_checked_words(a, value, check_user_pattern);
}

const struct config_kind config_kind_user_patterns = {
	.name = "user_patterns",
	.size = sizeof(struct strings),
	.parse = parse_user_patterns,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = config_append_words,
	.release = config_release_words,
};

static int
check_env_name(struct config_arguments *a, const char *word, size_t n)
{
	if (strchr(word, '=') != NULL)
		return config_fault(a, "Invalid environment name.");
	return 0;
}

static int
parse_accept_env(struct config_arguments *a, void *value)
{
	return parse_checked_words(a, value, check_env_name);
}

const struct config_kind config_kind_accept_env = {
	.name = "accept_env",
	.size = sizeof(struct strings),
	.parse = parse_accept_env,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = config_append_words,
	.release = config_release_words,
};

/* AuthenticationMethods: lists of method[:device], or "any" alone. */

static bool
is_method(const char *name)
{
	static const char *const methods[] = { "publickey", "password",
		"keyboard-interactive", "hostbased", "gssapi-with-mic",
		"none" /* never enough: nobody logs in by it */ };
	size_t len = strcspn(name, ":");

	for (size_t i = 0; i < ARRAY_COUNT(methods); i++)
		if (strlen(methods[i]) == len &&
		    strncmp(methods[i], name, len) == 0)
			return name[len] == '\0' || name[len + 1] != '\0';
	return false;
}

static int
check_methods(struct config_arguments *a, const char *word, size_t n)
{
	struct strings list = STRINGS_INIT;
	int r;

	if (strcmp(word, "any") == 0) {
		if (a->words.count == 1)
			return 0;
		return config_fault(
		    a, "\"any\" must appear alone in AuthenticationMethods");
	}
	if ((r = strings_split(&list, word, ',')) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (!is_method(list.item[i]))
			r = config_fault(a,
			    "invalid AuthenticationMethods method list. "
			    "(unknown method \"%s\")",
			    list.item[i]);
	strings_release(&list);
	return r;
}

static int
parse_authentication_methods(struct config_arguments *a, void *value)
{
	return parse_checked_words(a, value, check_methods);
}

const struct config_kind config_kind_authentication_methods = {
	.name = "authentication_methods",
	.size = sizeof(struct strings),
	.parse = parse_authentication_methods,
	.format = config_format_words,
	.copy = config_copy_words,
	.release = config_release_words,
};

/* PermitOpen: host:port; PermitListen: [host:]port; port may be "*"; or
 * "any" or "none" alone. */

static int
check_permission(struct config_arguments *a, const char *word, bool need_host)
{
	const char *colon = strrchr(word, ':');
	const char *port = colon != NULL ? colon + 1 : word;
	int number;

	if ((strcmp(word, "any") == 0 || strcmp(word, "none") == 0) &&
	    a->words.count == 1)
		return 0;
	if ((need_host && (colon == NULL || colon == word)) ||
	    (strcmp(port, "*") != 0 &&
		config_parse_port(port, !need_host, &number) != 0))
		return config_fault(a, "%s bad port number", a->row->keyword);
	return 0;
}

static int
check_open(struct config_arguments *a, const char *word, size_t n)
{
	return check_permission(a, word, true);
}

static int
check_listen(struct config_arguments *a, const char *word, size_t n)
{
	return check_permission(a, word, false);
}

static int
parse_permit_open(struct config_arguments *a, void *value)
{
	return parse_checked_words(a, value, check_open);
}

static int
parse_permit_listen(struct config_arguments *a, void *value)
{
	return parse_checked_words(a, value, check_listen);
}

const struct config_kind config_kind_permit_open = {
	.name = "permit_open",
	.size = sizeof(struct strings),
	.parse = parse_permit_open,
	.format = config_format_words,
	.copy = config_copy_words,
	.release = config_release_words,
};

const struct config_kind config_kind_permit_listen = {
	.name = "permit_listen",
	.size = sizeof(struct strings),
	.parse = parse_permit_listen,
	.format = config_format_words,
	.copy = config_copy_words,
	.release = config_release_words,
};

/* ---- Subsystem: name command... ---- */

static void
release_subsystems(void *value)
{
	struct sshd_subsystems *list = value;

	for (size_t i = 0; i < list->count; i++) {
		free(list->item[i].name);
		free(list->item[i].command);
	}
	free(list->item);
	list->item = NULL;
	list->count = 0;
}

static bool
has_subsystem(const struct sshd_subsystems *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i].name, name) == 0)
			return true;
	return false;
}

/* Of a name, the first one stays. */
static int
add_subsystem(struct sshd_subsystems *list, const char *name, size_t name_len,
    const char *command)
{
	struct sshd_subsystem s;
	struct sshd_subsystem *grown;

	if (list->count >= CONFIG_MAX_LIST)
		return ERR_LIMIT;
	grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	list->item = grown;
	s.name = strndup(name, name_len);
	s.command = strdup(command);
	if (s.name == NULL || s.command == NULL) {
		free(s.name);
		free(s.command);
		return ERR_MEMORY;
	}
	list->item[list->count++] = s;
	return 0;
}

/* What of the global ones a block does not name stays in force. */
static int
merge_subsystems(void *to, const void *from)
{
	const struct sshd_subsystems *more = from;
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		if (!has_subsystem(to, more->item[i].name))
			r = add_subsystem(to, more->item[i].name,
			    strlen(more->item[i].name), more->item[i].command);
	return r;
}

static int
append_subsystems(void *to, void *value)
{
	return merge_subsystems(to, value);
}

static int
copy_subsystems(void *to, const void *from)
{
	return merge_subsystems(to, from);
}

static int
parse_subsystems(struct config_arguments *a, void *value)
{
	static const char blanks[] = " \t";
	size_t len = strcspn(a->rest, blanks);
	const char *command = a->rest + len + strspn(a->rest + len, blanks);

	if (*command == '\0')
		return config_fault(a, "Missing subsystem command.");
	return add_subsystem(value, a->rest, len, command);
}

static bool
format_subsystems(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_subsystems *list = value;

	if (n >= list->count)
		return false;
	buf_printf(out, "%s %s", list->item[n].name, list->item[n].command);
	return true;
}

const struct config_kind config_kind_subsystems = {
	.name = "subsystems",
	.size = sizeof(struct sshd_subsystems),
	.flags = CONFIG_KIND_REST,
	.parse = parse_subsystems,
	.format = format_subsystems,
	.copy = copy_subsystems,
	.append = append_subsystems,
	.release = release_subsystems,
	.merge = merge_subsystems,
};

/* ---- PermitUserEnvironment: yes, no, patterns ---- */

static int
parse_user_environment(struct config_arguments *a, void *value)
{
	struct sshd_user_environment *environment = value;
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	if (config_parse_flag(word, &environment->on))
		return 0;
	environment->on = true;
	environment->patterns = strdup(word);
	return environment->patterns != NULL ? 0 : ERR_MEMORY;
}

static bool
format_user_environment(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct sshd_user_environment *environment = value;

	if (n > 0)
		return false;
	if (environment->patterns != NULL)
		config_write_word(out, environment->patterns);
	else
		buf_printf(out, "%s", environment->on ? "yes" : "no");
	return true;
}

static int
copy_user_environment(void *to, const void *from)
{
	const struct sshd_user_environment *environment = from;
	struct sshd_user_environment *copy = to;

	copy->on = environment->on;
	return config_copy_text(&copy->patterns, &environment->patterns);
}

static void
release_user_environment(void *value)
{
	struct sshd_user_environment *environment = value;

	config_release_text(&environment->patterns);
}

const struct config_kind config_kind_user_environment = {
	.name = "user_environment",
	.size = sizeof(struct sshd_user_environment),
	.parse = parse_user_environment,
	.format = format_user_environment,
	.copy = copy_user_environment,
	.release = release_user_environment,
};

/* ---- PubkeyAuthOptions: none, or words that are bits ---- */

static const struct config_choice pubkey_auth_words[] = {
	{ "touch-required", PUBKEY_AUTH_TOUCH_REQUIRED },
	{ "verify-required", PUBKEY_AUTH_VERIFY_REQUIRED }, { NULL, 0 }
};

static int
parse_pubkey_auth_options(struct config_arguments *a, void *value)
{
	int *bits = value;

	do {
		const struct config_choice *c = pubkey_auth_words;
		const char *word = config_next(a);

		if (word == NULL)
			return ERR_CONFIG;
		if (strcasecmp(word, "none") == 0)
			continue;
		while (c->name != NULL && strcasecmp(c->name, word) != 0)
			c++;
		if (c->name == NULL)
			return config_fault(
			    a, "unsupported PubkeyAuthOptions option %s", word);
		*bits |= c->value;
	} while (config_has_next(a));
	return 0;
}

static bool
format_pubkey_auth_options(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	int bits = *(const int *)value;

	if (n > 0)
		return false;
	if (bits == 0)
		buf_printf(out, "none");
	for (const struct config_choice *c = pubkey_auth_words; c->name != NULL;
	     c++) {
		if ((bits & c->value) == 0)
			continue;
		bits &= ~c->value;
		buf_printf(out, "%s%s", c->name, bits != 0 ? " " : "");
	}
	return true;
}

const struct config_kind config_kind_pubkey_auth_options = {
	.name = "pubkey_auth_options",
	.size = sizeof(int),
	.parse = parse_pubkey_auth_options,
	.format = format_pubkey_auth_options,
};

/* ---- commands that root runs: by an absolute path ---- */

static int
parse_absolute_command(struct config_arguments *a, void *value)
{
	if (strcasecmp(a->rest, "none") == 0)
		return 0;
	if (*a->rest != '/' && *a->rest != '"')
		return config_fault(
		    a, "%s must be an absolute path", a->row->keyword);
	*(char **)value = strdup(a->rest);
	return *(char **)value != NULL ? 0 : ERR_MEMORY;
}

const struct config_kind config_kind_absolute_command = {
	.name = "absolute_command",
	.size = sizeof(char *),
	.flags = CONFIG_KIND_REST,
	.parse = parse_absolute_command,
	.format = config_format_rest,
	.copy = config_copy_text,
	.release = config_release_text,
};
