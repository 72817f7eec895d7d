/*
 * options.h - what sshd_config says: one struct, made from options.def, and
 * the parsed text from which Match blocks are decided per connection.
 *
 * A field is named as its keyword, in snake_case; its type follows the kind
 * (config.h, and below). char * NULL: unset or none. sshd_options values
 * given out here are complete: defaults filled in, algorithm lists whole.
 */
#ifndef SSHD_OPTIONS_H
#define SSHD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/config.h"

/* ---- values of the choices ---- */

enum address_family {
	ADDRESS_FAMILY_ANY,
	ADDRESS_FAMILY_INET,
	ADDRESS_FAMILY_INET6
};
enum permit_root_login {
	PERMIT_ROOT_LOGIN_NO,
	PERMIT_ROOT_LOGIN_FORCED_COMMANDS_ONLY,
	PERMIT_ROOT_LOGIN_PROHIBIT_PASSWORD, /* also "without-password" */
	PERMIT_ROOT_LOGIN_YES
};
enum ignore_rhosts {
	IGNORE_RHOSTS_NO,
	IGNORE_RHOSTS_YES,
	IGNORE_RHOSTS_SHOSTS_ONLY
};
enum compression {
	COMPRESSION_NO,
	COMPRESSION_DELAYED /* also "yes": after authentication */
};
enum gateway_ports {
	GATEWAY_PORTS_NO,
	GATEWAY_PORTS_YES,
	GATEWAY_PORTS_CLIENT_SPECIFIED
};
enum allow_forwarding { /* bits: LOCAL, REMOTE; YES is both */
	ALLOW_FORWARDING_NO = 0,
	ALLOW_FORWARDING_REMOTE = 1,
	ALLOW_FORWARDING_LOCAL = 2,
	ALLOW_FORWARDING_YES = 3
};
enum fingerprint_hash {
	FINGERPRINT_HASH_SHA256,
	FINGERPRINT_HASH_MD5
};
enum permit_tunnel { /* bits */
	PERMIT_TUNNEL_NO = 0,
	PERMIT_TUNNEL_POINT_TO_POINT = 1,
	PERMIT_TUNNEL_ETHERNET = 2,
	PERMIT_TUNNEL_YES = 3
};
enum pubkey_auth_options { /* bits */
	PUBKEY_AUTH_TOUCH_REQUIRED = 1,
	PUBKEY_AUTH_VERIFY_REQUIRED = 2
};

/* ---- structured values ---- */

struct sshd_listen_address {
	char *host;    /* numeric or a name; "::" and "0.0.0.0" are all */
	int port;      /* never 0 in complete options */
	char *rdomain; /* or NULL */
};
struct sshd_listen_addresses {
	struct sshd_listen_address *item;
	size_t count;
};

struct sshd_subsystem {
	char *name;
	char *command; /* with its arguments, for the user's shell */
};
struct sshd_subsystems {
	struct sshd_subsystem *item;
	size_t count;
};

struct sshd_max_startups {
	int begin;
	int rate; /* percent */
	int full;
};

struct sshd_net_block_size {
	int ipv4;
	int ipv6;
};

enum sshd_penalty {
	SSHD_PENALTY_CRASH,
	SSHD_PENALTY_AUTHFAIL,
	SSHD_PENALTY_NOAUTH,
	SSHD_PENALTY_INVALIDUSER,
	SSHD_PENALTY_GRACE_EXCEEDED,
	SSHD_PENALTY_REFUSECONNECTION,
	SSHD_PENALTY_MAX,
	SSHD_PENALTY_MIN,
	SSHD_PENALTIES
};
struct sshd_penalties {
	bool on;
	unsigned given; /* words that a file named; of option_listen.c */
	double seconds[SSHD_PENALTIES];
	int max_sources4;
	int max_sources6;
	bool overflow_deny_all;
	bool overflow6_deny_all;
};

struct sshd_user_environment {
	bool on;
	char *patterns; /* names that are allowed; NULL: all */
};

