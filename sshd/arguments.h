/*
 * arguments.h - the command line of sshd. Flags that stand for a keyword
 * become lines of configuration, so that they are checked and printed as
 * such.
 */
#ifndef SSHD_ARGUMENTS_H
#define SSHD_ARGUMENTS_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/text.h"

#define SSHD_CONFIG_DEFAULT SHEETBEND_SYSCONFDIR "/sshd_config"

struct arguments {
	const char *config_file;
	const char *log_file; /* -E; NULL */
	struct strings lines; /* -o, and flags as such */
	struct strings specs; /* -C */
	bool ports_given;     /* -p */
	bool foreground;      /* -D */
	bool inetd;           /* -i */
	bool test;            /* -t */
	bool extended_test;   /* -T */
	bool dump_only;       /* -G */
	bool log_stderr;      /* -e */
	unsigned debug;       /* -d */
};

/* Exits with a message for what cannot be understood, and for -V. */
void arguments_parse(struct arguments *a, int argc, char **argv);
void arguments_release(struct arguments *a);

#endif
