/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_state.h: the initial state of a virtual CPU, in a vendor-free layout.
 *
 * A loader fills a struct cpu_entry; svm.c or vmx.c writes it into the VMCB or VMCS.
 */
#ifndef ARCH_HVM_VCPU_STATE_H
#define ARCH_HVM_VCPU_STATE_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Segment attributes are bits 40 to 55 of a segment descriptor (AMD APM 2, 4.7.1) with the limit's
 * four bits (8 to 11 here) zero.  This is VMX's access-rights layout; SVM's VMCB has the two parts
 * packed together: seg_attr_packed().
 */
#define SEG_CODE32 0xc09b /* G DB P S, execute/read, accessed: a flat 32-bit code segment */
#define SEG_CODE64 0xa09b /* G L P S, execute/read, accessed */
#define SEG_DATA   0xc093 /* G DB P S, read/write, accessed: a flat data segment */
#define SEG_TSS    0x008b /* busy 32/64-bit task-state segment */
#define SEG_LDT    0x0082

struct seg {
	uint16_t selector, attr;
	uint32_t limit; /* in bytes, as loaded: 0xffffffff for a flat segment */
	uint64_t base;
};

struct desc_table {
	uint64_t base;
	uint16_t limit;
};

struct cpu_entry {
	uint64_t rip, rsp, rflags;
	uint64_t rax, rbx, rsi; /* the other general registers start as 0 */
	uint64_t cr0, cr3, cr4, efer;
	struct seg cs, ds, es, ss, fs, gs;
	struct desc_table gdt, idt;
	bool x2apic; /* the local APIC starts in x2APIC mode */
};

/* The 12-bit form of the SVM VMCB: descriptor bits 40-47 and 52-55 side by side (APM 2, 15.5). */
static inline uint16_t seg_attr_packed(uint16_t attr)
{
	return (attr & 0xff) | (attr >> 4 & 0xf00);
}

/* The inverse of seg_attr_packed(). */
static inline uint16_t seg_attr_unpacked(uint16_t packed)
{
	return (packed & 0xff) | (packed & 0xf00) << 4;
}
#endif
