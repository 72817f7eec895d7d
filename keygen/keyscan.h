/*
 * keyscan.h - ssh-keyscan: the host keys of many hosts at once.
 * surface notes s7.
 *
 * Parts: the source gives one target after another (arguments, files, ranges
 * of addresses); the resolver finds the addresses of names; the scan keeps as
 * many targets under way as descriptors allow; a probe is one connection that
 * asks for one type of key; print writes what was found.
 *
 * No target waits for another one: connections run on one event loop, and
 * names are looked up by at most RESOLVER_THREADS threads of their own, since
 * getaddrinfo(3) blocks. A name server that does not answer holds up one
 * thread for the time that resolv.conf(5) says, and the names behind it in
 * that thread only.
 *
 * Hosts are hostile: what they send is judged by the transport, which also
 * verifies that they own the key; their identification is escaped before it
 * is printed.
 */
#ifndef KEYGEN_KEYSCAN_H
#define KEYGEN_KEYSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "common/base/text.h"
#include "common/event/loop.h"
#include "common/key/key.h"

#define KEYSCAN_TYPES_MAX 16
#define ADDRESSES_MAX     16 /* of a name that are tried */
#define RESOLVER_THREADS  16
#define TIMEOUT_DEFAULT_S 5

/* One type of key: "ed25519", and the algorithms that ask for it. */
struct scan_type {
	const char *name; /* short, as printed by -l */
	char *algorithms;
};

struct scan_options {
	unsigned port;
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	unsigned timeout_s;
	struct scan_type types[KEYSCAN_TYPES_MAX];
	size_t type_count;
	bool with_certificates; /* -c: and not plain keys */
	bool is_hashed;         /* -H */
	bool is_dns;            /* -D */
	unsigned dns_hashes;    /* -O hashalg= */
	bool is_quiet;          /* -q: no lines with identifications */
	const struct strings *files;
	char **arguments;
	int argument_count;
	/* Algorithms of the transport: all that there are. */
	char *kex, *ciphers, *macs;
};

/* Prints one line on stderr; returns status. */
int complain(int status, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets types (and nothing else) from a comma list; NULL: all that are not
 * off. Returns the exit status; failure was said on stderr. */
int keyscan_set_types(struct scan_options *o, const char *list);

/* ---- targets ---- */

enum target_state {
	TARGET_RESOLVING,
	TARGET_SCOUTING, /* one probe finds an address that answers */
	TARGET_PROBING   /* the others, all at that address */
};

struct probe;

struct target {
	char *addresses;   /* comma list of names or addresses, tried in turn */
	char *names;       /* comma list of names to print */
	bool is_of_range;  /* one of many: silence is no news */
	const char *label; /* the entry of addresses in use; borrowed */
	char *entry;       /* its text; owned */
	size_t next_entry; /* offset into addresses of the one after it */
	struct address found[ADDRESSES_MAX];
	size_t found_count;
	size_t at; /* of found: the one in use */
	enum target_state state;
	struct probe *probes[KEYSCAN_TYPES_MAX]; /* NULL: ended, or not begun */
	size_t running;
	struct key *keys[KEYSCAN_TYPES_MAX]; /* what was found */
	char *ident;                         /* of the server, escaped */
	int lookup_error;                    /* EAI_ code of the last lookup */
	int lookup_errno;
	struct target *next; /* in the resolver's queues */
};

/* addresses and names are taken, also on failure (NULL). */
struct target *target_new(char *addresses, char *names);
void target_free(struct target *t);
/* The next of its addresses goes to entry and label; false at the end. */
bool target_next_entry(struct target *t);

/* ---- where targets come from ---- */

struct source;
int source_new(const struct scan_options *o, struct source **ret);
void source_free(struct source *s);
/* NULL at the end. A file that cannot be read is said and skipped. */
struct target *source_next(struct source *s);
/* Did something fail that the exit status should tell? */
bool source_has_failed(const struct source *s);

/* ---- names ---- */

struct resolver;
typedef void resolver_function(struct target *t, void *context);

/* done runs on the loop. */
int resolver_new(struct loop *loop, int family, unsigned port,
    resolver_function *done, void *context, struct resolver **ret);
/* Finds the addresses of t's entry; done is called later, in any order. */
void resolver_start(struct resolver *r, struct target *t);
/* When nothing is under way; NULL is accepted. */
void resolver_free(struct resolver *r);

/* ---- one connection ---- */

enum probe_end {
	PROBE_KEY,         /* a key */
	PROBE_NO_KEY,      /* the server has none of this type */
	PROBE_UNREACHABLE, /* no connection */
	PROBE_DROPPED,     /* hung up on before the server said anything */
	PROBE_FAILED       /* something went wrong later */
};

typedef void probe_function(struct probe *p, enum probe_end end, void *context);

/* Begins to connect; done is called once, from the loop, and frees nothing:
 * probe_free() is for it to call. NULL without memory or descriptors. */
struct probe *probe_new(struct loop *loop, const struct scan_options *o,
    const struct address *to, const struct scan_type *type,
    probe_function *done, void *context);
void probe_free(struct probe *p);
/* The key, the caller's from here (NULL but after PROBE_KEY). */
struct key *probe_take_key(struct probe *p);
/* What the server calls itself, raw; NULL if it did not come to that. */
const char *probe_ident(const struct probe *p);
/* Why it ended, for people. */
const char *probe_reason(const struct probe *p);

/* ---- all of it ---- */

/* Scans everything; the exit status: 0 where a key was found. */
int scan_run(const struct scan_options *o);

/* The keys of a target on standard output. */
void print_target(const struct scan_options *o, const struct target *t);

#endif
