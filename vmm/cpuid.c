/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID exits: cpuid_policy.c answers, from this core's leaves. */
#include "arch/x86_64/cpu.h"
#include "vmm/cpuid_policy.h"
#include "vmm/cpuid.h"
#include "vmm/msr.h"
#include "vmm/vm.h"

void cpuid_exit(struct vcpu *v)
{
	struct cpuid_view view = {.vcpus = v->vm->nvcpus,
	                          .id = v->id,
	                          .apic = vapic_enabled(&v->apic),
	                          .cr4 = hvm->get(&v->cpu, HVM_CR4),
	                          .xcr0 = read_cr4() & CR4_OSXSAVE ? xgetbv() : 1,
	                          .lacks = hvm->lacks(),
	                          /* an MSR, and no other leaf asks for it */
	                          .slow_strings =
	                              (uint32_t)v->cpu.regs[REG_RAX] == 7 && !fast_strings()};
	struct cpuid r = cpuid_for_guest(cpuid, &view, (uint32_t)v->cpu.regs[REG_RAX],
	                                 (uint32_t)v->cpu.regs[REG_RCX]);

	v->cpu.regs[REG_RAX] = r.eax;
	v->cpu.regs[REG_RBX] = r.ebx;
	v->cpu.regs[REG_RCX] = r.ecx;
	v->cpu.regs[REG_RDX] = r.edx;
}
