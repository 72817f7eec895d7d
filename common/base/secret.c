/*
 * secret.c - memory for secrets.
 *
 * Small secrets share one locked pool of cells, so that a login does not
 * pay four system calls for each; what does not fit has pages of its own.
 * The pool is made on first use and lives as long as the process. It is not
 * for threads: a process of this suite has one.
 */
#include "common/base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL_SIZE  ((size_t)16 * 1024)
#define CELL_SIZE  ((size_t)64)
#define CELL_COUNT (POOL_SIZE / CELL_SIZE)

static uint8_t *pool;
static bool cell_used[CELL_COUNT];

static size_t
page_round(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return size > SIZE_MAX - page ? 0 : (size + page - 1) / page * page;
}

static void *
pages_new(size_t size)
{
	size_t rounded = page_round(size);
	void *ptr;

	if (rounded == 0)
		return NULL;
	ptr = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ptr == MAP_FAILED)
		return NULL;
	/* Both are protection in depth: a small limit on locked memory must
	 * not keep anybody from logging in. */
	IGNORE_RESULT(mlock(ptr, rounded) != 0);
	IGNORE_RESULT(madvise(ptr, rounded, MADV_DONTDUMP) != 0);
	return ptr;
}

static size_t
cells_for(size_t size)
{
	return (size + CELL_SIZE - 1) / CELL_SIZE;
}

/* The first of `count` free cells in a row, or CELL_COUNT. */
static size_t
cells_find(size_t count)
{
	size_t run = 0;

	for (size_t i = 0; i < CELL_COUNT; i++) {
		run = cell_used[i] ? 0 : run + 1;
		if (run == count)
			return i + 1 - count;
	}
	return CELL_COUNT;
}

static void *
pool_take(size_t size)
{
	size_t count = cells_for(size);
	size_t first;

	if (pool == NULL && (pool = pages_new(POOL_SIZE)) == NULL)
		return NULL;
	if ((first = cells_find(count)) == CELL_COUNT)
		return NULL;
	memset(cell_used + first, true, count * sizeof(cell_used[0]));
	return pool + first * CELL_SIZE;
}

static bool
pool_owns(const void *ptr)
{
	uintptr_t at = (uintptr_t)ptr;
	uintptr_t start = (uintptr_t)pool;

	return pool != NULL && at >= start && at < start + POOL_SIZE;
}

void *
secret_alloc(size_t size)
{
	void *ptr;

	if (size == 0)
		size = 1;
	if (size <= POOL_SIZE / 4 && (ptr = pool_take(size)) != NULL)
		return ptr;
	return pages_new(size);
}

void
secret_free(void *ptr, size_t size)
{
	if (ptr == NULL)
		return;
	if (size == 0)
		size = 1;
	secret_wipe(ptr, size);
	if (pool_owns(ptr)) {
		size_t first = (size_t)((uint8_t *)ptr - pool) / CELL_SIZE;

		memset(cell_used + first, false,
		    cells_for(size) * sizeof(cell_used[0]));
	} else {
		munmap(ptr, page_round(size));
	}
}

void
secret_wipe(void *ptr, size_t size)
{
	if (size > 0)
		explicit_bzero(ptr, size);
}

void
secret_free_text(char *text)
{
	if (text == NULL)
		return;
	secret_wipe(text, strlen(text));
	free(text);
}

bool
secret_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *pa = a;
	const volatile uint8_t *pb = b;
	uint32_t difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= (uint32_t)(pa[i] ^ pb[i]);
	/* 0 - 1 borrows into the top bit, 1..255 - 1 does not. */
	return (bool)((difference - 1) >> 31);
}
