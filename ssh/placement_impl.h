/*
 * placement_impl.h - what the files of placement share, and nobody else.
 *
 *   placement.c          life, and the turns
 *   placement_request.c  the program's messages, for the server
 *   placement_answer.c   the server's messages, for the program
 */
#ifndef SSH_PLACEMENT_IMPL_H
#define SSH_PLACEMENT_IMPL_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/channel/descriptor.h"
#include "common/ipc/direct.h"
#include "ssh/placement.h"

/* draft-ietf-secsh-filexfer-02 s3, s7. */
enum {
	SSH_FXP_READ = 5,
	SSH_FXP_WRITE = 6,
	SSH_FXP_STATUS = 101,
	SSH_FXP_DATA = 103
};
#define SSH_FX_FAILURE 4u
#define HANDLE_MAX     256u

#define FRAME 9u /* length, type, id */

enum record_kind {
	RECORD_NONE,
	RECORD_READ,
	RECORD_WRITE
};

/* A request for a shared file that the server has not answered yet. */
struct record {
	enum record_kind kind;
	uint32_t id;
	uint32_t file;
	uint32_t count;
	uint64_t offset; /* in the file */
};

/* Why no more requests are sent. */
enum stop {
	STOP_NOT, /* there is more to do */
	STOP_INPUT,
	STOP_ROOM
};

struct placement {
	struct placement_config config;
	struct loop *loop;
	struct channel *channel; /* NULL: closed, and nothing is queued */
	struct record *records;  /* 1 << DIRECT_SLOT_BITS, by id */
	uint64_t under_way;      /* bytes that records ask for */
	bool is_scheduled;
	bool is_closed;
	/* The program has closed its end: what it shared is not touched any
	 * more. A message that was begun is finished. */
	bool is_abandoned;

	/* requests */
	struct descriptor in;
	struct watch *in_watch; /* NULL: ended */
	struct buf requests;
	size_t taken;     /* of requests */
	size_t pass_left; /* of a message that is passed on */
	/* The message that is being sent: head, then data of the file. */
	uint8_t head[FRAME + 4 + HANDLE_MAX + 8 + 4];
	size_t head_len, head_sent;
	struct record data;  /* count: what is left */
	uint32_t data_sent;  /* of the file's bytes, and zeros */
	bool is_short;       /* zeros only from here on */
	enum stop stop;
	bool has_sent_eof;

	/* answers */
	struct descriptor out, err;
	struct watch *out_watch, *err_watch; /* NULL: it failed */
	struct buf answers;
	uint8_t front[FRAME + 4]; /* of a message of the server */
	size_t front_len;
	uint64_t answer_left; /* of one that is passed on */
	struct record placing;
	uint32_t placing_left;
	int placing_error;
	bool is_blocked;   /* the program reads more slowly than we write */
	bool is_urgent;    /* answers are written in this turn */
	uint64_t untold;   /* bytes of records that answers tell of */
	struct timer *tell; /* then they are written whatever comes */
	bool has_ended;    /* on_output_end was called */
};

/* ---- placement.c ---- */

/* A run in this turn or the next. */
void placement_schedule(struct placement *p);
struct record *placement_record(struct placement *p, uint32_t id);
void placement_record_drop(struct placement *p, struct record *r);

/* ---- placement_request.c ---- */

void placement_send(struct placement *p);
void placement_on_readable(struct watch *w, unsigned ready, void *context);
void placement_stop_input(struct placement *p);

/* ---- placement_answer.c ---- */

/* For the program; id and then two numbers, or one. */
void placement_tell(struct placement *p, enum direct_type type, uint32_t id,
    uint32_t count, int error);
/* SSH_FX_FAILURE to a request that was not sent. */
void placement_refuse(struct placement *p, uint32_t id);
/* Takes what goes; less than all: the program must read first. */
size_t placement_take(struct placement *p, struct span data);
/* What is queued in the channel, now that the descriptor takes more. */
void placement_drain(struct placement *p, enum channel_stream stream);
void placement_flush(struct placement *p);
/* Writes to a descriptor; one that fails has taken everything. */
size_t placement_write(
    struct placement *p, enum channel_stream stream, struct span data);

#endif
