/*
 * terminal.h - the person's terminal on standard input: raw mode and back,
 * its size, its modes as the server wants them.
 * RFC 4254 s6.2, s8.
 *
 * Raw mode is left on every way out of the process (fatal.h).
 */
#ifndef SSH_TERMINAL_H
#define SSH_TERMINAL_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/channel/session.h"

/* Raw mode on standard input, if it is a terminal; once more: nothing. */
void terminal_enter_raw(void);
void terminal_leave_raw(void);
bool terminal_is_raw(void);

/* Is this process in the foreground of the terminal on standard input? */
bool terminal_is_foreground(void);

/* Zeros where nothing of ours is a terminal. */
void terminal_window_size(struct window_size *ret);

/* Appends the encoded modes of the terminal (as they were before raw mode);
 * only the end mark where there is none. */
void terminal_write_modes(struct buf *out);

/* Gives the terminal back, stops this process, and goes on in raw mode when
 * it is continued. */
void terminal_suspend(void);

#endif
