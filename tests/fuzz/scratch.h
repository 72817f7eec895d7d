/*
 * scratch.h - a folder in memory (or /tmp) for targets whose code reads
 * files; removed when the program ends.
 */
#ifndef TESTS_FUZZ_SCRATCH_H
#define TESTS_FUZZ_SCRATCH_H

#include "common/base/buf.h"

const char *scratch_directory(void);

/* Writes a file there, over an old one; its path, borrowed until the next
 * call. */
const char *scratch_file(const char *name, struct span contents);

#endif
