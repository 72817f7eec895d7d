/*
 * fuzz.c - what the fuzz targets share.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/log.h"

#define VECTOR_MAX ((size_t)64 * 1024)

static const char *seed_directory;

/* A target without seeds need not say so. */
__attribute__((weak)) void fuzz_seeds(void);

void
fuzz_finding(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void
fuzz_seed(const char *name, struct span data)
{
	char *path = path_join(seed_directory, name);
	struct error e = { 0 };

	if (path == NULL || file_write_atomic(path, data, 0644, false, &e) != 0)
		fprintf(stderr, "%s: %s\n", name, e.text);
	free(path);
}

void
fuzz_seed_vector(const char *name, struct span front)
{
	char *path = path_join("tests/vectors", name);
	struct buf data = BUF_INIT;
	struct error e = { 0 };

	write_span(&data, front);
	if (path != NULL && file_read(path, VECTOR_MAX, &data, &e) == 0)
		fuzz_seed(path_last(path), buf_span(&data));
	else
		fprintf(stderr, "%s: %s\n", name, e.text);
	buf_release(&data);
	free(path);
}

uint8_t
fuzz_byte(struct reader *r)
{
	return r->len == 0 ? 0 : read_byte(r);
}

struct span
fuzz_chunk(struct reader *r)
{
	size_t len = (size_t)fuzz_byte(r) << 8;

	len |= fuzz_byte(r);
	return read_bytes(r, len < r->len ? len : r->len);
}

void
fuzz_put_chunk(struct buf *b, struct span chunk)
{
	write_byte(b, (uint8_t)(chunk.len >> 8));
	write_byte(b, (uint8_t)chunk.len);
	write_span(b, chunk);
}

char *
fuzz_text(struct span s)
{
	const uint8_t *nul = s.len != 0 ? memchr(s.ptr, 0, s.len) : NULL;
	char *text;

	if (nul != NULL)
		s.len = (size_t)(nul - s.ptr);
	text = span_dup_text(s);
	REQUIRE(text != NULL);
	return text;
}

bool
fuzz_is_printable(struct span s, bool lines)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] < 0x20 || s.ptr[i] > 0x7e) &&
		    !(lines && (s.ptr[i] == '\n' || s.ptr[i] == '\t')))
			return false;
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_LEVEL_QUIET);
	seed_directory = getenv("SHEETBEND_FUZZ_SEEDS");
	if (seed_directory != NULL) {
		if (fuzz_seeds != NULL)
			fuzz_seeds();
		exit(0);
	}
	return 0;
}
