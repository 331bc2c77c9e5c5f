/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's own local APIC in x2APIC mode (Intel SDM vol. 3, 11.12; AMD APM vol. 2, 16.9). */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"

#define SVR_ON      0x1ff
#define SVR_RESET   0xff
#define RESET_TRIES 4
#define CPUID_MCA   (1u << 14)
#define MSR_MCG_CAP 0x179
#define MCG_CMCI    (1u << 10)

/* Registers of the running core's APIC. */
static uint32_t read_reg(enum apic_reg reg)
{
	return (uint32_t)rdmsr(MSR_X2APIC + reg);
}

static void write_reg(enum apic_reg reg, uint32_t value)
{
	wrmsr(MSR_X2APIC + reg, value);
}

bool x2apic_present(void)
{
	return cpuid(1, 0).ecx & 1u << 21;
}

uint32_t lapic_id(void)
{
	return read_reg(APIC_ID);
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
	return read_reg(APIC_VERSION) >> 16 & 0xff;
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
			write_reg(reg, LVT_MASKED | 0xff);
	write_reg(APIC_TMICT, 0);
	write_reg(APIC_TDCR, 0);
}

/* The VMM does not use the interrupt for corrected machine checks, and no guest may (msr.c). */
static void mask_cmci(void)
{
	if ((cpuid(1, 0).edx & CPUID_MCA) && (rdmsr(MSR_MCG_CAP) & MCG_CMCI))
		write_reg(APIC_LVT_CMCI, LVT_MASKED | 0xff);
}

void lapic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_EN);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_EN | APIC_BASE_X2);
	lapic_silence();
	mask_cmci();
	write_reg(APIC_SVR, SVR_ON);
	write_reg(APIC_TPR, 0);
}

/* Is any bit set in the eight registers from `first` on? */
static bool any_bit_set(enum apic_reg first)
{
	for (unsigned i = 0; i < 8; i++)
		if (read_reg(first + i))
			return true;
	return false;
}

void drain_one(void); /* drain.asm */

/* True when no interrupt is pending any more.  A level-triggered line that stays asserted
 * interrupts again after each EOI, so the loop ends after twice the number of vectors. */
static bool drain_pending(void)
{
	unsigned i = 0;

	cpu_idt_for_drain(true);
	for (; i < 512 && any_bit_set(APIC_IRR); i++)
		drain_one();
	cpu_idt_for_drain(false);
	return i < 512;
}

/*
 * A guest stopped in an interrupt handler leaves its vector in service and others pending; the next
 * guest on this core must see neither.  Pending vectors can only be accepted, not dropped: this is
 * the one place where the host opens IF.
 */
bool lapic_scrub(void)
{
	bool empty;

	lapic_silence();
	write_reg(APIC_SVR, SVR_ON); /* a disabled APIC does not deliver pending vectors */
	write_reg(APIC_TPR, 0);
	for (unsigned i = 0; i < 256 && any_bit_set(APIC_ISR); i++)
		write_reg(APIC_EOI, 0);
	empty = drain_pending();
	write_reg(APIC_ESR, 0);
	return empty;
}

/* A vector that arrives between the scrub and the disabling stays pending until the APIC is
 * enabled, so that is tried again; a line that interrupts all the time is given up. */
void lapic_reset(void)
{
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		lapic_scrub();
		write_reg(APIC_SVR, SVR_RESET);
		if (!any_bit_set(APIC_IRR))
			break;
	}
}
