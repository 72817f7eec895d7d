/*
 * options.c - loading, completing, passing on and printing the options of
 * sshd.
 *
 * The text of the command line and of the files is kept: a Match block is
 * decided again for each connection, by going through the text with the
 * facts of that connection.
 */
#include "sshd/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport/algorithm_names.h"
#include "sshd/option_kinds.h"
#include "sshd/option_match.h"

/* ---- the table ---- */

#define F(name) CONFIG_##name
/* clang-format off */
static const struct config_choice choices_address_family[] = {
	{ "any", ADDRESS_FAMILY_ANY },
	{ "inet", ADDRESS_FAMILY_INET },
	{ "inet6", ADDRESS_FAMILY_INET6 },
	{ NULL, 0 }
};
static const struct config_choice choices_permit_root_login[] = {
	{ "prohibit-password", PERMIT_ROOT_LOGIN_PROHIBIT_PASSWORD },
	{ "without-password", PERMIT_ROOT_LOGIN_PROHIBIT_PASSWORD },
	{ "forced-commands-only", PERMIT_ROOT_LOGIN_FORCED_COMMANDS_ONLY },
	{ "yes", PERMIT_ROOT_LOGIN_YES },
	{ "no", PERMIT_ROOT_LOGIN_NO },
	{ NULL, 0 }
};
static const struct config_choice choices_ignore_rhosts[] = {
	{ "yes", IGNORE_RHOSTS_YES },
	{ "no", IGNORE_RHOSTS_NO },
	{ "shosts-only", IGNORE_RHOSTS_SHOSTS_ONLY },
	{ NULL, 0 }
};
static const struct config_choice choices_compression[] = {
	{ "yes", COMPRESSION_DELAYED },
	{ "delayed", COMPRESSION_DELAYED },
	{ "no", COMPRESSION_NO },
	{ NULL, 0 }
};
static const struct config_choice choices_gateway_ports[] = {
	{ "clientspecified", GATEWAY_PORTS_CLIENT_SPECIFIED },
	{ "yes", GATEWAY_PORTS_YES },
	{ "no", GATEWAY_PORTS_NO },
	{ NULL, 0 }
};
static const struct config_choice choices_forwarding[] = {
	{ "yes", ALLOW_FORWARDING_YES },
	{ "all", ALLOW_FORWARDING_YES },
	{ "no", ALLOW_FORWARDING_NO },
	{ "local", ALLOW_FORWARDING_LOCAL },
	{ "remote", ALLOW_FORWARDING_REMOTE },
	{ NULL, 0 }
};
static const struct config_choice choices_fingerprint[] = {
	{ "SHA256", FINGERPRINT_HASH_SHA256 },
	{ "MD5", FINGERPRINT_HASH_MD5 },
	{ NULL, 0 }
};
static const struct config_choice choices_tunnel[] = {
	{ "yes", PERMIT_TUNNEL_YES },
	{ "no", PERMIT_TUNNEL_NO },
	{ "point-to-point", PERMIT_TUNNEL_POINT_TO_POINT },
	{ "ethernet", PERMIT_TUNNEL_ETHERNET },
	{ NULL, 0 }
};

static const struct config_range range_int = { 0, INT32_MAX };
static const struct config_range range_spare = { 0, 64 };
static const enum config_family family_ciphers = CONFIG_CIPHERS;
static const enum config_family family_macs = CONFIG_MACS;
static const enum config_family family_kex = CONFIG_KEX;
static const enum config_family family_signatures = CONFIG_SIGNATURES;
static const enum config_family family_user_signatures = CONFIG_USER_SIGNATURES;
static const enum config_family family_ca_signatures = CONFIG_CA_SIGNATURES;

static const struct config_row rows[] = {
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later) \
	{ #keyword, &config_kind_##kind, offsetof(struct sshd_options, field), \
	    fallback, flags, tokens, extra, later },
#include "sshd/options.def"
};

