/*
 * authorized_commands.h - AuthorizedKeysCommand and
 * AuthorizedPrincipalsCommand: programs of the administrator's that print
 * what files of the user's would hold.
 *
 * A program must be named by an absolute path and, with all directories above
 * it, belong to root and be writable by nobody else. It runs as an account of
 * its own, in a process group of its own, with an environment of four
 * variables; its complaints go to the log. It has until the login must be done
 * (LoginGraceTime), and AUTHORIZED_COMMAND_TIME_US at most; then the whole
 * group is killed. What it prints counts only if it says that it succeeded.
 */
#ifndef SSHD_AUTHORIZED_COMMANDS_H
#define SSHD_AUTHORIZED_COMMANDS_H

#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/key/key.h"
#include "sshd/account.h"
#include "sshd/peer.h"

#define AUTHORIZED_COMMAND_OUTPUT_MAX ((size_t)16 * 1024 * 1024)
#define AUTHORIZED_COMMAND_TIME_US    ((uint64_t)120 * 1000000)

/* Everything is borrowed. */
struct authorized_command {
	const char *keyword;
	const char *command;           /* as configured: words with tokens */
	const char *run_as;            /* name of the account that runs it */
	const struct account *account; /* who wants to log in */
	const struct peer *peer;
	const struct key *key;        /* as offered; may be a certificate */
	enum digest_algorithm digest; /* of fingerprints */
	uint64_t deadline_us;         /* of the login; UINT64_MAX: none */
};

/*
 * Appends what the program printed. Without arguments in the configuration it
 * gets the user's name. Tokens: %% %C %D %f %h %k %t %U %u, and for a
 * certificate %F %i %K %s %T. A name without account is passed on as
 * "nonexistent": it is the peer's, and could be anything.
 * ERR_PERMISSION (owner, modes), ERR_CONFIG, ERR_NOT_FOUND (no such account),
 * ERR_TIMEOUT, ERR_LIMIT, ERR_SYSTEM (it failed), each with a sentence.
 */
int authorized_command_run(const struct authorized_command *c, struct buf *out,
    struct error *e) MUST_CHECK;

#endif
