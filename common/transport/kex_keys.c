/*
 * kex_keys.c - what a key exchange comes to: the exchange hash, the keys, and
 * the two directions that use them.
 * RFC 4253 s7.2, s8; RFC 4419 s3. Holds secrets, wiped before return.
 */
#include "common/transport/transport_impl.h"

#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"

#define KEY_MAX 64

static void
write_group_fields(struct buf *b, const struct kex *k)
{
	const struct dh_group *g =
	    k->server_group != NULL ? k->server_group : &k->group;

	if (!k->group_old)
		write_uint32(b, k->group_min);
	write_uint32(b, k->group_wanted);
	if (!k->group_old)
		write_uint32(b, k->group_max);
	write_mpint(b, g->prime);
	write_mpint(b, g->generator);
}

/* RFC 4253 s8, RFC 4419 s3, RFC 5656 s4: all in one order. */
int
kex_hash(struct transport *t, struct kex *k)
{
	bool client = t->config.role == TRANSPORT_CLIENT;
	const struct kex_algorithm *a = k->chosen.kex;
	struct buf b = BUF_SECRET_INIT;
	int r;

	write_text(&b, client ? t->config.ident : t->peer_ident);
	write_text(&b, client ? t->peer_ident : t->config.ident);
	write_string(&b, buf_span(client ? &k->our_kexinit : &k->peer_kexinit));
	write_string(&b, buf_span(client ? &k->peer_kexinit : &k->our_kexinit));
	write_string(&b, buf_span(&k->host_key_blob));
	if ((a->flags & KEX_GROUP_EXCHANGE) != 0)
		write_group_fields(&b, k);
	kex_write_public(a, &b, buf_span(&k->init));
	kex_write_public(a, &b, buf_span(&k->reply));
	write_span(&b, buf_span(&k->secret));
	if ((r = buf_error(&b)) == 0)
		r = digest_of(a->digest, buf_span(&b), k->hash);
	k->hash_len = digest_size(a->digest);
	buf_release(&b);
	return r == 0 ? 0 : fail(t, r, "%s", error_text(r));
}

/* RFC 4253 s7.2: K1 = HASH(K || H || X || session_id), and
 * Kn+1 = HASH(K || H || K1 || ... || Kn). */
static int
derive(const struct transport *t, const struct kex *k, char letter,
    uint8_t *out, size_t len)
{
	enum digest_algorithm a = k->chosen.kex->digest;
	size_t size = digest_size(a), base, n;
	struct buf in = BUF_SECRET_INIT;
	uint8_t block[DIGEST_MAX];
	int r = 0;

	write_span(&in, buf_span(&k->secret));
	write_bytes(&in, k->hash, k->hash_len);
	base = in.len;
	write_byte(&in, (uint8_t)letter);
	write_bytes(&in, t->session_id, t->session_id_len);
	for (size_t have = 0; have < len; have += n) {
		if ((r = buf_error(&in)) != 0 ||
		    (r = digest_of(a, buf_span(&in), block)) != 0)
			break;
		n = len - have < size ? len - have : size;
		memcpy(out + have, block, n);
		if (have == 0)
			buf_truncate(&in, base);
		write_bytes(&in, block, size);
	}
	secret_wipe(block, sizeof block);
	buf_release(&in);
	return r;
}

/* New keys for a direction: 0 is client to server. */
int
kex_set_keys(struct transport *t, struct kex *k, unsigned direction,
    enum cipher_direction what, struct protector *p)
{
	const struct cipher_algorithm *ca = k->chosen.cipher[direction];
	const struct mac_algorithm *ma = k->chosen.mac[direction];
	uint8_t iv[KEY_MAX], key[KEY_MAX], mac_key[KEY_MAX];
	struct cipher *cipher = NULL;
	struct mac *mac = NULL;
	int r;

	if (ca->iv_size > KEY_MAX || ca->key_size > KEY_MAX ||
	    (ma != NULL && ma->key_size > KEY_MAX))
		bug("%s: keys are larger than expected", ca->name);
	r = derive(t, k, (char)('A' + direction), iv, ca->iv_size);
	if (r == 0)
		r = derive(t, k, (char)('C' + direction), key, ca->key_size);
	if (r == 0 && ma != NULL)
		r = derive(
		    t, k, (char)('E' + direction), mac_key, ma->key_size);
	if (r == 0)
		r = cipher_new(ca, what, key, iv, &cipher);
	if (r == 0 && ma != NULL)
		r = mac_new(ma, mac_key, &mac);
	secret_wipe(iv, sizeof iv);
	secret_wipe(key, sizeof key);
	secret_wipe(mac_key, sizeof mac_key);
	if (r != 0) {
		cipher_free(cipher);
		return fail(t, r, "%s", error_text(r));
	}
	protector_set(p, cipher, mac, t->config.rekey_bytes);
	if (t->strict)
		p->seqnr = 0;
	return 0;
}

/* RFC 4253 s6.2: compression begins anew with the keys. */
int
kex_set_compression(struct transport *t, bool wanted, bool deflating)
{
	struct compressor *c = deflating ? &t->deflater : &t->inflater;
	int r;

	compressor_stop(c, deflating);
	if (!wanted || !t->authenticated)
		return 0;
	if ((r = compressor_start(c, deflating)) != 0)
		return fail(t, r, "%s", error_text(r));
	return 0;
}
