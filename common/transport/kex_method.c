/*
 * kex_method.c - the key exchange methods.
 * RFC 4253 s8, RFC 4419, RFC 5656 s4, RFC 8268, RFC 8731,
 * draft-ietf-sshm-mlkem-hybrid-kex, draft-ietf-sshm-ntruprime-ssh.
 *
 * A method is a classical agreement, and in front of it, for the hybrid
 * ones, a key encapsulation. Either part keeps no more than its private
 * value, and only between init and reply.
 */
#include "common/transport/kex_method.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/mlkem768.h"
#include "common/crypto/sntrup761.h"

/* What is agreed upon beside the KEM, if there is one. */
enum classical {
	CLASSICAL_X25519,
	CLASSICAL_ECDH,
	CLASSICAL_DH
};

enum {
	KEM_NONE,
	KEM_MLKEM768,
	KEM_SNTRUP761
};

#define KIND(kem, classical) ((kem) << 4 | (classical))
#define KIND_KEM(kind)       ((kind) >> 4)
#define KIND_CLASSICAL(kind) ((enum classical)((kind)&15))

#define X25519_KIND   KIND(KEM_NONE, CLASSICAL_X25519)
#define ECDH_KIND     KIND(KEM_NONE, CLASSICAL_ECDH)
#define DH_KIND       KIND(KEM_NONE, CLASSICAL_DH)
#define MLKEM_X25519  KIND(KEM_MLKEM768, CLASSICAL_X25519)
#define MLKEM_ECDH    KIND(KEM_MLKEM768, CLASSICAL_ECDH)
#define SNTRUP_X25519 KIND(KEM_SNTRUP761, CLASSICAL_X25519)

enum {
	MPINT_ON = KEX_MPINT | KEX_SERVER_OFF,
	MPINT_OFF = KEX_MPINT | KEX_OFF,
	GEX_ON = MPINT_ON | KEX_GROUP_EXCHANGE,
	GEX_OFF = MPINT_OFF | KEX_GROUP_EXCHANGE,
	PQ_ON = KEX_POST_QUANTUM,
	PQ_OFF = KEX_POST_QUANTUM | KEX_OFF
};

/* In the order of preference; parameter: the curve, or the fixed group. */
/* clang-format off */
static const struct kex_algorithm algorithms[] = {
	{ "mlkem768x25519-sha256",                DIGEST_SHA256, PQ_ON,     MLKEM_X25519,  0 },
	{ "sntrup761x25519-sha512",               DIGEST_SHA512, PQ_ON,     SNTRUP_X25519, 0 },
	{ "sntrup761x25519-sha512@openssh.com",   DIGEST_SHA512, PQ_ON,     SNTRUP_X25519, 0 },
	{ "curve25519-sha256",                    DIGEST_SHA256, 0,         X25519_KIND,   0 },
	{ "curve25519-sha256@libssh.org",         DIGEST_SHA256, 0,         X25519_KIND,   0 },
	{ "ecdh-sha2-nistp256",                   DIGEST_SHA256, 0,         ECDH_KIND,     CURVE_NISTP256 },
	{ "ecdh-sha2-nistp384",                   DIGEST_SHA384, 0,         ECDH_KIND,     CURVE_NISTP384 },
	{ "ecdh-sha2-nistp521",                   DIGEST_SHA512, 0,         ECDH_KIND,     CURVE_NISTP521 },
	{ "diffie-hellman-group-exchange-sha256", DIGEST_SHA256, GEX_ON,    DH_KIND,       0 },
	{ "diffie-hellman-group16-sha512",        DIGEST_SHA512, MPINT_ON,  DH_KIND,       16 },
	{ "diffie-hellman-group18-sha512",        DIGEST_SHA512, MPINT_ON,  DH_KIND,       18 },
	{ "diffie-hellman-group14-sha256",        DIGEST_SHA256, MPINT_ON,  DH_KIND,       14 },
	{ "mlkem768nistp256-sha256",              DIGEST_SHA256, PQ_OFF,    MLKEM_ECDH,    CURVE_NISTP256 },
	{ "diffie-hellman-group14-sha1",          DIGEST_SHA1,   MPINT_OFF, DH_KIND,       14 },
	{ "diffie-hellman-group-exchange-sha1",   DIGEST_SHA1,   GEX_OFF,   DH_KIND,       0 },
	{ "diffie-hellman-group1-sha1",           DIGEST_SHA1,   MPINT_OFF, DH_KIND,       1 },
};
/* clang-format on */

