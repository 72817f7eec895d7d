/*
 * agent_store.h - ssh-agent: the keys that it holds, and the lock on them.
 *
 * No I/O, no clock: the time is passed in. Holds secrets: the private keys
 * (their memory: locked_memory.h) and the hash of the lock's password.
 * Limits: what the list of keys says must fit a message of the protocol
 * (AGENT_MESSAGE_MAX), and AGENT_IDENTITIES_LIMIT keys.
 */
#ifndef AGENT_AGENT_STORE_H
#define AGENT_AGENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/agent/protocol.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/key/key.h"

struct agent_key {
	struct list link;
	struct key *key;         /* with its private half */
	struct key *certificate; /* NULL: the plain key */
	char *comment;
	char *provider; /* of a PKCS#11 key: the path; NULL otherwise */
	struct agent_constraints constraints;
	uint64_t death_us; /* monotonic; 0: it lives */
};

struct agent_store {
	struct list keys; /* in the order in which they came */
	size_t count;
	size_t list_bytes; /* of the answer to REQUEST_IDENTITIES */
	bool is_locked;
	uint8_t *lock; /* salt and hash, in secret memory */
	/* Passwords are tried no sooner than this. */
	uint64_t unlock_after_us;
	unsigned unlock_failures;
};

void agent_store_init(struct agent_store *s);
void agent_store_release(struct agent_store *s);

/* What the list shows of a key: the certificate's blob or its own. */
struct span agent_key_blob(const struct agent_key *k);

/* Around a key and its certificate (may be NULL), both taken, also on
 * failure. NULL without memory. */
struct agent_key *agent_key_new(
    struct key *key, struct key *certificate) MUST_CHECK;
void agent_key_free(struct agent_key *k); /* NULL is accepted */

/* Takes k, also on failure; one with the same blob is replaced where it
 * stands. ERR_LIMIT. */
int agent_store_add(struct agent_store *s, struct agent_key *k) MUST_CHECK;

/* NULL: none. */
struct agent_key *agent_store_find(
    const struct agent_store *s, struct span blob);
void agent_store_remove(struct agent_store *s, struct agent_key *k);
void agent_store_remove_all(struct agent_store *s);

/* Drops the keys whose time is over; when the next one's is, or 0. */
uint64_t agent_store_expire(struct agent_store *s, uint64_t now_us);

/*
 * lock: ERR_PERMISSION if it is locked already; ERR_ARGUMENT for an empty
 * password. unlock: ERR_PERMISSION if it is not locked or the password is
 * another; then unlock_after_us moves on, by a tenth of a second more each
 * time, ten seconds at most: the caller lets nobody try before it.
 */
int agent_store_lock(struct agent_store *s, struct span password) MUST_CHECK;
int agent_store_unlock(
    struct agent_store *s, struct span password, uint64_t now_us) MUST_CHECK;

#endif
