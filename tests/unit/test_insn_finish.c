/* SPDX-License-Identifier: BSD-2-Clause */
/* What insn_finish() does to registers, flags and memory, against the CPU this test runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "arch/x86_64/insn/insn.h"

#define ROUNDS    60000
#define FLAGS     0xcd5u /* CF PF AF ZF SF DF OF */
#define FLAG_AF   0x10u
#define DATA_SIZE 256u

/*
 * Loads all registers but RSP from *regs, jumps to code, and stores them again when that jumps to
 * cpu_back.  The offsets are those of struct insn_regs.
 */
void cpu_run(struct insn_regs *regs, const void *code);
extern const char cpu_back[];

_Static_assert(offsetof(struct insn_regs, rflags) == 136, "known to the assembly below");

__asm__(".intel_syntax noprefix\n"
        ".local cpu_regs, cpu_code, cpu_rdi\n"
        ".comm cpu_regs, 8\n .comm cpu_code, 8\n .comm cpu_rdi, 8\n"
        ".globl cpu_run, cpu_back\n"
        "cpu_run:\n"
        "push rbx\n push rbp\n push r12\n push r13\n push r14\n push r15\n"
        "mov [rip + cpu_regs], rdi\n mov [rip + cpu_code], rsi\n"
        "push qword ptr [rdi + 136]\n popfq\n"
        "mov rax, [rdi]\n mov rcx, [rdi + 8]\n mov rdx, [rdi + 16]\n mov rbx, [rdi + 24]\n"
        "mov rbp, [rdi + 40]\n mov rsi, [rdi + 48]\n"
        "mov r8, [rdi + 64]\n mov r9, [rdi + 72]\n mov r10, [rdi + 80]\n mov r11, [rdi + 88]\n"
        "mov r12, [rdi + 96]\n mov r13, [rdi + 104]\n mov r14, [rdi + 112]\n mov r15, [rdi + 120]\n"
        "mov rdi, [rdi + 56]\n"
        "jmp qword ptr [rip + cpu_code]\n"
        "cpu_back:\n"
        "mov [rip + cpu_rdi], rdi\n mov rdi, [rip + cpu_regs]\n"
        "mov [rdi], rax\n mov [rdi + 8], rcx\n mov [rdi + 16], rdx\n mov [rdi + 24], rbx\n"
        "mov [rdi + 40], rbp\n mov [rdi + 48], rsi\n"
        "mov [rdi + 64], r8\n mov [rdi + 72], r9\n mov [rdi + 80], r10\n mov [rdi + 88], r11\n"
        "mov [rdi + 96], r12\n mov [rdi + 104], r13\n mov [rdi + 112], r14\n mov [rdi + 120], r15\n"
        "pushfq\n pop qword ptr [rdi + 136]\n"
        "mov rax, [rip + cpu_rdi]\n mov [rdi + 56], rax\n"
        "cld\n"
        "pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n pop rbx\n ret\n"
        ".att_syntax\n");

static const uint64_t no_base[6];
static uint64_t seed = 0x9e3779b97f4a7c15;
static uint8_t *code, data[DATA_SIZE], emulated[DATA_SIZE];

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Random operands are dull: zeros, ones and signs are where the flags change. */
static uint64_t interesting(void)
{
	static const uint64_t v[] = {0,         1,          0x7f,       0x80,       0xff,
	                             0x7fff,    0x8000,     0x7fffffff, 0x80000000, 0xffffffff,
	                             INT64_MAX, 1ull << 63, UINT64_MAX};

	return rnd() % 3 ? rnd() : v[rnd() % (sizeof v / sizeof *v)];
}

