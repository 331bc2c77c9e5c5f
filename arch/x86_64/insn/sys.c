/* sys.c: decodes the instructions that are intercepted by name (AMD APM 3, A.1 and chapter 4).
 */
#include "arch/x86_64/insn/parse.h"

/* 0F 01 with a register form: the ModRM byte is part of the opcode. */
static uint8_t kind_0f01(uint8_t modrm)
{
	switch (modrm) {
	case 0xc1:
		return SYS_VMCALL;
	case 0xc8:
		return SYS_MONITOR;
	case 0xc9:
		return SYS_MWAIT;
	case 0xd1:
		return SYS_XSETBV;
	case 0xd8:
		return SYS_VMRUN;
	case 0xd9:
		return SYS_VMMCALL;
	case 0xda:
		return SYS_VMLOAD;
	case 0xdb:
		return SYS_VMSAVE;
	case 0xdc:
		return SYS_STGI;
	case 0xdd:
		return SYS_CLGI;
	case 0xde:
		return SYS_SKINIT;
	case 0xdf:
		return SYS_INVLPGA;
	case 0xf9:
		return SYS_RDTSCP;
	default:
		return 0;
	}
}

/* 0F 01 /4 SMSW, /6 LMSW (register or memory), /7 INVLPG (memory). */
static uint8_t decode_0f01(struct parse *p, struct insn_sys *out)
{
	parse_modrm(p);
	if (p->overrun)
		return 0;
	uint8_t digit = p->reg & 7;
	if (p->mod == 3 && digit != 4 && digit != 6)
		return kind_0f01(p->bytes[p->at - 1]);
	if (digit != 4 && digit != 6 && digit != 7)
		return 0;
	out->has_mem = p->mod != 3;
	if (out->has_mem)
		parse_memory(p, &out->mem);
	else
		out->gpr = p->rm | (p->rex & REX_B ? 8 : 0);
	if (digit == 4)
		out->width = p->op_size;
	return digit == 4 ? SYS_SMSW : digit == 6 ? SYS_LMSW : SYS_INVLPG;
}

/* 0F 20 to 0F 23.  The mod bits are ignored; LOCK with CR0 is AMD's way to CR8. */
static uint8_t decode_mov_cr(struct parse *p, struct insn_sys *out, uint8_t opcode)
{
	static const uint8_t kind[4] = {SYS_MOV_FROM_CR, SYS_MOV_FROM_DR, SYS_MOV_TO_CR,
	                                SYS_MOV_TO_DR};
	parse_modrm(p);
	out->gpr = p->rm | (p->rex & REX_B ? 8 : 0);
	out->creg = p->reg;
	if (p->lock && !(opcode & 1) && p->reg == 0) {
		out->creg = 8;
		p->lock = false;
	}
	return kind[opcode & 3];
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
	case 0x20 ... 0x23:
		return decode_mov_cr(p, out, opcode);
	case 0x30:
		return SYS_WRMSR;
	case 0x31:
		return SYS_RDTSC;
	case 0x32:
		return SYS_RDMSR;
	case 0x33:
		return SYS_RDPMC;
	case 0xa2:
		return SYS_CPUID;
	default:
		return 0;
	}
}

/* E4 to E7 with an immediate port, EC to EF with DX: IN, IN, OUT, OUT. */
static uint8_t decode_port(struct parse *p, struct insn_sys *out, uint8_t opcode)
{
	out->width = !(opcode & 1) ? 1 : p->op_size == 2 ? 2 : 4;
	out->port_imm = opcode < 0xe8;
	if (out->port_imm)
		out->port = parse_byte(p);
	return opcode & 2 ? SYS_OUT : SYS_IN;
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
	case 0x90:
		return p->rep && !(p->rex & REX_B) ? SYS_PAUSE : 0;
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return decode_port(p, out, opcode);
	case 0xf4:
		return SYS_HLT;
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

int insn_length(const uint8_t *bytes, size_t n, enum insn_mode mode)
{
	struct insn_sys in;
	return insn_sys_decode(bytes, n, mode, &in);
}
