/*
 * client.h - one connection from the first packet to the last.
 *
 *   CONNECTING -> KEX -> AUTH -> SESSION -> the end of the process
 *
 * What leaves together: the identification, KEXINIT and, where the last
 * visit taught us what the server prefers, the first packet of the key
 * exchange; NEWKEYS, SERVICE_REQUEST and the first USERAUTH_REQUEST;
 * CHANNEL_OPEN; the requests of the session.
 */
#ifndef SSH_CLIENT_H
#define SSH_CLIENT_H

#include "common/base/attributes.h"
#include "ssh/arguments.h"
#include "ssh/options.h"

/* home: the person's home folder. command: what to run or the subsystem;
 * NULL: a shell. All borrowed. Ends the process. */
NORETURN void client_run(const struct arguments *a, const struct ssh_options *o,
    struct ssh_tokens *tokens, const char *home, const char *command);

/* -Z: the public keys in the order in which they would be tried. */
NORETURN void client_print_identities(
    const struct ssh_options *o, const struct ssh_tokens *tokens);

#endif
