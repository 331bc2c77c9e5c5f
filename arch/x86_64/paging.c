/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's own address space.
 *
 * Text is executable; constants, boot modules and firmware's memory below 1 MiB are read-only; all
 * else, guest memory and devices below 4 GiB included, is writable.  Page 0 is not mapped, so that
 * a null pointer faults; nor is the page below each stack, so that an overflow does.
 */
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hostmap.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/paging.h"

#define ERROR_PRESENT 1ul /* of a page fault (AMD APM vol. 2, 8.2.15) */
#define ERROR_WRITE   2ul
#define ERROR_FETCH   16ul

extern const char image_start[], text_end[], rodata_start[], rodata_end[];
extern struct core_stacks boot_stacks;

paddr_t host_cr3;

static bool holds_ram(paddr_t start, uint64_t size)
{
	for (unsigned i = 0; i < boot.nram; i++)
		if (boot.ram[i].start < start + size &&
		    start < boot.ram[i].start + boot.ram[i].size)
			return true;
	return false;
}

static void map_gib(uint64_t *map, paddr_t start, bool gib_pages)
{
	if (gib_pages && start >= 4 * GIB) {
		hostmap_add(map, start, 30, true);
		return;
	}
	for (paddr_t at = start; at < start + GIB; at += 2 * MIB)
		hostmap_add(map, at, 21, holds_ram(at, 2 * MIB) || at < MIB);
}

static void set_access(const void *start, const void *end, enum host_access access)
{
	hostmap_protect((uint64_t *)host_cr3, (paddr_t)start, (paddr_t)end, access);
}

static void flush_tlb(void)
{
	write_cr3(host_cr3);
}

/* Below 1 MiB only the start code of the other cores and a panic's text are written; the rest is
 * firmware's tables. */
static void protect_low(void)
{
	static const paddr_t panic_page[] = LAST_PANIC_PAGES;

	set_access((void *)0, (void *)PAGE_SIZE, HOST_NONE);
	set_access((void *)PAGE_SIZE, (void *)MIB, HOST_READ);
	set_access((void *)AP_TRAMPOLINE, (void *)(AP_TRAMPOLINE + PAGE_SIZE), HOST_WRITE);
	for (unsigned i = 0; i < sizeof panic_page / sizeof panic_page[0]; i++)
		set_access((void *)panic_page[i], (void *)(panic_page[i] + PAGE_SIZE), HOST_WRITE);
}

static void protect_modules(void)
{
	for (unsigned i = 0; i < boot.nmodules; i++) {
		paddr_t start = boot.module[i].start;

		hostmap_protect((uint64_t *)host_cr3, start, start + boot.module[i].size,
		                HOST_READ);
	}
}

static void set_guards(struct core_stacks *s, enum host_access access)
{
	set_access(s->fault_guard, s->fault_guard + sizeof s->fault_guard, access);
	set_access(s->guard, s->guard + sizeof s->guard, access);
}

void paging_init(void)
{
	bool gib_pages = cpuid(0x80000001, 0).edx & 1u << 26;
	uint64_t *map = hostmap_create();

	for (paddr_t at = 0; at < boot_memory_top(); at += GIB)
		map_gib(map, at, gib_pages);
	host_cr3 = (paddr_t)map;
	protect_modules();
	protect_low();
	set_access(image_start, text_end, HOST_EXECUTE);
	set_access(rodata_start, rodata_end, HOST_READ);
	set_guards(&boot_stacks, HOST_NONE);
	flush_tlb();
}

void paging_guard(struct core_stacks *s)
{
	set_guards(s, HOST_NONE);
	flush_tlb();
}

void paging_unguard(struct core_stacks *s)
{
	set_guards(s, HOST_WRITE);
	flush_tlb();
}

/* --- explaining a fault --------------------------------------------------------------------- */

static bool in_range(paddr_t at, const void *start, const void *end)
{
	return at >= (paddr_t)start && at < (paddr_t)end;
}

/* Is the address in a guard page, below one of a core's stacks? */
static bool in_guard(paddr_t at)
{
	for (unsigned i = 0; i < CORES_MAX; i++) {
		const struct core_stacks *s = cores[i].stack_top;

		if (s-- && (in_range(at, s->guard, s->guard + sizeof s->guard) ||
		            in_range(at, s->fault_guard, s->fault_guard + sizeof s->fault_guard)))
			return true;
	}
	return false;
}

static bool in_module(paddr_t at)
{
	for (unsigned i = 0; i < boot.nmodules; i++)
		if (at - boot.module[i].start < boot.module[i].size)
			return true;
	return false;
}

/* After a stack overflow the page fault's frame cannot be pushed: that is a double fault. */
const char *paging_explain(uint64_t vector, uint64_t error, paddr_t at)
{
	if ((vector == VECTOR_DF || vector == VECTOR_PF) && in_guard(at))
		return "stack overflow: the guard page below the stack was hit";
	if (vector != VECTOR_PF)
		return NULL;
	if (at < PAGE_SIZE)
		return "null pointer: page 0 is not mapped";
	if (error & ERROR_FETCH)
		return "execution of data";
	if (!(error & ERROR_PRESENT))
		return "access to an address that is not mapped";
	if (!(error & ERROR_WRITE))
		return NULL;
	if (in_range(at, image_start, text_end))
		return "write to read-only text";
	if (in_range(at, rodata_start, rodata_end))
		return "write to read-only data";
	return in_module(at) ? "write to a boot module" : "write to firmware's memory";
}
