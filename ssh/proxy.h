/*
 * proxy.h - a command of the person's that carries the connection on its
 * standard input and output, or that passes a connected descriptor.
 */
#ifndef SSH_PROXY_H
#define SSH_PROXY_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "ssh/connect.h"

/*
 * Runs `$SHELL -c "exec command"`; ends it on our way out. use_fdpass: the
 * command sends one descriptor over its standard output (a Unix socket) and
 * ends. Fills ret with the descriptors and the names of an unknown peer.
 */
int proxy_start(const char *command, bool use_fdpass, struct peer *ret,
    struct error *e) MUST_CHECK;

/* It closed its end: lets it say why before it is ended with us. */
void proxy_await_end(int timeout_ms);

/* Runs a command line by the person's shell, or without one where it is
 * NULL-terminated words, with our signals as they were; waits for it. The
 * wait status, or -1 with errno. */
int shell_run(const char *command);

/* The person's shell: $SHELL, or /bin/sh. */
const char *shell_path(void);

#endif
