/*
 * protector.c - one direction's cipher and MAC as one thing that seals and
 * opens packets where they lie.
 * RFC 4253 s6, RFC 5647, the -etm@openssh.com MACs,
 * chacha20-poly1305@openssh.com.
 */
#include "common/transport/transport_impl.h"

#include <string.h>

#include "common/base/secret.h"

#define PADDING_MIN 4
#define PACKET_MIN  16 /* RFC 4253 s6: length field included */

static uint32_t
load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

void
protector_release(struct protector *p)
{
	uint32_t seqnr = p->seqnr;

	cipher_free(p->cipher);
	mac_free(p->mac);
	memset(p, 0, sizeof *p);
	p->block_size = 8;
	p->seqnr = seqnr;
}

/*
 * Bytes under one key. RFC 4344 s3.2: for blocks of L bits at most 2^(L/4)
 * blocks, which is 64 GiB for L = 128; 1 GiB where blocks are smaller
 * (RFC 4253 s9).
 */
static uint64_t
bytes_allowed(const struct cipher_algorithm *a, uint64_t rekey_bytes)
{
	uint64_t max =
	    a->block_size >= 16 ? (uint64_t)1 << 36 : (uint64_t)1 << 30;

	return rekey_bytes != 0 && rekey_bytes < max ? rekey_bytes : max;
}

void
protector_set(struct protector *p, struct cipher *cipher, struct mac *mac,
    uint64_t rekey_bytes)
{
	const struct cipher_algorithm *a = cipher_algorithm(cipher);

	protector_release(p);
	p->cipher = cipher;
	p->mac = mac;
	p->block_size = a->block_size > 8 ? a->block_size : 8;
	p->aead = (a->flags & CIPHER_AEAD) != 0;
	p->length_hidden = (a->flags & CIPHER_LENGTH_HIDDEN) != 0;
	p->etm = mac != NULL && mac_algorithm(mac)->encrypt_then_mac;
	p->length_apart = p->aead || p->etm;
	p->length_encrypted = !p->length_apart;
	p->tag_size = p->aead       ? a->tag_size
		      : mac != NULL ? mac_algorithm(mac)->size
				    : 0;
	p->bytes_max = bytes_allowed(a, rekey_bytes);
}

size_t
protector_padding(const struct protector *p, size_t payload_len)
{
	size_t covered = (p->length_apart ? 1 : 5) + payload_len;
	size_t pad = p->block_size - covered % p->block_size;

	if (pad < PADDING_MIN)
		pad += p->block_size;
	while (5 + payload_len + pad < PACKET_MIN)
		pad += p->block_size;
	return pad;
}

int
protector_seal(struct protector *p, uint8_t *packet, uint32_t packet_length)
{
	size_t len = 4 + (size_t)packet_length;
	int r;

	if (p->cipher == NULL)
		return 0;
	if (p->aead)
		return cipher_seal(p->cipher, p->seqnr, packet, packet_length);
	if (p->etm) {
		if ((r = cipher_crypt(p->cipher, packet + 4, packet_length)) !=
		    0)
			return r;
		return mac_compute(p->mac, p->seqnr, packet, len, packet + len);
	}
	if ((r = mac_compute(p->mac, p->seqnr, packet, len, packet + len)) != 0)
		return r;
	return cipher_crypt(p->cipher, packet, len);
}

int
protector_length(struct protector *p, uint8_t *packet, size_t have,
    uint32_t *ret_length, size_t *ret_opened)
{
	int r;

	*ret_length = 0;
	*ret_opened = 0;
	if (have < 4 || (p->length_encrypted && have < p->block_size))
		return 0;
	if (p->cipher == NULL) {
		*ret_length = load32(packet);
	} else if (p->length_hidden) {
		if ((r = cipher_open_length(
			 p->cipher, p->seqnr, packet, ret_length)) != 0)
			return r;
	} else if (p->length_encrypted) {
		if ((r = cipher_crypt(p->cipher, packet, p->block_size)) != 0)
			return r;
		*ret_opened = p->block_size;
		*ret_length = load32(packet);
	} else {
		*ret_length = load32(packet);
	}
	/* 0 is "unknown" to the caller, and no length that is allowed. */
	return *ret_length == 0 ? ERR_PACKET_LENGTH : 0;
}

int
protector_open(
    struct protector *p, uint8_t *packet, uint32_t packet_length, size_t opened)
{
	size_t len = 4 + (size_t)packet_length;
	uint8_t tag[MAC_MAX];
	int r;

	if (p->cipher == NULL)
		return 0;
	if (p->aead)
		return cipher_open(p->cipher, p->seqnr, packet, packet_length);
	if (!p->etm &&
	    (r = cipher_crypt(p->cipher, packet + opened, len - opened)) != 0)
		return r;
	if ((r = mac_compute(p->mac, p->seqnr, packet, len, tag)) != 0)
		return r;
	if (!secret_equal(tag, packet + len, p->tag_size))
		return ERR_MAC;
	return p->etm ? cipher_crypt(p->cipher, packet + 4, packet_length) : 0;
}

int
protector_count(struct protector *p, size_t bytes)
{
	/* Never the same number twice under one key (RFC 4344 s3.1), nor
	 * around before there is one. */
	if (p->packets >= UINT32_MAX)
		return ERR_SEQUENCE_WRAP;
	p->seqnr++;
	p->packets++;
	p->bytes += bytes;
	return 0;
}
