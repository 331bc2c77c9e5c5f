/* Nested page tables: guest-physical to host-physical, both vendors' formats by one record. */
#include "arch/x86_64/npt.h"
#include "arch/x86_64/platform.h"
#include "vmm/mem.h"

static uint64_t *new_table(void)
{
	return mem_zalloc(PAGE_SIZE);
}

uint64_t npt_create(void)
{
	return (uint64_t)new_table();
}

/* The table below `slot`, made when absent; NULL when memory is short or a large page is there. */
static uint64_t *descend(const struct npt_format *f, uint64_t *slot)
{
	if (!(*slot & f->present)) {
		uint64_t *t = new_table();
		if (!t)
			return NULL;
		*slot = (uint64_t)t | f->table;
	}
	return *slot & f->large ? NULL : (uint64_t *)(*slot & NPT_ADDR);
}

/* Maps one page of 1 << shift bytes. */
static bool map_page(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa,
                     unsigned shift, uint64_t leaf)
{
	uint64_t *t = (uint64_t *)root;
	for (unsigned level = 39; level > shift; level -= 9) {
		t = descend(f, &t[gpa >> level & 511]);
		if (!t)
			return false;
	}
	uint64_t *slot = &t[gpa >> shift & 511];
	if (*slot & f->present)
		return false;
	*slot = hpa | leaf | (shift > 12 ? f->large : 0);
	return true;
}

/* The largest page that starts at both addresses and ends within `size`. */
static unsigned best_shift(const struct npt_format *f, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	for (unsigned shift = f->gib_pages() ? 30 : 21; shift > 12; shift -= 9) {
		uint64_t bytes = 1ul << shift;
		if (!((gpa | hpa) & (bytes - 1)) && size >= bytes)
			return shift;
	}
	return 12;
}

bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             bool device)
{
	while (size) {
		unsigned shift = best_shift(f, gpa, hpa, size);
		if (!map_page(f, root, gpa, hpa, shift, device ? f->device : f->ram))
			return false;
		gpa += 1ul << shift;
		hpa += 1ul << shift;
		size -= 1ul << shift;
	}
	return true;
}

static void destroy_level(const struct npt_format *f, uint64_t *t, unsigned level)
{
	for (unsigned i = 0; level > 12 && i < 512; i++)
		if ((t[i] & f->present) && !(t[i] & f->large))
			destroy_level(f, (uint64_t *)(t[i] & NPT_ADDR), level - 9);
	mem_zfree(t, PAGE_SIZE);
}

void npt_destroy(const struct npt_format *f, uint64_t root)
{
	destroy_level(f, (uint64_t *)root, 39);
}
