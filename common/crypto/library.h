/*
 * library.h - how OpenSSL starts in a process that lives for one login.
 */
#ifndef COMMON_CRYPTO_LIBRARY_H
#define COMMON_CRYPTO_LIBRARY_H

/*
 * Starts OpenSSL without what a login does not use: the tables of names of
 * its older interfaces, its error texts, and its configuration file, which
 * is read only where OPENSSL_CONF names one. That is a third of what its
 * start-up costs. To be called before anything else of common/crypto or
 * common/key; a program that does not call it gets all of it, later.
 */
void crypto_library_start(void);

/* The same for a program that has private keys in its hands: what OpenSSL
 * allocates from here on is locked, left out of dumps, and wiped
 * (locked_memory.h). Locks do not outlive a fork. */
void crypto_library_start_locked(void);

#endif
