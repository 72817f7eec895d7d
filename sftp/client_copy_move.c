/*
 * client_copy_move.c - the data of all files that are open, through one
 * window.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sftp/client_copy_impl.h"

/* A reply this much later than the path's own delay has waited in a queue:
 * more in flight would only make the queue longer. */
#define QUEUE_SLACK_US 3000

/* READs in flight of a file whose size says nothing, at most. */
#define BLOCKS_TO_EOF_MAX 64

/* Smaller ones are done before they would be shared. */
#define SHARED_FILE_MIN ((uint64_t)256 * 1024)

/* Output that waits for the way: enough to keep it busy. */
#define PENDING_MAX ((size_t)768 * 1024)

/* ---- the window ---- */

static void
window_reply(struct copy *c, const struct client *client, uint64_t latency_us,
    uint32_t len)
{
	uint64_t fastest_us = client_round_trip_us(client);

	if (!c->is_limited || latency_us > 2 * fastest_us + QUEUE_SLACK_US)
		return;
	c->window += len;
	if (c->window > COPY_WINDOW_MAX)
		c->window = COPY_WINDOW_MAX;
}

static uint32_t
block_bytes(const struct copy *c)
{
	uint32_t most = UINT32_MAX;

	if (c->source != NULL)
		most = client_read_max(c->source);
	if (c->target != NULL && client_write_max(c->target) < most)
		most = client_write_max(c->target);
	return c->o->block > 0 && c->o->block < most ? c->o->block : most;
}

static bool
window_has_room(struct copy *c, uint32_t len)
{
	if (c->in_flight > 0 && c->in_flight + len > c->window) {
		c->is_limited = true;
		return false;
	}
	return c->o->requests == 0 || c->blocks < c->o->requests;
}

static bool
way_has_room(const struct client *client)
{
	return client == NULL ||
	       (!client_is_over(client) && client_can_request(client) &&
		   client_pending(client).len < PENDING_MAX);
}

/* ---- blocks ---- */

static struct block *
block_new(struct transfer *t, uint64_t offset, uint32_t len, int lane)
{
	struct copy *c = t->node->copy;
	struct block *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->t = t;
	b->offset = offset;
	b->len = len;
	b->lane = lane;
	list_add_last(&t->under_way, &b->link);
	if (lane >= 0)
		c->lane_in_flight[lane] += len;
	t->blocks++;
	c->blocks++;
	c->in_flight += len;
	return b;
}

static void
block_free(struct block *b)
{
	struct copy *c = b->t->node->copy;

	list_remove(&b->link);
	if (b->lane >= 0)
		c->lane_in_flight[b->lane] -= b->len;
	c->in_flight -= b->len;
	c->blocks--;
	b->t->blocks--;
	free(b);
}

static void
count_moved(struct transfer *t, uint64_t offset, uint32_t len)
{
	t->moved += len;
	t->node->copy->progress.bytes_done += len;
	if (offset + len > t->high)
		t->high = offset + len;
}

/* No more of this file; what is under way still comes. */
static void
stop_at(struct transfer *t, uint64_t offset)
{
	t->is_ending = true;
	if (offset < t->cut)
		t->cut = offset;
}

static void
fail_local_write(struct transfer *t, uint64_t offset, int errno_value)
{
	struct node *n = t->node;

	if (!n->has_failed)
		copy_fail_errno(n, "write local", t->written, errno_value);
	/* All the others would say the same. */
	if (errno_value == ENOSPC || errno_value == EDQUOT)
		n->copy->is_stopped = true;
	stop_at(t, offset);
}

/* ---- what is still to be moved ---- */

int
copy_add_range(struct transfer *t, uint64_t offset, uint64_t len)
{
	struct range *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return ERR_MEMORY;
	r->offset = offset;
	r->len = len;
	list_add_last(&t->todo, &r->link);
	return 0;
}

