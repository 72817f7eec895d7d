/*
 * trusted_hosts.h - hosts.equiv, shosts.equiv, .rhosts, .shosts: from which
 * hosts which users may come. hosts.equiv(5).
 *
 * Pure: the text, and who asks, are passed in. The text may be a user's, so a
 * line that makes no sense only disables itself. "+" for everybody is ignored
 * wherever it stands alone: nobody means it any more.
 */
#ifndef SSHD_TRUSTED_HOSTS_H
#define SSHD_TRUSTED_HOSTS_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define TRUSTED_HOSTS_FILE_MAX ((size_t)1024 * 1024)

struct trusted_client {
	const char *host;    /* name, in any case */
	const char *address; /* may be the same text */
	const char *user;    /* there */
	const char *login;   /* here */
	/* Is host (or user; the other is NULL) in the netgroup? */
	bool (*in_netgroup)(
	    const char *group, const char *host, const char *user);
};

enum trusted_verdict {
	TRUSTED_HOSTS_SILENT, /* no line is about the client */
	TRUSTED_HOSTS_YES,
	TRUSTED_HOSTS_NO /* a line with - is */
};

/* The first line that is about the client decides. A line without a user
 * means one of the same name. */
enum trusted_verdict trusted_hosts_check(
    struct span text, const struct trusted_client *c);

/* innetgr(3) */
bool trusted_hosts_in_netgroup(
    const char *group, const char *host, const char *user);

#endif
