/* SPDX-License-Identifier: BSD-2-Clause */
/* trap.h: the stack frame of an exception or interrupt in the VMM (isr.asm). */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H
#include <stdint.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Called by isr.asm for every vector; on return the registers are loaded from the frame. */
void trap_handle(struct trap_frame *f);
#endif