static const struct config_name names[] = {
#define OTHER(keyword, what, of) { #keyword, CONFIG_##what, #of },
#include "sshd/options.def"
	{ NULL, CONFIG_IGNORED, NULL }
};
/* clang-format on */

_Static_assert(SSHD_OPTIONS_COUNT <= 64 * CONFIG_SET_WORDS, "bitmap too small");

static const struct config_table plain_table = {
	.rows = rows,
	.count = ARRAY_COUNT(rows),
	.size = sizeof(struct sshd_options),
	.set_offset = offsetof(struct sshd_options, set),
	.names = names,
	.criteria = sshd_criteria,
	.server = true,
};

struct sshd_config {
	struct config_text *lines; /* of the command line */
	struct config_text *files;
	bool ports_given;
	struct sshd_options global;
	/* The table with the names of algorithms: blocks are parsed again. */
	struct config_table table;
	struct algorithm_names names;
};

/* ---- completing ---- */

static const char *const default_host_keys[] = {
	SHEETBEND_SYSCONFDIR "/ssh_host_rsa_key",
	SHEETBEND_SYSCONFDIR "/ssh_host_ecdsa_key",
	SHEETBEND_SYSCONFDIR "/ssh_host_ed25519_key",
	SHEETBEND_SYSCONFDIR "/ssh_host_mldsa44_ed25519_key",
};

static int
set_text(char **field, const char *text)
{
	if (*field != NULL)
		return 0;
	*field = strdup(text);
	return *field != NULL ? 0 : ERR_MEMORY;
}

static int
add_listen(struct sshd_listen_addresses *list, const char *host, int port,
    const char *rdomain)
{
	struct sshd_listen_address *grown;
	struct sshd_listen_address l = { .port = port };

	if (list->count >= CONFIG_MAX_LIST)
		return ERR_LIMIT;
	grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	list->item = grown;
	l.host = strdup(host);
	l.rdomain = rdomain != NULL ? strdup(rdomain) : NULL;
	if (l.host == NULL || (rdomain != NULL && l.rdomain == NULL)) {
		free(l.host);
		free(l.rdomain);
		return ERR_MEMORY;
	}
	list->item[list->count++] = l;
	return 0;
}

/* One address at its own port, or at every Port. */
static int
expand_listen(const struct sshd_options *o, const struct sshd_listen_address *l,
    struct sshd_listen_addresses *list)
{
	int r = 0;

	if (l->port != 0)
		return add_listen(list, l->host, l->port, l->rdomain);
	for (size_t i = 0; r == 0 && i < o->port.count; i++)
		r = add_listen(list, l->host, o->port.item[i], l->rdomain);
	return r;
}

/* No ListenAddress: all addresses of the families, for each Port. */
static int
listen_anywhere(
    const struct sshd_options *o, struct sshd_listen_addresses *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->port.count; i++) {
		if (o->address_family != ADDRESS_FAMILY_INET)
			r = add_listen(list, "::", o->port.item[i], NULL);
		if (r == 0 && o->address_family != ADDRESS_FAMILY_INET6)
			r = add_listen(list, "0.0.0.0", o->port.item[i], NULL);
	}
	return r;
}

/* Port applies to every address without one, whichever came first. */
static int
complete_listen(struct sshd_options *o)
{
	struct sshd_listen_addresses list = { NULL, 0 };
	int r = 0;

	if (o->listen_address.count == 0)
		r = listen_anywhere(o, &list);
	for (size_t i = 0; r == 0 && i < o->listen_address.count; i++)
		r = expand_listen(o, &o->listen_address.item[i], &list);
	if (r == 0) {
		config_kind_listen_addresses.release(&o->listen_address);
		o->listen_address = list;
	} else {
		config_kind_listen_addresses.release(&list);
	}
	return r;
}

