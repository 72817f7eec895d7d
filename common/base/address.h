/*
 * address.h - internet addresses as values: parsing, printing, CIDR.
 * RFC 4291, RFC 4632. Never asks a name service.
 */
#ifndef COMMON_BASE_ADDRESS_H
#define COMMON_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/attributes.h"

#define ADDRESS_TEXT_MAX 64

struct address {
	int family;        /* AF_INET, AF_INET6; 0 = none */
	uint8_t bytes[16]; /* network order; 4 used for AF_INET */
	uint32_t scope;    /* AF_INET6 link-local scope */
	uint16_t port;
};

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0". ERR_FORMAT. */
int address_parse(const char *text, struct address *ret_address) MUST_CHECK;

/* From a socket address; an IPv4-mapped one becomes AF_INET. ERR_FORMAT. */
int address_from_sockaddr(
    const struct sockaddr *sa, struct address *ret) MUST_CHECK;
socklen_t address_to_sockaddr(
    const struct address *a, struct sockaddr_storage *ret);

/* The address without its port. Returns buf. */
const char *address_format(const struct address *a, char buf[ADDRESS_TEXT_MAX]);

/* Compares family and bytes, not the port. */
bool address_equal(const struct address *a, const struct address *b);

/* Clears all but the first `bits` bits. */
void address_mask(struct address *a, unsigned bits);

/*
 * A comma list of addresses, CIDR blocks and wildcard patterns with `!`:
 * 1 matched, 0 not, -1 matched by a negated one, ERR_FORMAT (below -1) when
 * an entry is no valid block. cidr_only refuses wildcard patterns.
 * a NULL only checks the list.
 */
int address_list_match(
    const char *list, const struct address *a, bool cidr_only);

#endif
