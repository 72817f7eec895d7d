/*
 * key_table.c - the key types and the signature algorithms, one row each.
 * RFC 4253 s6.6, RFC 5656 s3, RFC 8332 s3, RFC 8709; certificate types:
 * draft-miller-ssh-cert; security keys: surface notes s8, s9.
 */
#include <string.h>

#include <openssl/core_names.h>

#include "common/key/key_impl.h"

#define CERT(plain) plain "-cert-v01@openssh.com"

/* The one place that spells the name of the hybrid type. */
#define MLDSA44_ED25519      "ssh-mldsa44-ed25519@openssh.com"
#define MLDSA44_ED25519_CERT CERT("ssh-mldsa44-ed25519")

#define SK_ED25519      "sk-ssh-ed25519@openssh.com"
#define SK_ECDSA        "sk-ecdsa-sha2-nistp256@openssh.com"
#define WEBAUTHN        "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
#define SK_ED25519_CERT CERT("sk-ssh-ed25519")
#define SK_ECDSA_CERT   CERT("sk-ecdsa-sha2-nistp256")
#define WEBAUTHN_CERT   CERT("webauthn-sk-ecdsa-sha2-nistp256")

/* clang-format off */
static const struct key_type_row key_types[] = {
	/* name                        short           type         bits  off    plain */
	{ "ssh-ed25519",                "ED25519",       KEY_ED25519,  256,   false,  NULL },
	{ "ecdsa-sha2-nistp256",        "ECDSA",         KEY_ECDSA,    256,   false,  NULL },
	{ "ecdsa-sha2-nistp384",        "ECDSA",         KEY_ECDSA,    384,   false,  NULL },
	{ "ecdsa-sha2-nistp521",        "ECDSA",         KEY_ECDSA,    521,   false,  NULL },
	{ SK_ED25519,                   "ED25519-SK",    KEY_ED25519_SK, 256, false, NULL },
	{ SK_ECDSA,                     "ECDSA-SK",      KEY_ECDSA_SK, 256,   false, NULL },
	{ "ssh-rsa",                    "RSA",           KEY_RSA,      0,     false,  NULL },
	{ MLDSA44_ED25519,              "MLDSA44-ED25519", KEY_MLDSA44_ED25519, 256, true, NULL },
	{ "ssh-dss",                    "DSA",           KEY_DSA,      1024,  true,   NULL },
	{ CERT("ssh-ed25519"),          "ED25519-CERT",  KEY_ED25519,  256,   false,  "ssh-ed25519" },
	{ CERT("ecdsa-sha2-nistp256"),  "ECDSA-CERT",    KEY_ECDSA,    256,   false,  "ecdsa-sha2-nistp256" },
	{ CERT("ecdsa-sha2-nistp384"),  "ECDSA-CERT",    KEY_ECDSA,    384,   false,  "ecdsa-sha2-nistp384" },
	{ CERT("ecdsa-sha2-nistp521"),  "ECDSA-CERT",    KEY_ECDSA,    521,   false,  "ecdsa-sha2-nistp521" },
	{ SK_ED25519_CERT,              "ED25519-SK-CERT", KEY_ED25519_SK, 256, false, SK_ED25519 },
	{ SK_ECDSA_CERT,                "ECDSA-SK-CERT", KEY_ECDSA_SK, 256,   false, SK_ECDSA },
	{ CERT("ssh-rsa"),              "RSA-CERT",      KEY_RSA,      0,     false,  "ssh-rsa" },
	{ MLDSA44_ED25519_CERT,         "MLDSA44-ED25519-CERT", KEY_MLDSA44_ED25519, 256, true, MLDSA44_ED25519 },
	{ CERT("ssh-dss"),              "DSA-CERT",      KEY_DSA,      1024,  true,   "ssh-dss" },
};

