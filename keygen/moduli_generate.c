/*
 * moduli_generate.c - numbers q for which neither q nor 2q + 1 has a small
 * factor.
 *
 * For 2q + 1 not to be a multiple of 2 or 3 and q neither, q is 5 modulo 6. A
 * window of such numbers, q(i) = base + 6 i, is a field of bits; every small
 * prime r strikes out the i with q(i) = 0 or 2 q(i) + 1 = 0 modulo r. The small
 * primes come from a sieve of Eratosthenes in pieces; threads take pieces in
 * turn, each with a field of its own, since struck bits would else be fought
 * over; at the end the fields are merged.
 *
 * How far the small primes go is a matter of time: a prime r spares 2/r of
 * the tests of the screening.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keygen/moduli.h"

/* Bits of the window: a hundred thousand candidates or so. */
#define WINDOW ((uint64_t)1 << 24)
#define PIECE  ((uint64_t)1 << 20) /* of the sieve of Eratosthenes */
#define ROOT   ((uint64_t)1 << 14) /* of the largest limit */

struct sieve {
	const BIGNUM *base;
	uint64_t limit;  /* of the small primes */
	unsigned count;  /* threads */
	uint32_t *roots; /* primes below ROOT, from 5 */
	size_t root_count;
};

struct worker {
	const struct sieve *sieve;
	pthread_t thread;
	unsigned index;
	uint8_t *struck; /* WINDOW bits */
	uint64_t primes;
	bool has_failed;
};

/* ---- small primes ---- */

static bool
find_roots(struct sieve *s)
{
	bool *composite = calloc(ROOT, sizeof(*composite));

	s->roots = calloc(ROOT, sizeof(*s->roots));
	if (composite == NULL || s->roots == NULL) {
		free(composite);
		return false;
	}
	for (uint32_t n = 2; n < ROOT; n++) {
		if (composite[n])
			continue;
		for (uint32_t m = 2 * n; m < ROOT; m += n)
			composite[m] = true;
		if (n >= 5)
			s->roots[s->root_count++] = n;
	}
	free(composite);
	return true;
}

/* Marks the composite numbers of [from, from + PIECE); even ones and
 * multiples of 3 stay unmarked, they are passed over. */
static void
sieve_piece(const struct sieve *s, uint64_t from, uint8_t *composite)
{
	memset(composite, 0, PIECE);
	for (size_t i = 0; i < s->root_count; i++) {
		uint64_t r = s->roots[i], at = r * r;

		if (at < from)
			at += (from - at + r - 1) / r * r;
		for (; at < from + PIECE; at += r)
			composite[at - from] = 1;
	}
}

/* ---- striking out ---- */

static void
strike(uint8_t *struck, uint64_t first, uint64_t r)
{
	for (uint64_t i = first; i < WINDOW; i += r)
		struck[i / 8] |= (uint8_t)(1u << i % 8);
}

/* q(i) = q0 + 6 i. The inverse of 6 modulo r is written down: r is 1 or 5
 * modulo 6, so that 6 (r - 1) / 6 = -1, or 6 (r + 1) / 6 = 1. */
static bool
strike_prime(struct worker *w, uint64_t r)
{
	BN_ULONG q0 = BN_mod_word(w->sieve->base, (BN_ULONG)r);
	uint64_t inverse = r % 6 == 5 ? (r + 1) / 6 : r - (r - 1) / 6;
	uint64_t half = (r - 1) / 2; /* of -1: 2 q + 1 = 0 */

	if (q0 == (BN_ULONG)-1)
		return false;
	strike(w->struck, (r - q0) % r * inverse % r, r);
	strike(w->struck, (half + r - q0) % r * inverse % r, r);
	w->primes++;
	return true;
}

static void *
work(void *context)
{
	struct worker *w = context;
	uint8_t *composite = malloc(PIECE);

	w->has_failed = composite == NULL;
	for (uint64_t from = w->index * PIECE;
	     !w->has_failed && from < w->sieve->limit;
	     from += w->sieve->count * PIECE) {
		sieve_piece(w->sieve, from, composite);
		for (uint64_t n = from < 5 ? 5 : from; n < from + PIECE; n++) {
			if (n % 2 == 0 || n % 3 == 0 || composite[n - from])
				continue;
			if (!strike_prime(w, n))
				w->has_failed = true;
		}
	}
	free(composite);
	return NULL;
}

