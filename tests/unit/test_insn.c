/* SPDX-License-Identifier: BSD-2-Clause */
/* The instruction decoder, against hand-made cases in three modes and against objdump's reading of
 * this very program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arch/x86_64/insn/insn.h"

static struct insn in;

static int decode(enum insn_mode mode, const char *hex)
{
	uint8_t b[32];
	size_t n = 0;
	int length;

	for (int at; sscanf(hex, "%2hhx%n", &b[n], &at) == 1; hex += at)
		n++;
	length = insn_decode(b, n, mode, &in);
	if (length)
		assert_int_equal(length, n);
	/* The decoder needs every byte that it counts. */
	for (size_t i = 0; length && i < n; i++) {
		struct insn cut;

		assert_int_equal(insn_decode(b, i, mode, &cut), 0);
	}
	return length;
}

static void is_op(enum insn_op op, unsigned width, bool read, bool write)
{
	assert_int_equal(in.op, op);
	assert_int_equal(in.width, width);
	assert_int_equal(in.mem_read, read);
	assert_int_equal(in.mem_write, write);
}

static void moves_in_64_bit_mode(void **state)
{
	(void)state;
	assert_int_equal(decode(INSN_64, "8b07"), 2); /* mov eax, [rdi] */
	is_op(INSN_MOV, 4, true, false);
	assert_int_equal(in.reg, GPR_RAX);
	assert_int_equal(in.mem.base, GPR_RDI);
	assert_int_equal(decode(INSN_64, "4c898c8810000000"), 8); /* mov [rax+rcx*4+16], r9 */
	is_op(INSN_MOV, 8, false, true);
	assert_int_equal(in.reg, 9);
	assert_int_equal(in.mem.scale, 4);
	assert_int_equal(in.mem.disp, 16);
	assert_int_equal(decode(INSN_64, "88a610ffffff"), 6); /* mov [rsi-240], ah */
	is_op(INSN_MOV, 1, false, true);
	assert_int_equal(in.reg, GPR_RAX);
	assert_true(in.reg_high);
	assert_int_equal(decode(INSN_64, "4088a610ffffff"), 7); /* mov [rsi-240], spl */
	assert_int_equal(in.reg, GPR_RSP);
	assert_false(in.reg_high);
	assert_int_equal(decode(INSN_64, "66c7040501000000cdab"), 10); /* movw [rax+1], 0xabcd */
	is_op(INSN_MOV, 2, false, true);
	assert_int_equal(in.imm & 0xffff, 0xabcd);
	assert_int_equal(decode(INSN_64, "48c70078563482"), 7); /* movq [rax], imm32 */
	assert_true(in.imm == 0xffffffff82345678);
	assert_int_equal(decode(INSN_64, "48a18877665544332211"), 10); /* movabs rax, [..] */
	is_op(INSN_MOV, 8, true, false);
	assert_true(in.mem.disp == 0x1122334455667788);
	assert_int_equal(decode(INSN_64, "658b0c2530000000"), 8); /* mov ecx, gs:0x30 */
	assert_int_equal(in.mem.seg, SEG_GS);
	assert_int_equal(in.mem.base, INSN_NO_REG);
	assert_int_equal(decode(INSN_64, "0fb745fe"), 4); /* movzx eax, word [rbp-2] */
	is_op(INSN_MOVZX, 2, true, false);
	assert_int_equal(in.reg_width, 4);
	assert_int_equal(in.mem.seg, SEG_SS);
	assert_int_equal(decode(INSN_64, "4c630424"), 4); /* movsxd r8, [rsp] */
	is_op(INSN_MOVSX, 4, true, false);
	assert_int_equal(in.reg_width, 8);
}

