/*
 * host_keys.h - the host keys: public halves for everybody, private halves
 * for the monitor only.
 *
 * The private fields travel and lie as bytes in locked memory; a key object
 * is made of them when a signature is first asked for. So a spare session
 * spends no time on keys that are not used.
 * A key whose private half is in an agent (HostKeyAgent) has its public half
 * here; the agent is asked for each signature, its answer is verified, and it
 * has HOST_KEYS_AGENT_MS for it.
 * Holds secrets: wiped on free.
 */
#ifndef SSHD_HOST_KEYS_H
#define SSHD_HOST_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"

#define HOST_KEYS_MAX      64
#define HOST_KEYS_AGENT_MS 20000

struct host_keys;

struct host_keys *host_keys_new(void) MUST_CHECK;
void host_keys_free(struct host_keys *k);

/*
 * The socket of an agent that holds private halves; "SSH_AUTH_SOCK": the one
 * that the variable names. To be called before the load. Where nobody listens
 * there, that is logged, and the agent is not used.
 */
int host_keys_set_agent(struct host_keys *k, const char *path) MUST_CHECK;

/* The library of security keys that are host keys (SecurityKeyProvider). To
 * be called before the load. */
int host_keys_set_provider(struct host_keys *k, const char *path) MUST_CHECK;

/*
 * Loads the files (with an agent, a public key does, under the name itself or
 * with .pub behind it). Each one that cannot be used is logged and left out;
 * one that is not there goes without a word unless it is wanted (was configured
 * by name). Returns how many there are. rsa_bits_min: RSA keys below are
 * left out.
 */
size_t host_keys_load(struct host_keys *k, const struct strings *paths,
    bool wanted, unsigned rsa_bits_min);

/*
 * Loads the files of host certificates and puts each beside its key. One
 * that cannot be used is logged and left out.
 */
void host_keys_load_certificates(
    struct host_keys *k, const struct strings *paths);

size_t host_keys_count(const struct host_keys *k);

/* Both halves, as HANDOVER_HOST_KEYS wants them / the public ones alone. */
void host_keys_write(const struct host_keys *k, struct buf *out);
void host_keys_write_public(const struct host_keys *k, struct buf *out);

/* Either form; private halves where they are given. ERR_FORMAT and others. */
int host_keys_read(struct reader *r, struct host_keys *k) MUST_CHECK;
int host_keys_read_public(struct reader *r, struct host_keys *k) MUST_CHECK;

/* The names of wanted (a comma list) that there are keys for; fresh. */
char *host_keys_algorithms(const struct host_keys *k, const char *wanted);

/* The public blob (of the key, or its certificate) for an algorithm,
 * borrowed; empty if there is none. */
struct span host_keys_blob(const struct host_keys *k, const char *algorithm);

/* The public half of a key by number, from 0; NULL: there are no more. */
const struct key *host_keys_public(const struct host_keys *k, size_t index);

/* Something that only the monitors of this daemon know: the private halves,
 * or where an agent has them, a number drawn by the listener. */
void host_keys_write_secret(const struct host_keys *k, struct buf *out);

/* Signs data with the key for the algorithm. ERR_NOT_FOUND,
 * ERR_SIGNATURE_ALGORITHM, and what the agent's client gives. */
int host_keys_sign(struct host_keys *k, const char *algorithm, struct span data,
    struct buf *ret_signature) MUST_CHECK;

/* The same with the key of this blob (no certificate). */
int host_keys_sign_with(struct host_keys *k, struct span blob,
    const char *algorithm, struct span data,
    struct buf *ret_signature) MUST_CHECK;

#endif
