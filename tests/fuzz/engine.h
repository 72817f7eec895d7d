/*
 * engine.h - transports for targets: fresh ones, and ones whose first key
 * exchange is over, made quickly by importing a state that was exported once.
 *
 * Randomness is seeded and the host key fixed, so that every run of an input
 * is the same, and a recorded transcript is a seed that reaches the end of
 * the key exchange.
 */
#ifndef TESTS_FUZZ_ENGINE_H
#define TESTS_FUZZ_ENGINE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/transport/transport.h"

#define ENGINE_CIPHERS 4

/* Called for each event. A negative return stops the engine. */
typedef int engine_event(struct transport *t, enum transport_event event,
    const struct packet *packet, void *context);

struct key *engine_host_key(void); /* lives as long as the program */

/* Begins the randomness again; first thing in each run. */
void engine_reset(void);

struct transport *engine_fresh(enum transport_role role);

/* cipher: 0 .. ENGINE_CIPHERS - 1. Both roles of one cipher belong
 * together. */
struct transport *engine_open(enum transport_role role, unsigned cipher);

/* Appends the exported state. */
void engine_state(enum transport_role role, unsigned cipher, struct buf *out);
/* The configuration that goes with it. */
const struct transport_config *engine_config(
    enum transport_role role, unsigned cipher);

/* Bytes from the network; on_event may be NULL. Events are answered where
 * they need it. 0 or the negative code that ended it; checks on the way that
 * a closed engine stays so. */
int engine_push(struct transport *t, struct span bytes, engine_event *on_event,
    void *context);
/* What is in the input already. */
int engine_turn(struct transport *t, engine_event *on_event, void *context);

/* All that `from` has pending goes to `to`. */
int engine_carry(struct transport *from, struct transport *to,
    engine_event *on_event, void *context);

/* Takes what is pending; appended to out unless that is NULL. */
void engine_take(struct transport *t, struct buf *out);

#endif
