/*
 * secret_test.c - memory for secrets.
 */
#include "common/base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

TEST(secret_memory_is_zeroed_each_time)
{
	static const size_t sizes[] = { 0, 1, 32, 63, 64, 65, 4000, 4096, 4097,
		100000 };
	uint8_t *p[ARRAY_COUNT(sizes)];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
			CHECK((p[i] = secret_alloc(sizes[i])) != NULL);
			CHECK(is_zero(p[i], sizes[i]));
			memset(p[i], 0xa5, sizes[i]);
		}
		for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
			for (size_t j = 0; j < sizes[i]; j++)
				CHECK_INT(p[i][j], 0xa5);
		for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
			secret_free(p[i], sizes[i]);
	}
	secret_free(NULL, 10);
}

TEST(secret_pool_serves_on_when_it_is_full)
{
	enum {
		COUNT = 600
	};
	uint8_t *p[COUNT];

	for (int i = 0; i < COUNT; i++) {
		CHECK((p[i] = secret_alloc(64)) != NULL);
		memset(p[i], i, 64);
	}
	for (int i = 0; i < COUNT; i++)
		CHECK(p[i][0] == (uint8_t)i && p[i][63] == (uint8_t)i);
	for (int i = 0; i < COUNT; i += 2)
		secret_free(p[i], 64);
	for (int i = 0; i < COUNT; i += 2) {
		CHECK((p[i] = secret_alloc(40)) != NULL);
		CHECK(is_zero(p[i], 40));
	}
	for (int i = 0; i < COUNT; i++)
		secret_free(p[i], i % 2 == 0 ? 40 : 64);
	CHECK(secret_alloc(SIZE_MAX - 5) == NULL);
}

TEST(secret_wipe_and_text)
{
	char text[] = "secret";

	secret_wipe(text, sizeof(text));
	CHECK(is_zero((uint8_t *)text, sizeof(text)));
	secret_wipe(NULL, 0);
	secret_free_text(NULL);
	secret_free_text(strdup("x"));
}

TEST(secret_equal_sees_every_bit)
{
	uint8_t a[33] = { 0 }, b[33] = { 0 };

	CHECK(secret_equal(a, b, sizeof(a)));
	CHECK(secret_equal(a, b, 0));
	for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
		b[bit / 8] = (uint8_t)(1u << (bit % 8));
		CHECK(!secret_equal(a, b, sizeof(a)));
		b[bit / 8] = 0;
	}
	memset(b, 0xff, sizeof(b));
	CHECK(!secret_equal(a, b, sizeof(a)));
	CHECK_INT(secret_select(0xffffffff, 1, 2), 1);
	CHECK_INT(secret_select(0, 1, 2), 2);
}
