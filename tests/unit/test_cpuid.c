/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID as guests see it, on recorded leaves of real machines (tests/unit/data/cpuid), and that
 * docs/cpuid.md agrees.  `build/unit/test_cpuid --write` generates that table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/hvm/hvm.h"
#include "tests/unit/rig/cpuid_dump.h"
#include "tests/unit/rig/document.h"
#include "vmm/cpuid_policy.h"

#define DOCUMENT "docs/cpuid.md"
#define TABLE    "| CPUID | feature | a guest sees | why |\n|---|---|---|---|\n"
#define BIT(n)   (1u << (n))
#define AMX_XCR0 0x60000u

/* Each leaf that anybody asks for, and more. */
static void on_each_leaf(void (*test)(uint32_t leaf, uint32_t sub))
{
	static const uint32_t first[] = {0, 0x40000000, 0x80000000};

	for (unsigned i = 0; i < 3; i++)
		for (uint32_t leaf = first[i]; leaf < first[i] + 0x30; leaf++)
			for (uint32_t sub = 0; sub < 70; sub++)
				test(leaf, sub);
}

static const struct cpuid_view one = {.vcpus = 1, .apic = true};

static struct cpuid guest(uint32_t leaf, uint32_t sub)
{
	return cpuid_for_guest(dump_ask, &one, leaf, sub);
}

static uint32_t reg_of(struct cpuid r, enum cpuid_register reg)
{
	const uint32_t word[] = {r.eax, r.ebx, r.ecx, r.edx};

	return word[reg];
}

static bool is_intel(void)
{
	return dump_ask(0, 0).ebx == CPUID_INTEL_EBX;
}

static bool whole_amx(void)
{
	return guest(7, 0).edx & BIT(24);
}

/* --- feature bits --------------------------------------------------------------------------- */

static bool is_amx(const struct cpuid_feature *f)
{
	return !strncmp(f->name, "amx_", 4) || !strcmp(f->name, "xfd");
}

/* Is the leaf below what the machine says is its last? */
static bool is_there(const struct cpuid_word *w)
{
	return w->leaf <= dump_ask(w->leaf & 0x80000000, 0).eax &&
	       (!w->sub || w->leaf != 7 || w->sub <= dump_ask(7, 0).eax);
}

/* A bit that needs nothing of the host is there when the CPU has it; no other is. */
static void check_word(const struct cpuid_word *w)
{
	uint32_t has = is_there(w) ? reg_of(dump_ask(w->leaf, w->sub), w->reg) : 0;
	uint32_t sees = reg_of(guest(w->leaf, w->sub), w->reg), known = 0;

	for (unsigned i = 0; i < w->features; i++) {
		const struct cpuid_feature *f = &w->feature[i];
		bool shown = f->verdict == CPUID_SHOWN && (!is_amx(f) || whole_amx());

		known |= BIT(f->bit);
		if (f->verdict != CPUID_MADE &&
		    !(sees & BIT(f->bit)) != !(shown && (has & BIT(f->bit))))
			fail_msg("%s: %s: the CPU's %x, the guest's %x", dump.path, f->name, has,
			         sees);
	}
	if (sees & ~known)
		fail_msg("%s: leaf %x.%x: unknown bits %x", dump.path, w->leaf, w->sub,
		         sees & ~known);
}

static void check_words(void)
{
	for (unsigned i = 0; i < cpuid_words_count; i++)
		check_word(&cpuid_words[i]);
}

static void test_features(void **state)
{
	(void)state;
	on_each_machine(check_words);
}

