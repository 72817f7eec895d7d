/*
 * add.h - ssh-add: what its files share.
 *
 * One kind of work, one file; add_main.c reads the command line and calls
 * one of the functions below. Each prints what it has to say and returns the
 * exit status.
 */
#ifndef AGENT_ADD_H
#define AGENT_ADD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/agent/client.h"
#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/crypto/digest.h"

enum {
	EXIT_FAILED = 1,
	EXIT_NO_AGENT = 2
};

enum add_action {
	ADD_KEYS,
	ADD_REMOVE,          /* -d */
	ADD_REMOVE_ALL,      /* -D */
	ADD_FINGERPRINTS,    /* -l */
	ADD_LINES,           /* -L */
	ADD_TEST,            /* -T */
	ADD_LOCK,            /* -x */
	ADD_UNLOCK,          /* -X */
	ADD_PROVIDER,        /* -s */
	ADD_REMOVE_PROVIDER, /* -e */
	ADD_RESIDENT,        /* -K */
	ADD_EXTENSIONS,      /* -Q */
	ADD_USAGE
};

struct add_options {
	enum add_action action;
	bool certificates_only; /* -C */
	bool keys_only;         /* -k */
	bool no_expiry;         /* -N */
	bool is_quiet;          /* -q */
	const char *provider;   /* of -s or -e */
	const char *sk_provider;
	enum digest_algorithm hash;
	struct agent_constraints constraints; /* owned */
	struct strings destinations;          /* -h, in order */
	struct strings host_files;            /* -H */
	char **files;                         /* NULL at the end */
	int file_count;
};

/* ---- add_options.c ---- */

/* What was wrong was said on stderr, and the action is ADD_USAGE. Texts are
 * borrowed from argv. */
void add_options_parse(int argc, char **argv, struct add_options *ret);
void add_options_release(struct add_options *o);

/* ---- add_destination.c ---- */

/* The texts of -h, with the host keys of the files, into o->constraints. 0, or
 * the exit status. */
int add_destinations(struct add_options *o) MUST_CHECK;

/* ---- add_keys.c ---- */

/* -S, $SSH_SK_PROVIDER or "internal"; borrowed. */
const char *add_security_provider(const struct add_options *o);

/* The lifetime that was set, and that a person will be asked. */
void add_tell_constraints(
    const struct add_options *o, const struct agent_constraints *c);

/* ---- add_keys.c, add_remove.c, add_list.c, add_other.c ---- */

int add_keys(struct agent *a, const struct add_options *o);
int add_remove(struct agent *a, const struct add_options *o);
int add_remove_all(struct agent *a, const struct add_options *o);
int add_list(struct agent *a, const struct add_options *o);
int add_test(struct agent *a, const struct add_options *o);
int add_lock(struct agent *a, const struct add_options *o);
int add_provider(struct agent *a, const struct add_options *o);
int add_remove_provider(struct agent *a, const struct add_options *o);
int add_resident(struct agent *a, const struct add_options *o);
int add_extensions(struct agent *a, const struct add_options *o);

/* ---- shared ---- */

/* Prints one line on stderr and returns EXIT_FAILED. */
int complain(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same where there is no -q; returns 0. */
int tell(const struct add_options *o, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Each file of the command line, or, where there is none, each of the default
 * ones that exists. */
typedef int add_file_function(
    struct agent *a, const struct add_options *o, const char *path);
int add_each_file(
    struct agent *a, const struct add_options *o, add_file_function *fn);

/* A passphrase or PIN: fresh text for secret_free_text(). NULL: nobody could
 * or would answer (said on stderr). */
char *add_ask(const char *question);

/* The public key of a file: of a public one, of the one with .pub behind its
 * name, or the public half of a private one. */
int add_load_public(
    const char *path, struct key **ret, struct error *e) MUST_CHECK;

/* PATH-cert.pub, without a .pub that PATH ends with; fresh text. */
char *add_certificate_path(const char *path);

#endif
