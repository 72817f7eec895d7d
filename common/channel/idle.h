/*
 * idle.h - channels without traffic are closed, and a connection without
 * channels is noticed: ChannelTimeout, UnusedConnectionTimeout of
 * ssh_config(5) and sshd_config(5).
 *
 * Knows: channels and their bytes; not what runs on them. What is to be done
 * when a time is over is its owner's.
 * Owner: whoever has the connection; frees this before connection and loop.
 */
#ifndef COMMON_CHANNEL_IDLE_H
#define COMMON_CHANNEL_IDLE_H

#include <stdint.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/config/config.h"
#include "common/event/loop.h"

struct idle;

struct idle_config {
	struct loop *loop;             /* borrowed */
	struct connection *connection; /* borrowed */
	/*
	 * Borrowed. Types are patterns for the names of sshd_config(5)
	 * (session, agent-connection, direct-tcpip ...), the first that
	 * matches counts; 0 seconds: never. The type `global` is no pattern:
	 * when no channel at all had traffic for so long, all are closed.
	 */
	const struct config_timeouts *timeouts;
	int64_t unused_s; /* <= 0: a connection needs no channels */
	/* The channel has had no traffic for its time; it is not closed yet.
	 * Told once. NULL: it is closed, and that is all. */
	void (*on_idle)(struct channel *c, void *context);
	/* There has been no channel for unused_s. Told once. */
	void (*on_unused)(void *context);
	void *context;
};

/* Starts watching. *ret NULL where there is nothing to watch: it then costs
 * nothing. ERR_MEMORY. */
int idle_new(const struct idle_config *config, struct idle **ret) MUST_CHECK;
void idle_free(struct idle *i); /* NULL is accepted */

#endif
