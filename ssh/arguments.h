/*
 * arguments.h - the command line of ssh.
 *
 * Most flags are lines of configuration in short form: they become such
 * lines, in their order, and the configuration engine does the rest.
 */
#ifndef SSH_ARGUMENTS_H
#define SSH_ARGUMENTS_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/log.h"
#include "common/base/text.h"

struct arguments {
	struct strings lines;    /* of configuration */
	char *host;              /* as typed, without user and port */
	char *user;              /* from user@, -l; NULL: none */
	int port;                /* from a URI; 0: none */
	char *command;           /* NULL: none */
	const char *config_file; /* -F */
	const char *log_file;    /* -E */
	bool to_syslog;          /* -y */
	bool print_options;      /* -G */
	bool print_identities;   /* -Z */
	bool is_subsystem;       /* -s */
	bool is_stdio_forward;   /* -W */
	const char *multiplex;   /* -O */
	bool has_log_level;      /* -v, -q */
	enum log_level log_level;
};

/*
 * Parses; answers -V and -Q and ends the process for them, and for faults
 * (message on stderr, status 255).
 */
void arguments_parse(struct arguments *a, int argc, char **argv);
void arguments_release(struct arguments *a);

#endif
