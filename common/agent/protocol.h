/*
 * protocol.h - the agent protocol: numbers and what both ends encode alike.
 * draft-ietf-sshm-ssh-agent; extensions of OpenSSH: surface notes s9.
 *
 * No I/O. A message is a uint32 length and that many bytes, the first of them
 * its type.
 */
#ifndef COMMON_AGENT_PROTOCOL_H
#define COMMON_AGENT_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/text.h"
#include "common/key/key.h"

#define AGENT_MESSAGE_MAX (256u * 1024)

enum agent_message {
	AGENT_FAILURE = 5,
	AGENT_SUCCESS = 6,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
	AGENT_ADD_IDENTITY = 17,
	AGENT_REMOVE_IDENTITY = 18,
	AGENT_REMOVE_ALL_IDENTITIES = 19,
	AGENT_ADD_SMARTCARD_KEY = 20,
	AGENT_REMOVE_SMARTCARD_KEY = 21,
	AGENT_LOCK = 22,
	AGENT_UNLOCK = 23,
	AGENT_ADD_ID_CONSTRAINED = 25,
	AGENT_ADD_SMARTCARD_KEY_CONSTRAINED = 26,
	AGENT_EXTENSION = 27,
	AGENT_EXTENSION_FAILURE = 28,
	AGENT_EXTENSION_RESPONSE = 29
};

enum agent_constraint {
	AGENT_CONSTRAIN_LIFETIME = 1,
	AGENT_CONSTRAIN_CONFIRM = 2,
	AGENT_CONSTRAIN_EXTENSION = 255
};

enum agent_sign_flag {
	AGENT_RSA_SHA2_256 = 2,
	AGENT_RSA_SHA2_512 = 4
};

/* A host as destination constraints know it. */
struct agent_host_key {
	struct key *key;
	bool is_ca;
};

/* One end of a permitted hop. name NULL: the host where the agent is. */
struct agent_hop {
	char *name; /* for messages and matching of user@ */
	char *user; /* NULL: any; only at the far end */
	struct agent_host_key *keys;
	size_t key_count;
};

/* restrict-destination-v00@openssh.com: use is allowed from `from` to `to`. */
struct agent_destination {
	struct agent_hop from, to;
};

struct agent_constraints {
	uint32_t lifetime_s; /* 0: none */
	bool confirm;
	char *sk_provider; /* NULL: none */
	struct agent_destination *destinations;
	size_t destination_count;
	bool certificates_only;    /* associated-certs-v00@openssh.com */
	struct key **certificates; /* of a provider's keys */
	size_t certificate_count;
};

#define AGENT_CONSTRAINTS_NONE ((struct agent_constraints){ 0 })

bool agent_constraints_any(const struct agent_constraints *c);
void agent_constraints_release(struct agent_constraints *c);

/* The largest counts in a message that are believed. */
#define AGENT_IDENTITIES_LIMIT   2048
#define AGENT_DESTINATIONS_LIMIT 1024
#define AGENT_HOP_KEYS_LIMIT     1024
#define AGENT_CERTIFICATES_LIMIT 1024

/* Appends the constraints as they stand behind a key. */
void agent_write_constraints(
    struct buf *out, const struct agent_constraints *c);

/* Reads them to the end of r; *ret is to be released, also on failure.
 * ERR_FORMAT (also: the same one twice); ERR_LIMIT; ERR_KEY_*: a key in them;
 * ERR_UNSUPPORTED: one that we do not know (the key must then be refused). */
int agent_read_constraints(
    struct reader *r, struct agent_constraints *ret) MUST_CHECK;

/*
 * A private key as ADD_IDENTITY has it (without the comment): as
 * key_write_private(), or, where a certificate goes with it, the
 * certificate's type and blob and what of the private half is not in there.
 * write: ERR_KEY_TYPE where the private half is elsewhere. read: also checks
 * that the two belong together; *ret_certificate is NULL where there is none;
 * ERR_KEY_*.
 */
int agent_write_key(struct buf *out, const struct key *k,
    const struct key *certificate) MUST_CHECK;
int agent_read_key(struct reader *r, struct key **ret_key,
    struct key **ret_certificate) MUST_CHECK;

/* The flags that ask for an algorithm (enum agent_sign_flag). */
uint32_t agent_sign_flags(const struct signature_algorithm *a);

#endif
