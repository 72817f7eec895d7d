/*
 * session_trees.h - which directories internal-sftp may serve: Confine of
 * sshd_config, confine= of the key that was used.
 */
#ifndef SSHD_SESSION_TREES_H
#define SSHD_SESSION_TREES_H

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct user_session;

/*
 * Adds "rw:/path" and "ro:/path" to ret, none where nothing confines. Where
 * both do, the key's directories must lie in those of sshd_config, and write
 * only where those do: ERR_PERMISSION. A failure must end in no service.
 */
int session_trees(const struct user_session *u, struct strings *ret,
    struct error *e) MUST_CHECK;

#endif
