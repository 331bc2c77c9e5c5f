/* SPDX-License-Identifier: BSD-2-Clause */
/* finish.c: executes a decoded memory-access instruction on a register file. */
#include "arch/x86_64/insn/insn.h"

#define FLAG_CF  0x001ull
#define FLAG_PF  0x004ull
#define FLAG_AF  0x010ull
#define FLAG_ZF  0x040ull
#define FLAG_SF  0x080ull
#define FLAG_DF  0x400ull
#define FLAG_OF  0x800ull
#define FLAG_ALU (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

static uint64_t mask_of(unsigned width)
{
	return width == 8 ? UINT64_MAX : (1ull << 8 * width) - 1;
}

static uint64_t sign_extend(uint64_t v, unsigned width)
{
	unsigned shift = 64 - 8 * width;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

static uint64_t reg_read(const struct insn *in, const struct insn_regs *r)
{
	uint64_t v = r->gpr[in->reg];

	return (in->reg_high ? v >> 8 : v) & mask_of(in->reg_width);
}

/* A 32-bit result clears the upper half, a narrower one leaves the rest alone (APM 1, 3.1.2). */
static void gpr_write(uint64_t *gpr, unsigned width, uint64_t v)
{
	uint64_t mask = mask_of(width);

	if (width == 4)
		*gpr = v & mask;
	else
		*gpr = (*gpr & ~mask) | (v & mask);
}

static void reg_write(const struct insn *in, struct insn_regs *r, uint64_t v)
{
	uint64_t *gpr = &r->gpr[in->reg];

	if (in->reg_high)
		*gpr = (*gpr & ~0xff00ull) | (v & 0xff) << 8;
	else
		gpr_write(gpr, in->reg_width, v);
}

/* The six arithmetic flags of a result.  `carries`: CF in the operand's top bit, AF in bit 3;
 * `overflow`: OF in the top bit. */
static uint64_t flags_of(uint64_t result, unsigned width, uint64_t carries, uint64_t overflow)
{
	unsigned top = 8 * width - 1;
	uint64_t f = 0;

	if (carries >> top & 1)
		f |= FLAG_CF;
	if (carries & 8)
		f |= FLAG_AF;
	if (overflow >> top & 1)
		f |= FLAG_OF;
	if (result >> top & 1)
		f |= FLAG_SF;
	if (!(result & mask_of(width)))
		f |= FLAG_ZF;
	if (!__builtin_parity(result & 0xff))
		f |= FLAG_PF;
	return f;
}

/* a op b at the given width; sets the flags.  AF after a logic operation, undefined by the manuals,
 * is 0 as on the CPUs. */
static uint64_t alu(uint8_t op, unsigned width, uint64_t a, uint64_t b, uint64_t *rflags)
{
	uint64_t carry = *rflags & FLAG_CF, r, carries = 0, overflow = 0;

	switch (op) {
	case INSN_ADD:
	case INSN_ADC:
		r = a + b + (op == INSN_ADC ? carry : 0);
		carries = (a & b) | ((a | b) & ~r);
		overflow = (a ^ r) & (b ^ r);
		break;
	case INSN_SUB:
	case INSN_SBB:
	case INSN_CMP:
		r = a - b - (op == INSN_SBB ? carry : 0);
		carries = (~a & b) | ((~a | b) & r);
		overflow = (a ^ b) & (a ^ r);
		break;
	case INSN_OR:
		r = a | b;
		break;
	case INSN_XOR:
		r = a ^ b;
		break;
	default: /* AND, TEST */
		r = a & b;
		break;
	}
	*rflags = (*rflags & ~FLAG_ALU) | flags_of(r, width, carries, overflow);
	return r & mask_of(width);
}

/* rSI, rDI and rCX change at the width of the address size. */
static void advance_pointer(const struct insn *in, struct insn_regs *r, enum insn_gpr reg)
{
	uint64_t step = r->rflags & FLAG_DF ? -(uint64_t)in->width : in->width;

	gpr_write(&r->gpr[reg], in->mem.addr_size, r->gpr[reg] + step);
}

static uint64_t finish_string(const struct insn *in, struct insn_regs *r, uint64_t loaded)
{
	uint64_t stored = in->op == INSN_MOVS ? loaded : reg_read(in, r);

	if (in->op == INSN_MOVS)
		advance_pointer(in, r, GPR_RSI);
	advance_pointer(in, r, GPR_RDI);
	if (in->rep)
		gpr_write(&r->gpr[GPR_RCX], in->mem.addr_size, r->gpr[GPR_RCX] - 1);
	return stored;
}

static uint64_t finish_alu(const struct insn *in, struct insn_regs *r, uint64_t loaded)
{
	uint64_t other = (in->has_imm ? in->imm : reg_read(in, r)) & mask_of(in->width);
	uint64_t result;

	if (!in->to_reg)
		return alu(in->op, in->width, loaded, other, &r->rflags);
	result = alu(in->op, in->width, other, loaded, &r->rflags);
	if (in->op != INSN_CMP)
		reg_write(in, r, result);
	return 0;
}

static uint64_t execute_once(const struct insn *in, struct insn_regs *r, uint64_t loaded)
{
	uint64_t stored;

	switch (in->op) {
	case INSN_MOV:
		if (in->to_reg)
			reg_write(in, r, loaded);
		return in->has_imm ? in->imm : reg_read(in, r);
	case INSN_MOVZX:
		reg_write(in, r, loaded);
		return 0;
	case INSN_MOVSX:
		reg_write(in, r, sign_extend(loaded, in->width));
		return 0;
	case INSN_XCHG:
		stored = reg_read(in, r);
		reg_write(in, r, loaded);
		return stored;
	case INSN_MOVS:
	case INSN_STOS:
		return finish_string(in, r, loaded);
	default:
		return finish_alu(in, r, loaded);
	}
}

bool insn_rep_done(const struct insn *in, const struct insn_regs *regs)
{
	return in->rep && !(regs->gpr[GPR_RCX] & mask_of(in->mem.addr_size));
}

static void advance_rip(const struct insn *in, enum insn_mode mode, struct insn_regs *regs)
{
	static const unsigned width[] = {[INSN_16] = 2, [INSN_32] = 4, [INSN_64] = 8};

	regs->rip = (regs->rip + in->length) & mask_of(width[mode]);
}

uint64_t insn_finish(const struct insn *in, enum insn_mode mode, struct insn_regs *regs,
                     uint64_t loaded)
{
	uint64_t stored = 0;

	if (!insn_rep_done(in, regs))
		stored = execute_once(in, regs, loaded & mask_of(in->width)) & mask_of(in->width);
	if (!in->rep || insn_rep_done(in, regs))
		advance_rip(in, mode, regs);
	return stored;
}

uint64_t insn_linear(const struct insn *in, enum insn_mode mode, const struct insn_regs *regs,
                     const uint64_t seg_base[6])
{
	return insn_mem_linear(&in->mem, mode, regs->gpr, regs->rip + in->length, seg_base);
}

uint64_t insn_linear_dst(const struct insn *in, enum insn_mode mode, const struct insn_regs *regs,
                         const uint64_t seg_base[6])
{
	struct insn_mem dst = {
	    .seg = SEG_ES,
	    .addr_size = in->mem.addr_size,
	    .base = GPR_RDI,
	    .index = INSN_NO_REG,
	    .scale = 1,
	};

	return insn_mem_linear(&dst, mode, regs->gpr, 0, seg_base);
}
