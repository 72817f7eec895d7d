/*
 * memory.h - what we remember of each host (RememberHosts): the server's
 * first choices, so that the next key exchange can begin with a right guess
 * (RFC 4253 s7.1), and the key it accepted, so that it is offered first.
 *
 * The file is ~/.ssh/sheetbend_hosts; losing or removing it costs a round
 * trip. Nothing in it can lower what is negotiated. Host names stand in it
 * only as salted digests.
 */
#ifndef SSH_MEMORY_H
#define SSH_MEMORY_H

#include <stdbool.h>

struct host_memory {
	char *kex; /* the server's first; NULL: unknown */
	char *host_key;
	char *fingerprint; /* of the accepted user key; NULL: none */
};

void host_memory_release(struct host_memory *m);

/* home: the folder that .ssh is in. name: "user@[host]:port". All NULL
 * where nothing is remembered or readable. */
void host_memory_load(
    const char *home, const char *name, struct host_memory *ret);

/* Writes only what is new. Failures are logged at debug level: it is no
 * more than a convenience. */
void host_memory_save(
    const char *home, const char *name, const struct host_memory *m);

#endif
