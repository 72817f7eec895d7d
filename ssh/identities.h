/*
 * identities.h - the person's keys: read once, in the order in which they
 * are offered: certificates of CertificateFile, then each key, and behind it
 * the certificate in the file with -cert.pub behind its name.
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
	/* Offered instead of the key, which signs for it; NULL: none. */
	struct key *certificate;
	char *certificate_path; /* of CertificateFile; NULL */
	enum identity_answer answer;
};

struct identities {
	struct identity *item;
	size_t count;
};

/* Keys of IdentityFile or of the default files, and certificates. What
 * cannot be read is logged and left out. ERR_MEMORY, ERR_CONFIG (a bad token).
 */
int identities_load(const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct identities *ret,
    struct error *e) MUST_CHECK;
void identities_release(struct identities *list);

/* What to remember an identity by: its fingerprint (SHA256:...), with
 * "-cert" behind it for a certificate. Fresh text; NULL if it is unknown. */
char *identity_mark(const struct identity *id);

/* The identity with this mark, or NULL. */
struct identity *identities_find(
    const struct identities *list, const char *mark);

/* The file to name in messages. */
const char *identity_name(const struct identity *id);

/* Does the private key (loaded) belong to what is offered? */
bool identity_is_whole(const struct identity *id);

/* Entries of the same file get the private key that was unlocked for one. */
void identities_share(struct identities *list, const struct identity *id);

/*
 * Loads an encrypted private key; asks for its passphrase (blocks) at most
 * `prompts` times. ERR_CANCELLED: none was given; ERR_PASSPHRASE: all were
 * wrong.
 */
int identity_unlock(
    struct identity *id, int prompts, struct error *e) MUST_CHECK;

/* The certificate, or the half of the key that says who it is; NULL if even
 * that is unknown. */
const struct key *identity_key(const struct identity *id);

#endif
