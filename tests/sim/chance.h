/*
 * chance.h - the one source of chance in a simulated run: a number from the
 * seed, and choices made with it.
 */
#ifndef TESTS_SIM_CHANCE_H
#define TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): any seed is a good one. */
struct chance {
	uint64_t state;
};

static inline uint64_t
chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint64_t
chance_below(struct chance *c, uint64_t n)
{
	return n == 0 ? 0 : chance_next(c) % n;
}

/* min .. max, small ones as likely as large ones (by powers of two) */
static inline uint64_t
chance_size(struct chance *c, uint64_t min, uint64_t max)
{
	uint64_t top = max - min;
	unsigned bits = 0;

	while (top >> bits != 0)
		bits++;
	bits = (unsigned)chance_below(c, bits + 1);
	top = bits >= 64 ? chance_next(c)
			 : chance_next(c) & (((uint64_t)1 << bits) - 1);
	return top > max - min ? max : min + top;
}

/* true n times of 100 */
static inline bool
chance_percent(struct chance *c, unsigned n)
{
	return chance_below(c, 100) < n;
}

/* A generator of its own, for one purpose. */
static inline struct chance
chance_fork(struct chance *c)
{
	return (struct chance){ chance_next(c) };
}

#endif
