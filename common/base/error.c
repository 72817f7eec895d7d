/*
 * error.c - the table of failures and the sentences recorded about them.
 */
#include "common/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

struct error_row {
	const char *text;
	int disconnect;
};

static const struct error_row rows[ERROR_INDEX_COUNT] = {
	[ERROR_INDEX_OK] = { "no error", 0 },
#define ROW(name, text, disconnect) [ERROR_INDEX_##name] = { text, disconnect },
#include "common/base/error.def"
#undef ROW
};

static const struct error_row *
row_of(int code)
{
	if (code > 0 || code <= -ERROR_INDEX_COUNT)
		return NULL;
	return &rows[-code];
}

/* Shows that text did not fit, in its last three characters. */
static void
mark_cut(char *text, size_t size)
{
	memcpy(text + size - 4, "...", 4);
}

PRINTF_LIKE(2, 0)
static void
record(struct error *e, const char *format, va_list args)
{
	int n;

	n = vsnprintf(e->text, sizeof(e->text), format, args);
	if (n < 0)
		text_copy(e->text, sizeof(e->text), error_text(e->code));
	else if ((size_t)n >= sizeof(e->text))
		mark_cut(e->text, sizeof(e->text));
}

static int
code_of_errno(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERR_PERMISSION;
	case EEXIST:
		return ERR_EXISTS;
	default:
		return ERR_SYSTEM;
	}
}

const char *
error_text(int code)
{
	const struct error_row *row = row_of(code);

	return row != NULL ? row->text : "unknown error";
}

int
error_disconnect_reason(int code)
{
	const struct error_row *row = row_of(code);

	return row != NULL ? row->disconnect : 0;
}

void
error_clear(struct error *e)
{
	e->code = 0;
	e->system_errno = 0;
	e->text[0] = '\0';
}

int
error_set(struct error *e, int code, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (e == NULL)
		return code;
	e->code = code;
	e->system_errno = code == ERR_SYSTEM ? saved : 0;
	va_start(args, format);
	record(e, format, args);
	va_end(args);
	errno = saved;
	return code;
}

int
error_set_errno(struct error *e, const char *format, ...)
{
	va_list args;
	int saved = errno;
	size_t used;
	int n;

	if (e == NULL)
		return code_of_errno(saved);
	e->code = code_of_errno(saved);
	e->system_errno = saved;
	va_start(args, format);
	record(e, format, args);
	va_end(args);
	used = strlen(e->text);
	n = snprintf(
	    e->text + used, sizeof(e->text) - used, ": %s", strerror(saved));
	if (n >= 0 && (size_t)n >= sizeof(e->text) - used)
		mark_cut(e->text, sizeof(e->text));
	errno = saved;
	return e->code;
}

void
error_prefix(struct error *e, const char *format, ...)
{
	char old[sizeof(e->text)];
	va_list args;
	size_t used;
	int n;

	if (e == NULL)
		return;
	text_copy(old, sizeof(old), error_message(e, e->code));
	va_start(args, format);
	record(e, format, args);
	va_end(args);
	used = strlen(e->text);
	n = snprintf(e->text + used, sizeof(e->text) - used, ": %s", old);
	if (n >= 0 && (size_t)n >= sizeof(e->text) - used)
		mark_cut(e->text, sizeof(e->text));
}

const char *
error_message(const struct error *e, int code)
{
	if (e == NULL || e->text[0] == '\0')
		return error_text(code);
	return e->text;
}
