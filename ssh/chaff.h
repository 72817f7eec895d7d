/*
 * chaff.h - ObscureKeystrokeTiming: packets that look like keystrokes,
 * among the real ones, so that an observer does not learn the
 * rhythm of typing.
 *
 * A real keystroke is never delayed. Once one was typed, and for a random
 * while after the last one, PING packets (ping@openssh.com) of the same size
 * leave at random times that follow no grid: between two packets any time is as
 * likely after chaff as after a key, so an immediate key does not stand out.
 */
#ifndef SSH_CHAFF_H
#define SSH_CHAFF_H

#include "common/base/attributes.h"
#include "common/event/loop.h"
#include "common/transport/transport.h"

struct chaff;

/* interval_ms: mean time between two packets. */
int chaff_new(struct loop *loop, struct transport *t, int interval_ms,
    struct chaff **ret) MUST_CHECK;
void chaff_free(struct chaff *c);

/* A key was typed and is on its way. */
void chaff_on_keystroke(struct chaff *c);

#endif
