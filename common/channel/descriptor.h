/*
 * descriptor.h - a descriptor that never blocks the loop, also one whose open
 * file description belongs to other programs too.
 *
 * O_NONBLOCK is a flag of the open file description, which an inherited stdin,
 * stdout or stderr shares with the shell and with every other program on the
 * terminal or pipe; setting it there breaks them. So for a shared descriptor:
 *   pipe, terminal   opened anew through /proc/self/fd, non-blocking: the same
 *                    pipe or terminal, a description of our own
 *   socket           each call says MSG_DONTWAIT
 *   anything else,   poll() before each call; writes of at most PIPE_BUF
 *   or not opened    bytes, which a pipe with room takes whole
 * Regular files and memory devices (/dev/null) never block. SIGPIPE must be
 * ignored by the program.
 *
 * Knows: nothing of SSH. Owner: embedded.
 */
#ifndef COMMON_CHANNEL_DESCRIPTOR_H
#define COMMON_CHANNEL_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/base/attributes.h"

enum descriptor_way {
	DESCRIPTOR_PLAIN,  /* read and write as they are */
	DESCRIPTOR_SOCKET, /* MSG_DONTWAIT */
	DESCRIPTOR_POLLED  /* asks poll() first */
};

struct descriptor {
	int fd;    /* used for calls and watches; -1: none */
	int given; /* as given to descriptor_init */
	enum descriptor_way way;
	bool is_tty; /* a terminal, or the master of one */
};

#define DESCRIPTOR_NONE                                                        \
	{                                                                      \
		-1, -1, DESCRIPTOR_PLAIN, false                                \
	}

/* fd -1: none. writing: for which direction. Pipes are enlarged. */
void descriptor_init(struct descriptor *d, int fd, bool shared, bool writing);

/* Closes what descriptor_init opened; the given fd if close_given is set. */
void descriptor_release(struct descriptor *d, bool close_given);

/* As readv(2) and writev(2), EINTR aside; -1 with EAGAIN: would block. */
ssize_t descriptor_read(
    const struct descriptor *d, void *to, size_t len) MUST_CHECK;
ssize_t descriptor_readv(const struct descriptor *d, const struct iovec *iov,
    size_t count) MUST_CHECK;
ssize_t descriptor_write(const struct descriptor *d, const struct iovec *iov,
    size_t count) MUST_CHECK;

#endif
