/*
 * locked_memory_test.c - the memory that OpenSSL gets where it holds keys.
 */
#include "common/crypto/locked_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/key/key.h"
#include "tests/unit/unit.h"

/* Kilobytes of this process that are locked. */
static long
locked_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long n = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmLck: %ld", &n) == 1)
			break;
	fclose(f);
	return n;
}

TEST(blocks_of_all_sizes_keep_their_contents)
{
	static const size_t sizes[] = { 1, 32, 33, 100, 4000, 16000, 16384,
		20000, 300000 };
	uint8_t *block[ARRAY_COUNT(sizes)];

	locked_memory_start();
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		block[i] = OPENSSL_malloc(sizes[i]);
		CHECK(block[i] != NULL);
		CHECK((uintptr_t)block[i] % 16 == 0);
		memset(block[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		block[i] = OPENSSL_realloc(block[i], sizes[i] * 3);
		CHECK(block[i] != NULL);
		for (size_t n = 0; n < sizes[i]; n++)
			CHECK_INT(block[i][n], i + 1);
		memset(block[i], 0xee, sizes[i] * 3);
	}
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
		OPENSSL_free(block[i]);
	OPENSSL_free(NULL);
	CHECK(OPENSSL_malloc(0) == NULL);
	block[0] = OPENSSL_realloc(NULL, 10);
	CHECK(block[0] != NULL);
	CHECK(OPENSSL_realloc(block[0], 0) == NULL);
}

TEST(what_is_freed_is_wiped)
{
	uint8_t *one, *two;

	locked_memory_start();
	one = OPENSSL_malloc(200);
	CHECK(one != NULL);
	memset(one, 0xaa, 200);
	OPENSSL_free(one);
	/* The block that was freed last is given out first. */
	two = OPENSSL_malloc(200);
	CHECK(two == one);
	for (size_t i = 0; i < 200; i++)
		CHECK_INT(two[i], 0);
	OPENSSL_free(two);
}

TEST(keys_lie_in_locked_pages)
{
	struct key *k;
	long before;

	locked_memory_start();
	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	key_unref(k);
	before = locked_kib();
	locked_memory_lock();
	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	if (locked_kib() == before)
		SKIP("this system locks no memory for us");
	CHECK(locked_kib() >= before + 64);
	key_unref(k);
}