static void
drop_ranges(struct transfer *t)
{
	while (!list_is_empty(&t->todo)) {
		struct range *r = list_entry(t->todo.next, struct range, link);

		list_remove(&r->link);
		free(r);
	}
}

bool
copy_has_more(const struct transfer *t)
{
	if (t->is_ending)
		return false;
	return !list_is_empty(&t->todo) || t->next < t->size;
}

/* The source ends here. */
static void
note_end(struct transfer *t, uint64_t offset)
{
	if (offset < t->size) {
		t->size = offset;
		if (!t->to_eof)
			t->shrank = true;
	}
	list_for_each_safe(link, &t->todo) {
		struct range *r = list_entry(link, struct range, link);

		if (r->offset >= t->size) {
			list_remove(&r->link);
			free(r);
		}
	}
}

/* Takes the next bytes to move, at most `most`; false: there are none. */
static bool
take_range(
    struct transfer *t, uint32_t most, uint64_t *ret_offset, uint32_t *ret_len)
{
	uint64_t left;

	if (!list_is_empty(&t->todo)) {
		struct range *r = list_entry(t->todo.next, struct range, link);

		*ret_offset = r->offset;
		*ret_len = r->len < most ? (uint32_t)r->len : most;
		r->offset += *ret_len;
		r->len -= *ret_len;
		if (r->len == 0) {
			list_remove(&r->link);
			free(r);
		}
		return true;
	}
	if (t->next >= t->size)
		return false;
	left = t->size - t->next;
	*ret_offset = t->next;
	*ret_len = left < most ? (uint32_t)left : most;
	t->next += *ret_len;
	return true;
}

static void
move_ahead(struct transfer *t, uint32_t len)
{
	uint64_t n = len < t->ahead ? len : t->ahead;

	t->ahead -= n;
	t->node->copy->ahead -= n;
}

/* Bytes that did not get there are moved once more. */
static void
add_again(struct transfer *t, uint64_t offset, uint64_t len)
{
	if (copy_add_range(t, offset, len) != 0) {
		t->node->has_failed = true;
		stop_at(t, offset);
	}
	/* It may have left the list when all was asked for. */
	if (list_is_empty(&t->link))
		list_add_last(&t->node->copy->moving, &t->link);
}

/* ---- WRITE ---- */

/* A shared file gave less than the block: zeros fill the rest. */
static void
write_was_short(struct block *b, const struct client_reply *r)
{
	struct transfer *t = b->t;
	uint64_t end = b->offset + r->moved;

	/* To be cut for sure, whatever comes of the copy. */
	if (b->offset + b->len > t->high)
		t->high = b->offset + b->len;
	t->target_size = UINT64_MAX;
	if (end < t->cut)
		t->cut = end;
	if (r->file_errno == 0) {
		note_end(t, end);
		return;
	}
	if (!t->node->has_failed)
		copy_fail_errno(
		    t->node, "read local", t->node->source, r->file_errno);
	stop_at(t, end);
}

static void
on_written(const struct client_reply *r, void *context)
{
	struct block *b = context;
	struct transfer *t = b->t;
	struct copy *c = t->node->copy;

	if (r->status == SSH_FX_OK) {
		count_moved(
		    t, b->offset, r->is_direct ? r->moved : b->len);
		if (r->is_direct && r->moved < b->len)
			write_was_short(b, r);
		window_reply(
		    c, copy_lane_client(c, b->lane), r->latency_us, b->len);
		copy_lanes_note_latency(c, r->latency_us);
	} else if (b->lane >= 0 && r->status == SSH_FX_CONNECTION_LOST) {
		t->lanes[b->lane].handle.is_open = false;
		add_again(t, b->offset, b->len);
	} else {
		if (!t->node->has_failed)
			copy_fail_status(
			    t->node, "write remote", t->written, r);
		stop_at(t, b->offset);
	}
	block_free(b);
	if (t->blocks == 0 || t->node->has_failed)
		copy_file_advance(t);
}