/* The larger the numbers, the more a test of one of them costs; a few seconds
 * at most. */
static uint64_t
choose_limit(unsigned bits)
{
	return (uint64_t)1 << (bits < 1024 ? 22 : bits < 2048 ? 26 : 28);
}

/* ---- the window ---- */

/* A q of one bit less than p, its top bits set so that p has all of them, 5
 * modulo 6, with room for the window. */
static BIGNUM *
choose_base(const struct moduli_options *o)
{
	BIGNUM *base = NULL;
	BN_ULONG rest;
	bool ok;

	if (o->start != NULL) {
		ok = BN_hex2bn(&base, o->start) > 0;
	} else {
		base = BN_new();
		ok = base != NULL && BN_rand(base, (int)o->bits - 1,
					 BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
	}
	if (ok) {
		rest = BN_mod_word(base, 6);
		ok = BN_add_word(base, (5 + 6 - rest) % 6) == 1;
	}
	if (!ok) {
		BN_free(base);
		base = NULL;
	}
	return base;
}

static int
write_candidates(const struct moduli_options *o, const BIGNUM *base,
    const uint8_t *struck, uint64_t primes, uint64_t *ret_count)
{
	BIGNUM *q = BN_dup(base);
	uint64_t at = 0;
	bool ok = q != NULL;

	*ret_count = 0;
	for (uint64_t i = 0; ok && i < WINDOW; i++) {
		if (struck[i / 8] & 1u << i % 8)
			continue;
		ok = BN_add_word(q, (BN_ULONG)(6 * (i - at))) == 1;
		at = i;
		/* A base near the end of its bits runs over. */
		if (ok && BN_num_bits(q) > BN_num_bits(base))
			break;
		ok = ok && moduli_write(o->out, MODULI_TYPE_SOPHIE_GERMAIN,
			       MODULI_TESTED_SIEVE, (unsigned)primes, 0, q);
		(*ret_count)++;
	}
	BN_free(q);
	return ok ? 0
		  : complain(EXIT_FATAL, "cannot write candidates: %s",
			strerror(errno));
}

static bool
run_workers(const struct sieve *s, struct worker *workers)
{
	bool ok = true;
	unsigned started;

	for (started = 0; started < s->count && ok; started++) {
		struct worker *w = &workers[started];

		*w = (struct worker){ .sieve = s, .index = started };
		w->struck = calloc(WINDOW / 8, 1);
		ok = w->struck != NULL &&
		     pthread_create(&w->thread, NULL, work, w) == 0;
		if (!ok)
			break;
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		ok = ok && !workers[i].has_failed;
		for (size_t j = 0; i > 0 && j < WINDOW / 8; j++)
			workers[0].struck[j] |= workers[i].struck[j];
		if (i > 0)
			workers[0].primes += workers[i].primes;
	}
	return ok;
}

int
moduli_generate(const struct moduli_options *o)
{
	struct worker workers[MODULI_THREADS_MAX] = { { 0 } };
	BIGNUM *base = choose_base(o);
	struct sieve s = { .base = base,
		.limit = choose_limit(o->bits),
		.count = moduli_threads() };
	time_t began = time(NULL);
	uint64_t count = 0;
	int status;

	if (base == NULL || !find_roots(&s)) {
		status = complain(EXIT_FATAL, "out of memory");
		goto out;
	}
	if (o->is_shown)
		moduli_report("Sieve next %llu plus %d-bit",
		    (unsigned long long)(6 * WINDOW), BN_num_bits(base));
	if (!run_workers(&s, workers)) {
		status = complain(EXIT_FATAL, "the sieve failed");
		goto out;
	}
	if (o->is_shown)
		moduli_report("Sieved with %llu small primes in %lld seconds",
		    (unsigned long long)workers[0].primes,
		    (long long)(time(NULL) - began));
	status = write_candidates(
	    o, base, workers[0].struck, workers[0].primes, &count);
	if (status == 0 && o->is_shown)
		moduli_report(
		    "Found %llu candidates", (unsigned long long)count);
out:
	for (unsigned i = 0; i < MODULI_THREADS_MAX; i++)
		free(workers[i].struck);
	free(s.roots);
	BN_free(base);
	return status;
}
