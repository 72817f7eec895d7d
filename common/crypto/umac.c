/*
 * umac.c - UMAC-64 and UMAC-128. RFC 4418.
 *
 * A tag is the exclusive or of a hash of the message and a pad made of the
 * nonce. The hash has three layers, and is done twice (64 bits) or four times
 * (128) with keys of its own. Nearly all the time goes into the first layer,
 * NH: sums of 32-bit words multiplied into 64 bits, which vectorises well.
 */
#include "common/crypto/umac.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/wide.h"

enum {
	BLOCK = 16,      /* of AES */
	STREAMS_MAX = 4, /* hashes side by side, 4 bytes of tag each */
	CHUNK = 1024,    /* L1 reduces these to 8 bytes */
	NH_UNIT = 32,
	NH_WORDS = CHUNK / 4,
	NH_SHIFT = 4, /* a stream's L1 key begins 16 bytes later */
	NH_KEY = NH_WORDS + NH_SHIFT * (STREAMS_MAX - 1),
	L2_KEY = 24, /* bytes a stream; 8 are used */
	L3_KEY = 64, /* bytes a stream; the last 32 are used */
	MESSAGE_MAX = 16 * 1024 * 1024,
	/* Indices of key derivation, s3.2. */
	KEY_PAD = 0,
	KEY_L1 = 1,
	KEY_L2 = 2,
	KEY_L3_MULTIPLY = 3,
	KEY_L3_ADD = 4
};

#define PRIME36  0xffffffffbULL        /* 2^36 - 5 */
#define PRIME64  0xffffffffffffffc5ULL /* 2^64 - 59 */
#define OFFSET64 59
#define L2_MASK  0x01ffffff01ffffffULL
#define L2_RANGE 0xffffffff00000000ULL /* larger words go in two steps */

struct umac {
	uint32_t nh_key[NH_KEY];
	uint64_t l2_key[STREAMS_MAX];
	uint64_t l3_multiply[STREAMS_MAX][4];
	uint32_t l3_add[STREAMS_MAX];
	size_t tag_size;
	EVP_CIPHER_CTX *aes; /* with the key of pads */
	uint8_t pad[BLOCK];  /* of pad_nonce, where has_pad */
	uint64_t pad_nonce;
	bool has_pad;
};

