/*
 * sk_helper_provider.c - loading a provider, and giving back what it made.
 */
#include "agent/sk_helper.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"

/* ISO C knows no way from an object's pointer to a function's; POSIX
 * (dlsym) promises that they look alike. */
static bool
find_function(void *library, const char *name, void *ret, size_t size)
{
	void *found = dlsym(library, name);

	if (found == NULL)
		return false;
	memcpy(ret, &found, size);
	return true;
}

#define FIND(library, name, to) find_function(library, name, to, sizeof(*(to)))

static int
check_version(void *library, const char *path, struct error *e)
{
	sk_api_version_function *version;
	uint32_t v;

	if (!FIND(library, "sk_api_version", &version))
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\" is not an OpenSSH FIDO library", path);
	v = version();
	if ((v & SK_API_VERSION_MASK) != SK_API_VERSION)
		return error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\" implements unsupported version 0x%08lx "
		    "(supported: 0x%08lx)",
		    path, (unsigned long)v, (unsigned long)SK_API_VERSION);
	return 0;
}

int
sk_provider_open(const char *name, struct sk_provider *ret, struct error *e)
{
	struct sk_provider p;
	void *library;
	int r;

	if (strcmp(name, "internal") == 0)
		return sk_fido_open(ret, e);
	if ((library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return error_set(e, ERR_NOT_FOUND,
		    "provider \"%s\" cannot be loaded: %s", name, dlerror());
	if ((r = check_version(library, name, e)) != 0) {
		dlclose(library);
		return r;
	}
	if (!FIND(library, "sk_enroll", &p.enroll) ||
	    !FIND(library, "sk_sign", &p.sign) ||
	    !FIND(library, "sk_load_resident_keys", &p.load_resident_keys)) {
		r = error_set(e, ERR_UNSUPPORTED,
		    "provider \"%s\" lacks a function: %s", name, dlerror());
		dlclose(library);
		return r;
	}
	*ret = p;
	return 0;
}

/* ---- what providers return ---- */

static void
release_enrolled(struct sk_enroll_response *r)
{
	free(r->public_key);
	if (r->key_handle != NULL)
		secret_wipe(r->key_handle, r->key_handle_len);
	free(r->key_handle);
	free(r->signature);
	free(r->attestation_cert);
	free(r->authdata);
}

void
sk_enroll_response_free(struct sk_enroll_response *r)
{
	if (r == NULL)
		return;
	release_enrolled(r);
	free(r);
}

void
sk_sign_response_free(struct sk_sign_response *r)
{
	if (r == NULL)
		return;
	free(r->sig_r);
	free(r->sig_s);
	free(r);
}

void
sk_resident_keys_free(struct sk_resident_key **keys, size_t count)
{
	for (size_t i = 0; keys != NULL && i < count; i++) {
		if (keys[i] == NULL)
			continue;
		release_enrolled(&keys[i]->key);
		free(keys[i]->application);
		free(keys[i]->user_id);
		free(keys[i]);
	}
	free(keys);
}
