/*
 * moduli_screen.c - which candidates are safe primes.
 *
 * Lines are read in batches; the processors share a batch, and results are
 * written in the order of the lines. After each batch a checkpoint says how
 * many lines are done with, so that a screening that was broken off goes on
 * there.
 *
 * Most candidates are composite, which one exponentiation tells (Fermat's test
 * to the base 2, of q and of p); only what passes gets the full number of
 * rounds of Miller and Rabin, by OpenSSL.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "keygen/moduli.h"

#define LINE_MAX_LEN (MODULI_BITS_MAX / 4 + 256)
#define BATCH        64
#define REPORT_AFTER 20 /* seconds */
/* Rounds of one BN_check_prime(): 64 up to 2048 bits, 128 beyond. */
#define ROUNDS_OF(bits) ((bits) > 2048 ? 128u : 64u)

struct candidate {
	char *line;
	/* what became of it */
	bool is_safe_prime;
	BIGNUM *p;
	unsigned tests, tries, generator;
};

struct batch {
	const struct moduli_options *o;
	struct candidate item[BATCH];
	size_t count;
	size_t next;           /* to be looked at */
	pthread_mutex_t mutex; /* over next */
	bool has_failed;
};

/* ---- a line ---- */

static bool
take_number(char **rest, int base, unsigned *ret)
{
	char *word = strtok_r(NULL, " \t\r\n", rest), *end;
	unsigned long n;

	if (word == NULL || word[0] == '-')
		return false;
	n = strtoul(word, &end, base);
	*ret = (unsigned)n;
	return *end == '\0' && n <= UINT32_MAX;
}

/* The number as p; NULL: a comment, damaged, composite, or of a kind that is
 * no group. */
static BIGNUM *
read_candidate(struct candidate *c)
{
	unsigned type, size;
	char *rest = NULL, *word = strtok_r(c->line, " \t\r\n", &rest);
	BIGNUM *n = NULL;

	if (word == NULL || word[0] == '#' || strlen(word) != 14 ||
	    !take_number(&rest, 10, &type) ||
	    !take_number(&rest, 10, &c->tests) ||
	    !take_number(&rest, 10, &c->tries) ||
	    !take_number(&rest, 10, &size) ||
	    !take_number(&rest, 16, &c->generator) ||
	    (word = strtok_r(NULL, " \t\r\n", &rest)) == NULL)
		return NULL;
	if (c->tests == 0 || (c->tests & MODULI_TESTED_COMPOSITE) ||
	    word[strspn(word, "0123456789abcdefABCDEF")] != '\0' ||
	    (type != MODULI_TYPE_SAFE && type != MODULI_TYPE_SOPHIE_GERMAIN &&
		type != MODULI_TYPE_UNSTRUCTURED) ||
	    BN_hex2bn(&n, word) <= 0)
		return NULL;
	if ((unsigned)BN_num_bits(n) != size + 1 ||
	    (type == MODULI_TYPE_SOPHIE_GERMAIN &&
		(BN_lshift1(n, n) != 1 || BN_add_word(n, 1) != 1)) ||
	    BN_num_bits(n) < MODULI_BITS_MIN || !BN_is_odd(n)) {
		BN_free(n);
		return NULL;
	}
	return n;
}

/*
 * A generator of a safe prime's group is what is no square: 2 where p is 11
 * modulo 24 (p is 3 or 5 modulo 8, and 2 modulo 3 anyway), 5 where p is 3 or
 * 7 modulo 10. RFC 4419 s6.1 wants a small one. 0: neither.
 */
static unsigned
find_generator(const BIGNUM *p)
{
	BN_ULONG last = BN_mod_word(p, 10);

	if (BN_mod_word(p, 24) == 11)
		return 2;
	return last == 3 || last == 7 ? 5 : 0;
}

/* ---- tests ---- */

