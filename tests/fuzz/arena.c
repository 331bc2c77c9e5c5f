/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/arena.h"
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE  (24u << 20)
#define ARENA_GAP   64    /* poisoned bytes behind each allocation */
#define ARENA_KEPT  64    /* allocations that may be there at arena_keep() */
#define ARENA_LARGE 32768 /* bytes from which on a free allocation is used again, for its size */
#define ARENA_AGAIN 8     /* how many of these are remembered */

struct arena_piece {
	uint8_t *p;
	size_t size;
};

static struct arena {
	size_t used;  /* bytes from the start that were ever handed out since the last restore */
	size_t live;  /* bytes that are allocated now */
	size_t count; /* of kept[] */
	struct arena_piece again[ARENA_AGAIN], kept[ARENA_KEPT];
	size_t kept_used, kept_live; /* 0 before arena_keep() */
} arena;

static _Alignas(64) uint8_t arena_bytes[ARENA_SIZE], arena_image[ARENA_SIZE];

/* A large free piece of that size, cleared; NULL: there is none. */
static uint8_t *arena_again(size_t size)
{
	for (unsigned i = 0; i < ARENA_AGAIN; i++) {
		uint8_t *p = arena.again[i].p;

		if (!p || arena.again[i].size != size)
			continue;
		arena.again[i].p = NULL;
		ASAN_UNPOISON_MEMORY_REGION(p, size);
		return memset(p, 0, size);
	}
	return NULL;
}

static uint8_t *arena_fresh(size_t size)
{
	size_t take = (size + 63 + ARENA_GAP) & ~(size_t)63;
	uint8_t *p = arena_bytes + arena.used;

	if (take > ARENA_SIZE - arena.used)
		return NULL;
	arena.used += take;
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	ASAN_POISON_MEMORY_REGION(p + size, take - size);
	return p;
}

static void *arena_alloc(size_t size)
{
	uint8_t *p = arena_again(size);

	if (!p)
		p = arena_fresh(size);
	if (!p)
		return NULL;
	arena.live += size;
	if (!arena.kept_used) {
		if (arena.count == ARENA_KEPT)
			abort();
		arena.kept[arena.count++] = (struct arena_piece){p, size};
	}
	return p;
}

static void arena_free(void *p, size_t size)
{
	arena.live -= size;
	ASAN_POISON_MEMORY_REGION(p, size);
	for (unsigned i = 0; i < ARENA_KEPT && !arena.kept_used; i++)
		if (arena.kept[i].p == p)
			arena.kept[i].size = 0; /* nothing of it is kept */
	for (unsigned i = 0; i < ARENA_AGAIN && arena.kept_used && size >= ARENA_LARGE; i++) {
		if (arena.again[i].p)
			continue;
		arena.again[i] = (struct arena_piece){p, size};
		return;
	}
}

const struct vnet_mem arena_mem = {arena_alloc, arena_free};

void arena_keep(void)
{
	ASAN_UNPOISON_MEMORY_REGION(arena_bytes, arena.used);
	memcpy(arena_image, arena_bytes, arena.used);
	arena.kept_used = arena.used;
	arena.kept_live = arena.live;
}

void arena_restore(void)
{
	ASAN_UNPOISON_MEMORY_REGION(arena_bytes, arena.used);
	memcpy(arena_bytes, arena_image, arena.kept_used);
	memset(arena_bytes + arena.kept_used, 0, arena.used - arena.kept_used);
	ASAN_POISON_MEMORY_REGION(arena_bytes, arena.used);
	for (size_t i = 0; i < arena.count; i++)
		ASAN_UNPOISON_MEMORY_REGION(arena.kept[i].p, arena.kept[i].size);
	arena.used = arena.kept_used;
	arena.live = arena.kept_live;
	memset(arena.again, 0, sizeof arena.again);
}

bool arena_grew(void)
{
	return arena.live != arena.kept_live;
}
