/*
 * fuzz.h - what the fuzz targets share: taking an input apart, requirements
 * that hold whatever the input is, and seeds for the corpus.
 *
 * A target is tests/fuzz/<name>_fuzz.c with LLVMFuzzerTestOneInput() and,
 * where structure is needed to get anywhere, fuzz_seeds(). With
 * SHEETBEND_FUZZ_SEEDS=DIR in its environment the program writes its seeds
 * there and ends.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Ends the run with a finding where the condition does not hold. */
#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			fuzz_finding(__FILE__, __LINE__, #condition);          \
	} while (0)
NORETURN void fuzz_finding(const char *file, int line, const char *what);

/* Writes one seed; only to be called in fuzz_seeds(). */
void fuzz_seed(const char *name, struct span data);
/* A file of tests/vectors as a seed, behind some bytes of ours. */
void fuzz_seed_vector(const char *name, struct span front);
/* Defined by a target that has seeds. */
void fuzz_seeds(void);

/* ---- an input as a list of choices: at its end all are 0 or empty ---- */

uint8_t fuzz_byte(struct reader *r);
/* uint16 length, then so many bytes, or what is left. */
struct span fuzz_chunk(struct reader *r);
/* The same for makers of seeds. */
void fuzz_put_chunk(struct buf *b, struct span chunk);

/* NUL-terminated copy, cut at the first NUL; the caller's. */
char *fuzz_text(struct span s);

/* Are all bytes printable ASCII (or, with lines, newlines and tabs)? */
bool fuzz_is_printable(struct span s, bool lines);

#endif