static void the_other_operations(void **state)
{
	(void)state;
	assert_int_equal(decode(INSN_64, "830801"), 3); /* or dword [rax], 1 */
	is_op(INSN_OR, 4, true, true);
	assert_int_equal(decode(INSN_64, "f04883207f"), 5); /* lock and qword [rax], 0x7f */
	is_op(INSN_AND, 8, true, true);
	assert_int_equal(decode(INSN_64, "3b5004"), 3); /* cmp edx, [rax+4] */
	is_op(INSN_CMP, 4, true, false);
	assert_true(in.to_reg);
	assert_int_equal(decode(INSN_64, "395004"), 3); /* cmp [rax+4], edx */
	assert_false(in.to_reg);
	assert_int_equal(decode(INSN_64, "f70000000080"), 6); /* test dword [rax], 0x80000000 */
	is_op(INSN_TEST, 4, true, false);
	assert_int_equal(decode(INSN_64, "8710"), 2); /* xchg [rax], edx */
	is_op(INSN_XCHG, 4, true, true);
	assert_int_equal(decode(INSN_64, "f348a5"), 3); /* rep movsq */
	is_op(INSN_MOVS, 8, true, true);
	assert_true(in.rep);
	assert_int_equal(decode(INSN_64, "67aa"), 2); /* stosb [edi] */
	is_op(INSN_STOS, 1, false, true);
	assert_int_equal(in.mem.addr_size, 4);
}

static void older_modes(void **state)
{
	(void)state;
	assert_int_equal(decode(INSN_32, "a1f000e0fe"), 5); /* mov eax, [0xfee000f0] */
	is_op(INSN_MOV, 4, true, false);
	assert_true((uint32_t)in.mem.disp == 0xfee000f0);
	assert_int_equal(decode(INSN_32, "8b0df000e0fe"), 6); /* mov ecx, [0xfee000f0] */
	assert_false(in.mem.rip_relative);
	assert_int_equal(decode(INSN_64, "8b0df000e0fe"), 6);
	assert_true(in.mem.rip_relative);
	assert_int_equal(decode(INSN_16, "268947fe"), 4); /* mov es:[bx-2], ax */
	is_op(INSN_MOV, 2, false, true);
	assert_int_equal(in.mem.seg, SEG_ES);
	assert_int_equal(in.mem.base, GPR_RBX);
	assert_int_equal(in.mem.disp, -2);
	assert_int_equal(decode(INSN_16, "8b02"), 2); /* mov ax, [bp+si] */
	assert_int_equal(in.mem.seg, SEG_SS);
	assert_int_equal(decode(INSN_16, "a30080"), 3); /* mov [0x8000], ax */
	assert_int_equal(in.mem.addr_size, 2);
	assert_int_equal(decode(INSN_16, "66678b0485785634ff"), 9); /* mov eax, [eax*4-..] */
	is_op(INSN_MOV, 4, true, false);
	assert_int_equal(in.mem.scale, 4);
	assert_int_equal(decode(INSN_32, "67c6063412ff"), 6); /* mov byte [0x1234], 0xff */
	assert_int_equal(in.mem.disp, 0x1234);
	assert_int_equal(decode(INSN_32, "3e8b5d00"), 4); /* mov ebx, ds:[ebp] */
	assert_int_equal(in.mem.seg, SEG_DS);
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(decode(INSN_64, ""), 0);
	assert_int_equal(decode(INSN_64, "8bc7"), 0);         /* registers only */
	assert_int_equal(decode(INSN_64, "f08b07"), 0);       /* lock mov */
	assert_int_equal(decode(INSN_64, "f03907"), 0);       /* lock cmp */
	assert_int_equal(decode(INSN_64, "0f28c1"), 0);       /* movaps */
	assert_int_equal(decode(INSN_64, "c70f00000000"), 0); /* C7 /1 */
	assert_int_equal(decode(INSN_32, "6307"), 0);         /* arpl */
	assert_int_equal(decode(INSN_64, "6666666666666666666666668b07"), 14);
	assert_int_equal(decode(INSN_64, "66666666666666666666666666668b07"), 0);
	assert_int_equal(decode(INSN_64, "666666666666666666666666666666666666"), 0);
}

