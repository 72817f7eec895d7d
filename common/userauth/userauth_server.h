/*
 * userauth_server.h - the server's half of user authentication.
 * RFC 4252, RFC 4256, RFC 8332, publickey-hostbound-v00@openssh.com.
 *
 * Runs in the process without rights: it parses requests and hands them to
 * its owner as data; whether they are granted is decided elsewhere (the
 * monitor). One request at a time: the owner answers each event with exactly
 * one call. The first user and service name stay: a change of either is a
 * protocol error, as is a second keyboard-interactive answer without a
 * question.
 */
#ifndef COMMON_USERAUTH_USERAUTH_SERVER_H
#define COMMON_USERAUTH_USERAUTH_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/transport/transport.h"

#define USERAUTH_USER_MAX     256 /* bytes; longer names are refused */
#define USERAUTH_PASSWORD_MAX 1024
#define USERAUTH_PROMPTS_MAX  16
#define USERAUTH_REQUESTS_MAX 1024 /* requests of any kind, then the end */

struct userauth_server;

enum userauth_server_event {
	USERAUTH_SERVER_NONE,
	USERAUTH_SERVER_REQUEST,  /* a method was asked for: see request */
	USERAUTH_SERVER_RESPONSES /* keyboard-interactive answers came */
};

enum userauth_method {
	USERAUTH_NONE,
	USERAUTH_PUBLICKEY_PROBE,
	USERAUTH_PUBLICKEY,
	USERAUTH_PASSWORD,
	USERAUTH_KBDINT,
	USERAUTH_HOSTBASED,
	USERAUTH_OTHER /* a name we do not know: only failure fits */
};

/* Borrowed until the next event. Text fields hold no NUL. */
struct userauth_request {
	enum userauth_method method;
	struct span method_name; /* "publickey" also when hostbound */
	struct span user;
	struct span service;
	/* publickey, hostbased */
	struct span algorithm;
	struct span key_blob;
	struct span signature;
	struct span signed_data; /* publickey: what the signature must cover */
	bool hostbound;
	/* hostbased */
	struct span client_host;
	struct span client_user;
	/* password */
	struct span password;
	struct span new_password;
	bool is_password_change;
	/* keyboard-interactive */
	struct span devices;
};

/* host_key_blob: of the key that was used in the key exchange, for
 * hostbound requests that name another: ERR_FORMAT. */
int userauth_server_new(struct transport *t, struct span host_key_blob,
    struct userauth_server **ret) MUST_CHECK;
void userauth_server_free(struct userauth_server *u);

/*
 * Feeds packets of types 5 and 50..79; an event or a negative code.
 * Answers SERVICE_REQUEST for "ssh-userauth" by itself, between requests
 * again and again; others: disconnect.
 * A packet that comes before the last request was answered waits (16 at
 * most), see userauth_server_next(). A REQUEST after prompts means that the
 * client gave up the dialogue. After success requests are ignored.
 */
int userauth_server_packet(
    struct userauth_server *u, const struct packet *p) MUST_CHECK;

/* Call after each answer: the event of a packet that waited, or NONE. */
int userauth_server_next(struct userauth_server *u) MUST_CHECK;

const struct userauth_request *userauth_server_request(
    const struct userauth_server *u);

/* RESPONSES: answers, borrowed until the next event. When there are not as
 * many as were asked for, failure is the answer (RFC 4256 s3.4). */
size_t userauth_server_asked_count(const struct userauth_server *u);
size_t userauth_server_response_count(const struct userauth_server *u);
struct span userauth_server_response(
    const struct userauth_server *u, size_t index);

/* ---- answers ---- */

int userauth_server_failure(struct userauth_server *u,
    const char *methods_that_can_continue, bool partial_success) MUST_CHECK;
/* Composes SUCCESS and calls transport_authenticated(). */
int userauth_server_success(struct userauth_server *u) MUST_CHECK;
int userauth_server_pk_ok(struct userauth_server *u) MUST_CHECK;
int userauth_server_prompts(struct userauth_server *u, const char *name,
    const char *instruction, const char *const *prompts, const bool *echo,
    size_t count) MUST_CHECK;
int userauth_server_password_change(
    struct userauth_server *u, const char *prompt) MUST_CHECK;
/* Between SERVICE_REQUEST and success; ERR_UNEXPECTED else. */
int userauth_server_banner(
    struct userauth_server *u, struct span text) MUST_CHECK;

#endif
