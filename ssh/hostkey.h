/*
 * hostkey.h - is the server who it says it is: known_hosts, the question
 * about a new host, the warning about a changed one.
 * RFC 4251 s4.1; texts: surface notes s10.
 */
#ifndef SSH_HOSTKEY_H
#define SSH_HOSTKEY_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/hosts/known_hosts.h"
#include "common/key/key.h"
#include "ssh/connect.h"
#include "ssh/options.h"

struct host_check {
	const struct ssh_options *o;
	const struct ssh_tokens *tokens;
	char *host; /* HostKeyAlias or the name; lower case */
	char *name; /* as known_hosts has it: with the port */
	struct known_hosts found;
	/* The key is wrong and the person wanted to go on all the same:
	 * nothing secret may be typed into this connection. */
	bool is_untrusted;
};

/* Looks the host up in all files; unreadable ones are logged. */
int host_check_init(struct host_check *h, const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct error *e) MUST_CHECK;
void host_check_release(struct host_check *h);

/* The algorithms to offer, those of known keys first; fresh text. */
char *host_check_algorithms(const struct host_check *h);

/*
 * The verdict on the server's key; says why, asks where the options want it
 * (blocks), and adds a new key to the person's file. False: the connection
 * must end (`Host key verification failed.`, already said).
 */
bool host_check_verify(
    struct host_check *h, const struct key *key, const struct peer *peer);

#endif
