/*
 * scp_stream.h - the old protocol's bytes, on two descriptors: lines, the
 * replies to them, data.
 *
 *   C0644 5 name\n   a file of 5 bytes; its data and a reply byte follow
 *   D0755 0 name\n   a folder begins          E\n   it ends
 *   T1 0 2 0\n       times of what comes next
 *   reply: 0 well; 1 text\n: it failed, go on; 2 text\n: it is over
 *
 * A line has at most SCP_LINE_MAX bytes. The end of the other side ends the
 * program ("lost connection").
 */
#ifndef SFTP_SCP_STREAM_H
#define SFTP_SCP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "sftp/client_meter.h"
#include "sftp/scp.h"

#define SCP_LINE_MAX  8192
#define SCP_PIECE_MAX ((size_t)256 * 1024)

struct scp_stream {
	struct scp *s;
	int in, out;
	bool is_server; /* failures are told to the other side as well */
	uint8_t *bytes; /* read and not used: from..to */
	size_t from, to;
	struct client_meter meter;
	uint64_t start_us, moved; /* for the limit */
	struct copy_progress progress;
};

void scp_stream_init(
    struct scp_stream *t, struct scp *s, int in, int out, bool is_server);
void scp_stream_release(struct scp_stream *t);

/* A line without its newline; false at the end of the other side. */
bool scp_stream_line(struct scp_stream *t, char line[SCP_LINE_MAX]);

/* 1 .. max bytes of data, which are borrowed until the next call. */
struct span scp_stream_data(struct scp_stream *t, size_t max);

void scp_stream_send(struct scp_stream *t, const void *bytes, size_t len);
void scp_stream_printf(struct scp_stream *t, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* The reply to what was sent: true for well. A failure is told. */
bool scp_stream_reply(struct scp_stream *t);

/* We reply: well; or it failed, which is told here, too. */
void scp_stream_ok(struct scp_stream *t);
void scp_stream_failed(struct scp_stream *t, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Around a file's data: the meter, and -l. */
void scp_stream_begin(struct scp_stream *t, const char *name, uint64_t size);
void scp_stream_moved(struct scp_stream *t, size_t n);
void scp_stream_end(struct scp_stream *t, bool failed);

/* Sends the files; receives to the target. path: what was asked for, whose
 * names alone are taken; NULL: any. */
void scp_source(struct scp_stream *t, const char *const *paths, size_t count);
void scp_sink(struct scp_stream *t, const char *target, const char *path);

#endif
