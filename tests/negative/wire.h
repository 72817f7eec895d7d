/*
 * wire.h - one end of a connection that says what it likes: our transport
 * on a socket, blocking with a limit in time, that notes what comes back.
 *
 * Nothing is judged here; the cases say what is right.
 */
#ifndef TESTS_NEGATIVE_WIRE_H
#define TESTS_NEGATIVE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "common/transport/transport.h"

#define WIRE_WAIT_MS 4000

struct wire {
	int fd;
	struct transport *t; /* NULL: bytes only */
	enum transport_role role;
	struct key *key;   /* server: what it signs with */
	struct key *shown; /* server: what it presents; NULL: key */
	bool spoil_signature;
	bool refuse_kex; /* client: the host key is not accepted */

	/* what came */
	bool keyed;
	bool closed;       /* end of the stream, or reset */
	bool disconnected; /* DISCONNECT came */
	bool failed;       /* our own transport gave up */
	uint32_t reason;
	unsigned count[256]; /* packets for the layers above, by type */
	unsigned unimplemented;
	struct buf last; /* payload of the last one, with its type */
	struct buf raw;  /* bytes, where t is NULL */
	uint32_t peer_channel;
	/* Called for each such packet; may be NULL. */
	void (*on_packet)(struct wire *w, uint8_t type, struct span payload);
	void (*on_keyed)(struct wire *w); /* may be NULL */
	void *context;
};

void wire_init(struct wire *w, int fd);
void wire_release(struct wire *w);

/* config NULL: a usual one. False where it cannot be. */
bool wire_start(struct wire *w, enum transport_role role,
    const struct transport_config *config);

/* Lets things move until the type came `count` times, or the peer is gone,
 * or the time is over. True for the first. */
bool wire_until(struct wire *w, uint8_t type, unsigned count, unsigned wait_ms);
/* The same, until keys are exchanged. */
bool wire_until_keyed(struct wire *w, unsigned wait_ms);
/* Until the peer has closed. */
bool wire_until_closed(struct wire *w, unsigned wait_ms);

/* Has the peer ended it? */
static inline bool
wire_is_gone(const struct wire *w)
{
	return w->closed || w->disconnected;
}

/* As long as bytes move. */
void wire_flush(struct wire *w);

/* A payload with its type, sealed or framed as the state wants it, whatever it
 * is. The buf is empty then. */
void wire_send(struct wire *w, struct buf *payload);
void wire_send_type(struct wire *w, uint8_t type);
void wire_send_bytes(struct wire *w, const void *bytes, size_t len);
/* An unencrypted packet, without a transport. */
void wire_send_clear(struct wire *w, struct buf *payload);

/* ---- the honest steps ---- */

bool wire_service(struct wire *w);
/* A signed request; spoil: 0 honest. */
bool wire_login(struct wire *w, const char *user, struct key *key);
bool wire_open_session(struct wire *w);

enum wire_spoil {
	WIRE_HONEST,
	WIRE_OTHER_SESSION,   /* signed over another session id */
	WIRE_OTHER_USER,      /* signed for another user */
	WIRE_OTHER_ALGORITHM, /* of the request: not the key's */
	WIRE_OTHER_BLOB,      /* of a key that did not sign */
	WIRE_OTHER_HOST_KEY,  /* hostbound to another host key */
	WIRE_BROKEN_SIGNATURE
};
void wire_send_publickey(
    struct wire *w, const char *user, struct key *key, enum wire_spoil spoil);

/* Fields every channel message begins with. */
void wire_begin(struct buf *b, uint8_t type, uint32_t channel);
/* Begin of a request that wants a reply. */
void wire_begin_request(struct buf *b, uint32_t channel, const char *type);

#endif
