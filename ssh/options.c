/*
 * options.c - loading, completing and printing the options of ssh.
 */
#include "ssh/options.h"

#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "common/transport/algorithm_names.h"
#include "ssh/option_kinds.h"
#include "ssh/option_match.h"

/* ---- the table ---- */

#define F(name) CONFIG_##name
/* clang-format off */
#define TOKENS_COMMON "CdhijkLlnpru"
#define TOKENS_USER   "dhijkLlnpu"

static const struct config_choice choices_address_family[] = {
	{ "any", ADDRESS_FAMILY_ANY },
	{ "inet", ADDRESS_FAMILY_INET },
	{ "inet6", ADDRESS_FAMILY_INET6 },
	{ NULL, 0 }
};
/* Where there is an enumeration, the dump says true and false. */
static const struct config_choice choices_canonicalize[] = {
	{ "true", CANONICALIZE_HOSTNAME_YES },
	{ "false", CANONICALIZE_HOSTNAME_NO },
	{ "yes", CANONICALIZE_HOSTNAME_YES },
	{ "no", CANONICALIZE_HOSTNAME_NO },
	{ "none", CANONICALIZE_HOSTNAME_NO },
	{ "always", CANONICALIZE_HOSTNAME_ALWAYS },
	{ NULL, 0 }
};
static const struct config_choice choices_control_master[] = {
	{ "true", CONTROL_MASTER_YES },
	{ "false", CONTROL_MASTER_NO },
	{ "yes", CONTROL_MASTER_YES },
	{ "no", CONTROL_MASTER_NO },
	{ "auto", CONTROL_MASTER_AUTO },
	{ "ask", CONTROL_MASTER_ASK },
	{ "autoask", CONTROL_MASTER_AUTO_ASK },
	{ NULL, 0 }
};
static const struct config_choice choices_fingerprint[] = {
	{ "SHA256", FINGERPRINT_HASH_SHA256 },
	{ "MD5", FINGERPRINT_HASH_MD5 },
	{ NULL, 0 }
};
static const struct config_choice choices_pubkey_authentication[] = {
	{ "true", PUBKEY_AUTHENTICATION_YES },
	{ "false", PUBKEY_AUTHENTICATION_NO },
	{ "yes", PUBKEY_AUTHENTICATION_YES },
	{ "no", PUBKEY_AUTHENTICATION_NO },
	{ "unbound", PUBKEY_AUTHENTICATION_UNBOUND },
	{ "host-bound", PUBKEY_AUTHENTICATION_HOST_BOUND },
	{ NULL, 0 }
};
static const struct config_choice choices_request_tty[] = {
	{ "true", REQUEST_TTY_YES },
	{ "false", REQUEST_TTY_NO },
	{ "yes", REQUEST_TTY_YES },
	{ "no", REQUEST_TTY_NO },
	{ "force", REQUEST_TTY_FORCE },
	{ "auto", REQUEST_TTY_AUTO },
	{ NULL, 0 }
};
static const struct config_choice choices_session_type[] = {
	{ "default", SESSION_TYPE_DEFAULT },
	{ "none", SESSION_TYPE_NONE },
	{ "subsystem", SESSION_TYPE_SUBSYSTEM },
	{ NULL, 0 }
};
static const struct config_choice choices_strict[] = {
	{ "true", STRICT_HOST_KEY_CHECKING_YES },
	{ "false", STRICT_HOST_KEY_CHECKING_NO },
	{ "yes", STRICT_HOST_KEY_CHECKING_YES },
	{ "no", STRICT_HOST_KEY_CHECKING_NO },
	{ "off", STRICT_HOST_KEY_CHECKING_NO },
	{ "ask", STRICT_HOST_KEY_CHECKING_ASK },
	{ "accept-new", STRICT_HOST_KEY_CHECKING_ACCEPT_NEW },
	{ NULL, 0 }
};
static const struct config_choice choices_tunnel[] = {
	{ "point-to-point", TUNNEL_POINT_TO_POINT },
	{ "ethernet", TUNNEL_ETHERNET },
	{ "false", TUNNEL_NO },
	{ "no", TUNNEL_NO },
	{ "true", TUNNEL_POINT_TO_POINT },
	{ "yes", TUNNEL_POINT_TO_POINT },
	{ NULL, 0 }
};
static const struct config_choice choices_no_yes_ask[] = {
	{ "true", NYA_YES },
	{ "false", NYA_NO },
	{ "yes", NYA_YES },
	{ "no", NYA_NO },
	{ "ask", NYA_ASK },
	{ NULL, 0 }
};
static const struct config_choice choices_warn_weak[] = {
	{ "yes", WARN_WEAK_CRYPTO_YES },
	{ "no", WARN_WEAK_CRYPTO_NO },
	{ "true", WARN_WEAK_CRYPTO_YES },
	{ "false", WARN_WEAK_CRYPTO_NO },
	{ "no-pq-kex", WARN_WEAK_CRYPTO_NO_PQ_KEX },
	{ NULL, 0 }
};

