/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Corner cases in which a guest could notice the VMM: control registers with host-owned bits,
 * single steps and debug traps over instructions that exit, NMIs and their blocking, instructions
 * that guests do not have.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/trap.h"

#define VECTOR_DB   1
#define VECTOR_NMI  2
#define VECTOR_BP   3
#define VECTOR_UD   6
#define VECTOR_GP   13
#define CR0_PE      1ul
#define CR0_NW      (1ul << 29)
#define CR0_CD      (1ul << 30)
#define CR0_PG      (1ul << 31)
#define CR4_PAE     (1ul << 5)
#define CR4_MCE     (1ul << 6)
#define CR4_VMXE    (1ul << 13)
#define DR6_BS      (1ul << 14)
#define DR6_BD      (1ul << 13)
#define DR6_B0      1ul
#define DR7_LE0     3ul /* breakpoint 0, on execution */
#define DR7_GD      (1ul << 13)
#define RFLAGS_TF   (1ul << 8)
#define ICR_NMI     0x4400
#define XSS         0xda0
#define SPEC_CTRL   0x48
#define MISC_ENABLE 0x1a0

#define MTRR_CAP      0xfe
#define MTRR_DEF_TYPE 0x2ff

static volatile unsigned taken[32];
static volatile uint64_t last_rip, last_dr6;
static volatile uint64_t skip_to; /* where execution continues after a fault */

static uint64_t read_dr6(void)
{
	uint64_t v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static void clear_dr6(void)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(0ul));
}

static void on_trap(struct trap_frame *f)
{
	taken[f->vector]++;
	last_rip = f->rip;
	last_dr6 = read_dr6();
	clear_dr6();
	f->rflags |= 1ul << 16; /* RF: an execution breakpoint is passed */
}

static void on_fault(struct trap_frame *f)
{
	taken[f->vector]++;
	f->rip = skip_to;
}

/* Runs one instruction that may fault; true when it did, with this vector. */
#define FAULTS(vector, instruction, ...)                                                           \
	({                                                                                         \
		unsigned before = taken[vector];                                                   \
		__asm__ volatile("lea 1f(%%rip), %%rbx; mov %%rbx, %0; " instruction "; 1:"        \
		                 : "=m"(skip_to)                                                   \
		                 : __VA_ARGS__                                                     \
		                 : "rbx", "memory");                                               \
		taken[vector] - before == 1;                                                       \
	})

static uint64_t set_cr0(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr0; mov %%cr0, %0" : "+r"(v) : : "memory");
	return v;
}

static bool is_intel(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	return r[1] == 0x756e6547; /* "Genu" */
}

static uint64_t read_cr0(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v) : : "memory");
	return v;
}

static uint64_t read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v) : : "memory");
	return v;
}

static void write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* Values that a CPU refuses: each is a #GP, and the register keeps its value. */
static void check_refused(uint64_t cr0, uint64_t cr4)
{
	check(FAULTS(VECTOR_GP, "mov %1, %%cr0", "r"(cr0 | CR0_NW)), "cr0_nw_alone", "no #GP");
	check(FAULTS(VECTOR_GP, "mov %1, %%cr0", "r"(cr0 & ~CR0_PE)), "cr0_pg_without_pe",
	      "no #GP");
	check(FAULTS(VECTOR_GP, "mov %1, %%cr0", "r"(cr0 & ~CR0_PG)), "cr0_pg_in_64_bit", "no #GP");
	/* QEMU's selective intercept ignores bits 32 to 63 (docs/emulator-traps.md) */
	if (is_intel())
		check(FAULTS(VECTOR_GP, "mov %1, %%cr0", "r"(cr0 | 1ul << 32)), "cr0_high",
		      "no #GP");
	check(read_cr0() == cr0, "cr0_same", "%lx", read_cr0());
	check(FAULTS(VECTOR_GP, "mov %1, %%cr4", "r"(cr4 | CR4_VMXE)), "cr4_vmxe", "no #GP");
	check(FAULTS(VECTOR_GP, "mov %1, %%cr4", "r"(cr4 & ~CR4_PAE)), "cr4_no_pae", "no #GP");
	check(FAULTS(VECTOR_GP, "mov %1, %%cr4", "r"(cr4 | 1ul << 31)), "cr4_bit_31", "no #GP");
}

