/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts and exceptions of a guest. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H
#include <stdbool.h>
#include <stdint.h>

/* As isr.asm pushes it. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

typedef void (*irq_handler)(void);
typedef void (*exception_handler)(struct trap_frame *f);

/* Loads the IDT of the calling CPU; the boot CPU's call also masks the 8259s. */
void trap_init(void);
void trap_init_ap(void);

/* Has `handler` called with interrupts off for `vector` (32..255); it does its own EOI. */
void trap_set(uint8_t vector, irq_handler handler);

/* Has `handler` called for an exception (0..31) instead of ending the guest; NULL: as before. */
void trap_set_exception(uint8_t vector, exception_handler handler);

/* Interrupts on vectors without a handler. */
extern unsigned trap_spurious;

/* RDMSR; false: it raised #GP. */
bool rdmsr_safe(uint32_t msr, uint64_t *value);

/* WRMSR; false: it raised #GP. */
bool wrmsr_safe(uint32_t msr, uint64_t value);

_Noreturn void cpu_triple_fault(void);
#endif
