/*
 * client_copy.c - copies: their nodes, what is begun when, what is told when.
 */
#include "sftp/client_copy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sftp/client_copy_impl.h"

/* Listings under way at a time. */
#define LISTINGS_MAX 64
/* A begun file counts this many bytes at least: what opening it takes. */
#define FILE_COST 4096
/* Output that waits for the way is enough to keep it busy. */
#define PENDING_ENOUGH ((size_t)256 * 1024)

/* ---- nodes ---- */

static void
node_free(struct node *n)
{
	if (n == NULL)
		return;
	list_remove(&n->sibling);
	list_remove(&n->queue);
	while (!list_is_empty(&n->children))
		node_free(list_entry(n->children.next, struct node, sibling));
	if (n->list != NULL)
		client_list_stop(n->list);
	copy_move_release(n->transfer);
	strings_release(&n->failures);
	strings_release(&n->notices);
	strings_release(&n->names);
	n->copy->nodes--;
	free(n->source);
	free(n->target);
	free(n);
}

struct node *
copy_node_new(struct copy *c, struct node *parent, const char *source,
    const char *target, const struct sftp_attrs *a)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	list_init(&n->sibling);
	list_init(&n->queue);
	list_init(&n->children);
	n->copy = c;
	n->parent = parent;
	n->depth = parent != NULL ? parent->depth + 1 : 0;
	c->nodes++;
	n->source = strdup(source);
	n->target = strdup(target);
	if (n->source == NULL || n->target == NULL) {
		node_free(n);
		return NULL;
	}
	if (a != NULL)
		n->a = *a;
	if (parent != NULL)
		parent->children_left++;
	list_add_last(
	    parent != NULL ? &parent->children : &c->roots, &n->sibling);
	return n;
}

void
copy_queue_file(struct node *n)
{
	struct copy *c = n->copy;

	c->progress.files_known++;
	if (n->a.flags & SSH_FILEXFER_ATTR_SIZE)
		c->progress.bytes_known += n->a.size;
	list_add_last(&c->files_waiting, &n->queue);
}

void
copy_queue_folder(struct node *n)
{
	n->copy->folders_open++;
	list_add_last(&n->copy->folders_waiting, &n->queue);
}

void
copy_node_done(struct node *n)
{
	struct copy *c = n->copy;

	if (n->state == NODE_DONE)
		return;
	n->state = NODE_DONE;
	list_remove(&n->queue);
	if (n->is_directory)
		c->folders_open--;
	else if (n->is_known)
		c->progress.files_done++;
	if (n->parent != NULL) {
		n->parent->children_left--;
		copy_folder_check(n->parent);
	}
}

/* ---- failures ---- */

static void
record(struct strings *to, const char *text)
{
	char *escaped = text_escaped(span_text(text));

	/* Without memory the node's failure still counts. */
	if (escaped != NULL)
		IGNORE_RESULT(strings_take(to, escaped));
}

void
copy_fail(struct node *n, const char *format, ...)
{
	char text[2048];
	va_list args;

	n->has_failed = true;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	record(&n->failures, text);
}

void
copy_notice(struct node *n, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	record(&n->notices, text);
}

void
copy_fail_errno(
    struct node *n, const char *what, const char *path, int errno_value)
{
	copy_fail(n, "%s \"%s\": %s", what, path, strerror(errno_value));
}

void
copy_fail_status(struct node *n, const char *what, const char *path,
    const struct client_reply *r)
{
	char *words;

	/* Said once, by whoever waits for the connection. */
	if (r->status == SSH_FX_CONNECTION_LOST) {
		n->has_failed = true;
		n->copy->is_stopped = true;
		return;
	}
	words = client_status_text(r);
	copy_fail(n, "%s \"%s\": %s", what, path,
	    words != NULL ? words : client_status_words(r->status));
	free(words);
}

/* ---- telling, in the order of asking ---- */

static struct copy_file
describe(const struct node *n)
{
	return (struct copy_file){ n->source, n->target, n->parent == NULL,
		n->is_directory, n->is_skipped, n->has_failed, n->a.size };
}

static void
tell_start(struct node *n)
{
	const struct copy_events *e = &n->copy->config.events;
	struct copy_file f = describe(n);

	n->is_start_told = true;
	if (e->start != NULL && !n->copy->is_cancelled)
		e->start(&f, e->context);
}

