/*
 * keepalive.c - is the server still there.
 */
#include "ssh/keepalive.h"

#include <stdlib.h>

#include "common/base/log.h"

struct keepalive {
	struct loop *loop;
	struct link *link;
	struct connection *connection;
	struct timer *timer;
	uint64_t interval_us;
	int count_max;
	int unanswered;
	void (*on_dead)(void *context);
	void *context;
};

/* Any answer will do; most servers say that they do not know the request. */
static void
on_reply(struct connection *c, bool success, struct reader *r, void *context)
{
	struct keepalive *k = context;

	k->unanswered = 0;
}

static int
ask(struct keepalive *k)
{
	if (connection_request_begin(
		k->connection, "keepalive@openssh.com", true) == NULL)
		return ERR_MEMORY;
	return connection_request_end(k->connection, on_reply, k);
}

static void
on_timer(struct timer *t, void *context)
{
	struct keepalive *k = context;
	uint64_t silence = loop_now_us(k->loop) - link_last_input_us(k->link);

	/* Whatever came is a sign of life. */
	if (silence < k->interval_us) {
		k->unanswered = 0;
		timer_set(t, k->interval_us - silence);
		return;
	}
	if (k->unanswered >= k->count_max) {
		k->on_dead(k->context);
		return;
	}
	k->unanswered++;
	if (ask(k) != 0)
		log_debug1("keepalive request could not be sent");
	timer_set(t, k->interval_us);
}

int
keepalive_start(struct loop *loop, struct link *link,
    struct connection *connection, int64_t interval_s, int count_max,
    void (*on_dead)(void *context), void *context, struct keepalive **ret)
{
	struct keepalive *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return ERR_MEMORY;
	*k = (struct keepalive){ .loop = loop,
		.link = link,
		.connection = connection,
		.interval_us = (uint64_t)interval_s * 1000000,
		.count_max = count_max,
		.on_dead = on_dead,
		.context = context };
	if ((k->timer = timer_new(loop, on_timer, k)) == NULL) {
		free(k);
		return ERR_MEMORY;
	}
	timer_set(k->timer, k->interval_us);
	*ret = k;
	return 0;
}

void
keepalive_free(struct keepalive *k)
{
	if (k == NULL)
		return;
	timer_free(k->timer);
	free(k);
}
