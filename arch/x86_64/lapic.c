/* The core's own local APIC in x2APIC mode (Intel SDM vol. 3, 11.12; AMD APM vol. 2, 16.9). */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"

#define APIC_BASE_ENABLE 0x800
#define APIC_BASE_X2     0x400
#define X2_ID            (MSR_X2APIC + 0x02)
#define X2_VERSION       (MSR_X2APIC + 0x03)
#define X2_TPR           (MSR_X2APIC + 0x08)
#define X2_EOI           (MSR_X2APIC + 0x0B)
#define X2_SVR           (MSR_X2APIC + 0x0F)
#define X2_ISR           (MSR_X2APIC + 0x10)
#define X2_IRR           (MSR_X2APIC + 0x20)
#define X2_ESR           (MSR_X2APIC + 0x28)
#define X2_LVT_CMCI      (MSR_X2APIC + 0x2F)
#define SVR_ON           0x1FF
#define SVR_RESET        0xFF
#define RESET_TRIES      4
#define X2_TMICT         (MSR_X2APIC + 0x38)
#define X2_TMCCT         (MSR_X2APIC + 0x39)
#define X2_TDCR          (MSR_X2APIC + 0x3E)
#define CPUID_MCA        (1u << 14)
#define MSR_MCG_CAP      0x179
#define MCG_CMCI         (1u << 10)

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

static unsigned lvt_last(void)
{
	return (uint32_t)rdmsr(X2_VERSION) >> 16 & 0xFF;
}

bool lapic_has_lvt(uint32_t reg)
{
	switch (reg) {
	case LVT_TIMER:
	case LVT_LINT0:
	case LVT_LINT1:
	case LVT_ERROR:
		return true;
	case LVT_PERF:
		return lvt_last() >= 4;
	case LVT_THERMAL:
		return lvt_last() >= 5;
	default:
		return false;
	}
}

void lapic_silence(void)
{
	for (uint32_t reg = LVT_TIMER; reg <= LVT_ERROR; reg++)
		if (lapic_has_lvt(reg))
			wrmsr(MSR_X2APIC + reg, LVT_MASKED | 0xFF);
	wrmsr(X2_TMICT, 0);
	wrmsr(X2_TDCR, 0);
}

/* Corrected machine checks: nobody listens, and no guest may (msr.c). */
static void mask_cmci(void)
{
	if ((cpuid(1, 0).edx & CPUID_MCA) && (rdmsr(MSR_MCG_CAP) & MCG_CMCI))
		wrmsr(X2_LVT_CMCI, LVT_MASKED | 0xFF);
}

void lapic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2);
	lapic_silence();
	mask_cmci();
	wrmsr(X2_SVR, SVR_ON);
	wrmsr(X2_TPR, 0);
}

static bool any(uint32_t msr)
{
	for (unsigned i = 0; i < 8; i++)
		if (rdmsr(msr + i))
			return true;
	return false;
}

void drain_one(void); /* drain.asm */

/* True when nothing waits any more.  A line that is held comes again at each EOI, hence the bound:
 * twice as many as there are vectors. */
static bool drain(void)
{
	unsigned i = 0;
	cpu_idt_for_drain(true);
	for (; i < 512 && any(X2_IRR); i++)
		drain_one();
	cpu_idt_for_drain(false);
	return i < 512;
}

/*
 * A guest that was stopped in a handler leaves its vector in service, and others waiting; the next
 * owner of the core must find neither.  Waiting vectors can only be accepted, not dropped: this is
 * the one place where the host opens IF.
 */
bool lapic_scrub(void)
{
	lapic_silence();
	wrmsr(X2_SVR, SVR_ON); /* a disabled APIC would hold the waiting vectors back */
	wrmsr(X2_TPR, 0);
	for (unsigned i = 0; i < 256 && any(X2_ISR); i++)
		wrmsr(X2_EOI, 0);
	bool empty = drain();
	wrmsr(X2_ESR, 0);
	return empty;
}

/* A vector that comes between the scrub and the disabling would wait until the APIC is enabled; one
 * that comes again and again may. */
void lapic_reset(void)
{
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		lapic_scrub();
		wrmsr(X2_SVR, SVR_RESET);
		if (!any(X2_IRR))
			break;
	}
}
