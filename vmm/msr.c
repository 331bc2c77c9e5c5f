/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's intercepted MSRs: a table of what each does (AMD APM vol. 2, appendix A; Intel SDM vol.
 * 4). */
#include "arch/x86_64/apic_regs.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "vmm/cpuid_policy.h"
#include "vmm/msr.h"
#include "vmm/devices/pvclock.h"
#include "vmm/policy.h"
#include "vmm/vm.h"

#define KVM_WALL_CLOCK            0x4b564d00
#define KVM_SYSTEM_TIME           0x4b564d01
#define X2APIC_MSRS               0x100
#define CPUID_7_ARCH_CAPABILITIES (1u << 29)
#define MSR_MISC_ENABLE           0x1a0
#define MISC_FAST_STRING          1u
#define MISC_CONSTANT             0x1800u /* neither branch trace nor PEBS */
#define MSR_DE_CFG                0xc0011029
#define DE_CFG_LFENCE             2 /* LFENCE is serializing, as Linux would set it */

/* MSRs that Linux accesses without need: they read as a constant, and writes are ignored. */
static const struct {
	uint32_t first, last;
	uint64_t value;
} fixed[] = {
    {0x8b, 0x8b, 0},                     /* microcode revision */
    {0x17, 0x17, 0},                     /* platform ID */
    {0x179, 0x17a, 0},                   /* MCG_CAP: no banks of machine checks; MCG_STATUS */
    {0x1d9, 0x1d9, 0},                   /* DebugCtl */
    {0xc0010000, 0xc0010007, 0},         /* performance counters, hidden by CPUID */
    {0xc0010010, 0xc0010010, 0},         /* SYSCFG */
    {0xc0010015, 0xc0010015, 1ul << 24}, /* HWCR: TscFreqSel */
    {0xc001001f, 0xc001001f, 0},         /* NB_CFG */
    {0xc0010055, 0xc0010055, 0},         /* interrupt pending message */
    {MSR_DE_CFG, MSR_DE_CFG, DE_CFG_LFENCE},
};

static int find_fixed(uint32_t msr)
{
	for (unsigned i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (msr >= fixed[i].first && msr <= fixed[i].last)
			return (int)i;
	return -1;
}

/* This core's CPUID for a guest, as far as it does not depend on the guest. */
static struct cpuid guest_cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid_view any = {.vcpus = 1, .apic = true, .lacks = hvm->lacks()};

	return cpuid_for_guest(cpuid, &any, leaf, sub);
}

/* The EFER bits that the CPU has; any other would make the next entry fail. */
static uint64_t efer_bits(void)
{
	uint32_t edx = guest_cpuid(0x80000001, 0).edx;

	return EFER_SCE | EFER_LME | EFER_LMA | (edx & 1u << 20 ? EFER_NXE : 0) |
	       (edx & 1u << 25 ? EFER_FFXSR : 0) |
	       (guest_cpuid(0x80000021, 0).eax & 1u << 8 ? EFER_AUTOIBRS : 0);
}

bool fast_strings(void)
{
	bool intel = cpuid(0, 0).ebx == CPUID_INTEL_EBX; /* AMD CPUs have no such register */

	return !intel || (rdmsr(MSR_MISC_ENABLE) & MISC_FAST_STRING);
}

/* Reports slow strings to the guest: a kernel that does not know would copy byte by byte. */
static uint64_t misc_enable(void)
{
	return MISC_CONSTANT | (fast_strings() ? MISC_FAST_STRING : 0);
}

/* SPEC_CTRL exits until the guest owns it (spec_ctrl.h). */
static bool spec_ctrl_exit(struct vcpu *v, uint64_t value)
{
	enum spec_ctrl_write w = spec_ctrl_write(&v->cpu.spec_ctrl, cpuid_spec_ctrl(cpuid), value);

	if (w == SPEC_CTRL_GIVE)
		hvm->own_msrs(&v->cpu, vcpu_own_msrs(v));
	return w != SPEC_CTRL_FAULT;
}

/* IA32_ARCH_CAPABILITIES. */
static bool arch_capabilities(uint64_t *value)
{
	bool there = guest_cpuid(7, 0).edx & CPUID_7_ARCH_CAPABILITIES;

	if (there)
		*value = cpuid_arch_capabilities(rdmsr(MSR_ARCH_CAPABILITIES));
	return there;
}

/* IA32_XSS: exists if XSAVES does, and accepts only 0, because no supervisor component is
 * supported. */
static bool has_xss(void)
{
	return guest_cpuid(0xd, 1).eax & 1u << 3;
}

