/* The core's own local APIC in x2APIC mode (Intel SDM vol. 3, 11.12; AMD APM vol. 2, 16.9). */
#include "arch/x86_64/platform.h"

#define APIC_BASE_ENABLE 0x800
#define APIC_BASE_X2     0x400
#define X2_ID            (MSR_X2APIC + 0x02)
#define X2_TPR           (MSR_X2APIC + 0x08)
#define X2_EOI           (MSR_X2APIC + 0x0B)
#define X2_SVR           (MSR_X2APIC + 0x0F)
#define X2_ISR           (MSR_X2APIC + 0x10)
#define X2_IRR           (MSR_X2APIC + 0x20)
#define X2_ESR           (MSR_X2APIC + 0x28)
#define X2_LVT_TIMER     (MSR_X2APIC + 0x32)
#define X2_LVT_LAST      (MSR_X2APIC + 0x37)
#define X2_TMICT         (MSR_X2APIC + 0x38)
#define X2_TMCCT         (MSR_X2APIC + 0x39)
#define X2_TDCR          (MSR_X2APIC + 0x3E)
#define LVT_MASKED       0x10000

bool x2apic_present(void)
{
	return cpuid(1, 0).ecx & 1u << 21;
}

uint32_t lapic_id(void)
{
	return (uint32_t)rdmsr(X2_ID);
}

/*
 * QEMU under -icount ends itself ("Bad icount read") when RDMSR reads this register in the middle
 * of a translated block.  The instruction in the shadow of MOV SS is a block of its own
 * (docs/emulator-traps.md).
 */
uint32_t lapic_timer_count(void)
{
	uint32_t lo, hi, ss;
	__asm__ volatile("mov %%ss, %2; mov %2, %%ss; rdmsr"
	                 : "=a"(lo), "=d"(hi), "=&r"(ss)
	                 : "c"(X2_TMCCT));
	return lo;
}

static void mask_all(void)
{
	for (uint32_t lvt = X2_LVT_TIMER; lvt <= X2_LVT_LAST; lvt++)
		wrmsr(lvt, LVT_MASKED | 0xFF);
	wrmsr(X2_TMICT, 0);
	wrmsr(X2_TDCR, 0);
}

void lapic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2);
	mask_all();
	wrmsr(X2_SVR, 0x1FF);
	wrmsr(X2_TPR, 0);
}

static bool any(uint32_t msr)
{
	for (unsigned i = 0; i < 8; i++)
		if (rdmsr(msr + i))
			return true;
	return false;
}

/*
 * A guest that was stopped in a handler leaves its vector in service, and others waiting; the next
 * owner of the core must find neither.  Waiting vectors can only be accepted, not dropped: this is
 * one of the two places where the host opens IF, and every vector's handler is an EOI.
 */
void lapic_scrub(struct core *c)
{
	(void)c;
	mask_all();
	wrmsr(X2_SVR, 0x1FF); /* a disabled APIC would hold the waiting vectors back */
	wrmsr(X2_TPR, 0);
	for (unsigned i = 0; i < 256 && any(X2_ISR); i++)
		wrmsr(X2_EOI, 0);
	for (unsigned i = 0; i < 256 && any(X2_IRR); i++)
		__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	wrmsr(X2_ESR, 0);
}
