/*
 * algorithm_names.c - the names of all algorithms, for configuration.
 */
#include "common/transport/algorithm_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/crypto/cipher.h"
#include "common/crypto/mac.h"
#include "common/key/key.h"
#include "common/transport/kex_method.h"

/* Orders of preference; what a table lacks is left out. */
#define AES_GCM "aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define CHACHA  "chacha20-poly1305@openssh.com"
#define AES_CTR "aes128-ctr,aes192-ctr,aes256-ctr"

static const char mac_order[] =
    "umac-64-etm@openssh.com,umac-128-etm@openssh.com,"
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
    "hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,"
    "hmac-sha2-256,hmac-sha2-512,hmac-sha1";

static const char ca_order[] =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
    "ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
    "sk-ecdsa-sha2-nistp256@openssh.com,"
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";

static void
add(struct buf *out, const char *name)
{
	if (out->len > 0)
		write_byte(out, ',');
	write_span(out, span_text(name));
}

static void
list_ciphers(struct buf *known, struct buf *fallback)
{
	const char *order = cipher_cpu_has_aes()
				? AES_GCM "," CHACHA "," AES_CTR
				: CHACHA "," AES_GCM "," AES_CTR;

	for (size_t i = 0; cipher_row(i) != NULL; i++)
		if ((cipher_row(i)->flags & CIPHER_INTERNAL) == 0)
			add(known, cipher_row(i)->name);
	write_span(fallback, span_text(order));
}

static void
list_macs(struct buf *known, struct buf *fallback)
{
	for (size_t i = 0; mac_row(i) != NULL; i++)
		add(known, mac_row(i)->name);
	write_span(fallback, span_text(mac_order));
}

static void
list_kex(bool server, struct buf *known, struct buf *fallback)
{
	unsigned off = KEX_OFF | (server ? KEX_SERVER_OFF : 0u);

	for (size_t i = 0; kex_row(i) != NULL; i++) {
		add(known, kex_row(i)->name);
		if ((kex_row(i)->flags & off) == 0)
			add(fallback, kex_row(i)->name);
	}
}

static void
list_signatures(struct buf *known, struct buf *fallback)
{
	for (size_t i = 0; signature_row(i) != NULL; i++)
		add(known, signature_row(i)->name);
	write_span(fallback, span_text(signature_default_list()));
}

/* A CA signs with a plain key. */
static void
list_ca_signatures(struct buf *known, struct buf *fallback)
{
	for (size_t i = 0; signature_row(i) != NULL; i++)
		if (!signature_is_of_certificate(signature_row(i)))
			add(known, signature_row(i)->name);
	write_span(fallback, span_text(ca_order));
}

static int
keep(struct algorithm_names *a, enum config_family family, struct buf *known,
    struct buf *fallback, const char *what)
{
	struct config_algorithms *f = &a->family[family];
	char *known_text = buf_take_text(known);
	char *fallback_text = buf_take_text(fallback);

	a->owned[2 * family] = known_text;
	a->owned[2 * family + 1] = fallback_text;
	f->known = known_text;
	f->fallback = fallback_text;
	f->what = what;
	return known_text == NULL || fallback_text == NULL ? ERR_MEMORY : 0;
}

int
algorithm_names_load(bool server, struct algorithm_names *ret)
{
	struct algorithm_names a = { 0 };
	struct buf known = BUF_INIT, fallback = BUF_INIT;
	int r = 0;

	list_ciphers(&known, &fallback);
	r |= keep(&a, CONFIG_CIPHERS, &known, &fallback, "SSH2 cipher spec");
	list_macs(&known, &fallback);
	r |= keep(&a, CONFIG_MACS, &known, &fallback,
	    server ? "SSH2 mac spec" : "SSH2 MAC spec");
	list_kex(server, &known, &fallback);
	r |= keep(&a, CONFIG_KEX, &known, &fallback, "SSH2 KexAlgorithms");
	list_signatures(&known, &fallback);
	r |= keep(&a, CONFIG_SIGNATURES, &known, &fallback, "key types");
	list_signatures(&known, &fallback);
	r |= keep(&a, CONFIG_USER_SIGNATURES, &known, &fallback, "key types");
	list_ca_signatures(&known, &fallback);
	r |= keep(&a, CONFIG_CA_SIGNATURES, &known, &fallback, "key types");
	buf_release(&known);
	buf_release(&fallback);
	if (r != 0) {
		algorithm_names_release(&a);
		return ERR_MEMORY;
	}
	for (size_t i = CONFIG_SIGNATURES; i < CONFIG_FAMILIES; i++)
		a.family[i].patterns = true;
	*ret = a;
	return 0;
}

void
algorithm_names_release(struct algorithm_names *a)
{
	for (size_t i = 0; i < ARRAY_COUNT(a->owned); i++) {
		free(a->owned[i]);
		a->owned[i] = NULL;
	}
}