static void addresses(void **state)
{
	static const uint64_t base[6] = {0x10000, 1, 0x20000, 0x30000, 0x40000, 0x50000};
	struct insn_regs r = {.rip = 0x1000};

	(void)state;
	r.gpr[GPR_RAX] = 0xfffffffffffffff0;
	r.gpr[GPR_RCX] = 4;
	r.gpr[GPR_RBP] = 0x100;
	r.gpr[GPR_RDI] = 0x12340000;
	r.gpr[GPR_RSI] = 0xffff;
	decode(INSN_64, "8b44c810"); /* [rax+rcx*8+16] */
	assert_int_equal(insn_linear(&in, INSN_64, &r, base), 32);
	decode(INSN_64, "678b44c800"); /* [eax+ecx*8] */
	assert_int_equal(insn_linear(&in, INSN_64, &r, base), 16);
	decode(INSN_64, "8b0510000000"); /* [rip+16] */
	assert_int_equal(insn_linear(&in, INSN_64, &r, base), 0x1016);
	decode(INSN_64, "648b4500"); /* fs:[rbp] */
	assert_int_equal(insn_linear(&in, INSN_64, &r, base), 0x40100);
	decode(INSN_32, "8b4500"); /* ss:[ebp] */
	assert_int_equal(insn_linear(&in, INSN_32, &r, base), 0x20100);
	decode(INSN_16, "a5"); /* movsw */
	assert_int_equal(insn_linear(&in, INSN_16, &r, base), 0x3ffff);
	assert_int_equal(insn_linear_dst(&in, INSN_16, &r, base), 0x10000);
	decode(INSN_64, "a5");
	assert_int_equal(insn_linear_dst(&in, INSN_64, &r, base), 0x12340000);
}

static void rep_runs_to_its_end(void **state)
{
	struct insn_regs r = {.rip = 0x100, .rflags = 2};

	(void)state;
	r.gpr[GPR_RCX] = 2;
	r.gpr[GPR_RSI] = 0x1000;
	r.gpr[GPR_RDI] = 0x2000;
	decode(INSN_64, "f3a5");
	assert_int_equal(insn_finish(&in, INSN_64, &r, 0x1122334455667788), 0x55667788);
	assert_int_equal(r.rip, 0x100);
	assert_int_equal(r.gpr[GPR_RSI], 0x1004);
	assert_false(insn_rep_done(&in, &r));
	r.rflags |= 0x400;
	insn_finish(&in, INSN_64, &r, 0);
	assert_int_equal(r.gpr[GPR_RDI], 0x2000);
	assert_int_equal(r.rip, 0x102);
	assert_true(insn_rep_done(&in, &r));
	insn_finish(&in, INSN_64, &r, 0);
	assert_int_equal(r.gpr[GPR_RCX], 0);
	assert_int_equal(r.gpr[GPR_RDI], 0x2000);
	assert_int_equal(r.rip, 0x104);
}

static int sys(enum insn_mode mode, const char *hex, struct insn_sys *out)
{
	uint8_t b[16];
	size_t n = 0;
	int length;

	for (int at; sscanf(hex, "%2hhx%n", &b[n], &at) == 1; hex += at)
		n++;
	length = insn_sys_decode(b, n, mode, out);
	if (length)
		assert_int_equal(length, n);
	return length ? out->kind : 0;
}

static void intercepted_instructions(void **state)
{
	static const struct {
		const char *hex;
		int kind;
	} plain[] = {
	    {"90", 0},
	    {"0f08", SYS_INVD},
	    {"0f09", SYS_WBINVD},
	    {"f30f09", SYS_WBINVD},
	    {"0f06", SYS_CLTS},
	    {"0f01f0", SYS_LMSW},
	    {"0f01e0", SYS_SMSW},
	    {"480f06", SYS_CLTS},
	    {"f00f06", 0},
	    {"0f0110", 0},
	    {"0f01ff", 0},
	    {"0f", 0},
	    {"0f01", 0},
	    {"f34190", 0},
	    {"410f01b42410000000", SYS_LMSW},
	    {"0f0138", 0},
	    {"0fa2", 0},
	    {"410f23ff", 0},
	};
	struct insn_sys s;

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_int_equal(sys(INSN_64, plain[i].hex, &s), plain[i].kind);
	assert_int_equal(sys(INSN_64, "440f22c0", &s), SYS_MOV_TO_CR);
	assert_int_equal(s.creg, 8);
	assert_int_equal(sys(INSN_32, "f00f20c3", &s), SYS_MOV_FROM_CR);
	assert_int_equal(s.creg, 8);
	assert_int_equal(s.gpr, GPR_RBX);
	assert_int_equal(sys(INSN_64, "410f22df", &s), SYS_MOV_TO_CR);
	assert_int_equal(s.creg, 3);
	assert_int_equal(s.gpr, 15);
}

