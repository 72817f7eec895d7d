/*
 * sftp_arguments.h - the command line of sftp.
 */
#ifndef SFTP_SFTP_ARGUMENTS_H
#define SFTP_SFTP_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/text.h"
#include "sftp/sftp.h"

struct arguments {
	struct strings way; /* the program to run and its arguments */
	bool is_direct;     /* -D: the server itself */
	const char *direct;
	char *host;
	char *path;         /* NULL: none was given */
	const char *target; /* of what is fetched; NULL */
	const char *batch;  /* NULL: none */
	uint64_t bytes_per_second;
};

/* Says what is wrong and ends the program, if anything is. */
void arguments_parse(
    struct arguments *ret, struct sftp *ret_s, int argc, char **argv);
void arguments_release(struct arguments *a);

#endif
