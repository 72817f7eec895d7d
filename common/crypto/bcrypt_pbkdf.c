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

static inline void
encrypt(const struct blowfish *b, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left ^ b->w[0];
	uint32_t r = *right;

	for (int i = 1; i <= 16; i += 2) {
		r ^= mix(b, l) ^ b->w[i];
		l ^= mix(b, r) ^ b->w[i + 1];
	}
	*left = r ^ b->w[17];
	*right = l;
}

/* EksBlowfish's ExpandKey: each pair of words becomes the encryption of the
 * one before, into which the salt is mixed, over and over. */
static void
expand(struct blowfish *b, const uint32_t salt[static KEY_WORDS],
    const uint32_t key[static KEY_WORDS])
{
	uint32_t l = 0, r = 0;

	for (int i = 0; i < P_WORDS; i++)
		b->w[i] ^= key[i % KEY_WORDS];
	for (int i = 0; i < P_WORDS + S_WORDS; i += 2) {
		l ^= salt[i % KEY_WORDS];
		r ^= salt[(i + 1) % KEY_WORDS];
		encrypt(b, &l, &r);
		b->w[i] = l;
		b->w[i + 1] = r;
	}
}

/* ---- bcrypt, with 64 bytes each of password and salt ---- */

static void
bcrypt_hash(const uint8_t password[static SHA512_SIZE],
    const uint8_t salt[static SHA512_SIZE], uint8_t out[static HASH_SIZE])
{
	static const uint32_t none[KEY_WORDS];
	static const uint8_t text[] = "OxychromaticBlowfishSwatDynamite";
	uint32_t password_words[KEY_WORDS], salt_words[KEY_WORDS];
	uint32_t words[HASH_WORDS];
	struct blowfish b;

	memcpy(b.w, pi, sizeof(b.w));
	for (int i = 0; i < KEY_WORDS; i++) {
		password_words[i] = load_big(password + 4 * i);
		salt_words[i] = load_big(salt + 4 * i);
	}
	expand(&b, salt_words, password_words);
	for (int i = 0; i < EXPANSIONS; i++) {
		expand(&b, none, salt_words);
		expand(&b, none, password_words);
	}
	for (int i = 0; i < HASH_WORDS; i++)
		words[i] = load_big(text + 4 * i);
	for (int i = 0; i < ENCRYPTIONS; i++)
		for (int j = 0; j < HASH_WORDS; j += 2)
			encrypt(&b, &words[j], &words[j + 1]);
	/* Little-endian, unlike all that comes in. */
	for (int i = 0; i < HASH_SIZE; i++)
		out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	secret_wipe(&b, sizeof(b));
	secret_wipe(password_words, sizeof(password_words));
	secret_wipe(salt_words, sizeof(salt_words));
	secret_wipe(words, sizeof(words));
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

/* One block of output: the sum of the rounds. */
static int
derive_block(const uint8_t password[static SHA512_SIZE], struct span salt,
    uint32_t block, uint32_t rounds, uint8_t out[static HASH_SIZE])
{
	uint8_t round_salt[SHA512_SIZE];
	uint8_t hash[HASH_SIZE];
	int r = block_salt(salt, block, round_salt);

	memset(out, 0, HASH_SIZE);
	while (r == 0) {
		bcrypt_hash(password, round_salt, hash);
		for (int i = 0; i < HASH_SIZE; i++)
			out[i] ^= hash[i];
		if (--rounds == 0)
			break;
		r = digest_of(
		    DIGEST_SHA512, span_of(hash, HASH_SIZE), round_salt);
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
	uint8_t block[HASH_SIZE];
	size_t blocks = (key_len + HASH_SIZE - 1) / HASH_SIZE;
	int r;

	if (rounds == 0 || password.len == 0 || salt.len == 0 || key_len == 0 ||
	    key_len > KEY_MAX)
		return ERR_ARGUMENT;
	r = digest_of(DIGEST_SHA512, password, password_hash);
	for (size_t i = 0; i < blocks && r == 0; i++) {
		r = derive_block(
		    password_hash, salt, (uint32_t)i + 1, rounds, block);
		for (size_t j = 0; j * blocks + i < key_len && r == 0; j++)
			key[j * blocks + i] = block[j];
	}
	secret_wipe(password_hash, sizeof(password_hash));
	secret_wipe(block, sizeof(block));
	return r;
}
