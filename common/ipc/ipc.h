/*
 * ipc.h - typed, framed messages between our own processes, over a Unix
 * stream socket pair, with descriptor passing.
 *
 * Frame: uint32 length (of type and body; the top bit tells that a
 * descriptor comes along), byte type, body. At most one descriptor travels
 * with a message. A frame longer than the limit given, or
 * an unexpected descriptor, is an error; the connection is then dead.
 * The body is written and read with buf.h's writer and reader.
 * Both a blocking form (monitor and child take turns) and a buffered,
 * non-blocking form (for a loop) are offered over the same struct.
 * May hold secrets: the buffers are wiped.
 */
#ifndef COMMON_IPC_IPC_H
#define COMMON_IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define IPC_MESSAGE_MAX (64u * 1024 * 1024)

struct ipc {
	int fd; /* owned; -1 once closed */
	size_t message_max;
	struct buf in;
	struct buf out;
	size_t begun;    /* offset of the message being written */
	size_t taken;    /* bytes of `in` held by the current message */
	int received_fd; /* not yet taken; -1 = none */
	int sent_fd[16]; /* waiting to leave with the message at sent_at */
	size_t sent_at[16];
	unsigned sent_count;
	int error;
};

struct ipc_message {
	uint8_t type;
	struct span body; /* borrowed until the next ipc_ call that reads */
	int fd;           /* -1, or the receiver's to close */
};

/* Two connected, close-on-exec ends. */
int ipc_pair(int ret_fds[2]) MUST_CHECK;

/* Takes fd. */
void ipc_init(struct ipc *ipc, int fd, size_t message_max);
void ipc_release(struct ipc *ipc);

/*
 * Composes a message: write the body into what begin returns, then end.
 * fd -1 for none; it is duplicated, and stays the caller's. ERR_LIMIT: the
 * message is too long or too many descriptors wait; it is dropped, and the
 * connection can still be used.
 */
struct buf *ipc_begin(struct ipc *ipc, uint8_t type);
int ipc_end(struct ipc *ipc, int fd) MUST_CHECK;

/* Sends everything that was composed, waiting as needed. */
int ipc_flush(struct ipc *ipc) MUST_CHECK;

/* Waits for a whole message. ERR_CLOSED at the end of the stream. */
int ipc_receive(struct ipc *ipc, struct ipc_message *ret_message) MUST_CHECK;

/*
 * The same for a peer that is not trusted: what waits to be sent is sent
 * meanwhile. ERR_TIMEOUT once the monotonic clock is at deadline_us
 * (UINT64_MAX: never), also if messages are waiting: a peer that never stops
 * talking gains nothing. ERR_LIMIT when more than unsent_max bytes wait for
 * it to read them.
 */
int ipc_receive_until(struct ipc *ipc, uint64_t deadline_us, size_t unsent_max,
    struct ipc_message *ret_message) MUST_CHECK;

/*
 * For a loop: reads what is there / writes what fits, without waiting.
 * After each ipc_fill() take all messages with ipc_next(): while a message
 * with a descriptor, or message_max bytes, wait, no more is read.
 * ERR_CLOSED at the end of the stream, once all before it was given out.
 */
int ipc_fill(struct ipc *ipc) MUST_CHECK;
int ipc_drain(struct ipc *ipc) MUST_CHECK;
bool ipc_has_output(const struct ipc *ipc);

/* The next whole message among what was read: 1, 0 if there is none yet,
 * or a negative code. */
int ipc_next(struct ipc *ipc, struct ipc_message *ret_message) MUST_CHECK;

#endif