static uint32_t
load32_big(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t
load64_big(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static void
store64_big(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

/* ---- keys and pads, s3 ---- */

static int
encipher(EVP_CIPHER_CTX *aes, const uint8_t in[static BLOCK],
    uint8_t out[static BLOCK])
{
	int len;

	return EVP_EncryptUpdate(aes, out, &len, in, BLOCK) == 1 ? 0
								 : ERR_CRYPTO;
}

/* KDF: len bytes, a multiple of the block. */
static int
derive(EVP_CIPHER_CTX *aes, uint64_t index, uint8_t *out, size_t len)
{
	uint8_t block[BLOCK];
	int r = 0;

	store64_big(block, index);
	for (size_t i = 0; i * BLOCK < len && r == 0; i++) {
		store64_big(block + 8, i + 1);
		r = encipher(aes, block, out + i * BLOCK);
	}
	return r;
}

/* The keys of the hash, for as many streams as there are at most: fewer use
 * the first part of each. */
static int
derive_hash_keys(struct umac *u)
{
	uint8_t bytes[NH_KEY * 4];
	int r;

	if ((r = derive(u->aes, KEY_L1, bytes, sizeof(bytes))) != 0)
		return r;
	for (int i = 0; i < NH_KEY; i++)
		u->nh_key[i] = load32_big(bytes + 4 * i);
	if ((r = derive(u->aes, KEY_L2, bytes, L2_KEY * STREAMS_MAX)) != 0)
		return r;
	for (int s = 0; s < STREAMS_MAX; s++)
		u->l2_key[s] = load64_big(bytes + L2_KEY * s) & L2_MASK;
	if ((r = derive(
		 u->aes, KEY_L3_MULTIPLY, bytes, L3_KEY * STREAMS_MAX)) != 0)
		return r;
	for (int s = 0; s < STREAMS_MAX; s++)
		for (int i = 0; i < 4; i++)
			u->l3_multiply[s][i] =
			    load64_big(bytes + L3_KEY * s + 32 + 8 * i) %
			    PRIME36;
	if ((r = derive(u->aes, KEY_L3_ADD, bytes, 4 * STREAMS_MAX)) != 0)
		return r;
	for (int s = 0; s < STREAMS_MAX; s++)
		u->l3_add[s] = load32_big(bytes + 4 * s);
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

/* Kept for the life of the process; a race would only fetch twice. */
static const EVP_CIPHER *
fetch_aes(void)
{
	static EVP_CIPHER *aes;

	if (aes == NULL)
		aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	return aes;
}

static int
set_key(struct umac *u, const uint8_t key[static BLOCK])
{
	if (EVP_EncryptInit_ex2(u->aes, fetch_aes(), key, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(u->aes, 0) != 1)
		return ERR_CRYPTO;
	return 0;
}

int
umac_new(
    const uint8_t key[static UMAC_KEY_SIZE], size_t tag_size, struct umac **ret)
{
	uint8_t pad_key[BLOCK];
	struct umac *u;
	int r;

	if (tag_size != 8 && tag_size != 16)
		return ERR_ARGUMENT;
	if ((u = secret_alloc(sizeof(*u))) == NULL)
		return ERR_MEMORY;
	u->tag_size = tag_size;
	if ((u->aes = EVP_CIPHER_CTX_new()) == NULL) {
		umac_free(u);
		return ERR_MEMORY;
	}
	if ((r = set_key(u, key)) == 0 && (r = derive_hash_keys(u)) == 0 &&
	    (r = derive(u->aes, KEY_PAD, pad_key, BLOCK)) == 0)
		r = set_key(u, pad_key);
	secret_wipe(pad_key, sizeof(pad_key));
	if (r != 0) {
		umac_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

void
umac_free(struct umac *u)
{
	if (u == NULL)
		return;
	EVP_CIPHER_CTX_free(u->aes);
	secret_free(u, sizeof(*u));
}

/* s3.3.1: with 8 bytes of tag, two nonces share a block. */
static int
xor_pad(struct umac *u, uint64_t nonce, uint8_t *tag)
{
	uint64_t index = u->tag_size == 8 ? nonce & 1 : 0;
	uint8_t block[BLOCK] = { 0 };
	int r;

	nonce ^= index;
	if (!u->has_pad || u->pad_nonce != nonce) {
		store64_big(block, nonce);
		if ((r = encipher(u->aes, block, u->pad)) != 0)
			return r;
		u->pad_nonce = nonce;
		u->has_pad = true;
	}
	for (size_t i = 0; i < u->tag_size; i++)
		tag[i] ^= u->pad[index * 8 + i];
	return 0;
}

/* ---- first layer, s5.2 ---- */

/*
 * NH of one chunk for several streams: of each 32 bytes, words 0 to 3 plus
 * key words, times words 4 to 7 plus key words. Words of the message are
 * little-endian (the RFC swaps them instead).
 */
static ALWAYS_INLINE void
nh_streams(uint64_t *sums, const uint32_t *key, const uint8_t *m, size_t units,
    int streams)
{
	uint64_t acc[STREAMS_MAX][4] = { { 0 } };

	for (size_t i = 0; i < units; i++) {
		uint32_t w[8];

		memcpy(w, m + i * NH_UNIT, sizeof(w));
		for (int j = 0; j < 8; j++)
			w[j] = le32toh(w[j]);
		for (int s = 0; s < streams; s++) {
			const uint32_t *k = key + 8 * i + NH_SHIFT * s;

			for (int j = 0; j < 4; j++)
				acc[s][j] += (uint64_t)(w[j] + k[j]) *
					     (uint32_t)(w[j + 4] + k[j + 4]);
		}
	}
	for (int s = 0; s < streams; s++)
		sums[s] = acc[s][0] + acc[s][1] + acc[s][2] + acc[s][3];
}

static ALWAYS_INLINE void
nh_loop(uint64_t *sums, const uint32_t *key, const uint8_t *m, size_t units,
    bool four)
{
	if (four)
		nh_streams(sums, key, m, units, 4);
	else
		nh_streams(sums, key, m, units, 2);
}

WIDE(nh,
    (uint64_t * sums, const uint32_t *key, const uint8_t *m, size_t units,
	bool four),
    (sums, key, m, units, four))

/* L1-HASH of one chunk: with its length in bits added. The end of the last
 * chunk is filled with zeros, up to 32 bytes. */
static void
hash_chunk(const struct umac *u, const uint8_t *m, size_t len, uint64_t *sums)
{
	bool four = u->tag_size == 16;
	size_t whole = len / NH_UNIT;
	size_t rest = len % NH_UNIT;
	uint64_t more[STREAMS_MAX];
	uint8_t last[NH_UNIT] = { 0 };

	nh(sums, u->nh_key, m, whole, four);
	if (rest != 0 || whole == 0) {
		memcpy(last, m + whole * NH_UNIT, rest);
		nh(more, u->nh_key + whole * 8, last, 1, four);
	} else {
		memset(more, 0, sizeof(more));
	}
	for (size_t s = 0; s < u->tag_size / 4; s++)
		sums[s] += more[s] + len * 8;
}

/* ---- second layer, s5.3 ---- */

/* a*b mod 2^64 - 59; b of 57 bits. */
static uint64_t
multiply64(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	unsigned __int128 folded =
	    (unsigned __int128)(uint64_t)(product >> 64) * OFFSET64 +
	    (uint64_t)product;
	uint64_t low = (uint64_t)folded;
	uint64_t top = (uint64_t)(folded >> 64) * OFFSET64;

	low += top; /* top < 2^12 */
	low += OFFSET64 & -(uint64_t)(low < top);
	return low - (PRIME64 & -(uint64_t)(low >= PRIME64));
}

/* a + b mod 2^64 - 59, for a below that. */
static uint64_t
add64(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	sum += OFFSET64 & -(uint64_t)(sum < a);
	return sum - (PRIME64 & -(uint64_t)(sum >= PRIME64));
}

/* One word of POLY: y*k + m; a word out of range as a marker and then the
 * word less an offset. Both ways are gone, since m is a keyed hash. */
static uint64_t
poly64(uint64_t y, uint64_t k, uint64_t m)
{
	uint64_t large = -(uint64_t)(m >= L2_RANGE);
	uint64_t marked = add64(multiply64(y, k), PRIME64 - 1);

	y = (marked & large) | (y & ~large);
	return add64(multiply64(y, k), m - (OFFSET64 & large));
}

/* ---- third layer, s5.4 ---- */

/* The upper half of what comes in is zero for messages up to MESSAGE_MAX. */
static uint32_t
hash_last(const uint64_t key[static 4], uint64_t v)
{
	uint64_t sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (v >> (48 - 16 * i) & 0xffff) * key[i];
	/* Below 2^54; 2^36 is 5. */
	sum = (sum & 0xfffffffff) + 5 * (sum >> 36);
	sum -= PRIME36 & -(uint64_t)(sum >= PRIME36);
	return (uint32_t)sum;
}

int
umac_compute(struct umac *u, uint64_t nonce, const uint8_t *data, size_t len,
    uint8_t *out)
{
	uint64_t y[STREAMS_MAX] = { 1, 1, 1, 1 };
	uint64_t sums[STREAMS_MAX] = { 0 };
	size_t streams = u->tag_size / 4;
	bool one_chunk = len <= CHUNK;

	if (len > MESSAGE_MAX)
		return ERR_LIMIT;
	do {
		size_t n = len < CHUNK ? len : CHUNK;

		hash_chunk(u, data, n, sums);
		for (size_t s = 0; s < streams && !one_chunk; s++)
			y[s] = poly64(y[s], u->l2_key[s], sums[s]);
		data += n;
		len -= n;
	} while (len > 0);
	for (size_t s = 0; s < streams; s++) {
		uint32_t word = htobe32(
		    hash_last(u->l3_multiply[s], one_chunk ? sums[s] : y[s]) ^
		    u->l3_add[s]);

		memcpy(out + 4 * s, &word, sizeof(word));
	}
	return xor_pad(u, nonce, out);
}
