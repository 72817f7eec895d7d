/*
 * sftp_say.c - what a person reads.
 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "sftp/sftp.h"

#define WIDTH_DEFAULT 80

void
sftp_out_of_memory(void)
{
	fputs("sftp: out of memory\n", stderr);
	exit(EXIT_CONNECTION);
}

void *
sftp_need(void *memory)
{
	if (memory == NULL)
		sftp_out_of_memory();
	return memory;
}

static bool
is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Backslashes stay: scripts read names as they are. */
static void
escape(struct buf *out, struct span s)
{
	size_t n;

	while (s.len > 0) {
		for (n = 0; n < s.len && s.ptr[n] != '\\'; n++)
			;
		text_escape(out, span_of(s.ptr, n), is_utf8());
		if (n < s.len)
			write_byte(out, s.ptr[n++]);
		s = span_of(s.ptr + n, s.len - n);
	}
}

char *
sftp_printable(const char *text)
{
	struct buf out = BUF_INIT;

	escape(&out, span_text(text));
	return sftp_need(buf_take_text(&out));
}

size_t
sftp_columns(const char *printable)
{
	size_t columns = 0;
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n;
	int w;

	while ((n = mbrtowc(&c, printable, MB_CUR_MAX, &state)) > 0) {
		if (n == (size_t)-1 || n == (size_t)-2)
			return columns + strlen(printable);
		w = wcwidth(c);
		columns += w > 0 ? (size_t)w : 0;
		printable += n;
	}
	return columns;
}

unsigned
sftp_terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

PRINTF_LIKE(2, 0)
static void
say(FILE *to, const char *format, va_list args, const char *end)
{
	struct buf out = BUF_INIT;
	char *raw = NULL;
	size_t len;

	if (vasprintf(&raw, format, args) < 0)
		sftp_out_of_memory();
	/* Only the last newline is ours for certain. */
	len = strlen(raw);
	if (len > 0 && raw[len - 1] == '\n') {
		end = "\n";
		len--;
	}
	escape(&out, span_of(raw, len));
	if (buf_text(&out) == NULL)
		sftp_out_of_memory();
	fputs((const char *)out.data, to);
	fputs(end, to);
	free(raw);
	buf_release(&out);
}

void
sftp_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stdout, format, args, "");
	va_end(args);
}

void
sftp_complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	say(stderr, format, args, "\n");
	va_end(args);
}
