/*
 * client_copy_tree.c - what a node is, and folders: made, listed, finished.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "sftp/client_copy_impl.h"

/* Entries of a local folder that become nodes at once. */
#define NAMES_AT_ONCE 1024

/* What a folder needs while its files come. */
#define LENT 0300u

/* ---- attributes ---- */

struct sftp_attrs
copy_attrs_of_stat(const struct stat *st)
{
	return (struct sftp_attrs){
		.flags = SSH_FILEXFER_ATTR_SIZE |
			 SSH_FILEXFER_ATTR_PERMISSIONS |
			 SSH_FILEXFER_ATTR_ACMODTIME,
		.size = (uint64_t)st->st_size,
		.permissions = st->st_mode,
		.atime = (uint32_t)st->st_atime,
		.mtime = (uint32_t)st->st_mtime,
	};
}

/* The permission bits of the source that the target gets. */
mode_t
copy_mode(const struct node *n, mode_t otherwise)
{
	mode_t mask = n->copy->o->preserve ? 07777 : 0777;

	return n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS
		   ? n->a.permissions & mask
		   : otherwise;
}

/* ---- what a node is ---- */

static void
give_up(struct node *n)
{
	n->is_known = true;
	copy_node_done(n);
}

/* What is neither a regular file nor a folder to go into. */
static void
fail_kind(struct node *n)
{
	if (n->copy->source != NULL)
		copy_fail(n, "download %s: not a regular file", n->source);
	else
		copy_fail(n, "local \"%s\" is not a regular file", n->source);
	give_up(n);
}

static void
decide_folder(struct node *n)
{
	n->is_directory = true;
	if (!n->copy->o->recursive) {
		n->is_directory = false;
		fail_kind(n);
	} else if (n->depth >= COPY_DEPTH_MAX) {
		n->is_directory = false;
		copy_fail(n,
		    "Maximum directory depth exceeded: %u levels, at \"%s\"",
		    COPY_DEPTH_MAX, n->source);
		give_up(n);
	} else {
		copy_queue_folder(n);
	}
}

static void
decide(struct node *n)
{
	mode_t type = n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS
			  ? n->a.permissions & S_IFMT
			  : 0;

	n->state = NODE_WAITING;
	n->is_known = true;
	/* Servers that say no type mean a regular file. */
	if (type == S_IFDIR) {
		decide_folder(n);
	} else if (type == S_IFREG || type == 0) {
		copy_queue_file(n);
	} else if (n->parent != NULL) {
		copy_notice(n, "\"%s\": not a regular file", n->source);
		n->is_skipped = true;
		give_up(n);
	} else {
		fail_kind(n);
	}
}

static void
on_stat(const struct client_reply *r, void *context)
{
	struct node *n = context;

	if (r->status != SSH_FX_OK) {
		copy_fail_status(n, "stat remote", n->source, r);
		give_up(n);
	} else if (sftp_attrs_answer_read(r->body, &n->a) != 0) {
		copy_fail(n, "stat remote \"%s\": malformed answer", n->source);
		give_up(n);
	} else {
		decide(n);
	}
}