/* What needs state of the host's that no guest has here, by the manuals and not by our table. */
static const struct {
	uint32_t leaf, sub;
	enum cpuid_register reg;
	uint32_t bits;
	const char *what;
} with_host_state[] = {
    {1, 0, CPUID_ECX,
     BIT(2) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) | BIT(15) | BIT(24), "1 ECX"},
    {1, 0, CPUID_EDX, BIT(18) | BIT(21) | BIT(22) | BIT(29), "1 EDX"},
    {7, 0, CPUID_EBX, BIT(1) | BIT(2) | BIT(12) | BIT(14) | BIT(15) | BIT(25),
     "7 EBX: TSC_ADJUST, SGX, RDT, MPX, PT"},
    {7, 0, CPUID_ECX,
     BIT(5) | BIT(7) | BIT(13) | BIT(16) | BIT(23) | BIT(24) | BIT(29) | BIT(30) | BIT(31),
     "7 ECX: WAITPKG, CET, TME, LA57, KL, ENQCMD, SGX_LC, PKS"},
    {7, 0, CPUID_EDX, BIT(5) | BIT(9) | BIT(13) | BIT(18) | BIT(19) | BIT(20) | BIT(30),
     "7 EDX: UINTR, SRBDS_CTRL, TSX_FORCE_ABORT, PCONFIG, LBR, CET"},
    {7, 1, CPUID_EAX, BIT(6) | BIT(8) | BIT(17) | BIT(22) | BIT(26) | BIT(27),
     "7.1 EAX: LASS, FRED, HRESET, LAM, MSRLIST"},
    {7, 1, CPUID_EBX, ~0u, "7.1 EBX"},
    {7, 1, CPUID_EDX, BIT(15) | BIT(18) | BIT(19) | BIT(21), "7.1 EDX: USER_MSR, CET, AVX10, APX"},
    {0xd, 1, CPUID_ECX, ~0u, "XSS"},
    {0xd, 1, CPUID_EDX, ~0u, "XSS"},
    {0x80000001, 0, CPUID_ECX,
     BIT(2) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(13) | BIT(15) | BIT(19) | BIT(23) |
         BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29),
     "80000001 ECX"},
    {0x80000007, 0, CPUID_EDX, ~BIT(8), "80000007 EDX"},
    {0x80000008, 0, CPUID_EBX,
     BIT(1) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(23) | BIT(25) | BIT(27), "80000008 EBX"},
    {0x80000008, 0, CPUID_EDX, ~0u, "80000008 EDX: RDPRU, INVLPGB"},
    {0x80000021, 0, CPUID_EAX, BIT(7) | BIT(13) | BIT(17), "80000021 EAX"},
};

static void check_host_state(void)
{
	for (unsigned i = 0; i < sizeof with_host_state / sizeof with_host_state[0]; i++) {
		uint32_t sees = reg_of(guest(with_host_state[i].leaf, with_host_state[i].sub),
		                       with_host_state[i].reg);

		if (sees & with_host_state[i].bits)
			fail_msg("%s: %s: %x", dump.path, with_host_state[i].what, sees);
	}
}

static bool is_nothing(struct cpuid r)
{
	return !r.eax && !r.ebx && !r.ecx && !r.edx;
}

/* Leaves that would tell of the machine: MONITOR, power, counters, resources, SGX, trace, clocks,
 * SVM, IBS, memory encryption, its core types. */
static void check_silent(void)
{
	static const uint32_t silent[] = {
	    3,          5,          9,          0xa,        0xc,        0xf,        0x10,      0x12,
	    0x14,       0x15,       0x16,       0x17,       0x19,       0x1a,       0x1b,      0x1c,
	    0x8000000a, 0x8000001b, 0x8000001c, 0x8000001f, 0x80000020, 0x80000022, 0x80000026};

	for (unsigned i = 0; i < sizeof silent / sizeof silent[0]; i++)
		for (uint32_t sub = 0; sub < 4; sub++)
			assert_true(is_nothing(guest(silent[i], sub)));
}

static void test_host_state(void **state)
{
	(void)state;
	on_each_machine(check_host_state);
	dump.path = "everything";
	dump.everything = true;
	check_host_state();
	check_words();
	check_silent();
}

