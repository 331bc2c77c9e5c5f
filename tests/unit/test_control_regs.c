/* SPDX-License-Identifier: BSD-2-Clause */
/* CR0 and CR4: for each rule a value that breaks only that rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "arch/x86_64/hvm/control_regs.c"

#define CR0_LONG 0x80050033ul

static const struct control_state real = {.cr0 = 0x10};
static const struct control_state long64 = {
    .cr0 = CR0_LONG, .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA, .cs_long = true};
static const struct control_state compatible = {
    .cr0 = CR0_LONG, .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA};

static void test_cr0(void **state)
{
	(void)state;
	assert_true(cr0_allowed(&real, 0x11));
	assert_true(cr0_allowed(&real, 0x60000010));
	assert_true(cr0_allowed(&real, 0x40000010));
	assert_false(cr0_allowed(&real, CR0_NW));
	assert_false(cr0_allowed(&real, CR0_PG));
	assert_false(cr0_allowed(&real, 1ul << 32));
	assert_true(cr0_allowed(&real, CR0_PG | CR0_PE));
	assert_true(cr0_allowed(&long64, CR0_LONG | CR0_CD));
	assert_false(cr0_allowed(&long64, CR0_LONG & ~CR0_PG));
	assert_true(cr0_allowed(&compatible, CR0_LONG & ~CR0_PG));
}

static void test_cr0_to_long_mode(void **state)
{
	struct control_state s = {.cr0 = 0x11, .cr4 = CR4_PAE, .efer = EFER_LME};

	(void)state;
	assert_true(cr0_allowed(&s, CR0_LONG));
	s.cs_long = true;
	assert_false(cr0_allowed(&s, CR0_LONG));
	s.cs_long = false;
	s.cr4 = 0;
	assert_false(cr0_allowed(&s, CR0_LONG));
	s = compatible;
	s.cr4 |= CR4_PCIDE;
	assert_false(cr0_allowed(&s, CR0_LONG & ~CR0_PG));
	assert_int_equal(efer_with_cr0(EFER_LME | EFER_NXE, CR0_LONG),
	                 EFER_LME | EFER_LMA | EFER_NXE);
	assert_int_equal(efer_with_cr0(EFER_LME | EFER_LMA, 0x11), EFER_LME);
	assert_int_equal(efer_with_cr0(EFER_NXE, CR0_LONG), EFER_NXE);
}

static void test_cr4(void **state)
{
	struct control_state s = long64;
	uint64_t offered = cr4_offered(1u << 17, 0, 0);

	(void)state;
	assert_true(cr4_allowed(&s, CR4_PAE | CR4_MCE, offered));
	assert_false(cr4_allowed(&s, CR4_MCE, offered));
	assert_true(cr4_allowed(&real, CR4_MCE, offered));
	assert_false(cr4_allowed(&s, CR4_PAE | 1ul << 13, offered)); /* VMXE */
	assert_false(cr4_allowed(&s, CR4_PAE | 1ul << 40, offered));
	assert_true(cr4_allowed(&s, CR4_PAE | CR4_PCIDE, offered));
	s.cr3 = 1;
	assert_false(cr4_allowed(&s, CR4_PAE | CR4_PCIDE, offered));
	s.cr4 |= CR4_PCIDE; /* it stays on: CR3 holds a PCID */
	assert_true(cr4_allowed(&s, CR4_PAE | CR4_PCIDE, offered));
	assert_false(cr4_allowed(&real, CR4_PCIDE, offered));
}

/* Each feature by its CPUID bit alone, and no other bit with all of them. */
static void test_offered(void **state)
{
	(void)state;
	assert_int_equal(cr4_offered(0, 0, 0), 0x7ff);
	assert_int_equal(cr4_offered(1u << 17, 0, 0), 0x7ff | 1 << 17);
	assert_int_equal(cr4_offered(1u << 26, 0, 0), 0x7ff | 1 << 18);
	assert_int_equal(cr4_offered(0, 1, 0), 0x7ff | 1 << 16);
	assert_int_equal(cr4_offered(0, 1u << 7, 0), 0x7ff | 1 << 20);
	assert_int_equal(cr4_offered(0, 1u << 20, 0), 0x7ff | 1 << 21);
	assert_int_equal(cr4_offered(0, 0, 1u << 2), 0x7ff | 1 << 11);
	assert_int_equal(cr4_offered(0, 0, 1u << 3), 0x7ff | 1 << 22);
	assert_int_equal(cr4_offered(~0u, ~0u, ~0u), 0x770fff & ~(1 << 12));
}

static void test_lmsw(void **state)
{
	(void)state;
	assert_int_equal(cr0_after_lmsw(0x10, 1), 0x11);
	assert_int_equal(cr0_after_lmsw(CR0_LONG, 0), CR0_LONG & ~2ul); /* PE stays, MP goes */
	assert_int_equal(cr0_after_lmsw(CR0_LONG, 0xfff0), CR0_LONG & ~2ul);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cr0),  cmocka_unit_test(test_cr0_to_long_mode),
	    cmocka_unit_test(test_cr4),  cmocka_unit_test(test_offered),
	    cmocka_unit_test(test_lmsw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
