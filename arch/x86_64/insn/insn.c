/* SPDX-License-Identifier: BSD-2-Clause */
/* insn.c: decodes the instructions that guests use on memory-mapped devices (AMD APM 3, A.1). */
#include "arch/x86_64/insn/parse.h"

/* A byte register: without REX, numbers 4 to 7 are AH, CH, DH and BH. */
static void set_reg(const struct parse *p, struct insn *in, uint8_t width)
{
	in->reg = p->reg;
	in->reg_width = width;
	if (width == 1 && !p->rex && p->reg >= 4) {
		in->reg = p->reg - 4;
		in->reg_high = true;
	}
}

/* ModRM with a memory operand; false for a register operand. */
static bool memory_operand(struct parse *p, struct insn *in)
{
	parse_modrm(p);
	if (p->mod == 3)
		return false;
	parse_memory(p, &in->mem);
	return true;
}

/* Bit 0 of most opcodes: byte or operand size. */
static uint8_t opcode_width(const struct parse *p, uint8_t opcode)
{
	return opcode & 1 ? p->op_size : 1;
}

static void set_imm(struct parse *p, struct insn *in, unsigned size)
{
	in->has_imm = true;
	in->imm = (uint64_t)parse_signed(p, size < 8 ? size : 4);
}

static void set_alu(struct insn *in, uint8_t op, bool to_reg)
{
	in->op = op;
	in->to_reg = to_reg;
	in->mem_read = true;
	in->mem_write = !to_reg && op != INSN_CMP && op != INSN_TEST;
}

/* 00 to 3B: the eight operations between register and memory, either way. */
static bool decode_alu(struct parse *p, struct insn *in, uint8_t opcode)
{
	if ((opcode & 7) > 3 || !memory_operand(p, in))
		return false;
	in->width = opcode_width(p, opcode);
	set_reg(p, in, in->width);
	set_alu(in, opcode >> 3, opcode & 2);
	return true;
}

/* 80 to 83: the eight operations with an immediate. */
static bool decode_group1(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (!memory_operand(p, in))
		return false;
	in->width = opcode_width(p, opcode);
	set_alu(in, p->reg & 7, false);
	set_imm(p, in, opcode == 0x81 ? in->width : 1);
	return true;
}

/* F6 /0, F7 /0 and their aliases /1: TEST with an immediate. */
static bool decode_test_imm(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (!memory_operand(p, in) || (p->reg & 7) > 1)
		return false;
	in->width = opcode_width(p, opcode);
	set_alu(in, INSN_TEST, false);
	set_imm(p, in, in->width);
	return true;
}

static bool decode_test_or_xchg(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (!memory_operand(p, in))
		return false;
	in->width = opcode_width(p, opcode);
	set_reg(p, in, in->width);
	if (opcode <= 0x85) {
		set_alu(in, INSN_TEST, false);
		return true;
	}
	in->op = INSN_XCHG;
	in->to_reg = in->mem_read = in->mem_write = true;
	return true;
}

static void set_mov(struct insn *in, bool load)
{
	in->op = INSN_MOV;
	in->to_reg = in->mem_read = load;
	in->mem_write = !load;
}

/* 88 to 8B. */
static bool decode_mov(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (!memory_operand(p, in))
		return false;
	in->width = opcode_width(p, opcode);
	set_reg(p, in, in->width);
	set_mov(in, opcode & 2);
	return true;
}

/* C6 /0, C7 /0. */
static bool decode_mov_imm(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (!memory_operand(p, in) || (p->reg & 7) != 0)
		return false;
	in->width = opcode_width(p, opcode);
	set_mov(in, false);
	set_imm(p, in, in->width);
	return true;
}

