/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor tables and the per-core block of the running core. */
#include <string.h>
#include "arch/x86_64/barrier.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm.h"

#define SEL_CODE         0x08
#define SEL_DATA         0x10
#define SEL_TSS          0x20
#define IST_DOUBLE_FAULT 1
#define CPUID_7_EBX_SMEP (1u << 7)
#define CPUID_7_EBX_SMAP (1u << 20)

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, zero;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

/* 08 code and 10 data as in boot.asm; 18 is its 32-bit code for the start of a core. */
struct tables {
	uint64_t gdt[6];
	struct tss tss;
} __attribute__((aligned(64)));

static struct tables tables[CORES_MAX];
static struct gate idt[256], drain_idt[256];
static unsigned barriers; /* as read on the boot core: all cores are assumed alike */

extern const uint64_t trap_stubs[256];
void drain_interrupt(void); /* drain.asm */
void drain_vector_18(void);
extern uint8_t boot_stack_top[];

static struct gate make_gate(uint64_t at, uint8_t ist)
{
	return (struct gate){.offset_low = (uint16_t)at,
	                     .selector = SEL_CODE,
	                     .ist = ist,
	                     .type = 0x8e,
	                     .offset_mid = (uint16_t)(at >> 16),
	                     .offset_high = (uint32_t)(at >> 32)};
}

/* No APIC delivers a vector below 16 (Intel SDM vol. 3, 11.5.2). */
static void idt_fill(void)
{
	for (unsigned v = 0; v < 256; v++) {
		idt[v] = make_gate(trap_stubs[v], v == VECTOR_DF ? IST_DOUBLE_FAULT : 0);
		drain_idt[v] = v < 16 ? idt[v] : make_gate((uint64_t)drain_interrupt, 0);
	}
	drain_idt[18] = make_gate((uint64_t)drain_vector_18, 0);
}

static void load_table(const char *what, const void *base, uint16_t limit)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) p = {limit, (uint64_t)base};

	if (*what == 'g')
		__asm__ volatile("lgdt %0" : : "m"(p));
	else
		__asm__ volatile("lidt %0" : : "m"(p));
}

void cpu_idt_for_drain(bool drain)
{
	load_table("idt", drain ? drain_idt : idt, sizeof idt - 1);
}

/* SMEP and SMAP.  The VMM has no user pages: a page-table bug that creates one must not allow the
 * VMM to execute or access it. */
static void enable_smep_smap(void)
{
	uint32_t has = cpuid(0, 0).eax >= 7 ? cpuid(7, 0).ebx : 0;

	write_cr4(read_cr4() | (has & CPUID_7_EBX_SMEP ? CR4_SMEP : 0) |
	          (has & CPUID_7_EBX_SMAP ? CR4_SMAP : 0));
}

/* Clears what firmware or a guest left: XSAVES saves no supervisor state, XFD makes nothing fault.
 */
static void xsave_msrs_reset(void)
{
	uint32_t has = cpuid(0xd, 1).eax;

	if (has & CPUID_D_XSAVES)
		wrmsr(MSR_XSS, 0);
	if (has & CPUID_D_XFD) {
		wrmsr(MSR_XFD, 0);
		wrmsr(MSR_XFD_ERR, 0);
	}
}

void cpu_init(struct core *c)
{
	struct tables *t = &tables[c->index];
	uint64_t tss = (uint64_t)&t->tss;
	const struct core_stacks *stacks;

	if (c->index == 0) {
		c->stack_top = boot_stack_top;
		barriers = barriers_here();
		idt_fill();
	}
	stacks = (struct core_stacks *)c->stack_top - 1;
	t->tss.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)stacks->fault + sizeof stacks->fault;
	t->tss.iomap = sizeof t->tss;
	t->gdt[1] = 0x00af9b000000ffff;
	t->gdt[2] = 0x00cf93000000ffff;
	t->gdt[3] = 0x00cf9b000000ffff;
	t->gdt[4] =
	    (sizeof t->tss - 1) | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56;
	t->gdt[5] = tss >> 32;
	load_table("gdt", t->gdt, sizeof t->gdt - 1);
	load_table("idt", idt, sizeof idt - 1);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	c->self = c;
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	enable_smep_smap();
	if (cpuid(1, 0).ecx & 1u << 26) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		xsetbv(1);
		xsave_msrs_reset();
	}
}

struct cpu_tables cpu_tables(const struct core *c)
{
	const struct tables *t = &tables[c->index];

	return (struct cpu_tables){(uint64_t)t->gdt, (uint64_t)idt, (uint64_t)&t->tss,
	                           SEL_CODE,         SEL_DATA,      SEL_TSS};
}

/* An image for FXRSTOR; and for XRSTOR, which with XSTATE_BV = 0 loads the initial state. */
static const struct {
	uint16_t fcw, rest[11];
	uint32_t mxcsr;
	uint8_t zero[512 - 28 + 64];
} __attribute__((aligned(64))) initial_fpu_state = {.fcw = 0x37f, .mxcsr = 0x1f80};

void cpu_scrub(void)
{
	if (read_cr4() & CR4_OSXSAVE) {
		xsave_msrs_reset();
		xsetbv(cpuid(0xd, 0).eax & XCR0_KNOWN);
		__asm__ volatile("xrstor64 %0" : : "m"(initial_fpu_state), "a"(~0u), "d"(~0u));
		xsetbv(1);
	} else {
		__asm__ volatile("fxrstor64 %0" : : "m"(initial_fpu_state));
	}
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" : : "r"(0ul));
	if (cpuid(0x80000001, 0).edx & 1u << 27)
		wrmsr(MSR_TSC_AUX, 0);
	barriers_make(barriers);
}
