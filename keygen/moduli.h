/*
 * moduli.h - ssh-keygen -M: groups for Diffie-Hellman group exchange.
 * RFC 4419 s6.1; surface notes s5, s10. Private to ssh-keygen.
 *
 * A group is a safe prime p = 2q + 1. Generating finds numbers q for which
 * neither q nor p has a small factor; screening finds those that are prime.
 * Nothing here is secret.
 */
#ifndef KEYGEN_MODULI_H
#define KEYGEN_MODULI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/bn.h>

#include "keygen/keygen.h"

#define MODULI_BITS_MIN     512
#define MODULI_BITS_MAX     16384
#define MODULI_BITS_DEFAULT 3072
#define MODULI_TRIALS       100
#define MODULI_THREADS_MAX  16

/* Columns of the file. */
enum {
	MODULI_TYPE_UNSTRUCTURED = 0,
	MODULI_TYPE_SAFE = 2,
	MODULI_TYPE_SOPHIE_GERMAIN = 4, /* the number is q */

	MODULI_TESTED_COMPOSITE = 1,
	MODULI_TESTED_SIEVE = 2,
	MODULI_TESTED_MILLER_RABIN = 4
};

struct moduli_options {
	unsigned bits;          /* of p */
	const char *start;      /* hex; NULL: random */
	unsigned generator;     /* wanted; 0: any */
	unsigned trials;        /* of the primality test */
	const char *checkpoint; /* file; NULL: none */
	uint64_t start_line;    /* lines to skip */
	uint64_t lines;         /* lines to look at; 0: all */
	bool is_shown;          /* a person waits */
	const char *input;      /* NULL: standard input */
	FILE *out;
};

/* Both return the exit status; failure was said on stderr. */
int moduli_generate(const struct moduli_options *o);
int moduli_screen(const struct moduli_options *o);

/* One line: TIME type tests tries size generator HEX. False where writing
 * failed. */
bool moduli_write(FILE *out, unsigned type, unsigned tests, unsigned tries,
    unsigned generator, const BIGNUM *n);

/* "DATE ..." on stderr, as a line of its own. */
void moduli_report(const char *format, ...) PRINTF_LIKE(1, 2);

/* As many as there are processors, MODULI_THREADS_MAX at most. */
unsigned moduli_threads(void);

#endif
