/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC, with the same accessors for xAPIC and x2APIC mode. */
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"

#define BASE_ENABLE  (1u << 11)
#define BASE_X2APIC  (1u << 10)
#define SVR_ENABLE   0x1ff /* spurious vector 255 */
#define X2APIC_MSR   0x800
#define ECX_X2APIC   (1u << 21)
#define ICR_PATIENCE 1000000

static bool by_msr;

bool lapic_init(bool page_only)
{
	uint32_t r[4];
	uint64_t base;

	cpuid(1, 0, r);
	base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;
	by_msr = !page_only && (r[2] & ECX_X2APIC);
	if (by_msr) {
		wrmsr(MSR_APIC_BASE, base); /* x2APIC mode can only be entered from xAPIC mode */
		wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
	} else {
		wrmsr(MSR_APIC_BASE, base);
	}
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_SVR, SVR_ENABLE);
	return by_msr;
}

void lapic_use_page(void)
{
	by_msr = false;
}

void lapic_init_ap(void)
{
	lapic_init(!by_msr);
}

uint32_t lapic_read(unsigned reg)
{
	if (by_msr)
		return (uint32_t)rdmsr(X2APIC_MSR + (reg >> 4));
	return mmio_read32(LAPIC_PAGE + reg);
}

void lapic_write(unsigned reg, uint32_t v)
{
	if (by_msr)
		wrmsr(X2APIC_MSR + (reg >> 4), v);
	else
		mmio_write32(LAPIC_PAGE + reg, v);
}

uint32_t lapic_id(void)
{
	uint32_t id = lapic_read(LAPIC_ID);

	return by_msr ? id : id >> 24;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_send(uint32_t dest, uint32_t command)
{
	if (by_msr) {
		wrmsr(X2APIC_MSR + (LAPIC_ICR >> 4), (uint64_t)dest << 32 | command);
		return;
	}
	mmio_write32(LAPIC_PAGE + LAPIC_ICR_HIGH, dest << 24);
	mmio_write32(LAPIC_PAGE + LAPIC_ICR, command);
	for (unsigned i = 0; i < ICR_PATIENCE; i++) {
		if (!(mmio_read32(LAPIC_PAGE + LAPIC_ICR) & ICR_PENDING))
			return;
		cpu_pause();
	}
}

void lapic_timer(uint8_t vector, uint32_t mode, uint32_t count)
{
	lapic_write(LAPIC_TIMER_DIV, DIVIDE_BY_1);
	lapic_write(LAPIC_LVT_TIMER, mode | vector);
	lapic_write(LAPIC_TIMER_INIT, count);
}

void lapic_timer_stop(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INIT, 0);
}