static const struct config_range range_int = { 0, INT32_MAX };
static const struct config_range range_positive = { 1, INT32_MAX };
static const enum config_family family_ciphers = CONFIG_CIPHERS;
static const enum config_family family_macs = CONFIG_MACS;
static const enum config_family family_kex = CONFIG_KEX;
static const enum config_family family_signatures = CONFIG_SIGNATURES;
static const enum config_family family_user_signatures = CONFIG_USER_SIGNATURES;
static const enum config_family family_ca_signatures = CONFIG_CA_SIGNATURES;

static const struct config_row rows[] = {
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later) \
	{ #keyword, &config_kind_##kind, offsetof(struct ssh_options, field), \
	    fallback, flags, tokens, extra, later },
#include "ssh/options.def"
};

static const struct config_name names[] = {
#define OTHER(keyword, what, of) { #keyword, CONFIG_##what, #of },
#include "ssh/options.def"
	{ NULL, CONFIG_IGNORED, NULL }
};
/* clang-format on */

_Static_assert(SSH_OPTIONS_COUNT <= 64 * CONFIG_SET_WORDS, "bitmap too small");

static const struct config_table plain_table = {
	.rows = rows,
	.count = ARRAY_COUNT(rows),
	.size = sizeof(struct ssh_options),
	.set_offset = offsetof(struct ssh_options, set),
	.names = names,
	.criteria = ssh_criteria,
};

/* The table with the names of algorithms, for what parses values. */
struct full_table {
	struct config_table table;
	struct algorithm_names names;
};

static int
full_table_open(struct full_table *t)
{
	t->table = plain_table;
	t->table.algorithms = t->names.family;
	return algorithm_names_load(false, &t->names);
}

static void
full_table_close(struct full_table *t)
{
	algorithm_names_release(&t->names);
}

/* ---- life, single values ---- */

void
ssh_options_init(struct ssh_options *o)
{
	memset(o, 0, sizeof(*o));
}

void
ssh_options_release(struct ssh_options *o)
{
	config_release(&plain_table, o);
}

bool
ssh_options_is_set(const struct ssh_options *o, enum ssh_option row)
{
	return config_is_set(&plain_table, o, row);
}

int
ssh_options_set(struct ssh_options *o, enum ssh_option row, const char *value,
    struct error *e)
{
	struct full_table t;
	int r;

	if ((r = full_table_open(&t)) != 0)
		return r;
	r = config_set(&t.table, o, rows[row].keyword, value, e);
	full_table_close(&t);
	return r;
}

int
ssh_options_unsupported(
    const struct ssh_options *o, bool required, struct strings *ret)
{
	return config_later(&plain_table, o, required, ret);
}

/* ---- tokens ---- */

/* Keeps text in list and gives it to a letter; takes text. */
static int
set_token(
    struct config_tokens *tokens, struct strings *list, char letter, char *text)
{
	if (text == NULL)
		return ERR_MEMORY;
	tokens->value[(unsigned char)letter] = text;
	return strings_take(list, text);
}

/* %l, %L, %i, %u, %d, %n: facts of this machine and of the command line. */
static int
local_tokens(const struct ssh_options_source *s, struct config_tokens *tokens,
    struct strings *list)
{
	char name[256] = "";
	char *dot;
	int r;

	/* Without a name there is nothing better than an empty one. */
	if (gethostname(name, sizeof(name) - 1) != 0)
		name[0] = '\0';
	if ((r = set_token(tokens, list, 'l', strdup(name))) != 0)
		return r;
	if ((dot = strchr(name, '.')) != NULL)
		*dot = '\0';
	if ((r = set_token(tokens, list, 'L', strdup(name))) != 0 ||
	    (r = set_token(tokens, list, 'i',
		 text_format("%lu", (unsigned long)getuid()))) != 0)
		return r;
	tokens->value['u'] = s->local_user;
	tokens->value['d'] = s->home != NULL ? s->home : "";
	tokens->value['n'] = s->host;
	return 0;
}

