/*
 * hostkey_dns.h - VerifyHostKeyDNS: SSHFP records of the server's name.
 * RFC 4255.
 *
 * The system's resolver is asked (its time limits are those of
 * resolv.conf(5)); it, and the way to it, are trusted to have validated an
 * answer only where that file says trust-ad: else the C library hides the
 * resolver's word.
 */
#ifndef SSH_HOSTKEY_DNS_H
#define SSH_HOSTKEY_DNS_H

#include "common/key/key.h"
#include "ssh/hostkey.h"

/* What DNS says about the key of the host; a mismatch is said, too.
 * HOST_DNS_NOT_ASKED where the option is off or the name is an address. */
enum host_dns hostkey_check_dns(
    const struct host_check *h, const struct key *k);

#endif
