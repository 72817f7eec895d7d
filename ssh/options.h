/*
 * options.h - what ssh_config and the command line say: one struct, made
 * from options.def.
 *
 * A field is named as its keyword, in snake_case; its type follows the kind
 * (config.h, and below). char * NULL: unset or none. After
 * ssh_options_finish() every field holds its value or its default, and
 * algorithm lists are whole. "Given by somebody" is ssh_options_is_set().
 */
#ifndef SSH_OPTIONS_H
#define SSH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
enum canonicalize_hostname {
	CANONICALIZE_HOSTNAME_NO,
	CANONICALIZE_HOSTNAME_YES,
	CANONICALIZE_HOSTNAME_ALWAYS
};
enum control_master {
	CONTROL_MASTER_NO,
	CONTROL_MASTER_YES,
	CONTROL_MASTER_AUTO,
	CONTROL_MASTER_ASK,
	CONTROL_MASTER_AUTO_ASK
};
enum fingerprint_hash {
	FINGERPRINT_HASH_SHA256,
	FINGERPRINT_HASH_MD5
};
enum pubkey_authentication { /* bits: UNBOUND, HOST_BOUND; YES is both */
	PUBKEY_AUTHENTICATION_NO = 0,
	PUBKEY_AUTHENTICATION_UNBOUND = 1,
	PUBKEY_AUTHENTICATION_HOST_BOUND = 2,
	PUBKEY_AUTHENTICATION_YES = 3
};
enum request_tty {
	REQUEST_TTY_AUTO,
	REQUEST_TTY_NO,
	REQUEST_TTY_YES,
	REQUEST_TTY_FORCE
};
enum session_type {
	SESSION_TYPE_DEFAULT,
	SESSION_TYPE_NONE,
	SESSION_TYPE_SUBSYSTEM
};
enum strict_host_key_checking {
	STRICT_HOST_KEY_CHECKING_NO, /* also "off" */
	STRICT_HOST_KEY_CHECKING_ACCEPT_NEW,
	STRICT_HOST_KEY_CHECKING_YES,
	STRICT_HOST_KEY_CHECKING_ASK
};
enum tunnel {
	TUNNEL_NO,
	TUNNEL_POINT_TO_POINT, /* also "yes" */
	TUNNEL_ETHERNET
};
/* VerifyHostKeyDNS, UpdateHostKeys */
enum no_yes_ask {
	NYA_NO,
	NYA_YES,
	NYA_ASK
};
enum warn_weak_crypto {
	WARN_WEAK_CRYPTO_NO,
	WARN_WEAK_CRYPTO_YES,
	WARN_WEAK_CRYPTO_NO_PQ_KEX /* all warnings but that one */
};
enum add_keys_mode {
	ADD_KEYS_NO,
	ADD_KEYS_YES,
	ADD_KEYS_ASK,
	ADD_KEYS_CONFIRM
};

/* ---- structured values ---- */

/* One end is an address with a port, or the path of a socket. */
struct ssh_forward_end {
	char *host; /* NULL: none given; "" or "*": all addresses */
	int port;
	char *path; /* a Unix socket; host and port are then unused */
};

struct ssh_forward {
	struct ssh_forward_end listen;
	struct ssh_forward_end connect;
	bool socks; /* no connect end: the peer of the listener asks */
};

struct ssh_forwards {
	struct ssh_forward *item;
	size_t count;
};

struct ssh_add_keys {
	int mode;           /* enum add_keys_mode */
	int64_t lifetime_s; /* 0: for ever */
};

struct ssh_forward_agent {
	bool on;
	char *path; /* a socket other than $SSH_AUTH_SOCK, or NULL */
};

struct ssh_control_persist {
	bool on;
	int64_t seconds; /* 0: for ever */
};

struct ssh_tunnel_device {
	int local; /* -1: any */
	int remote;
};

#define ESCAPE_CHAR_NONE (-1)

#define CONFIG_TYPE_keystroke_timing  int /* ms between packets; 0: off */
#define CONFIG_TYPE_dynamic_forwards  struct ssh_forwards
#define CONFIG_TYPE_local_forwards    struct ssh_forwards
#define CONFIG_TYPE_remote_forwards   struct ssh_forwards
#define CONFIG_TYPE_send_env          struct strings
#define CONFIG_TYPE_add_keys          struct ssh_add_keys
#define CONFIG_TYPE_forward_agent     struct ssh_forward_agent
#define CONFIG_TYPE_tunnel_device     struct ssh_tunnel_device
#define CONFIG_TYPE_permitted_cnames  struct strings
#define CONFIG_TYPE_control_persist   struct ssh_control_persist
#define CONFIG_TYPE_escape_char       int    /* or ESCAPE_CHAR_NONE */
#define CONFIG_TYPE_refuse_connection char * /* "FILE line N: ...: text" */
#define CONFIG_TYPE_proxy_jump        char * /* [user@]host[:port],... */

