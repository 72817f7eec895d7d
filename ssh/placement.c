/*
 * placement.c - life of a placement, and its turns.
 */
#include "ssh/placement.h"

#include <signal.h>
#include <stdlib.h>

#include "ssh/parent.h"
#include "ssh/placement_impl.h"

/* ---- records ---- */

struct record *
placement_record(struct placement *p, uint32_t id)
{
	struct record *r = &p->records[id & ((1u << DIRECT_SLOT_BITS) - 1)];

	return r->kind != RECORD_NONE && r->id == id ? r : NULL;
}

void
placement_record_drop(struct placement *p, struct record *r)
{
	p->under_way -= r->count;
	r->kind = RECORD_NONE;
}

/* ---- the end ---- */

static size_t
queued(const struct placement *p)
{
	return p->channel == NULL
		   ? 0
		   : channel_queued(p->channel, CHANNEL_STREAM_DATA).len +
			 channel_queued(p->channel, CHANNEL_STREAM_STDERR).len;
}

/* All that the server will ever send is written out? */
static void
check_end(struct placement *p)
{
	struct channel *c = p->channel;

	if (!p->is_closed && (c == NULL || !channel_eof_received(c)))
		return;
	if (p->has_ended || queued(p) > 0)
		return;
	placement_flush(p);
	if (p->is_blocked)
		return;
	p->has_ended = true;
	if (p->is_closed && c != NULL) {
		p->channel = NULL;
		channel_release(c);
	}
	p->config.on_output_end(p->config.context);
}

/* ---- turns ---- */

static void
run(void *context)
{
	struct placement *p = context;

	p->is_scheduled = false;
	placement_send(p);
	if (p->is_urgent && !p->is_blocked)
		placement_flush(p);
	check_end(p);
}

void
placement_schedule(struct placement *p)
{
	if (!p->is_scheduled && loop_defer(p->loop, run, p) == 0)
		p->is_scheduled = true;
}

/* Before each wait: what is waited for. The link, which was there first, has
 * written by now. */
static void
prepare(void *context)
{
	struct placement *p = context;
	bool is_open = p->channel != NULL && !p->is_closed;

	if (is_open && p->stop == STOP_ROOM && channel_room(p->channel) > 0)
		placement_schedule(p);
	if (p->in_watch != NULL)
		watch_set(p->in_watch,
		    is_open && p->requests.len < PLACEMENT_REQUESTS_MAX
			? WATCH_READ
			: 0);
	if (p->out_watch != NULL)
		watch_set(p->out_watch, p->is_blocked ? WATCH_WRITE : 0);
	if (p->err_watch != NULL)
		watch_set(p->err_watch,
		    p->channel != NULL &&
			    channel_queued(p->channel, CHANNEL_STREAM_STDERR)
				    .len > 0
			? WATCH_WRITE
			: 0);
}

static void
on_out_writable(struct watch *w, unsigned ready, void *context)
{
	struct placement *p = context;

	placement_flush(p);
	if (!p->is_blocked)
		placement_drain(p, CHANNEL_STREAM_DATA);
	placement_schedule(p);
}

static void
on_err_writable(struct watch *w, unsigned ready, void *context)
{
	struct placement *p = context;

	placement_drain(p, CHANNEL_STREAM_STDERR);
	placement_schedule(p);
}

static void
on_tell(struct timer *t, void *context)
{
	struct placement *p = context;

	if (!p->is_blocked)
		placement_flush(p);
}

/* ---- from the channel ---- */

size_t
placement_on_data(
    struct placement *p, enum channel_stream stream, struct span data)
{
	return stream == CHANNEL_STREAM_DATA
		   ? placement_take(p, data)
		   : placement_write(p, stream, data);
}

void
placement_on_eof(struct placement *p)
{
	placement_schedule(p);
}

void
placement_on_eow(struct placement *p)
{
	placement_stop_input(p);
	buf_clear(&p->requests);
	p->taken = p->pass_left = 0;
	p->head_sent = p->head_len;
	p->data.count = 0;
	placement_schedule(p);
}

void
placement_on_close(struct placement *p)
{
	p->is_closed = true;
	placement_stop_input(p);
	if (queued(p) > 0)
		channel_linger(p->channel);
	else
		p->channel = NULL;
	check_end(p);
}

/* ---- life ---- */

void
placement_free(struct placement *p)
{
	if (p == NULL)
		return;
	loop_remove_prepare(p->loop, prepare, p);
	watch_free(p->in_watch);
	watch_free(p->out_watch);
	watch_free(p->err_watch);
	timer_free(p->tell);
	descriptor_release(&p->in, false);
	descriptor_release(&p->out, false);
	descriptor_release(&p->err, false);
	buf_release(&p->requests);
	buf_release(&p->answers);
	free(p->records);
	free(p);
}

int
placement_new(struct loop *loop, struct channel *c,
    const struct placement_config *config, struct placement **ret)
{
	struct placement *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ERR_MEMORY;
	p->config = *config;
	p->loop = loop;
	p->channel = c;
	descriptor_init(&p->in, config->in_fd, true, false);
	descriptor_init(&p->out, config->out_fd, true, true);
	descriptor_init(&p->err, config->err_fd, true, true);
	p->records = calloc((size_t)1 << DIRECT_SLOT_BITS, sizeof(*p->records));
	p->in_watch = watch_new(loop, p->in.fd, placement_on_readable, p);
	p->out_watch = watch_new(loop, p->out.fd, on_out_writable, p);
	p->err_watch = watch_new(loop, p->err.fd, on_err_writable, p);
	p->tell = timer_new(loop, on_tell, p);
	if (p->records == NULL || p->in_watch == NULL || p->out_watch == NULL ||
	    p->err_watch == NULL || p->tell == NULL ||
	    loop_add_prepare(loop, prepare, p) != 0) {
		placement_free(p);
		return ERR_MEMORY;
	}
	/* A file that must not grow any more is an error to be told. */
	signal(SIGXFSZ, SIG_IGN);
	parent_tell(DIRECT_READY, 0, 0);
	*ret = p;
	return 0;
}
