/* SPDX-License-Identifier: BSD-2-Clause */
/* Which barriers recorded CPUs get when a core changes owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/barrier.h"

#define ALL (BARRIER_IBPB | BARRIER_L1D | BARRIER_VERW)

static const struct {
	const char *name;
	struct barrier_cpu cpu;
	unsigned set;
} cpus[] = {
    {"before 2018, no microcode", {0}, 0},
    {"Skylake", {.leaf7_edx = 0x9c000400}, ALL},
    {"Skylake under a hypervisor that flushes",
     {.leaf7_edx = 0xbc000400, .arch_capabilities = 8},
     BARRIER_IBPB | BARRIER_VERW},
    {"Skylake, microcode of early 2018", {.leaf7_edx = 0x0c000000}, BARRIER_IBPB},
    {"Cascade Lake",
     {.leaf7_edx = 0xbc000400, .arch_capabilities = 0x2b},
     BARRIER_IBPB | BARRIER_VERW},
    {"Ice Lake",
     {.leaf7_edx = 0xbc000010, .arch_capabilities = 0x20c6b},
     BARRIER_IBPB | BARRIER_VERW},
    {"Gracemont with RFDS microcode",
     {.leaf7_edx = 0xac000010, .arch_capabilities = 1u << 28 | 0x40eb},
     BARRIER_IBPB | BARRIER_VERW},
    {"Zen 2", {.leaf80000008_ebx = 0x91ef657}, BARRIER_IBPB},
    {"Zen without microcode", {.leaf80000008_ebx = 0x7}, 0},
    {"Zen 4 with TSA microcode",
     {.leaf80000008_ebx = 0x791ef257, .leaf80000021_eax = 1u << 5},
     BARRIER_IBPB | BARRIER_VERW},
};

static void test_cpus(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof cpus / sizeof cpus[0]; i++)
		if (barriers_of(&cpus[i].cpu) != cpus[i].set)
			fail_msg("%s: %s", cpus[i].name, barriers_name(barriers_of(&cpus[i].cpu)));
}

/* Each word alone decides nothing but what it is for. */
static void test_single_bits(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 64; b++) {
		struct barrier_cpu a = {.leaf7_edx = b < 32 ? 1u << b : 0};
		struct barrier_cpu c, d;

		assert_int_equal(barriers_of(&a), b == 10   ? BARRIER_VERW
		                                  : b == 26 ? BARRIER_IBPB
		                                  : b == 28 ? BARRIER_L1D
		                                            : 0);
		c = (struct barrier_cpu){.arch_capabilities = 1ul << b};
		assert_int_equal(barriers_of(&c), b == 17 || b == 28 ? BARRIER_VERW : 0);
		d = (struct barrier_cpu){.leaf7_edx = 1u << 28, .arch_capabilities = 1ul << b};
		assert_int_equal(!(barriers_of(&d) & BARRIER_L1D), b == 0 || b == 3);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(barriers_name(0), "none");
	assert_string_equal(barriers_name(ALL), "IBPB L1D VERW");
	assert_string_equal(barriers_name(BARRIER_L1D | BARRIER_VERW), "L1D VERW");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpus),
	                                   cmocka_unit_test(test_single_bits),
	                                   cmocka_unit_test(test_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
