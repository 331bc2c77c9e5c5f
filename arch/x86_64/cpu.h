/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h: single instructions and the numbers they take (AMD APM vol. 2 and 3). */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/x86.h"

#define PAGE_SIZE 4096ul
#define MIB       (1ul << 20)
#define GIB       (1ul << 30)
typedef uint64_t paddr_t; /* physical address; the VMM's address space is identity-mapped */

#define MSR_TSC               0x10
#define MSR_APIC_BASE         0x1b
#define MSR_SPEC_CTRL         0x48
#define MSR_PRED_CMD          0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_XFD               0x1c4
#define MSR_XFD_ERR           0x1c5
#define MSR_MTRR_CAP          0xfe
#define MSR_PAT               0x277
#define MSR_MTRR_DEF_TYPE     0x2ff
#define MSR_XSS               0xda0
#define MSR_EFER              0xc0000080
#define MSR_GS_BASE           0xc0000101
#define MSR_TSC_AUX           0xc0000103

#define EFER_SCE      (1u << 0)
#define EFER_LME      (1u << 8)
#define EFER_LMA      (1u << 10)
#define EFER_NXE      (1u << 11)
#define EFER_SVME     (1u << 12)
#define EFER_FFXSR    (1u << 14)
#define EFER_AUTOIBRS (1u << 21)

#define CPUID_INTEL_EBX 0x756e6547u /* the first word of "GenuineIntel" */
#define CPUID_D_XSAVES  (1u << 3)   /* of CPUID 0Dh, sub-leaf 1, EAX */
#define CPUID_D_XFD     (1u << 4)

#define CR0_PE       1ul
#define CR0_TS       (1ul << 3)
#define CR0_ET       (1ul << 4)
#define CR0_NW       (1ul << 29)
#define CR0_CD       (1ul << 30)
#define CR0_PG       (1ul << 31)
#define CR0_DEFINED  0xe005003ful /* the other bits read as 0 whatever is written */
#define CR4_PAE      (1ul << 5)
#define CR4_MCE      (1ul << 6)
#define CR4_UMIP     (1ul << 11)
#define CR4_VMXE     (1ul << 13)
#define CR4_FSGSBASE (1ul << 16)
#define CR4_PCIDE    (1ul << 17)
#define CR4_OSXSAVE  (1ul << 18)
#define CR4_SMEP     (1ul << 20)
#define CR4_SMAP     (1ul << 21)
#define CR4_PKE      (1ul << 22)

#define DR6_BD (1ul << 13) /* access to a debug register */
#define DR6_BS (1ul << 14) /* a single step */

#define RFLAGS_TF (1ul << 8)
#define RFLAGS_IF (1ul << 9)

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
	                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
	                 : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t read_spec_ctrl(void)
{
	return rdmsr(MSR_SPEC_CTRL);
}
static inline void write_spec_ctrl(uint64_t v)
{
	wrmsr(MSR_SPEC_CTRL, v);
}

static inline uint64_t read_cr0(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}
static inline void write_cr0(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline void write_cr2(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr2" : : "r"(v));
}
static inline uint64_t read_dr6(void)
{
	uint64_t v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}
static inline void write_dr6(uint64_t v)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(v));
}
static inline uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}
static inline uint64_t read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}
static inline void write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline uint64_t read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}
static inline void write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline uint64_t read_cr8(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr8, %0" : "=r"(v));
	return v;
}
static inline uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}
static inline void xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

/* The components of XCR0 that a guest may have: x87, SSE, AVX, AVX-512, PKRU, AMX. */
#define XCR0_KNOWN 0x602e7ul

/* Resets the guest registers that no world switch replaces (vector and x87 state, XCR0, PKRU, debug
 * addresses, TSC_AUX), and executes the barriers that this CPU needs when a core is given to
 * another guest (barrier.h). */
void cpu_scrub(void);

/* cpu_name.c: the CPU's brand string, "" if it has none; and the vendor signature of the hypervisor
 * that Patio runs under (CPUID 40000000h), "" if there is none. */
void cpu_name(char out[49]);
void cpu_hypervisor(char out[13]);

/* Loads the IDT with which drain_one() accepts interrupts of any vector, or the normal one. */
void cpu_idt_for_drain(bool drain);

/* Sets up GDT, IDT, TSS and GS of the running core. */
struct core;
void cpu_init(struct core *c);

/* The addresses of these tables, and their selectors. */
struct cpu_tables {
	uint64_t gdt, idt, tss;
	uint16_t code, data, task;
};
struct cpu_tables cpu_tables(const struct core *c);
#endif