static const struct signature_algorithm signatures[] = {
	/* name                         needs                         digest          off    plain */
	{ CERT("ssh-ed25519"),          CERT("ssh-ed25519"),          DIGEST_SHA512, false, "ssh-ed25519" },
	{ CERT("ecdsa-sha2-nistp256"),  CERT("ecdsa-sha2-nistp256"),  DIGEST_SHA256, false, "ecdsa-sha2-nistp256" },
	{ CERT("ecdsa-sha2-nistp384"),  CERT("ecdsa-sha2-nistp384"),  DIGEST_SHA384, false, "ecdsa-sha2-nistp384" },
	{ CERT("ecdsa-sha2-nistp521"),  CERT("ecdsa-sha2-nistp521"),  DIGEST_SHA512, false, "ecdsa-sha2-nistp521" },
	{ SK_ED25519_CERT,              SK_ED25519_CERT,              DIGEST_SHA256, false, SK_ED25519 },
	{ SK_ECDSA_CERT,                SK_ECDSA_CERT,                DIGEST_SHA256, false, SK_ECDSA },
	{ WEBAUTHN_CERT,                SK_ECDSA_CERT,                DIGEST_SHA256, false, WEBAUTHN },
	{ CERT("rsa-sha2-512"),         CERT("ssh-rsa"),              DIGEST_SHA512, false, "rsa-sha2-512" },
	{ CERT("rsa-sha2-256"),         CERT("ssh-rsa"),              DIGEST_SHA256, false, "rsa-sha2-256" },
	{ CERT("ssh-rsa"),              CERT("ssh-rsa"),              DIGEST_SHA1,   true,  "ssh-rsa" },
	{ MLDSA44_ED25519_CERT,         MLDSA44_ED25519_CERT,         DIGEST_SHA512, false, MLDSA44_ED25519 },
	{ CERT("ssh-dss"),              CERT("ssh-dss"),              DIGEST_SHA1,   true,  "ssh-dss" },
	{ "ssh-ed25519",                "ssh-ed25519",                DIGEST_SHA512, false, "ssh-ed25519" },
	{ "ecdsa-sha2-nistp256",        "ecdsa-sha2-nistp256",        DIGEST_SHA256, false, "ecdsa-sha2-nistp256" },
	{ "ecdsa-sha2-nistp384",        "ecdsa-sha2-nistp384",        DIGEST_SHA384, false, "ecdsa-sha2-nistp384" },
	{ "ecdsa-sha2-nistp521",        "ecdsa-sha2-nistp521",        DIGEST_SHA512, false, "ecdsa-sha2-nistp521" },
	{ SK_ED25519,                   SK_ED25519,                   DIGEST_SHA256, false, SK_ED25519 },
	{ SK_ECDSA,                     SK_ECDSA,                     DIGEST_SHA256, false, SK_ECDSA },
	{ WEBAUTHN,                     SK_ECDSA,                     DIGEST_SHA256, false, WEBAUTHN },
	{ "rsa-sha2-512",               "ssh-rsa",                    DIGEST_SHA512, false, "rsa-sha2-512" },
	{ "rsa-sha2-256",               "ssh-rsa",                    DIGEST_SHA256, false, "rsa-sha2-256" },
	{ "ssh-rsa",                    "ssh-rsa",                    DIGEST_SHA1,   true,  "ssh-rsa" },
	{ MLDSA44_ED25519,              MLDSA44_ED25519,              DIGEST_SHA512, false, MLDSA44_ED25519 },
	{ "ssh-dss",                    "ssh-dss",                    DIGEST_SHA1,   true,  "ssh-dss" },
};
/* clang-format on */

/* clang-format off */
static const char default_list[] =
	CERT("ssh-ed25519")
	"," CERT("ecdsa-sha2-nistp256")
	"," CERT("ecdsa-sha2-nistp384")
	"," CERT("ecdsa-sha2-nistp521")
	"," SK_ED25519_CERT
	"," SK_ECDSA_CERT
	"," WEBAUTHN_CERT
	"," CERT("rsa-sha2-512")
	"," CERT("rsa-sha2-256")
	",ssh-ed25519"
	",ecdsa-sha2-nistp256"
	",ecdsa-sha2-nistp384"
	",ecdsa-sha2-nistp521"
	"," SK_ED25519
	"," SK_ECDSA
	"," WEBAUTHN
	",rsa-sha2-512"
	",rsa-sha2-256";
/* clang-format on */

const struct key_type_row *
key_type_row(size_t index)
{
	return index < ARRAY_COUNT(key_types) ? &key_types[index] : NULL;
}

const struct key_type_row *
key_type_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(key_types); i++) {
		if (span_is(name, key_types[i].name))
			return &key_types[i];
	}
	return NULL;
}

const struct key_type_row *
key_type_of_certificate(const struct key_type_row *plain)
{
	for (size_t i = 0; i < ARRAY_COUNT(key_types); i++) {
		if (key_types[i].plain != NULL &&
		    strcmp(key_types[i].plain, plain->name) == 0)
			return &key_types[i];
	}
	return NULL;
}

bool
signature_is_of_certificate(const struct signature_algorithm *a)
{
	return strcmp(a->name, a->plain) != 0;
}

const struct signature_algorithm *
signature_row(size_t index)
{
	return index < ARRAY_COUNT(signatures) ? &signatures[index] : NULL;
}

const struct signature_algorithm *
signature_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(signatures); i++) {
		if (span_is(name, signatures[i].name))
			return &signatures[i];
	}
	return NULL;
}

const char *
signature_default_list(void)
{
	return default_list;
}

const struct key_ops *
key_ops_of(enum key_type type)
{
	switch (type) {
	case KEY_RSA:
		return &key_ops_rsa;
	case KEY_DSA:
		return &key_ops_dsa;
	case KEY_ECDSA:
		return &key_ops_ecdsa;
	case KEY_ED25519:
		return &key_ops_ed25519;
	case KEY_ECDSA_SK:
		return &key_ops_ecdsa_sk;
	case KEY_ED25519_SK:
		return &key_ops_ed25519_sk;
	case KEY_MLDSA44_ED25519:
		return &key_ops_mldsa44_ed25519;
	case KEY_NONE:
		break;
	}
	return NULL;
}

static enum key_type
type_of_pkey(EVP_PKEY *pkey)
{
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		return KEY_RSA;
	case EVP_PKEY_DSA:
		return KEY_DSA;
	case EVP_PKEY_EC:
		return KEY_ECDSA;
	case EVP_PKEY_ED25519:
		return KEY_ED25519;
	default:
		return KEY_NONE;
	}
}

const struct key_type_row *
key_row_of_pkey(EVP_PKEY *pkey)
{
	enum key_type type = type_of_pkey(pkey);
	const struct key_ops *ops = key_ops_of(type);

	for (size_t i = 0; i < ARRAY_COUNT(key_types); i++) {
		if (key_types[i].type == type && key_types[i].plain == NULL &&
		    ops->check(&key_types[i], pkey) == 0)
			return &key_types[i];
	}
	return NULL;
}
