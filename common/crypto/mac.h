/*
 * mac.h - message authentication of packets: HMAC and UMAC.
 * RFC 4253 s6.4, RFC 6668 (sha2), RFC 4418 (UMAC; the key is 16 bytes, the
 * nonce the packet sequence number as 64 bits, big-endian).
 * Holds secrets: contexts wipe their keys.
 */
#ifndef COMMON_CRYPTO_MAC_H
#define COMMON_CRYPTO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

#define MAC_MAX 64

struct mac_algorithm {
	const char *name;
	uint16_t key_size;
	uint16_t size;         /* bytes of tag */
	bool encrypt_then_mac; /* the -etm@openssh.com names */
	bool off;              /* known, not offered by default */
};

const struct mac_algorithm *mac_find(struct span name);
const struct mac_algorithm *mac_row(size_t index);

struct mac;
int mac_new(const struct mac_algorithm *a, const uint8_t *key,
    struct mac **ret) MUST_CHECK;
void mac_free(struct mac *m);
const struct mac_algorithm *mac_algorithm(const struct mac *m);

/* out gets a->size bytes of MAC(key, seqnr ‖ data) (UMAC: nonce seqnr). No
 * allocation: a context is prepared once and copied or reset per packet. */
int mac_compute(struct mac *m, uint32_t seqnr, const uint8_t *data, size_t len,
    uint8_t *out) MUST_CHECK;

int mac_export(const struct mac *m, struct buf *out) MUST_CHECK;
int mac_import(struct reader *r, struct mac **ret) MUST_CHECK;

#endif
