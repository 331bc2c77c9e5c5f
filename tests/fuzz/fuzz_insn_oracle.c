/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_insn_oracle.c: our instruction decoders compared with an independent one, Zydis.
 *
 * The first byte chooses the mode, the rest is one instruction.  An instruction that ours accept
 * must have the same length and operands in Zydis; an instruction in the decoders' scope that Zydis
 * accepts, ours must accept.
 */
#include <Zydis/Zydis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/insn/insn.h"

/* What Zydis says of the instruction. */
struct oracle {
	bool known;
	enum insn_mode mode;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	const uint8_t *bytes;
	size_t size;
};

static const struct {
	ZydisMnemonic mnemonic;
	enum insn_op op;
} memory_op[] = {
    {ZYDIS_MNEMONIC_ADD, INSN_ADD},     {ZYDIS_MNEMONIC_OR, INSN_OR},
    {ZYDIS_MNEMONIC_ADC, INSN_ADC},     {ZYDIS_MNEMONIC_SBB, INSN_SBB},
    {ZYDIS_MNEMONIC_AND, INSN_AND},     {ZYDIS_MNEMONIC_SUB, INSN_SUB},
    {ZYDIS_MNEMONIC_XOR, INSN_XOR},     {ZYDIS_MNEMONIC_CMP, INSN_CMP},
    {ZYDIS_MNEMONIC_TEST, INSN_TEST},   {ZYDIS_MNEMONIC_MOV, INSN_MOV},
    {ZYDIS_MNEMONIC_MOVZX, INSN_MOVZX}, {ZYDIS_MNEMONIC_MOVSX, INSN_MOVSX},
    {ZYDIS_MNEMONIC_XCHG, INSN_XCHG},   {ZYDIS_MNEMONIC_MOVSXD, INSN_MOVSX},
    {ZYDIS_MNEMONIC_MOVSB, INSN_MOVS},  {ZYDIS_MNEMONIC_MOVSW, INSN_MOVS},
    {ZYDIS_MNEMONIC_MOVSD, INSN_MOVS},  {ZYDIS_MNEMONIC_MOVSQ, INSN_MOVS},
    {ZYDIS_MNEMONIC_STOSB, INSN_STOS},  {ZYDIS_MNEMONIC_STOSW, INSN_STOS},
    {ZYDIS_MNEMONIC_STOSD, INSN_STOS},  {ZYDIS_MNEMONIC_STOSQ, INSN_STOS},
};

static const struct {
	ZydisMnemonic mnemonic;
	enum insn_sys_kind kind;
} system_op[] = {
    {ZYDIS_MNEMONIC_INVD, SYS_INVD},  {ZYDIS_MNEMONIC_WBINVD, SYS_WBINVD},
    {ZYDIS_MNEMONIC_CLTS, SYS_CLTS},  {ZYDIS_MNEMONIC_LMSW, SYS_LMSW},
    {ZYDIS_MNEMONIC_SMSW, SYS_SMSW},  {ZYDIS_MNEMONIC_INSB, SYS_INS},
    {ZYDIS_MNEMONIC_INSW, SYS_INS},   {ZYDIS_MNEMONIC_INSD, SYS_INS},
    {ZYDIS_MNEMONIC_OUTSB, SYS_OUTS}, {ZYDIS_MNEMONIC_OUTSW, SYS_OUTS},
    {ZYDIS_MNEMONIC_OUTSD, SYS_OUTS},
};

static void differ(const struct oracle *o, const char *what)
{
	fprintf(stderr, "%s differs, mode %d, Zydis: %s of %u bytes; bytes:", what, (int)o->mode,
	        o->known ? ZydisMnemonicGetString(o->in.mnemonic) : "nothing",
	        o->known ? o->in.length : 0);
	for (size_t i = 0; i < o->size; i++)
		fprintf(stderr, " %02x", o->bytes[i]);
	fprintf(stderr, "\n");
	abort();
}

