/*
 * agent_keys.c - requests about the keys: the list, adding, removing,
 * locking.
 * draft-ietf-sshm-ssh-agent s4.2, s4.3, s4.5 to s4.7.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_peer.h"
#include "common/agent/helper.h"
#include "common/base/log.h"
#include "common/base/text.h"

#define US_PER_S 1000000

struct agent_key *
agent_find_seen(const struct agent_peer *p, struct span blob)
{
	struct agent_key *k = agent_store_find(&p->server->store, blob);

	if (k == NULL || !agent_may_see(&p->way, k, p->now.wall_s))
		return NULL;
	return k;
}

void
agent_log_refused(const struct agent_peer *p, const char *what,
    const struct agent_key *k, const char *why)
{
	char *fingerprint =
	    key_fingerprint(k->key, p->server->policy.fingerprint);

	log_info("refused: %s %s %s (%s): %s", what,
	    key_row(k->key)->short_name, fingerprint == NULL ? "" : fingerprint,
	    k->comment, why);
	free(fingerprint);
}

/* ---- the list ---- */

void
agent_on_list(struct agent_peer *p, struct reader *r)
{
	const struct agent_store *s = &p->server->store;
	struct buf list = BUF_INIT;
	uint32_t count = 0;

	if (read_end(r) != 0) {
		agent_answer(p, AGENT_FAILURE);
		return;
	}
	/* A locked agent has nothing to show. */
	list_for_each(link, &s->keys) {
		const struct agent_key *k =
		    list_entry(link, struct agent_key, link);

		if (s->is_locked || !agent_may_see(&p->way, k, p->now.wall_s))
			continue;
		write_string(&list, agent_key_blob(k));
		write_text(&list, k->comment);
		count++;
	}
	if (buf_error(&list) != 0) {
		agent_answer(p, AGENT_FAILURE);
	} else {
		write_uint32(&p->out, (uint32_t)(5 + list.len));
		write_byte(&p->out, AGENT_IDENTITIES_ANSWER);
		write_uint32(&p->out, count);
		write_span(&p->out, buf_span(&list));
	}
	buf_release(&list);
}

/* ---- adding ---- */

/* Key and comment of a message; the caller's. */
static int
read_key(struct reader *r, struct agent_key **ret)
{
	struct key *key, *certificate;
	struct agent_key *k;
	struct span comment;
	int error;

	if ((error = agent_read_key(r, &key, &certificate)) != 0)
		return error;
	if ((k = agent_key_new(key, certificate)) == NULL)
		return ERR_MEMORY;
	comment = read_string(r);
	if ((error = read_error(r)) != 0) {
		agent_key_free(k);
		return error;
	}
	free(k->comment);
	if ((k->comment = span_dup_text(comment)) == NULL) {
		agent_key_free(k);
		return ERR_MEMORY;
	}
	*ret = k;
	return 0;
}

static void
set_lifetime(struct agent_peer *p, struct agent_key *k)
{
	uint64_t seconds = k->constraints.lifetime_s;

	if (seconds == 0)
		seconds = p->server->policy.lifetime_s;
	if (seconds != 0)
		k->death_us = p->now.now_us + seconds * US_PER_S;
}

int
agent_add_key(struct agent_peer *p, struct agent_key *k, struct error *e)
{
	const struct agent_key *old =
	    agent_store_find(&p->server->store, agent_key_blob(k));
	int r;

	/* Nobody takes the constraints off a key that it may not see. */
	if (old != NULL && !agent_may_see(&p->way, old, p->now.wall_s)) {
		agent_key_free(k);
		return error_set(e, ERR_PERMISSION,
		    "the key is here already, for certain hosts only");
	}
	set_lifetime(p, k);
	if ((r = agent_store_add(&p->server->store, k)) != 0)
		return error_set(e, r,
		    "there are too many keys (%d, or as many as one "
		    "message can list)",
		    AGENT_IDENTITIES_LIMIT);
	return 0;
}

