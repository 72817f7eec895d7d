/*
 * client_copy.h - copies of files and trees between a server and us, or
 * between two servers: one pipeline of requests over all the files.
 *
 * No file waits for another one. While the data of one is under way, the next
 * ones are opened, folders beyond are listed, and closing, modes and times of
 * those before travel along; nothing of that costs a round trip of its own.
 * How much is in flight follows the path: it doubles while replies come back
 * as fast as when the path was idle, up to COPY_WINDOW_MAX.
 *
 * What is told (copy_events) comes in the order in which the files were asked
 * for, a folder's entries in the order of its listing, whatever order the
 * work was done in. One file's failure does not end the others, except where
 * every other one would fail too (no space here, the connection is gone).
 *
 * Hostile input: names, sizes and data of the server. A name that is no name
 * of a file ("", with "/" or NUL) is refused and counted as a failure; nothing
 * outside the target is touched. A folder may have COPY_ENTRIES_MAX entries,
 * a tree COPY_DEPTH_MAX levels.
 *
 * Memory: COPY_NODES_MAX files and folders are known at a time; a tree of any
 * size is walked piece by piece. Does no waiting: the owner moves bytes
 * between the channels and their servers and calls copy_step() after that.
 */
#ifndef SFTP_CLIENT_COPY_H
#define SFTP_CLIENT_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "sftp/client.h"
#include "sftp/client_files.h"

#define COPY_WINDOW_MIN  ((uint64_t)2 * 1024 * 1024)
#define COPY_WINDOW_MAX  ((uint64_t)64 * 1024 * 1024)
#define COPY_NODES_MAX   50000
#define COPY_ENTRIES_MAX 10000000
#define COPY_DEPTH_MAX   64
#define COPY_OPEN_MAX    512 /* files open at a time, at most */
#define COPY_LANES_MAX   8

/* Files of this size and more are written over several channels; then what is
 * written lies within COPY_SPREAD_MAX bytes, and put resumes that far before
 * the end of what is there. */
#define COPY_LANE_FILE_MIN ((uint64_t)16 * 1024 * 1024)
#define COPY_SPREAD_MAX    ((uint64_t)24 * 1024 * 1024)

/* One end of the copies. */
struct copy_side {
	struct client *client; /* NULL: local files */
};

struct copy_file {
	const char *source;
	const char *target;
	bool is_root; /* given to copy_add() */
	bool is_directory;
	bool is_skipped; /* neither file nor folder: left out, with a notice */
	bool has_failed;
	uint64_t size;
};

/* All may be NULL. Texts are escaped and end without a newline. */
struct copy_events {
	void (*start)(const struct copy_file *f, void *context);
	void (*end)(const struct copy_file *f, void *context);
	/* Something failed; how is one sentence that names the file. */
	void (*failed)(const char *text, void *context);
	/* Something that is no failure: what --verify could not prove. */
	void (*notice)(const char *text, void *context);
	void *context;
};

struct copy_options {
	bool recursive;
	bool preserve;     /* modes in full, and times */
	bool sync;         /* fsync of each target file */
	bool follow_links; /* links in trees: what they point to */
	bool resume;       /* goes on at the target's size, unproved */
	bool rehash;       /* goes on where the target differs, by hashes of
			    * blocks; without those the file is sent anew */
	bool verify;       /* compares hashes of both files in the end */
	bool atomic;       /* written under a name beside, synced, renamed */
	bool in_place;     /* a target is written over and cut in the end, so
			    * that it may be the source by another name */
	uint32_t block;    /* bytes of one READ or WRITE; 0: the most */
	uint32_t requests; /* READs or WRITEs in flight; 0: by the path */
};

struct copy_config {
	struct copy_side source;
	struct copy_side target;
	const struct client_files *files; /* for local ends */
	struct copy_options options;
	struct copy_events events;
};

struct copy_progress {
	const char *name; /* what the report is at; "" before and after */
	uint64_t name_done, name_size;
	uint64_t files_done, files_known;
	uint64_t bytes_done, bytes_known;
	bool all_known; /* the walk is over: *_known are final */
};

struct copy;

/* NULL without memory. Both clients must be ready, and outlive it. */
struct copy *copy_new(const struct copy_config *config) MUST_CHECK;

/* Frees it. Only after copy_is_done(), or when its clients are over or will
 * be freed without further input. */
void copy_free(struct copy *c);

/*
 * One more copy, in the order of the calls: target is the name of the copy
 * itself, not of the folder that it is put into. The attributes of the
 * source where they are known (a listing had them), else NULL.
 * ERR_MEMORY.
 */
int copy_add(struct copy *c, const char *source, const char *target,
    const struct sftp_attrs *attributes) MUST_CHECK;

/* Starts what can be started and tells what is finished. */
void copy_step(struct copy *c);

/* Nothing is left to do or to tell. */
bool copy_is_done(const struct copy *c);

/* A person has enough: what is under way is brought to its end without
 * further data, the rest is forgotten. Files that are cut off keep what they
 * have in one piece (so that resume works). */
void copy_cancel(struct copy *c);
bool copy_is_cancelled(const struct copy *c);

/* How many failures there were so far. */
uint64_t copy_failures(const struct copy *c);

void copy_get_progress(const struct copy *c, struct copy_progress *ret);

/*
 * A further channel to the target's server, for large files; it need not be
 * ready. Borrowed. False if no more are taken, or the target is local.
 */
bool copy_add_lane(struct copy *c, struct client *lane);

/* How many further channels would help in all: more than there are when
 * files run into a window that one channel does not get past. */
unsigned copy_lanes_wanted(struct copy *c);

#endif