#define CONFIG_TYPE_listen_addresses       struct sshd_listen_addresses
#define CONFIG_TYPE_absolute_command       char *
#define CONFIG_TYPE_unbuilt_flag           bool
#define CONFIG_TYPE_user_patterns          struct strings
#define CONFIG_TYPE_accept_env             struct strings
#define CONFIG_TYPE_authentication_methods struct strings
#define CONFIG_TYPE_subsystems             struct sshd_subsystems
#define CONFIG_TYPE_trees                  struct strings
#define CONFIG_TYPE_max_startups           struct sshd_max_startups
#define CONFIG_TYPE_net_block_size         struct sshd_net_block_size
#define CONFIG_TYPE_penalties              struct sshd_penalties
#define CONFIG_TYPE_address_list           char *
#define CONFIG_TYPE_permit_open            struct strings
#define CONFIG_TYPE_permit_listen          struct strings
#define CONFIG_TYPE_user_environment       struct sshd_user_environment
#define CONFIG_TYPE_pubkey_auth_options    int /* bits */

/* per_source_max_startups: -1 is none. */
struct sshd_options {
	uint64_t set[CONFIG_SET_WORDS];
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later)       \
	CONFIG_TYPE_##kind field;
#include "sshd/options.def"
};

/* SSHD_OPTION_<field>: index of the row. */
enum sshd_option {
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later)       \
	SSHD_OPTION_##field,
#include "sshd/options.def"
	SSHD_OPTIONS_COUNT
};

/* ---- the whole configuration ---- */

struct sshd_config; /* text of the files, and the global options */

struct sshd_config_source {
	const char *file;            /* -f; "none": no file */
	const struct strings *lines; /* -o, and the flags as such lines */
	bool ports_given;            /* lines hold -p: Port of files is void */
	/* warnings and faults, one line each */
	void (*message)(
	    void *context, enum config_message kind, const char *text);
	void *context;
};

/* ERR_CONFIG with the closing sentence (faults went to message), or a code
 * of the file. */
int sshd_config_load(const struct sshd_config_source *source,
    struct sshd_config **ret, struct error *e) MUST_CHECK;
void sshd_config_free(struct sshd_config *c);

/* To a sshd-session process (of any size; through a pipe or memfd) and
 * back; read checks and parses it again, silently. */
void sshd_config_write(const struct sshd_config *c, struct buf *out);
int sshd_config_read(
    struct reader *r, struct sshd_config **ret, struct error *e) MUST_CHECK;

/* What counts before a connection's user is known: no Match block. Borrowed. */
const struct sshd_options *sshd_config_global(const struct sshd_config *c);

/* ---- Match ---- */

/* Facts of a connection; NULL where one is not known (or not given in -C):
 * a criterion that needs it is then false. */
struct sshd_match_context {
	const char *user;
	bool invalid_user;
	/* Is the user in a group that matches one of the patterns? NULL:
	 * asked from the system's account database. */
	bool (*in_group)(
	    void *context, const char *user, const char *pattern_list);
	void *context;
	const char *host; /* name, or the address where there is none */
	const char *address;
	const char *laddress;
	int lport; /* 0: not known */
	const char *rdomain;
	bool testing; /* -T -C: a fact that a block asks for and that
		       * is missing is an error */
};

/* Options for this connection and user: the caller's, released by
 * sshd_options_release(). ERR_UNSUPPORTED: a required one (below) is in use. */
int sshd_options_for(const struct sshd_config *c,
    const struct sshd_match_context *m, struct sshd_options *ret,
    struct error *e) MUST_CHECK;
void sshd_options_release(struct sshd_options *o);

/* -C "addr=A,user=U,...": fields of m point into *ret_text, the caller's.
 * Several specs may be parsed one after the other. */
int sshd_match_parse(const char *spec, struct sshd_match_context *m,
    struct strings *ret_text, struct error *e) MUST_CHECK;

bool sshd_options_is_set(const struct sshd_options *o, enum sshd_option row);

/* -T, -G */
void sshd_options_dump(const struct sshd_options *o, struct buf *out);

/*
 * Options in use whose feature is not there yet, as "Keyword: feature":
 * required ones, without which sshd would let in whom it should not (the
 * caller refuses to go on), or the others (worth a warning).
 */
int sshd_options_unsupported(const struct sshd_options *o, bool required,
    struct strings *ret) MUST_CHECK;

/* Is name allowed by a list of patterns (AcceptEnv and the like)? */
bool sshd_patterns_match(const struct strings *patterns, const char *name);

/* Does any pattern of AllowUsers/DenyUsers match? user[@host]. */
bool sshd_user_patterns_match(const struct strings *patterns, const char *user,
    const char *host, const char *address);

#endif
