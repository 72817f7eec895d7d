/*
 * bcrypt_pbkdf.c - the password KDF of openssh-key-v1 files.
 * Provos, Mazieres: "A Future-Adaptable Password Scheme" (bcrypt); Schneier:
 * Blowfish; RFC 8018 s5.2 (PBKDF2), with the output spread over the key.
 *
 * The Blowfish in it is ours: OpenSSL has it in its legacy provider only, and
 * without bcrypt's key schedule. Its boxes are looked up by values computed
 * from the password, as the algorithm demands: time may depend on them
 * through caches, and cannot otherwise.
 */
#include "common/crypto/bcrypt_pbkdf.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/declassify.h"
#include "common/crypto/digest.h"

enum {
	P_WORDS = 18,
	S_WORDS = 4 * 256,
	KEY_WORDS = 16, /* a SHA-512 hash */
	HASH_WORDS = 8,
	HASH_SIZE = 4 * HASH_WORDS,
	EXPANSIONS = 64,
	ENCRYPTIONS = 64,
	SHA512_SIZE = 64,
	KEY_MAX = 1024
};

/* P, then the four S boxes: one run, as the key schedule goes through it. */
struct blowfish {
	uint32_t w[P_WORDS + S_WORDS];
};

static const uint32_t pi[P_WORDS + S_WORDS] = {
#include "common/crypto/blowfish_tables.inc"
};

