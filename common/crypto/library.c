/*
 * library.c - how OpenSSL starts in a process that lives for one login.
 */
#include "common/crypto/library.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "common/base/error.h"
#include "common/crypto/locked_memory.h"

void
crypto_library_start(void)
{
	uint64_t without = OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
			   OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
			   OPENSSL_INIT_NO_ADD_ALL_DIGESTS;

	if (getenv("OPENSSL_CONF") == NULL)
		without |= OPENSSL_INIT_NO_LOAD_CONFIG;
	/* What fails here fails again at the first use, and is told there. */
	IGNORE_RESULT(OPENSSL_init_crypto(without, NULL) != 1);
}

void
crypto_library_start_locked(void)
{
	locked_memory_start();
	crypto_library_start();
	locked_memory_lock();
}
