/*
 * hostkey_update.h - UpdateHostKeys: a server that is known tells of its other
 * host keys (hostkeys-00@openssh.com), proves that it has them
 * (hostkeys-prove-00@openssh.com), and known_hosts is brought up to date: new
 * keys are added, those that it has no more are removed.
 * Wire: surface notes s9.
 *
 * Nothing is changed where the host is known by a certificate authority, by a
 * pattern or a list of names, where one of the keys stands under another name
 * as well, or where the key of this connection is not from the person's own
 * files. All or nothing: one proof that fails, and nothing is learnt.
 */
#ifndef SSH_HOSTKEY_UPDATE_H
#define SSH_HOSTKEY_UPDATE_H

#include "common/channel/channel.h"
#include "ssh/hostkey.h"

/* Most keys that a server may tell of. */
#define HOST_UPDATE_KEYS_MAX 64

struct host_update;

/*
 * The server told its keys (r: the request's fields). Gives NULL where nothing
 * is to be done or what it says is of no use; else the proofs are asked for
 * over k, and their arrival does the rest (it may ask the person). h must
 * outlive the connection; host_update_free() at its end.
 */
struct host_update *host_update_new(
    const struct host_check *h, struct connection *k, struct reader *r);
void host_update_free(struct host_update *u); /* NULL is accepted */

#endif