/* Fermat's test to the base 2. */
static bool
may_be_prime(const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *two, *less, *result;
	bool ok;

	BN_CTX_start(ctx);
	two = BN_CTX_get(ctx);
	less = BN_CTX_get(ctx);
	result = BN_CTX_get(ctx);
	ok = result != NULL && BN_set_word(two, 2) == 1 &&
	     BN_copy(less, n) != NULL && BN_sub_word(less, 1) == 1 &&
	     BN_mod_exp_mont(result, two, less, n, ctx, NULL) == 1 &&
	     BN_is_one(result);
	BN_CTX_end(ctx);
	return ok;
}

/* At least so many rounds. */
static bool
is_prime(const BIGNUM *n, unsigned trials, BN_CTX *ctx)
{
	for (unsigned done = 0; done < trials;
	     done += ROUNDS_OF(BN_num_bits(n)))
		if (BN_check_prime(n, ctx, NULL) != 1)
			return false;
	return true;
}

static bool
is_safe_prime(const BIGNUM *p, unsigned trials, BN_CTX *ctx)
{
	BIGNUM *q = BN_new();
	bool ok = q != NULL && BN_rshift1(q, p) == 1 && may_be_prime(q, ctx) &&
		  may_be_prime(p, ctx) && is_prime(q, trials, ctx) &&
		  is_prime(p, trials, ctx);

	BN_free(q);
	return ok;
}

static void
judge(const struct moduli_options *o, struct candidate *c, BN_CTX *ctx)
{
	unsigned generator;

	if ((c->p = read_candidate(c)) == NULL)
		return;
	generator = find_generator(c->p);
	if (generator == 0)
		generator = c->generator;
	if (generator == 0 || (o->generator != 0 && o->generator != generator))
		return;
	c->generator = generator;
	if (!is_safe_prime(c->p, o->trials, ctx))
		return;
	/* Tests of before count. */
	c->tries = c->tests & MODULI_TESTED_MILLER_RABIN ? c->tries + o->trials
							 : o->trials;
	c->tests |= MODULI_TESTED_MILLER_RABIN;
	c->is_safe_prime = true;
}

/* ---- batches ---- */

static void *
work(void *context)
{
	struct batch *b = context;
	BN_CTX *ctx = BN_CTX_new();

	for (;;) {
		struct candidate *c = NULL;

		pthread_mutex_lock(&b->mutex);
		b->has_failed = b->has_failed || ctx == NULL;
		if (!b->has_failed && b->next < b->count)
			c = &b->item[b->next++];
		pthread_mutex_unlock(&b->mutex);
		if (c == NULL)
			break;
		judge(b->o, c, ctx);
	}
	BN_CTX_free(ctx);
	return NULL;
}

/* This thread works as well, and alone where no other can be made. */
static bool
judge_batch(struct batch *b)
{
	pthread_t threads[MODULI_THREADS_MAX];
	unsigned wanted = moduli_threads() - 1, started = 0;

	b->next = 0;
	while (started < wanted &&
	       pthread_create(&threads[started], NULL, work, b) == 0)
		started++;
	work(b);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return !b->has_failed;
}

static bool
write_batch(struct batch *b, uint64_t *found)
{
	bool ok = true;

	for (size_t i = 0; i < b->count; i++) {
		struct candidate *c = &b->item[i];

		if (c->is_safe_prime) {
			ok = ok && moduli_write(b->o->out, MODULI_TYPE_SAFE,
				       c->tests, c->tries, c->generator, c->p);
			(*found)++;
		}
		BN_free(c->p);
		free(c->line);
	}
	b->count = 0;
	return ok && fflush(b->o->out) == 0;
}

/* ---- checkpoints ---- */

