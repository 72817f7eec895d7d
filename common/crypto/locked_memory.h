/*
 * locked_memory.h - what OpenSSL allocates, in locked memory; for
 * crypto_library_start_locked().
 *
 * Keys live in objects of OpenSSL's, and signing leaves parts of them in its
 * temporary numbers. So all that it allocates comes from pages of ours that
 * are locked and left out of dumps, and is wiped when it is freed. For
 * threads.
 */
#ifndef COMMON_CRYPTO_LOCKED_MEMORY_H
#define COMMON_CRYPTO_LOCKED_MEMORY_H

/* Before anything else of OpenSSL's is called. */
void locked_memory_start(void);

/*
 * From here on pages are locked: once the library has started, so that what
 * it keeps for itself does not use up what may be locked
 * (RLIMIT_MEMLOCK).
 */
void locked_memory_lock(void);

#endif
