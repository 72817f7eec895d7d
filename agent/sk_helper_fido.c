/*
 * sk_helper_fido.c - the provider "internal": security keys by libfido2.
 * CTAP 2.1, WebAuthn level 2 s6.
 *
 * The library is opened when it is wanted, so that nothing else needs it to
 * be installed. What it returns of keys is copied, bounded by the caller.
 */
#include "agent/sk_helper_fido.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/sha.h>

#include "agent/sk_helper.h"
#include "common/base/buf.h"
#include "common/key/key.h"

#define LIBRARY      "libfido2.so.1"
#define DEVICES_MAX  16
#define USER_ID_SIZE 32
#define USER_NAME    "openssh"
#define TOUCH_POLLS  300 /* of all devices, 50 ms each */

#define DECLARE(result, name, parameters) result(*name) parameters;
static struct {
	FIDO_FUNCTIONS(DECLARE)
} fido;
#undef DECLARE

/* ---- devices ---- */

struct devices {
	fido_dev_t *item[DEVICES_MAX];
	size_t count;
};

static void
close_device(fido_dev_t *d)
{
	fido.fido_dev_close(d);
	fido.fido_dev_free(&d);
}

static void
close_others(struct devices *list, const fido_dev_t *kept)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->item[i] != kept)
			close_device(list->item[i]);
	list->count = 0;
}

static void
add_device(struct devices *list, const char *path)
{
	fido_dev_t *d = fido.fido_dev_new();

	if (d == NULL || list->count == DEVICES_MAX ||
	    fido.fido_dev_open(d, path) != FIDO_OK) {
		if (d != NULL)
			fido.fido_dev_free(&d);
		return;
	}
	list->item[list->count++] = d;
}

/* The one that was named, else all. */
static void
open_devices(struct sk_option **options, struct devices *ret)
{
	fido_dev_info_t *list;
	size_t found = 0;

	ret->count = 0;
	for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
		if (strcmp(options[i]->name, "device") == 0) {
			add_device(ret, options[i]->value);
			return;
		}
	}
	if ((list = fido.fido_dev_info_new(DEVICES_MAX)) == NULL)
		return;
	if (fido.fido_dev_info_manifest(list, DEVICES_MAX, &found) == FIDO_OK)
		for (size_t i = 0; i < found; i++)
			add_device(ret, fido.fido_dev_info_path(
					    fido.fido_dev_info_ptr(list, i)));
	fido.fido_dev_info_free(&list, DEVICES_MAX);
}

/* Of several devices, the one that is touched first. */
static fido_dev_t *
choose_by_touch(struct devices *list)
{
	fido_dev_t *chosen = NULL;
	int touched = 0;

	if (list->count == 1)
		return list->item[0];
	for (size_t i = 0; i < list->count; i++)
		if (fido.fido_dev_get_touch_begin(list->item[i]) != FIDO_OK)
			return NULL;
	for (int n = 0; n < TOUCH_POLLS && chosen == NULL; n++)
		for (size_t i = 0; i < list->count && chosen == NULL; i++)
			if (fido.fido_dev_get_touch_status(
				list->item[i], &touched, 50) == FIDO_OK &&
			    touched)
				chosen = list->item[i];
	for (size_t i = 0; i < list->count; i++)
		if (list->item[i] != chosen)
			fido.fido_dev_cancel(list->item[i]);
	return chosen;
}