const struct kex_algorithm *
kex_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++)
		if (span_is(name, algorithms[i].name))
			return &algorithms[i];
	return NULL;
}

const struct kex_algorithm *
kex_row(size_t index)
{
	return index < ARRAY_COUNT(algorithms) ? &algorithms[index] : NULL;
}

void
kex_write_public(
    const struct kex_algorithm *a, struct buf *out, struct span value)
{
	if ((a->flags & KEX_MPINT) != 0)
		write_mpint(out, value);
	else
		write_string(out, value);
}

unsigned
kex_group_bits(unsigned security_bits)
{
	/* 3des-cbc (112) too: 2048 bits are asked for as the minimum only. */
	if (security_bits <= 128)
		return 3072;
	if (security_bits <= 192)
		return 7680;
	return 8192;
}

/* ---- the classical part ---- */

struct agreement {
	enum classical kind;
	union {
		struct x25519 *x25519;
		struct ecdh *ecdh;
		struct dh *dh;
	} u;
};

static void
agreement_release(struct agreement *g)
{
	switch (g->kind) {
	case CLASSICAL_X25519:
		x25519_free(g->u.x25519);
		break;
	case CLASSICAL_ECDH:
		ecdh_free(g->u.ecdh);
		break;
	case CLASSICAL_DH:
		dh_free(g->u.dh);
		break;
	}
	memset(g, 0, sizeof(*g));
}

/* X25519 takes its private value from the engine's source, so that a
 * simulated run is repeated from its seed; the others take OpenSSL's. */
static int
x25519_init(struct agreement *g, const struct random_source *random,
    struct buf *ret_public)
{
	uint8_t private_value[X25519_SIZE], public_value[X25519_SIZE];
	int r;

	if ((r = random_fill(random, private_value, X25519_SIZE)) == 0)
		r = x25519_new(private_value, &g->u.x25519, public_value);
	secret_wipe(private_value, sizeof(private_value));
	if (r != 0)
		return r;
	write_bytes(ret_public, public_value, sizeof(public_value));
	return buf_error(ret_public);
}

static int
agreement_init(struct agreement *g, const struct kex_algorithm *a,
    const struct dh_group *group, unsigned need_bits,
    const struct random_source *random, struct buf *ret_public)
{
	memset(g, 0, sizeof(*g));
	g->kind = KIND_CLASSICAL(a->kind);
	switch (g->kind) {
	case CLASSICAL_X25519:
		return x25519_init(g, random, ret_public);
	case CLASSICAL_ECDH:
		return ecdh_new(
		    (enum curve)a->parameter, &g->u.ecdh, ret_public);
	case CLASSICAL_DH:
		if ((a->flags & KEX_GROUP_EXCHANGE) == 0)
			group = dh_group_by_number(a->parameter);
		if (group == NULL)
			return ERR_ARGUMENT;
		return dh_new(group, need_bits, &g->u.dh, ret_public);
	}
	return ERR_BUG;
}

static int
agreement_agree(struct agreement *g, struct span peer, struct buf *ret_secret)
{
	uint8_t secret[X25519_SIZE];
	int r;

	switch (g->kind) {
	case CLASSICAL_X25519:
		if (peer.len != X25519_SIZE)
			return ERR_KEX;
		if ((r = x25519_agree(g->u.x25519, peer.ptr, secret)) != 0)
			return r;
		write_bytes(ret_secret, secret, sizeof(secret));
		secret_wipe(secret, sizeof(secret));
		return buf_error(ret_secret);
	case CLASSICAL_ECDH:
		return ecdh_agree(g->u.ecdh, peer, ret_secret);
	case CLASSICAL_DH:
		return dh_agree(g->u.dh, peer, ret_secret);
	}
	return ERR_BUG;
}

/* ---- the key encapsulation part ---- */

