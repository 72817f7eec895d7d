/*
 * penalties.h - addresses that misbehaved are refused for a while
 * (PerSourcePenalties).
 *
 * Each way of misbehaving has a price in time. Prices of one network block
 * add up; the block is refused while what it owes is above a minimum, and
 * until it owes nothing. The table is bounded: a flood of sources can neither
 * fill memory nor slow down the listener.
 *
 * Pure: time is passed in. Owner: the listener.
 */
#ifndef SSHD_PENALTIES_H
#define SSHD_PENALTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/address.h"
#include "common/base/attributes.h"

enum penalty_kind {
	PENALTY_CRASH,
	PENALTY_AUTHFAIL,
	PENALTY_INVALIDUSER,
	PENALTY_REFUSECONNECTION,
	PENALTY_NOAUTH,
	PENALTY_GRACE_EXCEEDED,
	PENALTY_KIND_COUNT
};

struct penalty_rules {
	bool enabled;
	uint64_t price_us[PENALTY_KIND_COUNT];
	uint64_t max_us; /* nobody owes more than this */
	uint64_t min_us; /* refused from here on */
	size_t max_sources4;
	size_t max_sources6;
	/* A full table: true refuses everybody, false forgets the source that
	 * would be free first. */
	bool deny_all4;
	bool deny_all6;
	unsigned block_bits4; /* PerSourceNetBlockSize */
	unsigned block_bits6;
};

struct penalties;

struct penalties *penalties_new(const struct penalty_rules *rules) MUST_CHECK;
void penalties_free(struct penalties *p);

void penalties_add(struct penalties *p, const struct address *source,
    enum penalty_kind kind, uint64_t now_us);

/* Why this source is refused now ("penalty: failed authentication"), or
 * NULL: it may connect. Static text. */
const char *penalties_check(
    struct penalties *p, const struct address *source, uint64_t now_us);

#endif
