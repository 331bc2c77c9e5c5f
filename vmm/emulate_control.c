/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emulates instructions on control registers that exit without saying which register and value (SVM
 * without decode assists): MOV, CLTS, LMSW, SMSW (AMD APM vol. 3, chapters 3 and 4).
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/control_regs.h"
#include "arch/x86_64/insn/insn.h"
#include "vmm/emulate.h"
#include "vmm/vm.h"

static bool is_64bit(const struct vcpu *v)
{
	struct seg cs;

	hvm->get_seg(&v->cpu, HVM_CS, &cs);
	return (hvm->get(&v->cpu, HVM_EFER) & EFER_LMA) && (cs.attr & 0x2000);
}

/* QEMU 10 applies the intercept of CR0 reads to every control register. */
static uint64_t read_register(const struct vcpu *v, uint8_t which)
{
	switch (which) {
	case 0:
		return hvm->get(&v->cpu, HVM_CR0);
	case 2:
		return hvm->get(&v->cpu, HVM_CR2);
	case 3:
		return hvm->get(&v->cpu, HVM_CR3);
	case 4:
		return hvm->get(&v->cpu, HVM_CR4);
	default: /* CR8: the core's TPR is the guest's */
		return read_cr8();
	}
}

/* Sets the low `width` bytes of a general register; four clear the upper half. */
static void set_gpr(uint64_t *reg, unsigned width, uint64_t value)
{
	if (width == 2)
		*reg = (*reg & ~0xfffful) | (uint16_t)value;
	else
		*reg = width == 4 ? (uint32_t)value : value;
}

static bool store_word(struct vcpu *v, const struct insn_sys *in, uint64_t value)
{
	uint16_t word = (uint16_t)value;

	if (in->has_mem)
		return emulate_sys_word(v, in, true, &word);
	set_gpr(&v->cpu.regs[in->gpr], in->width, value);
	return true;
}

/* Injects #GP for a value that the CPU would refuse. */
static bool write_register(struct vcpu *v, uint8_t which, uint64_t value)
{
	bool ok = hvm->set_control(&v->cpu, which, value);

	if (!ok)
		hvm->inject_exception(&v->cpu, VECTOR_GP, true, 0);
	return ok;
}

static bool load_word(struct vcpu *v, const struct insn_sys *in)
{
	uint16_t word = (uint16_t)v->cpu.regs[in->gpr];

	if (in->has_mem && !emulate_sys_word(v, in, false, &word))
		return false;
	return write_register(v, 0, cr0_after_lmsw(hvm->get(&v->cpu, HVM_CR0), word));
}

static bool move_to(struct vcpu *v, const struct insn_sys *in)
{
	uint64_t value = v->cpu.regs[in->gpr];

	return write_register(v, in->creg, is_64bit(v) ? value : (uint32_t)value);
}

/* false: a fault was injected, or the code has changed since the exit, and the guest executes it
 * again. */
static bool carry_out(struct vcpu *v, const struct insn_sys *in)
{
	switch (in->kind) {
	case SYS_MOV_TO_CR:
		return move_to(v, in);
	case SYS_MOV_FROM_CR:
		set_gpr(&v->cpu.regs[in->gpr], is_64bit(v) ? 8 : 4, read_register(v, in->creg));
		return true;
	case SYS_CLTS:
		return write_register(v, 0, hvm->get(&v->cpu, HVM_CR0) & ~CR0_TS);
	case SYS_LMSW:
		return load_word(v, in);
	case SYS_SMSW:
		return store_word(v, in, hvm->get(&v->cpu, HVM_CR0));
	default:
		return false;
	}
}

/* The CPU has checked the privilege of the instruction that exited (SMSW is allowed in user mode,
 * too); but a second vCPU may have replaced the code since, so it is checked again. */
static bool still_allowed(const struct vcpu *v, const struct insn_sys *in)
{
	return hvm->get(&v->cpu, HVM_CPL) == 0 || in->kind == SYS_SMSW;
}

uint8_t emulate_control(struct vcpu *v)
{
	struct insn_sys in;
	uint8_t length = emulate_sys_decode(v, &in);

	return length && still_allowed(v, &in) && carry_out(v, &in) ? length : 0;
}
