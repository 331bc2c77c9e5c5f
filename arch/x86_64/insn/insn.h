/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn.h: decodes the x86 instructions that a VMM must emulate, and executes those that access an
 * emulated device (AMD APM 3; Intel SDM 2).
 *
 * Two decoders: insn_decode() for instructions that access memory, as guests use them on MMIO, and
 * insn_sys_decode() for those whose length or operands the CPU does not report at the exit (string
 * I/O, control registers and caches on SVM).  Both take untrusted bytes, never read beyond them,
 * and return 0 on failure.
 */
#ifndef ARCH_INSN_INSN_H
#define ARCH_INSN_INSN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX_LENGTH 15
#define INSN_NO_REG     0xff

enum insn_mode { INSN_16, INSN_32, INSN_64 };

/* Register numbers as the encoding has them: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7
 * RDI, 8-15 R8-R15; segments 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS. */
enum insn_gpr { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI };
enum insn_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

/* The first eight are numbered by the /n of opcodes 80 to 83. */
enum insn_op {
	INSN_ADD,
	INSN_OR,
	INSN_ADC,
	INSN_SBB,
	INSN_AND,
	INSN_SUB,
	INSN_XOR,
	INSN_CMP,
	INSN_TEST,
	INSN_MOV,
	INSN_MOVZX,
	INSN_MOVSX,
	INSN_XCHG,
	INSN_MOVS, /* two memory operands: [seg:rSI] to [ES:rDI] */
	INSN_STOS, /* rAX to [ES:rDI] */
};

/* offset = base + index * scale + disp (+ next RIP), truncated to addr_size bytes. */
struct insn_mem {
	uint8_t seg;         /* enum insn_seg */
	uint8_t addr_size;   /* 2, 4 or 8 bytes */
	uint8_t base, index; /* register number or INSN_NO_REG */
	uint8_t scale;       /* 1, 2, 4 or 8 */
	bool rip_relative;
	int64_t disp;
};

struct insn {
	uint8_t length; /* bytes, 1 to 15 */
	uint8_t op;     /* enum insn_op */
	uint8_t width;  /* of the memory operand: 1, 2, 4 or 8 bytes */
	bool mem_read, mem_write;
	bool has_imm;        /* the other operand is imm, not a register */
	bool to_reg;         /* the result goes to the register (a load), not to memory */
	uint8_t reg;         /* register number or INSN_NO_REG */
	uint8_t reg_width;   /* bytes of the register that are read or written */
	bool reg_high;       /* reg_width 1 and the register is AH, CH, DH or BH (reg is 0 to 3) */
	bool rep;            /* MOVS and STOS: repeat until rCX is 0 */
	uint64_t imm;        /* sign-extended */
	struct insn_mem mem; /* for MOVS the source; the destination is always ES:rDI */
};

/*
 * Decodes the memory-access instruction at bytes[0 .. n).  Returns its length, or 0 when the bytes
 * are too few, the instruction is longer than 15 bytes, has no memory operand, or is none of these:
 * MOV, MOVZX, MOVSX, MOVSXD, ADD OR ADC SBB AND SUB XOR CMP TEST, XCHG, MOVS, STOS.
 */
int insn_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn *out);

/* The registers an instruction works on. */
struct insn_regs {
	uint64_t gpr[16];
	uint64_t rip, rflags;
};

/*
 * The linear address of the memory operand (for MOVS: the source), before insn_finish().  seg_base
 * holds the six segment bases, indexed by enum insn_seg; in 64-bit mode only those of FS and GS
 * count.
 */
uint64_t insn_linear(const struct insn *in, enum insn_mode mode, const struct insn_regs *regs,
                     const uint64_t seg_base[6]);

/* The linear address of the destination of MOVS and STOS, ES:rDI. */
uint64_t insn_linear_dst(const struct insn *in, enum insn_mode mode, const struct insn_regs *regs,
                         const uint64_t seg_base[6]);

/* True when a REP string instruction has nothing (left) to do: rCX is 0.  insn_finish() then only
 * moves RIP, and memory must not be accessed. */
bool insn_rep_done(const struct insn *in, const struct insn_regs *regs);

/*
 * Executes the instruction on *regs.  `loaded`: the value read from memory (if in->mem_read; only
 * its low in->width bytes are used); returns the value to write to memory (if in->mem_write),
 * zero-extended from in->width bytes.
 * Executes one element of a string instruction; RIP stays while REP has more to do.
 */
uint64_t insn_finish(const struct insn *in, enum insn_mode mode, struct insn_regs *regs,
                     uint64_t loaded);

enum insn_sys_kind {
	SYS_INVD = 1,
	SYS_WBINVD, /* and WBNOINVD */
	SYS_CLTS,
	SYS_LMSW,
	SYS_SMSW,
	SYS_MOV_TO_CR,
	SYS_MOV_FROM_CR,
	SYS_INS,
	SYS_OUTS,
};

struct insn_sys {
	uint8_t length;
	uint8_t kind;      /* enum insn_sys_kind */
	uint8_t gpr;       /* MOV CR, and LMSW/SMSW by register: the general register */
	uint8_t creg;      /* MOV CR: the control register */
	uint8_t width;     /* INS, OUTS: 1, 2 or 4 bytes; SMSW by register: 2, 4 or 8 */
	uint8_t addr_size; /* INS, OUTS: 2, 4 or 8 bytes */
	uint8_t seg;       /* OUTS: enum insn_seg of the source */
	bool rep;          /* INS, OUTS */
	bool has_mem;      /* LMSW, SMSW: mem is the operand */
	struct insn_mem mem;
};

/* Decodes one of the instructions of enum insn_sys_kind; its length, or 0 as above. */
int insn_sys_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn_sys *out);

/* The linear address of a memory operand that insn_sys_decode gave; next_rip is RIP + length. */
uint64_t insn_mem_linear(const struct insn_mem *mem, enum insn_mode mode, const uint64_t gpr[16],
                         uint64_t next_rip, const uint64_t seg_base[6]);
#endif
