/* SPDX-License-Identifier: BSD-2-Clause */
/* window.c: the observation window; see window.h. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/tsc.h"
#include "drivers/bus/vpci.h"
#include "lib/mem.h"
#include "vmm/window.h"

#define BASE     (1ull << 20)                /* bytes of a window without cores */
#define PER_CORE ((256u << 10) + (1u << 20)) /* bytes more for each core: trace, capture */
#define LARGEST  (VPCI_MEM_SIZE / 4) /* a guest's other devices have BARs in the same place */

static struct window *window;

/* A BAR shows it, so its size is a power of two.  With many cores the capture's rings are smaller.
 */
static uint64_t window_bytes(void)
{
	uint64_t bytes = BASE;

	while (bytes < BASE + (uint64_t)ncores * PER_CORE && bytes < LARGEST)
		bytes *= 2;
	return bytes;
}

bool window_make(void)
{
	if (window)
		return true;
	window = mem_zalloc(window_bytes());
	if (!window)
		return false;
	window->version = WINDOW_VERSION;
	window->page = WINDOW_PAGE;
	window->size = window_bytes();
	window->tsc_khz = tsc_khz;
	window->self = (uint64_t)window;
	window->magic = WINDOW_MAGIC;
	return true;
}

struct window *window_get(void)
{
	return window;
}

static bool overlaps(const struct window_part *p, uint64_t offset, uint64_t size)
{
	return p->size && offset < p->offset + p->size && p->offset < offset + size;
}

/* The end of a part that is in the way of [offset, offset + size); 0: none is. */
static uint64_t obstacle(uint64_t offset, uint64_t size)
{
	for (unsigned i = 0; i < window->parts; i++)
		if (overlaps(&window->part[i], offset, size))
			return window->part[i].offset + window->part[i].size;
	return 0;
}

/* The first place with room for `size` bytes; 0: there is none. */
static uint64_t find_place(uint64_t size)
{
	uint64_t offset = WINDOW_PAGE, next;

	while ((next = obstacle(offset, size)))
		offset = next;
	return size <= window->size && offset <= window->size - size ? offset : 0;
}

/* An entry of the list that is not in use; NULL: all are. */
static struct window_part *free_entry(void)
{
	for (unsigned i = 0; i < WINDOW_PARTS; i++)
		if (!window->part[i].size)
			return &window->part[i];
	return NULL;
}

void *window_add(enum window_kind kind, unsigned owner, const char *name, uint64_t size)
{
	struct window_part *p;
	uint64_t offset;
	unsigned index;

	size = (size + WINDOW_PAGE - 1) & ~(uint64_t)(WINDOW_PAGE - 1);
	p = window ? free_entry() : NULL;
	offset = p ? find_place(size) : 0;
	if (!offset)
		return NULL;
	index = (unsigned)(p - window->part);
	/* Of a part that was there before.  The rest stays: a request that clears a MiB for each
	 * core would keep others waiting for the lock. */
	memset((uint8_t *)window + offset, 0, WINDOW_PAGE);
	p->kind = kind;
	p->owner = owner;
	p->offset = offset;
	snprintf(p->name, sizeof p->name, "%s", name);
	/* A reader takes an entry with a size for whole. */
	__atomic_store_n(&p->size, size, __ATOMIC_RELEASE);
	if (index >= window->parts)
		window->parts = index + 1;
	return (uint8_t *)window + offset;
}

void window_remove(void *part)
{
	uint64_t offset = (uint64_t)part - (uint64_t)window;

	for (unsigned i = 0; i < window->parts; i++) {
		struct window_part *p = &window->part[i];

		if (p->size && p->offset == offset)
			__atomic_store_n(&p->size, 0, __ATOMIC_RELEASE);
	}
}
