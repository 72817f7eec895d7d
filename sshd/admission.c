/*
 * admission.c - the slots of connections which have not authenticated.
 */
#include "sshd/admission.h"

#include <stdlib.h>

struct admission {
	struct admission_rules rules;
	struct penalties *penalties;
	struct address *source; /* of the slots in use, masked */
	unsigned count;
	unsigned cap;
	unsigned startups;
};

struct admission *
admission_new(const struct admission_rules *rules)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->rules = *rules;
	a->penalties = penalties_new(&rules->penalties);
	if (a->penalties == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

void
admission_free(struct admission *a)
{
	if (a == NULL)
		return;
	penalties_free(a->penalties);
	free(a->source);
	free(a);
}

static struct address
block_of(const struct admission *a, const struct address *source)
{
	struct address block = *source;

	if (block.family == AF_INET)
		address_mask(&block, a->rules.block_bits4);
	else if (block.family == AF_INET6)
		address_mask(&block, a->rules.block_bits6);
	return block;
}

/* Below `begin` nobody is dropped, from `full` on everybody; in between the
 * probability rises linearly from `rate`. */
static bool
over_startups(const struct admission *a, unsigned chance)
{
	const struct admission_rules *r = &a->rules;
	unsigned p;

	if (r->full == 0 || a->startups < r->begin)
		return false;
	if (a->startups >= r->full || r->rate >= 100 || r->full <= r->begin)
		return true;
	p = r->rate +
	    (100 - r->rate) * (a->startups - r->begin) / (r->full - r->begin);
	return chance < p;
}

static bool
over_source(const struct admission *a, const struct address *source)
{
	struct address block = block_of(a, source);
	unsigned used = 0;

	if (a->rules.per_source == 0 || source->family == 0)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		if (address_equal(&a->source[i], &block))
			used++;
	}
	return used >= a->rules.per_source;
}

static bool
is_exempt(const struct admission *a, const struct address *source)
{
	return a->rules.exempt != NULL && source->family != 0 &&
	       address_list_match(a->rules.exempt, source, true) == 1;
}

const char *
admission_check(struct admission *a, const struct address *source,
    unsigned chance, uint64_t now_us)
{
	const char *penalty = NULL;

	if (!is_exempt(a, source))
		penalty = penalties_check(a->penalties, source, now_us);
	if (penalty != NULL)
		return penalty;
	if (over_startups(a, chance))
		return "Maxstartups";
	if (over_source(a, source))
		return "PerSourceMaxStartups";
	return NULL;
}

void
admission_begin(struct admission *a, const struct address *source)
{
	a->startups++;
	if (a->count == a->cap) {
		unsigned cap = a->cap == 0 ? 32 : a->cap * 2;
		struct address *grown =
		    realloc(a->source, cap * sizeof(*grown));

		if (grown == NULL)
			return;
		a->source = grown;
		a->cap = cap;
	}
	a->source[a->count++] = block_of(a, source);
}

void
admission_end(struct admission *a, const struct address *source)
{
	struct address block = block_of(a, source);

	if (a->startups > 0)
		a->startups--;
	for (unsigned i = 0; i < a->count; i++) {
		if (address_equal(&a->source[i], &block)) {
			a->source[i] = a->source[--a->count];
			return;
		}
	}
}

void
admission_penalise(struct admission *a, const struct address *source,
    enum penalty_kind kind, uint64_t now_us)
{
	if (!is_exempt(a, source))
		penalties_add(a->penalties, source, kind, now_us);
}

unsigned
admission_startups(const struct admission *a)
{
	return a->startups;
}
