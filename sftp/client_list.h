/*
 * client_list.h - a folder's listing: OPENDIR, READDIR several at a time,
 * CLOSE, as calls of the entries' functions.
 *
 * Hostile input: names. Each is given to the owner only if it can be the name
 * of a file in the folder; "." and ".." are given where they are asked for. A
 * name that is empty or has "/" or NUL, an answer without any names, and more
 * than CLIENT_LIST_MAX names end the listing with an error.
 */
#ifndef SFTP_CLIENT_LIST_H
#define SFTP_CLIENT_LIST_H

#include <stdbool.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "sftp/client.h"

#define CLIENT_LIST_MAX 10000000

struct client_list;

struct client_list_owner {
	/* Borrowed until it returns. */
	void (*on_entry)(const struct sftp_name *entry, void *context);
	/* The last call. code 0: that was all; else what failed: ERR_NOT_FOUND,
	 * ERR_PERMISSION, ERR_SYSTEM, ERR_FORMAT (a bad name), ERR_CLOSED, with
	 * words in e. */
	void (*on_end)(int code, const struct error *e, void *context);
	bool with_dots;
	void *context;
};

/* NULL without memory. Freed by itself after on_end or client_list_stop. */
struct client_list *client_list_start(struct client *c, const char *path,
    const struct client_list_owner *owner) MUST_CHECK;

/* No more is asked for until resumed; what is under way still comes. */
void client_list_pause(struct client_list *l, bool paused);

/* The owner wants no more calls. */
void client_list_stop(struct client_list *l);

/* A code and words of a status, as above. */
int client_status_error(const struct client_reply *r, struct error *e);

#endif