static int
complete(
    const struct config_table *table, struct sshd_options *o, struct error *e)
{
	int r;

	if ((r = config_fill_defaults(table, o, e)) != 0 ||
	    (r = set_text(&o->sshd_session_path,
		 SHEETBEND_LIBEXECDIR "/sshd-session")) != 0 ||
	    (r = set_text(
		 &o->sshd_auth_path, SHEETBEND_LIBEXECDIR "/sshd-auth")) != 0 ||
	    (r = complete_listen(o)) != 0)
		return r;
	if (!sshd_options_is_set(o, SSHD_OPTION_host_key))
		for (size_t i = 0; r == 0 && i < ARRAY_COUNT(default_host_keys);
		     i++)
			r = strings_add(&o->host_key, default_host_keys[i]);
	if (o->required_rsa_size < 1024)
		o->required_rsa_size = 1024;
	return r;
}

/* What is wrong only when seen together. */
static int
check_together(const struct sshd_options *o, struct error *e)
{
	if (o->authorized_keys_command != NULL &&
	    o->authorized_keys_command_user == NULL)
		return error_set(e, ERR_CONFIG,
		    "AuthorizedKeysCommand set without "
		    "AuthorizedKeysCommandUser");
	if (o->authorized_principals_command != NULL &&
	    o->authorized_principals_command_user == NULL)
		return error_set(e, ERR_CONFIG,
		    "AuthorizedPrincipalsCommand set without "
		    "AuthorizedPrincipalsCommandUser");
	return 0;
}

/* ---- loading ---- */

/* Who hears of faults. */
struct listener {
	void (*message)(
	    void *context, enum config_message kind, const char *text);
	void *context;
	struct sshd_match_context *match; /* NULL: no connection */
	char first[1024];                 /* fault, where nobody else listens */
};

static void
on_message(void *context, enum config_message kind, const char *text)
{
	struct listener *l = context;

	if (l->message != NULL)
		l->message(l->context, kind, text);
	else if (kind == CONFIG_ERROR && l->first[0] == '\0')
		IGNORE_RESULT(!text_copy(l->first, sizeof(l->first), text));
}

static int
on_criterion(void *context, size_t criterion, bool negated,
    const char *argument, bool decide, struct error *e)
{
	struct listener *l = context;

	return sshd_criterion_matches(
	    l->match, criterion, negated, argument, decide, e);
}

/* Goes through both texts: for the global values (no match), or for those
 * of the blocks that hold. */
static int
apply(const struct sshd_config *c, struct sshd_options *o, struct listener *l,
    struct error *e)
{
	struct config_host host = { .match = on_criterion,
		.message = on_message,
		.context = l,
		.skip_global = l->match != NULL,
		.never_match = l->match == NULL };
	int r;

	if ((r = config_apply(&c->table, o, c->lines, &host, e)) != 0)
		return r;
	host.skip_keyword = c->ports_given ? "Port" : NULL;
	return config_apply(&c->table, o, c->files, &host, e);
}

static struct sshd_config *
config_new(void)
{
	struct sshd_config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (algorithm_names_load(true, &c->names) != 0) {
		free(c);
		return NULL;
	}
	c->table = plain_table;
	c->table.algorithms = c->names.family;
	return c;
}

void
sshd_config_free(struct sshd_config *c)
{
	if (c == NULL)
		return;
	config_text_free(c->lines);
	config_text_free(c->files);
	sshd_options_release(&c->global);
	algorithm_names_release(&c->names);
	free(c);
}

/* The global options from the texts. */
static int
make_global(struct sshd_config *c, struct listener *l, struct error *e)
{
	int r;

	if ((r = apply(c, &c->global, l, e)) != 0 ||
	    (r = complete(&c->table, &c->global, e)) != 0)
		return r;
	return check_together(&c->global, e);
}

static int
load_texts(
    struct sshd_config *c, const struct sshd_config_source *s, struct error *e)
{
	struct config_include include = { .directory = SHEETBEND_SYSCONFDIR };
	int r = 0;