static bool efer_write(struct vcpu *v, uint64_t value)
{
	uint64_t allowed = efer_bits();
	uint64_t old = hvm->get(&v->cpu, HVM_EFER);
	bool paging = hvm->get(&v->cpu, HVM_CR0) & CR0_PG;

	if ((value & ~allowed) || (paging && ((value ^ old) & EFER_LME)))
		return false;
	hvm->set(&v->cpu, HVM_EFER, (value & ~(uint64_t)EFER_LMA) | (old & EFER_LMA));
	return true;
}

static bool pat_write(struct vcpu *v, uint64_t value)
{
	if (!pat_valid(value))
		return false;
	hvm->set(&v->cpu, HVM_PAT, value);
	return true;
}

/* Kept for the guest, without effect: nested tables and PAT make the type of its memory, which is
 * coherent whatever the type. */
static bool mtrr_write(struct vcpu *v, uint64_t value)
{
	if (!mtrr_def_type_valid(value))
		return false;
	v->mtrr_def_type = value;
	return true;
}

static void tsc_write(struct vcpu *v, uint64_t value)
{
	v->tsc_offset = value - rdtsc();
	hvm->set(&v->cpu, HVM_TSC_OFFSET, v->tsc_offset);
	pvclock_write_system_time(v, v->pvclock_msr); /* the kvm-clock's time stamp must follow */
}

/* x2APIC MSRs exist only in x2APIC mode (SDM 3, 11.12.2). */
static bool is_absent(const struct vcpu *v, uint32_t msr)
{
	return msr - MSR_X2APIC < X2APIC_MSRS && !vapic_is_x2(&v->apic);
}

bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	int i = find_fixed(msr);

	if (is_absent(v, msr))
		return false;
	switch (msr) {
	case MSR_EFER:
		*value = hvm->get(&v->cpu, HVM_EFER);
		return true;
	case MSR_PAT:
		*value = hvm->get(&v->cpu, HVM_PAT);
		return true;
	case MSR_MTRR_CAP:
		*value = MTRR_CAP;
		return true;
	case MSR_MTRR_DEF_TYPE:
		*value = v->mtrr_def_type;
		return true;
	case MSR_APIC_BASE:
		*value = v->apic.base;
		return true;
	case MSR_X2APIC + APIC_ID:
		*value = v->id;
		return true;
	case MSR_X2APIC + APIC_LDR:
		*value = vapic_x2_ldr(v->id);
		return true;
	case MSR_X2APIC + APIC_ICR:
		*value = v->apic.icr;
		return true;
	case MSR_X2APIC + APIC_TMCCT:
		*value = v->irqchip->read(v, APIC_TMCCT);
		return true;
	case MSR_SPEC_CTRL:
		*value = v->cpu.spec_ctrl.value;
		return cpuid_spec_ctrl(cpuid);
	case MSR_ARCH_CAPABILITIES:
		return arch_capabilities(value);
	case MSR_MISC_ENABLE:
		*value = misc_enable();
		return true;
	case MSR_XSS:
		*value = 0;
		return has_xss();
	case KVM_SYSTEM_TIME:
		*value = v->pvclock_msr;
		return true;
	default:
		if (i < 0)
			return false;
		*value = fixed[i].value;
		return true;
	}
}

bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	if (is_absent(v, msr))
		return false;
	switch (msr) {
	case MSR_X2APIC + APIC_ICR:
		vapic_write_icr(v, value);
		return true;
	case MSR_X2APIC + APIC_LVT_THERMAL... MSR_X2APIC + APIC_LVT_ERROR:
		return vapic_write_lvt(v, msr - MSR_X2APIC, value);
	case MSR_EFER:
		return efer_write(v, value);
	case MSR_PAT:
		return pat_write(v, value);
	case MSR_MTRR_DEF_TYPE:
		return mtrr_write(v, value);
	case MSR_APIC_BASE:
		return vapic_write_base(v, value);
	case MSR_TSC:
		tsc_write(v, value);
		return true;
	case MSR_SPEC_CTRL:
		return spec_ctrl_exit(v, value);
	case MSR_MISC_ENABLE:
		return true;
	case MSR_XSS:
		return has_xss() && value == 0;
	case KVM_SYSTEM_TIME:
		return pvclock_write_system_time(v, value);
	case KVM_WALL_CLOCK:
		return pvclock_write_wall_clock(v, value);
	default:
		return find_fixed(msr) >= 0;
	}
}

/*
 * The core's XCR0 holds the guest's value while it has the core: the VMM uses no vector registers.
 * Every value that XSETBV would refuse is refused here, because the #GP would hit the VMM.
 */
bool xcr_write(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (index || hvm->get(&v->cpu, HVM_CPL) || !xcr0_valid(value, cpuid_xcr0(cpuid)))
		return false;
	xsetbv(value);
	return true;
}