/* A security key signs by its provider. */
static int
attach_provider(struct agent_peer *p, struct agent_key *k, struct error *e)
{
	const char *wanted = k->constraints.sk_provider;
	char *path;
	int r;

	if (!key_is_security_key(k->key))
		return wanted == NULL ? 0
				      : error_set(e, ERR_FORMAT,
					    "a provider for a key that is no "
					    "security key");
	r = agent_allow_provider(
	    p, wanted == NULL ? "internal" : wanted, &path, e);
	if (r != 0)
		return r;
	if ((r = security_key_attach(k->key, path, &helper_person_prompt)) != 0)
		r = error_set(e, r, "%s", error_text(r));
	free(path);
	return r;
}

static int
read_constraints(struct agent_peer *p, struct reader *r, struct agent_key *k,
    struct error *e)
{
	struct agent_constraints *c = &k->constraints;
	int error = agent_read_constraints(r, c);

	/* Certificates are for the keys of a token. */
	if (error == 0 && (c->certificates_only || c->certificate_count > 0))
		error = ERR_UNSUPPORTED;
	if (error != 0)
		return error_set(
		    e, error, "the constraints: %s", error_text(error));
	return 0;
}

static int
add(struct agent_peer *p, struct reader *r, bool is_constrained,
    struct error *e)
{
	struct agent_key *k;
	int error;

	if ((error = read_key(r, &k)) != 0)
		return error_set(e, error, "%s", error_text(error));
	if (is_constrained)
		error = read_constraints(p, r, k, e);
	else if ((error = read_end(r)) != 0)
		error_set(e, error, "%s", error_text(error));
	if (error == 0)
		error = attach_provider(p, k, e);
	if (error != 0) {
		agent_key_free(k);
		return error;
	}
	return agent_add_key(p, k, e);
}

static void
add_and_answer(struct agent_peer *p, struct reader *r, bool is_constrained)
{
	struct error e = { 0 };
	int error = add(p, r, is_constrained, &e);

	if (error != 0)
		log_error("refused: adding a key: %s", e.text);
	agent_answer_status(p, error == 0);
}

void
agent_on_add(struct agent_peer *p, struct reader *r)
{
	add_and_answer(p, r, false);
}

void
agent_on_add_constrained(struct agent_peer *p, struct reader *r)
{
	add_and_answer(p, r, true);
}

/* ---- removing ---- */

void
agent_on_remove(struct agent_peer *p, struct reader *r)
{
	struct span blob = read_string(r);
	struct agent_key *k = NULL;

	if (read_end(r) == 0)
		k = agent_find_seen(p, blob);
	if (k != NULL)
		agent_store_remove(&p->server->store, k);
	agent_answer_status(p, k != NULL);
}

void
agent_on_remove_all(struct agent_peer *p, struct reader *r)
{
	if (read_end(r) != 0) {
		agent_answer(p, AGENT_FAILURE);
		return;
	}
	agent_store_remove_all(&p->server->store);
	agent_answer(p, AGENT_SUCCESS);
}

/* ---- the lock ---- */

void
agent_on_lock(struct agent_peer *p, struct reader *r)
{
	struct span password = read_string(r);
	int error = read_end(r);

	if (error == 0)
		error = agent_store_lock(&p->server->store, password);
	if (error != 0)
		log_info("refused: locking: %s", error_text(error));
	agent_answer_status(p, error == 0);
}

void
agent_on_unlock(struct agent_peer *p, struct reader *r)
{
	struct agent_store *s = &p->server->store;
	struct span password = read_string(r);
	int error = read_end(r);

	/* Who guesses over several connections waits as long. */
	if (s->is_locked && p->now.now_us < s->unlock_after_us) {
		p->wait_until_us = s->unlock_after_us;
		return;
	}
	if (error == 0)
		error = agent_store_unlock(s, password, p->now.now_us);
	if (error != 0)
		log_info("refused: unlocking: %s", error_text(error));
	agent_answer_status(p, error == 0);
}
