/* SPDX-License-Identifier: BSD-2-Clause */
/* IA32_APIC_BASE: the mode of a guest's local APIC and the address of its page (Intel SDM vol. 3,
 * 11.4.4 and 11.12.5; AMD APM vol. 2, 16.9). */
#include "arch/x86_64/cpu.h"
#include "vmm/devices/irqchip.h"
#include "vmm/devices/vapic.h"
#include "vmm/vm.h"

#define RESERVED 0x2fful

/* Values of the register's EN and EXTD bits. */
enum mode { DISABLED, INVALID, XAPIC, X2APIC, MODES };

static enum mode mode_of(uint64_t base)
{
	return (enum mode)(base >> 10 & 3);
}

/* Legal changes of mode (SDM 3, figure 11-27): x2APIC to xAPIC only by way of disabled, and
 * disabled to x2APIC only by way of xAPIC. */
static bool vapic_base_allowed(uint64_t now, uint64_t value, unsigned phys_bits)
{
	static const bool legal[MODES][MODES] = {
	    [DISABLED] = {[DISABLED] = true, [XAPIC] = true},
	    [XAPIC] = {[DISABLED] = true, [XAPIC] = true, [X2APIC] = true},
	    [X2APIC] = {[DISABLED] = true, [X2APIC] = true},
	};

	return !(value & RESERVED) && !(value >> phys_bits) && legal[mode_of(now)][mode_of(value)];
}

static void reset_registers(struct vcpu *v)
{
	v->apic.icr = 0;
	v->apic.ldr = 0;
	v->apic.dfr = 0xffffffff;
}

void vapic_reset(struct vcpu *v, bool x2apic)
{
	reset_registers(v);
	v->apic.base =
	    VAPIC_PAGE | APIC_BASE_EN | (v->id ? 0 : APIC_BASE_BSP) | (x2apic ? APIC_BASE_X2 : 0);
}

void vapic_init_signal(struct vcpu *v)
{
	reset_registers(v);
	v->irqchip->reset(v);
}

/* A page over the guest's memory or devices would hide them; no guest needs that, so it is
 * refused. */
static bool is_free(const struct vm *vm, uint64_t gpa)
{
	return !gmem_ptr(&vm->mem, gpa, 1) && !vpci_claims_mmio(gpa) && !vioapic_claims(gpa);
}

/* Interrupts from other cores are refused as soon as the base has changed; those already pending
 * are dropped.  An APIC that is enabled again begins with task priority 0, whatever CR8 was
 * meanwhile. */
static void change_mode(struct vcpu *v, enum mode from, enum mode to)
{
	hvm->own_msrs(&v->cpu, vcpu_own_msrs(v));
	if (to == DISABLED)
		vapic_init_signal(v);
	else if (from == DISABLED)
		v->irqchip->write(v, APIC_TPR, 0);
}

bool vapic_write_base(struct vcpu *v, uint64_t value)
{
	uint64_t now = v->apic.base, page = value & APIC_BASE_PAGE;

	if (!vapic_base_allowed(now, value, cpuid(0x80000008, 0).eax & 0xff))
		return false;
	if (page != (now & APIC_BASE_PAGE) && !is_free(v->vm, page)) {
		v->refused_bases++;
		return false;
	}
	/* the BSP bit is not the guest's to change */
	v->apic.base = (value & ~APIC_BASE_BSP) | (now & APIC_BASE_BSP);
	if (mode_of(value) != mode_of(now))
		change_mode(v, mode_of(now), mode_of(value));
	return true;
}
