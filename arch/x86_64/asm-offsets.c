/* SPDX-License-Identifier: BSD-2-Clause */
/* Structure offsets and constants for the assembly files: compiled to build/asm-offsets.inc. */
#include <stddef.h>
#include "arch/x86_64/apic_regs.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/hvm/hvm.h"

#define EMIT(name, value) __asm__ volatile(".ascii \"@@ " #name " %c0\"" : : "i"(value))

void asm_offsets(void);
void asm_offsets(void)
{
	EMIT(CORE_STACK_TOP, offsetof(struct core, stack_top));
	EMIT(CORE_STACKS, sizeof(struct core_stacks));
	EMIT(CORE_ATTENTION, offsetof(struct core, attention));
	EMIT(CORE_STRAY_VECTORS, offsetof(struct core, stray_vectors));
	EMIT(AP_TRAMPOLINE, AP_TRAMPOLINE);
	EMIT(MSR_APIC_EOI, MSR_X2APIC + APIC_EOI);
	EMIT(MSR_APIC_ISR, MSR_X2APIC + APIC_ISR);
	EMIT(REG_RAX, REG_RAX);
	EMIT(REG_RCX, REG_RCX);
	EMIT(REG_RDX, REG_RDX);
	EMIT(REG_RBX, REG_RBX);
	EMIT(REG_RBP, REG_RBP);
	EMIT(REG_RSI, REG_RSI);
	EMIT(REG_RDI, REG_RDI);
	EMIT(REG_R8, REG_R8);
	EMIT(REG_R9, REG_R9);
	EMIT(REG_R10, REG_R10);
	EMIT(REG_R11, REG_R11);
	EMIT(REG_R12, REG_R12);
	EMIT(REG_R13, REG_R13);
	EMIT(REG_R14, REG_R14);
	EMIT(REG_R15, REG_R15);
}
