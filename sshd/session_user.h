/*
 * session_user.h - the process of the user's session: the connection
 * protocol, with the rights of the user.
 */
#ifndef SSHD_SESSION_USER_H
#define SSHD_SESSION_USER_H

#include "common/base/attributes.h"
#include "sshd/options.h"

/* Waits for the monitor's word, becomes the user, serves until the
 * connection ends. monitor_fd is taken. */
NORETURN void session_user_main(
    int monitor_fd, const struct sshd_config *config);

#endif
