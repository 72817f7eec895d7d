/*
 * authorized_keys.h - which keys may log in, and under which conditions.
 * Format: authorized_keys of sshd(8); surface notes s10.
 *
 * Pure: the file's text, the address and the time are passed in. The text
 * is the user's: hostile to everybody else, so every line is bounded and a
 * damaged one only disables itself.
 */
#ifndef SSHD_AUTHORIZED_KEYS_H
#define SSHD_AUTHORIZED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"

#define AUTHORIZED_KEYS_FILE_MAX ((size_t)64 * 1024 * 1024)
#define KEY_OPTIONS_MAX          256 /* options a line */

struct certificate;

/* What a matching line says. Text is owned. */
struct key_options {
	bool no_pty;
	bool no_port_forwarding;
	bool no_agent_forwarding;
	bool no_x11_forwarding;
	bool no_user_rc;
	bool is_cert_authority; /* the key signs certificates: no login */
	bool touch_not_required;
	bool verify_required;
	char *command; /* NULL: none is forced */
	char *from;    /* NULL: from everywhere */
	char *principals;
	char *tunnel;
	struct strings environment; /* "NAME=value" */
	struct strings confine;     /* "rw:/path ro:/path", of internal-sftp */
	struct strings permit_open;
	struct strings permit_listen;
	uint64_t expires_s; /* UINT64_MAX: never */
};

void key_options_init(struct key_options *o);
void key_options_release(struct key_options *o);

/* Parses the option field of a line. ERR_FORMAT, with the sentence in e. */
int key_options_parse(
    struct span text, struct key_options *ret, struct error *e) MUST_CHECK;

/* Adds the limits of a second key (AuthenticationMethods with two keys):
 * the stricter of both. ERR_PERMISSION when they force different commands. */
int key_options_merge(
    struct key_options *to, const struct key_options *from) MUST_CHECK;

/* For messages between our processes: what a session must know. */
void key_options_write(struct buf *out, const struct key_options *o);
int key_options_read(struct reader *r, struct key_options *ret) MUST_CHECK;

/* Who asks. host is the name of the address (or its text); now_s the wall
 * clock. For a certificate, whose CA is looked for: the certificate, the
 * account's name, and CASignatureAlgorithms. */
struct key_context {
	const struct address *address;
	const char *host;
	uint64_t now_s;
	const struct certificate *certificate; /* NULL: a plain key */
	const char *user;
	const char *ca_algorithms;
};

/*
 * May the line be used by this peer now? ERR_PERMISSION with a sentence
 * that says why not (from=, expiry-time=, what the certificate lacks);
 * ERR_NOT_FOUND where a CA is wanted and the line is a plain key's.
 */
int key_options_check(const struct key_options *o, const struct key_context *c,
    struct error *e) MUST_CHECK;

/*
 * Narrows the options of a CA's line, or of a principal's, to what the
 * certificate allows: its extensions, its forced command, source-address.
 * ERR_PERMISSION with the sentence why it may not be used at all.
 */
int key_options_narrow(struct key_options *o, const struct certificate *c,
    const struct key_context *context, struct error *e) MUST_CHECK;

struct key_match {
	struct key_options options;
	size_t line; /* from 1 */
};

/* Called for lines that hold the key and cannot be used, with the line's
 * number and the reason. */
typedef void key_line_problem(size_t line, const char *text, void *context);

/*
 * Looks for the key in the text of an authorized_keys file: first for the
 * base64 text of the blob, at memory speed; only a line that holds it is
 * parsed. True with ret filled (the caller's to release) for the first line
 * that may be used.
 */
bool authorized_keys_find(struct span text, const char *type_name,
    struct span blob, const struct key_context *c, key_line_problem *problem,
    void *problem_context, struct key_match *ret);

#endif
