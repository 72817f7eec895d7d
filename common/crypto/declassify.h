/*
 * declassify.h - marks values that came out of secrets and are public.
 *
 * The check of constant time (scripts/check-constant-time) runs code with
 * its secrets poisoned, so that a branch or an index by anything computed
 * from them is reported. Some of that is meant to be known: half of a seed
 * that is published, one bit saying that a candidate was thrown away. Each
 * such place says so by declassify() and gives its reason in a comment.
 * In an ordinary build it is nothing.
 */
#ifndef COMMON_CRYPTO_DECLASSIFY_H
#define COMMON_CRYPTO_DECLASSIFY_H

#include <stddef.h>

#ifdef SHEETBEND_CHECK_CONSTANT_TIME
#include <valgrind/memcheck.h>
#endif

static inline void
declassify(const void *ptr, size_t len)
{
#ifdef SHEETBEND_CHECK_CONSTANT_TIME
	VALGRIND_MAKE_MEM_DEFINED(ptr, len);
#endif
}

#endif
