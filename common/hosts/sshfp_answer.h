/*
 * sshfp_answer.h - SSHFP records in the answer of a DNS resolver, and what
 * they say about a key.
 * RFC 1035 s4, RFC 4255, RFC 6594, RFC 7479.
 *
 * No I/O: the message is passed in, and may hold anything. It is read to the
 * end with bounds; of more than SSHFP_RECORDS_MAX records the rest is ignored.
 */
#ifndef COMMON_HOSTS_SSHFP_ANSWER_H
#define COMMON_HOSTS_SSHFP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/key/key.h"

#define SSHFP_RECORD_TYPE 44
#define SSHFP_DIGEST_MAX  32
#define SSHFP_RECORDS_MAX 256

struct sshfp_record {
	uint8_t algorithm; /* of the key */
	uint8_t hash;      /* 1 SHA-1, 2 SHA-256; others are left out */
	uint8_t digest[SSHFP_DIGEST_MAX];
	size_t len;
};

struct sshfp_answer {
	struct sshfp_record item[SSHFP_RECORDS_MAX];
	size_t count;
	/* The resolver says that it has validated the answer (AD). Whether it
	 * and the way to it are to be trusted is the caller's to know. */
	bool is_validated;
};

/* ERR_TRUNCATED, ERR_FORMAT: no such message; ERR_NOT_FOUND: an answer, but one
 * that says that there is nothing, or that it failed. */
int sshfp_answer_read(struct span message, struct sshfp_answer *ret) MUST_CHECK;

enum sshfp_verdict {
	SSHFP_NONE,     /* no records at all */
	SSHFP_MISMATCH, /* records, none of which is of this key */
	SSHFP_MATCH
};

/* A certificate counts as the key in it. Where there are SHA-256 records for
 * keys of its type, those of SHA-1 say nothing (RFC 6594 s3). */
enum sshfp_verdict sshfp_answer_check(
    const struct sshfp_answer *a, const struct key *k);

#endif
