/*
 * identities.h - the person's keys, in the order in which they are offered:
 *
 *   certificates of CertificateFile
 *   keys of the agent that IdentityFile (or a default file) names
 *   the agent's other keys, unless IdentitiesOnly
 *   keys of PKCS11Provider
 *   keys that only a file holds
 *
 * and behind a key the certificate in the file with -cert.pub behind its
 * name. First identities_load() reads the files, while the network is waited
 * for; then identities_arrange() asks the agent, which wants to know the
 * session. A key that both have signs by the agent.
 *
 * Holds secrets: private keys without a passphrase are loaded at the start,
 * the others when the server has said that it wants them.
 */
#ifndef SSH_IDENTITIES_H
#define SSH_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/agent/client.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"
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
	IDENTITY_LOCKED,       /* nobody gave its passphrase */
	IDENTITY_NOT_SIGNED,   /* the agent, which alone has it, would not */
	IDENTITY_UNUSABLE      /* its file cannot be used; told when its turn
				* came */
};

struct identity {
	char *path;          /* of the private key file; NULL: there is none */
	bool is_explicit;    /* named in the configuration */
	bool is_encrypted;   /* private is loaded with a passphrase */
	struct key *public;  /* NULL: known only after loading */
	struct key *private; /* NULL: not loaded, or not there */
	/* Offered instead of the key, which signs for it; NULL: none. */
	struct key *certificate;
	char *certificate_path; /* of CertificateFile; NULL */
	/* What the agent signs with: the blob of the key, or that of the
	 * certificate; empty: it does not have it. */
	struct buf agent_blob;
	char *agent_comment; /* fit for a terminal; NULL */
	bool was_in_agent;
	/* Why the file gave nothing: a code and a sentence; 0. */
	int load_code;
	char *load_text;
	enum identity_answer answer;
};

/* Of CertificateFile, until identities_arrange(). */
struct named_certificate {
	struct key *key;
	char *path;
};

struct identities {
	struct identity *item;
	size_t count;
	struct named_certificate *certificates;
	size_t certificate_count;
	struct agent *agent; /* owned; NULL: none, or it is over with it */
};

/* Keys of IdentityFile or of the default files, and certificates.
 * ERR_MEMORY, ERR_CONFIG (a bad token). */
int identities_load(const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct identities *ret,
    struct error *e) MUST_CHECK;
void identities_release(struct identities *list);

/*
 * Asks the agent (taken; NULL: there is none) and puts everything into its
 * order. What nothing can sign with is left out; that it could not be read is
 * logged now. An agent that fails is only logged. ERR_MEMORY.
 */
int identities_arrange(struct identities *list, const struct ssh_options *o,
    struct agent *agent, struct error *e) MUST_CHECK;

/* The agent is of no more use, and is closed. */
void identities_forget_agent(struct identities *list);

/* What to remember an identity by: its fingerprint (SHA256:...), with
 * "-cert" behind it for a certificate. Fresh text; NULL if it is unknown. */
char *identity_mark(const struct identity *id);

/* The identity with this mark, or NULL. */
struct identity *identities_find(
    const struct identities *list, const char *mark);

/* The file to name in messages; of a key that only the agent has, its comment.
 */
const char *identity_name(const struct identity *id);

/* Is there anything to sign with: the agent, a key, or a passphrase away from
 * one? One that has nothing stays in the list for its reason to be told. */
bool identity_can_sign(const struct identity *id);

/* How many of list can. */
size_t identities_usable(const struct identities *list);

/* Why its file gave nothing; says nothing where it did. */
void identity_log_failure(const struct identity *id);

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

/* ---- for identities*.c ---- */

void identity_release(struct identity *id);
/* Takes id. ERR_MEMORY. */
int identities_append(
    struct identities *list, struct identity *id, struct error *e) MUST_CHECK;
/* The key under the certificate, or NULL. */
const struct key *identity_plain_key(const struct identity *id);

#endif
