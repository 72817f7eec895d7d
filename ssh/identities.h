/*
 * identities.h - the person's keys: read once, in the order in which they
 * are offered.
 *
 * Holds secrets: private keys without a passphrase are loaded at the start,
 * the others when the server has said that it wants them.
 */
#ifndef SSH_IDENTITIES_H
#define SSH_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/key/key.h"
#include "ssh/options.h"

enum identity_answer {
	IDENTITY_NOT_OFFERED,
	IDENTITY_OFFERED, /* no answer yet */
	IDENTITY_REFUSED,
	IDENTITY_ACCEPTED, /* a probe was answered with yes */
	IDENTITY_SIGNATURE_REFUSED,
	IDENTITY_PARTIAL,      /* counted, but more is wanted */
	IDENTITY_NO_ALGORITHM, /* no signature algorithm in common */
	IDENTITY_LOCKED        /* nobody gave its passphrase */
};

struct identity {
	char *path;          /* of the private key file */
	bool is_explicit;    /* named in the configuration */
	bool is_encrypted;   /* private is loaded with a passphrase */
	struct key *public;  /* NULL: known only after loading */
	struct key *private; /* NULL: not loaded, or not there */
	enum identity_answer answer;
};

struct identities {
	struct identity *item;
	size_t count;
};

/* Keys of IdentityFile or of the default files. What cannot be read is
 * logged and left out. ERR_MEMORY, ERR_CONFIG (a bad token). */
int identities_load(const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct identities *ret,
    struct error *e) MUST_CHECK;
void identities_release(struct identities *list);

/* The identity whose fingerprint (SHA256:...) this is, or NULL. */
struct identity *identities_find(
    const struct identities *list, const char *fingerprint);

/*
 * Loads an encrypted private key; asks for its passphrase (blocks) at most
 * `prompts` times. ERR_CANCELLED: none was given; ERR_PASSPHRASE: all were
 * wrong.
 */
int identity_unlock(
    struct identity *id, int prompts, struct error *e) MUST_CHECK;

/* The half that says who it is; NULL if even that is unknown. */
const struct key *identity_key(const struct identity *id);

#endif
