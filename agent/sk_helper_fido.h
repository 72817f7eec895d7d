/*
 * sk_helper_fido.h - the part of libfido2's documented interface that
 * ssh-sk-helper uses (fido_init(3) and the pages that it names), as a table of
 * functions found when the library is opened.
 *
 * The types are opaque there too. Numbers are those of CTAP 2.1 s8.2 and of
 * RFC 8152 s8.
 */
#ifndef AGENT_SK_HELPER_FIDO_H
#define AGENT_SK_HELPER_FIDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fido_dev fido_dev_t;
typedef struct fido_dev_info fido_dev_info_t;
typedef struct fido_cred fido_cred_t;
typedef struct fido_assert fido_assert_t;
typedef struct fido_credman_rp fido_credman_rp_t;
typedef struct fido_credman_rk fido_credman_rk_t;

enum {
	COSE_ES256 = -7,
	COSE_EDDSA = -8
};

enum { /* fido_opt_t */
	FIDO_OPT_OMIT = 0,
	FIDO_OPT_FALSE = 1,
	FIDO_OPT_TRUE = 2
};

enum {
	FIDO_OK = 0x00,
	FIDO_ERR_CREDENTIAL_EXCLUDED = 0x19,
	FIDO_ERR_INVALID_CREDENTIAL = 0x22,
	FIDO_ERR_UNSUPPORTED_ALGORITHM = 0x26,
	FIDO_ERR_OPERATION_DENIED = 0x27,
	FIDO_ERR_UNSUPPORTED_OPTION = 0x2b,
	FIDO_ERR_NO_CREDENTIALS = 0x2e,
	FIDO_ERR_PIN_INVALID = 0x31,
	FIDO_ERR_PIN_AUTH_INVALID = 0x33,
	FIDO_ERR_PIN_NOT_SET = 0x35,
	FIDO_ERR_PIN_REQUIRED = 0x36,
	FIDO_ERR_UV_BLOCKED = 0x3c,
	FIDO_ERR_UV_INVALID = 0x3f
};

#define FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID 2
#define FIDO_CRED_PROT_UV_REQUIRED         3

/* F(result, name, parameters) */
/* clang-format off */
#define FIDO_FUNCTIONS(F) \
	F(void, fido_init, (int flags)) \
	F(fido_dev_info_t *, fido_dev_info_new, (size_t n)) \
	F(int, fido_dev_info_manifest, (fido_dev_info_t *list, size_t max, size_t *found)) \
	F(const fido_dev_info_t *, fido_dev_info_ptr, (const fido_dev_info_t *list, size_t i)) \
	F(const char *, fido_dev_info_path, (const fido_dev_info_t *info)) \
	F(void, fido_dev_info_free, (fido_dev_info_t **list, size_t n)) \
	F(fido_dev_t *, fido_dev_new, (void)) \
	F(int, fido_dev_open, (fido_dev_t *dev, const char *path)) \
	F(int, fido_dev_close, (fido_dev_t *dev)) \
	F(void, fido_dev_free, (fido_dev_t **dev)) \
	F(bool, fido_dev_is_fido2, (const fido_dev_t *dev)) \
	F(bool, fido_dev_has_uv, (const fido_dev_t *dev)) \
	F(bool, fido_dev_supports_cred_prot, (const fido_dev_t *dev)) \
	F(int, fido_dev_get_touch_begin, (fido_dev_t *dev)) \
	F(int, fido_dev_get_touch_status, (fido_dev_t *dev, int *touched, int wait_ms)) \
	F(int, fido_dev_cancel, (fido_dev_t *dev)) \
	F(int, fido_dev_make_cred, (fido_dev_t *dev, fido_cred_t *cred, const char *pin)) \
	F(int, fido_dev_get_assert, (fido_dev_t *dev, fido_assert_t *assert, const char *pin)) \
	F(fido_cred_t *, fido_cred_new, (void)) \
	F(void, fido_cred_free, (fido_cred_t **cred)) \
	F(int, fido_cred_set_type, (fido_cred_t *cred, int cose)) \
	F(int, fido_cred_set_clientdata_hash, (fido_cred_t *cred, const unsigned char *hash, size_t len)) \
	F(int, fido_cred_set_rk, (fido_cred_t *cred, int opt)) \
	F(int, fido_cred_set_prot, (fido_cred_t *cred, int prot)) \
	F(int, fido_cred_set_rp, (fido_cred_t *cred, const char *id, const char *name)) \
	F(int, fido_cred_set_user, (fido_cred_t *cred, const unsigned char *id, size_t len, \
	    const char *name, const char *display, const char *icon)) \
	F(int, fido_cred_type, (const fido_cred_t *cred)) \
	F(int, fido_cred_prot, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_pubkey_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_pubkey_len, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_id_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_id_len, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_sig_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_sig_len, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_x5c_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_x5c_len, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_authdata_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_authdata_len, (const fido_cred_t *cred)) \
	F(const unsigned char *, fido_cred_user_id_ptr, (const fido_cred_t *cred)) \
	F(size_t, fido_cred_user_id_len, (const fido_cred_t *cred)) \
	F(fido_assert_t *, fido_assert_new, (void)) \
	F(void, fido_assert_free, (fido_assert_t **assert)) \
	F(int, fido_assert_set_rp, (fido_assert_t *assert, const char *id)) \
	F(int, fido_assert_set_clientdata_hash, (fido_assert_t *assert, const unsigned char *hash, size_t len)) \
	F(int, fido_assert_allow_cred, (fido_assert_t *assert, const unsigned char *id, size_t len)) \
	F(int, fido_assert_set_up, (fido_assert_t *assert, int opt)) \
	F(int, fido_assert_set_uv, (fido_assert_t *assert, int opt)) \
	F(size_t, fido_assert_count, (const fido_assert_t *assert)) \
	F(uint8_t, fido_assert_flags, (const fido_assert_t *assert, size_t i)) \
	F(uint32_t, fido_assert_sigcount, (const fido_assert_t *assert, size_t i)) \
	F(const unsigned char *, fido_assert_sig_ptr, (const fido_assert_t *assert, size_t i)) \
	F(size_t, fido_assert_sig_len, (const fido_assert_t *assert, size_t i)) \
	F(fido_credman_rp_t *, fido_credman_rp_new, (void)) \
	F(void, fido_credman_rp_free, (fido_credman_rp_t **rp)) \
	F(int, fido_credman_get_dev_rp, (fido_dev_t *dev, fido_credman_rp_t *rp, const char *pin)) \
	F(size_t, fido_credman_rp_count, (const fido_credman_rp_t *rp)) \
	F(const char *, fido_credman_rp_id, (const fido_credman_rp_t *rp, size_t i)) \
	F(fido_credman_rk_t *, fido_credman_rk_new, (void)) \
	F(void, fido_credman_rk_free, (fido_credman_rk_t **rk)) \
	F(int, fido_credman_get_dev_rk, (fido_dev_t *dev, const char *rp_id, fido_credman_rk_t *rk, const char *pin)) \
	F(size_t, fido_credman_rk_count, (const fido_credman_rk_t *rk)) \
	F(const fido_cred_t *, fido_credman_rk, (const fido_credman_rk_t *rk, size_t i))
/* clang-format on */

#endif
