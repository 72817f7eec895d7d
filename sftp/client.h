/*
 * client.h - one SFTP channel seen from the client: requests go out, each with
 * the function that gets its reply.
 * draft-ietf-secsh-filexfer-02 (version 3); extensions of OpenSSH's PROTOCOL.
 *
 * Does no I/O and reads no clock: bytes of the server are read straight into
 * the receive buffer, bytes for it are taken from the send buffer, and the
 * time is told. Any number of requests may be unanswered; requests on one
 * handle are answered as if the server did them in order (s6), others in any
 * order.
 *
 * Hostile input: everything that the server sends. A reply that nobody asked
 * for, of a kind that the request cannot have, with more data than was asked
 * for, or over CLIENT_PACKET_MAX ends the channel with ERR_FORMAT or
 * ERR_LIMIT; the requests that are unanswered then get their reply all the
 * same, with SSH_FX_CONNECTION_LOST, in the order in which they were made.
 * Texts of the server are not escaped here; whoever prints them does it.
 *
 * Knows: bytes and messages; no files, no processes.
 */
#ifndef SFTP_CLIENT_H
#define SFTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "sftp/protocol.h"

/* The longest packet that we take beside DATA, which goes through in pieces:
 * a folder's entries. */
#define CLIENT_PACKET_MAX (1024 * 1024)

/* Of a server that tells no limits (s3: all servers take 34000 bytes), and at
 * most of one that does. */
#define CLIENT_BLOCK_PLAIN   SFTP_DATA_DEFAULT
#define CLIENT_BLOCK_MAX     (255u * 1024)
#define CLIENT_REQUESTS_MAX  4096
#define CLIENT_HANDLES_PLAIN 100

struct client;

struct client_reply {
	uint32_t status;  /* SSH_FX_OK: what was asked for is in body */
	struct span text; /* the server's own words about a failure; "" */
	/* The handle; what follows the request's id in NAME, ATTRS and
	 * EXTENDED_REPLY; bytes of DATA. Borrowed until the function
	 * returns. */
	struct span body;
	/* Of DATA: its function is called for each piece that comes in; done
	 * bytes came before this piece, done + body.len == total is the
	 * last one. */
	uint32_t total, done;
	/* Of a shared file: bytes that were moved between it and the channel
	 * (READ: of total, and body is empty; WRITE: what it had), and errno
	 * of what failed there, 0 if nothing did. */
	bool is_direct;
	uint32_t moved;
	int file_errno;
	uint64_t latency_us;
};

/* May make new requests; must not free the client. */
typedef void client_reply_function(const struct client_reply *r, void *context);

struct client *client_new(void) MUST_CHECK; /* NULL without memory */
void client_free(struct client *c); /* unanswered requests get no reply */

/* ---- bytes in and out ---- */

/* Room for bytes of the server; never empty. */
uint8_t *client_recv_space(struct client *c, size_t *ret_len);

/*
 * n bytes were put there: replies go to their functions. now_us: any clock
 * that does not go back. An error ends the channel; it is told again on every
 * later call.
 */
int client_received(
    struct client *c, size_t n, uint64_t now_us, struct error *e) MUST_CHECK;

/* The bytes that wait to be sent; what was sent is dropped. */
struct span client_pending(const struct client *c);
void client_sent(struct client *c, size_t n);

/* The time of requests made until told anew, for their latencies. */
void client_set_time(struct client *c, uint64_t now_us);

/*
 * The channel is over: every unanswered request gets
 * SSH_FX_CONNECTION_LOST. Requests made later get it at the next call.
 */
void client_end(struct client *c);
bool client_is_over(const struct client *c);

/* ---- what was agreed ---- */

/* Has the server's version, and its limits where it tells them, arrived? */
bool client_is_ready(const struct client *c);
uint32_t client_version(const struct client *c);
/* Has the server this request? */
bool client_has(const struct client *c, enum sftp_kind kind);

/* Most bytes of data in one READ or WRITE; most handles at a time. */
uint32_t client_read_max(const struct client *c);
uint32_t client_write_max(const struct client *c);
uint32_t client_handles_max(const struct client *c);

/* As limits@openssh.com told them; all 0 where it did not. */
const struct sftp_limits *client_limits(const struct client *c);

/* Shortest time that a reply took; 0 before the first. */
uint64_t client_round_trip_us(const struct client *c);

size_t client_unanswered(const struct client *c);

/* May one more request be made? Past CLIENT_REQUESTS_MAX there is room for
 * as many again, for what ends things (CLOSE). */
bool client_can_request(const struct client *c);

/* ---- requests ---- */

/*
 * Appends one packet to the send buffer; q's id is set here. fn is called
 * once (for READ see client_reply) from client_received() or client_end();
 * from here only where there are twice CLIENT_REQUESTS_MAX requests already:
 * then with SSH_FX_CONNECTION_LOST. fn NULL: nobody wants to know.
 */
void client_request(struct client *c, const struct sftp_request *q,
    client_reply_function *fn, void *context);

/*
 * A WRITE of at most len bytes: the data is put where the result points to,
 * then client_write_end() says how much it was (0: no request is made). NULL
 * when the channel is over or without memory. Nothing else may be called in
 * between.
 */
uint8_t *client_write_begin(
    struct client *c, struct span handle, uint64_t offset, uint32_t len);
void client_write_end(
    struct client *c, uint32_t len, client_reply_function *fn, void *context);

/* ---- local files that whoever carries the bytes reads and writes ---- */

/* How files are shared; both calls are told the owner's context. */
struct client_sharing {
	/* A file gets a number; false: it is not shared. */
	bool (*share)(int fd, uint32_t *ret_number, void *context);
	void (*forget)(void *context); /* one of them */
};

/* sharing: static. The carrier knows the messages of common/ipc/direct.h. */
void client_set_sharing(
    struct client *c, const struct client_sharing *sharing, void *context);

/* The file stays open in the carrier until it is forgotten. False: its data
 * goes the usual way. */
bool client_share_file(
    struct client *c, int fd, uint32_t *ret_number) MUST_CHECK;
void client_forget_file(struct client *c, uint32_t number);

/*
 * READ and WRITE whose data is put into, or taken from, a shared file at
 * file_offset. fn as for client_request(): a READ may still get the data
 * itself, in pieces, where is_direct is not set. WRITE: where `moved` is less
 * than was asked for the file had no more, and zeros were written for the
 * rest.
 */
void client_read_file(struct client *c, const struct sftp_request *q,
    uint32_t file, uint64_t file_offset, client_reply_function *fn,
    void *context);
void client_write_file(struct client *c, const struct sftp_request *q,
    uint32_t file, uint64_t file_offset, client_reply_function *fn,
    void *context);

/* ---- texts ---- */

/* The words of a status, as every client has them ("No such file or
 * directory"); never NULL. */
const char *client_status_words(uint32_t status);

/* These, and behind SSH_FX_FAILURE what the server says where it says more;
 * escaped; fresh, the caller's; NULL without memory. */
char *client_status_text(const struct client_reply *r) MUST_CHECK;

#endif
