/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose IA32_SPEC_CTRL a core has, when it is switched, and which bits a guest may set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "tests/unit/rig/cpuid_dump.h"
#include "arch/x86_64/hvm/spec_ctrl.h"

#define IBRS  1ul
#define STIBP 2ul
#define SSBD  4ul

static uint64_t reg;
static unsigned reads, writes;

static uint64_t read_reg(void)
{
	reads++;
	return reg;
}

static void write_reg(uint64_t value)
{
	writes++;
	reg = value;
}

/* One run of the guest, in which it sees `*seen` and writes `leaves`, if it can. */
static void run(struct spec_ctrl *s, uint64_t *seen, uint64_t leaves)
{
	spec_ctrl_enter(s, write_reg);
	*seen = reg;
	if (s->own)
		reg = leaves;
	spec_ctrl_leave(s, read_reg, write_reg);
	assert_int_equal(reg, 0);
}

static void start(void)
{
	reg = 0;
	reads = writes = 0;
}

static void test_one_that_never_writes(void **state)
{
	struct spec_ctrl s = {0};
	uint64_t seen;

	(void)state;
	start();
	run(&s, &seen, SSBD);
	assert_int_equal(spec_ctrl_write(&s, IBRS | SSBD, 0), SPEC_CTRL_SAME);
	run(&s, &seen, SSBD);
	assert_int_equal(reads + writes, 0);
}

static void test_swap(void **state)
{
	struct spec_ctrl s = {0};
	uint64_t seen;

	(void)state;
	start();
	assert_int_equal(spec_ctrl_write(&s, IBRS | STIBP | SSBD, IBRS), SPEC_CTRL_GIVE);
	run(&s, &seen, IBRS | SSBD);
	assert_int_equal(seen, IBRS);
	run(&s, &seen, 0);
	assert_int_equal(seen, IBRS | SSBD);
	writes = 0;
	run(&s, &seen, 0); /* 0 to 0: read, because it may have changed, and not written */
	assert_int_equal(seen, 0);
	assert_int_equal(writes, 0);
	run(&s, &seen, STIBP);
	run(&s, &seen, STIBP);
	assert_int_equal(seen, STIBP);
}

/* The VMM looked at a call instead of entering: the register is the VMM's again. */
static void test_no_entry(void **state)
{
	struct spec_ctrl s = {.value = SSBD, .own = true};

	(void)state;
	start();
	spec_ctrl_enter(&s, write_reg);
	assert_int_equal(reg, SSBD);
	spec_ctrl_leave(&s, read_reg, write_reg);
	assert_int_equal(reg, 0);
	assert_int_equal(s.value, SSBD);
}

static void test_faults(void **state)
{
	struct spec_ctrl s = {0};

	(void)state;
	assert_int_equal(spec_ctrl_write(&s, 0, 0), SPEC_CTRL_FAULT);
	assert_int_equal(spec_ctrl_write(&s, IBRS, SSBD), SPEC_CTRL_FAULT);
	assert_int_equal(spec_ctrl_write(&s, IBRS, IBRS | 1ul << 63), SPEC_CTRL_FAULT);
	assert_false(s.own);
	assert_int_equal(s.value, 0);
}

/* Each bit that CPUID tells of, on recorded machines. */
static void test_bits(void **state)
{
	static const struct {
		const char *path;
		uint64_t bits;
	} machine[] = {
	    {"tests/unit/data/cpuid/haswell.txt", 0}, /* older microcode */
	    {"tests/unit/data/cpuid/cascade-lake-sp.txt", 7},
	    {"tests/unit/data/cpuid/sapphire-rapids.txt", 0x4ff}, /* but DDPD_U */
	    {"tests/unit/data/cpuid/naples.txt", 0},
	    {"tests/unit/data/cpuid/rome.txt", 7},
	    {"tests/unit/data/cpuid/genoa.txt", 0x87},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof machine / sizeof machine[0]; i++) {
		uint64_t bits;

		dump_read(machine[i].path);
		bits = cpuid_spec_ctrl(dump_ask);
		if (bits != machine[i].bits)
			fail_msg("%s: %lx, not %lx", dump.path, bits, machine[i].bits);
	}
}

/* The register is there when CPUID has a bit that says so, and only then. */
static void check_told(void)
{
	static const struct cpuid_view any = {.vcpus = 1, .apic = true};
	struct cpuid seven = cpuid_for_guest(dump_ask, &any, 7, 0);
	struct cpuid amd = cpuid_for_guest(dump_ask, &any, 0x80000008, 0);
	bool told = (seven.edx & (1u << 26 | 1u << 27 | 1u << 31)) ||
	            (amd.ebx & (1u << 14 | 1u << 15 | 1u << 24 | 1u << 28));

	assert_int_equal(told, cpuid_spec_ctrl(dump_ask) != 0);
}

static void test_told(void **state)
{
	(void)state;
	on_each_machine(check_told);
}

/* No bit that tells of an MSR of the host's: TSX_CTRL, MISC_PACKAGE_CTLS, ENERGY_FILTERING_CTL,
 * DOITM, MCU_CONTROL, FB_CLEAR_CTRL, XAPIC_DISABLE, OVERCLOCKING, GDS_CTRL. */
static void test_arch_capabilities(void **state)
{
	static const uint8_t hosts[] = {7, 9, 10, 11, 12, 18, 21, 23, 25};
	uint64_t all = cpuid_arch_capabilities(~0ul);

	(void)state;
	for (unsigned i = 0; i < sizeof hosts; i++)
		assert_false(all >> hosts[i] & 1);
	assert_int_equal(all & 0x3f, 0x37); /* RDCL_NO, IBRS_ALL, RSBA, SSB_NO, MDS_NO */
	assert_int_equal(cpuid_arch_capabilities(0), 0);
	assert_int_equal(cpuid_arch_capabilities(1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_that_never_writes),
	    cmocka_unit_test(test_swap),
	    cmocka_unit_test(test_no_entry),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_bits),
	    cmocka_unit_test(test_told),
	    cmocka_unit_test(test_arch_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
