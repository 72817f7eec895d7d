/*
 * penalties.c - a bounded hash table of network blocks and what they owe.
 */
#include "sshd/penalties.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/list.h"

#define BUCKETS 1024

struct debt {
	struct list link;
	struct address block;
	uint64_t free_at_us;
	enum penalty_kind last;
	bool refused; /* went over the minimum: refused until free_at_us */
};

struct family {
	struct list bucket[BUCKETS];
	size_t count;
	size_t max;
	bool deny_all;
	unsigned bits;
};

struct penalties {
	struct penalty_rules rules;
	struct family v4;
	struct family v6;
};

static const char *const reasons[PENALTY_KIND_COUNT] = {
	[PENALTY_CRASH] = "penalty: caused crash",
	[PENALTY_AUTHFAIL] = "penalty: failed authentication",
	[PENALTY_INVALIDUSER] = "penalty: attempted authentication by "
				"invalid user",
	[PENALTY_REFUSECONNECTION] = "penalty: connection prohibited by "
				     "RefuseConnection",
	[PENALTY_NOAUTH] = "penalty: connections without attempting "
			   "authentication",
	[PENALTY_GRACE_EXCEEDED] = "penalty: exceeded LoginGraceTime",
};

static void
family_init(struct family *f, size_t max, bool deny_all, unsigned bits)
{
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&f->bucket[i]);
	f->max = max;
	f->deny_all = deny_all;
	f->bits = bits;
}

struct penalties *
penalties_new(const struct penalty_rules *rules)
{
	struct penalties *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->rules = *rules;
	family_init(
	    &p->v4, rules->max_sources4, rules->deny_all4, rules->block_bits4);
	family_init(
	    &p->v6, rules->max_sources6, rules->deny_all6, rules->block_bits6);
	return p;
}

static void
debt_free(struct family *f, struct debt *d)
{
	list_remove(&d->link);
	f->count--;
	free(d);
}

static void
family_release(struct family *f)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		list_for_each_safe(l, &f->bucket[i])
			debt_free(f, list_entry(l, struct debt, link));
	}
}

void
penalties_free(struct penalties *p)
{
	if (p == NULL)
		return;
	family_release(&p->v4);
	family_release(&p->v6);
	free(p);
}

/* The table of the source's family, and its block; NULL for no address. */
static struct family *
locate(struct penalties *p, const struct address *source,
    struct address *ret_block, struct list **ret_bucket)
{
	struct family *f = source->family == AF_INET    ? &p->v4
			   : source->family == AF_INET6 ? &p->v6
							: NULL;
	uint32_t h = 2166136261u;

	if (f == NULL)
		return NULL;
	*ret_block = *source;
	ret_block->port = 0;
	ret_block->scope = 0;
	address_mask(ret_block, f->bits);
	for (size_t i = 0; i < sizeof(ret_block->bytes); i++)
		h = (h ^ ret_block->bytes[i]) * 16777619u;
	*ret_bucket = &f->bucket[(h ^ (h >> 16)) % BUCKETS];
	return f;
}

/* The debt of a block, or NULL. Those that are paid are dropped. */
static struct debt *
find_debt(struct family *f, struct list *bucket, const struct address *block,
    uint64_t now_us)
{
	struct debt *found = NULL;

	list_for_each_safe(l, bucket) {
		struct debt *d = list_entry(l, struct debt, link);

		if (d->free_at_us <= now_us)
			debt_free(f, d);
		else if (address_equal(&d->block, block))
			found = d;
	}
	return found;
}

/* Drops what is paid, and where nothing is, the one that is paid first. */
static void
make_room(struct family *f, uint64_t now_us)
{
	struct debt *first = NULL;

	for (size_t i = 0; i < BUCKETS; i++) {
		list_for_each_safe(l, &f->bucket[i]) {
			struct debt *d = list_entry(l, struct debt, link);

			if (d->free_at_us <= now_us)
				debt_free(f, d);
			else if (first == NULL ||
				 d->free_at_us < first->free_at_us)
				first = d;
		}
	}
	if (f->count >= f->max && first != NULL && !f->deny_all)
		debt_free(f, first);
}

void
penalties_add(struct penalties *p, const struct address *source,
    enum penalty_kind kind, uint64_t now_us)
{
	struct address block;
	struct list *bucket;
	struct family *f = locate(p, source, &block, &bucket);
	uint64_t price = p->rules.price_us[kind];
	struct debt *d;

	if (f == NULL || !p->rules.enabled || price == 0)
		return;
	d = find_debt(f, bucket, &block, now_us);
	if (d == NULL) {
		if (f->count >= f->max)
			make_room(f, now_us);
		if (f->count >= f->max || (d = calloc(1, sizeof(*d))) == NULL)
			return;
		d->block = block;
		d->free_at_us = now_us;
		list_add_first(bucket, &d->link);
		f->count++;
	}
	d->free_at_us += price;
	if (d->free_at_us - now_us > p->rules.max_us)
		d->free_at_us = now_us + p->rules.max_us;
	d->last = kind;
	if (d->free_at_us - now_us > p->rules.min_us)
		d->refused = true;
}

const char *
penalties_check(
    struct penalties *p, const struct address *source, uint64_t now_us)
{
	struct address block;
	struct list *bucket;
	struct family *f = locate(p, source, &block, &bucket);
	struct debt *d;

	if (f == NULL || !p->rules.enabled)
		return NULL;
	d = find_debt(f, bucket, &block, now_us);
	if (d != NULL)
		return d->refused ? reasons[d->last] : NULL;
	if (f->deny_all && f->count >= f->max) {
		make_room(f, now_us);
		if (f->count >= f->max)
			return "penalty: too many sources";
	}
	return NULL;
}
