/*
 * client_copy_impl.h - the insides of copies, for client_copy*.c only.
 *
 * A node is a file or a folder of the tree that is copied. It waits in a
 * queue, is begun when there is room, and is done at some time; then it waits
 * for its turn to be told (client_copy.c). What only an open file needs is in
 * its struct transfer.
 *
 *   file:   WAITING -> STARTING -> [COMPARING] -> MOVING -> [PROVING]
 *           -> FINISHING -> DONE
 *   folder: WAITING -> STARTING -> LISTING -> FINISHING -> DONE
 */
#ifndef SFTP_CLIENT_COPY_IMPL_H
#define SFTP_CLIENT_COPY_IMPL_H

#include "common/base/list.h"
#include "common/base/text.h"
#include "sftp/client_copy.h"
#include "sftp/client_list.h"

enum node_state {
	NODE_WAITING,
	NODE_STARTING,
	NODE_LISTING,
	NODE_COMPARING,
	NODE_MOVING,
	NODE_PROVING,
	NODE_FINISHING,
	NODE_DONE
};

struct node {
	struct copy *copy;
	struct node *parent;  /* NULL: asked for by copy_add */
	struct list sibling;  /* in the parent's children, until told */
	struct list queue;    /* waiting or, as folder, listing */
	struct list children; /* not told yet */
	enum node_state state;
	bool is_directory;
	bool is_known; /* attributes are here: file or folder */
	bool is_listed;
	bool is_start_told;
	bool has_failed;
	bool is_skipped;
	bool mode_differs; /* folder: made with another mode for a while */
	unsigned depth;
	uint64_t children_left; /* not done */
	char *source, *target;
	struct sftp_attrs a; /* of the source */
	struct strings failures, notices;
	struct client_list *list; /* of a server's folder */
	struct strings names;     /* of a local folder */
	size_t names_taken;
	struct transfer *transfer;
};

/* Bytes that are to be moved beside the main run. */
struct range {
	struct list link;
	uint64_t offset, len;
};

struct handle {
	bool is_open;
	uint16_t len;
	uint8_t bytes[SFTP_HANDLE_MAX];
};

/* A file's handle on a further channel. */
struct lane {
	struct transfer *t;
	unsigned index; /* of copy.lanes */
	struct handle handle;
	bool is_asked;
};

struct transfer {
	struct node *node;
	struct list link; /* in copy.moving */
	char *written;    /* the name that is written to; beside the target
			   * where the copy is atomic */
	int source_fd, target_fd;
	struct handle source, target;
	bool is_shared;       /* the local file, by this number */
	uint32_t file;
	uint64_t size;        /* of the source, as far as is known */
	bool to_eof;          /* the size says nothing: read until the end */
	uint64_t next;        /* the main run is at this offset */
	struct list todo;     /* ranges, before the main run */
	uint64_t moved;       /* bytes written, or there from before */
	uint64_t high;        /* end of what was written */
	uint64_t cut;         /* first byte that is missing; UINT64_MAX: none */
	uint64_t target_size; /* at the start, where it is kept */
	unsigned blocks;      /* under way */
	unsigned blocks_most; /* while to_eof: doubles */
	unsigned requests;    /* others under way */
	bool is_ending;       /* no new blocks */
	bool shrank;          /* the source ended before its size */
	bool is_renamed;
	struct lane *lanes;    /* COPY_LANES_MAX, or NULL: none are used */
	struct list under_way; /* blocks, in the order of asking */
	uint64_t ahead;        /* of copy.ahead */
	uint64_t prove_at;     /* COMPARING, PROVING: asked up to here */
	uint64_t prove_to;
};

/* One READ and then WRITE that is under way. */
struct block {
	struct list link; /* in t->under_way */
	struct transfer *t;
	int lane; /* -1: the first channel */
	uint64_t offset;
	uint32_t len;
	uint32_t got;
};

