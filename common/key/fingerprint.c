/*
 * fingerprint.c - fingerprints and their pictures.
 *
 * The picture is a walk of a bishop over a board, steered by two bits at a
 * time; it is the one people compare by eye, so it must be the well-known
 * one (D. Loss and others, "The drunken bishop", 2009).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/key/key_impl.h"

#define WIDTH  17
#define HEIGHT 9

/* How often a field was visited, then start and end. */
static const char symbols[] = " .o+=*BOX@%&#/^SE";
#define VISITS_MAX ((int)sizeof(symbols) - 4)
#define START      (VISITS_MAX + 1)
#define END        (VISITS_MAX + 2)

static void
write_md5(struct buf *b, const uint8_t *hash, size_t len)
{
	buf_printf(b, "MD5");
	for (size_t i = 0; i < len; i++)
		buf_printf(b, ":%02x", hash[i]);
}

static void
write_base64(struct buf *b, enum digest_algorithm a, struct span hash)
{
	buf_printf(b, "%s:", digest_name(a));
	base64_write(b, hash, 0);
	while (b->len > 0 && b->data[b->len - 1] == '=')
		buf_truncate(b, b->len - 1);
}

char *
key_fingerprint(const struct key *k, enum digest_algorithm a)
{
	uint8_t hash[DIGEST_MAX];
	struct buf b = BUF_INIT;

	if (digest_of(a, key_plain_blob(k), hash) != 0)
		return NULL;
	if (a == DIGEST_MD5)
		write_md5(&b, hash, digest_size(a));
	else
		write_base64(&b, a, span_of(hash, digest_size(a)));
	return buf_take_text(&b);
}

static int
clamp(int v, int max)
{
	return v < 0 ? 0 : v > max ? max : v;
}

static void
walk(uint8_t board[HEIGHT][WIDTH], const uint8_t *hash, size_t len)
{
	int x = WIDTH / 2, y = HEIGHT / 2;

	for (size_t i = 0; i < len * 4; i++) {
		unsigned step = hash[i / 4] >> (2 * (i % 4));

		x = clamp(x + (step & 1 ? 1 : -1), WIDTH - 1);
		y = clamp(y + (step & 2 ? 1 : -1), HEIGHT - 1);
		if (board[y][x] < VISITS_MAX)
			board[y][x]++;
	}
	board[HEIGHT / 2][WIDTH / 2] = START;
	board[y][x] = END;
}

/* "+---[title]----+": the title in the middle, the longer side right. */
static void
write_border(struct buf *b, const char *title)
{
	int len = (int)strlen(title);
	int left = (WIDTH - len) / 2;

	write_byte(b, '+');
	for (int i = 0; i < left; i++)
		write_byte(b, '-');
	write_bytes(b, title, (size_t)len);
	for (int i = left + len; i < WIDTH; i++)
		write_byte(b, '-');
	write_byte(b, '+');
}

char *
key_randomart(const struct key *k, enum digest_algorithm a)
{
	uint8_t board[HEIGHT][WIDTH] = { { 0 } };
	uint8_t hash[DIGEST_MAX];
	struct buf b = BUF_INIT;
	char title[WIDTH + 1];

	if (digest_of(a, key_plain_blob(k), hash) != 0)
		return NULL;
	walk(board, hash, digest_size(a));
	if (snprintf(title, sizeof(title), "[%s %u]", k->row->short_name,
		key_bits(k)) > WIDTH)
		snprintf(title, sizeof(title), "[%s]", k->row->short_name);
	write_border(&b, title);
	write_byte(&b, '\n');
	for (int y = 0; y < HEIGHT; y++) {
		write_byte(&b, '|');
		for (int x = 0; x < WIDTH; x++)
			write_byte(&b, (uint8_t)symbols[board[y][x]]);
		write_bytes(&b, "|\n", 2);
	}
	snprintf(title, sizeof(title), "[%s]", digest_name(a));
	write_border(&b, title);
	return buf_take_text(&b);
}