/* %C: lower-case hexadecimal SHA-1 of %l%h%p%r%j. */
static int
connection_token(struct config_tokens *tokens, struct strings *list)
{
	static const char letters[] = "lhprj";
	struct buf text = BUF_INIT, hex = BUF_INIT;
	uint8_t digest[DIGEST_MAX];
	int r;

	for (const char *p = letters; *p != '\0'; p++)
		write_span(&text, span_text(tokens->value[(size_t)*p]));
	if ((r = buf_error(&text)) != 0 ||
	    (r = digest_of(DIGEST_SHA1, buf_span(&text), digest)) != 0)
		goto out;
	hex_write(&hex, span_of(digest, 20));
	r = set_token(tokens, list, 'C', buf_take_text(&hex));
out:
	buf_release(&text);
	buf_release(&hex);
	return r;
}

/* %p: from the options, the URI, or the default. */
static int
effective_port(const struct ssh_options *o, const struct ssh_options_source *s)
{
	if (ssh_options_is_set(o, SSH_OPTION_port))
		return o->port;
	return s->port != 0 ? s->port : 22;
}

static int
remote_tokens(const struct ssh_options *o, const struct ssh_options_source *s,
    const char *host, struct config_tokens *tokens, struct strings *list)
{
	const char *user = o->user != NULL ? o->user : s->user;
	const char *jump = o->proxy_jump != NULL ? o->proxy_jump : "";
	const char *alias =
	    o->host_key_alias != NULL ? o->host_key_alias : s->host;
	int r;

	if ((r = set_token(tokens, list, 'h', strdup(host))) != 0 ||
	    (r = set_token(tokens, list, 'p',
		 text_format("%d", effective_port(o, s)))) != 0 ||
	    (r = set_token(tokens, list, 'r',
		 strdup(user != NULL ? user : s->local_user))) != 0 ||
	    (r = set_token(tokens, list, 'j', strdup(jump))) != 0 ||
	    (r = set_token(tokens, list, 'k', strdup(alias))) != 0)
		return r;
	return 0;
}

int
ssh_matching_tokens(struct ssh_matching *m)
{
	struct error e;
	char *host;
	int r;

	strings_release(&m->scratch);
	memset(m->tokens, 0, sizeof(*m->tokens));
	r = ssh_effective_host(m->options, m->host, &host, &e);
	if (r != 0)
		return r;
	r = local_tokens(m->source, m->tokens, &m->scratch);
	if (r == 0)
		r = remote_tokens(
		    m->options, m->source, host, m->tokens, &m->scratch);
	if (r == 0)
		r = connection_token(m->tokens, &m->scratch);
	free(host);
	return r;
}

/* ---- loading ---- */

struct loading {
	struct full_table table;
	struct ssh_options *o;
	const struct ssh_options_source *source;
	struct config_tokens tokens;
	struct ssh_matching matching;
};

static void
on_message(void *context, enum config_message kind, const char *text)
{
	struct ssh_matching *m = context;

	if (m->source->message != NULL)
		m->source->message(m->source->context, kind, text);
}

static void
on_debug(void *context, const char *text)
{
	struct ssh_matching *m = context;

	if (m->source->debug != NULL)
		m->source->debug(m->source->context, text);
}

static int
apply(struct loading *l, const struct config_text *text, struct error *e)
{
	struct config_host host = { .host = ssh_host_matches,
		.match = ssh_criterion_matches,
		.message = on_message,
		.debug = on_debug,
		.context = &l->matching };

	return config_apply(&l->table.table, l->o, text, &host, e);
}

static int
apply_lines(struct loading *l, struct error *e)
{
	struct config_text *text = config_text_new();
	int r = text != NULL ? 0 : ERR_MEMORY;

	for (size_t i = 0; r == 0 && i < l->source->lines->count; i++)
		r = config_text_line(
		    text, "command-line", 0, l->source->lines->item[i]);
	if (r == 0)
		r = apply(l, text, e);
	config_text_free(text);
	return r;
}

static int
apply_file(struct loading *l, const char *file, bool check_owner,
    const struct config_include *include, struct error *e)
{
	struct config_text *text = config_text_new();
	char *note = text_format("Reading configuration data %s", file);
	int r = text == NULL || note == NULL ? ERR_MEMORY : 0;

	if (r == 0)
		r = config_text_load(text, file, check_owner, include, e);
	if (r == 0) {
		on_debug(&l->matching, note);
		r = apply(l, text, e);
	}
	free(note);
	config_text_free(text);
	return r;
}

