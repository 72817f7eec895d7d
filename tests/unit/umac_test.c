/*
 * umac_test.c - UMAC against the vectors of RFC 4418, Appendix.
 */
#include "common/crypto/umac.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

static const uint8_t key[] = "abcdefghijklmnop";
#define NONCE 0x6263646566676869ULL /* "bcdefghi" */

/* clang-format off */
static const struct {
	const char *text;
	size_t repeat;
	const char *tag64;
	const char *tag96;      /* the first 96 of the 128 bits */
} vectors[] = {
	{ "a",   0,       "6E155FAD26900BE1", "32FEDB100C79AD58F07FF764" },
	{ "a",   3,       "44B5CB542F220104", "185E4FE905CBA7BD85E4C2DC" },
	{ "a",   1 << 10, "26BF2F5D60118BD9", "7A54ABE04AF82D60FB298C3C" },
	{ "a",   1 << 15, "27F8EF643B0D118D", "7B136BD911E4B734286EF2BE" },
	{ "a",   1 << 20, "A4477E87E9F55853", "F8ACFA3AC31CFEEA047F7B11" },
	{ "abc", 1,       "D4D7B9F6BD4FBFCF", "883C3D4B97A61976FFCF2323" },
	{ "abc", 500,     "D4CF26DDEFD5C01A", "8824A260C53C66A36C9260A6" },
};
/* clang-format on */

static uint8_t *
repeated(const char *text, size_t repeat)
{
	size_t n = strlen(text);
	uint8_t *m = malloc(n * repeat + 1);

	CHECK(m != NULL);
	for (size_t i = 0; i < repeat; i++)
		memcpy(m + i * n, text, n);
	return m;
}

TEST(umac_gives_the_tags_of_rfc_4418)
{
	struct umac *short_tag, *long_tag;
	uint8_t tag[16];

	CHECK_INT(umac_new(key, 8, &short_tag), 0);
	CHECK_INT(umac_new(key, 16, &long_tag), 0);
	for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
		uint8_t *m = repeated(vectors[i].text, vectors[i].repeat);
		size_t len = strlen(vectors[i].text) * vectors[i].repeat;

		CHECK_INT(umac_compute(short_tag, NONCE, m, len, tag), 0);
		CHECK_SPAN(span_of(tag, 8), unit_hex(vectors[i].tag64));
		CHECK_INT(umac_compute(long_tag, NONCE, m, len, tag), 0);
		CHECK_SPAN(span_of(tag, 12), unit_hex(vectors[i].tag96));
		free(m);
	}
	umac_free(short_tag);
	umac_free(long_tag);
}

TEST(umac_takes_a_key_and_two_sizes_of_tag)
{
	struct umac *u;

	CHECK_INT(umac_new(key, 4, &u), ERR_ARGUMENT);
	CHECK_INT(umac_new(key, 12, &u), ERR_ARGUMENT);
	CHECK_INT(umac_new(key, 0, &u), ERR_ARGUMENT);
	umac_free(NULL);
}

TEST(umac_depends_on_every_byte_of_message_and_nonce)
{
	uint8_t m[2100], tag[16], other[16];
	struct umac *u;

	for (size_t i = 0; i < sizeof(m); i++)
		m[i] = (uint8_t)(i * 11);
	for (size_t size = 8; size <= 16; size += 8) {
		CHECK_INT(umac_new(key, size, &u), 0);
		CHECK_INT(umac_compute(u, NONCE, m, sizeof(m), tag), 0);
		for (size_t i = 0; i < sizeof(m); i++) {
			m[i] ^= 0x10;
			CHECK_INT(
			    umac_compute(u, NONCE, m, sizeof(m), other), 0);
			CHECK(memcmp(tag, other, size) != 0);
			m[i] ^= 0x10;
		}
		for (int i = 0; i < 64; i++) {
			CHECK_INT(umac_compute(u, NONCE ^ 1ULL << i, m,
				      sizeof(m), other),
			    0);
			CHECK(memcmp(tag, other, size) != 0);
		}
		CHECK_INT(umac_compute(u, NONCE, m, sizeof(m), other), 0);
		CHECK_SPAN(span_of(other, size), span_of(tag, size));
		umac_free(u);
	}
}

/* Lengths around the units of the first layer, from every alignment. */
TEST(umac_tells_lengths_apart_and_alignments_not)
{
	uint8_t m[1100 + 8] = { 0 };
	uint8_t before[8] = { 0 }, tag[8], other[8];
	struct umac *u;

	CHECK_INT(umac_new(key, 8, &u), 0);
	for (size_t len = 0; len < 1100; len++) {
		CHECK_INT(umac_compute(u, NONCE, m, len, tag), 0);
		CHECK(memcmp(tag, before, sizeof(tag)) != 0);
		CHECK_INT(umac_compute(u, NONCE, m + len % 8, len, other), 0);
		CHECK_SPAN(span_of(other, 8), span_of(tag, 8));
		memcpy(before, tag, sizeof(tag));
	}
	umac_free(u);
}

TEST(umac_refuses_what_is_longer_than_its_second_layer_takes)
{
	size_t limit = 16 * 1024 * 1024;
	uint8_t *m = calloc(1, limit + 1);
	struct umac *u;
	uint8_t tag[8];

	CHECK(m != NULL);
	CHECK_INT(umac_new(key, 8, &u), 0);
	CHECK_INT(umac_compute(u, NONCE, m, limit, tag), 0);
	CHECK_INT(umac_compute(u, NONCE, m, limit + 1, tag), ERR_LIMIT);
	umac_free(u);
	free(m);
}
