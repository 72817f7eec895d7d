/*
 * admission.h - may this connection be served? MaxStartups,
 * PerSourceMaxStartups and PerSourcePenalties.
 *
 * Counts the connections which have not authenticated yet. Each admitted one
 * is an entry from admission_begin() until admission_end(), which is also
 * called for sessions that crash, so that a slot always comes back.
 *
 * Pure: time and chance are passed in. Owner: the listener.
 */
#ifndef SSHD_ADMISSION_H
#define SSHD_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/address.h"
#include "common/base/attributes.h"
#include "sshd/penalties.h"

struct admission_rules {
	unsigned begin; /* MaxStartups begin:rate:full */
	unsigned rate;  /* per cent */
	unsigned full;
	unsigned per_source; /* 0: no limit */
	unsigned block_bits4;
	unsigned block_bits6;
	const char *exempt; /* CIDR list without penalties, or NULL */
	struct penalty_rules penalties;
};

struct admission;

/* The text in rules is borrowed. NULL without memory. */
struct admission *admission_new(const struct admission_rules *rules) MUST_CHECK;
void admission_free(struct admission *a);

/*
 * NULL: admitted. Else why not, as the log says it after the addresses:
 * "Maxstartups", "PerSourceMaxStartups", "penalty: ...". Static text.
 * chance: a random number below 100. source may be without family.
 */
const char *admission_check(struct admission *a, const struct address *source,
    unsigned chance, uint64_t now_us);

/* A slot is taken / given back. Without memory the slot is not counted for
 * its source. */
void admission_begin(struct admission *a, const struct address *source);
void admission_end(struct admission *a, const struct address *source);

void admission_penalise(struct admission *a, const struct address *source,
    enum penalty_kind kind, uint64_t now_us);

/* Connections that have not authenticated yet. */
unsigned admission_startups(const struct admission *a);

#endif
