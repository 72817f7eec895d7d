/*
 * krl_impl.h - what the files of key revocation lists share: going through
 * the bytes of one. Private to krl*.c.
 */
#ifndef COMMON_KEY_KRL_IMPL_H
#define COMMON_KEY_KRL_IMPL_H

#include "common/key/krl.h"

#define KRL_MAGIC  0x5353484b524c0a00ULL
#define KRL_FORMAT 1

enum krl_section {
	KRL_CERTIFICATES = 1,
	KRL_KEYS = 2,
	KRL_SHA1 = 3,
	KRL_SIGNATURE = 4,
	KRL_SHA256 = 5,
	KRL_EXTENSION = 255
};

enum krl_subsection {
	KRL_SERIAL_LIST = 0x20,
	KRL_SERIAL_RANGE = 0x21,
	KRL_SERIAL_BITMAP = 0x22,
	KRL_KEY_ID = 0x23,
	KRL_CERTIFICATE_EXTENSION = 0x39
};

struct krl_header {
	uint64_t version;
	uint64_t date;
	struct span comment;
};

/*
 * Who wants to know what a file says; spans are borrowed from it. A result
 * other than 0 ends the walk. header and ca come before what they are about;
 * all entries of certificates after a ca are of that one.
 */
struct krl_visitor {
	int (*header)(void *context, const struct krl_header *h);
	int (*ca)(void *context, struct span blob); /* empty: whichever */
	int (*serials)(void *context, uint64_t first, uint64_t last);
	/* Bit i of bits (big-endian) stands for offset + i, which is within
	 * 64 bits for all that are set. */
	int (*bitmap)(void *context, uint64_t offset, struct span bits);
	int (*key_id)(void *context, struct span id);
	/* section: KRL_KEYS, KRL_SHA1 or KRL_SHA256. */
	int (*entry)(void *context, enum krl_section section, struct span s);
	void *context;
};

int krl_walk(
    struct span file, const struct krl_visitor *v, struct error *e) MUST_CHECK;

/* Is the serial number among the bits of a bitmap? */
bool krl_bitmap_has(uint64_t offset, struct span bits, uint64_t serial);

/* Appends the subsections for the sorted ranges, of the fewest bytes. */
int krl_write_serials(
    struct buf *out, const struct krl_range *range, size_t count) MUST_CHECK;

#endif
