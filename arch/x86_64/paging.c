/* The VMM's own address space: identity, large pages, device memory below 4 GiB uncached. */
#include "arch/x86_64/platform.h"
#include "vmm/mem.h"

#define PTE_P   0x1ul
#define PTE_W   0x2ul
#define PTE_PWT 0x8ul
#define PTE_PCD 0x10ul
#define PTE_PS  0x80ul

paddr_t host_cr3;

static bool holds_ram(paddr_t start, uint64_t size)
{
	for (unsigned i = 0; i < boot.nram; i++)
		if (boot.ram[i].start < start + size &&
		    start < boot.ram[i].start + boot.ram[i].size)
			return true;
	return false;
}

/* Below 4 GiB: the tables in force until these are do not map more, and a starting core loads CR3
 * in 32-bit mode. */
static uint64_t *new_table(void)
{
	uint64_t *t = mem_zalloc_below(PAGE_SIZE, 4 * GIB);
	if (!t)
		panic("not enough memory for page tables");
	return t;
}

static uint64_t map_gib(paddr_t start, bool gib_pages)
{
	bool device = start < 4 * GIB;
	if (gib_pages && !device)
		return start | PTE_P | PTE_W | PTE_PS;
	uint64_t *pd = new_table();
	for (unsigned i = 0; i < 512; i++) {
		paddr_t at = start + i * 2 * MIB;
		bool cached = holds_ram(at, 2 * MIB) || at < MIB;
		pd[i] = at | PTE_P | PTE_W | PTE_PS | (cached ? 0 : PTE_PCD | PTE_PWT);
	}
	return (paddr_t)pd | PTE_P | PTE_W;
}

void paging_init(void)
{
	paddr_t top = boot_memory_top();
	bool gib_pages = cpuid(0x80000001, 0).edx & 1u << 26;
	uint64_t *pml4 = new_table();
	for (paddr_t at = 0; at < top; at += GIB) {
		uint64_t *slot = &pml4[at >> 39 & 511];
		if (!*slot)
			*slot = (paddr_t)new_table() | PTE_P | PTE_W;
		uint64_t *pdpt = (uint64_t *)(*slot & ~0xFFFul);
		pdpt[at >> 30 & 511] = map_gib(at, gib_pages);
	}
	host_cr3 = (paddr_t)pml4;
	write_cr3(host_cr3);
}
