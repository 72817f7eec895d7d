/*
 * server.h - the server of SFTP version 3: packets in, packets out, files
 * behind. draft-ietf-secsh-filexfer-02 and the extensions of protocol.def.
 *
 * Knows: no sockets and no channels; the owner moves the bytes. It serves
 * the files of its own process, as who the process is.
 * Order: answers come in the order of the requests.
 * Limits: SFTP_DATA_MAX bytes a READ or WRITE, SFTP_SERVER_HANDLES_MAX open
 * files, and at most SFTP_SERVER_OUTPUT_HIGH bytes and one answer waiting:
 * input is only taken while less waits. So memory stays small however many
 * requests are sent and however few answers are read.
 * Hostile input: everything; a damaged packet whose extent is known is
 * answered BAD_MESSAGE, any other one ends the session.
 *
 *     sftp_server_input(s, &data)    until it takes no more
 *     sftp_server_output(s) ... sftp_server_sent(s, n)
 *     sftp_server_has_work(s)        then sftp_server_work(s), until not:
 *                                    long requests go on in slices
 */
#ifndef SFTP_SERVER_H
#define SFTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

#define SFTP_SERVER_OUTPUT_HIGH ((size_t)512 * 1024)
#define SFTP_SERVER_HANDLES_MAX 1024u
#define SFTP_SERVER_ROOMS_MAX   32

/* What the flags of sftp-server say; see server_arguments.h. */
struct sftp_server_options {
	bool read_only;
	uint64_t denied;  /* -P: bits 1 << kind */
	uint64_t allowed; /* -p; all of them where it was not given */
	mode_t umask;
	bool has_umask;
	char *start_directory; /* -d; NULL: the home directory */
	enum log_level log_level;
	int log_facility; /* of syslog(3) */
	bool log_to_stderr;
};

/* Text is borrowed for the server's life. */
struct sftp_server_config {
	const struct sftp_server_options *options;
	const char *user;
	const char *home;
	const char *start;   /* where relative paths begin */
	const char *address; /* the peer's, for the log; "" or NULL */
	/* Confine: "rw:/path", "ro:/path"; NULL or none: not confined. */
	const struct strings *trees;
	/* A line for the log, wanted by options->log_level; not escaped but
	 * for names. NULL: none. */
	void (*log)(void *context, enum log_level level, const char *line);
	/*
	 * A READ's answer goes straight to where it is sent from: begin gives
	 * room for want bytes behind all output so far, in at most max pieces
	 * (the first one has SFTP_DATA_HEAD bytes at least), or 0; then how
	 * many were used, in order (0: nothing is to be sent). NULL: the
	 * server's own buffer.
	 */
	size_t (*begin)(
	    void *context, size_t want, struct iovec *ret_room, size_t max);
	void (*commit)(void *context, const struct iovec *room, size_t used);
	/* Can answers be sent? Until then requests wait where they are, so
	 * that begin finds room for each READ. NULL: always. */
	bool (*has_room)(void *context);
	void *context;
};

struct sftp_server;

/* ERR_MEMORY; ERR_NOT_FOUND, ERR_SYSTEM for the start directory;
 * ERR_UNSUPPORTED where the kernel cannot confine. */
int sftp_server_new(const struct sftp_server_config *config,
    struct sftp_server **ret, struct error *e) MUST_CHECK;

/* Closes what the peer left open, and logs it. NULL is accepted. */
void sftp_server_free(struct sftp_server *s);

/* Takes requests from the front of *data; what is left is to be given again
 * when output was sent, there is room or work was done. A code: the session must end. */
int sftp_server_input(struct sftp_server *s, struct span *data) MUST_CHECK;

/* What is to be sent; n bytes of it were. */
struct span sftp_server_output(const struct sftp_server *s);
void sftp_server_sent(struct sftp_server *s, size_t n);

bool sftp_server_has_work(const struct sftp_server *s);
void sftp_server_work(struct sftp_server *s);

/* Would it take input now? */
bool sftp_server_wants_input(const struct sftp_server *s);

/* The whole process is confined as well (Landlock), for good. */
int sftp_server_confine_process(
    struct sftp_server *s, struct error *e) MUST_CHECK;

#endif