/* Sizes in bytes; index: KEM_*. */
/* clang-format off */
static const struct kem_sizes {
	size_t public_key;
	size_t secret_key;
	size_t ciphertext;
} kem_sizes[] = {
	[KEM_NONE]      = { 0, 0, 0 },
	[KEM_MLKEM768]  = { MLKEM768_PUBLIC_SIZE, MLKEM768_SECRET_SIZE,
	                    MLKEM768_CIPHERTEXT_SIZE },
	[KEM_SNTRUP761] = { SNTRUP761_PUBLIC_SIZE, SNTRUP761_SECRET_SIZE,
	                    SNTRUP761_CIPHERTEXT_SIZE },
};
/* clang-format on */

enum {
	KEM_SHARED_SIZE = 32
};
_Static_assert(MLKEM768_SHARED_SIZE == KEM_SHARED_SIZE, "one size of secret");
_Static_assert(SNTRUP761_SHARED_SIZE == KEM_SHARED_SIZE, "one size of secret");

static int
kem_keygen(unsigned kem, uint8_t *public_key, uint8_t *secret_key,
    const struct random_source *random)
{
	uint8_t seed[MLKEM768_KEYGEN_SEED_SIZE];
	int r;

	if (kem == KEM_SNTRUP761)
		return sntrup761_keygen(public_key, secret_key, random);
	if ((r = random_fill(random, seed, sizeof(seed))) == 0)
		r = mlkem768_keygen(public_key, secret_key, seed);
	secret_wipe(seed, sizeof(seed));
	return r;
}

static int
kem_encaps(unsigned kem, uint8_t *ciphertext, uint8_t *shared,
    const uint8_t *public_key, const struct random_source *random)
{
	uint8_t seed[MLKEM768_ENCAPS_SEED_SIZE];
	int r;

	if (kem == KEM_SNTRUP761)
		return sntrup761_encaps(ciphertext, shared, public_key, random);
	if ((r = random_fill(random, seed, sizeof(seed))) == 0)
		r = mlkem768_encaps(ciphertext, shared, public_key, seed);
	secret_wipe(seed, sizeof(seed));
	return r;
}

static int
kem_decaps(unsigned kem, uint8_t *shared, const uint8_t *ciphertext,
    const uint8_t *secret_key)
{
	if (kem == KEM_SNTRUP761)
		return sntrup761_decaps(shared, ciphertext, secret_key);
	return mlkem768_decaps(shared, ciphertext, secret_key);
}

/* ---- both together ---- */

/*
 * The shared secret as it is hashed. Classical methods: an mpint. Hybrids:
 * string HASH(K_PQ || K_CL) (draft-ietf-sshm-mlkem-hybrid-kex s2.4).
 */
static int
write_secret(const struct kex_algorithm *a, const uint8_t *shared,
    struct span classical, struct buf *ret_secret)
{
	struct buf both = BUF_SECRET_INIT;
	uint8_t hash[DIGEST_MAX];
	int r;

	if (KIND_KEM(a->kind) == KEM_NONE) {
		write_mpint(ret_secret, classical);
		return buf_error(ret_secret);
	}
	write_bytes(&both, shared, KEM_SHARED_SIZE);
	write_span(&both, classical);
	if ((r = buf_error(&both)) == 0 &&
	    (r = digest_of(a->digest, buf_span(&both), hash)) == 0) {
		write_string(ret_secret, span_of(hash, digest_size(a->digest)));
		r = buf_error(ret_secret);
	}
	secret_wipe(hash, sizeof(hash));
	buf_release(&both);
	return r;
}

/* Splits a blob after its first n bytes; ERR_KEX where it is not longer. */
static int
split(struct span blob, size_t n, struct span *ret_rest)
{
	if (blob.len <= n)
		return ERR_KEX;
	*ret_rest = span_of(blob.ptr + n, blob.len - n);
	return 0;
}

struct kex_client {
	const struct kex_algorithm *algorithm;
	struct agreement agreement;
	uint8_t *kem_secret; /* secret key of the KEM; NULL without one */
};

void
kex_client_free(struct kex_client *k)
{
	if (k == NULL)
		return;
	agreement_release(&k->agreement);
	if (k->kem_secret != NULL) {
		unsigned kem = KIND_KEM(k->algorithm->kind);

		secret_wipe(k->kem_secret, kem_sizes[kem].secret_key);
		free(k->kem_secret);
	}
	free(k);
}

/* Makes the KEM's key pair and appends its public half. Plain memory, wiped:
 * the key lives for one exchange, and locking pages costs system calls. */