/* The sentence of people's habit in front of "FILE: reason". */
static void
tell_unopened(struct error *e)
{
	char *text = e != NULL ? strdup(e->text) : NULL;

	if (text != NULL)
		error_set(e, e->code, "Can't open user config file %s", text);
	free(text);
}

static int
prepare_tokens(void *context)
{
	return ssh_matching_tokens(context);
}

/* The file of -F, or the user's where it is there and can be read. */
static int
apply_user_file(struct loading *l, struct error *e)
{
	const char *given = l->source->config_file;
	const char *home = l->source->home;
	struct config_include include = {
		.home = home, .tokens = &l->tokens, .allowed = TOKENS_COMMON
	};
	char *directory = path_join(home != NULL ? home : "/", ".ssh");
	char *file = directory != NULL ? path_join(directory, "config") : NULL;
	int r = 0;

	include.directory = directory;
	if (file == NULL) {
		r = ERR_MEMORY;
	} else if (given != NULL) {
		r = apply_file(l, given, false, &include, e);
		if (r == ERR_NOT_FOUND || r == ERR_PERMISSION)
			tell_unopened(e);
	} else if (home != NULL && access(file, R_OK) == 0) {
		r = apply_file(l, file, true, &include, e);
		r = r == ERR_NOT_FOUND ? 0 : r;
	}
	free(directory);
	free(file);
	return r;
}

