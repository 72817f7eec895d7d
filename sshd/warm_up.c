/*
 * warm_up.c - one key agreement, a signature of each kind and the first
 * ciphers, thrown away. What OpenSSL looks up and allocates for them is then
 * there once, and not once in each of the processes that are forked.
 */
#include "sshd/warm_up.h"

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/crypto/agreement.h"
#include "common/crypto/cipher.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/key/key.h"

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

/* Made, read again, signed with, verified: all that a login does. */
static void
sign(const char *type)
{
	struct key *k = NULL, *public = NULL;
	struct buf signature = BUF_INIT;
	struct span text = span_text("warm");
	const struct signature_algorithm *a;

	if (key_generate(type, 0, &k, NULL) != 0)
		return;
	a = key_choose_signature(k, span_of(NULL, 0));
	if (a != NULL && key_from_blob(key_blob(k), &public) == 0 &&
	    key_sign(k, a, text, &signature) == 0)
		IGNORE_RESULT(
		    key_verify(public, a, text, buf_span(&signature)));
	buf_release(&signature);
	key_unref(public);
	key_unref(k);
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
	sign("ed25519");
	sign("ecdsa");
}