struct ssh_options {
	uint64_t set[CONFIG_SET_WORDS];
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later)       \
	CONFIG_TYPE_##kind field;
#include "ssh/options.def"
};

/* SSH_OPTION_<field>: index of the row. */
enum ssh_option {
#define ROW(keyword, field, kind, fallback, flags, tokens, extra, later)       \
	SSH_OPTION_##field,
#include "ssh/options.def"
	SSH_OPTIONS_COUNT
};

/* ---- loading ---- */

/* What is known before any file is read; all borrowed. */
struct ssh_options_source {
	const struct strings *lines; /* -o, and the flags as such lines */
	const char *config_file;     /* -F; "none": no file at all; NULL: the
				      * user's and the system's */
	const char *home;            /* the user's home; NULL: no user file */
	const char *host;            /* as typed */
	const char *user;            /* from user@host, or NULL */
	int port;                    /* from a URI; 0: none */
	const char *local_user;
	const char *command; /* remote command or subsystem, or NULL */
	/* Match sessiontype before RequestTTY and SessionType are known: */
	bool subsystem; /* -s */
	/* Match exec: runs it, 0 exit is true. NULL: never true. */
	bool (*run)(void *context, const char *command);
	/* warnings and faults, one line each */
	void (*message)(
	    void *context, enum config_message kind, const char *text);
	void (*debug)(void *context, const char *text); /* may be NULL */
	void *context;
};

/* An empty value: everything unset. Released by ssh_options_release(). */
void ssh_options_init(struct ssh_options *o);
void ssh_options_release(struct ssh_options *o);

/*
 * Command line, user's file, system file; read a second time where a Match
 * says "final" (host is then the Hostname of the first reading). Values
 * are as written; see ssh_options_finish(). ERR_CONFIG with the closing
 * sentence (faults went to message before), or a code of the file.
 */
int ssh_options_load(struct ssh_options *o,
    const struct ssh_options_source *source, struct error *e) MUST_CHECK;

/*
 * Defaults, algorithm lists; then the tokens of Hostname, User, and of what
 * is expanded at once (flag EXPANDED of options.def). ret_tokens (borrowed
 * texts owned by *o and by the token store) serves later expansions.
 */
struct ssh_tokens {
	struct config_tokens tokens;
	struct strings owned;
	char *home;
};
int ssh_options_finish(struct ssh_options *o,
    const struct ssh_options_source *source, struct ssh_tokens *ret_tokens,
    struct error *e) MUST_CHECK;
void ssh_tokens_release(struct ssh_tokens *t);

/*
 * Expands text as the row allows (tokens, ~, ${ENV}): for what is expanded
 * when it is used: IdentityFile, CertificateFile, ProxyCommand,
 * LocalCommand, KnownHostsCommand, RevokedHostKeys. Values known late
 * (%f %H %I %K %t %T) are set in t->tokens.value by the caller.
 */
int ssh_option_expand(enum ssh_option row, const char *text,
    const struct ssh_tokens *t, char **ret, struct error *e) MUST_CHECK;

/* The same for a command that is run without a shell: each of its words is
 * expanded by itself. */
int ssh_option_expand_command(enum ssh_option row, const char *text,
    const struct ssh_tokens *t, struct strings *ret_argv,
    struct error *e) MUST_CHECK;

/* Was it given on the command line or in a file? */
bool ssh_options_is_set(const struct ssh_options *o, enum ssh_option row);

/* One value, as a line of a file would set it (only if unset, or adding). */
int ssh_options_set(struct ssh_options *o, enum ssh_option row,
    const char *value, struct error *e) MUST_CHECK;

/* -G: the lines of all options after finish. */
void ssh_options_dump(
    const struct ssh_options *o, const char *host, struct buf *out);

/*
 * Options in use whose feature is not there yet: adds "Keyword: feature" to
 * ret for each that was set to other than "off". required: those without
 * which no connection may be made (a forward that was asked for); else those
 * that a warning does for. */
int ssh_options_unsupported(
    const struct ssh_options *o, bool required, struct strings *ret) MUST_CHECK;

#endif
