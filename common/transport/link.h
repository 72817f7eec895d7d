/*
 * link.h - a transport on a socket (or a pair of pipes) in an event loop.
 *
 * Reads into the transport while the owner wants input, calls the owner for
 * each event, and writes what is pending at the end of each turn (in a
 * prepare callback of the loop): everything composed in a turn leaves in one
 * system call. It drives transport_tick() and gives back the buffers of a
 * connection that idles.
 */
#ifndef COMMON_TRANSPORT_LINK_H
#define COMMON_TRANSPORT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/event/loop.h"
#include "common/transport/transport.h"

struct link;

struct link_owner {
	/* An event of transport_next(); packet for TRANSPORT_PACKET. A negative
	 * return ends the link with that code. */
	int (*on_event)(void *context, enum transport_event event,
	    const struct packet *packet);
	/* Everything that had arrived was handled (once per readiness): the
	 * place to decide what to do next. May be NULL. */
	void (*on_input_done)(void *context);
	/* The link is over, and with it all callbacks; link_free() and
	 * transport_free() are allowed here. The peer closed (ERR_CLOSED), a
	 * read or write failed (ERR_SYSTEM, errno kept in e), or the transport
	 * failed. Called once. */
	void (*on_end)(void *context, int code, const struct error *e);
	void *context;
};

/* Descriptors stay the caller's and are made non-blocking. fd_in may equal
 * fd_out. The transport stays the caller's. */
struct link *link_new(struct loop *loop, struct transport *t, int fd_in,
    int fd_out, const struct link_owner *owner) MUST_CHECK;
void link_free(struct link *l);

/* Handles what is in the transport's input already (after an import, or after
 * an answer was given outside a callback). */
void link_kick(struct link *l);

/* Takes no events and reads nothing until hold is false again and link_kick is
 * called (or input arrives): for an owner that must finish one packet, with
 * the help of another process, before it takes the next. */
void link_hold(struct link *l, bool hold);

/* Writes what is pending now, waiting for at most timeout_ms; for the last
 * words before an exit. 0, ERR_TIMEOUT, ERR_SYSTEM. */
int link_flush(struct link *l, int timeout_ms) MUST_CHECK;

/* Smoothed round trip of the path in microseconds, from TCP_INFO; 0 unknown.
 * Cheap enough for every packet: the kernel is asked ten times a second. */
uint64_t link_rtt_us(struct link *l);

/* Time of the last bytes received, monotonic microseconds. */
uint64_t link_last_input_us(const struct link *l);

#endif