/* CD and NW never reach the hardware; each way to read CR0 returns what the guest wrote. */
static void check_cache_bits(uint64_t cr0)
{
	uint64_t got;
	uint32_t low;

	got = set_cr0(cr0 | CR0_CD);
	check(got == (cr0 | CR0_CD), "cr0_cd", "%lx", got);
	__asm__ volatile("smsw %k0" : "=r"(low));
	check(low == (cr0 | CR0_CD), "smsw_cd", "%x", low);
	__asm__ volatile("clts" : : : "memory");
	check(read_cr0() == (cr0 | CR0_CD), "clts_cd", "%lx", read_cr0());
	got = set_cr0(cr0 | CR0_CD | CR0_NW);
	check(got == (cr0 | CR0_CD | CR0_NW), "cr0_cd_nw", "%lx", got);
	got = set_cr0(cr0);
	check(got == cr0, "cr0_back", "%lx", got);
}

/* LMSW and SMSW by register and by memory; CLTS. */
static void check_machine_status_word(uint64_t cr0)
{
	uint64_t got;
	volatile uint16_t word = 0;

	__asm__ volatile("smsw %0; lmsw %w0; clts" : "=&r"(got));
	check((got & 1) == 1, "lmsw_clts", "%lx", got);
	__asm__ volatile("smsw %0" : "=m"(word));
	check(word == (uint16_t)cr0, "smsw_memory", "%x", word);
	word &= (uint16_t)~CR0_PE; /* which LMSW cannot clear */
	word |= 2;                 /* MP */
	__asm__ volatile("lmsw %0" : : "m"(word));
	(void)is_intel(); /* an exit, without which KVM shows the host's NE (docs/emulator-traps.md)
	                   */
	check(read_cr0() == (cr0 | 2), "lmsw_memory", "%lx", read_cr0());
	set_cr0(cr0);
}

static void check_control_registers(void)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4();

	check_cache_bits(cr0);
	check_machine_status_word(cr0);
	check(!(cr4 & CR4_VMXE), "cr4_vmxe_clear", "%lx", cr4);
	check_refused(cr0, cr4);
	write_cr4(cr4 | CR4_MCE);
	check(read_cr4() == (cr4 | CR4_MCE), "cr4_mce", "%lx", read_cr4());
	write_cr4(cr4);
	check(read_cr4() == cr4, "cr4_same", "%lx", read_cr4());
}

/* None of them reaches the caches, which are shared: a value that was written survives even INVD.
 */
static void check_cache_instructions(void)
{
	volatile uint64_t data = 0x1234567890abcdef;

	__asm__ volatile("wbinvd; .byte 0xf3, 0x0f, 0x09; invd; wbinvd" : : : "memory");
	check(data == 0x1234567890abcdef, "cache_instructions", "%lx", data);
}

static void check_forbidden(void)
{
	check(FAULTS(VECTOR_UD, "vmrun", "a"(0)), "vmrun", "no #UD");
	check(FAULTS(VECTOR_UD, "vmlaunch", "a"(0)), "vmlaunch", "no #UD");
	check(FAULTS(VECTOR_UD, "vmread %%rax, %%rax", "a"(0)), "vmread", "no #UD");
	check(FAULTS(VECTOR_UD, "monitor", "a"(0), "c"(0), "d"(0)), "monitor", "no #UD");
	check(FAULTS(VECTOR_UD, "mwait", "a"(0), "c"(0)), "mwait", "no #UD");
	check(FAULTS(VECTOR_UD, ".byte 0x0f, 0x01, 0xfd", "c"(0)), "rdpru", "no #UD");
	check(FAULTS(VECTOR_UD, "ud2", "a"(0)), "ud2", "no #UD");
	check(FAULTS(VECTOR_GP, "rdpmc", "c"(0x7fffffff)), "rdpmc", "no #GP");
	check(FAULTS(VECTOR_GP, "rdmsr", "c"(0x12345678)), "rdmsr", "no #GP");
}