static int
apply_system_file(struct loading *l, struct error *e)
{
	struct config_include include = { .directory = SHEETBEND_SYSCONFDIR,
		.tokens = &l->tokens,
		.allowed = TOKENS_COMMON,
		.prepare = prepare_tokens,
		.context = &l->matching };
	const char *file = SHEETBEND_SYSCONFDIR "/ssh_config";
	int r;

	if (access(file, R_OK) != 0)
		return 0;
	r = apply_file(l, file, false, &include, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int
apply_files(struct loading *l, struct error *e)
{
	const char *given = l->source->config_file;
	int r;

	if (given != NULL && strcmp(given, "none") == 0)
		return 0;
	r = apply_user_file(l, e);
	if (r == 0 && given == NULL)
		r = apply_system_file(l, e);
	return r;
}

int
ssh_options_load(struct ssh_options *o, const struct ssh_options_source *source,
    struct error *e)
{
	struct loading l = { .o = o, .source = source };
	char *host = NULL;
	int r;

	l.matching = (struct ssh_matching){ .options = o,
		.source = source,
		.host = source->host,
		.tokens = &l.tokens };
	if ((r = full_table_open(&l.table)) != 0)
		return r;
	if ((source->lines != NULL && (r = apply_lines(&l, e)) != 0) ||
	    (r = apply_files(&l, e)) != 0 || !l.matching.wants_final)
		goto out;
	if ((r = ssh_effective_host(o, source->host, &host, e)) != 0)
		goto out;
	l.matching.host = host;
	l.matching.final_pass = true;
	r = apply_files(&l, e);
out:
	free(host);
	strings_release(&l.matching.scratch);
	full_table_close(&l.table);
	if (r != 0 && r != ERR_CONFIG && e != NULL && e->text[0] == '\0')
		error_set(e, r, "%s", error_text(r));
	return r;
}

/* ---- completing ---- */

static const char *const default_identities[] = { "~/.ssh/id_rsa",
	"~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519",
	"~/.ssh/id_ed25519_sk", "~/.ssh/id_mldsa44_ed25519" };

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_end(const struct ssh_forward_end *a, const struct ssh_forward_end *b)
{
	return a->port == b->port && same_text(a->host, b->host) &&
	       same_text(a->path, b->path);
}

static void
release_end(struct ssh_forward_end *end)
{
	free(end->host);
	free(end->path);
}

/* A file that is read twice says everything twice. */
static void
drop_repeated_forwards(struct ssh_forwards *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct ssh_forward f = list->item[i];
		size_t j = 0;

		while (j < kept &&
		       !(same_end(&list->item[j].listen, &f.listen) &&
			   same_end(&list->item[j].connect, &f.connect)))
			j++;
		if (j == kept) {
			list->item[kept++] = f;
			continue;
		}
		release_end(&f.listen);
		release_end(&f.connect);
	}
	list->count = kept;
}

static void
drop_repeated_words(struct strings *list)
{
	for (size_t i = 1; i < list->count;) {
		size_t j = 0;

		while (j < i && strcmp(list->item[j], list->item[i]) != 0)
			j++;
		if (j < i)
			strings_remove(list, i);
		else
			i++;
	}
}

static void
drop_repeated(struct ssh_options *o)
{
	drop_repeated_forwards(&o->local_forward);
	drop_repeated_forwards(&o->remote_forward);
	drop_repeated_forwards(&o->dynamic_forward);
	drop_repeated_words(&o->identity_file);
	drop_repeated_words(&o->certificate_file);
	drop_repeated_words(&o->send_env);
}

static void
clear_forwards(struct ssh_forwards *list)
{
	for (size_t i = 0; i < list->count; i++) {
		release_end(&list->item[i].listen);
		release_end(&list->item[i].connect);
	}
	list->count = 0;
}

/* Defaults that depend on something. */
static int
fill_special_defaults(struct ssh_options *o, const struct ssh_options_source *s)
{
	const char *provider = getenv("SSH_SK_PROVIDER");
	int r = 0;

	if (!ssh_options_is_set(o, SSH_OPTION_update_host_keys))
		o->update_host_keys =
		    !ssh_options_is_set(o, SSH_OPTION_user_known_hosts_file) &&
			    o->verify_host_key_dns == NYA_NO
			? NYA_YES
			: NYA_NO;
	if (!ssh_options_is_set(o, SSH_OPTION_identity_file))
		for (size_t i = 0;
		     r == 0 && i < ARRAY_COUNT(default_identities) &&
		     o->identity_file.count < ARRAY_COUNT(default_identities);
		     i++)
			r = strings_add(
			    &o->identity_file, default_identities[i]);
	if (r == 0 && o->security_key_provider == NULL) {
		o->security_key_provider =
		    strdup(provider != NULL && *provider != '\0' ? provider
								 : "internal");
		r = o->security_key_provider != NULL ? 0 : ERR_MEMORY;
	}
	o->port = effective_port(o, s);
	if (o->required_rsa_size < 1024)
		o->required_rsa_size = 1024;
	if (o->clear_all_forwardings) {
		clear_forwards(&o->local_forward);
		clear_forwards(&o->remote_forward);
		clear_forwards(&o->dynamic_forward);
	}
	return r;
}

static int
finish_hostname(
    struct ssh_options *o, const struct ssh_options_source *s, struct error *e)
{
	char *host, *lower;
	int r = ssh_effective_host(o, s->host, &host, e);

	if (r != 0)
		return r;
	lower = text_lower(host);
	free(host);
	if (lower == NULL)
		return ERR_MEMORY;
	free(o->hostname);
	o->hostname = lower;
	return 0;
}

/* From a file or -o with tokens; from the command line as it is. */
static int
finish_user(struct ssh_options *o, const struct ssh_options_source *s,
    struct ssh_tokens *t, struct error *e)
{
	if (o->user != NULL)
		return config_expand_row(
		    &plain_table, o, SSH_OPTION_user, &t->tokens, NULL, e);
	o->user = strdup(s->user != NULL ? s->user : s->local_user);
	return o->user != NULL ? 0 : ERR_MEMORY;
}

static int
expand_path(char **path, const struct ssh_tokens *t, struct error *e)
{
	char *whole;
	int r;

	if (*path == NULL)
		return 0;
	r = config_expand(
	    *path, &t->tokens, TOKENS_COMMON, true, t->home, &whole, e);
	if (r != 0)
		return r;
	free(*path);
	*path = whole;
	return 0;
}

static int
expand_forwards(
    struct ssh_forwards *list, const struct ssh_tokens *t, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		if ((r = expand_path(&list->item[i].listen.path, t, e)) == 0)
			r = expand_path(&list->item[i].connect.path, t, e);
	return r;
}

/* $NAME is looked up when it is used, ${NAME} is expanded. */
static bool
is_variable(const char *text)
{
	return text[0] == '$' && text[1] != '{';
}

/* IdentityAgent: the words that stand for the environment stay. */
static bool
is_agent_word(const char *text)
{
	return text == NULL || is_variable(text) || strcmp(text, "none") == 0 ||
	       strcmp(text, "SSH_AUTH_SOCK") == 0;
}

static int
expand_at_once(
    struct ssh_options *o, const struct ssh_tokens *t, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_COUNT(rows); i++) {
		if ((rows[i].flags & CONFIG_EXPANDED) == 0 ||
		    i == SSH_OPTION_hostname || i == SSH_OPTION_user)
			continue;
		if (i == SSH_OPTION_identity_agent &&
		    is_agent_word(o->identity_agent))
			continue;
		r = config_expand_row(
		    &plain_table, o, i, &t->tokens, t->home, e);
	}
	if (r == 0 && o->forward_agent.path != NULL &&
	    !is_variable(o->forward_agent.path))
		r = expand_path(&o->forward_agent.path, t, e);
	if (r == 0)
		r = expand_forwards(&o->local_forward, t, e);
	if (r == 0)
		r = expand_forwards(&o->remote_forward, t, e);
	if (r == 0)
		r = expand_forwards(&o->dynamic_forward, t, e);
	return r;
}