	c->lines = config_text_new();
	c->files = config_text_new();
	if (c->lines == NULL || c->files == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; r == 0 && s->lines != NULL && i < s->lines->count;
	     i++)
		r = config_text_line(
		    c->lines, "command-line", 0, s->lines->item[i]);
	if (r == 0 && strcmp(s->file, "none") != 0)
		r = config_text_load(c->files, s->file, false, &include, e);
	return r;
}

int
sshd_config_load(const struct sshd_config_source *source,
    struct sshd_config **ret, struct error *e)
{
	struct listener l = { .message = source->message,
		.context = source->context };
	struct sshd_config *c = config_new();
	int r;

	if (c == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	c->ports_given = source->ports_given;
	if ((r = load_texts(c, source, e)) == 0 &&
	    (r = make_global(c, &l, e)) == 0) {
		*ret = c;
		return 0;
	}
	if (r == ERR_MEMORY && e != NULL && e->text[0] == '\0')
		error_set(e, r, "out of memory");
	sshd_config_free(c);
	return r;
}

/* ---- to a session's process ---- */

void
sshd_config_write(const struct sshd_config *c, struct buf *out)
{
	write_boolean(out, c->ports_given);
	config_text_write(c->lines, out);
	config_text_write(c->files, out);
}

int
sshd_config_read(struct reader *r, struct sshd_config **ret, struct error *e)
{
	struct listener l = { .message = NULL };
	struct sshd_config *c = config_new();
	int error;

	if (c == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	c->ports_given = read_boolean(r);
	if ((error = config_text_read(r, &c->lines)) != 0 ||
	    (error = config_text_read(r, &c->files)) != 0)
		error_set(e, error, "configuration: %s", error_text(error));
	else
		error = make_global(c, &l, e);
	if (error != 0) {
		sshd_config_free(c);
		return error;
	}
	*ret = c;
	return 0;
}

const struct sshd_options *
sshd_config_global(const struct sshd_config *c)
{
	return &c->global;
}

/* ---- for one connection ---- */

/* A block that asks for what is not there, and that keeps people out. */
static int
check_required(const struct sshd_options *o, struct error *e)
{
	struct strings list = STRINGS_INIT;
	int r = sshd_options_unsupported(o, true, &list);

	if (r == 0 && list.count > 0)
		r = error_set(
		    e, ERR_UNSUPPORTED, "not supported yet: %s", list.item[0]);
	strings_release(&list);
	return r;
}

int
sshd_options_for(const struct sshd_config *c,
    const struct sshd_match_context *m, struct sshd_options *ret,
    struct error *e)
{
	struct sshd_match_context match = *m;
	struct listener l = { .match = &match };
	struct sshd_options blocks;
	struct sshd_options o;
	int r;

	memset(&blocks, 0, sizeof(blocks));
	r = apply(c, &blocks, &l, e);
	if (r != 0 && l.first[0] != '\0')
		error_set(e, r, "%s", l.first);
	if (r == 0 && (r = config_copy(&plain_table, &o, &c->global)) == 0) {
		r = config_overlay(&plain_table, &o, &blocks);
		if (r == 0)
			r = check_together(&o, e);
		if (r == 0 && !m->testing)
			r = check_required(&o, e);
		if (r == 0)
			*ret = o;
		else
			sshd_options_release(&o);
	}
	if (r == ERR_MEMORY)
		error_set(e, r, "out of memory");
	sshd_options_release(&blocks);
	return r;
}

void
sshd_options_release(struct sshd_options *o)
{
	config_release(&plain_table, o);
}

bool
sshd_options_is_set(const struct sshd_options *o, enum sshd_option row)
{
	return config_is_set(&plain_table, o, row);
}

void
sshd_options_dump(const struct sshd_options *o, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if ((rows[i].flags & CONFIG_HIDDEN) == 0)
			config_dump_row(&plain_table, o, i, NULL, out);
}

int
sshd_options_unsupported(
    const struct sshd_options *o, bool required, struct strings *ret)
{
	return config_later(&plain_table, o, required, ret);
}
