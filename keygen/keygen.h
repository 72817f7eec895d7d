/*
 * keygen.h - ssh-keygen: what its modes share.
 *
 * One mode, one file; main.c reads the command line into struct options and
 * calls the function of the mode's row. Each prints what it has to say and
 * returns the exit status.
 */
#ifndef KEYGEN_KEYGEN_H
#define KEYGEN_KEYGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"
#include "common/key/key_file.h"

enum {
	EXIT_USAGE = 1, /* also: a question answered with no */
	EXIT_FATAL = 255
};

/* What the flags said. Some mean one thing in one mode and another in the
 * next. Text is borrowed from the command line, but for passphrases: they
 * are wiped there. */
struct options {
	const char *type;       /* -t; NULL: the default */
	unsigned bits;          /* -b; 0: the default */
	const char *file;       /* -f; NULL: ask */
	const char *comment;    /* -C; NULL: none given */
	char *new_passphrase;   /* -N; ours */
	char *passphrase;       /* -P; ours */
	const char *cipher;     /* -Z */
	uint32_t rounds;        /* -a; 0: the default */
	enum key_format format; /* -m */
	bool has_format;
	enum digest_algorithm hash; /* -E */
	bool has_hash;
	bool is_quiet;        /* -q */
	unsigned verbosity;   /* -v, how often */
	struct strings extra; /* -O, in order */

	/* certificates, revocation lists (-k), signatures (-Y) */
	const char *ca_key;     /* -s; with -Y: the file of the signature */
	const char *key_id;     /* -I; with -Y: who is said to have signed */
	const char *principals; /* -n; with -Y: the namespace */
	const char *validity;   /* -V; NULL: for ever */
	const char *serial;     /* -z; with -k: the version of the list */
	bool is_host;           /* -h */
	bool in_agent;          /* -U: the key of -s (-Y: -f) is an agent's */
	bool is_update;         /* -u: the list of -k is added to */
	const char *operation;  /* -Y, -M: "sign", "screen", ... */

	/* tokens and security keys */
	const char *provider;              /* -D: a PKCS#11 library */
	const char *security_key_provider; /* -w */

	/* known_hosts, DNS */
	const char *host;        /* -F, -R */
	bool is_hashed;          /* -H; with -F: show names hashed */
	bool with_fingerprint;   /* -l; with -F, -Q: show the fingerprint */
	const char *record_name; /* -r; with -Y: a file of revoked keys */
	bool is_generic;         /* -g */

	char **arguments; /* what follows the flags */
	int argument_count;
};

int keygen_generate(const struct options *o);
int keygen_host_keys(const struct options *o);
int keygen_change_passphrase(const struct options *o);
int keygen_change_comment(const struct options *o);
int keygen_show_public(const struct options *o);
int keygen_show_fingerprints(const struct options *o);
int keygen_sign_certificates(const struct options *o);
int keygen_show_certificates(const struct options *o);
int keygen_find_host(const struct options *o);         /* -F */
int keygen_hash_hosts(const struct options *o);        /* -H */
int keygen_remove_host(const struct options *o);       /* -R */
int keygen_show_dns_records(const struct options *o);  /* -r */
int keygen_export(const struct options *o);            /* -e */
int keygen_import(const struct options *o);            /* -i */
int keygen_show_bubblebabble(const struct options *o); /* -B */
int keygen_moduli(const struct options *o);            /* -M */
int keygen_krl_make(const struct options *o);          /* -k */
int keygen_krl_query(const struct options *o);         /* -Q */
int keygen_sshsig(const struct options *o);            /* -Y */
int keygen_token_list(const struct options *o);        /* -D */
int keygen_resident_keys(const struct options *o);     /* -K */

/* ---- keys in devices (security_key.c, token.c) ---- */

/* "ecdsa-sk", "ed25519-sk", or a full name of such a type. */
bool is_security_key_type(const char *type);

/* A new key by -w and -O, asking for PIN and touch. Returns the exit status;
 * failure was said on stderr. */
int security_key_generate(
    const struct options *o, const char *type, struct key **ret) MUST_CHECK;

/* Makes the key of a security key able to sign, by -w; others are left
 * alone. */
int security_key_prepare(const struct options *o, struct key *k) MUST_CHECK;

/* What -O of -p says. Returns the exit status. */
int security_key_change(const struct options *o, struct key *k) MUST_CHECK;

/* The key of the library of -D whose public half is in the file path. Failure
 * was said on stderr. */
int token_load_key(
    const struct options *o, const char *path, struct key **ret) MUST_CHECK;

/* ---- the time of certificates (validity.c) ---- */

/* -V: "END" or "START:END"; seconds since 1970. Returns the exit status;
 * failure was said on stderr. */
int validity_parse(const char *text, uint64_t now_s, uint64_t *ret_after,
    uint64_t *ret_before);

/* "forever", "after T", "before T", "from T to T", local time; fresh text. */
char *validity_format(uint64_t after, uint64_t before);

/* ---- a sign that something is going on (progress.c) ---- */

/* From two seconds on a dot a second goes to the terminal, until the end.
 * NULL (which progress_end() accepts) where no person waits: -q, or standard
 * error is no terminal. */
struct progress *progress_begin(const struct options *o);
void progress_end(struct progress *p);

/* ---- shared (common.c, ask.c) ---- */

/* Prints one line on stderr and returns status. */
int complain(int status, const char *format, ...) PRINTF_LIKE(2, 3);

/* "user@host", fresh text. */
char *default_comment(void);

/* ~/.ssh/id_TYPE, fresh text; NULL without an account (said on stderr). */
char *default_path(const char *type);

/* The path of -f, or the answer to "QUESTION (DEFAULT): "; fresh text, NULL
 * at the end of input. */
char *ask_path(const struct options *o, const char *question, const char *type);

/* A line of standard input; NULL at its end. Fresh text. */
char *ask_line(const char *question);

/* May path be written? Asks where it exists. */
bool may_overwrite(const char *path);

/*
 * A passphrase, from the terminal, an ask-pass program or, without both,
 * standard input. Fresh text for secret_free_text(); NULL when there is no
 * answer (said on stderr).
 */
char *ask_passphrase(const char *question);

/* Twice, until both are the same. */
char *ask_new_passphrase(const char *question);

/* The bytes of a file, those of standard input for "-". Returns the exit
 * status; failure was said on stderr. */
int read_file_or_stdin(const char *path, size_t max, struct buf *ret_text);

/* Is there a private key in this text, in whatever format? */
bool text_is_private(struct span text);

/* Writes k in the format, cipher and rounds of the options. Returns the exit
 * status; failure was said on stderr. */
int save_private(const struct options *o, const char *path, const struct key *k,
    const char *passphrase);
/* path with .pub behind. */
int save_public(const char *path, const struct key *k);

/*
 * Loads the private key of path: by -P, else without a passphrase, else by
 * asking. ret_passphrase (may be NULL): the one that fitted, "" for none;
 * secret, the caller's. Failure was said on stderr.
 */
int load_private(const struct options *o, const char *path,
    const char *question, struct key **ret, char **ret_passphrase) MUST_CHECK;

/*
 * The public key of path: a public key file, or a private one (the half that
 * needs no passphrase if there is such, else as load_private()), or the .pub
 * beside. The comment is the key's. Returns 0 or the exit status; failure was
 * said on stderr.
 */
int load_either(
    const struct options *o, const char *path, struct key **ret) MUST_CHECK;

#endif
