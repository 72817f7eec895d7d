/*
 * scp_stream.c - lines, replies and data of the old protocol.
 */
#include "sftp/scp_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"

void
scp_stream_init(
    struct scp_stream *t, struct scp *s, int in, int out, bool is_server)
{
	memset(t, 0, sizeof(*t));
	t->s = s;
	t->in = in;
	t->out = out;
	t->is_server = is_server;
	t->bytes = scp_need(malloc(SCP_PIECE_MAX));
	t->start_us = time_monotonic_us();
	client_meter_start(
	    &t->meter, !is_server && !s->is_quiet && isatty(STDOUT_FILENO));
}

void
scp_stream_release(struct scp_stream *t)
{
	client_meter_end(&t->meter);
	free(t->bytes);
}

/* False at the end. */
static bool
fill(struct scp_stream *t)
{
	ssize_t n;

	if (t->from < t->to)
		return true;
	do {
		n = read(t->in, t->bytes, SCP_PIECE_MAX);
	} while (n < 0 && errno == EINTR);
	t->from = 0;
	t->to = n > 0 ? (size_t)n : 0;
	return n > 0;
}

NORETURN static void
lost(struct scp_stream *t)
{
	client_meter_clear(&t->meter);
	if (!t->is_server)
		fputs("lost connection\n", stderr);
	exit(EXIT_FAILED);
}

bool
scp_stream_line(struct scp_stream *t, char line[SCP_LINE_MAX])
{
	size_t len = 0;

	for (;;) {
		uint8_t c;

		if (!fill(t)) {
			if (len == 0)
				return false;
			lost(t);
		}
		if ((c = t->bytes[t->from++]) == '\n')
			break;
		if (len + 1 >= SCP_LINE_MAX)
			scp_die(EXIT_FAILED, "protocol error: line too long");
		line[len++] = (char)c;
	}
	line[len] = '\0';
	return true;
}

struct span
scp_stream_data(struct scp_stream *t, size_t max)
{
	struct span data;

	if (!fill(t))
		lost(t);
	data = span_of(t->bytes + t->from, t->to - t->from);
	if (data.len > max)
		data.len = max;
	t->from += data.len;
	return data;
}

void
scp_stream_send(struct scp_stream *t, const void *bytes, size_t len)
{
	if (fd_write_all(t->out, bytes, len) != 0)
		lost(t);
}

void
scp_stream_printf(struct scp_stream *t, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		scp_need(NULL);
	va_end(args);
	scp_stream_send(t, text, strlen(text));
	free(text);
}

/* What the other side says of a failure. */
static void
tell(struct scp_stream *t, const char *line)
{
	client_meter_clear(&t->meter);
	t->s->failures++;
	if (!t->is_server) {
		char *shown = text_escaped(span_text(line));

		fprintf(stderr, "%s\n", shown != NULL ? shown : "");
		free(shown);
	}
}

bool
scp_stream_reply(struct scp_stream *t)
{
	char line[SCP_LINE_MAX];
	uint8_t code;

	if (!fill(t))
		lost(t);
	code = t->bytes[t->from++];
	if (code == 0)
		return true;
	/* Anything else is the beginning of words, from a shell perhaps. */
	if (code > 2)
		t->from--;
	if (!scp_stream_line(t, line))
		lost(t);
	tell(t, line);
	if (code != 1)
		exit(EXIT_FAILED);
	return false;
}

void
scp_stream_ok(struct scp_stream *t)
{
	scp_stream_send(t, "", 1);
}

void
scp_stream_failed(struct scp_stream *t, const char *format, ...)
{
	char *text = NULL, *shown;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		scp_need(NULL);
	va_end(args);
	shown = scp_need(text_escaped(span_text(text)));
	client_meter_clear(&t->meter);
	t->s->failures++;
	scp_stream_printf(t, "%cscp: %s\n", 1, shown);
	if (!t->is_server)
		fprintf(stderr, "scp: %s\n", shown);
	free(shown);
	free(text);
}

/* ---- the meter, and -l ---- */

void
scp_stream_begin(struct scp_stream *t, const char *name, uint64_t size)
{
	t->progress.name = scp_need(text_escaped(span_text(name)));
	t->progress.name_done = 0;
	t->progress.name_size = size;
	t->progress.files_known++;
	t->progress.bytes_known += size;
}

static void
keep_limit(struct scp_stream *t)
{
	uint64_t due_us, now_us = time_monotonic_us();
	struct timespec pause;

	if (t->s->bytes_per_second == 0)
		return;
	due_us = t->start_us + (uint64_t)((double)t->moved * 1e6 /
					  (double)t->s->bytes_per_second);
	if (due_us <= now_us)
		return;
	pause.tv_sec = (time_t)((due_us - now_us) / 1000000);
	pause.tv_nsec = (long)((due_us - now_us) % 1000000) * 1000;
	nanosleep(&pause, NULL);
}

void
scp_stream_moved(struct scp_stream *t, size_t n)
{
	t->moved += n;
	t->progress.name_done += n;
	t->progress.bytes_done += n;
	client_meter_tick(&t->meter, &t->progress);
	keep_limit(t);
}

void
scp_stream_end(struct scp_stream *t, bool failed)
{
	t->progress.files_done++;
	client_meter_file(
	    &t->meter, t->progress.name, t->progress.name_size, failed);
	free((char *)(uintptr_t)t->progress.name);
	t->progress.name = "";
}