/* %C costs a digest, and with it the start of the library: only if used. */
static bool
uses_connection_token(const struct ssh_options *o)
{
	struct buf lines = BUF_INIT;
	const char *text;
	bool yes;

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (strchr(rows[i].tokens, 'C') != NULL)
			config_dump_row(&plain_table, o, i, NULL, &lines);
	text = buf_text(&lines);
	yes = text == NULL || strstr(text, "%C") != NULL;
	buf_release(&lines);
	return yes;
}

/* Everything of t that can be known before the user is. */
static int
early_tokens(const struct ssh_options *o, const struct ssh_options_source *s,
    struct ssh_tokens *t)
{
	int r = local_tokens(s, &t->tokens, &t->owned);

	if (r == 0)
		r = remote_tokens(o, s, o->hostname, &t->tokens, &t->owned);
	if (r == 0 && uses_connection_token(o))
		r = connection_token(&t->tokens, &t->owned);
	return r;
}

int
ssh_options_finish(struct ssh_options *o,
    const struct ssh_options_source *source, struct ssh_tokens *ret_tokens,
    struct error *e)
{
	struct ssh_tokens t = { 0 };
	struct full_table table;
	int r;

	if ((r = full_table_open(&table)) != 0)
		return r;
	if (source->home != NULL && (t.home = strdup(source->home)) == NULL) {
		r = ERR_MEMORY;
		goto out;
	}
	drop_repeated(o);
	if ((r = config_fill_defaults(&table.table, o, e)) != 0 ||
	    (r = fill_special_defaults(o, source)) != 0 ||
	    (r = finish_hostname(o, source, e)) != 0 ||
	    (r = early_tokens(o, source, &t)) != 0 ||
	    (r = finish_user(o, source, &t, e)) != 0 ||
	    (r = early_tokens(o, source, &t)) != 0 ||
	    (r = expand_at_once(o, &t, e)) != 0)
		goto out;
	*ret_tokens = t;
	memset(&t, 0, sizeof(t));
out:
	ssh_tokens_release(&t);
	full_table_close(&table);
	return r;
}

void
ssh_tokens_release(struct ssh_tokens *t)
{
	strings_release(&t->owned);
	free(t->home);
	memset(t, 0, sizeof(*t));
}

int
ssh_option_expand(enum ssh_option row, const char *text,
    const struct ssh_tokens *t, char **ret, struct error *e)
{
	const struct config_row *w = &rows[row];
	int r = config_expand(text, &t->tokens, w->tokens,
	    (w->flags & CONFIG_ENV) != 0,
	    (w->flags & CONFIG_TILDE) != 0 ? t->home : NULL, ret, e);

	if (r == ERR_CONFIG)
		error_prefix(e, "%s \"%s\"", w->keyword, text);
	return r;
}

int
ssh_option_expand_command(enum ssh_option row, const char *text,
    const struct ssh_tokens *t, struct strings *ret_argv, struct error *e)
{
	const struct config_row *w = &rows[row];
	int r = config_expand_command(text, &t->tokens, w->tokens,
	    (w->flags & CONFIG_ENV) != 0,
	    (w->flags & CONFIG_TILDE) != 0 ? t->home : NULL, ret_argv, e);

	if (r == ERR_CONFIG)
		error_prefix(e, "%s \"%s\"", w->keyword, text);
	return r;
}

/* ---- -G ---- */

void
ssh_options_dump(const struct ssh_options *o, const char *host, struct buf *out)
{
	buf_printf(out, "host %s\n", host);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		/* One keyword was never lower case throughout. */
		const char *shown =
		    i == SSH_OPTION_canonicalize_permitted_cnames
			? "canonicalizePermittedcnames"
			: NULL;

		if ((rows[i].flags & CONFIG_HIDDEN) == 0)
			config_dump_row(&plain_table, o, i, shown, out);
	}
}
