/*
 * log.h - the one way in which a process says what it does.
 *
 * Library code logs at debug levels only; programs log above. A line never
 * holds a raw byte from a peer: everything goes through text_escape() before
 * it reaches the sink, so that nobody forges a line or drives a terminal.
 * A sink receives whole lines without a newline.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

enum log_level {
	LOG_LEVEL_QUIET,
	LOG_LEVEL_FATAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_INFO,
	LOG_LEVEL_VERBOSE,
	LOG_LEVEL_DEBUG1,
	LOG_LEVEL_DEBUG2,
	LOG_LEVEL_DEBUG3
};

/* line is escaped already; context as given to log_set_sink. */
typedef void log_sink(enum log_level level, const char *line, void *context);

/* Lines above this level are dropped; the start is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Where lines go; NULL means the built-in sink: stderr, see log_to_stderr. */
void log_set_sink(log_sink *sink, void *context);

/* Ready-made sinks. log_to_file appends to an open descriptor (owned by the
 * logger from here); both end lines with CR LF as OpenSSH does and put
 * "debug1: " and so on in front of debug lines. log_to_syslog takes a syslog
 * facility and the program's name (kept, not copied). */
void log_to_stderr(void);
void log_to_file(int fd);
void log_to_syslog(const char *program, int facility);

/* "DEBUG2" and the like, case-insensitive; "DEBUG" is DEBUG1. */
bool log_level_parse(const char *name, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

/* Is a line of this level wanted? For work done only to log it. */
bool log_wants(enum log_level level);

void log_fatal(const char *format, ...) PRINTF_LIKE(1, 2); /* does not exit */
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_verbose(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug1(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug2(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug3(const char *format, ...) PRINTF_LIKE(1, 2);
void log_at(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
void log_va(enum log_level level, const char *format, va_list args)
    PRINTF_LIKE(2, 0);

/*
 * A line that another process of ours sends on, escaped there already, with
 * a suffix: backslashes are not escaped again. What else is not printable
 * is, since that process may have been taken over.
 */
void log_forward(enum log_level level, struct span line, const char *suffix);

/*
 * Reports a broken invariant of our own and aborts. Never for anything that
 * came from outside.
 */
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void bug_at(const char *file, int line, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
