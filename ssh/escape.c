/*
 * escape.c - the escape character at the start of a line.
 *
 *   line start --char--> held --command--> line start   (the command is run)
 *                         |---char-------> in line      (one char is sent)
 *                         |---other------> in line      (both are sent)
 *   in line --CR or LF--> line start
 */
#include "ssh/escape.h"

#include <string.h>

void
escape_init(struct escape *e, int character,
    bool (*on_command)(uint8_t command, void *context), void *context)
{
	memset(e, 0, sizeof(*e));
	e->character = character;
	e->at_line_start = true;
	e->on_command = on_command;
	e->context = context;
}

static bool
ends_line(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* The byte behind an escape character; bytes to send go to out. */
static size_t
after_escape(struct escape *e, uint8_t command, uint8_t *out)
{
	if (command == e->character) {
		e->at_line_start = false;
		out[0] = command;
		return 1;
	}
	if (e->on_command(command, e->context)) {
		e->at_line_start = true;
		return 0;
	}
	e->at_line_start = ends_line(command);
	out[0] = (uint8_t)e->character;
	out[1] = command;
	return 2;
}

size_t
escape_filter(struct escape *e, uint8_t *data, size_t len)
{
	size_t used = 0;

	if (e->character == ESCAPE_NONE || len == 0)
		return len;
	if (e->is_held) {
		/* As if both had been typed at once. */
		memmove(data + 1, data, len);
		data[0] = (uint8_t)e->character;
		len++;
		e->is_held = false;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		if (!e->at_line_start || c != e->character) {
			data[used++] = c;
			e->at_line_start = ends_line(c);
		} else if (i + 1 == len) {
			e->is_held = true;
		} else {
			used += after_escape(e, data[++i], data + used);
		}
	}
	return used;
}
