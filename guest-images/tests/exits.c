/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures the cost of an exit in ticks of the time stamp counter.  Words of the command line
 * choose the operations: hypercall cpuid in out rdmsr wrmsr read write; n= is how often each is
 * executed (1000).  Prints `NAME N TICKS` for each: a loop of N, minus the same loop without the
 * operation.
 */
#include <stddef.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"

#define AMD_EBX         0x68747541u /* the first word of "AuthenticAMD" */
#define COM1_SCRATCH    0x3ffu
#define KVM_SYSTEM_TIME 0x4b564d01u /* in no vendor's bitmap of MSRs: it always exits; 0: off */
#define NO_HYPERCALL    0xffffu

struct operation {
	const char *name;
	uint64_t (*loop)(const struct operation *op, uint64_t n);
	uint32_t eax, ecx, edx;
};

/* All loops are the same except for the instruction; the empty one measures the loop itself. */
#define LOOP(name, instruction)                                                                    \
	static uint64_t name(const struct operation *op, uint64_t n)                               \
	{                                                                                          \
		uint64_t start = rdtsc();                                                          \
		while (n--) {                                                                      \
			uint64_t a = op->eax, c = op->ecx, d = op->edx;                            \
			__asm__ volatile(instruction                                               \
			                 : "+a"(a), "+c"(c), "+d"(d)                               \
			                 :                                                         \
			                 : "rbx", "memory");                                       \
		}                                                                                  \
		return rdtsc() - start;                                                            \
	}

LOOP(nothing, "")
LOOP(loop_vmmcall, "vmmcall")
LOOP(loop_vmcall, "vmcall")
LOOP(loop_cpuid, "cpuid")
LOOP(loop_in, "inb %%dx, %%al")
LOOP(loop_out, "outb %%al, %%dx")
LOOP(loop_rdmsr, "rdmsr")
LOOP(loop_wrmsr, "wrmsr")
LOOP(loop_read, "movl (%%rdx), %%eax")
LOOP(loop_write, "movl %%eax, (%%rdx)")

static struct operation operations[] = {
    {"hypercall", loop_vmcall, NO_HYPERCALL, 0, 0},
    {"cpuid", loop_cpuid, 0, 0, 0},
    {"in", loop_in, 0, 0, COM1_SCRATCH},
    {"out", loop_out, 0, 0, COM1_SCRATCH},
    {"rdmsr", loop_rdmsr, 0, KVM_SYSTEM_TIME, 0},
    {"wrmsr", loop_wrmsr, 0, KVM_SYSTEM_TIME, 0},
    {"read", loop_read, 0, 0, LAPIC_PAGE + LAPIC_ICR_HIGH},
    {"write", loop_write, 0, 0, LAPIC_PAGE + LAPIC_ICR_HIGH},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])

/* Each vendor has its own instruction (AMD APM vol. 3, VMMCALL; Intel SDM vol. 3, VMCALL). */
static void choose_hypercall(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[1] == AMD_EBX)
		operations[0].loop = loop_vmmcall;
}

static bool wanted(const struct operation *op)
{
	char value[2];

	return mb_option(op->name, value, sizeof value);
}

void guest_main(void)
{
	uint64_t n = mb_number("n", 1000), ticks[OPERATIONS];
	const struct operation *op = operations;

	check(!lapic_init(true), "page", "x2APIC is on");
	choose_hypercall();
	for (size_t i = 0; i < OPERATIONS; i++)
		ticks[i] = wanted(&op[i]) ? op[i].loop(&op[i], n) - nothing(&op[i], n) : 0;
	/* lines of fixed length: runs with different n print with the same number of exits */
	for (size_t i = 0; i < OPERATIONS; i++)
		if (wanted(&op[i]))
			print("%s %08lu %016lu\n", op[i].name, n, ticks[i]);
	done();
}