static void
tell_end(struct node *n)
{
	struct copy *c = n->copy;
	const struct copy_events *e = &c->config.events;
	struct copy_file f = describe(n);

	if (n->has_failed)
		c->failures++;
	if (c->is_cancelled)
		return;
	for (size_t i = 0; e->failed != NULL && i < n->failures.count; i++)
		e->failed(n->failures.item[i], e->context);
	for (size_t i = 0; e->notice != NULL && i < n->notices.count; i++)
		e->notice(n->notices.item[i], e->context);
	if (e->end != NULL)
		e->end(&f, e->context);
}

/* A node whose kind is not known yet has nothing to tell. */
static bool
has_news(const struct node *n)
{
	return n->is_known || n->state == NODE_DONE;
}

static struct node *
told(struct node *n)
{
	struct node *parent = n->parent;

	tell_end(n);
	node_free(n);
	return parent;
}

static void
tell(struct copy *c)
{
	for (;;) {
		struct node *n = c->cursor;

		if (n == NULL) {
			if (list_is_empty(&c->roots))
				return;
			n = list_entry(c->roots.next, struct node, sibling);
		}
		if (!has_news(n))
			return;
		c->cursor = n;
		if (!n->is_start_told)
			tell_start(n);
		if (!list_is_empty(&n->children)) {
			c->cursor =
			    list_entry(n->children.next, struct node, sibling);
			continue;
		}
		if (n->state != NODE_DONE)
			return;
		c->cursor = told(n);
	}
}

/* ---- what is begun ---- */

static struct node *
take_waiting(struct list *queue)
{
	struct node *n = list_entry(queue->next, struct node, queue);

	list_remove(&n->queue);
	return n;
}

static bool
has_output_room(const struct client *client)
{
	return client == NULL ||
	       (!client_is_over(client) && client_can_request(client) &&
		   client_pending(client).len < PENDING_ENOUGH);
}

static bool
may_begin(struct copy *c)
{
	if (c->is_stopped || !has_output_room(c->source) ||
	    !has_output_room(c->target))
		return false;
	if (c->open >= c->open_max)
		return false;
	/* Opened early, a file would only lie there empty. */
	if (c->open > 0 &&
	    c->ahead + (uint64_t)c->open * FILE_COST > 2 * c->window) {
		c->is_limited = true;
		return false;
	}
	return true;
}

static bool
is_at_cursor(const struct copy *c, const struct node *n)
{
	return n == c->cursor && list_is_empty(&n->children);
}

/* Too many nodes: only the folder that is being told goes on, else nothing
 * would ever become less. */
static void
pace_listings(struct copy *c)
{
	bool was_full = c->is_full;

	c->is_full = c->nodes >= COPY_NODES_MAX;
	list_for_each_safe(link, &c->listing) {
		struct node *n = list_entry(link, struct node, queue);
		bool may = !c->is_full || is_at_cursor(c, n);

		if (n->list != NULL && (c->is_full || was_full))
			client_list_pause(n->list, !may);
		else if (n->names.count > 0 && may)
			copy_folder_more(n);
	}
}

static void
begin_folders(struct copy *c)
{
	unsigned listings = 0;

	list_for_each(link, &c->listing)
		listings++;
	list_for_each_safe(link, &c->folders_waiting) {
		struct node *n = list_entry(link, struct node, queue);

		if (c->is_stopped || listings >= LISTINGS_MAX ||
		    !has_output_room(c->source) || !has_output_room(c->target))
			return;
		if (c->nodes >= COPY_NODES_MAX && !is_at_cursor(c, n))
			continue;
		list_remove(&n->queue);
		list_add_last(&c->listing, &n->queue);
		listings++;
		copy_folder_start(n);
	}
}

/* Nothing of what waits will be begun any more. */
static void
drop_waiting(struct copy *c)
{
	while (!list_is_empty(&c->stats_waiting)) {
		struct node *n = take_waiting(&c->stats_waiting);

		n->has_failed = true;
		copy_node_done(n);
	}
	while (!list_is_empty(&c->files_waiting)) {
		struct node *n = take_waiting(&c->files_waiting);

		n->has_failed = true;
		copy_node_done(n);
	}
	while (!list_is_empty(&c->folders_waiting)) {
		struct node *n = take_waiting(&c->folders_waiting);

		n->has_failed = n->is_listed = true;
		copy_node_done(n);
	}
	list_for_each_safe(link, &c->listing) {
		struct node *n = list_entry(link, struct node, queue);

		copy_folder_cut(n);
	}
}

