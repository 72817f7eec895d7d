/*
 * client_copy_file.c - one file of a copy: both ends opened, and its end:
 * attributes, sync, closing, the final name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/file.h"
#include "sftp/client_copy_impl.h"

/* With so few files open a server's failure is not for want of handles. */
#define OPEN_FEW 8

void
copy_handle_take(struct handle *h, struct span bytes)
{
	h->is_open = true;
	h->len = (uint16_t)bytes.len;
	memcpy(h->bytes, bytes.ptr, bytes.len);
}

struct span
copy_handle(const struct handle *h)
{
	return span_of(h->bytes, h->len);
}

/* ---- closing ---- */

static void
close_source(struct transfer *t)
{
	struct copy *c = t->node->copy;
	struct sftp_request q = { .kind = SFTP_CLOSE,
		.handle = copy_handle(&t->source) };

	if (t->source.is_open)
		client_request(c->source, &q, NULL, NULL);
	t->source.is_open = false;
	if (t->source_fd >= 0)
		/* Nothing is lost when closing what was read fails. */
		IGNORE_RESULT(c->files->close(c->files->context, t->source_fd));
	t->source_fd = -1;
}

static void
end_transfer(struct transfer *t)
{
	struct node *n = t->node;
	struct copy *c = n->copy;

	close_source(t);
	n->transfer = NULL;
	copy_move_release(t);
	c->open--;
	copy_node_done(n);
}

/* ---- the end of a server's file ---- */

static void
on_final(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct node *n = t->node;

	t->requests--;
	if (r->status != SSH_FX_OK && !n->has_failed)
		copy_fail_status(n, "remote close", n->target, r);
	copy_file_advance(t);
}

static void
on_attributes_set(const struct client_reply *r, void *context)
{
	struct transfer *t = context;

	t->requests--;
	if (r->status != SSH_FX_OK)
		copy_fail_status(t->node, "remote setstat", t->node->target, r);
	copy_file_advance(t);
}

static void
on_synced(const struct client_reply *r, void *context)
{
	struct transfer *t = context;

	t->requests--;
	if (r->status != SSH_FX_OK)
		copy_fail_status(t->node, "remote fsync", t->node->target, r);
	copy_file_advance(t);
}

static void
request(
    struct transfer *t, const struct sftp_request *q, client_reply_function *fn)
{
	t->requests++;
	client_request(t->node->copy->target, q, fn, t);
}

/* Behind the last WRITE, without waiting for its answer: requests on one
 * handle are done in order (draft-ietf-secsh-filexfer-02 s6). */
static void
finish_remote(struct transfer *t)
{
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	struct sftp_request q = { .kind = SFTP_FSETSTAT,
		.handle = copy_handle(&t->target) };

	copy_lanes_close(t);
	if (t->target_size > t->size && !n->has_failed) {
		q.attrs.flags = SSH_FILEXFER_ATTR_SIZE;
		q.attrs.size = t->size;
		request(t, &q, on_attributes_set);
	}
	if (o->preserve && !n->has_failed) {
		q.attrs = n->a;
		q.attrs.flags &=
		    SSH_FILEXFER_ATTR_PERMISSIONS | SSH_FILEXFER_ATTR_ACMODTIME;
		q.attrs.permissions = copy_mode(n, 0);
		request(t, &q, on_attributes_set);
	}
	q.kind = SFTP_FSYNC;
	if ((o->sync || o->atomic) && !n->has_failed &&
	    client_has(n->copy->target, SFTP_FSYNC))
		request(t, &q, on_synced);
	q.kind = SFTP_CLOSE;
	t->target.is_open = false;
	request(t, &q, on_final);
}

static void
on_cleaned(const struct client_reply *r, void *context)
{
	struct transfer *t = context;

	t->requests--;
	end_transfer(t);
}

static void
on_renamed(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct node *n = t->node;
	struct sftp_request q = { .kind = SFTP_REMOVE,
		.path = span_text(t->written) };

	t->requests--;
	if (r->status == SSH_FX_OK) {
		end_transfer(t);
		return;
	}
	if (client_has(n->copy->target, SFTP_POSIX_RENAME))
		copy_fail_status(n, "remote rename to", n->target, r);
	else
		copy_fail(n,
		    "remote rename to \"%s\": the server cannot "
		    "replace a file in one step (it has no "
		    "posix-rename@openssh.com)",
		    n->target);
	request(t, &q, on_cleaned);
}

