/*
 * pair.h - a client's and a server's transport in one process, with a
 * simulated path between them: for tests of what lies above the transport.
 *
 *     struct pair *p = pair_new(NULL);      // keys are exchanged
 *     p->client.on_packet = ...;
 *     ... compose on p->client.t ...
 *     pair_run(p);                          // until nothing moves
 *
 * Time is simulated: with a delay each run lets it pass as bytes travel.
 */
#ifndef TESTS_UNIT_PAIR_H
#define TESTS_UNIT_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/key/key.h"
#include "common/transport/transport.h"

struct pair;

struct pair_end {
	struct pair *pair;
	struct transport *t;
	/* A packet for the layer above; a negative code fails the end. */
	int (*on_packet)(
	    struct pair_end *e, const struct packet *packet, void *context);
	/* Before bytes are taken from the end: a place to compose. */
	void (*on_turn)(struct pair_end *e, void *context);
	void *context;
	struct key *key; /* the server's host key */
	int failed;      /* the first negative code */
	bool disconnected;
	unsigned kex_done;
	size_t sent;      /* bytes that left this end */
	struct list wire; /* on their way from here */
};

struct pair_options {
	const char *client_ident, *server_ident; /* NULL: Sheetbend */
	const char *cipher;                      /* NULL: chacha20 */
	const char *compression;                 /* NULL: none */
	uint64_t delay_us;                       /* one way */
	uint64_t rekey_bytes;                    /* 0: hardly ever */
};

struct pair {
	struct pair_end client, server;
	uint64_t now_us;
	uint64_t delay_us;
};

/* Keys are exchanged, EXT_INFO has been read. options NULL: the defaults. */
struct pair *pair_new(const struct pair_options *options);
void pair_free(struct pair *p);

/* Until neither end has anything to say, or one has failed. */
void pair_run(struct pair *p);
/* The same, but time stops at until_us. */
void pair_run_until(struct pair *p, uint64_t until_us);

#endif