/* Machines that are known to have something, by name, so that a wrong bit in the table is found. */
static const struct {
	const char *machine;
	uint32_t leaf, sub;
	enum cpuid_register reg;
	uint8_t bit;
	bool shown;
} expected[] = {
    {"sapphire-rapids", 7, 0, CPUID_ECX, 14, true},    /* AVX512_VPOPCNTDQ */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 4, true},     /* FSRM */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 14, true},    /* SERIALIZE */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 22, true},    /* AMX_BF16 */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 24, true},    /* AMX_TILE */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 25, true},    /* AMX_INT8 */
    {"sapphire-rapids", 7, 1, CPUID_EAX, 4, true},     /* AVX_VNNI */
    {"sapphire-rapids", 7, 1, CPUID_EAX, 5, true},     /* AVX512_BF16 */
    {"sapphire-rapids", 7, 1, CPUID_EAX, 10, true},    /* FZRM */
    {"sapphire-rapids", 0xd, 1, CPUID_EAX, 3, true},   /* XSAVES */
    {"sapphire-rapids", 0xd, 1, CPUID_EAX, 4, true},   /* XFD */
    {"sapphire-rapids", 0xd, 0, CPUID_EAX, 18, true},  /* tile data */
    {"sapphire-rapids", 7, 0, CPUID_EDX, 5, false},    /* UINTR */
    {"arrow-lake", 7, 1, CPUID_EAX, 23, true},         /* AVX_IFMA */
    {"arrow-lake", 7, 1, CPUID_EDX, 4, true},          /* AVX_VNNI_INT8 */
    {"arrow-lake", 7, 0, CPUID_EDX, 15, false},        /* hybrid */
    {"arrow-lake", 7, 1, CPUID_EAX, 26, false},        /* LAM */
    {"alder-lake", 7, 0, CPUID_ECX, 31, false},        /* PKS */
    {"ice-lake-d", 7, 0, CPUID_ECX, 10, true},         /* VPCLMULQDQ */
    {"skylake-sp", 7, 0, CPUID_EBX, 16, true},         /* AVX512F */
    {"skylake-sp", 7, 0, CPUID_EBX, 14, false},        /* MPX */
    {"haswell", 7, 0, CPUID_EBX, 5, true},             /* AVX2 */
    {"sandy-bridge", 1, 0, CPUID_ECX, 28, true},       /* AVX */
    {"nehalem", 1, 0, CPUID_ECX, 20, true},            /* SSE4.2 */
    {"nehalem", 1, 0, CPUID_EDX, 12, true},            /* MTRR */
    {"abu-dhabi", 0x80000001, 0, CPUID_ECX, 16, true}, /* FMA4 */
    {"naples", 7, 0, CPUID_EBX, 29, true},             /* SHA */
    {"naples", 0x80000001, 0, CPUID_EDX, 12, true},    /* MTRR */
    {"naples", 0x80000001, 0, CPUID_ECX, 22, true},    /* TOPOEXT */
    {"rome", 7, 0, CPUID_EBX, 24, true},               /* CLWB */
    {"rome", 0x80000008, 0, CPUID_EBX, 4, false},      /* RDPRU */
    {"milan", 7, 0, CPUID_ECX, 9, true},               /* VAES */
    {"milan", 7, 0, CPUID_ECX, 7, false},              /* CET */
    {"genoa", 7, 1, CPUID_EAX, 5, true},               /* AVX512_BF16 */
    {"genoa", 7, 0, CPUID_ECX, 16, false},             /* LA57 */
    {"genoa", 0x80000021, 0, CPUID_EAX, 8, true},      /* Automatic IBRS */
    {"turin", 7, 1, CPUID_EAX, 4, true},               /* AVX_VNNI */
    {"turin", 7, 0, CPUID_ECX, 27, true},              /* MOVDIRI */
};

