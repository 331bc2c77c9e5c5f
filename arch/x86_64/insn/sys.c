/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c: decodes instructions that the CPU does not fully report at their exit (AMD APM 3, A.1 and
 * chapter 4). */
#include "arch/x86_64/insn/parse.h"

/* 0F 01 /4 SMSW, /6 LMSW, by register or memory. */
static uint8_t decode_0f01(struct parse *p, struct insn_sys *out)
{
	uint8_t digit;

	parse_modrm(p);
	if (p->overrun)
		return 0;
	digit = p->reg & 7;
	if (digit != 4 && digit != 6)
		return 0;
	out->has_mem = p->mod != 3;
	if (out->has_mem)
		parse_memory(p, &out->mem);
	else
		out->gpr = p->rm | (p->rex & REX_B ? 8 : 0);
	if (digit == 4)
		out->width = p->op_size;
	return digit == 4 ? SYS_SMSW : SYS_LMSW;
}

/* 0F 20 and 0F 22.  The mod bits are ignored; LOCK with CR0 means CR8 on AMD. */
static uint8_t decode_mov_cr(struct parse *p, struct insn_sys *out, uint8_t opcode)
{
	parse_modrm(p);
	out->gpr = p->rm | (p->rex & REX_B ? 8 : 0);
	out->creg = p->reg;
	if (p->lock && p->reg == 0) {
		out->creg = 8;
		p->lock = false;
	}
	return opcode == 0x20 ? SYS_MOV_FROM_CR : SYS_MOV_TO_CR;
}

static uint8_t decode_0f(struct parse *p, struct insn_sys *out)
{
	uint8_t opcode = parse_byte(p);

	switch (opcode) {
	case 0x01:
		return decode_0f01(p, out);
	case 0x06:
		return SYS_CLTS;
	case 0x08:
		return SYS_INVD;
	case 0x09:
		return SYS_WBINVD;
	case 0x20:
	case 0x22:
		return decode_mov_cr(p, out, opcode);
	default:
		return 0;
	}
}

/* 6C to 6F: INS writes to ES:rDI, OUTS reads from seg:rSI. */
static uint8_t decode_string_port(struct parse *p, struct insn_sys *out, uint8_t opcode)
{
	out->width = !(opcode & 1) ? 1 : p->op_size == 2 ? 2 : 4;
	out->addr_size = p->addr_size;
	out->rep = p->rep || p->repne;
	out->seg = opcode & 2 ? parse_segment(p) : SEG_ES;
	return opcode & 2 ? SYS_OUTS : SYS_INS;
}

static uint8_t decode_opcode(struct parse *p, struct insn_sys *out, uint8_t opcode)
{
	switch (opcode) {
	case 0x0f:
		return decode_0f(p, out);
	case 0x6c ... 0x6f:
		return decode_string_port(p, out, opcode);
	default:
		return 0;
	}
}

int insn_sys_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn_sys *out)
{
	struct parse p;

	*out = (struct insn_sys){0};
	parse_prefixes(&p, bytes, n, mode);
	out->kind = decode_opcode(&p, out, parse_byte(&p));
	if (!out->kind || p.lock)
		return 0;
	out->length = (uint8_t)parse_length(&p);
	return out->length;
}
