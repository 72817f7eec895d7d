/*
 * userauth_client.h - the client's half of user authentication.
 * RFC 4252, RFC 4256 (keyboard-interactive), RFC 8332,
 * publickey-hostbound-v00@openssh.com.
 *
 * A mechanism, not a policy: the owner says which method to try next, the
 * engine composes the request and turns the answer into an event. One
 * request is outstanding at a time. SERVICE_REQUEST leaves together with the
 * first request: SERVICE_ACCEPT is awaited silently, in order. No I/O, no keys:
 * what must be signed comes out as an event. Holds secrets: a password is
 * written to the transport and not kept.
 */
#ifndef COMMON_USERAUTH_USERAUTH_CLIENT_H
#define COMMON_USERAUTH_USERAUTH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/transport/transport.h"
#include "common/userauth/hostbased.h"

struct userauth_client;

enum userauth_client_event {
	USERAUTH_CLIENT_NONE,
	USERAUTH_CLIENT_SUCCESS,
	USERAUTH_CLIENT_FAILURE,        /* see _methods, _partial_success */
	USERAUTH_CLIENT_PK_OK,          /* the probed key would be accepted */
	USERAUTH_CLIENT_BANNER,         /* see _text */
	USERAUTH_CLIENT_PROMPTS,        /* keyboard-interactive: see _prompt */
	USERAUTH_CLIENT_PASSWORD_CHANGE /* see _text: the server's question */
};

/* The transport is borrowed; user and service are copied. Composes
 * SERVICE_REQUEST at once. */
int userauth_client_new(struct transport *t, const char *user,
    const char *service, struct userauth_client **ret) MUST_CHECK;
void userauth_client_free(struct userauth_client *u);

/*
 * Feeds a packet of types 6 and 50..79 from the transport. The event, or a
 * negative code (a message that is not allowed now, malformed).
 * On SUCCESS the engine has called transport_authenticated().
 */
int userauth_client_packet(
    struct userauth_client *u, const struct packet *p) MUST_CHECK;

/* ---- requests ---- */

int userauth_client_none(struct userauth_client *u) MUST_CHECK;

/* Asks whether this key would do; algorithm is a signature algorithm's name. */
int userauth_client_probe(struct userauth_client *u, const char *algorithm,
    struct span key_blob) MUST_CHECK;

/* From now on signatures do not cover the host key, whatever the server
 * announced. */
void userauth_client_forbid_hostbound(struct userauth_client *u);

/*
 * The signed request, in two steps: the first appends the data to be signed
 * (RFC 4252 s7, with session id; hostbound when the server announced it), the
 * second sends the request with the signature blob over it.
 */
int userauth_client_sign_data(struct userauth_client *u, const char *algorithm,
    struct span key_blob, struct buf *ret_data) MUST_CHECK;
int userauth_client_publickey(struct userauth_client *u, const char *algorithm,
    struct span key_blob, struct span signature) MUST_CHECK;

/*
 * Host-based (RFC 4252 s9): fills in the session id, user and service of c,
 * whose other fields are the caller's, and appends the data to be signed; then
 * the request with the signature blob over it.
 */
int userauth_client_hostbased_data(struct userauth_client *u,
    struct hostbased_claim *c, struct buf *ret_data) MUST_CHECK;
int userauth_client_hostbased(struct userauth_client *u,
    const struct hostbased_claim *c, struct span signature) MUST_CHECK;

/* The password packet is padded so that its length tells little. new_password
 * NULL unless answering PASSWORD_CHANGE. */
int userauth_client_password(struct userauth_client *u, const char *password,
    const char *new_password) MUST_CHECK;

/* devices: submethods hint, may be "". */
int userauth_client_kbdint(
    struct userauth_client *u, const char *devices) MUST_CHECK;
/* Answers in the order of the prompts. */
int userauth_client_respond(struct userauth_client *u,
    const char *const *answers, size_t count) MUST_CHECK;

/* ---- what the events said; borrowed until the next event of its kind ---- */

const char *userauth_client_methods(const struct userauth_client *u);
bool userauth_client_partial_success(const struct userauth_client *u);
struct span userauth_client_text(const struct userauth_client *u);
struct span userauth_client_name(const struct userauth_client *u);
struct span userauth_client_instruction(const struct userauth_client *u);
size_t userauth_client_prompt_count(const struct userauth_client *u);
struct span userauth_client_prompt(
    const struct userauth_client *u, size_t index, bool *ret_echo);

#endif
