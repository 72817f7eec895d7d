/*
 * connect.h - the way to the server: a TCP connection to the first of its
 * addresses that answers (RFC 8305), or a proxy command's pipes.
 *
 * In two steps, so that the caller can prepare its part of the key exchange
 * while the network works.
 */
#ifndef SSH_CONNECT_H
#define SSH_CONNECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/error.h"

struct ssh_options;
struct connecting;

/* The server as far as the network knows it. */
struct peer {
	int fd_in, fd_out;           /* equal for a socket */
	bool is_proxied;             /* the address is then unknown */
	struct address address;      /* with its port */
	char text[ADDRESS_TEXT_MAX]; /* the address, "UNKNOWN" where proxied */
	unsigned port;               /* 65535 where proxied */
};

/*
 * Looks the name up and begins to connect, or starts the proxy command.
 * proxy_command: expanded; NULL: none. Failures of single addresses are
 * logged; the sentence of the last one is in e.
 */
int connect_start(const struct ssh_options *o, const char *host, unsigned port,
    const char *proxy_command, struct connecting **ret,
    struct error *e) MUST_CHECK;

/* Waits for the connection; c is freed in any case. deadline_us: monotonic,
 * 0 none: ERR_TIMEOUT. */
int connect_finish(struct connecting *c, uint64_t deadline_us, struct peer *ret,
    struct error *e) MUST_CHECK;

/* Type of service for what the connection will carry; keeps the kernel's
 * choice for class -1 (none). */
void connect_set_tos(const struct peer *p, int class);

#endif
