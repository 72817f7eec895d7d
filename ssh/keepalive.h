/*
 * keepalive.h - is the server still there: keepalive@openssh.com every
 * ServerAliveInterval of silence, at most ServerAliveCountMax of them
 * unanswered.
 */
#ifndef SSH_KEEPALIVE_H
#define SSH_KEEPALIVE_H

#include <stdint.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"
#include "common/transport/link.h"

struct keepalive;

/* on_dead is called once when the server is silent for too long. */
int keepalive_start(struct loop *loop, struct link *link,
    struct connection *connection, int64_t interval_s, int count_max,
    void (*on_dead)(void *context), void *context,
    struct keepalive **ret) MUST_CHECK;
void keepalive_free(struct keepalive *k);

#endif
