/*
 * secret.h - memory for secrets, and operations whose time does not tell.
 *
 * Pages from secret_alloc are locked (as far as the limit on locked memory
 * allows), left out of core dumps, not inherited over exec, and wiped when
 * freed.
 */
#ifndef COMMON_BASE_SECRET_H
#define COMMON_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"

/* Zeroed memory for a secret, or NULL without memory. */
void *secret_alloc(size_t size) MUST_CHECK;

/* Wipes and frees; NULL is accepted; size as given to secret_alloc. */
void secret_free(void *ptr, size_t size);

/* Wipes so that the compiler cannot leave it out. */
void secret_wipe(void *ptr, size_t size);

/* Wipes NUL-terminated text and frees it; NULL is accepted. */
void secret_free_text(char *text);

/* Are n bytes equal? Time depends on n alone. */
bool secret_equal(const void *a, const void *b, size_t n);

/*
 * The same value, of which the compiler knows nothing: else it finds out that
 * a mask is all ones or zero, and branches by it (clang does, around loops).
 */
static inline uint32_t
secret_mask(uint32_t mask)
{
	__asm__("" : "+r"(mask));
	return mask;
}

/* mask 0xff..: a, mask 0: b, without a branch. */
static inline uint32_t
secret_select(uint32_t mask, uint32_t a, uint32_t b)
{
	return (a & mask) | (b & ~mask);
}

#endif