static void test_expected(void **state)
{
	char path[80];

	(void)state;
	for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		uint32_t has, sees;

		snprintf(path, sizeof path, "tests/unit/data/cpuid/%s.txt", expected[i].machine);
		dump_read(path);
		has = reg_of(dump_ask(expected[i].leaf, expected[i].sub), expected[i].reg);
		sees = reg_of(guest(expected[i].leaf, expected[i].sub), expected[i].reg);
		if (!(has & BIT(expected[i].bit)))
			fail_msg("row %u: %s has it not: %x", i, path, has);
		if (!(sees & BIT(expected[i].bit)) == expected[i].shown)
			fail_msg("row %u: %s: %x", i, path, sees);
	}
}

/* --- AMX: the whole or nothing -------------------------------------------------------------- */

static void check_amx(void)
{
	bool tiles = guest(7, 0).edx & BIT(24);

	assert_int_equal(tiles, (guest(0xd, 0).eax & AMX_XCR0) == AMX_XCR0);
	assert_int_equal(tiles, !!(guest(0xd, 0).eax & AMX_XCR0));
	assert_int_equal(tiles, !!(guest(0xd, 1).eax & BIT(4)));
	assert_int_equal(tiles, guest(0x1d, 0).eax != 0);
	assert_int_equal(tiles, guest(0x1e, 0).ebx != 0);
	assert_int_equal(tiles, guest(0xd, 18).eax != 0);
	if (!tiles)
		assert_true(!(guest(7, 0).edx & (BIT(22) | BIT(25))) &&
		            !(guest(7, 1).eax & BIT(21)));
	assert_int_equal(cpuid_xcr0(dump_ask) & AMX_XCR0, tiles ? AMX_XCR0 : 0);
}

/* Takes bits from a recorded leaf. */
static void take(uint32_t leaf, uint32_t sub, uint32_t eax, uint32_t edx)
{
	for (unsigned i = 0; i < dump.rows; i++)
		if (dump.row[i].leaf == leaf && dump.row[i].sub == sub) {
			dump.row[i].r.eax &= ~eax;
			dump.row[i].r.edx &= ~edx;
			return;
		}
	fail_msg("%s has no leaf %x.%x", dump.path, leaf, sub);
}

static void test_amx(void **state)
{
	static const struct {
		uint32_t leaf, sub, eax, edx;
	} without[] = {
	    {7, 0, 0, BIT(24)}, {0xd, 0, BIT(17), 0}, {0xd, 0, BIT(18), 0}, {0xd, 1, BIT(4), 0}};

	(void)state;
	on_each_machine(check_amx);
	for (unsigned i = 0; i < 4; i++) {
		dump_read("tests/unit/data/cpuid/sapphire-rapids.txt");
		assert_true(whole_amx());
		take(without[i].leaf, without[i].sub, without[i].eax, without[i].edx);
		assert_false(whole_amx());
		check_amx();
	}
}

/* --- XSAVE ---------------------------------------------------------------------------------- */

/* The recorded sizes are of what was enabled there, with supervisor components. */
static void test_compacted(void **state)
{
	struct cpuid_view v = {.vcpus = 1, .apic = true, .xcr0 = 7};

	(void)state;
	dump_read("tests/unit/data/cpuid/sapphire-rapids.txt");
	assert_int_equal(cpuid_for_guest(dump_ask, &v, 0xd, 1).ebx, 576 + 256);
	v.xcr0 = 0x207; /* PKRU follows at once */
	assert_int_equal(cpuid_for_guest(dump_ask, &v, 0xd, 1).ebx, 576 + 256 + 8);
	v.xcr0 = 0x602e7; /* and the tiles at multiples of 64 */
	assert_int_equal(cpuid_for_guest(dump_ask, &v, 0xd, 1).ebx,
	                 576 + 256 + 64 + 512 + 1024 + 64 + 64 + 8192);
}

