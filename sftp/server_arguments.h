/*
 * server_arguments.h - the flags of sftp-server(8), which internal-sftp of
 * sshd takes as well.
 */
#ifndef SFTP_SERVER_ARGUMENTS_H
#define SFTP_SERVER_ARGUMENTS_H

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "sftp/server.h"

enum sftp_server_action {
	SFTP_SERVER_RUN,
	SFTP_SERVER_USAGE,         /* -h, or a flag that is none */
	SFTP_SERVER_QUERY_REQUESTS /* -Q requests */
};

/*
 * argv as of main(). Failures (ERR_ARGUMENT) have the sentence in e:
 * "Invalid umask "x"" and the like.
 */
int sftp_server_arguments(int argc, char **argv,
    struct sftp_server_options *ret, enum sftp_server_action *ret_action,
    struct error *e) MUST_CHECK;
void sftp_server_options_release(struct sftp_server_options *o);

/* A command line ("internal-sftp -d /in -u 022") to words: blanks part them,
 * double quotes and backslashes keep them. */
int sftp_server_words(const char *line, struct strings *ret) MUST_CHECK;

/* -d with %d (home), %u (user) and %%, fresh; the home where there was no
 * -d. A relative one is under the home. */
char *sftp_server_start(const struct sftp_server_options *o, const char *user,
    const char *home, struct error *e) MUST_CHECK;

#endif