static uint64_t
read_checkpoint(const struct moduli_options *o)
{
	struct buf text = BUF_INIT;
	const char *digits;
	long long n = 0;

	if (o->checkpoint == NULL ||
	    file_read(o->checkpoint, 64, &text, NULL) != 0) {
		buf_release(&text);
		return 0;
	}
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		buf_truncate(&text, text.len - 1);
	digits = buf_text(&text);
	if (digits == NULL || !text_to_int(digits, 1, INT64_MAX, &n)) {
		complain(
		    0, "Failed to load checkpoint from \"%s\"", o->checkpoint);
		n = 0;
	} else {
		complain(0, "Loaded checkpoint from \"%s\" line %lld",
		    o->checkpoint, n);
	}
	buf_release(&text);
	return (uint64_t)n;
}

static void
write_checkpoint(const struct moduli_options *o, uint64_t line)
{
	char *text;
	struct error e = { 0 };
	int r;

	if (o->checkpoint == NULL)
		return;
	if ((text = text_format("%" PRIu64 "\n", line)) == NULL)
		return;
	r = file_write_atomic(o->checkpoint, span_text(text), 0644, false, &e);
	if (r != 0)
		complain(0, "%s", error_message(&e, r));
	free(text);
}

/* ---- the file ---- */

struct progress {
	uint64_t line;   /* read so far */
	uint64_t looked; /* of them, looked at */
	uint64_t found;
	time_t began, reported;
};

static void
show_progress(const struct moduli_options *o, struct progress *p)
{
	time_t now = time(NULL);

	if (!o->is_shown || now - p->reported < REPORT_AFTER)
		return;
	p->reported = now;
	moduli_report("processed %" PRIu64 " lines in %lld seconds, found "
		      "%" PRIu64,
	    p->looked, (long long)(now - p->began), p->found);
}

static int
finish_batch(struct batch *b, struct progress *p)
{
	if (!judge_batch(b))
		return complain(EXIT_FATAL, "out of memory");
	if (!write_batch(b, &p->found))
		return complain(
		    EXIT_FATAL, "cannot write the output: %s", strerror(errno));
	write_checkpoint(b->o, p->line);
	show_progress(b->o, p);
	return 0;
}

static int
screen(struct batch *b, FILE *in, uint64_t skip, struct progress *p)
{
	uint64_t last =
	    b->o->lines == 0 ? UINT64_MAX : b->o->start_line + b->o->lines;
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	while (
	    status == 0 && p->line < last && getline(&line, &size, in) >= 0) {
		if (++p->line <= skip)
			continue;
		p->looked++;
		/* No group is that long. */
		if (strlen(line) > LINE_MAX_LEN)
			continue;
		b->item[b->count] = (struct candidate){ .line = strdup(line) };
		if (b->item[b->count].line == NULL)
			status = complain(EXIT_FATAL, "out of memory");
		else if (++b->count == BATCH)
			status = finish_batch(b, p);
	}
	if (status == 0 && ferror(in))
		status = complain(EXIT_FATAL, "cannot read the candidates");
	if (status == 0)
		status = finish_batch(b, p);
	free(line);
	return status;
}

int
moduli_screen(const struct moduli_options *o)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct progress p = { .began = time(NULL) };
	FILE *in = o->input == NULL ? stdin : fopen(o->input, "re");
	uint64_t skip = o->start_line, done = read_checkpoint(o);
	int status;

	if (in == NULL)
		status = complain(EXIT_FATAL,
		    "Couldn't open modulus "
		    "candidate file \"%s\": %s",
		    o->input, strerror(errno));
	else if (b == NULL)
		status = complain(EXIT_FATAL, "out of memory");
	else {
		b->o = o;
		pthread_mutex_init(&b->mutex, NULL);
		p.reported = p.began;
		status = screen(b, in, done > skip ? done : skip, &p);
	}
	if (in != NULL && in != stdin)
		fclose(in);
	free(b);
	if (status != 0)
		return status;
	if (o->checkpoint != NULL)
		unlink(o->checkpoint);
	if (o->is_shown)
		moduli_report("Found %" PRIu64 " safe primes of %" PRIu64
			      " candidates in %lld seconds",
		    p.found, p.looked, (long long)(time(NULL) - p.began));
	return 0;
}
