/*
 * session_main.h - the entry of a session process (argv[0] sshd-session),
 * and of `sshd -i`.
 */
#ifndef SSHD_SESSION_MAIN_H
#define SSHD_SESSION_MAIN_H

#include "sshd/options.h"

/* Started by the listener; see pool.h for what it finds. An exit status. */
int session_main(void);

/* `sshd -i`: the connection is on descriptors 0 and 1. */
int session_inetd_main(const struct sshd_config *config, bool keep_stderr);

#endif
