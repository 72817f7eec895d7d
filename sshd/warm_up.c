/*
 * warm_up.c - one key agreement and a cipher of each kind, thrown away.
 */
#include "sshd/warm_up.h"

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/crypto/agreement.h"
#include "common/crypto/cipher.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"

#define CIPHERS_MOST 3

static void
agree(void)
{
	uint8_t mine[X25519_SIZE], secret[X25519_SIZE] = { 9 };
	struct x25519 *x = NULL;

	if (x25519_new(secret, &x, mine) != 0)
		return;
	/* With its own public value: any point does. */
	IGNORE_RESULT(x25519_agree(x, mine, secret));
	x25519_free(x);
	secret_wipe(secret, sizeof(secret));
}

static void
make_cipher(struct span name)
{
	static const uint8_t zero[64];
	const struct cipher_algorithm *a = cipher_find(name);
	struct cipher *c = NULL;

	if (a == NULL || a->key_size > sizeof(zero) ||
	    a->iv_size > sizeof(zero))
		return;
	if (cipher_new(a, CIPHER_ENCRYPT, zero, zero, &c) == 0)
		cipher_free(c);
}

void
warm_up(const struct sshd_options *o)
{
	struct span rest = span_text(o->ciphers), name;
	uint8_t hash[DIGEST_MAX];
	uint8_t some[16];

	/* Whatever fails here fails again where it matters. */
	IGNORE_RESULT(random_fill(&random_fast, some, sizeof(some)));
	IGNORE_RESULT(digest_of(DIGEST_SHA256, span_text("warm"), hash));
	for (int i = 0; i < CIPHERS_MOST && list_next(&rest, &name); i++)
		make_cipher(name);
	agree();
}
