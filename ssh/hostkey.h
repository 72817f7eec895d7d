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

/* What DNS says about the key; the better, the greater. */
enum host_dns {
	HOST_DNS_NOT_ASKED,
	HOST_DNS_NONE,     /* no record, or no answer */
	HOST_DNS_MISMATCH, /* records, but none for this key */
	HOST_DNS_MATCH,
	HOST_DNS_SECURE /* a match that the resolver has validated */
};

struct host_check {
	const struct ssh_options *o;
	const struct ssh_tokens *tokens;
	const struct peer *peer; /* from the verdict on; borrowed */
	char *host;              /* HostKeyAlias or the name; lower case */
	char *name;              /* as known_hosts has it: with the port */
	struct known_hosts found;
	struct known_hosts ordered; /* by KnownHostsCommand, for the order */
	/* CheckHostIP: the address as known_hosts has it; NULL: not asked */
	char *address_name;
	struct known_hosts found_address;
	enum host_dns dns;
	/* The key is wrong and the person wanted to go on all the same:
	 * nothing secret may be typed into this connection. */
	bool is_untrusted;
	/* The key is known from the person's own file, or he accepted it: the
	 * server may tell of its other keys (hostkey_update.h). */
	bool may_update;
};

/* Looks the host up in all files, unreadable ones are logged; and by
 * KnownHostsCommand, whose failure is one. */
int host_check_init(struct host_check *h, const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct error *e) MUST_CHECK;
void host_check_release(struct host_check *h);

/* The algorithms to offer, those of known keys first; fresh text. */
char *host_check_algorithms(const struct host_check *h);

/* Is the key in a file of RevokedHostKeys, or can one not be read? Says so. */
bool host_check_is_revoked(const struct host_check *h, const struct key *k);

/*
 * The verdict on the server's key; says why, asks where the options want it
 * (blocks), and adds a new key to the person's file. False: the connection
 * must end (`Host key verification failed.`, already said).
 */
bool host_check_verify(
    struct host_check *h, const struct key *key, const struct peer *peer);

#endif
