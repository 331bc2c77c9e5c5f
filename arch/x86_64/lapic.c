/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's own local APIC in x2APIC mode (Intel SDM vol. 3, 11.12; AMD APM vol. 2, 16.9). */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"

#define SVR_ON      0x1FF
#define SVR_RESET   0xFF
#define RESET_TRIES 4
#define CPUID_MCA   (1u << 14)
#define MSR_MCG_CAP 0x179
#define MCG_CMCI    (1u << 10)

/* The core's own registers. */
static uint32_t read(enum apic_reg reg)
{
	return (uint32_t)rdmsr(MSR_X2APIC + reg);
}

static void write(enum apic_reg reg, uint32_t value)
{
	wrmsr(MSR_X2APIC + reg, value);
}

bool x2apic_present(void)
{
	return cpuid(1, 0).ecx & 1u << 21;
}

uint32_t lapic_id(void)
{
	return read(APIC_ID);
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
	                 : "c"(MSR_X2APIC + APIC_TMCCT));
	return lo;
}

static unsigned lvt_last(void)
{
	return read(APIC_VERSION) >> 16 & 0xFF;
}

bool lapic_has_lvt(uint32_t reg)
{
	switch (reg) {
	case APIC_LVT_TIMER:
	case APIC_LVT_LINT0:
	case APIC_LVT_LINT1:
	case APIC_LVT_ERROR:
		return true;
	case APIC_LVT_PERF:
		return lvt_last() >= 4;
	case APIC_LVT_THERMAL:
		return lvt_last() >= 5;
	default:
		return false;
	}
}

void lapic_silence(void)
{
	for (uint32_t reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg++)
		if (lapic_has_lvt(reg))
			write(reg, LVT_MASKED | 0xFF);
	write(APIC_TMICT, 0);
	write(APIC_TDCR, 0);
}

/* Corrected machine checks: nobody listens, and no guest may (msr.c). */
static void mask_cmci(void)
{
	if ((cpuid(1, 0).edx & CPUID_MCA) && (rdmsr(MSR_MCG_CAP) & MCG_CMCI))
		write(APIC_LVT_CMCI, LVT_MASKED | 0xFF);
}

void lapic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_EN);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_EN | APIC_BASE_X2);
	lapic_silence();
	mask_cmci();
	write(APIC_SVR, SVR_ON);
	write(APIC_TPR, 0);
}

/* Of the eight registers from `first` on. */
static bool any(enum apic_reg first)
{
	for (unsigned i = 0; i < 8; i++)
		if (read(first + i))
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
	for (; i < 512 && any(APIC_IRR); i++)
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
	write(APIC_SVR, SVR_ON); /* a disabled APIC would hold the waiting vectors back */
	write(APIC_TPR, 0);
	for (unsigned i = 0; i < 256 && any(APIC_ISR); i++)
		write(APIC_EOI, 0);
	bool empty = drain();
	write(APIC_ESR, 0);
	return empty;
}

/* A vector that comes between the scrub and the disabling would wait until the APIC is enabled; one
 * that comes again and again may. */
void lapic_reset(void)
{
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		lapic_scrub();
		write(APIC_SVR, SVR_RESET);
		if (!any(APIC_IRR))
			break;
	}
}