static void
no_memory(struct transfer *t, uint64_t offset)
{
	t->node->has_failed = true;
	stop_at(t, offset);
}

/* A block of a shared file. */
static void
send_shared(struct transfer *t, uint64_t offset, uint32_t len)
{
	struct block *b = block_new(t, offset, len, -1);
	struct sftp_request q = { .kind = SFTP_WRITE,
		.handle = copy_handle(&t->target),
		.offset = offset,
		.count = len };

	if (b == NULL)
		no_memory(t, offset);
	else
		client_write_file(t->node->copy->target, &q, t->file, offset,
		    on_written, b);
}

/* A block of a local file, read straight into its packet. */
static void
send_block(struct transfer *t, uint64_t offset, uint32_t len, int lane)
{
	struct copy *c = t->node->copy;
	struct client *client = copy_lane_client(c, lane);
	struct block *b = block_new(t, offset, len, lane);
	uint8_t *to = b == NULL ? NULL
				: client_write_begin(client,
				      copy_handle(copy_lane_handle(t, lane)),
				      offset, len);
	size_t got = 0;
	int r = 0;

	if (to != NULL)
		r = c->files->read(
		    c->files->context, t->source_fd, offset, to, len, &got);
	if (to == NULL || r != 0) {
		if (b != NULL)
			block_free(b);
		if (r != 0)
			copy_fail_errno(
			    t->node, "read local", t->node->source, r);
		t->node->has_failed = true;
		stop_at(t, offset);
		return;
	}
	if (got < len)
		note_end(t, offset + got);
	if (got == 0) {
		block_free(b);
		return;
	}
	c->in_flight -= b->len - (uint32_t)got;
	if (lane >= 0)
		c->lane_in_flight[lane] -= b->len - (uint32_t)got;
	b->len = (uint32_t)got;
	client_write_end(client, b->len, on_written, b);
}

/* Bytes of one server for the other. */
static bool
pass_on(struct transfer *t, uint64_t offset, struct span data)
{
	struct copy *c = t->node->copy;
	struct block *b = block_new(t, offset, (uint32_t)data.len, -1);
	uint8_t *to =
	    b == NULL ? NULL
		      : client_write_begin(c->target, copy_handle(&t->target),
			    offset, (uint32_t)data.len);

	if (to == NULL) {
		if (b != NULL)
			block_free(b);
		return false;
	}
	memcpy(to, data.ptr, data.len);
	client_write_end(c->target, (uint32_t)data.len, on_written, b);
	return true;
}

/* ---- READ ---- */

static void
take_piece(struct block *b, const struct client_reply *r)
{
	struct transfer *t = b->t;
	struct copy *c = t->node->copy;
	uint64_t offset = b->offset + r->done;
	int error = r->file_errno;

	b->got = r->is_direct ? r->total : r->done + (uint32_t)r->body.len;
	/* What lies before the first gap is still worth having. */
	if (offset >= t->cut)
		return;
	if (r->is_direct) {
		if (error != 0)
			fail_local_write(t, offset, error);
		else
			count_moved(t, offset, r->total);
		return;
	}
	if (c->target != NULL) {
		if (!pass_on(t, offset, r->body)) {
			t->node->has_failed = true;
			stop_at(t, offset);
		}
		return;
	}
	error =
	    c->files->write(c->files->context, t->target_fd, offset, r->body);
	if (error != 0)
		fail_local_write(t, offset, error);
	else
		count_moved(t, offset, (uint32_t)r->body.len);
}

static void
read_failed(struct block *b, const struct client_reply *r)
{
	struct transfer *t = b->t;

	if (r->status == SSH_FX_EOF) {
		note_end(t, b->offset);
		return;
	}
	if (!t->node->has_failed)
		copy_fail_status(t->node, "read remote", t->node->source, r);
	stop_at(t, b->offset);
}

