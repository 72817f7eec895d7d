/*
 * agent_store.c - the keys of an agent.
 */
#include "agent/agent_store.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/bcrypt_pbkdf.h"
#include "common/crypto/random.h"

/* Of the list: the count in front, two lengths for each key. */
#define LIST_HEAD 5
#define ITEM_HEAD 8

/* The password is hashed so that what lies in memory does not give it away;
 * against guessing there is the delay. */
#define LOCK_ROUNDS 1
#define SALT_SIZE   16
#define HASH_SIZE   32
#define LOCK_SIZE   (SALT_SIZE + HASH_SIZE)

#define DELAY_STEP_US (100 * 1000)
#define DELAY_MAX_US  (10 * 1000 * 1000)

/* ---- one key ---- */

struct span
agent_key_blob(const struct agent_key *k)
{
	return key_blob(k->certificate != NULL ? k->certificate : k->key);
}

struct agent_key *
agent_key_new(struct key *key, struct key *certificate)
{
	struct agent_key *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->comment = strdup("")) == NULL) {
		key_unref(key);
		key_unref(certificate);
		free(k);
		return NULL;
	}
	list_init(&k->link);
	k->key = key;
	k->certificate = certificate;
	return k;
}

void
agent_key_free(struct agent_key *k)
{
	if (k == NULL)
		return;
	key_unref(k->key);
	key_unref(k->certificate);
	agent_constraints_release(&k->constraints);
	free(k->comment);
	free(k->provider);
	free(k);
}

static size_t
item_bytes(const struct agent_key *k)
{
	return ITEM_HEAD + agent_key_blob(k).len + strlen(k->comment);
}

/* ---- all of them ---- */

void
agent_store_init(struct agent_store *s)
{
	*s = (struct agent_store){ .list_bytes = LIST_HEAD };
	list_init(&s->keys);
}

void
agent_store_release(struct agent_store *s)
{
	agent_store_remove_all(s);
	secret_free(s->lock, LOCK_SIZE);
	s->lock = NULL;
	s->is_locked = false;
}

struct agent_key *
agent_store_find(const struct agent_store *s, struct span blob)
{
	list_for_each(link, &s->keys) {
		struct agent_key *k = list_entry(link, struct agent_key, link);

		if (span_equal(agent_key_blob(k), blob))
			return k;
	}
	return NULL;
}

void
agent_store_remove(struct agent_store *s, struct agent_key *k)
{
	list_remove(&k->link);
	s->count--;
	s->list_bytes -= item_bytes(k);
	agent_key_free(k);
}

void
agent_store_remove_all(struct agent_store *s)
{
	list_for_each_safe(link, &s->keys)
		agent_store_remove(s, list_entry(link, struct agent_key, link));
}

int
agent_store_add(struct agent_store *s, struct agent_key *k)
{
	struct agent_key *old = agent_store_find(s, agent_key_blob(k));
	size_t bytes =
	    s->list_bytes + item_bytes(k) - (old == NULL ? 0 : item_bytes(old));

	if (bytes > AGENT_MESSAGE_MAX ||
	    (old == NULL && s->count >= AGENT_IDENTITIES_LIMIT)) {
		agent_key_free(k);
		return ERR_LIMIT;
	}
	list_add_before(&k->link, old == NULL ? &s->keys : &old->link);
	s->count++;
	s->list_bytes += item_bytes(k);
	if (old != NULL)
		agent_store_remove(s, old);
	return 0;
}

uint64_t
agent_store_expire(struct agent_store *s, uint64_t now_us)
{
	uint64_t next = 0;

	list_for_each_safe(link, &s->keys) {
		struct agent_key *k = list_entry(link, struct agent_key, link);

		if (k->death_us == 0)
			continue;
		if (k->death_us <= now_us)
			agent_store_remove(s, k);
		else if (next == 0 || k->death_us < next)
			next = k->death_us;
	}
	return next;
}

/* ---- the lock ---- */

static int
hash_password(struct span password, const uint8_t *salt, uint8_t *hash)
{
	return bcrypt_pbkdf(
	    password, span_of(salt, SALT_SIZE), LOCK_ROUNDS, hash, HASH_SIZE);
}

int
agent_store_lock(struct agent_store *s, struct span password)
{
	uint8_t *lock;
	int r;

	if (s->is_locked)
		return ERR_PERMISSION;
	if (password.len == 0)
		return ERR_ARGUMENT;
	if ((lock = secret_alloc(LOCK_SIZE)) == NULL)
		return ERR_MEMORY;
	if ((r = random_fill(&random_system, lock, SALT_SIZE)) != 0 ||
	    (r = hash_password(password, lock, lock + SALT_SIZE)) != 0) {
		secret_free(lock, LOCK_SIZE);
		return r;
	}
	s->lock = lock;
	s->is_locked = true;
	return 0;
}

static void
delay_next(struct agent_store *s, uint64_t now_us)
{
	uint64_t delay = DELAY_MAX_US;

	if (s->unlock_failures < DELAY_MAX_US / DELAY_STEP_US)
		delay = ++s->unlock_failures * (uint64_t)DELAY_STEP_US;
	s->unlock_after_us = now_us + delay;
}

int
agent_store_unlock(struct agent_store *s, struct span password, uint64_t now_us)
{
	uint8_t hash[HASH_SIZE];
	bool ok;

	if (!s->is_locked)
		return ERR_PERMISSION;
	ok = password.len > 0 && hash_password(password, s->lock, hash) == 0 &&
	     secret_equal(hash, s->lock + SALT_SIZE, HASH_SIZE);
	secret_wipe(hash, sizeof(hash));
	if (!ok) {
		delay_next(s, now_us);
		return ERR_PERMISSION;
	}
	secret_free(s->lock, LOCK_SIZE);
	s->lock = NULL;
	s->is_locked = false;
	s->unlock_failures = 0;
	return 0;
}
