/*
 * known_hosts_command.h - KnownHostsCommand: a program that prints lines of
 * known_hosts.
 *
 * It runs without a shell, with our rights, environment and standard error.
 * That it fails ends the connection: it may know of a key that was revoked.
 */
#ifndef SSH_KNOWN_HOSTS_COMMAND_H
#define SSH_KNOWN_HOSTS_COMMAND_H

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/hosts/known_hosts.h"
#include "common/key/key.h"
#include "ssh/options.h"

#define KNOWN_HOSTS_COMMAND_OUTPUT_MAX ((size_t)64 * 1024 * 1024)

/* What for (%I). */
enum known_hosts_reason {
	KNOWN_HOSTS_FOR_ORDER, /* of algorithms; no key yet */
	KNOWN_HOSTS_FOR_HOSTNAME,
	KNOWN_HOSTS_FOR_ADDRESS
};

/*
 * Adds the lines about name that the program prints to found; nothing where
 * none is configured. k: the server's key; NULL for ORDER, where %f, %K and
 * %t are NONE. ERR_CONFIG, ERR_LIMIT, ERR_SYSTEM, with a sentence.
 */
int known_hosts_command(const struct ssh_options *o,
    const struct ssh_tokens *tokens, enum known_hosts_reason reason,
    const char *name, const struct key *k, struct known_hosts *found,
    struct error *e) MUST_CHECK;

#endif