static int
explain(int code)
{
	switch (code) {
	case FIDO_OK:
		return 0;
	case FIDO_ERR_UNSUPPORTED_OPTION:
	case FIDO_ERR_UNSUPPORTED_ALGORITHM:
		return SK_ERR_UNSUPPORTED;
	case FIDO_ERR_PIN_REQUIRED:
	case FIDO_ERR_PIN_INVALID:
	case FIDO_ERR_PIN_AUTH_INVALID:
	case FIDO_ERR_PIN_NOT_SET:
	case FIDO_ERR_UV_BLOCKED:
	case FIDO_ERR_UV_INVALID:
	case FIDO_ERR_OPERATION_DENIED:
		return SK_ERR_PIN_REQUIRED;
	case FIDO_ERR_NO_CREDENTIALS:
	case FIDO_ERR_INVALID_CREDENTIAL:
		return SK_ERR_DEVICE_NOT_FOUND;
	case FIDO_ERR_CREDENTIAL_EXCLUDED:
		return SK_ERR_CREDENTIAL_EXISTS;
	default:
		return SK_ERR_GENERAL;
	}
}

/* ---- copies ---- */

static bool
copy(const unsigned char *from, size_t len, uint8_t **to, size_t *to_len)
{
	*to_len = 0;
	if (from == NULL || len == 0)
		return true;
	if ((*to = malloc(len)) == NULL)
		return false;
	memcpy(*to, from, len);
	*to_len = len;
	return true;
}

/* An uncompressed point from the two coordinates, or the 32 bytes. */
static bool
copy_public(uint32_t alg, const fido_cred_t *cred, uint8_t **to, size_t *to_len)
{
	const unsigned char *key = fido.fido_cred_pubkey_ptr(cred);
	size_t len = fido.fido_cred_pubkey_len(cred);

	if (key == NULL || len != (alg == SK_ECDSA ? 64 : 32))
		return false;
	if (alg != SK_ECDSA)
		return copy(key, len, to, to_len);
	if ((*to = malloc(1 + len)) == NULL)
		return false;
	(*to)[0] = 4;
	memcpy(*to + 1, key, len);
	*to_len = 1 + len;
	return true;
}

static bool
copy_credential(
    uint32_t alg, const fido_cred_t *c, struct sk_enroll_response *r)
{
	return copy_public(alg, c, &r->public_key, &r->public_key_len) &&
	       copy(fido.fido_cred_id_ptr(c), fido.fido_cred_id_len(c),
		   &r->key_handle, &r->key_handle_len) &&
	       copy(fido.fido_cred_sig_ptr(c), fido.fido_cred_sig_len(c),
		   &r->signature, &r->signature_len) &&
	       copy(fido.fido_cred_x5c_ptr(c), fido.fido_cred_x5c_len(c),
		   &r->attestation_cert, &r->attestation_cert_len) &&
	       copy(fido.fido_cred_authdata_ptr(c),
		   fido.fido_cred_authdata_len(c), &r->authdata,
		   &r->authdata_len);
}

/* ---- keys that the device remembers ---- */

static bool
fill_resident(
    const char *application, const fido_cred_t *c, struct sk_resident_key *k)
{
	k->alg = fido.fido_cred_type(c) == COSE_ES256 ? SK_ECDSA : SK_ED25519;
	k->flags = KEY_SK_TOUCHED | KEY_SK_RESIDENT;
	if (fido.fido_cred_prot(c) == FIDO_CRED_PROT_UV_REQUIRED)
		k->flags |= KEY_SK_VERIFIED;
	return (k->application = strdup(application)) != NULL &&
	       copy_credential(k->alg, c, &k->key) &&
	       copy(fido.fido_cred_user_id_ptr(c),
		   fido.fido_cred_user_id_len(c), &k->user_id, &k->user_id_len);
}

static int
add_resident(const char *application, const fido_cred_t *c,
    struct sk_resident_key ***list, size_t *count)
{
	struct sk_resident_key **grown =
	    realloc(*list, (*count + 1) * sizeof(struct sk_resident_key *));
	struct sk_resident_key *k;

	if (grown == NULL)
		return SK_ERR_GENERAL;
	*list = grown;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return SK_ERR_GENERAL;
	grown[(*count)++] = k;
	k->slot = *count - 1;
	return fill_resident(application, c, k) ? 0 : SK_ERR_GENERAL;
}

