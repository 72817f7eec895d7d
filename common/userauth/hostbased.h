/*
 * hostbased.h - what a client's host signs to say who its user is.
 * RFC 4252 s9.
 *
 * Both ends, the monitor of sshd and ssh-keysign compose or read the same
 * bytes. Pure; what is read may be hostile.
 */
#ifndef COMMON_USERAUTH_HOSTBASED_H
#define COMMON_USERAUTH_HOSTBASED_H

#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define HOSTBASED_HOST_MAX 1024 /* bytes of a host's name */
#define HOSTBASED_USER_MAX 256

/* All borrowed; text without NUL. */
struct hostbased_claim {
	struct span session_id;
	struct span user; /* on the server */
	struct span service;
	struct span algorithm;
	struct span key_blob; /* of the client's host; may be a certificate */
	struct span client_host;
	struct span client_user;
};

/*
 * Appends the signed data:
 *   string session_id, byte SSH_MSG_USERAUTH_REQUEST, string user,
 *   string service, string "hostbased", string algorithm, string key blob,
 *   string client host name, string client user name
 */
void hostbased_write_signed(struct buf *b, const struct hostbased_claim *c);

/* The same fields from "hostbased" on, as they stand in a request. */
void hostbased_write_fields(struct buf *b, const struct hostbased_claim *c);

/* Reads signed data to its exact end. ERR_FORMAT, ERR_LIMIT and others. */
int hostbased_read_signed(
    struct span data, struct hostbased_claim *ret) MUST_CHECK;

/* Reads algorithm, blob, host and user; errors are the reader's. */
void hostbased_read_fields(struct reader *r, struct hostbased_claim *ret);

#endif