/* A random instruction of the decoder's repertoire; false for one that cannot be run here. */
static bool make(struct insn *in)
{
	static const uint8_t opcodes[] = {0x63, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87,
	                                  0x88, 0x89, 0x8a, 0x8b, 0xa0, 0xa1, 0xa2, 0xa3,
	                                  0xa4, 0xa5, 0xaa, 0xab, 0xc6, 0xc7, 0xf6, 0xf7};
	static const uint8_t extend[] = {0xb6, 0xb7, 0xbe, 0xbf};
	uint8_t b[INSN_MAX_LENGTH];
	unsigned n = 0;
	bool moffs;
	uint64_t at;
	static const uint8_t jump[6] = {0xff, 0x25};
	uint64_t back;

	if (rnd() % 4 == 0)
		b[n++] = 0x66;
	if (rnd() % 8 == 0)
		b[n++] = rnd() & 1 ? 0xf0 : 0xf3;
	if (rnd() % 2)
		b[n++] = 0x40 | (rnd() & 15);
	switch (rnd() % 3) {
	case 0:
		b[n++] = rnd() & 0x3b;
		break;
	case 1:
		b[n++] = 0x0f;
		b[n++] = extend[rnd() % sizeof extend];
		break;
	default:
		b[n++] = opcodes[rnd() % sizeof opcodes];
		break;
	}
	moffs = (b[n - 1] & 0xfc) == 0xa0 && (n < 2 || b[n - 2] != 0x0f);
	at = (uint64_t)(data + rnd() % (DATA_SIZE - 8));
	for (unsigned i = 0; n < INSN_MAX_LENGTH; i++)
		b[n++] = moffs && i < 8 ? (uint8_t)(at >> 8 * i) : (uint8_t)rnd();
	if (!insn_decode(b, n, INSN_64, in) || in->mem.rip_relative || in->mem.seg >= SEG_FS)
		return false;
	if ((in->reg == GPR_RSP && !in->reg_high) || in->mem.base == GPR_RSP)
		return false;
	if (in->mem.base == in->mem.index || (in->mem.base == INSN_NO_REG && !moffs))
		return false;
	back = (uint64_t)cpu_back;
	memcpy(code, b, in->length);
	memcpy(code + in->length, jump, 6);
	memcpy(code + in->length + 6, &back, 8);
	return true;
}

static uint64_t inside(void)
{
	return (uint64_t)(data + 64 + rnd() % 128);
}

static void make_state(const struct insn *in, struct insn_regs *r)
{
	for (unsigned i = 0; i < 16; i++)
		r->gpr[i] = interesting();
	for (unsigned i = 0; i < DATA_SIZE; i += 8) {
		uint64_t v = interesting();

		memcpy(data + i, &v, 8);
	}
	r->rflags = 0x202 | (rnd() & FLAGS);
	if (in->rep)
		r->gpr[GPR_RCX] = rnd() % 5;
	r->gpr[GPR_RDI] = in->op >= INSN_MOVS ? inside() : r->gpr[GPR_RDI];
	if (in->mem.index != INSN_NO_REG)
		r->gpr[in->mem.index] &= 15;
	if (in->mem.base != INSN_NO_REG) {
		r->gpr[in->mem.base] = 0;
		r->gpr[in->mem.base] = inside() - insn_linear(in, INSN_64, r, no_base);
	}
}

static void emulate(const struct insn *in, struct insn_regs *r)
{
	uint64_t end = r->rip + in->length;

	while (r->rip != end) {
		uint64_t loaded = 0, stored, at, to;
		bool idle;

		at = insn_linear(in, INSN_64, r, no_base) - (uint64_t)data;
		to = in->op >= INSN_MOVS ? insn_linear_dst(in, INSN_64, r, no_base) - (uint64_t)data
		                         : at;
		idle = insn_rep_done(in, r);
		if (in->mem_read && !idle) {
			assert_true(at <= DATA_SIZE - in->width);
			memcpy(&loaded, emulated + at, in->width);
		}
		stored = insn_finish(in, INSN_64, r, loaded);
		if (in->mem_write && !idle) {
			assert_true(to <= DATA_SIZE - in->width);
			memcpy(emulated + to, &stored, in->width);
		}
	}
}

/* AF is undefined after logic operations. */
static uint64_t defined_flags(const struct insn *in)
{
	bool logic =
	    in->op == INSN_AND || in->op == INSN_OR || in->op == INSN_XOR || in->op == INSN_TEST;

	return logic ? FLAGS & ~FLAG_AF : FLAGS;
}

static void show(const struct insn *in)
{
	print_message("op %u width %u:", in->op, in->width);
	for (unsigned i = 0; i < in->length; i++)
		print_message(" %02x", code[i]);
	print_message("\n");
}

static void agrees_with_the_cpu(void **state)
{
	unsigned ran[INSN_STOS + 1] = {0};

	(void)state;
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	            0);
	assert_true(code != MAP_FAILED);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct insn in;
		struct insn_regs cpu = {0}, ours;
		bool same;

		if (!make(&in))
			continue;
		make_state(&in, &cpu);
		memcpy(emulated, data, sizeof data);
		ours = cpu;
		emulate(&in, &ours);
		cpu_run(&cpu, code);
		same = !((cpu.rflags ^ ours.rflags) & defined_flags(&in)) &&
		       !memcmp(cpu.gpr, ours.gpr, sizeof cpu.gpr) &&
		       !memcmp(data, emulated, sizeof data);
		if (!same)
			show(&in);
		assert_true(same);
		ran[in.op]++;
	}
	for (unsigned op = 0; op <= INSN_STOS; op++)
		assert_true(ran[op] > 20);
	assert_int_equal(munmap(code, 4096), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