static void port_instructions(void **state)
{
	struct insn_sys s;

	(void)state;
	assert_int_equal(sys(INSN_64, "e480", &s), 0);
	assert_int_equal(sys(INSN_16, "6d", &s), SYS_INS);
	assert_int_equal(s.width, 2);
	assert_false(s.rep);
	assert_int_equal(sys(INSN_64, "f3646e", &s), SYS_OUTS);
	assert_true(s.rep);
	assert_int_equal(s.seg, SEG_FS);
	assert_int_equal(s.addr_size, 8);
	assert_int_equal(sys(INSN_32, "676d", &s), SYS_INS);
	assert_int_equal(s.addr_size, 2);
	assert_int_equal(s.width, 4);
	assert_int_equal(s.seg, SEG_ES);
}

/* One line of objdump: the bytes, and whether the text is an instruction that insn_decode takes. */
struct line {
	uint8_t bytes[16];
	int n;
	bool expected;
};

static bool takes(const char *text)
{
	static const char *const names[] = {"mov ", "movb ", "movw ", "movl ", "movq ", "movabs ",
	                                    "movz", "movs",  "add",   "or",    "adc",   "sbb",
	                                    "and",  "sub",   "xor",   "cmp",   "test",  "xchg"};
	static const char *const others[] = {
	    "%xmm", "%ymm", "%mm",  "cmpxchg", "orp",    "andp",   "andn",  "xorp",
	    "adds", "subs", "addp", "subp",    "movsd ", "movss ", "movs ", "cmps",
	    "adcx", "%es,", "%ds,", "%cs,",    "%fs,",   "%gs,",   "data16"};

	if (!strchr(text, '('))
		return false;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strstr(text, others[i]))
			return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(text, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool parse_line(char *s, struct line *l)
{
	int at;
	unsigned b;
	char *text = strrchr(s, '\t');

	s = strchr(s, '\t');
	if (!s || !text || s == text)
		return false;
	*text = 0;
	for (l->n = 0, s++; l->n < 15 && sscanf(s, "%2x%n", &b, &at) == 1; s += at)
		l->bytes[l->n++] = (uint8_t)b;
	l->expected = takes(text + 1);
	return l->n > 0;
}

/* Every instruction of the file that objdump shows with a memory operand and one of our names is
 * decoded, and everything that is decoded has objdump's length. */
static unsigned compare_with_objdump(const char *file)
{
	char text[512];
	unsigned decoded = 0;
	struct line l;
	FILE *f;

	snprintf(text, sizeof text, "objdump -d --insn-width=15 %s", file);
	f = popen(text, "r");
	assert_non_null(f);
	while (fgets(text, sizeof text, f)) {
		int length;
		struct insn_sys s;
		int sys_length;

		if (!parse_line(text, &l))
			continue;
		length = insn_decode(l.bytes, (size_t)l.n, INSN_64, &in);
		if (length != (length || l.expected ? l.n : 0))
			fail_msg("decoded as %d bytes: %s %s", length, text,
			         text + strlen(text) + 1);
		decoded += length != 0;
		sys_length = insn_sys_decode(l.bytes, (size_t)l.n, INSN_64, &s);
		assert_true(!sys_length || sys_length == l.n);
		assert_false(length && sys_length);
	}
	assert_int_equal(pclose(f), 0);
	return decoded;
}

static void agrees_with_objdump(void **state)
{
	char file[128];
	unsigned own, libc;

	(void)state;
	snprintf(file, sizeof file, "/proc/%d/exe", (int)getpid());
	own = compare_with_objdump(file);
	snprintf(file, sizeof file, "$(awk '/libc\\.so/ { print $6; exit }' /proc/%d/maps)",
	         (int)getpid());
	libc = compare_with_objdump(file);
	print_message("%u memory accesses agree\n", own + libc);
	assert_true(own > 500 && libc > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(moves_in_64_bit_mode),
	    cmocka_unit_test(the_other_operations),
	    cmocka_unit_test(older_modes),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(rep_runs_to_its_end),
	    cmocka_unit_test(intercepted_instructions),
	    cmocka_unit_test(port_instructions),
	    cmocka_unit_test(agrees_with_objdump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
