/*
 * log.c - levels, escaping and the ready-made sinks.
 *
 * The file-scope variables are the logger's, one a process.
 */
#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/text.h"

/* A line is cut here: nobody fills a disk with one message. */
#define LINE_MAX_BYTES ((size_t)16 * 1024)

static const char *const names[] = {
	[LOG_LEVEL_QUIET] = "QUIET",
	[LOG_LEVEL_FATAL] = "FATAL",
	[LOG_LEVEL_ERROR] = "ERROR",
	[LOG_LEVEL_INFO] = "INFO",
	[LOG_LEVEL_VERBOSE] = "VERBOSE",
	[LOG_LEVEL_DEBUG1] = "DEBUG1",
	[LOG_LEVEL_DEBUG2] = "DEBUG2",
	[LOG_LEVEL_DEBUG3] = "DEBUG3",
};

static const char *const debug_prefixes[] = {
	[LOG_LEVEL_DEBUG1] = "debug1: ",
	[LOG_LEVEL_DEBUG2] = "debug2: ",
	[LOG_LEVEL_DEBUG3] = "debug3: ",
};

static enum log_level current_level = LOG_LEVEL_INFO;
static log_sink *current_sink;
static void *sink_context;
static int file_fd = STDERR_FILENO;
static const char *syslog_program;
static int syslog_facility;

/* ---- sinks ---- */

static const char *
prefix_of(enum log_level level)
{
	return level >= LOG_LEVEL_DEBUG1 ? debug_prefixes[level] : "";
}

/* One write, so that lines of several processes do not mix. */
static void
file_sink(enum log_level level, const char *line, void *context)
{
	char out[2048];
	int n;

	n = snprintf(out, sizeof(out), "%s%s\r\n", prefix_of(level), line);
	if (n > 0 && (size_t)n < sizeof(out)) {
		/* There is nowhere to complain about a log that fails. */
		IGNORE_RESULT(fd_write_all(file_fd, out, (size_t)n));
		return;
	}
	struct buf long_line = BUF_INIT;
	buf_printf(&long_line, "%s%s\r\n", prefix_of(level), line);
	IGNORE_RESULT(fd_write_all(file_fd, long_line.data, long_line.len));
	buf_release(&long_line);
}

static int
syslog_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_FATAL:
		return LOG_CRIT;
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_INFO:
	case LOG_LEVEL_VERBOSE:
		return LOG_INFO;
	default:
		return LOG_DEBUG;
	}
}

/*
 * Opened for each line: a descriptor kept by the C library would be closed
 * under it when a process gives up its descriptors, and its number could
 * then belong to a peer.
 */
static void
syslog_sink(enum log_level level, const char *line, void *context)
{
	const char *prefix = prefix_of(level);

	if (level == LOG_LEVEL_FATAL)
		prefix = "fatal: ";
	else if (level == LOG_LEVEL_ERROR)
		prefix = "error: ";
	openlog(syslog_program, LOG_PID, syslog_facility);
	syslog(syslog_priority(level), "%s%s", prefix, line);
	closelog();
}

void
log_set_sink(log_sink *sink, void *context)
{
	current_sink = sink;
	sink_context = context;
	file_fd = sink == NULL ? STDERR_FILENO : file_fd;
}

void
log_to_stderr(void)
{
	log_set_sink(NULL, NULL);
}

void
log_to_file(int fd)
{
	file_fd = fd;
	current_sink = file_sink;
}

void
log_to_syslog(const char *program, int facility)
{
	syslog_program = program;
	syslog_facility = facility;
	current_sink = syslog_sink;
}

/* ---- levels ---- */

void
log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level
log_get_level(void)
{
	return current_level;
}

bool
log_level_parse(const char *name, enum log_level *ret_level)
{
	if (strcasecmp(name, "DEBUG") == 0) {
		*ret_level = LOG_LEVEL_DEBUG1;
		return true;
	}
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		if (strcasecmp(name, names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *
log_level_name(enum log_level level)
{
	return (size_t)level < ARRAY_COUNT(names) ? names[level] : "UNKNOWN";
}

bool
log_wants(enum log_level level)
{
	return level <= current_level && level != LOG_LEVEL_QUIET;
}

/* ---- lines ---- */

/* The line as it goes out: formatted, cut, escaped. */
PRINTF_LIKE(2, 0)
static void
compose(struct buf *out, const char *format, va_list args)
{
	char stack[1024];
	char *text = stack;
	char *heap = NULL;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(stack, sizeof(stack), format, args);
	if (n < 0)
		text = NULL;
	else if ((size_t)n >= sizeof(stack))
		text = vasprintf(&heap, format, again) < 0 ? NULL : heap;
	va_end(again);
	if (text != NULL) {
		size_t len = strnlen(text, LINE_MAX_BYTES);

		text_escape(out, span_of(text, len), false);
		if (text[len] != '\0')
			write_span(out, span_text("..."));
	}
	/* `heap` is undefined where vasprintf failed. */
	if (text == heap)
		free(heap);
}

void
log_va(enum log_level level, const char *format, va_list args)
{
	struct buf line = BUF_INIT;
	log_sink *sink = current_sink != NULL ? current_sink : file_sink;
	const char *text;
	int saved = errno;

	if (!log_wants(level))
		return;
	compose(&line, format, args);
	text = buf_text(&line);
	sink(level, text != NULL ? text : "(no memory to log a message)",
	    sink_context);
	buf_release(&line);
	errno = saved;
}

void
log_forward(enum log_level level, struct span line, const char *suffix)
{
	struct buf out = BUF_INIT;
	log_sink *sink = current_sink != NULL ? current_sink : file_sink;
	const char *text;

	if (!log_wants(level))
		return;
	for (size_t i = 0; i < line.len && i < LINE_MAX_BYTES; i++) {
		if (line.ptr[i] == '\\')
			write_byte(&out, '\\');
		else
			text_escape(&out, span_of(line.ptr + i, 1), false);
	}
	write_span(&out, span_text(suffix));
	text = buf_text(&out);
	sink(level, text != NULL ? text : "(no memory to log a message)",
	    sink_context);
	buf_release(&out);
}

void
log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(level, format, args);
	va_end(args);
}

#define LOG_FUNCTION(name, level)                                              \
	void log_##name(const char *format, ...)                               \
	{                                                                      \
		va_list args;                                                  \
                                                                               \
		va_start(args, format);                                        \
		log_va(level, format, args);                                   \
		va_end(args);                                                  \
	}

LOG_FUNCTION(fatal, LOG_LEVEL_FATAL)
LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(verbose, LOG_LEVEL_VERBOSE)
LOG_FUNCTION(debug1, LOG_LEVEL_DEBUG1)
LOG_FUNCTION(debug2, LOG_LEVEL_DEBUG2)
LOG_FUNCTION(debug3, LOG_LEVEL_DEBUG3)

void
bug_at(const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_fatal("%s:%d: internal error: %s", file, line, text);
	abort();
}