static int
client_kem(struct kex_client *k, const struct random_source *random,
    struct buf *ret_init)
{
	unsigned kem = KIND_KEM(k->algorithm->kind);
	uint8_t *public_key;
	int r;

	if (kem == KEM_NONE)
		return 0;
	public_key = buf_reserve(ret_init, kem_sizes[kem].public_key);
	k->kem_secret = malloc(kem_sizes[kem].secret_key);
	if (public_key == NULL || k->kem_secret == NULL)
		return ERR_MEMORY;
	if ((r = kem_keygen(kem, public_key, k->kem_secret, random)) != 0)
		return r;
	buf_extend(ret_init, kem_sizes[kem].public_key);
	return 0;
}

int
kex_client_new(const struct kex_algorithm *a, const struct dh_group *group,
    unsigned need_bits, const struct random_source *random,
    struct kex_client **ret, struct buf *ret_init)
{
	struct kex_client *k = calloc(1, sizeof(*k));
	int r;

	if (k == NULL)
		return ERR_MEMORY;
	k->algorithm = a;
	if ((r = client_kem(k, random, ret_init)) != 0 ||
	    (r = agreement_init(
		 &k->agreement, a, group, need_bits, random, ret_init)) != 0) {
		kex_client_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

int
kex_client_finish(
    struct kex_client *k, struct span reply, struct buf *ret_secret)
{
	unsigned kem = KIND_KEM(k->algorithm->kind);
	struct buf classical = BUF_SECRET_INIT;
	uint8_t shared[KEM_SHARED_SIZE];
	struct span peer = reply;
	int r;

	if (kem != KEM_NONE &&
	    ((r = split(reply, kem_sizes[kem].ciphertext, &peer)) != 0 ||
		(r = kem_decaps(kem, shared, reply.ptr, k->kem_secret)) != 0))
		goto out;
	if ((r = agreement_agree(&k->agreement, peer, &classical)) != 0)
		goto out;
	r = write_secret(
	    k->algorithm, shared, buf_span(&classical), ret_secret);
out:
	secret_wipe(shared, sizeof(shared));
	buf_release(&classical);
	return r;
}

unsigned
kex_client_bits_set(const struct kex_client *k)
{
	if (k->agreement.kind != CLASSICAL_DH)
		return 0;
	return dh_public_bits_set(k->agreement.u.dh);
}

/* Encapsulates to the public key at the front of init; appends the
 * ciphertext. ret_peer: the classical public value behind the key. */
static int
server_kem(unsigned kem, const struct random_source *random, struct span init,
    struct span *ret_peer, uint8_t shared[static KEM_SHARED_SIZE],
    struct buf *ret_reply)
{
	uint8_t *ciphertext;
	int r;

	*ret_peer = init;
	if (kem == KEM_NONE)
		return 0;
	if ((r = split(init, kem_sizes[kem].public_key, ret_peer)) != 0)
		return r;
	ciphertext = buf_reserve(ret_reply, kem_sizes[kem].ciphertext);
	if (ciphertext == NULL)
		return buf_error(ret_reply);
	if ((r = kem_encaps(kem, ciphertext, shared, init.ptr, random)) != 0)
		return r;
	buf_extend(ret_reply, kem_sizes[kem].ciphertext);
	return 0;
}

int
kex_server_reply(const struct kex_algorithm *a, const struct dh_group *group,
    unsigned need_bits, const struct random_source *random, struct span init,
    struct buf *ret_reply, struct buf *ret_secret)
{
	struct buf classical = BUF_SECRET_INIT;
	struct agreement agreement = { 0 };
	uint8_t shared[KEM_SHARED_SIZE];
	struct span peer;
	int r;

	if ((r = server_kem(KIND_KEM(a->kind), random, init, &peer, shared,
		 ret_reply)) != 0)
		goto out;
	if ((r = agreement_init(
		 &agreement, a, group, need_bits, random, ret_reply)) != 0 ||
	    (r = agreement_agree(&agreement, peer, &classical)) != 0)
		goto out;
	r = write_secret(a, shared, buf_span(&classical), ret_secret);
out:
	secret_wipe(shared, sizeof(shared));
	agreement_release(&agreement);
	buf_release(&classical);
	return r;
}