static void same(const struct oracle *o, uint64_t ours, uint64_t theirs, const char *what)
{
	if (ours != theirs)
		differ(o, what);
}

static void ask(struct oracle *o, enum insn_mode mode, const uint8_t *bytes, size_t size)
{
	static const ZydisMachineMode machine[] = {
	    ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_MACHINE_MODE_LONG_64};
	static const ZydisStackWidth stack[] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32,
	                                        ZYDIS_STACK_WIDTH_64};
	ZydisDecoder d;

	*o = (struct oracle){.mode = mode, .bytes = bytes, .size = size};
	ZydisDecoderInit(&d, machine[mode], stack[mode]);
	o->known = size && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, bytes, size, &o->in, o->op));
}

static uint64_t low(uint64_t v, unsigned bytes)
{
	return bytes < 8 ? v & ((1ull << 8 * bytes) - 1) : v;
}

/* A general register as the encoding numbers it; *high: AH to BH. */
static uint8_t number(ZydisRegister r, bool *high)
{
	unsigned i = (unsigned)r - ZYDIS_REGISTER_AL;

	*high = false;
	if (r == ZYDIS_REGISTER_NONE)
		return INSN_NO_REG;
	if (ZydisRegisterGetClass(r) != ZYDIS_REGCLASS_GPR8)
		return (uint8_t)ZydisRegisterGetId(r);
	/* AL to BL, AH to BH, SPL to DIL, R8B and so on. */
	*high = i >= 4 && i < 8;
	return (uint8_t)(i < 4 ? i : i - 4);
}

static uint8_t segment(ZydisRegister r)
{
	return (uint8_t)(r - ZYDIS_REGISTER_ES);
}

static bool is_memory(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_MEMORY;
}