/* Each component that can be enabled has a place inside the area, and no other is described. */
static void check_xsave(void)
{
	uint64_t have = cpuid_xcr0(dump_ask);
	struct cpuid d = guest(0xd, 0);
	bool described = false;
	uint32_t last = 576;

	if (guest(0, 0).eax < 0xd) {
		assert_true(is_nothing(d) && !have);
		return;
	}
	assert_int_equal((uint64_t)d.edx << 32 | d.eax, have);
	assert_int_equal(have & ~XCR0_KNOWN, 0);
	for (uint32_t i = 2; i < 64; i++) {
		struct cpuid c = guest(0xd, i);

		if (!(have >> i & 1)) {
			assert_true(!c.eax && !c.ebx && !c.ecx && !c.edx);
			continue;
		}
		described |= c.eax != 0;
		assert_false(c.ecx & 1); /* of XCR0, not of XSS */
		if (c.ebx + c.eax > last)
			last = c.ebx + c.eax;
	}
	if (described)
		assert_int_equal(d.ecx, last);
	else /* recorded without sub-leaves: nothing is hidden there, so the size is the CPU's */
		assert_int_equal(d.ecx, dump_ask(0xd, 0).ecx);
}

static void test_xsave(void **state)
{
	(void)state;
	on_each_machine(check_xsave);
}

/* --- leaves --------------------------------------------------------------------------------- */

static void check_beyond(uint32_t leaf, uint32_t sub)
{
	uint32_t range = leaf & 0xc0000000;

	if (leaf > guest(range, 0).eax)
		assert_true(is_nothing(guest(leaf, sub)));
}

static void check_ranges(void)
{
	assert_true(guest(0, 0).eax >= 0xb && guest(0, 0).eax <= 0x1f);
	assert_true(guest(0x80000000, 0).eax >= 0x80000008);
	assert_true(guest(0x80000000, 0).eax <= 0x80000021);
	assert_int_equal(guest(0x40000000, 0).eax, 0x40000001);
	assert_true(guest(7, 0).eax <= 2);
	assert_true((guest(0x80000008, 0).eax >> 8 & 0xff) <= 48);
	assert_true(guest(0x80000008, 0).eax <= 0xffff);
	assert_int_equal(guest(0, 0).ebx, dump_ask(0, 0).ebx);
	on_each_leaf(check_beyond);
}

static void test_leaves(void **state)
{
	(void)state;
	on_each_machine(check_ranges);
}

static void test_silent(void **state)
{
	(void)state;
	on_each_machine(check_silent);
}

/* --- topology ------------------------------------------------------------------------------- */

