/*
 * scenario.h - what a seed can run. A new scenario is a row in sim.c and a
 * function that takes everything from the seed.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/key/key.h"

enum verdict {
	VERDICT_PASSED,
	VERDICT_FAILED,
	VERDICT_SKIPPED
};

struct outcome {
	enum verdict verdict;
	char why[512];
	char what[512]; /* the choices made, for -v */
};

/* Keys are made once a run, from a fixed seed: one of each host key type. */
#define SIM_KEYS 5
extern struct key *sim_key[SIM_KEYS];
/* The first one with which an algorithm signs, or NULL. */
struct key *sim_key_for(const char *algorithm);

/* Fails the outcome with a sentence; false. */
bool sim_fail(struct outcome *o, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * A scenario gets the seed, and its own count of seeds (0, 1, 2, ... without
 * gaps), with which it goes through combinations in order.
 */

/* Two transports and data that is compared byte by byte. */
void scenario_transport(uint64_t seed, uint64_t number, struct outcome *ret);

/* A fault at each byte of the beginning, one after the other. */
void scenario_handshake(uint64_t seed, uint64_t number, struct outcome *ret);

/* A login by chance, then channels in both directions. */
void scenario_session(uint64_t seed, uint64_t number, struct outcome *ret);

#endif