/* IA32_XSS exists if XSAVES does; no bit of it may be set. */
static void check_xss(void)
{
	uint32_t r[4];
	uint64_t v = 1;
	bool there, one, zero, read;

	cpuid(0xd, 1, r);
	there = r[0] & 8;
	one = wrmsr_safe(XSS, 1);
	zero = wrmsr_safe(XSS, 0);
	read = rdmsr_safe(XSS, &v);
	check(!one && zero == there && read == there && (!there || v == 0), "xss",
	      "there %u, 1 taken %u, 0 taken %u, read %u %lx", there, one, zero, read, v);
}

/* If CPUID enumerates speculation control, its register keeps its value over an exit; else it does
 * not exist.  Undefined bits are refused in both cases. */
static void check_spec_ctrl(void)
{
	uint32_t intel[4], amd[4], r[4];
	uint64_t v = 0;
	bool ibrs, ssbd, there;
	uint64_t bits;

	cpuid(7, 0, intel);
	cpuid(0x80000008, 0, amd);
	ibrs = (intel[3] & 1u << 26) || (amd[1] & 1u << 14);
	ssbd = (intel[3] & 1u << 31) || (amd[1] & 1u << 24);
	there = ibrs || ssbd || (intel[3] & 1u << 27) || (amd[1] & 1u << 15);
	bits = (ibrs ? 1u : 0) | (ssbd ? 4u : 0);
	print("speculation control %lx\n", bits);
	check(!wrmsr_safe(SPEC_CTRL, 1ul << 63), "spec_ctrl_high", "taken");
	check(wrmsr_safe(SPEC_CTRL, bits) == there, "spec_ctrl_write", "there %u", there);
	cpuid(0, 0, r);
	check(rdmsr_safe(SPEC_CTRL, &v) == there && v == (there ? bits : v), "spec_ctrl_read",
	      "there %u, %lx, not %lx", there, v, bits);
	check(wrmsr_safe(SPEC_CTRL, 0) == there, "spec_ctrl_off", "there %u", there);
}

/* If MISC_ENABLE disables fast strings, as on Bochs, CPUID enumerates neither ERMS nor FSRM
 * (docs/emulator-traps.md). */
static void check_strings(void)
{
	uint32_t r[4];
	bool slow = is_intel() && !(rdmsr(MISC_ENABLE) & 1);

	cpuid(7, 0, r);
	check(!slow || (!(r[1] & 1u << 9) && !(r[3] & 1u << 4)), "slow_strings", "ebx %x edx %x",
	      r[1], r[3]);
}

/* CPUID has MTRRs, which have no ranges: all memory is write-back, and the default type is kept. */
static void check_mtrrs(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	check(r[3] & 1u << 12, "mtrr", "edx %x", r[3]);
	check(rdmsr(MTRR_CAP) == 0x400, "mtrr_cap", "%lx", rdmsr(MTRR_CAP));
	check(!wrmsr_safe(MTRR_CAP, 0x400), "mtrr_cap_write", "taken");
	check(rdmsr(MTRR_DEF_TYPE) == 0x806, "mtrr_at_boot", "%lx", rdmsr(MTRR_DEF_TYPE));
	check(wrmsr_safe(MTRR_DEF_TYPE, 0x401) && rdmsr(MTRR_DEF_TYPE) == 0x401, "mtrr_kept", "%lx",
	      rdmsr(MTRR_DEF_TYPE));
	check(!wrmsr_safe(MTRR_DEF_TYPE, 0x802) && !wrmsr_safe(MTRR_DEF_TYPE, 0x906) &&
	          !wrmsr_safe(MTRR_DEF_TYPE, 1ul << 63 | 0x806),
	      "mtrr_reserved", "taken");
	check(rdmsr(MTRR_DEF_TYPE) == 0x401, "mtrr_unchanged", "%lx", rdmsr(MTRR_DEF_TYPE));
	wrmsr(MTRR_DEF_TYPE, 0x806);
}

