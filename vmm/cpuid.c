/*
 * What a guest's CPUID says: the real CPU less what a guest may not use, with its own topology, and
 * the KVM leaves that name kvm-clock (Linux, Documentation/virt/kvm/x86/cpuid.rst).
 */
#include "arch/x86_64/platform.h"
#include "vmm/policy.h"
#include "vmm/vm.h"

#define MAX_BASIC    0xD
#define MAX_EXTENDED 0x80000008 /* fewer leaves break guests' user space (linux-guest notes) */
#define KVM_BASE     0x40000000
#define KVM_FEATURES 0x40000001

#define KVM_FEATURE_CLOCKSOURCE2       (1u << 3)
#define KVM_FEATURE_CLOCKSOURCE_STABLE (1u << 24)

#define BIT(n) (1u << (n))

/* MONITOR, VMX, SMX, EST, TM2, PDCM, TSC-deadline (its MSR would exit at each tick) */
#define LEAF1_ECX_HIDE (BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(15) | BIT(24))
/* MTRR, DS, ACPI (thermal), HTT is set by count, TM.  Shown: MCE and MCA, whose banks are none */
#define LEAF1_EDX_HIDE (BIT(12) | BIT(21) | BIT(22) | BIT(28) | BIT(29))
#define EDX_APIC       BIT(9) /* gone while the guest has disabled it; AMD's leaf has it again */
/* MTRR again */
#define EXT1_EDX_HIDE BIT(12)
/* SVM, OSVW, IBS, SKINIT, WDT, LWP, TCE, topology extensions, performance counters, MWAITX */
#define EXT1_ECX_HIDE                                                                              \
	(BIT(2) | BIT(9) | BIT(10) | BIT(12) | BIT(13) | BIT(15) | BIT(17) | BIT(22) | BIT(23) |   \
	 BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29))
/* What is left of it: CLZERO, XSAVEERPTR, WBNOINVD, IBPB (whose MSR is the guest's).  The others
 * are MSRs of the host's, or reach beyond the guest's core. */
#define EXT8_EBX_KEEP (BIT(0) | BIT(2) | BIT(9) | BIT(12))

static void leaf1(const struct vcpu *v, struct cpuid *r)
{
	r->ebx = (r->ebx & 0xFFFF) | v->vm->nvcpus << 16 | v->id << 24;
	r->ecx = (r->ecx & ~(LEAF1_ECX_HIDE | BIT(27))) | BIT(31);
	if (hvm->get(v, HVM_CR4) & CR4_OSXSAVE)
		r->ecx |= BIT(27);
	r->edx &= ~LEAF1_EDX_HIDE;
	if (!vapic_enabled(&v->apic))
		r->edx &= ~EDX_APIC;
	if (v->vm->nvcpus > 1)
		r->edx |= BIT(28);
}

/* Hidden: TSC_ADJUST, SGX, resource monitoring, trace, CET, key locker, ENQCMD, PCONFIG,
 * speculation control and others that need MSRs of the host's, or its leave for each instruction.
 */
static void leaf7(const struct vcpu *v, uint32_t sub, struct cpuid *r)
{
	if (sub) {
		*r = (struct cpuid){0};
		return;
	}
	r->eax = 0;
	r->ebx &= ~(BIT(1) | BIT(2) | BIT(12) | BIT(15) | BIT(25));
	r->ecx &= ~(BIT(5) | BIT(7) | BIT(13) | BIT(14) | BIT(16) | BIT(23) | BIT(24) | BIT(29));
	if ((r->ecx & BIT(3)) && (hvm->get(v, HVM_CR4) & CR4_PKE))
		r->ecx |= BIT(4); /* OSPKE is the guest's, as OSXSAVE in leaf 1 */
	r->edx &= ~(BIT(5) | BIT(14) | BIT(18) | BIT(19) | BIT(20) | BIT(26) | BIT(27) | BIT(28) |
	            BIT(29) | BIT(30) | BIT(31));
}

/* Extended topology (Intel SDM vol. 2, CPUID 0BH): one thread a core, all in one package. */
static void leaf_topology(const struct vcpu *v, uint32_t sub, struct cpuid *r)
{
	unsigned bits = 0;
	while (1u << bits < v->vm->nvcpus)
		bits++;
	*r = (struct cpuid){.ecx = sub, .edx = v->id};
	if (sub == 0) {
		r->ebx = 1;
		r->ecx |= 1 << 8;
	} else if (sub == 1) {
		r->eax = bits;
		r->ebx = v->vm->nvcpus;
		r->ecx |= 2 << 8;
	}
}

static void leaf_kvm(uint32_t leaf, struct cpuid *r)
{
	if (leaf == KVM_BASE)
		*r = (struct cpuid){KVM_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d};
	else if (leaf == KVM_FEATURES)
		*r = (struct cpuid){KVM_FEATURE_CLOCKSOURCE2 | KVM_FEATURE_CLOCKSOURCE_STABLE, 0, 0,
		                    0};
	else
		*r = (struct cpuid){0};
}

static void leaf_extended(const struct vcpu *v, uint32_t leaf, struct cpuid *r)
{
	if (leaf == 0x80000000)
		r->eax = MAX_EXTENDED;
	else if (leaf == 0x80000001) {
		r->ecx &= ~EXT1_ECX_HIDE;
		r->edx &= ~EXT1_EDX_HIDE;
		if (!vapic_enabled(&v->apic))
			r->edx &= ~EDX_APIC;
	} else if (leaf == 0x80000007)
		*r = (struct cpuid){.edx =
		                        r->edx & BIT(8)}; /* invariant TSC, where the CPU has it */
	else if (leaf == 0x80000008) {
		r->ebx &= EXT8_EBX_KEEP;
		r->ecx = v->vm->nvcpus - 1;
	} else if (leaf > MAX_EXTENDED)
		*r = (struct cpuid){0};
}

static void leaf_basic(const struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid *r)
{
	if (leaf == 0 && r->eax > MAX_BASIC)
		r->eax = MAX_BASIC;
	else if (leaf == 1)
		leaf1(v, r);
	else if (leaf == 6)
		*r = (struct cpuid){.eax = r->eax & BIT(2)}; /* ARAT */
	else if (leaf == 7)
		leaf7(v, sub, r);
	else if (leaf == 0xB)
		leaf_topology(v, sub, r);
	else if (leaf == 0xD && sub == 0) {
		r->eax &= XCR0_KNOWN;
		r->edx = 0;
	} else if (leaf == 0xD && sub == 1)
		*r = (struct cpuid){.eax = r->eax & 7}; /* XSAVES and XFD need MSRs */
	else if (leaf == 4 || leaf == 5 || leaf == 0xA || leaf > MAX_BASIC)
		*r = (struct cpuid){0};
}

void cpuid_exit(struct vcpu *v)
{
	uint32_t leaf = (uint32_t)v->regs[REG_RAX], sub = (uint32_t)v->regs[REG_RCX];
	struct cpuid r = cpuid(leaf, sub);
	if (leaf >= 0x80000000)
		leaf_extended(v, leaf, &r);
	else if (leaf >= KVM_BASE)
		leaf_kvm(leaf, &r);
	else
		leaf_basic(v, leaf, sub, &r);
	v->regs[REG_RAX] = r.eax;
	v->regs[REG_RBX] = r.ebx;
	v->regs[REG_RCX] = r.ecx;
	v->regs[REG_RDX] = r.edx;
}
