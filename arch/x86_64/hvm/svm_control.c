/*
 * A guest's CR0 and CR4 on SVM.  The host keeps CR0.CD and NW at 0, because a guest without caches
 * slows down who shares them (XSA-60), and CR4.MCE at 1, without which a machine check shuts the
 * machine down.  The guest sees what it wrote: SVM has no shadow registers, so writes exit, and so
 * do reads as long as the two differ.
 */
#include "arch/x86_64/hvm/control_regs.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/insn/insn.h"
#include "arch/x86_64/hvm/svm.h"
#include "vmm/emulate.h"
#include "vmm/vm.h"

/* While CD or NW seem set, each write of CR0 exits: one that clears them changes nothing in the
 * hardware, so the selective intercept does not see it. */
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

static bool is_64bit(const struct svm_vcpu *s)
{
	return (s->vmcb.efer & EFER_LMA) && cs_long(s);
}

static struct control_state state_of(const struct svm_vcpu *s)
{
	return (struct control_state){.cr0 = svm_cr0(s),
	                              .cr3 = s->vmcb.cr3,
	                              .cr4 = svm_cr4(s),
	                              .efer = s->vmcb.efer,
	                              .cs_long = cs_long(s)};
}

/* What a MOV to the register flushes on a CPU, and more: it is rare. */
static void flush(struct svm_vcpu *s)
{
	s->vmcb.tlb_control = TLB_FLUSH_ALL;
	choose_intercepts(s);
}

static bool write_cr0_of(struct svm_vcpu *s, uint64_t value)
{
	struct control_state now = state_of(s);
	if (!cr0_allowed(&now, value))
		return false;
	s->cr0_cache = value & CR0_CACHE;
	s->vmcb.cr0 = (value & CR0_DEFINED & ~CR0_CACHE) | CR0_ET;
	s->vmcb.efer = efer_with_cr0(s->vmcb.efer, value);
	flush(s);
	return true;
}

static bool write_cr4_of(struct svm_vcpu *s, uint64_t value)
{
	struct control_state now = state_of(s);
	if (!cr4_allowed(&now, value, hvm_cr4_offered()))
		return false;
	s->cr4_mce = value & CR4_MCE;
	s->vmcb.cr4 = value | CR4_MCE;
	flush(s);
	return true;
}

/* QEMU 10 takes the intercept of CR0's reads for that of every control register's. */
static uint64_t read_register(const struct svm_vcpu *s, uint8_t which)
{
	switch (which) {
	case 0:
		return svm_cr0(s);
	case 2:
		return s->vmcb.cr2;
	case 3:
		return s->vmcb.cr3;
	case 4:
		return svm_cr4(s);
	default: /* CR8: the core's own */
		return read_cr8();
	}
}

/* A general register's low `width` bytes; four clear the upper half. */
static void set_gpr(uint64_t *reg, unsigned width, uint64_t value)
{
	if (width == 2)
		*reg = (*reg & ~0xFFFFul) | (uint16_t)value;
	else
		*reg = width == 4 ? (uint32_t)value : value;
}

static bool store_word(struct vcpu *v, const struct insn_sys *in, uint64_t value)
{
	uint16_t word = (uint16_t)value;
	if (in->has_mem)
		return emulate_sys_word(v, in, true, &word);
	set_gpr(&v->regs[in->gpr], in->width, value);
	return true;
}

/* Injects #GP for a value that the CPU would not take. */
static bool taken(struct vcpu *v, bool ok)
{
	if (!ok)
		hvm->inject_exception(v, VECTOR_GP, true, 0);
	return ok;
}

static bool load_word(struct vcpu *v, const struct insn_sys *in)
{
	struct svm_vcpu *s = v->hvm;
	uint16_t word = (uint16_t)v->regs[in->gpr];
	if (in->has_mem && !emulate_sys_word(v, in, false, &word))
		return false;
	return taken(v, write_cr0_of(s, cr0_after_lmsw(svm_cr0(s), word)));
}

static bool move_to(struct vcpu *v, const struct insn_sys *in)
{
	struct svm_vcpu *s = v->hvm;
	uint64_t value = is_64bit(s) ? v->regs[in->gpr] : (uint32_t)v->regs[in->gpr];
	return taken(v, in->creg == 0   ? write_cr0_of(s, value)
	                : in->creg == 4 ? write_cr4_of(s, value)
	                                : false);
}

/* false: a fault was injected, or the code is no longer what exited: it is executed again. */
static bool carry_out(struct vcpu *v, const struct insn_sys *in)
{
	struct svm_vcpu *s = v->hvm;
	switch (in->kind) {
	case SYS_MOV_TO_CR:
		return move_to(v, in);
	case SYS_MOV_FROM_CR:
		set_gpr(&v->regs[in->gpr], is_64bit(s) ? 8 : 4, read_register(s, in->creg));
		return true;
	case SYS_CLTS:
		return write_cr0_of(s, svm_cr0(s) & ~CR0_TS);
	case SYS_LMSW:
		return load_word(v, in);
	case SYS_SMSW:
		return store_word(v, in, svm_cr0(s));
	default:
		return false;
	}
}

/* The CPU let the instruction exit, so it was allowed, SMSW in user mode too; but what is decoded
 * may be another one, which a second vCPU has put in its place. */
static bool still_allowed(const struct svm_vcpu *s, const struct insn_sys *in)
{
	return s->vmcb.cpl == 0 || in->kind == SYS_SMSW;
}

/* The CPU may have no decode assists: which register and which value, the instruction says. */
void svm_control_exit(struct vcpu *v, struct vmexit *e)
{
	struct insn_sys in;
	uint8_t length = emulate_sys_decode(v, &in);
	bool done = length && still_allowed(v->hvm, &in) && carry_out(v, &in);
	e->kind = VMEXIT_control;
	e->insn_len = done ? length : 0;
}
