/*
 * protocol.h - SFTP version 3 on the wire: requests, answers, attributes,
 * and packets out of a stream of bytes; for client and server.
 * draft-ietf-secsh-filexfer-02; OpenSSH's extensions;
 * draft-ietf-secsh-filexfer-extensions-00.
 *
 * Knows: bytes only; no files, no channels. Names are bytes of any value but
 * NUL and are not interpreted.
 * Hostile input: all of it. Lengths are checked before anything is kept, a
 * packet longer than the limit ends the stream, paths with NUL are refused.
 * Spans that are read are borrowed from the packet; spans that are written
 * are copied.
 *
 * A request:  sftp_request_write(&out, &(struct sftp_request){
 *                     .kind = SFTP_LSTAT, .id = 7, .path = span_text("/") });
 * Packets in: sftp_input_next() until it says SFTP_INPUT_NEED.
 */
#ifndef SFTP_PROTOCOL_H
#define SFTP_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define SFTP_VERSION 3

/* Bytes of one READ or WRITE that both our ends take, and of a packet: that
 * and the fields around it. OpenSSH takes packets of 256 KiB. */
#define SFTP_DATA_MAX           (256u * 1024)
#define SFTP_PACKET_MAX         (SFTP_DATA_MAX + 1024)
#define SFTP_PACKET_MAX_OPENSSH (256u * 1024)
/* To be used with a server that does not tell its limits. */
#define SFTP_DATA_DEFAULT (32u * 1024)
#define SFTP_HANDLE_MAX   256u

/* ---- numbers: draft-ietf-secsh-filexfer-02 ---- */

enum sftp_type {
	SSH_FXP_INIT = 1,
	SSH_FXP_VERSION = 2,
	SSH_FXP_READ = 5,
	SSH_FXP_WRITE = 6,
	SSH_FXP_STATUS = 101,
	SSH_FXP_HANDLE = 102,
	SSH_FXP_DATA = 103,
	SSH_FXP_NAME = 104,
	SSH_FXP_ATTRS = 105,
	SSH_FXP_EXTENDED = 200,
	SSH_FXP_EXTENDED_REPLY = 201
};

enum sftp_status_code {
	SSH_FX_OK = 0,
	SSH_FX_EOF = 1,
	SSH_FX_NO_SUCH_FILE = 2,
	SSH_FX_PERMISSION_DENIED = 3,
	SSH_FX_FAILURE = 4,
	SSH_FX_BAD_MESSAGE = 5,
	SSH_FX_NO_CONNECTION = 6,
	SSH_FX_CONNECTION_LOST = 7,
	SSH_FX_OP_UNSUPPORTED = 8
};

/* The words that people know for a code ("No such file"); never NULL. */
const char *sftp_status_text(uint32_t code);

/* pflags of OPEN. */
#define SSH_FXF_READ   0x01u
#define SSH_FXF_WRITE  0x02u
#define SSH_FXF_APPEND 0x04u
#define SSH_FXF_CREAT  0x08u
#define SSH_FXF_TRUNC  0x10u
#define SSH_FXF_EXCL   0x20u

/* ---- attributes ---- */

#define SSH_FILEXFER_ATTR_SIZE        0x00000001u
#define SSH_FILEXFER_ATTR_UIDGID      0x00000002u
#define SSH_FILEXFER_ATTR_PERMISSIONS 0x00000004u
#define SSH_FILEXFER_ATTR_ACMODTIME   0x00000008u
#define SSH_FILEXFER_ATTR_EXTENDED    0x80000000u

struct sftp_attrs {
	uint32_t flags; /* SSH_FILEXFER_ATTR_: which of these are there */
	uint64_t size;
	uint32_t uid, gid;
	uint32_t permissions;  /* st_mode, file type included */
	uint32_t atime, mtime; /* seconds since 1970 */
};

/* Extended attributes are skipped when read and never written. */
struct sftp_attrs sftp_attrs_read(struct reader *r);
void sftp_attrs_write(struct buf *out, const struct sftp_attrs *a);

/* ---- requests ---- */

enum sftp_kind {
#define ROW(kind, name, type, extension, version, fields, writes) SFTP_##kind,
#include "sftp/protocol.def"
#undef ROW
	SFTP_KIND_COUNT
};

