/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's CR0 and CR4 on SVM.  The host keeps CR0.CD and NW at 0, because a guest that
 * disables caches slows down the cores that share them (XSA-60), and CR4.MCE at 1, without which a
 * machine check shuts the machine down.  The guest reads back what it wrote: SVM has no shadow
 * registers, so writes exit, and so do reads while guest and hardware value differ.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/control_regs.h"
#include "arch/x86_64/hvm/svm.h"

/* While the guest has CD or NW set, every CR0 write exits: one that clears them changes no hardware
 * bit, so the selective CR0 intercept would miss it. */
static void choose_intercepts(struct svm_vcpu *s)
{
	uint16_t cr0 = s->cr0_cache ? ICPT_CR0 : 0;

	s->vmcb.intercept_cr_read = (uint16_t)(cr0 | (s->cr4_mce ? 0 : ICPT_CR4));
	s->vmcb.intercept_cr_write = (uint16_t)(cr0 | ICPT_CR4);
}

void svm_control_reset(struct svm_vcpu *s, uint64_t cr0, uint64_t cr4)
{
	s->cr0_cache = cr0 & CR0_CACHE;
	s->cr4_mce = cr4 & CR4_MCE;
	s->vmcb.cr0 = cr0 & ~CR0_CACHE;
	s->vmcb.cr4 = cr4 | CR4_MCE;
	choose_intercepts(s);
}

uint64_t svm_cr0(const struct svm_vcpu *s)
{
	return s->vmcb.cr0 | s->cr0_cache;
}

uint64_t svm_cr4(const struct svm_vcpu *s)
{
	return (s->vmcb.cr4 & ~CR4_MCE) | s->cr4_mce;
}

static bool cs_long(const struct svm_vcpu *s)
{
	return seg_attr_unpacked(s->vmcb.seg[HVM_CS].attr) & 0x2000;
}

static struct control_state state_of(const struct svm_vcpu *s)
{
	return (struct control_state){.cr0 = svm_cr0(s),
	                              .cr3 = s->vmcb.cr3,
	                              .cr4 = svm_cr4(s),
	                              .efer = s->vmcb.efer,
	                              .cs_long = cs_long(s)};
}

/* Flushes all translations, more than a MOV to CR0 or CR4 does: these writes are rare. */
static void flush_and_intercept(struct svm_vcpu *s)
{
	s->vmcb.tlb_control = TLB_FLUSH_ALL;
	choose_intercepts(s);
}

static bool write_guest_cr0(struct svm_vcpu *s, uint64_t value)
{
	struct control_state now = state_of(s);

	if (!cr0_allowed(&now, value))
		return false;
	s->cr0_cache = value & CR0_CACHE;
	s->vmcb.cr0 = (value & CR0_DEFINED & ~CR0_CACHE) | CR0_ET;
	s->vmcb.efer = efer_with_cr0(s->vmcb.efer, value);
	flush_and_intercept(s);
	return true;
}

static bool write_guest_cr4(struct svm_vcpu *s, uint64_t value)
{
	struct control_state now = state_of(s);

	if (!cr4_allowed(&now, value, hvm_cr4_offered()))
		return false;
	s->cr4_mce = value & CR4_MCE;
	s->vmcb.cr4 = value | CR4_MCE;
	flush_and_intercept(s);
	return true;
}

bool svm_write_control(struct svm_vcpu *s, unsigned which, uint64_t value)
{
	return which == 0 ? write_guest_cr0(s, value) : which == 4 && write_guest_cr4(s, value);
}
