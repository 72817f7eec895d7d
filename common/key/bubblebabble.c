/*
 * bubblebabble.c - fingerprints as words that can be said.
 * Antti Huima, "The Bubble Babble Binary Data Encoding" (2000).
 *
 * Two bytes make five letters, consonants and vowels in turn; a checksum runs
 * along and colours the vowels.
 */
#include "common/base/text.h"
#include "common/key/key_impl.h"

static const char vowels[] = "aeiouy";
static const char consonants[] = "bcdfghklmnprstvzx";
#define FILLER 16 /* "x", for an even count of bytes */

/* The three letters of a byte (or of none) under the checksum. */
static void
write_syllable(
    struct buf *b, unsigned high, unsigned middle, unsigned low, unsigned sum)
{
	write_byte(b, (uint8_t)vowels[(high + sum) % 6]);
	write_byte(b, (uint8_t)consonants[middle]);
	write_byte(b, (uint8_t)vowels[(low + sum / 6) % 6]);
}

static void
write_babble(struct buf *b, const uint8_t *bytes, size_t len)
{
	unsigned sum = 1;
	size_t i;

	write_byte(b, 'x');
	for (i = 0; i + 1 < len; i += 2) {
		write_syllable(
		    b, bytes[i] >> 6, (bytes[i] >> 2) & 15, bytes[i] & 3, sum);
		write_byte(b, (uint8_t)consonants[bytes[i + 1] >> 4]);
		write_byte(b, '-');
		write_byte(b, (uint8_t)consonants[bytes[i + 1] & 15]);
		sum = (sum * 5 + bytes[i] * 7u + bytes[i + 1]) % 36;
	}
	if (i < len)
		write_syllable(
		    b, bytes[i] >> 6, (bytes[i] >> 2) & 15, bytes[i] & 3, sum);
	else
		write_syllable(b, 0, FILLER, 0, sum);
	write_byte(b, 'x');
}

char *
key_bubblebabble(const struct key *k, enum digest_algorithm a)
{
	uint8_t hash[DIGEST_MAX];
	struct buf b = BUF_INIT;

	if (digest_of(a, key_plain_blob(k), hash) != 0)
		return NULL;
	write_babble(&b, hash, digest_size(a));
	return buf_take_text(&b);
}
