/*
 * client_call.h - single requests for programs that wait for the answer:
 * stat, mkdir, listings and so on.
 *
 * Each runs turns of the link until the answer is there. Returns 0, or a
 * code: ERR_NOT_FOUND, ERR_PERMISSION, ERR_UNSUPPORTED, ERR_SYSTEM (any other
 * status), ERR_CLOSED (the connection is gone), ERR_CANCELLED (interrupted:
 * *interrupted was set). e then holds the words of the status alone ("No such
 * file or directory"), escaped: the caller says what was tried.
 */
#ifndef SFTP_CLIENT_CALL_H
#define SFTP_CLIENT_CALL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "sftp/client_link.h"

/* The entries that one listing may have. */
#define CALL_ENTRIES_MAX 4000000

struct call_entry {
	char *name;
	char *longname;
	struct sftp_attrs a;
};

struct call_entries {
	struct call_entry *item;
	size_t count;
	size_t cap;
};

struct caller {
	struct client_link *link;
	const volatile sig_atomic_t *interrupted; /* may be NULL */
};

int call_stat(struct caller *c, const char *path, bool follow,
    struct sftp_attrs *ret, struct error *e) MUST_CHECK;

/* Stat of many paths at once, in one round trip; ret_codes[i] as call_stat. */
int call_stat_all(struct caller *c, const char *const *paths, size_t count,
    bool follow, struct sftp_attrs *ret, int *ret_codes,
    struct error *e) MUST_CHECK;

/* kind: SFTP_REALPATH, READLINK, EXPAND_PATH ("~user/x"), HOME_DIRECTORY.
 * Fresh text. */
int call_name(struct caller *c, enum sftp_kind kind, const char *path,
    char **ret, struct error *e) MUST_CHECK;

/* kind: SFTP_REMOVE, RMDIR; MKDIR, SETSTAT, LSETSTAT with attributes. An
 * extension that the server has not: ERR_UNSUPPORTED. */
int call_path(struct caller *c, enum sftp_kind kind, const char *path,
    const struct sftp_attrs *a, struct error *e) MUST_CHECK;

/* kind: SFTP_RENAME, POSIX_RENAME, HARDLINK; SYMLINK (from: what the link
 * says, to: the link). */
int call_two_paths(struct caller *c, enum sftp_kind kind, const char *from,
    const char *to, struct error *e) MUST_CHECK;

/* A copy made by the server: copy-data. */
int call_copy(struct caller *c, const char *from, const char *to,
    struct error *e) MUST_CHECK;

int call_statvfs(struct caller *c, const char *path, struct sftp_statvfs *ret,
    struct error *e) MUST_CHECK;

/* A folder's entries in the server's order, "." and ".." included. Names
 * with "/" or NUL are refused: ERR_FORMAT. */
int call_list(struct caller *c, const char *path, struct call_entries *ret,
    struct error *e) MUST_CHECK;
void call_entries_release(struct call_entries *list);

/* Takes the texts in; ERR_LIMIT, ERR_MEMORY: then they are the caller's. */
int call_entries_add(
    struct call_entries *list, const struct call_entry *entry) MUST_CHECK;

/* Several folders at once; ret_codes[i] as of call_list (e: of the last that
 * failed). ERR_CANCELLED. */
int call_list_all(struct caller *c, const char *const *paths, size_t count,
    struct call_entries *ret, int *ret_codes, struct error *e) MUST_CHECK;

/*
 * The server's files that a pattern (`*`, `?`, `[...]`, backslash) matches,
 * by name; full paths. Folders of one level are listed all at once. A pattern
 * without any of these is one path, if it exists. Names that begin with a dot
 * are matched by a dot only. 0 also where nothing matches (count is 0).
 */
int call_glob(struct caller *c, const char *pattern, struct call_entries *ret,
    struct error *e) MUST_CHECK;
bool call_glob_has_wildcard(const char *pattern);

#endif
