/*
 * client_ssh.h - destinations as people write them, and the command line of
 * the ssh that leads there; for sftp and scp.
 */
#ifndef SFTP_CLIENT_SSH_H
#define SFTP_CLIENT_SSH_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct client_destination {
	char *user; /* NULL: not given */
	char *host;
	char *port; /* NULL: not given */
	char *path; /* NULL: not given */
};

/*
 * "[user@]host[:path]", "[user@][address]:path" or
 * "scheme://[user@]host[:port][/path]" (path: relative to where the server
 * puts us, "//path": absolute; with %xx). ERR_FORMAT, with a sentence.
 * Texts are fresh, the caller's: client_destination_release().
 */
int client_destination_parse(const char *scheme, const char *text,
    struct client_destination *ret, struct error *e) MUST_CHECK;
void client_destination_release(struct client_destination *d);

struct client_ssh_command {
	const char *program; /* NULL: the ssh beside us */
	const struct strings
	    *options;            /* as the person gave them; may be NULL */
	const char *user, *port; /* NULL: not given */
	const char *host;
	const char *command; /* the subsystem, or what is executed */
	bool is_subsystem;
};

/* The whole argument list, with what a file transfer must not have (terminal,
 * forwardings) switched off. ERR_MEMORY. */
int client_ssh_arguments(
    const struct client_ssh_command *c, struct strings *ret) MUST_CHECK;

#endif