/* Which fields a kind has, and what they are, is in protocol.def. */
struct sftp_request {
	enum sftp_kind kind;
	uint32_t id;
	struct span handle, handle2;
	struct span path, path2;
	struct span data, data2;
	uint64_t offset, offset2, length;
	uint32_t count;
	uint32_t pflags;
	struct sftp_attrs attrs;
};

/* "open", "posix-rename"; never NULL. Of a name: SFTP_KIND_COUNT if there is
 * no such request. */
const char *sftp_kind_name(enum sftp_kind kind);
enum sftp_kind sftp_kind_of_name(struct span name);

/* The name of an extension's request ("statvfs@openssh.com"), NULL for the
 * requests of version 3 itself. */
const char *sftp_kind_extension(enum sftp_kind kind);

/* Is it what a read-only server must not do? (OPEN: sftp_open_writes().) */
bool sftp_kind_writes(enum sftp_kind kind);
bool sftp_open_writes(uint32_t pflags);

/* The whole packet, its length in front. */
void sftp_request_write(struct buf *out, const struct sftp_request *q);

/*
 * The packet of a WRITE up to its data: data_len bytes must follow. The
 * number of bytes written is fixed for a length of handle:
 * SFTP_WRITE_HEAD(handle.len).
 */
#define SFTP_WRITE_HEAD(handle_len) (4u + 1 + 4 + 4 + (handle_len) + 8 + 4)
void sftp_write_head(struct buf *out, uint32_t id, struct span handle,
    uint64_t offset, uint32_t data_len);

/* ---- answers ---- */

struct sftp_status {
	uint32_t code;
	struct span message; /* "" from servers before version 3 */
};

struct sftp_name {
	struct span name;
	struct span longname; /* as from `ls -l`, or anything */
	struct sftp_attrs attrs;
};

/* statvfs(3), as statvfs@openssh.com. */
struct sftp_statvfs {
	uint64_t bsize, frsize, blocks, bfree, bavail, files, ffree, favail;
	uint64_t fsid, flag, namemax;
};
#define SFTP_STATVFS_RDONLY 1u
#define SFTP_STATVFS_NOSUID 2u

/* limits@openssh.com; 0: not limited by the server. */
struct sftp_limits {
	uint64_t packet, read, write, handles;
};

/* space-available. */
struct sftp_space {
	uint64_t device, device_unused, user, user_unused;
	uint32_t unit;
};

/* Whole packets. */
void sftp_status_write(
    struct buf *out, uint32_t id, uint32_t code, const char *message);
void sftp_handle_write(struct buf *out, uint32_t id, struct span handle);
void sftp_attrs_answer_write(
    struct buf *out, uint32_t id, const struct sftp_attrs *a);
void sftp_statvfs_write(
    struct buf *out, uint32_t id, const struct sftp_statvfs *s);
void sftp_limits_write(
    struct buf *out, uint32_t id, const struct sftp_limits *l);
void sftp_space_write(struct buf *out, uint32_t id, const struct sftp_space *s);

/* The packet of a DATA answer up to its data, of which data_len bytes must
 * follow. */
#define SFTP_DATA_HEAD 13u
void sftp_data_head(
    uint8_t out[SFTP_DATA_HEAD], uint32_t id, uint32_t data_len);

/* Any other packet: begin, write fields, end. */
size_t sftp_packet_begin(struct buf *out, uint8_t type, uint32_t id);
void sftp_packet_end(struct buf *out, size_t mark);

/* NAME: begin, add each, end. */
struct sftp_names {
	size_t packet, count_at;
	uint32_t count;
};
struct sftp_names sftp_names_begin(struct buf *out, uint32_t id);
void sftp_names_add(
    struct buf *out, struct sftp_names *n, const struct sftp_name *name);
void sftp_names_end(struct buf *out, const struct sftp_names *n);

/* Fields behind the id. 0 or what was wrong. */
int sftp_status_read(struct span body, struct sftp_status *ret) MUST_CHECK;
int sftp_handle_read(struct span body, struct span *ret) MUST_CHECK;
int sftp_attrs_answer_read(struct span body, struct sftp_attrs *ret) MUST_CHECK;
int sftp_statvfs_read(struct span body, struct sftp_statvfs *ret) MUST_CHECK;
int sftp_limits_read(struct span body, struct sftp_limits *ret) MUST_CHECK;
int sftp_space_read(struct span body, struct sftp_space *ret) MUST_CHECK;