static int
find_of_application(fido_dev_t *dev, const char *application, const char *pin,
    struct sk_resident_key ***list, size_t *count)
{
	fido_credman_rk_t *rk = fido.fido_credman_rk_new();
	int r = SK_ERR_GENERAL;

	if (rk != NULL)
		r = explain(
		    fido.fido_credman_get_dev_rk(dev, application, rk, pin));
	for (size_t i = 0; r == 0 && i < fido.fido_credman_rk_count(rk); i++) {
		const fido_cred_t *c = fido.fido_credman_rk(rk, i);
		int type = c != NULL ? fido.fido_cred_type(c) : 0;

		if (type == COSE_ES256 || type == COSE_EDDSA)
			r = add_resident(application, c, list, count);
	}
	fido.fido_credman_rk_free(&rk);
	return r;
}

static int
find_residents(fido_dev_t *dev, const char *pin, struct sk_resident_key ***ret,
    size_t *ret_count)
{
	fido_credman_rp_t *rp = fido.fido_credman_rp_new();
	struct sk_resident_key **list = NULL;
	size_t count = 0;
	int r = SK_ERR_GENERAL;

	if (rp != NULL)
		r = explain(fido.fido_credman_get_dev_rp(dev, rp, pin));
	for (size_t i = 0; r == 0 && i < fido.fido_credman_rp_count(rp); i++) {
		const char *id = fido.fido_credman_rp_id(rp, i);

		if (id != NULL && strncmp(id, "ssh:", 4) == 0)
			r = find_of_application(dev, id, pin, &list, &count);
	}
	fido.fido_credman_rp_free(&rp);
	if (r != 0) {
		sk_resident_keys_free(list, count);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

/* ---- new keys ---- */

static void
set_user_id(struct sk_option **options, uint8_t id[static USER_ID_SIZE])
{
	memset(id, 0, USER_ID_SIZE);
	for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
		size_t len = strlen(options[i]->value);

		if (strcmp(options[i]->name, "user") != 0)
			continue;
		memcpy(id, options[i]->value,
		    len < USER_ID_SIZE ? len : USER_ID_SIZE - 1);
	}
}

static bool
prepare(fido_dev_t *dev, fido_cred_t *cred, uint32_t alg, struct span challenge,
    const char *application, uint8_t flags, struct sk_option **options)
{
	uint8_t hash[SHA256_DIGEST_LENGTH], user[USER_ID_SIZE];
	int prot = (flags & KEY_SK_VERIFIED) != 0
		       ? FIDO_CRED_PROT_UV_REQUIRED
		       : FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID;
	bool resident = (flags & KEY_SK_RESIDENT) != 0;

	set_user_id(options, user);
	SHA256(challenge.ptr, challenge.len, hash);
	if (fido.fido_cred_set_type(
		cred, alg == SK_ECDSA ? COSE_ES256 : COSE_EDDSA) != FIDO_OK ||
	    fido.fido_cred_set_clientdata_hash(cred, hash, sizeof(hash)) !=
		FIDO_OK ||
	    fido.fido_cred_set_rp(cred, application, NULL) != FIDO_OK ||
	    fido.fido_cred_set_user(cred, user, sizeof(user), USER_NAME,
		USER_NAME, NULL) != FIDO_OK ||
	    fido.fido_cred_set_rk(
		cred, resident ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) != FIDO_OK)
		return false;
	/* A key that is listed by the device is not to be used, or even
	 * listed, by whoever finds the device. */
	if (resident || (flags & KEY_SK_VERIFIED) != 0)
		return fido.fido_dev_supports_cred_prot(dev) &&
		       fido.fido_cred_set_prot(cred, prot) == FIDO_OK;
	return true;
}

/* Is there a resident key for this application and user already? */
static bool
exists(fido_dev_t *dev, const char *application, struct sk_option **options,
    const char *pin)
{
	struct sk_resident_key **keys = NULL;
	uint8_t user[USER_ID_SIZE];
	size_t count = 0;
	bool found = false;

	set_user_id(options, user);
	if (find_residents(dev, pin, &keys, &count) != 0)
		return false;
	for (size_t i = 0; i < count && !found; i++)
		found = strcmp(keys[i]->application, application) == 0 &&
			keys[i]->user_id_len == sizeof(user) &&
			memcmp(keys[i]->user_id, user, sizeof(user)) == 0;
	sk_resident_keys_free(keys, count);
	return found;
}

static int
make_on(fido_dev_t *dev, fido_cred_t *cred, uint32_t alg, uint8_t flags,
    const char *pin, struct sk_enroll_response **ret)
{
	struct sk_enroll_response *r;
	int code = fido.fido_dev_make_cred(dev, cred, pin);

	if (code != FIDO_OK)
		return explain(code);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return SK_ERR_GENERAL;
	r->flags = flags;
	if (!copy_credential(alg, cred, r)) {
		sk_enroll_response_free(r);
		return SK_ERR_GENERAL;
	}
	*ret = r;
	return 0;
}

static int
fido_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_enroll_response **ret)
{
	bool resident = (flags & KEY_SK_RESIDENT) != 0;
	bool force = (flags & KEY_SK_FORCE) != 0;
	struct devices devices;
	fido_cred_t *cred = fido.fido_cred_new();
	fido_dev_t *dev;
	int r = SK_ERR_DEVICE_NOT_FOUND;

	flags &= (uint8_t)~KEY_SK_FORCE;
	open_devices(options, &devices);
	dev = cred != NULL ? choose_by_touch(&devices) : NULL;
	close_others(&devices, dev);
	if (dev != NULL) {
		if (!prepare(dev, cred, alg, span_of(challenge, challenge_len),
			application, flags, options))
			r = SK_ERR_UNSUPPORTED;
		else if (resident && !force &&
			 exists(dev, application, options, pin))
			r = SK_ERR_CREDENTIAL_EXISTS;
		else
			r = make_on(dev, cred, alg, flags, pin, ret);
		close_device(dev);
	}
	fido.fido_cred_free(&cred);
	return r;
}

