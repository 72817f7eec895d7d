/*
 * moduli.c - groups for Diffie-Hellman group exchange, from a moduli file.
 * RFC 4419 s3. The file: moduli(5), one group a line:
 *
 *     time type tests tries size generator modulus
 *
 * with type 2 a safe prime, tests a set of bits (1: found composite, 4: a
 * probabilistic test was passed), size one less than the prime's length in
 * bits, generator and modulus in hexadecimal.
 */
#include "common/transport/kex_method.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

enum {
	FIELDS = 7,
	TYPE_SAFE_PRIME = 2,
	TEST_COMPOSITE = 1,
	TEST_PROBABILISTIC = 4,
	BITS_MAX = 16384,
	NUMBER_MAX = 1000000 /* of a decimal field */
};

struct moduli {
	struct dh_group *group;
	size_t count;
	uint8_t *bytes; /* what the groups' spans point into */
	size_t used;
};

/* Takes the front of text up to the separator, and the separator. */
static struct span
cut(struct span *text, bool (*is_separator)(uint8_t))
{
	struct span piece = *text;
	size_t n = 0;

	while (n < text->len && !is_separator(text->ptr[n]))
		n++;
	piece.len = n;
	if (n < text->len)
		n++;
	text->ptr += n;
	text->len -= n;
	return piece;
}

static bool
is_newline(uint8_t c)
{
	return c == '\n';
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word; empty at the end of the line. */
static struct span
word(struct span *line)
{
	while (line->len > 0 && is_blank(line->ptr[0])) {
		line->ptr++;
		line->len--;
	}
	return cut(line, is_blank);
}

static bool
parse_decimal(struct span s, unsigned *ret)
{
	unsigned v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.ptr[i] - '0');
		if (v > NUMBER_MAX)
			return false;
	}
	*ret = v;
	return true;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal to a big-endian number without leading zero bytes, put behind
 * what is in m->bytes, where there is room (half of the text). */
static bool
parse_number(struct moduli *m, struct span hex, struct span *ret)
{
	uint8_t *to = m->bytes + m->used;
	size_t len = 0;
	size_t i;

	while (hex.len > 0 && hex.ptr[0] == '0') {
		hex.ptr++;
		hex.len--;
	}
	if (hex.len == 0 || hex.len > BITS_MAX / 4)
		return false;
	for (i = 0; i < hex.len; i++) {
		int digit = hex_digit(hex.ptr[i]);
		bool high = (hex.len - i) % 2 == 0;

		if (digit < 0)
			return false;
		if (high)
			to[len] = (uint8_t)(digit << 4);
		else if (i == 0)
			to[len++] = (uint8_t)digit;
		else
			to[len++] |= (uint8_t)digit;
	}
	m->used += len;
	*ret = span_of(to, len);
	return true;
}

static unsigned
bit_length(struct span number)
{
	unsigned top = number.ptr[0]; /* not zero */
	unsigned bits = (unsigned)(number.len - 1) * 8;

	return bits + 32 - (unsigned)__builtin_clz(top);
}

/* One line into a group. False where it is none that can be used. */
static bool
parse_line(struct moduli *m, struct span line, struct dh_group *ret)
{
	struct span field[FIELDS];
	unsigned type, tests, tries, size;

	for (size_t i = 0; i < FIELDS; i++)
		field[i] = word(&line);
	if (word(&line).len != 0 || field[0].len == 0)
		return false;
	if (!parse_decimal(field[1], &type) ||
	    !parse_decimal(field[2], &tests) ||
	    !parse_decimal(field[3], &tries) || !parse_decimal(field[4], &size))
		return false;
	if (type != TYPE_SAFE_PRIME || (tests & TEST_COMPOSITE) != 0 ||
	    (tests & TEST_PROBABILISTIC) == 0 || tries == 0)
		return false;
	if (!parse_number(m, field[5], &ret->generator) ||
	    !parse_number(m, field[6], &ret->prime))
		return false;
	ret->bits = bit_length(ret->prime);
	return ret->bits == size + 1;
}

static bool
is_empty(struct span line)
{
	struct span first = word(&line);

	return first.len == 0 || first.ptr[0] == '#';
}

int
moduli_parse(struct span text, struct moduli **ret, size_t *ret_bad)
{
	struct moduli *m = calloc(1, sizeof(*m));
	size_t lines = 1;
	size_t bad = 0;

	if (m == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	m->group = calloc(lines, sizeof(*m->group));
	m->bytes = malloc(text.len + 1);
	if (m->group == NULL || m->bytes == NULL) {
		moduli_free(m);
		return ERR_MEMORY;
	}
	while (text.len > 0) {
		struct span line = cut(&text, is_newline);

		if (is_empty(line))
			continue;
		if (parse_line(m, line, &m->group[m->count]))
			m->count++;
		else
			bad++;
	}
	if (ret_bad != NULL)
		*ret_bad = bad;
	*ret = m;
	return 0;
}

void
moduli_free(struct moduli *m)
{
	if (m == NULL)
		return;
	free(m->group);
	free(m->bytes);
	free(m);
}

/* Does a group of `bits` fit better than one of `best` (0: none yet)? The
 * smallest that is large enough, else the largest. */
static bool
is_better(unsigned bits, unsigned best, unsigned wanted)
{
	if (best == 0)
		return true;
	if (bits >= wanted)
		return best < wanted || bits < best;
	return bits > best;
}

static const struct dh_group *
choose_fixed(unsigned min, unsigned wanted, unsigned max)
{
	static const unsigned numbers[] = { 14, 16, 18 };
	const struct dh_group *best = NULL;

	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
		const struct dh_group *g = dh_group_by_number(numbers[i]);

		if (g != NULL && g->bits >= min && g->bits <= max &&
		    is_better(g->bits, best != NULL ? best->bits : 0, wanted))
			best = g;
	}
	return best;
}

/* The n-th group of this size. */
static const struct dh_group *
pick(const struct moduli *m, unsigned bits, size_t n)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->group[i].bits == bits && n-- == 0)
			return &m->group[i];
	return NULL;
}

const struct dh_group *
moduli_choose(const struct moduli *m, const struct random_source *random,
    unsigned min, unsigned wanted, unsigned max)
{
	unsigned best = 0;
	size_t count = 0;
	uint32_t n;

	for (size_t i = 0; m != NULL && i < m->count; i++) {
		unsigned bits = m->group[i].bits;

		if (bits < min || bits > max)
			continue;
		if (bits == best) {
			count++;
		} else if (is_better(bits, best, wanted)) {
			best = bits;
			count = 1;
		}
	}
	if (count == 0)
		return choose_fixed(min, wanted, max);
	/* The choice is public; the remainder's slant does not matter. */
	if (random_fill(random, &n, sizeof(n)) != 0)
		n = 0;
	return pick(m, best, n % count);
}
