/*
 * sk_api.h - the interface of OpenSSH to libraries of security keys, as
 * published (SecurityKeyProvider). Names and layout are that interface's;
 * memory that a library returns is freed by the caller with free().
 *
 * A library has these functions, found by dlsym(3):
 *     sk_api_version          SK_API_VERSION in its upper half
 *     sk_enroll               makes a key
 *     sk_sign                 signs SHA256(application), flags, counter,
 *                             SHA256(data)
 *     sk_load_resident_keys   lists the keys that the device remembers
 * Each but the first returns 0 or an SK_ERR_ code.
 */
#ifndef COMMON_AGENT_SK_API_H
#define COMMON_AGENT_SK_API_H

#include <stddef.h>
#include <stdint.h>

#define SK_API_VERSION      0x000a0000u
#define SK_API_VERSION_MASK 0xffff0000u

enum { /* the algorithms */
	SK_ECDSA = 0,
	SK_ED25519 = 1
};

enum {
	SK_ERR_GENERAL = -1,
	SK_ERR_UNSUPPORTED = -2,
	SK_ERR_PIN_REQUIRED = -3,
	SK_ERR_DEVICE_NOT_FOUND = -4,
	SK_ERR_CREDENTIAL_EXISTS = -5
};

struct sk_enroll_response {
	uint8_t flags;
	uint8_t *public_key; /* uncompressed point, or 32 bytes */
	size_t public_key_len;
	uint8_t *key_handle;
	size_t key_handle_len;
	uint8_t *signature; /* these are the attestation */
	size_t signature_len;
	uint8_t *attestation_cert;
	size_t attestation_cert_len;
	uint8_t *authdata;
	size_t authdata_len;
};

struct sk_sign_response {
	uint8_t flags;
	uint32_t counter;
	uint8_t *sig_r; /* of Ed25519: all of the signature */
	size_t sig_r_len;
	uint8_t *sig_s;
	size_t sig_s_len;
};

struct sk_resident_key {
	uint32_t alg;
	size_t slot;
	char *application;
	struct sk_enroll_response key;
	uint8_t flags;
	uint8_t *user_id;
	size_t user_id_len;
};

/* An array of pointers to these ends with NULL. */
struct sk_option {
	char *name; /* "device", "user" */
	char *value;
	uint8_t required;
};

typedef uint32_t sk_api_version_function(void);
typedef int sk_enroll_function(uint32_t alg, const uint8_t *challenge,
    size_t challenge_len, const char *application, uint8_t flags,
    const char *pin, struct sk_option **options,
    struct sk_enroll_response **enroll_response);
typedef int sk_sign_function(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *key_handle, size_t key_handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_sign_response **sign_response);
typedef int sk_load_resident_keys_function(const char *pin,
    struct sk_option **options, struct sk_resident_key ***residents,
    size_t *resident_count);

#endif