/* All answers are here. */
static void
conclude_remote(struct transfer *t)
{
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	struct sftp_request q = { .kind = SFTP_SETSTAT,
		.path = span_text(t->written) };

	if (client_is_over(n->copy->target)) {
		end_transfer(t);
	} else if (n->has_failed && o->atomic && !o->rehash) {
		q.kind = SFTP_REMOVE;
		request(t, &q, on_cleaned);
	} else if (n->has_failed && t->cut < t->high) {
		/* What lies behind the first byte that is missing would look
		 * like a file to be resumed at its end. */
		q.attrs.flags = SSH_FILEXFER_ATTR_SIZE;
		q.attrs.size = t->cut;
		request(t, &q, on_cleaned);
	} else if (!n->has_failed && o->atomic) {
		q.kind = client_has(n->copy->target, SFTP_POSIX_RENAME)
			     ? SFTP_POSIX_RENAME
			     : SFTP_RENAME;
		q.path2 = span_text(n->target);
		request(t, &q, on_renamed);
	} else {
		end_transfer(t);
	}
}

/* ---- the end of a local file ---- */

static int
set_local(struct transfer *t, const char **ret_what)
{
	struct node *n = t->node;
	const struct client_files *f = n->copy->files;
	const struct copy_options *o = n->copy->o;
	int r = 0;

	*ret_what = "local truncate";
	if (n->has_failed && t->cut < t->high)
		r = f->truncate(f->context, t->target_fd, t->cut);
	else if (!n->has_failed && t->target_size > t->size)
		r = f->truncate(f->context, t->target_fd, t->size);
	if (r != 0 || n->has_failed)
		return r;
	*ret_what = "local chmod";
	if (o->preserve && (n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0)
		r = f->set_mode(
		    f->context, t->target_fd, t->written, copy_mode(n, 0));
	if (r != 0)
		return r;
	*ret_what = "local set times on";
	if (o->preserve && (n->a.flags & SSH_FILEXFER_ATTR_ACMODTIME) != 0)
		r = f->set_times(f->context, t->target_fd, t->written,
		    (time_t)n->a.atime, (time_t)n->a.mtime);
	if (r != 0)
		return r;
	*ret_what = "local fsync";
	return o->sync || o->atomic ? f->sync(f->context, t->target_fd) : 0;
}

static void
finish_local(struct transfer *t)
{
	struct node *n = t->node;
	const struct client_files *f = n->copy->files;
	const struct copy_options *o = n->copy->o;
	const char *what;
	int r;

	if ((r = set_local(t, &what)) != 0)
		copy_fail_errno(n, what, t->written, r);
	if ((r = f->close(f->context, t->target_fd)) != 0)
		copy_fail_errno(n, "local close", t->written, r);
	t->target_fd = -1;
	if (o->atomic && !n->has_failed) {
		r = f->rename(f->context, t->written, n->target);
		if (r != 0)
			copy_fail_errno(n, "local rename to", n->target, r);
	}
	if (o->atomic && n->has_failed && !o->rehash)
		/* What is left is only clutter. */
		IGNORE_RESULT(f->remove(f->context, t->written));
	end_transfer(t);
}

/* ---- from state to state ---- */

/* A pseudo file (/proc, /sys) has a size that says nothing; a file that was
 * cut meanwhile has another one now. */
static void
judge_size(struct transfer *t, const struct sftp_attrs *now)
{
	struct node *n = t->node;

	t->shrank = false;
	if ((now->flags & SSH_FILEXFER_ATTR_SIZE) != 0 &&
	    now->size == n->a.size)
		return;
	copy_fail(n,
	    "\"%s\" became shorter while it was read: %llu of %llu bytes",
	    n->source, (unsigned long long)t->size,
	    (unsigned long long)n->a.size);
}

static void
on_size(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct sftp_attrs a = { 0 };

	t->requests--;
	if (r->status == SSH_FX_OK)
		IGNORE_RESULT(
		    sftp_attrs_answer_read(r->body, &a)); /* then flags 0 */
	judge_size(t, &a);
	copy_file_advance(t);
}

static void
check_size(struct transfer *t)
{
	struct copy *c = t->node->copy;
	struct sftp_request q = { .kind = SFTP_FSTAT,
		.handle = copy_handle(&t->source) };
	struct sftp_attrs a = { 0 };
	struct stat st;

	if (c->source != NULL) {
		t->requests++;
		client_request(c->source, &q, on_size, t);
		return;
	}
	if (c->files->stat(c->files->context, t->node->source, true, &st) == 0)
		a = copy_attrs_of_stat(&st);
	judge_size(t, &a);
	copy_file_advance(t);
}

static void
begin_finish(struct transfer *t)
{
	t->node->state = NODE_FINISHING;
	if (t->node->copy->target != NULL) {
		close_source(t);
		if (t->target.is_open)
			finish_remote(t);
		else
			end_transfer(t);
	} else if (t->target_fd >= 0) {
		finish_local(t);
	} else {
		end_transfer(t);
	}
}

static void
after_moving(struct transfer *t)
{
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	/* Where nothing more is to be looked at, the end goes out behind the
	 * data. */
	bool waits = n->copy->source != NULL || o->verify || t->shrank ||
		     n->has_failed || t->is_ending || t->lanes != NULL ||
		     t->is_shared;

	if (copy_has_more(t) || (waits && t->blocks > 0))
		return;
	if (t->shrank && !n->has_failed) {
		check_size(t);
	} else if (o->verify && !n->has_failed && !t->is_ending) {
		n->state = NODE_PROVING;
		copy_prove(t, t->size);
	} else {
		begin_finish(t);
	}
}

void
copy_file_advance(struct transfer *t)
{
	struct node *n = t->node;

	if (t->requests > 0)
		return;
	switch (n->state) {
	case NODE_COMPARING:
		copy_begin_moving(t);
		break;
	case NODE_MOVING:
		after_moving(t);
		break;
	case NODE_PROVING:
		begin_finish(t);
		break;
	case NODE_FINISHING:
		if (t->blocks == 0 && n->copy->target != NULL)
			conclude_remote(t);
		break;
	default:
		break;
	}
}

void
copy_file_stop(struct transfer *t)
{
	t->is_ending = true;
	t->node->has_failed = true;
	if (t->node->state == NODE_MOVING)
		copy_file_advance(t);
}

/* ---- opening ---- */

static void
fail_start(struct transfer *t)
{
	t->node->has_failed = true;
	begin_finish(t);
}

/* A server's large file may have been written over several channels, and have
 * gaps before its end: never farther from it than that. */
static uint64_t
resume_at(const struct transfer *t)
{
	if (t->node->copy->target == NULL ||
	    t->target_size < COPY_LANE_FILE_MIN)
		return t->target_size;
	return t->target_size > COPY_SPREAD_MAX
		   ? t->target_size - COPY_SPREAD_MAX
		   : 0;
}

/* Both ends are open, the size of what the target has is known. */
static void
on_open(struct transfer *t)
{
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	uint64_t common = t->target_size < t->size ? t->target_size : t->size;

	if (n->copy->is_cancelled) {
		fail_start(t);
		return;
	}
	if (o->rehash && common > 0 && copy_can_prove(n->copy) && !t->to_eof) {
		t->next = t->moved = common;
		n->copy->progress.bytes_done += common;
		n->state = NODE_COMPARING;
		copy_prove(t, common);
		return;
	}
	if (o->resume && !o->rehash) {
		t->next = t->moved = t->high = resume_at(t);
		n->copy->progress.bytes_done += t->next;
	}
	copy_begin_moving(t);
}

static void
on_target_size(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	struct sftp_attrs a = { 0 };

	t->requests--;
	if (r->status != SSH_FX_OK ||
	    sftp_attrs_answer_read(r->body, &a) != 0) {
		copy_fail_status(n, "remote fstat", n->target, r);
		fail_start(t);
		return;
	}
	t->target_size = a.size;
	if (o->resume && !o->rehash && t->target_size > 0 &&
	    t->target_size >= t->size) {
		copy_fail(n,
		    "resume \"%s\": destination file same size or larger",
		    n->target);
		t->target_size = 0;
		fail_start(t);
		return;
	}
	on_open(t);
}

/* Too many files are open for this server, which told no limit: fewer at a
 * time, and this one again. */
static bool
retry_with_fewer(struct transfer *t, const struct client_reply *r,
    const struct client *client)
{
	struct node *n = t->node;
	struct copy *c = n->copy;

	if (r->status != SSH_FX_FAILURE || c->open <= OPEN_FEW ||
	    client_limits(client)->handles > 0)
		return false;
	c->open_max = c->open / 2;
	close_source(t);
	n->transfer = NULL;
	copy_move_release(t);
	c->open--;
	n->state = NODE_WAITING;
	list_add_first(&c->files_waiting, &n->queue);
	return true;
}

static void
on_target_open(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	struct sftp_request q = { .kind = SFTP_FSTAT };

	t->requests--;
	if (r->status != SSH_FX_OK) {
		if (retry_with_fewer(t, r, n->copy->target))
			return;
		copy_fail_status(n, "dest open", t->written, r);
		fail_start(t);
		return;
	}
	copy_handle_take(&t->target, r->body);
	if (!o->resume && !o->rehash) {
		on_open(t);
		return;
	}
	q.handle = copy_handle(&t->target);
	request(t, &q, on_target_size);
}

static void
open_remote_target(struct transfer *t)
{
	struct node *n = t->node;
	const struct copy_options *o = n->copy->o;
	struct sftp_request q = { .kind = SFTP_OPEN,
		.path = span_text(t->written),
		.pflags = SSH_FXF_WRITE | SSH_FXF_CREAT };

	if (o->in_place)
		t->target_size = UINT64_MAX; /* not known: cut for sure */
	else if (!o->resume && !o->rehash)
		q.pflags |= SSH_FXF_TRUNC;
	if (o->rehash || o->verify)
		q.pflags |= SSH_FXF_READ; /* its hashes are asked for */
	if (o->atomic && !o->rehash)
		q.pflags |= SSH_FXF_EXCL;
	if (n->a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) {
		q.attrs.flags = SSH_FILEXFER_ATTR_PERMISSIONS;
		q.attrs.permissions = copy_mode(n, 0644);
	}
	request(t, &q, on_target_open);
}

/* How much of the target is there already; false: it cannot be resumed. */
static bool
measure_local_target(struct transfer *t)
{
	struct node *n = t->node;
	const struct client_files *f = n->copy->files;
	const struct copy_options *o = n->copy->o;
	struct stat st;

	if ((!o->resume && !o->rehash && !o->in_place) ||
	    f->stat(f->context, t->written, true, &st) != 0)
		return true;
	if (o->resume && !o->rehash && !t->to_eof &&
	    (uint64_t)st.st_size > t->size) {
		copy_fail(n,
		    "Unable to resume download of \"%s\": local file "
		    "is larger than remote",
		    n->target);
		return false;
	}
	t->target_size = (uint64_t)st.st_size;
	return true;
}

static void
open_local_target(struct transfer *t)
{
	struct node *n = t->node;
	const struct client_files *f = n->copy->files;
	const struct copy_options *o = n->copy->o;
	int flags = o->rehash || o->verify ? O_RDWR : O_WRONLY;
	int r;

	if (!measure_local_target(t)) {
		fail_start(t);
		return;
	}
	if (!o->resume && !o->rehash && !o->in_place)
		flags |= O_TRUNC;
	if (o->atomic && !o->rehash)
		flags |= O_EXCL;
	r = f->open_write(f->context, t->written, flags,
	    copy_mode(n, 0666) | 0200, &t->target_fd);
	if (r != 0) {
		t->target_fd = -1;
		copy_fail_errno(n, "open local", t->written, r);
		fail_start(t);
		return;
	}
	on_open(t);
}

static void
open_target(struct transfer *t)
{
	if (t->node->copy->target != NULL)
		open_remote_target(t);
	else
		open_local_target(t);
}

static void
on_source_open(const struct client_reply *r, void *context)
{
	struct transfer *t = context;
	struct node *n = t->node;

	t->requests--;
	if (r->status != SSH_FX_OK) {
		if (retry_with_fewer(t, r, n->copy->source))
			return;
		copy_fail_status(n, "remote open", n->source, r);
		fail_start(t);
		return;
	}
	copy_handle_take(&t->source, r->body);
	if (n->copy->is_cancelled)
		fail_start(t);
	else
		open_target(t);
}

static void
open_source(struct transfer *t)
{
	struct node *n = t->node;
	struct copy *c = n->copy;
	struct sftp_request q = { .kind = SFTP_OPEN,
		.path = span_text(n->source),
		.pflags = SSH_FXF_READ };
	struct stat st = { 0 };
	int r;

	if (c->source != NULL) {
		t->requests++;
		client_request(c->source, &q, on_source_open, t);
		return;
	}
	r = c->files->open_read(
	    c->files->context, n->source, &t->source_fd, &st);
	if (r != 0) {
		t->source_fd = -1;
		copy_fail_errno(n, "local open", n->source, r);
		fail_start(t);
		return;
	}
	t->size = n->a.size = (uint64_t)st.st_size;
	open_target(t);
}

/* A name beside the target's that nobody else uses; one that is found again
 * where the copy is to be resumed. */
static char *
name_beside(const struct copy *c, const char *target)
{
	const char *last = path_last(target);
	uint32_t random = 0;

	if (c->o->rehash)
		return text_format("%.*s.%s.sheetbend-part",
		    (int)(last - target), target, last);
	/* Not a secret: it only keeps two copies apart; EXCL finds out. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)c->nodes;
	return text_format("%.*s.%s.%08x", (int)(last - target), target, last,
	    (unsigned)random);
}

void
copy_file_start(struct node *n)
{
	struct copy *c = n->copy;
	struct transfer *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->written = c->o->atomic ? name_beside(c, n->target)
					  : strdup(n->target);
	if (t == NULL || t->written == NULL) {
		free(t);
		copy_fail(n, "\"%s\": out of memory", n->source);
		copy_node_done(n);
		return;
	}
	t->node = n;
	n->transfer = t;
	n->state = NODE_STARTING;
	t->source_fd = t->target_fd = -1;
	t->cut = UINT64_MAX;
	t->size = n->a.size;
	t->to_eof = t->size == 0;
	list_init(&t->todo);
	list_init(&t->under_way);
	list_init(&t->link);
	t->ahead = t->size;
	c->ahead += t->ahead;
	c->open++;
	open_source(t);
}
