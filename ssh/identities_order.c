/*
 * identities_order.c - the keys of files, of the agent and certificates, in
 * the order in which they are offered (surface notes s2).
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/key/certificate.h"
#include "ssh/identities.h"

struct arranging {
	struct identities *from;      /* of files; emptied */
	struct identities out;        /* in order */
	struct agent_identities keys; /* of the agent */
	bool *is_used;                /* of these: stands in out already */
};

/* ---- the agent's keys ---- */

static bool
is_for_users(const struct key *k)
{
	const struct certificate *c = key_certificate(k);

	return c == NULL || c->kind == CERTIFICATE_USER;
}

/* One that lists a key again and again would use up the server's patience. */
static bool
is_repeated(const struct agent_identities *keys, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (span_equal(buf_span(&keys->item[i].blob),
			buf_span(&keys->item[index].blob)))
			return true;
	return false;
}

static bool
is_of_use(const struct agent_identities *keys, size_t index)
{
	const struct key *k = keys->item[index].key;

	return k != NULL && is_for_users(k) && !is_repeated(keys, index);
}

/* Without an answer there are none. */
static int
ask_agent(struct arranging *a, struct agent *agent, struct error *e)
{
	struct error reason = { 0 };
	int r = agent_list(agent, &a->keys, &reason);

	if (r != 0) {
		log_debug1("the agent's keys: %s", error_message(&reason, r));
		agent_close(agent);
		return 0;
	}
	a->out.agent = agent;
	log_debug1("the agent has %zu keys", a->keys.count);
	a->is_used = calloc(a->keys.count + 1, sizeof(*a->is_used));
	if (a->is_used == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < a->keys.count; i++)
		a->is_used[i] = !is_of_use(&a->keys, i);
	return 0;
}

/* The agent's key with this blob. */
static const struct agent_identity *
find_in_agent(const struct arranging *a, struct span blob)
{
	for (size_t i = 0; i < a->keys.count; i++)
		if (a->keys.item[i].key != NULL &&
		    span_equal(buf_span(&a->keys.item[i].blob), blob))
			return &a->keys.item[i];
	return NULL;
}

static bool
is_in_agent(const struct arranging *a, const struct key *k)
{
	return k != NULL && find_in_agent(a, key_blob(k)) != NULL;
}

static void
mark_used(struct arranging *a, const struct key *k)
{
	for (size_t i = 0; i < a->keys.count; i++)
		if (span_equal(buf_span(&a->keys.item[i].blob), key_blob(k)))
			a->is_used[i] = true;
}

