/*
 * query.c - what this program can do: -Q, -V.
 */
#include "ssh/query.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "common/crypto/mac.h"
#include "common/key/key.h"
#include "common/transport/kex_method.h"

static void
print_ciphers(void)
{
	for (size_t i = 0; cipher_row(i) != NULL; i++)
		if ((cipher_row(i)->flags & CIPHER_INTERNAL) == 0)
			puts(cipher_row(i)->name);
}

static void
print_aead_ciphers(void)
{
	for (size_t i = 0; cipher_row(i) != NULL; i++)
		if ((cipher_row(i)->flags & CIPHER_AEAD) != 0)
			puts(cipher_row(i)->name);
}

static void
print_macs(void)
{
	for (size_t i = 0; mac_row(i) != NULL; i++)
		puts(mac_row(i)->name);
}

static void
print_kex(void)
{
	for (size_t i = 0; kex_row(i) != NULL; i++)
		puts(kex_row(i)->name);
}

/* Types that are off by default are left out: what is listed must work
 * without further options. */
static void
print_key_rows(bool plain, bool certificates)
{
	const struct key_type_row *row;

	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++)
		if (!row->off && (row->plain == NULL ? plain : certificates))
			puts(row->name);
}

static void
print_keys(void)
{
	print_key_rows(true, true);
}

static void
print_plain_keys(void)
{
	print_key_rows(true, false);
}

static void
print_certificate_keys(void)
{
	print_key_rows(false, true);
}

/* Is it for certificates of a type that is off, or of browsers? Nobody has
 * such. */
static bool
is_of_no_use(const struct signature_algorithm *a)
{
	return signature_is_of_certificate(a) &&
	       (key_type_find(span_text(a->key_type))->off ||
		   text_starts_with(a->name, "webauthn-"));
}

static void
print_signatures(void)
{
	for (size_t i = 0; signature_row(i) != NULL; i++)
		if (!is_of_no_use(signature_row(i)))
			puts(signature_row(i)->name);
}

static void
print_plain_signatures(void)
{
	for (size_t i = 0; signature_row(i) != NULL; i++)
		if (!signature_is_of_certificate(signature_row(i)))
			puts(signature_row(i)->name);
}

static void
print_compression(void)
{
	puts("none\nzlib@openssh.com");
}

static void
print_protocol(void)
{
	puts("2");
}

static void print_help(void);

/* clang-format off */
static const struct query {
	const char *name;
	void (*print)(void);
	bool is_option;      /* a keyword: case does not matter */
} queries[] = {
	{ "cipher",                      print_ciphers,          false },
	{ "cipher-auth",                 print_aead_ciphers,     false },
	{ "compression",                 print_compression,      false },
	{ "kex",                         print_kex,              false },
	{ "key",                         print_keys,             false },
	{ "key-ca-sign",                 print_plain_signatures, false },
	{ "key-cert",                    print_certificate_keys, false },
	{ "key-plain",                   print_plain_keys,       false },
	{ "key-sig",                     print_signatures,       false },
	{ "mac",                         print_macs,             false },
	{ "protocol-version",            print_protocol,         false },
	{ "sig",                         print_plain_signatures, false },
	{ "help",                        print_help,             false },
	{ "Ciphers",                     print_ciphers,          true },
	{ "MACs",                        print_macs,             true },
	{ "KexAlgorithms",               print_kex,              true },
	{ "PubkeyAcceptedAlgorithms",    print_signatures,       true },
	{ "PubkeyAcceptedKeyTypes",      print_signatures,       true },
	{ "HostKeyAlgorithms",           print_signatures,       true },
	{ "HostbasedAcceptedAlgorithms", print_signatures,       true },
	{ "HostbasedAcceptedKeyTypes",   print_signatures,       true },
	{ "HostbasedKeyTypes",           print_signatures,       true },
	{ "CASignatureAlgorithms",       print_plain_signatures, true },
};
/* clang-format on */

static void
print_help(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
		if (!queries[i].is_option && queries[i].print != print_help)
			puts(queries[i].name);
}

bool
query_print(const char *what)
{
	for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
		const struct query *q = &queries[i];

		if ((q->is_option ? strcasecmp : strcmp)(q->name, what) != 0)
			continue;
		q->print();
		return true;
	}
	return false;
}

const char *
version_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

void
version_print(void)
{
	fprintf(stderr,
	    VERSION_NAME " (compatible with " VERSION_COMPATIBLE "), %s\n",
	    version_library());
}