static bool
is_link(const struct node *n)
{
	return (n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	       S_ISLNK(n->a.permissions);
}

static void
classify_remote(struct node *n)
{
	bool follows = n->parent == NULL || n->copy->o->follow_links;

	if ((n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	    (n->a.flags & SSH_FILEXFER_ATTR_SIZE) != 0 &&
	    !(is_link(n) && follows)) {
		decide(n);
		return;
	}
	n->state = NODE_STARTING;
	list_add_last(&n->copy->stats_waiting, &n->queue);
}

static void
classify_local(struct node *n)
{
	const struct client_files *f = n->copy->files;
	bool follows = n->parent == NULL || n->copy->o->follow_links;
	struct stat st;
	int r = f->stat(f->context, n->source, follows, &st);

	if (r != 0) {
		copy_fail(n, "stat %s: %s", n->source, strerror(r));
		give_up(n);
		return;
	}
	n->a = copy_attrs_of_stat(&st);
	decide(n);
}

void
copy_stat(struct node *n)
{
	struct sftp_request q = { .kind = SFTP_STAT,
		.path = span_text(n->source) };

	client_request(n->copy->source, &q, on_stat, n);
}

void
copy_classify(struct node *n)
{
	if (n->copy->source != NULL)
		classify_remote(n);
	else
		classify_local(n);
}

/* ---- the end of a folder ---- */

static void
on_folder_attributes(const struct client_reply *r, void *context)
{
	struct node *n = context;

	if (r->status != SSH_FX_OK)
		copy_fail_status(n, "remote setstat", n->target, r);
	copy_node_done(n);
}

static void
finish_remote(struct node *n)
{
	struct sftp_request q = { .kind = SFTP_SETSTAT,
		.path = span_text(n->target) };

	q.attrs.flags = SSH_FILEXFER_ATTR_PERMISSIONS;
	q.attrs.permissions = copy_mode(n, 0755);
	if (n->copy->o->preserve) {
		q.attrs.flags |= n->a.flags & SSH_FILEXFER_ATTR_ACMODTIME;
		q.attrs.atime = n->a.atime;
		q.attrs.mtime = n->a.mtime;
	}
	client_request(n->copy->target, &q, on_folder_attributes, n);
}

/* Without -p only what first_mode() has lent is taken back: what the umask
 * kept from others stays kept from them, whatever the server says. */
static mode_t
last_mode(const struct node *n)
{
	const struct client_files *f = n->copy->files;
	mode_t mode = copy_mode(n, 0755);
	struct stat st;

	if (n->copy->o->preserve)
		return mode;
	if (f->stat(f->context, n->target, true, &st) != 0)
		return mode & 0700;
	return st.st_mode & 07777 & (mode | ~(mode_t)LENT);
}

static void
finish_local(struct node *n)
{
	const struct client_files *f = n->copy->files;
	int r;

	r = f->set_mode(f->context, -1, n->target, last_mode(n));
	if (r != 0)
		copy_fail_errno(n, "local chmod", n->target, r);
	if (n->copy->o->preserve &&
	    (n->a.flags & SSH_FILEXFER_ATTR_ACMODTIME) != 0) {
		r = f->set_times(f->context, -1, n->target, (time_t)n->a.atime,
		    (time_t)n->a.mtime);
		if (r != 0)
			copy_fail_errno(n, "local set times on", n->target, r);
	}
	copy_node_done(n);
}

void
copy_folder_check(struct node *n)
{
	bool has_mode = (n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0;

	if (!n->is_listed || n->children_left > 0 || n->state != NODE_LISTING)
		return;
	n->state = NODE_FINISHING;
	list_remove(&n->queue);
	if (n->copy->is_stopped || !has_mode ||
	    (!n->copy->o->preserve && !n->mode_differs))
		copy_node_done(n);
	else if (n->copy->target != NULL)
		finish_remote(n);
	else
		finish_local(n);
}

/* ---- listings ---- */

static void
add_child(struct node *n, const char *name, const struct sftp_attrs *a)
{
	char *source = path_join(n->source, name);
	char *target = path_join(n->target, name);
	struct node *child = NULL;

	if (source != NULL && target != NULL)
		child = copy_node_new(n->copy, n, source, target, a);
	free(source);
	free(target);
	if (child == NULL)
		copy_fail(n, "\"%s\": out of memory", n->source);
	else
		copy_classify(child);
}

static void
on_entry(const struct sftp_name *entry, void *context)
{
	struct node *n = context;
	char *name = span_dup_text(entry->name);

	if (name == NULL) {
		copy_fail(n, "\"%s\": out of memory", n->source);
		return;
	}
	add_child(n, name, &entry->attrs);
	free(name);
}

static void
on_list_end(int code, const struct error *e, void *context)
{
	struct node *n = context;

	n->list = NULL;
	n->is_listed = true;
	if (code == ERR_CLOSED) {
		n->has_failed = n->copy->is_stopped = true;
	} else if (code != 0) {
		copy_fail(n, "remote readdir \"%s\": %s", n->source,
		    error_message(e, code));
	}
	copy_folder_check(n);
}

void
copy_folder_more(struct node *n)
{
	size_t end = n->names.count - n->names_taken > NAMES_AT_ONCE
			 ? n->names_taken + NAMES_AT_ONCE
			 : n->names.count;

	for (; n->names_taken < end; n->names_taken++)
		add_child(n, n->names.item[n->names_taken], NULL);
	if (n->names_taken == n->names.count) {
		strings_release(&n->names);
		n->names_taken = 0;
		n->is_listed = true;
		copy_folder_check(n);
	}
}

void
copy_folder_cut(struct node *n)
{
	if (n->list == NULL && n->names.count == 0)
		return;
	if (n->list != NULL)
		client_list_stop(n->list);
	n->list = NULL;
	strings_release(&n->names);
	n->names_taken = 0;
	n->is_listed = n->has_failed = true;
	copy_folder_check(n);
}

static void
list_local(struct node *n)
{
	const struct client_files *f = n->copy->files;
	int r = f->list(f->context, n->source, &n->names);

	if (r != 0) {
		copy_fail_errno(n, "local opendir", n->source, r);
		strings_release(&n->names);
	}
	copy_folder_more(n);
}

static void
list_folder(struct node *n)
{
	struct client_list_owner owner = { on_entry, on_list_end, false, n };

	n->state = NODE_LISTING;
	if (n->copy->source == NULL) {
		list_local(n);
		return;
	}
	n->list = client_list_start(n->copy->source, n->source, &owner);
	if (n->list == NULL) {
		n->has_failed = n->is_listed = true;
		copy_folder_check(n);
	}
}

/* ---- the target ---- */

static void
fail_folder(struct node *n)
{
	n->is_listed = true;
	copy_node_done(n);
}

/* MKDIR says only that it failed: that is well if the folder is there. */
static void
on_target_stat(const struct client_reply *r, void *context)
{
	struct node *n = context;
	struct sftp_attrs a;

	if (r->status == SSH_FX_OK &&
	    sftp_attrs_answer_read(r->body, &a) == 0 &&
	    S_ISDIR(a.permissions)) {
		n->mode_differs = false;
		list_folder(n);
		return;
	}
	if (r->status == SSH_FX_OK)
		copy_fail(n,
		    "remote mkdir \"%s\": it exists and is no "
		    "directory",
		    n->target);
	else
		copy_fail(n, "remote mkdir \"%s\": Failure", n->target);
	fail_folder(n);
}

static void
on_mkdir(const struct client_reply *r, void *context)
{
	struct node *n = context;
	struct sftp_request q = { .kind = SFTP_STAT,
		.path = span_text(n->target) };

	switch (r->status) {
	case SSH_FX_OK:
		list_folder(n);
		break;
	case SSH_FX_NO_SUCH_FILE:
	case SSH_FX_PERMISSION_DENIED:
	case SSH_FX_CONNECTION_LOST:
		copy_fail_status(n, "remote mkdir", n->target, r);
		fail_folder(n);
		break;
	default:
		client_request(n->copy->target, &q, on_target_stat, n);
		break;
	}
}

/* We must be able to write to it while its files come. */
static mode_t
first_mode(struct node *n)
{
	mode_t mode = copy_mode(n, 0777);

	n->mode_differs = (mode & LENT) != LENT;
	return mode | LENT;
}

static void
make_remote(struct node *n)
{
	struct sftp_request q = { .kind = SFTP_MKDIR,
		.path = span_text(n->target) };

	q.attrs.flags = SSH_FILEXFER_ATTR_PERMISSIONS;
	q.attrs.permissions = first_mode(n);
	client_request(n->copy->target, &q, on_mkdir, n);
}

static void
make_local(struct node *n)
{
	const struct client_files *f = n->copy->files;
	int r = f->make_directory(f->context, n->target, first_mode(n));
	struct stat st;

	if (r == EEXIST && f->stat(f->context, n->target, true, &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		n->mode_differs = false;
		r = 0;
	}
	if (r == 0) {
		list_folder(n);
		return;
	}
	copy_fail_errno(n, "mkdir", n->target, r);
	fail_folder(n);
}

void
copy_folder_start(struct node *n)
{
	n->state = NODE_STARTING;
	if (n->copy->target != NULL)
		make_remote(n);
	else
		make_local(n);
}
