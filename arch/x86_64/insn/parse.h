/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.h: shared by both instruction decoders: bounded bytes, prefixes, ModRM operands. */
#ifndef ARCH_INSN_PARSE_H
#define ARCH_INSN_PARSE_H
#include "arch/x86_64/insn/insn.h"

/* State of a decoder. */
struct parse {
	const uint8_t *bytes;
	size_t n, at; /* n is at most INSN_MAX_LENGTH */
	bool overrun; /* a byte beyond n was asked for */
	enum insn_mode mode;
	uint8_t rex;
	bool lock, rep, repne;
	uint8_t seg;          /* override, or INSN_NO_REG */
	uint8_t op_size;      /* 2, 4 or 8 bytes */
	uint8_t addr_size;    /* 2, 4 or 8 bytes */
	uint8_t mod, reg, rm; /* of the ModRM byte; reg extended by REX.R, rm not extended */
};

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/* Starts at bytes[0] and reads the prefixes; the next byte is the opcode. */
void parse_prefixes(struct parse *p, const uint8_t *bytes, size_t n, enum insn_mode mode);

/* The next byte, or 0 with p->overrun set. */
uint8_t parse_byte(struct parse *p);

/* The next `size` (0, 1, 2, 4 or 8) bytes, sign-extended. */
int64_t parse_signed(struct parse *p, unsigned size);

/* The ModRM byte, into mod, reg and rm. */
void parse_modrm(struct parse *p);

/* Parses the memory operand of mod (not 3) and rm: SIB and displacement. */
void parse_memory(struct parse *p, struct insn_mem *mem);

/* The segment of an access without a base register: DS or the override. */
uint8_t parse_segment(const struct parse *p);

/* The length, or 0 when the bytes ran out. */
int parse_length(const struct parse *p);
#endif
