/*
 * locked_memory.c - an allocator of locked pages for OpenSSL.
 *
 * Sizes are rounded up to powers of two; each power has a list of free
 * blocks, cut from chunks. What is larger has pages of its own. In front of
 * each block lies its size.
 */
#include "common/crypto/locked_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "common/base/error.h"
#include "common/base/secret.h"

#define CHUNK_SIZE  ((size_t)64 * 1024)
#define CLASS_FIRST 6  /* 64 bytes */
#define CLASS_LAST  14 /* 16 KiB */

union head {
	struct {
		size_t size;    /* of the whole block, with this head */
		uint32_t class; /* or CLASS_LAST + 1: pages of its own */
		bool is_locked;
	} used;
	union head *next; /* in the list of free ones */
	max_align_t align;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool is_locking;
/* Those of locked pages apart from those of before. */
static union head *free_blocks[2][CLASS_LAST + 1];

static void *
pages_new(size_t size)
{
	void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ptr == MAP_FAILED)
		return NULL;
	/* A small limit on locked memory must not keep anybody from using his
	 * keys. */
	if (is_locking)
		IGNORE_RESULT(mlock(ptr, size) != 0);
	IGNORE_RESULT(madvise(ptr, size, MADV_DONTDUMP) != 0);
	return ptr;
}

/* Cuts a fresh chunk into blocks. */
static void
fill_class(uint32_t class)
{
	size_t size = (size_t)1 << class;
	uint8_t *chunk = pages_new(CHUNK_SIZE);

	for (size_t at = 0; chunk != NULL && at < CHUNK_SIZE; at += size) {
		union head *block = (union head *)(void *)(chunk + at);

		block->next = free_blocks[is_locking][class];
		free_blocks[is_locking][class] = block;
	}
}

static union head *
take_block(uint32_t class)
{
	union head *block;

	pthread_mutex_lock(&mutex);
	if (free_blocks[is_locking][class] == NULL)
		fill_class(class);
	if ((block = free_blocks[is_locking][class]) != NULL) {
		free_blocks[is_locking][class] = block->next;
		block->used.is_locked = is_locking;
	}
	pthread_mutex_unlock(&mutex);
	return block;
}

static void *
memory_alloc(size_t size, const char *file, int line)
{
	size_t whole = size + sizeof(union head);
	uint32_t class = CLASS_FIRST;
	union head *block;

	if (size == 0 || size > SIZE_MAX / 2)
		return NULL;
	while (class <= CLASS_LAST && ((size_t)1 << class) < whole)
		class ++;
	if (class <= CLASS_LAST)
		whole = (size_t)1 << class;
	block = class <= CLASS_LAST ? take_block(class) : pages_new(whole);
	if (block == NULL)
		return NULL;
	block->used.size = whole;
	block->used.class = class;
	return block + 1;
}

static void
memory_free(void *ptr, const char *file, int line)
{
	union head *block;
	uint32_t class;
	bool is_locked;

	if (ptr == NULL)
		return;
	block = (union head *)ptr - 1;
	class = block->used.class;
	is_locked = block->used.is_locked;
	secret_wipe(ptr, block->used.size - sizeof(*block));
	if (class > CLASS_LAST) {
		munmap(block, block->used.size);
		return;
	}
	pthread_mutex_lock(&mutex);
	block->next = free_blocks[is_locked][class];
	free_blocks[is_locked][class] = block;
	pthread_mutex_unlock(&mutex);
}

static void *
memory_realloc(void *ptr, size_t size, const char *file, int line)
{
	size_t room;
	void *moved;

	if (ptr == NULL)
		return memory_alloc(size, file, line);
	if (size == 0) {
		memory_free(ptr, file, line);
		return NULL;
	}
	room = ((union head *)ptr - 1)->used.size - sizeof(union head);
	if (size <= room)
		return ptr;
	if ((moved = memory_alloc(size, file, line)) == NULL)
		return NULL;
	memcpy(moved, ptr, room);
	memory_free(ptr, file, line);
	return moved;
}

void
locked_memory_start(void)
{
	/* Refused where OpenSSL was used before; then keys are only wiped. */
	IGNORE_RESULT(CRYPTO_set_mem_functions(
			  memory_alloc, memory_realloc, memory_free) != 1);
}

void
locked_memory_lock(void)
{
	pthread_mutex_lock(&mutex);
	is_locking = true;
	pthread_mutex_unlock(&mutex);
}
