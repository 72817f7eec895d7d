/*
 * sk_software.c - a security key in software, for tests: a library with the
 * interface of common/agent/sk_api.h, for our helper and for OpenSSH's.
 *
 * The handle of a key holds the private key itself, so that no store is
 * needed. What the device has otherwise is in the folder $SK_SOFTWARE:
 *     counter     signatures so far
 *     pin         the PIN; no file: none is set
 *     N.resident  keys that the device remembers
 *     fault       what it does wrong: "absent", "untouched", "unverified",
 *                 "wrong", "crash", "huge", "hang"
 * Without a folder the counter starts anew each time and there is no PIN.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "common/agent/sk_api.h"

#define TOUCHED  0x01
#define VERIFIED 0x04
#define FORCE    0x10
#define RESIDENT 0x20

#define SECRET_SIZE 32
/* byte algorithm, SHA256(application), the secret */
#define HANDLE_SIZE   (1 + 32 + SECRET_SIZE)
#define USER_SIZE     32
#define TEXT_MAX      256
#define RESIDENTS_MAX 16

/* ---- the folder ---- */

static bool
path_of(const char *name, char path[static 4096])
{
	const char *folder = getenv("SK_SOFTWARE");

	if (folder == NULL || *folder == '\0')
		return false;
	snprintf(path, 4096, "%s/%s", folder, name);
	return true;
}

static bool
read_file(const char *name, char text[static TEXT_MAX])
{
	char path[4096];
	size_t n;
	FILE *f;

	text[0] = '\0';
	if (!path_of(name, path) || (f = fopen(path, "re")) == NULL)
		return false;
	n = fread(text, 1, TEXT_MAX - 1, f);
	fclose(f);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return true;
}

static bool
has_fault(const char *name)
{
	char text[TEXT_MAX];

	return read_file("fault", text) && strcmp(text, name) == 0;
}

static uint32_t
count(void)
{
	char text[TEXT_MAX], path[4096];
	uint32_t n = 1;
	FILE *f;

	if (read_file("counter", text))
		n = (uint32_t)strtoul(text, NULL, 10) + 1;
	if (path_of("counter", path) && (f = fopen(path, "we")) != NULL) {
		fprintf(f, "%lu\n", (unsigned long)n);
		fclose(f);
	}
	return n;
}

/* 0, or SK_ERR_PIN_REQUIRED where one is needed or this is not it. */
static int
check_pin(uint8_t flags, const char *pin)
{
	char right[TEXT_MAX];

	if (!read_file("pin", right))
		return (flags & VERIFIED) != 0 ? SK_ERR_UNSUPPORTED : 0;
	if (pin == NULL)
		return (flags & VERIFIED) != 0 ? SK_ERR_PIN_REQUIRED : 0;
	return strcmp(pin, right) == 0 ? 0 : SK_ERR_PIN_REQUIRED;
}

/* ---- keys ---- */

static EVP_PKEY *
ecdsa_from_secret(const uint8_t *secret)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *d = BN_bin2bn(secret, SECRET_SIZE, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;
	uint8_t encoded[65], native[SECRET_SIZE];
	OSSL_PARAM parameters[4];

	EC_POINT_mul(group, point, d, NULL, NULL, NULL);
	EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded,
	    sizeof(encoded), NULL);
	BN_bn2nativepad(d, native, sizeof(native));
	parameters[0] = OSSL_PARAM_construct_utf8_string(
	    "group", (char *)(uintptr_t) "prime256v1", 0);
	parameters[1] = OSSL_PARAM_construct_BN("priv", native, sizeof(native));
	parameters[2] =
	    OSSL_PARAM_construct_octet_string("pub", encoded, sizeof(encoded));
	parameters[3] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, parameters) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	BN_free(d);
	return pkey;
}

static EVP_PKEY *
open_handle(const uint8_t *handle)
{
	const uint8_t *secret = handle + 1 + 32;

	if (handle[0] == SK_ECDSA)
		return ecdsa_from_secret(secret);
	return EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, secret, SECRET_SIZE);
}

