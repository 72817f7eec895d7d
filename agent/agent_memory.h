/*
 * agent_memory.h - ssh-agent: what OpenSSL allocates, in locked memory.
 *
 * Keys live in objects of OpenSSL's, and signing leaves parts of them in its
 * temporary numbers. So all that it allocates comes from pages of ours that
 * are locked and left out of dumps, and is wiped when it is freed. For
 * threads.
 */
#ifndef AGENT_AGENT_MEMORY_H
#define AGENT_AGENT_MEMORY_H

/* Before anything else of OpenSSL's is called. */
void agent_memory_start(void);

/*
 * From here on pages are locked: once the library has started, so that what
 * it keeps for itself does not use up what may be locked
 * (RLIMIT_MEMLOCK).
 */
void agent_memory_lock(void);

#endif
