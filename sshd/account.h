/*
 * account.h - a user of this machine, as the monitor sees it.
 *
 * A name without an account gives a stand-in that goes through the same
 * work (files that are not there, no groups), so that the difference does
 * not show from outside.
 */
#ifndef SSHD_ACCOUNT_H
#define SSHD_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct account {
	char *name;
	char *home;
	char *shell; /* never empty: /bin/sh where none is set */
	uid_t uid;
	gid_t gid;
	bool exists;
	gid_t *gids; /* of all its groups; filled by account_load_gids */
	size_t gid_count;
	struct strings groups; /* names; filled by account_load_groups */
	bool groups_loaded;
};

/* NULL without memory. */
struct account *account_find(const char *name) MUST_CHECK;
void account_free(struct account *a);

/* Numbers of all groups of the account. They are asked for once: with some
 * account databases that is the dearest thing of a login. */
int account_load_gids(struct account *a) MUST_CHECK;

/* Names of all groups of the account, for AllowGroups and Match Group. */
int account_load_groups(struct account *a) MUST_CHECK;

/* Is there a shell that can be executed? Else the sentence in e. */
int account_check_shell(const struct account *a, struct error *e) MUST_CHECK;

/*
 * Reads a regular file with the rights of the account (where this process
 * is root), so that nobody has sshd read a file for him. strict: ERR_PERMISSION
 * unless owner and modes of the file and of the directories up to home are safe
 * (StrictModes).
 */
int account_read_file(struct account *a, const char *path, bool strict,
    size_t max, struct buf *out, struct error *e) MUST_CHECK;

/* The paths a pattern (with * and ?; a backslash takes the meaning of what
 * follows) stands for, read with the account's rights. */
int account_glob(struct account *a, const char *pattern,
    struct strings *ret_paths) MUST_CHECK;

#endif