static void
make_handle(
    uint32_t alg, const char *application, uint8_t handle[static HANDLE_SIZE])
{
	handle[0] = (uint8_t)alg;
	SHA256((const uint8_t *)application, strlen(application), handle + 1);
	RAND_bytes(handle + 1 + 32, SECRET_SIZE);
	handle[1 + 32] &= 0x7f; /* below the order of P-256 */
}

static uint8_t *
copy(const void *bytes, size_t len)
{
	uint8_t *p = malloc(len + 1);

	memcpy(p, bytes, len);
	return p;
}

static void
fill(struct sk_enroll_response *r, const uint8_t *handle)
{
	EVP_PKEY *pkey = open_handle(handle);
	uint8_t public[65];
	size_t len = sizeof(public);

	if (handle[0] == SK_ECDSA)
		EVP_PKEY_get_octet_string_param(
		    pkey, "pub", public, sizeof(public), &len);
	else
		EVP_PKEY_get_raw_public_key(pkey, public, &len);
	r->public_key = copy(public, len);
	r->public_key_len = len;
	r->key_handle = copy(handle, HANDLE_SIZE);
	r->key_handle_len = HANDLE_SIZE;
	r->signature = copy("signature", 9);
	r->signature_len = 9;
	r->attestation_cert = copy("certificate", 11);
	r->attestation_cert_len = 11;
	r->authdata = copy("authdata", 8);
	r->authdata_len = 8;
	if (has_fault("huge")) {
		free(r->authdata);
		r->authdata = calloc(1, 3000000);
		r->authdata_len = 3000000;
	}
	EVP_PKEY_free(pkey);
}

/* ---- residents: flags, handle, user, application ---- */

struct resident {
	uint8_t flags;
	uint8_t handle[HANDLE_SIZE];
	uint8_t user[USER_SIZE];
	char application[TEXT_MAX];
};

static bool
load_resident(int n, struct resident *ret)
{
	char name[32], path[4096];
	FILE *f;
	bool ok;

	snprintf(name, sizeof(name), "%d.resident", n);
	if (!path_of(name, path) || (f = fopen(path, "re")) == NULL)
		return false;
	ok = fread(ret, sizeof(*ret), 1, f) == 1;
	fclose(f);
	return ok;
}

static bool
is_same(const struct resident *a, const struct resident *b)
{
	return strcmp(a->application, b->application) == 0 &&
	       memcmp(a->user, b->user, USER_SIZE) == 0;
}

static int
save_resident(const struct resident *r, bool force)
{
	struct resident old;
	char name[32], path[4096];
	int n = 0;
	FILE *f;

	while (load_resident(n, &old)) {
		if (is_same(&old, r)) {
			if (!force)
				return SK_ERR_CREDENTIAL_EXISTS;
			break;
		}
		n++;
	}
	snprintf(name, sizeof(name), "%d.resident", n);
	if (n == RESIDENTS_MAX || !path_of(name, path) ||
	    (f = fopen(path, "we")) == NULL)
		return SK_ERR_GENERAL;
	fwrite(r, sizeof(*r), 1, f);
	fclose(f);
	return 0;
}

/* ---- the interface ---- */

sk_api_version_function sk_api_version;
sk_enroll_function sk_enroll;
sk_sign_function sk_sign;
sk_load_resident_keys_function sk_load_resident_keys;

uint32_t
sk_api_version(void)
{
	return SK_API_VERSION;
}

int
sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_enroll_response **ret)
{
	struct resident resident = { .flags = flags };
	int r;

	if (has_fault("absent"))
		return SK_ERR_DEVICE_NOT_FOUND;
	if (has_fault("crash"))
		abort();
	if (alg != SK_ECDSA && alg != SK_ED25519)
		return SK_ERR_UNSUPPORTED;
	if ((r = check_pin(flags & RESIDENT ? flags | VERIFIED : flags, pin)) !=
	    0)
		return r;
	for (; options != NULL && *options != NULL; options++)
		if (strcmp((*options)->name, "user") == 0)
			snprintf((char *)resident.user, USER_SIZE, "%s",
			    (*options)->value);
		else if ((*options)->required &&
			 strcmp((*options)->value, "software") != 0)
			return SK_ERR_DEVICE_NOT_FOUND;
	make_handle(alg, application, resident.handle);
	snprintf(resident.application, TEXT_MAX, "%s", application);
	if ((flags & RESIDENT) != 0 &&
	    (r = save_resident(&resident, (flags & FORCE) != 0)) != 0)
		return r;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->flags = flags & (uint8_t)~FORCE;
	fill(*ret, resident.handle);
	return 0;
}

