/*
 * escape.h - the escape character at the start of a line: which typed bytes
 * are for us and which go to the server.
 *
 * Knows: bytes only; what an escape does is the caller's.
 */
#ifndef SSH_ESCAPE_H
#define SSH_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESCAPE_NONE (-1)

struct escape {
	int character; /* ESCAPE_NONE: everything goes to the server */
	bool at_line_start;
	bool is_held; /* the character was typed, its command not yet */
	/* command: the byte after the escape character. False: it is none, both
	 * go to the server. */
	bool (*on_command)(uint8_t command, void *context);
	void *context;
};

void escape_init(struct escape *e, int character,
    bool (*on_command)(uint8_t command, void *context), void *context);

/*
 * Takes our commands out of data, in place; the new length. May be one byte
 * longer than len (the character that was held back): there must be room.
 */
size_t escape_filter(struct escape *e, uint8_t *data, size_t len);

#endif