/* ---- signing ---- */

static fido_assert_t *
new_assertion(const char *application, struct span handle, struct span data)
{
	fido_assert_t *a = fido.fido_assert_new();
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256(data.ptr, data.len, hash);
	if (a != NULL &&
	    (fido.fido_assert_set_clientdata_hash(a, hash, sizeof(hash)) !=
		    FIDO_OK ||
		fido.fido_assert_set_rp(a, application) != FIDO_OK ||
		fido.fido_assert_allow_cred(a, handle.ptr, handle.len) !=
		    FIDO_OK))
		fido.fido_assert_free(&a);
	return a;
}

/* Asked without a touch whether it knows the handle. */
static bool
has_key(fido_dev_t *dev, const char *application, struct span handle,
    const char *pin)
{
	fido_assert_t *a =
	    new_assertion(application, handle, span_text("probe"));
	int code;

	if (a == NULL)
		return false;
	fido.fido_assert_set_up(a, FIDO_OPT_FALSE);
	code = fido.fido_dev_get_assert(dev, a, pin);
	fido.fido_assert_free(&a);
	return code != FIDO_ERR_NO_CREDENTIALS &&
	       code != FIDO_ERR_INVALID_CREDENTIAL;
}

static bool
write_ecdsa(struct span der, struct sk_sign_response *r)
{
	const uint8_t *p = der.ptr;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
	bool ok = false;

	if (sig != NULL && (r->sig_r = malloc(32)) != NULL &&
	    (r->sig_s = malloc(32)) != NULL) {
		r->sig_r_len = r->sig_s_len = 32;
		ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), r->sig_r, 32) == 32 &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), r->sig_s, 32) == 32;
	}
	ECDSA_SIG_free(sig);
	return ok;
}