/* The answer was shorter than asked for. */
static void
ask_rest(struct block *b)
{
	struct transfer *t = b->t;
	uint64_t offset = b->offset + b->got;

	if (offset < t->size)
		add_again(t, offset, b->len - b->got);
}

static void
on_read(const struct client_reply *r, void *context)
{
	struct block *b = context;
	struct transfer *t = b->t;
	struct copy *c = t->node->copy;

	if (r->status != SSH_FX_OK) {
		read_failed(b, r);
	} else {
		take_piece(b, r);
		if (b->got < r->total)
			return;
		window_reply(c, c->source, r->latency_us, b->len);
		if (t->blocks_most < BLOCKS_TO_EOF_MAX)
			t->blocks_most *= 2;
		if (b->got < b->len)
			ask_rest(b);
	}
	block_free(b);
	if (t->blocks == 0)
		copy_file_advance(t);
}

static void
ask_block(struct transfer *t, uint64_t offset, uint32_t len)
{
	struct copy *c = t->node->copy;
	struct block *b = block_new(t, offset, len, -1);
	struct sftp_request q = { .kind = SFTP_READ,
		.handle = copy_handle(&t->source),
		.offset = offset,
		.count = len };

	if (b == NULL)
		no_memory(t, offset);
	else if (t->is_shared)
		client_read_file(c->source, &q, t->file, offset, on_read, b);
	else
		client_request(c->source, &q, on_read, b);
}

/* ---- all files ---- */

/* One more block of the file; false: not now. */
static bool
move_one(struct transfer *t, uint32_t most)
{
	struct copy *c = t->node->copy;
	uint64_t offset;
	uint32_t len;
	int lane = -1;

	if (t->node->state != NODE_MOVING || !copy_has_more(t) ||
	    !window_has_room(c, most) || !way_has_room(c->source) ||
	    (c->source != NULL && !way_has_room(c->target)))
		return false;
	if (c->source == NULL && (lane = copy_lane_choose(t)) == COPY_LANES_MAX)
		return false;
	if (t->to_eof && c->source != NULL && t->blocks >= t->blocks_most)
		return false;
	if (!take_range(t, most, &offset, &len))
		return false;
	move_ahead(t, len);
	if (c->source != NULL)
		ask_block(t, offset, len);
	else if (t->is_shared && lane < 0)
		send_shared(t, offset, len);
	else
		send_block(t, offset, len, lane);
	return true;
}

void
copy_move(struct copy *c)
{
	uint32_t most = block_bytes(c);

	list_for_each_safe(link, &c->moving) {
		struct transfer *t = list_entry(link, struct transfer, link);

		while (move_one(t, most))
			;
		if (copy_has_more(t))
			continue;
		/* Everything of it is under way: what comes behind may be. */
		list_remove(&t->link);
		copy_file_advance(t);
	}
}

static struct client *
only_client(const struct copy *c)
{
	if (c->source != NULL)
		return c->target == NULL ? c->source : NULL;
	return c->target;
}

/* The local file of a large copy need not pass through us. */
static void
share_local(struct transfer *t)
{
	struct client *client = only_client(t->node->copy);

	if (client != NULL && !t->is_shared && !t->to_eof &&
	    t->size - t->next >= SHARED_FILE_MIN)
		t->is_shared = client_share_file(client,
		    t->source_fd >= 0 ? t->source_fd : t->target_fd, &t->file);
}

void
copy_begin_moving(struct transfer *t)
{
	struct copy *c = t->node->copy;

	t->node->state = NODE_MOVING;
	t->blocks_most = 1;
	share_local(t);
	if (t->to_eof)
		t->size = UINT64_MAX;
	list_add_last(&c->moving, &t->link);
	copy_move(c);
}

void
copy_move_release(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->is_shared)
		client_forget_file(only_client(t->node->copy), t->file);
	list_remove(&t->link);
	drop_ranges(t);
	t->node->copy->ahead -= t->ahead;
	free(t->lanes);
	free(t->written);
	free(t);
}
