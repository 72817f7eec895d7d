/*
 * random.c - randomness: the system's, a fast one, a seeded one for tests.
 *
 * The fast one is ChaCha20 with "fast key erasure": each refill makes the
 * next key and a buffer of output; the key is overwritten at once and output
 * bytes as they are handed out, so that what was given cannot be found later in
 * memory. After 1 MiB the key takes in fresh bytes of the system's. A child
 * of fork() starts without key or buffer (pthread_atfork, which costs no
 * system call later on, so it works in a confined process).
 */
#include "common/crypto/random.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/base/error.h"
#include "common/base/secret.h"

#define FAST_KEY    32
#define FAST_BUFFER 2048
#define FAST_RESEED (1024 * 1024)

static struct {
	EVP_CIPHER_CTX *ctx;
	bool is_keyed;
	uint8_t key[FAST_KEY];
	uint8_t buffer[FAST_BUFFER];
	size_t left; /* unused bytes, at the end of buffer */
	size_t since_seed;
} fast;

static int
fill_system(void *context, uint8_t *out, size_t len)
{
	while (len > 0) {
		size_t n = len > 1 << 20 ? 1 << 20 : len;

		if (RAND_priv_bytes(out, (int)n) != 1)
			return ERR_RANDOM;
		out += n;
		len -= n;
	}
	return 0;
}

/* In the child: what the parent holds in its buffer must not be used twice. */
static void
fast_forget(void)
{
	fast.is_keyed = false;
	fast.left = 0;
	secret_wipe(fast.key, sizeof(fast.key));
	secret_wipe(fast.buffer, sizeof(fast.buffer));
}

static int
fast_start(void)
{
	EVP_CIPHER *chacha;
	int ok;

	if ((fast.ctx = EVP_CIPHER_CTX_new()) == NULL)
		return ERR_MEMORY;
	chacha = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
	ok = chacha != NULL &&
	     EVP_EncryptInit_ex2(fast.ctx, chacha, NULL, NULL, NULL) == 1 &&
	     pthread_atfork(NULL, NULL, fast_forget) == 0;
	EVP_CIPHER_free(chacha); /* the context keeps its own reference */
	if (!ok) {
		EVP_CIPHER_CTX_free(fast.ctx);
		fast.ctx = NULL;
		return ERR_CRYPTO;
	}
	return 0;
}

static int
fast_seed(void)
{
	uint8_t fresh[FAST_KEY];
	int r;

	if ((r = fill_system(NULL, fresh, sizeof(fresh))) != 0)
		return r;
	for (size_t i = 0; i < sizeof(fresh); i++)
		fast.key[i] ^= fresh[i];
	secret_wipe(fresh, sizeof(fresh));
	fast.is_keyed = true;
	fast.since_seed = 0;
	return 0;
}

static int
fast_refill(void)
{
	static const uint8_t zero_iv[16];
	int n, r;

	if (fast.ctx == NULL && (r = fast_start()) != 0)
		return r;
	if (!fast.is_keyed || fast.since_seed >= FAST_RESEED) {
		if ((r = fast_seed()) != 0)
			return r;
	}
	if (EVP_EncryptInit_ex2(fast.ctx, NULL, fast.key, zero_iv, NULL) != 1)
		return ERR_CRYPTO;
	/* The key stream: zeros encrypted, first the next key. */
	memset(fast.key, 0, sizeof(fast.key));
	memset(fast.buffer, 0, sizeof(fast.buffer));
	if (EVP_EncryptUpdate(
		fast.ctx, fast.key, &n, fast.key, sizeof(fast.key)) != 1 ||
	    EVP_EncryptUpdate(fast.ctx, fast.buffer, &n, fast.buffer,
		sizeof(fast.buffer)) != 1) {
		fast_forget();
		return ERR_CRYPTO;
	}
	fast.left = sizeof(fast.buffer);
	fast.since_seed += sizeof(fast.buffer);
	return 0;
}

static int
fill_fast(void *context, uint8_t *out, size_t len)
{
	while (len > 0) {
		uint8_t *from;
		size_t n;
		int r;

		if (fast.left == 0 && (r = fast_refill()) != 0)
			return r;
		n = len < fast.left ? len : fast.left;
		from = fast.buffer + sizeof(fast.buffer) - fast.left;
		memcpy(out, from, n);
		memset(from, 0, n);
		fast.left -= n;
		out += n;
		len -= n;
	}
	return 0;
}

static uint64_t
rotate_left(uint64_t v, unsigned n)
{
	return (v << n) | (v >> (64 - n));
}

/* xoshiro256** (Blackman, Vigna): statistically sound, not secret. */
static uint64_t
seeded_next(struct random_seeded *s)
{
	uint64_t *w = s->state;
	uint64_t result = rotate_left(w[1] * 5, 7) * 9;
	uint64_t t = w[1] << 17;

	w[2] ^= w[0];
	w[3] ^= w[1];
	w[1] ^= w[2];
	w[0] ^= w[3];
	w[2] ^= t;
	w[3] = rotate_left(w[3], 45);
	return result;
}

static int
fill_seeded(void *context, uint8_t *out, size_t len)
{
	struct random_seeded *s = context;

	while (len > 0) {
		uint64_t v = seeded_next(s);
		size_t n = len < 8 ? len : 8;

		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)(v >> (8 * i));
		out += n;
		len -= n;
	}
	return 0;
}

void
random_forked(void)
{
	fast_forget();
}

const struct random_source random_system = { fill_system, NULL };
const struct random_source random_fast = { fill_fast, NULL };

int
random_fill(const struct random_source *s, void *out, size_t len)
{
	return s->fill(s->context, out, len);
}

void
random_seeded_init(struct random_seeded *s, uint64_t seed)
{
	/* SplitMix64 spreads a small seed over the whole state. */
	for (size_t i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		s->state[i] = z ^ (z >> 31);
	}
}

struct random_source
random_seeded_source(struct random_seeded *s)
{
	return (struct random_source){ fill_seeded, s };
}
