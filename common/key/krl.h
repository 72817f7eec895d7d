/*
 * krl.h - key revocation lists: binary files of revoked keys and
 * certificates.
 * Format: surface notes s10.
 *
 * Two ways in. krl_file_check() looks for one key in the bytes of a file: it
 * goes through them once, allocates nothing that grows with the file, and
 * finds fault with any damage in it, behind the key's entry too. struct krl
 * holds a whole list, for programs that change it, print it, or ask often;
 * lookups in it are binary searches.
 *
 * Hostile input: everything in a file. Whoever cannot read a list cannot know
 * that a key is good, so every error means that no key may be used.
 */
#ifndef COMMON_KEY_KRL_H
#define COMMON_KEY_KRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

/* Ranges of serial numbers in a struct krl: a bitmap of one bit in two makes
 * one of every other bit. ERR_LIMIT beyond. */
#define KRL_RANGES_MAX  ((size_t)8 * 1024 * 1024)
#define KRL_SHA1_SIZE   20
#define KRL_SHA256_SIZE 32

/* Does the file mean to be a list (sound or not)? */
bool krl_recognise(struct span file);

/*
 * Is k revoked? A plain key is where it is listed, itself or by a hash. A
 * certificate is where its key is, where its serial number (other than 0) or
 * key id is listed under its CA or under any CA, or where its CA's key is.
 * ERR_FORMAT: damaged; ERR_UNSUPPORTED: a version, a section or a critical
 * extension that nobody here knows, or a signed list (there is no way left
 * to make or check one).
 */
int krl_file_check(struct span file, const struct key *k, bool *ret_is_revoked,
    struct error *e) MUST_CHECK;

/* ---- a list in memory ---- */

struct krl_range {
	uint64_t first;
	uint64_t last; /* included */
};

/* A set of byte strings. */
struct krl_set {
	struct buf bytes; /* one behind the other */
	struct krl_item {
		size_t at;
		size_t len;
	} * item;
	size_t count;
	size_t cap;
};

struct krl_ca {
	struct buf blob; /* of the CA's key; empty: whichever CA */
	struct krl_range *range;
	size_t range_count;
	size_t range_cap;
	struct krl_set key_ids;
};

/*
 * All fields may be read after krl_settle(): each set is then sorted and
 * holds no item twice, and the ranges of a CA are ascending with gaps between
 * them.
 */
struct krl {
	uint64_t version;
	uint64_t date; /* seconds since 1970 */
	char *comment; /* NULL: none */
	struct krl_ca *ca;
	size_t ca_count;
	struct krl_set keys; /* blobs of plain keys */
	struct krl_set sha1; /* of such blobs */
	struct krl_set sha256;
	bool is_settled;
};

/* An empty list; NULL without memory. */
struct krl *krl_new(void);
void krl_free(struct krl *l); /* NULL is accepted */

/* Adds what a file says to a list, and takes over its version, date and
 * comment. Errors as krl_file_check(), and ERR_LIMIT; the list is then only
 * good for krl_free(). */
int krl_read(struct krl *l, struct span file, struct error *e) MUST_CHECK;

/* ERR_MEMORY. */
int krl_set_comment(struct krl *l, const char *comment) MUST_CHECK;

/*
 * Revoking. ca: the blob of a plain key, or empty for whichever CA. ERR_MEMORY,
 * ERR_LIMIT; ERR_ARGUMENT for the serial number 0 (which certificates have
 * that were given none), a range that ends before it begins, and a hash of
 * another size.
 */
int krl_revoke_serials(
    struct krl *l, struct span ca, uint64_t first, uint64_t last) MUST_CHECK;
int krl_revoke_key_id(
    struct krl *l, struct span ca, struct span key_id) MUST_CHECK;
int krl_revoke_sha1(struct krl *l, struct span hash) MUST_CHECK;
int krl_revoke_sha256(struct krl *l, struct span hash) MUST_CHECK;

/* A plain key by its blob; a certificate by its serial number under its CA, or
 * by its key id where the serial number is 0. */
int krl_revoke_key(struct krl *l, const struct key *k) MUST_CHECK;
/* The key alone: of a certificate, the key in it. */
int krl_revoke_plain_key(struct krl *l, const struct key *k) MUST_CHECK;

/* Sorts what was added. ERR_MEMORY. */
int krl_settle(struct krl *l) MUST_CHECK;

/* As krl_file_check(), in a settled list. ERR_CRYPTO, ERR_BUG. */
int krl_check(
    const struct krl *l, const struct key *k, bool *ret_is_revoked) MUST_CHECK;

/* Appends the bytes of a file, serial numbers in the smallest form, with the
 * date; settles first. */
int krl_write(struct krl *l, uint64_t date, struct buf *out) MUST_CHECK;

/* The item of a set, borrowed until the next change. */
struct span krl_item(const struct krl_set *s, size_t index);

#endif
