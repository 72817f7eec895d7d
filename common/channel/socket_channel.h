/*
 * socket_channel.h - a channel that stands for a connection: its data is
 * that of a connected stream socket, each direction ends by itself, and the
 * channel is closed when both have ended. RFC 4254 s5.3.
 *
 * The socket may come later than the channel: what the peer sends before
 * waits within the channel's window. Non-blocking; moves bytes as stream.h
 * says. It frees itself after on_end.
 */
#ifndef COMMON_CHANNEL_SOCKET_CHANNEL_H
#define COMMON_CHANNEL_SOCKET_CHANNEL_H

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"

struct socket_channel;

/* The channel is gone (or the peer refused it) and everything that came is
 * written out. The object is freed after this returns. */
typedef void socket_channel_end(void *context);

/* Becomes the owner of a channel: in on_channel_open, or between
 * channel_open_begin and channel_open_end. fd -1: comes by
 * socket_channel_start. fd is taken; not on failure (ERR_MEMORY). */
int socket_channel_new(struct loop *loop, struct channel *c, int fd,
    socket_channel_end *on_end, void *context,
    struct socket_channel **ret) MUST_CHECK;

/* The socket has come; taken. Where it cannot be used the channel is closed
 * and on_end follows. */
void socket_channel_start(struct socket_channel *s, int fd);

/* There will be no socket: closes the channel, on_end follows. */
void socket_channel_give_up(struct socket_channel *s);

/* The connection is gone; on_end is not called. NULL is accepted. */
void socket_channel_free(struct socket_channel *s);

#endif