static bool
is_lost(const struct client *client)
{
	return client != NULL && client_is_over(client);
}

static void
stop_moving(struct copy *c)
{
	list_for_each_safe(link, &c->moving)
		copy_file_stop(list_entry(link, struct transfer, link));
}

static void
step_once(struct copy *c)
{
	tell(c);
	if (is_lost(c->source) || is_lost(c->target)) {
		c->is_stopped = true;
		stop_moving(c);
	}
	if (c->is_stopped)
		drop_waiting(c);
	while (!list_is_empty(&c->stats_waiting) && has_output_room(c->source))
		copy_stat(take_waiting(&c->stats_waiting));
	c->is_limited = false;
	copy_move(c);
	begin_folders(c);
	while (!list_is_empty(&c->files_waiting) && may_begin(c))
		copy_file_start(take_waiting(&c->files_waiting));
	pace_listings(c);
	copy_move(c);
	tell(c);
}

void
copy_step(struct copy *c)
{
	uint64_t before;

	if (c->is_stepping)
		return;
	c->is_stepping = true;
	/* Between local files and a full window much is done at once; each
	 * end may let the next begin. */
	do {
		before = c->nodes + c->progress.files_done;
		step_once(c);
	} while (c->nodes + c->progress.files_done != before &&
		 has_output_room(c->source) && has_output_room(c->target));
	c->is_stepping = false;
}

/* ---- the owner's calls ---- */

int
copy_add(struct copy *c, const char *source, const char *target,
    const struct sftp_attrs *attributes)
{
	struct node *n = copy_node_new(c, NULL, source, target, attributes);

	if (n == NULL)
		return ERR_MEMORY;
	copy_classify(n);
	return 0;
}

bool
copy_is_done(const struct copy *c)
{
	return list_is_empty(&c->roots);
}

void
copy_cancel(struct copy *c)
{
	c->is_cancelled = c->is_stopped = true;
	stop_moving(c);
	copy_step(c);
}

bool
copy_is_cancelled(const struct copy *c)
{
	return c->is_cancelled;
}

uint64_t
copy_failures(const struct copy *c)
{
	return c->failures;
}

void
copy_get_progress(const struct copy *c, struct copy_progress *ret)
{
	const struct node *n = c->cursor;

	*ret = c->progress;
	ret->name = "";
	ret->all_known = c->folders_open == 0;
	if (n == NULL || n->is_directory)
		return;
	ret->name = n->source;
	ret->name_size = n->a.size;
	if (n->state == NODE_DONE)
		ret->name_done = n->a.size;
	else if (n->transfer != NULL)
		ret->name_done = n->transfer->moved;
}

static unsigned
open_limit(const struct copy_config *config)
{
	unsigned most = COPY_OPEN_MAX;
	const struct client *ends[] = { config->source.client,
		config->target.client };

	for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
		if (ends[i] == NULL)
			continue;
		/* Some are left to listings and to others of the server's. */
		if (client_handles_max(ends[i]) / 2 < most)
			most = client_handles_max(ends[i]) / 2;
	}
	return most > 0 ? most : 1;
}

struct copy *
copy_new(const struct copy_config *config)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->config = *config;
	c->source = config->source.client;
	c->target = config->target.client;
	c->files = config->files;
	c->o = &c->config.options;
	c->open_max = open_limit(config);
	c->window = COPY_WINDOW_MIN;
	if (c->o->requests > 0)
		c->window = COPY_WINDOW_MAX;
	list_init(&c->roots);
	list_init(&c->stats_waiting);
	list_init(&c->files_waiting);
	list_init(&c->folders_waiting);
	list_init(&c->listing);
	list_init(&c->moving);
	return c;
}

void
copy_free(struct copy *c)
{
	if (c == NULL)
		return;
	while (!list_is_empty(&c->roots))
		node_free(list_entry(c->roots.next, struct node, sibling));
	free(c);
}