static const ZydisDecodedOperand *operand(const struct oracle *o, ZydisOperandType type,
                                          unsigned skip)
{
	for (unsigned i = 0; i < o->in.operand_count; i++)
		if (o->op[i].type == type &&
		    o->op[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN && skip-- == 0)
			return &o->op[i];
	return NULL;
}

static void check_memory(const struct oracle *o, const struct insn_mem *m,
                         const ZydisDecodedOperand *op)
{
	bool high, rip = op->mem.base == ZYDIS_REGISTER_RIP || op->mem.base == ZYDIS_REGISTER_EIP;
	uint8_t base = rip ? INSN_NO_REG : number(op->mem.base, &high);

	/* [SI] and [DI] are an index without a base in ours, a base in Zydis. */
	bool alone = m->addr_size == 2 && m->base == INSN_NO_REG;
	/* SIB.base = 101b with mod = 00b is no base but four bytes of displacement, whatever REX.B
	 * is (Intel SDM vol. 2, table 2-5); with REX.B Zydis 4.0 names R13 and no displacement. */
	bool no_base = o->in.raw.rex.B && o->in.raw.sib.offset && o->in.raw.modrm.mod == 0 &&
	               o->in.raw.sib.base == 5;

	same(o, m->rip_relative, rip, "RIP-relative");
	same(o, alone ? m->index : m->base, no_base ? INSN_NO_REG : base, "base");
	same(o, alone ? INSN_NO_REG : m->index, number(op->mem.index, &high), "index");
	if (m->index != INSN_NO_REG && !alone)
		same(o, m->scale, op->mem.scale, "scale");
	same(o, m->addr_size, o->in.address_width / 8u, "address size");
	same(o, no_base || low((uint64_t)m->disp, m->addr_size),
	     no_base || low((uint64_t)(op->mem.disp.has_displacement ? op->mem.disp.value : 0),
	                    m->addr_size),
	     "displacement");
	/* In 64-bit mode only FS and GS count. */
	if (o->mode != INSN_64 || m->seg >= SEG_FS || segment(op->mem.segment) >= SEG_FS)
		same(o, m->seg, segment(op->mem.segment), "segment");
}

static bool repeats(const struct oracle *o)
{
	for (unsigned i = 0; i < o->in.raw.prefix_count; i++)
		if ((o->in.raw.prefixes[i].value | 1) == 0xf3)
			return true;
	return false;
}

/* The other operand: a register or an immediate. */
static void check_other(const struct oracle *o, const struct insn *in)
{
	const ZydisDecodedOperand *imm = operand(o, ZYDIS_OPERAND_TYPE_IMMEDIATE, 0);
	const ZydisDecodedOperand *reg = operand(o, ZYDIS_OPERAND_TYPE_REGISTER, 0);
	bool high, to_reg;

	same(o, in->has_imm, imm != NULL, "an immediate");
	if (imm) {
		same(o, low(in->imm, in->width), low(imm->imm.value.u, in->width), "immediate");
		return;
	}
	if (!reg) /* STOS has it hidden */
		return;
	same(o, in->reg, number(reg->reg.value, &high), "register");
	same(o, in->reg_width, reg->size / 8u, "register's width");
	same(o, in->reg_high, high, "high byte");
	/* CMP and TEST write nothing: which is the first of the two? */
	to_reg = in->op == INSN_CMP || in->op == INSN_TEST
	             ? reg == o->op
	             : (reg->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
	same(o, in->to_reg, to_reg, "direction");
}

static int op_of(const struct oracle *o)
{
	for (unsigned i = 0; i < sizeof memory_op / sizeof memory_op[0]; i++)
		if (o->known && o->in.mnemonic == memory_op[i].mnemonic)
			return (int)memory_op[i].op;
	return -1;
}

static void check_insn(const struct oracle *o, const struct insn *in)
{
	bool string = in->op == INSN_MOVS || in->op == INSN_STOS;
	const ZydisDecodedOperand *mem, *to;
	uint64_t actions;

	same(o, in->length, o->known ? o->in.length : 0, "length");
	same(o, in->op, (uint64_t)op_of(o), "operation");
	for (mem = o->op; mem < o->op + o->in.operand_count && !is_memory(mem); mem++)
		;
	to = mem;
	if (in->op == INSN_MOVS) /* the destination is first */
		for (mem++; mem < o->op + o->in.operand_count && !is_memory(mem); mem++)
			;
	if (mem >= o->op + o->in.operand_count)
		differ(o, "a memory operand");
	actions = mem->actions | to->actions;
	check_memory(o, &in->mem, mem);
	/* MOVSXD to 16 bits loads 16 (SDM 2, MOVSXD); Zydis says 32. */
	if (o->in.mnemonic != ZYDIS_MNEMONIC_MOVSXD || in->reg_width != 2)
		same(o, in->width, mem->size / 8u, "width");
	same(o, in->mem_read, actions & ZYDIS_OPERAND_ACTION_MASK_READ ? 1 : 0, "reading");
	same(o, in->mem_write, actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? 1 : 0, "writing");
	if (string)
		same(o, in->rep, repeats(o), "REP");
	else
		check_other(o, in);
}

/* Whether Zydis found one of the operations of insn_decode() on memory. */
static bool wanted(const struct oracle *o)
{
	if (op_of(o) < 0 || o->in.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return false;
	/* MOV from and to a segment register is not MMIO, nor is MOVSD of SSE2. */
	for (unsigned i = 0; i < o->in.operand_count; i++) {
		ZydisRegisterClass c = ZydisRegisterGetClass(o->op[i].reg.value);

		if (o->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (c == ZYDIS_REGCLASS_SEGMENT || c == ZYDIS_REGCLASS_XMM ||
		     c == ZYDIS_REGCLASS_CONTROL || c == ZYDIS_REGCLASS_DEBUG))
			return false;
	}
	for (unsigned i = 0; i < o->in.operand_count; i++)
		if (is_memory(&o->op[i]))
			return true;
	return false;
}

static int kind_of(const struct oracle *o)
{
	const ZydisDecodedOperand *to = &o->op[0], *from = &o->op[1];

	for (unsigned i = 0; i < sizeof system_op / sizeof system_op[0]; i++)
		if (o->known && o->in.mnemonic == system_op[i].mnemonic)
			return (int)system_op[i].kind;
	if (!o->known || o->in.mnemonic != ZYDIS_MNEMONIC_MOV ||
	    to->type != ZYDIS_OPERAND_TYPE_REGISTER || from->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return 0;
	if (ZydisRegisterGetClass(to->reg.value) == ZYDIS_REGCLASS_CONTROL)
		return SYS_MOV_TO_CR;
	return ZydisRegisterGetClass(from->reg.value) == ZYDIS_REGCLASS_CONTROL ? SYS_MOV_FROM_CR
	                                                                        : 0;
}

static void check_mov_cr(const struct oracle *o, const struct insn_sys *s)
{
	bool to = s->kind == SYS_MOV_TO_CR, high;

	same(o, s->gpr, number(o->op[to].reg.value, &high), "general register");
	same(o, s->creg, (uint64_t)ZydisRegisterGetId(o->op[!to].reg.value), "control register");
}

static void check_string_port(const struct oracle *o, const struct insn_sys *s)
{
	const ZydisDecodedOperand *mem = o->op;

	while (mem < o->op + o->in.operand_count && !is_memory(mem))
		mem++;
	same(o, s->width, mem->size / 8u, "width of the port");
	same(o, s->addr_size, o->in.address_width / 8u, "address size");
	same(o, s->rep, repeats(o), "REP");
	if (o->mode != INSN_64 || s->seg >= SEG_FS || segment(mem->mem.segment) >= SEG_FS)
		same(o, s->seg, segment(mem->mem.segment), "segment");
}

/* A control register that no CPU has: #UD before any exit, so that ours need not know.
 * LOCK MOV CR0 is AMD's way to CR8 outside 64-bit mode, which Zydis does not know. */
static bool no_such_register(const struct insn_sys *s)
{
	bool control = s->kind == SYS_MOV_TO_CR || s->kind == SYS_MOV_FROM_CR;

	return control && !(0x1d >> s->creg & 1);
}

/* With a prefix that makes it another instruction or none: #UD before any exit. */
static bool prefixed(const struct oracle *o)
{
	return memchr(o->bytes, 0x66, o->size) || memchr(o->bytes, 0xf2, o->size) ||
	       memchr(o->bytes, 0xf3, o->size);
}

static void check_sys(const struct oracle *o, const struct insn_sys *s)
{
	const ZydisDecodedOperand *mem = operand(o, ZYDIS_OPERAND_TYPE_MEMORY, 0);
	const ZydisDecodedOperand *reg = operand(o, ZYDIS_OPERAND_TYPE_REGISTER, 0);
	bool high;

	if (!o->known && (no_such_register(s) || prefixed(o)))
		return;
	same(o, s->length, o->known ? o->in.length : 0, "length");
	same(o, s->kind, (uint64_t)kind_of(o), "kind");
	if (s->kind == SYS_MOV_TO_CR || s->kind == SYS_MOV_FROM_CR)
		check_mov_cr(o, s);
	else if (s->kind == SYS_INS || s->kind == SYS_OUTS)
		check_string_port(o, s);
	else if (s->has_mem)
		check_memory(o, &s->mem, mem);
	else if (s->kind == SYS_SMSW || s->kind == SYS_LMSW)
		same(o, s->gpr, number(reg->reg.value, &high), "general register");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct insn in;
	struct insn_sys sys;
	struct oracle o;

	if (size < 2 || size > 1 + INSN_MAX_LENGTH)
		return 0;
	ask(&o, (enum insn_mode)(data[0] % 3), data + 1, size - 1);
	if (insn_decode(data + 1, size - 1, o.mode, &in))
		check_insn(&o, &in);
	else if (wanted(&o))
		differ(&o, "what is refused");
	if (insn_sys_decode(data + 1, size - 1, o.mode, &sys))
		check_sys(&o, &sys);
	else if (kind_of(&o))
		differ(&o, "what is refused as a system instruction");
	return 0;
}
