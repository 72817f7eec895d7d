/*
 * keccak.c - SHA-3 and SHAKE. FIPS 202.
 */
#include "common/crypto/keccak.h"

#include <string.h>

#include "common/base/secret.h"

enum {
	ROUNDS = 24,
	LANES = 25,
	SHA3_256_RATE = 136,
	SHA3_512_RATE = 72,
	SUFFIX_SHA3 = 0x06, /* s6.1: 01, then the first bit of padding */
	SUFFIX_SHAKE = 0x1f /* s6.2: 1111, then the first bit of padding */
};

/* s3.2.5, the output of its shift register. */
static const uint64_t round_constants[ROUNDS] = { 0x0000000000000001,
	0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
	0x000000000000808b, 0x0000000080000001, 0x8000000080008081,
	0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
	0x0000000080008009, 0x000000008000000a, 0x000000008000808b,
	0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800a,
	0x800000008000000a, 0x8000000080008081, 0x8000000000008080,
	0x0000000080000001, 0x8000000080008008 };

static inline uint64_t
rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (-n & 63);
}

/* A lane after theta and rho: column x, row y, rotated by s3.2.2's offset. */
#define LANE(x, y, offset) rotate(a[(x) + 5 * (y)] ^ d[x], offset)

/* One row of the result, from the five lanes that pi brings there; chi. */
#define ROW(y, l0, l1, l2, l3, l4)                                             \
	do {                                                                   \
		uint64_t b0 = l0, b1 = l1, b2 = l2, b3 = l3, b4 = l4;          \
		e[5 * (y)] = b0 ^ (~b1 & b2);                                  \
		e[5 * (y) + 1] = b1 ^ (~b2 & b3);                              \
		e[5 * (y) + 2] = b2 ^ (~b3 & b4);                              \
		e[5 * (y) + 3] = b3 ^ (~b4 & b0);                              \
		e[5 * (y) + 4] = b4 ^ (~b0 & b1);                              \
	} while (0)

/* One round from a to e. */
static inline void
keccak_round(
    const uint64_t *restrict a, uint64_t *restrict e, uint64_t constant)
{
	uint64_t c[5], d[5];

	for (int x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (int x = 0; x < 5; x++)
		d[x] = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
	/* clang-format off */
	ROW(0, LANE(0, 0,  0), LANE(1, 1, 44), LANE(2, 2, 43), LANE(3, 3, 21), LANE(4, 4, 14));
	ROW(1, LANE(3, 0, 28), LANE(4, 1, 20), LANE(0, 2,  3), LANE(1, 3, 45), LANE(2, 4, 61));
	ROW(2, LANE(1, 0,  1), LANE(2, 1,  6), LANE(3, 2, 25), LANE(4, 3,  8), LANE(0, 4, 18));
	ROW(3, LANE(4, 0, 27), LANE(0, 1, 36), LANE(1, 2, 10), LANE(2, 3, 15), LANE(3, 4, 56));
	ROW(4, LANE(2, 0, 62), LANE(3, 1, 55), LANE(4, 2, 39), LANE(0, 3, 41), LANE(1, 4,  2));
	/* clang-format on */
	e[0] ^= constant;
}

static void
permute(uint64_t a[static LANES])
{
	uint64_t e[LANES];

	for (int i = 0; i < ROUNDS; i += 2) {
		keccak_round(a, e, round_constants[i]);
		keccak_round(e, a, round_constants[i + 1]);
	}
}

/* Lanes are little-endian (sB.1); compilers make one load of this. */
static inline uint64_t
load_lane(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static inline void
store_lane(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void
start(struct keccak *k, size_t rate)
{
	memset(k, 0, sizeof(*k));
	k->rate = rate;
}

static void
absorb_byte(struct keccak *k, uint8_t byte)
{
	k->lane[k->used / 8] ^= (uint64_t)byte << 8 * (k->used % 8);
}

static void
absorb(struct keccak *k, struct span s)
{
	size_t i = 0;

	while (i < s.len) {
		if (k->used % 8 == 0 && s.len - i >= 8) {
			k->lane[k->used / 8] ^= load_lane(s.ptr + i);
			k->used += 8;
			i += 8;
		} else {
			absorb_byte(k, s.ptr[i++]);
			k->used++;
		}
		if (k->used == k->rate) {
			permute(k->lane);
			k->used = 0;
		}
	}
}

/* Pads (s5.1, multi-rate); afterwards a whole block is ready. */
static void
finish(struct keccak *k, uint8_t suffix)
{
	absorb_byte(k, suffix);
	k->used = k->rate - 1;
	absorb_byte(k, 0x80);
	permute(k->lane);
	k->used = 0;
}

void
shake_start(struct keccak *k, size_t rate)
{
	start(k, rate);
}

void
shake_absorb(struct keccak *k, struct span data)
{
	absorb(k, data);
}

void
shake_finish(struct keccak *k)
{
	finish(k, SUFFIX_SHAKE);
}

void
shake_squeeze(struct keccak *k, uint8_t *out, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (k->used == k->rate) {
			permute(k->lane);
			k->used = 0;
		}
		if (k->used % 8 == 0 && len - i >= 8) {
			store_lane(out + i, k->lane[k->used / 8]);
			k->used += 8;
			i += 8;
		} else {
			out[i++] = (uint8_t)(k->lane[k->used / 8] >>
					     8 * (k->used % 8));
			k->used++;
		}
	}
}

static void
hash(size_t rate, uint8_t suffix, struct span a, struct span b, uint8_t *out,
    size_t len)
{
	struct keccak k;

	start(&k, rate);
	absorb(&k, a);
	absorb(&k, b);
	finish(&k, suffix);
	shake_squeeze(&k, out, len);
	secret_wipe(&k, sizeof(k));
}

void
sha3_256(struct span a, struct span b, uint8_t out[static 32])
{
	hash(SHA3_256_RATE, SUFFIX_SHA3, a, b, out, 32);
}

void
sha3_512(struct span a, struct span b, uint8_t out[static 64])
{
	hash(SHA3_512_RATE, SUFFIX_SHA3, a, b, out, 64);
}

void
shake256(struct span a, struct span b, uint8_t *out, size_t len)
{
	hash(SHAKE256_RATE, SUFFIX_SHAKE, a, b, out, len);
}