static unsigned power_of_two(unsigned n)
{
	unsigned p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static void check_levels(const struct cpuid_view *v, uint32_t leaf)
{
	struct cpuid thread = cpuid_for_guest(dump_ask, v, leaf, 0);
	struct cpuid core = cpuid_for_guest(dump_ask, v, leaf, 1);

	assert_true(thread.eax == 0 && thread.ebx == 1 && thread.ecx == 0x100);
	assert_true(core.ebx == v->vcpus && core.ecx == 0x201);
	assert_int_equal(1u << core.eax, power_of_two(v->vcpus));
	assert_true(thread.edx == v->id && core.edx == v->id);
	assert_true((cpuid_for_guest(dump_ask, v, leaf, 2).ecx >> 8) == 0);
}

/* A cache of the first or second level is one core's, a further one all the guest's cores'. */
static void check_caches(const struct cpuid_view *v, uint32_t leaf, bool cores)
{
	for (uint32_t sub = 0; sub < 8; sub++) {
		struct cpuid c = cpuid_for_guest(dump_ask, v, leaf, sub), cpu = dump_ask(leaf, sub);
		uint32_t level = c.eax >> 5 & 7, sharing = (c.eax >> 14 & 0xfff) + 1;

		if (!(c.eax & 0x1f)) {
			assert_true(is_nothing(c));
			continue;
		}
		assert_int_equal(c.eax & 0x3fff, cpu.eax & 0x3fff);
		assert_true(c.ebx == cpu.ebx && c.ecx == cpu.ecx && c.edx == cpu.edx);
		assert_int_equal(sharing, level > 2 ? power_of_two(v->vcpus) : 1);
		assert_int_equal(c.eax >> 26, cores ? (power_of_two(v->vcpus) - 1) & 0x3f : 0);
	}
}

static void check_amd(const struct cpuid_view *v)
{
	struct cpuid widths = cpuid_for_guest(dump_ask, v, 0x80000008, 0);
	struct cpuid ids = cpuid_for_guest(dump_ask, v, 0x8000001e, 0);
	bool legacy = cpuid_for_guest(dump_ask, v, 0x80000001, 0).ecx & 2;

	assert_int_equal(legacy, v->vcpus > 1);
	assert_int_equal((widths.ecx & 0xff) + 1, v->vcpus);
	assert_int_equal(1u << (widths.ecx >> 12 & 0xf), power_of_two(v->vcpus));
	if (dump_ask(0x80000001, 0).ecx & BIT(22)) {
		assert_int_equal(ids.eax, v->id);
		assert_int_equal(ids.ebx, v->id); /* a core of one thread */
		assert_int_equal(ids.ecx, 0);     /* one node */
	} else {
		assert_true(is_nothing(ids));
	}
	check_caches(v, 0x8000001d, false);
}

static void check_topology_of(unsigned vcpus, unsigned id)
{
	struct cpuid_view v = {.vcpus = vcpus, .id = id, .apic = true};
	struct cpuid r = cpuid_for_guest(dump_ask, &v, 1, 0);

	assert_int_equal(r.ebx >> 24, id);
	assert_int_equal(r.ebx >> 16 & 0xff, vcpus);
	assert_int_equal(!!(r.edx & BIT(28)), vcpus > 1);
	check_levels(&v, 0xb);
	if (cpuid_for_guest(dump_ask, &v, 0, 0).eax >= 0x1f)
		check_levels(&v, 0x1f);
	if (is_intel()) {
		check_caches(&v, 4, true);
		assert_int_equal(cpuid_for_guest(dump_ask, &v, 0x80000008, 0).ecx, 0);
	} else {
		check_amd(&v);
	}
}

static void check_topology(void)
{
	static const unsigned vcpus[] = {1, 2, 3, 8, 64};

	for (unsigned i = 0; i < sizeof vcpus / sizeof vcpus[0]; i++)
		for (unsigned id = 0; id < vcpus[i]; id++)
			check_topology_of(vcpus[i], id);
}

static void test_topology(void **state)
{
	(void)state;
	on_each_machine(check_topology);
}

/* --- what depends on the guest -------------------------------------------------------------- */

static void check_made(void)
{
	struct cpuid_view v = {.vcpus = 1};
	bool pku = dump_ask(0, 0).eax >= 7 && (dump_ask(7, 0).ecx & BIT(3));

	assert_false(cpuid_for_guest(dump_ask, &v, 1, 0).edx & BIT(9));
	assert_false(cpuid_for_guest(dump_ask, &v, 0x80000001, 0).edx & BIT(9));
	assert_false(cpuid_for_guest(dump_ask, &v, 1, 0).ecx & BIT(27));
	assert_true(cpuid_for_guest(dump_ask, &v, 1, 0).ecx & BIT(31));
	assert_false(cpuid_for_guest(dump_ask, &v, 7, 0).ecx & BIT(4));
	v = (struct cpuid_view){.vcpus = 1, .apic = true, .cr4 = CR4_OSXSAVE | CR4_PKE};
	assert_true(cpuid_for_guest(dump_ask, &v, 1, 0).edx & BIT(9));
	assert_int_equal(!!(cpuid_for_guest(dump_ask, &v, 0x80000001, 0).edx & BIT(9)),
	                 !is_intel());
	assert_true(cpuid_for_guest(dump_ask, &v, 1, 0).ecx & BIT(27));
	assert_int_equal(!!(cpuid_for_guest(dump_ask, &v, 7, 0).ecx & BIT(4)), pku);
	v.lacks = HVM_LACKS_RDTSCP | HVM_LACKS_INVPCID | HVM_LACKS_XSAVES;
	assert_false(cpuid_for_guest(dump_ask, &v, 0x80000001, 0).edx & BIT(27));
	assert_false(cpuid_for_guest(dump_ask, &v, 7, 0).ecx & BIT(22));
	assert_false(cpuid_for_guest(dump_ask, &v, 7, 0).ebx & BIT(10));
	assert_false(cpuid_for_guest(dump_ask, &v, 0xd, 1).eax & BIT(3));
}

static void test_made(void **state)
{
	(void)state;
	on_each_machine(check_made);
}

/* Where the firmware has switched fast strings off no bit tells of them; no other bit changes. */
static void check_slow_strings(uint32_t leaf, uint32_t sub)
{
	struct cpuid_view slow = one;
	struct cpuid should, r;

	slow.slow_strings = true;
	should = guest(leaf, sub);
	r = cpuid_for_guest(dump_ask, &slow, leaf, sub);
	if (leaf == 7 && sub == 0) {
		should.ebx &= ~BIT(9);
		should.edx &= ~BIT(4);
	} else if (leaf == 7 && sub == 1) {
		should.eax &= ~(BIT(10) | BIT(11) | BIT(12));
	}
	assert_memory_equal(&r, &should, sizeof r);
}

static void test_slow_strings(void **state)
{
	(void)state;
	dump_read("tests/unit/data/cpuid/sapphire-rapids.txt");
	assert_true((guest(7, 0).ebx & BIT(9)) && (guest(7, 0).edx & BIT(4)));
	assert_int_equal(guest(7, 1).eax >> 10 & 7, 7);
	on_each_leaf(check_slow_strings);
}

/* --- the document --------------------------------------------------------------------------- */

static void describe(FILE *f, const struct cpuid_word *w, const struct cpuid_feature *x)
{
	static const char *const reg[] = {"EAX", "EBX", "ECX", "EDX"};
	static const char *const verdict[] = {
	    [CPUID_HIDDEN] = "0", [CPUID_SHOWN] = "the CPU's", [CPUID_MADE] = "its own"};

	fprintf(f, "| %Xh", w->leaf);
	if (w->sub)
		fprintf(f, ".%u", w->sub);
	fprintf(f, " %s %u | `%s` | %s | %s |\n", reg[w->reg], x->bit, x->name, verdict[x->verdict],
	        x->why);
}

/* The page as it should be: its words up to the table, and the table. */
static char *page(void)
{
	char *text = NULL, line[400];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size), *in = fopen(DOCUMENT, "r");

	assert_non_null(in);
	while (fgets(line, sizeof line, in) && strncmp(line, TABLE, strlen(line)) != 0)
		fputs(line, out);
	fclose(in);
	fputs(TABLE, out);
	for (unsigned i = 0; i < cpuid_words_count; i++)
		for (unsigned k = 0; k < cpuid_words[i].features; k++)
			describe(out, &cpuid_words[i], &cpuid_words[i].feature[k]);
	fclose(out);
	return text;
}

static void test_document(void **state)
{
	(void)state;
	document_check(DOCUMENT, page(), "build/unit/test_cpuid --write");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_features),     cmocka_unit_test(test_host_state),
	    cmocka_unit_test(test_expected),     cmocka_unit_test(test_amx),
	    cmocka_unit_test(test_xsave),        cmocka_unit_test(test_leaves),
	    cmocka_unit_test(test_silent),       cmocka_unit_test(test_topology),
	    cmocka_unit_test(test_made),         cmocka_unit_test(test_compacted),
	    cmocka_unit_test(test_slow_strings), cmocka_unit_test(test_document),
	};

	if (argc > 1 && !strcmp(argv[1], "--write"))
		return document_write(DOCUMENT, page());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
