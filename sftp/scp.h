/*
 * scp.h - scp: what its files share.
 *
 *   scp_main.c    the command line, which copy is of which kind
 *   scp_place.c   "host:path", scp://, local paths; names of copies
 *   scp_sftp.c    copies by SFTP (client_copy.h), of every kind
 *   scp_local.c   copies of local files, by cp
 *   scp_rcp.c     copies by the old protocol (-O), and its roles -t, -f
 *   scp_stream.c  the old protocol's bytes: lines, replies, data
 *   scp_source.c  its sender
 *   scp_sink.c    its receiver; hostile input: all that the sender says
 *   scp_match.c   is a name one that was asked for?
 */
#ifndef SFTP_SCP_H
#define SFTP_SCP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/text.h"
#include "sftp/client_ssh.h"

#define EXIT_FAILED     1
#define EXIT_CONNECTION 255

struct scp {
	bool recursive;    /* -r */
	bool preserve;     /* -p */
	bool is_quiet;     /* -q */
	bool is_old;       /* -O */
	bool is_direct;    /* -R: the source's host copies to the target's */
	bool is_unchecked; /* -T */
	bool wants_folder; /* -d: the target must be one */
	bool verify, rehash, atomic;
	unsigned verbose;
	uint64_t bytes_per_second; /* -l; 0: no limit */
	uint32_t block, requests;  /* -X; 0: by the path */
	struct strings ssh;        /* flags that ssh gets */
	const char *program;       /* -S; NULL: our ssh */
	const char *server;        /* -D; NULL: the subsystem sftp, by ssh */
	const char *port;          /* -P; NULL: not given */
	unsigned failures;
};

/* "scp: ..." on standard error, escaped, and counted as a failure. */
void scp_fail(struct scp *s, const char *format, ...) PRINTF_LIKE(2, 3);
NORETURN void scp_die(int status, const char *format, ...) PRINTF_LIKE(2, 3);
void *scp_need(void *memory); /* NULL ends the program */

/* ---- scp_place.c ---- */

struct scp_place {
	bool is_remote;
	char *text;                  /* as it was given */
	struct client_destination d; /* path never NULL; local: only that */
};

/* Ends the program for what is no destination. */
void scp_place_parse(const char *text, struct scp_place *ret);
void scp_place_release(struct scp_place *p);

/* Where the copy of `source` goes: into the folder `target`, or to that very
 * name. "." and ".." go into the folder by what is in them. Fresh. */
char *scp_target_name(const char *source, const char *target, bool is_folder);

/* ---- the two protocols: sources to one target ---- */

/* is_folder: the target must be a folder, so that it is asked first. */
void scp_by_sftp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target);
void scp_by_cp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target);
void scp_by_rcp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target);

/* -R: what the source's host is to run. */
void scp_at_source(struct scp *s, const struct scp_place *source,
    const struct scp_place *target);

/* Starts ssh to the place with its input and output at ours (-1: inherited);
 * the process. Ends the program where it cannot be started. */
int scp_start_ssh(struct scp *s, const struct scp_place *p, const char *command,
    int *ret_in, int *ret_out);

/* Waits; true for status 0. */
bool scp_wait(int pid);

/* The roles of the old protocol on standard input and output. */
NORETURN void scp_serve_source(struct scp *s, char **paths, int count);
NORETURN void scp_serve_sink(struct scp *s, const char *target);

/* ---- scp_match.c ---- */

/* Can `name` have come from asking for `path` (wildcards and braces of a
 * shell in its last part)? */
bool scp_was_asked_for(const char *path, const char *name);

#endif