/* Lets the agent sign for id, if it has its certificate or its key. */
static int
join_agent(const struct arranging *a, struct identity *id, struct error *e)
{
	const struct key *k = identity_key(id);
	const struct agent_identity *with = NULL;

	if (k == NULL)
		return 0;
	if ((with = find_in_agent(a, key_blob(k))) == NULL)
		with = find_in_agent(a, key_plain_blob(k));
	if (with == NULL)
		return 0;
	buf_clear(&id->agent_blob);
	write_span(&id->agent_blob, buf_span(&with->blob));
	id->was_in_agent = true;
	if (id->agent_comment == NULL)
		id->agent_comment = text_escaped(span_text(with->comment));
	if (id->agent_comment == NULL || buf_error(&id->agent_blob) != 0)
		return error_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

/* ---- the places, first to last ---- */

/* The file that has the key of a certificate. */
static const struct identity *
file_of_certificate(const struct arranging *a, const struct key *certificate)
{
	for (size_t i = 0; i < a->from->count; i++) {
		const struct identity *id = &a->from->item[i];
		const struct key *k = identity_plain_key(id);

		if (k != NULL && identity_can_sign(id) &&
		    span_equal(key_plain_blob(certificate), key_blob(k)))
			return id;
	}
	return NULL;
}

static int
add_named_certificate(
    struct arranging *a, const struct named_certificate *c, struct error *e)
{
	const struct identity *file = file_of_certificate(a, c->key);
	struct identity id = {
		.certificate = key_ref(c->key),
		.certificate_path = strdup(c->path),
		.is_explicit = true,
	};
	int r = 0;

	if (file != NULL) {
		id.path = strdup(file->path);
		id.is_encrypted = file->is_encrypted;
		if (file->public != NULL)
			id.public = key_ref(file->public);
		if (file->private != NULL)
			id.private = key_ref(file->private);
	}
	if (id.certificate_path == NULL || (file != NULL && id.path == NULL))
		r = error_set(e, ERR_MEMORY, "out of memory");
	if (r == 0)
		r = join_agent(a, &id, e);
	if (r == 0 && identity_can_sign(&id)) {
		mark_used(a, c->key);
		return identities_append(&a->out, &id, e);
	}
	if (r == 0)
		log_debug1("%s: no private key for it", c->path);
	identity_release(&id);
	return r;
}

/* Moves an identity of the files to its place. */
static int
move(struct arranging *a, struct identity *id, struct error *e)
{
	struct identity moved = *id;

	memset(id, 0, sizeof(*id));
	return identities_append(&a->out, &moved, e);
}

static int
add_named_agent_keys(struct arranging *a, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->from->count; i++) {
		struct identity *id = &a->from->item[i];

		if (is_in_agent(a, identity_key(id))) {
			mark_used(a, identity_key(id));
			r = move(a, id, e);
		}
	}
	return r;
}

static int
add_agent_key(
    struct arranging *a, const struct agent_identity *of, struct error *e)
{
	struct identity id = { 0 };
	int r;

	if (key_certificate(of->key) != NULL)
		id.certificate = key_ref(of->key);
	else
		id.public = key_ref(of->key);
	if ((r = join_agent(a, &id, e)) != 0) {
		identity_release(&id);
		return r;
	}
	return identities_append(&a->out, &id, e);
}

static int
add_other_agent_keys(struct arranging *a, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->keys.count; i++)
		if (!a->is_used[i])
			r = add_agent_key(a, &a->keys.item[i], e);
	return r;
}

static int
add_token_keys(struct arranging *a, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->from->count; i++) {
		struct identity *id = &a->from->item[i];

		if (id->private != NULL && key_signs_elsewhere(id->private))
			r = move(a, id, e);
	}
	return r;
}

static int
add_files(struct arranging *a, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->from->count; i++) {
		struct identity *id = &a->from->item[i];

		if (id->path == NULL)
			continue; /* moved before */
		/* One that nobody can sign for keeps its place: when it comes
		 * to it the reason is told. */
		r = move(a, id, e);
	}
	return r;
}

static int
arrange(struct arranging *a, const struct ssh_options *o, struct agent *agent,
    struct error *e)
{
	struct identities *from = a->from;
	int r = agent != NULL ? ask_agent(a, agent, e) : 0;

	for (size_t i = 0; r == 0 && i < from->count; i++)
		r = join_agent(a, &from->item[i], e);
	for (size_t i = 0; r == 0 && i < from->certificate_count; i++)
		r = add_named_certificate(a, &from->certificates[i], e);
	if (r == 0)
		r = add_named_agent_keys(a, e);
	if (r == 0 && !o->identities_only)
		r = add_other_agent_keys(a, e);
	if (r == 0)
		r = add_token_keys(a, e);
	if (r == 0)
		r = add_files(a, e);
	return r;
}

int
identities_arrange(struct identities *list, const struct ssh_options *o,
    struct agent *agent, struct error *e)
{
	struct arranging a = { .from = list };
	int r = arrange(&a, o, agent, e);

	agent_identities_release(&a.keys);
	free(a.is_used);
	identities_release(list);
	*list = a.out;
	return r;
}

void
identities_forget_agent(struct identities *list)
{
	agent_close(list->agent);
	list->agent = NULL;
	for (size_t i = 0; i < list->count; i++)
		buf_release(&list->item[i].agent_blob);
}
