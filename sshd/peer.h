/*
 * peer.h - who is at the other end of a connection, as addresses and as the
 * text that logs and the session's environment show.
 *
 * Without a socket (`sshd -i` on pipes) the text is "UNKNOWN" and the ports
 * are 65535.
 */
#ifndef SSHD_PEER_H
#define SSHD_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/buf.h"

#define PEER_UNKNOWN_PORT 65535

struct peer {
	struct address remote; /* family 0: not known */
	struct address local;
	char remote_text[ADDRESS_TEXT_MAX];
	char local_text[ADDRESS_TEXT_MAX];
	uint16_t remote_port;
	uint16_t local_port;
};

/* From a connected descriptor; never fails. */
void peer_of(int fd, struct peer *ret);

/* For messages between our processes. */
void peer_write(struct buf *out, const struct peer *p);
void peer_read(struct reader *r, struct peer *ret);

#endif
