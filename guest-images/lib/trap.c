/* SPDX-License-Identifier: BSD-2-Clause */
/* The IDT, the table of handlers, and the report of an unexpected exception. */
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/trap.h"

#define GATE_INTERRUPT 0x8e
#define CODE_SEGMENT   0x08
#define FIRST_IRQ      32
#define VECTOR_GP      13

struct gate {
	uint16_t offset0, segment;
	uint8_t ist, type;
	uint16_t offset1;
	uint32_t offset2, reserved;
};

struct idt_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const uint64_t isr_table[256];
void trap(struct trap_frame *f);

unsigned trap_spurious;
static struct gate idt[256] __attribute__((aligned(16)));
static irq_handler handlers[256];
static exception_handler exceptions[FIRST_IRQ];
static volatile uint64_t guarded_rip; /* the instruction that may fault, 0: none */
static volatile bool guard_hit;

void trap_init_ap(void)
{
	struct idt_pointer p = {sizeof idt - 1, (uintptr_t)idt};

	__asm__ volatile("lidt %0" : : "m"(p));
}

void trap_init(void)
{
	for (unsigned i = 0; i < 256; i++)
		idt[i] = (struct gate){
		    .offset0 = (uint16_t)isr_table[i],
		    .segment = CODE_SEGMENT,
		    .type = GATE_INTERRUPT,
		    .offset1 = (uint16_t)(isr_table[i] >> 16),
		    .offset2 = (uint32_t)(isr_table[i] >> 32),
		};
	outb(0x21, 0xff); /* PC firmware leaves the timer unmasked at the 8259 */
	outb(0xa1, 0xff);
	trap_init_ap();
}

void trap_set(uint8_t vector, irq_handler handler)
{
	handlers[vector] = handler;
}

void trap_set_exception(uint8_t vector, exception_handler handler)
{
	exceptions[vector] = handler;
}

bool rdmsr_safe(uint32_t msr, uint64_t *value)
{
	uint32_t lo = 0, hi = 0;

	guard_hit = false;
	__asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, %2; 1: rdmsr"
	                 : "=&a"(lo), "=d"(hi), "=m"(guarded_rip)
	                 : "c"(msr)
	                 : "memory");
	guarded_rip = 0;
	*value = (uint64_t)hi << 32 | lo;
	return !guard_hit;
}

bool wrmsr_safe(uint32_t msr, uint64_t value)
{
	uint32_t lo = (uint32_t)value, hi = (uint32_t)(value >> 32);
	uint64_t at;

	guard_hit = false;
	__asm__ volatile("lea 1f(%%rip), %0; mov %0, %1; 1: wrmsr"
	                 : "=&r"(at), "=m"(guarded_rip)
	                 : "c"(msr), "a"(lo), "d"(hi)
	                 : "memory");
	guarded_rip = 0;
	return !guard_hit;
}

static _Noreturn void die(const struct trap_frame *f)
{
	uint64_t cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	print("FAIL exception %lu error %lx rip %lx rsp %lx rflags %lx cr2 %lx\n", f->vector,
	      f->error, f->rip, f->rsp, f->rflags, cr2);
	print("  rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", f->rax, f->rbx, f->rcx,
	      f->rdx, f->rsi, f->rdi, f->rbp);
	print("  r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", f->r8, f->r9,
	      f->r10, f->r11, f->r12, f->r13, f->r14, f->r15);
	guest_exit(1);
}

void trap(struct trap_frame *f)
{
	if (f->vector == VECTOR_GP && guarded_rip && f->rip == guarded_rip) {
		guard_hit = true;
		f->rip += 2; /* RDMSR and WRMSR have two bytes */
		return;
	}
	if (f->vector < FIRST_IRQ && !exceptions[f->vector])
		die(f);
	if (f->vector < FIRST_IRQ)
		exceptions[f->vector](f);
	else if (handlers[f->vector])
		handlers[f->vector]();
	else
		trap_spurious++;
}