/* NAME: the count, then that many sftp_name_next(), then read_end(). A count
 * that the packet cannot hold is ERR_FORMAT. Names are given as they came
 * ("..", with / or NUL): who uses one as a local name checks it. */
int sftp_names_read(struct reader *r, uint32_t *ret_count) MUST_CHECK;
struct sftp_name sftp_name_next(struct reader *r);

/* check-file...: the digest's name ("sha256") and the digests one after the
 * other, of any of the three requests. */
int sftp_check_read(struct span body, struct span *ret_name,
    struct span *ret_digests) MUST_CHECK;

/* users-groups-by-id: two lists of strings, one name for each number, empty
 * where there is none; sftp_text_next() gives them one by one. */
int sftp_users_groups_read(struct span body, struct span *ret_users,
    struct span *ret_groups) MUST_CHECK;
bool sftp_text_next(struct span *rest, struct span *ret);

/* ---- the first packets ---- */

struct sftp_version {
	uint32_t version;
	uint64_t extensions; /* bit 1 << kind: the server has it */
};

void sftp_init_write(struct buf *out);
int sftp_init_read(struct span body, uint32_t *ret_version) MUST_CHECK;

/* without: bits 1 << kind that are not announced. */
void sftp_version_write(struct buf *out, uint64_t without);
int sftp_version_read(struct span body, struct sftp_version *ret) MUST_CHECK;
/* Has the server this request? True for all of version 3 itself. */
bool sftp_version_has(const struct sftp_version *v, enum sftp_kind kind);

/* ---- packets out of a stream ---- */

/*
 * A packet is given where it lies in the caller's bytes when it is there as
 * a whole; else its parts are gathered. Packets of bulk_type (WRITE at the
 * server, DATA at the client) are not gathered at all: their data is given
 * piece by piece, as it comes.
 */
struct sftp_input {
	uint8_t bulk_type; /* SSH_FXP_WRITE, SSH_FXP_DATA; 0: gather all */
	uint32_t max;      /* of a packet, without its length field */
	struct buf partial;
	bool given; /* partial holds what was given last */
	uint32_t bulk_left;
	uint32_t bulk_id, bulk_total;
	uint64_t bulk_offset;
	uint8_t bulk_handle[SFTP_HANDLE_MAX];
	size_t bulk_handle_len;
};

enum sftp_input_event {
	SFTP_INPUT_NEED,   /* more bytes, please */
	SFTP_INPUT_PACKET, /* type, id, body */
	SFTP_INPUT_BULK    /* id, total, done, piece; WRITE: handle, offset */
};

struct sftp_event {
	enum sftp_input_event event;
	uint8_t type;
	uint32_t id;      /* 0 for INIT and VERSION, which have none */
	struct span body; /* behind the id */
	/* Of a bulk packet: */
	struct span handle;
	uint64_t offset;   /* of the packet, not of the piece */
	uint32_t total;    /* bytes of data in the packet */
	uint32_t done;     /* of which were given before */
	struct span piece; /* done + piece.len == total: the last one */
};

void sftp_input_init(struct sftp_input *in, uint8_t bulk_type, uint32_t max);
void sftp_input_release(struct sftp_input *in);

/*
 * Takes bytes from the front of *data and gives the next event; what it
 * borrows is valid until the next call. ERR_LIMIT (packet too long),
 * ERR_FORMAT (shorter than its own fields), ERR_MEMORY: the stream cannot go
 * on. A bulk packet without data gives one event with an empty piece.
 */
int sftp_input_next(struct sftp_input *in, struct span *data,
    struct sftp_event *ret) MUST_CHECK;

/* Is a packet begun and not complete? At the end of a stream: it was cut. */
bool sftp_input_is_partial(const struct sftp_input *in);

/*
 * A request out of a PACKET event. ERR_UNSUPPORTED: no such request or
 * extension; other codes: malformed. ret->id is always set.
 */
int sftp_request_read(
    const struct sftp_event *packet, struct sftp_request *ret) MUST_CHECK;

#endif
