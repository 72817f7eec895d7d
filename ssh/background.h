/*
 * background.h - going on without the terminal: -f.
 *
 * The process that does the work is a child from the start; the one that the
 * shell waits for ends when the child says that it can, or with the child's
 * status when it ended before. So nothing is ever moved between processes.
 */
#ifndef SSH_BACKGROUND_H
#define SSH_BACKGROUND_H

#include <stdbool.h>

/* Returns in the child only. Before any loop, child or secret exists. */
void background_prepare(void);

/* Leaves the terminal; the waiting process ends with 0. keep_output: stdout and
 * stderr stay as they are, else they go to /dev/null. Nothing where
 * background_prepare() was not called. */
void background_enter(bool keep_output);

/* Standard input from /dev/null. */
void stdin_from_null(void);

#endif