/* A0 to A3: the accumulator and an absolute address of the address size. */
static bool decode_moffs(struct parse *p, struct insn *in, uint8_t opcode)
{
	in->width = in->reg_width = opcode_width(p, opcode);
	in->reg = GPR_RAX;
	in->mem = (struct insn_mem){
	    .seg = parse_segment(p),
	    .addr_size = p->addr_size,
	    .base = INSN_NO_REG,
	    .index = INSN_NO_REG,
	    .scale = 1,
	    .disp = parse_signed(p, p->addr_size),
	};
	set_mov(in, opcode < 0xa2);
	return true;
}

/* A4, A5 MOVS and AA, AB STOS. */
static bool decode_string(struct parse *p, struct insn *in, uint8_t opcode)
{
	bool movs = opcode < 0xa6;

	in->width = opcode_width(p, opcode);
	in->op = movs ? INSN_MOVS : INSN_STOS;
	in->rep = p->rep || p->repne;
	in->mem_read = movs;
	in->mem_write = true;
	in->reg = movs ? INSN_NO_REG : GPR_RAX;
	in->reg_width = movs ? 0 : in->width;
	in->mem = (struct insn_mem){
	    .seg = movs ? parse_segment(p) : SEG_ES,
	    .addr_size = p->addr_size,
	    .base = movs ? GPR_RSI : GPR_RDI,
	    .index = INSN_NO_REG,
	    .scale = 1,
	};
	return true;
}

static bool decode_extend(struct parse *p, struct insn *in, enum insn_op op, uint8_t width)
{
	if (!memory_operand(p, in))
		return false;
	in->op = op;
	in->width = width;
	in->reg = p->reg;
	in->reg_width = p->op_size;
	in->to_reg = in->mem_read = true;
	return true;
}

static bool decode_0f(struct parse *p, struct insn *in)
{
	switch (parse_byte(p)) {
	case 0xb6:
		return decode_extend(p, in, INSN_MOVZX, 1);
	case 0xb7:
		return decode_extend(p, in, INSN_MOVZX, 2);
	case 0xbe:
		return decode_extend(p, in, INSN_MOVSX, 1);
	case 0xbf:
		return decode_extend(p, in, INSN_MOVSX, 2);
	default:
		return false;
	}
}

static bool decode_opcode(struct parse *p, struct insn *in, uint8_t opcode)
{
	if (opcode == 0x0f)
		return decode_0f(p, in);
	if (opcode < 0x40)
		return decode_alu(p, in, opcode);
	switch (opcode) {
	case 0x63: /* MOVSXD; ARPL outside 64-bit mode */
		return p->mode == INSN_64 &&
		       decode_extend(p, in, INSN_MOVSX, p->op_size == 2 ? 2 : 4);
	case 0x80:
	case 0x81:
	case 0x83:
		return decode_group1(p, in, opcode);
	case 0x82: /* alias of 80 outside 64-bit mode (APM 3, table A-1) */
		return p->mode != INSN_64 && decode_group1(p, in, opcode);
	case 0x84 ... 0x87:
		return decode_test_or_xchg(p, in, opcode);
	case 0x88 ... 0x8b:
		return decode_mov(p, in, opcode);
	case 0xa0 ... 0xa3:
		return decode_moffs(p, in, opcode);
	case 0xa4 ... 0xa5:
	case 0xaa ... 0xab:
		return decode_string(p, in, opcode);
	case 0xc6 ... 0xc7:
		return decode_mov_imm(p, in, opcode);
	case 0xf6 ... 0xf7:
		return decode_test_imm(p, in, opcode);
	default:
		return false;
	}
}

int insn_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn *out)
{
	struct parse p;

	*out = (struct insn){.reg = INSN_NO_REG};
	parse_prefixes(&p, bytes, n, mode);
	if (!decode_opcode(&p, out, parse_byte(&p)))
		return 0;
	/* LOCK is #UD except with a read-modify-write of memory. */
	if (p.lock && !(out->mem_read && out->mem_write && out->op != INSN_MOVS))
		return 0;
	out->length = (uint8_t)parse_length(&p);
	return out->length;
}