static uint32_t
load_big(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* ---- Blowfish ---- */

static inline uint32_t
mix(const struct blowfish *b, uint32_t x)
{
	const uint32_t *s = b->w + P_WORDS;

	/* An index made of a secret: see the head of this file. */
	declassify(&x, sizeof(x));
	return ((s[x >> 24] + s[256 + (x >> 16 & 255)]) ^
		   s[512 + (x >> 8 & 255)]) +
	       s[768 + (x & 255)];
}

/*
 * Blocks of output do not depend on each other, and a step of Blowfish waits
 * for the one before: two blocks side by side take hardly longer than one.
 * `lanes` is a constant to the compiler wherever it is used.
 */
#define LANES_MAX 2

static inline void
encrypt(const struct blowfish b[LANES_MAX], int lanes, uint32_t left[LANES_MAX],
    uint32_t right[LANES_MAX])
{
	uint32_t l[LANES_MAX], r[LANES_MAX];

	for (int n = 0; n < lanes; n++) {
		l[n] = left[n] ^ b[n].w[0];
		r[n] = right[n];
	}
	for (int i = 1; i <= 16; i += 2) {
		for (int n = 0; n < lanes; n++)
			r[n] ^= mix(&b[n], l[n]) ^ b[n].w[i];
		for (int n = 0; n < lanes; n++)
			l[n] ^= mix(&b[n], r[n]) ^ b[n].w[i + 1];
	}
	for (int n = 0; n < lanes; n++) {
		left[n] = r[n] ^ b[n].w[17];
		right[n] = l[n];
	}
}

/* EksBlowfish's ExpandKey: each pair of words becomes the encryption of the
 * one before, into which the salt is mixed, over and over. */
static inline void
expand(struct blowfish b[LANES_MAX], int lanes,
    const uint32_t salt[LANES_MAX][KEY_WORDS],
    const uint32_t key[LANES_MAX][KEY_WORDS])
{
	uint32_t l[LANES_MAX] = { 0 }, r[LANES_MAX] = { 0 };

	for (int i = 0; i < P_WORDS; i++)
		for (int n = 0; n < lanes; n++)
			b[n].w[i] ^= key[n][i % KEY_WORDS];
	for (int i = 0; i < P_WORDS + S_WORDS; i += 2) {
		for (int n = 0; n < lanes; n++) {
			l[n] ^= salt[n][i % KEY_WORDS];
			r[n] ^= salt[n][(i + 1) % KEY_WORDS];
		}
		encrypt(b, lanes, l, r);
		for (int n = 0; n < lanes; n++) {
			b[n].w[i] = l[n];
			b[n].w[i + 1] = r[n];
		}
	}
}

/* ---- bcrypt, with 64 bytes each of password and salt ---- */

/* Everything that a call of bcrypt_hash() knows, to be wiped at once. */
struct bcrypt_state {
	struct blowfish b[LANES_MAX];
	uint32_t password[LANES_MAX][KEY_WORDS], salt[LANES_MAX][KEY_WORDS];
	uint32_t left[LANES_MAX], right[LANES_MAX];
};

static inline void
hash_lanes(const uint8_t password[static SHA512_SIZE],
    const uint8_t salt[LANES_MAX][SHA512_SIZE], int lanes,
    uint8_t out[LANES_MAX][HASH_SIZE])
{
	static const uint32_t none[LANES_MAX][KEY_WORDS];
	static const uint8_t text[] = "OxychromaticBlowfishSwatDynamite";
	struct bcrypt_state s;

	for (int n = 0; n < lanes; n++) {
		memcpy(s.b[n].w, pi, sizeof(s.b[n].w));
		for (int i = 0; i < KEY_WORDS; i++) {
			s.password[n][i] = load_big(password + 4 * i);
			s.salt[n][i] = load_big(salt[n] + 4 * i);
		}
	}
	expand(s.b, lanes, s.salt, s.password);
	for (int i = 0; i < EXPANSIONS; i++) {
		expand(s.b, lanes, none, s.salt);
		expand(s.b, lanes, none, s.password);
	}
	for (int j = 0; j < HASH_WORDS; j += 2) {
		for (int n = 0; n < lanes; n++) {
			s.left[n] = load_big(text + 4 * j);
			s.right[n] = load_big(text + 4 * j + 4);
		}
		for (int i = 0; i < ENCRYPTIONS; i++)
			encrypt(s.b, lanes, s.left, s.right);
		/* Little-endian, unlike all that comes in. */
		for (int n = 0; n < lanes; n++)
			for (int i = 0; i < 4; i++) {
				out[n][4 * j + i] =
				    (uint8_t)(s.left[n] >> 8 * i);
				out[n][4 * j + 4 + i] =
				    (uint8_t)(s.right[n] >> 8 * i);
			}
	}
	secret_wipe(&s, sizeof(s));
}

static void
bcrypt_hash(const uint8_t password[static SHA512_SIZE],
    const uint8_t salt[LANES_MAX][SHA512_SIZE], int lanes,
    uint8_t out[LANES_MAX][HASH_SIZE])
{
	if (lanes == 1)
		hash_lanes(password, salt, 1, out);
	else
		hash_lanes(password, salt, LANES_MAX, out);
}

/* ---- the frame ---- */

/* SHA-512 of salt and the block's number. */
static int
block_salt(struct span salt, uint32_t block, uint8_t out[static SHA512_SIZE])
{
	struct buf text = BUF_INIT;
	int r;

	write_span(&text, salt);
	write_uint32(&text, block);
	if ((r = buf_error(&text)) == 0)
		r = digest_of(DIGEST_SHA512, buf_span(&text), out);
	buf_release(&text);
	return r;
}

/* Blocks of output, from number first on: each the sum of its rounds. */
static int
derive_blocks(const uint8_t password[static SHA512_SIZE], struct span salt,
    uint32_t first, int lanes, uint32_t rounds,
    uint8_t out[LANES_MAX][HASH_SIZE])
{
	uint8_t round_salt[LANES_MAX][SHA512_SIZE];
	uint8_t hash[LANES_MAX][HASH_SIZE];
	int r = 0;

	for (int n = 0; n < lanes && r == 0; n++)
		r = block_salt(salt, first + (uint32_t)n, round_salt[n]);
	memset(out, 0, LANES_MAX * HASH_SIZE);
	while (r == 0) {
		bcrypt_hash(password, round_salt, lanes, hash);
		for (int n = 0; n < lanes; n++)
			for (int i = 0; i < HASH_SIZE; i++)
				out[n][i] ^= hash[n][i];
		if (--rounds == 0)
			break;
		for (int n = 0; n < lanes && r == 0; n++)
			r = digest_of(DIGEST_SHA512,
			    span_of(hash[n], HASH_SIZE), round_salt[n]);
	}
	secret_wipe(round_salt, sizeof(round_salt));
	secret_wipe(hash, sizeof(hash));
	return r;
}

/*
 * Unlike PBKDF2's, the blocks do not follow each other: with n of them, the
 * i-th gives bytes i, i + n, i + 2n and so on, so that no part of the key
 * comes cheaper than the whole.
 */
int
bcrypt_pbkdf(struct span password, struct span salt, uint32_t rounds,
    uint8_t *key, size_t key_len)
{
	uint8_t password_hash[SHA512_SIZE];
	uint8_t block[LANES_MAX][HASH_SIZE];
	size_t blocks = (key_len + HASH_SIZE - 1) / HASH_SIZE;
	int r, lanes;

	if (rounds == 0 || password.len == 0 || salt.len == 0 || key_len == 0 ||
	    key_len > KEY_MAX)
		return ERR_ARGUMENT;
	r = digest_of(DIGEST_SHA512, password, password_hash);
	for (size_t i = 0; i < blocks && r == 0; i += (size_t)lanes) {
		lanes = blocks - i < LANES_MAX ? 1 : LANES_MAX;
		r = derive_blocks(
		    password_hash, salt, (uint32_t)i + 1, lanes, rounds, block);
		for (int n = 0; n < lanes && r == 0; n++)
			for (size_t j = 0; j * blocks + i + (size_t)n < key_len;
			     j++)
				key[j * blocks + i + (size_t)n] = block[n][j];
	}
	secret_wipe(password_hash, sizeof(password_hash));
	secret_wipe(block, sizeof(block));
	return r;
}
