/* SPDX-License-Identifier: BSD-2-Clause */
/* trap.h: what an exception or an interrupt of the VMM's own leaves on the stack (isr.asm). */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H
#include <stdint.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* From isr.asm, for every vector; the registers are as the frame says when it returns. */
void trap_handle(struct trap_frame *f);
#endif
