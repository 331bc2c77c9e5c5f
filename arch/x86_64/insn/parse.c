/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.c: prefixes and memory operands (AMD APM 3, sections 1.2 to 1.7). */
#include "arch/x86_64/insn/parse.h"

uint8_t parse_byte(struct parse *p)
{
	if (p->at >= p->n) {
		p->overrun = true;
		return 0;
	}
	return p->bytes[p->at++];
}

int64_t parse_signed(struct parse *p, unsigned size)
{
	uint64_t v = 0;
	unsigned shift;

	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)parse_byte(p) << 8 * i;
	shift = size ? 64 - 8 * size : 0;
	return (int64_t)(v << shift) >> shift;
}

/* Handles one legacy prefix; false when the byte is none.  In 64-bit mode ES, CS, SS and DS
 * overrides are ignored. */
static bool parse_prefix(struct parse *p, uint8_t b, bool *op, bool *addr)
{
	switch (b) {
	case 0x26: /* ES */
	case 0x2e: /* CS */
	case 0x36: /* SS */
	case 0x3e: /* DS */
		if (p->mode != INSN_64)
			p->seg = b >> 3 & 3;
		return true;
	case 0x64:
	case 0x65:
		p->seg = b == 0x64 ? SEG_FS : SEG_GS;
		return true;
	case 0x66:
		*op = true;
		return true;
	case 0x67:
		*addr = true;
		return true;
	case 0xf0:
		p->lock = true;
		return true;
	case 0xf2:
	case 0xf3: /* the last of the two is used */
		p->rep = b == 0xf3;
		p->repne = b == 0xf2;
		return true;
	default:
		return false;
	}
}

static void set_sizes(struct parse *p, bool op, bool addr)
{
	switch (p->mode) {
	case INSN_16:
		p->op_size = op ? 4 : 2;
		p->addr_size = addr ? 4 : 2;
		break;
	case INSN_32:
		p->op_size = op ? 2 : 4;
		p->addr_size = addr ? 2 : 4;
		break;
	case INSN_64:
		p->op_size = p->rex & REX_W ? 8 : op ? 2 : 4;
		p->addr_size = addr ? 4 : 8;
		break;
	}
}

void parse_prefixes(struct parse *p, const uint8_t *bytes, size_t n, enum insn_mode mode)
{
	bool op = false, addr = false;

	*p = (struct parse){
	    .bytes = bytes,
	    .n = n < INSN_MAX_LENGTH ? n : INSN_MAX_LENGTH,
	    .mode = mode,
	    .seg = INSN_NO_REG,
	};
	for (; p->at < p->n; p->at++) {
		uint8_t b = bytes[p->at];

		if (mode == INSN_64 && (b & 0xf0) == 0x40) {
			p->rex = b;
			continue;
		}
		if (!parse_prefix(p, b, &op, &addr))
			break;
		p->rex = 0; /* a REX prefix is valid only directly before the opcode */
	}
	set_sizes(p, op, addr);
}

void parse_modrm(struct parse *p)
{
	uint8_t b = parse_byte(p);

	p->mod = b >> 6;
	p->reg = (b >> 3 & 7) | (p->rex & REX_R ? 8 : 0);
	p->rm = b & 7;
}

uint8_t parse_segment(const struct parse *p)
{
	return p->seg == INSN_NO_REG ? SEG_DS : p->seg;
}

static void memory_16(struct parse *p, struct insn_mem *mem)
{
	static const uint8_t base[8] = {GPR_RBX,     GPR_RBX,     GPR_RBP, GPR_RBP,
	                                INSN_NO_REG, INSN_NO_REG, GPR_RBP, GPR_RBX};
	static const uint8_t index[8] = {GPR_RSI, GPR_RDI, GPR_RSI,     GPR_RDI,
	                                 GPR_RSI, GPR_RDI, INSN_NO_REG, INSN_NO_REG};
	bool absolute = p->mod == 0 && p->rm == 6;

	mem->base = absolute ? INSN_NO_REG : base[p->rm];
	mem->index = index[p->rm];
	mem->disp = parse_signed(p, absolute || p->mod == 2 ? 2 : p->mod);
}

static void memory_sib(struct parse *p, struct insn_mem *mem)
{
	uint8_t sib = parse_byte(p);
	uint8_t index = (sib >> 3 & 7) | (p->rex & REX_X ? 8 : 0);

	mem->scale = 1 << (sib >> 6);
	mem->index = index == GPR_RSP ? INSN_NO_REG : index;
	if ((sib & 7) == GPR_RBP && p->mod == 0) {
		mem->disp = parse_signed(p, 4);
		return;
	}
	mem->base = (sib & 7) | (p->rex & REX_B ? 8 : 0);
}

static void memory_32(struct parse *p, struct insn_mem *mem)
{
	if (p->rm == GPR_RSP) {
		memory_sib(p, mem);
	} else if (p->rm == GPR_RBP && p->mod == 0) {
		mem->rip_relative = p->mode == INSN_64;
		mem->disp = parse_signed(p, 4);
	} else {
		mem->base = p->rm | (p->rex & REX_B ? 8 : 0);
	}
	if (p->mod)
		mem->disp = parse_signed(p, p->mod == 1 ? 1 : 4);
}

void parse_memory(struct parse *p, struct insn_mem *mem)
{
	bool stack;

	*mem = (struct insn_mem){
	    .seg = parse_segment(p),
	    .addr_size = p->addr_size,
	    .base = INSN_NO_REG,
	    .index = INSN_NO_REG,
	    .scale = 1,
	};
	if (p->addr_size == 2)
		memory_16(p, mem);
	else
		memory_32(p, mem);
	stack = mem->base == GPR_RBP || mem->base == GPR_RSP;
	if (stack && p->seg == INSN_NO_REG)
		mem->seg = SEG_SS;
}

int parse_length(const struct parse *p)
{
	return p->overrun ? 0 : (int)p->at;
}

uint64_t insn_mem_linear(const struct insn_mem *mem, enum insn_mode mode, const uint64_t gpr[16],
                         uint64_t next_rip, const uint64_t seg_base[6])
{
	uint64_t offset = (uint64_t)mem->disp;

	if (mem->base != INSN_NO_REG)
		offset += gpr[mem->base];
	if (mem->index != INSN_NO_REG)
		offset += gpr[mem->index] * mem->scale;
	if (mem->rip_relative)
		offset += next_rip;
	if (mem->addr_size < 8)
		offset &= (1ull << 8 * mem->addr_size) - 1;
	if (mode == INSN_64)
		return mem->seg >= SEG_FS ? seg_base[mem->seg] + offset : offset;
	return (uint32_t)(seg_base[mem->seg] + offset);
}
