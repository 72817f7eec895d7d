/*
 * placement.h - the session of our sftp or scp: its SFTP messages on our
 * standard descriptors, as those of any program, but the data of files that it
 * shares goes between file and packet here (common/ipc/direct.h).
 *
 * Both ways are read message by message; what is no message of ours is passed
 * on byte for byte, whatever it is. The server's answer to a READ of a shared
 * file is written into that file: no more than was asked for, and only where
 * the program said; everything else of the server goes to the program, which
 * judges it. Answers that only say that data has arrived are told together,
 * when half of what is under way has come or after a moment, so that the
 * program is not woken for each.
 *
 * Memory: PLACEMENT_REQUESTS_MAX of the program's bytes, a record for each
 * request, and answers that wait: PLACEMENT_ANSWERS_MAX; beyond that the
 * channel's window holds the server back.
 * Knows: the frame of SFTP messages (draft-ietf-secsh-filexfer-02 s3), READ,
 * WRITE, STATUS and DATA. Owner of nothing but its watches; the descriptors are
 * the process's. SIGPIPE must be ignored.
 */
#ifndef SSH_PLACEMENT_H
#define SSH_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/channel/channel.h"
#include "common/event/loop.h"

#define PLACEMENT_REQUESTS_MAX ((size_t)64 * 1024)
#define PLACEMENT_ANSWERS_MAX  ((size_t)256 * 1024)

struct placement;

struct placement_config {
	int in_fd, out_fd, err_fd; /* shared with others, as those of stream.h */
	/* Everything of the server is written out after its EOF or close. */
	void (*on_output_end)(void *context);
	void *context;
};

/* The channel is open, and its owner forwards its events. The program is told
 * that it may share files. ERR_MEMORY. */
int placement_new(struct loop *loop, struct channel *c,
    const struct placement_config *config, struct placement **ret) MUST_CHECK;
/* Not while the loop is to run on. */
void placement_free(struct placement *p);

size_t placement_on_data(
    struct placement *p, enum channel_stream stream, struct span data);
void placement_on_eof(struct placement *p);
/* The server reads no more: neither do we. */
void placement_on_eow(struct placement *p);
/* In on_closed: what is queued is still written out. */
void placement_on_close(struct placement *p);

#endif