static int
take_assertion(
    uint32_t alg, const fido_assert_t *a, struct sk_sign_response **ret)
{
	struct sk_sign_response *r = calloc(1, sizeof(*r));
	struct span raw;
	bool ok = false;

	if (r == NULL)
		return SK_ERR_GENERAL;
	if (fido.fido_assert_count(a) == 1) {
		raw = span_of(fido.fido_assert_sig_ptr(a, 0),
		    fido.fido_assert_sig_len(a, 0));
		r->flags = fido.fido_assert_flags(a, 0);
		r->counter = fido.fido_assert_sigcount(a, 0);
		ok = alg == SK_ECDSA
			 ? write_ecdsa(raw, r)
			 : copy(raw.ptr, raw.len, &r->sig_r, &r->sig_r_len);
	}
	if (!ok) {
		sk_sign_response_free(r);
		return SK_ERR_GENERAL;
	}
	*ret = r;
	return 0;
}

static int
fido_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *key_handle, size_t key_handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_sign_response **ret)
{
	struct span handle = span_of(key_handle, key_handle_len);
	fido_assert_t *a =
	    new_assertion(application, handle, span_of(data, data_len));
	bool verifies = (flags & KEY_SK_VERIFIED) != 0;
	struct devices devices;
	fido_dev_t *dev = NULL;
	int r = SK_ERR_DEVICE_NOT_FOUND;

	open_devices(options, &devices);
	for (size_t i = 0; a != NULL && i < devices.count && dev == NULL; i++)
		if (devices.count == 1 ||
		    has_key(devices.item[i], application, handle, pin))
			dev = devices.item[i];
	close_others(&devices, dev);
	if (dev != NULL) {
		fido.fido_assert_set_up(a, (flags & KEY_SK_TOUCHED) != 0
					       ? FIDO_OPT_TRUE
					       : FIDO_OPT_FALSE);
		if (verifies && pin == NULL && !fido.fido_dev_has_uv(dev)) {
			r = SK_ERR_PIN_REQUIRED;
		} else {
			if (verifies && pin == NULL)
				fido.fido_assert_set_uv(a, FIDO_OPT_TRUE);
			r = explain(fido.fido_dev_get_assert(dev, a, pin));
			if (r == 0)
				r = take_assertion(alg, a, ret);
		}
		close_device(dev);
	}
	fido.fido_assert_free(&a);
	return r;
}

static int
fido_load_resident_keys(const char *pin, struct sk_option **options,
    struct sk_resident_key ***ret, size_t *ret_count)
{
	struct devices devices;
	fido_dev_t *dev;
	int r = SK_ERR_DEVICE_NOT_FOUND;

	open_devices(options, &devices);
	dev = choose_by_touch(&devices);
	close_others(&devices, dev);
	if (dev == NULL)
		return r;
	r = pin == NULL ? SK_ERR_PIN_REQUIRED
			: find_residents(dev, pin, ret, ret_count);
	close_device(dev);
	return r;
}

/* ---- the library ---- */

/* See sk_helper_provider.c about the copy. */
static bool
find(void *library, const char *name, void *to, size_t size)
{
	void *found = dlsym(library, name);

	memcpy(to, &found, size);
	return found != NULL;
}

int
sk_fido_open(struct sk_provider *ret, struct error *e)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool ok = true;

	if (library == NULL)
		return error_set(e, ERR_UNSUPPORTED,
		    "security keys need libfido2: %s (or name another provider "
		    "library)",
		    dlerror());
#define FIND(result, name, parameters)                                         \
	ok = ok && find(library, #name, &fido.name, sizeof(fido.name));
	FIDO_FUNCTIONS(FIND)
#undef FIND
	if (!ok)
		return error_set(e, ERR_UNSUPPORTED,
		    "this version of libfido2 is too old: %s", dlerror());
	fido.fido_init(0);
	*ret = (struct sk_provider){ fido_enroll, fido_sign,
		fido_load_resident_keys };
	return 0;
}