struct copy {
	struct copy_config config;
	struct client *source, *target; /* NULL: local */
	const struct client_files *files;
	const struct copy_options *o;
	struct list roots;
	struct list stats_waiting; /* nothing is known of them */
	struct list files_waiting;
	struct list folders_waiting;
	struct list listing; /* folders whose listing is under way */
	struct list moving;
	struct node *cursor; /* being told; NULL: the first of roots */
	uint64_t nodes;
	unsigned open; /* files that are begun and not done */
	unsigned open_max;
	uint64_t ahead;     /* bytes of begun files that nobody asked for */
	uint64_t in_flight; /* bytes asked for or sent and not written */
	uint64_t window;
	bool is_limited; /* more would have gone but for the window */
	bool is_full;    /* too many nodes: listings pause */
	bool is_cancelled;
	bool is_stopped; /* nothing is begun any more: it would all fail */
	bool is_stepping;
	uint64_t folders_open; /* not DONE */
	uint64_t failures;
	struct copy_progress progress;
	unsigned blocks; /* under way, of all files */
	bool is_unproved_told;
	struct client *lanes[COPY_LANES_MAX];
	uint64_t lane_in_flight[COPY_LANES_MAX];
	unsigned lane_count;
	uint64_t latency_us; /* of WRITEs, of late */
	unsigned lanes_wanted;
};

/* ---- client_copy.c ---- */

struct node *copy_node_new(struct copy *c, struct node *parent,
    const char *source, const char *target,
    const struct sftp_attrs *a) MUST_CHECK;
/* Records a failure of the node, to be told in its turn. */
void copy_fail(struct node *n, const char *format, ...) PRINTF_LIKE(2, 3);
/* ..: words of a local error or of a status. */
void copy_fail_errno(
    struct node *n, const char *what, const char *path, int errno_value);
void copy_fail_status(struct node *n, const char *what, const char *path,
    const struct client_reply *r);
void copy_notice(struct node *n, const char *format, ...) PRINTF_LIKE(2, 3);
void copy_node_done(struct node *n);
void copy_queue_file(struct node *n);
void copy_queue_folder(struct node *n);

/* ---- client_copy_tree.c: folders, and what a node is ---- */

void copy_classify(struct node *n);
void copy_stat(struct node *n);
void copy_folder_start(struct node *n);
/* Takes in more of a local folder's names, while there is room for nodes. */
void copy_folder_more(struct node *n);
/* No more of its entries are wanted. */
void copy_folder_cut(struct node *n);
/* Goes on where the listing and all children have come to their end. */
void copy_folder_check(struct node *n);
struct sftp_attrs copy_attrs_of_stat(const struct stat *st);
mode_t copy_mode(const struct node *n, mode_t otherwise);

/* ---- client_copy_file.c: opening and finishing ---- */

void copy_file_start(struct node *n);
/* Goes on after data, requests or proofs have come to an end. */
void copy_file_advance(struct transfer *t);
/* Ends the file: what is under way is waited for, no more is begun. */
void copy_file_stop(struct transfer *t);
void copy_handle_take(struct handle *h, struct span bytes);
struct span copy_handle(const struct handle *h);

/* ---- client_copy_move.c: data ---- */

/* Sends what the window lets through. */
void copy_move(struct copy *c);
void copy_begin_moving(struct transfer *t);
bool copy_has_more(const struct transfer *t);
int copy_add_range(struct transfer *t, uint64_t offset, uint64_t len);
void copy_move_release(struct transfer *t);

/* ---- client_copy_lane.c: large files over further channels ---- */

/* The channel for the next block of so many bytes of a server's file: -1 the
 * first one, else an index of copy.lanes; COPY_LANES_MAX: none has room. */
int copy_lane_choose(struct transfer *t);
struct client *copy_lane_client(const struct copy *c, int lane);
const struct handle *copy_lane_handle(const struct transfer *t, int lane);
/* The further handles are closed; nobody waits for that. */
void copy_lanes_close(struct transfer *t);
void copy_lanes_note_latency(struct copy *c, uint64_t latency_us);

/* ---- client_copy_prove.c: hashes of blocks ---- */

/* Can the remote end that has hashes to be compared with give them? */
bool copy_can_prove(const struct copy *c);
/* Compares up to `to`; differences become ranges (COMPARING) or failures
 * (PROVING). copy_file_advance() is called in the end. */
void copy_prove(struct transfer *t, uint64_t to);

#endif