/* MSRs that would affect more than the guest do not exist, and writes of DEBUGCTL are ignored. */
static void check_msrs(void)
{
	static const uint32_t hidden[] = {
	    0x33,       /* TEST_CTL */
	    0x10b,      /* FLUSH_CMD */
	    0x122,      /* TSX_CTRL */
	    0x17b,      /* MCG_CTL */
	    0x200,      /* a variable MTRR, of which MTRRcap says there is none */
	    0x250,      /* a fixed one: neither */
	    0x400,      /* MC0_CTL */
	    0x480,      /* VMX_BASIC */
	    0xc0000104, /* TSC_RATIO */
	    0xc0010114, /* VM_CR */
	    0xc0010117, /* VM_HSAVE_PA */
	};

	for (unsigned i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		check(FAULTS(VECTOR_GP, "rdmsr", "c"(hidden[i])), "msr_read", "%x: no #GP",
		      hidden[i]);
		check(FAULTS(VECTOR_GP, "wrmsr", "c"(hidden[i]), "a"(0), "d"(0)), "msr_write",
		      "%x: no #GP", hidden[i]);
	}
	/* CPUID enumerates MCE and MCA: their registers exist, and report no banks */
	check(rdmsr(0x179) == 0 && rdmsr(0x17a) == 0, "machine_check_banks", "cap %lx status %lx",
	      rdmsr(0x179), rdmsr(0x17a));
	check_mtrrs();
	check_xss();
	check_spec_ctrl();
	check_strings();
	wrmsr(0x1d9, 3); /* LBR, BTF */
	check(rdmsr(0x1d9) == 0, "debugctl", "%lx", rdmsr(0x1d9));
}

