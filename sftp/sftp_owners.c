/*
 * sftp_owners.c - names of the server's users and groups, by
 * users-groups-by-id@openssh.com: for what is listed by its own path, which
 * comes without the server's line.
 */
#include <stdlib.h>
#include <string.h>

#include "sftp/sftp.h"

#define ASKED_MAX 256 /* numbers of each kind in one request */

struct owner {
	uint32_t number;
	char *name; /* "": the server knows none */
};

struct owners {
	struct owner *item;
	size_t count;
};

/* What the server has said in this session; [true]: of groups. */
static struct owners known[2];

/* On the heap: the answer may come after an interruption has ended the wait. */
struct question {
	bool is_done;
	bool is_abandoned;
	uint32_t number[2][ASKED_MAX];
	size_t count[2];
};

static const struct owner *
find(bool is_group, uint32_t number)
{
	const struct owners *o = &known[is_group];

	for (size_t i = 0; i < o->count; i++)
		if (o->item[i].number == number)
			return &o->item[i];
	return NULL;
}

const char *
sftp_owner_name(bool is_group, uint32_t number)
{
	const struct owner *o = find(is_group, number);

	return o != NULL && *o->name != '\0' ? o->name : NULL;
}

static void
learn(bool is_group, uint32_t number, char *name)
{
	struct owners *o = &known[is_group];

	o->item =
	    sftp_need(realloc(o->item, (o->count + 1) * sizeof(*o->item)));
	o->item[o->count++] = (struct owner){ number, sftp_need(name) };
}

/* Numbers that are not answered have no name either. */
static void
learn_all(const struct question *q, bool is_group, struct span names)
{
	struct span name;

	for (size_t i = 0; i < q->count[is_group]; i++) {
		bool has = sftp_text_next(&names, &name);

		learn(is_group, q->number[is_group][i],
		    has ? span_dup_text(name) : strdup(""));
	}
}

static void
on_reply(const struct client_reply *r, void *context)
{
	struct question *q = context;
	struct span users = { NULL, 0 }, groups = { NULL, 0 };

	if (q->is_abandoned) {
		free(q);
		return;
	}
	q->is_done = true;
	if (r->status == SSH_FX_OK &&
	    sftp_users_groups_read(r->body, &users, &groups) != 0)
		users = groups = span_of(NULL, 0);
	learn_all(q, false, users);
	learn_all(q, true, groups);
}

static void
want(struct question *q, bool is_group, uint32_t number)
{
	if (find(is_group, number) != NULL || q->count[is_group] >= ASKED_MAX)
		return;
	for (size_t i = 0; i < q->count[is_group]; i++)
		if (q->number[is_group][i] == number)
			return;
	q->number[is_group][q->count[is_group]++] = number;
}

static void
ask(struct sftp *s, struct question *q)
{
	struct buf users = BUF_INIT, groups = BUF_INIT;
	struct sftp_request request = { .kind = SFTP_USERS_GROUPS };

	for (size_t i = 0; i < q->count[false]; i++)
		write_uint32(&users, q->number[false][i]);
	for (size_t i = 0; i < q->count[true]; i++)
		write_uint32(&groups, q->number[true][i]);
	request.data = buf_span(&users);
	request.data2 = buf_span(&groups);
	client_request(sftp_client(s), &request, on_reply, q);
	buf_release(&users);
	buf_release(&groups);
	/* What fails here is the connection, whose loss ends each wait. */
	while (!q->is_done && sftp_interrupted == 0)
		IGNORE_RESULT(
		    client_link_turn(&s->caller.link, 1, -1, NULL) != 0);
}

void
sftp_owners_ask(struct sftp *s, const struct call_entries *list)
{
	struct question *q;

	if (!client_has(sftp_client(s), SFTP_USERS_GROUPS))
		return;
	q = sftp_need(calloc(1, sizeof(*q)));
	for (size_t i = 0; i < list->count; i++) {
		const struct call_entry *e = &list->item[i];

		if (*e->longname != '\0' ||
		    (e->a.flags & SSH_FILEXFER_ATTR_UIDGID) == 0)
			continue;
		want(q, false, e->a.uid);
		want(q, true, e->a.gid);
	}
	q->is_done = q->count[false] == 0 && q->count[true] == 0;
	if (!q->is_done)
		ask(s, q);
	if (q->is_done)
		free(q);
	else
		q->is_abandoned = true;
}