static void
sign_bytes(const uint8_t *handle, const uint8_t *bytes, size_t len,
    struct sk_sign_response *r)
{
	EVP_PKEY *pkey = open_handle(handle);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[256];
	const uint8_t *p = raw;
	size_t raw_len = sizeof(raw);
	ECDSA_SIG *sig;

	EVP_DigestSignInit(
	    ctx, NULL, handle[0] == SK_ECDSA ? EVP_sha256() : NULL, NULL, pkey);
	EVP_DigestSign(ctx, raw, &raw_len, bytes, len);
	if (handle[0] == SK_ECDSA) {
		sig = d2i_ECDSA_SIG(NULL, &p, (long)raw_len);
		r->sig_r = calloc(1, 32);
		r->sig_s = calloc(1, 32);
		r->sig_r_len = r->sig_s_len = 32;
		BN_bn2binpad(ECDSA_SIG_get0_r(sig), r->sig_r, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), r->sig_s, 32);
		ECDSA_SIG_free(sig);
	} else {
		r->sig_r = copy(raw, raw_len);
		r->sig_r_len = raw_len;
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

int
sk_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *key_handle, size_t key_handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_sign_response **ret)
{
	uint8_t bytes[32 + 1 + 4 + 32], own[32];
	struct sk_sign_response *s;
	int r;

	if (has_fault("crash"))
		abort();
	if (has_fault("hang"))
		sleep(1000);
	SHA256((const uint8_t *)application, strlen(application), own);
	if (has_fault("absent") || key_handle_len != HANDLE_SIZE ||
	    key_handle[0] != alg || memcmp(key_handle + 1, own, 32) != 0)
		return SK_ERR_DEVICE_NOT_FOUND;
	if ((r = check_pin(flags, pin)) != 0)
		return r;
	s = calloc(1, sizeof(*s));
	s->flags = flags & (TOUCHED | VERIFIED);
	if (has_fault("untouched"))
		s->flags &= (uint8_t)~TOUCHED;
	if (has_fault("unverified"))
		s->flags &= (uint8_t)~VERIFIED;
	s->counter = count();
	memcpy(bytes, own, 32);
	bytes[32] = s->flags;
	for (int i = 0; i < 4; i++)
		bytes[33 + i] = (uint8_t)(s->counter >> (24 - 8 * i));
	SHA256(data, data_len, bytes + 37);
	if (has_fault("wrong"))
		bytes[40] ^= 1;
	sign_bytes(key_handle, bytes, sizeof(bytes), s);
	*ret = s;
	return 0;
}

int
sk_load_resident_keys(const char *pin, struct sk_option **options,
    struct sk_resident_key ***ret, size_t *ret_count)
{
	struct resident r;
	int n = 0, code;

	if (has_fault("absent"))
		return SK_ERR_DEVICE_NOT_FOUND;
	if ((code = check_pin(VERIFIED, pin)) != 0)
		return code;
	*ret = calloc(RESIDENTS_MAX, sizeof(struct sk_resident_key *));
	for (; n < RESIDENTS_MAX && load_resident(n, &r); n++) {
		struct sk_resident_key *k = calloc(1, sizeof(*k));

		k->alg = r.handle[0];
		k->slot = (size_t)n;
		k->application = strdup(r.application);
		k->flags = r.flags & (uint8_t)~FORCE;
		k->user_id = copy(r.user, USER_SIZE);
		k->user_id_len = USER_SIZE;
		fill(&k->key, r.handle);
		k->key.flags = k->flags;
		(*ret)[n] = k;
	}
	*ret_count = (size_t)n;
	return 0;
}