/* Each instruction is followed by exactly one trap, also one that exits: nop, cpuid, nop, popf. */
static void check_single_step(void)
{
	unsigned before = taken[VECTOR_DB];
	uint64_t flags;

	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	__asm__ volatile("push %0; popf; nop; xor %%eax, %%eax; cpuid; nop; push %1; popf"
	                 :
	                 : "r"(flags | RFLAGS_TF), "r"(flags)
	                 : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	check(taken[VECTOR_DB] - before == 6, "single_step", "%u traps", taken[VECTOR_DB] - before);
	check(last_dr6 & DR6_BS, "single_step_dr6", "%lx", last_dr6);
}

/* A step over a MOV to CR0 that the VMM carries out. */
static void check_step_over_cr0(void)
{
	unsigned before = taken[VECTOR_DB];
	uint64_t flags, cr0 = read_cr0();

	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	__asm__ volatile("push %0; popf; mov %2, %%cr0; mov %3, %%cr0; push %1; popf"
	                 :
	                 : "r"(flags | RFLAGS_TF), "r"(flags), "r"(cr0 | CR0_CD), "r"(cr0)
	                 : "memory", "cc");
	check(taken[VECTOR_DB] - before == 4, "step_over_cr0", "%u traps",
	      taken[VECTOR_DB] - before);
}

/* The same in the shadows of STI, which ends a step, and of MOV SS, which delays it. */
static void check_step_in_shadow(void)
{
	unsigned before = taken[VECTOR_DB];
	uint64_t flags, ss;

	__asm__ volatile("pushf; pop %0; mov %%ss, %1" : "=r"(flags), "=r"(ss));
	__asm__ volatile("push %0; popf; sti; nop; cli; xor %%eax, %%eax; mov %w2, %%ss; cpuid; "
	                 "push %1; popf"
	                 :
	                 : "r"(flags | RFLAGS_TF), "r"(flags), "r"(ss)
	                 : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	check(taken[VECTOR_DB] - before == 7, "step_in_shadow", "%u traps",
	      taken[VECTOR_DB] - before);
}

static void check_traps(void)
{
	uint64_t after;
	unsigned before = taken[VECTOR_BP];

	__asm__ volatile("lea 1f(%%rip), %0; int3; 1:" : "=r"(after) : : "memory");
	check(taken[VECTOR_BP] - before == 1 && last_rip == after, "int3", "rip %lx, not %lx",
	      last_rip, after);
	before = taken[VECTOR_DB];
	__asm__ volatile("lea 1f(%%rip), %0; .byte 0xf1; 1:" : "=r"(after) : : "memory");
	check(taken[VECTOR_DB] - before == 1 && last_rip == after, "int1", "rip %lx, not %lx",
	      last_rip, after);
	before = taken[VECTOR_DB];
	__asm__ volatile("lea 1f(%%rip), %0; mov %0, %%dr0; mov %1, %%dr7; nop; 1: nop; "
	                 "mov %2, %%dr7"
	                 : "=&r"(after)
	                 : "r"(DR7_LE0 | 0x400), "r"(0x400ul)
	                 : "memory");
	check(taken[VECTOR_DB] - before == 1 && last_rip == after && (last_dr6 & DR6_B0),
	      "breakpoint", "%u traps, rip %lx, not %lx, dr6 %lx", taken[VECTOR_DB] - before,
	      last_rip, after, last_dr6);
}

/* DR7.GD is clear when the handler begins: else its own accesses would fault. */
static void check_guard(void)
{
	unsigned before = taken[VECTOR_DB];

	__asm__ volatile("mov %0, %%dr7; mov %1, %%dr0" : : "r"(DR7_GD | 0x400), "r"(0ul));
	check(taken[VECTOR_DB] - before == 1 && (last_dr6 & DR6_BD), "guard", "%u traps, dr6 %lx",
	      taken[VECTOR_DB] - before, last_dr6);
}

/* The same after a trap with another cause. */
static void check_guard_at_step(void)
{
	uint64_t flags;
	unsigned before = taken[VECTOR_DB];

	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	__asm__ volatile("push %0; push %1; mov %2, %%dr7; popf; popf"
	                 :
	                 : "r"(flags), "r"(flags | RFLAGS_TF), "r"(DR7_GD | 0x400)
	                 : "memory", "cc");
	check(taken[VECTOR_DB] - before == 1 && !(last_dr6 & DR6_BD), "guard_step",
	      "%u traps, dr6 %lx", taken[VECTOR_DB] - before, last_dr6);
}

static volatile unsigned depth, deepest;

/* The first time it sends itself another NMI, which must wait for the IRET. */
static void on_nmi(struct trap_frame *f)
{
	(void)f;
	if (++depth > deepest)
		deepest = depth;
	if (taken[VECTOR_NMI]++ == 0)
		lapic_send(lapic_id(), ICR_NMI);
	for (unsigned i = 0; i < 10; i++)
		cpu_pause();
	depth--;
}

static bool nmis(unsigned n)
{
	for (unsigned i = 0; i < 1000000 && taken[VECTOR_NMI] < n; i++)
		cpu_pause();
	return taken[VECTOR_NMI] == n;
}

static void check_nmi(void)
{
	trap_set_exception(VECTOR_NMI, on_nmi);
	lapic_send(lapic_id(), ICR_NMI);
	check(nmis(2), "nmi", "%u came", taken[VECTOR_NMI]);
	check(deepest == 1, "nmi_not_nested", "%u deep", deepest);
	lapic_send(lapic_id(), ICR_NMI);
	check(nmis(3), "nmi_again", "%u came", taken[VECTOR_NMI]);
}

/* The ICR is written where no NMI is taken after the next instruction (MOV SS), or need not be
 * (STI).  In x2APIC mode WRMSR is that instruction itself. */
static void check_nmi_shadow(void)
{
	uint32_t id = lapic_id();
	uint16_t ss;

	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	__asm__ volatile("mov %0, %%ss; wrmsr" : : "r"(ss), "c"(0x830), "a"(ICR_NMI), "d"(id));
	check(nmis(4), "nmi_after_mov_ss", "%u came", taken[VECTOR_NMI]);
	__asm__ volatile("sti; wrmsr; cli" : : "c"(0x830), "a"(ICR_NMI), "d"(id));
	check(nmis(5), "nmi_after_sti", "%u came", taken[VECTOR_NMI]);
}

void guest_main(void)
{
	bool x2 = lapic_init(false);

	trap_set_exception(VECTOR_DB, on_trap);
	trap_set_exception(VECTOR_BP, on_trap);
	trap_set_exception(VECTOR_UD, on_fault);
	trap_set_exception(VECTOR_GP, on_fault);
	check_control_registers();
	check_cache_instructions();
	check_forbidden();
	check_msrs();
	check_single_step();
	/* on VT-x it is executed again, and Bochs traps twice (docs/emulator-traps.md) */
	if (!is_intel())
		check_step_over_cr0();
	check_step_in_shadow();
	check_traps();
	check_guard();
	/* QEMU does not clear DR7.GD then (docs/emulator-traps.md) */
	if (is_intel())
		check_guard_at_step();
	check_nmi();
	if (x2)
		check_nmi_shadow();
	done();
}
